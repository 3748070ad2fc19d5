//! Boards: old and new code read each other's, and one is small.

use durable::board::{Board, Revocations};
use durable::json::{self, Value};
use durable::order::{Command, Document, Reply};
use durable::protocol::{Answer, Ask, BoardAnswer, Configure, RoomStatus};
use durable::units::{Millis, Place, Rank};
use durable::wire::{Wire, from_text, to_text};

use crate::Outcome;

/// What a board of a Room may take: it is sent to every edge, every second.
pub const BOARD_BYTES_MAX: usize = 2_048;

/// See the module's words.
pub fn check(data: &[u8]) -> Outcome {
    let Ok(value) = json::parse(data) else {
        return Outcome::Refused;
    };
    let others = [
        same::<Revocations>(&value),
        same::<Ask>(&value),
        same::<Answer>(&value),
        same::<BoardAnswer>(&value),
        same::<Configure>(&value),
        same::<RoomStatus>(&value),
        same::<Command>(&value),
        same::<Document>(&value),
        same::<Reply>(&value),
    ];
    others.into_iter().fold(board(&value), Outcome::or)
}

/// What is heard is said and heard the same.
fn same<T: Wire>(value: &Value) -> Outcome {
    let Some(heard) = T::from_value(value) else {
        return Outcome::Refused;
    };
    let said = to_text(&heard);
    let again = from_text::<T>(said.as_bytes()).expect("what we said");
    assert_eq!(to_text(&again), said);
    Outcome::Believed
}

fn board(value: &Value) -> Outcome {
    let Some(board) = Board::from_value(value) else {
        return Outcome::Refused;
    };
    let said = to_text(&board);
    assert_eq!(from_text::<Board>(said.as_bytes()).as_ref(), Some(&board));
    let full = json::parse(said.as_bytes()).expect("JSON");
    let names: Vec<String> =
        full.as_object().expect("an object").iter().map(|(name, _)| name.clone()).collect();
    // Newer code says more.
    let mut newer = full.clone();
    newer.set("of_tomorrow", value.clone());
    assert_eq!(Board::from_value(&newer).as_ref(), Some(&board));
    // Older code says less: then that field, and no other, is what it was before it existed.
    let before_it_existed = json::parse(to_text(&Board::default()).as_bytes()).expect("JSON");
    for name in names {
        let (mut older, mut expected) = (full.clone(), full.clone());
        older.as_object_mut().expect("an object").remove(&name);
        expected.set(&name, before_it_existed[name.as_str()].clone());
        assert!(Board::from_value(&older).is_some());
        assert_eq!(Board::from_value(&older), Board::from_value(&expected));
    }
    for place in [0, board.called, board.issued.saturating_sub(1), board.issued, Rank::LIMIT - 1] {
        let ahead = board.ahead_of(Place(place));
        assert!(place >= board.issued || ahead <= board.waiting.saturating_sub(1));
        assert!(place >= board.called || place >= board.issued || ahead == 0);
        acted_on(&board, Rank(place));
    }
    Outcome::Believed
}

/// What an edge does with it.
fn acted_on(board: &Board, rank: Rank) {
    let place = board.place_of(rank);
    assert_eq!(place.is_none(), board.gathers_from.is_some_and(|first| first <= rank.0));
    assert!(board.has_called(rank) || place.is_none_or(|place| place.0 >= board.called));
    let mut followed = board.clone();
    let at = board.changes.iter().map(|change| change.at_ms).max().unwrap_or(board.at_ms);
    let ended = followed.follow_schedule(Millis(at));
    assert_eq!((ended, followed.next_change()), (followed.pass_epoch > board.pass_epoch, None));
    assert!(!followed.follow_schedule(Millis(at)), "once");
    let behind = [0, 1, u64::MAX].map(|ahead| board.forecast().seconds(ahead));
    assert!(behind.is_sorted_by_key(|seconds| seconds.unwrap_or(u64::MAX)));
}
