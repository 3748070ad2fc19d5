//! The calls of edges to a leaf. An isolate's wishes travel together while a call of its is under way (`src/leaves.mjs`), so a call brings some
//! and is answered once, when all of them are.
//!
//! A call is the lines of its [`Ask`]s, its reply the lines of their [`Answer`](crate::protocol::Answer)s in the same order. They are
//! all for one isolate, so the board goes with the first alone.

use crate::leaf::{Leaf, Taken, Waiter};
use crate::listed::Listed as _;
use crate::protocol::{Ask, Outcome, Wish};
use crate::units::Millis;
use crate::wire::{from_text, to_text};

struct Call {
    /// What the isolate has heard of the room, by the first wish that says so.
    first: Option<Ask>,
    outcomes: Vec<Option<Outcome>>,
}

/// The calls that are not answered yet, by the numbers that the host gave them.
#[derive(Default)]
pub struct Calls {
    /// Few at once, the newest last.
    open: Vec<(u32, Call)>,
    wants_board: Vec<Waiter>,
}

impl Calls {
    /// Takes a call: its reply, if all is answered from the leaf's memory. A line that is no wish this version knows is answered
    /// *unreachable*, for the others did nothing wrong.
    pub fn take(&mut self, leaf: &mut Leaf, now: Millis, call: u32, lines: &str) -> Option<String> {
        let mut taken = Call { first: None, outcomes: Vec::new() };
        for line in lines.lines() {
            let Some(ask) = from_text::<Ask>(line.as_bytes()) else {
                taken.outcomes.push(Some(Outcome::Unreachable));
                continue;
            };
            // What is told of the origin says nothing of what its isolate has heard.
            if !matches!(ask.wish, Wish::Health { .. }) {
                taken.first.get_or_insert(ask);
            }
            let waiter = waiter(call, taken.outcomes.len());
            taken.outcomes.push(match leaf.ask(now, waiter, ask) {
                Taken::Answered(outcome) => Some(outcome),
                Taken::Gathered => None,
                Taken::BoardWanted => {
                    self.wants_board.push(waiter);
                    None
                }
            });
        }
        self.open.push((call, taken));
        self.reply(leaf, now, call)
    }

    /// Whether somebody waits for a board.
    pub fn want_board(&self) -> bool {
        !self.wants_board.is_empty()
    }

    /// Who waited for the board that came, or did not: all hear the same.
    pub fn hear_board(&mut self, outcome: &Outcome) -> Vec<(Waiter, Outcome)> {
        self.wants_board.drain(..).map(|waiter| (waiter, outcome.clone())).listed()
    }

    /// Outcomes came: the calls that are answered by them, with their replies.
    pub fn hear(&mut self, leaf: &Leaf, now: Millis, told: Vec<(Waiter, Outcome)>) -> Vec<(u32, String)> {
        let mut touched = Vec::new();
        for (waiter, outcome) in told {
            let (call, index) = ((waiter >> 32) as u32, waiter as u32 as usize);
            let slot = self.find(call).and_then(|at| self.open.get_mut(at)?.1.outcomes.get_mut(index));
            if let Some(slot) = slot {
                *slot = Some(outcome);
                if touched.last() != Some(&call) {
                    touched.push(call);
                }
            }
        }
        touched.into_iter().filter_map(|call| Some((call, self.reply(leaf, now, call)?))).listed()
    }

    fn find(&self, call: u32) -> Option<usize> {
        self.open.iter().rposition(|(open, _)| *open == call)
    }

    fn reply(&mut self, leaf: &Leaf, now: Millis, call: u32) -> Option<String> {
        let at = self.find(call)?;
        if self.open.get(at)?.1.outcomes.iter().any(Option::is_none) {
            return None;
        }
        let (_, Call { first, outcomes }) = self.open.remove(at);
        let mut lines = String::new();
        for (index, outcome) in outcomes.into_iter().flatten().enumerate() {
            let answer = match &first {
                Some(first) if index == 0 => leaf.answer(now, outcome, first),
                _ => outcome.into(),
            };
            if index > 0 {
                lines.push('\n');
            }
            lines.push_str(&to_text(&answer));
        }
        Some(lines)
    }
}

fn waiter(call: u32, index: usize) -> Waiter {
    Waiter::from(call) << 32 | index as Waiter
}
