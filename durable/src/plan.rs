//! A scheduled event as its operator writes it: Cloudflare's fields, and four of ours (`repeat`, `time_zone`, `prequeue_ends_sessions`,
//! `session_duration_seconds`). Part of [`crate::agenda`].
//!
//! JSON is parsed into a [`Plan`], which cannot be invalid by itself; whether it overlaps others is the agenda's question. A field that is null
//! is the room's.

use crate::date::iso8601;
use crate::fields::Fields;
use crate::json;
use crate::json::Value;
use crate::schedule::Event;
use crate::settings::{self, Fault, QueueingMethod};
use crate::units::Millis;

/// Shorter events are over before every edge has heard of them.
const DURATION_MIN: Millis = Millis(60_000);
const DAY: Millis = Millis(24 * 60 * 60_000);
/// The longest event, prequeue included.
const DURATION_MAX: Millis = Millis(31 * DAY.0);
/// The most by which any clock is put forward (at Troll, in Antarctica): a day is shorter by that.
const LEAP_MAX: Millis = Millis(2 * 60 * 60_000);

/// How an event comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Every day at the same time of its time zone.
    Daily,
    /// Every week on the same day.
    Weekly,
}

impl Repeat {
    fn name(self) -> &'static str {
        match self {
            Repeat::Daily => "daily",
            Repeat::Weekly => "weekly",
        }
    }

    /// Days from one occurrence to the next.
    pub fn days(self) -> u32 {
        match self {
            Repeat::Daily => 1,
            Repeat::Weekly => 7,
        }
    }
}

/// See the module's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Unique in its room.
    pub name: String,
    /// For the operator.
    pub description: String,
    /// The event is left out as long as this is set.
    pub suspended: bool,
    /// Whether it comes again.
    pub repeat: Option<Repeat>,
    /// Whose clock says when it comes again: a name of the IANA's database.
    pub time_zone: String,
    /// The event itself, and when it is held first.
    pub event: Event,
}

impl Plan {
    /// Parses an event, or tells everything that is wrong with it.
    pub fn parse(id: [u8; 16], json: &Value) -> Result<Plan, Vec<Fault>> {
        let Some(object) = json.as_object() else {
            return Err(vec![Fault { field: "event".into(), message: "must be a JSON object".into() }]);
        };
        let mut fields = Fields::new(object);
        let (start, end) = (fields.time("event_start_time"), fields.time("event_end_time"));
        let prequeue =
            if fields.names("prequeue_start_time") { fields.time("prequeue_start_time") } else { start };
        let repeat = repeat(&mut fields);
        times_fit(&mut fields, [prequeue, start, end], repeat);
        let shuffle = fields.flag("shuffle_at_event_start", false);
        if shuffle && prequeue == start {
            fields.fault(
                "shuffle_at_event_start",
                "needs a `prequeue_start_time`: who comes before the start is drawn",
            );
        }
        let ends_sessions = fields.flag("prequeue_ends_sessions", false);
        if ends_sessions && prequeue == start {
            fields.fault(
                "prequeue_ends_sessions",
                "needs a `prequeue_start_time`: it is then that the sessions end",
            );
        }
        let seconds = settings::session_duration(&mut fields);
        let limits = ["total_active_users", "new_users_per_minute"]
            .map(|field| fields.optional_number(field, 1, settings::LIMIT_MAX).map(|limit| limit as u32));
        let renewal =
            fields.names("disable_session_renewal").then(|| fields.flag("disable_session_renewal", false));
        let method = fields.names("queueing_method").then(|| settings::queueing_method(&mut fields));
        let event = Event {
            id,
            prequeue_ms: prequeue.0,
            start_ms: start.0,
            end_ms: end.0,
            shuffle,
            ends_sessions,
            total_active_users: limits[0],
            new_users_per_minute: limits[1],
            session_duration_seconds: seconds,
            disable_session_renewal: renewal,
            queueing_method: method,
        };
        let plan = Plan {
            name: settings::name(&mut fields),
            description: fields.text("description", 1_000),
            suspended: fields.flag("suspended", false),
            repeat,
            time_zone: fields.text_or("time_zone", "UTC", 64),
            event,
        };
        for field in ["custom_page_html", "turnstile_mode", "turnstile_action"] {
            fields.neutral(field, &Value::Null, "is not carried out by this version");
        }
        for read_only in ["id", "created_on", "modified_on"] {
            fields.ignore(read_only);
        }
        fields.finish(plan)
    }

    /// This plan with the fields of a patch put in.
    pub fn merged(&self, patch: &Value) -> Result<Plan, Vec<Fault>> {
        let mut merged = self.to_json();
        let (Some(target), Some(patch)) = (merged.as_object_mut(), patch.as_object()) else {
            return Plan::parse(self.event.id, &Value::Null);
        };
        settings::prefer_named_duration(target, patch);
        patch.iter().for_each(|(key, value)| target.insert(key.clone(), value.clone()));
        Plan::parse(self.event.id, &merged)
    }

    /// The canonical JSON: parsing it gives the same plan.
    pub fn to_json(&self) -> Value {
        let Plan { name, description, suspended, repeat, time_zone, event } = self;
        let prequeue = (event.prequeue_ms < event.start_ms).then(|| iso8601(Millis(event.prequeue_ms)));
        json!({
            "name": name,
            "description": description,
            "suspended": *suspended,
            "event_start_time": iso8601(Millis(event.start_ms)),
            "event_end_time": iso8601(Millis(event.end_ms)),
            "prequeue_start_time": prequeue,
            "shuffle_at_event_start": event.shuffle,
            "prequeue_ends_sessions": event.ends_sessions,
            "repeat": repeat.map(Repeat::name),
            "time_zone": time_zone,
            "total_active_users": event.total_active_users,
            "new_users_per_minute": event.new_users_per_minute,
            "session_duration": event.session_duration_seconds.map(|seconds| seconds.div_ceil(60)),
            "session_duration_seconds": event.session_duration_seconds,
            "disable_session_renewal": event.disable_session_renewal,
            "queueing_method": event.queueing_method.map(QueueingMethod::name),
            "custom_page_html": Value::Null,
            "turnstile_mode": Value::Null,
            "turnstile_action": Value::Null,
        })
    }

    /// The event as it is held with this start: prequeue and end keep their distance.
    pub fn starting_at(&self, start_ms: u64) -> Event {
        let Event { prequeue_ms, start_ms: first, end_ms, .. } = self.event;
        Event {
            prequeue_ms: start_ms.saturating_sub(first - prequeue_ms),
            start_ms,
            end_ms: start_ms.saturating_add(end_ms - first),
            ..self.event
        }
    }
}

fn repeat(fields: &mut Fields<'_>) -> Option<Repeat> {
    match fields.text("repeat", 10).as_str() {
        "" => None,
        "daily" => Some(Repeat::Daily),
        "weekly" => Some(Repeat::Weekly),
        _ => {
            fields.fault("repeat", "must be `daily`, `weekly`, or null");
            None
        }
    }
}

fn times_fit(fields: &mut Fields<'_>, [prequeue, start, end]: [Millis; 3], repeat: Option<Repeat>) {
    // A time that could not be read has its fault already.
    if start.0 == 0 || end.0 == 0 || prequeue.0 == 0 {
        return;
    }
    if prequeue > start {
        fields.fault("prequeue_start_time", "must be before `event_start_time`");
    }
    if end < start.plus(DURATION_MIN) {
        fields.fault("event_end_time", "must be at least a minute after `event_start_time`");
    }
    let (longest, said) = match repeat {
        None => (DURATION_MAX, "31 days"),
        Some(Repeat::Daily) => (DAY.minus(LEAP_MAX), "22 hours"),
        Some(Repeat::Weekly) => (Millis(7 * DAY.0).minus(LEAP_MAX), "6 days and 22 hours"),
    };
    if end.since(prequeue) > longest {
        let why = repeat.map_or(
            "",
            |_| ", or it would meet itself when clocks are put forward; for longer, leave out `repeat`",
        );
        let message = format!("must be at most {said} after the event begins, its prequeue included{why}");
        fields.fault("event_end_time", message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimal() -> Value {
        json!({
            "name": "noon",
            "event_start_time": "2026-12-01T12:00:00Z",
            "event_end_time": "2026-12-01T13:00:00Z",
        })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut event = minimal();
        event.set(field, value);
        event
    }

    fn parsed(json: &Value) -> Plan {
        Plan::parse([7; 16], json).expect("an event")
    }

    fn faulty(json: &Value) -> Vec<String> {
        Plan::parse([7; 16], json)
            .expect_err("should be refused")
            .into_iter()
            .map(|fault| fault.field)
            .collect()
    }

    #[test]
    fn what_is_written_is_read_the_same() {
        let mut full = with("prequeue_start_time", json!("2026-12-01T11:30:00+00:00"));
        for (field, value) in [
            ("shuffle_at_event_start", json!(true)),
            ("prequeue_ends_sessions", json!(true)),
            ("repeat", json!("weekly")),
            ("time_zone", json!("Europe/Athens")),
            ("total_active_users", json!(7)),
            ("session_duration_seconds", json!(90)),
            ("disable_session_renewal", json!(false)),
            ("queueing_method", json!("random")),
        ] {
            full.set(field, value);
        }
        for json in [minimal(), full] {
            let plan = parsed(&json);
            assert_eq!(parsed(&plan.to_json()), plan);
        }
        assert_eq!(parsed(&minimal()).event.prequeue_ms, parsed(&minimal()).event.start_ms);
    }

    #[test]
    fn times_have_their_order_and_their_bounds() {
        assert_eq!(faulty(&with("event_start_time", json!("tomorrow"))), ["event_start_time"]);
        let never = json!("1970-01-01T00:00:00Z");
        assert_eq!(faulty(&with("event_start_time", never.clone())), ["event_start_time"]);
        assert_eq!(faulty(&with("prequeue_start_time", never)), ["prequeue_start_time"]);
        assert_eq!(faulty(&with("event_end_time", json!("2026-12-01T12:00:59Z"))), ["event_end_time"]);
        assert_eq!(faulty(&with("event_end_time", json!("2027-01-02T12:00:00Z"))), ["event_end_time"]);
        assert_eq!(
            faulty(&with("prequeue_start_time", json!("2026-12-01T12:00:01Z"))),
            ["prequeue_start_time"]
        );
        assert_eq!(faulty(&with("shuffle_at_event_start", json!(true))), ["shuffle_at_event_start"]);
        assert_eq!(faulty(&with("prequeue_ends_sessions", json!(true))), ["prequeue_ends_sessions"]);
    }

    #[test]
    fn a_repeating_event_is_too_short_to_meet_itself_when_clocks_are_put_forward() {
        for (repeat, longest, longer) in [
            ("daily", "2026-12-02T09:30:00Z", "2026-12-02T09:30:01Z"),
            ("weekly", "2026-12-08T09:30:00Z", "2026-12-08T09:30:01Z"),
        ] {
            let mut event = with("repeat", json!(repeat));
            event.set("prequeue_start_time", json!("2026-12-01T11:30:00Z"));
            event.set("event_end_time", json!(longest));
            parsed(&event);
            event.set("event_end_time", json!(longer));
            let faults = Plan::parse([7; 16], &event).unwrap_err();
            assert_eq!((faults.len(), faults[0].field.as_str()), (1, "event_end_time"));
            assert!(faults[0].message.contains("22 hours"), "{}", faults[0].message);
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let wrong = json!({ "name": "", "total_active_users": 0, "repeat": "yearly", "colour": 1, "turnstile_mode": "off" });
        let faults = faulty(&wrong);
        for field in [
            "name",
            "event_start_time",
            "event_end_time",
            "total_active_users",
            "repeat",
            "colour",
            "turnstile_mode",
        ] {
            assert!(faults.iter().any(|fault| fault == field), "{field} in {faults:?}");
        }
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let plan = parsed(&with("session_duration", json!(5)));
        let patched =
            plan.merged(&json!({ "session_duration_seconds": 30, "total_active_users": 9 })).unwrap();
        assert_eq!(patched.event.session_duration_seconds, Some(30));
        let inherits = patched.merged(&json!({ "total_active_users": null })).unwrap();
        assert_eq!((inherits.event.total_active_users, &inherits.name), (None, &plan.name));
    }

    #[test]
    fn an_occurrence_keeps_the_distances() {
        let plan = parsed(&with("prequeue_start_time", json!("2026-12-01T11:30:00Z")));
        let later = plan.starting_at(plan.event.start_ms + 86_400_000);
        assert_eq!(later.start_ms - later.prequeue_ms, 30 * 60_000);
        assert_eq!(later.end_ms - later.start_ms, 60 * 60_000);
    }
}
