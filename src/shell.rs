//! The platform's side of the edge: the clock, entropy and environment for [`Edge`], which decides, and the doors by which
//! `entry.mjs` comes in. Text goes in and text comes out: every object handed to Wasm costs as much as a whole decision. Text is laid in
//! the [`platform::inbox`] beforehand, so that an export is given its length alone. What the verdicts look like is said in
//! [`crate::verdict`].

use std::cell::RefCell;

use durable::platform;
use durable::units::Millis;
use wasm_bindgen::prelude::*;

use crate::edge::{Asked, Deployment, Edge, Entropy};
use crate::operator::visit::{Form, faults, operate as judge};
use crate::verdict::Verdict;

/// Half the size of the standard library's allocator, as fast, and in a long life with as little waste.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static MEMORY: rlsf::GlobalTlsf = rlsf::GlobalTlsf::new();

#[wasm_bindgen(raw_module = "../src/words.mjs")]
extern "C" {
    /// A language's file of words, by its tag.
    pub fn words(tag: &str) -> String;
}

thread_local! {
    static EDGE: RefCell<Option<Edge>> = const { RefCell::new(None) };
    static POOL: RefCell<Vec<[u8; 32]>> = const { RefCell::new(Vec::new()) };
}

/// Whether a request goes to the origin as it is: see [`Edge::admits`]. It is what `entry.mjs` asks first of whoever brings a cookie of
/// ours, and nearly all traffic needs no more. Laid is an [`Asked`] that ends behind the cookies.
#[wasm_bindgen]
pub fn admits(laid: usize, now_ms: f64) -> Option<String> {
    EDGE.with_borrow_mut(|edge| {
        platform::read(laid, |text| {
            let Asked { url, cookies, .. } = Asked::parse(text);
            edge.as_mut()?.admits(url, cookies, Millis(now_ms as u64))
        })
    })
}

/// The gate: see [`Edge::gate`]. Laid is an [`Asked`].
#[wasm_bindgen]
pub fn gate(laid: usize, env: &JsValue) -> Option<String> {
    with_edge(laid, env, |edge, [asked, ..], now, entropy| {
        let blind = edge.blind();
        let verdict = edge.gate(&Asked::parse(asked), now, entropy);
        if edge.blind() > blind {
            platform::log(&format!("let in blind, for the room cannot be reached: {} so far", edge.blind()));
        }
        verdict
    })
}

/// What an errand's reply means for its request: see [`Edge::told`]. Laid are an [`Asked`], the errand and the reply.
#[wasm_bindgen]
pub fn told(laid: usize, env: &JsValue) -> Option<String> {
    with_edge(laid, env, |edge, [asked, errand, reply], now, entropy| {
        edge.told(&Asked::parse(asked), errand, reply, now, entropy)
    })
}

/// The origin commands something of who asked: see [`Edge::revoke`]. Laid is an [`Asked`].
#[wasm_bindgen]
pub fn revoke(laid: usize) -> Option<String> {
    EDGE.with_borrow_mut(|edge| {
        platform::read(laid, |text| edge.as_mut()?.revoke(&Asked::parse(text), platform::now()))
    })
}

/// Learns from an errand's reply, and says what others may: see [`Edge::learn`] and [`Edge::share`]. Laid are the errand and the reply.
#[wasm_bindgen]
pub fn learn(laid: usize) -> Option<String> {
    EDGE.with_borrow_mut(|edge| {
        let edge = edge.as_mut()?;
        platform::read(laid, |text| {
            let ([errand, reply], now) = (parts(text), platform::now());
            edge.learn(errand, reply, now);
            edge.share(errand, reply, now)
        })
    })
}

/// Learns from what another isolate shared: see [`Edge::overhear`]. Laid are the errand and the entry.
#[wasm_bindgen]
pub fn overhear(laid: usize) -> bool {
    EDGE.with_borrow_mut(|edge| {
        let Some(edge) = edge else { return false };
        platform::read(laid, |text| {
            let [errand, entry] = parts(text);
            edge.overhear(errand, entry, platform::now())
        })
    })
}

/// Grows when passes may have ended: see [`Edge::endings`].
#[wasm_bindgen]
pub fn endings() -> u32 {
    EDGE.with_borrow(|edge| edge.as_ref().map_or(0, Edge::endings))
}

/// An errand that the last decision found due, for nobody in particular.
#[wasm_bindgen]
pub fn chore() -> Option<String> {
    EDGE.with_borrow_mut(|edge| edge.as_mut()?.chore())
}

/// The operator's host: see [`judge`]. Laid are an [`Asked`], the reply if there `is_reply`, and a [`Form`].
#[wasm_bindgen]
pub fn operate(laid: usize, env: &JsValue, is_reply: bool) -> Option<String> {
    with_edge(laid, env, |edge, [asked, reply, form], now, entropy| {
        let reply = is_reply.then_some(reply);
        judge(edge.deployment(), &Asked::parse(asked), &Form::parse(form), reply, now, entropy)
    })
}

/// What was laid, part by part. No header, address or JSON has a NUL in it; a body, which may, is the last part.
fn parts<const N: usize>(text: &str) -> [&str; N] {
    let mut parts = text.splitn(N, '\0');
    [(); N].map(|()| parts.next().unwrap_or_default())
}

fn with_edge(
    laid: usize,
    env: &JsValue,
    decide: impl FnOnce(&mut Edge, [&str; 3], Millis, Entropy) -> Verdict,
) -> Option<String> {
    // Without a source of random bytes nothing may be signed.
    let Some(entropy) = drawn() else { return Verdict::Apology.into_text() };
    EDGE.with_borrow_mut(|edge| {
        let edge = edge.get_or_insert_with(|| Edge::new(deployment(env)));
        platform::read(laid, |text| decide(edge, parts(text), platform::now(), entropy))
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

/// Reads what the deployment says. What is wrong with its secrets is said in the log, as on the operator's host.
fn deployment(env: &JsValue) -> Deployment {
    let deployment = Deployment {
        keys: platform::keys(env),
        operator_tokens: platform::text(env, "OPERATOR_TOKENS"),
        operator_host: platform::text(env, "OPERATOR_HOST").to_ascii_lowercase(),
        has_origin: !platform::text(env, "ORIGIN").is_empty(),
        rooms: platform::rooms_var(env),
    };
    faults(&deployment).iter().for_each(|fault| platform::log(fault));
    deployment
}
