//! What the isolates of a data center tell each other through the platform's cache (`shared.mjs`): the directory's document, and each room's
//! board with its list of revoked passes. So an object is asked by a few of a data center's isolates, and not by each.
//!
//! Every script of the zone has that cache, and may write to it what it likes. So an entry lies at a place that nobody finds who has not the key, and
//! is believed only if it was sealed with a key of ours, for that place. It says when it was said, and counts from then wherever it is read: one
//! that is brought back later says nothing. Whether it is news, [`Edge::overhear`](crate::edge::Edge::overhear) decides.

use durable::base64url;
use durable::token::Keys;
use durable::units::Millis;

/// A seal's 32 bytes, in base64url.
const SEAL_DIGITS: usize = 43;
/// A time, in hexadecimal.
const TIME_DIGITS: usize = 16;
/// So many bytes of its HMAC make a host's segment: nobody guesses 96 bits.
const SEGMENT_BYTES: usize = 12;

/// Where an entry lies: an address of this host, which nobody asks for.
pub fn place(keys: &Keys, host: &str, name: &str) -> String {
    let secret = keys.seal("anteroom place", host.as_bytes());
    format!("https://{host}/{}/{name}", base64url::encode(&secret[..SEGMENT_BYTES]))
}

/// The entry that says this, which was said then, at this place.
pub fn seal(keys: &Keys, place: &str, said_at: Millis, text: &str) -> String {
    let dated = format!("{:016x}{text}", said_at.0);
    let mut entry = base64url::encode(&keys.seal(&purpose(place), dated.as_bytes()));
    entry.push_str(&dated);
    entry
}

/// What an entry says, and when that was said; nothing if it was not sealed for this place.
pub fn open<'a>(keys: &Keys, place: &str, entry: &'a str) -> Option<(Millis, &'a str)> {
    let (seal, dated) = entry.split_at_checked(SEAL_DIGITS)?;
    let mut buffer = [0; 32];
    let seal = base64url::decode(seal, &mut buffer)?;
    if !keys.sealed(&purpose(place), dated.as_bytes(), seal) {
        return None;
    }
    let (said_at, text) = dated.split_at_checked(TIME_DIGITS)?;
    Some((Millis(u64::from_str_radix(said_at, 16).ok()?), text))
}

fn purpose(place: &str) -> String {
    format!("anteroom entry {place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID_AT: Millis = Millis(1_800_000_000_000);

    fn keys(letter: &str) -> Keys {
        Keys::new(&letter.repeat(32), "", "").unwrap()
    }

    #[test]
    fn an_entry_says_what_was_sealed_at_its_place_alone() {
        let keys = keys("k");
        let here = place(&keys, "shop.example", "directory");
        let entry = seal(&keys, &here, SAID_AT, "{}");
        assert_eq!(open(&keys, &here, &entry), Some((SAID_AT, "{}")));
        let elsewhere = [place(&keys, "shop.example", "ab12"), place(&keys, "other.example", "directory")];
        for there in elsewhere {
            assert_eq!(open(&keys, &there, &entry), None, "{there}");
        }
    }

    #[test]
    fn whoever_changes_a_letter_of_an_entry_or_has_another_key_is_not_believed() {
        let ours = keys("k");
        let here = place(&ours, "shop.example", "directory");
        let entry = seal(&ours, &here, SAID_AT, r#"{"version":1}"#);
        for index in 0..entry.len() {
            let mut changed = entry.clone().into_bytes();
            changed[index] ^= 1;
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(open(&ours, &here, &changed), None, "{changed}");
            assert_eq!(open(&ours, &here, &entry[..index]), None, "the first {index}");
        }
        let theirs = seal(&keys("x"), &here, SAID_AT, r#"{"version":1}"#);
        assert_eq!((open(&ours, &here, &theirs), open(&ours, &here, "é".repeat(40).as_str())), (None, None));
    }

    #[test]
    fn where_it_lies_is_known_to_who_has_the_key() {
        let (ours, theirs) = (place(&keys("k"), "a.example", "d"), place(&keys("x"), "a.example", "d"));
        assert!(ours.starts_with("https://a.example/") && ours.ends_with("/d"));
        assert_eq!(ours.len(), "https://a.example/".len() + 16 + "/d".len());
        assert_ne!(ours, theirs);
    }
}
