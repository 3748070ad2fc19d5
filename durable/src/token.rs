//! Tokens: what a visitor or an operator holds as a cookie.
//!
//! A token is fixed-width binary fields and an HMAC-SHA256 over all of them, base64url without
//! padding. The first byte names its domain, so that no token can stand for another kind; then come
//! the format's version and the id of the key. The MAC is compared in constant time, and nothing
//! behind those three bytes is looked at before it held.
//!
//! Three keys: *current* signs, *next* and *previous* only verify, so a rotation is two deploys. A key's id
//! is derived from the key, so it needs no name; keys that share an id are tried in turn.
//!
//! This file does not decide what a genuine token is worth: epochs, expiry, whose turn. That is the gate.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::base64url;
use crate::codec::{Reader, from_hex};
use crate::seen::Seen;
use crate::units::{Epoch, Generation, Millis, PassEpoch, Rank, Seat};

/// The version every token is signed with.
const VERSION: u8 = 1;
/// Domain, version, key id.
const HEADER_BYTES: usize = 3;
const MAC_BYTES: usize = 32;
/// The longest token's bytes (an operator's session), with its MAC; longer text is no token of ours.
pub(crate) const TOKEN_BYTES_MAX: usize = HEADER_BYTES + 60 + MAC_BYTES;
/// A key is a text of at least this many bytes, such as `openssl rand -hex 32` prints.
pub const KEY_BYTES_MIN: usize = 32;

/// Sixteen random bytes that tell one holder from another; never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder(pub [u8; 16]);

/// The first eight bytes of a room's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RoomTag(pub [u8; 8]);

impl RoomTag {
    /// From a room's id, 32 hexadecimal digits; `None` for anything else.
    pub fn from_id(id: &str) -> Option<RoomTag> {
        let [tag @ .., _, _, _, _, _, _, _, _] = from_hex::<16>(id)?;
        Some(RoomTag(tag))
    }
}

/// First contact while the room is busy: who brings it back is given a rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The room it was given for.
    pub room: RoomTag,
    /// When the edge signed it.
    pub issued: Millis,
    /// A hash of the client's address prefix.
    pub prefix: [u8; 4],
    /// Who will hold the ticket.
    pub holder: Holder,
}

/// A place in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The room whose line it is.
    pub room: RoomTag,
    /// Void in any other epoch.
    pub epoch: Epoch,
    /// The number the Room gave.
    pub rank: Rank,
    /// When it joined.
    pub issued: Millis,
    /// The holder of the arrival it came from.
    pub holder: Holder,
}

/// Admission to the origin: at most 96 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The room it admits to.
    pub room: RoomTag,
    /// Void in any other epoch.
    pub epoch: Epoch,
    /// Void in any other pass epoch.
    pub pass_epoch: PassEpoch,
    /// The seat it holds.
    pub seat: Seat,
    /// Which giving of that seat.
    pub generation: Generation,
    /// When it was given or last renewed.
    pub issued: Millis,
    /// Good until then.
    pub expires: Millis,
    /// Whether its holder was seen again since first contact.
    pub standing: PassStanding,
}

/// Whether a pass was given to somebody who has shown to keep cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassStanding {
    /// Given at first contact: due at the next request, which confirms it.
    Unconfirmed,
    /// Its holder came back.
    Confirmed,
}

/// An operator who signed in on the operator's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorSession {
    /// The name of the operator's token, padded with zeros.
    pub name: [u8; 32],
    /// What a change asked for by the page must carry.
    pub csrf: [u8; 16],
    /// When they signed in.
    pub issued: Millis,
    /// Good until then.
    pub expires: Millis,
}

/// A kind of token: its domain byte and its fields in order.
pub trait Token: Sized {
    /// The first byte; distinct for each kind.
    const DOMAIN: u8;
    /// How its text begins: the domain byte, and four bits of the version, which are zero up to 15. What begins otherwise need not be decoded.
    const BEGINNING: &'static str;
    /// How many bytes the fields take.
    const FIELD_BYTES: usize;
    /// Appends the fields.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes the fields of a token whose MAC held.
    fn read(reader: &mut Reader<'_>) -> Self;
}

impl Token for Arrival {
    const DOMAIN: u8 = 1;
    const BEGINNING: &'static str = "AQ";
    const FIELD_BYTES: usize = 34;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.room.0);
        out.extend_from_slice(&low_bytes::<6>(self.issued.0));
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(&self.holder.0);
    }

    fn read(reader: &mut Reader<'_>) -> Arrival {
        Arrival {
            room: RoomTag(reader.fixed()),
            issued: read_millis(reader),
            prefix: reader.fixed(),
            holder: Holder(reader.fixed()),
        }
    }
}

impl Token for Ticket {
    const DOMAIN: u8 = 2;
    const BEGINNING: &'static str = "Ag";
    const FIELD_BYTES: usize = 39;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.room.0);
        out.extend_from_slice(&self.epoch.0.to_be_bytes());
        out.extend_from_slice(&low_bytes::<5>(self.rank.0));
        out.extend_from_slice(&low_bytes::<6>(self.issued.0));
        out.extend_from_slice(&self.holder.0);
    }

    fn read(reader: &mut Reader<'_>) -> Ticket {
        Ticket {
            room: RoomTag(reader.fixed()),
            epoch: Epoch(u32::from_be_bytes(reader.fixed())),
            rank: Rank(from_low_bytes(reader.fixed::<5>())),
            issued: read_millis(reader),
            holder: Holder(reader.fixed()),
        }
    }
}

impl Token for Pass {
    const DOMAIN: u8 = 3;
    const BEGINNING: &'static str = "Aw";
    const FIELD_BYTES: usize = 37;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.room.0);
        out.extend_from_slice(&self.epoch.0.to_be_bytes());
        out.extend_from_slice(&self.pass_epoch.0.to_be_bytes());
        out.extend_from_slice(&self.seat.0.to_be_bytes());
        out.extend_from_slice(&self.generation.0.to_be_bytes());
        out.extend_from_slice(&low_bytes::<6>(self.issued.0));
        out.extend_from_slice(&low_bytes::<6>(self.expires.0));
        out.push(match self.standing {
            PassStanding::Unconfirmed => 0,
            PassStanding::Confirmed => 1,
        });
    }

    fn read(reader: &mut Reader<'_>) -> Pass {
        Pass {
            room: RoomTag(reader.fixed()),
            epoch: Epoch(u32::from_be_bytes(reader.fixed())),
            pass_epoch: PassEpoch(u32::from_be_bytes(reader.fixed())),
            seat: Seat(u32::from_be_bytes(reader.fixed())),
            generation: Generation(u32::from_be_bytes(reader.fixed())),
            issued: read_millis(reader),
            expires: read_millis(reader),
            standing: read_standing(reader),
        }
    }
}

impl Token for OperatorSession {
    const DOMAIN: u8 = 4;
    const BEGINNING: &'static str = "BA";
    const FIELD_BYTES: usize = 60;

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.name);
        out.extend_from_slice(&self.csrf);
        out.extend_from_slice(&low_bytes::<6>(self.issued.0));
        out.extend_from_slice(&low_bytes::<6>(self.expires.0));
    }

    fn read(reader: &mut Reader<'_>) -> OperatorSession {
        OperatorSession {
            name: reader.fixed(),
            csrf: reader.fixed(),
            issued: read_millis(reader),
            expires: read_millis(reader),
        }
    }
}

/// The `N` low bytes of a number, high ones first. A wider number is cut, which no time before the
/// year 10889 and no rank below [`Rank::LIMIT`] is.
fn low_bytes<const N: usize>(value: u64) -> [u8; N] {
    std::array::from_fn(|index| (value >> (8 * (N - 1 - index))) as u8)
}

fn from_low_bytes<const N: usize>(bytes: [u8; N]) -> u64 {
    bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

fn read_millis(reader: &mut Reader<'_>) -> Millis {
    Millis(from_low_bytes(reader.fixed::<6>()))
}

pub(crate) fn read_standing(reader: &mut Reader<'_>) -> PassStanding {
    if reader.flag() { PassStanding::Confirmed } else { PassStanding::Unconfirmed }
}

/// Why a text is not a token to believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Cut, changed, of another kind, or nobody's: as if it were absent.
    Forged,
    /// Of our shape, but signed with a key or in a version that this Worker does not know: it may
    /// be we who are behind, so the cookie is left alone.
    Unknown,
}

/// What is wrong with a key, by the name of its secret. Never holds the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFault {
    /// `KEY_CURRENT`, `KEY_NEXT` or `KEY_PREVIOUS`.
    pub secret: &'static str,
    /// How long it is; zero when it is missing.
    pub bytes: usize,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyFault { secret, bytes } = self;
        if *bytes == 0 {
            write!(f, "the secret `{secret}` is missing: ")?;
        } else {
            write!(f, "the secret `{secret}` has {bytes} bytes, at least {KEY_BYTES_MIN} are needed: ")?;
        }
        write!(f, "make one with `openssl rand -hex 32` and set it with `wrangler secret put {secret}`")
    }
}

#[derive(Clone)]
struct Key {
    id: u8,
    mac: Hmac<Sha256>,
}

impl Key {
    fn new(secret: &'static str, text: &str) -> Result<Key, KeyFault> {
        let fault = KeyFault { secret, bytes: text.len() };
        if text.len() < KEY_BYTES_MIN {
            return Err(fault);
        }
        let mac = Hmac::new_from_slice(text.as_bytes()).map_err(|_| fault)?;
        let id = mac.clone().chain_update(b"anteroom key id").finalize().into_bytes();
        Ok(Key { id: id.first().copied().unwrap_or_default(), mac })
    }
}

/// The keys of a deployment: the first signs, all verify.
#[derive(Clone)]
pub struct Keys {
    keys: Vec<Key>,
}

impl Keys {
    /// From the secrets' texts; an empty `next` or `previous` is none.
    pub fn new(current: &str, next: &str, previous: &str) -> Result<Keys, KeyFault> {
        let mut keys = vec![Key::new("KEY_CURRENT", current)?];
        for (secret, text) in [("KEY_NEXT", next), ("KEY_PREVIOUS", previous)] {
            if !text.is_empty() {
                keys.push(Key::new(secret, text)?);
            }
        }
        Ok(Keys { keys })
    }

    /// Signs with the current key.
    pub fn sign<T: Token>(&self, token: &T) -> String {
        let Some(key) = self.keys.first() else {
            return String::new();
        };
        let mut bytes = Vec::with_capacity(TOKEN_BYTES_MAX);
        bytes.extend_from_slice(&[T::DOMAIN, VERSION, key.id]);
        token.write(&mut bytes);
        let mac = key.mac.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&mac);
        base64url::encode(&bytes)
    }

    /// Believes a text if one of the keys signed it as this kind of token.
    pub fn verify<T: Token>(&self, text: &str) -> Result<T, Refusal> {
        self.verify_seen(text, &mut Seen::default())
    }

    /// The same, with a memory of tokens that these keys believed before: their MAC is not computed again.
    pub fn verify_seen<T: Token>(&self, text: &str, seen: &mut Seen) -> Result<T, Refusal> {
        if !text.starts_with(T::BEGINNING) {
            return Err(Refusal::Forged);
        }
        let mut buffer = [0; TOKEN_BYTES_MAX];
        let token = base64url::decode(text, &mut buffer).ok_or(Refusal::Forged)?;
        let fields = self.verified(token, T::DOMAIN, T::FIELD_BYTES, seen)?;
        let mut reader = Reader::new(fields);
        let token = T::read(&mut reader);
        reader.end().map_err(|_| Refusal::Forged)?;
        Ok(token)
    }

    /// The fields of a token that was signed here.
    fn verified<'a>(
        &self,
        token: &'a [u8],
        domain: u8,
        field_bytes: usize,
        seen: &mut Seen,
    ) -> Result<&'a [u8], Refusal> {
        let (signed, mac) = token.split_at_checked(HEADER_BYTES + field_bytes).ok_or(Refusal::Forged)?;
        let [of_domain, version, key_id, fields @ ..] = signed else {
            return Err(Refusal::Forged);
        };
        if *of_domain != domain {
            return Err(Refusal::Forged);
        }
        if *version != VERSION {
            return Err(Refusal::Unknown);
        }
        if seen.knows(token) {
            return Ok(fields);
        }
        let mut known = false;
        for key in self.keys.iter().filter(|key| key.id == *key_id) {
            known = true;
            if key.mac.clone().chain_update(signed).verify_slice(mac).is_ok() {
                seen.note(token);
                return Ok(fields);
            }
        }
        Err(if known { Refusal::Forged } else { Refusal::Unknown })
    }

    /// A MAC of our own making for bytes that pass through places others can write to; `purpose`
    /// keeps one use from standing for another.
    pub fn seal(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let Some(key) = self.keys.first() else {
            return [0; 32];
        };
        let mac = key.mac.clone().chain_update(purpose.as_bytes()).chain_update([0]).chain_update(bytes);
        mac.finalize().into_bytes().into()
    }

    /// Whether [`Keys::seal`] of any of the keys made this MAC, in constant time.
    pub fn sealed(&self, purpose: &str, bytes: &[u8], mac: &[u8]) -> bool {
        self.keys.iter().any(|key| {
            let state = key.mac.clone().chain_update(purpose.as_bytes()).chain_update([0]);
            state.chain_update(bytes).verify_slice(mac).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    const CURRENT: &str = "current-0123456789abcdef0123456789abcdef";
    const NEXT: &str = "next-0123456789abcdef0123456789abcdef";
    const PREVIOUS: &str = "previous-0123456789abcdef0123456789abcdef";

    fn keys() -> Keys {
        Keys::new(CURRENT, NEXT, PREVIOUS).unwrap()
    }

    fn pass() -> Pass {
        Pass {
            room: RoomTag([1, 2, 3, 4, 5, 6, 7, 8]),
            epoch: Epoch(9),
            pass_epoch: PassEpoch(10),
            seat: Seat(11),
            generation: Generation(12),
            issued: Millis(1_800_000_000_000),
            expires: Millis(1_800_000_360_000),
            standing: PassStanding::Confirmed,
        }
    }

    #[test]
    fn kinds_are_told_by_their_beginnings_as_the_entry_does() {
        fn begins<T: Token>(token: &T) -> &'static str {
            assert!(keys().sign(token).starts_with(T::BEGINNING));
            T::BEGINNING
        }
        let entry = include_str!("../../src/entry.mjs");
        assert!(entry.contains(&format!("const PASS = \"={}\";", begins(&pass()))));
        let beginnings = [begins(&pass()), begins(&ticket()), begins(&arrival()), begins(&session())];
        assert_eq!(std::collections::HashSet::from(beginnings).len(), 4);
    }

    fn ticket() -> Ticket {
        Ticket {
            room: RoomTag([1; 8]),
            epoch: Epoch(2),
            rank: Rank(Rank::LIMIT - 1),
            issued: Millis((1 << 48) - 1),
            holder: Holder([7; 16]),
        }
    }

    fn arrival() -> Arrival {
        Arrival { room: RoomTag([1; 8]), issued: Millis(5), prefix: [1, 2, 3, 4], holder: Holder([9; 16]) }
    }

    fn session() -> OperatorSession {
        OperatorSession { name: [b'a'; 32], csrf: [3; 16], issued: Millis(1), expires: Millis(2) }
    }

    #[test]
    fn every_kind_survives_the_round_trip() {
        let keys = keys();
        assert_eq!(keys.verify(&keys.sign(&pass())), Ok(pass()));
        assert_eq!(keys.verify(&keys.sign(&ticket())), Ok(ticket()));
        assert_eq!(keys.verify(&keys.sign(&arrival())), Ok(arrival()));
        assert_eq!(keys.verify(&keys.sign(&session())), Ok(session()));
    }

    #[test]
    fn the_formats_are_pinned() {
        // Computed apart, with Python's hmac. Tokens outlive deploys: another text here locks out everybody who is inside or in line.
        let keys = keys();
        assert_eq!(
            keys.sign(&arrival()),
            "AQEMAQEBAQEBAQEAAAAAAAUBAgMECQkJCQkJCQkJCQkJCQkJCfzh6T4FAJx7fiubCFvfIg07QBVs1ysUnLQaE25Odh7I"
        );
        assert_eq!(
            keys.sign(&ticket()),
            "AgEMAQEBAQEBAQEAAAAC______________8HBwcHBwcHBwcHBwcHBwcHh12Amcyy1bi4c-LdGbhECFob8ejLlMOJ-n1fxl-nRwE"
        );
        assert_eq!(
            keys.sign(&pass()),
            "AwEMAQIDBAUGBwgAAAAJAAAACgAAAAsAAAAMAaMYXFAAAaMYYc5AAa4qLC1yuNA19xXRUo8xptfPUzsNv6pP53mmUBHGrIHG"
        );
        assert_eq!(
            keys.sign(&session()),
            "BAEMYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWEDAwMDAwMDAwMDAwMDAwMDAAAAAAABAAAAAAACPXr7cfhsbscm8uBZYuTif_DVcy0CC85H6lbEQYQX2uk"
        );
    }

    #[test]
    fn a_pass_takes_at_most_96_characters() {
        assert_eq!(keys().sign(&pass()).len(), 96);
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_refused() {
        let keys = keys();
        let text = keys.sign(&pass());
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for index in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[index / 8] ^= 1 << (index % 8);
            let changed = URL_SAFE_NO_PAD.encode(&changed);
            assert!(keys.verify::<Pass>(&changed).is_err(), "bit {index} does not count");
        }
        for length in 0..text.len() {
            assert_eq!(keys.verify::<Pass>(&text[..length]), Err(Refusal::Forged));
        }
        assert_eq!(keys.verify::<Pass>(&format!("{text}AAAA")), Err(Refusal::Forged));
        assert_eq!(keys.verify::<Pass>(&format!("{text}=")), Err(Refusal::Forged));
        assert_eq!(keys.verify::<Pass>(&"A".repeat(100_000)), Err(Refusal::Forged));
        assert_eq!(keys.verify::<Pass>("\u{0}é~"), Err(Refusal::Forged));
    }

    #[test]
    fn no_kind_stands_for_another() {
        let keys = keys();
        assert_eq!(keys.verify::<Pass>(&keys.sign(&ticket())), Err(Refusal::Forged));
        assert_eq!(keys.verify::<Ticket>(&keys.sign(&pass())), Err(Refusal::Forged));
        assert_eq!(keys.verify::<Arrival>(&keys.sign(&session())), Err(Refusal::Forged));
        assert_eq!(keys.verify::<OperatorSession>(&keys.sign(&arrival())), Err(Refusal::Forged));
    }

    #[test]
    fn a_rotation_locks_nobody_out() {
        let before = Keys::new(CURRENT, NEXT, "").unwrap();
        let after = Keys::new(NEXT, "", CURRENT).unwrap();
        assert_eq!(after.verify(&before.sign(&pass())), Ok(pass()));
        assert_eq!(before.verify(&after.sign(&pass())), Ok(pass()));
        let much_later = Keys::new(NEXT, "", "").unwrap();
        assert_eq!(much_later.verify::<Pass>(&before.sign(&pass())), Err(Refusal::Unknown));
    }

    #[test]
    fn an_unknown_version_is_ours_to_learn_not_a_forgery() {
        let keys = keys();
        let mut bytes = URL_SAFE_NO_PAD.decode(keys.sign(&pass())).unwrap();
        bytes[1] = 2;
        assert_eq!(keys.verify::<Pass>(&URL_SAFE_NO_PAD.encode(bytes)), Err(Refusal::Unknown));
    }

    #[test]
    fn a_key_that_is_missing_or_short_is_named_and_not_shown() {
        let missing = Keys::new("", "", "").err().unwrap();
        assert_eq!(missing, KeyFault { secret: "KEY_CURRENT", bytes: 0 });
        let short = Keys::new(CURRENT, "hunter2", "").err().unwrap();
        assert_eq!(short, KeyFault { secret: "KEY_NEXT", bytes: 7 });
        assert!(!short.to_string().contains("hunter2"));
    }

    #[test]
    fn a_seal_holds_for_its_purpose_and_bytes_alone() {
        let keys = keys();
        let mac = keys.seal("board", b"bytes");
        assert!(keys.sealed("board", b"bytes", &mac));
        assert!(!keys.sealed("other", b"bytes", &mac));
        assert!(!keys.sealed("board", b"byteS", &mac));
        assert!(!keys.sealed("board", b"bytes", &mac[..31]));
    }

    #[test]
    fn a_tag_comes_from_an_id_alone() {
        let tag = RoomTag::from_id("0102030405060708090a0b0c0d0e0f10");
        assert_eq!(tag, Some(RoomTag([1, 2, 3, 4, 5, 6, 7, 8])));
        assert_eq!(RoomTag::from_id("0102"), None);
        assert_eq!(RoomTag::from_id("zz02030405060708090a0b0c0d0e0f10"), None);
        assert_eq!(RoomTag::from_id("+102030405060708090a0b0c0d0e0f10"), None);
    }
}
