//! A draw, by the words of `docs/draw.md` and without the code that draws: a table of all images, made one by one.

use durable::draw::Draw;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of these, one behind the other.
pub(super) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// The ranks that were drawn, in the order of their places.
pub(super) fn ranks_by_place(draw: &Draw) -> Vec<u64> {
    let Draw { first, count, seed, hash } = draw;
    let key = digest(&[seed, hash, &first.0.to_be_bytes(), &count.to_be_bytes()]);
    let half = (1..32).find(|half| 1_u64 << (2 * half) >= *count).unwrap_or(31);
    let image = |number: u64| {
        let (mut left, mut right) = (number >> half, number % (1 << half));
        for round in 0..12_u8 {
            let mixed = digest(&[&key, &[round], &right.to_be_bytes()]);
            let head = mixed.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
            (left, right) = (right, left ^ (head % (1 << half)));
        }
        (left << half) + right
    };
    let mut ranks = vec![0; *count as usize];
    for offset in 0..*count {
        let mut at = image(offset);
        while at >= *count {
            at = image(at);
        }
        ranks[at as usize] = first.0 + offset;
    }
    ranks
}
