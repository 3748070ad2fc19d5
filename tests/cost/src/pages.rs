//! How often pages ask: production's rule ([`poll_after`] of where a place stands by the board) walked along the line, by a sample of people spread
//! evenly over it. The same rule tells a page's script when to ask and a page without one when to come back (`Refresh`, in whole seconds).

use anteroom::poll::{Sight, poll_after, standing_of};
use anteroom::standing::Standing;
use durable::board::Board;
use durable::units::{Millis, Rank};
use simulation::dice::Dice;

use crate::line::Line;
use crate::scenario::{HOUR, Scenario};

/// So many walk for all.
const SAMPLE: u64 = 4_000;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The page's script.
    Script,
    /// The page itself, which comes back.
    Refresh,
}

/// When whoever stands so asks again. Everybody looks at their page: a hidden one asks less.
pub fn asks_after(by: By, standing: &Standing, board: &Board, now: Millis, entropy: u32) -> Millis {
    let after = poll_after(standing, Some(board), now, entropy, Sight::Shown);
    match by {
        By::Script => after,
        By::Refresh => Millis::from_secs(after.secs_ceil()),
    }
}

/// How long a first contact waits before it comes back for a rank.
pub fn joins_after(by: By, board: &Board, now: Millis, entropy: u32) -> Millis {
    asks_after(by, &Standing::Joining, board, now, entropy)
}

/// Times that pages ask between joining and being told that it is their turn, in the hour, if all ask this way.
pub fn questions(scenario: &Scenario, line: &Line, by: By) -> f64 {
    let mut dice = Dice::new(1);
    let joined = scenario.arrived(HOUR);
    let mut asked = 0;
    for walker in 0..SAMPLE {
        let number = (walker as f64 + 0.5) * joined / SAMPLE as f64;
        asked += walk(scenario, line, by, number, &mut dice);
    }
    asked as f64 * joined / SAMPLE as f64
}

fn walk(scenario: &Scenario, line: &Line, by: By, number: f64, dice: &mut Dice) -> u64 {
    let entropy = |dice: &mut Dice| dice.below(1 << 32) as u32;
    let came = scenario.arrives_at(number);
    let joined = came.plus(joins_after(by, &line.board(came), came, entropy(dice)));
    let (rank, mut asked) = (Rank(number as u64), 0);
    let mut now = joined;
    loop {
        // Whoever joins is told when to ask next, and so is whoever asked.
        let board = line.board(now);
        let standing = standing_of(&board, rank, joined, now);
        if matches!(standing, Standing::YourTurn { .. }) {
            return asked;
        }
        now = now.plus(asks_after(by, &standing, &board, now, entropy(dice)));
        if now >= HOUR {
            return asked;
        }
        asked += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_crowd_asks_as_often_each() {
        let each = |scenario: &Scenario| {
            questions(scenario, &Line::of(scenario), By::Script) / scenario.visitors as f64
        };
        let (whole, tenth) = (each(&Scenario::default()), each(&Scenario::default().divided(10)));
        assert!((whole / tenth - 1.0).abs() < 0.02, "{whole} {tenth}");
    }
}
