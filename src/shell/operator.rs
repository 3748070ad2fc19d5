//! The operator's host, on the platform: reads a request whole, has the directory carry out what it asks, answers.

use durable::directory::{Command, Reply};
use durable::directory_object::Order;
use durable::platform;
use durable::token::{Keys, OperatorSession, prefix_of_address};
use durable::wire::Wire;
use worker::wasm_bindgen::JsValue;
use worker::{Env, Request};

use super::answers;
use crate::address::{Address, field};
use crate::operator::desk::{self, Door, door};
use crate::operator::session;
use crate::operator::tokens::Tokens;
use crate::operator::{Action, ApiRequest, ApiResponse, begin, complete};

/// A request to the operator's host, read whole, and what this deployment knows of operators.
struct Visit {
    request: Request,
    env: Env,
    body: Vec<u8>,
    keys: Option<Keys>,
    tokens: Tokens,
    session: Option<OperatorSession>,
    problems: Vec<String>,
}

/// Answers a request to the operator's host.
pub(super) async fn answer(request: Request, url: String, cookies: String, env: Env) -> JsValue {
    let Some(address) = Address::parse(&url) else { return answers::not_found() };
    // A body that cannot be read is refused like one that is not JSON.
    let body = platform::body(&request).await.unwrap_or_default();
    let (keys, key_fault) = split(platform::keys(&env));
    let (tokens, token_fault) = split(Tokens::parse(&platform::text(&env, "OPERATOR_TOKENS")));
    let has_tokens = tokens.as_ref().is_some_and(|tokens| !tokens.is_empty());
    let problems = desk::problems(key_fault, token_fault, has_tokens, &platform::rooms_var(&env));
    problems.iter().for_each(|problem| platform::log(problem));
    let tokens = tokens.unwrap_or_default();
    let session = keys
        .as_ref()
        .and_then(|keys| session::read(&cookies, address.scheme, keys, &tokens, platform::now()));
    let visit = Visit { request, env, body, keys, tokens, session, problems };
    match door(visit.request.method().as_ref(), address.path) {
        Door::Page => visit.page("", 200),
        Door::SignIn => visit.sign_in(&address).await,
        Door::SignOut => visit.sign_out(&address),
        Door::Api => visit.api(&address).await,
    }
}

fn split<T, E: ToString>(result: Result<T, E>) -> (Option<T>, Option<String>) {
    match result {
        Ok(value) => (Some(value), None),
        Err(fault) => (None, Some(fault.to_string())),
    }
}

impl Visit {
    fn header(&self, name: &str) -> String {
        self.request.headers().get(name).ok().flatten().unwrap_or_default()
    }

    fn page(&self, refused: &str, status: u16) -> JsValue {
        let Ok(nonce) = platform::entropy::<12>() else { return JsValue::NULL };
        let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
        let html = match &self.session {
            Some(session) => {
                let (name, csrf) = (session::operator(session), session::csrf(session));
                desk::desk(&nonce, &self.problems, name, &csrf, session.expires)
            }
            None => desk::sign_in(&nonce, &self.problems, refused),
        };
        answers::operators_page(status, &nonce, html)
    }

    async fn sign_in(self, address: &Address<'_>) -> JsValue {
        if !self.is_from_here(address) {
            return answers::forbidden("Signing in needs the form of this page.");
        }
        let token = field(&String::from_utf8_lossy(&self.body), "token").unwrap_or_default();
        if let (Some(name), Some(keys)) = (self.tokens.who(token.trim()), &self.keys) {
            let Ok(csrf) = platform::entropy() else { return JsValue::NULL };
            let session = session::begun(name, platform::now(), csrf);
            return answers::see_other("/", &session::keep(&session, address.scheme, keys));
        }
        let attempt = Command::Attempt { prefix: prefix_of_address(&self.header("CF-Connecting-IP")) };
        match order(&self.env, Order { who: String::new(), command: attempt }).await {
            Reply::Throttled { retry_ms } => {
                let seconds = retry_ms.div_ceil(1_000);
                self.page(&format!("Too many attempts: try again in {seconds} s."), 429)
            }
            _ => self.page("That is no operator's token of this deployment.", 401),
        }
    }

    fn sign_out(&self, address: &Address<'_>) -> JsValue {
        let named = field(&String::from_utf8_lossy(&self.body), "csrf").unwrap_or_default();
        match self.session {
            Some(session) if !session::is_meant(&session, &named) => {
                answers::forbidden("Signing out needs the form of this page.")
            }
            _ => answers::see_other("/", &session::end(address.scheme)),
        }
    }

    async fn api(self, address: &Address<'_>) -> JsValue {
        let (authorization, named) = (self.header("Authorization"), self.header("Anteroom-CSRF"));
        let method = self.request.method();
        let signed_in = self.session.as_ref().filter(|session| session::is_meant(session, &named));
        let asked = ApiRequest {
            method: method.as_ref(),
            path: address.path,
            query: address.query,
            authorization: &authorization,
            signed_in: signed_in.map(session::operator),
            body: &self.body,
        };
        let prefix = prefix_of_address(&self.header("CF-Connecting-IP"));
        let response = match begin(&asked, &self.tokens, prefix) {
            Action::Respond(response) => response,
            Action::Command { who, command, then } => {
                complete(then, order(&self.env, Order { who, command }).await)
            }
        };
        let ApiResponse { status, body, retry_after_seconds } = response;
        answers::api(status, &body, retry_after_seconds)
    }

    /// A form is ours if the browser says so, by either of two headers that no page can write.
    fn is_from_here(&self, address: &Address<'_>) -> bool {
        let origin = self.header("Origin");
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        self.header("Sec-Fetch-Site") == "same-origin" || host == address.host
    }
}

async fn order(env: &Env, order: Order) -> Reply {
    let reply = platform::call_json(env, "DIRECTORY", "directory", "/command", Some(order.to_value())).await;
    reply.unwrap_or_else(|error| {
        platform::log(&format!("the directory cannot be reached: {error}"));
        Reply::Unreachable {
            message: "the directory cannot be reached: nothing was changed, try again".into(),
        }
    })
}
