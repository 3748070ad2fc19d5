//! The operator's page: one response, no other file, no script of anybody else's. Signing in works without script; the desk
//! itself asks the API every two seconds and is script throughout.

use durable::date::iso8601;
use durable::directory::seeds;
use durable::json::Value;
use durable::units::Millis;

use crate::page::{escaped, filled};

const SIGN_IN: &str = include_str!("../web/sign-in.html");
const DESK: &str = include_str!("../web/desk.html");
const STYLE: &str = include_str!("../web/desk.css");
const SCRIPT: &str = include_str!("../web/desk.js");

/// Where the operator's browser goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The page, or the form to sign in.
    Page,
    /// The form's answer.
    SignIn,
    /// The end of a session.
    SignOut,
    /// Anything else: the API answers.
    Api,
}

/// Which door a request is at.
pub fn door(method: &str, path: &str) -> Door {
    match (method, path) {
        ("GET" | "HEAD", "/") => Door::Page,
        ("POST", "/sign-in") => Door::SignIn,
        ("POST", "/sign-out") => Door::SignOut,
        _ => Door::Api,
    }
}

/// What is wrong with the deployment, for whoever can mend it: names of secrets and settings, never a value.
pub fn problems(
    keys: Option<String>,
    tokens: Option<String>,
    has_tokens: bool,
    rooms: &[Value],
) -> Vec<String> {
    let nobody = (tokens.is_none() && !has_tokens).then(|| {
        "the secret `OPERATOR_TOKENS` is missing, so nobody can sign in: run `wrangler secret put OPERATOR_TOKENS` and enter \
         `name:token`, the token such as `openssl rand -hex 32` prints"
            .to_owned()
    });
    let rooms = seeds(rooms).err().unwrap_or_default();
    let rooms = rooms.iter().map(|fault| format!("wrangler.toml, {fault}"));
    keys.into_iter().chain(tokens).chain(nobody).chain(rooms).collect()
}

/// The form to sign in, with what was wrong the last time.
pub fn sign_in(nonce: &str, problems: &[String], refused: &str) -> String {
    let refused = match refused {
        "" => String::new(),
        refused => format!("<p id=\"refused\" class=\"fault\" role=\"alert\">{}</p>", escaped(refused)),
    };
    filled(
        SIGN_IN,
        &[
            ("nonce", nonce.to_owned()),
            ("style", STYLE.to_owned()),
            ("problems", list(problems)),
            ("refused", refused),
        ],
    )
}

/// The desk of the operator of this name; `csrf` is the session's secret.
pub fn desk(nonce: &str, problems: &[String], name: &str, csrf: &str, expires: Millis) -> String {
    filled(
        DESK,
        &[
            ("nonce", nonce.to_owned()),
            ("style", STYLE.to_owned()),
            ("script", SCRIPT.to_owned()),
            ("problems", list(problems)),
            ("name", escaped(name)),
            ("csrf", escaped(csrf)),
            ("expires", iso8601(expires)),
        ],
    )
}

fn list(problems: &[String]) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let items: String = problems.iter().map(|problem| format!("<li>{}</li>", escaped(problem))).collect();
    format!("<section class=\"fault\"><h2>This has to be put right</h2><ul>{items}</ul></section>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable::json;

    #[test]
    fn every_place_is_filled_and_only_what_carries_the_nonce_runs() {
        let problems = ["<b>".to_owned()];
        for page in [
            sign_in("abc", &problems, "no & no"),
            desk("abc", &problems, "ada", "00ff", Millis(1_800_000_000_000)),
        ] {
            assert!(!page.contains("{{") && page.contains("&lt;b&gt;") && !page.contains("<b>"));
            assert_eq!(page.matches("<script").count(), page.matches("<script nonce=\"abc\"").count());
            assert_eq!(page.matches("<style").count(), page.matches("<style nonce=\"abc\"").count());
            assert!(!page.contains(" style=") && !page.contains(" onclick="));
        }
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let room = json!({ "name": "a", "host": "a.example", "path": "no", "total_active_users": 0, "new_users_per_minute": 1 });
        let told = problems(Some("the key is short".into()), None, false, &[room]);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[1].contains("OPERATOR_TOKENS") && told[2].contains("ROOMS[0]."));
        assert!(problems(None, None, true, &[]).is_empty());
    }

    #[test]
    fn the_api_is_behind_every_other_door() {
        assert_eq!((door("GET", "/"), door("POST", "/sign-in")), (Door::Page, Door::SignIn));
        assert_eq!(
            (door("GET", "/sign-in"), door("POST", "/"), door("GET", "/x")),
            (Door::Api, Door::Api, Door::Api)
        );
    }
}
