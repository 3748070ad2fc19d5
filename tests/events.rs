//! Events and their draws on a Room that is rebuilt from its rows after every step: prequeue, start, overrides, end; who is drawn, what is
//! promised before and told after. Rule 9.

mod table;

use durable::batch::{ClaimOutcome, Items, RenewOutcome};
use durable::board::{Digest, Phase};
use durable::draw::{Draw, NOBODY, commitment, mix};
use durable::json;
use durable::schedule::Event;
use durable::settings::QueueingMethod;
use durable::token::Holder;
use durable::units::{Millis, Place, Rank};
use durable::wire::to_text;

use table::{NOON, Table, granted};

const MINUTE: u64 = 60_000;

/// From ten minutes after noon on, for an hour, with a prequeue of five minutes.
fn event() -> Event {
    Event {
        id: [7; 16],
        prequeue_ms: NOON.0 + 5 * MINUTE,
        start_ms: NOON.0 + 10 * MINUTE,
        end_ms: NOON.0 + 70 * MINUTE,
        ..Event::default()
    }
}

fn table(event: Event) -> Table {
    let mut table = Table::new(&json!({}));
    table.events = vec![event];
    table.configure(&json!({}));
    table
}

fn at(table: &mut Table, minutes: u64) {
    table.now = Millis(NOON.0 + minutes * MINUTE);
    table.step(durable::room::Input::Tick);
}

fn places(table: &mut Table, ranks: std::ops::Range<u64>) -> Vec<u64> {
    let board = table.room.board(table.now);
    ranks.map(|rank| board.place_of(Rank(rank)).expect("a place").0).collect()
}

#[test]
fn a_prequeue_gives_ranks_and_admits_nobody_and_those_inside_stay() {
    let mut table = table(event());
    assert_eq!(table.wake_at, Some(Millis(event().prequeue_ms)), "the Room wakes by itself");
    at(&mut table, 4);
    assert_eq!(table.enter(3), 3);
    let inside = table.batch(Items { enters: 1, ..Items::default() }).entered[0];
    at(&mut table, 5);
    assert_eq!((table.room.board(table.now).phase, table.enter(1)), (Phase::Prequeue, 0));
    table.join(20);
    table.later(30_000);
    assert_eq!((table.called(), table.inside()), (0, 4));
    assert!(matches!(table.renew(&inside), RenewOutcome::Renewed(_)));
    at(&mut table, 10);
    assert_eq!(table.called(), 20);
    granted(&table.claim(0));
}

#[test]
fn the_sessions_of_those_inside_end_with_the_prequeue_if_the_event_says_so() {
    let mut table = table(Event { ends_sessions: true, ..event() });
    at(&mut table, 4);
    let inside = table.batch(Items { enters: 1, ..Items::default() }).entered[0];
    let announced = table.room.board(table.now).changes;
    assert_eq!(announced[0].pass_epoch, 1, "edges know before it happens: {announced:?}");
    at(&mut table, 5);
    assert_eq!(table.room.board(table.now).pass_epoch, 1);
    assert_eq!(table.renew(&inside), RenewOutcome::Ended);
    assert_eq!(table.inside(), 1, "no edge may still honour the pass when the seat is given again");
    table.later(18_000);
    assert_eq!(table.inside(), 0);
    at(&mut table, 6);
    assert_eq!(table.room.board(table.now).pass_epoch, 1, "once, not at every step");
}

#[test]
fn sessions_end_with_the_prequeue_even_if_the_alarm_comes_after_all_of_it() {
    let mut table = table(Event { ends_sessions: true, ..event() });
    table.configure(&json!({ "session_duration_seconds": 3_600 }));
    at(&mut table, 4);
    let inside = table.batch(Items { enters: 1, ..Items::default() }).entered[0];
    table.now = Millis(event().prequeue_ms);
    assert_eq!(
        table.room.board(table.now).pass_epoch,
        1,
        "a board of then, before the Room has decided anything"
    );
    table.now = Millis(event().start_ms + MINUTE);
    let late = table.room.board(table.now);
    assert_eq!((late.phase, late.pass_epoch), (Phase::Open, 1));
    at(&mut table, 11);
    assert_eq!(table.room.board(table.now).pass_epoch, 1);
    assert_eq!(table.renew(&inside), RenewOutcome::Ended);
}

#[test]
fn an_event_without_a_prequeue_ends_no_session() {
    let mut table = table(Event { ends_sessions: true, prequeue_ms: event().start_ms, ..event() });
    at(&mut table, 9);
    let inside = table.batch(Items { enters: 1, ..Items::default() }).entered[0];
    assert_eq!(table.room.board(table.now).changes[0].pass_epoch, 0);
    at(&mut table, 10);
    assert_eq!(table.room.board(table.now).pass_epoch, 0);
    assert!(matches!(table.renew(&inside), RenewOutcome::Renewed(_)));
}

#[test]
fn an_event_overrides_what_it_says_and_inherits_the_rest_live() {
    let mut table = table(Event { total_active_users: Some(2), ..event() });
    at(&mut table, 11);
    table.join(10);
    assert_eq!(table.called(), 2);
    table.configure(&json!({ "session_duration_seconds": 600 }));
    let pass = granted(&table.claim(0));
    assert_eq!(
        pass.expires.since(table.now),
        Millis(720_000),
        "the room's own duration, as changed meanwhile"
    );
    at(&mut table, 70);
    assert_eq!(table.called(), 10, "after the end the room's own limit holds");
}

#[test]
fn an_event_may_be_the_only_time_a_room_is_open() {
    let mut table = Table::new(&json!({ "queueing_method": "reject" }));
    table.events =
        vec![Event { prequeue_ms: event().start_ms, queueing_method: Some(QueueingMethod::Fifo), ..event() }];
    table.configure(&json!({ "queueing_method": "reject" }));
    assert_eq!((table.room.board(table.now).phase, table.enter(1)), (Phase::Reject, 0));
    at(&mut table, 10);
    assert_eq!((table.room.board(table.now).phase, table.enter(1)), (Phase::Open, 1));
    at(&mut table, 70);
    assert_eq!(table.room.board(table.now).phase, Phase::Reject);
}

#[test]
fn the_draw_is_promised_at_once_and_told_at_the_start_and_anybody_can_recompute_it() {
    let mut table = table(Event { shuffle: true, ..event() });
    let promised = table.room.board(table.now).seals[0];
    assert_eq!(promised.start_ms, event().start_ms);
    table.join(3);
    at(&mut table, 5);
    table.join(50);
    table.join(50);
    let before = to_text(&table.room.board(table.now));
    at(&mut table, 10);
    let board = table.room.board(table.now);
    let told = board.draws[0];
    assert_eq!((told.first, told.count), (3, 100));
    assert_eq!(Digest(commitment(&told.seed.0)), promised.commitment);
    assert!(!before.contains(to_text(&told.seed).trim_matches('"')), "nobody knew the seed before");
    let holders = (0..50).chain(0..50).map(|index| Holder([index; 16]));
    let hash = holders.fold(NOBODY, |hash, holder| mix(hash, &holder));
    let draw = Draw { first: Rank(3), count: 100, seed: told.seed.0, hash };
    let drawn = places(&mut table, 3..103);
    assert_eq!(drawn, (3..103).map(|rank| draw.place_of(Rank(rank)).unwrap().0).collect::<Vec<_>>());
    assert_ne!(drawn, (3..103).collect::<Vec<_>>());
}

#[test]
fn the_drawn_are_called_in_the_order_of_their_places_and_others_are_not_moved() {
    let mut table = table(Event { shuffle: true, total_active_users: Some(10), ..event() });
    at(&mut table, 5);
    table.join(100);
    at(&mut table, 10);
    table.join(5);
    let drawn = places(&mut table, 0..105);
    assert_eq!(drawn[100..], (100..105).collect::<Vec<_>>(), "who comes later stands behind");
    assert_eq!(table.called(), 10);
    for (rank, place) in (0u64..).zip(drawn) {
        let told = table.claim(rank);
        assert_eq!(
            matches!(told, ClaimOutcome::Granted(_)),
            place < 10,
            "rank {rank}, place {place}: {told:?}"
        );
    }
    assert_eq!(table.inside(), 10);
}

#[test]
fn who_left_before_the_draw_is_called_over_and_its_place_costs_nobody_anything() {
    let mut table = table(Event { shuffle: true, total_active_users: Some(10), ..event() });
    at(&mut table, 5);
    table.join(40);
    let leaves = (0..30).map(table::ticket).collect();
    table.batch(Items { ticket_leaves: leaves, ..Items::default() });
    at(&mut table, 10);
    assert_eq!(table.room.board(table.now).waiting, 0);
    for rank in 30..40 {
        granted(&table.claim(rank));
    }
}

#[test]
fn a_drawn_places_window_begins_when_everybody_can_have_heard() {
    let short = json!({ "claim_window_seconds": 10 });
    let mut table = Table::new(&short);
    table.events = vec![Event { shuffle: true, ..event() }];
    table.configure(&short);
    at(&mut table, 5);
    table.join(60);
    at(&mut table, 10);
    table.later(44_999);
    let held = table.room.status(table.now).called_held;
    table.later(1);
    let closed = table.room.status(table.now).called_held;
    assert_eq!(
        (held, closed),
        (50, 10),
        "thirty seconds, the window, and five more; then the last ten are called"
    );
}

#[test]
fn drawn_places_have_that_window_too_where_the_call_begins_before_them() {
    let mut table = table(Event { shuffle: true, ..event() });
    let settings = json!({ "claim_window_seconds": 10, "total_active_users": 50 });
    table.configure(&settings);
    table.join(60);
    at(&mut table, 5);
    table.join(60);
    at(&mut table, 10);
    // The last ten of those who waited, and forty of those who were drawn.
    let drawn: Vec<u64> =
        (60..120).filter(|rank| table.room.board(table.now).has_called(Rank(*rank))).collect();
    assert_eq!((table.called(), drawn.len()), (100, 40));
    table.later(44_999);
    granted(&table.claim(drawn[0]));
    assert_eq!(table.room.status(table.now).called_held, 49);
}

#[test]
fn an_event_called_off_draws_nobody_and_one_moved_is_promised_anew() {
    let mut table = table(Event { shuffle: true, ..event() });
    let first = table.room.board(table.now).seals[0].commitment;
    at(&mut table, 5);
    table.join(10);
    table.events = vec![];
    table.configure(&json!({}));
    assert_eq!(places(&mut table, 0..10), (0..10).collect::<Vec<_>>());
    table.events = vec![Event { shuffle: true, start_ms: event().start_ms + MINUTE, ..event() }];
    table.configure(&json!({}));
    assert_ne!(table.room.board(table.now).seals[0].commitment, first);
    at(&mut table, 11);
    let draw = table.room.board(table.now).draws[0];
    assert_eq!(draw.first, 10, "who came before the prequeue was called anew keeps their place ahead");
}

#[test]
fn holding_everybody_overrides_an_event_but_the_draw_is_held() {
    let mut table = table(Event { shuffle: true, ..event() });
    at(&mut table, 5);
    table.join(10);
    table.configure(&json!({ "queue_all": true }));
    at(&mut table, 11);
    let board = table.room.board(table.now);
    assert_eq!((board.phase, board.draws.len(), board.called), (Phase::Held, 1, 0));
}

#[test]
fn the_next_two_changes_stand_on_the_board_and_edges_follow_them_alone() {
    let mut table = table(Event { shuffle: true, ..event() });
    let mut board = table.room.board(table.now);
    assert_eq!(board.max_age_ms, 10_000);
    assert!(!board.follow_schedule(Millis(event().prequeue_ms - 1)) && board.phase == Phase::Open);
    board.follow_schedule(Millis(event().prequeue_ms));
    assert_eq!(board.phase, Phase::Prequeue);
    board.follow_schedule(Millis(event().start_ms));
    assert_eq!((board.phase, board.next_change()), (Phase::Busy, None));
    at(&mut table, 4);
    assert_eq!(table.room.board(table.now).max_age_ms, 1_000, "near a change boards are young");
}

#[test]
fn a_board_tells_three_draws_two_promises_and_two_changes_at_most() {
    let mut table = table(Event { shuffle: true, ..event() });
    for day in 0..3 {
        let later = |ms: u64| NOON.0 + day * 10 * MINUTE + ms;
        table.events = (0..3)
            .map(|index| Event {
                id: [index; 16],
                prequeue_ms: later(u64::from(index) * 10 * MINUTE + MINUTE),
                start_ms: later(u64::from(index) * 10 * MINUTE + 2 * MINUTE),
                end_ms: later(u64::from(index) * 10 * MINUTE + 3 * MINUTE),
                shuffle: true,
                ..event()
            })
            .collect();
        table.configure(&json!({ "queue_all": true }));
        table.now = Millis(later(MINUTE));
        table.join(200);
        table.now = Millis(later(2 * MINUTE));
        table.join(1);
    }
    let board = table.room.board(table.now);
    assert_eq!((board.draws.len(), board.seals.len(), board.changes.len()), (3, 2, 2));
}

#[test]
fn the_place_of_somebody_who_is_yet_to_be_drawn_is_not_told() {
    let mut table = table(Event { shuffle: true, ..event() });
    table.join(2);
    at(&mut table, 5);
    table.join(2);
    let board = table.room.board(table.now);
    assert_eq!([1, 2].map(|rank| board.place_of(Rank(rank))), [Some(Place(1)), None]);
}

#[test]
fn nobody_who_was_called_is_drawn_even_where_events_overlap() {
    // The directory refuses these; a clock that is changed for the summer may still bring them.
    let under_way = Event { id: [1; 16], prequeue_ms: NOON.0 + MINUTE, start_ms: NOON.0 + MINUTE, ..event() };
    let drawn = Event { shuffle: true, end_ms: event().end_ms + MINUTE, ..event() };
    for events in [vec![under_way, drawn], vec![drawn, under_way]] {
        let mut table = Table::new(&json!({}));
        table.events = events;
        table.configure(&json!({ "total_active_users": 10, "claim_window_seconds": 600 }));
        at(&mut table, 5);
        table.join(40);
        table.later(1_000);
        let called = table.called();
        at(&mut table, 10);
        let board = table.room.board(table.now);
        assert!((0..called).all(|rank| board.has_called(Rank(rank))), "{called} {:?}", board.draws);
        assert_eq!(board.draws.len(), usize::from(called == 0));
    }
}

#[test]
fn who_was_gathered_stays_in_order_if_another_event_calls_before_the_draw() {
    let other =
        Event { id: [1; 16], prequeue_ms: NOON.0 + 7 * MINUTE, start_ms: NOON.0 + 7 * MINUTE, ..event() };
    let mut table = Table::new(&json!({}));
    table.events = vec![other, Event { shuffle: true, ..event() }];
    table.configure(&json!({}));
    at(&mut table, 5);
    table.join(60);
    assert_eq!(table.room.board(table.now).gathers_from, Some(0));
    at(&mut table, 7);
    assert_eq!(table.room.board(table.now).gathers_from, None);
    for rank in 0..50 {
        granted(&table.claim(rank));
    }
    at(&mut table, 10);
    let board = table.room.board(table.now);
    assert!(board.draws.is_empty() && (0..50).all(|rank| board.has_called(Rank(rank))));
}

#[test]
fn a_promise_that_could_not_be_kept_leaves_the_board_at_its_start() {
    let mut table = Table::new(&json!({}));
    let event = |index: u8| {
        let first = NOON.0 + u64::from(index) * 10 * MINUTE;
        let [prequeue_ms, start_ms, end_ms] = [5, 7, 10].map(|minutes| first + minutes * MINUTE);
        Event { id: [index; 16], prequeue_ms, start_ms, end_ms, shuffle: true, ..Event::default() }
    };
    table.events = (0..5).map(event).collect();
    table.configure(&json!({ "total_active_users": 1 }));
    for index in 0..5 {
        table.now = Millis(event(index).prequeue_ms);
        table.join(20);
        table.now = Millis(event(index).start_ms);
        table.step(durable::room::Input::Tick);
        let board = table.room.board(table.now);
        assert_eq!(
            board.draws.len(),
            usize::from(index + 1).min(3),
            "three lines stand, and a fourth is not drawn"
        );
        let promised: Vec<u64> = board.seals.iter().map(|seal| seal.start_ms).collect();
        let to_come: Vec<u64> = (index + 1..5).take(2).map(|index| event(index).start_ms).collect();
        assert_eq!(promised, to_come, "after event {index}");
    }
}

#[test]
fn who_is_yet_to_be_drawn_is_not_called_over_however_long_that_takes() {
    let hours = |hours: u64| NOON.0 + 60 * MINUTE * hours;
    let mut table = table(Event {
        prequeue_ms: hours(1),
        start_ms: hours(30),
        end_ms: hours(80),
        shuffle: true,
        ..event()
    });
    table.join(1);
    at(&mut table, 60);
    table.join(20);
    at(&mut table, 29 * 60);
    table.join(20);
    assert_eq!((table.called(), table.room.board(table.now).waiting), (1, 40));
    at(&mut table, 30 * 60);
    let draw = table.room.board(table.now).draws[0];
    assert_eq!((draw.first, draw.count, table.called()), (1, 40, 41));
}

#[test]
fn windows_stand_still_from_the_prequeue_on_though_the_alarm_for_it_is_late() {
    let settings = json!({ "claim_window_seconds": 60, "total_active_users": 50 });
    for late in [1, 60_000, 100_000] {
        let mut table = Table::new(&settings);
        table.events = vec![event()];
        table.configure(&settings);
        table.later(5 * MINUTE - 10_000);
        table.join(60);
        // Ten of 65 seconds have gone when the prequeue begins, and nobody tells the Room.
        table.now = table.now.plus(Millis(10_000 + late));
        table.configure(&settings);
        table.later(1_000);
        at(&mut table, 10);
        assert_eq!((table.room.status(table.now).called_held, table.called()), (50, 50));
        table.later(54_999);
        granted(&table.claim(0));
        assert_eq!(table.room.status(table.now).called_held, 49, "{late} ms late");
        table.later(1);
        assert_eq!(table.called(), 60, "then the windows close");
        assert_eq!(table.room.status(table.now).show_up_permille, 1_000);
    }
}
