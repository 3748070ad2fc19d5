//! The numbers that must not be mixed: a rank is not a place, a seat is not its generation, and
//! every time is a `Millis`. They are plain newtypes; the arithmetic that is safe for each is here
//! and nowhere else, and it saturates: no input can make it overflow.

/// Milliseconds: since the Unix epoch for a time, plain for a duration. 48 bits in every stored form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// A duration of so many seconds.
    pub const fn from_secs(seconds: u64) -> Millis {
        Millis(seconds.saturating_mul(1000))
    }

    /// This time moved later by a duration.
    #[must_use]
    pub const fn plus(self, duration: Millis) -> Millis {
        Millis(self.0.saturating_add(duration.0))
    }

    /// This time moved earlier by a duration, not below zero.
    #[must_use]
    pub const fn minus(self, duration: Millis) -> Millis {
        Millis(self.0.saturating_sub(duration.0))
    }

    /// How long ago `earlier` was; zero if it lies ahead (clocks jump back).
    #[must_use]
    pub const fn since(self, earlier: Millis) -> Millis {
        self.minus(earlier)
    }

    /// Whether `earlier` lies at most so long ago. What lies ahead does not: a clock that jumped back must not keep it for as long as it jumped.
    #[must_use]
    pub const fn is_within(self, duration: Millis, earlier: Millis) -> bool {
        earlier.0 <= self.0 && self.since(earlier).0 <= duration.0
    }

    /// Whole seconds, rounded up: a wait is never told shorter than it is.
    pub const fn secs_ceil(self) -> u64 {
        self.0.div_ceil(1000)
    }
}

/// The number the Room gave at joining: dense, never starts again within an epoch, below 2^40.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub u64);

impl Rank {
    /// Ranks are written in five bytes.
    pub const LIMIT: u64 = 1 << 40;
}

/// The number that decides the turn: under `fifo` the rank itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u64);

/// One of the room's places inside, counted from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(pub u32);

/// Grows each time a seat is given again, so that an old pass for the same seat is told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

/// Grows when the operator resets a room: older tickets and passes are void.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// Grows when the operator ends all sessions: older passes are void, the line stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PassEpoch(pub u32);
