//! Spent tickets are a set of ranks, forgotten by the page.

use std::collections::HashSet;

use durable::spent::{RANKS_PER_PAGE, Spent, page_of};
use durable::units::Rank;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::config;

#[derive(Clone, Debug)]
enum Op {
    Insert(u64),
    DropBelow(u64),
    StoreAndLoad(u32),
}

/// Near the borders of four pages.
fn rank() -> impl Strategy<Value = u64> {
    (0..4u64, prop_oneof![0..70u64, RANKS_PER_PAGE - 70..RANKS_PER_PAGE, 0..RANKS_PER_PAGE])
        .prop_map(|(page, offset)| page * RANKS_PER_PAGE + offset)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => rank().prop_map(Op::Insert),
        1 => rank().prop_map(Op::DropBelow),
        1 => (0..4u32).prop_map(Op::StoreAndLoad),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 4, ..config() })]

    #[test]
    fn spent_tickets_are_a_set(ops in vec(op(), 1..60), asked in vec(rank(), 20)) {
        let (mut spent, mut naive) = (Spent::default(), HashSet::new());
        for op in ops {
            match op {
                Op::Insert(rank) => {
                    spent.insert(Rank(rank));
                    naive.insert(rank);
                }
                Op::DropBelow(rank) => {
                    let dropped = spent.drop_below(Rank(rank));
                    let kept = |page: u32| page >= page_of(Rank(rank));
                    prop_assert!(dropped.is_sorted() && !dropped.iter().any(|page| kept(*page)));
                    naive.retain(|rank| kept(page_of(Rank(*rank))));
                }
                Op::StoreAndLoad(page) => {
                    let mut copy = Spent::default();
                    copy.decode_page(page, &spent.encode_page(page)).unwrap();
                    let of_page = naive.iter().filter(|rank| page_of(Rank(**rank)) == page);
                    for rank in of_page {
                        prop_assert!(copy.contains(Rank(*rank)));
                    }
                    prop_assert_eq!(copy.encode_page(page), {
                        let mut again = copy.clone();
                        again.decode_page(page, &spent.encode_page(page)).unwrap();
                        again.encode_page(page)
                    });
                }
            }
            for rank in naive.iter().chain(&asked) {
                for rank in [rank.saturating_sub(1), *rank, rank + 1] {
                    prop_assert_eq!(spent.contains(Rank(rank)), naive.contains(&rank));
                }
            }
        }
    }
}
