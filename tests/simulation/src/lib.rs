//! The deterministic simulation: Room, lobbies and edges as they are in production, in virtual time, with everything that can go wrong.
//!
//! - [`workload`] wants things: visitors and operators.
//! - [`world`] runs the production code on clocks, wires and storage that fail.
//! - [`auditor`] alone says whether it was right, by a naive second model.
//!
//! A seed names a [`plan::Plan`], and a plan names a run: the same one gives the same trace, always. A run that breaks a rule is told again
//! with less and less in it, until nothing can be left out ([`shrink`]).

pub mod auditor;
pub mod big;
mod chart;
pub mod dice;
pub mod plan;
pub mod scale;
pub mod shrink;
pub mod small;
pub mod trace;
pub mod workload;
pub mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use durable::units::Millis;

use crate::auditor::{Auditor, Rule, Violation};
use crate::plan::{Plan, Scope};
use crate::trace::Trace;
use crate::world::World;

/// How to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What plans are drawn with.
    pub scope: Scope,
    /// Whether the history is kept as lines.
    pub keeps_lines: bool,
    /// The run ends then, whoever still waits: for histories that are told no longer than needed.
    pub until: Option<Millis>,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Stands for all that happened.
    pub trace_hash: u64,
    /// How much happened.
    pub events: u64,
    /// The first rule that was broken.
    pub violation: Option<Violation>,
    /// How often the Room called more than it had seats for, as it had learnt that some never come.
    pub over_calls: u64,
    /// The history, if it was kept.
    pub lines: Vec<String>,
}

/// Runs a seed.
pub fn simulate(seed: u64, options: &Options) -> Outcome {
    run(&Plan::draw(seed, options.scope), options)
}

/// Runs a plan.
pub fn run(plan: &Plan, options: &Options) -> Outcome {
    let mut world = World::new(plan, Trace::new(options.keeps_lines), Auditor::default());
    let ran = catch_unwind(AssertUnwindSafe(|| {
        world.run(options.until);
        if options.until.is_none() && world.auditor.violation().is_none() {
            world.finish();
        }
    }));
    if let Err(panic) = ran {
        let what = panic.downcast_ref::<String>().cloned();
        let what = what.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        let now = world.now();
        world.auditor.broke(now, Rule::Calm, format!("a panic: {what}"));
    }
    let violation = world.auditor.violation().cloned();
    let World { trace, auditor, .. } = world;
    Outcome {
        trace_hash: trace.hash(),
        events: trace.events(),
        violation,
        over_calls: auditor.over_calls(),
        lines: trace.into_lines(),
    }
}
