//! When to ask again, and how long it will take. Two seconds at the front, up to a minute at the
//! back, jittered, never so late that a claim window could pass unseen, and never later than a scheduled change and ten seconds.

use durable::board::{Board, Phase};
use durable::units::{Millis, Rank};

use crate::standing::{Standing, WaitRange};

/// At the front of the line.
const POLL_MIN: Millis = Millis(2_000);
/// First contact: the page comes back at once, but not faster than a cookie is stored.
const POLL_JOINING: Millis = Millis(1_000);
/// While the room cannot be reached, or is held.
const POLL_PATIENT: Millis = Millis(10_000);
/// Those who wait for a moment that everybody knows come within so long of it, not all at once.
const SPREAD: Millis = Millis(10_000);
/// So many polls are made over the wait that is left.
const POLLS_PER_WAIT: u64 = 8;

/// When to ask again. `entropy` spreads those who were told at the same moment: each gets between four and
/// five fifths of the interval, so the longest is never exceeded.
pub fn poll_after(standing: &Standing, board: Option<&Board>, now: Millis, entropy: u32) -> Millis {
    let jittered = |span: Millis| Millis(span.0 * u64::from(entropy % 1_000) / 1_000);
    let change = board.and_then(Board::next_change).map(|at| at.since(now).plus(jittered(SPREAD)));
    let patient = patience(standing, board, entropy);
    change.map_or(patient, |change| change.max(POLL_MIN).min(patient))
}

/// The same, but for what is scheduled.
fn patience(standing: &Standing, board: Option<&Board>, entropy: u32) -> Millis {
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
        // Once in each round, when everybody can have heard of it.
        Standing::Drawing { next_in, .. } => next_in.plus(POLL_MIN),
        Standing::Prequeue { starts_in, .. } => *starts_in,
        _ => POLL_PATIENT,
    };
    let interval = interval.max(POLL_MIN).min(longest);
    let spread = interval.0 / 5;
    Millis(interval.0 - spread + spread * u64::from(entropy % 1_000) / 1_000)
}

/// How long a place will take: the forecast, corrected by what was lived: from the middle of it to its ninth tenth. None
/// while there is nothing to go by.
pub fn expected_wait(board: &Board, people_ahead: u64) -> Option<WaitRange> {
    let seconds = board.forecast().seconds(people_ahead)?;
    let times = |permille: u64| seconds.saturating_mul(permille) / 1_000;
    let (from_seconds, to_seconds) = (times(board.wait_p50), times(board.wait_p90) + 1);
    Some(WaitRange { from_seconds, to_seconds })
}

/// How long until somebody of so many has won a round: chances are the same in each, so that the time until half of them have is ln 2
/// times, and until nine tenths have ln 10 times the mean.
fn expected_rounds(board: &Board) -> Option<WaitRange> {
    let mean = board.forecast().seconds(board.waiting.saturating_sub(1))?;
    Some(WaitRange { from_seconds: mean * 693 / 1_000, to_seconds: mean * 2_303 / 1_000 + 30 })
}

/// Where the holder of a rank stands, by the board alone.
pub fn standing_of(board: &Board, rank: Rank, joined_at: Millis, now: Millis) -> Standing {
    let place = board.place_of(rank);
    let people_ahead = place.map_or(board.waiting, |place| board.ahead_of(place));
    let start = board.event.map_or(now, |event| Millis(event.start_ms));
    let waited = now.since(joined_at);
    match (board.phase, place) {
        // The draw is held as soon as it starts: until the board tells of it there is no place.
        (Phase::Prequeue, _) | (_, None) => {
            Standing::Prequeue { place, people: board.waiting, starts_in: start.since(now) }
        }
        (Phase::Held | Phase::Reject, _) => Standing::Held { place, people_ahead },
        (_, Some(place)) if board.has_called(rank) => {
            if board.claims_closed {
                Standing::Next { place }
            } else {
                Standing::YourTurn { place }
            }
        }
        (_, Some(place)) => match board.rounds.as_ref().filter(|rounds| rounds.next_ms > 0) {
            Some(rounds) => {
                let next_in = Millis(rounds.next_ms).since(now);
                Standing::Drawing { people: board.waiting, next_in, wait: expected_rounds(board), waited }
            }
            None => {
                Standing::Waiting { place, people_ahead, wait: expected_wait(board, people_ahead), waited }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable::units::Place;

    fn board() -> Board {
        Board {
            called: 100,
            issued: 10_000,
            waiting: 9_900,
            pace_per_hour: 3_600,
            turn_per_hour: 3_600,
            wait_p50: 750,
            wait_p90: 1_500,
            claim_window_ms: 120_000,
            phase: Phase::Busy,
            ..Board::default()
        }
    }

    fn poll(place: u64, entropy: u32) -> u64 {
        let standing = standing_of(&board(), Rank(place), Millis(0), Millis(0));
        poll_after(&standing, Some(&board()), Millis(0), entropy).0
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
        assert_eq!(expected_wait(&Board { pace_per_hour: 0, ..board() }, 5), None);
    }

    #[test]
    fn a_called_place_is_told_so_unless_everybody_is_held() {
        assert_eq!(
            standing_of(&board(), Rank(99), Millis(0), Millis(0)),
            Standing::YourTurn { place: Place(99) }
        );
        let held = Board { phase: Phase::Held, ..board() };
        assert!(matches!(standing_of(&held, Rank(99), Millis(0), Millis(0)), Standing::Held { .. }));
    }
}
