//! Who asks: decided from the few headers that tell a person from a machine. DESIGN 2, *Who asks*.

use durable::settings::Settings;

/// The headers that are looked at, as they came; empty when absent.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// The request's method.
    pub method: String,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: String,
    /// `Sec-Fetch-Site`.
    pub fetch_site: String,
    /// `Sec-Purpose` or `Purpose`.
    pub purpose: String,
    /// `Accept`.
    pub accept: String,
    /// `Accept-Language`.
    pub accept_language: String,
    /// `Upgrade`.
    pub upgrade: String,
    /// `Origin`.
    pub origin: String,
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
pub fn asker(headers: &Headers, settings: &Settings) -> Asker {
    if !headers.upgrade.is_empty() {
        return Asker::Upgrade;
    }
    if headers.purpose.contains("prefetch") || headers.purpose.contains("prerender") {
        return Asker::Prefetch;
    }
    let navigates = if headers.fetch_mode.is_empty() {
        headers.accept.contains("text/html")
    } else {
        headers.fetch_mode == "navigate"
    };
    // Without `Sec-Fetch-Site` it is an older browser: what a stranger's page could ask so, it could ask as an app too.
    let from_page =
        headers.accept.contains(PAGE_TYPE) && matches!(headers.fetch_site.as_str(), "same-origin" | "");
    let from_app = !headers.origin.is_empty() && settings.allows_origin(&headers.origin);
    if navigates {
        Asker::Navigation
    } else if from_page {
        Asker::Page
    } else if settings.json_response_enabled && (headers.accept.contains("application/json") || from_app) {
        Asker::App
    } else {
        Asker::SubResource
    }
}

/// What the method means to a waiting room.
pub fn verb(headers: &Headers) -> Verb {
    match headers.method.as_str() {
        "GET" => Verb::Get,
        "HEAD" => Verb::Head,
        _ => Verb::Write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn who(change: impl Fn(&mut Headers)) -> Asker {
        let settings = json!({
            "name": "a", "host": "a.example", "total_active_users": 1, "new_users_per_minute": 1,
        });
        let mut headers = Headers { method: "GET".into(), ..Headers::default() };
        change(&mut headers);
        asker(&headers, &Settings::parse(&settings).unwrap())
    }

    #[test]
    fn browsers_say_what_they_do_and_old_ones_what_they_want() {
        assert_eq!(who(|headers| headers.fetch_mode = "navigate".into()), Asker::Navigation);
        assert_eq!(who(|headers| headers.accept = "text/html,*/*;q=0.8".into()), Asker::Navigation);
        let image = who(|headers| {
            headers.fetch_mode = "no-cors".into();
            headers.accept = "text/html".into();
        });
        assert_eq!(image, Asker::SubResource);
        assert_eq!(who(|_| ()), Asker::SubResource);
    }

    #[test]
    fn apps_say_json_or_come_from_an_origin_the_room_allows() {
        assert_eq!(who(|headers| headers.accept = "application/json, */*".into()), Asker::App);
        assert_eq!(who(|headers| headers.origin = "https://a.example".into()), Asker::App);
        assert_eq!(who(|headers| headers.origin = "https://b.example".into()), Asker::SubResource);
    }

    #[test]
    fn our_own_script_is_known_by_what_it_accepts_and_on_its_own_site_alone() {
        let script = |site: &str| {
            who(|headers| {
                headers.fetch_mode = "cors".into();
                headers.fetch_site = site.into();
                headers.accept = PAGE_TYPE.into();
            })
        };
        assert_eq!((script("same-origin"), script("")), (Asker::Page, Asker::Page));
        assert_eq!((script("cross-site"), script("same-site")), (Asker::SubResource, Asker::SubResource));
        assert!(include_str!("web/waiting.js").contains(PAGE_TYPE));
    }

    #[test]
    fn guesses_and_upgrades_are_told_apart_first() {
        let guess = who(|headers| {
            headers.fetch_mode = "navigate".into();
            headers.purpose = "prefetch;prerender".into();
        });
        assert_eq!(guess, Asker::Prefetch);
        assert_eq!(who(|headers| headers.upgrade = "websocket".into()), Asker::Upgrade);
    }
}
