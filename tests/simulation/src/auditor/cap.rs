//! Rule 1: live seats never exceed the limit. A seat counts from the row that gave it until its pass is dead at every edge. A lowered limit
//! throws nobody out; it is looked at when the next one is let in.
//!
//! And its other half: what an edge lets through to the origin is alive by the same count. An edge that finds no board (*blind*) goes by the
//! pass alone, and a room that is switched off lets everybody through.

use durable::batch::Grant;
use durable::draws::Occasion;
use durable::token::Pass;
use durable::units::Millis;

use super::facts::{DEAD_AFTER_EXPIRY, DEAD_AFTER_REVOCATION, OLDEST_BOARD, PassFacts, TICK, YOUNGEST_AGE};
use super::rules::Way;
use super::{Asked, Auditor, Rule};

impl Auditor {
    /// A seat is given.
    pub(super) fn judge_cap(&mut self, at: Millis, grant: &Grant, free_at: Millis) {
        let (seat, generation) = (grant.seat.0, grant.generation.0);
        let Some(limits) = self.facts.limits else {
            return self.broke(at, Rule::Cap, "a seat was given before there were settings".into());
        };
        let live = self.facts.live(at);
        self.check(at, live < limits.seats || limits.way == Way::Free, Rule::Cap, || {
            format!("seat {seat} is given as number {} of {}", live + 1, limits.seats)
        });
        let before = self.facts.passes.range((seat, 0)..(seat, u32::MAX)).next_back();
        if let Some(((_, last), pass)) = before.map(|(key, pass)| (*key, *pass)) {
            self.check(at, pass.dead_at <= at && last < generation, Rule::Cap, || {
                let dead_in = pass.dead_at.since(at).0;
                format!("seat {seat}.{generation} is given while {seat}.{last} is alive for {dead_in} ms")
            });
        }
        let (told, lifetime) = (limits.lifetime(), grant.expires.since(at));
        self.check(at, lifetime == told && grant.issued == at, Rule::Kept, || {
            format!("a pass for {} ms, not {}", lifetime.0, told.0)
        });
        self.judge_free(at, grant, free_at);
    }

    /// A seat is free once its pass is dead everywhere, and in the next step.
    pub(super) fn judge_free(&mut self, at: Millis, grant: &Grant, free_at: Millis) {
        let dead_at = grant.expires.plus(DEAD_AFTER_EXPIRY);
        let seat = grant.seat.0;
        self.check(at, free_at >= dead_at, Rule::Cap, || {
            format!("seat {seat} is to be free {} ms before its pass is dead", dead_at.since(free_at).0)
        });
        self.check(at, free_at < dead_at.plus(TICK), Rule::Live, || {
            format!("seat {seat} is to be free {} ms after its pass is dead", free_at.since(dead_at).0)
        });
    }

    /// A pass is renewed.
    pub(super) fn judge_renewed(&mut self, at: Millis, grant: &Grant, free_at: Millis) {
        let key = (grant.seat.0, grant.generation.0);
        let limits = self.facts.limits;
        let Some(pass) = self.facts.passes.get_mut(&key) else {
            return self.broke(at, Rule::Cap, format!("{key:?} is renewed and was never given"));
        };
        let before = *pass;
        (pass.grant, pass.free_at) = (*grant, free_at);
        pass.renewed_at.get_or_insert(at);
        pass.dead_at = grant.expires.plus(DEAD_AFTER_EXPIRY).max(before.dead_at);
        let is_alive = before.left_at.is_none() && at < before.dead_at.plus(TICK);
        self.check(at, is_alive, Rule::Cap, || format!("{key:?} is renewed and was dead"));
        // A pass is never shortened: it may be one of a longer D. Where sessions are fixed it stays as it was given.
        let (was, anew) = (before.grant, limits.filter(|limits| !limits.is_fixed));
        let told = anew
            .map_or((was.issued, was.expires), |limits| (at, was.expires.max(at.plus(limits.lifetime()))));
        self.check(at, (grant.issued, grant.expires) == told, Rule::Kept, || {
            format!("{key:?} is renewed for {} ms, by {limits:?}", grant.expires.since(at).0)
        });
        self.judge_free(at, grant, free_at);
        self.facts.revive(key);
    }

    /// A pass is given up: it is dead once every edge has had time to hear of it.
    pub(super) fn judge_pass_left(&mut self, at: Millis, key: (u32, u32), free_at: Millis) {
        let ends_at = self.facts.boards_end_at(at);
        let Some(pass) = self.facts.passes.get_mut(&key) else {
            return self.broke(at, Rule::Cap, format!("{key:?} is given up and was never given"));
        };
        let was_left = pass.left_at.replace(at).is_some();
        let expires_at = std::mem::replace(&mut pass.free_at, free_at);
        pass.dead_at = pass.dead_at.min(ends_at.plus(DEAD_AFTER_REVOCATION));
        let dead_at = pass.dead_at;
        self.check(at, !was_left, Rule::Once, || format!("{key:?} is given up twice"));
        self.check(at, free_at >= dead_at, Rule::Cap, || {
            format!("{key:?} is to be free {} ms before it is dead", dead_at.since(free_at).0)
        });
        self.judge_soon_free(at, free_at, expires_at);
    }

    /// A seat that was given up is free once the oldest boards are, or once its pass would have been dead in any way.
    fn judge_soon_free(&mut self, at: Millis, free_at: Millis, expires_at: Millis) {
        let oldest = if self.facts.was_quiet_lately(at) { OLDEST_BOARD } else { YOUNGEST_AGE };
        let latest = at.plus(oldest).plus(DEAD_AFTER_REVOCATION).plus(TICK).min(expires_at);
        self.check(at, free_at <= latest, Rule::Live, || {
            format!("what was given up is to be free {} ms too late", free_at.since(latest).0)
        });
    }

    /// All sessions end, by an operator or for a prequeue: every pass is dead once every edge has had time to hear of it.
    pub(super) fn judge_sessions_ended(
        &mut self,
        at: Millis,
        swept_for: Option<Occasion>,
        free_at: Millis,
        asked: &[Asked],
    ) {
        let by_operator = swept_for.is_none() && asked.iter().any(|asked| matches!(asked, Asked::EndAll));
        let for_event = swept_for.is_some_and(|swept| {
            self.facts.draws.owed.contains(&swept) || self.unswept(at).any(|unswept| unswept == swept)
        });
        self.facts.draws.owed.retain(|owed| swept_for != Some(*owed));
        self.facts.draws.swept.extend(swept_for);
        self.facts.sessions_ended.push((at, swept_for));
        self.check(at, by_operator || for_event, Rule::Kept, || {
            format!("sessions end for {swept_for:?}, and nobody wanted it")
        });
        self.end_everybody(at, free_at);
    }

    /// Nobody is inside any more.
    pub(super) fn end_everybody(&mut self, at: Millis, free_at: Millis) {
        let dead_at = self.facts.boards_end_at(at).plus(DEAD_AFTER_REVOCATION);
        for pass in self.facts.passes.values_mut().filter(|pass| pass.dead_at > at) {
            pass.left_at.get_or_insert(at);
            pass.dead_at = pass.dead_at.min(dead_at);
            pass.free_at = pass.free_at.min(free_at);
        }
        self.check(at, free_at >= dead_at, Rule::Cap, || {
            format!("seats are to be free {} ms before their passes are dead", dead_at.since(free_at).0)
        });
        self.judge_soon_free(at, free_at, Millis(u64::MAX));
    }

    /// The origin sees a request with these tokens, by an edge with this clock.
    pub fn origin_saw(&mut self, now: Millis, clock: Millis, tokens: &[&str], is_blind: bool) {
        let passes: Vec<Pass> = tokens.iter().filter_map(|token| self.pass(token)).collect();
        let known = |pass: &Pass| self.facts.passes.get(&(pass.seat.0, pass.generation.0));
        let lives = |facts: &PassFacts| now < facts.dead_at && !self.is_swept(clock, facts);
        let is_alive = |pass: &Pass| known(pass).is_some_and(|facts| is_blind || lives(facts));
        if !passes.iter().any(is_alive) && !self.is_open(now, clock) {
            let told: Vec<_> = passes.iter().map(|pass| (pass.seat.0, pass.generation.0)).collect();
            let dead: Vec<_> = passes
                .iter()
                .filter_map(|pass| {
                    let dead_at = known(pass)?.dead_at;
                    Some(now.since(dead_at).0 as i64 - dead_at.since(now).0 as i64)
                })
                .collect();
            self.broke(now, Rule::Cap, format!("the origin saw {told:?}, dead for {dead:?} ms"));
        }
    }
}
