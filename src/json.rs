//! What apps are told: the object `cfWaitingRoom` with the fields of Cloudflare's JSON response, so that a client
//! written for theirs works here, and four of ours: `place`, `peopleAhead`, `pollAfterMs`, `state`. Our own page's script is told
//! these four, and `display`: the finished words that it puts in their places.

use durable::date::iso8601;
use durable::settings::Settings;
use durable::units::Millis;
use durable::wire::Said as _;

use crate::page::words;
use crate::standing::{Notice, Standing, WaitRange};

/// The body of an app's answer. Written piece by piece, for it is what a poll is made of: a tree of values first, or one long format,
/// would cost twice.
pub fn for_apps(standing: Standing, settings: &Settings, poll_after: Millis, now: Millis) -> String {
    let wait = match standing {
        Standing::Waiting { wait, .. } => wait,
        Standing::YourTurn { .. } | Standing::Admitted => Some(WaitRange { from_seconds: 0, to_seconds: 0 }),
        _ => None,
    };
    let minutes = wait.map_or(0, |wait| (wait.from_seconds + wait.to_seconds).div_ceil(120)).to_string();
    let (formatted, unit) = match (wait, minutes.as_str()) {
        (None, _) => ("unavailable", ""),
        (_, "1") => ("1", " minute"),
        (_, minutes) => (minutes, " minutes"),
    };
    let truth = |is: bool| if is { "true" } else { "false" };
    let mut json = String::with_capacity(1_024);
    // The percentiles are told under `random` alone; no event is near while there are none.
    for part in [
        r#"{"cfWaitingRoom":{"inWaitingRoom":"#,
        truth(standing != Standing::Admitted),
        r#","waitTimeKnown":"#,
        truth(wait.is_some()),
        r#","waitTime":"#,
        &minutes,
        r#","waitTime25Percentile":0,"waitTime50Percentile":0,"waitTime75Percentile":0,"waitTimeFormatted":""#,
        formatted,
        unit,
        r#"","queueIsFull":false,"queueAll":"#,
        truth(settings.queue_all),
        r#","lastUpdated":""#,
        &iso8601(now),
        r#"","refreshIntervalSeconds":"#,
        &poll_after.secs_ceil().to_string(),
        r#","queueingMethod":"fifo","isFIFOQueue":true,"isRandomQueue":false,"isPassthroughQueue":false,"isRejectQueue":false,"#,
        r#""isEventActive":false,"isEventPrequeueing":false,"timeUntilEventStart":0,"timeUntilEventStartFormatted":"unavailable","#,
        r#""timeUntilEventEnd":0,"timeUntilEventEndFormatted":"unavailable","shuffleAtEventStart":false,"turnstile":"","#,
        r#""infiniteQueue":false,"#,
    ] {
        json.push_str(part);
    }
    push_own(&mut json, &standing, poll_after);
    json.push_str("}}");
    json
}

/// The body of what our page's script is answered.
pub fn for_the_page(notice: &Notice<'_>) -> String {
    let mut json = String::from("{");
    push_own(&mut json, &notice.standing, notice.poll_after);
    json.push_str(",\"display\":");
    words(notice).say(&mut json);
    json.push('}');
    json
}

fn push_own(json: &mut String, standing: &Standing, poll_after: Millis) {
    let or_null = |number: Option<u64>| number.map_or_else(|| "null".to_owned(), |number| number.to_string());
    for part in [
        "\"place\":",
        &or_null(standing.place().map(|place| place.0 + 1)),
        ",\"peopleAhead\":",
        &or_null(standing.people_ahead()),
        ",\"pollAfterMs\":",
        &poll_after.0.to_string(),
        ",\"state\":\"",
        standing.name(),
        "\"",
    ] {
        json.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{settings, with_notice};
    use durable::units::Place;
    use serde_json::{Value, json};

    fn told(standing: Standing) -> Value {
        let settings = settings();
        let app = |notice: &Notice<'_>| for_apps(standing, notice.settings, notice.poll_after, notice.now);
        serde_json::from_str(&with_notice(&settings, standing, "/x", app)).unwrap()
    }

    #[test]
    fn the_fields_are_cloudflares_and_four_of_ours() {
        let told = told(Standing::Joining);
        let fields = told["cfWaitingRoom"].as_object().unwrap();
        assert_eq!(fields.len(), 25 + 4);
        assert_eq!(fields["inWaitingRoom"], true);
        assert_eq!(fields["lastUpdated"], "1970-01-12T13:46:40.000Z");
    }

    #[test]
    fn a_place_is_told_from_one_on_and_a_wait_in_minutes() {
        let wait = Some(WaitRange { from_seconds: 100, to_seconds: 200 });
        let standing = Standing::Waiting { place: Place(0), people_ahead: 7, wait, waited: Millis(0) };
        let told = told(standing);
        let room = &told["cfWaitingRoom"];
        assert_eq!((&room["place"], &room["peopleAhead"]), (&json!(1), &json!(7)));
        assert_eq!((&room["waitTime"], &room["waitTimeFormatted"]), (&json!(3), &json!("3 minutes")));
        let (settings, page) = (settings(), |notice: &Notice<'_>| for_the_page(notice));
        let told: Value = serde_json::from_str(&with_notice(&settings, standing, "/x", page)).unwrap();
        assert_eq!((&told["place"], &told["state"]), (&json!(1), &json!("waiting")));
        assert_eq!((&told["pollAfterMs"], &told["display"]["ahead"]), (&json!(4_200), &json!("7 people")));
    }

    #[test]
    fn without_a_place_there_is_none_to_tell() {
        let told = told(Standing::Held { place: None, people_ahead: 3 });
        assert!(told["cfWaitingRoom"]["place"].is_null());
        assert!(told["cfWaitingRoom"]["peopleAhead"].is_null());
    }
}
