//! What the schedule brings, at the beginning of a step: seeds are fixed, people gathered, a draw held, sessions ended, another pace is followed.
//!
//! Events are instants that the directory worked out, and it refuses those that overlap; here, too, no overlap un-calls anybody. When windows stand
//! still and whom to call is decided in the [`turn`](crate::turn).

use crate::admission::late_quarter;
use crate::codec::Malformed;
use crate::draw::Draw;
use crate::draws::Occasion;
use crate::health::Judgement;
use crate::journal::Change;
use crate::listed::Listed as _;
use crate::rounds;
use crate::schedule::{Event, Mode, Stage, next_instant};
use crate::state::State;
use crate::turn::Turn;
use crate::units::{Millis, Place};

impl Turn<'_> {
    /// What the schedule brings by now: seeds are fixed, people gathered, a draw held, sessions ended.
    pub(crate) fn follow_schedule(&mut self) -> Result<(), Malformed> {
        let now = self.now;
        let unsealed = |turn: &Turn<'_>, event: &Event| {
            event.shuffle && event.start_ms > now.0 && turn.state.draws.seed(occasion(event)).is_none()
        };
        while let Some(event) = self.event(&|event| unsealed(self, event)) {
            let seed = self.random_bytes();
            self.change(Change::Sealed { occasion: occasion(&event), seed })?;
        }
        // Where events overlap all the same, the one under way goes on calling.
        let gathers = self.rules().is_some_and(|rules| !rules.mode.calls());
        if let Some(event) = self.event(&|event| event.stage(now) == Stage::Prequeue) {
            self.gather(&event, gathers)?;
        }
        for occasion in sweeps(self.state, self.decided_at).listed() {
            self.end_all(Some(occasion))?;
        }
        self.end_gathering(gathers)?;
        if self.state.rounds.wants_chain() && self.rules().is_some_and(|rules| rules.mode == Mode::Random) {
            let tip = self.random_bytes();
            self.change(Change::ChainBegun { tip, commitment: rounds::commitment(tip) })?;
        }
        // Whoever is called from here on is called by a clock that goes.
        self.open_or_close()
    }

    /// The first of the room's events of which this holds.
    fn event(&self, wanted: &dyn Fn(&Event) -> bool) -> Option<Event> {
        self.state.events().iter().find(|event| wanted(event)).copied()
    }

    /// When the schedule stopped calling, if the alarm for that is late: from then on nobody could take their turn.
    pub(crate) fn stopped_at(&self) -> Option<Millis> {
        let calls = |at: Millis| self.state.rules(at).is_some_and(|rules| rules.mode.calls());
        let mut stopped_at = None;
        let mut at = self.decided_at;
        while let Some(next) = next_instant(self.state.events(), at).filter(|next| *next < self.now) {
            if calls(at) && !calls(next) {
                stopped_at = Some(next);
            }
            at = next;
        }
        stopped_at
    }

    /// The pace in force at a moment.
    pub(crate) fn per_minute(&self, at: Millis) -> Option<u32> {
        self.state.rules(at).map(|rules| rules.pace_per_minute)
    }

    /// Another pace holds at once: nobody waits for what was spent at a slower one.
    pub(crate) fn follow_rate(&mut self, before: Option<u32>) {
        if let (Some(before), Some(rules)) = (before, self.rules()) {
            let per_minute = rules.pace_per_minute;
            self.state.pacer = self.state.pacer.at_rate(self.now, before, per_minute);
            self.state.late_pacer =
                self.state.late_pacer.at_rate(self.now, late_quarter(before), late_quarter(per_minute));
        }
    }

    /// What was heard of the origin is judged, if it is time, and the pace follows.
    pub(crate) fn judge_origin(&mut self) -> Result<(), Malformed> {
        let (Some(rules), Some(config)) = (self.rules(), &self.state.config) else {
            return Ok(());
        };
        let (bounds, limit) = (config.settings.origin_health, rules.new_users_per_minute);
        let admitted = self.state.admissions.count();
        let Some(Judgement { pace }) = self.state.throttle.judge(self.now, bounds, limit, admitted) else {
            return Ok(());
        };
        self.change(Change::OriginJudged { pace, limit })?;
        self.follow_rate(Some(rules.pace_per_minute));
        Ok(())
    }

    fn gather(&mut self, event: &Event, gathers: bool) -> Result<(), Malformed> {
        let gathered = self.state.draws.gathering().map(|gathering| gathering.event);
        if gathers && event.shuffle && gathered != Some(event.id) {
            self.change(Change::Gathering { event: Some(event.id) })?;
        }
        Ok(())
    }

    /// Whoever was gathered is drawn once their event has started. They stay in order if it was called off, if a board cannot tell of one
    /// more draw, and if people are called meanwhile: nobody who was called is drawn.
    fn end_gathering(&mut self, gathers: bool) -> Result<(), Malformed> {
        let Some(gathering) = self.state.draws.gathering().copied() else {
            return Ok(());
        };
        let at = |event: &Event, stage| {
            event.id == gathering.event && event.shuffle && event.stage(self.now) == stage
        };
        if gathers && self.event(&|event| at(event, Stage::Prequeue)).is_some() {
            return Ok(());
        }
        let mut started = self.state.events().iter().filter(|event| at(event, Stage::Active)).map(occasion);
        let seed = started.find_map(|occasion| Some((occasion, self.state.draws.seed(occasion)?)));
        let uncalled = Place(gathering.first.0) >= self.state.line.called() && self.state.draws.has_room();
        self.change(match seed.filter(|_| uncalled) {
            Some((occasion, seed)) => {
                let count = self.state.line.issued().0.saturating_sub(gathering.first.0);
                let draw = Draw { first: gathering.first, count, seed, hash: gathering.hash };
                Change::Drawn { occasion, draw }
            }
            None => Change::Gathering { event: None },
        })
    }
}

/// The prequeues that began with the end of all sessions and have not ended them yet: of the one under way, and of those that came since the last
/// decision, for an alarm may be later than a prequeue is long. Boards count them as ended.
pub(crate) fn sweeps(state: &State, decided_at: Millis) -> impl Iterator<Item = Occasion> {
    let now = state.at;
    let under_way = state.events().iter().find(|event| event.stage(now) == Stage::Prequeue).map(occasion);
    let is_due = move |event: &&Event| {
        let came = decided_at.0 < event.prequeue_ms && event.prequeue_ms <= now.0;
        event.begins_with_a_sweep() && (came || under_way == Some(occasion(event)))
    };
    let due = state.events().iter().filter(is_due).map(occasion);
    due.filter(|occasion| state.swept != Some(*occasion))
}

fn occasion(event: &Event) -> Occasion {
    Occasion { event: event.id, start: Millis(event.start_ms) }
}
