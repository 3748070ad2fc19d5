//! What operators allow at a moment, reckoned anew from their settings and events each time it is asked.

use durable::json::Value;
use durable::schedule::Event;
use durable::settings::QueueingMethod;
use durable::units::Millis;

/// What is done with people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Off: everybody passes.
    Off,
    /// Everybody is held.
    Held,
    /// Ranks are given and nobody is let in, until an event starts.
    Prequeue,
    /// Nobody new is let in.
    Closed,
    /// Everybody passes, and is counted.
    Free,
    /// In the order of places.
    InOrder,
    /// By rounds.
    ByRounds,
}

impl Way {
    /// Whether places are called, and may be claimed.
    pub(super) fn calls(self) -> bool {
        matches!(self, Way::InOrder | Way::ByRounds)
    }

    /// Whether people get to the origin without a pass.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Way::Off | Way::Free)
    }
}

/// As far as rules depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// `total_active_users`.
    pub(super) seats: u64,
    /// `new_users_per_minute`.
    pub(super) per_minute: u64,
    /// D.
    pub(super) session: Millis,
    /// How long a called place holds its seat.
    pub(super) claim_window: Millis,
    /// Sessions are not prolonged.
    pub(super) is_fixed: bool,
    /// See there.
    pub(super) way: Way,
}

/// A pass is good for this part of D longer than D, and for so much at least.
const RENEWAL_PART: u64 = 5;
const RENEWAL_LEAST: Millis = Millis(20_000);

impl Limits {
    /// How long a pass is good: D, and where it is renewed an interval more, so that nobody is out within D of what they asked last.
    pub(super) fn lifetime(&self) -> Millis {
        let interval = Millis(self.session.0 / RENEWAL_PART).max(RENEWAL_LEAST);
        if self.is_fixed { self.session } else { self.session.plus(interval) }
    }
}

/// Settings and events, as they were committed.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    /// None before the room was configured.
    pub(super) settings: Option<Value>,
    /// All of them, over or not.
    pub(super) events: Vec<Event>,
}

impl Orders {
    /// What is allowed at a moment.
    pub(super) fn limits(&self, at: Millis) -> Option<Limits> {
        let settings = self.settings.as_ref()?;
        let number = |name: &str| settings.get(name).and_then(Value::as_u64).unwrap_or_default();
        let flag = |name: &str| settings.get(name) == Some(&Value::Bool(true));
        let near = self.events.iter().find(|event| event.prequeue_ms <= at.0 && at.0 < event.end_ms);
        let begun = near.filter(|event| event.start_ms <= at.0);
        let either = |own: Option<u32>, name: &str| own.map_or_else(|| number(name), u64::from);
        let method = match begun.and_then(|event| event.queueing_method) {
            Some(QueueingMethod::Fifo) => "fifo",
            Some(QueueingMethod::Random) => "random",
            Some(QueueingMethod::Passthrough) => "passthrough",
            Some(QueueingMethod::Reject) => "reject",
            None => settings.get("queueing_method").and_then(Value::as_str).unwrap_or_default(),
        };
        let way = match method {
            _ if flag("suspended") => Way::Off,
            _ if flag("queue_all") => Way::Held,
            _ if near.is_some() && begun.is_none() => Way::Prequeue,
            "random" => Way::ByRounds,
            "passthrough" => Way::Free,
            "reject" => Way::Closed,
            _ => Way::InOrder,
        };
        Some(Limits {
            seats: either(begun.and_then(|event| event.total_active_users), "total_active_users"),
            per_minute: either(begun.and_then(|event| event.new_users_per_minute), "new_users_per_minute"),
            session: Millis::from_secs(either(
                begun.and_then(|event| event.session_duration_seconds),
                "session_duration_seconds",
            )),
            claim_window: Millis::from_secs(number("claim_window_seconds")),
            is_fixed: begun
                .and_then(|event| event.disable_session_renewal)
                .unwrap_or_else(|| flag("disable_session_renewal")),
            way,
        })
    }

    /// The event whose prequeue it is.
    pub(super) fn prequeue(&self, at: Millis) -> Option<&Event> {
        self.events.iter().find(|event| event.prequeue_ms <= at.0 && at.0 < event.start_ms)
    }
}
