//! The operations of an hour by sums: the line's streams go up the tree, second by second, and each level makes calls of what it is asked.

use durable::lobby::LEAVES;
use durable::units::Millis;
use simulation::scale::awake::HANDLING;

use crate::line::Line;
use crate::operations::{Level, Operations};
use crate::pages::{By, questions};
use crate::scenario::Scenario;
use crate::tree::{
    BOARD_ASKS_PER_SECOND, BOARD_FRESH, Boards, COMMIT, Commits, LEAF_EVERY, LEAF_TO_REGION, REGION_EVERY,
    REGION_TO_ROOM, ROWS_PER_COMMIT, awake, batches_per_second, commits,
};

/// What is wanted of objects in a second.
struct Second {
    wishes: f64,
    /// Passes given up among them.
    leaves: f64,
    /// People who enter.
    entering: f64,
    /// Whether a line stands.
    stands: bool,
}

/// Computes it.
pub fn operations(scenario: &Scenario) -> Operations {
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
        add(
            &mut all,
            scenario,
            &Second { wishes: joins + claims + renewed + leaves, leaves, entering: claims, stands },
        );
    }
    all
}

/// A second on its way up the tree.
fn add(all: &mut Operations, scenario: &Scenario, second: &Second) {
    let regions = f64::from(scenario.regions);
    let each = f64::from(LEAVES);
    let seconds = |way: Millis| way.0 as f64 / 1_000.0;
    let boards = if second.stands { f64::from(scenario.data_centers) * BOARD_ASKS_PER_SECOND } else { 0.0 };
    let (asked, board_asked) = (second.wishes / regions / each, boards / regions / each);
    // Each level waits for all above it, and longer than its beat lasts.
    let batches = batches_per_second(asked, LEAF_EVERY, LEAF_EVERY);
    let region_batches = batches_per_second(each * batches, REGION_EVERY, REGION_EVERY);
    let commit_waits = room(all, regions, region_batches, second);
    let region_waits = Millis(2 * REGION_TO_ROOM.0 + commit_waits.0 + COMMIT.0);
    let leaf_waits = Millis(region_waits.0 + 2 * LEAF_TO_REGION.0);
    // A region is asked by its leaves as often as their boards are too old; and these are the older, the less often it asks itself.
    let region = |asked| Boards {
        asked,
        brought: region_batches,
        age: 0.0,
        way: 2.0 * seconds(REGION_TO_ROOM) + seconds(commit_waits),
        revoked: second.leaves,
    };
    let leaf = |missing: f64| Boards {
        asked: board_asked,
        brought: batches,
        age: (1.0 - missing) * seconds(BOARD_FRESH) / 2.0,
        way: 2.0 * seconds(LEAF_TO_REGION) + missing * seconds(REGION_TO_ROOM),
        revoked: second.leaves,
    };
    let missing = region(each * board_asked).missing();
    let fetched = leaf(missing).fetches_per_second();
    let region_boards = region(each * fetched);
    let region_fetched = region_boards.fetches_per_second();
    add_level(
        &mut all.leaves,
        regions * each,
        asked + board_asked,
        &[
            (
                asked,
                Millis(leaf_waits.0 + queueing(asked, LEAF_EVERY) + queueing(each * batches, REGION_EVERY)),
            ),
            (fetched, Millis(2 * LEAF_TO_REGION.0 + (missing * REGION_TO_ROOM.0 as f64) as u64)),
            (board_asked - fetched, HANDLING),
        ],
    );
    add_level(
        &mut all.regions,
        regions,
        each * (batches + fetched),
        &[
            (each * batches, Millis(region_waits.0 + queueing(each * batches, REGION_EVERY))),
            (region_fetched, Millis(2 * REGION_TO_ROOM.0 + commit_waits.0)),
            (each * fetched - region_fetched, HANDLING),
        ],
    );
    all.room.calls += regions * region_fetched;
}

fn add_level(level: &mut Level, objects: f64, calls: f64, kept: &[(f64, Millis)]) {
    level.calls += objects * calls;
    level.awake_seconds += objects * awake_of(kept);
}

/// One commit for whatever came while the last was under way: how long a batch waits for its own. While a line stands, each who enters are two occasions on which time alone wakes
/// the Room: their place is called, and their seat comes free. That is a timer and, should it be lost, an alarm, once a second at most; and while the timer stands, a second at most
/// too, the Room does not hibernate.
fn room(all: &mut Operations, regions: f64, batches: f64, second: &Second) -> Millis {
    let occasions = if second.stands { second.entering } else { 0.0 };
    let (alarms, asleep) = (1.0 - (-2.0 * occasions).exp(), (-occasions).exp());
    // Of a region: whether all that came within the second came on its beat.
    let beats = 1_000.0 / REGION_EVERY.0 as f64;
    let on_beat = (batches / beats).powf(beats).min(1.0);
    let calls = regions * batches + 2.0 * alarms;
    let Commits { per_second, wait, awake } = commits(calls, 1.0 - (1.0 - on_beat).powf(regions));
    all.room.calls += regions * batches + alarms;
    all.room.awake_seconds += 1.0 - asleep * (1.0 - awake);
    all.commits += per_second;
    // An alarm is a row when it is set; what it wakes the Room for has mostly been done by then, and writes nothing.
    all.rows += (per_second - alarms).max(0.0) * ROWS_PER_COMMIT + alarms;
    Millis((wait * 1_000.0) as u64)
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
