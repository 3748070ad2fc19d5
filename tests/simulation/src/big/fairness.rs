//! What several tabs of one cookie jar, and several jars, buy: measured on people who use them among people who do not.

use std::sync::mpsc::channel;
use std::thread;

use anteroom::poll::Sight;
use durable::json;
use durable::schedule::Event;
use durable::units::Millis;

use super::crowd::{Arrivals, Crowd};
use super::hall::Hall;
use crate::trace::NOON;

/// Others, of one jar and one tab each.
const PEOPLE: u32 = 5_000;
/// People who are watched in one run.
const WATCHED: u32 = 20;
const RUNS: u64 = 3;
const SEATS: u64 = 1_000;
/// How many tabs, how many jars.
const COUNTS: [u32; 5] = [1, 2, 5, 10, 50];
/// All join within the first minute.
const WITHIN: Millis = Millis(60_000);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Fifo,
    Draw,
    Random,
}

impl Way {
    const ALL: [(Way, &'static str); 3] =
        [(Way::Fifo, "fifo"), (Way::Draw, "event with a draw"), (Way::Random, "random")];
}

/// Prints the table: minutes from joining to the first entry, the median of all who were watched.
pub(super) fn table() {
    let (people, seats, watched) = (PEOPLE, SEATS, WATCHED * RUNS as u32);
    println!("minutes until first entry, median of {watched} people who join within the first minute,");
    println!("among {people} others and {seats} seats");
    println!("| | {} |", COUNTS.map(|count| count.to_string()).join(" | "));
    println!("|---|{}", "---|".repeat(COUNTS.len()));
    let (told, heard) = channel();
    thread::scope(|scope| {
        // Tabs on one core, jars on the other.
        for is_jars in [false, true] {
            let told = told.clone();
            scope.spawn(move || {
                for (way, name) in Way::ALL {
                    let cells = COUNTS.map(|count| {
                        let (jars, tabs) = if is_jars { (count, 1) } else { (1, count) };
                        format!("{:.1}", median(way, jars, tabs))
                    });
                    let what = if is_jars { "jars" } else { "tabs of one jar" };
                    // Nobody listens any more only if the other end is gone.
                    let _ = told.send((is_jars, format!("| {name}, {what} | {} |", cells.join(" | "))));
                }
            });
        }
    });
    drop(told);
    let mut lines: Vec<_> = heard.iter().collect();
    lines.sort_by_key(|(is_jars, _)| *is_jars);
    lines.iter().for_each(|(_, line)| println!("{line}"));
}

fn median(way: Way, jars: u32, tabs: u32) -> f64 {
    let mut minutes: Vec<f64> = (1..=RUNS).flat_map(|seed| watch(way, (jars, tabs), seed)).collect();
    minutes.sort_by(f64::total_cmp);
    minutes.get(minutes.len() / 2).copied().unwrap_or(f64::NAN)
}

/// When each of those who are watched got in, until all of them are.
fn watch(way: Way, (jars, tabs): (u32, u32), seed: u64) -> Vec<f64> {
    let settings = json!({
        "name": "noon", "host": "shop.example", "total_active_users": SEATS, "new_users_per_minute": SEATS,
        "session_duration_seconds": 60, "queueing_method": if way == Way::Random { "random" } else { "fifo" },
    });
    let events = if way == Way::Draw { vec![event()] } else { Vec::new() };
    let arrivals =
        Arrivals { people: PEOPLE, jars, tabs, watched: WATCHED, within: WITHIN, sight: Sight::Shown };
    let mut crowd = Crowd::new(Hall::new(&settings, events, seed), arrivals, seed);
    while crowd.first_entry.contains(&None) && crowd.tick() {}
    crowd.first_entry.iter().flatten().map(|lived| lived.0 as f64 / 60_000.0).collect()
}

/// Whoever comes within the first minute is drawn when it is over.
fn event() -> Event {
    Event {
        id: [7; 16],
        prequeue_ms: NOON.0,
        start_ms: NOON.plus(WITHIN).0 + 1_000,
        end_ms: NOON.0 + 86_400_000,
        shuffle: true,
        ..Event::default()
    }
}
