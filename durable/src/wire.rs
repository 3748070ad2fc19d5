//! What edges, objects and rows say to each other: JSON with names, so that an old Worker may call a new object and the
//! other way round. A field that is absent has its type's default, one that nobody knows is not looked at, and
//! anything of the wrong shape is refused whole.
//!
//! What is said is written straight away; what is heard goes through one tree of values ([`mod@crate::json`]). Serde's derive would write a parser
//! for each type, which together were a fifth of the Wasm. Here a type is its list of fields, and one function hears all lists.

use std::fmt::Write as _;

use crate::codec::hex;
use crate::json::{Value, parse};

/// What can be said in JSON.
pub trait Said {
    /// Adds its JSON to a text.
    fn say(&self, out: &mut String);
}

/// What can be heard in JSON.
pub trait Hear {
    /// Becomes what is said: whether it was of the right shape. If not, what it has become is not to be looked at.
    fn hear(&mut self, value: &Value) -> bool;

    /// Whether a field may be left out that is its type's default.
    fn may_be_absent(&self) -> bool {
        false
    }
}

/// What can be said in JSON, and heard.
pub trait Wire: Said + Hear + Default {
    /// From JSON; none if it is of another shape.
    fn from_value(value: &Value) -> Option<Self> {
        let mut heard = Self::default();
        heard.hear(value).then_some(heard)
    }
}

impl<T: Said + Hear + Default> Wire for T {}

/// The text of something.
pub fn to_text(said: &impl Said) -> String {
    let mut text = String::new();
    said.say(&mut text);
    text
}

/// Something from its text.
pub fn from_text<T: Wire>(text: &[u8]) -> Option<T> {
    T::from_value(&parse(text).ok()?)
}

/// Says an object, field by field.
pub(crate) struct SaidObject<'a> {
    out: &'a mut String,
    before: char,
}

impl SaidObject<'_> {
    pub(crate) fn new(out: &mut String) -> SaidObject<'_> {
        SaidObject { out, before: '{' }
    }

    pub(crate) fn say(&mut self, name: &str, value: &dyn Said) {
        self.out.push(self.before);
        self.before = ',';
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        value.say(self.out);
    }

    pub(crate) fn end(self) {
        self.out.push_str(if self.before == '{' { "{}" } else { "}" });
    }
}

/// Says an object with these fields.
pub(crate) fn say_object(out: &mut String, fields: &[(&str, &dyn Said)]) {
    let mut object = SaidObject::new(out);
    fields.iter().for_each(|(name, value)| object.say(name, *value));
    object.end();
}

/// Says one of several things: `{"name": {…}}`, or a bare `"name"` where there is nothing more to say.
pub(crate) fn say_either(out: &mut String, name: &str, fields: &[(&str, &dyn Said)]) {
    match fields {
        [] => name.say(out),
        fields => say_object(out, &[(name, &Fields(fields))]),
    }
}

/// An object with these fields.
pub struct Fields<'a>(
    /// Name and value.
    pub &'a [(&'a str, &'a dyn Said)],
);

impl Said for Fields<'_> {
    fn say(&self, out: &mut String) {
        say_object(out, self.0);
    }
}

/// Hears an object, field by field, and whether all of them were well.
pub(crate) struct HeardObject<'a> {
    value: &'a Value,
    pub(crate) well: bool,
}

impl HeardObject<'_> {
    pub(crate) fn new(value: &Value) -> HeardObject<'_> {
        HeardObject { value, well: true }
    }

    pub(crate) fn hear(&mut self, name: &str, field: &mut dyn Hear) {
        self.well = self.well
            && match self.value.get(name) {
                Some(value) => field.hear(value),
                None => self.value.as_object().is_some() && field.may_be_absent(),
            };
    }
}

/// The name of one of several things, and what stands in it: a bare string is a thing without fields.
pub(crate) fn tag(value: &Value) -> Option<(&str, &Value)> {
    match value {
        Value::String(name) => Some((name, &Value::Null)),
        Value::Object(fields) if fields.len() == 1 => {
            fields.iter().next().map(|(name, value)| (name.as_str(), value))
        }
        _ => None,
    }
}

/// A struct is said field by field, under its fields' own names or under the one given here.
macro_rules! wire {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $said:literal) => { $said };
    ($name:ident { $($field:ident $(as $said:literal)?),+ $(,)? }) => {
        impl crate::wire::Said for $name {
            fn say(&self, out: &mut String) {
                let mut object = crate::wire::SaidObject::new(out);
                $(object.say(crate::wire::wire!(@name $field $($said)?), &self.$field);)+
                object.end();
            }
        }

        impl crate::wire::Hear for $name {
            fn hear(&mut self, value: &crate::json::Value) -> bool {
                let mut object = crate::wire::HeardObject::new(value);
                $(object.hear(crate::wire::wire!(@name $field $($said)?), &mut self.$field);)+
                object.well
            }
        }
    };
}
pub(crate) use wire;

/// One of several things is said under the name given here, its fields under their own.
macro_rules! wire_either {
    ($name:ident { $($tag:literal => $variant:ident { $($field:ident),* }),+ $(,)? }) => {
        impl crate::wire::Said for $name {
            fn say(&self, out: &mut String) {
                match self {
                    $($name::$variant { $($field),* } => {
                        crate::wire::say_either(out, $tag, &[$((stringify!($field), $field)),*]);
                    })+
                }
            }
        }

        impl crate::wire::Hear for $name {
            fn hear(&mut self, value: &crate::json::Value) -> bool {
                let Some((tag, fields)) = crate::wire::tag(value) else { return false };
                *self = match tag {
                    $($tag => $name::$variant { $($field: Default::default()),* },)+
                    _ => return false,
                };
                let mut _object = crate::wire::HeardObject::new(fields);
                match self {
                    $($name::$variant { $($field),* } => { $(_object.hear(stringify!($field), $field);)* })+
                }
                _object.well
            }
        }
    };
}
pub(crate) use wire_either;

/// Becomes this, if there is something to become.
pub(crate) fn take<T>(place: &mut T, heard: Option<T>) -> bool {
    heard.map(|heard| *place = heard).is_some()
}

macro_rules! wire_number {
    ($($number:ty),+) => {$(
        impl Said for $number {
            fn say(&self, out: &mut String) {
                // Writing to a string cannot fail.
                let _ = write!(out, "{self}");
            }
        }

        impl Hear for $number {
            fn hear(&mut self, value: &Value) -> bool {
                take(self, value.as_u64().and_then(|number| number.try_into().ok()))
            }

            fn may_be_absent(&self) -> bool {
                true
            }
        }
    )+};
}
wire_number!(u8, u32, u64);

impl Said for str {
    fn say(&self, out: &mut String) {
        out.push('"');
        let mut rest = self;
        while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            let (plain, special) = rest.split_at(at);
            out.push_str(plain);
            let byte = special.bytes().next().unwrap_or_default();
            match byte {
                b'"' => out.push_str("\\\""),
                b'\\' => out.push_str("\\\\"),
                b'\n' => out.push_str("\\n"),
                b'\r' => out.push_str("\\r"),
                b'\t' => out.push_str("\\t"),
                8 => out.push_str("\\b"),
                12 => out.push_str("\\f"),
                _ => {
                    out.push_str("\\u00");
                    out.push_str(&hex(&[byte]));
                }
            }
            rest = special.get(1..).unwrap_or_default();
        }
        out.push_str(rest);
        out.push('"');
    }
}

impl Said for &str {
    fn say(&self, out: &mut String) {
        (**self).say(out);
    }
}

impl Said for String {
    fn say(&self, out: &mut String) {
        self.as_str().say(out);
    }
}

impl Hear for String {
    fn hear(&mut self, value: &Value) -> bool {
        take(self, value.as_str().map(str::to_owned))
    }
}

impl Said for Value {
    fn say(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(is) => out.push_str(if *is { "true" } else { "false" }),
            Value::Number(number) => number.say(out),
            Value::Other(digits) => out.push_str(digits),
            Value::String(text) => text.say(out),
            Value::Array(items) => items.say(out),
            Value::Object(fields) => {
                out.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    name.say(out);
                    out.push(':');
                    value.say(out);
                }
                out.push('}');
            }
        }
    }
}

impl Hear for Value {
    fn hear(&mut self, value: &Value) -> bool {
        *self = value.clone();
        true
    }
}

impl<T: Said> Said for Vec<T> {
    fn say(&self, out: &mut String) {
        self.as_slice().say(out);
    }
}

impl<T: Said> Said for &[T] {
    fn say(&self, out: &mut String) {
        for (index, said) in self.iter().enumerate() {
            out.push(if index == 0 { '[' } else { ',' });
            said.say(out);
        }
        out.push_str(if self.is_empty() { "[]" } else { "]" });
    }
}

impl<T: Hear + Default> Hear for Vec<T> {
    fn hear(&mut self, value: &Value) -> bool {
        let Some(items) = value.as_array() else { return false };
        items.iter().all(|item| {
            let mut heard = T::default();
            let well = heard.hear(item);
            self.push(heard);
            well
        })
    }

    fn may_be_absent(&self) -> bool {
        true
    }
}

impl<T: Said> Said for Option<T> {
    fn say(&self, out: &mut String) {
        match self {
            Some(said) => said.say(out),
            None => out.push_str("null"),
        }
    }
}

impl Said for bool {
    fn say(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Hear for bool {
    fn hear(&mut self, value: &Value) -> bool {
        *self = *value == Value::Bool(true);
        matches!(value, Value::Bool(_))
    }

    fn may_be_absent(&self) -> bool {
        true
    }
}

impl<T: Hear + Default> Hear for Option<T> {
    fn hear(&mut self, value: &Value) -> bool {
        value.is_null() || self.insert(T::default()).hear(value)
    }

    fn may_be_absent(&self) -> bool {
        true
    }
}

impl Said for (u32, u32) {
    fn say(&self, out: &mut String) {
        let _ = write!(out, "[{},{}]", self.0, self.1);
    }
}

impl Hear for (u32, u32) {
    fn hear(&mut self, value: &Value) -> bool {
        match value.as_array().map(Vec::as_slice) {
            Some([one, other]) => self.0.hear(one) && self.1.hear(other),
            _ => false,
        }
    }
}

/// Names of holders, incarnations: hexadecimal digits.
impl<const N: usize> Said for [u8; N] {
    fn say(&self, out: &mut String) {
        out.push('"');
        out.push_str(&hex(self));
        out.push('"');
    }
}

impl<const N: usize> Hear for [u8; N] {
    fn hear(&mut self, value: &Value) -> bool {
        take(self, value.as_str().and_then(crate::codec::from_hex))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::order::{Command, Reply};
    use crate::protocol::{Answer, Ask, Outcome, Wish};

    fn both_ways<T: Wire + std::fmt::Debug + PartialEq>(said: T, json: Value) {
        assert_eq!(parse(to_text(&said).as_bytes()), Ok(json.clone()));
        assert_eq!(T::from_value(&json), Some(said));
    }

    #[test]
    fn every_wish_is_said_as_it_always_was() {
        let number = [3; 16];
        both_ways(Wish::Enter { holder: number }, json!({ "enter": { "holder": "03".repeat(16) } }));
        both_ways(Wish::Join { holder: number }, json!({ "join": { "holder": "03".repeat(16) } }));
        both_ways(Wish::Claim { epoch: 1, rank: 2 }, json!({ "claim": { "epoch": 1, "rank": 2 } }));
        let seat = json!({ "epoch": 1, "pass_epoch": 2, "seat": 3, "generation": 4 });
        let renew = Wish::Renew { epoch: 1, pass_epoch: 2, seat: 3, generation: 4 };
        both_ways(renew, json!({ "renew": seat }));
        let leave = Wish::LeavePass { epoch: 1, pass_epoch: 2, seat: 3, generation: 4 };
        both_ways(leave, json!({ "leave_pass": seat }));
        both_ways(
            Wish::LeaveTicket { epoch: 1, rank: 2 },
            json!({ "leave_ticket": { "epoch": 1, "rank": 2 } }),
        );
        both_ways(Wish::Board, json!("board"));
    }

    #[test]
    fn every_outcome_is_said_as_it_always_was() {
        both_ways(Outcome::Admitted { pass: "p".into() }, json!({ "admitted": { "pass": "p" } }));
        let joined = Outcome::Joined { ticket: "t".into(), rank: 1, joined_at_ms: 2 };
        both_ways(joined, json!({ "joined": { "ticket": "t", "rank": 1, "joined_at_ms": 2 } }));
        both_ways(Outcome::Next { retry_ms: 3 }, json!({ "next": { "retry_ms": 3 } }));
        for (outcome, name) in [
            (Outcome::Busy, "busy"),
            (Outcome::Waiting, "waiting"),
            (Outcome::Used, "used"),
            (Outcome::Void, "void"),
            (Outcome::Ended, "ended"),
            (Outcome::Left, "left"),
            (Outcome::Board, "board"),
            (Outcome::Unknown, "unknown"),
            (Outcome::Unreachable, "unreachable"),
            (Outcome::Overloaded, "overloaded"),
        ] {
            both_ways(outcome, json!(name));
        }
    }

    #[test]
    fn commands_and_replies_are_said_as_they_always_were() {
        both_ways(Command::List, json!("list"));
        both_ways(
            Command::Patch { id: "x".into(), patch: json!({ "a": 1 }) },
            json!({ "patch": { "id": "x", "patch": { "a": 1 } } }),
        );
        both_ways(Command::Attempt { prefix: [1; 4] }, json!({ "attempt": { "prefix": "01010101" } }));
        both_ways(Reply::Throttled { retry_ms: 5 }, json!({ "throttled": { "retry_ms": 5 } }));
        both_ways(Reply::Rooms(Vec::new()), json!({ "rooms": [] }));
        both_ways(Reply::Allowed, json!("allowed"));
    }

    #[test]
    fn other_versions_are_understood_and_nonsense_is_not() {
        let ask: Ask = from_text(br#"{"wish":"board","of_tomorrow":7}"#).unwrap();
        assert_eq!((ask.wish, ask.revoked_seq), (Wish::Board, 0));
        let answer: Answer = from_text(br#"{"outcome":"busy"}"#).unwrap();
        assert!(answer.board.is_none() && answer.board_age_ms == 0);
        for nonsense in [
            "",
            "{",
            "[]",
            "7",
            r#"{"wish":"fly"}"#,
            r#"{"wish":{"claim":{"epoch":-1,"rank":0}}}"#,
            r#"{"wish":{"claim":{},"join":{}}}"#,
            r#"{"wish":{"enter":{"holder":"0102"}}}"#,
            r#"{"wish":{"enter":{"holder":"é0000000000000000000000000000000"}}}"#,
        ] {
            assert!(from_text::<Ask>(nonsense.as_bytes()).is_none(), "{nonsense}");
        }
    }
}
