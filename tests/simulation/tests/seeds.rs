//! A few seeds of each kind of plan; `make sim` runs a thousand of one.

use simulation::plan::Scope;
use simulation::{Options, Outcome, simulate};

#[test]
fn no_rule_is_broken() {
    for seed in 1..=24 {
        let outcome = simulate(seed, &Options::default());
        assert_eq!(outcome.violation, None, "seed {seed}");
        assert!(outcome.events > 20, "seed {seed} is no story");
    }
}

#[test]
fn nor_where_pace_is_scarce() {
    let scope = Scope { is_tight: true, ..Scope::default() };
    for seed in 1..=12 {
        assert_eq!(simulate(seed, &Options { scope, ..Options::default() }).violation, None, "seed {seed}");
    }
}

#[test]
fn nor_where_nothing_goes_wrong() {
    let scope = Scope { has_troubles: false, ..Scope::default() };
    for seed in 1..=12 {
        assert_eq!(simulate(seed, &Options { scope, ..Options::default() }).violation, None, "seed {seed}");
    }
}

#[test]
fn nor_where_most_never_come_when_called() {
    let scope = Scope { is_fickle: true, ..Scope::default() };
    for seed in 1..=6 {
        assert_eq!(simulate(seed, &Options { scope, ..Options::default() }).violation, None, "seed {seed}");
    }
}

#[test]
fn nor_where_regions_have_seats_in_hand() {
    let scope = Scope { is_roomy: true, ..Scope::default() };
    let options = Options { scope, keeps_lines: true, ..Options::default() };
    let mut is_given_back = 0;
    for seed in 1..=12 {
        let Outcome { violation, lines, .. } = simulate(seed, &options);
        assert_eq!(violation, None, "seed {seed}");
        is_given_back += usize::from(lines.iter().any(|line| line.contains("LeaseReturned")));
    }
    assert!(is_given_back > 0, "no region had any left");
}

#[test]
fn everything_that_operators_do_is_in_some_of_them() {
    let options = Options { keeps_lines: true, ..Options::default() };
    let mut wanted = vec![
        "SessionsEnded { occasion: None",
        "SessionsEnded { occasion: Some",
        "an operator wants End(",
        "EpochBegun {",
        "the Room moves to",
        "the origin ends the session",
        "Drawn {",
        "Round {",
        "doubles: [Rank",
        "told drawing",
        "told closed",
        // An alarm that came late to a prequeue.
        "HeldSince {",
        // A ticket that died in line.
        "late_until: Millis(0)",
    ];
    // A Room that calls more than it has seats for, and more come than it expects.
    let mut is_surprised = false;
    for seed in 1..=300 {
        let Outcome { lines, over_calls, .. } = simulate(seed, &options);
        let has = |what: &str| lines.iter().any(|line| line.contains(what));
        wanted.retain(|what| !has(what));
        is_surprised |= over_calls > 0 && has("told next");
        if wanted.is_empty() && is_surprised {
            return;
        }
    }
    panic!("in none of them is {wanted:?}; more come than expected: {is_surprised}");
}
