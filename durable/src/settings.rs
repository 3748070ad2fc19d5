//! A room's settings: Cloudflare's waiting-room fields, and a few of ours.
//!
//! JSON is parsed into [`Settings`], which cannot be invalid; whatever is wrong is told at once, each fault
//! with its field, its bound and what to do. Every field of Cloudflare's schema is known: one that is not carried
//! out is accepted at its neutral value and refused by name otherwise, so that nobody relies on what is not there.
//!
//! It decides nothing about uniqueness among rooms: that is the directory's.

use std::fmt;

use crate::cookie_settings::CookieSettings;
use crate::date::iso8601;
use crate::fields::{Fields, stored};
use crate::health_settings::OriginHealth;
use crate::json;
use crate::json::{Map, Value};
use crate::listed::Listed as _;
use crate::location::Location;
use crate::origins::{allowed_origins, board_mirror};
use crate::page_settings::PageSettings;
use crate::pieces::cut;
use crate::route_pattern::{RoutePattern, additional_routes, host, path};
use crate::units::Millis;
use crate::wire::{Hear, Said, take, wire};

/// D when nothing is said.
const SESSION_DURATION_DEFAULT_SECONDS: u32 = 300;
/// Below this a session would end before its first renewal.
const SESSION_DURATION_MIN_SECONDS: u64 = 10;
/// A day.
pub(crate) const SESSION_DURATION_MAX_SECONDS: u64 = 86_400;
/// Twice the longest poll told to anyone whose turn may be near.
const CLAIM_WINDOW_DEFAULT_SECONDS: u64 = 120;
/// The largest limit: what Cloudflare's schema has.
pub(crate) const LIMIT_MAX: u64 = 2_147_483_647;

/// One thing that is wrong with a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The field, as it is spelt in JSON.
    pub field: String,
    /// What is wrong, and the bound.
    pub message: String,
}

wire!(Fault { field, message });

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.field, self.message)
    }
}

/// How places are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueingMethod {
    /// In the order of arrival.
    #[default]
    Fifo,
    /// By rounds that draw among all who wait.
    Random,
    /// Everybody passes; some are counted.
    Passthrough,
    /// Nobody is let in.
    Reject,
}

impl QueueingMethod {
    const ALL: [QueueingMethod; 4] =
        [QueueingMethod::Fifo, QueueingMethod::Random, QueueingMethod::Passthrough, QueueingMethod::Reject];

    /// Its name, on every wire.
    pub fn name(self) -> &'static str {
        match self {
            QueueingMethod::Fifo => "fifo",
            QueueingMethod::Random => "random",
            QueueingMethod::Passthrough => "passthrough",
            QueueingMethod::Reject => "reject",
        }
    }

    /// By its name.
    pub fn of_name(name: &str) -> Option<QueueingMethod> {
        QueueingMethod::ALL.into_iter().find(|method| method.name() == name)
    }
}

impl Said for QueueingMethod {
    fn say(&self, out: &mut String) {
        self.name().say(out);
    }
}

impl Hear for QueueingMethod {
    fn hear(&mut self, value: &Value) -> bool {
        take(self, value.as_str().and_then(QueueingMethod::of_name))
    }
}

/// See the module's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Letters, digits, `-`, `_`; unique among rooms.
    pub name: String,
    /// For the operator.
    pub description: String,
    /// The first route; further ones stand in `additional_routes`.
    pub route: RoutePattern,
    /// More of them on the same line.
    pub additional_routes: Vec<RoutePattern>,
    /// Live seats at most.
    pub total_active_users: u32,
    /// Admissions at most in any 60 s.
    pub new_users_per_minute: u32,
    /// D: how long a session lasts after its last renewal.
    pub session_duration_seconds: u32,
    /// One D for everybody, whatever they do.
    pub disable_session_renewal: bool,
    /// Hold everybody who is not inside.
    pub queue_all: bool,
    /// The room is off.
    pub suspended: bool,
    /// How places are given.
    pub queueing_method: QueueingMethod,
    /// The status of the waiting page: 200, 202, 429 or 503.
    pub queueing_status_code: u16,
    /// Whether apps that accept JSON get it.
    pub json_response_enabled: bool,
    /// The language of a page when the visitor's is not among ours.
    pub default_template_language: String,
    /// Appended to the cookie's name, behind a `_`.
    pub cookie_suffix: String,
    /// How its cookies are made.
    pub cookies: CookieSettings,
    /// How long a called place holds its seat.
    pub claim_window_seconds: u32,
    /// How many of one address prefix may join in a minute; zero: as many as come.
    pub joins_per_prefix_per_minute: u32,
    /// How much longer an edge that cannot reach the room honours a pass.
    pub outage_grace_seconds: u32,
    /// Until then an edge that cannot reach the room lets everybody in; zero: never.
    pub fail_open_until: Millis,
    /// Whether the origin may end the session that it answers (`enabled_origin_commands: ["revoke"]`).
    pub revoked_by_origin: bool,
    /// When the pace follows the origin's health; none: never.
    pub origin_health: Option<OriginHealth>,
    /// Origins of apps that may read our answers; empty: the room's own hosts.
    pub allowed_origins: Vec<String>,
    /// Where the board's mirror is, as an origin (`docs/mirror.md`); empty: pages ask here.
    pub board_mirror: Box<str>,
    /// Where in the world the Room lives; none: where it was first asked for, or has come to.
    pub room_region: Option<Location>,
    /// What the waiting page shows.
    pub page: PageSettings,
}

impl Settings {
    /// Parses a room's settings, or tells everything that is wrong with them.
    pub fn parse(json: &Value) -> Result<Settings, Vec<Fault>> {
        let Some(object) = json.as_object() else {
            return Err(vec![Fault { field: "settings".into(), message: "must be a JSON object".into() }]);
        };
        let mut fields = Fields::new(object);
        let session_duration_seconds =
            session_duration(&mut fields).unwrap_or(SESSION_DURATION_DEFAULT_SECONDS);
        let route = RoutePattern { host: host(&mut fields), path: path(&mut fields) };
        let additional_routes = additional_routes(&mut fields);
        let cookies = CookieSettings::read(&mut fields, additional_routes.iter().chain([&route]));
        let board_mirror = board_mirror(&mut fields, additional_routes.iter().chain([&route]));
        let settings = Settings {
            name: name(&mut fields),
            description: fields.text("description", 1_000),
            route,
            additional_routes,
            total_active_users: fields.required_number("total_active_users", 1, LIMIT_MAX),
            new_users_per_minute: fields.required_number("new_users_per_minute", 1, LIMIT_MAX),
            session_duration_seconds,
            disable_session_renewal: fields.flag("disable_session_renewal", false),
            queue_all: fields.flag("queue_all", false),
            suspended: fields.flag("suspended", false),
            queueing_method: queueing_method(&mut fields),
            queueing_status_code: fields.one_of("queueing_status_code", 200, &[200, 202, 429, 503]),
            json_response_enabled: fields.flag("json_response_enabled", true),
            default_template_language: fields.text_or("default_template_language", "en-US", 35),
            cookie_suffix: cookie_suffix(&mut fields),
            cookies,
            claim_window_seconds: fields.number(
                "claim_window_seconds",
                CLAIM_WINDOW_DEFAULT_SECONDS,
                10,
                600,
            ),
            joins_per_prefix_per_minute: fields.number("joins_per_prefix_per_minute", 0, 0, 1_000_000),
            outage_grace_seconds: fields.number("outage_grace_seconds", 0, 0, 3_600),
            fail_open_until: if fields.names("fail_open_until") {
                fields.time("fail_open_until")
            } else {
                Millis(0)
            },
            revoked_by_origin: revoked_by_origin(&mut fields),
            origin_health: OriginHealth::read(&mut fields),
            allowed_origins: allowed_origins(&mut fields),
            board_mirror,
            room_region: Location::read(&mut fields),
            page: PageSettings::read(&mut fields),
        };
        refuse_what_is_not_carried_out(&mut fields);
        fields.finish(settings)
    }

    /// These settings with the fields of a patch put in; the page's fields are merged one by one.
    pub fn merged(&self, patch: &Value) -> Result<Settings, Vec<Fault>> {
        let mut merged = self.to_json();
        let (Some(target), Some(patch)) = (merged.as_object_mut(), patch.as_object()) else {
            return Settings::parse(&Value::Null);
        };
        prefer_named_duration(target, patch);
        for (key, value) in patch.iter() {
            match (target.get_mut(key).and_then(Value::as_object_mut), value.as_object()) {
                (Some(inner), Some(value)) => {
                    value.iter().for_each(|(key, value)| inner.insert(key.clone(), value.clone()));
                }
                _ => target.insert(key.clone(), value.clone()),
            }
        }
        Settings::parse(&merged)
    }

    /// Reads settings that were checked before they were stored, by this version or another: a field that this one would refuse says nothing.
    pub fn stored(json: &Value) -> Result<Settings, Vec<Fault>> {
        stored(json, Settings::parse)
    }

    /// The canonical JSON: parsing it gives the same settings. What came after the first version is said only where it differs from the default: code of
    /// that version would not read the room.
    pub fn to_json(&self) -> Value {
        let mut json = self.first_fields();
        let later = [
            ("joins_per_prefix_per_minute", self.joins_per_prefix_per_minute),
            ("outage_grace_seconds", self.outage_grace_seconds),
        ];
        for (name, number) in later {
            if number > 0 {
                json.set(name, json!(number));
            }
        }
        if self.fail_open_until.0 > 0 {
            json.set("fail_open_until", json!(iso8601(self.fail_open_until)));
        }
        if !self.board_mirror.is_empty() {
            json.set("board_mirror", json!(&*self.board_mirror));
        }
        if let Some(location) = self.room_region {
            json.set("room_region", json!(location.name()));
        }
        if let Some(health) = self.origin_health {
            json.set("origin_health", health.to_json());
        }
        json
    }

    fn first_fields(&self) -> Value {
        let routes: Vec<Value> = self
            .additional_routes
            .iter()
            .map(|route| json!({ "host": route.host, "path": route.path }))
            .listed();
        json!({
            "name": self.name,
            "description": self.description,
            "host": self.route.host,
            "path": self.route.path,
            "additional_routes": routes,
            "total_active_users": self.total_active_users,
            "new_users_per_minute": self.new_users_per_minute,
            "session_duration": self.session_duration_seconds.div_ceil(60),
            "session_duration_seconds": self.session_duration_seconds,
            "disable_session_renewal": self.disable_session_renewal,
            "queue_all": self.queue_all,
            "suspended": self.suspended,
            "queueing_method": self.queueing_method.name(),
            "queueing_status_code": self.queueing_status_code,
            "json_response_enabled": self.json_response_enabled,
            "default_template_language": self.default_template_language,
            "cookie_suffix": self.cookie_suffix,
            "cookie_attributes": self.cookies.to_json(),
            "custom_page_html": "",
            "enabled_origin_commands": if self.revoked_by_origin { vec!["revoke"] } else { Vec::new() },
            "turnstile_mode": "off",
            "turnstile_action": "log",
            "claim_window_seconds": self.claim_window_seconds,
            "allowed_origins": self.allowed_origins,
            "page": self.page.to_json(),
        })
    }

    /// Every route of the room.
    pub fn routes(&self) -> impl Iterator<Item = &RoutePattern> {
        std::iter::once(&self.route).chain(&self.additional_routes)
    }

    /// The origins of apps that may read our answers, as they would stand in an `Origin` header. Where none is named those are the room's own hosts on
    /// https, at no port of its own: whoever has another port of a host, or speaks plain http in its name, need not be who has the shop. On
    /// `localhost`, where rooms are developed, all are the developer's.
    pub fn allows_origin(&self, origin: &str) -> bool {
        if !self.allowed_origins.is_empty() {
            return self.allowed_origins.iter().any(|allowed| allowed == origin);
        }
        let host = cut(origin, "://").map_or("", |(_, host)| host);
        let (host, port) = host.split_once(':').unwrap_or((host, ""));
        let is_local = host == "localhost" || host.ends_with(".localhost");
        let is_any = is_local && port.bytes().all(|byte| byte.is_ascii_digit());
        let is_own = is_any || origin.strip_prefix("https://") == Some(host);
        is_own && self.routes().any(|route| route.host == host)
    }
}

pub(crate) fn name(fields: &mut Fields<'_>) -> String {
    let name = fields.text("name", 64);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(fits) {
        fields.fault("name", "is required: letters, digits, `-` and `_`, at most 64");
    }
    name
}

/// Whoever names the minutes alone means the minutes.
pub(crate) fn prefer_named_duration(target: &mut Map, patch: &Map) {
    if patch.contains_key("session_duration") && !patch.contains_key("session_duration_seconds") {
        target.remove("session_duration_seconds");
    } else if patch.contains_key("session_duration_seconds") {
        target.remove("session_duration");
    }
}

/// The minutes are Cloudflare's, the seconds ours; the seconds count, and the minutes must agree.
pub(crate) fn session_duration(fields: &mut Fields<'_>) -> Option<u32> {
    let (min, max) = (SESSION_DURATION_MIN_SECONDS, SESSION_DURATION_MAX_SECONDS);
    let minutes = fields.optional_number("session_duration", 1, max / 60);
    let seconds = fields.optional_number("session_duration_seconds", min, max);
    if let (Some(minutes), Some(seconds)) = (minutes, seconds)
        && seconds.div_ceil(60) != minutes
    {
        fields.fault(
                "session_duration",
                format!("is {minutes} minutes while `session_duration_seconds` is {seconds}: name one, or make them agree"),
            );
    }
    seconds.or(minutes.map(|minutes| minutes * 60)).map(|seconds| seconds as u32)
}

pub(crate) fn queueing_method(fields: &mut Fields<'_>) -> QueueingMethod {
    let method = fields.text_or("queueing_method", "fifo", 20);
    QueueingMethod::of_name(&method).unwrap_or_else(|| {
        fields.fault("queueing_method", "must be `fifo`, `random`, `passthrough` or `reject`");
        QueueingMethod::Fifo
    })
}

fn cookie_suffix(fields: &mut Fields<'_>) -> String {
    let suffix = fields.text("cookie_suffix", 32);
    if !suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        fields.fault("cookie_suffix", "may have letters, digits, `-` and `_`");
    }
    suffix
}

fn revoked_by_origin(fields: &mut Fields<'_>) -> bool {
    let commands = fields.list("enabled_origin_commands", 1);
    if commands.iter().any(|command| command.as_str() != Some("revoke")) {
        fields.fault("enabled_origin_commands", "may have `revoke` and nothing else");
    }
    !commands.is_empty()
}

fn refuse_what_is_not_carried_out(fields: &mut Fields<'_>) {
    let nothing_yet = "is not carried out by this version";
    fields.neutral("custom_page_html", &json!(""), "templates are not carried out: see `page`");
    fields.neutral("turnstile_mode", &json!("off"), nothing_yet);
    fields.neutral("turnstile_action", &json!("log"), nothing_yet);
    for read_only in
        ["id", "created_on", "modified_on", "next_event_prequeue_start_time", "next_event_start_time"]
    {
        fields.ignore(read_only);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimal() -> Value {
        json!({
            "name": "sale", "host": "Shop.Example.com", "path": "/sale/",
            "total_active_users": 1, "new_users_per_minute": 1,
        })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut settings = minimal();
        settings.set(field, value);
        settings
    }

    fn faulty_fields(settings: &Value) -> Vec<String> {
        let faults = Settings::parse(settings).expect_err("should be refused");
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn the_least_that_makes_a_room_has_the_documented_defaults() {
        let settings = Settings::parse(&minimal()).unwrap();
        assert_eq!(settings.route, RoutePattern { host: "shop.example.com".into(), path: "/sale".into() });
        assert_eq!((settings.session_duration_seconds, settings.claim_window_seconds), (300, 120));
        assert_eq!((settings.queueing_status_code, settings.json_response_enabled), (200, true));
    }

    #[test]
    fn what_is_written_is_read_the_same() {
        let mut full = minimal();
        full.set("additional_routes", json!([{ "host": "b.example.com" }]));
        full.set("page", json!({ "title": "Clinic", "color_accent": "#0B6E4F", "home_url": "/about" }));
        full.set(
            "cookie_attributes",
            json!({ "samesite": "lax", "domain": "Example.com", "partitioned": true }),
        );
        full.set("allowed_origins", json!(["https://app.example.com:8443"]));
        full.set("fail_open_until", json!("2026-12-01T09:00:00.000Z"));
        full.set("board_mirror", json!("https://line.example.com"));
        let settings = Settings::parse(&full).unwrap();
        assert_eq!(Settings::parse(&settings.to_json()), Ok(settings));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let wrong = json!({
            "name": "a b", "host": "https://x", "path": "sale", "total_active_users": 0,
            "queue_all": "yes", "colour": 1,
        });
        let mut fields = faulty_fields(&wrong);
        fields.sort();
        assert_eq!(
            fields,
            ["colour", "host", "name", "new_users_per_minute", "path", "queue_all", "total_active_users"]
        );
    }

    #[test]
    fn every_bound_holds_at_both_ends() {
        for (field, good, bad) in [
            ("total_active_users", json!(2_147_483_647u64), json!(2_147_483_648u64)),
            ("new_users_per_minute", json!(1), json!(-1)),
            ("session_duration", json!(1_440), json!(1_441)),
            ("session_duration_seconds", json!(10), json!(9)),
            ("session_duration_seconds", json!(86_400), json!(86_401)),
            ("claim_window_seconds", json!(10), json!(9)),
            ("claim_window_seconds", json!(600), json!(601)),
            ("queueing_status_code", json!(503), json!(500)),
            ("name", json!("a".repeat(64)), json!("a".repeat(65))),
            ("path", json!("/a.b/c%20d"), json!("/a//b")),
            ("path", json!("/"), json!("/a/../b")),
            ("path", json!("/caf%C3%A9"), json!("/caf%c3%a9")),
            ("path", json!("/a%25b"), json!("/%73ale")),
            ("path", json!("/a%20b"), json!("/a%2Fb")),
            ("path", json!("/a"), json!("/a%2")),
            ("path", json!("/x"), json!("/x?y=1")),
            ("path", json!("/x"), json!("/.anteroom")),
            ("host", json!("localhost"), json!("*.example.com")),
            ("host", json!("xn--bcher-kva.example"), json!("bücher.example")),
            ("turnstile_mode", json!("off"), json!("invisible")),
            ("queueing_method", json!("random"), json!("lottery")),
            ("custom_page_html", json!(""), json!("<p>")),
            ("enabled_origin_commands", json!(["revoke"]), json!(["restart"])),
            ("allowed_origins", json!(["http://localhost:1"]), json!(["https://a.example:443"])),
            ("fail_open_until", json!(null), json!("soon")),
            ("additional_routes", json!([{ "host": "a.b" }]), json!([{ "host": "a/b" }])),
        ] {
            assert!(Settings::parse(&with(field, good)).is_ok(), "{field} should be accepted");
            assert_eq!(faulty_fields(&with(field, bad)), [field]);
        }
    }

    #[test]
    fn the_pages_fields_are_checked_by_name() {
        for (field, bad) in [
            ("logo", json!("https://tracker.example/logo.png")),
            ("logo", json!("data:text/html;base64,AAAA")),
            ("color_accent", json!("red")),
            ("color_background", json!("#12345g")),
            ("home_url", json!("javascript:alert(1)")),
            ("home_url", json!("//evil.example")),
            ("tittle", json!("x")),
        ] {
            let settings = with("page", json!({ field: bad }));
            assert_eq!(faulty_fields(&settings), [format!("page.{field}")]);
        }
    }

    #[test]
    fn minutes_and_seconds_must_agree_and_a_patch_of_one_moves_the_other() {
        let mut both = with("session_duration", json!(2));
        both.set("session_duration_seconds", json!(90));
        assert_eq!(Settings::parse(&both).unwrap().session_duration_seconds, 90);
        both.set("session_duration_seconds", json!(300));
        assert_eq!(faulty_fields(&both), ["session_duration"]);
        let settings = Settings::parse(&minimal()).unwrap();
        let minutes = settings.merged(&json!({ "session_duration": 7 })).unwrap();
        assert_eq!(minutes.session_duration_seconds, 420);
        let seconds = settings.merged(&json!({ "session_duration_seconds": 15 })).unwrap();
        assert_eq!(seconds.session_duration_seconds, 15);
    }

    #[test]
    fn a_patch_changes_what_it_names_and_read_only_fields_may_come_back() {
        let settings = Settings::parse(&with("page", json!({ "title": "A", "message": "B" }))).unwrap();
        let patched = settings.merged(&json!({ "id": "x", "page": { "message": "C" } })).unwrap();
        assert_eq!((patched.page.title.as_str(), patched.page.message.as_str()), ("A", "C"));
        assert!(settings.merged(&json!([])).is_err());
    }

    #[test]
    fn what_a_newer_version_stored_is_read_and_what_an_operator_sends_is_checked() {
        let mut newer = with("page", json!({ "title": "A", "wallpaper": "x" }));
        newer.set("gates_of_tomorrow", json!([1]));
        assert_eq!(faulty_fields(&newer), ["page.wallpaper", "gates_of_tomorrow"]);
        assert_eq!(Settings::stored(&newer), Settings::parse(&with("page", json!({ "title": "A" }))));
        newer.set("allowed_origins", json!(["https://a.example/"]));
        assert_eq!(Settings::stored(&newer), Settings::parse(&with("page", json!({ "title": "A" }))));
        newer.set("total_active_users", json!("many"));
        assert!(Settings::stored(&newer).is_err(), "without a limit there is no room");
        let said = Settings::parse(&minimal()).unwrap().to_json();
        assert_eq!(said.as_object().unwrap().len(), 25, "no more than the first version reads");
    }

    #[test]
    fn a_cookies_domain_has_all_hosts_of_the_room_below_it() {
        let with_domain = |domain: &str| {
            let mut settings = with("additional_routes", json!([{ "host": "b.example.com" }]));
            settings.set("cookie_attributes", json!({ "domain": domain }));
            Settings::parse(&settings)
        };
        assert_eq!(with_domain("example.com").unwrap().cookies.domain.as_ref(), "example.com");
        for domain in [
            "com",
            ".example.com",
            "ample.com",
            "shop.example.com",
            "example.org",
            "*.example.com",
            "example.com; x",
        ] {
            assert!(with_domain(domain).is_err(), "{domain}");
        }
        let said = Settings::parse(&minimal()).unwrap().to_json();
        assert_eq!(said.get("cookie_attributes"), Some(&json!({ "samesite": "auto", "secure": "auto" })));
    }

    #[test]
    fn origins_default_to_the_rooms_own_hosts() {
        let settings = Settings::parse(&minimal()).unwrap();
        assert!(settings.allows_origin("https://shop.example.com"));
        for other in [
            "http://shop.example.com",
            "https://shop.example.com:8443",
            "https://shop.example.com:",
            "ftp://shop.example.com",
        ] {
            assert!(!settings.allows_origin(other), "{other}");
        }
        let local = Settings::parse(&with("host", json!("shop.localhost"))).unwrap();
        assert!(
            local.allows_origin("http://shop.localhost:8787")
                && !local.allows_origin("http://a.localhost:8787")
        );
        assert!(!settings.allows_origin("https://shop.example.com.evil.example"));
        assert!(!settings.allows_origin("null"));
        for bad in [
            "https://a.example:1; x",
            "https://a.example:",
            "https://a.example/",
            "http://a.example:80",
            "a.example",
            "*",
        ] {
            assert_eq!(faulty_fields(&with("allowed_origins", json!([bad]))), ["allowed_origins"], "{bad}");
        }
        let settings = Settings::parse(&with("allowed_origins", json!(["https://A.example"]))).unwrap();
        assert!(settings.allows_origin("https://a.example"));
        assert!(!settings.allows_origin("https://shop.example.com"));
    }
}
