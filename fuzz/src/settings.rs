//! JSON and settings: what is valid is written and read the same, a patch never makes it invalid, every fault has a name.
//!
//! The input is a text, or two with a zero byte between them: settings, and a patch for them.

use anteroom::route::Rooms;
use durable::json::{self, Value};
use durable::settings::{Fault, Settings};

use crate::Outcome;

/// See the module's words.
pub fn check(data: &[u8]) -> Outcome {
    let mut texts = data.splitn(2, |byte| *byte == 0);
    let Some(value) = texts.next().and_then(read) else {
        return Outcome::Refused;
    };
    let settings = match Settings::parse(&value) {
        Ok(settings) => settings,
        Err(faults) => {
            assert_named(&faults, &value);
            return Outcome::Refused;
        }
    };
    assert_sound(&settings);
    assert_eq!(settings.merged(&json::parse(b"{}").expect("JSON")), Ok(settings.clone()));
    assert_eq!(settings.merged(&settings.to_json()), Ok(settings.clone()));
    if let Some(patch) = texts.next().and_then(read) {
        match settings.merged(&patch) {
            Ok(merged) => assert_sound(&merged),
            Err(faults) => assert_named(&faults, &patch),
        }
    }
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
