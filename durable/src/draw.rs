//! The draw: in which order those stand who came before an event opened. Rule 9; `docs/draw.md` tells
//! the same to strangers, and `tools/verify_draw.py` computes it without this code.
//!
//! Everybody who came before the start has a rank, from `first` on, `count` of them. A rank's *place* is `first` + the
//! image of (rank - `first`) under a permutation of `0..count` that a key names. All of it is fixed to the byte, numbers
//! in big-endian order, `‖` meaning *followed by*:
//!
//! 1. **Commitment**, on the board while the event is one of the next two that draw: SHA-256(seed), the seed being 32 random bytes.
//! 2. **Hash of the joins**: H₀ is 32 zero bytes; Hᵢ₊₁ = SHA-256(Hᵢ ‖ holder id of rank `first` + i, 16 bytes). With
//!    it nobody knows the key before the last of them has joined, not even who knows the seed.
//! 3. **Key**: SHA-256(seed ‖ H ‖ `first` in 8 bytes ‖ `count` in 8 bytes).
//! 4. **Domain**: k is the smallest number from 1 on with 4^k ≥ `count`. A number below 4^k is two halves of k bits:
//!    x = left · 2^k + right.
//! 5. **Round** r, of 0 to 11: (left, right) becomes (right, left xor F(r, right)), where F(r, y) is the first 8 bytes of
//!    SHA-256(key ‖ r in 1 byte ‖ y in 8 bytes) as a number, of which the low k bits count.
//! 6. **Walk**: while the outcome is not below `count`, the twelve rounds again, on the outcome.
//!
//! Twelve rounds are no ornament: were F ideal, no order of four people would be more or less likely than another by more
//! than 1 in 1024, and none of three by more than 1 in 4096; each round less doubles that.
//!
//! This file does not decide who is drawn, when the seed is told, or what a place is worth.

use sha2::{Digest as _, Sha256};

use crate::token::Holder;
use crate::units::{Place, Rank};

const ROUNDS: u8 = 12;

/// F, or what is known of it.
type Mixed<'a> = &'a mut dyn FnMut(u8, u64) -> u64;

/// With longer halves there are more of them than are worth a table: of this length they take 800 kB.
const KNOWN_BITS_MAX: u32 = 14;
const UNKNOWN: u32 = u32::MAX;

/// The hash of the joins before the first of them.
pub const NOBODY: [u8; 32] = [0; 32];

/// What is told of a finished draw: all that it takes to recompute it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The first rank that is drawn.
    pub first: Rank,
    /// How many are.
    pub count: u64,
    /// The secret that the board was committed to.
    pub seed: [u8; 32],
    /// The hash of the joins, by [`mix`] from [`NOBODY`].
    pub hash: [u8; 32],
}

impl Draw {
    /// The permutation, its key computed: for more than one question.
    pub fn permutation(&self) -> Permutation {
        let hasher = Sha256::new().chain_update(self.seed).chain_update(self.hash);
        let hasher = hasher.chain_update(self.first.0.to_be_bytes()).chain_update(self.count.to_be_bytes());
        let bits = u64::BITS - self.count.saturating_sub(1).leading_zeros();
        Permutation {
            first: self.first,
            count: self.count,
            half_bits: bits.div_ceil(2).max(1),
            key: hasher.finalize().into(),
        }
    }

    /// The place of a rank; none if it is not among the drawn.
    pub fn place_of(&self, rank: Rank) -> Option<Place> {
        self.permutation().place_of(rank)
    }

    /// The rank that has a place; none if it is not among the drawn.
    pub fn rank_of(&self, place: Place) -> Option<Rank> {
        self.permutation().rank_of(place)
    }
}

/// A draw made ready. Both ways take twelve hashes, and again as many for each step of the walk: fewer than four on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permutation {
    first: Rank,
    count: u64,
    half_bits: u32,
    key: [u8; 32],
}

impl Permutation {
    /// The place of a rank; none if it is not among the drawn.
    pub fn place_of(&self, rank: Rank) -> Option<Place> {
        let image = self
            .walk(self.offset(rank.0)?, Permutation::forwards, &mut |round, half| self.mixed(round, half));
        self.first.0.checked_add(image).map(Place)
    }

    /// The rank that has a place; none if it is not among the drawn.
    pub fn rank_of(&self, place: Place) -> Option<Rank> {
        let origin = self
            .walk(self.offset(place.0)?, Permutation::backwards, &mut |round, half| self.mixed(round, half));
        self.first.0.checked_add(origin).map(Rank)
    }

    /// The ranks of all places, in their order. Of a million there are a thousand halves: each is hashed once in a round, not for every place.
    pub fn ranks(&self) -> impl Iterator<Item = Rank> {
        let halves = if self.half_bits > KNOWN_BITS_MAX { 0 } else { usize::from(ROUNDS) << self.half_bits };
        let mut known = vec![UNKNOWN; halves];
        (0..self.count).map(move |image| {
            let origin = self.walk(image, Permutation::backwards, &mut |round, half| {
                let Some(known) = known.get_mut(usize::from(round) << self.half_bits | half as usize) else {
                    return self.mixed(round, half);
                };
                if *known == UNKNOWN {
                    *known = self.mixed(round, half) as u32;
                }
                u64::from(*known)
            });
            Rank(self.first.0.saturating_add(origin))
        })
    }

    /// Ranks and places that are drawn are the same numbers.
    fn offset(&self, number: u64) -> Option<u64> {
        number.checked_sub(self.first.0).filter(|offset| *offset < self.count)
    }

    /// Ends: from a number below `count` a permutation leads back to one, to this one at the latest.
    fn walk(&self, from: u64, step: fn(&Permutation, u64, Mixed<'_>) -> u64, mixed: Mixed<'_>) -> u64 {
        let mut at = step(self, from, mixed);
        while at >= self.count {
            at = step(self, at, mixed);
        }
        at
    }

    fn forwards(&self, at: u64, mixed: Mixed<'_>) -> u64 {
        let (mut left, mut right) = (at >> self.half_bits, at & self.mask());
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ mixed(round, right));
        }
        left << self.half_bits | right
    }

    fn backwards(&self, at: u64, mixed: Mixed<'_>) -> u64 {
        let (mut left, mut right) = (at >> self.half_bits, at & self.mask());
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ mixed(round, left), left);
        }
        left << self.half_bits | right
    }

    /// F of the module's words.
    fn mixed(&self, round: u8, half: u64) -> u64 {
        let hasher = Sha256::new().chain_update(self.key).chain_update([round]);
        let digest: [u8; 32] = hasher.chain_update(half.to_be_bytes()).finalize().into();
        digest.first_chunk().map_or(0, |head| u64::from_be_bytes(*head)) & self.mask()
    }

    /// At most 32 bits.
    fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }
}

/// What is published before the draw, and binds whoever runs it to this seed.
pub fn commitment(seed: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(seed).into()
}

/// The hash of the joins with one more.
#[must_use]
pub fn mix(hash: [u8; 32], holder: &Holder) -> [u8; 32] {
    Sha256::new().chain_update(hash).chain_update(holder.0).finalize().into()
}
