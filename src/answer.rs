//! Answers of ours, as text: the status, a line for each header, an empty line, the body. All of them are `no-store`, and every one
//! about a visitor's standing says so in the header `Anteroom`: by it a client tells our answers from the origin's.

use std::borrow::Cow;

use durable::board::{Board, BoardRound};
use durable::codec::hex;
use durable::date::iso8601;
use durable::draw::{Draw, commitment};
use durable::json::Value;
use durable::listed::Listed as _;
use durable::pieces::joined;
use durable::token::Pass;
use durable::units::{Millis, Rank};
use durable::wire::{Fields, Said, to_text};

use crate::operator::desk::Page;
use crate::poll::{Sight, poll_after};
use crate::route::{Match, own_path};
use crate::standing::{Notice, Standing};
use crate::verdict::Verdict;
use crate::visit::{Asker, Headers, Verb, verb};
use crate::{cors, json, page, text};

/// What answers a request draws from: a nonce and a jitter.
pub type Entropy = [u8; 16];

/// What is said to whom.
pub struct Message<'a> {
    /// The room.
    pub found: &'a Match,
    /// Who asks.
    pub headers: &'a Headers<'a>,
    /// What kind they are.
    pub asker: Asker,
    /// Where they stand.
    pub standing: Standing,
    /// The rank of their ticket.
    pub rank: Option<Rank>,
    /// The pass they are inside with.
    pub pass: Option<Pass>,
    /// Where they want to go, if a page has to be told: path and query with exactly one slash before them, or an address that the room allows.
    pub target: &'a dyn Fn() -> String,
    /// Path and query where they are given a place and a seat, if that is another.
    pub door: Option<&'a str>,
    /// The header line that hands over a token.
    pub cookie: Option<&'a str>,
}

/// Twelve random bytes as text: names what may run on a page.
pub fn nonce(entropy: Entropy) -> String {
    let [nonce @ .., _, _, _, _] = entropy;
    hex(&nonce)
}

/// The page, or JSON for apps.
pub fn notice(message: &Message<'_>, board: Option<&Board>, now: Millis, entropy: Entropy) -> Verdict {
    let Message { found, headers, asker, standing, rank, pass, target, door, cookie } = *message;
    let settings = &found.room.settings;
    let [.., a, b, c, d] = entropy;
    // Whatever it would say otherwise, a form's page goes nowhere by itself: it asks where the visitor stands once it is there.
    let is_form = asker == Asker::Navigation && verb(headers) == Verb::Write;
    let standing = match standing {
        standing if is_form && found.own.is_none() && standing.comes_back() => Standing::FormHeld,
        standing => standing,
    };
    let asks = |sight| poll_after(&standing, board, now, u32::from_be_bytes([a, b, c, d]), sight);
    let poll_after = asks(Sight::Shown);
    let is_app = matches!(asker, Asker::App | Asker::Page);
    let refused = matches!(standing, Standing::FormHeld | Standing::Unavailable | Standing::Reconnecting);
    let status = match refused {
        true => 503,
        false if found.own.is_some() => 200,
        false => settings.queueing_status_code,
    };
    let mut answer = head(status, if is_app { Kind::Json } else { Kind::Page });
    say(&mut answer, standing.name(), asker == Asker::App, found, headers);
    header(&mut answer, "Retry-After", &poll_after.secs_ceil().to_string());
    if let Some(line) = cookie {
        header_line(&mut answer, line);
    }
    let is_head = verb(headers) == Verb::Head;
    if asker == Asker::App {
        let told = json::Told { standing, board, settings, pass, poll_after, now };
        let body = if is_head { String::new() } else { json::for_apps(&told) };
        return Verdict::Answer(with_body(answer, &body));
    }
    let target = target();
    let notice = Notice {
        standing,
        board,
        room: &found.room.id,
        settings,
        language: text::choose(headers.accept_language, &settings.default_template_language),
        target: &target,
        door: door.unwrap_or(&target),
        wait_path: &own_path(&found.path, "wait"),
        leave_path: &own_path(&found.path, "leave"),
        draw_path: &own_path(&found.path, "draw"),
        rank,
        poll_after,
        hidden_poll_after: asks(Sight::Hidden),
        now,
        nonce: &nonce(entropy),
    };
    if !is_app {
        header(&mut answer, "Content-Language", notice.language.tag());
        header(
            &mut answer,
            "Content-Security-Policy",
            &page::content_security_policy(notice.nonce, &settings.board_mirror, &settings.allowed_origins),
        );
    }
    match asker {
        _ if is_head => Verdict::Answer(with_body(answer, "")),
        Asker::Page => Verdict::Answer(with_body(answer, &json::for_the_page(&notice))),
        _ => Verdict::Page(with_body(answer, &page::page(&notice))),
    }
}

/// What a preflight asks for is allowed: with an empty body, and for a while.
pub fn preflight(headers: &Headers<'_>, seconds: &str) -> String {
    let allowed = [
        ("Access-Control-Allow-Methods", headers.request_method),
        ("Access-Control-Allow-Headers", headers.request_headers),
        ("Access-Control-Max-Age", seconds),
    ];
    answer(200, Kind::Text, &allowed, "")
}

/// The same answer, for a script of this origin to read. Caches keep none of ours; `Vary` says why they could not.
pub fn opened_to(origin: &str, answer: &str) -> String {
    let (status, rest) = answer.split_once('\n').unwrap_or((answer, ""));
    let mut opened = String::with_capacity(answer.len() + 200);
    opened.push_str(status);
    opened.push('\n');
    header(&mut opened, "Access-Control-Allow-Origin", origin);
    header(&mut opened, "Access-Control-Allow-Credentials", "true");
    header(&mut opened, "Access-Control-Expose-Headers", "Retry-After, Anteroom, Anteroom-Token");
    header(&mut opened, "Vary", "Origin");
    opened.push_str(rest);
    opened
}

/// Says a state, and to a script that may read it the room's door: there a page that is not behind the room may send its visitor, or ask for a place itself.
/// Browsers name no `Origin` when a page reads from its own host, and say `same-origin`.
fn say(answer: &mut String, state: &str, to_script: bool, found: &Match, headers: &Headers<'_>) {
    header(answer, "Anteroom", state);
    let settings = &found.room.settings;
    let reads = headers.fetch_site == "same-origin" || cors::is_allowed(headers, settings);
    if to_script && reads && settings.json_response_enabled {
        answer.pop();
        for part in ["; page=\"", &own_path(&found.path, "wait"), "\"\n"] {
            answer.push_str(part);
        }
    }
}

/// For a sub-resource of somebody who is not inside: empty, come back later. It may be a script that did not say that it is an app:
/// by the door it can become one.
pub fn refusal(found: &Match, headers: &Headers<'_>) -> String {
    let mut answer = head(503, Kind::Text);
    header(&mut answer, "Retry-After", "5");
    say(&mut answer, "refused", true, found, headers);
    with_body(answer, "")
}

/// The board, for everybody.
pub fn board(board: &Board) -> String {
    answer(200, Kind::Json, &[], &to_text(board))
}

/// The draws that were held, the promises of those to come, and the rounds: all it takes to recompute a place (`docs/draw.md`).
pub fn draw(board: &Board) -> String {
    let list = |items: Vec<String>| format!("[{}]", joined(&mut items.iter().map(String::as_str), ","));
    let draws = board.draws.iter().map(|held| {
        let Draw { first, count, seed, hash } = held.draw();
        let event = iso8601(Millis(held.start_ms));
        format!(
            r#"{{"event":"{event}","start_ms":{},"first":{},"count":{count},"commitment":"{}","seed":"{}","hash":"{}"}}"#,
            held.start_ms, first.0, hex(&commitment(&seed)), hex(&seed), hex(&hash),
        )
    });
    let seals = board.seals.iter().map(|seal| {
        format!(r#"{{"start_ms":{},"commitment":"{}"}}"#, seal.start_ms, hex(&seal.commitment.0))
    });
    let rounds = board.rounds.as_ref().map_or_else(String::new, |rounds| {
        let all =
            rounds.all().into_iter().map(|BoardRound { draw: Draw { first, count, seed, .. }, cut }| {
                format!(r#"{{"first":{},"count":{count},"cut":{cut},"seed":"{}"}}"#, first.0, hex(&seed))
            });
        let (number, commitment) = (rounds.number, hex(&rounds.commitment.0));
        format!(r#","number":{number},"commitment":"{commitment}","rounds":{}"#, list(all.listed()))
    });
    let body = format!("{{\"draws\":{},\"seals\":{}{rounds}}}", list(draws.listed()), list(seals.listed()));
    answer(200, Kind::Json, &[("Anteroom", "draw")], &body)
}

/// A page of the operator's, for [`Verdict::Page`]: in place of a body, a JSON object of its name, `page`,
/// and what stands in its places.
pub fn operators_page(status: u16, nonce: &str, Page { name, places }: &Page) -> String {
    let mut said: Vec<(&str, &dyn Said)> = vec![("page", name)];
    said.extend(places.iter().map(|(place, html)| (*place, html as &dyn Said)));
    let policy = page::content_security_policy(nonce, "", &[]);
    answer(status, Kind::Page, &[("Content-Security-Policy", &policy)], &to_text(&Fields(&said)))
}

/// An answer of the operator's API.
pub fn api(status: u16, body: &Value, retry_after_seconds: Option<u64>) -> String {
    let seconds = retry_after_seconds.map(|seconds| seconds.to_string());
    let headers: Vec<_> = seconds.iter().map(|seconds| ("Retry-After", seconds.as_str())).listed();
    answer(status, Kind::Json, &headers, &to_text(body))
}

/// Another address, and maybe a header line more.
pub fn see_other(target: &str, cookie: Option<&str>) -> String {
    let mut answer = head(303, Kind::Text);
    header(&mut answer, "Location", &in_ascii(target));
    if let Some(line) = cookie {
        header_line(&mut answer, line);
    }
    with_body(answer, "")
}

/// An address whose letters of other alphabets are escaped: a header has none.
fn in_ascii(address: &str) -> Cow<'_, str> {
    if address.is_ascii() {
        return Cow::Borrowed(address);
    }
    let mut escaped = String::with_capacity(3 * address.len());
    for byte in address.bytes() {
        if byte.is_ascii() {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
    Cow::Owned(escaped)
}

/// Nothing of ours, and nothing behind us.
pub fn not_found() -> String {
    answer(404, Kind::Text, &[], "There is no waiting room at this address.")
}

/// Not like that.
pub fn forbidden(reason: &str) -> String {
    answer(403, Kind::Text, &[], reason)
}

/// What an answer consists of.
#[derive(Clone, Copy)]
enum Kind {
    Page,
    Json,
    Text,
}

fn answer(status: u16, kind: Kind, headers: &[(&str, &str)], body: &str) -> String {
    let mut answer = head(status, kind);
    for (name, value) in headers {
        header(&mut answer, name, value);
    }
    with_body(answer, body)
}

/// Each header costs the platform half a microsecond: polls get none that only pages need.
fn head(status: u16, kind: Kind) -> String {
    let headers = match kind {
        Kind::Page => {
            "Content-Type: text/html; charset=utf-8\nReferrer-Policy: same-origin\nX-Robots-Tag: noindex\n\
             X-Content-Type-Options: nosniff\nVary: Accept, Accept-Language, Cookie\n"
        }
        Kind::Json => "Content-Type: application/json\n",
        Kind::Text => "Content-Type: text/plain; charset=utf-8\nX-Content-Type-Options: nosniff\n",
    };
    format!("{status}\nCache-Control: no-store\n{headers}")
}

/// A value with a line break in it would be more than one header: it is left out. None of ours has one.
fn header(answer: &mut String, name: &str, value: &str) {
    if !value.contains(['\n', '\r']) {
        for part in [name, ": ", value, "\n"] {
            answer.push_str(part);
        }
    }
}

/// The same, whole.
fn header_line(answer: &mut String, line: &str) {
    if let Some((name, value)) = line.split_once(": ") {
        header(answer, name, value);
    }
}

fn with_body(mut answer: String, body: &str) -> String {
    answer.reserve(body.len() + 1);
    answer.push('\n');
    answer.push_str(body);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_status_headers_and_body() {
        let answer = forbidden("No.\n\nReally.");
        let (head, body) = answer.split_once("\n\n").unwrap();
        assert_eq!(head.lines().next(), Some("403"));
        assert!(head.lines().skip(1).all(|line| line.contains(": ")));
        assert!(head.contains("\nCache-Control: no-store\n"));
        assert_eq!(body, "No.\n\nReally.");
    }

    #[test]
    fn a_value_cannot_bring_a_header_of_its_own() {
        let answer = see_other("/x\nSet-Cookie: stolen=1", Some("Set-Cookie: ours=1"));
        assert!(!answer.contains("stolen") && answer.contains("Set-Cookie: ours=1"));
    }

    #[test]
    fn an_address_is_told_in_the_letters_that_a_header_has() {
        assert!(see_other("/中?a=ü#x", None).contains("\nLocation: /%E4%B8%AD?a=%C3%BC#x\n"));
    }

    #[test]
    fn a_page_of_the_operators_is_named_with_what_stands_in_it() {
        let page = Page { name: "desk", places: vec![("name", "\"a\"\n\n".into()), ("csrf", "00".into())] };
        let answer = operators_page(200, "abc", &page);
        let (head, body) = answer.split_once("\n\n").unwrap();
        assert!(head.contains("'nonce-abc'"));
        assert_eq!(body, r#"{"page":"desk","name":"\"a\"\n\n","csrf":"00"}"#);
    }

    #[test]
    fn a_nonce_is_twelve_bytes_of_the_entropy() {
        assert_eq!(nonce([0xab; 16]), "ab".repeat(12));
    }
}
