//! The board: a room's public state, the same bytes for everybody. DESIGN 1 to 4.
//!
//! The edge decides from it without asking anyone, so a stale board must only ever *delay* an
//! admission: it says what was true at `at_ms`, and exactness lives at the claim.
//!
//! It is JSON with names, so that an old Worker reads a new board and the other way round: unknown
//! fields are passed over, absent ones have the value they had before they existed.

use crate::json::Value;
use crate::units::{Epoch, Millis, PassEpoch, Place};
use crate::wire::{Said, Wire, wire};

/// What a first contact meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nobody waits and there is room: let in at the first request.
    Open,
    /// `queue_all`: nobody new is let in, the line grows.
    Held,
    /// `suspended`: the room is off and everybody passes.
    Suspended,
    /// The page and an arrival; a rank for who comes back. Also what an unknown phase counts as.
    #[default]
    Busy,
}

impl Phase {
    /// Its name, on every wire and page.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Open => "open",
            Phase::Held => "held",
            Phase::Suspended => "suspended",
            Phase::Busy => "busy",
        }
    }
}

impl Said for Phase {
    fn say(&self, out: &mut String) {
        self.name().say(out);
    }
}

impl Wire for Phase {
    fn from_value(value: &Value) -> Option<Phase> {
        let phases = [Phase::Open, Phase::Held, Phase::Suspended];
        Some(phases.into_iter().find(|phase| value == phase.name()).unwrap_or_default())
    }

    fn absent() -> Option<Phase> {
        Some(Phase::default())
    }
}

/// See the module's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// The format's version.
    pub version: u8,
    /// Grows with every commit of the Room: of two boards the one with more counts.
    pub sequence: u64,
    /// The Room's clock when it was made.
    pub at_ms: u64,
    /// How long it may be acted on.
    pub max_age_ms: u64,
    /// The epoch tickets and passes must be of.
    pub epoch: u32,
    /// The pass epoch passes must be of.
    pub pass_epoch: u32,
    /// What a first contact meets.
    pub phase: Phase,
    /// Every place below it has been called.
    pub called: u64,
    /// Every place below it may no longer enter: its late window is over.
    pub void: u64,
    /// The next rank to be given.
    pub issued: u64,
    /// People in line who have not been called and have not left.
    pub waiting: u64,
    /// Places called in the last two minutes, as a rate; zero when that is not known yet.
    pub calls_per_hour: u64,
    /// How long a called place holds its seat.
    pub claim_window_ms: u64,
    /// The directory's version when the Room last heard of it.
    pub directory_version: u64,
    /// Moves when a pass is revoked: the list is then worth fetching.
    pub revoked_seq: u64,
}

wire!(Board {
    version,
    sequence,
    at_ms,
    max_age_ms,
    epoch,
    pass_epoch,
    phase,
    called,
    void,
    issued,
    waiting,
    calls_per_hour,
    claim_window_ms,
    directory_version,
    revoked_seq,
});

impl Board {
    /// The format this code writes.
    pub const VERSION: u8 = 1;
    /// `max_age_ms` while a line stands.
    pub const MAX_AGE_BUSY: Millis = Millis(1_000);
    /// `max_age_ms` while nobody waits.
    pub const MAX_AGE_QUIET: Millis = Millis(10_000);
    /// A board older than `max_age_ms` by this much leaves the fast path and is fetched first.
    pub const GRACE: Millis = Millis(1_000);

    /// The epoch, as its type.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    /// The pass epoch, as its type.
    pub fn pass_epoch(&self) -> PassEpoch {
        PassEpoch(self.pass_epoch)
    }

    /// Whether this place was called; its claim may still have to wait.
    pub fn has_called(&self, place: Place) -> bool {
        place.0 < self.called
    }

    /// How many are ahead at most: some of them may have left. A place the board has not heard of
    /// yet has everybody who waits before it.
    pub fn ahead_of(&self, place: Place) -> u64 {
        if place.0 >= self.issued {
            self.waiting.saturating_add(place.0 - self.issued)
        } else {
            place.0.saturating_sub(self.called).min(self.waiting.saturating_sub(1))
        }
    }
}

/// The passes given up early, apart from the board because it may be long. Fetched when
/// `revoked_seq` moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    /// The `revoked_seq` it belongs to.
    pub seq: u64,
    /// Seat and generation of each.
    pub passes: Vec<(u32, u32)>,
}

wire!(Revocations { seq, passes });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{from_text, to_text};

    #[test]
    fn old_and_new_boards_are_read_both_ways() {
        let newer = r#"{"version":9,"called":7,"phase":"drawing","draw":{"seed":"x"}}"#;
        let board: Board = from_text(newer.as_bytes()).unwrap();
        assert_eq!((board.called, board.phase, board.issued), (7, Phase::Busy, 0));
    }

    #[test]
    fn the_format_is_pinned() {
        let board = Board { version: Board::VERSION, called: 3, phase: Phase::Held, ..Board::default() };
        assert_eq!(
            to_text(&board),
            r#"{"version":1,"sequence":0,"at_ms":0,"max_age_ms":0,"epoch":0,"pass_epoch":0,"phase":"held","called":3,"void":0,"issued":0,"waiting":0,"calls_per_hour":0,"claim_window_ms":0,"directory_version":0,"revoked_seq":0}"#
        );
    }

    #[test]
    fn people_ahead_never_exceed_the_others_who_wait() {
        let board = Board { called: 10, issued: 20, waiting: 4, ..Board::default() };
        assert_eq!(board.ahead_of(Place(10)), 0);
        assert_eq!(board.ahead_of(Place(12)), 2);
        assert_eq!(board.ahead_of(Place(19)), 3);
        assert_eq!(board.ahead_of(Place(21)), 5);
    }
}
