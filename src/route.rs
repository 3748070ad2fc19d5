//! Which room a request belongs to, and which of our own endpoints it is.
//!
//! Host and path are matched in their normal form, at segment borders, the most specific route first. Where
//! the path as it was sent and its normal form belong to different rooms, nobody has such an address, for a seat in one of the two
//! is none in the other: no spelling walks round a room. A path without `%`, `//`, `/.`, `\` and `;` is its own
//! normal form and takes the quick way.

use std::borrow::Cow;
use std::rc::Rc;

use durable::codec::from_hex;
use durable::directory::seeds;
use durable::json::Value;
use durable::order::Document;
use durable::pieces::has;
use durable::settings::Settings;
use durable::token::RoomTag;

use crate::bypass::Rules;
use crate::cookie::{self, Scheme};

/// The last part of every path of ours.
pub const OWN: &str = "/.anteroom/";

/// A room, as the edge knows it.
#[derive(Debug)]
pub struct RoomEntry {
    /// 32 hexadecimal digits: the Room object's name.
    pub id: String,
    /// What stands in its tokens.
    pub tag: RoomTag,
    /// What its operator decided.
    pub settings: Settings,
    /// Who is exempt from it.
    pub rules: Rules,
    /// What its cookie is called on https and on plain http: made once, for every request asks.
    cookie_names: [String; 2],
}

impl RoomEntry {
    fn new(id: String, settings: Settings, rules: &[Value]) -> Option<RoomEntry> {
        let tag = RoomTag::from_id(&id)?;
        let cookie_names = [Scheme::Https, Scheme::Http].map(|scheme| cookie::name(tag, &settings, scheme));
        Some(RoomEntry { id, tag, settings, rules: Rules::from_stored(rules), cookie_names })
    }

    /// What its cookie is called.
    pub fn cookie_name(&self, scheme: Scheme) -> &str {
        let [https, http] = &self.cookie_names;
        if scheme == Scheme::Https { https } else { http }
    }
}

/// All rooms of the deployment.
#[derive(Debug, Default)]
pub struct Rooms {
    /// The directory's version; 0 for the rooms of `[vars]`.
    pub version: u64,
    /// Host, path, room.
    routes: Vec<(String, Rc<str>, Rc<RoomEntry>)>,
}

/// A room and what is asked of it.
#[derive(Debug)]
pub struct Match {
    /// The room.
    pub room: Rc<RoomEntry>,
    /// The path of the route that covers the request.
    pub path: Rc<str>,
    /// One of our own endpoints, if it is one.
    pub own: Option<Own>,
}

/// Our own endpoints, below each room's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Where one stands, without claiming.
    Wait,
    /// The room's public state.
    Board,
    /// The draws that were held, and the promises of those to come.
    Draw,
    /// Giving up a place or a seat.
    Leave,
    /// Anything else below `.anteroom`, and what belongs to two rooms: there is nothing.
    Unknown,
}

impl Rooms {
    /// From the directory's document. A room whose settings this code cannot read is left out.
    pub fn from_document(document: &Document) -> Rooms {
        let rooms = document
            .rooms
            .iter()
            .filter_map(|room| Some((room.id.clone(), Settings::stored(&room.settings).ok()?, &*room.rules)));
        Rooms::new(document.version, rooms)
    }

    /// The rooms of `[vars]`, for want of a directory.
    pub fn from_vars(rooms: &[Value]) -> Rooms {
        let rooms = seeds(rooms).unwrap_or_default().into_iter();
        Rooms::new(0, rooms.map(|(id, settings)| (id, settings, &[][..])))
    }

    fn new<'a>(version: u64, rooms: impl Iterator<Item = (String, Settings, &'a [Value])>) -> Rooms {
        let mut routes: Vec<(String, Rc<str>, _)> = Vec::new();
        for (id, settings, rules) in rooms {
            let Some(room) = RoomEntry::new(id, settings, rules).map(Rc::new) else {
                continue;
            };
            for route in room.settings.routes() {
                routes.push((route.host.clone(), Rc::from(route.path.as_str()), room.clone()));
            }
        }
        Rooms { version, routes }
    }

    /// The room that covers this request, if any does.
    pub fn find(&self, host: &str, path: &str) -> Option<Match> {
        let host = normal_host(host);
        let normal = normal_path(path);
        let raw = if *normal == *path { None } else { self.covering(&host, path) };
        let of_normal = self.covering(&host, &normal);
        let (route_path, room) = of_normal.or(raw)?;
        let is_torn = raw.is_some_and(|(_, other)| !Rc::ptr_eq(other, room));
        let base = if &**route_path == "/" { "" } else { route_path };
        let own = normal.strip_prefix(base).and_then(|rest| rest.strip_prefix(OWN)).map(|name| match name {
            "wait" => Own::Wait,
            "board" => Own::Board,
            "draw" => Own::Draw,
            "leave" => Own::Leave,
            _ => Own::Unknown,
        });
        let own = if is_torn { Some(Own::Unknown) } else { own };
        Some(Match { room: room.clone(), path: route_path.clone(), own })
    }

    /// Whether all that is below a route belongs to it: no other route begins there.
    pub fn is_innermost(&self, host: &str, path: &str) -> bool {
        let host = normal_host(host);
        let deeper = |other: &str| other.len() > path.len() && covers(path, other);
        !self.routes.iter().any(|(route_host, other, _)| *route_host == host && deeper(other))
    }

    /// Whether any room lives on this host: a host of nobody's never reaches an origin that is named by variable.
    pub fn has_host(&self, host: &str) -> bool {
        let host = normal_host(host);
        self.routes.iter().any(|(route_host, _, _)| *route_host == host)
    }

    /// The longest route that covers a path, and its room.
    fn covering(&self, host: &str, path: &str) -> Option<(&Rc<str>, &Rc<RoomEntry>)> {
        let routes = self.routes.iter();
        routes
            .filter(|(route_host, route_path, _)| route_host == host && covers(route_path, path))
            .map(|(_, route_path, room)| (route_path, room))
            .max_by_key(|(route_path, _)| route_path.len())
    }
}

/// A path of ours below a room's path.
pub fn own_path(room_path: &str, name: &str) -> String {
    let base = if room_path == "/" { "" } else { room_path };
    format!("{base}{OWN}{name}")
}

/// Whether a path is past the gate for everybody: what machines look for at fixed places. In its normal form alone: `/.well-known/../sale` is
/// a way round a room.
pub fn is_past_the_gate(path: &str) -> bool {
    path == "/robots.txt"
        || path == "/favicon.ico"
        || (path.starts_with("/.well-known/") && is_plain(path) && !has(path, "/./"))
}

fn covers(route_path: &str, path: &str) -> bool {
    route_path == "/"
        || path
            .strip_prefix(route_path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', ';']))
}

/// Lower case, without port, trailing dots and a user's name.
pub fn normal_host(host: &str) -> Cow<'_, str> {
    let bare = host.rsplit_once(':').map_or(host, |(bare, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { bare } else { host }
    });
    let bare = bare.rsplit_once('@').map_or(bare, |(_, bare)| bare).trim_end_matches('.');
    if bare.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(bare.to_ascii_lowercase())
    } else {
        Cow::Borrowed(bare)
    }
}

/// Whether a path is its own normal form, at a glance. One pass over the bytes, for nearly all traffic needs no more.
fn is_plain(path: &str) -> bool {
    // How many dots this segment has, as long as it has nothing else.
    let mut dots = Some(0);
    let segments = path.strip_prefix('/').unwrap_or("/");
    segments.bytes().all(|byte| match byte {
        b'%' | b'\\' | b';' => false,
        b'/' => !matches!(dots.replace(0), Some(0..=2)),
        b'.' => {
            dots = dots.map(|dots| dots + 1);
            true
        }
        _ => {
            dots = None;
            true
        }
    }) && !matches!(dots, Some(1 | 2))
}

/// A path's normal form: unreserved escapes decoded, encoded slashes and backslashes as slashes, `//`, `.`, `..` collapsed,
/// parameters behind a `;` cut.
pub fn normal_path(path: &str) -> Cow<'_, str> {
    if is_plain(path) { Cow::Borrowed(path) } else { Cow::Owned(made_plain(path)) }
}

fn made_plain(path: &str) -> String {
    let decoded = decoded(path);
    let mut parts: Vec<&str> = Vec::new();
    for part in decoded.split('/') {
        match part.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut normal = String::with_capacity(path.len());
    for part in &parts {
        normal.push('/');
        normal.push_str(part);
    }
    if normal.is_empty() || (decoded.ends_with('/') && !parts.is_empty()) {
        normal.push('/');
    }
    normal
}

/// Decodes what RFC 3986, 2.3 calls unreserved, and every way to write a slash, a dot or a `;`.
fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let escaped = path.get(index + 1..index + 3).filter(|_| *byte == b'%').and_then(from_hex::<1>);
        match escaped {
            Some([b'/' | b'\\']) => out.push('/'),
            Some([b';']) => out.push(';'),
            Some([plain]) if plain.is_ascii_alphanumeric() || b"-._~".contains(&plain) => {
                out.push(char::from(plain));
            }
            Some(_) => {
                out.push_str(&path.get(index..index + 3).unwrap_or_default().to_ascii_uppercase());
            }
            None if *byte == b'\\' => out.push('/'),
            None => {
                if let Some(character) = path.get(index..).and_then(|rest| rest.chars().next()) {
                    out.push(character);
                    index += character.len_utf8() - 1;
                }
            }
        }
        index += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable::json;

    fn rooms() -> Rooms {
        let room = |name: &str, path: &str| {
            json!({
                "name": name, "host": "shop.example", "path": path,
                "total_active_users": 1, "new_users_per_minute": 1,
            })
        };
        Rooms::from_vars(&[room("sale", "/sale"), room("vip", "/sale/vip")])
    }

    fn found(host: &str, path: &str) -> Option<String> {
        rooms().find(host, path).map(|found| found.room.settings.name.clone())
    }

    #[test]
    fn no_spelling_of_a_covered_path_walks_round_the_room() {
        for path in [
            "/sale",
            "/sale/",
            "/sale/item",
            "/%73ale",
            "//sale",
            "/./sale",
            "/x/../sale",
            "/x/..%2fsale",
            "/sale;x",
            "/sale;/x",
            "/x/%2e%2e/sale",
            "/%2fsale",
            "\\sale",
            "/x\\..\\sale",
            "/sale%2fitem",
            "/%5csale",
            "/sale%3b",
            "///sale//item",
            "/sale/.",
            "/.//sale",
            "/%2E/sale",
        ] {
            assert_eq!(found("shop.example", path).as_deref(), Some("sale"), "{path}");
        }
    }

    #[test]
    fn no_host_but_its_own_spellings_is_covered() {
        for host in ["shop.example", "SHOP.example", "shop.example.", "shop.example:8443", "Shop.Example.:80"]
        {
            assert!(found(host, "/sale").is_some(), "{host}");
            assert!(rooms().has_host(host), "{host}");
        }
        for host in ["notshop.example", "shop.example.evil", "example", ""] {
            assert!(found(host, "/sale").is_none(), "{host}");
            assert!(!rooms().has_host(host), "{host}");
        }
    }

    #[test]
    fn borders_are_those_of_segments_and_the_most_specific_room_wins() {
        assert_eq!(found("shop.example", "/salespeople"), None);
        assert_eq!(found("shop.example", "/"), None);
        assert_eq!(found("shop.example", "/Sale"), None, "paths have a case");
        assert_eq!(found("shop.example", "/sale/vip").as_deref(), Some("vip"));
        assert_eq!(found("shop.example", "/sale/vip/x").as_deref(), Some("vip"));
        assert_eq!(found("shop.example", "/sale/vipers").as_deref(), Some("sale"));
        assert_eq!(found("shop.example", "/sale/vip/../vip").as_deref(), Some("vip"));
    }

    #[test]
    fn what_belongs_to_one_room_as_it_was_sent_and_to_another_in_normal_form_is_nobodys() {
        let own = |path: &str| rooms().find("shop.example", path).and_then(|found| found.own);
        for torn in [
            "/sale/vip/..%2fx",
            "/sale/vip/../x",
            "/sale/x/..%5cvip",
            "/sale/%76ip",
            "/sale//vip/.anteroom/wait",
        ] {
            assert_eq!(own(torn), Some(Own::Unknown), "{torn}");
        }
        for of_one in
            ["/sale/x/../y", "/sale//x", "/x/..%2fsale", "/sale/../x", "/sale/vip//x", "/%73ale/vip"]
        {
            assert_eq!(own(of_one), None, "{of_one}");
        }
    }

    #[test]
    fn our_own_endpoints_lie_below_the_rooms_path() {
        let own = |path: &str| rooms().find("shop.example", path).and_then(|found| found.own);
        assert_eq!(own("/sale/.anteroom/wait"), Some(Own::Wait));
        assert_eq!(own("/sale/vip/.anteroom/leave"), Some(Own::Leave));
        assert_eq!(own("/sale/.anteroom/draw"), Some(Own::Draw));
        assert_eq!(own("/sale/.anteroom/else"), Some(Own::Unknown));
        assert_eq!(own("/sale/x/.anteroom/wait"), None);
        assert_eq!(own_path("/", "wait"), "/.anteroom/wait");
        assert_eq!(own_path("/sale", "wait"), "/sale/.anteroom/wait");
    }

    #[test]
    fn any_text_has_a_normal_form() {
        for path in ["", "%", "%2", "%zz", "/é%", "/%e9", "💥%2f", "/a%00b", "%%%2e"] {
            let normal = made_plain(path);
            assert_eq!(made_plain(&normal), normal, "{path}");
        }
    }

    #[test]
    fn what_is_plain_at_a_glance_is_its_own_normal_form_and_the_other_way_round() {
        let mut paths = vec!["/".to_owned()];
        for length in 0..6 {
            let longest: Vec<_> = paths.iter().filter(|path| path.len() == length + 1).cloned().collect();
            paths.extend(
                longest.iter().flat_map(|path| ['/', '.', 'a', '\\'].map(|more| format!("{path}{more}"))),
            );
        }
        assert_eq!(paths.len(), 5_461);
        for path in &paths {
            assert_eq!(is_plain(path), made_plain(path) == *path, "{path}");
        }
        assert!(!is_plain("") && !is_plain("a") && !is_plain("/%41") && !is_plain("/a;b"));
    }
}
