//! A reset, as its rules say: everybody of before is out, whoever comes next is the first, and neither cap nor pace is broken across it.

mod table;

use durable::batch::{BatchAnswer, BatchName};
use durable::batch::{ClaimOutcome, Items, RenewOutcome, TicketRef, decode_batch, encode_batch};
use durable::json;
use durable::room::{Input, Output, Room, Step};
use durable::schedule::Event;
use durable::state::PageId;
use durable::token::Holder;
use durable::units::{Epoch, Millis, Rank};

use table::{NOON, Table, full_room, granted, ticket};

fn reset(table: &mut Table) {
    assert_eq!(table.step(Input::Reset), Output::Reset);
}

/// A claim with a ticket of the epoch behind the first.
fn claim_anew(table: &mut Table, rank: u64) -> ClaimOutcome {
    let claims = vec![TicketRef { epoch: Epoch(1), rank: Rank(rank) }];
    table.batch(Items { claims, ..Items::default() }).claims.remove(0)
}

#[test]
fn tickets_and_passes_of_before_are_void_and_the_next_rank_is_the_first() {
    let (mut table, grants) = full_room(&json!({}));
    table.join(10);
    let before = table.room.board(table.now);
    reset(&mut table);
    let board = table.room.board(table.now);
    assert_eq!((board.epoch, board.called, board.issued, board.waiting), (1, 0, 0, 0));
    assert!(board.sequence > before.sequence, "edges take it for newer");
    for rank in [3, 55] {
        assert_eq!(table.claim(rank), ClaimOutcome::Void);
    }
    assert_eq!(table.renew(&grants[7]), RenewOutcome::Ended);
    assert_eq!(table.join(2), Rank(0));
    // Ranks that were exchanged before are nobody's yet.
    assert_eq!(claim_anew(&mut table, 0), ClaimOutcome::Waiting);
}

#[test]
fn the_cap_holds_across_it() {
    let (mut table, _) = full_room(&json!({}));
    table.join(60);
    table.later(12_000);
    reset(&mut table);
    table.join(60);
    // A line stood, so boards are a second old at most: 8 s with their way, and not the two minutes that passes were good for.
    table.later(7_000);
    assert_eq!((table.inside(), table.called()), (50, 0));
    table.later(1_100);
    assert_eq!((table.inside(), table.called()), (0, 50));
    for rank in 0..50 {
        granted(&claim_anew(&mut table, rank));
    }
    assert_eq!(table.inside(), 50);
    // The same pass again, though the seat was somebody else's with the same rank before.
    granted(&claim_anew(&mut table, 3));
}

#[test]
fn pace_holds_across_it() {
    let (mut table, _) = full_room(&json!({}));
    table.configure(&json!({ "new_users_per_minute": 50 }));
    reset(&mut table);
    table.join(20);
    table.later(50_000);
    assert_eq!((table.inside(), table.called()), (0, 0), "50 came in within a minute");
    table.later(11_000);
    assert!(table.called() > 0);
}

#[test]
fn whoever_gave_a_seat_up_or_lost_it_does_not_come_back_to_it() {
    let (mut table, grants) = full_room(&json!({}));
    table.leave(&grants[1]);
    reset(&mut table);
    table.later(200_000);
    assert_eq!(
        (table.renew(&grants[0]), table.renew(&grants[1])),
        (RenewOutcome::Ended, RenewOutcome::Ended)
    );
    assert_eq!(table.room.revocations().passes, []);
}

#[test]
fn a_ticket_of_before_takes_nobodys_place_when_it_is_given_up() {
    let mut table = Table::new(&json!({ "queue_all": true }));
    table.join(5);
    reset(&mut table);
    table.join(5);
    table.batch(Items { ticket_leaves: vec![ticket(2)], ..Items::default() });
    assert_eq!(table.room.board(table.now).waiting, 5);
}

#[test]
fn a_batch_of_before_is_answered_as_it_was() {
    let mut table = Table::new(&json!({ "queue_all": true }));
    let name = BatchName { lobby: "leaf".into(), incarnation: [2; 16], number: 0 };
    let items = Items { joins: vec![Holder([1; 16])], ..Items::default() };
    let batch = || Input::Batch(decode_batch(&encode_batch(&name, &items)).unwrap());
    let first = table.step(batch());
    reset(&mut table);
    assert_eq!(table.step(batch()), first);
    assert!(matches!(first, Output::Batch(BatchAnswer::Done(reply)) if reply.epoch == Epoch(0)));
    assert_eq!(table.room.board(table.now).issued, 0);
}

#[test]
fn in_a_prequeue_whoever_comes_after_it_is_drawn_with_the_seed_that_was_promised() {
    let mut table = Table::new(&json!({}));
    let start_ms = NOON.0 + 60_000;
    table.events = vec![Event {
        id: [7; 16],
        prequeue_ms: NOON.0 + 1_000,
        start_ms,
        end_ms: start_ms + 600_000,
        shuffle: true,
        ..Event::default()
    }];
    table.configure(&json!({}));
    table.later(2_000);
    table.join(30);
    let promised = table.room.board(table.now).seals;
    reset(&mut table);
    let board = table.room.board(table.now);
    assert_eq!((board.gathers_from, &board.seals), (Some(0), &promised));
    table.join(20);
    table.now = Millis(start_ms);
    table.step(Input::Tick);
    let draws = table.room.board(table.now).draws;
    assert_eq!(draws.len(), 1);
    let drawn = draws[0].draw();
    assert_eq!((drawn.first, drawn.count), (Rank(0), 20));
}

#[test]
fn pages_of_tickets_that_were_spent_are_gone_even_if_the_commit_got_no_further_than_its_row() {
    let (mut table, _) = full_room(&json!({}));
    // Until a page of spent tickets is stored.
    while !table.pages.iter().any(|stored| matches!(stored.page, durable::state::PageId::Spent(_))) {
        table.join(1);
    }
    let step = table.room.step(table.now, [1; 32], vec![Input::Reset]).unwrap();
    table.write(step.writes.into_iter().next().unwrap());
    table.room = durable::room::Room::load(&table.pages, &table.rows).unwrap();
    table.join(50);
    table.later(18_000);
    granted(&claim_anew(&mut table, 0));
    // Until no row tells of the reset any more.
    for _ in 0..400 {
        table.join(1);
    }
    assert!(matches!(claim_anew(&mut table, 1), ClaimOutcome::Granted(_)));
}

#[test]
fn two_resets_in_one_step_are_two_and_leave_nothing_of_before() {
    let mut table = Table::new(&json!({ "total_active_users": 1, "new_users_per_minute": 1_000 }));
    // Tickets that were given up stand on a page of their own, and it is stored.
    table.join(60);
    for rank in 0..60 {
        table.batch(Items { ticket_leaves: vec![ticket(rank)], ..Items::default() });
    }
    let stored = |table: &Table| table.pages.iter().any(|stored| stored.page == PageId::Spent(0));
    assert!(stored(&table));
    let Step { outputs, writes, .. } =
        table.room.step(table.now, [0; 32], vec![Input::Reset, Input::Reset]).unwrap();
    assert_eq!(outputs, [Output::Reset, Output::Reset]);
    writes.into_iter().for_each(|write| table.write(write));
    assert!(!stored(&table));
    assert_eq!(table.room.board(table.now).epoch, 2);
    // Long after the rows that say so are cut, whoever joined then has a ticket that nobody has spent.
    assert_eq!(table.join(1), Rank(0));
    for _ in 0..200 {
        table.later(1_000);
        table.batch(Items { renewals: vec![], joins: vec![Holder([9; 16])], ..Items::default() });
    }
    table.room = Room::load(&table.pages, &table.rows).unwrap();
    let claims = vec![TicketRef { epoch: Epoch(2), rank: Rank(0) }];
    let claimed = table.batch(Items { claims, ..Items::default() }).claims.remove(0);
    assert!(!matches!(claimed, ClaimOutcome::Used), "nobody has spent it");
}
