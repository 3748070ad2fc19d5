//! Rule 3: no place is called before a lower one, and whoever asks within their window gets in at once. The window is the one that was told
//! (`claim_window` from the call on) and stands still while everybody is held. Excused is the Room only where an operator lowered a limit
//! since the call, or where it has learnt that some never come, and more came than it expected.
//!
//! Places and ranks are the same unless an event drew them (`draws`, rule 9); of rounds there is more in `rounds`.

use durable::batch::{BatchAnswer, ClaimOutcome};
use durable::units::{Millis, Rank};

use super::facts::{LAST_REQUEST, LATE_WINDOW, Turn, key};
use super::late::KEPT;
use super::rules::Way;
use super::{Answered, Asked, Auditor, Rule};

/// A drawn place's window begins so long after the start, at the earliest.
const DRAWN_AFTER: Millis = Millis(30_000);

impl Auditor {
    /// The watermark moves.
    pub(super) fn judge_call(
        &mut self,
        at: Millis,
        end: u64,
        holding: u32,
        (holds_until, late_until): (Millis, Millis),
    ) {
        if late_until == Millis(0) {
            return self.judge_died(at, end);
        }
        let facts = &mut self.facts;
        let (first, issued) = (facts.called, facts.ranks.len() as u64);
        let Some(limits) = facts.limits else {
            return self.broke(at, Rule::Order, "places are called without settings".into());
        };
        let (mut shortest, mut dead, clock) = (None, None, facts.moment(at));
        let cohort = facts.begin_cohort((holds_until, late_until), holding);
        let (mut called, mut afresh) = (0, 0);
        for place in first..end.min(issued) {
            let rank = facts.rank_of(place) as usize;
            // Who was drawn has to hear of it first.
            let undrawn = facts.draws.start_of(place).is_none();
            let told = facts.draws.start_of(place).map_or(at, |start| at.max(start.plus(DRAWN_AFTER)));
            let closes_at = told.plus(limits.claim_window);
            let is_short =
                holds_until < closes_at && facts.rank(rank as u64).is_some_and(|rank| !rank.is_spent());
            shortest = if is_short { Some(place) } else { shortest };
            let turn = Turn { at, closes_at, holds_until, late_until };
            let before = facts.ranks.get(rank).and_then(|rank| rank.cohort.filter(|_| !rank.is_spent()));
            let held = before.and_then(|before| facts.cohorts.get_mut(before));
            let is_held = held.is_some_and(|before| before.give_up_one(clock));
            let Some(facts) = facts.ranks.get_mut(rank) else { continue };
            if !facts.is_spent() {
                dead = dead.or(facts.is_long_dead(at).then_some(rank).filter(|_| undrawn));
                // Whom a round called, and who has not come, is the line's from now on.
                (facts.cohort, facts.round) = (Some(cohort), None);
                called += 1;
                afresh += u64::from(!is_held);
            }
            (facts.turn, facts.is_passed) = (Some(turn), true);
        }
        facts.called = end;
        // Whoever is called together with drawn places may share their window: one call has one, in however many parts it is written.
        let of_call = facts.call_began.filter(|(then, _)| *then == at).map_or(first, |(_, first)| first);
        facts.call_began = Some((at, of_call));
        let begins = facts.draws.last_start_from(of_call).map_or(at, |start| at.max(start.plus(DRAWN_AFTER)));
        let latest = begins.plus(limits.claim_window).plus(LAST_REQUEST);
        self.check(at, first < end && end <= issued, Rule::Order, || {
            format!("called are {end} of {issued}, before it were {first}")
        });
        self.check(at, called == u64::from(holding), Rule::Order, || {
            format!("{called} were called who have not left, and {holding} hold a seat")
        });
        // Whoever is gone is called over in any way.
        self.check(at, limits.way == Way::InOrder || called == 0, Rule::Order, || {
            format!("places are called in {:?}", limits.way)
        });
        self.check(at, shortest.is_none(), Rule::Order, || {
            format!("a window until {} is too short for place {shortest:?}", holds_until.0)
        });
        self.check(at, holds_until <= latest, Rule::Order, || {
            format!("a window is {} ms too long", holds_until.since(latest).0)
        });
        self.check(at, dead.is_none(), Rule::Ghosts, || {
            format!("rank {dead:?} is called, a day and more old")
        });
        let is_late_enough = late_until >= at.plus(LATE_WINDOW);
        self.check(at, is_late_enough && late_until <= holds_until.plus(LATE_WINDOW), Rule::Ghosts, || {
            format!(
                "late {} ms after the call, and after a window until {}",
                late_until.since(at).0,
                holds_until.0
            )
        });
        self.judge_evenness(at, afresh);
        self.judge_expected(at, holding);
    }

    /// The watermark passes over tickets that have died: nothing is held for them, and nothing was taken from anybody who lives.
    fn judge_died(&mut self, at: Millis, end: u64) {
        let facts = &mut self.facts;
        let mut alive = None;
        for place in facts.called..end.min(facts.ranks.len() as u64) {
            let rank = facts.rank_of(place);
            let Some(facts) = facts.ranks.get_mut(rank as usize) else { continue };
            if !facts.is_spent() && !facts.has_died(at) {
                alive = Some(rank);
            }
            (facts.turn, facts.round, facts.cohort, facts.is_passed) = (None, None, None, true);
        }
        facts.called = end;
        self.check(at, alive.is_none(), Rule::Kept, || format!("rank {alive:?} is passed over as dead"));
    }

    /// Turns stand still from now on, or no longer. Where the schedule stopped calling, they do so from that moment on.
    pub(super) fn judge_held(&mut self, at: Millis, held: bool, is_ordered: bool) {
        let calls = |at: Millis| self.facts.orders.limits(at).is_some_and(|limits| limits.way.calls());
        let late = held && !is_ordered && !calls(at) && !calls(at.minus(Millis(1)));
        let (was_held, calls) = (self.facts.held_since.is_some(), calls(at));
        self.check(at, !late || was_held, Rule::Order, || {
            "turns are held later than the schedule says".into()
        });
        let needless = held && calls && !self.are_claims_vain(at);
        self.check(at, !needless, Rule::Order, || "turns are held while whoever asks could get in".into());
        self.facts.hold(at, held);
    }

    /// Whether somebody asked in vain, and the next would: there is no seat, or no pace.
    fn are_claims_vain(&mut self, at: Millis) -> bool {
        let Some(limits) = self.facts.limits else { return false };
        let is_recent = |kept: Option<Millis>| kept.is_some_and(|kept| at.since(kept) <= KEPT);
        self.facts.may_be_full(at, &limits)
            && self.facts.pending().any(|(_, _, facts)| is_recent(facts.kept_at) || facts.asks_in_vain(at))
    }

    /// Turns have stood still since then: an alarm was late, and the schedule's own instant counts.
    pub(super) fn judge_held_since(&mut self, at: Millis, since: Millis) {
        let calls = |at: Millis| self.facts.orders.limits(at).is_some_and(|limits| limits.way.calls());
        let stopped = calls(since.minus(Millis(1))) && !calls(since);
        self.check(at, since <= at && stopped, Rule::Order, || format!("turns are held since {}", since.0));
        self.facts.hold(since, true);
    }

    /// Somebody is admitted, by a ticket or at first contact.
    pub(super) fn judge_entry(&mut self, at: Millis, rank: Option<Rank>) {
        let way = self.facts.limits.map_or(Way::Held, |limits| limits.way);
        let is_free = way == Way::Free && rank.is_none();
        self.check(at, way.calls() || is_free, Rule::Order, || format!("{rank:?} is admitted in {way:?}"));
        let Some(rank) = rank else {
            let waiting = self.facts.waiting().count();
            return self.check(at, waiting == 0 || is_free, Rule::Order, || {
                format!("a first contact is let in while {waiting} wait")
            });
        };
        let Some(facts) = self.facts.rank(rank.0).copied() else {
            return self.broke(at, Rule::Order, format!("rank {} was never given", rank.0));
        };
        self.check(at, facts.turn.is_some(), Rule::Order, || format!("rank {} enters uncalled", rank.0));
        self.check(at, !facts.is_spent(), Rule::Once, || {
            format!("rank {} enters, and was {facts:?}", rank.0)
        });
        if let Some(turn) = facts.turn {
            self.judge_late_entry(at, rank.0, &turn);
        }
    }

    /// Claims were answered that were not answered before.
    pub(super) fn judge_claims(
        &mut self,
        at: Millis,
        asked_at_once: &[Asked],
        answered: &[Answered],
        sessions_end: bool,
    ) {
        // By what holds after a step cannot be said what held for a claim in the midst of it.
        let unsettled = asked_at_once.iter().any(|asked| matches!(asked, Asked::Settings | Asked::Reset));
        for (asked, answered) in asked_at_once.iter().zip(answered) {
            let (Asked::Batch(batch), Answered::Batch(BatchAnswer::Done(reply))) = (asked, answered) else {
                continue;
            };
            if self.facts.answers.contains_key(&key(&batch.name)) {
                continue;
            }
            for (claim, outcome) in batch.items.claims.iter().zip(&reply.claims) {
                if claim.epoch == self.facts.epoch() {
                    let pass = self.facts.rank(claim.rank.0).and_then(|facts| facts.pass);
                    let is_excused = unsettled || is_touched(asked_at_once, claim.rank, pass);
                    match pass {
                        Some(pass) => {
                            let is_excused = is_excused || sessions_end;
                            self.judge_claim_again(at, claim.rank, pass, outcome, is_excused);
                        }
                        None if is_excused => {}
                        None => self.judge_claim(at, claim.rank, outcome),
                    }
                }
            }
        }
    }

    fn judge_claim(&mut self, at: Millis, rank: Rank, outcome: &ClaimOutcome) {
        let facts = self.facts.rank(rank.0).copied().unwrap_or_default();
        if facts.left {
            return;
        }
        let Some(turn) = facts.turn else {
            let waits = match outcome {
                ClaimOutcome::Waiting => !facts.is_passed,
                ClaimOutcome::Void => facts.is_passed,
                _ => false,
            };
            return self.check(at, waits, Rule::Order, || {
                format!("rank {} is not called, and is told {outcome:?}", rank.0)
            });
        };
        let held = !self.facts.limits.is_some_and(|limits| limits.way.calls());
        let lowered = self.facts.lowered_at.is_some_and(|lowered| lowered >= turn.at);
        let granted = matches!(outcome, ClaimOutcome::Granted(_));
        let kept = matches!(outcome, ClaimOutcome::Next { .. });
        let in_window = self.facts.moment(at) < turn.closes_at;
        if in_window && !held {
            let expected = self.facts.show_up.is_new();
            self.check(at, granted || (kept && (lowered || !expected)), Rule::Order, || {
                format!("rank {} asks within its window ({turn:?}) and is told {outcome:?}", rank.0)
            });
        } else if self.facts.moment(at) < turn.late_until {
            self.check(at, granted || kept, Rule::Ghosts, || {
                format!("rank {} comes late, but not too late ({turn:?}), and is told {outcome:?}", rank.0)
            });
        }
    }

    /// A called place is told *next*: in its window only where there is neither a seat nor pace that no lower one is waiting for.
    pub(super) fn judge_kept(&mut self, at: Millis, rank: Rank) {
        let known = self.facts.rank(rank.0).copied();
        let Some(turn) = known.filter(|facts| !facts.is_spent()).and_then(|facts| facts.turn) else {
            return self.broke(at, Rule::Ghosts, format!("rank {} is kept, and was {known:?}", rank.0));
        };
        if let Some(limits) = self.facts.limits.filter(|limits| limits.way.calls())
            && self.facts.moment(at) < turn.holds_until
        {
            let (taken, admitted) = (self.facts.taken(at), self.facts.admitted(at));
            let lower =
                self.facts.kept_before(at, self.facts.place_of(rank.0), true, |facts| facts.kept_on_clock);
            let is_full = taken + lower >= limits.seats || admitted >= limits.per_minute;
            self.check(at, is_full, Rule::Ghosts, || {
                format!(
                    "rank {} is told next; {taken} of {} seats are taken, {lower} go before",
                    rank.0, limits.seats
                )
            });
        }
        let clock = self.facts.moment(at);
        if let Some(facts) = self.facts.ranks.get_mut(rank.0 as usize) {
            (facts.kept_at, facts.kept_on_clock) = (Some(at), Some(clock));
        }
    }
}

/// Whether the same step gives up the ticket, or renews or gives up its pass: then the order among them decides, and either answer may
/// be right.
fn is_touched(asked: &[Asked], rank: Rank, pass: Option<(u32, u32)>) -> bool {
    let batches = asked.iter().filter_map(|asked| match asked {
        Asked::Batch(batch) => Some(&batch.items),
        _ => None,
    });
    batches.into_iter().any(|items| {
        let mut passes = items.pass_leaves.iter().chain(&items.renewals);
        items.ticket_leaves.iter().any(|left| left.rank == rank)
            || passes.any(|touched| pass == Some((touched.seat.0, touched.generation.0)))
    })
}
