//! What the object files share of the platform: the clock, entropy, calls to other objects, and
//! what stands in the environment.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;
use worker::js_sys::{self, Date, Promise};
use worker::wasm_bindgen::prelude::*;
use worker::wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys;
use worker::{Delay, Env, Error, Request, Response, Result};

use crate::token::{KeyFault, Keys};
use crate::units::Millis;
use crate::wire::{Wire, from_text, to_text};

/// A call that has not been answered by now counts as failed: it may or may not have happened. Two of them in a row, to a
/// silent directory and a silent lobby, end before the entry's 4 s, so that a good pass is honoured all the same.
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
    fn fetch(this: &Stub, url: &str, init: &js_sys::Object) -> std::result::Result<Promise, JsValue>;
}

/// What an object answered.
pub struct Called {
    /// The status code.
    pub status: u16,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// Calls an object by its name: `POST` with a body, `GET` without. The address is only a path: the host is not looked at. The
/// platform's own functions are called, for a request built by the `worker` crate brings 20 KB of code along.
pub async fn call(env: &Env, binding: &str, name: &str, path: &str, body: Option<Vec<u8>>) -> Result<Called> {
    let answer = pin!(called(env, binding, name, path, body));
    match select(answer, pin!(Delay::from(PATIENCE))).await {
        Either::Left((answer, _)) => answer.map_err(Error::from),
        Either::Right(_) => Err(Error::RustError(format!("{binding} did not answer in time"))),
    }
}

async fn called(
    env: &Env,
    binding: &str,
    name: &str,
    path: &str,
    body: Option<Vec<u8>>,
) -> std::result::Result<Called, JsValue> {
    let namespace: Namespace = js_sys::Reflect::get(env, &binding.into())?.unchecked_into();
    let init = js_sys::Object::new();
    if let Some(body) = body {
        js_sys::Reflect::set(&init, &"method".into(), &"POST".into())?;
        js_sys::Reflect::set(&init, &"body".into(), &js_sys::Uint8Array::from(body.as_slice()))?;
    }
    let promise = namespace.get_by_name(name)?.fetch(&format!("https://object{path}"), &init)?;
    let response: web_sys::Response = JsFuture::from(promise).await?.unchecked_into();
    let body = JsFuture::from(response.array_buffer()?).await?;
    Ok(Called { status: response.status(), body: js_sys::Uint8Array::new(&body).to_vec() })
}

/// The same with JSON both ways; any status but 200 is an error.
pub async fn call_json<T: Wire>(
    env: &Env,
    binding: &str,
    name: &str,
    path: &str,
    body: Option<Value>,
) -> Result<T> {
    let body = body.map(|body| to_text(&body).into_bytes());
    let Called { status, body } = call(env, binding, name, path, body).await?;
    let said = if status == 200 { from_text(&body) } else { None };
    said.ok_or_else(|| {
        Error::RustError(format!("{binding} answered {status}, or what this version cannot read"))
    })
}

/// A JSON answer of an object's.
pub fn json(said: &impl Wire) -> Result<Response> {
    Response::ok(to_text(said))
}

/// A request's body, whole: without the streams that the `worker` crate reads it by.
pub async fn body(request: &Request) -> Result<Vec<u8>> {
    let buffer = JsFuture::from(request.inner().array_buffer()?).await?;
    Ok(js_sys::Uint8Array::new(&buffer).to_vec())
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
