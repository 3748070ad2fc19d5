//! What apps are told: the object `cfWaitingRoom` with the fields of Cloudflare's JSON response, so that a client
//! written for theirs works here, and four of ours: `place`, `peopleAhead`, `pollAfterMs`, `state`; where too many join, `overloaded` stands beside the state. Our own
//! page's script is told these, `hiddenPollAfterMs`, where the board is mirrored (`mirror.rs`), and `display`: the finished words that it puts in their places.

use durable::board::Board;
use durable::date::iso8601;
use durable::settings::{QueueingMethod, Settings};
use durable::token::Pass;
use durable::units::Millis;
use durable::wire::Said as _;

use crate::mirror;
use crate::page::words;
use crate::standing::{Notice, Standing, WaitRange};

/// All that an app's answer says.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Where the visitor stands.
    pub standing: Standing,
    /// The room's board, if one ever came.
    pub board: Option<&'a Board>,
    /// The room's settings.
    pub settings: &'a Settings,
    /// The pass that the visitor is inside with.
    pub pass: Option<Pass>,
    /// When to ask next.
    pub poll_after: Millis,
    /// Now.
    pub now: Millis,
}

/// The body of an app's answer. Written piece by piece, for it is what a poll is made of: a tree of values first, or one long format,
/// would cost twice.
pub fn for_apps(told: &Told<'_>) -> String {
    let Told { standing, board, settings, pass, poll_after, now } = *told;
    let wait = match standing {
        Standing::Waiting { wait, .. } | Standing::Drawing { wait, .. } => wait,
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
    let event = event(board, now);
    let method = method(standing, settings);
    let minutes_of = |part: u64| drawn_wait(standing, part).to_string();
    let [p25, p50, p75] = [415, 1_000, 2_000].map(minutes_of);
    let mut json = String::with_capacity(1_024);
    // The percentiles are told under `random` alone.
    for part in [
        r#"{"cfWaitingRoom":{"inWaitingRoom":"#,
        truth(standing != Standing::Admitted),
        r#","waitTimeKnown":"#,
        truth(wait.is_some()),
        r#","waitTime":"#,
        &minutes,
        r#","waitTime25Percentile":"#,
        &p25,
        r#","waitTime50Percentile":"#,
        &p50,
        r#","waitTime75Percentile":"#,
        &p75,
        r#","waitTimeFormatted":""#,
        formatted,
        unit,
        r#"","queueIsFull":false,"queueAll":"#,
        truth(settings.queue_all),
        r#","lastUpdated":""#,
        &iso8601(now),
        r#"","refreshIntervalSeconds":"#,
        &poll_after.secs_ceil().to_string(),
        r#","queueingMethod":""#,
        method.name(),
        r#"","isFIFOQueue":"#,
        truth(method == QueueingMethod::Fifo),
        r#","isRandomQueue":"#,
        truth(method == QueueingMethod::Random),
        r#","isPassthroughQueue":"#,
        truth(method == QueueingMethod::Passthrough),
        r#","isRejectQueue":"#,
        truth(method == QueueingMethod::Reject),
        r#","isEventActive":"#,
        truth(event.is_active),
        r#","isEventPrequeueing":"#,
        truth(event.is_prequeueing),
        r#","timeUntilEventStart":"#,
        &event.minutes_to_start.to_string(),
        r#","timeUntilEventStartFormatted":""#,
        &minutes_formatted(event.is_prequeueing, event.minutes_to_start),
        r#"","timeUntilEventEnd":"#,
        &event.minutes_to_end.to_string(),
        r#","timeUntilEventEndFormatted":""#,
        &minutes_formatted(event.is_active && !event.is_prequeueing, event.minutes_to_end),
        r#"","shuffleAtEventStart":"#,
        truth(event.shuffles),
        r#","turnstile":"","#,
        r#""infiniteQueue":false,"#,
    ] {
        json.push_str(part);
    }
    push_own(&mut json, &standing, poll_after);
    // By this name operators end one session.
    if let Some(Pass { seat, generation, .. }) = pass.filter(|_| standing == Standing::Admitted) {
        json.push_str(&format!(",\"session\":\"{}.{}\"", seat.0, generation.0));
    }
    json.push_str("}}");
    json
}

/// An event, as Cloudflare's fields tell it: active from its prequeue on.
#[derive(Default)]
struct Event {
    is_active: bool,
    is_prequeueing: bool,
    shuffles: bool,
    minutes_to_start: u64,
    minutes_to_end: u64,
}

fn event(board: Option<&Board>, now: Millis) -> Event {
    let Some(event) = board.and_then(|board| board.event).filter(|event| event.prequeue_ms <= now.0) else {
        return Event::default();
    };
    let minutes = |at: u64| Millis(at).since(now).0.div_ceil(60_000);
    let is_prequeueing = now.0 < event.start_ms;
    Event {
        is_active: true,
        is_prequeueing,
        shuffles: event.shuffle,
        minutes_to_start: minutes(event.start_ms),
        minutes_to_end: if is_prequeueing { 0 } else { minutes(event.end_ms) },
    }
}

fn minutes_formatted(is: bool, minutes: u64) -> String {
    match minutes {
        _ if !is => "unavailable".to_owned(),
        1 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// How people are called; an event's own method shows in where they stand.
fn method(standing: Standing, settings: &Settings) -> QueueingMethod {
    match standing {
        Standing::Drawing { .. } => QueueingMethod::Random,
        Standing::Waiting { .. } => QueueingMethod::Fifo,
        Standing::Closed => QueueingMethod::Reject,
        _ => settings.queueing_method,
    }
}

/// Minutes until so many thousandths of the time are over in which half of those drawn among have won: chances are the same in
/// each round, so that a quarter has won after 0.415 of it, and three quarters after twice as long.
fn drawn_wait(standing: Standing, permille: u64) -> u64 {
    match standing {
        Standing::Drawing { wait: Some(wait), .. } => (wait.from_seconds * permille).div_ceil(60_000),
        _ => 0,
    }
}

/// The body of what our page's script is answered.
pub fn for_the_page(notice: &Notice<'_>) -> String {
    let mut json = String::from("{");
    push_own(&mut json, &notice.standing, notice.poll_after);
    json.push_str(",\"hiddenPollAfterMs\":");
    notice.hidden_poll_after.0.say(&mut json);
    if let Some(rank) = notice.rank {
        json.push_str(",\"rank\":");
        rank.0.say(&mut json);
    }
    mirror::tell(notice, &mut json);
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
        if standing.is_overloaded() { "\",\"overloaded\":true" } else { "\"" },
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
        let app = |notice: &Notice<'_>| {
            let Notice { settings, poll_after, now, .. } = *notice;
            for_apps(&Told { standing, board: None, settings, pass: None, poll_after, now })
        };
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
    fn where_too_many_join_that_stands_beside_the_state() {
        let later = Standing::JoiningLater { trying: Millis(0) };
        let joining = |standing| {
            let room = &told(standing)["cfWaitingRoom"];
            (room["state"].clone(), room.get("overloaded").cloned())
        };
        assert_eq!(joining(later), (json!("joining"), Some(json!(true))));
        assert_eq!(joining(Standing::Joining), (json!("joining"), None));
        let (settings, page) = (settings(), |notice: &Notice<'_>| for_the_page(notice));
        let told: Value = serde_json::from_str(&with_notice(&settings, later, "/x", page)).unwrap();
        assert_eq!((&told["state"], &told["overloaded"]), (&json!("joining"), &json!(true)));
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
        assert_eq!(told["hiddenPollAfterMs"], 8_400);
    }

    #[test]
    fn without_a_place_there_is_none_to_tell() {
        let told = told(Standing::Held { place: None, people_ahead: 3 });
        assert!(told["cfWaitingRoom"]["place"].is_null());
        assert!(told["cfWaitingRoom"]["peopleAhead"].is_null());
    }
}
