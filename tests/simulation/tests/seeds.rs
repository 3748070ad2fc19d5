//! A few seeds without optimisation; `make sim` runs a thousand with it.

use simulation::plan::Scope;
use simulation::{Options, simulate};

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
fn everything_that_operators_do_is_in_some_of_them() {
    let options = Options { keeps_lines: true, ..Options::default() };
    let histories: Vec<_> = (1..=24).flat_map(|seed| simulate(seed, &options).lines).collect();
    let wanted = [
        "SessionsEnded { occasion: None",
        "SessionsEnded { occasion: Some",
        "an operator wants End(",
        "the origin ends the session",
        "Drawn {",
        "Gathering { event: None",
        "Round {",
        "doubles: [Rank",
        "told drawing",
        "told closed",
    ];
    for what in wanted {
        assert!(histories.iter().any(|line| line.contains(what)), "{what}");
    }
}
