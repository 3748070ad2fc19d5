//! What is counted of an object: its requests, by seconds and in all, and how long it is awake: while it is asked and has not answered, and while it waits for a timer of its own, for then it
//! does not hibernate.

use durable::units::Millis;

/// The least that any call keeps an object awake.
pub const HANDLING: Millis = Millis(1);

/// How many in the second that passes, and in the fullest.
#[derive(Clone, Copy, Default)]
pub struct PerSecond {
    second: u64,
    count: u64,
    /// In all.
    pub all: u64,
    /// In the fullest second.
    pub most: u64,
}

impl PerSecond {
    /// So many more.
    pub(super) fn add(&mut self, now: Millis, count: u64) {
        let second = now.0 / 1_000;
        if second != self.second {
            (self.second, self.count) = (second, 0);
        }
        self.count += count;
        self.all += count;
        self.most = self.most.max(self.count);
    }
}

/// How long one object is awake: calls and timers overlap.
#[derive(Clone, Copy, Default)]
pub(super) struct Awake {
    open: usize,
    since: Millis,
    until: Millis,
    total: Millis,
}

impl Awake {
    /// A call begins, or a timer.
    pub(super) fn begins(&mut self, now: Millis) {
        if self.open == 0 {
            self.since = now.max(self.until);
        }
        self.open += 1;
    }

    /// So many of them end.
    pub(super) fn ends(&mut self, now: Millis, calls: usize) {
        self.open = self.open.saturating_sub(calls);
        if self.open == 0 {
            // Even what is answered at once takes its time.
            self.until = now.max(self.since.plus(HANDLING));
            self.total = self.total.plus(self.until.since(self.since));
        }
    }

    /// In all.
    pub(super) fn seconds(&self) -> f64 {
        self.total.0 as f64 / 1_000.0
    }
}
