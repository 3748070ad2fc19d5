//! A room's events: which there are, when they are held next, and whether one would meet another. Part of the
//! [`directory`](crate::directory).
//!
//! Calendars are not its business: that a day has 23 hours where clocks are put forward is known to the platform, which turns
//! a repeating event into instants ([`Expand`]). Eight of them stand ahead; they are renewed whenever an event is over, and the Room is
//! told of those that have moved up.

use crate::date::iso8601;
use crate::fields::stored;
use crate::listed::Listed as _;
use crate::plan::{Plan, Repeat};
use crate::schedule::Event;
use crate::settings::Fault;
use crate::units::Millis;
use crate::wire::wire;
use crate::{codec::from_hex, json::Value};

/// Occurrences of a repeating event that stand ahead.
pub const AHEAD: u32 = 8;
/// Events of one room.
pub const EVENTS_MAX: usize = 100;
const DAY_MS: u64 = 24 * 60 * 60_000;
/// Repeating events are compared over so much: a year, in which every clock that is changed is changed, and some weeks.
const COMPARED_MS: u64 = 400 * DAY_MS;
/// Occurrences that a Room is told of: the next ones of all its events.
const TOLD_MAX: usize = 32;

/// A recurrence as the platform expands it.
#[derive(Clone, Copy, Debug)]
pub struct Recurrence<'a> {
    /// When it is held first.
    pub first: Millis,
    /// Days from one to the next, at the same time of the time zone's clock.
    pub days: u32,
    /// A name of the IANA's database.
    pub time_zone: &'a str,
    /// Only from then on.
    pub from: Millis,
    /// So many.
    pub count: u32,
}

/// The instants of a recurrence, in order; none if there is no such time zone.
pub type Expand<'a> = &'a dyn Fn(&Recurrence<'_>) -> Option<Vec<u64>>;

/// An event as the directory keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventRecord {
    /// 32 hexadecimal digits.
    pub id: String,
    /// When it was made.
    pub created_on_ms: u64,
    /// When it was changed last.
    pub modified_on_ms: u64,
    /// Its canonical JSON.
    pub plan: Value,
    /// When its next occurrences start; of an event that is over, none.
    pub starts: Vec<u64>,
}

wire!(EventRecord { id, created_on_ms, modified_on_ms, plan, starts });

impl EventRecord {
    /// What the operator wrote; none of a record that this version cannot read.
    pub fn plan(&self) -> Option<Plan> {
        let id = from_hex(&self.id)?;
        stored(&self.plan, |plan| Plan::parse(id, plan)).ok()
    }

    /// Its next occurrences, unless it is suspended.
    fn occurrences(&self, now: Millis) -> Vec<Event> {
        let Some(plan) = self.plan().filter(|plan| !plan.suspended) else { return Vec::new() };
        let all = self.starts.iter().map(|start| plan.starting_at(*start));
        all.filter(|event| event.end_ms > now.0).listed()
    }

    /// Whether it is over for good.
    pub fn is_over(&self, now: Millis) -> bool {
        self.plan().is_some_and(|plan| plan.repeat.is_none() && plan.event.end_ms <= now.0)
    }

    /// As the API tells it.
    pub fn to_json(&self) -> Value {
        let mut json = self.plan.clone();
        json.set("id", Value::String(self.id.clone()));
        json.set("created_on", Value::String(iso8601(Millis(self.created_on_ms))));
        json.set("modified_on", Value::String(iso8601(Millis(self.modified_on_ms))));
        json
    }
}

/// When an event starts next, in order; not at all if it is over.
pub fn starts(plan: &Plan, now: Millis, expand: Expand<'_>) -> Result<Vec<u64>, Fault> {
    let Event { start_ms, end_ms, .. } = plan.event;
    let Some(repeat) = plan.repeat else {
        return Ok(if end_ms > now.0 { vec![start_ms] } else { Vec::new() });
    };
    // Whatever is not over yet.
    let from = Millis((now.0 + start_ms).saturating_sub(end_ms) + 1);
    expand(&recurrence(plan, repeat, from, AHEAD)).ok_or_else(|| Fault {
        field: "time_zone".into(),
        message: "must be a time zone such as `Europe/Athens`, or `UTC`".into(),
    })
}

fn recurrence(plan: &Plan, repeat: Repeat, from: Millis, count: u32) -> Recurrence<'_> {
    let (first, days, time_zone) = (Millis(plan.event.start_ms), repeat.days(), plan.time_zone.as_str());
    Recurrence { first, days, time_zone, from, count }
}

/// The next occurrences of all events, in order: what a Room is told.
pub fn upcoming(records: &[EventRecord], now: Millis) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for event in records.iter().flat_map(|record| record.occurrences(now)) {
        let index = events.partition_point(|other| other.prequeue_ms <= event.prequeue_ms);
        events.insert(index, event);
    }
    // Laws change clocks at short notice, and events meet that did not: the later one waits until the earlier is over.
    events.dedup_by(|later, earlier| later.prequeue_ms < earlier.end_ms);
    events.truncate(TOLD_MAX);
    events
}

/// What a new or changed event would meet: the first clash with another of its room, by name.
pub fn clash(
    records: &[EventRecord],
    id: &str,
    plan: &Plan,
    starts: &[u64],
    expand: Expand<'_>,
) -> Option<Fault> {
    for record in records.iter().filter(|record| record.id != id) {
        let Some(other) = record.plan() else { continue };
        if other.name == plan.name {
            let message = format!("another event of this room is called `{}`", plan.name);
            return Some(Fault { field: "name".into(), message });
        }
        let (Some(mine), Some(theirs)) = (starts.first(), record.starts.first()) else { continue };
        if plan.suspended || other.suspended {
            continue;
        }
        if let Some(event) = meets((plan, *mine), (&other, *theirs), expand) {
            let [from, to] = [event.prequeue_ms, event.end_ms].map(|at| iso8601(Millis(at)));
            let message = format!("overlaps the event `{}`, which is held from {from} to {to}", other.name);
            return Some(Fault { field: "event_start_time".into(), message });
        }
    }
    None
}

/// The first occurrence of the second plan that overlaps one of the first, of each from its next start on.
fn meets(one: (&Plan, u64), other: (&Plan, u64), expand: Expand<'_>) -> Option<Event> {
    let begins = |(plan, next): (&Plan, u64)| plan.starting_at(next).prequeue_ms;
    let ends = |(plan, _): (&Plan, u64)| plan.repeat.map_or(plan.event.end_ms, |_| u64::MAX);
    let from = begins(one).max(begins(other));
    let until = (from + COMPARED_MS).min(ends(one)).min(ends(other));
    let held = |(plan, next): (&Plan, u64)| {
        let Some(repeat) = plan.repeat else { return vec![next] };
        // One that began before may last into it: none is longer than from one to the next.
        let period = DAY_MS * u64::from(repeat.days());
        let earliest = from.saturating_sub(2 * period).max(next);
        let count = until.saturating_sub(earliest).div_ceil(period) as u32 + 2;
        expand(&recurrence(plan, repeat, Millis(earliest), count)).unwrap_or_default()
    };
    let (mine, theirs) = (held(one), held(other));
    let (mut index, mut met) = (0, 0);
    while let (Some(start), Some(meets)) = (mine.get(index), theirs.get(met)) {
        let (event, meets) = (one.0.starting_at(*start), other.0.starting_at(*meets));
        if meets.prequeue_ms < event.end_ms && event.prequeue_ms < meets.end_ms {
            return Some(meets);
        }
        // The one that is over first meets nothing any more.
        if event.end_ms < meets.end_ms {
            index += 1;
        } else {
            met += 1;
        }
    }
    None
}

/// When events have to be expanded anew, and the Room to be told of the next: as soon as an occurrence is over.
pub fn stale_at(records: &[EventRecord]) -> Option<Millis> {
    let held = records.iter().filter_map(|record| Some((record.plan()?, *record.starts.first()?)));
    held.filter(|(plan, _)| !plan.suspended).map(|(plan, start)| Millis(plan.starting_at(start).end_ms)).min()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::json;

    const HOUR: u64 = 3_600_000;
    const DAY: u64 = 24 * HOUR;

    /// A calendar with few surprises: every day has 24 hours, but for the hundredth of each year by `Spring`'s clock, which is put forward then.
    pub(crate) fn plain(recurrence: &Recurrence<'_>) -> Option<Vec<u64>> {
        let Recurrence { first, days, time_zone, from, count } = *recurrence;
        let step = DAY * u64::from(days);
        let skipped = from.since(first).0.div_ceil(step);
        let forward = |at: u64| time_zone == "Spring" && at / DAY % 365 >= 100;
        let shifted = |at: u64| if forward(at) && !forward(first.0) { at - HOUR } else { at };
        let instants = (0..).map(|index| shifted(first.0 + (skipped + index) * step));
        let known = ["UTC", "Spring"].contains(&time_zone);
        known.then(|| instants.filter(|at| *at >= from.0).take(count as usize).collect())
    }

    fn plan(name: &str, day: u64, hour: u64, repeat: Option<&str>) -> Plan {
        let time = |hour: u64| iso8601(Millis(day * DAY + hour * 3_600_000));
        let json = json!({
            "name": name, "event_start_time": time(hour), "event_end_time": time(hour + 1), "repeat": repeat,
        });
        Plan::parse([hour as u8; 16], &json).unwrap()
    }

    fn record(plan: &Plan, now: Millis) -> EventRecord {
        let id = crate::codec::hex(&plan.event.id);
        let starts = starts(plan, now, &plain).unwrap();
        EventRecord { id, created_on_ms: 0, modified_on_ms: 0, plan: plan.to_json(), starts }
    }

    fn clash_of(with: &Plan, new: &Plan) -> Option<String> {
        let now = Millis(DAY);
        let starts = starts(new, now, &plain).unwrap();
        clash(&[record(with, now)], "new", new, &starts, &plain).map(|fault| fault.message)
    }

    #[test]
    fn eight_occurrences_stand_ahead_and_the_one_under_way_is_among_them() {
        let daily = plan("a", 10, 12, Some("daily"));
        let during = Millis(20 * DAY + 12 * 3_600_000 + 1);
        let starts = starts(&daily, during, &plain).unwrap();
        assert_eq!(starts.len(), 8);
        assert_eq!(starts[0], 20 * DAY + 12 * 3_600_000);
        let record = record(&daily, during);
        assert_eq!(stale_at(std::slice::from_ref(&record)), Some(Millis(20 * DAY + 13 * 3_600_000)));
        assert_eq!(upcoming(&[record], during).len(), 8);
    }

    #[test]
    fn a_room_is_told_of_all_events_in_their_order_and_of_no_suspended_one() {
        let now = Millis(DAY);
        let suspended = Plan { suspended: true, ..plan("c", 10, 9, None) };
        let records = [plan("a", 12, 8, None), plan("b", 10, 12, Some("weekly")), suspended]
            .map(|plan| record(&plan, now));
        let starts: Vec<u64> = upcoming(&records, now).iter().map(|event| event.start_ms / DAY).collect();
        assert_eq!(starts[..3], [10, 12, 17]);
        assert_eq!(starts.len(), 9);
    }

    #[test]
    fn overlaps_are_refused_with_the_other_named_however_far_ahead() {
        let single = plan("single", 40, 12, None);
        assert_eq!(clash_of(&single, &plan("new", 40, 13, None)), None, "one ends as the other begins");
        let message = clash_of(&plan("daily", 10, 12, Some("daily")), &single).unwrap();
        assert!(message.contains("`daily`") && message.contains("1970-02-10T12:00"), "{message}");
        let message = clash_of(&single, &plan("new", 10, 12, Some("daily"))).unwrap();
        assert!(message.contains("`single`"), "{message}");
        assert!(clash_of(&single, &plan("single", 90, 1, None)).unwrap().contains("called"));
        assert_eq!(
            clash_of(&Plan { suspended: true, ..single.clone() }, &Plan { name: "n".into(), ..single }),
            None
        );
    }

    #[test]
    fn clocks_that_are_changed_later_make_events_meet_whichever_was_there_first() {
        let by = |time_zone: &str, plan: Plan| Plan { time_zone: time_zone.into(), ..plan };
        let (one, other) = (plan("one", 10, 12, Some("daily")), plan("other", 20, 13, Some("daily")));
        assert_eq!(clash_of(&one, &other), None);
        let spring = by("Spring", other.clone());
        for (with, new) in [(&one, &spring), (&spring, &one)] {
            let message = clash_of(with, new).unwrap();
            assert!(message.contains("1970-04-11T12:00"), "the day of the change is named: {message}");
        }
        // By one clock they keep their distance; what lasts over the change is as long as it is, and meets what follows.
        assert_eq!(clash_of(&by("Spring", one), &spring), None);
        let first = by("Spring", plan("first", 10, 12, Some("weekly")));
        assert!(
            clash_of(&first, &by("UTC", plan("second", 13, 11, Some("weekly")))).is_none(),
            "on other days"
        );
        let second = by("UTC", plan("second", 10, 11, Some("weekly")));
        assert!(clash_of(&first, &second).unwrap().contains("1970-04-12T11:00"));
    }

    #[test]
    fn of_events_that_have_come_to_meet_a_room_is_told_one_after_the_other() {
        let now = Millis(DAY);
        let records = [(12, "a"), (13, "b")].map(|(hour, name)| record(&plan(name, 10, hour, None), now));
        let later = EventRecord { starts: vec![records[1].starts[0] - 1], ..records[1].clone() };
        let records = [records[0].clone(), later];
        let told = |now| upcoming(&records, now).iter().map(|event| event.id[0]).listed();
        assert_eq!(told(now), [12]);
        assert_eq!(told(Millis(10 * DAY + 13 * HOUR)), [13]);
    }

    #[test]
    fn an_unknown_time_zone_is_refused_by_name() {
        let lost = Plan { time_zone: "Atlantis".into(), ..plan("a", 10, 12, Some("daily")) };
        assert_eq!(starts(&lost, Millis(0), &plain).unwrap_err().field, "time_zone");
    }
}
