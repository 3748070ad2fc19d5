//! Operators in the rush: patches of settings, as their API takes them, and sessions that they end. A new setting is one more line in [`draw`].

use durable::json;
use durable::json::Value;
use durable::units::{Generation, Millis, Seat};

use crate::dice::Dice;

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
    /// The session of a seat ends, if it is of this generation.
    End(Seat, Generation),
    /// All sessions end.
    EndAll,
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
    })
}

/// The same with many seats, little pace and short windows.
pub fn tight(dice: &mut Dice, mut opening: Value) -> Value {
    opening.set("total_active_users", json!(dice.between(20, 60)));
    opening.set("new_users_per_minute", json!(dice.between(8, 60)));
    opening.set("claim_window_seconds", json!(dice.pick(&[10, 15])));
    opening.set("queue_all", json!(false));
    opening
}

/// What operators do within so long a time.
pub fn draw(dice: &mut Dice, rush: Millis) -> Vec<Order> {
    let count = if dice.percent(40) { 0 } else { dice.below(8) };
    let mut orders: Vec<_> =
        (0..count).map(|_| Order { after: dice.millis(0, rush.0), deed: deed(dice) }).collect();
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

fn patch(dice: &mut Dice) -> Value {
    match dice.below(9) {
        0 | 1 => json!({ "total_active_users": seats(dice) }),
        2 | 3 => json!({ "new_users_per_minute": per_minute(dice) }),
        4 => json!({ "queue_all": true }),
        5 => json!({ "queue_all": false, "suspended": false }),
        6 => json!({ "suspended": dice.percent(50) }),
        7 => json!({ "session_duration_seconds": dice.pick(&[10, 30, 100]) }),
        _ => json!({ "claim_window_seconds": dice.pick(&[10, 30, 120]) }),
    }
}

/// When the rush is over, operators let everybody in.
pub fn closing() -> Value {
    json!({ "queue_all": false, "suspended": false })
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
