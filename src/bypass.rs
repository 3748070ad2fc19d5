//! Bypass rules: who goes to the origin as if there were no room. It carries out what [`durable::expression`] has read.
//!
//! A rule exempts a request only if it holds of the path as it was sent and of its normal form alike, whatever it says: an origin may read the one
//! or the other, and no spelling leads round a room.

use durable::comparable::{comparable, network};
use durable::expression::program;
use durable::json::Value;
use durable::steps::{ANYTHING, END, NEXT, op};

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
            let mut steps = program.as_slice();
            while let Some(step) = part(&mut steps, END) {
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

    /// Which rule exempts a request, the first of those that do. `header` says what a header is.
    pub fn exempting(
        &self,
        address: &Address<'_>,
        headers: &Headers<'_>,
        header: Header<'_>,
    ) -> Option<usize> {
        let normal = normal_path(address.path);
        let raw = Seen::new(address, headers, header, address.path);
        // Most paths are sent in their normal form, and are looked at once.
        let normal = (*normal != *address.path).then(|| Seen::new(address, headers, header, &normal));
        let of_both = |program: &Vec<u8>| {
            holds(program, &raw) && normal.as_ref().is_none_or(|normal| holds(program, normal))
        };
        self.programs.iter().position(of_both)
    }
}

/// Adds what a header is, nothing if it is not there.
pub type Header<'a> = &'a dyn Fn(&[u8], &mut Vec<u8>);

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
    let header = |name: &[u8], value: &mut Vec<u8>| {
        let (mut names, mut lines) = (rules.names.as_bytes(), headers.more.unwrap_or_default().as_bytes());
        while let (Some(known), Some(line)) = (part(&mut names, b'\n'), part(&mut lines, b'\n')) {
            if known == name {
                return value.extend_from_slice(line);
            }
        }
    };
    rules.exempting(address, headers, &header).map(|_| Verdict::Origin)
}

/// Takes what comes before this byte, or all that is left. Behind the last one nothing is left.
fn part<'a>(rest: &mut &'a [u8], end: u8) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let at = rest.iter().position(|byte| *byte == end).unwrap_or(rest.len());
    let (part, behind) = rest.split_at(at);
    *rest = behind.get(1..).unwrap_or_default();
    Some(part)
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
    let mut steps = program;
    while let Some(step) = part(&mut steps, END) {
        let (letter, about) = step.split_first().unwrap_or((&0, &[]));
        let mut values = Vec::new();
        if letter.is_ascii_lowercase() {
            seen.read(*letter, about, &mut values);
        } else {
            values = stack.pop().unwrap_or_default();
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
                op::ANY | op::ALL => {
                    let all = values.contains(&1) && (*letter == op::ANY || !values.contains(&0));
                    values.clear();
                    values.push(u8::from(all));
                }
                letter => values = each(letter, about, &values),
            }
        }
        stack.push(values);
    }
    stack.pop().is_some_and(|answers| answers.contains(&1))
}

/// What a step makes of each value.
fn each(letter: u8, about: &[u8], mut values: &[u8]) -> Vec<u8> {
    let (mut out, mut count) = (Vec::new(), 0);
    while let Some(value) = part(&mut values, END) {
        let (mut rest, mut fits) = (about, false);
        let mut made = value.to_vec();
        match letter {
            op::LIKE => {
                while let Some(pattern) = part(&mut rest, NEXT) {
                    fits |= is_like(value, pattern);
                }
            }
            op::WITHIN => {
                while let (Some(from), Some(to)) = (part(&mut rest, NEXT), part(&mut rest, NEXT)) {
                    fits |= from <= value && value <= to;
                }
            }
            op::LENGTH => made = comparable(value.len() as u64).into_bytes(),
            op::LOWER => made.make_ascii_lowercase(),
            op::UPPER => made.make_ascii_uppercase(),
            op::DECODE => made = percent_decoded(value),
            _ => {}
        }
        if matches!(letter, op::LIKE | op::WITHIN) {
            out.push(u8::from(fits));
        } else if letter != op::NTH || about == [b'0' + count.min(10) as u8] {
            for byte in made {
                // What was an escape may be one of our three.
                out.push(byte.min(ANYTHING - 1));
            }
            out.push(END);
        }
        count += 1;
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

    /// The values of a field.
    fn read(&self, letter: u8, name: &[u8], values: &mut Vec<u8>) {
        let ([host, path], uri) = (self.begin, self.uri.as_bytes());
        let mut made = Vec::new();
        let (mut pairs, mut end) = (self.address.query.as_bytes(), b'&');
        let text = match letter {
            op::METHOD => self.headers.method.as_bytes(),
            op::HOST => uri.get(host..path).unwrap_or_default(),
            op::PATH => self.path.as_bytes(),
            op::QUERY => pairs,
            op::URI => uri.get(path..).unwrap_or_default(),
            op::FULL_URI => uri,
            op::EXTENSION => {
                let last = self.path.rsplit_once('/').map_or(self.path, |(_, last)| last);
                last.rsplit_once('.').map_or("", |(_, extension)| extension).as_bytes()
            }
            op::CLIENT => {
                made = network(self.headers.client, "", 0).into_bytes();
                &made
            }
            op::SECURE => return values.push(u8::from(self.address.scheme == Scheme::Https)),
            op::COOKIE | op::ARGUMENT => {
                if letter == op::COOKIE {
                    (self.header)(b"cookie", &mut made);
                    (pairs, end) = (&made, b';');
                }
                while let Some(pair) = part(&mut pairs, end) {
                    let mut value = pair.trim_ascii();
                    if part(&mut value, b'=') == Some(name) {
                        values.extend_from_slice(value);
                        values.push(END);
                    }
                }
                return;
            }
            _ => {
                (self.header)(name, &mut made);
                &made
            }
        };
        // An address that is none and a header that is not there are no value; of everything else there is one, be it empty.
        if !text.is_empty() || !matches!(letter, op::HEADER | op::CLIENT) {
            values.extend_from_slice(text);
            values.push(END);
        }
    }
}
