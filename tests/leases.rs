//! Seats that a region has in hand for first contacts, in front of a real Room: who is answered at once, and that each is handed out or given back.

mod lobbies;

use durable::batch::{BatchAnswer, BatchName, Items, Reply, TicketRef, decode_batch, encode_batch};
use durable::courier::{Call, Next, Why};
use durable::json;
use durable::lobby::{LEAVES, Said};
use durable::region::Region;
use durable::room::{Input, Room};
use durable::schedule::Event;
use durable::settings::Settings;
use durable::state::Config;
use durable::token::Holder;
use durable::units::{Epoch, Millis, Rank};

use lobbies::*;

/// A region, the Room behind it, and the batches of a leaf that was never asked before.
struct Hall {
    region: Region,
    room: Room,
    leaves: u32,
    now: Millis,
}

impl Hall {
    fn new(settings: &json::Value) -> Hall {
        let settings = Settings::parse(settings).unwrap();
        let config = Config { version: 1, directory_version: 1, settings, events: vec![] };
        let mut room = Room::load(&[], &[]).unwrap();
        room.step(NOON, [0; 32], vec![Input::Configure(config.into())]).unwrap();
        Hall { region: region(), room, leaves: 0, now: NOON }
    }

    /// One with seats and pace for many.
    fn roomy() -> Hall {
        Hall::new(&json!({
            "name": "a", "host": "a.example", "total_active_users": 1_000, "new_users_per_minute": 6_000,
        }))
    }

    /// After so long, somebody asks this: the answer, if the region knows it.
    fn ask(&mut self, after: u64, items: &Items) -> Option<Reply> {
        self.now = self.now.plus(Millis(after));
        self.leaves += 1;
        let mut incarnation = [0; 16];
        incarnation[..4].copy_from_slice(&self.leaves.to_be_bytes());
        let name = BatchName { lobby: format!("room/weur/{}", self.leaves % LEAVES), incarnation, number: 0 };
        let said = self.region.take(self.now, self.leaves, &encode_batch(&name, items)).unwrap();
        said.map(|said| reply(&said))
    }

    /// What the region sends goes to the Room and back, until it has nothing to do: what was asked, and who was told what.
    fn settle(&mut self) -> (Vec<Items>, Vec<Reply>) {
        let (mut asked, mut told) = (Vec::new(), Vec::new());
        while let Next::Send { call, bytes } = self.region.next(self.now) {
            let batch = decode_batch(&bytes).unwrap();
            let answer = answer(&mut self.room, self.now, &bytes);
            let board = durable::wire::to_text(&self.room.board(self.now));
            let heard =
                self.region.bulletin().hear(self.now, &answer.encode(board.as_bytes(), Millis(0))).unwrap();
            let all = up_answered(&mut self.region, self.now, call, heard);
            told.extend(all.iter().map(|(_, said)| reply(said)));
            asked.push(batch.items);
        }
        (asked, told)
    }

    fn inside(&mut self) -> u64 {
        self.room.status(self.now).inside
    }
}

fn reply(said: &Said) -> Reply {
    let Said::Bytes(bytes) = said else { panic!("no answer to a batch: {said:?}") };
    match BatchAnswer::decode(bytes).unwrap().0 {
        BatchAnswer::Done(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn enters(enters: u32) -> Items {
    Items { enters, ..Items::default() }
}

#[test]
fn who_comes_alone_asks_the_room_and_where_several_come_the_next_are_answered_at_once() {
    let mut hall = Hall::roomy();
    assert_eq!(hall.ask(0, &enters(1)), None);
    let (asked, told) = hall.settle();
    assert_eq!(
        (asked[0].leases, told[0].entered.len(), hall.inside()),
        (0, 1, 1),
        "none is asked for one alone"
    );
    assert_eq!(hall.ask(300, &enters(1)), None);
    let (asked, _) = hall.settle();
    assert_eq!((asked[0].leases, hall.inside()), (3, 5), "what is in hand is live");
    let at_once = hall.ask(300, &enters(2)).expect("there are three in hand");
    assert_eq!((at_once.entered.len(), at_once.leased.len()), (2, 0));
    assert_eq!(hall.inside(), 5, "they were already");
    // For more than there are in hand the Room is asked, for all of them.
    assert_eq!(hall.ask(0, &enters(2)), None);
    let (_, told) = hall.settle();
    let seats: Vec<_> = at_once.entered.iter().chain(&told[0].entered).map(|grant| grant.seat).collect();
    assert!(
        told[0].entered.len() == 2
            && seats.iter().all(|seat| seats.iter().filter(|it| *it == seat).count() == 1)
    );
}

#[test]
fn what_nobody_came_for_is_given_back_after_five_seconds_and_free_at_once() {
    let mut hall = Hall::roomy();
    assert_eq!(hall.ask(0, &enters(2)), None);
    hall.settle();
    let (inside, list) = (hall.inside(), hall.room.revocations());
    assert_eq!(inside, 5);
    let Next::Wait(at) = hall.region.next(hall.now) else { panic!("it forgets what it has in hand") };
    assert_eq!(at, hall.now.plus(Millis(5_001)));
    hall.now = at;
    let (asked, _) = hall.settle();
    assert_eq!((asked.len(), asked[0].lease_returns.len(), asked[0].leases), (1, 3, 0));
    assert_eq!(
        (hall.inside(), hall.room.revocations()),
        (2, list),
        "nobody has to be told that they are over"
    );
    assert_eq!(hall.room.status(hall.now).admitted_last_minute, 2, "and of the pace is who came");
    assert_eq!(hall.region.next(hall.now), Next::Rest, "and nothing is asked while nobody comes");
    // Given back twice, as it might be by another name, it takes nothing from whoever has the seat now.
    let again = hall.room.seat(asked[0].lease_returns[0].seat, asked[0].lease_returns[0].generation);
    assert_eq!(again, None);
    hall.ask(0, &enters(1));
    hall.settle();
    let inside = hall.inside();
    hall.ask(0, &Items { joins: vec![Holder([1; 16])], ..Items::default() });
    let name = BatchName { lobby: "room/enam".into(), incarnation: [3; 16], number: 0 };
    let returns = Items { lease_returns: asked[0].lease_returns.clone(), ..Items::default() };
    answer(&mut hall.room, hall.now, &encode_batch(&name, &returns));
    assert_eq!(hall.inside(), inside);
}

#[test]
fn a_pass_that_somebody_was_seen_with_is_nobodys_to_give_back() {
    let mut hall = Hall::roomy();
    hall.ask(0, &enters(1));
    let (_, told) = hall.settle();
    let grant = told[0].entered[0];
    let pass = durable::batch::PassRef {
        epoch: told[0].epoch,
        pass_epoch: told[0].pass_epoch,
        seat: grant.seat,
        generation: grant.generation,
    };
    hall.ask(100, &Items { renewals: vec![pass], ..Items::default() });
    hall.settle();
    let name = BatchName { lobby: "room/enam".into(), incarnation: [3; 16], number: 0 };
    let returns = encode_batch(&name, &Items { lease_returns: vec![pass], ..Items::default() });
    answer(&mut hall.room, hall.now, &returns);
    assert_eq!(hall.inside(), 1);
}

#[test]
fn once_somebody_waits_nothing_is_handed_out_and_all_goes_back() {
    let mut hall = Hall::roomy();
    hall.ask(0, &enters(2));
    hall.settle();
    // The operator lets nobody in.
    let settings = Settings::parse(&json!({
        "name": "a", "host": "a.example", "total_active_users": 1_000, "new_users_per_minute": 6_000, "queue_all": true,
    }))
    .unwrap();
    let config = Config { version: 2, directory_version: 2, settings, events: vec![] };
    hall.room.step(hall.now, [0; 32], vec![Input::Configure(config.into())]).unwrap();
    assert!(hall.ask(100, &enters(1)).is_some(), "nobody has told the region");
    hall.ask(100, &Items { joins: vec![Holder([1; 16])], ..Items::default() });
    let (asked, _) = hall.settle();
    assert_eq!(asked.iter().map(|items| items.lease_returns.len()).sum::<usize>(), 2);
    assert_eq!((hall.inside(), hall.ask(0, &enters(1))), (3, None));
    let (asked, told) = hall.settle();
    assert_eq!((asked[0].leases, told[0].entered.len()), (0, 0));
}

#[test]
fn a_room_that_too_many_ask_is_asked_for_none_before_somebody_comes() {
    let mut hall = Hall::roomy();
    hall.ask(0, &enters(1));
    hall.settle();
    hall.ask(100, &enters(1));
    let Next::Send { call, bytes } = hall.region.next(hall.now) else { panic!("nothing sent") };
    assert!(decode_batch(&bytes).unwrap().items.leases > 0);
    assert_eq!(up_answered(&mut hall.region, hall.now, call, BatchAnswer::Overloaded).len(), 1);
    for _ in 0..20 {
        hall.now = hall.now.plus(Millis(100));
        assert!(!matches!(hall.region.next(hall.now), Next::Send { .. }), "nobody waits for it");
    }
    // Beside what somebody wants it asks again, and from then on by itself.
    hall.ask(0, &enters(2));
    let (asked, _) = hall.settle();
    assert!(asked[0].enters == 2 && asked[0].leases > 0, "{asked:?}");
}

#[test]
fn what_nobody_came_for_costs_the_others_no_pace() {
    let mut hall = Hall::new(&json!({
        "name": "a", "host": "a.example", "total_active_users": 10_000, "new_users_per_minute": 60,
    }));
    // In each of two regions two within a second, ten times in a minute: 40 in all, and each time some are in hand that nobody comes for.
    let mut other = Region::new("room/enam".into(), [8; 16]);
    let (mut let_in, mut back) = (0, 0);
    for after in [2_700, 300].into_iter().cycle().take(80) {
        let at_once = hall.ask(after, &enters(1));
        let (asked, told) = hall.settle();
        let_in += at_once.iter().chain(&told).map(|reply| reply.entered.len()).sum::<usize>();
        back += asked.iter().map(|items| items.lease_returns.len()).sum::<usize>();
        if after == 300 {
            std::mem::swap(&mut hall.region, &mut other);
        }
    }
    assert_eq!(let_in, 80, "none of them finds a room that is busy");
    assert!(back > 20, "{back}");
}

/// One with three seats in hand, which are on their way back.
fn giving_back() -> (Hall, Call, usize) {
    let mut hall = Hall::roomy();
    hall.ask(0, &enters(2));
    hall.settle();
    hall.now = hall.now.plus(Millis(5_001));
    let Next::Send { call, bytes } = hall.region.next(hall.now) else { panic!("nothing goes back") };
    let returns = decode_batch(&bytes).unwrap().items.lease_returns.len();
    assert_eq!((returns, hall.inside()), (3, 5));
    (hall, call, returns)
}

#[test]
fn what_was_on_its_way_back_to_a_room_that_too_many_ask_goes_again_five_seconds_later() {
    let (mut hall, call, returns) = giving_back();
    up_answered(&mut hall.region, hall.now, call, BatchAnswer::Overloaded);
    let at = hall.now.plus(Millis(5_001));
    assert_eq!(hall.region.next(hall.now), Next::Wait(at), "it is left alone meanwhile");
    hall.now = at;
    let (asked, _) = hall.settle();
    assert_eq!((asked.len(), asked[0].lease_returns.len(), hall.inside()), (1, returns, 2));
    assert_eq!(
        hall.region.next(hall.now.plus(Millis(60_000))),
        Next::Rest,
        "and once it is answered no more"
    );
}

#[test]
fn what_was_on_its_way_back_goes_again_beside_what_somebody_wants() {
    let (mut hall, call, returns) = giving_back();
    up_answered(&mut hall.region, hall.now, call, BatchAnswer::Refused);
    hall.ask(500, &enters(1));
    let (asked, _) = hall.settle();
    assert_eq!((asked[0].enters, asked[0].lease_returns.len()), (1, returns));
}

#[test]
fn what_was_on_its_way_back_to_a_room_that_was_deleted_does_not_go_again() {
    let (mut hall, call, _) = giving_back();
    let heard = hall.region.courier().given_up(call, Why::Unknown);
    hall.region.hear(hall.now, heard, FRESH);
    assert_eq!(hall.region.next(hall.now.plus(Millis(60_000))), Next::Rest);
}

#[test]
fn a_first_contact_beside_something_else_is_given_a_seat_of_the_rooms_and_none_in_hand() {
    let mut hall = Hall::roomy();
    hall.ask(0, &enters(2));
    hall.settle();
    let nobodys = TicketRef { epoch: Epoch(0), rank: Rank(7) };
    let items = Items { enters: 1, ticket_leaves: vec![nobodys], ..Items::default() };
    assert_eq!(hall.ask(100, &items), None, "the Room has to hear of it");
    let (asked, told) = hall.settle();
    assert_eq!(asked[0].enters, 1, "as of their contact");
    let in_hand = hall.ask(0, &enters(2)).expect("as many are in hand as before").entered;
    assert_eq!(told[0].entered.len(), 1);
    assert!(in_hand.iter().all(|grant| grant.seat != told[0].entered[0].seat));
}

/// How many a Room with these seats gives a region that asks for a hundred, and then for a hundred more.
fn given(settings: &json::Value, events: Vec<Event>) -> [usize; 2] {
    let mut hall = Hall::new(settings);
    let settings = Settings::parse(settings).unwrap();
    let config = Config { version: 2, directory_version: 2, settings, events };
    hall.room.step(NOON, [0; 32], vec![Input::Configure(config.into())]).unwrap();
    [0, 1].map(|number| {
        let name = BatchName { lobby: "room/weur".into(), incarnation: [3; 16], number };
        let asks = encode_batch(&name, &Items { leases: 100, ..Items::default() });
        match answer(&mut hall.room, NOON, &asks) {
            BatchAnswer::Done(reply) => reply.leased.len(),
            other => panic!("{other:?}"),
        }
    })
}

fn seats(seats: u64) -> json::Value {
    json!({ "name": "a", "host": "a.example", "total_active_users": seats, "new_users_per_minute": 6_000 })
}

#[test]
fn no_more_are_in_hand_than_half_of_what_the_room_lets_in() {
    // A tenth of the seats is for who was not seen again.
    let all = [1_000, 100, 19, 10].map(|count| given(&seats(count), vec![]));
    assert_eq!(all, [[50, 25], [5, 2], [1, 0], [0, 0]]);
}

#[test]
fn where_sessions_are_fixed_or_something_is_near_none_are_in_hand() {
    let mut fixed = seats(1_000);
    fixed.set("disable_session_renewal", json!(true));
    assert_eq!(given(&fixed, vec![]), [0, 0], "the seconds in hand would be missing from somebody's session");
    let mut everybody = seats(1_000);
    everybody.set("queueing_method", json!("passthrough"));
    assert_eq!(given(&everybody, vec![]), [0, 0], "who is only counted waits for nobody");
    let begins_in = |millis: u64| {
        let start_ms = NOON.0 + millis;
        vec![Event { prequeue_ms: start_ms, start_ms, end_ms: start_ms + 60_000, ..Event::default() }]
    };
    assert_eq!(given(&seats(1_000), begins_in(10_000)), [0, 0], "it would be in hand still");
    assert_eq!(given(&seats(1_000), begins_in(10_001)), [50, 25]);
}
