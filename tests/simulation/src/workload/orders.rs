//! Operators in the rush: patches of settings, as their API takes them, events that they schedule and call off, and sessions that they end. A
//! new setting is one more line in [`draw`].

use durable::json;
use durable::json::Value;
use durable::schedule::Event;
use durable::settings::QueueingMethod;
use durable::units::{Generation, Millis, Seat};

use crate::dice::Dice;
use crate::trace::NOON;

/// What an operator does.
#[derive(Clone, Debug)]
pub struct Order {
    /// So long after noon.
    pub after: Millis,
    /// And then.
    pub deed: Deed,
}

/// One thing that operators can do.
#[derive(Clone, Debug)]
pub enum Deed {
    /// These fields change.
    Set(Value),
    /// These are the room's events from now on.
    Schedule(Vec<Event>),
    /// The session of a seat ends, if it is of this generation.
    End(Seat, Generation),
    /// All sessions end.
    EndAll,
    /// The room begins anew.
    Reset,
}

/// The settings a room begins with.
pub fn opening(dice: &mut Dice) -> Value {
    let session = dice.pick(&[10, 20, 40, 100]);
    json!({
        "name": "sale", "host": "shop.example",
        "total_active_users": seats(dice),
        "new_users_per_minute": per_minute(dice),
        "session_duration_seconds": session,
        "disable_session_renewal": dice.percent(15),
        "claim_window_seconds": dice.pick(&[10, 15, 30, 60, 120]),
        "queue_all": dice.percent(10),
        "queueing_method": method(dice),
        "enabled_origin_commands": if dice.percent(25) { vec!["revoke"] } else { Vec::new() },
    })
}

/// The same with many seats, little pace and short windows.
pub fn tight(dice: &mut Dice, mut opening: Value) -> Value {
    opening.set("total_active_users", json!(dice.between(20, 60)));
    opening.set("new_users_per_minute", json!(dice.between(8, 60)));
    opening.set("claim_window_seconds", json!(dice.pick(&[10, 15])));
    opening.set("queue_all", json!(false));
    opening.set("queueing_method", json!("fifo"));
    opening
}

/// The same with short windows, and few seats and much pace or the other way round: many calls close within a rush.
pub fn fickle(dice: &mut Dice, mut opening: Value) -> Value {
    let has_pace = dice.percent(75);
    let (seats, pace) = if has_pace { ((12, 40), (200, 3_000)) } else { ((60, 120), (50, 120)) };
    opening.set("total_active_users", json!(dice.between(seats.0, seats.1)));
    opening.set("new_users_per_minute", json!(dice.between(pace.0, pace.1)));
    opening.set("session_duration_seconds", json!(dice.pick(&[10, 20])));
    opening.set("claim_window_seconds", json!(dice.pick(&[10, 15])));
    opening.set("queue_all", json!(false));
    opening.set("queueing_method", json!(if dice.percent(80) { "fifo" } else { "random" }));
    opening
}

/// The same with seats and pace for everybody who comes.
pub fn roomy(dice: &mut Dice, mut opening: Value) -> Value {
    opening.set("total_active_users", json!(dice.between(60, 400)));
    opening.set("new_users_per_minute", json!(dice.between(200, 3_000)));
    opening.set("queue_all", json!(false));
    opening.set("disable_session_renewal", json!(false));
    opening
}

/// What operators do within so long a time.
pub fn draw(dice: &mut Dice, rush: Millis, is_long: bool) -> Vec<Order> {
    let count = if dice.percent(40) { 0 } else { dice.below(8) };
    let mut orders: Vec<_> =
        (0..count).map(|_| Order { after: dice.millis(0, rush.0), deed: deed(dice) }).collect();
    if dice.percent(45) {
        // Made before anybody comes, and changed or called off in the rush perhaps.
        let count = dice.between(1, 2);
        orders.push(Order { after: Millis(0), deed: Deed::Schedule(events(dice, 0, rush, count)) });
        if dice.percent(30) {
            let (after, count) = (dice.millis(0, rush.0), dice.below(3));
            orders.push(Order { after, deed: Deed::Schedule(events(dice, after.0, rush, count)) });
        }
    }
    if is_long {
        // Long enough apart that windows close in between, and rounds are forgotten.
        for _ in 0..dice.below(6) {
            let deed = Deed::Set(json!({ "queueing_method": dice.pick(&["fifo", "random", "random"]) }));
            orders.push(Order { after: dice.millis(0, rush.0), deed });
        }
    }
    orders.sort_by_key(|order| order.after);
    orders
}

fn deed(dice: &mut Dice) -> Deed {
    match dice.below(8) {
        0 => Deed::EndAll,
        1 => Deed::End(Seat(dice.below(4) as u32), Generation(dice.below(3) as u32)),
        _ => Deed::Set(patch(dice)),
    }
}

/// So many events, one after the other, that begin at `from` or later.
fn events(dice: &mut Dice, from: u64, rush: Millis, count: u64) -> Vec<Event> {
    let (mut events, mut from) = (Vec::new(), from);
    for _ in 0..count {
        let soon = dice.percent(50);
        let prequeue = from + dice.below(if soon { 4_000 } else { rush.0 / 3 });
        let start = prequeue + if dice.percent(75) { dice.between(2_000, 60_000) } else { 0 };
        let end = start + dice.between(5_000, 150_000);
        let [prequeue_ms, start_ms, end_ms] = [prequeue, start, end].map(|after| NOON.0 + after);
        events.push(Event {
            id: [dice.between(1, 2) as u8; 16],
            prequeue_ms,
            start_ms,
            end_ms,
            shuffle: prequeue < start && dice.percent(60),
            ends_sessions: dice.percent(30),
            total_active_users: dice.maybe(30, |dice| seats(dice) as u32),
            new_users_per_minute: dice.maybe(30, |dice| per_minute(dice) as u32),
            session_duration_seconds: dice.maybe(20, |dice| dice.pick(&[10, 30, 100])),
            disable_session_renewal: dice.maybe(20, |dice| dice.percent(50)),
            queueing_method: dice.maybe(30, |dice| {
                use QueueingMethod::{Fifo, Passthrough, Random, Reject};
                dice.pick(&[Fifo, Fifo, Random, Random, Passthrough, Reject])
            }),
        });
        from = end;
    }
    events
}

fn patch(dice: &mut Dice) -> Value {
    match dice.below(11) {
        0 | 1 => json!({ "total_active_users": seats(dice) }),
        2 | 3 => json!({ "new_users_per_minute": per_minute(dice) }),
        4 => json!({ "queue_all": true }),
        5 => json!({ "queue_all": false, "suspended": false }),
        6 => json!({ "suspended": dice.percent(50) }),
        7 => json!({ "session_duration_seconds": dice.pick(&[10, 30, 100]) }),
        8 | 9 => json!({ "queueing_method": method(dice) }),
        _ => json!({ "claim_window_seconds": dice.pick(&[10, 30, 120]) }),
    }
}

/// When the rush is over, operators let everybody in: in order, or by rounds if that is how they are called.
pub fn closing(method: QueueingMethod) -> Value {
    let method = if method == QueueingMethod::Random { "random" } else { "fifo" };
    json!({ "queue_all": false, "suspended": false, "queueing_method": method })
}

/// Some rooms follow their origin, from the beginning, from some moment on or until one. From dice of its own: all other plans are what they were.
pub fn follow_the_origin(dice: &mut Dice, opening: &mut Value, orders: &mut Vec<Order>, rush: Millis) {
    if dice.percent(65) {
        return;
    }
    let bounds = json!({
        "error_permille_max": dice.pick(&[1, 50, 300]), "new_users_per_minute_min": dice.between(2, 60),
    });
    if dice.percent(70) {
        opening.set("origin_health", bounds.clone());
    }
    for _ in 0..dice.below(3) {
        let changed = if dice.percent(50) { Value::Null } else { bounds.clone() };
        let deed = Deed::Set(json!({ "origin_health": changed }));
        orders.push(Order { after: dice.millis(0, rush.0), deed });
    }
    orders.sort_by_key(|order| order.after);
}

/// Some rooms are reset, once or twice. From dice of its own, as above.
pub fn reset(dice: &mut Dice, orders: &mut Vec<Order>, rush: Millis) {
    let count = if dice.percent(15) { dice.between(1, 2) } else { 0 };
    orders.extend((0..count).map(|_| Order { after: dice.millis(0, rush.0), deed: Deed::Reset }));
    orders.sort_by_key(|order| order.after);
}

/// Some rooms are to live elsewhere, from the beginning or from some moment on. From dice of its own, as above.
pub fn settle(dice: &mut Dice, opening: &mut Value, orders: &mut Vec<Order>, rush: Millis) {
    if dice.percent(80) {
        return;
    }
    if dice.percent(40) {
        opening.set("room_region", json!("weur"));
    }
    for _ in 0..dice.between(1, 3) {
        let deed = Deed::Set(json!({ "room_region": dice.pick(&["weur", "oc", "me", ""]) }));
        orders.push(Order { after: dice.millis(0, rush.0), deed });
    }
    orders.sort_by_key(|order| order.after);
}

fn method(dice: &mut Dice) -> &'static str {
    match dice.below(20) {
        0..12 => "fifo",
        12..18 => "random",
        18 => "passthrough",
        _ => "reject",
    }
}

fn seats(dice: &mut Dice) -> u64 {
    match dice.below(4) {
        0 => dice.between(1, 3),
        1 => dice.between(4, 10),
        _ => dice.between(5, 40),
    }
}

fn per_minute(dice: &mut Dice) -> u64 {
    match dice.below(4) {
        0 => dice.between(4, 20),
        1 => dice.between(20, 100),
        _ => dice.between(100, 5_000),
    }
}
