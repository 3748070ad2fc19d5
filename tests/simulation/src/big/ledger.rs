//! What the rows of a big run say, counted apart from the Room: seats alive, the order of calls and entries, pace.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use durable::batch::Grant;
use durable::journal::{Change, Row};
use durable::units::Millis;

/// A pass is dead at every edge so long after it expired, and after it was given up while a line stands: the age of a board, and seven seconds (ADR 13).
const DEAD_AFTER: Millis = Millis(2_000);
const DEAD_AFTER_REVOCATION: Millis = Millis(8_000);
const WINDOW: Millis = Millis(60_000);

/// A minute of the chart.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    /// When.
    pub(super) at: Millis,
    /// In line.
    pub(super) waiting: u64,
    /// Seats taken.
    pub(super) inside: u64,
    /// Places called so far.
    pub(super) called: u64,
    /// The place in the middle of the line.
    pub(super) middle: u64,
    /// What its holder is told, in seconds.
    pub(super) promised: Option<(u64, u64)>,
}

/// See the module's words.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Rows written.
    pub(super) rows: u64,
    /// Each movement of the watermark, and when.
    pub(super) calls: Vec<(u64, Millis)>,
    /// Places called, by the watermark or by rounds.
    pub(super) called: u64,
    /// Seats given.
    pub(super) admitted: u64,
    /// The most that were alive at once.
    pub(crate) live_max: u64,
    /// The most that were admitted within 60 s.
    pub(crate) fastest: u64,
    /// Calls and entries out of order.
    pub(crate) disorder: u64,
    draws_places: bool,
    live: u64,
    dead_at: Vec<Millis>,
    deaths: BinaryHeap<Reverse<(Millis, u32)>>,
    recent: VecDeque<Millis>,
}

impl Ledger {
    /// A ledger; where places are drawn, a rank says nothing about order.
    pub(crate) fn new(draws_places: bool) -> Ledger {
        Ledger { draws_places, ..Ledger::default() }
    }

    /// A row was committed.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        let Ok(row) = Row::decode(bytes) else {
            self.disorder += 1;
            return;
        };
        self.rows += 1;
        self.bury(row.at);
        for change in &row.changes {
            match change {
                Change::Called { end, holding, .. } => {
                    self.disorder += u64::from(end.0 <= self.watermark());
                    self.calls.push((end.0, row.at));
                    self.called += u64::from(*holding);
                }
                Change::Round { holding, .. } => self.called += u64::from(*holding),
                Change::Admitted { rank, grant, .. } => {
                    let in_order = self.draws_places || rank.is_some_and(|rank| rank.0 < self.watermark());
                    self.disorder += u64::from(!in_order);
                    self.admit(row.at, grant);
                }
                Change::Renewed { grant, .. } => self.dies(grant.seat.0, grant.expires.plus(DEAD_AFTER)),
                Change::PassLeft { seat, .. } => self.dies(seat.0, row.at.plus(DEAD_AFTER_REVOCATION)),
                _ => {}
            }
        }
    }

    fn watermark(&self) -> u64 {
        self.calls.last().map_or(0, |(end, _)| *end)
    }

    fn admit(&mut self, at: Millis, grant: &Grant) {
        self.admitted += 1;
        let seat = grant.seat.0 as usize;
        if self.dead_at.len() <= seat {
            self.dead_at.resize(seat + 1, Millis(0));
        }
        // A seat that is given while it is alive counts twice from here on.
        self.live += 1;
        self.live_max = self.live_max.max(self.live);
        self.dies(grant.seat.0, grant.expires.plus(DEAD_AFTER));
        self.recent.push_back(at);
        while self.recent.front().is_some_and(|then| at.since(*then) > WINDOW) {
            self.recent.pop_front();
        }
        self.fastest = self.fastest.max(self.recent.len() as u64);
    }

    fn dies(&mut self, seat: u32, at: Millis) {
        self.dead_at[seat as usize] = at;
        self.deaths.push(Reverse((at, seat)));
    }

    fn bury(&mut self, now: Millis) {
        while let Some(Reverse((at, seat))) =
            self.deaths.peek().copied().filter(|Reverse((at, _))| *at <= now)
        {
            self.deaths.pop();
            if self.dead_at[seat as usize] == at {
                self.dead_at[seat as usize] = Millis(0);
                self.live -= 1;
            }
        }
    }

    /// Seats alive.
    pub(super) fn live(&self) -> u64 {
        self.live
    }

    /// When a place was called by the watermark.
    pub(super) fn called_at(&self, place: u64) -> Option<Millis> {
        let index = self.calls.partition_point(|(end, _)| *end <= place);
        self.calls.get(index).map(|(_, at)| *at)
    }
}
