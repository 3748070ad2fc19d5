//! The command line: another scenario. Every fault is told at once, with its bound.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::scenario::{HOUR, Scenario};

/// How it is used.
pub const USAGE: &str = "\
Computes what an hour of a waiting room costs on Cloudflare's Workers Paid plan, in US dollars by line item, and checks the operations that
it is computed from against production's objects in simulated time. Ends with 1 if they differ too much, with 2 if it could not begin.

usage: anteroom-cost [options]

  --visitors N        how many come, 1 000 to 10 000 000                              (1000000)
  --arrivals S:P,…    S seconds after noon, P % of them have come; lines between      (600:100)
  --seats N           total_active_users                                              (10000)
  --per-minute N      new_users_per_minute                                            (seats per session)
  --session N         session_duration_seconds, and how long everybody stays          (300)
  --scriptless N      of a hundred, so many run no scripts                            (5)
  --goodbye N         of a hundred who leave, so many say so                          (50)
  --requests N        requests of each visitor inside                                 (10)
  --data-centers N    that people come by                                             (300)
  --regions N         that they are in                                                (9)
  --mode MODE         plain, mirrored (the board in a bucket behind the CDN) or both  (both)
  --untiered          every data center reads the bucket for itself
  --included          less what a month's basic fee includes: the only hour of the month
  --divide N          count a crowd and a room so many times smaller                  (10)
  --json FILE         writes the result
";

/// What is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modes {
    /// Without a mirror.
    Plain,
    /// With one.
    Mirrored,
    /// One beside the other.
    Both,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Whose hour.
    pub scenario: Scenario,
    /// How boards reach pages.
    pub modes: Modes,
    /// Whether the CDN's data centers ask each other first.
    pub tiered: bool,
    /// Whether what the basic fee includes is taken off.
    pub included: bool,
    /// So many times smaller is the crowd that is counted.
    pub divide: u32,
    /// Where the result goes.
    pub json: Option<PathBuf>,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// To know how it is used.
    Help,
    /// The cost of an hour.
    Run(Options),
}

/// Reads the arguments, the program's name left out. The error has every fault.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Vec<String>> {
    use lexopt::Arg::{Long, Short};
    let mut options = Options {
        scenario: Scenario::default(),
        modes: Modes::Both,
        tiered: true,
        included: false,
        divide: 10,
        json: None,
    };
    let (mut per_minute, mut faults) = (None, Vec::new());
    let mut parser = lexopt::Parser::from_args(arguments);
    loop {
        let name = match parser.next() {
            Ok(None) => break,
            Ok(Some(Long("help") | Short('h'))) => return Ok(Command::Help),
            Ok(Some(Long("untiered"))) => {
                options.tiered = false;
                continue;
            }
            Ok(Some(Long("included"))) => {
                options.included = true;
                continue;
            }
            Ok(Some(Long(name))) => name.to_owned(),
            Ok(Some(other)) => {
                faults.push(other.unexpected().to_string());
                continue;
            }
            Err(error) => {
                faults.push(error.to_string());
                break;
            }
        };
        let text = match parser.value().map(OsString::into_string) {
            Ok(Ok(text)) => text,
            Ok(Err(_)) => {
                faults.push(format!("--{name} is not UTF-8"));
                continue;
            }
            Err(error) => {
                faults.push(error.to_string());
                continue;
            }
        };
        let told = if name == "per-minute" {
            within(&name, &text, 1..=10_000_000).map(|number| per_minute = Some(number))
        } else {
            set(&mut options, &name, text)
        };
        faults.extend(told.err());
    }
    let scenario = &mut options.scenario;
    let per_session = u64::from(scenario.seats) * 60 / u64::from(scenario.session_seconds);
    scenario.per_minute = per_minute.unwrap_or(u32::try_from(per_session).unwrap_or(u32::MAX).max(1));
    if faults.is_empty() { Ok(Command::Run(options)) } else { Err(faults) }
}

fn set(options: &mut Options, name: &str, text: String) -> Result<(), String> {
    let scenario = &mut options.scenario;
    let number = |bounds| within(name, &text, bounds);
    match name {
        "visitors" => scenario.visitors = number(1_000..=10_000_000)?.into(),
        "seats" => scenario.seats = number(1..=1_000_000)?,
        "session" => scenario.session_seconds = number(10..=3_600)?,
        "scriptless" => scenario.scriptless_percent = number(0..=100)?,
        "goodbye" => scenario.goodbye_percent = number(0..=100)?,
        "requests" => scenario.requests_inside = number(1..=1_000)?,
        "data-centers" => scenario.data_centers = number(1..=1_000)?,
        "regions" => scenario.regions = number(1..=9)?,
        "divide" => options.divide = number(1..=1_000)?,
        "arrivals" => scenario.arrivals = arrivals(&text)?,
        "json" => options.json = Some(PathBuf::from(text)),
        "mode" => {
            options.modes = match text.as_str() {
                "plain" => Modes::Plain,
                "mirrored" => Modes::Mirrored,
                "both" => Modes::Both,
                _ => return Err(format!("--mode is plain, mirrored or both, not {text:?}")),
            }
        }
        _ => return Err(format!("--{name} is not an option of this program")),
    }
    Ok(())
}

fn within(name: &str, text: &str, bounds: RangeInclusive<u32>) -> Result<u32, String> {
    let (low, high) = (bounds.start(), bounds.end());
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    number.ok_or_else(|| format!("--{name} is a whole number from {low} to {high}, not {text:?}"))
}

/// `60:50,600:100`: both numbers rise, and nobody comes after the hour.
fn arrivals(text: &str) -> Result<Vec<(u64, f64)>, String> {
    let fault = || {
        let hour = HOUR.0 / 1_000;
        format!(
            "--arrivals is a list like 60:50,600:100 of seconds to {hour} and percent to 100, both rising, not {text:?}"
        )
    };
    let mut points: Vec<(u64, f64)> = Vec::new();
    for point in text.split(',') {
        let (seconds, percent) = point.split_once(':').ok_or_else(fault)?;
        let (seconds, percent): (u64, f64) =
            (seconds.parse().map_err(|_| fault())?, percent.parse().map_err(|_| fault())?);
        let (before, had) = points.last().copied().unwrap_or_default();
        if seconds <= before || seconds > HOUR.0 / 1_000 || !(percent > had && percent <= 100.0) {
            return Err(fault());
        }
        points.push((seconds, percent));
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, Vec<String>> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn without_arguments_it_is_the_scenario_of_the_design() {
        let Ok(Command::Run(options)) = read("") else { panic!("refused") };
        assert_eq!(options.scenario, Scenario::default());
    }

    #[test]
    fn every_option_is_taken() {
        let line = "--visitors 5000 --arrivals 60:50,120:100 --seats 100 --session 60 --scriptless 1 --goodbye 2 --requests 3 \
                    --data-centers 4 --regions 5 --mode plain --untiered --included --divide 2 --json x.json";
        let Ok(Command::Run(options)) = read(line) else { panic!("refused") };
        let scenario = Scenario {
            visitors: 5_000,
            arrivals: vec![(60, 50.0), (120, 100.0)],
            seats: 100,
            per_minute: 100,
            session_seconds: 60,
            scriptless_percent: 1,
            goodbye_percent: 2,
            requests_inside: 3,
            data_centers: 4,
            regions: 5,
        };
        let json = Some(PathBuf::from("x.json"));
        let wanted =
            Options { scenario, modes: Modes::Plain, tiered: false, included: true, divide: 2, json };
        assert_eq!(options, wanted);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults =
            read("--visitors 5 --arrivals 60:50,30:100 --mode dear --nonsense 1 stray --seats").unwrap_err();
        let text = faults.join("\n");
        for part in [
            "1000 to 10000000, not \"5\"",
            "both rising",
            "plain, mirrored or both",
            "--nonsense",
            "stray",
            "--seats",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert_eq!(faults.len(), 6, "{text}");
        for arrivals in ["", "60", "60:x", "60:101", "3601:100", "0:10", "60:NaN", "60:50,120:50"] {
            assert!(read(&format!("--arrivals={arrivals}")).is_err(), "{arrivals}");
        }
    }
}
