//! Rule 7: latecomers may enter until their late window is over, a quarter of the pace at most while others wait; and of places that were
//! told *next*, the lowest is served first. That unclaimed places stop holding seats is seen by [`super::live`]: otherwise the line stands.

use durable::units::Millis;

use super::facts::{Facts, RankFacts, Turn, WINDOW};
use super::rules::Limits;
use super::{Auditor, Rule};

/// A place that was told *next* and does not ask again is kept so long.
pub(super) const KEPT: Millis = Millis(120_000);

impl RankFacts {
    /// Whether it was told *next* a while ago at most, by a clock that stands still while nobody may claim.
    pub(super) fn asks_in_vain(&self, clock: Millis) -> bool {
        self.kept_on_clock.is_some_and(|kept| clock.since(kept) <= KEPT)
    }
}

impl Facts {
    /// Whether the next who asks may be told *next*: every seat is taken, by its row, or pace is spent.
    pub(super) fn may_be_full(&mut self, at: Millis, limits: &Limits) -> bool {
        self.taken(at) >= limits.seats || self.admitted(at) >= limits.per_minute
    }

    /// How many of the called places below this one were told *next* a while ago at most, by this clock, and are in their windows, or late.
    pub(super) fn kept_before(
        &self,
        at: Millis,
        place: u64,
        are_open: bool,
        kept_at: fn(&RankFacts) -> Option<Millis>,
    ) -> u64 {
        let moment = self.moment(at);
        let stands_so = |turn: &Turn, facts: &RankFacts| {
            (moment < turn.holds_until) == are_open
                && kept_at(facts).is_some_and(|kept| at.since(kept) < KEPT)
        };
        let before = self.pending().take_while(|(other, _, _)| *other < place);
        before.filter(|(_, turn, facts)| stands_so(turn, facts)).count() as u64
    }
}

impl Auditor {
    /// A called place enters: in time, or late.
    pub(super) fn judge_late_entry(&mut self, at: Millis, rank: u64, turn: &Turn) {
        let Some(Limits { per_minute, seats, .. }) = self.facts.limits else { return };
        let moment = self.facts.moment(at);
        // Who was called by a round, as long as that is kept.
        let is_passed = self.facts.rank(rank).is_some_and(|facts| facts.is_passed);
        self.check(at, moment < turn.late_until || !is_passed, Rule::Ghosts, || {
            format!("rank {rank} enters {} ms after its late window", moment.since(turn.late_until).0)
        });
        let mine = moment >= turn.holds_until;
        let kept = self.facts.kept_before(at, self.facts.place_of(rank), !mine, |facts| facts.kept_at);
        let live = self.facts.live(at);
        self.check(at, live + kept < seats, Rule::Ghosts, || {
            format!("rank {rank} enters before {kept} lower ones that were told next; {live} of {seats} seats are taken")
        });
        if !mine || self.facts.waits_nobody() {
            return;
        }
        self.facts.late.push(at);
        let quarter = (per_minute / 4).max(1);
        let most = quarter + (quarter / 30).max(1);
        let late = self.facts.late.iter().rev().take_while(|then| at.since(**then) < WINDOW).count() as u64;
        let settled = at.since(self.facts.configured_at) > WINDOW;
        self.check(at, late <= most || !settled, Rule::Ghosts, || {
            format!("{late} latecomers entered within 60 s while others waited, of {most}")
        });
    }
}
