//! Rule 7: latecomers may enter until their late window is over, a quarter of the pace at most while others wait; and of places that were
//! told *next*, the lowest is served first. That unclaimed places stop holding seats is seen by [`super::live`]: otherwise the line stands.

use durable::units::Millis;

use super::facts::{Limits, RankFacts, Turn};
use super::{Auditor, Rule};

/// A place that was told *next* and does not ask again is kept so long.
pub(super) const KEPT: Millis = Millis(120_000);
const WINDOW: Millis = Millis(60_000);

impl Auditor {
    /// A called place enters: in time, or late.
    pub(super) fn judge_late_entry(&mut self, at: Millis, rank: u64, turn: &Turn) {
        let Some(Limits { per_minute, seats, .. }) = self.facts.limits else { return };
        let moment = self.facts.moment(at);
        self.check(at, moment < turn.late_until, Rule::Ghosts, || {
            format!("rank {rank} enters {} ms after its late window", moment.since(turn.late_until).0)
        });
        let is_late = |turn: &Turn| moment >= turn.holds_until;
        let mine = is_late(turn);
        let stands_so = |turn: &Turn, facts: &RankFacts| {
            is_late(turn) == mine && facts.kept_at.is_some_and(|kept| at.since(kept) < KEPT)
        };
        let before = self.facts.pending().take_while(|(other, _, _)| *other < rank);
        let kept = before.filter(|(_, turn, facts)| stands_so(turn, facts)).count() as u64;
        let live = self.facts.live(at);
        self.check(at, live + kept < seats, Rule::Ghosts, || {
            format!("rank {rank} enters before {kept} lower ones that were told next; {live} of {seats} seats are taken")
        });
        if !mine || self.facts.waiting() == 0 {
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
