//! JSON, settings and events: what is valid is written and read the same, a patch never makes it invalid, every fault has a name. And times:
//! what is read is written so that it is read the same.
//!
//! The input is a text, or two with a zero byte between them: settings or an event, and a patch for it; or a time alone.

use anteroom::route::Rooms;
use durable::date::{iso8601, millis};
use durable::json::{self, Value};
use durable::plan::{Plan, Repeat};
use durable::schedule::Event;
use durable::settings::{Fault, Settings};

use crate::Outcome;

/// See the module's words.
pub fn check(data: &[u8]) -> Outcome {
    let mut texts = data.splitn(2, |byte| *byte == 0);
    let text = texts.next().unwrap_or_default();
    let timed = std::str::from_utf8(text).map_or(Outcome::Refused, time);
    let Some(value) = read(text) else {
        return timed;
    };
    let patch = texts.next().and_then(read);
    settings(&value, patch.as_ref()).or(plan(&value, patch.as_ref()))
}

fn settings(value: &Value, patch: Option<&Value>) -> Outcome {
    let settings = match Settings::parse(value) {
        Ok(settings) => settings,
        Err(faults) => {
            assert_named(&faults, value);
            return Outcome::Refused;
        }
    };
    assert_sound(&settings);
    assert_eq!(settings.merged(&json::parse(b"{}").expect("JSON")), Ok(settings.clone()));
    assert_eq!(settings.merged(&settings.to_json()), Ok(settings.clone()));
    match patch.map(|patch| settings.merged(patch)) {
        Some(Ok(merged)) => assert_sound(&merged),
        Some(Err(faults)) => assert_named(&faults, patch.unwrap_or(value)),
        None => {}
    }
    Outcome::Believed
}

fn plan(value: &Value, patch: Option<&Value>) -> Outcome {
    for (_, field) in value.as_object().into_iter().flat_map(json::Map::iter) {
        field.as_str().map(time);
    }
    let plan = match Plan::parse([7; 16], value) {
        Ok(plan) => plan,
        Err(faults) => {
            assert_named(&faults, value);
            return Outcome::Refused;
        }
    };
    assert_held(&plan);
    assert_eq!(plan.merged(&json::parse(b"{}").expect("JSON")), Ok(plan.clone()));
    assert_eq!(plan.merged(&plan.to_json()), Ok(plan.clone()));
    match patch.map(|patch| plan.merged(patch)) {
        Some(Ok(merged)) => assert_held(&merged),
        Some(Err(faults)) => assert_named(&faults, patch.unwrap_or(value)),
        None => {}
    }
    Outcome::Believed
}

/// Written and read the same, in its order, neither too short nor too long, and whenever it comes again.
fn assert_held(plan: &Plan) {
    assert_eq!(Plan::parse([7; 16], &plan.to_json()).as_ref(), Ok(plan));
    let Event { prequeue_ms, start_ms, end_ms, shuffle, .. } = plan.event;
    assert!(prequeue_ms <= start_ms && start_ms + 60_000 <= end_ms);
    assert!(!shuffle || prequeue_ms < start_ms);
    let days = plan.repeat.map_or(31, Repeat::days);
    assert!(end_ms - prequeue_ms <= u64::from(days) * 86_400_000);
    for start in [start_ms, start_ms + 7 * 86_400_000, 0, u64::MAX] {
        let event = plan.starting_at(start);
        assert!(event.prequeue_ms <= event.start_ms && event.start_ms <= event.end_ms);
    }
    assert_eq!(plan.starting_at(start_ms), plan.event);
}

fn time(text: &str) -> Outcome {
    let Some(at) = millis(text) else {
        return Outcome::Refused;
    };
    assert_eq!(millis(&iso8601(at)), Some(at), "{text}");
    Outcome::Believed
}

/// Our reading of JSON beside serde's.
fn read(text: &[u8]) -> Option<Value> {
    let ours = json::parse(text);
    let theirs = serde_json::from_slice::<serde_json::Value>(text);
    let Ok(value) = ours else {
        // Ours goes less deep.
        assert!(theirs.is_err() || depth(text) > 32);
        return None;
    };
    let written = value.to_string();
    assert_eq!(json::parse(written.as_bytes()).as_ref(), Ok(&value));
    // Theirs refuses numbers that no `f64` holds.
    if let Ok(theirs) = theirs {
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).ok(), Some(theirs));
    }
    Some(value)
}

/// At least as deep as values stand in values.
fn depth(text: &[u8]) -> usize {
    let opening = |byte: &&u8| matches!(**byte, b'[' | b'{');
    text.iter().filter(opening).count()
}

/// A fault's field may only be nameless if it came so.
fn assert_named(faults: &[Fault], value: &Value) {
    assert!(!faults.is_empty());
    assert!(faults.iter().all(|fault| !fault.message.is_empty()));
    let nameless = value.get("").is_some();
    assert!(nameless || faults.iter().all(|fault| !fault.field.is_empty()));
}

fn assert_sound(settings: &Settings) {
    let canonical = settings.to_json();
    assert_eq!(Settings::parse(&canonical).as_ref(), Ok(settings));
    let written = canonical.to_string();
    assert_eq!(json::parse(written.as_bytes()).as_ref(), Ok(&canonical));
    assert!((10..=86_400).contains(&settings.session_duration_seconds));
    assert!((10..=600).contains(&settings.claim_window_seconds));
    assert!(settings.total_active_users >= 1 && settings.new_users_per_minute >= 1);
    assert!(settings.routes().count() <= 101);
    // What an operator may write is found where they wrote it.
    let rooms = Rooms::from_vars(&[canonical]);
    for route in settings.routes() {
        let found = rooms.find(&route.host, &route.path).expect("a room at its route");
        assert_eq!((found.room.settings.name.as_str(), found.own), (settings.name.as_str(), None));
        assert!(found.path.len() >= route.path.len());
    }
}
