//! The other ways of queueing, changes between them while a line stands, what rooms learn of those who come, and sessions that are ended.

mod table;

use durable::batch::{ClaimOutcome, Grant, Items, RenewOutcome};
use durable::board::Phase;
use durable::json;
use durable::room::{Input, Output};
use durable::token::Holder;
use durable::units::{Generation, Millis, Seat};

use table::{Table, full_room, granted, pass};

fn called_held(table: &mut Table) -> u64 {
    table.room.status(table.now).called_held
}

#[test]
fn passthrough_holds_nobody_and_counts() {
    let mut table = Table::new(
        &json!({ "queueing_method": "passthrough", "total_active_users": 1, "new_users_per_minute": 1 }),
    );
    assert_eq!(table.room.board(table.now).phase, Phase::Passthrough);
    assert_eq!((table.enter(30), table.inside()), (30, 30));
}

#[test]
fn of_a_large_crowd_passthrough_counts_a_sample() {
    let mut table = Table::new(&json!({ "queueing_method": "passthrough" }));
    assert_eq!(table.enter(1_001), 1_001);
    assert_eq!((table.room.board(table.now).one_in, table.inside()), (16, 16 * 1_001));
    table.later(60_001);
    assert_eq!(table.room.board(table.now).one_in, 1);
}

#[test]
fn the_way_back_from_passthrough_waits_until_the_counted_are_below_the_limit() {
    let mut table = Table::new(&json!({ "queueing_method": "passthrough" }));
    table.enter(60);
    table.configure(&json!({}));
    assert_eq!((table.room.board(table.now).phase, table.enter(1)), (Phase::Busy, 0));
    table.join(1);
    assert_eq!((table.inside(), table.called()), (60, 0));
}

#[test]
fn reject_lets_nobody_in_and_keeps_those_inside_and_in_line() {
    let (mut table, grants) = full_room(&json!({}));
    table.join(5);
    table.configure(&json!({ "queueing_method": "reject" }));
    assert_eq!((table.room.board(table.now).phase, table.enter(1)), (Phase::Reject, 0));
    assert!(matches!(table.renew(&grants[0]), RenewOutcome::Renewed(_)));
    table.later(3_600_000);
    assert_eq!((table.inside(), table.called()), (0, 50));
    table.configure(&json!({}));
    assert_eq!(table.called(), 55, "everybody in line is still there, in order");
    granted(&table.claim(50));
}

#[test]
fn whoever_is_called_when_the_method_changes_loses_no_time_of_their_window() {
    for method in ["reject", "passthrough"] {
        let mut table = Table::new(&json!({ "claim_window_seconds": 60 }));
        table.join(50);
        table.later(30_000);
        table.configure(&json!({ "claim_window_seconds": 60, "queueing_method": method }));
        table.later(600_000);
        table.configure(&json!({ "claim_window_seconds": 60 }));
        table.later(34_999);
        assert_eq!(called_held(&mut table), 50, "{method}");
        table.later(1);
        assert_eq!(called_held(&mut table), 0, "{method}");
    }
}

/// A room of 100 seats with a long line, where of all who are called only every second comes; after so many minutes.
fn half_come(minutes: u64) -> (Table, u64) {
    let settings =
        json!({ "total_active_users": 100, "claim_window_seconds": 10, "session_duration_seconds": 30 });
    let mut table = Table::new(&settings);
    for _ in 0..20 {
        table.join(250);
    }
    let mut next = 0;
    for _ in 0..minutes * 12 {
        table.later(5_000);
        let called = table.called();
        let claims = (next..called).filter(|rank| rank % 2 == 0).map(table::ticket).collect();
        table.batch(Items { claims, ..Items::default() });
        next = called;
    }
    (table, next)
}

#[test]
fn a_room_that_has_learnt_of_no_shows_calls_more_than_it_has_seats_for() {
    let (mut table, _) = half_come(20);
    let status = table.room.status(table.now);
    assert!((500..650).contains(&status.show_up_permille), "{}", status.show_up_permille);
    assert!(status.inside <= 100);
    let (mut plain, _) = half_come(1);
    assert_eq!(
        plain.room.status(plain.now).show_up_permille,
        1_000,
        "it expects everybody until it knows better"
    );
}

#[test]
fn if_more_come_than_expected_nobody_is_let_in_past_the_limit_and_nobody_loses_their_place() {
    let (mut table, mut next) = half_come(20);
    // From now on everybody comes, and those inside stay.
    let (mut kept, mut told_closed) = (Vec::new(), false);
    let mut inside = Vec::new();
    for _ in 0..24 {
        table.later(5_000);
        while next < table.called() {
            match table.claim(next) {
                ClaimOutcome::Granted(grant) => inside.push((next, grant)),
                ClaimOutcome::Next { .. } => kept.push(next),
                other => panic!("{next}: {other:?}"),
            }
            next += 1;
        }
        let board = table.room.board(table.now);
        told_closed |= board.claims_closed;
        assert!(table.inside() <= 100);
        for (_, grant) in &inside {
            table.renew(grant);
        }
        kept.retain(|rank| !matches!(table.claim(*rank), ClaimOutcome::Granted(_)));
    }
    assert!(told_closed, "while every seat was taken edges were told");
    table.later(120_000);
    for round in 0..200 {
        kept.retain(|rank| match table.claim(*rank) {
            ClaimOutcome::Granted(grant) => {
                table.leave(&grant);
                false
            }
            ClaimOutcome::Next { .. } => true,
            other => panic!("a kept place was lost: {other:?}"),
        });
        if kept.is_empty() {
            return;
        }
        table.later(5_000);
        assert!(table.inside() <= 100, "{round}");
    }
    panic!("still kept: {kept:?}");
}

#[test]
fn the_operator_ends_one_session_or_all_and_the_line_stays() {
    let (mut table, grants) = full_room(&json!({}));
    table.join(60);
    table.later(12_000);
    let end = |seat| Input::End { seat: Seat(seat), generation: Generation(1) };
    assert_eq!(table.step(end(7)), Output::Ended(true));
    assert_eq!(table.step(end(7)), Output::Ended(false), "once");
    assert_eq!(table.step(end(999)), Output::Ended(false));
    assert_eq!(table.renew(&grants[7]), RenewOutcome::Ended);
    assert_eq!(table.room.revocations().passes, [(7, 1)]);
    table.later(8_000);
    assert_eq!((table.inside(), table.called()), (49, 51));
    assert_eq!(table.step(Input::EndAll), Output::Ended(true));
    assert_eq!(table.room.board(table.now).pass_epoch, 1);
    assert_eq!(table.renew(&grants[8]), RenewOutcome::Ended);
    assert_eq!(table.inside(), 49, "no seat is given again while any edge may honour the old pass");
    table.later(8_000);
    assert_eq!((table.inside(), table.called()), (0, 100));
    assert_eq!(table.claim(3), ClaimOutcome::Used);
}

#[test]
fn who_ends_one_session_more_than_edges_can_be_told_of_hears_that() {
    let everybody = 16_384;
    let mut table =
        Table::new(&json!({ "queueing_method": "passthrough", "session_duration_seconds": 3_600 }));
    let mut grants = Vec::new();
    while grants.len() <= everybody {
        grants.extend(table.batch(Items { enters: 1_000, ..Items::default() }).entered);
    }
    for some in grants[..everybody].chunks(1_000) {
        table.batch(Items { pass_leaves: some.iter().map(table::pass).collect(), ..Items::default() });
    }
    let Grant { seat, generation, .. } = grants[everybody];
    assert_eq!(table.step(Input::End { seat, generation }), Output::RevocationsFull);
    assert_eq!(table.step(Input::End { seat: Seat(7), generation }), Output::Ended(false), "it is over");
    assert_eq!(table.step(Input::EndAll), Output::Ended(true));
}

#[test]
fn a_pass_given_after_all_sessions_ended_is_good() {
    let (mut table, _) = full_room(&json!({}));
    table.step(Input::EndAll);
    table.later(18_000);
    let grant = table.batch(Items { enters: 1, ..Items::default() }).entered[0];
    let pass = durable::batch::PassRef { pass_epoch: durable::units::PassEpoch(1), ..table::pass(&grant) };
    let items = Items { renewals: vec![pass], ..Items::default() };
    assert!(matches!(table.batch(items).renewals[0], RenewOutcome::Renewed(_)));
}

#[test]
fn promises_are_measured_against_what_was_lived() {
    let mut table = Table::new(&json!({ "total_active_users": 10_000, "new_users_per_minute": 60 }));
    table.join(200);
    let (mut next, mut seconds) = (0, 0);
    while seconds < 200 || table.room.board(table.now).waiting > 0 {
        table.later(1_000);
        if seconds < 200 {
            table.join(1);
        }
        while next < table.called() {
            table.claim(next);
            next += 1;
        }
        seconds += 1;
    }
    let status = table.room.status(table.now);
    assert!(status.waits_measured > 100, "{}", status.waits_measured);
    assert!((700..=1_414).contains(&status.wait_p50_permille), "{}", status.wait_p50_permille);
    assert!(status.wait_p90_permille >= status.wait_p50_permille);
    assert!(status.longest_wait_ms < Millis::from_secs(10).0);
}

#[test]
fn a_full_room_tells_how_fast_people_go_though_a_seat_has_just_come_free() {
    // Fifty who stay, and a line; one in ten seconds goes, 360 an hour. Were all to go when their passes end, after 120 s, it would be 1 500.
    let (mut table, mut inside) = full_room(&json!({}));
    table.join(200);
    let mut next = 50;
    for second in 0..=240 {
        table.later(1_000);
        if second % 10 == 0 {
            table.leave(&inside.remove(0));
        }
        if second % 50 == 0 {
            inside.iter().for_each(|grant| assert!(matches!(table.renew(grant), RenewOutcome::Renewed(_))));
        }
        while next < table.called() {
            inside.push(granted(&table.claim(next)));
            next += 1;
        }
    }
    // Before the room has taken its next step.
    let board = table.room.board(table.now.plus(Millis(8_000)));
    assert_eq!(
        (board.free, (330..=390).contains(&board.turn_per_hour)),
        (1, true),
        "{}",
        board.turn_per_hour
    );
}

#[test]
fn what_few_came_to_a_quiet_room_says_nothing_of_how_fast_its_seats_turn_over() {
    let (mut table, mut inside) = full_room(&json!({}));
    table.later(100_000);
    (0..3).for_each(|_| table.leave(&inside.remove(0)));
    inside.iter().for_each(|grant| assert!(matches!(table.renew(grant), RenewOutcome::Renewed(_))));
    table.later(20_000);
    table.join(1);
    granted(&table.claim(50));
    table.later(70_000);
    // One call in 70 s would be 51 an hour.
    table.join(20);
    let board = table.room.board(table.now);
    assert_eq!((board.waiting, board.turn_per_hour), (18, 1_500));
}

const HOUR: u64 = 3_600_000;

#[test]
fn whoever_waits_for_longer_than_a_ticket_lives_is_called_over_and_holds_nothing() {
    let mut table = Table::new(&json!({ "queue_all": true }));
    table.join(20);
    table.later(2 * HOUR);
    table.join(20);
    table.batch(Items { ticket_leaves: vec![table::ticket(3), table::ticket(25)], ..Items::default() });
    table.later(22 * HOUR + 30_000);
    assert_eq!(table.room.board(table.now).waiting, 38, "the clocks of edges may be behind");
    table.later(60_000);
    let board = table.room.board(table.now);
    assert_eq!((board.called, board.waiting, called_held(&mut table)), (20, 19, 0));
    assert_eq!((table.claim(0), table.claim(3)), (ClaimOutcome::Void, ClaimOutcome::Used));
    // Of fifty seats none is held for them, and nothing was learnt of who comes, how fast people are called, or how long it takes.
    table.join(40);
    table.configure(&json!({}));
    assert_eq!((table.called(), called_held(&mut table)), (71, 50));
    let status = table.room.status(table.now);
    assert_eq!((status.show_up_permille, status.waits_measured), (1_000, 0));
    granted(&table.claim(20));
    assert_eq!(table.claim(0), ClaimOutcome::Void);
}

#[test]
fn a_great_many_dead_tickets_are_called_over_bit_by_bit_and_nobody_behind_them_before() {
    let mut table = Table::new(&json!({ "queue_all": true }));
    for _ in 0..10 {
        let joins = (0..2_500u32).map(|index| Holder(u128::from(index).to_be_bytes())).collect();
        table.batch(Items { joins, ..Items::default() });
    }
    table.now = table.now.plus(Millis(25 * HOUR));
    table.configure(&json!({}));
    assert_eq!((table.called(), called_held(&mut table)), (20_000, 0));
    assert_eq!(table.wake_at, Some(table.now.plus(Millis(1_000))));
    table.join(1);
    assert_eq!((table.called(), called_held(&mut table)), (25_001, 1));
}

#[test]
fn the_list_of_revoked_passes_has_an_end_and_is_empty_when_all_sessions_have_ended() {
    let hour = json!({ "queueing_method": "passthrough", "session_duration_seconds": 3_600 });
    let mut table = Table::new(&hour);
    let mut grants = Vec::new();
    for _ in 0..5 {
        grants.extend(table.batch(Items { enters: 3_280, ..Items::default() }).entered);
    }
    let listed = |table: &Table| table.room.revocations().passes.len();
    for leaving in grants[..16_383].chunks(4_096) {
        let pass_leaves = leaving.iter().map(pass).collect();
        table.batch(Items { pass_leaves, ..Items::default() });
    }
    let [last, beyond, other] = [16_383, 16_384, 16_385].map(|index: usize| grants[index]);
    let end = |table: &mut Table, grant: &Grant| {
        table.step(Input::End { seat: grant.seat, generation: grant.generation })
    };
    assert_eq!((end(&mut table, &last), listed(&table)), (Output::Ended(true), 16_384));
    // With the list full, who leaves is inside until their pass has expired, and operators hear that it is so.
    table.leave(&beyond);
    assert_eq!((end(&mut table, &other), listed(&table)), (Output::RevocationsFull, 16_384));
    table.later(60_000);
    assert!([beyond, other].iter().all(|grant| table.room.seat(grant.seat, grant.generation).is_some()));
    assert!(table.room.seat(last.seat, last.generation).is_none());
    // Passes of before are void at every edge once they have heard that all sessions ended: they need no list.
    assert_eq!(table.step(Input::EndAll), Output::Ended(true));
    assert_eq!(listed(&table), 16_384, "an edge may not have heard of it yet");
    table.later(18_000);
    assert_eq!(listed(&table), 0);
    let next = table.batch(Items { enters: 1, ..Items::default() }).entered[0];
    assert_eq!((end(&mut table, &next), listed(&table)), (Output::Ended(true), 1));
}

#[test]
fn who_joins_by_an_edge_that_has_not_heard_that_the_room_is_closed_is_in_line_and_not_lost() {
    let closed = [
        json!({ "queueing_method": "reject" }),
        json!({ "queueing_method": "passthrough" }),
        json!({ "suspended": true }),
    ];
    for settings in closed {
        let mut table = Table::new(&json!({}));
        table.join(60);
        table.configure(&settings);
        assert_eq!((table.join(5).0, table.called()), (60, 50));
        table.configure(&json!({}));
        for rank in 0..50 {
            let grant = granted(&table.claim(rank));
            table.leave(&grant);
        }
        table.later(18_000);
        assert_eq!(table.called(), 65, "in order, behind those who were in line");
        granted(&table.claim(64));
    }
}
