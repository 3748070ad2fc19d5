//! The operations of an hour by sums: the line's streams go up the tree, second by second, and each level makes calls of what it is asked.

use durable::units::Millis;

use crate::line::Line;
use crate::operations::{Level, Operations};
use crate::pages::{By, questions};
use crate::scenario::Scenario;
use crate::tree::{
    BOARD_ASKS_PER_SECOND, COMMIT, HANDLING, LEAF_EVERY, LEAF_TO_REGION, LEAVES_PER_REGION, REGION_EVERY,
    REGION_TO_ROOM, ROWS_PER_COMMIT, Shape, awake, batches_per_second, fetches_per_second,
};

/// What visitors want of objects in a second.
struct Wishes {
    per_second: f64,
}

/// Computes it.
pub fn operations(scenario: &Scenario, shape: Shape) -> Operations {
    let line = Line::of(scenario);
    let (joined, admitted) = (last(&line.joined), last(&line.admitted));
    let scriptless = f64::from(scenario.scriptless_percent) / 100.0;
    let mut all = Operations {
        // First contact, and coming back with the arrival.
        arrivals: 2.0 * joined,
        polls: (1.0 - scriptless) * questions(scenario, &line, By::Script),
        returns: scriptless * questions(scenario, &line, By::Refresh),
        // A script is told that it is its turn, claims, and goes there. Without one the page that comes back claims by coming.
        entries: admitted * ((1.0 - scriptless) * 3.0 + scriptless),
        admitted,
        ..Operations::default()
    };
    let renewals = scenario.renewals();
    let polite = f64::from(scenario.goodbye_percent) / 100.0;
    let entered = |second: usize, ago: Millis| {
        second
            .checked_sub(ago.secs_ceil() as usize)
            .and_then(|then| line.entering.get(then))
            .copied()
            .unwrap_or(0.0)
    };
    for second in 0..line.entering.len() {
        let joins =
            at(&line.joined, second) - second.checked_sub(1).map_or(0.0, |before| at(&line.joined, before));
        let renewed: f64 = renewals.iter().map(|after| entered(second, *after)).sum();
        let leaves = polite * entered(second, Millis::from_secs(scenario.session_seconds.into()));
        // The request with which they come in is that of their entry.
        all.inside += scenario.requests().skip(1).map(|after| entered(second, after)).sum::<f64>() + leaves;
        let claims = at(&line.entering, second);
        let stands = at(&line.joined, second) > at(&line.admitted, second) + 1.0;
        add(&mut all, scenario, shape, &Wishes { per_second: joins + claims + renewed + leaves }, stands);
    }
    all
}

/// A second's wishes on their way up.
fn add(all: &mut Operations, scenario: &Scenario, shape: Shape, wishes: &Wishes, stands: bool) {
    let leaves = f64::from(scenario.regions * LEAVES_PER_REGION);
    let regions = f64::from(scenario.regions);
    let boards = if stands { f64::from(scenario.data_centers) * BOARD_ASKS_PER_SECOND } else { 0.0 };
    let up = match shape {
        Shape::Tree => LEAF_TO_REGION.plus(REGION_TO_ROOM),
        Shape::Flat => REGION_TO_ROOM,
    };
    let at_room = Millis(2 * up.0 + COMMIT.0);
    let asked = wishes.per_second / leaves;
    let batches = batches_per_second(asked, LEAF_EVERY, at_room);
    let board_asked = boards / leaves;
    let fetched = fetches_per_second(board_asked, batches);
    all.leaves.calls += leaves * (asked + board_asked);
    // Wishes wait for their batch and for the Room; a board that is fetched waits for the parent; the others are answered from memory.
    let waits = Millis(
        at_room.0
            + queueing(asked, LEAF_EVERY)
            + if shape == Shape::Tree { queueing(batches * leaves / regions, REGION_EVERY) } else { 0 },
    );
    let kept = [(asked, waits), (fetched, Millis(2 * up.0)), (board_asked - fetched, HANDLING)];
    all.leaves.awake_seconds += leaves * awake_of(&kept);
    let (batches_up, boards_up) = match shape {
        Shape::Flat => (leaves * batches, leaves * fetched),
        Shape::Tree => region(all, regions, leaves / regions, batches, fetched),
    };
    room(all, batches_up, boards_up, stands);
}

/// What a second's batches and fetches of so many leaves each make of the regions: what goes on to the Room.
fn region(all: &mut Operations, regions: f64, leaves: f64, batches: f64, fetched: f64) -> (f64, f64) {
    let (asked, boards) = (leaves * batches, leaves * fetched);
    let at_room = Millis(2 * REGION_TO_ROOM.0 + COMMIT.0);
    let up = batches_per_second(asked, REGION_EVERY, at_room);
    let fetches = fetches_per_second(boards, up);
    add_level(
        &mut all.regions,
        regions,
        asked + boards,
        &[
            (asked, Millis(at_room.0 + queueing(asked, REGION_EVERY))),
            (fetches, Millis(2 * REGION_TO_ROOM.0)),
            (boards - fetches, HANDLING),
        ],
    );
    (regions * up, regions * fetches)
}

fn add_level(level: &mut Level, objects: f64, calls: f64, kept: &[(f64, Millis)]) {
    level.calls += objects * calls;
    level.awake_seconds += objects * awake_of(kept);
}

/// One commit for whatever came while the last was under way; an alarm for each second of a line that nothing else moves.
fn room(all: &mut Operations, batches: f64, boards: f64, stands: bool) {
    let alarms = if stands { (-batches).exp() } else { 0.0 };
    let commits = batches_per_second(batches + alarms, COMMIT, COMMIT);
    all.room.calls += batches + boards + alarms;
    // One after the other, and for none longer than it takes.
    all.room.awake_seconds +=
        (commits * COMMIT.0 as f64 / 1_000.0 + boards * HANDLING.0 as f64 / 1_000.0).min(1.0);
    all.commits += commits;
    // While a line stands an alarm stands, and is set anew once it has come due.
    all.rows += commits * ROWS_PER_COMMIT + f64::from(u8::from(stands));
}

/// How long a wish waits for its batch to leave, on average: not at all while it comes alone, half the spacing while many do.
fn queueing(asked: f64, every: Millis) -> u64 {
    let beat = every.0 as f64 / 1_000.0;
    let busy = 1.0 - (-asked * beat).exp();
    (busy * every.0 as f64 / 2.0) as u64
}

/// Calls of several kinds that overlap.
fn awake_of(kept: &[(f64, Millis)]) -> f64 {
    let asleep: f64 = kept.iter().map(|(calls, each)| 1.0 - awake(*calls, *each)).product();
    1.0 - asleep
}

fn at(list: &[f64], second: usize) -> f64 {
    list.get(second).copied().unwrap_or_default()
}

fn last(list: &[f64]) -> f64 {
    list.last().copied().unwrap_or_default()
}
