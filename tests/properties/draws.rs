//! Draws: whoever has a place has it alone, several draws and gaps between them included, and nobody else is moved.

use std::collections::BTreeSet;

use durable::board::{Board, BoardDraw, Digest};
use durable::codec::{Reader, Writer};
use durable::draw::Draw;
use durable::draws::{DONE_MAX, Done, Draws, Occasion};
use durable::units::{Millis, Place, Rank};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::config;

/// How many stay in order before each, and how many are drawn.
fn held() -> impl Strategy<Value = Vec<Draw>> {
    let size = prop_oneof![0..5u64, 15..18u64, 0..40u64];
    vec((0..9u64, size, any::<[u8; 32]>(), any::<[u8; 32]>()), 0..=DONE_MAX).prop_map(|draws| {
        let mut end = 0;
        let next = |(gap, count, seed, hash)| {
            let first = Rank(end + gap);
            end = first.0 + count;
            Draw { first, count, seed, hash }
        };
        draws.into_iter().map(next).collect()
    })
}

fn finished(held: &[Draw]) -> Draws {
    let mut draws = Draws::default();
    for (index, draw) in (0..).zip(held) {
        draws.finish(Done::new(Occasion { event: [index; 16], start: Millis(u64::from(index)) }, *draw));
    }
    draws
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 4, ..config() })]

    #[test]
    fn ranks_and_places_are_each_others_and_the_drawn_stay_among_themselves(held in held()) {
        let draws = finished(&held);
        let end = held.last().map_or(0, |draw| draw.first.0 + draw.count) + 9;
        let places: Vec<u64> = (0..end).map(|rank| draws.place_of(Rank(rank)).0).collect();
        prop_assert_eq!(places.iter().copied().collect::<BTreeSet<u64>>(), (0..end).collect());
        for (rank, place) in (0..).zip(&places) {
            prop_assert_eq!(draws.rank_of(Place(*place)), Rank(rank));
            let drawn = held.iter().map(|draw| draw.first.0..draw.first.0 + draw.count);
            match drawn.into_iter().find(|range| range.contains(&rank)) {
                Some(range) => prop_assert!(range.contains(place)),
                None => prop_assert_eq!(rank, *place),
            }
        }
        for place in 0..end {
            let first = draws.first_rank_from(Place(place));
            let lowest = (0..).zip(&places).find(|(_, other)| **other >= place).map(|(rank, _)| rank);
            prop_assert!(lowest.is_none_or(|lowest| lowest >= first.0) && first.0 <= place);
        }
    }

    #[test]
    fn edges_and_a_room_that_is_read_again_tell_the_same_places(held in held(), gathers in 0..150u64) {
        let draws = finished(&held);
        let told = |draw: &Draw| BoardDraw {
            start_ms: 0, first: draw.first.0, count: draw.count, seed: Digest(draw.seed), hash: Digest(draw.hash),
        };
        let board = Board { draws: held.iter().map(told).collect(), gathers_from: Some(gathers), ..Board::default() };
        let mut out = Writer::new();
        draws.encode(&mut out);
        let bytes = out.into_bytes();
        let mut reader = Reader::new(&bytes);
        let again = Draws::decode(&mut reader);
        prop_assert_eq!(reader.end(), Ok(()));
        for rank in 0..150 {
            let place = draws.place_of(Rank(rank));
            prop_assert_eq!(again.place_of(Rank(rank)), place);
            prop_assert_eq!(board.place_of(Rank(rank)), (rank < gathers).then_some(place));
        }
    }
}
