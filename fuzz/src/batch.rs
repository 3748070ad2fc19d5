//! Batches and the answers to them: what is read is written and read the same, and never more than the bytes can hold.

use durable::batch::{BatchAnswer, ITEMS_MAX, Reply, decode_batch, encode_batch};

use crate::Outcome;

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
    Outcome::Believed
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
