//! Rule 3: no place is called before a lower one, and whoever asks within their window gets in at once. The window is the one that was told
//! (`claim_window` from the call on) and stands still while everybody is held. Excused is the Room only where an operator lowered a limit
//! since the call, or where it has learnt that some never come, and more came than it expected.
//!
//! Places and ranks are the same under `fifo`; where they are drawn (rule 9), [`Facts::rank_of`](super::facts::Facts::rank_of) says
//! otherwise, and the rest stands.

use durable::batch::{BatchAnswer, ClaimOutcome};
use durable::units::{Millis, Rank};

use super::facts::{LATE_WINDOW, RankFacts, Turn, key};
use super::pace::LEARNS_FROM;
use super::{Answered, Asked, Auditor, Rule};

impl Auditor {
    /// The watermark moves.
    pub(super) fn judge_call(
        &mut self,
        at: Millis,
        end: u64,
        holding: u32,
        (holds_until, late_until): (Millis, Millis),
    ) {
        let facts = &mut self.facts;
        let (first, issued) = (facts.called, facts.ranks.len() as u64);
        let Some(limits) = facts.limits else {
            return self.broke(at, Rule::Order, "places are called without settings".into());
        };
        let mut called = 0;
        for place in first..end.min(issued) {
            let rank = facts.rank_of(place);
            if let Some(facts) = facts.ranks.get_mut(rank as usize) {
                let closes_at = at.plus(limits.claim_window);
                facts.turn = Some(Turn { at, closes_at, holds_until, late_until });
                called += u64::from(!facts.left);
            }
        }
        facts.called = end;
        self.check(at, first < end && end <= issued, Rule::Order, || {
            format!("called are {end} of {issued}, before it were {first}")
        });
        self.check(at, called == u64::from(holding), Rule::Order, || {
            format!("{called} were called who have not left, and {holding} hold a seat")
        });
        let is_open = !limits.is_held && !limits.is_suspended;
        self.check(at, is_open, Rule::Order, || "places are called while everybody is held".into());
        let promised = at.plus(limits.claim_window);
        self.check(at, holds_until >= promised, Rule::Order, || format!("a window until {}", holds_until.0));
        let long = late_until >= at.plus(LATE_WINDOW);
        self.check(at, long, Rule::Ghosts, || format!("late until {}", late_until.0));
        self.judge_evenness(at, called);
    }

    /// Somebody is admitted, by a ticket or at first contact.
    pub(super) fn judge_entry(&mut self, at: Millis, rank: Option<Rank>) {
        let held = self.facts.limits.is_some_and(|limits| limits.is_held);
        self.check(at, !held, Rule::Order, || "somebody is admitted while everybody is held".into());
        let Some(rank) = rank else {
            let waiting = self.facts.waiting();
            return self.check(at, waiting == 0, Rule::Order, || {
                format!("a first contact is let in while {waiting} wait")
            });
        };
        let Some(facts) = self.facts.rank(rank.0).copied() else {
            return self.broke(at, Rule::Order, format!("rank {} was never given", rank.0));
        };
        let place = self.facts.place_of(rank.0);
        let called = place < self.facts.called && facts.turn.is_some();
        self.check(at, called, Rule::Order, || format!("rank {} enters uncalled", rank.0));
        let spent = facts.left || facts.pass.is_some();
        self.check(at, !spent, Rule::Once, || format!("rank {} enters, and was {facts:?}", rank.0));
        if let Some(turn) = facts.turn {
            self.judge_late_entry(at, rank.0, &turn);
        }
    }

    /// Claims were answered that were not answered before.
    pub(super) fn judge_claims(&mut self, at: Millis, asked_at_once: &[Asked], answered: &[Answered]) {
        let unsettled = asked_at_once.iter().any(|asked| matches!(asked, Asked::Settings));
        for (asked, answered) in asked_at_once.iter().zip(answered) {
            let (Asked::Batch(batch), Answered::Batch(BatchAnswer::Done(reply))) = (asked, answered) else {
                continue;
            };
            if self.facts.answers.contains_key(&key(&batch.name)) {
                continue;
            }
            for (claim, outcome) in batch.items.claims.iter().zip(&reply.claims) {
                if claim.epoch == reply.epoch {
                    let pass = self.facts.rank(claim.rank.0).and_then(|facts| facts.pass);
                    let is_excused = unsettled || is_touched(asked_at_once, claim.rank, pass);
                    self.judge_claim(at, claim.rank, outcome, is_excused);
                }
            }
        }
    }

    fn judge_claim(&mut self, at: Millis, rank: Rank, outcome: &ClaimOutcome, is_excused: bool) {
        let facts = self.facts.rank(rank.0).copied().unwrap_or_default();
        let Some(turn) = facts.turn else {
            let waits = matches!(outcome, ClaimOutcome::Waiting);
            return self.check(at, waits || is_excused || facts.left, Rule::Order, || {
                format!("rank {} is not called, and is told {outcome:?}", rank.0)
            });
        };
        if let Some(pass) = facts.pass {
            return self.judge_claim_again(at, rank, pass, outcome, is_excused);
        }
        if facts.left || is_excused {
            return;
        }
        let held = self.facts.limits.is_some_and(|limits| limits.is_held || limits.is_suspended);
        let lowered = self.facts.lowered_at.is_some_and(|lowered| lowered >= turn.at);
        let granted = matches!(outcome, ClaimOutcome::Granted(_));
        let kept = matches!(outcome, ClaimOutcome::Next { .. });
        let in_window = self.facts.moment(at) < turn.closes_at;
        if in_window && !held {
            let expected = self.facts.called < LEARNS_FROM;
            self.check(at, granted || (kept && (lowered || !expected)), Rule::Order, || {
                format!("rank {} asks within its window ({turn:?}) and is told {outcome:?}", rank.0)
            });
        } else if self.facts.moment(at) < turn.at.plus(LATE_WINDOW) {
            self.check(at, granted || kept, Rule::Ghosts, || {
                format!("rank {} comes late, but not too late ({turn:?}), and is told {outcome:?}", rank.0)
            });
        }
    }

    /// A called place is told *next*.
    pub(super) fn judge_kept(&mut self, at: Millis, rank: Rank) {
        let facts = self.facts.ranks.get_mut(rank.0 as usize);
        let Some(RankFacts { turn: Some(_), left: false, pass: None, kept_at, kept_on_clock }) = facts else {
            return self.broke(at, Rule::Ghosts, format!("rank {} is kept and has no turn", rank.0));
        };
        (*kept_at, *kept_on_clock) = (Some(at), Some(at));
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
