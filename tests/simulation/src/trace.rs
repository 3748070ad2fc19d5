//! What happened, in order: always as a hash, by which two runs are compared, and as lines where somebody wants to read them.

use std::fmt;

use durable::units::Millis;

/// Noon of the day on which every run begins.
pub const NOON: Millis = Millis(1_800_000_000_000);

/// The history of a run.
#[derive(Clone, Debug)]
pub struct Trace {
    hash: Fnv,
    lines: Option<Vec<String>>,
    events: u64,
}

impl Trace {
    /// An empty one, which keeps its lines or does not.
    pub fn new(keeps_lines: bool) -> Trace {
        Trace { hash: Fnv(0xcbf2_9ce4_8422_2325), lines: keeps_lines.then(Vec::new), events: 0 }
    }

    /// Something happened.
    pub fn note(&mut self, now: Millis, what: fmt::Arguments<'_>) {
        self.events += 1;
        let line = Line(now.since(NOON), what);
        // Hashing cannot fail.
        let _ = fmt::Write::write_fmt(&mut self.hash, format_args!("{line}\n"));
        if let Some(lines) = &mut self.lines {
            lines.push(line.to_string());
        }
    }

    /// Bytes that were written somewhere.
    pub fn hash_bytes(&mut self, bytes: &[u8]) {
        self.hash.take(bytes);
    }

    /// What stands for the whole history.
    pub fn hash(&self) -> u64 {
        self.hash.0
    }

    /// How much happened.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The lines, if they were kept.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

struct Line<'a>(Millis, fmt::Arguments<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5}.{:03}  {}", self.0.0 / 1_000, self.0.0 % 1_000, self.1)
    }
}

/// FNV-1a of 64 bits: the same on every machine.
#[derive(Clone, Debug)]
struct Fnv(u64);

impl Fnv {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.take(text.as_bytes());
        Ok(())
    }
}
