//! When to ask again, and how long it will take. Two seconds at the front, up to two minutes at the back, jittered, never so late that a claim
//! window could pass unseen, and never later than a scheduled change and ten seconds. A page that nobody looks at asks half as often.

use durable::board::{Board, Phase};
use durable::units::{Millis, Rank};

use crate::standing::{Standing, WaitRange};

/// At the front of the line.
const POLL_MIN: Millis = Millis(2_000);
/// At the back of it, however long a claim window is.
const POLL_MAX: Millis = Millis(120_000);
/// What a claim window has to be longer than an interval: who was called just after they asked, by a board two seconds old, may then meet a request
/// that hangs (15 s, `PATIENCE_MS` in `web/waiting.js`), ask once more, and still be in time.
const SPARE: Millis = Millis(20_000);
/// First contact: the page comes back at once, but not faster than a cookie is stored, and not all that came at once at once.
const POLL_JOINING: Millis = Millis(1_000);
/// Where too many join, whoever was turned away stays away for half to one and a half times as long as they have tried already: twice as long each time. At first for so long.
const LATER_MIN: Millis = Millis(4_000);
/// And in the end: 20 to 60 seconds. An arrival that is so old is good for two such waits yet (`is_fresh`, `cookie.rs`).
pub const LATER_MAX: Millis = Millis(40_000);
/// While the room cannot be reached, or is held.
const POLL_PATIENT: Millis = Millis(10_000);
/// Those who wait for a moment that everybody knows come within so long of it, not all at once.
pub const SPREAD: Millis = Millis(10_000);
/// So many polls are made over the wait that is left.
const POLLS_PER_WAIT: u64 = 8;
/// Nobody asks less often than this for each who is ahead: many may go at once where few come, and then distance tells more than the rate. Whoever is
/// at the front of a slow line asks as often as at that of a fast one, and all of a line together ask 18 times a second for it.
const PER_PERSON: Millis = Millis(250);
/// So much less often asks a page that nobody looks at. Not less: its visitor has a seat too, which stands empty until the page asks.
const HIDDEN_SLOWER: u64 = 2;

/// Whether somebody looks at the page that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It may be in front of somebody.
    Shown,
    /// Its tab is hidden.
    Hidden,
}

/// The numbers that the rule of distance is made of, in one room: the gate goes by them, and so does a page that asks a mirror in place of us
/// (`web/waiting.js`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// At the front.
    pub shortest: Millis,
    /// At the back. Half a claim window, or more where that leaves `SPARE`: then only those hear it whose turn is four windows away.
    pub longest: Millis,
    /// The longest while nobody can tell how long it takes.
    pub unsure: Millis,
    /// See `PER_PERSON`.
    pub per_person: Millis,
    /// See `POLLS_PER_WAIT`.
    pub polls_per_wait: u64,
    /// See `HIDDEN_SLOWER`.
    pub hidden_slower: u64,
}

impl Rhythm {
    /// That of a room with such a claim window.
    pub fn of(claim_window: Millis) -> Rhythm {
        let half = Millis(claim_window.0 / 2);
        let longest = half.max(claim_window.since(SPARE)).min(POLL_MAX).max(POLL_MIN);
        Rhythm {
            shortest: POLL_MIN,
            longest,
            unsure: half.max(POLL_MIN).min(longest),
            per_person: PER_PERSON,
            polls_per_wait: POLLS_PER_WAIT,
            hidden_slower: HIDDEN_SLOWER,
        }
    }

    /// For a place with so many ahead that is called in so many seconds, if that can be told.
    pub fn interval(&self, people_ahead: u64, wait_seconds: Option<u64>) -> Millis {
        let by_wait =
            wait_seconds.map_or(self.unsure.0, |seconds| seconds.saturating_mul(1_000) / self.polls_per_wait);
        let by_distance = people_ahead.saturating_mul(self.per_person.0);
        Millis(by_wait.min(by_distance)).max(self.shortest).min(self.longest)
    }

    /// The same for a page that nobody looks at.
    fn slower(&self, interval: Millis) -> Millis {
        Millis(interval.0.saturating_mul(self.hidden_slower)).min(self.longest)
    }
}

/// When to ask again. `entropy` spreads those who were told at the same moment: each gets between four and
/// five fifths of the interval, so the longest is never exceeded.
pub fn poll_after(
    standing: &Standing,
    board: Option<&Board>,
    now: Millis,
    entropy: u32,
    sight: Sight,
) -> Millis {
    let jittered = |span: Millis| Millis(span.0 * u64::from(entropy % 1_000) / 1_000);
    match standing {
        Standing::Joining => return POLL_JOINING.plus(jittered(POLL_JOINING)),
        // No start is worth more of them at once.
        Standing::JoiningLater { trying } => {
            let wait = (*trying).max(LATER_MIN).min(LATER_MAX);
            return Millis(wait.0 / 2).plus(jittered(wait));
        }
        _ => {}
    }
    let change = board.and_then(Board::next_change).map(|at| at.since(now).plus(jittered(SPREAD)));
    let patient = patience(standing, board, entropy, sight);
    change.map_or(patient, |change| change.max(POLL_MIN).min(patient))
}

/// The same, but for what is scheduled.
fn patience(standing: &Standing, board: Option<&Board>, entropy: u32, sight: Sight) -> Millis {
    let rhythm = Rhythm::of(board.map_or(Millis(2 * POLL_PATIENT.0), |board| Millis(board.claim_window_ms)));
    let in_line = |interval: Millis| if sight == Sight::Hidden { rhythm.slower(interval) } else { interval };
    let interval = match standing {
        Standing::YourTurn { .. } => return POLL_MIN,
        Standing::Waiting { wait, people_ahead, .. } => {
            in_line(rhythm.interval(*people_ahead, wait.map(|wait| wait.from_seconds)))
        }
        // Nobody is called, and when they are it begins at the front.
        Standing::Held { place: Some(_), people_ahead } => {
            in_line(rhythm.interval(*people_ahead, None).max(POLL_PATIENT))
        }
        Standing::Next { .. } => Millis(3_000),
        // Once in each round, when everybody can have heard of it.
        Standing::Drawing { next_in, .. } => next_in.plus(POLL_MIN),
        Standing::Prequeue { starts_in, .. } => *starts_in,
        _ => POLL_PATIENT,
    };
    let interval = interval.max(POLL_MIN).min(rhythm.longest);
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
    // The board may be from before they joined: they are one.
    let people = board.waiting.max(1);
    match (board.phase, place) {
        // The draw is held as soon as it starts: until the board tells of it there is no place.
        (Phase::Prequeue, _) | (_, None) => Standing::Prequeue { place, people, starts_in: start.since(now) },
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
                Standing::Drawing { people, next_in, wait: expected_rounds(board), waited }
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
    use durable::board::Scheduled;
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

    fn asks(board: &Board, place: u64, entropy: u32, sight: Sight) -> u64 {
        let standing = standing_of(board, Rank(place), Millis(0), Millis(0));
        poll_after(&standing, Some(board), Millis(0), entropy, sight).0
    }

    fn poll(place: u64, entropy: u32) -> u64 {
        asks(&board(), place, entropy, Sight::Shown)
    }

    #[test]
    fn the_front_asks_often_and_the_back_seldom() {
        assert!(poll(101, 0) <= 2_000);
        assert!(poll(300, 0) > 10_000);
        assert!(poll(9_999, 999) <= 100_000);
        assert!(poll(9_999, 0) >= 80_000);
    }

    #[test]
    fn the_front_of_a_slow_line_asks_as_often_as_that_of_a_fast_one() {
        for pace_per_hour in [0, 1, 60, 3_600, 150_000] {
            let board = Board { pace_per_hour, turn_per_hour: pace_per_hour, ..board() };
            assert!(
                (100..=108).all(|place| asks(&board, place, 999, Sight::Shown) <= 2_000),
                "{pace_per_hour}"
            );
        }
    }

    #[test]
    fn nobody_stays_away_for_a_claim_window_nor_for_half_of_one_that_may_be_theirs() {
        for claim_window_ms in [10_000, 30_000, 60_000, 120_000, 300_000, 600_000] {
            let board = Board { claim_window_ms, ..board() };
            for place in 100..10_000 {
                let soon = expected_wait(&board, board.ahead_of(Place(place))).unwrap().from_seconds * 1_000
                    <= 4 * claim_window_ms;
                for (entropy, sight) in
                    [(0, Sight::Shown), (999, Sight::Shown), (u32::MAX, Sight::Hidden), (999, Sight::Hidden)]
                {
                    let millis = asks(&board, place, entropy, sight);
                    assert!((1_600..=120_000).contains(&millis), "{place}: {millis}");
                    assert!(
                        millis <= claim_window_ms / 2 || millis + 20_000 <= claim_window_ms,
                        "{place}: {millis} of {claim_window_ms}"
                    );
                    assert!(
                        !soon || sight == Sight::Hidden || millis <= claim_window_ms / 2,
                        "{place}: {millis} of {claim_window_ms}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_page_that_nobody_looks_at_asks_half_as_often_until_that_would_be_too_late() {
        for place in [100, 109, 150, 300, 700, 9_999] {
            let [shown, hidden] =
                [Sight::Shown, Sight::Hidden].map(|sight| asks(&board(), place, 500, sight));
            assert_eq!(hidden, (2 * shown).min(90_000), "{place}");
        }
        // Whoever is called does not look away.
        let called = |sight| asks(&board(), 99, 0, sight);
        assert_eq!(called(Sight::Shown), called(Sight::Hidden));
    }

    #[test]
    fn whoever_is_held_asks_by_distance_and_nobody_comes_later_than_a_start_and_ten_seconds() {
        let held = Board { phase: Phase::Held, ..board() };
        assert!((8_000..=10_000).contains(&asks(&held, 100, 500, Sight::Shown)));
        assert!((48_000..=60_000).contains(&asks(&held, 9_000, 500, Sight::Shown)));
        for at_ms in [0, 1_000, 30_000, 70_000] {
            let change = Scheduled { at_ms, phase: Phase::Busy, pass_epoch: 0 };
            for phase in [Phase::Held, Phase::Busy, Phase::Prequeue] {
                let board = Board { phase, changes: vec![change], ..board() };
                for (entropy, sight) in [(0, Sight::Shown), (999, Sight::Shown), (999, Sight::Hidden)] {
                    let millis = asks(&board, 9_000, entropy, sight);
                    assert!(millis <= at_ms + 10_000, "{millis} for {at_ms}");
                }
            }
        }
    }

    #[test]
    fn whoever_joins_does_not_come_back_with_all_who_came_at_the_same_moment() {
        let joins = |standing: Standing, entropy| {
            let started = Scheduled { at_ms: 0, phase: Phase::Busy, pass_epoch: 0 };
            let near = Board { changes: vec![started], ..board() };
            [None, Some(&near)].map(|board| {
                let [shown, hidden] = [Sight::Shown, Sight::Hidden]
                    .map(|sight| poll_after(&standing, board, Millis(0), entropy, sight));
                assert_eq!(shown, hidden);
                shown.0
            })
        };
        assert_eq!((joins(Standing::Joining, 0), joins(Standing::Joining, 999)), ([1_000; 2], [1_999; 2]));
        // Where too many join: half to one and a half times as long as they have tried, with a least and a most, whatever starts meanwhile.
        for (trying, least, most) in [(0, 2_000, 5_996), (4_000, 2_000, 5_996), (16_000, 8_000, 23_984)] {
            let later = Standing::JoiningLater { trying: Millis(trying) };
            assert_eq!((joins(later, 0), joins(later, 999)), ([least; 2], [most; 2]), "{trying}");
        }
        for trying in [40_000, 41_000, 120_000] {
            let later = Standing::JoiningLater { trying: Millis(trying) };
            assert_eq!((joins(later, 0), joins(later, 999)), ([20_000; 2], [59_960; 2]), "{trying}");
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

    #[test]
    fn whoever_reads_how_many_are_here_is_one_of_them() {
        let empty = Board { phase: Phase::Prequeue, waiting: 0, ..board() };
        let standing = standing_of(&empty, Rank(99), Millis(0), Millis(0));
        assert!(matches!(standing, Standing::Prequeue { people: 1, .. }), "{standing:?}");
    }
}
