//! First contact while the room is open: how much later the origin hears of somebody because a seat was asked for, all around the world.

use std::collections::HashMap;

use durable::board::Phase;
use durable::lobby::Caller;
use durable::protocol::{Outcome, Wish};
use durable::settings::Settings;
use durable::units::Millis;

use super::centers::Map;
use super::people::{Boards, Want, answer, caller, center_of, holder, inside, leaf_of, seat, want};
use super::tree::{Event, Tree};
use crate::dice::Dice;
use crate::trace::NOON;

/// Who was let in is seen again after so long, which confirms them; and goes after so long.
const SEEN_AGAIN: (u64, u64) = (2_000, 8_000);
const STAY: (u64, u64) = (20_000, 120_000);
/// Until then boards have come to everybody, and what regions learn they have learnt.
const WARM: Millis = Millis(10_000);

/// See the module's words.
pub(super) struct Open {
    /// What it is asked of.
    pub(super) tree: Tree,
    /// How long each had to wait, in milliseconds, who was let in by their first request.
    pub(super) added: Vec<u64>,
    /// First contacts that found their room busy, or their board too old to ask.
    pub(super) busy: u64,
    per_second: u64,
    came: u32,
    asked_at: HashMap<u32, Millis>,
    seats: HashMap<u32, ((u32, u32), bool)>,
    boards: Boards,
    dice: Dice,
}

impl Open {
    /// So many come in a second, evenly from all data centers.
    pub(super) fn new(settings: Settings, per_second: u64, seed: u64) -> Open {
        let (mut tree, mut dice) = (Tree::new(settings, Map::new(), center_of, seed), Dice::new(!seed));
        let boards = Boards::new(&mut tree, &mut dice);
        tree.queue.after(Millis(1_000), Event::Person(caller(Want::Come, 0)));
        Open {
            tree,
            added: Vec::new(),
            busy: 0,
            per_second,
            came: 0,
            asked_at: HashMap::new(),
            seats: HashMap::new(),
            boards,
            dice,
        }
    }

    /// Goes on until so long after noon.
    pub(super) fn run(&mut self, until: Millis) {
        while let Some(event) = self.tree.queue.next(NOON.plus(until)) {
            let Open { tree, seats, boards, .. } = self;
            let line = |caller: Caller| {
                let (what, id) = want(caller);
                let wish = match what {
                    Want::Enter => Wish::Enter { holder: holder(id) },
                    Want::Board => Wish::Board,
                    _ => inside(what, seats.get(&id).map(|(seat, _)| *seat).unwrap_or_default()),
                };
                boards.line(caller, wish)
            };
            match tree.happen(event, line) {
                Some(Event::Person(caller)) => self.person(caller),
                Some(Event::Told(caller, Some(text))) => self.hear(caller, &text),
                _ => {}
            }
        }
        self.added.sort_unstable();
    }

    /// So many thousandths of them waited no longer.
    pub(super) fn quantile(&self, permille: usize) -> u64 {
        let at = self.added.len() * permille / 1_000;
        self.added.get(at.min(self.added.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    fn person(&mut self, asks: Caller) {
        let (now, (what, _)) = (self.tree.now(), want(asks));
        match what {
            Want::Come => {
                let comes = caller(Want::Enter, self.came);
                self.came += 1;
                if self.boards.of(comes).phase == Phase::Open {
                    self.asked_at.insert(self.came - 1, now);
                    self.tree.call(leaf_of(comes), comes);
                } else {
                    self.busy += 1;
                }
                // Independently of each other: the time to the next has no memory.
                let uniform = (self.dice.below(1 << 32) + 1) as f64 / (1u64 << 32) as f64;
                let delay = -uniform.ln() * 1_000.0 / self.per_second as f64;
                self.tree.queue.after(Millis(delay.round() as u64), Event::Person(asks));
            }
            Want::Board => Boards::ask(&mut self.tree, &mut self.dice, asks),
            _ => self.tree.call(leaf_of(asks), asks),
        }
    }

    fn hear(&mut self, asked: Caller, text: &str) {
        let (now, (what, id)) = (self.tree.now(), want(asked));
        let answer = answer(text.lines().next().unwrap_or_default());
        self.boards.hear(asked, &answer);
        match (what, answer.outcome) {
            (Want::Enter, Outcome::Admitted { pass }) => {
                let asked_at = self.asked_at.remove(&id).unwrap_or(now);
                if asked_at > NOON.plus(WARM) {
                    self.added.push(now.since(asked_at).0);
                }
                self.seats.insert(id, (seat(&pass), false));
                let delay = self.dice.millis(SEEN_AGAIN.0, SEEN_AGAIN.1);
                self.tree.queue.after(delay, Event::Person(caller(Want::Renew, id)));
            }
            (Want::Enter, _) => self.busy += 1,
            (Want::Renew, _) => {
                let delay = self.dice.millis(STAY.0, STAY.1);
                self.tree.queue.after(delay, Event::Person(caller(Want::LeavePass, id)));
            }
            (Want::LeavePass, _) => _ = self.seats.remove(&id),
            _ => {}
        }
    }
}
