//! A request to the operator's host, from its text to its answer. What the directory has to do for it is an errand: the same
//! request is judged again with the reply.

use durable::errand::Errand;
use durable::order::{Command, Order, Reply};
use durable::prefix::prefix_of_address;
use durable::token::{Keys, OperatorSession};
use durable::units::Millis;
use durable::wire::{from_text, to_text};

use super::desk::{self, Door, door};
use super::tokens::Tokens;
use super::{Action, ApiRequest, ApiResponse, begin, complete, session};
use crate::address::{Address, field};
use crate::answer;
use crate::edge::{Asked, Deployment, Entropy};
use crate::verdict::Verdict;

/// What the operator's host looks at beside what every request brings.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// The header `Authorization`.
    pub authorization: &'a str,
    /// The header `Anteroom-CSRF`.
    pub csrf: &'a str,
    /// The body, whole.
    pub body: &'a str,
}

impl<'a> Form<'a> {
    /// From a line for each header, and the body behind them: `entry.mjs` writes them so.
    pub fn parse(text: &'a str) -> Form<'a> {
        let mut parts = text.splitn(3, '\n');
        let mut next = || parts.next().unwrap_or_default();
        Form { authorization: next(), csrf: next(), body: next() }
    }
}

/// What is wrong with the deployment's secrets, by their names: for the log, which operators may see before they see their page.
pub fn faults(deployment: &Deployment) -> Vec<String> {
    let (tokens, token_fault) = tokens(deployment);
    desk::problems(key_fault(deployment), token_fault, !tokens.is_empty(), &[])
}

fn key_fault(deployment: &Deployment) -> Option<String> {
    deployment.keys.as_ref().err().map(ToString::to_string)
}

fn tokens(deployment: &Deployment) -> (Tokens, Option<String>) {
    match Tokens::parse(&deployment.operator_tokens) {
        Ok(tokens) => (tokens, None),
        Err(fault) => (Tokens::default(), Some(fault.to_string())),
    }
}

/// Judges a request to the operator's host. `reply` is what the directory said to the errand that came of it; empty, it
/// cannot be reached.
pub fn operate(
    deployment: &Deployment,
    asked: &Asked<'_>,
    form: &Form<'_>,
    reply: Option<&str>,
    now: Millis,
    entropy: Entropy,
) -> Verdict {
    let Some(address) = Address::parse(asked.url) else { return Verdict::Answer(answer::not_found()) };
    let (tokens, token_fault) = tokens(deployment);
    let problems = desk::problems(key_fault(deployment), token_fault, !tokens.is_empty(), &deployment.rooms);
    let keys = deployment.keys.as_ref().ok();
    let session = keys.and_then(|keys| session::read(asked.cookies, address.scheme, keys, &tokens, now));
    let visit = Visit { asked, form, address, keys, tokens, session, problems, reply, now, entropy };
    match door(asked.headers.method, visit.address.path) {
        Door::Page => visit.page("", 200),
        Door::SignIn => visit.sign_in(),
        Door::SignOut => visit.sign_out(),
        Door::Api => visit.api(),
    }
}

struct Visit<'a> {
    asked: &'a Asked<'a>,
    form: &'a Form<'a>,
    address: Address<'a>,
    keys: Option<&'a Keys>,
    tokens: Tokens,
    session: Option<OperatorSession>,
    problems: Vec<String>,
    reply: Option<&'a str>,
    now: Millis,
    entropy: Entropy,
}

impl Visit<'_> {
    fn page(&self, refused: &str, status: u16) -> Verdict {
        let nonce = answer::nonce(self.entropy[1]);
        let page = match &self.session {
            Some(session) => {
                let (name, csrf) = (session::operator(session), session::csrf(session));
                desk::desk(&nonce, &self.problems, name, &csrf, session.expires)
            }
            None => desk::sign_in(&nonce, &self.problems, refused),
        };
        Verdict::Page(answer::operators_page(status, &nonce, &page))
    }

    fn sign_in(&self) -> Verdict {
        if !self.asked.headers.is_from(&self.address) {
            return Verdict::Answer(answer::forbidden("Signing in needs the form of this page."));
        }
        let token = field(self.form.body, "token").unwrap_or_default();
        if let (Some(name), Some(keys)) = (self.tokens.who(token.trim()), self.keys) {
            let session = session::begun(name, self.now, self.entropy[0]);
            let line = session::keep(&session, self.address.scheme, keys);
            return Verdict::Answer(answer::see_other("/", Some(&line)));
        }
        self.order(String::new(), Command::Attempt { prefix: self.prefix() }, |reply| match reply {
            Reply::Throttled { retry_ms } => {
                let seconds = retry_ms.div_ceil(1_000);
                self.page(&format!("Too many attempts: try again in {seconds} s."), 429)
            }
            _ => self.page("That is no operator's token of this deployment.", 401),
        })
    }

    fn sign_out(&self) -> Verdict {
        let named = field(self.form.body, "csrf").unwrap_or_default();
        Verdict::Answer(match self.session {
            Some(session) if !session::is_meant(&session, &named) => {
                answer::forbidden("Signing out needs the form of this page.")
            }
            _ => answer::see_other("/", Some(&session::end(self.address.scheme))),
        })
    }

    fn api(&self) -> Verdict {
        let meant = |session: &&OperatorSession| session::is_meant(session, self.form.csrf);
        let asked = ApiRequest {
            method: self.asked.headers.method,
            path: self.address.path,
            query: self.address.query,
            authorization: self.form.authorization,
            signed_in: self.session.as_ref().filter(meant).map(session::operator),
            body: self.form.body.as_bytes(),
        };
        let said = |ApiResponse { status, body, retry_after_seconds }| {
            Verdict::Answer(answer::api(status, &body, retry_after_seconds))
        };
        match begin(&asked, &self.tokens, self.prefix()) {
            Action::Respond(response) => said(response),
            Action::Command { who, command, then } => {
                self.order(who, command, |reply| said(complete(then, reply, self.now)))
            }
        }
    }

    /// Has the directory carry something out, and answers with its reply once it is there.
    fn order(&self, who: String, command: Command, answer: impl FnOnce(Reply) -> Verdict) -> Verdict {
        let Some(reply) = self.reply else {
            let payload = to_text(&Order { who, command });
            let errand =
                Errand { binding: "DIRECTORY", name: "directory", action: "command", payload: &payload };
            return Verdict::Errand(errand.text('?'));
        };
        let unreachable = || Reply::Unreachable {
            message: "the directory cannot be reached: try again, and look whether anything was changed"
                .into(),
        };
        answer(from_text(reply.as_bytes()).unwrap_or_else(unreachable))
    }

    fn prefix(&self) -> [u8; 4] {
        prefix_of_address(self.asked.headers.client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_which_secret_is_wrong_and_never_what_is_in_it() {
        let told = |current: &str, tokens: &str| {
            let deployment = Deployment {
                keys: Keys::new(current, "", ""),
                operator_tokens: tokens.into(),
                operator_host: String::new(),
                has_origin: false,
                rooms: Vec::new(),
            };
            faults(&deployment)
        };
        let long = "0123456789abcdef0123456789abcdef";
        let token = format!("ada:{long}");
        assert_eq!(told(long, &token), Vec::<String>::new());
        let names = |faults: Vec<String>| {
            let named = |fault: &String| fault.split('`').nth(1).unwrap_or_default().to_owned();
            faults.iter().map(named).collect::<Vec<_>>()
        };
        assert_eq!(names(told("", "")), ["KEY_CURRENT", "OPERATOR_TOKENS"]);
        let short = told("a-short-key", "ada:a-short-token");
        assert!(!short.concat().contains("a-short"), "{short:?}");
        assert_eq!(names(short), ["KEY_CURRENT", "OPERATOR_TOKENS"]);
    }
}
