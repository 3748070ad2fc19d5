//! `random`: rounds on a Room that is rebuilt from its rows after every step. Who wins is called, stays called, waits again when its round
//! is forgotten; anybody can recompute it; the way back to `fifo` restores the order.

mod table;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use durable::batch::{Batch, BatchAnswer, BatchName, ClaimOutcome, Items, decode_batch, encode_batch};
use durable::board::{BoardRounds, Phase};
use durable::json;
use durable::room::{Input, Output, Room};
use durable::rounds::hashed;
use durable::settings::Settings;
use durable::state::Config;
use durable::token::Holder;
use durable::units::{Millis, Rank};

use table::{NOON, Table, granted, ticket};

fn settings() -> durable::json::Value {
    json!({ "queueing_method": "random", "total_active_users": 10, "new_users_per_minute": 1_000 })
}

/// A random room with so many people in line.
fn table(people: u8) -> Table {
    let mut table = Table::new(&settings());
    table.join(people);
    table
}

fn rounds(table: &mut Table) -> BoardRounds {
    table.room.board(table.now).rounds.expect("rounds")
}

fn winners(table: &mut Table, people: u64) -> HashSet<u64> {
    let board = table.room.board(table.now);
    (0..people).filter(|rank| board.has_called(Rank(*rank))).collect()
}

#[test]
fn a_round_draws_among_all_who_wait_and_its_seed_was_promised_before() {
    let mut table = table(100);
    let promise = rounds(&mut table);
    assert_eq!((promise.number, promise.seed), (0, promise.commitment));
    table.later(29_999);
    assert_eq!(winners(&mut table, 100).len(), 0);
    table.later(1);
    let (told, won) = (rounds(&mut table), winners(&mut table, 100));
    assert_eq!((told.number, won.len()), (1, 10));
    assert_eq!(hashed(&told.seed.0), promise.commitment.0);
    assert_ne!(won, (0..10).collect(), "not in the order of arrival");
    for rank in 0..100 {
        assert_eq!(matches!(table.claim(rank), ClaimOutcome::Granted(_)), won.contains(&rank), "{rank}");
    }
    assert_eq!(table.room.board(table.now).waiting, 90);
}

#[test]
fn every_seed_proves_the_ones_before() {
    let mut table = table(100);
    let promise = rounds(&mut table).commitment;
    for _ in 0..6 {
        table.later(30_000);
        for rank in winners(&mut table, 100) {
            table.claim(rank);
        }
        table.later(1_000);
        table.join(1);
        table.now = table.now.plus(Millis(130_000));
    }
    let told = rounds(&mut table);
    assert!(told.number > 2, "{}", told.number);
    let mut seed = told.seed.0;
    (0..told.number).for_each(|_| seed = hashed(&seed));
    assert_eq!(seed, promise.0);
}

#[test]
fn operators_see_how_many_rounds_call_in_an_hour() {
    let mut table = table(100);
    table.later(30_000);
    for rank in winners(&mut table, 100) {
        granted(&table.claim(rank));
    }
    table.later(30_000);
    assert_eq!(table.room.status(table.now).calls_per_hour, 10 * 120);
}

#[test]
fn the_newest_seed_is_told_when_all_rounds_are_forgotten() {
    let mut table = table(1);
    let promise = rounds(&mut table).commitment;
    table.later(30_000);
    granted(&table.claim(0));
    table.later(3_600_000);
    let told = rounds(&mut table);
    assert_eq!((told.number, told.spans.len()), (1, 0));
    assert_eq!(hashed(&told.seed.0), promise.0);
}

#[test]
fn a_winner_is_called_until_its_round_is_forgotten_and_then_waits_again() {
    let mut table = table(30);
    table.later(30_000);
    let won = winners(&mut table, 30);
    let absent = *won.iter().next().unwrap();
    // Longer than the window, and the others go in.
    for rank in won.iter().filter(|rank| **rank != absent) {
        granted(&table.claim(*rank));
    }
    table.later(125_000);
    assert!(winners(&mut table, 30).contains(&absent), "a latecomer is still called");
    let board = table.room.board(table.now);
    assert!(board.waiting < 20, "its seat went to the next round: {}", board.waiting);
    table.later(32 * 30_000);
    table.later(30_000);
    let claimed = table.claim(absent);
    let called = winners(&mut table, 30).contains(&absent);
    assert!(called || claimed == ClaimOutcome::Waiting, "{claimed:?}");
}

#[test]
fn whoever_asked_in_vain_holds_no_seat_when_their_round_is_forgotten() {
    let mut table = table(30);
    table.later(30_000);
    let won: Vec<u64> = winners(&mut table, 30).into_iter().collect();
    let random = json!({ "queueing_method": "random", "total_active_users": 1 });
    table.configure(&random);
    let mut grant = granted(&table.claim(won[0]));
    for _ in 0..30 {
        table.later(29_000);
        if let durable::batch::RenewOutcome::Renewed(renewed) = table.renew(&grant) {
            grant = renewed;
        }
    }
    // Late, and in vain: somebody is inside.
    for rank in &won[1..3] {
        assert!(matches!(table.claim(*rank), ClaimOutcome::Next { .. }));
    }
    table.leave(&grant);
    table.later(20_000);
    assert_eq!((table.inside(), table.room.board(table.now).waiting), (0, 20), "the seat is theirs");
    table.later(60_000);
    assert_eq!(table.room.board(table.now).waiting, 28, "one of 29 has won");
}

#[test]
fn whoever_waits_again_is_drawn_among_and_called_as_everybody_else() {
    let mut table = table(30);
    table.later(30_000);
    let absent = winners(&mut table, 30);
    assert_eq!(absent.len(), 10);
    // Until the first round is forgotten others win, and are let in; then those who never came are in line again.
    for _ in 0..40 {
        table.later(30_000);
        let board = table.room.board(table.now);
        for rank in (0..30).filter(|rank| !absent.contains(rank)) {
            if board.has_called(Rank(rank)) {
                table.claim(rank);
            }
        }
    }
    for _ in 0..8 {
        table.later(130_000);
        let board = table.room.board(table.now);
        for rank in 0..30 {
            match table.claim(rank) {
                ClaimOutcome::Waiting => {
                    assert!(!board.has_called(Rank(rank)), "{rank} is called by the board alone");
                }
                ClaimOutcome::Used => {}
                _ => assert!(board.has_called(Rank(rank)), "{rank} is called and not told"),
            }
        }
    }
    assert_eq!(table.room.board(table.now).waiting, 0);
}

#[test]
fn winners_who_never_came_are_drawn_among_again_without_anybody_asking() {
    let mut table = table(8);
    table.later(30_000);
    assert_eq!((winners(&mut table, 8).len(), table.room.board(table.now).waiting), (8, 0));
    // Ticks at which nothing happens: no row tells of them, and still the room that is rebuilt after each is the same.
    for _ in 0..9 {
        table.later(103_000);
    }
    let forgotten = NOON.plus(Millis(960_000));
    assert_eq!(table.wake_at, Some(forgotten));
    table.now = forgotten.plus(Millis(500));
    table.step(Input::Tick);
    assert_eq!(winners(&mut table, 8).len(), 8);
    granted(&table.claim(0));
}

#[test]
fn back_to_fifo_everybody_is_called_in_the_order_of_their_ranks() {
    let mut table = table(60);
    table.later(30_000);
    let won = winners(&mut table, 60);
    for rank in &won {
        granted(&table.claim(*rank));
    }
    table.configure(&json!({ "total_active_users": 20, "new_users_per_minute": 1_000 }));
    let mut expected: Vec<u64> = (0..60).filter(|rank| !won.contains(rank)).collect();
    expected.truncate(10);
    table.later(2_000);
    for rank in 0..60 {
        let told = table.claim(rank);
        let in_turn = won.contains(&rank) || expected.contains(&rank);
        assert_eq!(matches!(told, ClaimOutcome::Granted(_)), in_turn, "rank {rank}: {told:?}");
    }
    assert_eq!((table.inside(), table.room.board(table.now).waiting), (20, 40));
}

#[test]
fn a_winner_who_has_not_claimed_is_called_in_fifo_too_and_not_twice() {
    let mut table = table(60);
    table.later(30_000);
    let won = winners(&mut table, 60);
    table.configure(&json!({ "total_active_users": 20, "new_users_per_minute": 1_000 }));
    table.later(2_000);
    let board = table.room.board(table.now);
    assert_eq!(board.waiting, 40, "twenty are called: ten by the round, ten in order");
    let inside = (0..60).filter(|rank| matches!(table.claim(*rank), ClaimOutcome::Granted(_))).count();
    assert_eq!(inside, 20);
    assert!(won.iter().all(|rank| matches!(table.claim(*rank), ClaimOutcome::Granted(_))));
}

#[test]
fn a_winner_whom_the_watermark_passed_holds_nobody_elses_seat() {
    let mut table = table(60);
    table.later(30_000);
    let won = winners(&mut table, 60);
    table.later(70_000);
    table.configure(&json!({ "total_active_users": 20, "new_users_per_minute": 1_000 }));
    let called = table.called();
    assert!(won.iter().any(|rank| *rank < called));
    for rank in won.iter().filter(|rank| **rank < called) {
        granted(&table.claim(*rank));
    }
    // The round's window closes at 155 s, and others are called to the seats of those who did not come. The windows of those who were called
    // in order close later: each has a seat until then. A winner whom the watermark reaches only now is called as everybody else.
    table.later(60_000);
    for rank in (0..table.called()).filter(|rank| *rank >= called || !won.contains(rank)) {
        granted(&table.claim(rank));
    }
    assert_eq!(table.inside(), 20);
}

#[test]
fn who_leaves_wins_nothing_and_everybody_gets_in_at_last() {
    let mut table = Table::new(
        &json!({ "queueing_method": "random", "total_active_users": 7, "new_users_per_minute": 1_000 }),
    );
    table.join(50);
    let leaves = (0..20).map(ticket).collect();
    table.batch(Items { ticket_leaves: leaves, ..Items::default() });
    let mut inside = HashSet::new();
    for _ in 0..40 {
        table.later(30_000);
        for rank in winners(&mut table, 50) {
            if let ClaimOutcome::Granted(grant) = table.claim(rank) {
                inside.insert(rank);
                table.leave(&grant);
            }
        }
    }
    assert_eq!(inside, (20..50).collect());
    assert_eq!(table.room.board(table.now).phase, Phase::Open);
}

#[test]
fn chances_do_not_depend_on_the_time_of_arrival() {
    // 40 lines of 100, ten winners each: the earlier half wins as often as the later, within 5 standard deviations.
    let mut early = 0u32;
    for line in 0..40 {
        let mut table = Table::new(&json!({}));
        // The entropy of a step is made of its time.
        table.later(line);
        table.configure(&settings());
        table.join(100);
        table.later(30_000);
        early += winners(&mut table, 100).iter().filter(|rank| **rank < 50).count() as u32;
    }
    // The variance of one line's ten is 10 · ½ · ½ · 90/99.
    let deviation = (40.0f64 * 10.0 * 0.25 * 90.0 / 99.0).sqrt();
    assert!((f64::from(early) - 200.0).abs() < 5.0 * deviation, "{early} of 400");
}

#[test]
fn no_round_begins_below_the_one_before_even_when_winners_wait_again() {
    let mut table = Table::new(&json!({ "queueing_method": "random", "total_active_users": 40 }));
    table.join(100);
    table.later(30_000);
    let lowest = winners(&mut table, 100).into_iter().min().expect("winners");
    let ticket_leaves = (0..lowest).map(ticket).collect();
    table.batch(Items { ticket_leaves, ..Items::default() });
    for _ in 0..80 {
        table.later(30_000);
        let told = rounds(&mut table).all();
        let in_order = told.windows(2).all(|pair| pair[0].draw.first >= pair[1].draw.first);
        assert!(in_order && told.iter().all(|round| round.draw.count <= 100), "{told:?}");
    }
    assert!(rounds(&mut table).number > 3, "some have won twice");
}

#[test]
fn where_only_winners_are_ahead_no_more_are_called_than_there_are_seats() {
    let mut table = table(30);
    // Nobody comes: round after round, until all thirty have won.
    (0..14).for_each(|_| table.later(63_000));
    assert_eq!(table.room.board(table.now).waiting, 0);
    table.configure(&json!({ "total_active_users": 10, "new_users_per_minute": 1_000 }));
    assert_eq!((table.room.status(table.now).called_held, table.called()), (0, 0));
    // They are called still, and late.
    granted(&table.claim(29));
}

#[test]
fn back_to_fifo_a_room_that_has_learnt_holds_no_more_seats_for_winners_than_it_has() {
    let mut table = Table::new(&json!({ "total_active_users": 200 }));
    table.join(200);
    for rank in 0..20 {
        granted(&table.claim(rank));
    }
    // One of ten comes: of a thousand who are called 170 are expected.
    table.later(130_000);
    let random = json!({ "queueing_method": "random", "total_active_users": 20 });
    table.configure(&random);
    table.join(200);
    table.later(30_000);
    let board = table.room.board(table.now);
    let won: Vec<u64> = (200..400).filter(|rank| board.has_called(Rank(*rank))).collect();
    assert_eq!(won.len(), 117, "who are expected to be 20");
    let came = &won[won.len() - 18..];
    for rank in came {
        granted(&table.claim(*rank));
    }
    // Two of the others are expected yet, and one seat more is there.
    table.configure(&json!({ "queueing_method": "fifo", "total_active_users": 21 }));
    let called = (200..table.called()).filter(|rank| !came.contains(rank)).count();
    assert_eq!(called, 5, "of five one is expected");
}

#[test]
fn of_those_who_have_left_no_more_are_looked_at_in_one_step_than_a_moment_takes() {
    for method in ["fifo", "random"] {
        let mut table = Table::new(&json!({ "queue_all": true, "queueing_method": method }));
        let first =
            (0..25).map(|_| table.batch(Items { joins: vec![Holder([5; 16]); 1_000], ..Items::default() }));
        let all: Vec<Rank> = first.map(|reply| reply.first_rank).collect();
        for first in &all {
            let ticket_leaves = (first.0..first.0 + 1_000).map(ticket).collect();
            table.batch(Items { ticket_leaves, ..Items::default() });
        }
        table.join(1);
        table.later(60_000);
        table.configure(&json!({ "queueing_method": method }));
        // The first round is half a minute behind the first seed.
        table.later(if method == "random" { 30_000 } else { 1 });
        assert_eq!(table.called(), 20_000, "{method}");
        table.later(30_000);
        table.later(30_000);
        assert!(table.room.board(table.now).has_called(Rank(25_000)), "{method}");
    }
}

/// A hundred people, of whom ten won the first round; none of them came. From a minute on they are called in order, and nobody else comes either.
fn absent() -> (Table, HashSet<u64>) {
    let mut table = table(100);
    table.later(30_000);
    let won = winners(&mut table, 100);
    table.later(30_000);
    table.configure(&json!({ "total_active_users": 10, "new_users_per_minute": 1_000 }));
    (table, won)
}

#[test]
fn winners_whom_the_watermark_passed_are_not_counted_as_waiting_when_their_round_is_forgotten() {
    let (mut table, won) = absent();
    let left: Vec<u64> = (90..100).filter(|rank| !won.contains(rank)).collect();
    let ticket_leaves = left.iter().copied().map(ticket).collect();
    table.batch(Items { ticket_leaves, ..Items::default() });
    let mut passed = 0;
    for _ in 0..20 {
        table.later(60_000);
        let board = table.room.board(table.now);
        passed = passed.max(won.iter().filter(|rank| **rank < board.called).count());
        let waits = |rank: &u64| !board.has_called(Rank(*rank)) && !left.contains(rank);
        assert_eq!(
            board.waiting,
            (board.called..100).filter(waits).count() as u64,
            "{} are called",
            board.called
        );
    }
    assert!(passed > 3 && table.called() > 60, "{passed} of {}", table.called());
}

#[test]
fn a_winner_whose_round_is_forgotten_takes_nobodys_seat_in_the_call_that_passed_them() {
    let (mut table, won) = absent();
    // The round is forgotten at 960 s.
    let (mut before, mut called) = (0, 0);
    while table.now < NOON.plus(Millis(958_000)) {
        if table.called() != called {
            (before, called) = (called, table.called());
        }
        table.later(1_000);
    }
    table.later(5_000);
    assert_eq!(table.called(), called);
    let passed: Vec<u64> = (before..called).filter(|rank| won.contains(rank)).collect();
    assert!(!passed.is_empty());
    for rank in passed.iter().copied().chain((before..called).filter(|rank| !won.contains(rank))) {
        granted(&table.claim(rank));
    }
}

#[test]
fn whoever_won_a_round_that_outlives_itself_behind_an_older_one_is_still_called() {
    let settings = |seats: u64, window: u64, held: bool| {
        json!({
            "queueing_method": "random", "total_active_users": seats, "new_users_per_minute": 1_000,
            "claim_window_seconds": window, "queue_all": held,
        })
    };
    let mut table = Table::new(&settings(10, 600, false));
    table.join(60);
    table.later(30_000);
    let first = winners(&mut table, 60);
    table.configure(&settings(20, 10, false));
    table.later(30_000);
    let second =
        winners(&mut table, 60).into_iter().find(|rank| !first.contains(rank)).expect("a second round");
    // The window of the first stands still, that of the second is over.
    table.later(30_000);
    table.configure(&settings(20, 10, true));
    table.later(1_000_000);
    table.configure(&settings(100, 10, false));
    assert!(winners(&mut table, 60).contains(&second));
    granted(&table.claim(second));
}

#[test]
fn a_copy_of_a_ticket_given_up_hears_of_it_as_it_would_in_order() {
    let mut table = table(11);
    table.later(30_000);
    let won = winners(&mut table, 11);
    for rank in &won {
        granted(&table.claim(*rank));
    }
    let left = (0..11).find(|rank| !won.contains(rank)).expect("eleven came to ten seats");
    table.batch(Items { ticket_leaves: vec![ticket(left)], ..Items::default() });
    assert!(!table.room.board(table.now).has_called(Rank(left)) && table.room.board(table.now).waiting == 0);
    table.now = table.wake_at.expect("somebody has a copy of that ticket");
    table.step(Input::Tick);
    assert_eq!((table.called(), table.wake_at), (11, None));
    assert_eq!(table.claim(left), ClaimOutcome::Used);
}

#[test]
fn whoever_is_gone_before_the_first_who_waits_is_called_over_and_nobody_else() {
    let mut table = table(60);
    table.batch(Items { ticket_leaves: (0..5).chain(6..9).map(ticket).collect(), ..Items::default() });
    table.later(29_999);
    assert_eq!(table.called(), 0);
    table.later(1);
    let board = table.room.board(table.now);
    assert_eq!((board.called, board.waiting), (5, 42));
    assert_eq!(table.claim(4), ClaimOutcome::Used);
}

#[test]
fn a_round_that_pace_forbids_is_waited_for_and_not_tried_at_every_moment() {
    // A pace of one a minute and windows of fifteen seconds: a round is due, seats are free, nobody is called any more, and pace says not yet.
    let mut table = Table::new(&json!({
        "queueing_method": "random", "new_users_per_minute": 1, "claim_window_seconds": 10,
    }));
    table.join(20);
    let (mut alarms, mut called) = (0, 0);
    while let Some(at) = table.wake_at.filter(|at| *at <= NOON.plus(Millis(600_000)) && alarms < 100) {
        table.now = at;
        let waiting = table.room.board(at).waiting;
        table.step(Input::Tick);
        called += waiting - table.room.board(at).waiting;
        alarms += 1;
    }
    assert_eq!((alarms < 100, called), (true, 10), "{alarms} alarms in ten minutes");
}

/// A room too large to be rebuilt after every step.
struct Large {
    room: Room,
    now: Millis,
    number: u64,
}

impl Large {
    fn step(&mut self, input: Input) -> Output {
        self.room.step(self.now, [7; 32], vec![input]).unwrap().outputs.remove(0)
    }

    fn limit(&mut self, version: u64, total_active_users: u32) {
        let settings = Settings::parse(&json!({
            "name": "room", "host": "example.com", "queueing_method": "random",
            "total_active_users": total_active_users, "new_users_per_minute": 20_000,
        }));
        let config = Config { version, directory_version: 1, settings: settings.unwrap(), events: vec![] };
        self.step(Input::Configure(config.into()));
    }

    fn batch(&mut self, items: &Items) -> Vec<ClaimOutcome> {
        let name = BatchName { lobby: "leaf".into(), incarnation: [1; 16], number: self.number };
        self.number += 1;
        let batch: Batch = decode_batch(&encode_batch(&name, items)).unwrap();
        match self.step(Input::Batch(batch)) {
            Output::Batch(BatchAnswer::Done(reply)) => reply.claims,
            other => panic!("not done: {other:?}"),
        }
    }

    fn claim(&mut self, ranks: &[u64]) -> usize {
        let claims = ranks.iter().copied().map(ticket).collect();
        let outcomes = self.batch(&Items { claims, ..Items::default() });
        outcomes.iter().filter(|outcome| matches!(outcome, ClaimOutcome::Granted(_))).count()
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "it is about how long the Room takes, which the Room is not told"
)]
fn thousands_who_ask_in_vain_keep_the_room_from_nothing_else() {
    let mut large = Large { room: Room::load(&[], &[]).unwrap(), now: NOON, number: 0 };
    large.limit(1, 3_000);
    for batch in 0..8 {
        let joins = (0..1_000).map(|index: u32| Holder(u128::from(batch * 1_000 + index).to_be_bytes()));
        large.batch(&Items { joins: joins.collect(), ..Items::default() });
    }
    large.now = large.now.plus(Millis(30_000));
    large.step(Input::Tick);
    let board = large.room.board(large.now);
    let won: Vec<u64> = (0..8_000).filter(|rank| board.has_called(Rank(*rank))).collect();
    assert_eq!(won.len(), 3_000);
    // A limit lowered after the call: everybody asks, nobody gets in. It took seconds for every batch, and a minute and more for these.
    large.limit(2, 1);
    let begun = Instant::now();
    assert_eq!(large.claim(&won[..1]), 1);
    won.chunks(1_000).for_each(|asking| assert!(large.claim(asking) <= 1));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    // Raised again, but not for all: those behind wait for the lowest, who are as many as there are seats.
    large.limit(3, 1_001);
    assert_eq!(large.claim(&won[1_001..2_001]), 0);
    assert_eq!(large.claim(&won[1..1_001]), 1_000);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn winners_who_never_come_are_drawn_among_for_as_long_as_their_tickets_live() {
    let mut table = table(30);
    let mut alarms = 0;
    while let Some(at) = table.wake_at.filter(|_| alarms < 500) {
        table.now = at;
        table.step(Input::Tick);
        alarms += 1;
    }
    // Each comes back a quarter of an hour after it won, for a day.
    let board = table.room.board(table.now);
    assert_eq!((board.called, board.waiting, board.phase, table.wake_at), (30, 0, Phase::Open, None));
    assert!(table.now.since(NOON) < Millis(25 * 3_600_000), "{alarms} alarms, {}", table.now.since(NOON).0);
    assert_eq!(table.claim(7), ClaimOutcome::Void);
    assert_eq!(table.room.status(table.now).called_held, 0);
}
