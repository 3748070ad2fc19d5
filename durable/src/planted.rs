//! Bugs on purpose, one line each, by which the simulation shows that its auditor would see the like. They exist in tests alone: without the feature
//! `planted-bugs` the question is a constant *no* and leaves nothing behind.

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The room has one seat more than it was given.
    OneSeatMore,
    /// Who was called is not counted against the pace.
    PaceForgetsCalled,
    /// The watermark passes over a place that nobody called.
    PlaceSkipped,
    /// A ticket that was exchanged is exchanged again.
    SpentClaimsAgain,
    /// A batch that is repeated is carried out again.
    BatchTwice,
    /// A renewal is told and not written.
    RenewalUnwritten,
    /// A called place that nobody claims holds its seat for ever.
    GhostHolds,
    /// A seat is free the moment its pass is given up.
    RevokedSeatAtOnce,
    /// A Room that is rebuilt passes over the first row behind a page.
    RowSkippedAtLoad,
    /// Latecomers take all of the pace.
    LatecomersRush,
    /// The alarm does not know that windows close.
    AlarmForgetsWindows,
    /// The first of those who join at once has no say in the draw.
    JoinUnmixed,
    /// A round does not draw whoever waits longest.
    LongestUndrawn,
    /// Half as many are expected as come when they are called.
    HalfExpected,
    /// Whoever gave a seat up gets it back.
    GivenUpReturns,
    /// A seat is given back though somebody else was promised it.
    PromisedReturns,
    /// What another isolate heard is as new as the moment it is heard of.
    SharedIsNew,
    /// The pace may be lowered below the operator's floor.
    FloorForgotten,
    /// A seat that a region has in hand is handed out, and is in its hand still.
    LeaseTwice,
    /// A ticket of an epoch of before counts as one of this one.
    OldEpochClaims,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 20] = [
        Bug::OneSeatMore,
        Bug::PaceForgetsCalled,
        Bug::PlaceSkipped,
        Bug::SpentClaimsAgain,
        Bug::BatchTwice,
        Bug::RenewalUnwritten,
        Bug::GhostHolds,
        Bug::RevokedSeatAtOnce,
        Bug::RowSkippedAtLoad,
        Bug::LatecomersRush,
        Bug::AlarmForgetsWindows,
        Bug::JoinUnmixed,
        Bug::LongestUndrawn,
        Bug::HalfExpected,
        Bug::GivenUpReturns,
        Bug::PromisedReturns,
        Bug::SharedIsNew,
        Bug::FloorForgotten,
        Bug::LeaseTwice,
        Bug::OldEpochClaims,
    ];
}

#[cfg(feature = "planted-bugs")]
mod active {
    use std::cell::Cell;

    use super::Bug;

    thread_local!(static ACTIVE: Cell<Option<Bug>> = const { Cell::new(None) });

    /// Plants a bug in this thread, or takes it away.
    pub fn plant(bug: Option<Bug>) {
        ACTIVE.set(bug);
    }

    /// Whether this bug is planted.
    pub fn planted(bug: Bug) -> bool {
        ACTIVE.get() == Some(bug)
    }
}

#[cfg(feature = "planted-bugs")]
pub use active::{plant, planted};

/// Whether this bug is planted: never.
#[cfg(not(feature = "planted-bugs"))]
pub const fn planted(_: Bug) -> bool {
    false
}
