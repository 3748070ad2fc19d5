//! Ten million at noon: the whole tree, production lobbies and the production Room, with three hundred data centers and their distances. What each
//! object is asked is counted, and what the Room writes.
//!
//! `make sim-scale` writes `target/bench/scale.json`, and beside it a chart of how it grows from one million to a hundred. Everything in it is simulated, but for how long it took.

pub mod awake;
pub mod centers;
mod chart;
mod open;
pub mod people;
mod queue;
mod rush;
pub mod tree;

use std::path::Path;
use std::thread;
use std::time::Instant;

use durable::json;
use durable::json::Value;
use durable::settings::Settings;
use durable::units::Millis;
use durable::wire::to_text;

use self::open::Open;
use self::rush::Rush;

const SEATS: u64 = 100_000;
/// All seats within a minute.
const PER_MINUTE: u64 = 100_000;
/// First contacts in a second while the room is open, all over the world: half of what its pace allows.
const OPEN_PER_SECOND: u64 = 800;
const OPEN_FOR: Millis = Millis(40_000);
/// How many come, and how much of that is simulated. Of a hundred million the first quarter of the minute: what goes up the tree grows no more
/// after it, and who is turned away asks again and again.
const CROWDS: [(u32, Millis); 3] =
    [(1_000_000, Millis(240_000)), (10_000_000, Millis(240_000)), (100_000_000, Millis(15_000))];
/// The crowd of the targets.
const TARGET: u32 = 10_000_000;

/// What came of one crowd.
struct Sized {
    people: u32,
    figures: Vec<(&'static str, u64)>,
}

impl Sized {
    fn figure(&self, name: &str) -> u64 {
        self.figures.iter().find(|(of, _)| *of == name).map_or(0, |(_, figure)| *figure)
    }
}

/// Runs it, and writes figures and chart: whether every target was met.
#[expect(clippy::disallowed_methods, reason = "how long it takes is a figure; nothing is decided by it")]
pub fn run(path: &str) -> std::io::Result<bool> {
    let begun = Instant::now();
    // They know nothing of each other.
    let (open, crowds) = thread::scope(|scope| {
        let crowds = CROWDS.map(|(people, until)| scope.spawn(move || crowd(people, until)));
        let mut open = Open::new(settings(), OPEN_PER_SECOND, 1);
        open.run(OPEN_FOR);
        (open, crowds.into_iter().filter_map(|crowd| crowd.join().ok()).collect::<Vec<Sized>>())
    });
    println!(
        "first contact while open: {} were let in, {} ms later at the median, {} for 99 of 100; {} found it busy",
        open.added.len(),
        open.quantile(500),
        open.quantile(990),
        open.busy
    );
    for Sized { people, figures } in &crowds {
        println!("{people} people:");
        figures.iter().for_each(|(name, figure)| println!("  {name}: {figure}"));
    }
    let Some(target) = crowds.iter().find(|crowd| crowd.people == TARGET) else { return Ok(false) };
    let figures = held(target, &open);
    let mut report = json!({ "how": "simulated" });
    for (name, figure, bound) in figures {
        report.set(name, json!(figure));
        println!("{name}: {figure} (at most {bound}){}", if figure > bound { ", MISSED" } else { "" });
    }
    let told = crowds.iter().map(|crowd| {
        let mut told = json!({ "people": u64::from(crowd.people) });
        crowd.figures.iter().for_each(|(name, figure)| told.set(name, json!(*figure)));
        told
    });
    report.set("first_contacts", json!(open.added.len() as u64));
    report.set("first_contacts_busy", json!(open.busy));
    report.set("crowds", Value::Array(told.collect()));
    report.set("took_seconds", json!(begun.elapsed().as_secs()));
    std::fs::write(path, to_text(&report) + "\n")?;
    let chart = Path::new(path).with_extension("svg");
    std::fs::write(&chart, chart::svg(&crowds))?;
    println!("figures: {path}, chart: {}", chart.display());
    Ok(figures.iter().all(|(_, figure, bound)| figure <= bound))
}

/// The figures that have a target, and the most that each may be.
fn held(crowd: &Sized, open: &Open) -> [(&'static str, u64, u64); 7] {
    let of_crowd = |name, bound| (name, crowd.figure(name), bound);
    [
        of_crowd("room_requests_per_second_max", 500),
        of_crowd("room_rows_per_second_max", 50),
        of_crowd("overshoot", 0),
        of_crowd("order_off_ms_p99", 250),
        of_crowd("lost", 0),
        ("first_contact_added_ms_p50", open.quantile(500), 60),
        ("first_contact_added_ms_p99", open.quantile(990), 350),
    ]
}

fn crowd(people: u32, until: Millis) -> Sized {
    let mut rush = Rush::new(settings(), people, 1);
    rush.run(until);
    let Rush { tree, told, .. } = &rush;
    let figures = vec![
        ("simulated_seconds", until.secs_ceil()),
        ("joined", told.joined),
        ("joined_per_second_max", told.joined_per_second.iter().copied().max().unwrap_or_default()),
        ("entered", told.entered),
        ("polls", told.polls),
        ("lost", told.lost),
        ("order_off_ms_p50", told.order_off.0),
        ("order_off_ms_p99", told.order_off.1),
        ("overtook_ms_p50", told.overtook.0),
        ("overtook_ms_p99", told.overtook.1),
        ("room_requests_per_second_max", tree.room_requests.most),
        ("room_rows_per_second_max", tree.room_rows.most),
        ("room_commits_per_second_max", tree.commits.most),
        ("region_requests_per_second_max", tree.fullest_region()),
        ("leaf_requests_per_second_max", tree.fullest_leaf()),
        ("leaves_requests_per_second_max", tree.leaf_requests.most),
        ("object_requests", tree.room_requests.all + tree.region_requests.all + tree.leaf_requests.all),
        ("rows", tree.room_rows.all),
        ("turned_away", tree.overloaded),
        ("inside_max", tree.ledger.live_max),
        ("overshoot", tree.ledger.live_max.saturating_sub(SEATS)),
        ("out_of_order", tree.ledger.disorder),
    ];
    Sized { people, figures }
}

fn settings() -> Settings {
    let settings = json!({
        "name": "noon", "host": "shop.example", "total_active_users": SEATS, "new_users_per_minute": PER_MINUTE,
        "session_duration_seconds": 300,
    });
    Settings::parse(&settings).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_the_crowd_meets_every_target_of_the_whole() {
        let people = TARGET / 100;
        let crowd = crowd(people, Millis(120_000));
        let mut open = Open::new(settings(), OPEN_PER_SECOND, 1);
        open.run(Millis(20_000));
        assert_eq!((crowd.figure("joined"), crowd.figure("turned_away")), (u64::from(people), 0));
        assert!(crowd.figure("entered") > u64::from(people) / 4, "{} are let in", crowd.figure("entered"));
        assert!(open.added.len() > 5_000, "{} come while it is open", open.added.len());
        for (name, figure, bound) in held(&crowd, &open) {
            assert!(figure <= bound, "{name}: {figure} of {bound}");
        }
    }
}
