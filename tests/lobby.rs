//! Lobbies in front of a real Room: what it sends when, what it tells whom, and what becomes of calls that fail.

use durable::batch::{BatchAnswer, BatchName, Items, decode_batch, encode_batch};
use durable::board::{Board, Revocations};
use durable::bulletin::BoardWanted;
use durable::calls::Calls;
use durable::courier::{Call, Next};
use durable::health::Health;
use durable::json;
use durable::leaf::{Leaf, Taken};
use durable::lobby::Said;
use durable::protocol::{Answer, Ask, BoardAnswer, Neighbourhood, Outcome, Wish};
use durable::region::Region;
use durable::room::{Input, Output, Room};
use durable::settings::Settings;
use durable::state::Config;
use durable::token::{Keys, RoomTag, Ticket};
use durable::units::{Epoch, Millis, Rank};
use durable::wire::{from_text, to_text};

const NOON: Millis = Millis(1_800_000_000_000);
const FRESH: [u8; 16] = [9; 16];
/// Of an edge that has heard nothing yet.
const NOTHING: Ask = Ask {
    wish: Wish::Board,
    board_sequence: 0,
    board_at_ms: 0,
    board_max_age_ms: 0,
    revoked_seq: 0,
    neighbourhood: None,
};

fn keys() -> Keys {
    Keys::new(&"k".repeat(32), "", "").unwrap()
}

fn lobby() -> Leaf {
    Leaf::new("room/weur/0".into(), RoomTag([1; 8]), keys(), [1; 16])
}

fn room() -> Room {
    let settings = json!({
        "name": "a", "host": "a.example", "total_active_users": 50, "new_users_per_minute": 1_000,
    });
    let settings = Settings::parse(&settings).unwrap();
    let config = Config { version: 1, directory_version: 1, settings, events: vec![] };
    let mut room = Room::load(&[], &[]).unwrap();
    room.step(NOON, [0; 32], vec![Input::Configure(config.into())]).unwrap();
    room
}

fn join(holder: u8) -> Wish {
    Wish::Join { holder: [holder; 16] }
}

fn sent(lobby: &mut Leaf, now: Millis) -> (Call, Vec<u8>) {
    match lobby.next(now) {
        Next::Send { call, bytes } => (call, bytes),
        other => panic!("nothing sent: {other:?}"),
    }
}

fn answer(room: &mut Room, now: Millis, bytes: &[u8]) -> BatchAnswer {
    let batch = decode_batch(bytes).unwrap();
    match room.step(now, [0; 32], vec![Input::Batch(batch)]).unwrap().outputs.remove(0) {
        Output::Batch(answer) => answer,
        other => panic!("another answer: {other:?}"),
    }
}

fn take_board(lobby: &mut Leaf, now: Millis, board: Board) {
    lobby.bulletin().take(now, BoardAnswer { board, board_age_ms: 0, revocations: None });
}

/// Sends what is next and hands the Room's answer in.
fn round_trip(lobby: &mut Leaf, room: &mut Room, now: Millis) -> Vec<(u64, Outcome)> {
    let (call, bytes) = sent(lobby, now);
    let answer = answer(room, now, &bytes);
    take_board(lobby, now, room.board(now));
    lobby.answered(now, call, answer, FRESH)
}

fn rank(outcome: &Outcome) -> Rank {
    match outcome {
        Outcome::Joined { ticket, rank, .. } => {
            let signed: Ticket = keys().verify(ticket).unwrap();
            assert_eq!(signed.rank, Rank(*rank));
            signed.rank
        }
        other => panic!("not joined: {other:?}"),
    }
}

#[test]
fn it_sends_at_once_while_idle_and_gathers_for_100_ms_while_busy() {
    let mut lobby = lobby();
    assert_eq!(lobby.next(NOON), Next::Rest);
    lobby.ask(NOON, 1, join(1));
    sent(&mut lobby, NOON);
    lobby.ask(NOON, 2, join(2));
    lobby.ask(NOON, 3, join(3));
    let then = NOON.plus(Millis(100));
    assert_eq!(lobby.next(NOON), Next::Wait(then));
    let ((_, number), bytes) = sent(&mut lobby, then);
    assert_eq!((number, decode_batch(&bytes).unwrap().items.joins.len()), (1, 2));
    assert_eq!(lobby.next(then), Next::Rest);
}

#[test]
fn at_most_eight_batches_are_in_flight() {
    let mut lobby = lobby();
    for flight in 0..8u8 {
        let now = NOON.plus(Millis(u64::from(flight) * 100));
        lobby.ask(now, u64::from(flight), join(flight));
        sent(&mut lobby, now);
    }
    lobby.ask(NOON, 99, join(99));
    assert_eq!(lobby.next(NOON.plus(Millis(10_000))), Next::Rest);
}

#[test]
fn everybody_hears_what_became_of_their_own_wish() {
    let (mut lobby, mut room) = (lobby(), room());
    for waiter in 0..3u8 {
        lobby.ask(NOON, u64::from(waiter), join(waiter));
    }
    lobby.ask(NOON, 7, Wish::Claim { epoch: 0, rank: 5 });
    let told = round_trip(&mut lobby, &mut room, NOON);
    let ranks: Vec<_> = told.iter().take(3).map(|(waiter, outcome)| (*waiter, rank(outcome))).collect();
    assert_eq!(ranks, [(0, Rank(0)), (1, Rank(1)), (2, Rank(2))]);
    assert_eq!(told[3], (7, Outcome::Waiting));
}

#[test]
fn equal_wishes_travel_once_and_are_all_answered() {
    let (mut lobby, mut room) = (lobby(), room());
    lobby.ask(NOON, 1, join(1));
    lobby.ask(NOON, 2, join(1));
    let told = round_trip(&mut lobby, &mut room, NOON);
    assert_eq!(told.len(), 2);
    assert_eq!(rank(&told[0].1), rank(&told[1].1));
    assert_eq!(room.board(NOON).issued, 1);
}

#[test]
fn the_same_holder_gets_the_same_ticket_for_two_minutes() {
    let (mut lobby, mut room) = (lobby(), room());
    lobby.ask(NOON, 1, join(1));
    let first = round_trip(&mut lobby, &mut room, NOON).remove(0).1;
    let later = NOON.plus(Millis(120_000));
    let Taken::Answered(again) = lobby.ask(later, 2, join(1)) else { panic!("asked the Room again") };
    assert_eq!(again, first);
    assert!(matches!(lobby.ask(later.plus(Millis(1)), 3, join(1)), Taken::Gathered));
}

#[test]
fn a_ticket_of_before_a_reset_is_not_remembered() {
    let (mut lobby, mut room) = (lobby(), room());
    lobby.ask(NOON, 1, join(1));
    round_trip(&mut lobby, &mut room, NOON);
    let later = NOON.plus(Millis(2_000));
    room.step(later, [0; 32], vec![Input::Reset]).unwrap();
    take_board(&mut lobby, later, room.board(later));
    assert!(matches!(lobby.ask(later, 2, join(1)), Taken::Gathered));
    round_trip(&mut lobby, &mut room, later);
    let Taken::Answered(Outcome::Joined { ticket, .. }) = lobby.ask(later, 3, join(1)) else {
        panic!("asked the Room again")
    };
    assert_eq!(keys().verify::<Ticket>(&ticket).unwrap().epoch, Epoch(1));
}

#[test]
fn a_call_whose_answer_was_lost_is_made_again_and_nothing_happens_twice() {
    let (mut lobby, mut room) = (lobby(), room());
    lobby.ask(NOON, 1, join(1));
    let (call, bytes) = sent(&mut lobby, NOON);
    answer(&mut room, NOON, &bytes);
    assert!(lobby.failed(NOON, call, FRESH).is_empty());
    let again_at = NOON.plus(Millis(200));
    assert_eq!(lobby.next(NOON), Next::Wait(again_at));
    let (repeated, same) = sent(&mut lobby, again_at);
    assert_eq!((repeated, &same), (call, &bytes));
    let reply = answer(&mut room, again_at, &same);
    let told = lobby.answered(again_at, call, reply, FRESH);
    assert_eq!((rank(&told[0].1), room.board(NOON).issued), (Rank(0), 1));
}

#[test]
fn after_four_tries_everybody_is_told_and_a_new_incarnation_begins() {
    let mut lobby = lobby();
    lobby.ask(NOON, 1, join(1));
    let mut now = NOON;
    let mut told = Vec::new();
    for _ in 0..4 {
        let (call, _) = sent(&mut lobby, now);
        told = lobby.failed(now, call, FRESH);
        now = now.plus(Millis(1_000));
    }
    assert_eq!(told, [(1, Outcome::Unreachable)]);
    lobby.ask(now, 2, join(2));
    let (call, _) = sent(&mut lobby, now);
    assert_eq!(call, (FRESH, 0));
}

#[test]
fn a_room_that_forgot_the_incarnation_gets_the_wishes_under_a_new_one() {
    let (mut lobby, mut room) = (lobby(), room());
    lobby.ask(NOON, 1, join(1));
    let (call, _) = sent(&mut lobby, NOON);
    assert!(lobby.answered(NOON, call, BatchAnswer::Refused, FRESH).is_empty());
    let told = round_trip(&mut lobby, &mut room, NOON);
    assert_eq!((told[0].0, rank(&told[0].1)), (1, Rank(0)));
}

#[test]
fn a_board_is_given_out_for_a_second_and_an_older_one_never_replaces_it() {
    let (mut lobby, mut room) = (lobby(), room());
    assert!(matches!(lobby.ask(NOON, 1, Wish::Board), Taken::BoardWanted));
    lobby.ask(NOON, 2, join(1));
    round_trip(&mut lobby, &mut room, NOON);
    let soon = NOON.plus(Millis(999));
    assert!(matches!(lobby.ask(soon, 3, Wish::Board), Taken::Answered(Outcome::Board)));
    assert!(matches!(lobby.ask(NOON.plus(Millis(1_000)), 4, Wish::Board), Taken::BoardWanted));
    let newest = lobby.answer(soon, Outcome::Board, &NOTHING).board;
    take_board(&mut lobby, soon, Board::default());
    assert_eq!(lobby.answer(soon, Outcome::Board, &NOTHING).board, newest);
}

#[test]
fn a_board_is_not_given_out_without_the_list_it_names() {
    let mut lobby = lobby();
    let board = |sequence, revoked_seq| Board { version: 1, sequence, revoked_seq, ..Board::default() };
    let told = |lobby: &Leaf| lobby.answer(NOON, Outcome::Busy, &NOTHING).board.map(|board| board.sequence);
    take_board(&mut lobby, NOON, board(1, 0));
    assert_eq!(told(&lobby), Some(1));
    take_board(&mut lobby, NOON, board(2, 1));
    assert_eq!(told(&lobby), None, "an edge would go on with the list it has");
    assert!(matches!(lobby.ask(NOON, 1, Wish::Board), Taken::BoardWanted));
    let revocations = Some(Revocations { seq: 1, passes: vec![(3, 1)] });
    lobby.bulletin().take(NOON, BoardAnswer { board: board(2, 1), board_age_ms: 0, revocations });
    assert_eq!(told(&lobby), Some(2));
    assert!(matches!(lobby.ask(NOON, 2, Wish::Board), Taken::Answered(Outcome::Board)));
}

#[test]
fn a_clock_that_jumps_back_an_hour_keeps_nobody_waiting_for_one() {
    let mut lobby = lobby();
    lobby.ask(NOON, 1, join(1));
    let (call, bytes) = sent(&mut lobby, NOON);
    lobby.failed(NOON, call, [9; 16]);
    lobby.ask(NOON, 2, join(2));
    let earlier = NOON.minus(Millis(3_600_000));
    assert_eq!(lobby.next(earlier), Next::Send { call, bytes }, "the call is made again");
    assert_eq!(lobby.next(earlier), Next::Wait(earlier.plus(Millis(100))), "and the next one is near");
    take_board(&mut lobby, NOON, Board::default());
    assert!(matches!(lobby.ask(earlier, 3, Wish::Board), Taken::BoardWanted));
}

#[test]
fn a_lobby_with_too_much_to_do_says_so_instead_of_growing() {
    let mut lobby = lobby();
    let wish = |rank: u64| Wish::Claim { epoch: 0, rank };
    (0..8_000).for_each(|rank| assert!(matches!(lobby.ask(NOON, rank, wish(rank)), Taken::Gathered)));
    let refused = lobby.ask(NOON, 8_000, wish(8_000));
    assert!(matches!(refused, Taken::Answered(Outcome::Overloaded)));
}

#[test]
fn a_call_is_answered_once_all_its_wishes_are_and_brings_the_board_once() {
    let (mut lobby, mut room, mut calls) = (lobby(), room(), Calls::default());
    let ask = |wish| to_text(&Ask { wish, ..NOTHING });
    let lines = [ask(join(1)), "{\"wish\":\"dance\"}".into(), ask(join(2)), ask(join(1))].join("\n");
    assert_eq!(calls.take(&mut lobby, NOON, 7, &lines), None);
    assert_eq!(calls.take(&mut lobby, NOON, 8, &ask(Wish::Claim { epoch: 0, rank: 5 })), None);
    let told = round_trip(&mut lobby, &mut room, NOON);
    let answered = calls.hear(&lobby, NOON, told);
    assert_eq!(answered.iter().map(|(call, _)| *call).collect::<Vec<_>>(), [7, 8]);
    let answers: Vec<Answer> =
        answered[0].1.lines().map(|line| from_text(line.as_bytes()).unwrap()).collect();
    let [first, strange, second, again] = answers.try_into().unwrap();
    assert_eq!((rank(&first.outcome), rank(&second.outcome)), (Rank(0), Rank(1)));
    assert_eq!((strange.outcome, again.outcome), (Outcome::Unreachable, first.outcome));
    assert!(first.board.is_some() && second.board.is_none() && again.board.is_none());
    // Asked again it is in the lobby's memory.
    assert!(calls.take(&mut lobby, NOON, 9, &ask(join(2))).is_some());
    assert_eq!(calls.take(&mut lobby, NOON, 10, ""), Some(String::new()));
}

#[test]
fn all_who_want_a_board_hear_of_one_call_for_it() {
    let (mut lobby, mut room, mut calls) = (lobby(), room(), Calls::default());
    for call in 0..2 {
        assert_eq!(calls.take(&mut lobby, NOON, call, &to_text(&NOTHING)), None);
    }
    assert!(calls.want_board());
    take_board(&mut lobby, NOON, room.board(NOON));
    let told = calls.hear_board(&Outcome::Board);
    assert!(!calls.want_board());
    assert_eq!(calls.hear(&lobby, NOON, told).len(), 2);
}

#[test]
fn of_one_network_no_more_join_in_a_minute_than_the_room_says_and_nobody_is_counted_twice() {
    let (mut lobby, mut room, mut calls) = (lobby(), room(), Calls::default());
    let ask = |holder: u8, prefix: u8| {
        let neighbourhood = Some(Neighbourhood { prefix: [prefix; 4], joins_per_minute: 2 });
        to_text(&Ask { wish: join(holder), neighbourhood, ..NOTHING })
    };
    let of_one: Vec<String> = [1, 2, 1, 3].map(|holder| ask(holder, 1)).into();
    assert_eq!(calls.take(&mut lobby, NOON, 1, &of_one.join("\n")), None, "some of them travel");
    assert_eq!(calls.take(&mut lobby, NOON, 2, &ask(4, 2)), None, "another network");
    let told = round_trip(&mut lobby, &mut room, NOON);
    let replies = calls.hear(&lobby, NOON, told);
    let outcomes = |reply: &str| -> Vec<Outcome> {
        reply.lines().map(|line| from_text::<Answer>(line.as_bytes()).unwrap().outcome).collect()
    };
    let [(1, first), (2, other)] = replies.as_slice() else { panic!("{replies:?}") };
    let first = outcomes(first);
    assert_eq!(first[3], Outcome::Crowded);
    assert_eq!(
        (rank(&first[0]), rank(&first[2])),
        (rank(&first[0]), rank(&first[0])),
        "one holder, one rank"
    );
    assert_eq!(rank(&outcomes(other)[0]), Rank(2));
    // Who has a ticket gets it again, crowded or not.
    let again = calls.take(&mut lobby, NOON.plus(Millis(1_000)), 3, &ask(2, 1)).unwrap();
    assert_eq!(rank(&outcomes(&again)[0]), rank(&first[1]));
    let later = calls.take(&mut lobby, NOON.plus(Millis(60_001)), 4, &ask(3, 1));
    assert_eq!(later, None, "a minute later they may");
}

/// A region with leaves of these numbers, in front of a Room.
fn region() -> Region {
    Region::new("room/weur".into(), [7; 16])
}

fn leaf(number: u8) -> Leaf {
    Leaf::new(format!("room/weur/{number}"), RoomTag([1; 8]), keys(), [number; 16])
}

/// Has the region send what is next, and the Room answer it: whom the region tells what.
fn up_and_back(region: &mut Region, room: &mut Room, now: Millis) -> Vec<(u32, Said)> {
    let Next::Send { call, bytes } = region.next(now) else { panic!("nothing sent") };
    let answer = answer(room, now, &bytes);
    region.answered(now, call, answer, FRESH)
}

/// What a leaf makes of its region's answer.
fn hears(leaf: &mut Leaf, now: Millis, call: Call, said: &Said) -> Vec<(u64, Outcome)> {
    let Said::Bytes(bytes) = said else { panic!("no answer to a batch: {said:?}") };
    let answer = leaf.bulletin().hear(now, bytes).unwrap();
    leaf.answered(now, call, answer, FRESH)
}

#[test]
fn a_region_puts_batches_together_and_hands_each_leaf_its_share() {
    let (mut region, mut room) = (region(), room());
    let (mut one, mut other, mut third) = (leaf(1), leaf(2), leaf(3));
    // The first goes at once, alone; what comes meanwhile travels together.
    third.ask(NOON, 9, join(90));
    let (third_call, bytes) = sent(&mut third, NOON);
    assert_eq!(region.take(NOON, 30, &bytes), Ok(None));
    let Next::Send { call: first, bytes: first_bytes } = region.next(NOON) else { panic!("nothing sent") };
    for (waiter, holder) in [(1, 10), (2, 11)] {
        one.ask(NOON, waiter, join(holder));
    }
    one.ask(NOON, 3, Wish::Claim { epoch: 0, rank: 500 });
    other.ask(NOON, 4, join(20));
    other.ask(NOON, 5, Wish::Enter { holder: [3; 16] });
    other.ask(NOON, 6, Wish::Claim { epoch: 9, rank: 0 });
    let ((one_call, bytes), (other_call, more)) = (sent(&mut one, NOON), sent(&mut other, NOON));
    assert_eq!((region.take(NOON, 10, &bytes), region.take(NOON, 20, &more)), (Ok(None), Ok(None)));
    let then = NOON.plus(Millis(50));
    assert_eq!(region.next(NOON), Next::Wait(then));
    let first_answer = answer(&mut room, NOON, &first_bytes);
    let told = region.answered(NOON, first, first_answer, FRESH);
    assert_eq!(told.iter().map(|(caller, _)| *caller).collect::<Vec<_>>(), [30]);
    assert_eq!(rank(&hears(&mut third, NOON, third_call, &told[0].1)[0].1), Rank(0));

    let told = up_and_back(&mut region, &mut room, then);
    assert_eq!(told.iter().map(|(caller, _)| *caller).collect::<Vec<_>>(), [10, 20]);
    let heard = hears(&mut one, then, one_call, &told[0].1);
    assert_eq!((rank(&heard[0].1), rank(&heard[1].1), &heard[2].1), (Rank(1), Rank(2), &Outcome::Waiting));
    let heard = hears(&mut other, then, other_call, &told[1].1);
    assert_eq!(rank(&heard[0].1), Rank(3));
    assert!(matches!((&heard[1].1, &heard[2].1), (Outcome::Busy, Outcome::Void)), "{heard:?}");
    assert_eq!(room.board(then).issued, 4);
}

#[test]
fn a_batch_that_comes_again_is_answered_the_same_and_carried_out_once() {
    let (mut region, mut room, mut leaf) = (region(), room(), leaf(1));
    leaf.ask(NOON, 1, join(1));
    let (call, bytes) = sent(&mut leaf, NOON);
    assert_eq!(region.take(NOON, 1, &bytes), Ok(None));
    let Next::Send { call: up, bytes: batch } = region.next(NOON) else { panic!("nothing sent") };
    // The leaf has lost patience: the same batch again, while the first is still under way.
    assert_eq!(region.take(NOON, 2, &bytes), Ok(None));
    assert_eq!(region.next(NOON), Next::Rest, "it is not sent twice");
    let reply = answer(&mut room, NOON, &batch);
    let told = region.answered(NOON, up, reply, FRESH);
    assert_eq!(told.iter().map(|(caller, _)| *caller).collect::<Vec<_>>(), [1, 2]);
    let Ok(Some(again)) = region.take(NOON, 3, &bytes) else { panic!("asked the Room again") };
    assert_eq!((rank(&hears(&mut leaf, NOON, call, &again)[0].1), room.board(NOON).issued), (Rank(0), 1));
    // Of another memory of the same leaf it expects the first batch first.
    let other = BatchName { lobby: "room/weur/1".into(), incarnation: [5; 16], number: 3 };
    let Ok(Some(Said::Bytes(refused))) = region.take(NOON, 4, &encode_batch(&other, &Items::default()))
    else {
        panic!("a batch out of turn was taken")
    };
    assert_eq!(BatchAnswer::decode(&refused).unwrap().0, BatchAnswer::Refused);
}

#[test]
fn a_region_that_gives_up_tells_its_leaves_and_what_they_send_again_is_refused() {
    for (answered, outcome) in
        [(BatchAnswer::Overloaded, Outcome::Overloaded), (BatchAnswer::Unreachable, Outcome::Unreachable)]
    {
        let (mut region, mut leaf) = (region(), leaf(1));
        leaf.ask(NOON, 1, join(1));
        let (call, bytes) = sent(&mut leaf, NOON);
        region.take(NOON, 1, &bytes).unwrap();
        let Next::Send { call: up, .. } = region.next(NOON) else { panic!("nothing sent") };
        let told = region.answered(NOON, up, answered, FRESH);
        assert_eq!(hears(&mut leaf, NOON, call, &told[0].1), [(1, outcome)]);
        // It is not asked again: the leaf has begun anew, and so has the region.
        leaf.ask(NOON, 2, join(2));
        let ((incarnation, number), _) = sent(&mut leaf, NOON);
        assert_eq!((incarnation, number, region.next(NOON)), (FRESH, 0, Next::Rest));
    }
}

#[test]
fn a_region_whose_memory_was_lost_has_its_leaves_begin_anew_and_nobody_is_given_another_place() {
    let (mut region, mut room, mut leaf) = (region(), room(), leaf(1));
    leaf.ask(NOON, 1, join(1));
    let (_, bytes) = sent(&mut leaf, NOON);
    region.take(NOON, 1, &bytes).unwrap();
    let told = up_and_back(&mut region, &mut room, NOON);
    hears(&mut leaf, NOON, ([1; 16], 0), &told[0].1);
    leaf.ask(NOON, 2, join(2));
    let (call, bytes) = sent(&mut leaf, NOON);
    let mut region = Region::new("room/weur".into(), [8; 16]);
    let Ok(Some(refused)) = region.take(NOON, 2, &bytes) else { panic!("a batch out of turn was taken") };
    assert!(hears(&mut leaf, NOON, call, &refused).is_empty());
    let (call, bytes) = sent(&mut leaf, NOON);
    assert_eq!(call, (FRESH, 0));
    region.take(NOON, 3, &bytes).unwrap();
    let told = up_and_back(&mut region, &mut room, NOON);
    assert_eq!(rank(&hears(&mut leaf, NOON, call, &told[0].1)[0].1), Rank(1));
    // Who is remembered by the leaf has the place they had.
    let Taken::Answered(again) = leaf.ask(NOON, 4, join(1)) else { panic!("asked the Room again") };
    assert_eq!(rank(&again), Rank(0));
}

#[test]
fn boards_travel_once_a_second_unless_they_broke_a_promise_or_a_quiet_room_is_quiet_no_more() {
    let (mut lobby, mut room) = (lobby(), room());
    let asked = |lobby: &mut Leaf, at: u64, holder: u8| {
        let now = NOON.plus(Millis(at));
        lobby.ask(now, u64::from(holder), join(holder));
        let (call, bytes) = sent(lobby, now);
        (call, decode_batch(&bytes).unwrap())
    };
    let (call, batch) = asked(&mut lobby, 0, 1);
    assert_eq!(batch.items.board_held, None, "none is held");
    let done = answer(&mut room, NOON, &encode_batch(&batch.name, &batch.items));
    take_board(&mut lobby, NOON, Board { max_age_ms: 1_000, ..room.board(NOON) });
    lobby.answered(NOON, call, done.clone(), FRESH);
    let (_, batch) = asked(&mut lobby, 100, 2);
    let held = BoardWanted::of(&batch.items);
    assert_eq!(batch.items.board_held, Some(Millis(1_000)));
    let board = |max_age_ms| Board { max_age_ms, ..Board::default() };
    assert!(!held.with(&done, &board(1_000)) && !held.with(&done, &board(10_000)));
    assert!(held.with(&done, &board(999)), "what is held may be used for longer");
    let entering = BoardWanted::of(&Items { enters: 1, ..batch.items.clone() });
    assert!(entering.with(&done, &board(1_000)), "it had said that they could enter");
    let (_, batch) = asked(&mut lobby, 1_000, 3);
    assert_eq!(batch.items.board_held, None, "what is held is a second old");
    let (_, batch) = asked(&mut lobby, 1_100, 4);
    assert_eq!(batch.items.board_held, Some(Millis(1_000)), "one is on its way");
}

#[test]
fn a_board_is_as_old_at_a_leaf_as_it_is_whoever_kept_it() {
    let (mut region, mut room, mut leaf) = (region(), room(), leaf(1));
    assert_eq!(region.board(NOON, 1), None);
    assert!(region.want_board());
    let answer =
        BoardAnswer { board: room.board(NOON), board_age_ms: 0, revocations: Some(room.revocations()) };
    let told = region.hear_board(NOON, Some(answer));
    assert_eq!((told.len(), told[0].0, region.want_board()), (1, 1, false));
    let then = NOON.plus(Millis(900));
    let Some(Said::Text(text)) = region.board(then, 2) else { panic!("asked the Room again") };
    leaf.bulletin().take(then, from_text(text.as_bytes()).unwrap());
    assert_eq!(leaf.answer(then, Outcome::Board, &NOTHING).board_age_ms, 900);
    assert!(matches!(leaf.ask(NOON.plus(Millis(999)), 1, Wish::Board), Taken::Answered(Outcome::Board)));
    assert!(matches!(leaf.ask(NOON.plus(Millis(1_000)), 2, Wish::Board), Taken::BoardWanted));
    assert_eq!(region.board(NOON.plus(Millis(1_000)), 3), None, "and the region has none to give out either");
    let none = region.hear_board(NOON.plus(Millis(1_000)), None);
    assert_eq!(none, [(3, Said::Text(String::new()))]);
}

/// What the next batch says of the origin; none if nothing is sent.
fn heard(next: Next) -> Option<Health> {
    match next {
        Next::Send { bytes, .. } => Some(decode_batch(&bytes).unwrap().items.health),
        _ => None,
    }
}

fn seen(sampled: u32, errors: u32) -> Wish {
    Wish::Health { sampled, errors, slow: 0 }
}

#[test]
fn what_edges_saw_of_the_origin_travels_as_one_sum_every_two_seconds() {
    let mut lobby = lobby();
    for (waiter, wish) in [(1, seen(8, 1)), (2, seen(8, 1)), (3, seen(4, 9))] {
        assert!(matches!(lobby.ask(NOON, waiter, wish), Taken::Answered(Outcome::Board)), "nobody waits");
    }
    assert_eq!(heard(lobby.next(NOON)), Some(Health { sampled: 20, errors: 6, slow: 0 }));
    // With somebody's wish, too; but not sooner than it is of use.
    lobby.ask(NOON, 4, seen(1, 0));
    lobby.ask(NOON, 5, join(5));
    assert_eq!(heard(lobby.next(NOON.plus(Millis(100)))), Some(Health::default()));
    assert_eq!(lobby.next(NOON.plus(Millis(101))), Next::Wait(NOON.plus(Millis(2_001))), "it wakes for it");
    assert_eq!(heard(lobby.next(NOON.plus(Millis(2_001)))), Some(Health { sampled: 1, errors: 0, slow: 0 }));
    assert_eq!(lobby.next(NOON.plus(Millis(2_002))), Next::Rest);
}

#[test]
fn a_batch_that_is_refused_takes_what_was_seen_of_the_origin_along() {
    let mut lobby = lobby();
    lobby.ask(NOON, 1, seen(8, 1));
    lobby.ask(NOON, 2, join(2));
    let (call, _) = sent(&mut lobby, NOON);
    lobby.answered(NOON, call, BatchAnswer::Refused, FRESH);
    let (_, bytes) = sent(&mut lobby, NOON);
    let items = decode_batch(&bytes).unwrap().items;
    assert_eq!((items.joins.len(), items.health), (1, Health::default()), "else it might count twice");
}

#[test]
fn a_region_adds_up_what_its_leaves_heard_and_answers_them_at_once() {
    let mut region = Region::new("room/weur".into(), [2; 16]);
    for leaf in 0..32 {
        let name = format!("room/weur/{leaf}");
        let health = Health { sampled: 10, errors: 1, slow: 2 };
        let items = Items { health, board_held: Some(Millis(1_000)), ..Items::default() };
        let batch = encode_batch(&BatchName { lobby: name, incarnation: [1; 16], number: 0 }, &items);
        for _ in 0..2 {
            let said = region.take(NOON, leaf, &batch).unwrap();
            let Some(Said::Bytes(bytes)) = said else { panic!("not answered: {said:?}") };
            assert!(matches!(BatchAnswer::decode(&bytes).unwrap().0, BatchAnswer::Done(_)));
        }
    }
    assert_eq!(heard(region.next(NOON)), Some(Health { sampled: 320, errors: 32, slow: 64 }), "each once");
    assert_eq!(region.next(NOON), Next::Rest);
}
