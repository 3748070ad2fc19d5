//! When to ask again, and how long it will take. DESIGN 3: two seconds at the front, up to a minute at the
//! back, jittered, and never so late that a claim window could pass unseen.

use durable::board::{Board, Phase};
use durable::units::{Millis, Place};

use crate::standing::{Standing, WaitRange};

/// At the front of the line.
const POLL_MIN: Millis = Millis(2_000);
/// First contact: the page comes back at once, but not faster than a cookie is stored.
const POLL_JOINING: Millis = Millis(1_000);
/// While the room cannot be reached, or is held.
const POLL_PATIENT: Millis = Millis(10_000);
/// So many polls are made over the wait that is left.
const POLLS_PER_WAIT: u64 = 8;

/// When to ask again. `entropy` spreads those who were told at the same moment: each gets between four and
/// five fifths of the interval, so the longest is never exceeded.
pub fn poll_after(standing: &Standing, board: Option<&Board>, entropy: u32) -> Millis {
    let longest = board.map_or(POLL_PATIENT, |board| Millis(board.claim_window_ms / 2)).max(POLL_MIN);
    let interval = match standing {
        Standing::Joining => return POLL_JOINING,
        Standing::YourTurn { .. } => return POLL_MIN,
        Standing::Waiting { wait, people_ahead, .. } => {
            let soonest = wait.map_or(longest.0, |wait| wait.from_seconds * 1_000 / POLLS_PER_WAIT);
            // Without a rate, distance alone tells: ten places a second would be a very fast line.
            let by_distance = Millis(people_ahead * 100);
            Millis(soonest).min(if wait.is_none() { by_distance } else { longest })
        }
        Standing::Next { .. } => Millis(3_000),
        _ => POLL_PATIENT,
    };
    let interval = interval.max(POLL_MIN).min(longest);
    let spread = interval.0 / 5;
    Millis(interval.0 - spread + spread * u64::from(entropy % 1_000) / 1_000)
}

/// How long a place will take: from the rate of calls of the last two minutes, a third faster and half slower. None
/// while there is no rate to go by.
pub fn expected_wait(board: &Board, people_ahead: u64) -> Option<WaitRange> {
    if board.calls_per_hour == 0 || board.phase == Phase::Held {
        return None;
    }
    let seconds = (people_ahead + 1) * 3_600 / board.calls_per_hour;
    Some(WaitRange { from_seconds: seconds * 3 / 4, to_seconds: seconds * 3 / 2 + 1 })
}

/// Where the holder of a place stands, by the board alone.
pub fn standing_of(board: &Board, place: Place, joined_at: Millis, now: Millis) -> Standing {
    let people_ahead = board.ahead_of(place);
    if board.phase == Phase::Held {
        return Standing::Held { place: Some(place), people_ahead };
    }
    if board.has_called(place) {
        return Standing::YourTurn { place };
    }
    let waited = now.since(joined_at);
    Standing::Waiting { place, people_ahead, wait: expected_wait(board, people_ahead), waited }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        Board {
            called: 100,
            issued: 10_000,
            waiting: 9_900,
            calls_per_hour: 3_600,
            claim_window_ms: 120_000,
            phase: Phase::Busy,
            ..Board::default()
        }
    }

    fn poll(place: u64, entropy: u32) -> u64 {
        let standing = standing_of(&board(), Place(place), Millis(0), Millis(0));
        poll_after(&standing, Some(&board()), entropy).0
    }

    #[test]
    fn the_front_asks_often_and_the_back_seldom() {
        assert!(poll(101, 0) <= 2_000);
        assert!(poll(300, 0) > 10_000);
        assert!(poll(9_999, 999) <= 60_000, "half a claim window at most");
        assert!(poll(9_999, 0) >= 48_000);
    }

    #[test]
    fn nobody_is_told_to_stay_away_longer_than_half_a_window() {
        for place in 100..10_000 {
            for entropy in [0, 500, 999, u32::MAX] {
                let millis = poll(place, entropy);
                assert!((1_600..=60_000).contains(&millis), "{place}: {millis}");
            }
        }
    }

    #[test]
    fn a_wait_is_a_range_around_the_rate_and_unknown_without_one() {
        let wait = expected_wait(&board(), 599).unwrap();
        assert_eq!((wait.from_seconds, wait.to_seconds), (450, 901));
        assert_eq!(expected_wait(&Board { calls_per_hour: 0, ..board() }, 5), None);
    }

    #[test]
    fn a_called_place_is_told_so_unless_everybody_is_held() {
        assert_eq!(
            standing_of(&board(), Place(99), Millis(0), Millis(0)),
            Standing::YourTurn { place: Place(99) }
        );
        let held = Board { phase: Phase::Held, ..board() };
        assert!(matches!(standing_of(&held, Place(99), Millis(0), Millis(0)), Standing::Held { .. }));
    }
}
