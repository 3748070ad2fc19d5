//! Rules 4, 5 and 6: a ticket is exchanged once; ranks have neither gaps nor repeats; a batch is carried out once, whatever its calls do;
//! and what is told is in rows.

use durable::batch::{Batch, BatchAnswer, BatchName, ClaimOutcome, Grant, RenewOutcome, Reply};
use durable::units::{Millis, Rank};

use super::facts::{TICK, key};
use super::{Answered, Asked, Auditor, Rule};

/// Asking again gives the same pass at least so long.
const REPEAT: Millis = Millis(120_000);

impl Auditor {
    /// A ticket that was exchanged is brought again.
    pub(super) fn judge_claim_again(
        &mut self,
        at: Millis,
        rank: Rank,
        pass: (u32, u32),
        outcome: &ClaimOutcome,
        is_excused: bool,
    ) {
        let Some(facts) = self.facts.passes.get(&pass).copied() else { return };
        if let ClaimOutcome::Granted(grant) = outcome {
            let same = (grant.seat.0, grant.generation.0) == pass;
            self.check(at, same, Rule::Once, || {
                format!("rank {} has {pass:?} and is given {:?}", rank.0, (grant.seat, grant.generation))
            });
        }
        let recent = facts.renewed_at.is_none() || at.since(facts.admitted_at) <= REPEAT;
        // Of a seat that was given back the ticket is forgotten.
        let recent = recent && !facts.is_returned;
        let alive = facts.left_at.is_none() && at < facts.dead_at;
        let right = if alive && recent {
            matches!(outcome, ClaimOutcome::Granted(_))
        } else {
            matches!(outcome, ClaimOutcome::Used)
        };
        // An expired pass holds its seat for a while yet, and the Room frees seats in steps.
        let fading = at >= facts.grant.expires && at <= facts.dead_at.plus(TICK);
        self.check(at, right || is_excused || fading, Rule::Once, || {
            format!("rank {} has {pass:?} ({facts:?}), asks again and is told {outcome:?}", rank.0)
        });
    }

    /// A ticket is given up.
    pub(super) fn judge_ticket_left(&mut self, at: Millis, rank: Rank) {
        let known = self.facts.ranks.get_mut(rank.0 as usize);
        let was = known.map(|facts| (std::mem::replace(&mut facts.left, true), facts.pass));
        self.check(at, was == Some((false, None)), Rule::Once, || {
            format!("rank {} is given up, and was {was:?}", rank.0)
        });
    }

    /// A batch was carried out: for the first time, with ranks that follow those before, and with passes that are in rows.
    pub(super) fn judge_answered(
        &mut self,
        at: Millis,
        (name, digest): (&BatchName, &[u8; 32]),
        reply: &[u8],
        joined: u64,
        asked: &[Asked],
    ) {
        let Ok(reply) = Reply::decode(reply) else {
            return self.broke(at, Rule::Durable, "a reply that cannot be read".into());
        };
        let before = self.facts.answers.insert(key(name), (*digest, reply.clone()));
        self.check(at, before.is_none(), Rule::Once, || format!("{name:?} is carried out again"));
        let batches = asked.iter().filter_map(|asked| match asked {
            Asked::Batch(batch) => Some(&**batch),
            _ => None,
        });
        let batch = batches.into_iter().find(|batch| batch.name == *name && batch.digest == *digest);
        let Some(batch) = batch else {
            return self.broke(at, Rule::Once, format!("{name:?} was not asked"));
        };
        self.judge_epoch(at, batch, &reply);
        let first = self.facts.ranks.len() as u64 - joined;
        let dense = reply.first_rank.0 == first && joined == batch.items.joins.len() as u64;
        self.check(at, dense, Rule::Dense, || {
            let (asked, told) = (batch.items.joins.len(), reply.first_rank.0);
            format!("{asked} join from {told} on; committed are {joined} from {first} on")
        });
        for (rank, holder) in self.facts.ranks.iter_mut().skip(first as usize).zip(&batch.items.joins) {
            rank.holder = holder.0;
        }
        self.judge_grants(at, batch, &reply);
    }

    fn judge_grants(&mut self, at: Millis, batch: &Batch, reply: &Reply) {
        for (claim, outcome) in batch.items.claims.iter().zip(&reply.claims) {
            if let ClaimOutcome::Granted(grant) = outcome {
                let pass = self.facts.rank(claim.rank.0).and_then(|facts| facts.pass);
                let same = pass == Some((grant.seat.0, grant.generation.0));
                self.check(at, same, Rule::Durable, || {
                    format!("rank {} is told {grant:?}, committed is {pass:?}", claim.rank.0)
                });
                self.judge_grant(at, grant);
            }
        }
        for (pass, outcome) in batch.items.renewals.iter().zip(&reply.renewals) {
            match outcome {
                RenewOutcome::Renewed(grant) => {
                    let same = (grant.seat, grant.generation) == (pass.seat, pass.generation);
                    self.check(at, same, Rule::Once, || format!("{pass:?} is renewed as {grant:?}"));
                    self.judge_grant(at, grant);
                }
                RenewOutcome::Ended => self.judge_ended(at, pass),
            }
        }
        reply.entered.iter().for_each(|grant| self.judge_grant(at, grant));
        let entered = reply.entered.len() <= batch.items.enters as usize;
        self.check(at, entered, Rule::Once, || "more enter than asked".into());
        self.judge_leases(at, batch, reply);
    }

    pub(super) fn judge_grant(&mut self, at: Millis, grant: &Grant) {
        let committed = self.facts.passes.get(&(grant.seat.0, grant.generation.0)).map(|pass| pass.grant);
        self.check(at, committed == Some(*grant), Rule::Durable, || {
            format!("told is {grant:?}, committed is {committed:?}")
        });
    }

    /// Answers are about to be told.
    pub(super) fn judge_told(&mut self, now: Millis, asked: &[Asked], answered: &[Answered]) {
        for (asked, answered) in asked.iter().zip(answered) {
            let (Asked::Batch(batch), Answered::Batch(BatchAnswer::Done(reply))) = (asked, answered) else {
                continue;
            };
            let committed = self.facts.answers.get(&key(&batch.name));
            let same = committed.is_some_and(|(digest, told)| (digest, told) == (&batch.digest, reply));
            self.check(now, same, Rule::Durable, || format!("{:?} is told what no row says", batch.name));
        }
    }
}
