//! The big rush: a million visitors at noon against ten thousand seats. Production Room, production batches, the production page's way of
//! asking; nothing fails here (that is what the rest of this crate is for), so that there is time for a million.
//!
//! `make sim-big` prints the figures, draws `target/sim-big.svg`, measures how soon a freed seat is taken, and what several tabs and several
//! cookie jars buy.

mod chart;
mod crowd;
mod fairness;
mod hall;
pub(crate) mod ledger;
mod turns;
mod wheel;

use std::time::Instant;

use anteroom::poll::Sight;
use durable::json;
use durable::units::Millis;

use self::crowd::{Arrivals, Crowd};
use self::hall::Hall;
use self::ledger::Sample;
use crate::trace::NOON;

/// So many come.
const VISITORS: u32 = 1_000_000;
const SEATS: u64 = 10_000;
const PER_MINUTE: u64 = 2_500;
/// All of them have pressed the button by then.
const RUSH: Millis = Millis(10_000);

/// Runs it, prints the figures and writes the chart to a file: whether every promise was kept.
#[expect(clippy::disallowed_methods, reason = "how long it takes is a figure; nothing is decided by it")]
pub fn run(path: &str) -> std::io::Result<bool> {
    let begun = Instant::now();
    let settings = json!({
        "name": "noon", "host": "shop.example", "total_active_users": SEATS, "new_users_per_minute": PER_MINUTE,
        "session_duration_seconds": 300,
    });
    let arrivals =
        Arrivals { people: VISITORS, jars: 1, tabs: 1, watched: 0, within: RUSH, sight: Sight::Shown };
    let mut crowd = Crowd::new(Hall::new(&settings, Vec::new(), 1), arrivals, 1);
    let mut samples = Vec::new();
    while crowd.tick() {
        if crowd.now().0.is_multiple_of(60_000) {
            samples.push(crowd.sample());
        }
    }
    let wall = begun.elapsed();
    let ledger = &crowd.hall.ledger;
    let simulated = crowd.now().since(NOON).0 / 1_000;
    println!(
        "simulated: {} h {} min {} s in {:.1} s",
        simulated / 3_600,
        simulated / 60 % 60,
        simulated % 60,
        wall.as_secs_f64()
    );
    println!("visitors: {VISITORS}, seats: {SEATS}, pace: {PER_MINUTE} a minute, polls: {}", crowd.polls);
    let overshoot = ledger.live_max.saturating_sub(SEATS);
    println!("inside at most: {}, overshoot: {overshoot}", ledger.live_max);
    let fastest = ledger.fastest;
    println!(
        "admitted: {}, in 60 s at most: {fastest}, order violations: {}",
        ledger.admitted, ledger.disorder
    );
    println!(
        "never came: {}, came late: {}, told next: {}, lost: {}",
        crowd.absent, crowd.slept, crowd.kept, crowd.lost
    );
    println!("calls: {}, places called: {}, rows: {}", ledger.calls.len(), ledger.called, ledger.rows);
    tell_errors("the wait told first, to everybody", crowd.errors.clone());
    let middle = |sample: &Sample| {
        let (told, lived) = (sample.promised?.0, ledger.called_at(sample.middle)?.since(sample.at));
        (lived.0 > 60_000).then(|| (told as f32 * 1_000.0 - lived.0 as f32) / lived.0 as f32)
    };
    tell_errors(
        "the wait told each minute, in the middle of the line",
        samples.iter().filter_map(middle).collect(),
    );
    std::fs::write(path, chart::svg(&samples, ledger, SEATS))?;
    println!("chart: {path}");
    let is_right = overshoot == 0 && ledger.disorder == 0 && crowd.lost == 0 && fastest <= PER_MINUTE;
    println!();
    let is_soon = turns::table();
    println!();
    fairness::table();
    Ok(is_right && is_soon)
}

/// How far waits told were from waits lived, in hundredths of the wait lived.
fn tell_errors(what: &str, mut errors: Vec<f32>) {
    errors.iter_mut().for_each(|error| *error = error.abs() * 100.0);
    errors.sort_by(f32::total_cmp);
    let quantile = |tenths: usize| errors.get(errors.len() * tenths / 10).copied().unwrap_or_default();
    println!("{what}: off by {:.0} % at p50, {:.0} % at p90", quantile(5), quantile(9));
}
