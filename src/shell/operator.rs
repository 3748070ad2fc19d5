//! The operator's host, on the platform: reads a request whole, has the directory carry out what it asks, answers.

use durable::directory::Reply;
use durable::directory_object::Order;
use durable::platform;
use durable::token::prefix_of_address;
use worker::wasm_bindgen::JsValue;
use worker::{Env, Request};

use super::answers;
use crate::address::Address;
use crate::operator::tokens::Tokens;
use crate::operator::{Action, ApiRequest, ApiResponse, begin, complete};

/// Answers a request to the operator's host.
pub(super) async fn answer(mut request: Request, url: String, env: Env) -> JsValue {
    let header = |name: &str| request.headers().get(name).ok().flatten().unwrap_or_default();
    let (authorization, address) = (header("Authorization"), header("CF-Connecting-IP"));
    let method = request.method().to_string();
    let Some(parts) = Address::parse(&url) else { return answers::not_found() };
    let tokens = Tokens::parse(&platform::text(&env, "OPERATOR_TOKENS")).unwrap_or_else(|fault| {
        platform::log(&fault.to_string());
        Tokens::default()
    });
    // A body that cannot be read is refused like one that is not JSON.
    let body = request.bytes().await.unwrap_or_default();
    let asked = ApiRequest {
        method: &method,
        path: parts.path,
        query: parts.query,
        authorization: &authorization,
        body: &body,
    };
    let response = match begin(&asked, &tokens, prefix_of_address(&address)) {
        Action::Respond(response) => response,
        Action::Command { who, command, then } => complete(then, order(&env, Order { who, command }).await),
    };
    let ApiResponse { status, body, retry_after_seconds } = response;
    answers::api(status, &body, retry_after_seconds)
}

async fn order(env: &Env, order: Order) -> Reply {
    let reply = platform::call_json(env, "DIRECTORY", "directory", "/command", Some(&order)).await;
    reply.unwrap_or_else(|error| {
        platform::log(&format!("the directory cannot be reached: {error}"));
        Reply::Unreachable {
            message: "the directory cannot be reached: nothing was changed, try again".into(),
        }
    })
}
