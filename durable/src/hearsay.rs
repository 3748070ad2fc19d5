//! What a lobby has heard of the origin and not passed on yet: one sum, however many told it. It travels with the next batch, or in one of its own,
//! but no more often than the Room can make use of it.
//!
//! A batch that brought it and was lost takes it along: under another name it might count twice, and the next sum says as much.

use crate::courier::Next;
use crate::health::Health;
use crate::units::Millis;

/// From one sum to the next: the Room judges them every quarter of a minute.
const SPACING: Millis = Millis(2_000);

/// See the module's words.
#[derive(Debug, Default)]
pub struct Hearsay {
    health: Health,
    passed_on_at: Millis,
}

impl Hearsay {
    /// Somebody tells.
    pub fn hear(&mut self, health: Health) {
        self.health = self.health.and(health);
    }

    /// Whether it is to be passed on now.
    pub fn is_due(&self, now: Millis) -> bool {
        !self.health.is_empty() && !now.is_within(SPACING, self.passed_on_at)
    }

    /// What is passed on now: nothing, if that is not due.
    pub fn pass_on(&mut self, now: Millis) -> Health {
        if !self.is_due(now) {
            return Health::default();
        }
        self.passed_on_at = now;
        std::mem::take(&mut self.health)
    }

    /// What is next for a lobby that has nothing else to do than this: it also wakes for what it has heard.
    pub fn wakes(&self, now: Millis, next: Next) -> Next {
        if self.health.is_empty() || self.is_due(now) {
            return next;
        }
        next.or_at(self.passed_on_at.plus(SPACING).plus(Millis(1)))
    }
}
