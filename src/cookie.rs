//! Our cookies: their name, what they hold, and the header lines that set them; and the header that stands for them in an app without a cookie jar.
//!
//! One name for each room; the value is a token, and its domain byte says which kind. All cookies of our name are
//! read, at most `COOKIES_MAX`, and the best counts: a sibling host can toss cookies at us, but not better ones.

use durable::codec::hex;
use durable::cookie_settings::SameSite;
use durable::seen::Seen;
use durable::settings::Settings;
use durable::token::{Arrival, Keys, Pass, Refusal, RoomTag, Ticket};
use durable::units::Millis;

/// The name by which a token that came by our header stands behind the cookies (`entry.mjs`): no `Cookie` header can have a line break in it.
const CARRIED: &str = "\r";
/// Cookies of one name that are looked at.
const COOKIES_MAX: usize = 4;
/// A ticket lives at most a day, and so does the longest session.
const MAX_AGE_SECONDS: u64 = 24 * 60 * 60;

/// What a visitor's cookies are worth before the board is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wallet {
    /// The pass that expires last.
    pub pass: Option<Pass>,
    /// The ticket of the newest epoch with the lowest rank.
    pub ticket: Option<Ticket>,
    /// The newest arrival.
    pub arrival: Option<Arrival>,
    /// A token that is signed with a key or in a version we do not know (yet).
    pub unknown: bool,
    /// They keep none of the room's cookies: their token comes and goes by our header.
    pub is_carried: bool,
}

impl Wallet {
    /// Reads `name=value` pairs, separated by `;`, that were cut out of the `Cookie` header. Behind them may stand a token that came by
    /// our header, which counts if none of them is of this name. `seen` are tokens that these keys believed before.
    pub fn read(cookies: &str, name: &str, room: RoomTag, keys: &Keys, seen: &mut Seen) -> Wallet {
        let mut wallet = Wallet::default();
        let mut left = COOKIES_MAX;
        for pair in cookies.split(';') {
            let Some((found, value)) = pair.split_once('=') else { continue };
            // It stands behind all cookies: none of them was of this name.
            let is_carried = found == CARRIED && left == COOKIES_MAX;
            wallet.is_carried |= is_carried;
            if left > 0 && (is_carried || found.trim() == name) {
                left -= 1;
                wallet.put(value.trim(), room, keys, seen);
            }
        }
        wallet
    }

    fn put(&mut self, value: &str, room: RoomTag, keys: &Keys, seen: &mut Seen) {
        match keys.verify_seen::<Pass>(value, seen) {
            Ok(pass) if pass.room == room => {
                if self.pass.is_none_or(|best| best.expires < pass.expires) {
                    self.pass = Some(pass);
                }
                return;
            }
            Err(Refusal::Unknown) => self.unknown = true,
            _ => {}
        }
        match keys.verify_seen::<Ticket>(value, seen) {
            Ok(ticket) if ticket.room == room => {
                let better = |best: Ticket| (ticket.epoch, best.rank) > (best.epoch, ticket.rank);
                if self.ticket.is_none_or(better) {
                    self.ticket = Some(ticket);
                }
                return;
            }
            Err(Refusal::Unknown) => self.unknown = true,
            _ => {}
        }
        match keys.verify_seen::<Arrival>(value, seen) {
            Ok(arrival)
                if arrival.room == room && self.arrival.is_none_or(|best| best.issued < arrival.issued) =>
            {
                self.arrival = Some(arrival);
            }
            Err(Refusal::Unknown) => self.unknown = true,
            _ => {}
        }
    }
}

/// How a request came: decides the cookie's prefix and attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Where cookies can be secure.
    Https,
    /// Development.
    Http,
}

/// The name of a room's cookie.
pub fn name(room: RoomTag, settings: &Settings, scheme: Scheme) -> String {
    // A cookie of one host alone may say so, and no other host of the site can then set it.
    let prefix = match scheme {
        Scheme::Https if settings.cookies.domain.is_empty() => "__Host-",
        Scheme::Https => "__Secure-",
        Scheme::Http => "",
    };
    let tag = hex(&room.0[..4]);
    let suffix = if settings.cookie_suffix.is_empty() {
        String::new()
    } else {
        format!("_{}", settings.cookie_suffix)
    };
    format!("{prefix}anteroom-{tag}{suffix}")
}

/// The header line that hands over a token, or takes one away where it is empty, to who carries it.
pub fn carry(token: &str) -> String {
    format!("Anteroom-Token: {token}")
}

/// The header line that keeps a token.
pub fn keep(name: &str, value: &str, settings: &Settings, scheme: Scheme) -> String {
    let attributes = attributes(settings, scheme);
    format!("Set-Cookie: {name}={value}; Max-Age={MAX_AGE_SECONDS}; {attributes}")
}

/// The header line that takes it away.
pub fn drop_line(name: &str, settings: &Settings, scheme: Scheme) -> String {
    format!("Set-Cookie: {name}=; Max-Age=0; {}", attributes(settings, scheme))
}

fn attributes(settings: &Settings, scheme: Scheme) -> String {
    let samesite = match (settings.cookies.samesite, scheme) {
        (SameSite::Auto | SameSite::None, Scheme::Https) => "None",
        (SameSite::Strict, _) => "Strict",
        // On plain http `None` would be refused by browsers.
        (SameSite::Lax, _) | (_, Scheme::Http) => "Lax",
    };
    let secure = match scheme {
        Scheme::Https if settings.cookies.partitioned => "; Secure; Partitioned",
        Scheme::Https => "; Secure",
        Scheme::Http => "",
    };
    let (domain, of) = match &*settings.cookies.domain {
        "" => ("", ""),
        domain => ("; Domain=", domain),
    };
    format!("Path=/; HttpOnly; SameSite={samesite}{secure}{domain}{of}")
}

/// Whether an arrival is still good: 120 s, and not from a clock ahead of ours by more than a minute.
pub fn is_fresh(arrival: &Arrival, now: Millis) -> bool {
    now.since(arrival.issued) <= Millis(120_000) && arrival.issued.since(now) <= Millis(60_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable::json;
    use durable::token::{Holder, PassStanding};
    use durable::units::{Epoch, Generation, PassEpoch, Rank, Seat};

    const ROOM: RoomTag = RoomTag([1, 2, 3, 4, 5, 6, 7, 8]);

    fn keys() -> Keys {
        Keys::new(&"k".repeat(32), "", "").unwrap()
    }

    fn ticket(epoch: u32, rank: u64) -> String {
        keys().sign(&Ticket {
            room: ROOM,
            epoch: Epoch(epoch),
            rank: Rank(rank),
            issued: Millis(1),
            holder: Holder([0; 16]),
        })
    }

    fn pass(expires: u64) -> String {
        keys().sign(&Pass {
            room: ROOM,
            epoch: Epoch(0),
            pass_epoch: PassEpoch(0),
            seat: Seat(0),
            generation: Generation(1),
            issued: Millis(0),
            expires: Millis(expires),
            standing: PassStanding::Confirmed,
        })
    }

    fn read(cookies: &str) -> Wallet {
        Wallet::read(cookies, "anteroom-x", ROOM, &keys(), &mut Seen::default())
    }

    #[test]
    fn the_best_of_four_counts() {
        let cookies =
            [ticket(1, 9), ticket(1, 3), ticket(0, 1), pass(7)].map(|value| format!("anteroom-x={value}"));
        let wallet = read(&cookies.join("; "));
        assert_eq!(wallet.ticket.unwrap().rank, Rank(3));
        assert_eq!(wallet.pass.unwrap().expires, Millis(7));
        let fifth = format!("{}; anteroom-x={}", cookies.join(";"), pass(99));
        assert_eq!(read(&fifth).pass.unwrap().expires, Millis(7));
    }

    #[test]
    fn foreign_and_broken_cookies_are_as_if_absent() {
        let other = Wallet::read(
            &format!("anteroom-x={}", pass(7)),
            "anteroom-x",
            RoomTag([9; 8]),
            &keys(),
            &mut Seen::default(),
        );
        assert_eq!(other, Wallet::default());
        for cookies in ["", ";;;", "anteroom-x", "anteroom-x=", "anteroom-x=\u{0}\u{ff}", "=x", "other=1"] {
            assert_eq!(read(cookies), Wallet::default(), "{cookies}");
        }
        assert_eq!(read(&format!("Xanteroom-x={}", pass(7))), Wallet::default());
    }

    #[test]
    fn a_token_that_is_carried_counts_and_no_cookie_can_pretend_to_be_one() {
        let carried = format!("\r={}", pass(7));
        assert_eq!(read(&carried).pass.unwrap().expires, Millis(7));
        assert_eq!(read("\r="), Wallet { is_carried: true, ..Wallet::default() });
        for cookies in [format!("={}", pass(7)), format!("\r;={}", pass(7)), "anteroom-x=\r=".into()] {
            assert_eq!(read(&cookies), Wallet::default(), "{cookies}");
        }
    }

    #[test]
    fn a_cookie_of_the_room_counts_before_a_token_that_is_carried_and_one_of_another_room_does_not() {
        let with = |cookie: &str| read(&format!("{cookie};\r={}", pass(7)));
        for none_of_the_rooms in ["", "anteroom-y=1", "anteroom-x", " anteroom-xx=1; anteroom-y=1"] {
            let wallet = with(none_of_the_rooms);
            assert_eq!((wallet.pass.unwrap().expires, wallet.is_carried), (Millis(7), true));
        }
        let wallet = with(&format!("anteroom-y=1; anteroom-x={}", pass(3)));
        assert_eq!((wallet.pass.unwrap().expires, wallet.is_carried), (Millis(3), false));
        assert_eq!(with("anteroom-x="), Wallet::default(), "not even before one that is worth nothing");
    }

    #[test]
    fn a_token_of_a_key_we_do_not_know_is_noted() {
        let stranger = Keys::new(&"s".repeat(32), "", "").unwrap();
        let cookies =
            format!("anteroom-x={}", stranger.sign(&keys().verify::<Ticket>(&ticket(0, 1)).unwrap()));
        assert!(read(&cookies).unknown);
    }

    #[test]
    fn lines_say_what_the_scheme_allows() {
        let settings = Settings::parse(&json!({
            "name": "a", "host": "a.b", "total_active_users": 1, "new_users_per_minute": 1, "cookie_suffix": "s",
        }))
        .unwrap();
        let name_http = name(ROOM, &settings, Scheme::Http);
        assert_eq!(name_http, "anteroom-01020304_s");
        assert_eq!(
            keep(&name_http, "v", &settings, Scheme::Http),
            "Set-Cookie: anteroom-01020304_s=v; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax"
        );
        let name_https = name(ROOM, &settings, Scheme::Https);
        assert_eq!(
            drop_line(&name_https, &settings, Scheme::Https),
            "Set-Cookie: __Host-anteroom-01020304_s=; Max-Age=0; Path=/; HttpOnly; SameSite=None; Secure"
        );
        let settings = Settings::parse(&json!({
            "name": "a", "host": "a.b", "total_active_users": 1, "new_users_per_minute": 1,
            "additional_routes": [{ "host": "c.a.b" }], "cookie_attributes": { "domain": "a.b", "partitioned": true },
        }))
        .unwrap();
        assert_eq!(
            keep(&name(ROOM, &settings, Scheme::Https), "v", &settings, Scheme::Https),
            "Set-Cookie: __Secure-anteroom-01020304=v; Max-Age=86400; Path=/; HttpOnly; SameSite=None; Secure; Partitioned; Domain=a.b"
        );
        assert_eq!(
            keep(&name(ROOM, &settings, Scheme::Http), "v", &settings, Scheme::Http),
            "Set-Cookie: anteroom-01020304=v; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax; Domain=a.b"
        );
    }
}
