//! Rule 7, its first half: no more are called than there are seats, but for those who are expected not to come. What is expected is reckoned
//! anew: who was called together ([`Cohort`]), and how many of them came while seats were held for them.

use durable::units::{Millis, Rank};

use super::facts::Facts;
use super::late::KEPT;
use super::{Auditor, Rule};

/// With fewer calls than that, everybody who is called is expected to come.
pub(super) const LEARNS_FROM: u64 = 200;
/// Of what was learnt the older half fades when it is more than that.
const MEMORY: u64 = 10_000;
/// Of a thousand so many more are expected than came.
const MARGIN: u64 = 70;

/// Who was called together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cohort {
    /// Seats are held for them until then.
    pub(super) closes_at: Millis,
    /// They may enter until then.
    pub(super) late_until: Millis,
    size: u32,
    is_learnt: bool,
}

/// How many of those who are called come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ShowUp {
    called: u64,
    came: u64,
    /// How often more were called than there were seats for.
    over_calls: u64,
}

impl Cohort {
    /// One of them is called anew, by another: whether a seat was held for it.
    pub(super) fn give_up_one(&mut self, clock: Millis) -> bool {
        self.size = self.size.saturating_sub(1);
        self.closes_at > clock
    }
}

impl ShowUp {
    /// Of a thousand.
    pub(super) fn permille(self) -> u64 {
        match self.called {
            called if called < LEARNS_FROM => 1_000,
            called => (self.came * 1_000 / called + MARGIN).min(1_000),
        }
    }

    /// How many of so many are expected, in thousandths of one.
    pub(super) fn thousandths(self, called: u64) -> u64 {
        called * self.permille()
    }

    /// Whether it says nothing yet.
    pub(super) fn is_new(self) -> bool {
        self.called < LEARNS_FROM
    }
}

impl Facts {
    /// So many are called together.
    pub(super) fn begin_cohort(&mut self, (closes_at, late_until): (Millis, Millis), size: u32) -> usize {
        // A moment may call in parts.
        if let Some(last) = self.cohorts.last_mut()
            && (last.closes_at, last.late_until) == (closes_at, late_until)
        {
            last.size += size;
            return self.cohorts.len() - 1;
        }
        self.cohorts.push(Cohort { closes_at, late_until, size, is_learnt: false });
        self.cohorts.len() - 1
    }

    /// How many were called and may still come in their windows, and how many seats are held for them, because so many are expected:
    /// whoever asked in vain comes for certain.
    pub(super) fn expected(&self, clock: Millis) -> (u64, u64) {
        let open = self.cohorts.iter().zip(0_usize..).filter(|(cohort, _)| cohort.closes_at > clock);
        let of = |(cohort, index): (&Cohort, usize)| {
            let called = || self.ranks.iter().filter(|rank| rank.cohort == Some(index));
            let came = called().filter(|rank| rank.came_in_time).count() as u64;
            let absent = called().filter(|rank| !rank.is_spent());
            let (mut missing, mut kept) = (0, 0);
            for rank in absent {
                missing += 1;
                kept += u64::from(rank.kept_at.is_some_and(|kept| clock.since(kept) < KEPT));
            }
            let likely = (u64::from(cohort.size) * self.show_up.permille()).div_ceil(1_000);
            (missing, likely.saturating_sub(came).max(kept).min(missing))
        };
        open.map(of).fold((0, 0), |(all, sum), (missing, expected)| (all + missing, sum + expected))
    }
}

impl Auditor {
    /// So many were called just now.
    pub(super) fn judge_expected(&mut self, at: Millis, called: u32) {
        let Some(limits) = self.facts.limits.filter(|_| called > 0) else { return };
        let (live, (missing, expected)) = (self.facts.live(at), self.facts.expected(self.facts.moment(at)));
        let late = self.facts.kept_before(at, u64::MAX, false, |facts| facts.kept_at);
        self.facts.show_up.over_calls += u64::from(live + missing + late > limits.seats);
        self.check(at, live + expected + late <= limits.seats, Rule::Ghosts, || {
            format!(
                "{called} are called; {live} are inside, {expected} expected and {late} told next, of {}",
                limits.seats
            )
        });
    }

    /// A called place enters: late, it takes no seat that is held for somebody else.
    pub(super) fn judge_promised(&mut self, at: Millis, rank: Option<Rank>) {
        let Some(limits) = self.facts.limits else { return };
        let clock = self.facts.moment(at);
        let turn = rank.and_then(|rank| self.facts.rank(rank.0)).and_then(|facts| facts.turn);
        if turn.is_none_or(|turn| clock < turn.holds_until) {
            return;
        }
        let (live, (_, expected)) = (self.facts.live(at), self.facts.expected(clock));
        self.check(at, live + expected < limits.seats, Rule::Ghosts, || {
            format!(
                "rank {rank:?} enters late; {live} are inside and {expected} expected, of {}",
                limits.seats
            )
        });
    }

    /// While called places ask in vain, windows stand still, and at no other time: nobody loses a turn that they could not take.
    pub(super) fn judge_closed(&mut self, at: Millis) {
        let Some(limits) = self.facts.limits.filter(|limits| limits.way.calls()) else { return };
        let (live, may_be_full) = (self.facts.live(at), self.facts.may_be_full(at, &limits));
        let (clock, is_held) = (self.facts.moment(at), self.facts.held_since.is_some());
        let is_full = live >= limits.seats || self.facts.admitted(at) >= limits.per_minute;
        if !is_full && !is_held {
            return;
        }
        let asked =
            self.facts.pending().any(|(_, turn, facts)| clock < turn.late_until && facts.asks_in_vain(clock));
        let right = if is_held { may_be_full && asked } else { !(is_full && asked) };
        self.check(at, right, Rule::Ghosts, || {
            let seats = limits.seats;
            format!("held: {is_held}; asked in vain: {asked}; {live} of {seats} are inside, full at most: {may_be_full}")
        });
    }

    /// How often the Room called more than it had seats for, as it had learnt that some never come.
    pub fn over_calls(&self) -> u64 {
        self.facts.show_up.over_calls
    }

    /// Something was learnt from calls whose windows are over.
    pub(super) fn judge_learnt(&mut self, at: Millis, called: u64, came: u64) {
        let facts = &mut self.facts;
        let clock = facts.moment(at);
        let mut counted = (0, 0);
        for (index, cohort) in facts.cohorts.iter_mut().enumerate() {
            if cohort.is_learnt || cohort.closes_at > clock {
                continue;
            }
            cohort.is_learnt = true;
            if cohort.late_until > clock {
                let mine = facts.ranks.iter().filter(|rank| rank.cohort == Some(index));
                counted.0 += u64::from(cohort.size);
                counted.1 += mine.filter(|rank| rank.came_in_time).count() as u64;
            }
        }
        let show_up = &mut facts.show_up;
        // What was counted here, whatever the Room says.
        (show_up.called, show_up.came) = (show_up.called + counted.0, show_up.came + counted.1);
        if show_up.called > MEMORY {
            (show_up.called, show_up.came) = (show_up.called / 2, show_up.came / 2);
        }
        self.check(at, counted == (called, came), Rule::Ghosts, || {
            format!("learnt is that {came} of {called} came; {} of {} did", counted.1, counted.0)
        });
    }
}
