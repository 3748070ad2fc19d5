//! A reset: the operator begins the room anew. Its epoch grows by one, so every ticket and every pass of before is void, and ranks begin at zero again.
//!
//! The cap holds across it (rule 1): whoever is inside has a seat until every edge has heard that their pass is void, as when all sessions end. Pace holds
//! too (rule 2): who was admitted in the last minute is not forgotten. What stays besides is what is about the room and not about who came: its
//! settings and events, the seeds that were promised for draws to come, the chain of rounds, what was learnt of those who are called, and batches that were
//! answered, for a repetition of one gets the reply of then, whose tickets are void.

use crate::codec::Malformed;
use crate::journal::Change;
use crate::kept::Kept;
use crate::seats;
use crate::state::{PageId, State};
use crate::turn::Turn;
use crate::units::{Epoch, Millis};

impl Turn<'_> {
    /// Everybody is out, in line and inside.
    pub(crate) fn reset(&mut self) -> Result<(), Malformed> {
        let free_at = seats::free_at(self.dead_at());
        self.dropped.extend(self.state.spent.page_numbers().map(PageId::Spent));
        self.change(Change::EpochBegun { free_at })?;
        // Whoever comes from here on is gathered anew for an event that is near. When the schedule stopped calling says no more: nobody has a turn.
        self.decided_at = self.now;
        self.follow_schedule()
    }
}

impl State {
    /// What a reset does to the head. Seats and spent tickets are on pages of their own.
    pub(crate) fn begin_epoch(&mut self, free_at: Millis) {
        self.epoch = Epoch(self.epoch.0.wrapping_add(1));
        self.line.begin_anew();
        self.draws.begin_anew();
        self.rounds.begin_anew();
        self.waits.begin_anew();
        self.kept = Kept::default();
        self.revocations_end(free_at);
    }
}
