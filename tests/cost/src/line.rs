//! The line of a scenario as it moves, second by second: who has come, who was let in, whose seat is free again. Nobody in it is a person: it is
//! a stream, and good for sums and for the board that pages ask about.

use durable::board::{Board, Phase};
use durable::units::Millis;

use crate::scenario::{HOUR, Scenario};

/// A pass is dead at every edge so long after it expired, and so long after it was given up while a line stands (ADR 13; the board's age and 7 s).
const DEAD_AFTER: Millis = Millis(2_000);
const DEAD_AFTER_GOODBYE: Millis = Millis(8_000);
/// From a place's call to its claim: half an interval at the front of the line, and the age of the board.
const CLAIMED_AFTER_SECONDS: f64 = 2.0;
/// The claim window when nobody has set one.
const CLAIM_WINDOW: Millis = Millis(120_000);
/// The rate at which seats turn over is told from this much of the past.
const RATE_SPAN_SECONDS: usize = 120;
/// Until it has experience, a Room tells its forecast as it is, and half as long again.
const UNCORRECTED: (u64, u64) = (1_000, 1_500);

/// See the module's words. Each list has a number for every second of the hour.
pub struct Line {
    scenario: Scenario,
    /// So many have a rank.
    pub joined: Vec<f64>,
    /// So many have been let in.
    pub admitted: Vec<f64>,
    /// So many are let in within this second.
    pub entering: Vec<f64>,
    /// Seats taken.
    live: Vec<f64>,
}

impl Line {
    /// The line of a scenario. Nobody lets it down: whoever is called comes.
    pub fn of(scenario: &Scenario) -> Line {
        let seconds = (HOUR.0 / 1_000) as usize;
        let mut line = Line {
            scenario: scenario.clone(),
            joined: Vec::with_capacity(seconds),
            admitted: Vec::with_capacity(seconds),
            entering: Vec::with_capacity(seconds),
            live: Vec::with_capacity(seconds),
        };
        let (stays, fades) = (stay_of_polite(scenario), stay_of_silent(scenario));
        let polite = f64::from(scenario.goodbye_percent) / 100.0;
        let (mut admitted, mut live) = (0.0, 0.0);
        for second in 0..seconds {
            let joined = scenario.arrived(Millis(second as u64 * 1_000));
            let freed = polite * line.entered(second, stays) + (1.0 - polite) * line.entered(second, fades);
            live -= freed;
            // A seat that comes free is somebody's only when it was called and claimed.
            let empty = f64::from(scenario.seats) - live;
            let entering = (f64::from(scenario.per_minute) / 60.0).min(empty.max(0.0)).min(joined - admitted);
            live += entering;
            admitted += entering;
            line.joined.push(joined);
            line.entering.push(entering);
            line.admitted.push(admitted);
            line.live.push(live);
        }
        line
    }

    /// How many entered so long before a second.
    fn entered(&self, second: usize, ago: f64) -> f64 {
        second
            .checked_sub(ago.round() as usize)
            .and_then(|then| self.entering.get(then))
            .copied()
            .unwrap_or_default()
    }

    /// The board of a moment, as far as pages go by it.
    pub fn board(&self, at: Millis) -> Board {
        let second = ((at.0 / 1_000) as usize).min(self.joined.len().saturating_sub(1));
        let of = |list: &[f64]| list.get(second).copied().unwrap_or_default();
        let Scenario { seats, per_minute, .. } = self.scenario;
        let (issued, called) = (of(&self.joined) as u64, of(&self.admitted) as u64);
        let free = f64::from(seats) - of(&self.live);
        let before = second.checked_sub(RATE_SPAN_SECONDS).and_then(|then| self.admitted.get(then));
        let measured =
            before.map_or(0.0, |before| (of(&self.admitted) - before) * 3_600.0 / RATE_SPAN_SECONDS as f64);
        let all_stay = f64::from(seats) * 3_600.0 / self.scenario.pass_lifetime().secs_ceil() as f64;
        let is_full = free < f64::from(seats) / 10.0;
        Board {
            at_ms: at.0,
            called,
            issued,
            waiting: issued - called,
            claim_window_ms: CLAIM_WINDOW.0,
            renewal_interval_ms: self.scenario.renewal_interval().0,
            wait_p50: UNCORRECTED.0,
            wait_p90: UNCORRECTED.1,
            free: free as u64,
            pace_per_hour: u64::from(per_minute) * 60,
            turn_per_hour: if is_full && measured > 0.0 { measured as u64 } else { all_stay as u64 },
            phase: Phase::Busy,
            max_age_ms: Board::MAX_AGE_BUSY.0,
            ..Board::default()
        }
    }
}

/// How long a seat is not to be had that is given up with a goodbye, from entry to entry.
fn stay_of_polite(scenario: &Scenario) -> f64 {
    f64::from(scenario.session_seconds) + DEAD_AFTER_GOODBYE.0 as f64 / 1_000.0 + CLAIMED_AFTER_SECONDS
}

/// The same of one that is given up without a word.
fn stay_of_silent(scenario: &Scenario) -> f64 {
    let last = scenario.renewals().last().copied().unwrap_or_default();
    let dead = last.plus(scenario.pass_lifetime()).plus(DEAD_AFTER);
    dead.0 as f64 / 1_000.0 + CLAIMED_AFTER_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_inside_than_there_are_seats_and_pace_is_kept() {
        let line = Line::of(&Scenario::default());
        assert!(line.live.iter().all(|live| *live <= 10_000.0 + 1e-6));
        assert!(line.entering.iter().all(|entering| *entering <= 2_000.0 / 60.0 + 1e-6));
        assert!(line.admitted.last().is_some_and(|all| *all > 60_000.0));
    }

    #[test]
    fn a_board_says_where_the_line_stands() {
        let board = Line::of(&Scenario::default()).board(Millis(1_800_000));
        assert_eq!(board.issued, 1_000_000);
        assert_eq!(board.waiting, board.issued - board.called);
        assert!(board.pace_per_hour == 120_000 && board.turn_per_hour > 0);
    }
}
