//! Batches and the answers to them: what is read is written and read the same, and never more than the bytes can hold. A room
//! that is asked answers each wish as its board said, gives no seat twice, and answers the same when it is asked again. The incarnation
//! chooses the room: one with a line, a draw, rounds, or where everybody passes.

use std::collections::HashSet;

use durable::batch::{Batch, BatchAnswer, ClaimOutcome, ITEMS_MAX, Items, Reply, decode_batch, encode_batch};
use durable::board::{Board, Phase};
use durable::room::{Input, Output, Room};
use durable::units::Seat;
use durable::wire::to_text;

use crate::board::BOARD_BYTES_MAX;
use crate::{Outcome, life};

/// See the module's words.
pub fn check(data: &[u8]) -> Outcome {
    batch(data).or(reply(data)).or(answer(data))
}

fn batch(data: &[u8]) -> Outcome {
    let Ok(batch) = decode_batch(data) else {
        return Outcome::Refused;
    };
    let items = &batch.items;
    let counts = [
        items.pass_leaves.len(),
        items.ticket_leaves.len(),
        items.renewals.len(),
        items.claims.len(),
        items.joins.len(),
        items.enters as usize,
        items.leases as usize,
        items.lease_returns.len(),
    ];
    assert!(counts.into_iter().all(|count| count <= ITEMS_MAX));
    assert!(batch.name.lobby.len() <= 64);
    let bytes = encode_batch(&batch.name, items);
    let again = decode_batch(&bytes).expect("what we wrote");
    assert_eq!((&again.name, &again.items), (&batch.name, items));
    // The digest is of the content alone: of the same bytes the same, of another number too.
    assert!(bytes != data || again.digest == batch.digest);
    let mut next = batch.name.clone();
    next.number = next.number.wrapping_add(1);
    assert_eq!(decode_batch(&encode_batch(&next, items)).map(|next| next.digest), Ok(again.digest));
    let mut more = items.clone();
    more.enters = (more.enters + 1) % ITEMS_MAX as u32;
    assert_ne!(decode_batch(&encode_batch(&next, &more)).map(|next| next.digest), Ok(again.digest));
    assert!(
        bytes.iter().enumerate().all(|(length, _)| decode_batch(&bytes[..length]).is_err()),
        "a batch that is cut"
    );
    asked(again);
    Outcome::Believed
}

fn asked(batch: Batch) {
    let rooms = life::moments();
    let which = usize::from(batch.name.incarnation[0]) % rooms.len();
    let (rows, now) = &rooms[which];
    let mut room = Room::load(&[], rows).expect("rows that a room wrote");
    // Whatever the clock brings it has brought by then.
    room.step(*now, [6; 32], vec![]).expect("a step");
    let before = room.board(*now);
    let mut ask = |batch: &Batch| {
        let step = room.step(*now, [7; 32], vec![Input::Batch(batch.clone())]).expect("a step");
        let [Output::Batch(answer)] = step.outputs.as_slice() else {
            panic!("one answer: {:?}", step.outputs)
        };
        answer.clone()
    };
    let answer = ask(&batch);
    let is_counting = before.phase == Phase::Passthrough;
    if let BatchAnswer::Done(reply) = &answer {
        assert_answered(&batch.items, reply, &before);
        assert!(is_counting || seats(reply).len() <= life::SEATS, "the same claim twice is one seat");
    }
    assert_eq!(ask(&batch), answer, "and again");
    assert!(is_counting || room.status(*now).inside <= life::SEATS as u64);
    assert!(to_text(&room.board(*now)).len() <= BOARD_BYTES_MAX);
}

/// Each wish has its answer, and whoever was called by the board of before is not told to wait.
fn assert_answered(items: &Items, reply: &Reply, before: &Board) {
    assert_eq!((reply.claims.len(), reply.renewals.len()), (items.claims.len(), items.renewals.len()));
    assert!(reply.entered.len() <= items.enters as usize && reply.leased.len() <= items.leases as usize);
    // Whoever holds two tickets is two people, but nobody enters by another's seat.
    let given = || reply.entered.iter().chain(&reply.leased).map(|grant| grant.seat);
    assert_eq!(given().collect::<HashSet<Seat>>().len(), given().count());
    // One that comes again is answered as it was then.
    let is_new = reply.joined_at.0 == before.at_ms;
    for (ticket, told) in items.claims.iter().zip(&reply.claims).filter(|_| is_new) {
        match told {
            ClaimOutcome::Waiting => assert!(!before.has_called(ticket.rank)),
            ClaimOutcome::Granted(_) | ClaimOutcome::Next { .. } => assert!(before.has_called(ticket.rank)),
            ClaimOutcome::Used | ClaimOutcome::Void => {}
        }
    }
}

fn seats(reply: &Reply) -> HashSet<Seat> {
    let claimed = reply.claims.iter().filter_map(|claim| match claim {
        ClaimOutcome::Granted(grant) => Some(grant),
        _ => None,
    });
    claimed.chain(&reply.entered).chain(&reply.leased).map(|grant| grant.seat).collect()
}

fn reply(data: &[u8]) -> Outcome {
    let Ok(reply) = Reply::decode(data) else {
        return Outcome::Refused;
    };
    let counts = [reply.claims.len(), reply.renewals.len(), reply.entered.len(), reply.leased.len()];
    assert!(counts.into_iter().sum::<usize>() <= data.len());
    let bytes = reply.encode();
    assert_eq!(Reply::decode(&bytes).as_ref(), Ok(&reply));
    assert!(
        bytes.iter().enumerate().all(|(length, _)| Reply::decode(&bytes[..length]).is_err()),
        "a reply that is cut"
    );
    Outcome::Believed
}

fn answer(data: &[u8]) -> Outcome {
    let Ok((answer, board, age)) = BatchAnswer::decode(data) else {
        return Outcome::Refused;
    };
    let bytes = answer.encode(board, age);
    assert_eq!(BatchAnswer::decode(&bytes), Ok((answer, board, age)));
    Outcome::Believed
}
