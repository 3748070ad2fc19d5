//! The Room's core alone, native and on one core, under the load it is made for: ten million tickets, a million seats. Prints one
//! JSON object. The budgets are in `tests/bench/report.mjs`; nothing here passes or fails.
//!
//! - `core_ops_per_second`: wishes carried out, with all that the object does for them in Wasm (batches decoded and hashed, the step, the
//!   rows and pages encoded, the answers encoded) and without the SQL. Four batches of a thousand at a time at the room with
//!   a line, one at the open room. Of twenty blocks the best counts: a machine is disturbed only upwards.
//! - `core_rows_per_commit`: rows and pages written in these blocks, a row that takes another's place once, for each commit of the room with a line, whose
//!   journal is as long as it gets.
//! - `core_bytes_10m_tickets_1m_seats`: what was in use by a Room of that size and no longer when it was gone; the larger of the
//!   one that grew and the one that was rebuilt.
//! - `core_rebuild_ms`: from stored pages and journal to the same Room, best of ten.
//! - `core_rebuild_rounds_ms`: the same for a room in `random` that keeps as many rounds as there can be, each among a million and a few, which is
//!   the worst: the walk is longest just above a power of four.

#![expect(
    unsafe_code,
    reason = "an allocator that counts has to be an allocator, and only the system knows how long a thread worked"
)]

mod clock;
mod counting;
mod crowd;
mod table;

use std::time::Duration;

use clock::worked;
use counting::Counting;
use crowd::{Crowd, Mix};
use durable::batch::ITEMS_MAX;
use durable::journal::{Change, Row};
use durable::room::Room;
use durable::rounds::{CUT_MAX, KEPT_MAX, commitment, draw_among};
use durable::units::{Millis, Rank};
use table::{Table, Written};

#[global_allocator]
static MEMORY: Counting = Counting::new();

const TICKETS: u64 = 10_000_000;
const SEATS: u64 = 1_000_000;
const BLOCKS: usize = 20;
/// A step each fifty milliseconds: twenty blocks of 25 are 25 s in a room's life.
const STEPS_PER_BLOCK: usize = 25;
const STEP_MS: u64 = 50;
const BATCHES_AT_A_LINE: usize = 4;
const REBUILDS: usize = 10;

fn main() {
    let (mut line, mut open) = (line(), open());
    let (ops_per_second, at_the_line, at_the_open) = measure_speed(&mut line, &mut open);
    let Written { commits, rows, bytes } = line.table.written;
    let journal_bytes: usize = line.table.rows.iter().map(|(_, bytes)| bytes.len()).sum();
    let journal_rows = line.table.rows.len();
    fill(&mut line, SEATS);
    let Table { room, pages, rows: journal, .. } = line.table;
    let grown = bytes_of(room);
    MEMORY.take_peak();
    let before = MEMORY.live();
    let (rebuild, rebuilt) = measure_rebuild(|| Room::load(&pages, &journal).expect("what was stored"));
    let peak = MEMORY.take_peak() - before;
    println!(
        "{{\"core_ops_per_second\":{ops_per_second},\"core_line_ops_per_second\":{at_the_line},\
         \"core_open_ops_per_second\":{at_the_open},\"core_bytes_10m_tickets_1m_seats\":{},\
         \"core_rebuild_ms\":{:.1},\"core_rebuild_rounds_ms\":{:.1},\"core_rebuild_peak_bytes\":{peak},\"core_rows_per_commit\":{:.3},\
         \"core_journal_bytes\":{journal_bytes},\"core_journal_rows\":{journal_rows},\
         \"core_written_bytes_per_commit\":{}}}",
        grown.max(rebuilt),
        rebuild.as_secs_f64() * 1e3,
        rebuild_rounds().as_secs_f64() * 1e3,
        rows as f64 / commits as f64,
        bytes / commits,
    );
}

/// The first minutes of a morning: ten million come within one, most of the seats are given, and what was given first is
/// about to end. Places called and not claimed are there too, and tickets given up.
fn line() -> Crowd {
    // So many more than a million that a million are inside while others are called and hold theirs.
    let mut line = Crowd::new(SEATS + SEATS / 20, SEATS * 7 / 10);
    while line.issued() < TICKETS {
        let coming = Mix { joins: 4_000, claims: 1_000, ticket_leaves: 10, ..Mix::default() };
        line.step(240, 10, coming);
        line.refresh();
    }
    fill(&mut line, SEATS * 7 / 10);
    line.renew();
    line.settle();
    line.table.later(250_000);
    // Until some are called again, and until the journal is as long as it gets: each of some 340 pages is rewritten, one in two steps.
    (0..1_000).for_each(|_| {
        line.refresh();
        line.step(STEP_MS, BATCHES_AT_A_LINE, Mix { claims: 10, ..Mix::LINE });
    });
    line
}

/// Goes on until so many are inside.
fn fill(line: &mut Crowd, seats: u64) {
    while line.refresh() < seats {
        line.step(250, 6, Mix { claims: 1_000, ..Mix::default() });
    }
}

/// A quiet shop: half of a million seats are taken.
fn open() -> Crowd {
    let mut open = Crowd::new(SEATS, SEATS);
    while open.refresh() < SEATS / 2 {
        open.step(250, 4, Mix { enters: 1_000, renewals: 1_000, ..Mix::default() });
    }
    open
}

/// Wishes a second in the best block: of both rooms, of the one with a line, of the open one.
fn measure_speed(line: &mut Crowd, open: &mut Crowd) -> (u64, u64, u64) {
    (line.table.written, open.table.written) = (Written::default(), Written::default());
    let mut best = [0u64; 3];
    for _ in 0..BLOCKS {
        let mut sums = [(0usize, Duration::ZERO); 2];
        for _ in 0..STEPS_PER_BLOCK {
            line.refresh();
            let steps = [line.step(STEP_MS, BATCHES_AT_A_LINE, Mix::LINE), open.step(STEP_MS, 1, Mix::OPEN)];
            for ((wishes, elapsed), (more, longer)) in sums.iter_mut().zip(steps) {
                (*wishes, *elapsed) = (*wishes + more, *elapsed + longer);
            }
        }
        let all = STEPS_PER_BLOCK * (BATCHES_AT_A_LINE * Mix::LINE.wishes() + Mix::OPEN.wishes());
        assert!(sums[0].0 + sums[1].0 == all, "a batch was not full: {sums:?}");
        let both = (sums[0].0 + sums[1].0, sums[0].1 + sums[1].1);
        for (best, (wishes, elapsed)) in best.iter_mut().zip([both, sums[0], sums[1]]) {
            *best = (*best).max((wishes as f64 / elapsed.as_secs_f64()) as u64);
        }
    }
    best.into()
}

/// From a row that tells of full rounds.
fn rebuild_rounds() -> Duration {
    let (at, tip, people) = (Millis(1_800_000_000_000), [1; 32], (1 << 20) + 1);
    let joins = (0..people).step_by(ITEMS_MAX).map(|_| Change::Joined { count: ITEMS_MAX as u64 });
    let round = |seed| Change::Round {
        draw: draw_among(Rank(0), people, [seed; 32]),
        cut: CUT_MAX,
        doubles: vec![],
        holding: CUT_MAX as u32,
        closes_at: at.plus(Millis(1)),
        late_until: at.plus(Millis(2)),
    };
    let changes = joins
        .chain([Change::ChainBegun { tip, commitment: commitment(tip) }])
        .chain((0..KEPT_MAX as u8).map(round))
        .collect();
    let journal = [(1, Row { at, changes }.encode())];
    measure_rebuild(|| Room::load(&[], &journal).expect("what was stored")).0
}

fn bytes_of(room: Room) -> usize {
    let with = MEMORY.live();
    drop(room);
    with - MEMORY.live()
}

/// The best time, and the bytes of the last Room.
fn measure_rebuild(load: impl Fn() -> Room) -> (Duration, usize) {
    let mut best = Duration::MAX;
    let mut bytes = 0;
    for _ in 0..REBUILDS {
        let begin = worked();
        let room = load();
        best = best.min(worked().saturating_sub(begin));
        bytes = bytes_of(room);
    }
    (best, bytes)
}
