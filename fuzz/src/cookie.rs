//! Cookies: of at most four of our name the best counts, whatever stands around them; a token in our header counts where there is none.
//!
//! A line of the input is a cookie. `P`, `T` and `A` begin one of ours, made of the four bytes that follow: room, epoch or
//! standing, and the number that decides which is better, in two. `K` takes a line's rest as the value of a cookie of our
//! name; any other line stands in the header as it is. The last line, if `C` begins it, is what our header carries.

use anteroom::cookie::{Scheme, Wallet, drop_line, keep, name};
use durable::json;
use durable::seen::Seen;
use durable::settings::Settings;
use durable::token::{Arrival, Holder, Pass, PassStanding, Refusal, RoomTag, Ticket};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Rank, Seat};

use crate::Outcome;
use crate::token::keys;

const ROOM: RoomTag = RoomTag([1; 8]);

/// See the module's words.
///
/// # Panics
/// If something does not hold.
pub fn check(data: &[u8]) -> Outcome {
    let settings = Settings::parse(&json!({
        "name": "sale", "host": "shop.example", "total_active_users": 1, "new_users_per_minute": 1,
    }))
    .expect("settings");
    let name = name(ROOM, &settings, Scheme::Https);
    let mut lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let carried = lines.pop_if(|line| line.starts_with(b"C")).map(|line| cookie(&line[1..], &name));
    let carried =
        carried.map(|cookie| cookie.trim().trim_start_matches(&format!("{name}=")).replace(['\r', ';'], ""));
    let cookies: Vec<String> = lines.iter().map(|line| cookie(line, &name)).collect();
    // No header has a line break in it.
    let cookies = cookies.join(";").replace('\r', "");
    let header = carried.as_ref().map_or(cookies.clone(), |token| format!("{cookies};\r={token}"));

    let (keys, mut seen) = (keys(), Seen::default());
    let wallet = Wallet::read(&header, &name, ROOM, &keys, &mut seen);
    assert_eq!(wallet, best_of_four(&cookies, carried.as_deref(), &name));
    assert_eq!(wallet, Wallet::read(&header, &name, ROOM, &keys, &mut seen), "from memory");
    // No other room's cookie is looked at.
    assert_eq!(
        Wallet::read(&header, "__Host-else", ROOM, &keys, &mut seen),
        best_of_four(&cookies, carried.as_deref(), "__Host-else")
    );

    for scheme in [Scheme::Https, Scheme::Http] {
        let value = wallet.pass.map_or(String::new(), |pass| keys.sign(&pass));
        for line in [keep(&name, &value, &settings, scheme), drop_line(&name, &settings, scheme)] {
            assert!(line.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
            assert_eq!(line.split(';').count(), if scheme == Scheme::Https { 6 } else { 5 });
        }
    }
    if wallet == Wallet::default() { Outcome::Refused } else { Outcome::Believed }
}

fn cookie(line: &[u8], name: &str) -> String {
    let room = |byte: u8| if byte.is_multiple_of(4) { RoomTag([2; 8]) } else { ROOM };
    let token = match line {
        [b'P', tag, standing, high, low] => keys().sign(&Pass {
            room: room(*tag),
            epoch: Epoch(1),
            pass_epoch: PassEpoch(1),
            seat: Seat(u32::from(*low)),
            generation: Generation(1),
            issued: Millis(0),
            expires: Millis(u64::from(u16::from_be_bytes([*high, *low]))),
            standing: if standing.is_multiple_of(2) {
                PassStanding::Unconfirmed
            } else {
                PassStanding::Confirmed
            },
        }),
        [b'T', tag, epoch, high, low] => keys().sign(&Ticket {
            room: room(*tag),
            epoch: Epoch(u32::from(*epoch)),
            rank: Rank(u64::from(u16::from_be_bytes([*high, *low]))),
            issued: Millis(0),
            holder: Holder([*low; 16]),
        }),
        [b'A', tag, holder, high, low] => keys().sign(&Arrival {
            room: room(*tag),
            issued: Millis(u64::from(u16::from_be_bytes([*high, *low]))),
            prefix: [0; 4],
            holder: Holder([*holder; 16]),
        }),
        [b'K', value @ ..] => String::from_utf8_lossy(value).into_owned(),
        other => return String::from_utf8_lossy(other).into_owned(),
    };
    format!(" {name}={token}")
}

/// The rule once more, in other words: read all, then choose.
fn best_of_four(header: &str, carried: Option<&str>, name: &str) -> Wallet {
    let (keys, prefix) = (keys(), format!("{name}="));
    let mut ours: Vec<&str> =
        header.split(';').map(str::trim).filter_map(|pair| pair.strip_prefix(&prefix)).take(4).collect();
    let carried = carried.filter(|_| ours.is_empty());
    ours.extend(carried.map(str::trim));
    let passes = ours.iter().filter_map(|value| keys.verify::<Pass>(value).ok());
    let tickets = ours.iter().filter_map(|value| keys.verify::<Ticket>(value).ok());
    let arrivals = ours.iter().filter_map(|value| keys.verify::<Arrival>(value).ok());
    // Of equals the first: `max_by_key` takes the last, so they come in turned round.
    let passes: Vec<Pass> = passes.filter(|pass| pass.room == ROOM).collect();
    let tickets: Vec<Ticket> = tickets.filter(|ticket| ticket.room == ROOM).collect();
    let arrivals: Vec<Arrival> = arrivals.filter(|arrival| arrival.room == ROOM).collect();
    let unknown = |value: &&&str| {
        keys.verify::<Pass>(value) == Err(Refusal::Unknown)
            || keys.verify::<Ticket>(value) == Err(Refusal::Unknown)
            || keys.verify::<Arrival>(value) == Err(Refusal::Unknown)
    };
    Wallet {
        pass: passes.into_iter().rev().max_by_key(|pass| pass.expires),
        ticket: tickets.into_iter().rev().max_by_key(|ticket| (ticket.epoch, u64::MAX - ticket.rank.0)),
        arrival: arrivals.into_iter().rev().max_by_key(|arrival| arrival.issued),
        unknown: ours.iter().any(|value| unknown(&value)),
        is_carried: carried.is_some(),
    }
}
