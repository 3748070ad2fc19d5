//! The platform's side of the edge: the clock, entropy and environment for [`Edge`], which decides, and the doors by which
//! `entry.mjs` comes in. Text goes in and text comes out: every object handed to Wasm costs as much as a whole decision. What the
//! verdicts look like is said in [`crate::verdict`].

use std::cell::RefCell;

use durable::platform;
use durable::units::Millis;
use wasm_bindgen::prelude::*;

use crate::edge::{Asked, Deployment, Edge, Entropy};
use crate::operator::visit::{Form, operate as judge};
use crate::verdict::Verdict;
use crate::visit::Headers;

thread_local! {
    static EDGE: RefCell<Option<Edge>> = const { RefCell::new(None) };
    static POOL: RefCell<Vec<[u8; 32]>> = const { RefCell::new(Vec::new()) };
}

/// Whether a request goes to the origin as it is: see [`Edge::admits`]. It is what `entry.mjs` asks first of whoever brings a cookie of
/// ours, and nearly all traffic needs no more.
#[wasm_bindgen]
pub fn admits(url: &str, cookies: &str) -> bool {
    EDGE.with_borrow_mut(|edge| edge.as_mut().is_some_and(|edge| edge.admits(url, cookies, platform::now())))
}

/// The gate: see [`Edge::gate`]. `headers` are the lines of [`Headers`].
#[wasm_bindgen]
pub fn gate(url: &str, cookies: &str, headers: &str, env: &JsValue) -> Option<String> {
    with_edge(env, |edge, now, entropy| {
        let blind = edge.blind();
        let verdict = edge.gate(&Asked { url, cookies, headers: Headers::parse(headers) }, now, entropy);
        if edge.blind() > blind {
            platform::log(&format!(
                "a pass was honoured blind, its room has no board: {} so far",
                edge.blind()
            ));
        }
        verdict
    })
}

/// What an errand's reply means for its request: see [`Edge::told`].
#[wasm_bindgen]
pub fn told(
    url: &str,
    cookies: &str,
    headers: &str,
    env: &JsValue,
    errand: &str,
    reply: &str,
) -> Option<String> {
    with_edge(env, |edge, now, entropy| {
        edge.told(&Asked { url, cookies, headers: Headers::parse(headers) }, errand, reply, now, entropy)
    })
}

/// Learns from an errand's reply: see [`Edge::learn`].
#[wasm_bindgen]
pub fn learn(errand: &str, reply: &str) {
    EDGE.with_borrow_mut(|edge| {
        if let Some(edge) = edge {
            edge.learn(errand, reply, platform::now());
        }
    });
}

/// An errand that the last decision found due, for nobody in particular.
#[wasm_bindgen]
pub fn chore() -> Option<String> {
    EDGE.with_borrow_mut(|edge| edge.as_mut()?.chore())
}

/// The operator's host: see [`judge`]. `form` are the lines of [`Form`].
#[wasm_bindgen]
pub fn operate(
    url: &str,
    cookies: &str,
    headers: &str,
    env: &JsValue,
    form: &str,
    reply: Option<String>,
) -> Option<String> {
    with_edge(env, |edge, now, entropy| {
        let asked = Asked { url, cookies, headers: Headers::parse(headers) };
        judge(edge.deployment(), &asked, &Form::parse(form), reply.as_deref(), now, entropy)
    })
}

fn with_edge(env: &JsValue, decide: impl FnOnce(&mut Edge, Millis, Entropy) -> Verdict) -> Option<String> {
    // Without a source of random bytes nothing may be signed.
    let Some(entropy) = drawn() else { return Verdict::Apology.into_text() };
    EDGE.with_borrow_mut(|edge| {
        let edge = edge.get_or_insert_with(|| Edge::new(deployment(env)));
        decide(edge, platform::now(), entropy)
    })
    .into_text()
}

/// Entropy for one request. It is fetched from the platform for many at once, for a call there costs as much as a signature, and
/// forgotten here as it is handed out.
fn drawn() -> Option<Entropy> {
    POOL.with_borrow_mut(|pool| {
        if pool.is_empty() {
            pool.extend(platform::entropy::<1024>().ok()?.chunks_exact(32).flat_map(<[u8; 32]>::try_from));
        }
        let bytes = pool.pop()?;
        let (holder, answer) = bytes.split_at(16);
        Some([holder.try_into().ok()?, answer.try_into().ok()?])
    })
}

/// Reads what the deployment says. A missing or short key is named in the log, and on the operator's host.
fn deployment(env: &JsValue) -> Deployment {
    let keys = platform::keys(env);
    if let Err(fault) = &keys {
        platform::log(&fault.to_string());
    }
    Deployment {
        keys,
        operator_tokens: platform::text(env, "OPERATOR_TOKENS"),
        operator_host: platform::text(env, "OPERATOR_HOST").to_ascii_lowercase(),
        has_origin: !platform::text(env, "ORIGIN").is_empty(),
        rooms: platform::rooms_var(env),
    }
}
