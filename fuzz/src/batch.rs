//! Batches and the answers to them: what is read is written and read the same, and never more than the bytes can hold. A room
//! that is asked answers each wish, gives no seat twice, and answers the same when it is asked again.

use std::collections::HashSet;
use std::sync::OnceLock;

use durable::batch::{Batch, BatchAnswer, ClaimOutcome, ITEMS_MAX, Reply, decode_batch, encode_batch};
use durable::room::{Input, Output, Room};
use durable::units::{Millis, Seat};

use crate::{Outcome, seeds};

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
    more.enters = (more.enters + 1) % 4096;
    assert_ne!(decode_batch(&encode_batch(&next, &more)).map(|next| next.digest), Ok(again.digest));
    assert!(
        bytes.iter().enumerate().all(|(length, _)| decode_batch(&bytes[..length]).is_err()),
        "a batch that is cut"
    );
    asked(again);
    Outcome::Believed
}

fn asked(batch: Batch) {
    let mut room = Room::load(&[], &rows()).expect("rows that a room wrote");
    let now = seeds::NOON.plus(Millis(10_000));
    let mut ask = |batch: &Batch| {
        let step = room.step(now, [7; 32], vec![Input::Batch(batch.clone())]).expect("a step");
        let [Output::Batch(answer)] = step.outputs.as_slice() else {
            panic!("one answer: {:?}", step.outputs)
        };
        answer.clone()
    };
    let answer = ask(&batch);
    if let BatchAnswer::Done(reply) = &answer {
        assert_eq!(
            (reply.claims.len(), reply.renewals.len()),
            (batch.items.claims.len(), batch.items.renewals.len())
        );
        assert!(reply.entered.len() <= batch.items.enters as usize);
        let given = reply.claims.iter().filter_map(|claim| match claim {
            ClaimOutcome::Granted(grant) => Some(grant),
            _ => None,
        });
        let seats: HashSet<Seat> = given.chain(&reply.entered).map(|grant| grant.seat).collect();
        assert!(seats.len() <= seeds::SEATS, "the same claim twice is one seat");
        // Whoever holds two tickets is two people, but nobody enters by another's seat.
        let entered: HashSet<Seat> = reply.entered.iter().map(|grant| grant.seat).collect();
        assert_eq!(entered.len(), reply.entered.len());
    }
    assert_eq!(ask(&batch), answer, "and again");
    let status = room.status(now);
    assert!(status.inside <= seeds::SEATS as u64);
}

/// What the room of the seeds had written when all its seats were taken and people waited: made once.
fn rows() -> Vec<(u64, Vec<u8>)> {
    static ROWS: OnceLock<Vec<(u64, Vec<u8>)>> = OnceLock::new();
    ROWS.get_or_init(|| (1..).zip(seeds::rows().into_iter().take(5)).collect()).clone()
}

fn reply(data: &[u8]) -> Outcome {
    let Ok(reply) = Reply::decode(data) else {
        return Outcome::Refused;
    };
    assert!(reply.claims.len() + reply.renewals.len() + reply.entered.len() <= data.len());
    let bytes = reply.encode();
    assert_eq!(Reply::decode(&bytes).as_ref(), Ok(&reply));
    assert!(
        bytes.iter().enumerate().all(|(length, _)| Reply::decode(&bytes[..length]).is_err()),
        "a reply that is cut"
    );
    Outcome::Believed
}

fn answer(data: &[u8]) -> Outcome {
    let Ok((answer, board)) = BatchAnswer::decode(data) else {
        return Outcome::Refused;
    };
    let bytes = answer.encode(board);
    assert_eq!(BatchAnswer::decode(&bytes), Ok((answer, board)));
    Outcome::Believed
}
