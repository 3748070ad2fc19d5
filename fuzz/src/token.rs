//! Tokens: nothing is believed but what our key signed, and that as what it was signed as.
//!
//! The first byte chooses: 0 takes the rest as a token's text, 1 to 4 as the fields of one of the four kinds.

use std::fmt::Debug;

use durable::codec::Reader;
use durable::seen::Seen;
use durable::token::{Arrival, Keys, OperatorSession, Pass, Ticket, Token};

use crate::Outcome;

/// The key that signs seeds.
pub const KEY: &str = "fuzz-0123456789abcdef0123456789abcdef";
const OTHER: &str = "else-0123456789abcdef0123456789abcdef";

/// See the module's words.
pub fn check(data: &[u8]) -> Outcome {
    let Some((kind, rest)) = data.split_first() else {
        return Outcome::Refused;
    };
    match kind {
        0 => text(rest),
        1 => fields::<Arrival>(rest),
        2 => fields::<Ticket>(rest),
        3 => fields::<Pass>(rest),
        4 => fields::<OperatorSession>(rest),
        _ => Outcome::Refused,
    }
}

/// The keys that sign seeds.
///
/// # Panics
/// Never: the key is long enough.
pub fn keys() -> Keys {
    Keys::new(KEY, "", "").expect("a key")
}

fn text(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Outcome::Refused;
    };
    let believed = [
        as_kind::<Arrival>(text),
        as_kind::<Ticket>(text),
        as_kind::<Pass>(text),
        as_kind::<OperatorSession>(text),
    ];
    assert!(believed.into_iter().filter(|believed| *believed == Outcome::Believed).count() <= 1);
    believed.into_iter().fold(Outcome::Refused, Outcome::or)
}

/// Signing is a function of the fields: what verifies and is not what we would sign was signed by somebody else.
fn as_kind<T: Token + Debug + PartialEq>(text: &str) -> Outcome {
    let (keys, mut seen) = (keys(), Seen::default());
    let believed = keys.verify::<T>(text);
    assert_eq!(keys.verify_seen::<T>(text, &mut seen), believed);
    assert_eq!(keys.verify_seen::<T>(text, &mut seen), believed, "and from memory");
    let Ok(token) = believed else {
        return Outcome::Refused;
    };
    assert_eq!(keys.sign(&token), text);
    Outcome::Believed
}

fn fields<T: Token + Debug + PartialEq>(bytes: &[u8]) -> Outcome {
    let Some((at, bytes)) = bytes.split_first() else {
        return Outcome::Refused;
    };
    let mut reader = Reader::new(bytes);
    let token = T::read(&mut reader);
    if reader.checked().is_err() {
        return Outcome::Refused;
    }
    let (keys, mut seen) = (keys(), Seen::default());
    let text = keys.sign(&token);
    assert!(T::DOMAIN != Pass::DOMAIN || text.len() <= 96);
    assert_eq!(as_kind::<T>(&text), Outcome::Believed);
    assert_eq!(keys.verify_seen::<T>(&text, &mut seen).as_ref(), Ok(&token));
    for (domain, believed) in [
        (Arrival::DOMAIN, as_kind::<Arrival>(&text)),
        (Ticket::DOMAIN, as_kind::<Ticket>(&text)),
        (Pass::DOMAIN, as_kind::<Pass>(&text)),
        (OperatorSession::DOMAIN, as_kind::<OperatorSession>(&text)),
    ] {
        assert_eq!(believed == Outcome::Believed, domain == T::DOMAIN);
    }
    // After a rotation it is still believed; by somebody else's key it never was.
    assert_eq!(Keys::new(OTHER, "", KEY).expect("keys").verify::<T>(&text), Ok(token));
    assert!(Keys::new(OTHER, "", "").expect("keys").verify::<T>(&text).is_err());
    let at = usize::from(*at) % text.len();
    for replacement in ['A', 'B', '_', '=', ' ', '\u{0}'] {
        let changed: String = text
            .chars()
            .enumerate()
            .map(|(index, held)| if index == at { replacement } else { held })
            .collect();
        assert!(
            changed == text || keys.verify_seen::<T>(&changed, &mut seen).is_err(),
            "{at} {replacement:?}"
        );
    }
    assert!(keys.verify_seen::<T>(&text[..at], &mut seen).is_err());
    assert!(keys.verify_seen::<T>(&format!("{text}{}", &text[at..]), &mut seen).is_err());
    Outcome::Believed
}
