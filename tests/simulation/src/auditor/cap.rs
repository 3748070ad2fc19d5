//! Rule 1: live seats never exceed the limit. A seat counts from the row that gave it until its pass is dead at every edge. A lowered limit
//! throws nobody out; it is looked at when the next one is let in.
//!
//! And its other half: what an edge lets through to the origin is alive by the same count. An edge that finds no board (*blind*) goes by the
//! pass alone, and a room that is switched off lets everybody through.

use durable::batch::Grant;
use durable::token::Pass;
use durable::units::Millis;

use super::facts::{DEAD_AFTER_EXPIRY, DEAD_AFTER_REVOCATION, PassFacts};
use super::{Auditor, Rule};

/// Seats come free in steps of this.
const TICK: Millis = Millis(100);
/// How long after a room was switched on again an edge may not know it.
const SUSPENDED_SLACK: Millis = Millis(30_000);

impl Auditor {
    /// A seat is given.
    pub(super) fn judge_cap(&mut self, at: Millis, grant: &Grant) {
        let (seat, generation) = (grant.seat.0, grant.generation.0);
        let Some(limits) = self.facts.limits else {
            return self.broke(at, Rule::Cap, "a seat was given before there were settings".into());
        };
        let live = self.facts.live(at);
        self.check(at, live < limits.seats, Rule::Cap, || {
            format!("seat {seat} is given as number {} of {}", live + 1, limits.seats)
        });
        let before = self.facts.passes.range((seat, 0)..(seat, u32::MAX)).next_back();
        if let Some(((_, last), pass)) = before.map(|(key, pass)| (*key, *pass)) {
            self.check(at, pass.dead_at <= at && last < generation, Rule::Cap, || {
                let dead_in = pass.dead_at.since(at).0;
                format!("seat {seat}.{generation} is given while {seat}.{last} is alive for {dead_in} ms")
            });
        }
        let (least, lifetime) = (limits.session, grant.expires.since(at));
        self.check(at, lifetime >= least, Rule::Kept, || format!("a pass for {} ms", lifetime.0));
    }

    /// A pass is renewed.
    pub(super) fn judge_renewed(&mut self, at: Millis, grant: &Grant) {
        let key = (grant.seat.0, grant.generation.0);
        let limits = self.facts.limits;
        let Some(pass) = self.facts.passes.get_mut(&key) else {
            return self.broke(at, Rule::Cap, format!("{key:?} is renewed and was never given"));
        };
        let before = *pass;
        pass.grant = *grant;
        pass.renewed_at.get_or_insert(at);
        pass.dead_at = grant.expires.plus(DEAD_AFTER_EXPIRY).max(before.dead_at);
        let is_alive = before.left_at.is_none() && at < before.dead_at.plus(TICK);
        self.check(at, is_alive, Rule::Cap, || format!("{key:?} is renewed and was dead"));
        let least = limits.filter(|limits| !limits.is_fixed).map_or(Millis(0), |limits| limits.session);
        let is_long = grant.expires.since(at) >= least && grant.expires >= before.grant.expires;
        self.check(at, is_long, Rule::Kept, || format!("{key:?} is renewed until {}", grant.expires.0));
        if !self.facts.alive.contains(&key) {
            self.facts.alive.push(key);
        }
    }

    /// A pass is given up: it is dead once every edge has had time to hear of it.
    pub(super) fn judge_pass_left(&mut self, at: Millis, key: (u32, u32), free_at: Millis) {
        let longest = self.facts.longest_age(at);
        let Some(pass) = self.facts.passes.get_mut(&key) else {
            return self.broke(at, Rule::Cap, format!("{key:?} is given up and was never given"));
        };
        let was_left = pass.left_at.replace(at).is_some();
        pass.dead_at = pass.dead_at.min(at.plus(longest).plus(DEAD_AFTER_REVOCATION));
        let dead_at = pass.dead_at;
        self.check(at, !was_left, Rule::Once, || format!("{key:?} is given up twice"));
        self.check(at, free_at >= dead_at, Rule::Cap, || {
            format!("{key:?} is to be free {} ms before it is dead", dead_at.since(free_at).0)
        });
    }

    /// All sessions end: every pass is dead once every edge has had time to hear of it.
    pub(super) fn judge_sessions_ended(&mut self, at: Millis, free_at: Millis) {
        let dead_at = at.plus(self.facts.longest_age(at)).plus(DEAD_AFTER_REVOCATION);
        for pass in self.facts.passes.values_mut().filter(|pass| pass.dead_at > at) {
            pass.left_at.get_or_insert(at);
            pass.dead_at = pass.dead_at.min(dead_at);
        }
        self.check(at, free_at >= dead_at, Rule::Cap, || {
            format!("seats are to be free {} ms before their passes are dead", dead_at.since(free_at).0)
        });
    }

    /// The origin sees a request with these tokens.
    pub fn origin_saw(&mut self, now: Millis, tokens: &[&str], is_blind: bool) {
        let recently = |at: Millis| now.since(at) <= SUSPENDED_SLACK;
        let suspended = self.facts.limits.is_some_and(|limits| limits.is_suspended)
            || self.facts.suspended_at.is_some_and(recently);
        let passes: Vec<Pass> = tokens.iter().filter_map(|token| self.pass(token)).collect();
        let known = |pass: &Pass| self.facts.passes.get(&(pass.seat.0, pass.generation.0));
        let is_alive =
            |pass: &Pass| known(pass).is_some_and(|facts: &PassFacts| now < facts.dead_at || is_blind);
        if !suspended && !passes.iter().any(is_alive) {
            let told: Vec<_> = passes.iter().map(|pass| (pass.seat.0, pass.generation.0)).collect();
            let dead: Vec<_> =
                passes.iter().filter_map(|pass| Some(now.since(known(pass)?.dead_at).0)).collect();
            self.broke(now, Rule::Cap, format!("the origin saw {told:?}, dead for {dead:?} ms"));
        }
    }
}
