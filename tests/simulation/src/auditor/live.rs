//! Rule 8, once the rush is over and nothing goes wrong any more: the line does not stand while there are free seats and pace, and in the end
//! everybody who kept asking got in.
//!
//! A seat is free here if it is neither taken (by the row that says until when, which `cap` bounds from both sides) nor promised: to a called place that is
//! expected in its window (bounded by `order`), or to one that was told *next* a while ago.

use std::collections::VecDeque;

use durable::units::Millis;

use super::facts::{Facts, WINDOW};
use super::rules::{Limits, Way};
use super::{Auditor, Rule};

/// An alarm from before may come so late.
const SETTLED: Millis = Millis(22_000);
/// Between two looks.
const LOOK: Millis = Millis(250);
/// A call may be so late: calls are a second apart, and a commit takes its time.
const PATIENCE: Millis = Millis(2_500);
/// From one round to the next.
const ROUND: Millis = Millis(30_000);

/// See the module's words.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    /// When the rush ended.
    pub(super) quiet_since: Option<Millis>,
    /// When it was looked at last; never, once something changed.
    pub(super) looked_at: Option<Millis>,
    stands_since: Option<Millis>,
    /// The last alarms.
    alarms: VecDeque<Millis>,
}

/// Seats come free ten times a second, and places are called once.
const ALARMS_MAX: usize = 100;
const ALARMS_SPAN: Millis = Millis(5_000);

impl Facts {
    /// For how many there are seats, and admissions left of the last minute, though everybody came who was promised one.
    pub(super) fn callable(&mut self, now: Millis, limits: &Limits) -> u64 {
        let (_, promised) = self.expected(self.moment(now));
        self.surely_free(now, limits).min(limits.per_minute.saturating_sub(self.admitted(now) + promised))
    }

    /// How many seats are neither taken nor promised, whoever reckons.
    pub(super) fn surely_free(&mut self, now: Millis, limits: &Limits) -> u64 {
        let taken = self.taken(now);
        // Of those who are called, whoever is expected.
        let (_, promised) = self.expected(self.moment(now));
        let late = self.pending().filter(|(_, turn, _)| now >= turn.holds_until);
        let kept = late.filter(|(_, _, facts)| facts.asks_in_vain(now)).count() as u64;
        limits.seats.saturating_sub(taken + promised + kept)
    }
}

impl Auditor {
    /// From now on nothing goes wrong.
    pub fn quiet(&mut self, now: Millis) {
        self.live.quiet_since = Some(now);
    }

    /// Time has passed, and maybe nothing else.
    pub fn time_passed(&mut self, now: Millis) {
        let settled = self.live.quiet_since.is_some_and(|since| now.since(since) > SETTLED);
        if !settled || self.live.looked_at.is_some_and(|at| now.since(at) < LOOK) {
            return;
        }
        self.live.looked_at = Some(now);
        let Some(limits) = self.facts.limits.filter(|_| self.could_call(now)) else {
            self.live.stands_since = None;
            return;
        };
        let since = *self.live.stands_since.get_or_insert(now);
        let last_call = self.facts.calls.last().map_or(since, |(at, _)| *at);
        let stands = now.since(since.max(last_call).max(self.facts.configured_at));
        let Limits { way, .. } = limits;
        let per_minute = self.facts.pace(&limits);
        // Whoever was called a moment ago spent the pace of two, and a round that of half a minute.
        let patience = PATIENCE.plus(Millis(120_000 / per_minute.max(1)));
        let lately = self.facts.rounds.last_at.is_some_and(|at| now.since(at) <= WINDOW);
        let patience = if lately || way == Way::ByRounds { patience.plus(ROUND) } else { patience };
        let live = self.facts.live(now);
        self.check(now, stands <= patience, Rule::Live, || {
            format!("nobody is called for {} ms with {live} seats taken and pace left", stands.0)
        });
    }

    /// The Room's alarm rings: not again and again for nothing.
    pub fn alarm_rang(&mut self, now: Millis) {
        let alarms = &mut self.live.alarms;
        alarms.push_back(now);
        if alarms.len() > ALARMS_MAX {
            let first = alarms.pop_front().unwrap_or(now);
            self.check(now, now.since(first) > ALARMS_SPAN, Rule::Live, || {
                format!("{ALARMS_MAX} alarms within {} ms", now.since(first).0)
            });
        }
    }

    fn could_call(&mut self, now: Millis) -> bool {
        let Some(limits) = self.facts.limits else { return false };
        limits.way.calls() && !self.facts.waits_nobody() && self.facts.callable(now, &limits) > 0
    }

    /// The run is over: these were still waiting.
    pub fn ended(&mut self, now: Millis, waiting: &[usize]) {
        let facts = &self.facts;
        let (issued, called, waits) = (facts.ranks.len(), facts.called, facts.waiting().count());
        self.check(now, waiting.is_empty(), Rule::Live, || {
            format!("{waiting:?} never got in; {called} of {issued} ranks were called, {waits} wait")
        });
    }
}
