//! How long a freed seat stands empty: from the moment a place is called until its page has claimed, in rooms of every size, where everybody looks at
//! their page and where nobody does.

use anteroom::poll::Sight;
use durable::json;
use durable::units::Millis;

use super::crowd::{Arrivals, Crowd};
use super::hall::Hall;

/// Seats, admissions a minute, people: a desk, a small shop, a ticket sale, and the rush at noon.
const ROOMS: [(u64, u64, u32); 4] =
    [(1, 60, 60), (20, 120, 1_000), (1_000, 600, 20_000), (10_000, 2_500, 100_000)];
/// All of them join within so long.
const WITHIN: Millis = Millis(10_000);
/// A freed seat is taken within so long at the median, where people look at their pages.
const TAKEN_WITHIN: Millis = Millis(3_000);

/// Prints the table: whether seats are taken soon enough in every room.
pub(super) fn table() -> bool {
    println!("seconds from being called to being inside: the median, and nine tenths");
    println!("| seats | a minute | people | shown p50 | shown p90 | hidden p50 | hidden p90 |");
    println!("|---|---|---|---|---|---|---|");
    let mut is_soon = true;
    for (seats, per_minute, people) in ROOMS {
        let [shown, hidden] =
            [Sight::Shown, Sight::Hidden].map(|sight| turns(seats, per_minute, people, sight));
        is_soon &= quantile(&shown, 5) <= TAKEN_WITHIN;
        let cells =
            [&shown, &hidden].map(|turns| [5, 9].map(|tenths| quantile(turns, tenths).0 as f64 / 1_000.0));
        let cells = cells.as_flattened().iter().map(|seconds| format!("{seconds:.1} |"));
        println!("| {seats} | {per_minute} | {people} | {}", cells.collect::<Vec<_>>().join(" "));
    }
    is_soon
}

/// For each who got in when they were called: how long it took, in order.
fn turns(seats: u64, per_minute: u64, people: u32, sight: Sight) -> Vec<Millis> {
    let settings = json!({
        "name": "noon", "host": "shop.example", "total_active_users": seats, "new_users_per_minute": per_minute,
        "session_duration_seconds": 300,
    });
    let arrivals = Arrivals { people, jars: 1, tabs: 1, watched: 0, within: WITHIN, sight };
    let mut crowd = Crowd::new(Hall::behind(&settings, Vec::new(), 1), arrivals, 1);
    while crowd.tick() {}
    crowd.turns.sort();
    crowd.turns
}

/// So many tenths of them took no longer.
fn quantile(turns: &[Millis], tenths: usize) -> Millis {
    turns.get(turns.len() * tenths / 10).copied().unwrap_or(Millis(u64::MAX))
}
