//! Moving, as far as the Room decides it: when it goes, and that what comes there is what left.

mod table;

use durable::json;
use durable::moving::{Home, Move, pack, unpack};
use durable::room::{Input, Room};
use durable::schedule::Event;
use durable::units::{Millis, Rank};

use table::{NOON, Table, full_room, granted};

const ID: &str = "0123456789abcdef0123456789abcdef";

fn weur() -> durable::json::Value {
    json!({ "room_region": "weur", "total_active_users": 1 })
}

fn goes(table: &Table, home: &str) -> Option<String> {
    match table.room.moves(&Home::of(home)) {
        Move::Go(name) => Some(name),
        Move::Later(at) => {
            assert!(at > table.now && at.since(table.now) <= Millis(5_000));
            None
        }
        Move::Stay => panic!("it is where it should be"),
    }
}

/// It goes on elsewhere.
fn move_on(table: &mut Table) {
    table.pages = unpack(&pack(&table.room.snapshot())).unwrap();
    table.rows.clear();
    let mut moved = Room::load(&table.pages, &[]).unwrap();
    assert_eq!(moved.fingerprint(table.now), table.room.fingerprint(table.now));
    assert_eq!(moved.board(table.now), table.room.board(table.now));
    table.room = moved;
}

#[test]
fn a_room_goes_only_where_its_setting_says_and_names_each_object_once() {
    let mut table = Table::new(&json!({}));
    assert_eq!(table.room.moves(&Home::of(ID)), Move::Stay);
    table.configure(&weur());
    assert_eq!(goes(&table, ID), Some(format!("{ID}~weur~1")));
    assert_eq!(table.room.moves(&Home::of(&format!("{ID}~weur~1"))), Move::Stay);
    assert_eq!(goes(&table, &format!("{ID}~oc~7")), Some(format!("{ID}~weur~8")));
    // An object whose name is not known goes nowhere.
    assert_eq!(table.room.moves(&Home::of("")), Move::Stay);
}

#[test]
fn nobody_is_there_when_it_goes() {
    let mut table = Table::new(&weur());
    table.join(2);
    assert_eq!(goes(&table, ID), None, "one is called, one waits");
    let grant = granted(&table.claim(0));
    assert_eq!(goes(&table, ID), None, "one is inside");
    table.leave(&grant);
    table.later(20_000);
    assert_eq!((table.called(), goes(&table, ID)), (2, None), "a seat is held");
    table.later(126_000);
    assert!(goes(&table, ID).is_some(), "whoever comes late may come there");
    move_on(&mut table);
    granted(&table.claim(1));
    assert_eq!(goes(&table, ID), None);
    assert_eq!(table.join(1), Rank(2));
}

#[test]
fn a_room_that_is_never_empty_goes_with_its_reset_and_the_cap_goes_along() {
    let (mut table, grants) = full_room(&json!({ "room_region": "weur" }));
    table.join(30);
    table.later(12_000);
    assert_eq!(goes(&table, ID), None);
    table.step(Input::Reset);
    assert!(goes(&table, ID).is_some(), "whoever is inside is asked to wait with their next click");
    move_on(&mut table);
    // Everybody comes back at once.
    table.join(80);
    assert_eq!(goes(&table, ID), None);
    table.later(7_000);
    assert_eq!((table.inside(), table.called()), (50, 0), "their passes may be good somewhere");
    assert_eq!(table.renew(&grants[7]), durable::batch::RenewOutcome::Ended);
    table.later(1_100);
    assert_eq!((table.inside(), table.called()), (0, 50));
}

#[test]
fn an_event_that_is_near_or_under_way_is_not_disturbed() {
    let mut table = Table::new(&json!({}));
    let at = |seconds: u64| NOON.0 + 1_000 * seconds;
    table.events = vec![Event {
        id: [1; 16],
        prequeue_ms: at(600),
        start_ms: at(700),
        end_ms: at(800),
        ..Event::default()
    }];
    table.configure(&weur());
    for (seconds, is_free) in [(0, true), (539, true), (541, false), (650, false), (750, false), (801, true)]
    {
        table.now = Millis(at(seconds));
        table.step(Input::Tick);
        assert_eq!(goes(&table, ID).is_some(), is_free, "after {seconds} s");
    }
}

#[test]
fn seats_spent_tickets_and_promises_go_along() {
    let (mut table, grants) = full_room(&json!({ "room_region": "weur", "session_duration_seconds": 40 }));
    table.later(62_000);
    assert!(goes(&table, ID).is_some());
    move_on(&mut table);
    // Whoever lost their seat to the clock has it back, and a ticket that was exchanged is.
    assert!(matches!(table.renew(&grants[7]), durable::batch::RenewOutcome::Renewed(_)));
    assert_eq!(table.claim(3), durable::batch::ClaimOutcome::Used);
    assert_eq!(table.join(1), Rank(50));
    for _ in 0..40 {
        table.join(1);
    }
    assert!(!table.rows.is_empty(), "its journal begins there");
}

#[test]
fn pages_of_a_room_that_was_never_configured_are_taken_by_nobody() {
    let room = Room::load(&[], &[]).unwrap();
    assert!(unpack(&pack(&room.snapshot())).is_err());
    let (table, _) = full_room(&json!({}));
    let bytes = pack(&table.room.snapshot());
    for length in 0..bytes.len() {
        assert!(unpack(&bytes[..length]).is_err());
    }
}
