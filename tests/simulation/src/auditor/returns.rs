//! Return, of rules 1 and 4: a pass that the clock alone ended gets its seat back, outside line and pace, if nobody else has it or was promised one. And
//! its other half: whoever has that right and asks is not turned away.

use durable::batch::{Grant, PassRef};
use durable::units::Millis;

use super::facts::DEAD_AFTER_EXPIRY;
use super::{Auditor, Rule};

/// A wish is under way so long at most, by clocks that differ: edges bring none of a pass that expired longer ago than it was good for.
const UNDER_WAY: Millis = Millis(30_000);

impl Auditor {
    /// A seat is given back.
    pub(super) fn judge_returned(&mut self, at: Millis, grant: &Grant, free_at: Millis) {
        let key = (grant.seat.0, grant.generation.0);
        let (Some(limits), Some(before)) = (self.facts.limits, self.facts.passes.get(&key).copied()) else {
            return self.broke(at, Rule::Cap, format!("{key:?} is given back and was never given"));
        };
        let (live, (_, expected)) = (self.facts.live(at), self.facts.expected(self.facts.moment(at)));
        let late = self.facts.kept_before(at, u64::MAX, false, |facts| facts.kept_at);
        self.check(at, live + expected + late < limits.seats, Rule::Cap, || {
            format!(
                "{key:?} is given back; {live} are inside, {expected} expected and {late} told next, of {}",
                limits.seats
            )
        });
        let ended_by_clock = before.left_at.is_none() && at >= before.dead_at && self.is_newest(key);
        self.check(at, ended_by_clock && limits.way.calls() && !limits.is_fixed, Rule::Once, || {
            format!("{key:?} is given back, of {before:?}, by {limits:?}")
        });
        let was_good = before.grant.expires.since(before.grant.issued);
        let away = at.since(before.grant.expires);
        self.check(at, away <= was_good.plus(UNDER_WAY), Rule::Once, || {
            format!("{key:?} is given back after {} ms, and was good for {}", away.0, was_good.0)
        });
        let right = grant.issued == at && grant.expires.since(at) == limits.lifetime();
        self.check(at, right, Rule::Kept, || {
            format!("{key:?} is given back for {} ms, by {limits:?}", grant.expires.since(at).0)
        });
        self.judge_free(at, grant, free_at);
        if let Some(pass) = self.facts.passes.get_mut(&key) {
            (pass.grant, pass.free_at, pass.is_returned) = (*grant, free_at, true);
            pass.dead_at = grant.expires.plus(DEAD_AFTER_EXPIRY);
            pass.renewed_at.get_or_insert(at);
        }
        self.facts.revive(key);
    }

    /// Somebody who wants their pass renewed, or their seat back, is told that it ended.
    pub(super) fn judge_ended(&mut self, at: Millis, pass: &PassRef) {
        let key = (pass.seat.0, pass.generation.0);
        let ended = self.facts.sessions_ended.len();
        let (Some(limits), Some(facts)) = (self.facts.limits, self.facts.passes.get(&key).copied()) else {
            return;
        };
        let is_current = pass.epoch == self.facts.epoch() && pass.pass_epoch.0 as usize == ended;
        if !is_current || facts.left_at.is_some() || !self.is_newest(key) {
            return;
        }
        let has_expired = at >= facts.grant.expires;
        let rightly = if limits.is_fixed || at < facts.dead_at {
            limits.is_fixed && has_expired
        } else {
            !limits.way.calls() || self.facts.surely_free(at, &limits) == 0
        };
        self.check(at, rightly, Rule::Kept, || {
            format!("{key:?} ({facts:?}) asks and is told that it ended, by {limits:?}")
        });
    }

    /// Whether nobody had the seat after this pass.
    fn is_newest(&self, (seat, generation): (u32, u32)) -> bool {
        self.facts.passes.range((seat, generation + 1)..=(seat, u32::MAX)).next().is_none()
    }
}
