//! Bypass rules: who goes to the origin as if there were no room. It carries out what [`durable::expression`] has read.
//!
//! A rule exempts a request only if it holds of the path as it was sent and of its normal form alike, whatever it says: an origin may read the one
//! or the other, and no spelling leads round a room.

use durable::expression::{ANYTHING, END, NEXT, comparable, network, op, program};
use durable::json::Value;

use crate::address::{Address, percent_decoded};
use crate::cookie::Scheme;
use crate::route::{Match, normal_host, normal_path};
use crate::verdict::Verdict;
use crate::visit::Headers;

/// The rules of a room that hold, in their order.
#[derive(Debug, Default)]
pub struct Rules {
    /// An empty one is of a rule that a newer version has written and this one cannot read: it exempts nobody.
    programs: Vec<Vec<u8>>,
    /// The headers that they read, a name a line, in lower case; with a colon before it, what the platform alone says.
    names: String,
}

impl Rules {
    /// From the directory's.
    pub fn from_stored(stored: &[Value]) -> Rules {
        let mut rules = Rules::default();
        for rule in stored {
            let program = program(rule["expression"].as_str().unwrap_or_default()).unwrap_or_default();
            for step in program.split(|byte| *byte == END) {
                let name = match step {
                    [op::HEADER | op::LINE, name @ ..] => name,
                    [op::COOKIE, ..] => b"cookie",
                    _ => continue,
                };
                // Twice does no harm.
                rules.names.push_str(std::str::from_utf8(name).unwrap_or_default());
                rules.names.push('\n');
            }
            rules.programs.push(program);
        }
        rules
    }

    /// Which rule exempts a request, the first of those that do. `header` says what a header is, nothing if it is not there.
    pub fn exempting(
        &self,
        address: &Address<'_>,
        headers: &Headers<'_>,
        header: Header<'_>,
    ) -> Option<usize> {
        let normal = normal_path(address.path);
        let [raw, normal] = [address.path, &*normal].map(|path| Seen::new(address, headers, header, path));
        self.programs.iter().position(|program| holds(program, &raw) && holds(program, &normal))
    }
}

/// What a header is.
pub type Header<'a> = &'a dyn Fn(&str) -> String;

/// What rules have to say of a request to a room, before anything that it brings is believed: none where nobody is exempt. Our own endpoints are
/// nobody else's.
pub fn verdict(found: &Match, address: &Address<'_>, headers: &Headers<'_>) -> Option<Verdict> {
    let rules = &found.room.rules;
    if rules.programs.is_empty() || found.own.is_some() {
        return None;
    }
    if headers.more.is_none() && !rules.names.is_empty() {
        return Some(Verdict::MoreHeaders(rules.names.clone()));
    }
    let header = |name: &str| {
        let mut lines = headers.more.unwrap_or_default().split('\n');
        let index = rules.names.split('\n').position(|known| known == name);
        lines.nth(index.unwrap_or_default()).unwrap_or_default().to_owned()
    };
    rules.exempting(address, headers, &header).map(|_| Verdict::Origin)
}

/// A request, with one form of its path.
struct Seen<'a> {
    address: &'a Address<'a>,
    headers: &'a Headers<'a>,
    header: Header<'a>,
    path: &'a str,
    /// The whole address, and where its host and its path begin.
    uri: String,
    begin: [usize; 2],
}

/// Carries out a program. On the stack are lists: of values, each with [`END`] behind it, or of answers.
fn holds(program: &[u8], seen: &Seen<'_>) -> bool {
    let mut stack: Vec<Vec<u8>> = Vec::new();
    for step in program.split(|byte| *byte == END) {
        let Some((letter, about)) = step.split_first() else { break };
        if letter.is_ascii_lowercase() {
            stack.push(seen.values(*letter, about));
            continue;
        }
        let mut values = stack.pop().unwrap_or_default();
        match *letter {
            op::OR | op::XOR | op::AND => {
                let others = stack.pop().unwrap_or_default();
                values.truncate(others.len());
                for (one, other) in values.iter_mut().zip(&others) {
                    *one = match *letter {
                        op::OR => *one | other,
                        op::XOR => *one ^ other,
                        _ => *one & other,
                    };
                }
            }
            op::NOT => values.iter_mut().for_each(|answer| *answer ^= 1),
            op::ANY => values = vec![u8::from(values.contains(&1))],
            op::ALL => values = vec![u8::from(values.contains(&1) && !values.contains(&0))],
            letter => values = each(letter, about, &values),
        }
        stack.push(values);
    }
    stack.pop().is_some_and(|answers| answers.contains(&1))
}

/// What a step makes of each value.
fn each(letter: u8, about: &[u8], values: &[u8]) -> Vec<u8> {
    let (mut out, mut count) = (Vec::new(), 0);
    for value in values.split_inclusive(|byte| *byte == END) {
        let value = value.strip_suffix(&[END]).unwrap_or_default();
        count += 1;
        let mut about = about.split(|byte| *byte == NEXT);
        let made = match letter {
            op::LIKE => {
                out.push(u8::from(about.any(|pattern| is_like(value, pattern))));
                continue;
            }
            op::WITHIN => {
                let mut is_within = false;
                while let (Some(from), Some(to)) = (about.next(), about.next()) {
                    is_within |= from <= value && value <= to;
                }
                out.push(u8::from(is_within));
                continue;
            }
            op::NTH if about.next() != Some(&[b'0' + (count - 1).min(10) as u8]) => continue,
            op::COUNT => continue,
            op::LENGTH => comparable(value.len() as u64).into_bytes(),
            op::LOWER => value.to_ascii_lowercase(),
            op::UPPER => value.to_ascii_uppercase(),
            op::DECODE => percent_decoded(value),
            _ => value.to_vec(),
        };
        for byte in made {
            // What was an escape may be one of our three.
            out.push(byte.min(ANYTHING - 1));
        }
        out.push(END);
    }
    // What is not there is not counted either.
    if letter == op::COUNT && count > 0 {
        out = comparable(count).into_bytes();
        out.push(END);
    }
    out
}

/// Whether a pattern fits a text, whole. What stands for anything is tried with ever more, and only the last of those is ever tried again.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut retry = None;
    loop {
        match (pattern.get(next), text.get(at)) {
            (Some(&ANYTHING), _) => {
                next += 1;
                retry = Some((at, next));
            }
            (Some(expected), Some(byte)) if expected == byte => {
                at += 1;
                next += 1;
            }
            (None, None) => return true,
            _ => match retry {
                Some((from, behind)) if from < text.len() => {
                    (at, next) = (from + 1, behind);
                    retry = Some((at, next));
                }
                _ => return false,
            },
        }
    }
}

impl<'a> Seen<'a> {
    fn new(
        address: &'a Address<'a>,
        headers: &'a Headers<'a>,
        header: Header<'a>,
        path: &'a str,
    ) -> Seen<'a> {
        let mut uri = String::from(if address.scheme == Scheme::Https { "https://" } else { "http://" });
        let host = uri.len();
        uri.push_str(&normal_host(address.host));
        let begin = [host, uri.len()];
        uri.push_str(path);
        if !address.query.is_empty() {
            uri.push('?');
            uri.push_str(address.query);
        }
        Seen { address, headers, header, path, uri, begin }
    }

    fn values(&self, letter: u8, about: &[u8]) -> Vec<u8> {
        let name = std::str::from_utf8(about).unwrap_or_default();
        let [host, path] = self.begin;
        let made;
        let text = match letter {
            op::METHOD => self.headers.method,
            op::HOST => self.uri.get(host..path).unwrap_or_default(),
            op::PATH => self.path,
            op::QUERY => self.address.query,
            op::URI => self.uri.get(path..).unwrap_or_default(),
            op::FULL_URI => &self.uri,
            op::ARGUMENT => return named(self.address.query, '&', name),
            op::COOKIE => return named(&(self.header)("cookie"), ';', name),
            op::SECURE => return vec![u8::from(self.address.scheme == Scheme::Https)],
            _ => {
                made = match letter {
                    op::EXTENSION => {
                        let last = self.path.rsplit_once('/').map_or(self.path, |(_, last)| last);
                        last.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase()
                    }
                    op::CLIENT => network(self.headers.client, "", 0),
                    _ => (self.header)(name),
                };
                &made
            }
        };
        let mut values = text.as_bytes().to_vec();
        values.push(END);
        // An address that is none and a header that is not there are no value; of everything else there is one, be it empty.
        if text.is_empty() && matches!(letter, op::HEADER | op::CLIENT) {
            values.clear();
        }
        values
    }
}

/// The values of a name among pairs.
fn named(pairs: &str, between: char, name: &str) -> Vec<u8> {
    let mut values = Vec::new();
    for pair in pairs.split(between) {
        let pair = pair.trim();
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key == name {
            values.extend_from_slice(value.as_bytes());
            values.push(END);
        }
    }
    values
}
