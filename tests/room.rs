//! The Room's rules, one by one. The simulation tries to break them together; here each stands alone.

mod table;

use durable::batch::{
    Batch, BatchAnswer, BatchName, ClaimOutcome, Grant, Items, RenewOutcome, decode_batch, encode_batch,
};
use durable::board::Phase;
use durable::json;
use durable::room::{Input, Output, Room};
use durable::schedule::Event;
use durable::state::Config;
use durable::token::Holder;
use durable::units::{Millis, Rank};

use table::{NOON, Table, full_room, granted, ticket};

#[test]
fn a_crowd_is_called_up_to_the_seats_and_no_further() {
    let mut table = Table::new(&json!({}));
    assert_eq!(table.join(200), Rank(0));
    assert_eq!(table.called(), 50);
    table.later(60_000);
    assert_eq!(table.called(), 50, "called places hold their seats");
    for rank in 0..50 {
        granted(&table.claim(rank));
    }
    assert_eq!((table.inside(), table.claim(50)), (50, ClaimOutcome::Waiting));
}

#[test]
fn ranks_follow_each_other_without_a_gap() {
    let mut table = Table::new(&json!({}));
    assert_eq!((table.join(3), table.join(1), table.join(2)), (Rank(0), Rank(3), Rank(4)));
}

#[test]
fn a_seat_is_live_until_its_pass_is_dead_at_every_edge() {
    let (mut table, grants) = full_room(&json!({}));
    table.join(1);
    let expires = grants[0].expires;
    // D = 100 s and a renewal interval of 20 s; 2 s for the clocks.
    assert_eq!(expires, NOON.plus(Millis(120_000)));
    table.now = expires.plus(Millis(1_999));
    table.step(Input::Tick);
    assert_eq!((table.called(), table.inside()), (50, 50));
    table.now = expires.plus(Millis(2_000));
    table.step(Input::Tick);
    assert_eq!((table.called(), table.inside()), (51, 0));
}

#[test]
fn a_renewed_pass_keeps_its_seat() {
    let (mut table, grants) = full_room(&json!({}));
    table.later(100_000);
    let RenewOutcome::Renewed(renewed) = table.renew(&grants[7]) else { panic!("ended") };
    assert_eq!(renewed.expires, table.now.plus(Millis(120_000)));
    table.later(22_000);
    assert_eq!(table.inside(), 1);
}

#[test]
fn whoever_lost_a_seat_to_the_clock_alone_has_it_back_outside_pace_while_nobody_was_promised_it() {
    let (mut table, grants) = full_room(&json!({}));
    // Two leave: of these no more is heard, whoever brings their passes.
    table.leave(&grants[1]);
    table.later(122_000);
    assert_eq!(table.inside(), 0);
    assert_eq!(table.renew(&grants[1]), RenewOutcome::Ended, "given up");
    let RenewOutcome::Renewed(again) = table.renew(&grants[8]) else { panic!("not given back") };
    assert_eq!((again.seat, again.generation), (grants[8].seat, grants[8].generation));
    assert_eq!((again.issued, again.expires), (table.now, table.now.plus(Millis(120_000))));
    assert_eq!(table.renew(&grants[8]), RenewOutcome::Renewed(again), "the answer was lost");
    assert_eq!(table.claim(8), ClaimOutcome::Used, "and its ticket gives no other");
    // 49 are called: every seat is taken or promised.
    table.join(60);
    assert_eq!((table.called(), table.inside()), (99, 1));
    assert_eq!(table.renew(&grants[9]), RenewOutcome::Ended, "promised");
    // The lowest seat is given to somebody, who leaves it before long.
    let taken = granted(&table.claim(50));
    assert_eq!((taken.seat, taken.generation.0), (grants[0].seat, 2));
    table.configure(&json!({ "total_active_users": 200, "new_users_per_minute": 1 }));
    assert_eq!(table.renew(&grants[0]), RenewOutcome::Ended, "given");
    let RenewOutcome::Renewed(_) = table.renew(&grants[9]) else { panic!("whatever the pace") };
    table.leave(&again);
    table.later(20_000);
    assert_eq!(table.renew(&again), RenewOutcome::Ended, "given up after it was given back");
}

#[test]
fn a_seat_is_given_back_neither_where_sessions_are_fixed_nor_where_nobody_is_let_in_nor_once_they_ended() {
    for changes in [
        json!({ "disable_session_renewal": true }),
        json!({ "queue_all": true }),
        json!({ "queueing_method": "reject" }),
    ] {
        let (mut table, grants) = full_room(&json!({}));
        table.later(122_000);
        table.configure(&changes);
        assert_eq!(table.renew(&grants[0]), RenewOutcome::Ended, "{changes}");
    }
    let (mut table, grants) = full_room(&json!({}));
    table.step(Input::EndAll);
    table.later(122_000);
    assert_eq!(table.renew(&grants[0]), RenewOutcome::Ended);
    let (mut table, grants) = full_room(&json!({ "disable_session_renewal": true }));
    table.later(101_000);
    assert_eq!((table.inside(), table.renew(&grants[0])), (50, RenewOutcome::Ended), "held for a second yet");
}

#[test]
fn without_renewal_a_session_ends_after_its_duration() {
    let (mut table, grants) = full_room(&json!({ "disable_session_renewal": true }));
    table.later(50_000);
    let RenewOutcome::Renewed(same) = table.renew(&grants[0]) else { panic!("ended") };
    assert_eq!(same.expires, NOON.plus(Millis(100_000)));
    let interval = table.room.board(table.now).renewal_interval_ms;
    assert!(interval > 100_000, "nobody asks in vain, as {interval} ms would have them do");
    table.later(52_000);
    assert_eq!(table.inside(), 0);
}

#[test]
fn a_ticket_is_claimed_once_and_asking_again_gives_the_same_pass() {
    let (mut table, grants) = full_room(&json!({}));
    assert_eq!(granted(&table.claim(3)), grants[3]);
    table.later(110_000);
    let RenewOutcome::Renewed(renewed) = table.renew(&grants[3]) else { panic!("ended") };
    assert_eq!(granted(&table.claim(3)), renewed, "within 120 s, even after a renewal");
    assert_eq!(granted(&table.claim(4)), grants[4], "never renewed");
    table.later(11_000);
    assert_eq!(table.claim(3), ClaimOutcome::Used);
    assert_eq!(
        table.claim(4),
        ClaimOutcome::Used,
        "its pass is over, though its seat is held for a second yet"
    );
}

#[test]
fn who_leaves_frees_the_seat_once_every_edge_knows() {
    let (mut table, grants) = full_room(&json!({}));
    table.join(1);
    // A board of a quiet moment may be used for 10 s; afterwards boards last 1 s.
    table.later(12_000);
    table.leave(&grants[5]);
    assert_eq!(table.renew(&grants[5]), RenewOutcome::Ended);
    assert_eq!(table.claim(5), ClaimOutcome::Used);
    assert_eq!(table.room.revocations().passes, [(5, 1)]);
    table.later(7_900);
    assert_eq!(table.called(), 50);
    table.later(100);
    assert_eq!(table.called(), 51);
    assert_eq!(granted(&table.claim(50)).generation.0, 3, "who gave it up does not come back");
    table.later(108_000);
    assert!(table.room.revocations().passes.is_empty(), "its pass would be over by now");
}

#[test]
fn a_seat_left_in_a_quiet_room_waits_for_the_oldest_board() {
    let (mut table, grants) = full_room(&json!({}));
    table.leave(&grants[5]);
    table.join(1);
    table.later(16_900);
    assert_eq!(table.called(), 50);
    table.later(100);
    assert_eq!(table.called(), 51);
}

#[test]
fn who_leaves_the_line_is_called_over() {
    let (mut table, grants) = full_room(&json!({}));
    table.join(3);
    table.batch(Items { ticket_leaves: vec![ticket(50), ticket(50)], ..Items::default() });
    assert_eq!(table.room.board(table.now).waiting, 2);
    table.later(12_000);
    table.leave(&grants[0]);
    table.later(18_000);
    assert_eq!((table.called(), table.room.board(table.now).waiting), (52, 1));
    assert_eq!(table.claim(50), ClaimOutcome::Used);
    granted(&table.claim(51));
}

#[test]
fn a_no_show_holds_its_seat_for_its_window_and_may_come_late() {
    let mut table = Table::new(&json!({ "total_active_users": 1, "claim_window_seconds": 60 }));
    table.join(3);
    table.later(64_999);
    assert_eq!(table.called(), 1);
    table.later(1);
    assert_eq!(table.called(), 2);
    assert_eq!(table.claim(0), ClaimOutcome::Next { retry: Millis(3_000) }, "the seat is promised");
    let second = granted(&table.claim(1));
    table.later(100_000);
    assert!(matches!(table.claim(0), ClaimOutcome::Next { .. }), "asking keeps the place");
    table.now = second.expires.plus(Millis(2_000));
    table.step(Input::Tick);
    assert_eq!(table.called(), 2, "the seat is the latecomer's, the third is not called past it");
    granted(&table.claim(0));
}

#[test]
fn a_latecomer_takes_a_free_seat_and_after_half_an_hour_none() {
    let mut table = Table::new(&json!({ "claim_window_seconds": 60 }));
    table.join(2);
    table.later(65_000 + 29 * 60_000);
    granted(&table.claim(0));
    table.later(60_000);
    assert_eq!(table.claim(1), ClaimOutcome::Void);
}

#[test]
fn the_pace_holds_in_every_window_of_a_minute() {
    let mut table = Table::new(&json!({ "total_active_users": 100_000, "new_users_per_minute": 60 }));
    for _ in 0..4 {
        table.join(100);
    }
    let mut admitted = Vec::new();
    let mut next = 0;
    for _ in 0..600 {
        table.later(500);
        // Everybody claims as late as they may: the worst bunching there is.
        while next < table.called() && table.now.0.is_multiple_of(20_000) {
            granted(&table.claim(next));
            admitted.push(table.now);
            next += 1;
        }
    }
    for (index, at) in admitted.iter().enumerate() {
        let window = admitted[index..].iter().take_while(|other| other.since(*at).0 <= 60_000);
        assert!(window.count() <= 60, "more than 60 in the minute from {at:?}");
    }
    assert!(admitted.len() > 180, "only {} in five minutes", admitted.len());
}

#[test]
fn an_idle_room_lets_a_tenth_of_its_pace_in_at_once_and_then_spreads() {
    let mut table = Table::new(&json!({ "total_active_users": 100_000, "new_users_per_minute": 600 }));
    assert_eq!(table.enter(100), 60);
    table.later(1_000);
    assert_eq!(table.enter(100), 10);
}

#[test]
fn first_contacts_never_hold_more_than_a_tenth_of_the_seats() {
    let mut table = Table::new(&json!({}));
    assert_eq!((table.enter(50), table.room.board(table.now).phase), (5, Phase::Busy));
    table.later(10_000);
    assert_eq!(table.enter(50), 0);
    assert_eq!(table.room.board(table.now).issued, 0, "no rank was taken");
}

#[test]
fn a_confirmed_first_contact_makes_room_for_another_until_a_tenth_is_left() {
    let mut table = Table::new(&json!({}));
    let mut inside = 0;
    loop {
        let items = Items { enters: 1, ..Items::default() };
        let Some(grant) = table.batch(items).entered.first().copied() else {
            break;
        };
        assert!(matches!(table.renew(&grant), RenewOutcome::Renewed(_)));
        inside += 1;
    }
    assert_eq!(inside, 46, "open while a tenth, five seats, is free");
}

#[test]
fn while_somebody_waits_nobody_enters_past_them() {
    let (mut table, grants) = full_room(&json!({}));
    table.join(5);
    table.leave(&grants[0]);
    table.later(18_000);
    assert_eq!(table.enter(1), 0);
}

#[test]
fn held_rooms_call_nobody_and_nobody_loses_a_turn() {
    let mut table = Table::new(&json!({ "claim_window_seconds": 60 }));
    table.join(60);
    assert_eq!(table.called(), 50);
    table.configure(&json!({ "claim_window_seconds": 60, "queue_all": true }));
    assert_eq!(table.room.board(table.now).phase, Phase::Held);
    assert_eq!(table.claim(0), ClaimOutcome::Next { retry: Millis(3_000) });
    table.later(3_600_000);
    assert_eq!((table.called(), table.enter(1)), (50, 0));
    table.configure(&json!({ "claim_window_seconds": 60, "queue_all": false }));
    for rank in 0..50 {
        granted(&table.claim(rank));
    }
}

#[test]
fn a_lowered_limit_throws_nobody_out_and_admits_nobody_until_enough_have_left() {
    let mut table = Table::new(&json!({}));
    table.join(60);
    let grants: Vec<Grant> = (0..40).map(|rank| granted(&table.claim(rank))).collect();
    table.configure(&json!({ "total_active_users": 10 }));
    assert_eq!(table.claim(45), ClaimOutcome::Next { retry: Millis(3_000) });
    assert_eq!(table.claim(44), ClaimOutcome::Next { retry: Millis(3_000) });
    assert!(matches!(table.renew(&grants[0]), RenewOutcome::Renewed(_)));
    table.later(12_000);
    for grant in &grants[..31] {
        table.leave(grant);
    }
    table.later(18_000);
    assert_eq!(table.inside(), 9);
    assert!(matches!(table.claim(45), ClaimOutcome::Next { .. }), "the lower one goes first");
    granted(&table.claim(44));
    assert!(matches!(table.claim(45), ClaimOutcome::Next { .. }));
    assert_eq!(table.inside(), 10);
}

#[test]
fn the_same_batch_is_answered_once_and_the_same() {
    let mut table = Table::new(&json!({}));
    let name = BatchName { lobby: "leaf".into(), incarnation: [2; 16], number: 0 };
    let items = Items { joins: vec![Holder([1; 16])], ..Items::default() };
    let batch: Batch = decode_batch(&encode_batch(&name, &items)).unwrap();
    let first = table.step(Input::Batch(batch.clone()));
    assert_eq!(table.step(Input::Batch(batch)), first);
    assert_eq!(table.room.board(table.now).issued, 1);
    let other = Items { joins: vec![Holder([9; 16])], ..Items::default() };
    let other = decode_batch(&encode_batch(&name, &other)).unwrap();
    assert_eq!(table.step(Input::Batch(other)), Output::Batch(BatchAnswer::Refused));
    let ahead = BatchName { number: 5, ..name };
    let ahead = decode_batch(&encode_batch(&ahead, &items)).unwrap();
    assert_eq!(table.step(Input::Batch(ahead)), Output::Batch(BatchAnswer::Expected(1)));
}

#[test]
fn a_clock_that_jumps_back_gives_nothing_away() {
    let (mut table, _) = full_room(&json!({}));
    table.join(10);
    table.now = Millis(5);
    table.step(Input::Tick);
    assert_eq!(table.called(), 50);
    assert_eq!(table.room.board(table.now).at_ms, NOON.0);
}

#[test]
fn older_settings_never_come_back() {
    let mut table = Table::new(&json!({}));
    table.configure(&json!({ "total_active_users": 7 }));
    let settings = table.room.config().unwrap().clone();
    let stale = Config { version: 1, ..settings };
    assert_eq!(table.step(Input::Configure(stale.into())), Output::Configured(2));
}

#[test]
fn a_batch_before_any_settings_is_refused() {
    let mut room = Room::load(&[], &[]).unwrap();
    let name = BatchName { lobby: "leaf".into(), incarnation: [2; 16], number: 0 };
    let batch = decode_batch(&encode_batch(&name, &Items::default())).unwrap();
    let step = room.step(NOON, [0; 32], vec![Input::Batch(batch)]).unwrap();
    assert_eq!(step.outputs, [Output::Batch(BatchAnswer::Refused)]);
    assert!(step.writes.is_empty());
}

#[test]
fn while_a_line_stands_the_room_wakes_by_itself_and_rests_otherwise() {
    let (mut table, grants) = full_room(&json!({}));
    assert_eq!(table.wake_at, None);
    table.join(1);
    let free_at = grants[0].expires.plus(Millis(2_000));
    assert_eq!(table.wake_at, Some(free_at));
    table.now = free_at;
    table.step(Input::Tick);
    assert_eq!((table.called(), table.wake_at), (51, None));
}

#[test]
fn the_first_batch_of_a_retired_incarnation_is_refused_when_it_comes_late() {
    let mut table = Table::new(&json!({}));
    let items = Items { joins: vec![Holder([1; 16])], ..Items::default() };
    let first = |incarnation: u8| {
        let name = BatchName { lobby: "leaf".into(), incarnation: [incarnation; 16], number: 0 };
        Input::Batch(decode_batch(&encode_batch(&name, &items)).unwrap())
    };
    for incarnation in 2..6 {
        assert!(matches!(table.step(first(incarnation)), Output::Batch(BatchAnswer::Done(_))));
    }
    assert_eq!(table.step(first(2)), Output::Batch(BatchAnswer::Refused));
    assert_eq!(table.room.board(table.now).issued, 4);
}

#[test]
fn the_room_wakes_when_a_kept_place_has_stopped_asking() {
    let room = |held: bool| json!({ "total_active_users": 1, "claim_window_seconds": 10, "queue_all": held });
    let mut table = Table::new(&room(false));
    table.join(2);
    table.configure(&room(true));
    assert!(matches!(table.claim(0), ClaimOutcome::Next { .. }));
    let asked_at = table.now;
    table.configure(&room(false));
    table.later(18_000);
    assert_eq!((table.called(), table.wake_at), (1, Some(asked_at.plus(Millis(120_001)))));
    table.later(120_001 - 18_000);
    assert_eq!(table.called(), 2);
}

#[test]
fn a_ticket_given_up_at_the_end_of_the_line_is_called_over() {
    let (mut table, _) = full_room(&json!({}));
    table.join(1);
    table.batch(Items { ticket_leaves: vec![ticket(50)], ..Items::default() });
    assert_eq!(table.room.board(table.now).waiting, 0);
    let wake_at = table.wake_at.expect("somebody has a copy of that ticket");
    table.now = wake_at;
    table.step(Input::Tick);
    assert_eq!((table.called(), table.wake_at), (51, None));
    assert_eq!(table.claim(50), ClaimOutcome::Used);
}

#[test]
fn a_pace_that_is_raised_holds_at_once() {
    for method in ["fifo", "random"] {
        let settings = |pace: u32| json!({ "queueing_method": method, "total_active_users": 1_000, "new_users_per_minute": pace });
        let mut table = Table::new(&settings(1));
        table.join(250);
        table.later(30_000);
        assert_eq!(table.room.board(table.now).waiting, 249, "one a minute");
        table.later(1_000);
        table.configure(&settings(100_000));
        // In rounds the next one is half a minute after the one before.
        table.later(if method == "fifo" { 1_000 } else { 29_000 });
        assert_eq!(table.room.board(table.now).waiting, 0, "{method}");
    }
}

#[test]
fn the_pace_of_an_event_holds_from_its_start_and_the_rooms_own_from_its_end() {
    let [start_ms, end_ms] = [61_000, 181_000].map(|millis| NOON.0 + millis);
    let event = Event {
        prequeue_ms: start_ms,
        start_ms,
        end_ms,
        new_users_per_minute: Some(6_000),
        ..Event::default()
    };
    let slow = json!({ "total_active_users": 1_000, "new_users_per_minute": 1 });
    let mut table = Table::new(&slow);
    table.events = vec![event];
    table.configure(&slow);
    table.join(200);
    table.later(59_900);
    let before = table.called();
    table.later(1_100);
    assert_eq!((before, table.called()), (1, 200));
    table.later(end_ms - table.now.0);
    let called = table.called();
    table.join(50);
    table.later(1_000);
    assert_eq!((called, table.called()), (200, 200), "more than one was called within this minute");
}
