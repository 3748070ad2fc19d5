//! Rule 2: in no 60 s are more admitted than the limit says. It is looked at whenever somebody is admitted: those of the 60 s before, both
//! ends counted, and the newcomer must be within the limit that is in force *then*. So a limit that was lowered admits nobody until enough
//! of those from before have left the window, and one that was raised holds at once.
//!
//! And evenly: an idle room lets in a tenth of the limit at once; of a line, never so many are called in ten seconds that more are expected
//! than a sixth of the limit and two seconds' worth.

use durable::units::Millis;

use super::facts::{PassFacts, WINDOW};
use super::rules::{Limits, Way};
use super::{Auditor, Rule};

const MOMENT: Millis = Millis(1_000);
const SPAN: Millis = Millis(10_000);
/// What was reckoned under another limit has passed by then.
const SETTLED: Millis = Millis(60_000);

impl Auditor {
    /// Somebody is admitted.
    pub(super) fn judge_pace(&mut self, at: Millis, has_ticket: bool) {
        let Some(Limits { per_minute, seats, way, .. }) = self.facts.limits else { return };
        if way == Way::Free {
            return;
        }
        let admissions = self.facts.admissions.iter().rev();
        let recent: Vec<_> = admissions.take_while(|(then, _)| at.since(*then) <= WINDOW).copied().collect();
        let count = recent.len() as u64 + 1;
        self.check(at, count <= per_minute, Rule::Pace, || format!("number {count} of {per_minute} in 60 s"));
        if has_ticket {
            return;
        }
        let just_now = recent.iter().filter(|(then, has_ticket)| !has_ticket && at.since(*then) <= MOMENT);
        let at_once = just_now.count() as u64 + 1;
        let idle = (per_minute / 10).max(1) + per_minute.div_ceil(60);
        let settled = at.since(self.facts.configured_at) > SETTLED;
        self.check(at, at_once <= idle || !settled, Rule::Pace, || {
            format!("number {at_once} at first contact within a second, of {idle}")
        });
        let tenth = seats.div_ceil(10);
        let live = self.facts.live(at);
        self.check(at, live + tenth <= seats, Rule::Cap, || {
            format!("a first contact is let in with {live} of {seats} seats taken")
        });
        let passes = self.facts.alive.iter().filter_map(|key| self.facts.passes.get(key));
        let unseen =
            |pass: &&PassFacts| pass.dead_at > at && pass.rank.is_none() && pass.renewed_at.is_none();
        let unconfirmed = passes.filter(unseen).count() as u64;
        self.check(at, unconfirmed < tenth, Rule::Cap, || {
            format!("{unconfirmed} of {seats} seats are held by passes that were never seen again")
        });
    }

    /// Places are called.
    pub(super) fn judge_evenness(&mut self, at: Millis, count: u64) {
        let Some(Limits { per_minute, .. }) = self.facts.limits else { return };
        // A Room that knows how many never come calls for those as well.
        self.facts.calls.push((at, self.facts.show_up.thousandths(count)));
        let recent = self.facts.calls.iter().rev().take_while(|(then, _)| at.since(*then) <= SPAN);
        let expected: u64 = recent.map(|(_, thousandths)| thousandths).sum();
        let most = (per_minute * SPAN.0).div_ceil(60_000) + (per_minute / 30).max(1) + 1;
        let settled = at.since(self.facts.configured_at) > SETTLED;
        self.check(at, expected <= most * 1_000 || !settled, Rule::Pace, || {
            format!(
                "called within 10 s are {expected} thousandths of who is expected, at {per_minute} a minute"
            )
        });
    }
}
