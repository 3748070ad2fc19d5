//! What apps are told: the object `cfWaitingRoom` with the fields of Cloudflare's JSON response, so that a client
//! written for theirs works here, and four of ours: `place`, `peopleAhead`, `pollAfterMs`, `state`. Beside it, `display`
//! has the finished words that our own page's script puts in their places.

use durable::date::iso8601;

use crate::page::words;
use crate::standing::{Notice, Standing, WaitRange};

/// The body of a JSON answer. Written out, for it is what a poll is made of: a tree of values first would cost twice.
pub fn json(notice: &Notice<'_>) -> String {
    let Notice { standing, settings, .. } = notice;
    let wait = match standing {
        Standing::Waiting { wait, .. } => *wait,
        Standing::YourTurn { .. } | Standing::Admitted => Some(WaitRange { from_seconds: 0, to_seconds: 0 }),
        _ => None,
    };
    let minutes = wait.map_or(0, |wait| (wait.from_seconds + wait.to_seconds).div_ceil(120));
    let formatted = match (wait, minutes) {
        (None, _) => "unavailable".to_owned(),
        (_, 1) => "1 minute".to_owned(),
        (_, minutes) => format!("{minutes} minutes"),
    };
    let or_null = |number: Option<u64>| number.map_or_else(|| "null".to_owned(), |number| number.to_string());
    // The percentiles are told under `random` alone; no event is near while there are none.
    format!(
        concat!(
            r#"{{"cfWaitingRoom":{{"inWaitingRoom":{inside},"waitTimeKnown":{known},"waitTime":{minutes},"#,
            r#""waitTime25Percentile":0,"waitTime50Percentile":0,"waitTime75Percentile":0,"waitTimeFormatted":"{formatted}","#,
            r#""queueIsFull":false,"queueAll":{queue_all},"lastUpdated":"{at}","refreshIntervalSeconds":{refresh},"#,
            r#""queueingMethod":"fifo","isFIFOQueue":true,"isRandomQueue":false,"isPassthroughQueue":false,"isRejectQueue":false,"#,
            r#""isEventActive":false,"isEventPrequeueing":false,"timeUntilEventStart":0,"timeUntilEventStartFormatted":"unavailable","#,
            r#""timeUntilEventEnd":0,"timeUntilEventEndFormatted":"unavailable","shuffleAtEventStart":false,"turnstile":"","#,
            r#""infiniteQueue":false,"place":{place},"peopleAhead":{ahead},"pollAfterMs":{poll},"state":"{state}"}},"display":{display}}}"#,
        ),
        inside = *standing != Standing::Admitted,
        known = wait.is_some(),
        minutes = minutes,
        formatted = formatted,
        queue_all = settings.queue_all,
        at = iso8601(notice.now),
        refresh = notice.poll_after.secs_ceil(),
        place = or_null(standing.place().map(|place| place.0 + 1)),
        ahead = or_null(standing.people_ahead()),
        poll = notice.poll_after.0,
        state = standing.name(),
        display = words(notice).to_json(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::{settings, with_notice};
    use durable::units::{Millis, Place};
    use serde_json::{Value, json};

    fn told(standing: Standing) -> Value {
        let settings = settings();
        serde_json::from_str(&with_notice(&settings, standing, "/x", super::json)).unwrap()
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
        assert_eq!(told["display"]["ahead"], "7 people");
    }

    #[test]
    fn without_a_place_there_is_none_to_tell() {
        let told = told(Standing::Held { place: None, people_ahead: 3 });
        assert!(told["cfWaitingRoom"]["place"].is_null());
        assert!(told["cfWaitingRoom"]["peopleAhead"].is_null());
    }
}
