//! Virtual time for ten million: a slot for each millisecond of the next four minutes. What is planned for one moment happens in the order in which it was planned.

use durable::units::Millis;

use crate::trace::NOON;

/// Further ahead than anybody plans.
const SLOTS: usize = 1 << 18;

/// See the module's words.
pub(super) struct Queue<E> {
    slots: Vec<Vec<E>>,
    due: std::vec::IntoIter<E>,
    now: usize,
}

impl<E> Queue<E> {
    /// Noon, and nothing planned.
    pub(super) fn new() -> Queue<E> {
        Queue { slots: (0..SLOTS).map(|_| Vec::new()).collect(), due: Vec::new().into_iter(), now: 0 }
    }

    /// The time.
    pub(super) fn now(&self) -> Millis {
        NOON.plus(Millis(self.now as u64))
    }

    /// Planned for then, and at the soonest for a millisecond from now.
    pub(super) fn at(&mut self, at: Millis, event: E) {
        self.after(at.since(self.now()), event);
    }

    /// The same, so long from now.
    pub(super) fn after(&mut self, delay: Millis, event: E) {
        let ahead = (delay.0 as usize).clamp(1, SLOTS - 1);
        self.slots[(self.now + ahead) % SLOTS].push(event);
    }

    /// What happens next, before this time.
    pub(super) fn next(&mut self, until: Millis) -> Option<E> {
        loop {
            if let Some(event) = self.due.next() {
                return Some(event);
            }
            if self.now() >= until {
                return None;
            }
            self.now += 1;
            self.due = std::mem::take(&mut self.slots[self.now % SLOTS]).into_iter();
        }
    }
}
