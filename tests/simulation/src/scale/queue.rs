//! Virtual time for ten million: a slot for each millisecond of the next four minutes, and a list of what is later. What is planned for one moment happens in the order in which it was
//! planned. Slots are chains through one store of entries: nothing is allocated for each.

use std::collections::BTreeMap;

use durable::units::Millis;

use crate::trace::NOON;

/// Further ahead than most is planned.
const SLOTS: usize = 1 << 18;
/// No entry.
const NONE: u32 = u32::MAX;

struct Entry<E> {
    event: Option<E>,
    next: u32,
}

/// The first entry of a slot, and the last.
#[derive(Clone, Copy)]
struct Slot {
    first: u32,
    last: u32,
}

/// See the module's words.
pub struct Queue<E> {
    slots: Vec<Slot>,
    entries: Vec<Entry<E>>,
    free: u32,
    later: BTreeMap<usize, Vec<E>>,
    now: usize,
}

impl<E> Queue<E> {
    /// Noon, and nothing planned.
    pub(super) fn new() -> Queue<E> {
        let slots = vec![Slot { first: NONE, last: NONE }; SLOTS];
        Queue { slots, entries: Vec::new(), free: NONE, later: BTreeMap::new(), now: 0 }
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
        if at < self.now + SLOTS {
            self.enter(at, event);
        } else {
            self.later.entry(at).or_default().push(event);
        }
    }

    /// What happens next, before this time.
    pub fn next(&mut self, until: Millis) -> Option<E> {
        loop {
            if let Some(event) = self.take() {
                return Some(event);
            }
            if self.now() >= until {
                return None;
            }
            self.now += 1;
            // Its slot has just passed: nobody is in it yet.
            let furthest = self.now + SLOTS - 1;
            for event in self.later.remove(&furthest).unwrap_or_default() {
                self.enter(furthest, event);
            }
        }
    }

    fn enter(&mut self, at: usize, event: E) {
        let entry = Entry { event: Some(event), next: NONE };
        let place = if self.free == NONE {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        } else {
            let free = self.free;
            self.free = std::mem::replace(&mut self.entries[free as usize], entry).next;
            free
        };
        let Slot { first, last } = &mut self.slots[at % SLOTS];
        if *first == NONE {
            *first = place;
        } else {
            self.entries[*last as usize].next = place;
        }
        *last = place;
    }

    /// The first that is due now.
    fn take(&mut self) -> Option<E> {
        let first = &mut self.slots[self.now % SLOTS].first;
        let place = *first;
        let Entry { event, next } = self.entries.get_mut(place as usize)?;
        *first = std::mem::replace(next, self.free);
        self.free = place;
        event.take()
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
