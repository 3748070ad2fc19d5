//! JSON as a tree of values. What reads it is [`hifijson`], which leaves the meaning of numbers to us: whole ones up to 2^64 are numbers here, all
//! others are kept as they are written, for nothing of ours has a fraction. Without tables for those, and with objects that are sorted lists,
//! this is a third of what `serde_json` takes in the Wasm.

use std::borrow::Cow;
use std::fmt;

use hifijson::token::Lex as _;
use hifijson::value::parse_bounded;
use hifijson::{SliceLexer, value};

use crate::listed::Listed as _;
use crate::wire::to_text;

/// Values inside values are read to this depth.
const DEPTH_MAX: usize = 32;

/// A value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// `null`, and what is not there.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from 0 on.
    Number(u64),
    /// Any other number, as it is written.
    Other(String),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// An object.
    Object(Map),
}

/// An object's fields, in the order of their names, each of another name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    fields: Vec<(String, Value)>,
}

/// A text that is not JSON, and where it stops being it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson {
    /// The first byte that cannot be understood.
    pub at_byte: usize,
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from byte {} on it cannot be understood", self.at_byte)
    }
}

/// Reads a text that is one value. Of fields of the same name the last counts.
pub fn parse(text: &[u8]) -> Result<Value, NotJson> {
    let mut lexer = SliceLexer::new(text);
    let value = lexer.exactly_one(SliceLexer::ws_peek, |next, lexer| parse_bounded(DEPTH_MAX, next, lexer));
    match value {
        Ok(value) => Ok(of_lexed(value)),
        Err(_) => Err(NotJson { at_byte: text.len() - lexer.as_slice().len() }),
    }
}

fn of_lexed(lexed: value::Value<&str, Cow<'_, str>>) -> Value {
    match lexed {
        value::Value::Null => Value::Null,
        value::Value::Bool(is) => Value::Bool(is),
        value::Value::Number((digits, _)) => {
            digits.parse().map_or_else(|_| Value::Other(digits.to_owned()), Value::Number)
        }
        value::Value::String(text) => Value::String(text.into_owned()),
        value::Value::Array(items) => Value::Array(items.into_iter().map(of_lexed).listed()),
        value::Value::Object(fields) => {
            let mut map = Map::default();
            for (name, value) in fields {
                map.insert(name.into_owned(), of_lexed(value));
            }
            Value::Object(map)
        }
    }
}

impl Map {
    /// A field's value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(self.find(name).ok()?).map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let index = self.find(name).ok()?;
        self.fields.get_mut(index).map(|(_, value)| value)
    }

    /// Whether there is such a field.
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Puts in a field, in place of one of its name.
    pub fn insert(&mut self, name: String, value: Value) {
        match self.find(&name) {
            Ok(index) => drop(self.fields.get_mut(index).map(|field| field.1 = value)),
            Err(index) => self.fields.insert(index, (name, value)),
        }
    }

    /// The same, of whatever can stand in [`json!`](crate::json!).
    pub fn put(&mut self, name: &str, value: &dyn ToJson) {
        self.insert(name.to_owned(), value.to_json());
    }

    /// Takes out a field.
    pub fn remove(&mut self, name: &str) {
        if let Ok(index) = self.find(name) {
            self.fields.remove(index);
        }
    }

    /// The fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields.iter().map(|(name, value)| (name, value))
    }

    /// Takes out all fields but these.
    pub fn retain(&mut self, keep: impl Fn(&str, &Value) -> bool) {
        self.fields.retain(|(name, value)| keep(name, value));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        // Most are put in and read in order.
        if self.fields.last().is_none_or(|(last, _)| last.as_str() < name) {
            return Err(self.fields.len());
        }
        self.fields.binary_search_by(|(held, _)| held.as_str().cmp(name))
    }
}

impl Value {
    /// The number, if it is one from 0 on.
    pub fn as_u64(&self) -> Option<u64> {
        if let Value::Number(number) = self { Some(*number) } else { None }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    /// The list, if it is one.
    pub fn as_array(&self) -> Option<&Vec<Value>> {
        if let Value::Array(items) = self { Some(items) } else { None }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Map> {
        if let Value::Object(fields) = self { Some(fields) } else { None }
    }

    /// The same, to be changed.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Value::Object(fields) = self { Some(fields) } else { None }
    }

    /// A field, if it is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?.get(name)
    }

    /// Puts in a field, if it is an object.
    pub fn set(&mut self, name: &str, value: Value) {
        if let Value::Object(fields) = self {
            fields.insert(name.to_owned(), value);
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_text(self))
    }
}

impl std::ops::Index<&str> for Value {
    type Output = Value;

    /// A field; `null` if there is none.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

impl std::ops::Index<usize> for Value {
    type Output = Value;

    /// An item of a list; `null` if there is none.
    fn index(&self, index: usize) -> &Value {
        self.as_array().and_then(|items| items.get(index)).unwrap_or(&Value::Null)
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

/// What can stand in [`json!`](crate::json!).
pub trait ToJson {
    /// As a value.
    fn to_json(&self) -> Value;
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn to_json(&self) -> Value {
        (**self).to_json()
    }
}

impl ToJson for Value {
    fn to_json(&self) -> Value {
        self.clone()
    }
}

impl ToJson for bool {
    fn to_json(&self) -> Value {
        Value::Bool(*self)
    }
}

impl ToJson for str {
    fn to_json(&self) -> Value {
        Value::String(self.to_owned())
    }
}

impl ToJson for String {
    fn to_json(&self) -> Value {
        self.as_str().to_json()
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_json)
    }
}

impl<T: ToJson> ToJson for [T] {
    fn to_json(&self) -> Value {
        Value::Array(self.iter().map(T::to_json).listed())
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self) -> Value {
        self.as_slice().to_json()
    }
}

macro_rules! number_to_json {
    ($($number:ty),+) => {$(
        impl ToJson for $number {
            fn to_json(&self) -> Value {
                u64::try_from(*self).map_or_else(|_| Value::Other(self.to_string()), Value::Number)
            }
        }
    )+};
}
number_to_json!(i32, u16, u32, u64, usize);

/// Writes a value as JSON is written, with expressions in it: `json!({ "name": name, "tags": ["a", tag] })`.
#[macro_export]
macro_rules! json {
    (@field $map:ident) => {};
    (@field $map:ident $name:tt : null $(, $($rest:tt)*)?) => {
        $map.put($name, &$crate::json::Value::Null);
        $crate::json!(@field $map $($($rest)*)?);
    };
    (@field $map:ident $name:tt : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $map.put($name, &$crate::json!({ $($inner)* }));
        $crate::json!(@field $map $($($rest)*)?);
    };
    (@field $map:ident $name:tt : [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $map.put($name, &$crate::json!([ $($inner)* ]));
        $crate::json!(@field $map $($($rest)*)?);
    };
    (@field $map:ident $name:tt : $value:expr $(, $($rest:tt)*)?) => {
        $map.put($name, &$value);
        $crate::json!(@field $map $($($rest)*)?);
    };
    (@item $items:ident) => {};
    (@item $items:ident { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $items.push($crate::json!({ $($inner)* }));
        $crate::json!(@item $items $($($rest)*)?);
    };
    (@item $items:ident [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $items.push($crate::json!([ $($inner)* ]));
        $crate::json!(@item $items $($($rest)*)?);
    };
    (@item $items:ident $value:expr $(, $($rest:tt)*)?) => {
        $items.push($crate::json::ToJson::to_json(&$value));
        $crate::json!(@item $items $($($rest)*)?);
    };
    (null) => { $crate::json::Value::Null };
    ([]) => { $crate::json::Value::Array(Vec::new()) };
    ([ $($inner:tt)+ ]) => {{
        let mut items = Vec::from([]);
        $crate::json!(@item items $($inner)+);
        $crate::json::Value::Array(items)
    }};
    ({}) => { $crate::json::Value::Object($crate::json::Map::default()) };
    ({ $($inner:tt)+ }) => {{
        let mut map = $crate::json::Map::default();
        $crate::json!(@field map $($inner)+);
        $crate::json::Value::Object(map)
    }};
    ($value:expr) => { $crate::json::ToJson::to_json(&$value) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_serde_json_reads() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "18446744073709551615",
            "-1",
            "1.5e3",
            "[]",
            "{}",
            r#"[1,"a",[null]]"#,
            r#"{"b":1,"a":{"c":[true]},"b":2}"#,
            r#""\"\\\/\b\f\n\r\té\uD83D\uDE00ü""#,
        ] {
            let theirs: serde_json::Value = serde_json::from_str(text).unwrap();
            let ours = parse(text.as_bytes()).unwrap();
            let again: serde_json::Value = serde_json::from_str(&ours.to_string()).unwrap();
            assert_eq!(again, theirs, "{text}");
            assert_eq!(parse(ours.to_string().as_bytes()), Ok(ours));
        }
    }

    #[test]
    fn what_is_written_is_what_serde_json_writes() {
        let every: String = (0..0x250).chain([0x2028, 0xfffd, 0x1f600]).filter_map(char::from_u32).collect();
        assert_eq!(json!(every).to_string(), serde_json::to_string(&every).unwrap());
        let ours = json!({ "b": [1, -2, { "x": null }], "a": every, "c": {}, "d": [], "e": [[]] });
        let theirs =
            serde_json::json!({ "b": [1, -2, { "x": null }], "a": every, "c": {}, "d": [], "e": [[]] });
        assert_eq!(ours.to_string(), theirs.to_string());
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (text, at_byte) in
            [("", 0), ("{", 1), ("[1,]", 3), ("{\"a\" 1}", 5), ("nul", 1), ("1 2", 2), ("\"\u{1}\"", 2)]
        {
            assert_eq!(parse(text.as_bytes()), Err(NotJson { at_byte }), "{text}");
        }
        assert!(parse(b"\"\xff\"").is_err() && parse(br#""\ud83d""#).is_err() && parse(b"007").is_err());
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(deep(DEPTH_MAX).as_bytes()).is_ok() && parse(deep(DEPTH_MAX + 1).as_bytes()).is_err());
        assert!(parse(deep(1_000_000).as_bytes()).is_err(), "and no stack is run over");
    }

    #[test]
    fn fields_are_found_changed_and_taken_out_whatever_their_order() {
        let mut value = json!({ "c": 3, "a": 1, "b": 2 });
        let map = value.as_object_mut().unwrap();
        map.insert("b".into(), json!("two"));
        map.remove("a");
        map.remove("z");
        assert_eq!(map.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!((&value["b"], &value["a"], &value["c"][0]), (&json!("two"), &Value::Null, &Value::Null));
        assert_eq!(value, json!({ "c": 3, "b": "two" }));
    }
}
