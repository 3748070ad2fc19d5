//! What must hold for any bytes at all, one function for each format that bytes from outside or from storage are read as.
//!
//! A function takes what a fuzzer makes up, asserts what has to hold, and says whether the bytes were believed, so that a
//! corpus whose every file is refused at the first byte does not pass for a test. libFuzzer runs the functions from
//! `fuzz_targets/`, and `tests/corpus.rs` runs them over the corpora without it. Seeds of the corpora come from [`seeds`].

pub mod batch;
pub mod board;
pub mod cookie;
pub mod expression;
pub mod journal;
pub mod life;
pub mod pages;
pub mod seeds;
pub mod settings;
pub mod token;

/// What became of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They meant something, and what has to hold of it held.
    Believed,
    /// They were no input of this kind.
    Refused,
}

impl Outcome {
    /// Believed if either is.
    #[must_use]
    pub fn or(self, other: Outcome) -> Outcome {
        if self == Outcome::Believed { self } else { other }
    }
}

/// Something that asserts what has to hold for bytes.
pub type Target = fn(&[u8]) -> Outcome;

/// The targets by name: a binary, a folder of the corpus and a module each.
pub const TARGETS: [(&str, Target); 8] = [
    ("batch", batch::check),
    ("board", board::check),
    ("cookie", cookie::check),
    ("expression", expression::check),
    ("journal", journal::check),
    ("pages", pages::check),
    ("settings", settings::check),
    ("token", token::check),
];

/// Runs a target; what libFuzzer calls.
///
/// # Panics
/// If something does not hold.
pub fn run(name: &str, data: &[u8]) {
    let (_, target) = TARGETS.into_iter().find(|(known, _)| *known == name).expect("a target of this name");
    target(data);
}
