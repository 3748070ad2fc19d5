//! Who asks: decided from the few headers that tell a person from a machine.

use durable::pieces::{cut, has};
use durable::settings::Settings;

use crate::address::Address;
use crate::cookie::Scheme;
use crate::cors;

/// The headers that are looked at, as they came; empty when absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// The request's method.
    pub method: &'a str,
    /// `Accept`.
    pub accept: &'a str,
    /// `Accept-Language`.
    pub accept_language: &'a str,
    /// `Origin`.
    pub origin: &'a str,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: &'a str,
    /// `Sec-Fetch-Site`.
    pub fetch_site: &'a str,
    /// `Sec-Purpose`.
    pub sec_purpose: &'a str,
    /// `Purpose`, its forerunner.
    pub purpose: &'a str,
    /// `Upgrade`.
    pub upgrade: &'a str,
    /// `CF-Connecting-IP`.
    pub client: &'a str,
    /// `Access-Control-Request-Method`: what a preflight is for.
    pub request_method: &'a str,
    /// `Access-Control-Request-Headers`.
    pub request_headers: &'a str,
    /// Only the first four were looked at.
    pub few: bool,
    /// A line for each header that bypass rules asked for, once they have.
    pub more: Option<&'a str>,
}

impl<'a> Headers<'a> {
    /// From a line for each, in the order of the fields: `entry.mjs` writes them so. No header's value has a line break in it.
    pub fn parse(lines: &'a str) -> Headers<'a> {
        // The last piece is whatever stands behind the lines that all have.
        let mut lines = lines.splitn(13, '\n');
        let [method, accept, accept_language, origin] = [(); 4].map(|()| lines.next().unwrap_or_default());
        let fetch_mode = lines.next();
        let mut next = || lines.next().unwrap_or_default();
        Headers {
            method,
            accept,
            accept_language,
            origin,
            fetch_mode: fetch_mode.unwrap_or_default(),
            fetch_site: next(),
            sec_purpose: next(),
            purpose: next(),
            upgrade: next(),
            client: next(),
            request_method: next(),
            request_headers: next(),
            few: fetch_mode.is_none(),
            more: lines.next(),
        }
    }

    /// Whether a script or an app asks, and no browser that goes somewhere: to say where they stand the first four are enough.
    pub fn want_json(&self) -> bool {
        has(self.accept, "json") && !has(self.accept, "html")
    }

    /// Whether a page of this very origin asks, by either of two headers that no page can write: what a browser says of that alone decides, where it does.
    pub fn is_from(&self, address: &Address<'_>) -> bool {
        if !self.fetch_site.is_empty() {
            return self.fetch_site == "same-origin";
        }
        let scheme = if address.scheme == Scheme::Https { "https" } else { "http" };
        cut(self.origin, "://") == Some((scheme, address.host))
    }
}

/// What the waiting page's script accepts (`web/waiting.js`), so that it is known in rooms that answer no apps.
const PAGE_TYPE: &str = "application/vnd.anteroom+json";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A browser that goes somewhere: gets the page.
    Navigation,
    /// An app: gets JSON, and may hold a ticket.
    App,
    /// The waiting page's own script: gets JSON, and is told that it is inside rather than taken there, for what the
    /// origin answers to a `GET` may be good for one time.
    Page,
    /// A part of a page: nothing of ours would help it.
    SubResource,
    /// A browser that guesses: neither ticket nor seat.
    Prefetch,
    /// A WebSocket, say.
    Upgrade,
}

/// What is done with what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// May join, enter, claim.
    Get,
    /// Mirrors `GET`, and asks for nothing.
    Head,
    /// A form, or an app's write: never navigates by itself.
    Write,
}

/// Who asks, by the headers.
pub fn asker(headers: &Headers<'_>, settings: &Settings) -> Asker {
    if !headers.upgrade.is_empty() {
        return Asker::Upgrade;
    }
    let purposes = [headers.sec_purpose, headers.purpose];
    if purposes.iter().any(|purpose| has(purpose, "prefetch") || has(purpose, "prerender")) {
        return Asker::Prefetch;
    }
    let [html, json] = ["text/html", "application/json"].map(|kind| weight(headers.accept, kind));
    let navigates = if headers.fetch_mode.is_empty() {
        html > 0 && html >= json
    } else {
        headers.fetch_mode == "navigate"
    };
    // Without `Sec-Fetch-Site` it is an older browser: what a stranger's page could ask so, it could ask as an app too.
    let from_page = has(headers.accept, PAGE_TYPE) && matches!(headers.fetch_site, "same-origin" | "");
    // Any page may have a browser send what an app sends. But it says whose page that is, or that nobody's script can read the answer.
    let is_own = headers.fetch_site == "same-origin";
    let names_origin = !headers.origin.is_empty();
    let from_allowed = cors::is_allowed(headers, settings) || (names_origin && is_own);
    let from_foreign = headers.fetch_mode == "no-cors" || (names_origin && !from_allowed);
    if navigates {
        Asker::Navigation
    } else if from_page {
        Asker::Page
    } else if settings.json_response_enabled && !from_foreign && (json > 0 || from_allowed) {
        Asker::App
    } else {
        Asker::SubResource
    }
}

/// How much of a thousand a kind of answer weighs in an `Accept` list (RFC 9110, 12.5.1); nothing if it does not stand there by name.
fn weight(accept: &str, kind: &str) -> u32 {
    let named = accept.split(',').find_map(|item| {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        name.trim().eq_ignore_ascii_case(kind).then_some(parameters)
    });
    let Some(parameters) = named else { return 0 };
    let quality = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    quality.map_or(1_000, thousandths)
}

/// Of `1`, `0.85` and the like; nothing of what is no such number.
fn thousandths(quality: &str) -> u32 {
    let (whole, part) = quality.split_once('.').unwrap_or((quality, ""));
    let digits = part.bytes().chain(*b"000").take(3);
    let part = digits.fold(0, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0').min(9)));
    match whole {
        "1" => 1_000,
        "0" => part,
        _ => 0,
    }
}

/// What the method means to a waiting room.
pub fn verb(headers: &Headers<'_>) -> Verb {
    match headers.method {
        "GET" => Verb::Get,
        "HEAD" => Verb::Head,
        _ => Verb::Write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable::json;

    fn who<'a>(change: impl Fn(&mut Headers<'a>)) -> Asker {
        let settings = json!({
            "name": "a", "host": "a.example", "total_active_users": 1, "new_users_per_minute": 1,
        });
        let mut headers = Headers { method: "GET", ..Headers::default() };
        change(&mut headers);
        asker(&headers, &Settings::parse(&settings).unwrap())
    }

    #[test]
    fn browsers_say_what_they_do_and_old_ones_what_they_want() {
        assert_eq!(who(|headers| headers.fetch_mode = "navigate"), Asker::Navigation);
        assert_eq!(who(|headers| headers.accept = "text/html,*/*;q=0.8"), Asker::Navigation);
        let image = who(|headers| {
            headers.fetch_mode = "no-cors";
            headers.accept = "text/html";
        });
        assert_eq!(image, Asker::SubResource);
        assert_eq!(who(|_| ()), Asker::SubResource);
    }

    #[test]
    fn apps_say_json_or_come_from_an_origin_the_room_allows() {
        assert_eq!(who(|headers| headers.accept = "application/json, */*"), Asker::App);
        assert_eq!(who(|headers| headers.origin = "https://a.example"), Asker::App);
        assert_eq!(who(|headers| headers.origin = "https://b.example"), Asker::SubResource);
        let of_page = |mode, site, origin| {
            who(|headers| {
                headers.accept = "application/json";
                (headers.fetch_mode, headers.fetch_site, headers.origin) = (mode, site, origin);
            })
        };
        assert_eq!(of_page("no-cors", "cross-site", ""), Asker::SubResource, "any page can have that sent");
        assert_eq!(of_page("cors", "cross-site", "https://b.example"), Asker::SubResource);
        assert_eq!(of_page("cors", "same-origin", "https://b.example"), Asker::App, "the room's own page");
        assert_eq!(of_page("cors", "cross-site", "https://a.example"), Asker::App);
    }

    #[test]
    fn what_weighs_more_in_a_list_is_what_is_wanted() {
        for (accept, asker) in [
            ("text/html, application/json", Asker::Navigation),
            ("text/html;q=0.8, application/json", Asker::App),
            ("application/json;q=0.85,text/html;q=0.9", Asker::Navigation),
            ("application/json;q=0, */*", Asker::SubResource),
            ("text/html;q=0,application/json", Asker::App),
            ("Application/JSON; charset=utf-8 ; Q=0.001", Asker::App),
            ("application/jsonl", Asker::SubResource),
            ("application/json;q=x", Asker::SubResource),
        ] {
            assert_eq!(who(|headers| headers.accept = accept), asker, "{accept}");
        }
        assert_eq!(
            ["1", "1.000", "0.5", "0.25", "0.1239", "0", "0.", "2", ""].map(thousandths),
            [1_000, 1_000, 500, 250, 123, 0, 0, 0, 0]
        );
    }

    #[test]
    fn our_own_script_is_known_by_what_it_accepts_and_on_its_own_site_alone() {
        let script = |site: &'static str| {
            who(|headers| {
                headers.fetch_mode = "cors";
                headers.fetch_site = site;
                headers.accept = PAGE_TYPE;
            })
        };
        assert_eq!((script("same-origin"), script("")), (Asker::Page, Asker::Page));
        assert_eq!((script("cross-site"), script("same-site")), (Asker::SubResource, Asker::SubResource));
        let (script, recent) = (include_str!("web/waiting.js"), include_str!("recent.mjs"));
        assert!(script.contains(PAGE_TYPE) && script.contains("\"anteroom-claim\""));
        assert!(
            recent.contains("\"anteroom-claim=1\""),
            "the entry knows it by its mark, before anybody reads a header"
        );
    }

    #[test]
    fn guesses_and_upgrades_are_told_apart_first() {
        let guess = who(|headers| {
            headers.fetch_mode = "navigate";
            headers.purpose = "prefetch;prerender";
        });
        assert_eq!(guess, Asker::Prefetch);
        assert_eq!(who(|headers| headers.upgrade = "websocket"), Asker::Upgrade);
    }

    #[test]
    fn headers_are_lines_in_the_order_of_the_fields() {
        let lines = "POST\n*/*\nms\nhttps://a.example\ncors\nsame-site\n\nprefetch\n\n2001:db8::1\nPUT\nx-a";
        let headers = Headers::parse(lines);
        assert_eq!((headers.method, headers.accept, headers.accept_language), ("POST", "*/*", "ms"));
        assert_eq!((headers.fetch_mode, headers.fetch_site), ("cors", "same-site"));
        assert_eq!((headers.sec_purpose, headers.purpose, headers.upgrade), ("", "prefetch", ""));
        assert_eq!(
            (headers.origin, headers.client, headers.few),
            ("https://a.example", "2001:db8::1", false)
        );
        assert_eq!((headers.request_method, headers.request_headers), ("PUT", "x-a"));
        let few = Headers::parse("GET\n*/*\n\n");
        assert_eq!((few.method, few.accept, few.few, few.want_json()), ("GET", "*/*", true, false));
        let wants = |accept| Headers { accept, ..Headers::default() }.want_json();
        assert!(wants(PAGE_TYPE) && wants("application/json") && !wants("text/html, application/json"));
        assert_eq!((Headers::parse("").method, Headers::parse("").few), ("", true));
    }

    #[test]
    fn a_page_of_a_host_is_known_by_what_no_page_can_write() {
        let address = Address::parse("https://a.example/").unwrap();
        let from =
            |fetch_site, origin| Headers { origin, fetch_site, ..Headers::default() }.is_from(&address);
        assert!(from("same-origin", "") && from("", "https://a.example"));
        assert!(!from("same-site", "") && !from("cross-site", "https://b.example") && !from("", "null"));
        assert!(!from("cross-site", "https://a.example") && !from("", "http://a.example") && !from("", ""));
    }
}
