//! The network between our objects, and how long a caller waits. It draws for each call how long either way takes, whether it gets lost on
//! one of them, and whether it arrives twice.
//!
//! No answer takes longer on its way than `LATE_MAX`. That is what the Room's slack of 3 s behind a revocation is for: a second of grace for
//! the board's age, and two for the ways from Room to lobby and from lobby to edge.

use durable::units::Millis;

use super::trouble::Storm;
use crate::dice::Dice;

/// A caller's patience (`PATIENCE_MS`, src/errands.mjs).
pub(super) const PATIENCE: Millis = Millis(1_900);
/// The longest way of an answer.
pub(super) const LATE_MAX: Millis = Millis(900);

/// What happens to a call. A way that is not taken is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// How long the call takes.
    pub(super) there: Option<Millis>,
    /// It arrives again after so long.
    pub(super) again: Option<Millis>,
    /// How long the answer takes.
    pub(super) back: Option<Millis>,
    /// It is refused: too many ask.
    pub(super) is_overloaded: bool,
}

/// The weather, and what it draws from.
pub(super) struct Network {
    dice: Dice,
    storms: Vec<(Millis, Storm)>,
}

impl Network {
    /// Calm.
    pub(super) fn new(dice: Dice) -> Network {
        Network { dice, storms: Vec::new() }
    }

    /// Bad weather begins.
    pub(super) fn begin(&mut self, now: Millis, storm: Storm) {
        self.storms.push((now.plus(storm.lasting), storm));
    }

    /// Calm, whatever was announced.
    pub(super) fn calm(&mut self) {
        self.storms.clear();
    }

    /// The fate of one call.
    pub(super) fn way(&mut self, now: Millis) -> Way {
        self.storms.retain(|(until, _)| *until > now);
        let dice = &mut self.dice;
        let mut way = Way {
            there: Some(dice.millis(1, 40)),
            again: None,
            back: Some(dice.millis(1, 40)),
            is_overloaded: false,
        };
        for (_, storm) in &self.storms {
            if dice.percent(storm.late_percent) {
                way.there = way.there.map(|_| dice.millis(40, PATIENCE.0 + 500));
            }
            if dice.percent(storm.late_percent) {
                way.back = way.back.map(|_| dice.millis(40, LATE_MAX.0));
            }
            if dice.percent(storm.twice_percent) {
                way.again = Some(dice.millis(1, 8_000));
            }
            way.there = way.there.filter(|_| !dice.percent(storm.lost_percent));
            way.back = way.back.filter(|_| !dice.percent(storm.lost_percent));
            way.is_overloaded |= dice.percent(storm.overloaded_percent);
        }
        way
    }
}
