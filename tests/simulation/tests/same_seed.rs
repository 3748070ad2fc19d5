//! What everything else rests on: a seed names one history, down to the last byte.

use simulation::{Options, simulate};

#[test]
fn the_same_seed_twice_gives_the_same_trace() {
    for seed in 1..=12 {
        let options = Options { keeps_lines: true, ..Options::default() };
        let (once, twice) = (simulate(seed, &options), simulate(seed, &options));
        for (line, (one, other)) in once.lines.iter().zip(&twice.lines).enumerate() {
            assert_eq!(one, other, "seed {seed}, line {line}");
        }
        assert_eq!(once, twice, "seed {seed}");
    }
}

#[test]
fn another_seed_gives_another() {
    let hashes: std::collections::BTreeSet<u64> =
        (1..=12).map(|seed| simulate(seed, &Options::default()).trace_hash).collect();
    assert_eq!(hashes.len(), 12);
}
