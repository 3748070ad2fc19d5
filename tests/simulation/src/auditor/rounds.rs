//! Rule 9, of rounds: each draws among all who wait, by the next seed of a chain that was committed to before, and no more often than every 30 s.
//! Who won stays called while the round is kept, and waits again after that. Who would have won, had they not been called already, is that
//! later round's once the earlier one is forgotten: late, for what is left of it.

use std::collections::VecDeque;

use durable::board::Board;
use durable::draw::Draw;
use durable::units::{Millis, Rank};

use super::facts::{Facts, LAST_REQUEST, Turn, WINDOW};
use super::lots::{digest, ranks_by_place};
use super::rules::{Limits, Way};
use super::{Auditor, Rule};

/// From one round to the next.
const SPACING: Millis = Millis(30_000);
/// Rounds of one chain.
const CHAIN_LENGTH: u32 = 20_160;
/// Rounds that are kept.
const KEPT_MAX: usize = 32;
/// How long after its round a winner may still enter, and no longer where the window is over by then.
const LATE_WINDOW: Millis = Millis(31 * 30_000);

/// A round that is kept.
#[derive(Clone, Debug)]
pub(super) struct RoundFacts {
    /// Its number among all there were.
    pub(super) number: u64,
    at: Millis,
    closes_at: Millis,
    late_until: Millis,
    called: Vec<u64>,
    doubles: Vec<u64>,
}

/// See the module's words.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    /// When the chain began, and what the next seed leads to.
    chain: Option<(Millis, [u8; 32])>,
    /// When the last one was held.
    pub(super) last_at: Option<Millis>,
    count: u64,
    of_chain: u32,
    kept: VecDeque<RoundFacts>,
}

impl RoundFacts {
    fn is_void(&self, clock: Millis) -> bool {
        self.closes_at <= clock && self.late_until <= clock
    }
}

impl Facts {
    /// Rounds whose late window is over are forgotten, the oldest first.
    pub(super) fn forget_rounds(&mut self, clock: Millis) {
        while self.rounds.kept.front().is_some_and(|round| round.is_void(clock)) {
            self.forget_oldest();
        }
    }

    /// The room was reset: the chain goes on.
    pub(super) fn forget_all_rounds(&mut self) {
        self.rounds.kept.clear();
        self.rounds.last_at = None;
    }

    fn forget_oldest(&mut self) {
        let Some(round) = self.rounds.kept.pop_front() else { return };
        for rank in &round.called {
            if let Some(facts) =
                self.ranks.get_mut(*rank as usize).filter(|facts| facts.round == Some(round.number))
            {
                facts.round = None;
                if !facts.is_spent() {
                    facts.cohort = None;
                }
            }
        }
        for rank in round.called.iter().chain(&round.doubles) {
            self.settle(*rank);
        }
    }

    /// The turn of a rank that neither the watermark nor a round of its own gives one.
    fn settle(&mut self, rank: u64) {
        let doubled = self.rounds.kept.iter().rev().find(|round| round.doubles.contains(&rank));
        let turn = doubled.map(|round| Turn {
            at: round.at,
            closes_at: round.at,
            holds_until: round.at,
            late_until: round.late_until,
        });
        if let Some(facts) = self.ranks.get_mut(rank as usize)
            && facts.round.is_none()
            && !facts.is_passed
        {
            facts.turn = turn;
        }
    }

    /// So many a round has to call: all who wait, for whom there are seats and what half a minute of pace leaves. Where the pace was changed lately, that
    /// is not known.
    fn owed_of_round(&mut self, at: Millis, limits: &Limits) -> u64 {
        if at.since(self.configured_at) <= WINDOW || at.since(self.slowed_at) <= WINDOW {
            return 0;
        }
        let lately = |then: Millis| at.since(then) <= SPACING;
        let called = self.calls.iter().rev().take_while(|(then, _)| lately(*then)).map(|(_, count)| count);
        let unasked = self.admissions.iter().rev().take_while(|(then, _)| lately(*then));
        let unasked = unasked.filter(|(_, by_ticket)| !by_ticket).count()
            + self.late.iter().filter(|then| lately(**then)).count();
        let spent = called.sum::<u64>().div_ceil(1_000) + unasked as u64 + 1;
        let pace = (self.pace(limits) / 2).saturating_sub(spent);
        self.callable(at, limits).min(pace).min(self.waiting().count() as u64)
    }

    /// Nobody could claim for so long.
    pub(super) fn pause_rounds(&mut self, since: Millis, pause: Millis) {
        for round in self.rounds.kept.iter_mut().filter(|round| round.closes_at > since) {
            round.closes_at = round.closes_at.plus(pause);
            round.late_until = round.late_until.plus(pause);
        }
        let doubles: Vec<u64> = self.rounds.kept.iter().flat_map(|round| round.doubles.clone()).collect();
        doubles.into_iter().for_each(|rank| self.settle(rank));
    }
}

impl Auditor {
    /// A chain is committed to.
    pub(super) fn judge_chain(&mut self, at: Millis, tip: [u8; 32], commitment: [u8; 32]) {
        let rounds = &mut self.facts.rounds;
        let is_due = rounds.chain.is_none() || (rounds.kept.is_empty() && rounds.of_chain > CHAIN_LENGTH / 2);
        (rounds.chain, rounds.of_chain) = (Some((at, commitment)), 0);
        let leads = (0..CHAIN_LENGTH).fold(tip, |seed, _| digest(&[&seed])) == commitment;
        self.check(at, is_due && leads, Rule::Drawn, || {
            format!("a chain begins: due {is_due}, and its last seed leads to its commitment: {leads}")
        });
    }

    /// A round is held.
    pub(super) fn judge_round(
        &mut self,
        at: Millis,
        (draw, cut): (&Draw, u64),
        doubles: &[Rank],
        holding: u32,
        (closes_at, late_until): (Millis, Millis),
    ) {
        let facts = &mut self.facts;
        let Some((limits, (begun_at, before))) = facts.limits.zip(facts.rounds.chain) else {
            return self.broke(
                at,
                Rule::Drawn,
                "a round is held without settings, or without a chain".into(),
            );
        };
        let issued = facts.ranks.len() as u64;
        let all: Vec<u64> = facts.waiting().collect();
        let since = facts.rounds.last_at.map_or(begun_at, |last| last.max(begun_at));
        let proved = digest(&[&draw.seed]) == before && draw.hash == [0; 32];
        facts.rounds.chain = Some((begun_at, draw.seed));
        facts.rounds.last_at = Some(at);
        let (low, end) = (draw.first.0, draw.first.0 + draw.count);
        let among = all.iter().all(|rank| (low..end).contains(rank)) && end == issued;
        self.check(at, limits.way == Way::ByRounds, Rule::Drawn, || format!("a round in {:?}", limits.way));
        self.check(at, at.since(since) >= SPACING, Rule::Drawn, || {
            format!("a round {} ms after the last", at.since(since).0)
        });
        self.check(at, proved, Rule::Drawn, || "a round's seed does not lead to the one before".into());
        self.check(at, among && cut <= draw.count, Rule::Drawn, || {
            format!("{all:?} wait of {issued}; {cut} images of {draw:?} win")
        });
        let promised = at.plus(limits.claim_window);
        let holds = promised <= closes_at && closes_at <= promised.plus(LAST_REQUEST);
        self.check(at, holds, Rule::Order, || {
            format!("a round's window closes in {} ms", closes_at.since(at).0)
        });
        let is_late_right = late_until == at.plus(LATE_WINDOW).max(closes_at);
        self.check(at, is_late_right, Rule::Ghosts, || {
            format!("a round's late window ends in {} ms", late_until.since(at).0)
        });
        if !among || !proved || cut > draw.count {
            return;
        }
        let owed = self.facts.owed_of_round(at, &limits);
        self.check(at, u64::from(holding) >= owed, Rule::Live, || {
            format!("a round calls {holding}, and {owed} could be called")
        });
        let turn = Turn { at, closes_at: promised, holds_until: closes_at, late_until };
        self.read_winners(at, turn, &ranks_by_place(draw)[..cut as usize], doubles, holding);
        let most = (limits.per_minute / 2).max(1);
        let expected = self.facts.show_up.thousandths(u64::from(holding));
        self.check(at, expected <= most * 1_000, Rule::Pace, || {
            format!("a round calls {holding}, at {} a minute", limits.per_minute)
        });
        self.facts.calls.push((at, expected));
        self.judge_expected(at, holding);
    }

    fn read_winners(&mut self, at: Millis, turn: Turn, winners: &[u64], doubles: &[Rank], holding: u32) {
        let Turn { at: _, holds_until: closes_at, late_until, .. } = turn;
        let facts = &mut self.facts;
        (facts.rounds.count, facts.rounds.of_chain) = (facts.rounds.count + 1, facts.rounds.of_chain + 1);
        let (number, cohort) = (facts.rounds.count, facts.begin_cohort((closes_at, late_until), holding));
        let (mut called, mut passed_over, mut dead) = (Vec::new(), Vec::new(), None);
        for rank in winners {
            let Some(won) = facts.ranks.get_mut(*rank as usize) else { continue };
            if won.is_waiting() {
                dead = dead.or(won.is_long_dead(at).then_some(*rank));
                (won.turn, won.round, won.cohort) = (Some(turn), Some(number), Some(cohort));
                called.push(*rank);
            } else if !won.is_spent() {
                passed_over.push(*rank);
            }
        }
        let needless = winners.last().is_some_and(|last| !called.contains(last)) && !facts.waits_nobody();
        let right = called.len() == holding as usize
            && doubles.iter().map(|rank| rank.0).eq(passed_over.iter().copied());
        let told = (called.len(), passed_over.len());
        let round = RoundFacts { number, at, closes_at, late_until, called, doubles: passed_over };
        facts.rounds.kept.push_back(round);
        // The oldest gives way to one too many, once that is drawn.
        let oldest = facts.rounds.kept.front().filter(|_| facts.rounds.kept.len() > KEPT_MAX);
        let clock = facts.moment(at);
        let cut_short = oldest.is_some_and(|oldest| oldest.closes_at > clock);
        if oldest.is_some() {
            facts.forget_oldest();
        }
        self.check(at, !cut_short, Rule::Order, || {
            "a round is forgotten before the window of those it called is over".into()
        });
        self.check(at, right, Rule::Drawn, || {
            format!("a round calls {holding} and doubles {}; drawn were {told:?}", doubles.len())
        });
        self.check(at, dead.is_none(), Rule::Ghosts, || {
            format!("rank {dead:?} is called, a day and more old")
        });
        self.check(at, !needless, Rule::Drawn, || "a round looks at images that call nobody".into());
    }

    /// Boards show the newest seed that was told, and whom rounds and the watermark called: one rank is asked for on each.
    pub(super) fn judge_board_calls(&mut self, now: Millis, board: &Board) {
        let facts = &self.facts;
        if let (Some(told), Some((_, seed))) = (&board.rounds, facts.rounds.chain) {
            let right = told.seed.0 == seed;
            self.check(now, right, Rule::Drawn, || "the board shows a seed that no round told".into());
        }
        let facts = &self.facts;
        let issued = facts.ranks.len() as u64;
        let clock = facts.moment(Millis(board.at_ms));
        if issued == 0 {
            return;
        }
        let waiting = facts.waiting().count() as u64;
        let rank = board.sequence % issued;
        let Some(known) = facts.rank(rank).copied() else { return };
        // Between two rows rounds are forgotten as time passes.
        let is_passing = facts.rounds.kept.iter().any(|round| round.is_void(clock));
        let counted = board.waiting == waiting || is_passing;
        let called = board.has_called(Rank(rank));
        let turn = known.turn.is_some() || known.is_passed;
        let right = called == turn || known.is_spent() || is_passing;
        self.check(now, counted, Rule::Live, || {
            format!("the board says that {} wait, and {waiting} do", board.waiting)
        });
        self.check(now, right, Rule::Order, || {
            format!("the board says of rank {rank} that it is called: {called}; it was {known:?}")
        });
    }
}
