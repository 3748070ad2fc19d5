//! Virtual time for ten million: a slot for each millisecond of the next four minutes, and a list of what is later. What is planned for one moment happens in the order in which it was
//! planned.

use std::collections::BTreeMap;

use durable::units::Millis;

use crate::trace::NOON;

/// Further ahead than most is planned.
const SLOTS: usize = 1 << 18;

/// Memory of slots that have passed is used again, unless it is for more than this.
const SPARE_MAX: usize = 512;

/// See the module's words.
pub struct Queue<E> {
    slots: Vec<Vec<E>>,
    later: BTreeMap<usize, Vec<E>>,
    spare: Vec<Vec<E>>,
    /// The next one last.
    due: Vec<E>,
    now: usize,
}

impl<E> Queue<E> {
    /// Noon, and nothing planned.
    pub(super) fn new() -> Queue<E> {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Queue { slots, later: BTreeMap::new(), spare: Vec::new(), due: Vec::new(), now: 0 }
    }

    /// The time.
    pub fn now(&self) -> Millis {
        NOON.plus(Millis(self.now as u64))
    }

    /// Planned for then, and at the soonest for a millisecond from now.
    pub fn at(&mut self, at: Millis, event: E) {
        self.after(at.since(self.now()), event);
    }

    /// The same, so long from now.
    pub fn after(&mut self, delay: Millis, event: E) {
        let at = self.now + delay.0.max(1) as usize;
        match self.slots.get_mut(at % SLOTS).filter(|_| at < self.now + SLOTS) {
            Some(slot) => {
                if slot.capacity() == 0 {
                    *slot = self.spare.pop().unwrap_or_default();
                }
                slot.push(event);
            }
            None => self.later.entry(at).or_default().push(event),
        }
    }

    /// What happens next, before this time.
    pub fn next(&mut self, until: Millis) -> Option<E> {
        loop {
            if let Some(event) = self.due.pop() {
                return Some(event);
            }
            if self.now() >= until {
                return None;
            }
            self.now += 1;
            let slot = std::mem::take(&mut self.slots[self.now % SLOTS]);
            let passed = std::mem::replace(&mut self.due, slot);
            if (1..=SPARE_MAX).contains(&passed.capacity()) {
                self.spare.push(passed);
            }
            if let Some(mut later) = self.later.remove(&self.now) {
                later.append(&mut self.due);
                self.due = later;
            }
            self.due.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_happens_when_it_was_planned_however_far_ahead() {
        let mut queue = Queue::new();
        let times = [0, 6, 7, 7, SLOTS as u64 - 1, SLOTS as u64, 9 + 3 * SLOTS as u64];
        times.iter().rev().for_each(|at| queue.at(NOON.plus(Millis(*at)), *at));
        let mut happened = Vec::new();
        while let Some(at) = queue.next(NOON.plus(Millis(4 * SLOTS as u64))) {
            // At the soonest a millisecond from when it was planned.
            assert_eq!(queue.now(), NOON.plus(Millis(at.max(1))));
            happened.push(at);
        }
        assert_eq!(happened, times);
    }
}
