//! Lobbies in front of a real Room, and what tests ask of both.
#![allow(dead_code, reason = "each of the tests uses a part of it")]

use durable::batch::{BatchAnswer, decode_batch};
use durable::board::Board;
use durable::courier::{Call, Next};
use durable::health::Health;
use durable::json;
use durable::leaf::Leaf;
use durable::lobby::Said;
use durable::protocol::{Ask, BoardAnswer, Outcome, Wish};
use durable::region::Region;
use durable::room::{Input, Output, Room};
use durable::settings::Settings;
use durable::state::Config;
use durable::token::{Keys, RoomTag, Ticket};
use durable::units::{Millis, Rank};

pub(crate) const NOON: Millis = Millis(1_800_000_000_000);
pub(crate) const FRESH: [u8; 16] = [9; 16];
/// Of an edge that has heard nothing yet.
pub(crate) const NOTHING: Ask = Ask {
    wish: Wish::Board,
    board_sequence: 0,
    board_at_ms: 0,
    board_max_age_ms: 0,
    revoked_seq: 0,
    neighbourhood: None,
};

pub(crate) fn keys() -> Keys {
    Keys::new(&"k".repeat(32), "", "").unwrap()
}

pub(crate) fn lobby() -> Leaf {
    Leaf::new("room/weur/0".into(), RoomTag([1; 8]), keys(), [1; 16])
}

pub(crate) fn room() -> Room {
    let settings = json!({
        "name": "a", "host": "a.example", "total_active_users": 50, "new_users_per_minute": 1_000,
    });
    let settings = Settings::parse(&settings).unwrap();
    let config = Config { version: 1, directory_version: 1, settings, events: vec![] };
    let mut room = Room::load(&[], &[]).unwrap();
    room.step(NOON, [0; 32], vec![Input::Configure(config.into())]).unwrap();
    room
}

pub(crate) fn join(holder: u8) -> Wish {
    Wish::Join { holder: [holder; 16] }
}

pub(crate) fn sent(lobby: &mut Leaf, now: Millis) -> (Call, Vec<u8>) {
    match lobby.next(now) {
        Next::Send { call, bytes } => (call, bytes),
        other => panic!("nothing sent: {other:?}"),
    }
}

pub(crate) fn answer(room: &mut Room, now: Millis, bytes: &[u8]) -> BatchAnswer {
    let batch = decode_batch(bytes).unwrap();
    match room.step(now, [0; 32], vec![Input::Batch(batch)]).unwrap().outputs.remove(0) {
        Output::Batch(answer) => answer,
        other => panic!("another answer: {other:?}"),
    }
}

pub(crate) fn take_board(lobby: &mut Leaf, now: Millis, board: Board) {
    lobby.bulletin().take(now, BoardAnswer { board, board_age_ms: 0, revocations: None });
}

/// The parent answers a leaf's batch.
pub(crate) fn answered(
    lobby: &mut Leaf,
    now: Millis,
    call: Call,
    answer: BatchAnswer,
) -> Vec<(u64, Outcome)> {
    let heard = lobby.courier().answered(now, call, answer);
    lobby.hear(now, heard, FRESH)
}

/// A leaf's call fails.
pub(crate) fn failed(lobby: &mut Leaf, now: Millis, call: Call) -> Vec<(u64, Outcome)> {
    let heard = lobby.courier().failed(now, call);
    lobby.hear(now, heard, FRESH)
}

/// The Room answers a region's batch.
pub(crate) fn up_answered(
    region: &mut Region,
    now: Millis,
    call: Call,
    answer: BatchAnswer,
) -> Vec<(u32, Said)> {
    let heard = region.courier().answered(now, call, answer);
    region.hear(now, heard, FRESH)
}

/// Sends what is next and hands the Room's answer in.
pub(crate) fn round_trip(lobby: &mut Leaf, room: &mut Room, now: Millis) -> Vec<(u64, Outcome)> {
    let (call, bytes) = sent(lobby, now);
    let answer = answer(room, now, &bytes);
    take_board(lobby, now, room.board(now));
    answered(lobby, now, call, answer)
}

pub(crate) fn rank(outcome: &Outcome) -> Rank {
    match outcome {
        Outcome::Joined { ticket, rank, .. } => {
            let signed: Ticket = keys().verify(ticket).unwrap();
            assert_eq!(signed.rank, Rank(*rank));
            signed.rank
        }
        other => panic!("not joined: {other:?}"),
    }
}

/// A region with leaves of these numbers, in front of a Room.
pub(crate) fn region() -> Region {
    Region::new("room/weur".into(), [7; 16])
}

pub(crate) fn leaf(number: u8) -> Leaf {
    Leaf::new(format!("room/weur/{number}"), RoomTag([1; 8]), keys(), [number; 16])
}

/// Has the region send what is next, and the Room answer it: whom the region tells what.
pub(crate) fn up_and_back(region: &mut Region, room: &mut Room, now: Millis) -> Vec<(u32, Said)> {
    let Next::Send { call, bytes } = region.next(now) else { panic!("nothing sent") };
    let answer = answer(room, now, &bytes);
    up_answered(region, now, call, answer)
}

/// What a leaf makes of its region's answer.
pub(crate) fn hears(leaf: &mut Leaf, now: Millis, call: Call, said: &Said) -> Vec<(u64, Outcome)> {
    let Said::Bytes(bytes) = said else { panic!("no answer to a batch: {said:?}") };
    let answer = leaf.bulletin().hear(now, bytes).unwrap();
    answered(leaf, now, call, answer)
}

/// What the next batch says of the origin; none if nothing is sent.
pub(crate) fn heard(next: Next) -> Option<Health> {
    match next {
        Next::Send { bytes, .. } => Some(decode_batch(&bytes).unwrap().items.health),
        _ => None,
    }
}

pub(crate) fn seen(sampled: u32, errors: u32) -> Wish {
    Wish::Health { sampled, errors, slow: 0 }
}
