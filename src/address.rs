//! A request's address, taken apart by hand: scheme, host, path, query. Parsing it with the platform's `URL`
//! would cost more than the rest of the gate.

use durable::codec::from_hex;
use durable::listed::Listed as _;
use durable::pieces::{cut, joined};
use durable::settings::Settings;

use crate::cookie::Scheme;

/// What the page adds to a query to learn whether cookies come back; never reaches the origin.
pub const MARK: &str = "anteroom-cookie=1";

/// What our page's script, and apps, add to a query to ask for a place or a seat and for nothing else (`CLAIM` in `recent.mjs`).
pub const CLAIM: &str = "anteroom-claim=1";

/// The longest address that somebody is sent on to.
const TARGET_BYTES_MAX: usize = 8_192;

/// The parts of an absolute address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// Https or not.
    pub scheme: Scheme,
    /// Host, with its port if it has one.
    pub host: &'a str,
    /// From the first slash on, without the query.
    pub path: &'a str,
    /// Behind the `?`, without it.
    pub query: &'a str,
}

impl<'a> Address<'a> {
    /// Takes apart what the platform gives as `request.url`: absolute, and never with a fragment.
    pub fn parse(url: &'a str) -> Option<Address<'a>> {
        let (scheme, rest) = match url.strip_prefix("https://") {
            Some(rest) => (Scheme::Https, rest),
            None => (Scheme::Http, cut(url, "://")?.1),
        };
        // By bytes: a search for one of several characters decodes each on its way.
        let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (host, rest) = rest.split_at(end);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Some(Address { scheme, host, path: if path.is_empty() { "/" } else { path }, query })
    }

    /// Whether the query carries our mark.
    pub fn is_marked(&self) -> bool {
        self.query.split('&').any(|part| part == MARK)
    }

    /// Whether a script of ours, or an app, asks for a place or a seat and for nothing else.
    pub fn is_claim(&self) -> bool {
        self.query.split('&').any(|part| part == CLAIM)
    }

    /// Path and query without our mark: what the visitor wanted.
    pub fn target(&self) -> String {
        let mut kept = self.query.split('&').filter(|part| !part.is_empty() && *part != MARK);
        let kept = joined(&mut kept, "&");
        if kept.is_empty() { safe_target(self.path) } else { safe_target(&format!("{}?{kept}", self.path)) }
    }

    /// The value of a query's field, decoded.
    pub fn field(&self, name: &str) -> Option<String> {
        field(self.query, name)
    }
}

/// The value of a field in a query or in a form's body (`application/x-www-form-urlencoded`), decoded; none if that is
/// no text.
pub fn field(fields: &str, name: &str) -> Option<String> {
    fields.split('&').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        if key != name {
            return None;
        }
        let spaced = value.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).listed();
        String::from_utf8(percent_decoded(&spaced)).ok()
    })
}

/// A target with our mark.
pub fn marked(target: &str) -> String {
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}{MARK}")
}

/// A target that can only lead to the same host: one slash, no backslash, no control characters; anything
/// else leads to the root.
pub fn safe_target(target: &str) -> String {
    let second = target.get(1..2).unwrap_or_default();
    let safe = target.starts_with('/')
        && second != "/"
        && !target.contains('\\')
        && !target.bytes().any(|byte| byte < 0x20 || byte == 0x7f)
        && target.len() <= TARGET_BYTES_MAX;
    if safe { target.to_owned() } else { "/".to_owned() }
}

/// Where somebody may be sent from the door: a page of an origin that the room allows, or else a target on the same host.
pub fn destination(to: &str, settings: &Settings) -> String {
    let is_plain = |byte: u8| byte > 0x20 && byte != 0x7f && byte != b'\\';
    let leads_to_allowed = || {
        let rest = ["https://", "http://"].iter().find_map(|scheme| to.strip_prefix(scheme))?;
        // Neither a user's name nor what a browser could read otherwise; anything that ends a host ends it here.
        let end = rest.bytes().position(|byte| b"/?#".contains(&byte)).unwrap_or(rest.len());
        let host = rest.get(..end)?;
        let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b':');
        let origin = to.get(..to.len() - rest.len() + end)?;
        (host.bytes().all(fits) && settings.allows_origin(origin)).then_some(())
    };
    let fits = to.len() <= TARGET_BYTES_MAX && to.bytes().all(is_plain);
    if fits && leads_to_allowed().is_some() { to.to_owned() } else { safe_target(to) }
}

/// Bytes without their escapes; what only looks like one stays as it is.
pub fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let digits = bytes.get(index + 1..index + 3).filter(|_| *byte == b'%');
        let escaped = digits.and_then(|digits| from_hex::<1>(std::str::from_utf8(digits).ok()?));
        out.push(escaped.map_or(*byte, |[escaped]| escaped));
        index += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable::json;

    #[test]
    fn an_address_comes_apart() {
        let address = Address::parse("https://a.b:8/c/d?e=f&g").unwrap();
        assert_eq!((address.host, address.path, address.query), ("a.b:8", "/c/d", "e=f&g"));
        let bare = Address::parse("http://a.b?x").unwrap();
        assert_eq!((bare.path, bare.query, bare.scheme), ("/", "x", Scheme::Http));
        assert_eq!(Address::parse("nothing"), None);
    }

    #[test]
    fn the_mark_is_seen_and_taken_off() {
        let target = "/sale?item=1";
        let url = format!("https://a.b{}", marked(target));
        let address = Address::parse(&url).unwrap();
        assert!(address.is_marked());
        assert_eq!(address.target(), target);
        let url = format!("https://a.b{}", marked("/sale"));
        assert_eq!(Address::parse(&url).unwrap().target(), "/sale");
        assert!(!Address::parse("https://a.b/?xanteroom-cookie=1").unwrap().is_marked());
    }

    #[test]
    fn a_target_never_leads_to_another_host() {
        for target in
            ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "", "/\n/x", "x"]
        {
            assert_eq!(safe_target(target), "/", "{target}");
        }
        assert_eq!(safe_target("/a?b=//c"), "/a?b=//c");
    }

    #[test]
    fn the_door_leads_to_origins_that_the_room_allows_and_to_no_other() {
        let settings = |allowed: &[&str]| {
            let settings = json!({
                "name": "a", "host": "api.example", "total_active_users": 1, "new_users_per_minute": 1,
                "allowed_origins": allowed.to_vec(),
            });
            Settings::parse(&settings).unwrap()
        };
        let (own, app) = (settings(&[]), settings(&["https://app.example", "https://b.example:8443"]));
        for to in [
            "https://app.example",
            "https://app.example/a?b=c#d",
            "https://app.example?x",
            "https://app.example#x",
            "https://b.example:8443/",
        ] {
            assert_eq!(destination(to, &app), to);
        }
        assert_eq!(destination("https://api.example/x", &own), "https://api.example/x");
        assert_eq!(destination("/x?y", &app), "/x?y");
        for to in [
            "https://evil.example/",
            "http://app.example/",
            "https://app.example.evil.example/",
            "https://app.example@evil.example/",
            "https://app.example:x@evil.example/",
            "https://app.example\\@evil.example/",
            "https://app.example:443/",
            "//app.example",
            "javascript://app.example/%0aalert(1)",
            "https:app.example",
            "https://app.example /",
            "https://app.example\n/",
            "https://APP.example/",
        ] {
            assert_eq!(destination(to, &app), "/", "{to}");
        }
        for to in [
            "https://api.example:x@evil.example/",
            "https://api.example:1@evil.example/",
            "https://api.example:1.evil.example/",
        ] {
            assert_eq!(destination(to, &own), "/", "{to}");
        }
    }

    #[test]
    fn fields_are_decoded() {
        let address = Address::parse("https://a.b/?to=%2Fsale%3Fa%3D1&x=%zz+%e4%b8%ad").unwrap();
        assert_eq!(address.field("to").as_deref(), Some("/sale?a=1"));
        assert_eq!(address.field("x").as_deref(), Some("%zz 中"));
        assert_eq!(address.field("y"), None);
        assert_eq!(field("x=%ff", "x"), None);
    }
}
