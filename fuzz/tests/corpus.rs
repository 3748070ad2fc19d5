//! Every file of every corpus through its target, without libFuzzer: what was found once is not lost again.

use std::fs;
use std::path::{Path, PathBuf};

use anteroom_fuzz::{Outcome, TARGETS, seeds};

/// All corpora together: they are read by people, too.
const CORPUS_BYTES_MAX: u64 = 200 * 1024;

fn files(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_must_hold_holds_for_every_file() {
    for (name, target) in TARGETS {
        let mut believed = 0;
        for file in files(name) {
            let data = fs::read(&file).unwrap();
            let outcome = std::panic::catch_unwind(|| target(&data));
            let outcome = outcome.unwrap_or_else(|_| panic!("{} of {name}", file.display()));
            believed += usize::from(outcome == Outcome::Believed);
        }
        assert!(believed >= 5, "the corpus of {name} has come to mean nothing: only {believed} files do");
    }
}

#[test]
fn the_seeds_hold_as_they_would_be_written_today() {
    for seed in seeds::all() {
        let (_, target) = TARGETS.into_iter().find(|(name, _)| *name == seed.target).unwrap();
        target(&seed.bytes);
    }
}

#[test]
fn a_cut_or_changed_seed_is_believed_or_refused_but_breaks_nothing() {
    for seed in seeds::all().into_iter().filter(|seed| seed.bytes.len() < 400) {
        let (_, target) = TARGETS.into_iter().find(|(name, _)| *name == seed.target).unwrap();
        for at in (0..seed.bytes.len()).step_by(5) {
            target(&seed.bytes[..at]);
            let mut changed = seed.bytes.clone();
            changed[at] = changed[at].wrapping_add(at as u8 | 1);
            target(&changed);
        }
    }
}

#[test]
fn the_corpora_are_small() {
    let files = TARGETS.into_iter().flat_map(|(name, _)| files(name));
    let bytes: u64 = files.map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes}");
}
