//! What the object files share of the platform: the clock, entropy, calls to other objects, and
//! what stands in the environment.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use worker::js_sys::{self, Date};
use worker::wasm_bindgen::JsValue;
use worker::{Delay, Env, Error, Method, Request, RequestInit, Response, Result};

use crate::token::{KeyFault, Keys};
use crate::units::Millis;

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
    json.ok().and_then(|json| serde_json::from_str(&String::from(json)).ok()).unwrap_or_default()
}

/// Calls an object by its name. The address is only a path: the host is not looked at.
pub async fn call(
    env: &Env,
    binding: &str,
    name: &str,
    path: &str,
    body: Option<Vec<u8>>,
) -> Result<Response> {
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let mut init = RequestInit::new();
    if let Some(body) = body {
        init.with_method(Method::Post);
        init.with_body(Some(js_sys::Uint8Array::from(body.as_slice()).into()));
    }
    let request = Request::new_with_init(&format!("https://{}{path}", binding.to_ascii_lowercase()), &init)?;
    let (answer, patience) = (pin!(stub.fetch_with_request(request)), pin!(Delay::from(PATIENCE)));
    match select(answer, patience).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(Error::RustError(format!("{binding} did not answer within {PATIENCE:?}"))),
    }
}

/// The same with JSON both ways; any status but 200 is an error.
pub async fn call_json<T: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    path: &str,
    body: Option<&impl Serialize>,
) -> Result<T> {
    let body = body.map(serde_json::to_vec).transpose()?;
    let mut response = call(env, binding, name, path, body).await?;
    if response.status_code() != 200 {
        return Err(Error::RustError(format!("{binding} answered {}", response.status_code())));
    }
    Ok(serde_json::from_slice(&response.bytes().await?)?)
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
