//! Answers of ours, as the platform's `Response`s. All of them are `no-store`, and every one about a visitor's
//! standing says so in the header `Anteroom`: by it a client tells our answers from the origin's.

use durable::board::Board;
use durable::platform;
use worker::wasm_bindgen::JsValue;
use worker::worker_sys::web_sys;
use worker::{Headers, Response, ResponseBuilder, Result};

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

fn build_notice(message: &Message<'_>, board: Option<&Board>, cookies: &[&str]) -> Result<Response> {
    let Message { found, headers, standing, target } = message;
    let settings = &found.room.settings;
    let [a, b, c, d, nonce @ ..] = platform::entropy::<16>()?;
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
    let headers_out = our_headers()?;
    headers_out.set("Anteroom", standing.name())?;
    headers_out.set("Retry-After", &poll_after.secs_ceil().to_string())?;
    headers_out.set("X-Robots-Tag", "noindex")?;
    headers_out.set("Vary", "Accept, Accept-Language, Cookie")?;
    for line in cookies {
        headers_out.append("Set-Cookie", line)?;
    }
    let body = if is_app {
        headers_out.set("Content-Type", "application/json")?;
        json::json(&notice)
    } else {
        headers_out.set("Content-Type", "text/html; charset=utf-8")?;
        headers_out.set("Content-Language", notice.language.tag())?;
        headers_out.set("Content-Security-Policy", &page::content_security_policy(&nonce))?;
        page::html(&notice)
    };
    let body = if verb(headers) == Verb::Head { Vec::new() } else { body.into_bytes() };
    Ok(Response::builder().with_status(status).with_headers(headers_out).fixed(body))
}

/// For a sub-resource of somebody who is not inside: empty, come back later.
pub(super) fn refusal() -> JsValue {
    finished(plain(503).and_then(|builder| {
        Ok(builder.with_header("Retry-After", "5")?.with_header("Anteroom", "refused")?.empty())
    }))
}

/// The board, for everybody.
pub(super) fn board(board: &Board) -> JsValue {
    finished(
        serde_json::to_vec(board)
            .map_err(Into::into)
            .and_then(|body| Ok(plain(200)?.with_header("Content-Type", "application/json")?.fixed(body))),
    )
}

/// A page of the operator's.
pub(super) fn operators_page(status: u16, nonce: &str, html: String) -> JsValue {
    finished(plain(status).and_then(|builder| {
        let policy = page::content_security_policy(nonce);
        builder.with_header("Content-Security-Policy", &policy)?.from_html(html)
    }))
}

/// An answer of the operator's API.
pub(super) fn api(status: u16, body: &serde_json::Value, retry_after_seconds: Option<u64>) -> JsValue {
    finished(plain(status).and_then(|builder| {
        let builder = match retry_after_seconds {
            Some(seconds) => builder.with_header("Retry-After", &seconds.to_string())?,
            None => builder,
        };
        Ok(builder.with_header("Content-Type", "application/json")?.fixed(body.to_string().into_bytes()))
    }))
}

/// Another address, with a cookie.
pub(super) fn see_other(target: &str, cookie: &str) -> JsValue {
    finished(plain(303).and_then(|builder| {
        Ok(builder.with_header("Location", target)?.with_header("Set-Cookie", cookie)?.empty())
    }))
}

/// Nothing of ours, and nothing behind us.
pub(super) fn not_found() -> JsValue {
    text_answer(404, "There is no waiting room at this address.")
}

/// Not like that.
pub(super) fn forbidden(reason: &str) -> JsValue {
    text_answer(403, reason)
}

fn text_answer(status: u16, text: &str) -> JsValue {
    finished(plain(status).and_then(|builder| builder.ok(text)))
}

fn plain(status: u16) -> Result<ResponseBuilder> {
    Ok(Response::builder().with_status(status).with_headers(our_headers()?))
}

fn our_headers() -> Result<Headers> {
    let headers = Headers::new();
    headers.set("Cache-Control", "no-store")?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    headers.set("Referrer-Policy", "same-origin")?;
    Ok(headers)
}

/// A response that cannot be built is a bug of ours: the entry turns an exception into the static page.
fn finished(response: Result<Response>) -> JsValue {
    match response {
        Ok(response) => web_sys::Response::from(response).into(),
        Err(error) => {
            platform::log(&format!("an answer could not be made: {error}"));
            JsValue::NULL
        }
    }
}
