//! A leaf in front of a real Room: what it sends when, what it tells whom, and what becomes of calls that fail.

mod lobbies;

use durable::batch::{BatchAnswer, Items, Reply, decode_batch, encode_batch};
use durable::board::{Board, Revocations};
use durable::bulletin::BoardWanted;
use durable::calls::Calls;
use durable::courier::Next;
use durable::health::Health;
use durable::leaf::{Leaf, Taken};
use durable::protocol::{Answer, Ask, BoardAnswer, Neighbourhood, Outcome, Wish};
use durable::replies::{Replies, Verdict};
use durable::room::Input;
use durable::token::Ticket;
use durable::units::{Epoch, Millis, Rank};
use durable::wire::{from_text, to_text};

use lobbies::*;

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
    assert_eq!(ranks(&told[..3]), [(0, Rank(0)), (1, Rank(1)), (2, Rank(2))]);
    assert_eq!(told[3], (7, Outcome::Waiting));
}

/// Who was told which rank.
fn ranks(told: &[(u64, Outcome)]) -> Vec<(u64, Rank)> {
    told.iter().map(|(waiter, outcome)| (*waiter, rank(outcome))).collect()
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
fn who_asks_again_while_the_answer_is_on_its_way_waits_for_the_same_one() {
    let (mut lobby, mut room) = (lobby(), room());
    lobby.ask(NOON, 1, join(1));
    let (call, bytes) = sent(&mut lobby, NOON);
    let soon = NOON.plus(Millis(300));
    assert!(matches!(lobby.ask(soon, 2, join(1)), Taken::Gathered));
    assert_eq!(lobby.next(soon), Next::Rest, "it is on its way already");
    // Should it get lost, it goes again once, for both.
    failed(&mut lobby, soon, call);
    lobby.ask(soon, 3, join(1));
    let told = answered(&mut lobby, soon, call, answer(&mut room, soon, &bytes));
    assert_eq!(ranks(&told), [(1, Rank(0)), (2, Rank(0)), (3, Rank(0))]);
    assert_eq!(room.board(soon).issued, 1);
}

#[test]
fn what_was_on_its_way_to_a_room_that_forgot_goes_again_once_for_all_who_wait() {
    let (mut lobby, mut room) = (lobby(), room());
    lobby.ask(NOON, 1, join(1));
    let (call, _) = sent(&mut lobby, NOON);
    lobby.ask(NOON, 2, join(1));
    answered(&mut lobby, NOON, call, BatchAnswer::Refused);
    let later = NOON.plus(Millis(1_000));
    lobby.ask(later, 3, join(1));
    let told = round_trip(&mut lobby, &mut room, later);
    assert_eq!(ranks(&told), [(1, Rank(0)), (2, Rank(0)), (3, Rank(0))]);
    assert_eq!(room.board(later).issued, 1);
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
    assert!(failed(&mut lobby, NOON, call).is_empty());
    let again_at = NOON.plus(Millis(200));
    assert_eq!(lobby.next(NOON), Next::Wait(again_at));
    let (repeated, same) = sent(&mut lobby, again_at);
    assert_eq!((repeated, &same), (call, &bytes));
    let reply = answer(&mut room, again_at, &same);
    let told = answered(&mut lobby, again_at, call, reply);
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
        told = failed(&mut lobby, now, call);
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
    assert!(answered(&mut lobby, NOON, call, BatchAnswer::Refused).is_empty());
    let Next::Wait(later) = lobby.next(NOON) else { panic!("the parent is not left alone") };
    assert!(later <= NOON.plus(Millis(100)));
    let told = round_trip(&mut lobby, &mut room, later);
    assert_eq!((told[0].0, rank(&told[0].1)), (1, Rank(0)));
}

#[test]
fn a_parent_that_too_many_ask_is_left_alone_for_longer_each_time() {
    let (mut lobby, mut room) = (lobby(), room());
    let (mut batches, mut told) = (Vec::new(), 0);
    // A wish each millisecond, for five seconds; every batch is answered at once that too many ask.
    for at in 0..5_000 {
        let now = NOON.plus(Millis(at));
        let mut holder = [0; 16];
        holder[..8].copy_from_slice(&at.to_be_bytes());
        lobby.ask(now, at, Wish::Join { holder });
        while let Next::Send { call, .. } = lobby.next(now) {
            batches.push(at);
            told += answered(&mut lobby, now, call, BatchAnswer::Overloaded).len();
        }
    }
    assert_eq!(batches[0], 0, "the first goes at once");
    let spaces: Vec<_> = batches.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(spaces.is_sorted() && spaces[0] >= 50 && spaces.last() <= Some(&400), "{spaces:?}");
    assert!(batches.len() <= 30, "{batches:?}");
    assert!(told > 4_000, "everybody whose batch has gone is told: {told}");
    // As soon as it answers, all is as it was.
    let mut now = NOON.plus(Millis(6_600));
    round_trip(&mut lobby, &mut room, now);
    for waiter in 0..3 {
        now = now.plus(Millis(1));
        lobby.ask(now, waiter, join(waiter as u8));
        assert_eq!(round_trip(&mut lobby, &mut room, now).len(), 1);
    }
}

#[test]
fn first_contacts_do_not_wait_for_the_others_answer_nor_push_what_may_go_again_out_of_memory() {
    let (mut lobby, mut replies) = (lobby(), Replies::default());
    let enter = |holder: u8| Wish::Enter { holder: [holder; 16] };
    lobby.ask(NOON, 1, join(1));
    let (held_back, bytes) = sent(&mut lobby, NOON);
    let renewal = decode_batch(&bytes).unwrap();
    replies.remember(&renewal.name, renewal.digest, Vec::new());
    // The region has seats in hand and answers each at once; what a join waits for is a Room far away.
    let mut numbers = Vec::new();
    for at in 0..1_000 {
        let now = NOON.plus(Millis(at));
        lobby.ask(now, 100 + at, enter(at as u8));
        while let Next::Send { call, bytes } = lobby.next(now) {
            let batch = decode_batch(&bytes).unwrap();
            replies.remember(&batch.name, batch.digest, vec![1]);
            numbers.push(call.1);
            answered(&mut lobby, now, call, BatchAnswer::Done(Reply::default()));
        }
    }
    assert_eq!(numbers, (1..8).collect::<Vec<_>>(), "seven, 25 ms apart");
    assert_eq!(replies.judge(&renewal.name, &renewal.digest), Verdict::Repeated(&[]), "it is known yet");
    // Once that is answered they go on.
    let now = NOON.plus(Millis(1_000));
    answered(&mut lobby, now, held_back, BatchAnswer::Done(Reply::default()));
    assert_eq!(sent(&mut lobby, now).0.1, 8);
}

#[test]
fn first_contacts_leave_room_for_whoever_is_inside() {
    let mut lobby = lobby();
    let mut cargo = Vec::new();
    for at in 0..2_000 {
        let now = NOON.plus(Millis(at));
        lobby.ask(now, 2 * at, Wish::Enter { holder: [at as u8; 16] });
        lobby.ask(now, 2 * at + 1, join(at as u8));
        while let Next::Send { bytes, .. } = lobby.next(now) {
            cargo.push(decode_batch(&bytes).unwrap().items.enters > 0);
        }
    }
    assert_eq!((cargo.len(), cargo.iter().filter(|entering| **entering).count()), (8, 4));
}

#[test]
fn a_batch_that_failed_goes_again_though_its_parent_is_left_alone_meanwhile() {
    let mut lobby = lobby();
    lobby.ask(NOON, 1, join(1));
    let (call, bytes) = sent(&mut lobby, NOON);
    assert!(failed(&mut lobby, NOON, call).is_empty());
    // Nor is a board to be had.
    (0..3).for_each(|_| lobby.courier().refused(NOON, [255; 16]));
    let Next::Wait(at) = lobby.next(NOON.plus(Millis(200))) else { panic!("it does not wake for it") };
    assert_eq!((at, sent(&mut lobby, at)), (NOON.plus(Millis(400)), (call, bytes)));
}

#[test]
fn two_lobbies_leave_a_parent_alone_for_different_times() {
    let waits = [[0; 16], [128; 16], [255; 16]].map(|luck| {
        let mut lobby = lobby();
        lobby.ask(NOON, 1, join(1));
        let (call, _) = sent(&mut lobby, NOON);
        let heard = lobby.courier().answered(NOON, call, BatchAnswer::Overloaded);
        lobby.hear(NOON, heard, luck);
        lobby.ask(NOON, 2, join(2));
        lobby.next(NOON)
    });
    assert_eq!(waits, [50, 75, 100].map(|at| Next::Wait(NOON.plus(Millis(at)))));
}

#[test]
fn a_batch_that_waits_for_one_of_before_is_not_given_up_for_it() {
    let mut lobby = lobby();
    lobby.ask(NOON, 1, join(1));
    let (first, _) = sent(&mut lobby, NOON);
    let mut now = NOON.plus(Millis(100));
    lobby.ask(now, 2, join(2));
    let (second, _) = sent(&mut lobby, now);
    for _ in 0..6 {
        assert!(answered(&mut lobby, now, second, BatchAnswer::Expected(first.1)).is_empty());
        now = now.plus(Millis(200));
        assert_eq!(sent(&mut lobby, now).0, second);
    }
    // One that the parent waits for and that is not under way will never come.
    let mut told = Vec::new();
    for _ in 0..4 {
        now = now.plus(Millis(800));
        told = answered(&mut lobby, now, second, BatchAnswer::Expected(7));
        if told.is_empty() {
            now = now.plus(Millis(800));
            sent(&mut lobby, now);
        }
    }
    assert_eq!(told.len(), 2);
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
    assert_eq!(told(&lobby), Some(1), "with the newer an edge would go on with the list it has");
    assert!(lobby.bulletin().wants_list(NOON));
    lobby.bulletin().asks(NOON);
    assert!(!lobby.bulletin().wants_list(NOON.plus(Millis(900))), "once a second at most");
    assert!(lobby.bulletin().wants_list(NOON.plus(Millis(1_000))));
    let revocations = Some(Revocations { seq: 1, passes: vec![(3, 1)] });
    lobby.bulletin().take(NOON, BoardAnswer { board: board(2, 1), board_age_ms: 0, revocations });
    assert_eq!(told(&lobby), Some(2));
    assert!(!lobby.bulletin().wants_list(NOON.plus(Millis(1_000))));
    // Of an older board that comes late with a newer list, the newest that has its own is told.
    take_board(&mut lobby, NOON, board(4, 3));
    let revocations = Some(Revocations { seq: 2, passes: vec![(3, 1), (4, 1)] });
    lobby.bulletin().take(NOON, BoardAnswer { board: board(3, 2), board_age_ms: 0, revocations });
    assert_eq!(told(&lobby), Some(3));
    assert!(matches!(lobby.ask(NOON, 2, Wish::Board), Taken::Answered(Outcome::Board)));
}

#[test]
fn a_clock_that_jumps_back_an_hour_keeps_nobody_waiting_for_one() {
    let mut lobby = lobby();
    lobby.ask(NOON, 1, join(1));
    let (call, bytes) = sent(&mut lobby, NOON);
    failed(&mut lobby, NOON, call);
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

#[test]
fn who_got_nothing_is_not_counted_among_their_neighbours() {
    let mut lobby = lobby();
    let ask = |holder: u8| Ask {
        neighbourhood: Some(Neighbourhood { prefix: [1; 4], joins_per_minute: 2 }),
        ..join(holder).into()
    };
    // Both of a house ask again and again while too many ask.
    for turn in 0..5 {
        let now = NOON.plus(Millis(turn * 2_000));
        for holder in [1, 2] {
            assert!(matches!(lobby.ask(now, turn, ask(holder)), Taken::Gathered), "{turn}");
        }
        let (call, _) = sent(&mut lobby, now);
        assert_eq!(answered(&mut lobby, now, call, BatchAnswer::Overloaded).len(), 2);
    }
    // And while it has too much to do itself.
    let mut lobby = crate::lobby();
    (0..8_000).for_each(|rank| {
        lobby.ask(NOON, rank, Wish::Claim { epoch: 0, rank });
    });
    for _ in 0..5 {
        assert!(matches!(lobby.ask(NOON, 1, ask(1)), Taken::Answered(Outcome::Overloaded)));
    }
    while let Next::Send { call, .. } = lobby.next(NOON) {
        answered(&mut lobby, NOON, call, BatchAnswer::Done(Reply::default()));
    }
    let outcomes = [1, 2, 3].map(|holder| lobby.ask(NOON, 1, ask(holder)));
    assert!(
        matches!(outcomes, [Taken::Gathered, Taken::Gathered, Taken::Answered(Outcome::Crowded)]),
        "{outcomes:?}"
    );
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
    answered(&mut lobby, NOON, call, done.clone());
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
    answered(&mut lobby, NOON, call, BatchAnswer::Refused);
    let (_, bytes) = sent(&mut lobby, NOON.plus(Millis(100)));
    let items = decode_batch(&bytes).unwrap().items;
    assert_eq!((items.joins.len(), items.health), (1, Health::default()), "else it might count twice");
}

#[test]
fn an_edge_is_told_of_a_board_that_is_hardly_newer_only_if_that_matters() {
    let mut lobby = lobby();
    let board = Board { version: 1, sequence: 5, at_ms: 10_000, max_age_ms: 1_000, ..Board::default() };
    take_board(&mut lobby, NOON, board);
    let held = |at_ms, max_age_ms| Ask {
        board_sequence: 4,
        board_at_ms: at_ms,
        board_max_age_ms: max_age_ms,
        ..NOTHING
    };
    let left = |ask: &Ask| lobby.answer(NOON, Outcome::Left, ask).board.is_some();
    assert!(!left(&held(9_501, 1_000)), "half a second newer is hardly newer");
    assert!(left(&held(9_500, 1_000)));
    assert!(left(&held(9_501, 1_001)), "what it has may be used for longer");
    assert!(left(&held(9_501, 0)), "one of before does not say");
    for outcome in [Outcome::Board, Outcome::Busy, Outcome::Waiting, Outcome::Next { retry_ms: 1 }] {
        assert!(lobby.answer(NOON, outcome, &held(9_501, 1_000)).board.is_some(), "it was promised more");
    }
    let newest = Ask { board_sequence: 5, board_at_ms: 10_000, ..NOTHING };
    assert!(lobby.answer(NOON, Outcome::Board, &newest).board.is_none());
}

#[test]
fn what_is_told_of_the_origin_says_nothing_of_what_an_isolate_has_heard() {
    let (mut lobby, mut calls) = (lobby(), Calls::default());
    take_board(&mut lobby, NOON, Board { version: 1, sequence: 5, at_ms: 10_000, ..Board::default() });
    let health = Ask { wish: seen(8, 0), ..NOTHING };
    let asks = Ask { board_sequence: 5, board_at_ms: 10_000, board_max_age_ms: 1, ..NOTHING };
    let lines = [to_text(&health), to_text(&asks)].join("\n");
    let reply = calls.take(&mut lobby, NOON, 1, &lines).unwrap();
    let first: Answer = from_text(reply.lines().next().unwrap().as_bytes()).unwrap();
    assert_eq!(first.board, None, "it has this board");
}
