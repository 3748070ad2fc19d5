//! Events: which of them meet is a question about time alone, whichever was there first, and what a room is told of them has an order.

use durable::agenda::{EventRecord, Recurrence, clash, starts, upcoming};
use durable::codec::hex;
use durable::date::iso8601;
use durable::json;
use durable::plan::{Plan, Repeat};
use durable::schedule::Event;
use durable::units::Millis;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::config;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
const NOW: Millis = Millis(DAY);

/// A calendar in which every day has 24 hours.
#[allow(clippy::unnecessary_wraps, reason = "another calendar may not know the time zone")]
fn plain(recurrence: &Recurrence<'_>) -> Option<Vec<u64>> {
    let Recurrence { first, days, from, count, .. } = *recurrence;
    let step = DAY * u64::from(days);
    let skipped = from.since(first).0.div_ceil(step);
    Some((0..u64::from(count)).map(|index| first.0 + (skipped + index) * step).collect())
}

fn plan() -> impl Strategy<Value = Plan> {
    let repeat = prop_oneof![Just(None), Just(Some("daily")), Just(Some("weekly"))];
    (any::<[u8; 16]>(), 10..40u64, 0..24u64, 1..12u64, 0..6u64, repeat, 0..4u32).prop_map(
        |(id, day, hour, hours, before, repeat, suspended)| {
            let start = day * DAY + hour * HOUR;
            let time = |at| iso8601(Millis(at));
            let json = json!({
                "name": hex(&id), "event_start_time": time(start), "event_end_time": time(start + hours * HOUR),
                "prequeue_start_time": time(start - before * HOUR), "repeat": repeat, "suspended": suspended == 0,
            });
            Plan::parse(id, &json).unwrap()
        },
    )
}

fn record(plan: &Plan) -> EventRecord {
    let starts = starts(plan, NOW, &plain).unwrap();
    EventRecord { id: hex(&plan.event.id), created_on_ms: 0, modified_on_ms: 0, plan: plan.to_json(), starts }
}

fn clashes(records: &[EventRecord], plan: &Plan) -> bool {
    clash(records, &hex(&plan.event.id), plan, &starts(plan, NOW, &plain).unwrap(), &plain).is_some()
}

/// All of a year.
fn occurrences(plan: &Plan) -> impl Iterator<Item = Event> {
    let days = plan.repeat.map_or(1_000, Repeat::days);
    let all = (0..366).step_by(days as usize).map(|day| plan.event.start_ms + day * DAY);
    all.map(|start| plan.starting_at(start))
}

fn overlap(one: &Event, other: &Event) -> bool {
    one.prequeue_ms < other.end_ms && other.prequeue_ms < one.end_ms
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn two_events_meet_whichever_was_there_first(one in plan(), other in plan()) {
        prop_assume!(one.name != other.name);
        let held = !one.suspended && !other.suspended;
        let meet = held && occurrences(&one).any(|event| occurrences(&other).any(|met| overlap(&event, &met)));
        prop_assert_eq!(clashes(&[record(&one)], &other), meet);
        prop_assert_eq!(clashes(&[record(&other)], &one), meet);
        prop_assert!(!clashes(&[record(&one)], &one), "not with itself");
    }

    #[test]
    fn a_room_is_told_of_what_comes_next_in_order(plans in vec(plan(), 1..12), at in 0..60 * DAY) {
        let mut records = Vec::new();
        for plan in plans {
            if !clashes(&records, &plan) {
                records.push(record(&plan));
            }
        }
        let told = upcoming(&records, Millis(at));
        prop_assert!(told.len() <= 32 && told.iter().all(|event| event.end_ms > at));
        for pair in told.windows(2) {
            prop_assert!(pair[0].prequeue_ms <= pair[1].prequeue_ms && pair[0].end_ms <= pair[1].prequeue_ms);
        }
    }
}
