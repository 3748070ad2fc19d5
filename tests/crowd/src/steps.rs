//! What a visitor does next: the waiting page's script, as a pure table. Navigate; while first contact, ask for the
//! page as a script, which joins; then ask where one stands as often as told; when called, navigate. After a failure
//! wait longer each time. Nothing here knows whether what it was told is right: that is [`crate::record`]'s.

use crate::heard::{Asked, Heard, State};
use std::time::Duration;

/// However short a time an answer tells, a visitor is no flood.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Told nothing, a visitor comes back after this.
const PAUSE_UNTOLD: Duration = Duration::from_secs(2);
/// After failures: this, doubled each time …
const BACKOFF_MIN: Duration = Duration::from_secs(1);
/// … up to this.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask this after a pause.
    Ask {
        /// The pause.
        after: Duration,
        /// What to ask.
        asked: Asked,
    },
    /// Be inside.
    Enter,
    /// Lose patience.
    GiveUp,
    /// Stop: nothing more will happen.
    Stop,
}

/// A visitor in line.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The longest pause; None: as told.
    pub pause_max: Option<Duration>,
    /// Gives up after being told so often to wait; None: never.
    pub patience: Option<u32>,
    waits: u32,
    failures: u32,
}

impl Line {
    /// A visitor who arrives.
    pub fn new(pause_max: Option<Duration>, patience: Option<u32>) -> Line {
        Line { pause_max, patience, waits: 0, failures: 0 }
    }

    /// What to do first.
    pub fn first(&self) -> Step {
        Step::Ask { after: Duration::ZERO, asked: Asked::Navigate }
    }

    /// What to do after hearing this in answer to that.
    pub fn next(&mut self, asked: Asked, heard: &Heard) -> Step {
        let told = match heard {
            Heard::Nothing(_) => return self.again(asked),
            Heard::Origin { .. } => match asked {
                Asked::Navigate => return Step::Enter,
                // The script was let in: the browser follows.
                Asked::Join => return Step::Ask { after: Duration::ZERO, asked: Asked::Navigate },
                Asked::Stand => return self.again(asked),
            },
            Heard::Ours(told) => told,
        };
        self.failures = 0;
        let pause = self.bounded(told.poll_after.unwrap_or(PAUSE_UNTOLD));
        match (&told.state, asked) {
            (State::Over(_), _) => Step::Stop,
            (State::Joining, _) => Step::Ask { after: pause, asked: Asked::Join },
            // Called, and not let in all the same: not at once again.
            (State::YourTurn, Asked::Navigate) => Step::Ask { after: pause, asked: Asked::Stand },
            (State::Admitted, _) => Step::Ask { after: Duration::ZERO, asked: Asked::Navigate },
            (State::YourTurn, _) => Step::Ask { after: Duration::ZERO, asked: Asked::Navigate },
            (State::Waiting, _) => {
                self.waits += 1;
                match self.patience {
                    Some(patience) if self.waits > patience => Step::GiveUp,
                    _ => Step::Ask { after: pause, asked: Asked::Stand },
                }
            }
            (State::Next | State::Patience(_), _) => Step::Ask { after: pause, asked: Asked::Stand },
        }
    }

    fn again(&mut self, asked: Asked) -> Step {
        let after = BACKOFF_MIN.saturating_mul(1 << self.failures.min(10)).min(BACKOFF_MAX);
        self.failures += 1;
        Step::Ask { after: self.bounded(after), asked }
    }

    fn bounded(&self, pause: Duration) -> Duration {
        pause.min(self.pause_max.unwrap_or(Duration::MAX)).max(PAUSE_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heard::{Failure, Told};

    fn told(state: State, millis: u64) -> Heard {
        Heard::Ours(Told { state, place: Some(3), poll_after: Some(Duration::from_millis(millis)) })
    }

    fn ask(millis: u64, asked: Asked) -> Step {
        Step::Ask { after: Duration::from_millis(millis), asked }
    }

    #[test]
    fn from_the_door_to_the_inside() {
        let mut line = Line::new(None, None);
        assert_eq!(line.first(), ask(0, Asked::Navigate));
        assert_eq!(line.next(Asked::Navigate, &told(State::Joining, 1_000)), ask(1_000, Asked::Join));
        assert_eq!(line.next(Asked::Join, &told(State::Waiting, 1_800)), ask(1_800, Asked::Stand));
        assert_eq!(line.next(Asked::Stand, &told(State::YourTurn, 2_000)), ask(0, Asked::Navigate));
        assert_eq!(line.next(Asked::Navigate, &told(State::Next, 3_000)), ask(3_000, Asked::Stand));
        assert_eq!(line.next(Asked::Stand, &told(State::YourTurn, 2_000)), ask(0, Asked::Navigate));
        assert_eq!(line.next(Asked::Navigate, &Heard::Origin { status: 200 }), Step::Enter);
    }

    #[test]
    fn a_script_that_is_let_in_takes_the_browser_along() {
        let mut line = Line::new(None, None);
        assert_eq!(line.next(Asked::Join, &told(State::Admitted, 0)), ask(0, Asked::Navigate));
        assert_eq!(line.next(Asked::Join, &Heard::Origin { status: 200 }), ask(0, Asked::Navigate));
    }

    #[test]
    fn pauses_are_as_told_within_bounds_and_a_refused_turn_is_no_flood() {
        let mut line = Line::new(Some(Duration::from_millis(500)), None);
        assert_eq!(line.next(Asked::Stand, &told(State::Waiting, 60_000)), ask(500, Asked::Stand));
        assert_eq!(line.next(Asked::Stand, &told(State::Waiting, 0)), ask(100, Asked::Stand));
        assert_eq!(line.next(Asked::Navigate, &told(State::YourTurn, 0)), ask(100, Asked::Stand));
    }

    #[test]
    fn failures_wait_longer_each_time_and_an_answer_makes_good() {
        let mut line = Line::new(None, None);
        let fail = |line: &mut Line| line.next(Asked::Join, &Heard::Nothing(Failure::Broken));
        assert_eq!(fail(&mut line), ask(1_000, Asked::Join));
        assert_eq!(fail(&mut line), ask(2_000, Asked::Join));
        (0..40).for_each(|_| assert!(matches!(fail(&mut line), Step::Ask { asked: Asked::Join, .. })));
        assert_eq!(fail(&mut line), ask(30_000, Asked::Join));
        line.next(Asked::Join, &told(State::Waiting, 1_000));
        assert_eq!(fail(&mut line), ask(1_000, Asked::Join));
    }

    #[test]
    fn patience_ends_in_line_alone() {
        let mut line = Line::new(None, Some(1));
        assert_eq!(line.next(Asked::Join, &told(State::Waiting, 1_000)), ask(1_000, Asked::Stand));
        assert_eq!(line.next(Asked::Stand, &told(State::YourTurn, 1_000)), ask(0, Asked::Navigate));
        assert_eq!(line.next(Asked::Stand, &told(State::Waiting, 1_000)), Step::GiveUp);
        assert_eq!(line.next(Asked::Stand, &told(State::Over("left".into()), 1_000)), Step::Stop);
    }
}
