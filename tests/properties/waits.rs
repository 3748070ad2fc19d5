//! Waits: however many join, whenever, and however long it takes, what is kept of them is small and what is told has an order.

use durable::codec::{Reader, Writer};
use durable::units::{Millis, Rank};
use durable::waits::Waits;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::config;

/// An hour at full resolution and then some.
const ENTRIES_MAX: u64 = 4_096;

#[derive(Clone, Debug)]
enum Op {
    /// So many times one joins, each so many milliseconds after the one before, promised so much.
    Join(u64, u64, u64),
    /// After so many milliseconds so many in a hundred of those in line have been called.
    Pass(u64, u64),
}

fn op() -> impl Strategy<Value = Op> {
    let promise = prop_oneof![0..20_000u64, 0..4_000_000u64];
    prop_oneof![
        (prop_oneof![1..50u64, 1..6_000u64], 0..3_000u64, promise)
            .prop_map(|(count, apart, wait)| Op::Join(count, apart, wait)),
        (prop_oneof![0..90_000u64, 0..90_000_000u64], 0..=100u64)
            .prop_map(|(after, part)| Op::Pass(after, part)),
    ]
}

fn encoded(waits: &Waits) -> Vec<u8> {
    let mut out = Writer::new();
    waits.encode(&mut out);
    out.into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 4, ..config() })]

    #[test]
    fn entries_are_bounded_and_the_range_has_an_order(ops in vec(op(), 1..24)) {
        let (mut waits, mut now, mut issued, mut passed) = (Waits::default(), Millis(1_000_000), 0, 0);
        let (mut first, mut known) = (Vec::new(), 0);
        for op in ops {
            match op {
                Op::Join(count, apart, promised) => for _ in 0..count {
                    if waits.begins_entry(now) {
                        waits.join(Rank(issued), now, Millis(promised));
                        first.push((issued, now));
                    }
                    issued += 1;
                    now = now.plus(Millis(apart));
                },
                Op::Pass(after, part) => {
                    now = now.plus(Millis(after));
                    passed += (issued - passed) * part / 100;
                    waits.pass(Rank(passed), now);
                }
            }
            let bytes = encoded(&waits);
            prop_assert!(Reader::new(&bytes).number() <= ENTRIES_MAX);
            let mut reader = Reader::new(&bytes);
            prop_assert!(Waits::decode(&mut reader, 2) == waits && reader.end() == Ok(()));
            let (p50, p90) = waits.errors().range_permille();
            prop_assert!((250..=8_000).contains(&p50) && p50 <= p90 && p90 <= 8_000);
            prop_assert!(waits.errors().known() <= 4_000);
            known = known.max(waits.errors().known());
            // Whoever has waited longest joined no earlier than the first who is still in line, and no later than anybody.
            let longest = waits.longest(now);
            let waiting = first.iter().rev().find(|(rank, _)| *rank <= passed).map_or(Millis(0), |(_, at)| now.since(*at));
            // But for what an entry spans that stands for several.
            let told = longest.plus(Millis(now.since(Millis(1_000_000)).0 / (ENTRIES_MAX / 4)));
            prop_assert!(told >= waiting || passed == issued, "{:?} {:?}", longest, waiting);
        }
    }
}
