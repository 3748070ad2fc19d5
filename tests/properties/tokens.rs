//! Tokens and cookies: what our keys signed and nothing else, and of several the best.

use anteroom::cookie::{Scheme, Wallet, name};
use durable::json;
use durable::seen::Seen;
use durable::settings::Settings;
use durable::token::{
    Arrival, Holder, Keys, OperatorSession, Pass, PassStanding, Refusal, RoomTag, Ticket, Token,
};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Rank, Seat};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::config;

const OLD: &str = "old-0123456789abcdef0123456789abcdef";
const NEW: &str = "new-0123456789abcdef0123456789abcdef";
const ROOM: RoomTag = RoomTag([7; 8]);

fn time() -> impl Strategy<Value = Millis> {
    (0..1u64 << 48).prop_map(Millis)
}

fn arrival() -> impl Strategy<Value = Arrival> {
    (time(), any::<[u8; 4]>(), any::<[u8; 16]>()).prop_map(|(issued, prefix, holder)| Arrival {
        room: ROOM,
        issued,
        prefix,
        holder: Holder(holder),
    })
}

fn ticket() -> impl Strategy<Value = Ticket> {
    // Few epochs, so that the rank decides often.
    let epoch = prop_oneof![0..2u32, any::<u32>()];
    (epoch, 0..Rank::LIMIT, time(), any::<[u8; 16]>()).prop_map(|(epoch, rank, issued, holder)| Ticket {
        room: ROOM,
        epoch: Epoch(epoch),
        rank: Rank(rank),
        issued,
        holder: Holder(holder),
    })
}

fn pass() -> impl Strategy<Value = Pass> {
    (any::<[u32; 4]>(), time(), time(), any::<bool>()).prop_map(
        |([epoch, pass_epoch, seat, generation], issued, expires, known)| Pass {
            room: ROOM,
            epoch: Epoch(epoch),
            pass_epoch: PassEpoch(pass_epoch),
            seat: Seat(seat),
            generation: Generation(generation),
            issued,
            expires,
            standing: if known { PassStanding::Confirmed } else { PassStanding::Unconfirmed },
        },
    )
}

fn session() -> impl Strategy<Value = OperatorSession> {
    (any::<[u8; 32]>(), any::<[u8; 16]>(), time(), time())
        .prop_map(|(name, csrf, issued, expires)| OperatorSession { name, csrf, issued, expires })
}

/// Believed with the key that signed it in any of its three roles; cut or changed anywhere, or by other keys, never.
fn holds<T: Token + std::fmt::Debug + PartialEq>(
    token: &T,
    at: prop::sample::Index,
    to: char,
) -> Result<(), TestCaseError> {
    let old = Keys::new(OLD, "", "").unwrap();
    let text = old.sign(token);
    for keys in [&old, &Keys::new(NEW, OLD, "").unwrap(), &Keys::new(NEW, "", OLD).unwrap()] {
        let believed = keys.verify::<T>(&text);
        prop_assert_eq!(believed.as_ref(), Ok(token));
    }
    prop_assert_eq!(Keys::new(NEW, "", "").unwrap().verify::<T>(&text), Err(Refusal::Unknown));
    let at = at.index(text.len());
    let changed = format!("{}{to}{}", &text[..at], &text[at + 1..]);
    let mut seen = Seen::default();
    prop_assert!(old.verify_seen::<T>(&text, &mut seen).is_ok());
    prop_assert!(changed == text || old.verify_seen::<T>(&changed, &mut seen).is_err());
    prop_assert!(old.verify_seen::<T>(&text[..at], &mut seen).is_err());
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn tokens_are_believed_whole_or_not_at_all(
        arrival in arrival(), ticket in ticket(), pass in pass(), session in session(),
        at in any::<prop::sample::Index>(), to in "[-_A-Za-z0-9=+/ ]",
    ) {
        let to = to.chars().next().unwrap();
        holds(&arrival, at, to)?;
        holds(&ticket, at, to)?;
        holds(&pass, at, to)?;
        holds(&session, at, to)?;
        prop_assert!(Keys::new(OLD, "", "").unwrap().sign(&pass).len() <= 96);
    }

    #[test]
    fn of_four_cookies_the_best_counts_in_whatever_order(
        mut passes in vec(pass(), 0..3), mut tickets in vec(ticket(), 0..3),
        shift in 0..4usize, noise in "[ -~]{0,30}",
    ) {
        let keys = Keys::new(OLD, "", "").unwrap();
        let settings = json!({ "name": "a", "host": "a.b", "total_active_users": 1, "new_users_per_minute": 1 });
        let name = name(ROOM, &Settings::parse(&settings).unwrap(), Scheme::Https);
        let cookies = passes.iter().map(|pass| keys.sign(pass)).chain(tickets.iter().map(|ticket| keys.sign(ticket)));
        let mut cookies: Vec<String> = cookies.map(|value| format!("{name}={value}")).collect();
        let places = cookies.len().max(1);
        cookies.rotate_left(shift % places);
        let noise = noise.replace(';', " ");
        let header = format!("{noise};{};{noise}", cookies.join("; "));
        prop_assume!(!noise.contains(&name));
        let wallet = Wallet::read(&header, &name, ROOM, &keys, &mut Seen::default());
        passes.sort_by_key(|pass| pass.expires);
        tickets.sort_by_key(|ticket| (ticket.epoch, std::cmp::Reverse(ticket.rank)));
        prop_assert_eq!(wallet.pass.map(|pass| pass.expires), passes.last().map(|pass| pass.expires));
        prop_assert_eq!(wallet.ticket, tickets.last().copied());
        prop_assert!(!wallet.unknown && wallet.arrival.is_none());
    }
}
