//! What holds for all values, on a few hundred made up for each: codecs, tokens, spent tickets, the line beside a naive one, draws and rounds,
//! events and their schedule, waits, paths, settings. What holds for all *bytes* is in `fuzz/`.
//!
//! The values are the same in every run. `PROPTEST_RNG_SEED=<number>` makes others up, `PROPTEST_CASES=<number>` more of them; a value
//! that fails is made as small as it can be and printed.

mod agenda;
mod codecs;
mod draws;
mod line;
mod paths;
mod rounds;
mod schedule;
mod settings;
mod spent;
#[path = "../table/mod.rs"]
mod table;
mod tokens;
mod waits;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn config() -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(2026);
    }
    config
}

/// Numbers with what lies at the borders of their codec as often as anything else.
fn number() -> impl Strategy<Value = u64> {
    let edge = (0..64u32, any::<bool>()).prop_map(|(shift, below)| (1u64 << shift) - u64::from(below));
    prop_oneof![0..300u64, edge, any::<u64>(), Just(u64::MAX)]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![0..300u32, any::<u32>(), Just(u32::MAX)]
}
