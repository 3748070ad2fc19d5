//! A reset: from its row on nobody of before is in line or inside. What was known of their ranks is put aside: ranks and places are counted from zero again,
//! and no ticket of before may be exchanged, called or given up. Passes go on being counted until they are dead everywhere (rule 1), admissions until
//! they are a minute old (rule 2).

use durable::batch::{Batch, ClaimOutcome, Reply};
use durable::token::Ticket;
use durable::units::{Epoch, Millis};

use super::facts::Facts;
use super::{Asked, Auditor, Rule};

impl Facts {
    /// Nobody has a place any more.
    fn begin_anew(&mut self) {
        self.issued_before.push(self.ranks.len() as u64);
        self.ranks.clear();
        self.laid_out = (Vec::new(), Vec::new());
        (self.called, self.call_began) = (0, None);
        self.cohorts.clear();
        self.draws.gathered = None;
        self.draws.held.clear();
        self.forget_all_rounds();
    }

    /// The epoch that tickets have to be of.
    pub(super) fn epoch(&self) -> Epoch {
        Epoch(self.issued_before.len() as u32)
    }

    /// How many tickets were given in the epoch of this one.
    pub(super) fn issued_with(&self, ticket: &Ticket) -> u64 {
        let before = self.issued_before.get(ticket.epoch.0 as usize).copied();
        let now = if ticket.epoch == self.epoch() { self.ranks.len() as u64 } else { 0 };
        before.unwrap_or(now)
    }
}

impl Auditor {
    /// The room begins anew.
    pub(super) fn judge_reset(&mut self, at: Millis, free_at: Millis, asked: &[Asked]) {
        let is_wanted = asked.iter().any(|asked| matches!(asked, Asked::Reset));
        self.check(at, is_wanted, Rule::Kept, || "the room is reset, and nobody wanted it".into());
        self.end_everybody(at, free_at);
        self.facts.begin_anew();
        self.facts.note_quiet(at);
    }

    /// A batch is answered in the epoch that it says, and its tickets are worth something in that alone.
    pub(super) fn judge_epoch(&mut self, at: Millis, batch: &Batch, reply: &Reply) {
        let epoch = self.facts.epoch();
        self.check(at, reply.epoch == epoch, Rule::Durable, || {
            format!("a batch is answered in {:?}, and it is {epoch:?}", reply.epoch)
        });
        for (claim, outcome) in batch.items.claims.iter().zip(&reply.claims) {
            let right = claim.epoch == epoch || *outcome == ClaimOutcome::Void;
            self.check(at, right, Rule::Once, || {
                format!("{claim:?} is of another epoch than {epoch:?}, and is told {outcome:?}")
            });
        }
    }
}
