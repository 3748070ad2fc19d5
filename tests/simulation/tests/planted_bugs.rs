//! An auditor that sees nothing also says that all is well. So each of these bugs is planted into the production code, one at a time, and has
//! to be seen, as what it is.

use durable::planted::{Bug, plant};
use simulation::auditor::{Rule, Violation};
use simulation::plan::Scope;
use simulation::{Options, simulate};

const SEEDS_MAX: u64 = 1_000;

/// The first seed that shows a bug, and what was seen.
fn hunt(bug: Bug) -> Option<(u64, Violation)> {
    plant(Some(bug));
    // Where pace decides, it has to be scarce.
    let is_tight = matches!(bug, Bug::PaceForgetsCalled | Bug::LatecomersRush);
    // Where it matters who is expected, the Room has to have learnt it.
    let is_fickle = bug == Bug::HalfExpected;
    // Where regions have seats in hand, there have to be some.
    let is_roomy = bug == Bug::LeaseTwice;
    let scope = Scope { is_tight, is_fickle, is_roomy, ..Scope::default() };
    let options = Options { scope, ..Options::default() };
    let seen = (1..=SEEDS_MAX).find_map(|seed| Some((seed, simulate(seed, &options).violation?)));
    plant(None);
    seen
}

#[test]
fn every_planted_bug_is_seen() {
    for bug in Bug::ALL {
        let (seed, violation) = hunt(bug).unwrap_or_else(|| panic!("{bug:?} was not seen"));
        println!("{bug:?}: seed {seed}, {violation}");
        let rules: &[Rule] = match bug {
            Bug::OneSeatMore => &[Rule::Cap, Rule::Order, Rule::Ghosts],
            Bug::PaceForgetsCalled => &[Rule::Pace, Rule::Order],
            Bug::FloorForgotten => &[Rule::Pace],
            Bug::PlaceSkipped => &[Rule::Order],
            Bug::SpentClaimsAgain | Bug::BatchTwice | Bug::OldEpochClaims => &[Rule::Once],
            Bug::RenewalUnwritten => &[Rule::Durable],
            Bug::GhostHolds | Bug::AlarmForgetsWindows => &[Rule::Live],
            Bug::RevokedSeatAtOnce | Bug::LeaseTwice => &[Rule::Cap],
            Bug::RowSkippedAtLoad => &[Rule::Replayable, Rule::Ghosts],
            Bug::LatecomersRush | Bug::HalfExpected => &[Rule::Ghosts],
            Bug::JoinUnmixed | Bug::LongestUndrawn => &[Rule::Drawn],
            Bug::GivenUpReturns => &[Rule::Once],
            Bug::PromisedReturns => &[Rule::Cap],
            Bug::SharedIsNew => &[Rule::Cap, Rule::Live, Rule::Kept],
        };
        assert!(rules.contains(&violation.rule), "{bug:?} is seen as {violation}");
    }
}
