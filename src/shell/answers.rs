//! Answers of ours, as the platform's `Response`s. All of them are `no-store`, and every one about a visitor's
//! standing says so in the header `Anteroom`: by it a client tells our answers from the origin's.

use std::cell::OnceCell;

use durable::board::Board;
use durable::platform;
use durable::wire::to_text;
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::JsValue;
use worker::worker_sys::web_sys::{Headers, Response, ResponseInit};

use crate::poll::poll_after;
use crate::route::{Match, own_path};
use crate::standing::{Notice, Standing};
use crate::visit::{self, Asker, Verb, asker, verb};
use crate::{json, page, text};

/// What is said to whom.
pub(super) struct Message<'a> {
    pub(super) found: &'a Match,
    pub(super) headers: &'a visit::Headers,
    pub(super) standing: Standing,
    pub(super) target: String,
}

/// The page, or JSON for apps, with these `Set-Cookie` lines.
pub(super) fn notice(message: &Message<'_>, board: Option<&Board>, cookies: &[&str]) -> JsValue {
    finished(build_notice(message, board, cookies))
}

type Made = std::result::Result<Response, JsValue>;

fn build_notice(message: &Message<'_>, board: Option<&Board>, cookies: &[&str]) -> Made {
    let Message { found, headers, standing, target } = message;
    let settings = &found.room.settings;
    let [a, b, c, d, nonce @ ..] = platform::entropy::<16>().map_err(JsValue::from)?;
    let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
    let poll_after = poll_after(standing, board, u32::from_be_bytes([a, b, c, d]));
    let (wait_path, leave_path) = (own_path(&found.path, "wait"), own_path(&found.path, "leave"));
    let notice = Notice {
        standing: *standing,
        settings,
        language: text::choose(&headers.accept_language, &settings.default_template_language),
        target,
        wait_path: &wait_path,
        leave_path: &leave_path,
        poll_after,
        now: platform::now(),
        nonce: &nonce,
    };
    let is_app = matches!(asker(headers, settings), Asker::App | Asker::Page);
    let refused = matches!(standing, Standing::FormHeld | Standing::Unavailable | Standing::Reconnecting);
    let status = match refused {
        true => 503,
        false if found.own.is_some() => 200,
        false => settings.queueing_status_code,
    };
    let headers_out = our_headers(if is_app { Kind::Json } else { Kind::Page })?;
    headers_out.set("Anteroom", standing.name())?;
    headers_out.set("Retry-After", &poll_after.secs_ceil().to_string())?;
    for line in cookies {
        headers_out.append("Set-Cookie", line)?;
    }
    let body = if is_app {
        json::json(&notice)
    } else {
        headers_out.set("Content-Language", notice.language.tag())?;
        headers_out.set("Content-Security-Policy", &page::content_security_policy(&nonce))?;
        page::html(&notice)
    };
    let body = if verb(headers) == Verb::Head { Vec::new() } else { body.into_bytes() };
    response(status, headers_out, body)
}

/// For a sub-resource of somebody who is not inside: empty, come back later.
pub(super) fn refusal() -> JsValue {
    answer(503, Kind::Text, &[("Retry-After", "5"), ("Anteroom", "refused")], Vec::new())
}

/// The board, for everybody.
pub(super) fn board(board: &Board) -> JsValue {
    answer(200, Kind::Json, &[], to_text(board).into_bytes())
}

/// A page of the operator's.
pub(super) fn operators_page(status: u16, nonce: &str, html: String) -> JsValue {
    let policy = page::content_security_policy(nonce);
    answer(status, Kind::Page, &[("Content-Security-Policy", &policy)], html.into_bytes())
}

/// An answer of the operator's API.
pub(super) fn api(status: u16, body: &serde_json::Value, retry_after_seconds: Option<u64>) -> JsValue {
    let seconds = retry_after_seconds.map(|seconds| seconds.to_string());
    let headers: Vec<_> = seconds.iter().map(|seconds| ("Retry-After", seconds.as_str())).collect();
    answer(status, Kind::Json, &headers, to_text(body).into_bytes())
}

/// Another address, with a cookie.
pub(super) fn see_other(target: &str, cookie: &str) -> JsValue {
    answer(303, Kind::Text, &[("Location", target), ("Set-Cookie", cookie)], Vec::new())
}

/// Nothing of ours, and nothing behind us.
pub(super) fn not_found() -> JsValue {
    answer(404, Kind::Text, &[], b"There is no waiting room at this address.".to_vec())
}

/// Not like that.
pub(super) fn forbidden(reason: &str) -> JsValue {
    answer(403, Kind::Text, &[], reason.as_bytes().to_vec())
}

fn answer(status: u16, kind: Kind, more: &[(&str, &str)], body: Vec<u8>) -> JsValue {
    finished(our_headers(kind).and_then(|headers| {
        more.iter().try_for_each(|(name, value)| headers.set(name, value))?;
        response(status, headers, body)
    }))
}

fn response(status: u16, headers: Headers, body: Vec<u8>) -> Made {
    let init = ResponseInit::new();
    init.set_status(status);
    init.set_headers(&headers);
    // A copy: the platform may look at the bytes of a view into Wasm's memory later.
    Response::new_with_opt_buffer_source_and_init(Some(&Uint8Array::from(body.as_slice())), &init)
}

/// What an answer consists of.
#[derive(Clone, Copy)]
enum Kind {
    Page,
    Json,
    Text,
}

thread_local! {
    /// The headers that all answers of a kind have, made once: a copy is one call to the platform, each header another.
    static COMMON: [OnceCell<Headers>; 3] = const { [const { OnceCell::new() }; 3] };
}

/// A copy of the headers that all answers of a kind have.
fn our_headers(kind: Kind) -> std::result::Result<Headers, JsValue> {
    COMMON.with(|common| {
        let [page, json, text] = common;
        let (cell, content_type) = match kind {
            Kind::Page => (page, "text/html; charset=utf-8"),
            Kind::Json => (json, "application/json"),
            Kind::Text => (text, "text/plain; charset=utf-8"),
        };
        let headers = match cell.get() {
            Some(headers) => headers.clone(),
            None => {
                let made = Headers::new()?;
                for (name, value) in [
                    ("Cache-Control", "no-store"),
                    ("X-Content-Type-Options", "nosniff"),
                    ("Referrer-Policy", "same-origin"),
                    ("X-Robots-Tag", "noindex"),
                    ("Vary", "Accept, Accept-Language, Cookie"),
                    ("Content-Type", content_type),
                ] {
                    made.set(name, value)?;
                }
                cell.get_or_init(|| made).clone()
            }
        };
        Headers::new_with_headers(&headers)
    })
}

/// A response that cannot be built is a bug of ours: the entry turns null into the static page.
fn finished(made: Made) -> JsValue {
    made.map_or_else(
        |error| {
            platform::log(&format!("an answer could not be made: {error:?}"));
            JsValue::NULL
        },
        JsValue::from,
    )
}
