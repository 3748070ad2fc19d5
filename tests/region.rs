//! A region between leaves and a real Room: how it puts batches together, and what each leaf is told.

mod lobbies;

use durable::batch::{BatchAnswer, BatchName, Items, Reply, decode_batch, encode_batch};
use durable::board::{Board, Revocations};
use durable::courier::Next;
use durable::health::Health;
use durable::leaf::Taken;
use durable::lobby::{About, Due, LEAVES, Lobby, Said, Wanted};
use durable::protocol::{BoardAnswer, Outcome, Wish};
use durable::region::Region;
use durable::token::Holder;
use durable::units::{Millis, Rank};
use durable::wire::{from_text, to_text};

use lobbies::*;

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
    let (one_call, bytes) = sent(&mut one, NOON);
    // First contacts travel by themselves.
    let ((enters_call, enters), (other_call, more)) = (sent(&mut other, NOON), sent(&mut other, NOON));
    for (caller, bytes) in [(10, &bytes), (21, &enters), (20, &more)] {
        assert_eq!(region.take(NOON, caller, bytes), Ok(None));
    }
    let then = NOON.plus(Millis(50));
    assert_eq!(region.next(NOON), Next::Wait(then));
    let first_answer = answer(&mut room, NOON, &first_bytes);
    let told = up_answered(&mut region, NOON, first, first_answer);
    assert_eq!(told.iter().map(|(caller, _)| *caller).collect::<Vec<_>>(), [30]);
    assert_eq!(rank(&hears(&mut third, NOON, third_call, &told[0].1)[0].1), Rank(0));

    let told = up_and_back(&mut region, &mut room, then);
    assert_eq!(told.iter().map(|(caller, _)| *caller).collect::<Vec<_>>(), [10, 21, 20]);
    let heard = hears(&mut one, then, one_call, &told[0].1);
    assert_eq!((rank(&heard[0].1), rank(&heard[1].1), &heard[2].1), (Rank(1), Rank(2), &Outcome::Waiting));
    assert_eq!(hears(&mut other, then, enters_call, &told[1].1), [(5, Outcome::Busy)]);
    let heard = hears(&mut other, then, other_call, &told[2].1);
    assert_eq!((rank(&heard[0].1), &heard[1].1), (Rank(3), &Outcome::Void));
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
    let told = up_answered(&mut region, NOON, up, reply);
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
        let told = up_answered(&mut region, NOON, up, answered);
        assert_eq!(hears(&mut leaf, NOON, call, &told[0].1), [(1, outcome)]);
        // It is not asked again: the leaf has begun anew, and so has the region.
        leaf.ask(NOON, 2, join(2));
        let ((incarnation, number), _) = sent(&mut leaf, NOON.plus(Millis(100)));
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
    let (call, bytes) = sent(&mut leaf, NOON.plus(Millis(100)));
    assert_eq!(call, (FRESH, 0));
    region.take(NOON, 3, &bytes).unwrap();
    let told = up_and_back(&mut region, &mut room, NOON);
    assert_eq!(rank(&hears(&mut leaf, NOON, call, &told[0].1)[0].1), Rank(1));
    // Who is remembered by the leaf has the place they had.
    let Taken::Answered(again) = leaf.ask(NOON, 4, join(1)) else { panic!("asked the Room again") };
    assert_eq!(rank(&again), Rank(0));
}

/// A batch of a leaf of a memory of its own.
fn batch(leaf: u32, items: &Items) -> Vec<u8> {
    let mut incarnation = [0; 16];
    incarnation[..4].copy_from_slice(&leaf.to_be_bytes());
    encode_batch(&BatchName { lobby: format!("room/weur/{}", leaf % LEAVES), incarnation, number: 0 }, items)
}

#[test]
fn what_a_batch_asks_has_its_bound_and_joins_have_another() {
    let mut region = region();
    let of_each = Items { enters: 500, joins: vec![Holder([1; 16]); 1_000], ..Items::default() };
    for leaf in 0..LEAVES {
        assert_eq!(region.take(NOON, leaf, &batch(leaf, &of_each)), Ok(None));
    }
    let (mut now, mut sizes) = (NOON, Vec::new());
    while let Next::Send { bytes, .. } = region.next(now) {
        let items = decode_batch(&bytes).unwrap().items;
        sizes.push((items.enters, items.joins.len()));
        now = now.plus(Millis(50));
    }
    assert_eq!(sizes, [(1_000, 2_000); 8]);
}

#[test]
fn a_region_that_cannot_send_on_what_it_has_takes_no_more() {
    let mut region = region();
    let one = Items { enters: 1, ..Items::default() };
    // The Room is silent.
    let mut now = NOON;
    for leaf in 0..8 {
        assert_eq!(region.take(now, leaf, &batch(leaf, &one)), Ok(None));
        assert!(matches!(region.next(now), Next::Send { .. }));
        now = now.plus(Millis(50));
    }
    let overloaded = Said::Bytes(BatchAnswer::Overloaded.encode(&[], Millis(0)));
    let refused =
        (8..1_000).find(|leaf| region.take(now, *leaf, &batch(*leaf, &one)) == Ok(Some(overloaded.clone())));
    assert_eq!(refused, Some(8 + 16 * LEAVES));
}

#[test]
fn a_board_is_as_old_at_a_leaf_as_it_is_whoever_kept_it() {
    let (mut region, mut room, mut leaf) = (region(), room(), leaf(1));
    assert_eq!(region.board(NOON, 1), None);
    assert!(region.want_board());
    let answer =
        BoardAnswer { board: room.board(NOON), board_age_ms: 0, revocations: Some(room.revocations()) };
    let told = region.hear_board(NOON, Ok(answer));
    assert_eq!((told.len(), told[0].0, region.want_board()), (1, 1, false));
    let then = NOON.plus(Millis(900));
    let Some(Said::Text(text)) = region.board(then, 2) else { panic!("asked the Room again") };
    leaf.bulletin().take(then, from_text(text.as_bytes()).unwrap());
    assert_eq!(leaf.answer(then, Outcome::Board, &NOTHING).board_age_ms, 900);
    assert!(matches!(leaf.ask(NOON.plus(Millis(999)), 1, Wish::Board), Taken::Answered(Outcome::Board)));
    assert!(matches!(leaf.ask(NOON.plus(Millis(1_000)), 2, Wish::Board), Taken::BoardWanted));
    assert_eq!(region.board(NOON.plus(Millis(1_000)), 3), None, "and the region has none to give out either");
}

#[test]
fn whoever_waits_for_a_board_hears_why_there_is_none() {
    let name = format!("{}/weur", "1".repeat(32));
    for (said, outcome) in [(Said::Overloaded, "overloaded"), (Said::Failed, "unreachable")] {
        let mut region = Lobby::new(&name, keys(), [1; 16]).unwrap();
        let mut leaf = Lobby::new(&format!("{name}/1"), keys(), [1; 16]).unwrap();
        let wish = to_text(&NOTHING);
        assert_eq!(leaf.ask(NOON, 1, Wanted::Wishes(&wish)), None);
        assert_eq!(calls(&mut leaf, NOON), [About::Board]);
        assert_eq!(region.ask(NOON, 2, Wanted::Board), None);
        assert_eq!(calls(&mut region, NOON), [About::Board]);
        let told = region.heard(NOON, About::Board, &said, FRESH);
        let [(2, said)] = told.as_slice() else { panic!("{told:?}") };
        let told = leaf.heard(NOON, About::Board, said, FRESH);
        let [(1, Said::Text(text))] = told.as_slice() else { panic!("{told:?}") };
        assert!(text.contains(outcome), "{text}");
    }
}

#[test]
fn a_region_adds_up_what_its_leaves_heard_and_answers_them_at_once() {
    let mut region = Region::new("room/weur".into(), [2; 16]);
    for leaf in 0..LEAVES {
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
    assert_eq!(
        heard(region.next(NOON)),
        Some(Health { sampled: 10 * LEAVES, errors: LEAVES, slow: 2 * LEAVES }),
        "each once"
    );
    assert_eq!(region.next(NOON), Next::Rest);
}

/// A lobby's calls until it has nothing to do at this moment.
fn calls(lobby: &mut Lobby, now: Millis) -> Vec<About> {
    let mut calls = Vec::new();
    loop {
        match lobby.due(now) {
            Due::Call(about, _) => calls.push(about),
            _ => return calls,
        }
    }
}

fn board_answer(sequence: u64, revoked_seq: u64) -> BoardAnswer {
    let board = Board { version: 1, sequence, revoked_seq, ..Board::default() };
    let passes = (0..revoked_seq as u32).map(|seat| (seat, 1)).collect();
    BoardAnswer { board, board_age_ms: 0, revocations: Some(Revocations { seq: revoked_seq, passes }) }
}

#[test]
fn a_parent_that_has_no_board_is_left_alone_and_so_is_one_with_too_much_to_do() {
    let mut lobby = Lobby::new(&format!("{}/weur", "1".repeat(32)), keys(), [1; 16]).unwrap();
    let mut asked = Vec::new();
    for at in 0..3_000 {
        let now = NOON.plus(Millis(at));
        assert_eq!(lobby.ask(now, at as u32, Wanted::Board), None);
        if at % 2 == 0 {
            lobby.ask(
                now,
                10_000 + at as u32,
                Wanted::Batch(&batch(at as u32, &Items { enters: 1, ..Items::default() })),
            );
        }
        for about in calls(&mut lobby, now) {
            asked.push(at);
            let told = lobby.heard(now, about, &Said::Overloaded, FRESH);
            assert!(!told.is_empty(), "whoever waits is told");
        }
    }
    assert!((4..=40).contains(&asked.len()), "{asked:?}");
}

#[test]
fn what_a_memory_that_is_over_hears_late_costs_the_next_one_nothing() {
    let mut lobby = Lobby::new(&format!("{}/weur", "1".repeat(32)), keys(), [1; 16]).unwrap();
    let ask = |lobby: &mut Lobby, at: u64| {
        let now = NOON.plus(Millis(at));
        lobby.ask(now, at as u32, Wanted::Batch(&batch(at as u32, &Items { enters: 1, ..Items::default() })));
        calls(lobby, now)
    };
    let mut late: Vec<_> = (0..300).flat_map(|at| ask(&mut lobby, at)).collect();
    late.retain(|about| matches!(about, About::Batch(_)));
    let first = late.remove(0);
    assert!(late.len() >= 2, "several are in flight");
    assert!(!lobby.heard(NOON.plus(Millis(300)), first, &Said::Overloaded, FRESH).is_empty());
    // The pause is over, and the next memory's first batch is on its way.
    let now = NOON.plus(Millis(800));
    let next = ask(&mut lobby, 800).into_iter().find(|about| matches!(about, About::Batch(_))).unwrap();
    for (about, said) in late.into_iter().zip([Said::Overloaded, Said::Unknown].into_iter().cycle()) {
        assert_eq!(lobby.heard(now, about, &said, [9; 16]), []);
    }
    assert!(matches!(next, About::Batch((FRESH, 0))));
    let reply = BatchAnswer::Done(Reply::default()).encode(&[], Millis(0));
    assert!(!lobby.heard(now, next, &Said::Bytes(reply), FRESH).is_empty(), "whoever waits for it hears");
}

#[test]
fn a_list_that_is_not_here_is_asked_for_once_a_second_by_a_region_that_is_asked_for_no_board() {
    let mut lobby = Lobby::new(&format!("{}/weur", "1".repeat(32)), keys(), [1; 16]).unwrap();
    let one = |leaf| batch(leaf, &Items { enters: 1, ..Items::default() });
    let mut asked = Vec::new();
    for at in 0..40 {
        let now = NOON.plus(Millis(at * 100));
        lobby.ask(now, at as u32, Wanted::Batch(&one(at as u32)));
        for about in calls(&mut lobby, now) {
            // Somebody leaves all the time, and batches bring boards alone.
            let BoardAnswer { board, .. } = board_answer(at + 1, at + 1);
            let said = match about {
                About::Board => {
                    asked.push(at);
                    Said::Text(to_text(&board_answer(at + 1, at + 1)))
                }
                About::Batch(_) => Said::Bytes(
                    BatchAnswer::Done(Reply::default()).encode(to_text(&board).as_bytes(), Millis(0)),
                ),
            };
            lobby.heard(now, about, &said, FRESH);
        }
    }
    assert_eq!(asked, [1, 11, 21, 31]);
    // And what it has, it gives out.
    let Some(Said::Text(text)) = lobby.ask(NOON.plus(Millis(3_990)), 99, Wanted::Board) else {
        panic!("none")
    };
    let told: BoardAnswer = from_text(text.as_bytes()).unwrap();
    assert_eq!((told.board.sequence, told.revocations.unwrap().seq), (32, 32));
}
