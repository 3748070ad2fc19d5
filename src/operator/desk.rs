//! The operator's page: one response, no other file, no script of anybody else's. Signing in works without script; the desk
//! itself asks the API every two seconds and is script throughout.
//!
//! What is said here is which page, and what stands in its places, written `{{name}}`: HTML, with everything foreign through
//! [`escaped`]. `pages.mjs` has the text around it, and `style` and `script`.

use durable::date::iso8601;
use durable::directory::seeds;
use durable::json::Value;
use durable::listed::Listed as _;
use durable::units::Millis;

use crate::page::escaped;

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which one.
    pub name: &'static str,
    /// What stands in its places.
    pub places: Vec<(&'static str, String)>,
}

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
    keys.into_iter().chain(tokens).chain(nobody).chain(rooms).listed()
}

/// The form to sign in, with what was wrong the last time.
pub fn sign_in(nonce: &str, problems: &[String], refused: &str) -> Page {
    let refused = match refused {
        "" => String::new(),
        refused => format!("<p id=\"refused\" class=\"fault\" role=\"alert\">{}</p>", escaped(refused)),
    };
    let places = vec![("nonce", nonce.to_owned()), ("problems", list(problems)), ("refused", refused)];
    Page { name: "sign-in", places }
}

/// The desk of the operator of this name; `csrf` is the session's secret.
pub fn desk(nonce: &str, problems: &[String], name: &str, csrf: &str, expires: Millis) -> Page {
    let places = vec![
        ("nonce", nonce.to_owned()),
        ("problems", list(problems)),
        ("name", escaped(name)),
        ("csrf", escaped(csrf)),
        ("expires", iso8601(expires)),
    ];
    Page { name: "desk", places }
}

fn list(problems: &[String]) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let items: String = problems.iter().map(|problem| format!("<li>{}</li>", marked(problem))).collect();
    format!("<section class=\"fault\"><h2>This has to be put right</h2><ul>{items}</ul></section>")
}

/// A problem in the words of the log, where names and commands stand between backticks.
fn marked(problem: &str) -> String {
    let mut marked = String::new();
    for (index, part) in escaped(problem).split('`').enumerate() {
        let mark = if index % 2 == 1 { "<code>" } else { "</code>" };
        marked.push_str(if index == 0 { "" } else { mark });
        marked.push_str(part);
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable::json;

    #[test]
    fn a_problem_shows_names_and_commands_as_such_and_everything_foreign_as_text() {
        let shown = list(&["the secret `KEY_NEXT` is <b>".into()]);
        assert!(shown.contains("<li>the secret <code>KEY_NEXT</code> is &lt;b&gt;</li>"), "{shown}");
        assert_eq!(list(&[]), "");
    }

    const SIGN_IN: &str = include_str!("../web/sign-in.html");
    const DESK: &str = include_str!("../web/desk.html");
    const STYLE: &str = include_str!("../web/desk.css");
    const SCRIPT: &str = include_str!("../web/desk.js");

    /// Both pages, as said here, and the text that `pages.mjs` has of them.
    fn pages() -> [(Page, &'static str); 2] {
        let problems = ["<b>".to_owned()];
        [
            (sign_in("abc", &problems, "no & <i>"), SIGN_IN),
            (desk("abc", &problems, "<ada>", "\"00ff", Millis(1_800_000_000_000)), DESK),
        ]
    }

    #[test]
    fn every_place_is_filled_and_all_that_is_said_has_a_place() {
        for (page, text) in pages() {
            let mut places: Vec<_> =
                text.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0).collect();
            let mut filled: Vec<_> = page.places.iter().map(|(place, _)| *place).collect();
            filled.extend(["style", "script"].iter().filter(|place| places.contains(place)));
            places.sort_unstable();
            places.dedup();
            filled.sort_unstable();
            assert_eq!(filled, places, "{}", page.name);
        }
    }

    #[test]
    fn everything_foreign_is_escaped() {
        let [form, desk] = pages().map(|(page, _)| page.places);
        assert_eq!(form[1], desk[1]);
        assert!(form[1].1.contains("<li>&lt;b&gt;</li>"));
        assert!(form[2].1.ends_with(">no &amp; &lt;i&gt;</p>"));
        assert_eq!((&*desk[2].1, &*desk[3].1), ("&lt;ada&gt;", "&quot;00ff"));
    }

    #[test]
    fn only_what_carries_the_nonce_runs() {
        for (page, text) in pages() {
            assert_eq!(page.places[0], ("nonce", "abc".to_owned()));
            assert_eq!(text.matches("<script").count(), text.matches("<script nonce=\"{{nonce}}\"").count());
            assert_eq!(text.matches("<style").count(), text.matches("<style nonce=\"{{nonce}}\"").count());
            assert!(!text.contains(" style=") && !text.contains(" onclick="));
            // Nor does anything that stands in a place begin or end one.
            let values = page.places.iter().map(|(_, html)| html.as_str()).chain([STYLE, SCRIPT]);
            for value in values {
                for tag in ["<script", "</script", "<style", "</style", " style=", " onclick="] {
                    assert!(!value.contains(tag), "{tag} in {value}");
                }
            }
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
