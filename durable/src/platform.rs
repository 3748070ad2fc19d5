//! What the object files share of the platform: the clock, entropy, calls to other objects, and
//! what stands in the environment.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;
use worker::js_sys::{self, Date, Promise};
use worker::wasm_bindgen::prelude::*;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Delay, Env, Error, Result};

use crate::token::{KeyFault, Keys};
use crate::units::Millis;
use crate::wire::{Wire, from_text, to_text};

/// A call that has not been answered by now counts as failed: it may or may not have happened. `entry.mjs` waits as long.
const PATIENCE: Duration = Duration::from_millis(1_900);

/// The clock. It is read once for each event and handed on.
pub fn now() -> Millis {
    Millis(Date::now() as u64)
}

/// Random bytes. Without a source of them nothing may be signed or named, so its failure is an error.
pub fn entropy<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::RustError("no source of random bytes".into()))?;
    Ok(bytes)
}

/// A secret or variable as text; empty when it is not there.
pub fn text(env: &Env, name: &str) -> String {
    env.secret(name).map_or_else(|_| String::new(), |secret| secret.to_string())
}

/// The keys, or which secret is wrong.
pub fn keys(env: &Env) -> std::result::Result<Keys, KeyFault> {
    Keys::new(&text(env, "KEY_CURRENT"), &text(env, "KEY_NEXT"), &text(env, "KEY_PREVIOUS"))
}

/// The rooms of `[vars]`: empty when none are named.
pub fn rooms_var(env: &Env) -> Vec<Value> {
    let rooms = js_sys::Reflect::get(env, &JsValue::from_str("ROOMS"));
    let json = rooms.and_then(|rooms| js_sys::JSON::stringify(&rooms));
    json.ok().and_then(|json| from_text(String::from(json).as_bytes())).unwrap_or_default()
}

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
extern "C" {
    type Namespace;
    type Stub;
    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn get_by_name(this: &Namespace, name: &str) -> std::result::Result<Stub, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn ask(this: &Stub, name: &str, action: &str, payload: &JsValue)
    -> std::result::Result<Promise, JsValue>;
}

/// Calls an object by its name: what is asked of it, with text or bytes, and what it says to that. The call is one of methods
/// (`objects.mjs`), for a request with a body costs the platform twice as much.
pub async fn call(env: &Env, binding: &str, name: &str, action: &str, payload: JsValue) -> Result<JsValue> {
    let namespace: Namespace = js_sys::Reflect::get(env, &binding.into())?.unchecked_into();
    let answer = JsFuture::from(namespace.get_by_name(name)?.ask(name, action, &payload)?);
    match select(answer, pin!(Delay::from(PATIENCE))).await {
        Either::Left((answer, _)) => answer.map_err(Error::from),
        Either::Right(_) => Err(Error::RustError(format!("{binding} did not answer in time"))),
    }
}

/// The same with JSON both ways.
pub async fn call_json<T: Wire>(
    env: &Env,
    binding: &str,
    name: &str,
    action: &str,
    payload: &str,
) -> Result<T> {
    let said = call(env, binding, name, action, payload.into()).await?.as_string().unwrap_or_default();
    from_text(said.as_bytes())
        .ok_or_else(|| Error::RustError(format!("{binding} answered what this version cannot read")))
}

/// What an object says, as JSON.
pub fn json(said: &impl Wire) -> JsValue {
    to_text(said).into()
}

/// An error as the platform carries it to whoever called. It is logged here, where it happened.
pub fn thrown(whose: &str, error: &Error) -> JsValue {
    log(&format!("{whose}: {error}"));
    js_sys::Error::new(&error.to_string()).into()
}

/// Whether a failed call must not be made again: the object has more to do than it can.
pub fn is_overloaded(error: &Error) -> bool {
    let Error::UnknownJsError { original, .. } = error else {
        return false;
    };
    js_sys::Reflect::get(original, &JsValue::from_str("overloaded")).is_ok_and(|flag| flag.is_truthy())
}

/// Says something to whoever reads the logs. Never a token or a secret.
pub fn log(message: &str) {
    worker::console_error!("anteroom: {message}");
}
