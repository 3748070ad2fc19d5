//! What the object files and the edge share of the platform: the clock, entropy, storage, and what stands in the environment. Nothing
//! here waits: what takes time is done by the host, `entry.mjs` and `objects.mjs`.

use std::cell::RefCell;

use crate::json::Value;
use js_sys::{Array, Date, Iterator, Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::token::{KeyFault, Keys};
use crate::units::Millis;
use crate::wire::from_text;

/// A thing of the platform, or what it throws.
pub type Result<T> = std::result::Result<T, JsValue>;

/// The clock. It is read once for each event and handed on.
pub fn now() -> Millis {
    Millis(Date::now() as u64)
}

/// Random bytes. Without a source of them nothing may be signed or named, so its failure is an error.
pub fn entropy<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| thrown("no source of random bytes"))?;
    Ok(bytes)
}

/// A secret or variable as text; empty when it is not there.
pub fn text(env: &JsValue, name: &str) -> String {
    js_sys::Reflect::get(env, &name.into()).ok().and_then(|value| value.as_string()).unwrap_or_default()
}

/// The keys, or which secret is wrong.
pub fn keys(env: &JsValue) -> std::result::Result<Keys, KeyFault> {
    Keys::new(&text(env, "KEY_CURRENT"), &text(env, "KEY_NEXT"), &text(env, "KEY_PREVIOUS"))
}

/// The rooms of `[vars]`: empty when none are named.
pub fn rooms_var(env: &JsValue) -> Vec<Value> {
    let rooms = js_sys::Reflect::get(env, &"ROOMS".into());
    let json = rooms.and_then(|rooms| js_sys::JSON::stringify(&rooms));
    // Of what is not there, JSON says nothing, and not a text.
    let json = json.ok().and_then(|json| JsValue::from(json).as_string());
    json.and_then(|json| from_text(json.as_bytes())).unwrap_or_default()
}

/// An error, as the platform carries it to whoever called; the name is for logs.
pub fn thrown(message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    error.set_name("AnteroomError");
    error.into()
}

thread_local! {
    static INBOX: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where the host lays the text of its next call (`core.mjs`): the address of at least so many bytes of the [`heap`]. They move when more
/// are asked for.
#[wasm_bindgen]
pub fn inbox(bytes: usize) -> usize {
    INBOX.with_borrow_mut(|inbox| {
        if inbox.len() < bytes {
            inbox.resize(bytes, 0);
        }
        inbox.as_mut_ptr() as usize
    })
}

/// The Wasm's memory.
#[wasm_bindgen]
pub fn heap() -> JsValue {
    wasm_bindgen::memory()
}

/// Reads the text of so many bytes that was laid in the [`inbox`]; nothing if it is none.
pub fn read<T>(laid: usize, take: impl FnOnce(&str) -> T) -> T {
    INBOX.with_borrow(|inbox| {
        take(std::str::from_utf8(inbox.get(..laid).unwrap_or_default()).unwrap_or_default())
    })
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(message: &str);

    /// An object's storage. What is written is committed as one when the host awaits `sync()`.
    pub type Storage;
    #[wasm_bindgen(method, getter)]
    fn sql(this: &Storage) -> Sql;
    #[wasm_bindgen(method, js_name = setAlarm)]
    fn set_alarm_at(this: &Storage, at_ms: f64) -> Promise;
    #[wasm_bindgen(method, js_name = deleteAlarm)]
    fn delete_alarm(this: &Storage) -> Promise;
    #[wasm_bindgen(method, js_name = deleteAll)]
    fn delete_all(this: &Storage) -> Promise;

    type Sql;
    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Sql, query: &str, bindings: &Array) -> Result<Cursor>;

    type Cursor;
    #[wasm_bindgen(method)]
    fn raw(this: &Cursor) -> Iterator;
    #[wasm_bindgen(method, getter, js_name = rowsWritten)]
    fn rows_written(this: &Cursor) -> f64;
}

/// What a column holds.
#[derive(Debug)]
pub enum Column<'a> {
    /// An integer; the platform's numbers are exact up to 2^53.
    Number(u64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl Storage {
    /// Runs a statement.
    pub fn execute(&self, query: &str, columns: &[Column<'_>]) -> Result<()> {
        self.bind(query, columns).map(drop)
    }

    /// Runs a statement that changes a row. Where that is not there, storage holds something else than is known here.
    pub fn replace(&self, query: &str, columns: &[Column<'_>]) -> Result<()> {
        let is_written = self.bind(query, columns)?.rows_written() > 0.0;
        is_written.then_some(()).ok_or_else(|| thrown("a row of the journal is not where it was"))
    }

    /// A query's rows, one at a time.
    pub fn rows(&self, query: &str) -> Result<impl std::iter::Iterator<Item = Result<Array>>> {
        let rows = self.bind(query, &[])?.raw();
        Ok(std::iter::from_fn(move || {
            let next = match rows.next() {
                Ok(next) => next,
                Err(error) => return Some(Err(error)),
            };
            (!next.done()).then(|| next.value().dyn_into())
        }))
    }

    /// Wakes the object then.
    pub fn set_alarm(&self, at: Millis) {
        // What it promises is part of the commit that the host waits for.
        let _ = self.set_alarm_at(at.0 as f64);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let _ = self.delete_alarm();
        let _ = self.delete_all();
    }

    fn bind(&self, query: &str, columns: &[Column<'_>]) -> Result<Cursor> {
        let bindings = Array::new();
        for column in columns {
            bindings.push(&match column {
                Column::Number(number) => JsValue::from_f64(*number as f64),
                Column::Text(text) => JsValue::from_str(text),
                Column::Bytes(bytes) => Uint8Array::from(*bytes).into(),
            });
        }
        self.sql().exec(query, &bindings)
    }
}

/// An integer of a row.
pub fn number(row: &Array, column: u32) -> Result<u64> {
    let number = row.get(column).as_f64().filter(|number| *number >= 0.0);
    number.map(|number| number as u64).ok_or_else(|| thrown("a row has another shape than this version's"))
}

/// Bytes of a row.
pub fn bytes(row: &Array, column: u32) -> Vec<u8> {
    Uint8Array::new(&row.get(column)).to_vec()
}

/// Says something to whoever reads the logs. Never a token or a secret.
pub fn log(message: &str) {
    console_error(&format!("anteroom: {message}"));
}
