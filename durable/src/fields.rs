//! Reads an object's fields one by one and gathers what is wrong with them, so that whoever sent them
//! hears of all faults at once. A field that nobody asked for by the end is itself a fault.

use crate::date::millis;
use crate::json::{Map, Value};
use crate::listed::Listed as _;
use crate::pieces::joined;
use crate::settings::Fault;
use crate::units::Millis;
use crate::wire::to_text;

/// Reads what some version wrote, and stored. A newer one may have written what this one would refuse, before a deployment was taken back or while
/// it spreads, or an older one what is refused since: such a field says nothing, for a room that cannot be read covers nothing.
pub(crate) fn stored<T>(
    json: &Value,
    parse: impl Fn(&Value) -> Result<T, Vec<Fault>>,
) -> Result<T, Vec<Fault>> {
    let faults = match parse(json) {
        Err(faults) => faults,
        well => return well,
    };
    let mut known = json.clone();
    for Fault { field, .. } in &faults {
        let (outer, inner) = field.split_once('.').unwrap_or(("", field));
        let whole = known.as_object_mut();
        let object = match outer {
            "" => whole,
            outer => whole.and_then(|whole| whole.get_mut(outer)?.as_object_mut()),
        };
        if let Some(object) = object {
            object.remove(inner);
        }
    }
    parse(&known)
}

/// An object under reading.
pub(crate) struct Fields<'a> {
    object: &'a Map,
    prefix: String,
    known: Vec<String>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(object: &'a Map) -> Fields<'a> {
        Fields { object, prefix: String::new(), known: Vec::new(), faults: Vec::new() }
    }

    /// An object inside another: its faults are named `outer.field`.
    pub(crate) fn within(object: &'a Map, outer: &str) -> Fields<'a> {
        Fields { prefix: format!("{outer}."), ..Fields::new(object) }
    }

    pub(crate) fn fault(&mut self, field: &str, message: impl Into<String>) {
        let field = format!("{}{field}", self.prefix);
        // One fault for a field is enough: the first is the nearest to what was meant.
        if self.faults.iter().all(|fault| fault.field != field) {
            self.faults.push(Fault { field, message: message.into() });
        }
    }

    /// Takes an inner object's faults, its unknown fields among them.
    pub(crate) fn take_faults(&mut self, inner: Fields<'_>) {
        if let Err(faults) = inner.finish(()) {
            self.faults.extend(faults);
        }
    }

    /// The value, if nothing was wrong and nothing was left over.
    pub(crate) fn finish<T>(mut self, value: T) -> Result<T, Vec<Fault>> {
        let unknown: Vec<&String> =
            self.object.iter().map(|(key, _)| key).filter(|key| !self.known.contains(*key)).listed();
        for key in unknown {
            self.fault(&key.clone(), "is not a field this version knows");
        }
        if self.faults.is_empty() { Ok(value) } else { Err(self.faults) }
    }

    /// A field that may be sent and says nothing.
    pub(crate) fn ignore(&mut self, field: &str) {
        self.known.push(field.to_owned());
    }

    /// Whether it is there and not null.
    pub(crate) fn names(&mut self, field: &str) -> bool {
        self.get(field).is_some()
    }

    /// A field of which only one value is carried out.
    pub(crate) fn neutral(&mut self, field: &str, value: &Value, reason: &str) {
        if self.get(field).is_some_and(|given| given != value) {
            self.fault(field, format!("{reason}; leave it out, or {}", to_text(value)));
        }
    }

    pub(crate) fn text(&mut self, field: &str, bytes_max: usize) -> String {
        self.text_or(field, "", bytes_max)
    }

    pub(crate) fn text_or(&mut self, field: &str, default: &str, bytes_max: usize) -> String {
        match self.get(field) {
            None => default.to_owned(),
            Some(Value::String(text)) if text.len() <= bytes_max => text.clone(),
            Some(_) => {
                self.fault(field, format!("must be a text of at most {bytes_max} bytes"));
                default.to_owned()
            }
        }
    }

    /// A moment, as ISO 8601 has it; with a fault, the first of all.
    pub(crate) fn time(&mut self, field: &str) -> Millis {
        let text = self.text(field, 40);
        // The first moment of all stands for none elsewhere.
        millis(&text).filter(|at| at.0 > 0).unwrap_or_else(|| {
            self.fault(
                field,
                "must be a time such as `2026-12-01T09:00:00Z`, or with its distance from UTC: `…+01:00`",
            );
            Millis(0)
        })
    }

    pub(crate) fn flag(&mut self, field: &str, default: bool) -> bool {
        match self.get(field) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.fault(field, "must be true or false");
                default
            }
        }
    }

    pub(crate) fn optional_number(&mut self, field: &str, min: u64, max: u64) -> Option<u64> {
        let value = self.get(field)?;
        let number = value.as_u64().filter(|number| (min..=max).contains(number));
        if number.is_none() {
            self.fault(field, format!("must be a whole number from {min} to {max}"));
        }
        number
    }

    pub(crate) fn number(&mut self, field: &str, default: u64, min: u64, max: u64) -> u32 {
        self.optional_number(field, min, max).unwrap_or(default) as u32
    }

    pub(crate) fn required_number(&mut self, field: &str, min: u64, max: u64) -> u32 {
        if self.get(field).is_none() {
            self.fault(field, format!("is required: a whole number from {min} to {max}"));
        }
        self.number(field, min, min, max)
    }

    pub(crate) fn one_of(&mut self, field: &str, default: u16, values: &[u16]) -> u16 {
        let Some(value) = self.get(field) else {
            return default;
        };
        let found = values.iter().find(|allowed| value.as_u64() == Some(u64::from(**allowed)));
        if found.is_none() {
            let values: Vec<String> = values.iter().map(u16::to_string).listed();
            self.fault(
                field,
                format!("must be one of {}", joined(&mut values.iter().map(String::as_str), ", ")),
            );
        }
        found.copied().unwrap_or(default)
    }

    pub(crate) fn list(&mut self, field: &str, items_max: usize) -> &'a [Value] {
        match self.get(field) {
            None => &[],
            Some(Value::Array(items)) if items.len() <= items_max => items,
            Some(_) => {
                self.fault(field, format!("must be a list of at most {items_max}"));
                &[]
            }
        }
    }

    pub(crate) fn object(&mut self, field: &str) -> Option<&'a Map> {
        match self.get(field)? {
            Value::Object(object) => Some(object),
            _ => {
                self.fault(field, "must be an object");
                None
            }
        }
    }

    /// The field's value; `null` stands for absent, as in Cloudflare's API.
    fn get(&mut self, field: &str) -> Option<&'a Value> {
        self.known.push(field.to_owned());
        self.object.get(field).filter(|value| !value.is_null())
    }
}
