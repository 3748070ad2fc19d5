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

/// A calendar in which one clock is put forward by an hour on the hundredth day, and back on the three hundredth.
#[allow(clippy::unnecessary_wraps, reason = "another calendar may not know the time zone")]
fn calendar(recurrence: &Recurrence<'_>) -> Option<Vec<u64>> {
    let Recurrence { first, days, time_zone, from, count } = *recurrence;
    let step = DAY * u64::from(days);
    let skipped = from.since(first).0 / step;
    let summer = |at: &u64| time_zone == "Summer" && (100..300).contains(&(at / DAY));
    let instants = (skipped..).map(|index| first.0 + index * step);
    let instants = instants.map(|at| if summer(&at) { at - HOUR } else { at });
    Some(instants.filter(|at| *at >= from.0).take(count as usize).collect())
}

fn plan() -> impl Strategy<Value = Plan> {
    let repeat = prop_oneof![Just(None), Just(Some("daily")), Just(Some("weekly"))];
    let zone = prop_oneof![Just("UTC"), Just("Summer")];
    (any::<[u8; 16]>(), 10..40u64, 0..24u64, 1..12u64, 0..6u64, (repeat, zone), 0..4u32).prop_map(
        |(id, day, hour, hours, before, (repeat, zone), suspended)| {
            let start = day * DAY + hour * HOUR;
            let time = |at| iso8601(Millis(at));
            let json = json!({
                "name": hex(&id), "event_start_time": time(start), "event_end_time": time(start + hours * HOUR),
                "prequeue_start_time": time(start - before * HOUR), "repeat": repeat, "time_zone": zone, "suspended": suspended == 0,
            });
            Plan::parse(id, &json).unwrap()
        },
    )
}

fn record(plan: &Plan) -> EventRecord {
    let starts = starts(plan, NOW, &calendar).unwrap();
    EventRecord { id: hex(&plan.event.id), created_on_ms: 0, modified_on_ms: 0, plan: plan.to_json(), starts }
}

fn clashes(records: &[EventRecord], plan: &Plan) -> bool {
    clash(records, &hex(&plan.event.id), plan, &starts(plan, NOW, &calendar).unwrap(), &calendar).is_some()
}

/// All of a year.
fn occurrences(plan: &Plan) -> impl Iterator<Item = Event> {
    let (first, time_zone) = (Millis(plan.event.start_ms), plan.time_zone.as_str());
    let all = match plan.repeat.map(Repeat::days) {
        None => vec![first.0],
        Some(days) => {
            calendar(&Recurrence { first, days, time_zone, from: first, count: 366 / days }).unwrap()
        }
    };
    all.into_iter().map(|start| plan.starting_at(start))
}

fn overlap(one: &Event, other: &Event) -> bool {
    one.prequeue_ms < other.end_ms && other.prequeue_ms < one.end_ms
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn two_events_meet_whichever_was_there_first_whatever_clocks_are_changed(one in plan(), other in plan()) {
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
