//! Runs seeds and tells what they broke: `anteroom-simulation [--seeds N] [--first S] [--fresh] [--depth N]`, or `--big PATH`. With `SEED` in the environment that one alone is
//! run, and its history is told. `--depth N` tries every sequence of so many inputs to a small room first. `--big PATH` runs a million visitors instead, and writes their chart to a file.

use std::hash::{BuildHasher as _, RandomState};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use simulation::auditor::Violation;
use simulation::plan::{Plan, Scope};
use simulation::shrink::shrink;
use simulation::small::{Tried, enumerate};
use simulation::{Options, simulate};

/// The most lines that are told of a history: its last ones.
const LINES_MAX: usize = 120;
/// So many broken seeds are told at length.
const STORIES_MAX: usize = 3;

struct Arguments {
    first: u64,
    seeds: u64,
    is_fresh: bool,
    depth: usize,
    big: Option<String>,
    scale: Option<String>,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(fault) => {
            eprintln!("{fault}");
            return ExitCode::from(2);
        }
    };
    if let Some(path) = &arguments.big {
        return told(path, simulation::big::run(path));
    }
    if let Some(path) = &arguments.scale {
        return told(path, simulation::scale::run(path));
    }
    let mut seeds: Vec<u64> = (arguments.first..arguments.first + arguments.seeds).collect();
    if arguments.is_fresh {
        let fresh = RandomState::new().hash_one("a seed that nobody chose") % 1_000_000_000;
        println!("a fresh seed: {fresh}");
        seeds.push(fresh);
    }
    if let Some(seed) = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        seeds = vec![seed];
    }
    let (events, broken) = run_all(&seeds);
    for (seed, violation) in &broken {
        println!("seed {seed} breaks {violation}");
    }
    broken.iter().take(STORIES_MAX).for_each(|(seed, _)| tell(*seed));
    let (passed, mut failed) = (seeds.len() - broken.len(), broken.len());
    if arguments.depth > 0 && !small_rooms(arguments.depth) {
        failed += 1;
    }
    println!("simulation: {passed} passed, {failed} failed, {events} events");
    ExitCode::from(u8::from(failed > 0))
}

fn arguments() -> Result<Arguments, lexopt::Error> {
    use lexopt::prelude::{Long, ValueExt as _};
    let mut arguments = Arguments { first: 1, seeds: 100, is_fresh: false, depth: 0, big: None, scale: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("first") => arguments.first = parser.value()?.parse()?,
            Long("seeds") => arguments.seeds = parser.value()?.parse()?,
            Long("depth") => arguments.depth = parser.value()?.parse()?,
            Long("big") => arguments.big = Some(parser.value()?.parse()?),
            Long("scale") => arguments.scale = Some(parser.value()?.parse()?),
            Long("fresh") => arguments.is_fresh = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(arguments)
}

/// Whether a run that writes to this path came out right.
fn told(path: &str, ran: std::io::Result<bool>) -> ExitCode {
    match ran {
        Ok(is_right) => ExitCode::from(u8::from(!is_right)),
        Err(fault) => {
            eprintln!("{path}: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// Whether no sequence of so many inputs to a small room breaks a rule.
fn small_rooms(depth: usize) -> bool {
    let Tried { sequences, broken } = enumerate(depth);
    println!("small rooms: {sequences} sequences of up to {depth} inputs");
    if let Some((moves, violation)) = &broken {
        println!("  {moves:?} breaks {violation}");
    }
    broken.is_none()
}

/// Runs them on every core: how much happened, and which of them broke what, in order.
fn run_all(seeds: &[u64]) -> (u64, Vec<(u64, Violation)>) {
    let (next, (told, heard)) = (AtomicU64::new(0), channel());
    let run = |told: Sender<_>| {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            // Nobody listens any more only if the other end is gone.
            let _ = told.send((*seed, simulate(*seed, &Options::default())));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let told = told.clone();
            scope.spawn(|| run(told));
        }
    });
    drop(told);
    let (mut events, mut broken) = (0, Vec::new());
    for (seed, outcome) in heard {
        events += outcome.events;
        broken.extend(outcome.violation.map(|violation| (seed, violation)));
    }
    broken.sort_by_key(|(seed, _)| *seed);
    (events, broken)
}

/// The shortest history found of a seed that breaks a rule.
fn tell(seed: u64) {
    let plan = Plan::draw(seed, Scope::default());
    let Some((short, outcome)) = shrink(&plan, &Options::default()) else { return };
    let (visitors, troubles, orders) = (short.visitors.len(), short.troubles.len(), short.orders.len());
    println!();
    println!(
        "seed {seed}: the shortest history found has {visitors} visitors, {troubles} troubles, {orders} orders"
    );
    let skipped = outcome.lines.len().saturating_sub(LINES_MAX);
    if skipped > 0 {
        println!("  ({skipped} lines before these)");
    }
    outcome.lines.iter().skip(skipped).for_each(|line| println!("  {line}"));
    if let Some(violation) = &outcome.violation {
        println!("  broken: {violation}");
    }
    println!("  again: SEED={seed} make sim");
    println!();
}
