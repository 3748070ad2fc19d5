//! The schedule: events of a room as plain instants, and the rules that hold at a moment.
//!
//! An event puts other settings in the place of the room's from its start to its end; what it leaves open is the room's,
//! live. With a prequeue, whoever is new from then on gets a rank and nobody is admitted until the start. Of several
//! wills the strictest counts: a room that is off is off, *hold everybody* overrides every event.
//!
//! It knows no calendar: repeating events were expanded by the directory, and overlaps refused there.

use crate::settings::{QueueingMethod, SESSION_DURATION_MAX_SECONDS, Settings};
use crate::units::Millis;
use crate::wire::wire;

/// An event, or one occurrence of a repeating one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The event's id; all its occurrences have the same.
    pub id: [u8; 16],
    /// From here on nobody new is admitted until the start; equal to the start where there is no prequeue.
    pub prequeue_ms: u64,
    /// From here on its settings hold.
    pub start_ms: u64,
    /// Until here.
    pub end_ms: u64,
    /// Whether the places of those who came since the prequeue began are drawn at the start.
    pub shuffle: bool,
    /// Whether the sessions of those inside end when the prequeue begins.
    pub ends_sessions: bool,
    /// Instead of the room's, if it says so.
    pub total_active_users: Option<u32>,
    /// Instead of the room's, if it says so.
    pub new_users_per_minute: Option<u32>,
    /// Instead of the room's, if it says so.
    pub session_duration_seconds: Option<u32>,
    /// Instead of the room's, if it says so.
    pub disable_session_renewal: Option<bool>,
    /// Instead of the room's, if it says so.
    pub queueing_method: Option<QueueingMethod>,
}

wire!(Event {
    id,
    prequeue_ms,
    start_ms,
    end_ms,
    shuffle,
    ends_sessions,
    total_active_users,
    new_users_per_minute,
    session_duration_seconds,
    disable_session_renewal,
    queueing_method,
});

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not begun, or over.
    Away,
    /// The prequeue.
    Prequeue,
    /// Under way.
    Active,
}

impl Event {
    /// Where it stands at a moment.
    pub fn stage(&self, now: Millis) -> Stage {
        match now.0 {
            now if now < self.prequeue_ms || now >= self.end_ms => Stage::Away,
            now if now < self.start_ms => Stage::Prequeue,
            _ => Stage::Active,
        }
    }

    /// Whether all sessions end when its prequeue begins: one without a prequeue ends none.
    pub(crate) fn begins_with_a_sweep(&self) -> bool {
        self.ends_sessions && self.prequeue_ms < self.start_ms
    }

    /// The moments at which something changes.
    pub fn instants(&self) -> [Millis; 3] {
        [self.prequeue_ms, self.start_ms, self.end_ms].map(Millis)
    }
}

/// What is done with people, all wills considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The room is off.
    Suspended,
    /// The operator holds everybody.
    Held,
    /// An event's prequeue: ranks are given, nobody is admitted.
    Prequeue,
    /// Closed: nobody new is admitted, and edges let nobody new join. From one that has not heard yet joins still come: they get ranks as
    /// ever, for the ranks of a batch are one range, and wait with those who were in line when the room closed. So does whoever joins a room that
    /// is off, or passes everybody: their ticket is good when it is on again, and nobody else's place is another for it.
    Reject,
    /// Everybody passes and some are counted.
    Passthrough,
    /// Called in the order of places.
    Fifo,
    /// Called by rounds that draw among all who wait.
    Random,
}

impl Mode {
    /// Whether places are called and called places may claim.
    pub fn calls(self) -> bool {
        matches!(self, Mode::Fifo | Mode::Random)
    }
}

/// The settings that the Room decides by, as they hold at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Live seats at most.
    pub total_active_users: u32,
    /// Admissions at most in any 60 s.
    pub new_users_per_minute: u32,
    /// So many in a minute calls and first contacts are spread by: the limit, or less while the origin is not well.
    pub pace_per_minute: u32,
    /// D.
    pub session_duration: Millis,
    /// One D for everybody, whatever they do.
    pub fixed_sessions: bool,
    /// How long a called place holds its seat.
    pub claim_window: Millis,
    /// What is done with people.
    pub mode: Mode,
}

/// A pass is valid for D and this part of D longer, and is due for renewal once older than that.
const RENEWAL_PART: u64 = 5;
/// The renewal interval is at least this.
pub const RENEWAL_MIN: Millis = Millis(20_000);
/// No pass becomes as old, of whatever settings it was given by.
const NEVER: Millis = Millis::from_secs(2 * SESSION_DURATION_MAX_SECONDS);

impl Rules {
    /// The rules of a room with these settings and events.
    pub fn at(settings: &Settings, events: &[Event], now: Millis) -> Rules {
        let event = events.iter().find(|event| event.stage(now) != Stage::Away);
        let (prequeues, event) = match event.map(|event| event.stage(now)) {
            Some(Stage::Active) => (false, event),
            stage => (stage.is_some(), None),
        };
        let method = event.and_then(|event| event.queueing_method).unwrap_or(settings.queueing_method);
        let mode = match method {
            _ if settings.suspended => Mode::Suspended,
            _ if settings.queue_all => Mode::Held,
            _ if prequeues => Mode::Prequeue,
            QueueingMethod::Reject => Mode::Reject,
            QueueingMethod::Passthrough => Mode::Passthrough,
            QueueingMethod::Fifo => Mode::Fifo,
            QueueingMethod::Random => Mode::Random,
        };
        let number = |of: fn(&Event) -> Option<u32>, room: u32| event.and_then(of).unwrap_or(room);
        let seconds = number(|event| event.session_duration_seconds, settings.session_duration_seconds);
        let limit = number(|event| event.new_users_per_minute, settings.new_users_per_minute);
        Rules {
            total_active_users: number(|event| event.total_active_users, settings.total_active_users),
            new_users_per_minute: limit,
            pace_per_minute: limit,
            session_duration: Millis::from_secs(u64::from(seconds)),
            fixed_sessions: event
                .and_then(|event| event.disable_session_renewal)
                .unwrap_or(settings.disable_session_renewal),
            claim_window: Millis::from_secs(u64::from(settings.claim_window_seconds)),
            mode,
        }
    }

    /// How old a pass may get before it is due: a fifth of D, at least 20 s. Where sessions are fixed the Room would answer with the same
    /// pass however often it is asked: none is due but for its confirmation.
    pub fn renewal_interval(&self) -> Millis {
        if self.fixed_sessions { NEVER } else { self.slack() }
    }

    fn slack(&self) -> Millis {
        Millis(self.session_duration.0 / RENEWAL_PART).max(RENEWAL_MIN)
    }

    /// How long a pass is good from now on: nobody is out within D of their last renewed request.
    pub fn pass_lifetime(&self) -> Millis {
        if self.fixed_sessions { self.session_duration } else { self.session_duration.plus(self.slack()) }
    }
}

/// The first moment after `now` at which any event changes something.
pub fn next_instant(events: &[Event], now: Millis) -> Option<Millis> {
    events.iter().flat_map(Event::instants).filter(|at| *at > now).min()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::json;

    pub(crate) fn event(prequeue: u64, start: u64, end: u64) -> Event {
        Event { id: [7; 16], prequeue_ms: prequeue, start_ms: start, end_ms: end, ..Event::default() }
    }

    fn settings(changes: &crate::json::Value) -> Settings {
        let mut settings = json!({
            "name": "a", "host": "example.com", "total_active_users": 50, "new_users_per_minute": 60,
        });
        for (key, value) in changes.as_object().unwrap().iter() {
            settings.set(key, value.clone());
        }
        Settings::parse(&settings).unwrap()
    }

    #[test]
    fn an_event_holds_from_its_start_to_its_end_and_its_prequeue_before_it() {
        let room = settings(&json!({ "queueing_method": "passthrough" }));
        let event = Event {
            total_active_users: Some(7),
            queueing_method: Some(QueueingMethod::Fifo),
            ..event(100, 200, 300)
        };
        let at = |now| Rules::at(&room, std::slice::from_ref(&event), Millis(now));
        let modes = [99, 100, 199, 200, 299, 300].map(|now| at(now).mode);
        use Mode::{Fifo, Passthrough, Prequeue};
        assert_eq!(modes, [Passthrough, Prequeue, Prequeue, Fifo, Fifo, Passthrough]);
        assert_eq!([199, 200, 300].map(|now| at(now).total_active_users), [50, 7, 50]);
        assert_eq!(at(200).new_users_per_minute, 60, "what an event leaves open is the room's");
    }

    #[test]
    fn of_several_wills_the_strictest_counts() {
        let (prequeue, active) = (event(0, 100, 200), event(0, 0, 200));
        let mode = |changes, event| Rules::at(&settings(&changes), &[event], Millis(50)).mode;
        assert_eq!(mode(json!({ "suspended": true, "queue_all": true }), active), Mode::Suspended);
        assert_eq!(mode(json!({ "queue_all": true }), active), Mode::Held);
        assert_eq!(mode(json!({ "queueing_method": "reject" }), prequeue), Mode::Prequeue);
        assert_eq!(mode(json!({ "queueing_method": "reject" }), active), Mode::Reject);
    }

    #[test]
    fn a_pass_is_due_after_a_fifth_of_the_session_and_never_where_sessions_are_fixed() {
        let rules = |changes| Rules::at(&settings(&changes), &[], Millis(50));
        let told = |rules: Rules| (rules.renewal_interval().secs_ceil(), rules.pass_lifetime().secs_ceil());
        assert_eq!(told(rules(json!({}))), (60, 360));
        assert_eq!(told(rules(json!({ "session_duration_seconds": 60 }))), (20, 80));
        let fixed = rules(json!({ "disable_session_renewal": true }));
        let longest = rules(json!({ "session_duration_seconds": SESSION_DURATION_MAX_SECONDS }));
        assert_eq!(fixed.pass_lifetime().secs_ceil(), 300);
        assert!(fixed.renewal_interval() > longest.pass_lifetime(), "one of longer sessions before");
    }

    #[test]
    fn the_next_instant_is_the_next_of_any_event() {
        let events = [event(100, 200, 300), event(400, 400, 500)];
        let next = |now| next_instant(&events, Millis(now)).map(|at| at.0);
        assert_eq!([0, 100, 299, 300, 499].map(next), [100, 200, 300, 400, 500].map(Some));
        assert_eq!(next(500), None);
    }
}
