//! The bill: operations times prices, line by line.

use crate::operations::{Level, Operations};
use crate::prices::{OBJECT_GB, Price, Unit, price_of};
use crate::scenario::{HOUR, Scenario};

/// How boards reach pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The Worker answers.
    Plain,
    /// Pages with a script read them from a bucket behind the CDN, and ask the Worker once they are called.
    Mirrored,
}

/// CPU time of a Worker's request, in milliseconds. Assumed, on the safe side of what `make bench` measures inside workerd: 10 µs for the gate
/// of somebody inside, some 60 µs for a poll with all that the runtime does around it.
const CPU_MS_POLL: f64 = 0.1;
const CPU_MS_PAGE: f64 = 0.3;
const CPU_MS_INSIDE: f64 = 0.05;
/// The mirror is written so often while a line stands, and lives as long (`Cache-Control: max-age=1`).
const MIRROR_EVERY_SECONDS: f64 = 1.0;

/// What a line of the bill belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Coming, and having a rank.
    Arriving,
    /// Waiting by script.
    Waiting,
    /// Waiting without one.
    WaitingWithoutScript,
    /// Being let in, and being inside.
    Inside,
    /// The lobbies and the Room, whoever they work for.
    Objects,
}

/// A line of the bill.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// For what.
    pub what: &'static str,
    /// Which part of an hour it belongs to.
    pub part: Part,
    /// How many.
    pub count: f64,
    /// Of what.
    pub price: &'static Price,
}

impl Line {
    /// In dollars, beyond what is included.
    pub fn usd(&self) -> f64 {
        self.count * self.price.usd_per_million / 1e6
    }
}

/// The lines of an hour. `tiered` says whether the CDN's data centers ask each other before they read the bucket.
pub fn lines(scenario: &Scenario, all: &Operations, mode: Mode, tiered: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |what, part, count: f64, unit| {
        if count > 0.0 {
            lines.push(Line { what, part, count, price: price_of(unit) });
        }
    };
    let requests = Unit::WorkerRequest;
    let polls = if mode == Mode::Plain { all.polls } else { 0.0 };
    add("first contacts and joins", Part::Arriving, all.arrivals, requests);
    add("polls by script", Part::Waiting, polls, requests);
    add("pages that come back without script", Part::WaitingWithoutScript, all.returns, requests);
    add("being called, claiming, entering", Part::Inside, all.entries, requests);
    add("requests of those inside", Part::Inside, all.inside, requests);
    let cpu = Unit::WorkerCpuMs;
    add("CPU of first contacts and joins", Part::Arriving, all.arrivals * CPU_MS_PAGE, cpu);
    add("CPU of polls", Part::Waiting, polls * CPU_MS_POLL, cpu);
    add("CPU of pages that come back", Part::WaitingWithoutScript, all.returns * CPU_MS_PAGE, cpu);
    add(
        "CPU of entering and inside",
        Part::Inside,
        all.entries * CPU_MS_PAGE + all.inside * CPU_MS_INSIDE,
        cpu,
    );
    for (level, calls, awake) in [
        (all.leaves, "calls to leaf lobbies", "leaf lobbies awake"),
        (all.regions, "calls to region lobbies", "region lobbies awake"),
        (all.room, "calls to the Room", "the Room awake"),
    ] {
        let Level { calls: count, awake_seconds } = level;
        add(calls, Part::Objects, count, Unit::ObjectRequest);
        add(awake, Part::Objects, awake_seconds * OBJECT_GB, Unit::ObjectGbSecond);
    }
    add("rows written", Part::Objects, all.rows, Unit::RowWritten);
    // Each row that is written is looked for first. The Room reads all of them when it begins, and then none.
    add("rows read", Part::Objects, all.rows, Unit::RowRead);
    if mode == Mode::Mirrored {
        let seconds = HOUR.0 as f64 / 1_000.0 / MIRROR_EVERY_SECONDS;
        let readers = if tiered { 1.0 } else { f64::from(scenario.data_centers) };
        add("the board written to the bucket", Part::Waiting, seconds, Unit::BucketWrite);
        add("the board read by the CDN", Part::Waiting, seconds * readers, Unit::BucketRead);
    }
    lines
}

/// The sum of some of them. With `included`, what a month's basic fee includes is used up by this hour alone.
pub fn total(lines: &[Line], included: bool, of: impl Fn(&Line) -> bool) -> f64 {
    let mut units: Vec<(&Price, f64)> = Vec::new();
    for line in lines.iter().filter(|line| of(line)) {
        match units.iter_mut().find(|(price, _)| price.unit == line.price.unit) {
            Some((_, count)) => *count += line.count,
            None => units.push((line.price, line.count)),
        }
    }
    let dollars = |(price, count): &(&Price, f64)| {
        let free = if included { price.included_per_month } else { 0.0 };
        (count - free).max(0.0) * price.usd_per_million / 1e6
    };
    units.iter().map(dollars).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour() -> Operations {
        let level = Level { calls: 1e6, awake_seconds: 1e6 };
        Operations {
            polls: 60e6,
            returns: 3e6,
            arrivals: 2e6,
            leaves: level,
            room: level,
            rows: 1e6,
            ..Operations::default()
        }
    }

    #[test]
    fn sixty_million_polls_cost_eighteen_dollars_and_a_mirror_next_to_nothing() {
        let waiting = |mode| {
            let lines = lines(&Scenario::default(), &hour(), mode, true);
            total(&lines, false, |line| line.part == Part::Waiting)
        };
        assert!((waiting(Mode::Plain) - 18.12).abs() < 0.01, "{}", waiting(Mode::Plain));
        // 3 600 writes at 4.50 a million and as many reads at 0.36.
        assert!((waiting(Mode::Mirrored) - 0.017_5).abs() < 0.000_1);
    }

    #[test]
    fn the_sum_is_that_of_its_lines_and_less_what_is_included() {
        let lines = lines(&Scenario::default(), &hour(), Mode::Plain, true);
        let sum: f64 = lines.iter().map(Line::usd).sum();
        assert!((total(&lines, false, |_| true) - sum).abs() < 1e-9);
        assert!(total(&lines, true, |_| true) < sum - 3.0, "ten million requests are three dollars");
    }
}
