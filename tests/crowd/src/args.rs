//! What the crowd was asked to do. Every fault of the arguments is reported at once, each with its bound, and a crowd
//! for somebody else's host is refused: that is the one thing this program must never do by mistake.

use crate::target::Target;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// How it is used.
pub const USAGE: &str = "\
Sends a crowd of visitors at a running Anteroom, walks each from the waiting page to a purchase in the demo shop as a
browser would, and tells what they lived through. Ends with 1 if a promise was broken, with 2 if it could not begin.

usage: anteroom-crowd --url URL [options]

  --url URL               where visitors go, say http://localhost:8787/
  --visitors N            how many, each with cookies of their own          (500)
  --arrive-seconds N      they arrive evenly over this time                 (5)
  --stay-seconds N        each stays inside so long after the purchase      (3)
  --give-up PERCENT       so many lose patience in line; every second of
                          them presses the button, the others just go       (0)
  --cookieless N          before that, N requests that keep no cookies      (0)
  --connections N         requests under way at once, at most               (64)
  --poll-max-ms N         ask at least so often, whatever is told           (as told)
  --timeout-seconds N     who is not inside by then is lost                 (300)
  --limit N               the room's total_active_users: checks the cap
  --shop-stats URL        the demo shop's own count, set back at the start: checks
                          the cap, say http://127.0.0.1:8788/stats
  --room-path PATH        the room's path                                   (/)
  --crashes               what is visited is killed now and then (make soak): an answer
                          may be lost and is asked for again, a place may not
  --json FILE             writes the result as one flat object
  --quiet                 no progress, and of the result only what is broken
  --i-own-this-host       needed for any host but this machine
";

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// Progress and a table.
    Full,
    /// What is broken.
    Quiet,
}

/// What the crowd does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where visitors go.
    pub url: Target,
    /// How many, 0 to 100 000.
    pub visitors: u32,
    /// The time over which they arrive, up to an hour.
    pub arrive: Duration,
    /// How long each stays inside after the purchase, up to an hour.
    pub stay: Duration,
    /// How many of 100 lose patience in line.
    pub give_up_percent: u32,
    /// Requests without cookies, 0 to 1 000 000.
    pub cookieless: u32,
    /// Requests under way at once, 1 to 1 024.
    pub connections: u32,
    /// The longest pause between polls; None: as told.
    pub poll_max: Option<Duration>,
    /// Who is not inside by then is lost; a second to a day.
    pub timeout: Duration,
    /// The room's limit, if it is known.
    pub limit: Option<u32>,
    /// The shop's own count, if there is one.
    pub shop_stats: Option<Target>,
    /// The room's path.
    pub room_path: String,
    /// Whether what is visited is killed now and then.
    pub has_crashes: bool,
    /// Where the result goes.
    pub json: Option<PathBuf>,
    /// How much is said.
    pub talk: Talk,
}

impl Options {
    /// A visit to this address with everything else at its default.
    pub fn for_url(url: Target) -> Options {
        Options {
            url,
            visitors: 500,
            arrive: Duration::from_secs(5),
            stay: Duration::from_secs(3),
            give_up_percent: 0,
            cookieless: 0,
            connections: 64,
            poll_max: None,
            timeout: Duration::from_mins(5),
            limit: None,
            shop_stats: None,
            room_path: "/".to_owned(),
            has_crashes: false,
            json: None,
            talk: Talk::Full,
        }
    }
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To know how it is used.
    Help,
    /// A crowd.
    Run(Box<Options>),
}

/// Reads the arguments, the program's name left out. The error has every fault.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Vec<String>> {
    let mut reading = Reading { parser: lexopt::Parser::from_args(arguments), faults: Vec::new() };
    // Replaced by the address that is named; without one there is a fault and no crowd.
    let mut url = None;
    let mut owns_host = false;
    let nowhere = Target::parse("http://localhost/").map_err(|fault| vec![fault])?;
    let mut options = Options::for_url(nowhere);
    loop {
        use lexopt::Arg::{Long, Short};
        let name = match reading.parser.next() {
            Ok(None) => break,
            Ok(Some(Long("help") | Short('h'))) => return Ok(Command::Help),
            Ok(Some(Long("i-own-this-host"))) => {
                owns_host = true;
                continue;
            }
            Ok(Some(Long(name))) => name.to_owned(),
            Ok(Some(other)) => {
                reading.faults.push(other.unexpected().to_string());
                continue;
            }
            Err(error) => {
                reading.faults.push(error.to_string());
                break;
            }
        };
        match name.as_str() {
            "url" => url = reading.target("--url"),
            "shop-stats" => options.shop_stats = reading.target("--shop-stats"),
            "quiet" => options.talk = Talk::Quiet,
            "crashes" => options.has_crashes = true,
            "json" => options.json = reading.text("--json").map(PathBuf::from),
            "room-path" => reading.room_path(&mut options.room_path),
            _ => reading.number(&name, &mut options),
        }
    }
    reading.check_hosts(url.as_ref(), options.shop_stats.as_ref(), owns_host);
    match url {
        Some(url) if reading.faults.is_empty() => Ok(Command::Run(Box::new(Options { url, ..options }))),
        _ => Err(reading.faults),
    }
}

struct Reading {
    parser: lexopt::Parser,
    faults: Vec<String>,
}

impl Reading {
    fn text(&mut self, name: &str) -> Option<String> {
        match self.parser.value().map(OsString::into_string) {
            Ok(Ok(text)) => Some(text),
            Ok(Err(_)) => {
                self.faults.push(format!("{name} is not UTF-8"));
                None
            }
            Err(error) => {
                self.faults.push(error.to_string());
                None
            }
        }
    }

    fn target(&mut self, name: &str) -> Option<Target> {
        let text = self.text(name)?;
        Target::parse(&text).map_err(|fault| self.faults.push(format!("{name}: {fault}"))).ok()
    }

    fn room_path(&mut self, path: &mut String) {
        let Some(text) = self.text("--room-path") else { return };
        if text.starts_with('/') && !text.contains(['?', '#', ' ']) {
            *path = text;
        } else {
            self.faults.push(format!("--room-path is a path that begins with a slash, not {text:?}"));
        }
    }

    fn within(&mut self, name: &str, bounds: &RangeInclusive<u32>) -> Option<u32> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        if number.is_none() {
            let (low, high) = (bounds.start(), bounds.end());
            self.faults.push(format!("--{name} is a whole number from {low} to {high}, not {text:?}"));
        }
        number
    }

    fn number(&mut self, name: &str, options: &mut Options) {
        let (bounds, set): (_, fn(&mut Options, u32)) = match name {
            "visitors" => (0..=100_000, |options, number| options.visitors = number),
            "cookieless" => (0..=1_000_000, |options, number| options.cookieless = number),
            "connections" => (1..=1_024, |options, number| options.connections = number),
            "give-up" => (0..=100, |options, number| options.give_up_percent = number),
            "limit" => (1..=u32::MAX, |options, number| options.limit = Some(number)),
            "poll-max-ms" => (100..=600_000, |options, number| {
                options.poll_max = Some(Duration::from_millis(number.into()));
            }),
            "arrive-seconds" => {
                (0..=3_600, |options, number| options.arrive = Duration::from_secs(number.into()))
            }
            "stay-seconds" => {
                (0..=3_600, |options, number| options.stay = Duration::from_secs(number.into()))
            }
            "timeout-seconds" => {
                (1..=86_400, |options, number| options.timeout = Duration::from_secs(number.into()))
            }
            _ => return self.faults.push(format!("--{name} is not an option of this program")),
        };
        if let Some(number) = self.within(name, &bounds) {
            set(options, number);
        }
    }

    fn check_hosts(&mut self, url: Option<&Target>, shop: Option<&Target>, owns_host: bool) {
        if url.is_none() && !self.faults.iter().any(|fault| fault.starts_with("--url")) {
            self.faults.push("--url is missing: where do the visitors go?".to_owned());
        }
        for target in [url, shop].into_iter().flatten().filter(|target| !target.is_loopback() && !owns_host) {
            self.faults.push(format!(
                "{} is not this machine. A crowd is an attack on a host that did not ask for it: \
                 if it is yours, say --i-own-this-host",
                target.host()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, Vec<String>> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn options(line: &str) -> Options {
        match read(line) {
            Ok(Command::Run(options)) => *options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_is_enough() {
        let options = options("--url http://localhost:8787/");
        assert_eq!(options, Options::for_url(Target::parse("http://localhost:8787/").unwrap()));
    }

    #[test]
    fn every_option_is_taken() {
        let options = options(
            "--url=http://localhost:1/sale --visitors 7 --arrive-seconds 1 --stay-seconds 0 --give-up 10 --cookieless 9 \
             --connections 2 --poll-max-ms 250 --timeout-seconds 60 --limit 5 --shop-stats http://127.0.0.1:2/stats \
             --room-path /sale --json out.json --crashes --quiet",
        );
        assert_eq!(
            (options.visitors, options.arrive, options.stay),
            (7, Duration::from_secs(1), Duration::ZERO)
        );
        assert_eq!((options.give_up_percent, options.cookieless, options.connections), (10, 9, 2));
        assert_eq!(
            (options.poll_max, options.timeout),
            (Some(Duration::from_millis(250)), Duration::from_mins(1))
        );
        assert_eq!(
            (options.limit, options.room_path.as_str(), options.talk),
            (Some(5), "/sale", Talk::Quiet)
        );
        assert!(options.has_crashes);
        assert_eq!(options.shop_stats.unwrap().path_and_query(), "/stats");
        assert_eq!(options.json, Some(PathBuf::from("out.json")));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults =
            read("--visitors many --connections 0 --give-up 101 --nonsense stray --room-path x").unwrap_err();
        let text = faults.join("\n");
        for part in [
            "0 to 100000, not \"many\"",
            "1 to 1024, not \"0\"",
            "0 to 100",
            "--nonsense",
            "\"stray\"",
            "--room-path",
            "--url is missing",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert_eq!(faults.len(), 7, "{text}");
    }

    #[test]
    fn a_host_of_somebody_else_is_refused_until_it_is_said_to_be_ones_own() {
        for line in
            ["--url https://shop.example.com/", "--url http://localhost/ --shop-stats http://10.1.1.1/stats"]
        {
            assert!(read(line).unwrap_err().join("").contains("--i-own-this-host"), "{line}");
            assert!(read(&format!("{line} --i-own-this-host")).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_missing_value_and_a_wrong_address_say_so() {
        assert!(read("--url").unwrap_err().join("").contains("--url"));
        assert_eq!(read("--url ftp://localhost").unwrap_err().len(), 1);
        assert_eq!(read("--visitors x --help"), Ok(Command::Help));
    }
}
