//! Seats that regions have in hand for first contacts: of rule 1, that each is handed out or given back and never both. Whoever was handed one that was given
//! back has a pass that is dead, and the origin does not see it: so it counts for no pace.

use durable::batch::{Batch, Reply};
use durable::units::Millis;

use super::facts::TICK;
use super::{Asked, Auditor, Rule};

impl Auditor {
    /// A region is given seats, for which it asked.
    pub(super) fn judge_leases(&mut self, at: Millis, batch: &Batch, reply: &Reply) {
        reply.leased.iter().for_each(|grant| self.judge_grant(at, grant));
        let leased = reply.leased.iter().map(|grant| (grant.seat.0, grant.generation.0));
        self.facts.leased.extend(leased);
        self.check(at, reply.leased.len() <= batch.items.leases as usize, Rule::Once, || {
            format!("{} seats to have in hand, of {} asked for", reply.leased.len(), batch.items.leases)
        });
    }

    /// A seat is given back, by who had it in hand: it is free at once.
    pub(super) fn judge_lease_returned(&mut self, at: Millis, key: (u32, u32), asked: &[Asked]) {
        let was_in_hand = self.facts.leased.remove(&key);
        let is_asked = asked.iter().any(|asked| match asked {
            Asked::Batch(batch) => {
                batch.items.lease_returns.iter().any(|pass| (pass.seat.0, pass.generation.0) == key)
            }
            _ => false,
        });
        let Some(pass) = self.facts.passes.get_mut(&key) else {
            return self.broke(at, Rule::Cap, format!("{key:?} is given back and was never given"));
        };
        let before = *pass;
        let given = (before.admitted_at, false);
        if let Some(index) = self.facts.admissions.iter().rposition(|admission| *admission == given) {
            self.facts.admissions.remove(index);
        }
        pass.left_at.get_or_insert(at);
        (pass.dead_at, pass.free_at) = (at, at);
        // It may be long on its way, to a Room that does not answer.
        let is_live = at < before.dead_at.max(before.free_at.plus(TICK));
        let is_unused = before.renewed_at.is_none() && before.left_at.is_none();
        self.check(at, was_in_hand && is_asked && is_unused && is_live, Rule::Cap, || {
            format!("{key:?} is given back by a region that does not have it in hand: {before:?}")
        });
    }
}
