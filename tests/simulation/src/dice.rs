//! The one source of chance. Everything that happens in a run is drawn from its seed, in an order that the run itself fixes.

use durable::units::Millis;

/// A stream of numbers. Streams that were forked do not disturb each other.
#[derive(Clone, Debug)]
pub struct Dice(fastrand::Rng);

impl Dice {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(fastrand::Rng::with_seed(seed))
    }

    /// A stream of its own.
    #[must_use]
    pub fn fork(&mut self) -> Dice {
        Dice(self.0.fork())
    }

    /// A seed for a stream that begins later.
    pub fn seed(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// One of `0..end`; zero if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0.u64(..end) }
    }

    /// One of `first..=last`.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        self.0.u64(first..=last.max(first))
    }

    /// A duration of `first..=last` milliseconds.
    pub fn millis(&mut self, first: u64, last: u64) -> Millis {
        Millis(self.between(first, last))
    }

    /// Yes, so many times of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.0.u64(..100) < percent
    }

    /// One of several; there is at least one.
    pub fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.0.usize(..among.len())]
    }

    /// Something, so many times of a hundred.
    pub fn maybe<T>(&mut self, percent: u64, make: impl FnOnce(&mut Dice) -> T) -> Option<T> {
        self.percent(percent).then(|| make(self))
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}
