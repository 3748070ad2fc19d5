//! Paths and addresses: no disguise of a path leads round its room or into another, and no target leads away.

use anteroom::address::{Address, marked, safe_target};
use anteroom::route::Rooms;
use durable::json;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::config;

fn rooms() -> Rooms {
    let room = |name: &str, path: &str| {
        json!({
            "name": name, "host": "shop.example", "path": path, "total_active_users": 1, "new_users_per_minute": 1,
        })
    };
    Rooms::from_vars(&[room("sale", "/sale"), room("vip", "/sale/vip"), room("far", "/a%20b/c.d~e")])
}

/// Ways to write the same path, by where in it.
#[derive(Clone, Copy, Debug)]
enum Disguise {
    Escape,
    EscapeInCapitals,
    Dot,
    Doubled,
    Detour,
    Backslash,
    EscapedBackslash,
    Parameter,
}

fn disguise() -> impl Strategy<Value = Disguise> {
    use Disguise::{Backslash, Detour, Dot, Doubled, Escape, EscapeInCapitals, EscapedBackslash, Parameter};
    prop::sample::select(vec![
        Escape,
        EscapeInCapitals,
        EscapedBackslash,
        Dot,
        Doubled,
        Detour,
        Backslash,
        Parameter,
    ])
}

fn disguised(path: &str, disguise: Disguise, at: prop::sample::Index) -> String {
    // Where a slash or a plain character stands; escapes that are there are left whole.
    let slashes: Vec<usize> = path.match_indices('/').map(|(index, _)| index).collect();
    let plain: Vec<usize> = path
        .char_indices()
        .filter(|(index, character)| {
            let behind = |back: usize| {
                path.get(index.saturating_sub(back)..).is_some_and(|rest| rest.starts_with('%'))
            };
            (character.is_ascii_alphanumeric() || "/.~".contains(*character)) && !behind(1) && !behind(2)
        })
        .map(|(index, _)| index)
        .collect();
    let of = |places: &[usize]| if places.is_empty() { None } else { Some(places[at.index(places.len())]) };
    let replaced = |place: Option<usize>, text: &str, length: usize| match place {
        Some(place) => format!("{}{text}{}", &path[..place], &path[place + length..]),
        None => path.to_owned(),
    };
    let byte = |place: Option<usize>| place.map_or(0, |place| path.as_bytes()[place]);
    match disguise {
        Disguise::Escape => replaced(of(&plain), &format!("%{:02x}", byte(of(&plain))), 1),
        Disguise::EscapeInCapitals => replaced(of(&plain), &format!("%{:02X}", byte(of(&plain))), 1),
        Disguise::Dot => replaced(of(&slashes), "/./", 1),
        Disguise::Doubled => replaced(of(&slashes), "//", 1),
        Disguise::Detour => replaced(of(&slashes), "/x/../", 1),
        Disguise::Backslash => replaced(of(&slashes), "\\", 1),
        Disguise::EscapedBackslash => replaced(of(&slashes), "%5c", 1),
        // Behind the first segment of the path: a parameter ends where the next slash is.
        Disguise::Parameter => replaced(of(&slashes).filter(|place| *place > 0), ";p=1/", 1),
    }
}

fn name_at(path: &str) -> Option<String> {
    rooms().find("shop.example", path).map(|found| found.room.settings.name.clone())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_disguise_leads_round_a_room_or_into_another(
        path in prop::sample::select(vec![
            ("/sale", Some("sale")), ("/sale/item/7", Some("sale")), ("/sale/vip", Some("vip")),
            ("/sale/vip/x", Some("vip")), ("/sale/vipers", Some("sale")), ("/a%20b/c.d~e/f", Some("far")),
            ("/sales", None), ("/other/sale", None), ("/", None),
        ]),
        disguises in vec((disguise(), any::<prop::sample::Index>()), 0..4),
    ) {
        let (plain, room) = path;
        let written = disguises.into_iter().fold(plain.to_owned(), |path, (disguise, at)| disguised(&path, disguise, at));
        let found = name_at(&written);
        prop_assert_eq!(found.as_deref(), room, "{} for {}", written, plain);
    }

    #[test]
    fn any_text_is_a_path_of_at_most_one_room(host in ".{0,20}", path in "[/.%;\\\\a-fA-F0-9é?]{0,40}") {
        let rooms = rooms();
        let found = rooms.find("shop.example", &path);
        prop_assert_eq!(found.is_some(), rooms.find("SHOP.example.:443", &path).is_some());
        prop_assert_eq!(rooms.has_host(&host), host.trim_end_matches('.').eq_ignore_ascii_case("shop.example"));
        prop_assert!(rooms.has_host(&host) || rooms.find(&host, &path).is_none());
    }

    #[test]
    fn a_target_stays_where_it_is(text in "[/\\\\a:.?\n]{0,6}.{0,10}") {
        let target = safe_target(&text);
        prop_assert_eq!(safe_target(&target), target.clone());
        let mut characters = target.chars();
        prop_assert_eq!(characters.next(), Some('/'));
        prop_assert!(!matches!(characters.next(), Some('/' | '\\')));
    }

    #[test]
    fn the_mark_is_seen_and_taken_off(path in "/[a-z0-9/é]{0,10}", query in "([a-z]=[0-9](&[a-z]=[0-9]){0,3})?") {
        prop_assume!(!path.starts_with("//"));
        let wanted = if query.is_empty() { path } else { format!("{path}?{query}") };
        let plain = format!("https://a.b{wanted}");
        let url = format!("https://a.b{}", marked(&wanted));
        let (plain, address) = (Address::parse(&plain).unwrap(), Address::parse(&url).unwrap());
        prop_assert!(address.is_marked() && !plain.is_marked());
        prop_assert_eq!((address.target(), plain.target()), (wanted.clone(), wanted));
    }
}
