//! Virtual time: what will happen, soonest first, and of two things at one moment the one that was planned first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use durable::units::Millis;

struct Entry<E> {
    at: Millis,
    number: u64,
    event: E,
}

impl<E> Entry<E> {
    fn key(&self) -> (Millis, u64) {
        (self.at, self.number)
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// See the module's words.
pub(super) struct Queue<E> {
    now: Millis,
    planned: u64,
    heap: BinaryHeap<Entry<E>>,
}

impl<E> Queue<E> {
    /// Nothing is planned yet.
    pub(super) fn new(now: Millis) -> Queue<E> {
        Queue { now, planned: 0, heap: BinaryHeap::new() }
    }

    /// The time.
    pub(super) fn now(&self) -> Millis {
        self.now
    }

    /// Plans something; what should have been is now.
    pub(super) fn at(&mut self, at: Millis, event: E) {
        self.planned += 1;
        self.heap.push(Entry { at: at.max(self.now), number: self.planned, event });
    }

    /// Plans something for later.
    pub(super) fn after(&mut self, delay: Millis, event: E) {
        self.at(self.now.plus(delay), event);
    }

    /// The next thing; time is then what it says.
    pub(super) fn next(&mut self) -> Option<E> {
        let entry = self.heap.pop()?;
        self.now = entry.at;
        Some(entry.event)
    }
}
