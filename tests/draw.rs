//! The draw from outside: against the vectors that Python computed (`tests/draw/test_draw.py`), that nobody has another's
//! place, and that chance favours no place and no order.

use std::collections::HashMap;

use durable::codec::{from_hex, hex};
use durable::draw::{Draw, NOBODY, commitment, mix};
use durable::token::Holder;
use durable::units::{Place, Rank};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

struct Vector {
    draw: Draw,
    commitment: [u8; 32],
    /// Of the places in the order of ranks, up to the hundred thousandth.
    digest: String,
    places: Vec<(Rank, Place)>,
}

fn vectors() -> Vec<Vector> {
    let document: Value = serde_json::from_str(include_str!("draw/vectors.json")).unwrap();
    let bytes = |value: &Value| from_hex::<32>(value.as_str().unwrap()).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let vector = |value: &Value| Vector {
        draw: Draw {
            first: Rank(number(&value["first"])),
            count: number(&value["count"]),
            seed: bytes(&value["seed"]),
            hash: bytes(&value["hash"]),
        },
        commitment: bytes(&value["commitment"]),
        digest: value["digest"].as_str().unwrap().to_owned(),
        places: value["places"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (Rank(number(&pair[0])), Place(number(&pair[1]))))
            .collect(),
    };
    document["draws"].as_array().unwrap().iter().map(vector).collect()
}

/// The draw of `count` from rank 0 under each of so many keys, always the same ones.
fn draws(count: u64, keys: u64) -> impl Iterator<Item = Draw> {
    (0..keys).map(move |key| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&key.to_be_bytes());
        Draw { first: Rank(0), count, seed, hash: NOBODY }
    })
}

/// Pearson's statistic of counts that should all be the same.
fn chi_squared(counts: &[u64]) -> f64 {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

#[test]
fn every_vector_is_drawn_as_python_draws_it() {
    let counts: Vec<u64> = vectors().iter().map(|vector| vector.draw.count).collect();
    assert_eq!(counts, [0, 1, 2, 3, 4, 5, 16, 17, 1_000_000]);
    for Vector { draw, commitment: committed, places, .. } in vectors() {
        assert_eq!(commitment(&draw.seed), committed);
        for (rank, place) in places {
            assert_eq!(draw.place_of(rank), Some(place));
            assert_eq!(draw.rank_of(place), Some(rank));
        }
    }
}

#[test]
fn a_hundred_thousand_places_in_their_order_are_as_python_draws_them() {
    for Vector { draw, digest, .. } in vectors() {
        let permutation = draw.permutation();
        let mut hasher = Sha256::new();
        for rank in draw.first.0..draw.first.0 + draw.count.min(100_000) {
            hasher.update(permutation.place_of(Rank(rank)).unwrap().0.to_be_bytes());
        }
        assert_eq!(digest, hex(&hasher.finalize()));
    }
}

#[test]
fn the_hash_of_the_joins_is_as_python_computes_it() {
    for Vector { draw, .. } in vectors() {
        let holders = (0..draw.count).map(|number| Holder(u128::from(number).to_be_bytes()));
        assert_eq!(draw.hash, holders.fold(NOBODY, |hash, holder| mix(hash, &holder)));
    }
}

#[test]
fn nobody_has_anothers_place_and_the_way_back_leads_back() {
    for count in 0..=300 {
        let draw = Draw { first: Rank(1000), count, seed: [7; 32], hash: [8; 32] };
        let permutation = draw.permutation();
        let drawn = 1000..1000 + count;
        let mut places: Vec<u64> =
            drawn.clone().map(|rank| permutation.place_of(Rank(rank)).unwrap().0).collect();
        for (rank, place) in drawn.clone().zip(&places) {
            assert_eq!(permutation.rank_of(Place(*place)), Some(Rank(rank)));
        }
        places.sort_unstable();
        assert!(places.into_iter().eq(drawn), "{count}");
    }
}

#[test]
fn the_ranks_of_all_places_in_their_order_are_those_of_each() {
    // With a table of all halves, with the longest table there is, and without one.
    for (count, places) in [(0, 1), (1, 2), (300, 301), (70_000, 2_000), (1 << 28, 500), ((1 << 28) + 1, 500)]
    {
        let draw = Draw { first: Rank(1000), count, seed: [7; 32], hash: [8; 32] };
        let ranks: Vec<_> = draw.permutation().ranks().take(places).collect();
        let each = (1000..1000 + places as u64).filter_map(|place| draw.rank_of(Place(place)));
        assert!(ranks.into_iter().eq(each), "{count}");
    }
}

#[test]
fn who_was_not_drawn_has_no_place() {
    let draw = Draw { first: Rank(10), count: 5, seed: [1; 32], hash: NOBODY };
    for number in [0, 9, 15, u64::MAX] {
        assert_eq!((draw.place_of(Rank(number)), draw.rank_of(Place(number))), (None, None));
    }
}

#[test]
fn numbers_at_the_end_of_all_numbers_end_the_walk() {
    for (first, count) in [(0, u64::MAX), (u64::MAX, u64::MAX), (1 << 40, 1 << 62), (0, (1 << 62) + 1)] {
        let draw = Draw { first: Rank(first), count, seed: [1; 32], hash: NOBODY };
        if let Some(place) = draw.place_of(Rank(first)) {
            assert_eq!(draw.rank_of(place), Some(Rank(first)));
        }
    }
}

#[test]
fn each_part_of_a_draw_changes_it() {
    let draw = Draw { first: Rank(0), count: 1000, seed: [1; 32], hash: [2; 32] };
    let order = |draw: Draw, count| -> Vec<u64> {
        let permutation = draw.permutation();
        let ranks = (0..count).map(|offset| Rank(draw.first.0 + offset));
        ranks.map(|rank| permutation.place_of(rank).unwrap().0 - draw.first.0).collect()
    };
    let others = [
        Draw { first: Rank(1), ..draw },
        Draw { count: 1001, ..draw },
        Draw { seed: [3; 32], ..draw },
        Draw { hash: [3; 32], ..draw },
    ];
    for other in others {
        assert_ne!(order(draw, 1000), order(other, 1000));
    }
}

// The bounds below are the 0.999 quantiles of the χ² distribution, from the table of critical values in the NIST/SEMATECH
// e-Handbook of Statistical Methods, 1.3.6.7.4. The keys are always the same, so these tests pass always or never.

fn assert_no_order_is_favoured(people: u64, orders: usize, bound: f64) {
    let mut seen: HashMap<Vec<Place>, u64> = HashMap::new();
    for draw in draws(people, 100_000) {
        let permutation = draw.permutation();
        // The last has what is left.
        let order = (0..people - 1).filter_map(|rank| permutation.place_of(Rank(rank))).collect();
        *seen.entry(order).or_default() += 1;
    }
    assert_eq!(seen.len(), orders);
    let statistic = chi_squared(&seen.into_values().collect::<Vec<_>>());
    assert!(statistic < bound, "{statistic}");
}

#[test]
fn no_order_of_three_people_is_favoured() {
    assert_no_order_is_favoured(3, 6, 20.515);
}

#[test]
fn no_order_of_four_people_is_favoured() {
    assert_no_order_is_favoured(4, 24, 49.728);
}

#[test]
fn whoever_comes_first_or_last_may_get_any_place_of_a_thousand() {
    // A hundred classes of ten places each: 99 degrees of freedom.
    for rank in [0, 999] {
        let mut seen = [0; 100];
        for draw in draws(1000, 50_000) {
            seen[draw.place_of(Rank(rank)).unwrap().0 as usize / 10] += 1;
        }
        let statistic = chi_squared(&seen);
        assert!(statistic < 148.230, "rank {rank}: {statistic}");
    }
}
