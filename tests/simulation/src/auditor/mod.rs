//! The auditor: it alone says whether a run was right. It sees what was asked of the Room and told by it, the rows that were committed, the
//! boards that were published, what the origin saw and what visitors heard, and keeps a naive model of its own (`facts`): plain lists,
//! counted anew each time. It shares no decision with the Room; from the production code it takes nothing but the formats.
//!
//! | file | rules of `docs/how-it-works.md` |
//! |---|---|
//! | `cap` | 1: live seats, and what edges let through |
//! | `pace` | 2: admissions in 60 s, evenly |
//! | `order` | 3: calls, claims in their window |
//! | `once` | 4, 5, 6: tickets, ranks, batches, what was told |
//! | `resets` | 1, 4, 5: that a room begins anew
//! | `returns` | 1, 4: who gets a seat back, and who has to |
//! | `expected`, `late` | 7: who is counted on, ghosts and latecomers |
//! | `live` | 8: nobody waits without a reason |
//! | `draws`, `rounds`, `lots` | 9: who is drawn, and in which order |
//! | `edges` | that edges follow the schedule they heard of |
//! | `rules` | what operators allow at a moment |
//!
//! Rule 10 is looked at by the world (it has both Rooms), and told to the auditor.

mod cap;
mod draws;
mod edges;
mod expected;
mod facts;
mod late;
mod leases;
mod live;
mod lots;
mod once;
mod order;
mod origin;
mod pace;
mod resets;
mod returns;
mod rounds;
mod rules;
mod visitors;

use std::fmt;

use durable::batch::{Batch, BatchAnswer};
use durable::board::Board;
use durable::journal::{Change, Row};
use durable::units::Millis;

use self::facts::{Facts, Published};
use self::live::Live;
use self::visitors::Visitors;
use crate::trace::NOON;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// 1.
    Cap,
    /// 2.
    Pace,
    /// 3.
    Order,
    /// 4.
    Once,
    /// 5.
    Dense,
    /// 6.
    Durable,
    /// 7.
    Ghosts,
    /// 8.
    Live,
    /// 9.
    Drawn,
    /// 10.
    Replayable,
    /// A session is as long as was promised, and a place in line is not taken away; and edges keep to the schedule.
    Kept,
    /// No input makes production code panic.
    Calm,
}

/// The first promise that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// When.
    pub at: Millis,
    /// With numbers.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { rule, at, what } = self;
        write!(f, "{rule:?} at {}.{:03}: {what}", at.since(NOON).0 / 1_000, at.0 % 1_000)
    }
}

/// What was asked of the Room.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A batch.
    Batch(Box<Batch>),
    /// What an operator wants: settings, or that a session ends.
    Settings,
    /// That all sessions end.
    EndAll,
    /// That the room begins anew.
    Reset,
    /// Nothing that has an answer.
    Nothing,
}

/// What it answered.
#[derive(Clone, Debug)]
pub enum Answered {
    /// To a batch.
    Batch(BatchAnswer),
    /// Nothing of interest.
    Nothing,
}

/// See the module's words.
#[derive(Clone, Default)]
pub struct Auditor {
    facts: Facts,
    live: Live,
    visitors: Visitors,
    violation: Option<Violation>,
}

impl Auditor {
    /// The first promise that was broken.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// How many tickets were given.
    pub fn issued(&self) -> u64 {
        self.facts.issued_before.iter().sum::<u64>() + self.facts.ranks.len() as u64
    }

    /// A promise was broken; the first one counts.
    pub fn broke(&mut self, at: Millis, rule: Rule, what: String) {
        self.violation.get_or_insert(Violation { rule, at, what });
    }

    /// Something has to be so.
    pub fn check(&mut self, at: Millis, holds: bool, rule: Rule, what: impl FnOnce() -> String) {
        if !holds {
            self.broke(at, rule, what());
        }
    }

    /// A step was committed, some of it at least. What was answered is there if it will be told.
    pub fn committed(&mut self, now: Millis, asked: &[Asked], answered: Option<&[Answered]>, rows: &[&[u8]]) {
        let Ok(rows) = rows.iter().map(|bytes| Row::decode(bytes)).collect::<Result<Vec<_>, _>>() else {
            self.broke(now, Rule::Replayable, "a row that cannot be read".into());
            return;
        };
        let at = rows.first().map_or(now, |row| row.at);
        let off = at.since(now).0.max(now.since(at).0);
        self.check(now, off <= 1_000, Rule::Replayable, || format!("the row's time is {off} ms off"));
        if !rows.is_empty() {
            self.time_is(at);
        }
        if let Some(answered) = answered {
            let ends = |change: &Change| matches!(change, Change::SessionsEnded { .. });
            let sessions_end = rows.iter().any(|row| row.changes.iter().any(ends));
            self.judge_claims(at, asked, answered, sessions_end);
        }
        for row in &rows {
            self.read_row(row, asked);
        }
        if let Some(answered) = answered {
            self.judge_told(now, asked, answered);
        }
        self.live.looked_at = None;
    }

    /// What time alone has changed by now: which limits hold, and which rounds are forgotten.
    fn time_is(&mut self, at: Millis) {
        self.facts.note_quiet(at);
        self.facts.reckon(at);
        let clock = self.facts.moment(at);
        self.facts.forget_rounds(clock);
        self.facts.draws.forget_missed(at);
    }

    fn read_row(&mut self, row: &Row, asked: &[Asked]) {
        let at = row.at;
        self.time_is(at);
        let forward = self.facts.at <= at;
        self.check(at, forward, Rule::Replayable, || "the Room's clock went back".into());
        self.facts.draws.owed = self.unswept(at).collect();
        self.facts.at = at;
        let mut joined = 0;
        for change in &row.changes {
            match change {
                Change::Configured { settings, .. } => self.facts.configure(at, settings),
                Change::Joined { count } => {
                    joined = *count;
                    self.facts.join(at, *count);
                }
                Change::Called { end, holding, closes_at, late_until } => {
                    self.judge_call(at, end.0, *holding, (*closes_at, *late_until));
                }
                Change::Scheduled { events } => self.facts.schedule(at, events),
                Change::Admitted { rank, grant, free_at } => {
                    self.judge_cap(at, grant, *free_at);
                    self.judge_pace(at, rank.is_some());
                    self.judge_entry(at, *rank);
                    self.judge_promised(at, *rank);
                    self.facts.admit(at, *rank, grant, *free_at);
                }
                Change::Renewed { grant, free_at } => self.judge_renewed(at, grant, *free_at),
                Change::Returned { grant, free_at } => self.judge_returned(at, grant, *free_at),
                Change::TicketLeft { rank } => self.judge_ticket_left(at, *rank),
                Change::PassLeft { seat, generation, free_at, .. } => {
                    self.judge_pass_left(at, (seat.0, generation.0), *free_at);
                }
                Change::LeaseReturned { seat, generation, .. } => {
                    self.judge_lease_returned(at, (seat.0, generation.0), asked);
                }
                Change::Kept { rank } => self.judge_kept(at, *rank),
                Change::Held { held } => {
                    let orders = |change: &Change| {
                        matches!(change, Change::Configured { .. } | Change::Scheduled { .. })
                    };
                    self.judge_held(at, *held, row.changes.iter().any(orders));
                }
                Change::HeldSince { since } => self.judge_held_since(at, *since),
                Change::SessionsEnded { occasion, free_at } => {
                    self.judge_sessions_ended(at, *occasion, *free_at, asked);
                }
                Change::EpochBegun { free_at } => {
                    joined = 0;
                    self.judge_reset(at, *free_at, asked);
                }
                Change::Learnt { called, claimed } => self.judge_learnt(at, *called, *claimed),
                Change::Sealed { occasion, seed } => self.judge_sealed(at, *occasion, *seed),
                Change::Gathering { event } => self.judge_gathering(at, *event),
                Change::Drawn { occasion, draw } => self.judge_drawn(at, *occasion, draw),
                Change::ChainBegun { tip, commitment } => self.judge_chain(at, *tip, *commitment),
                Change::Round { draw, cut, doubles, holding, closes_at, late_until } => {
                    self.judge_round(at, (draw, *cut), doubles, *holding, (*closes_at, *late_until));
                }
                // What the Room remembers for itself: what it comes to is judged where it counts.
                Change::Paced { .. }
                | Change::Promised { .. }
                | Change::Mixed { .. }
                | Change::OriginHeard { .. } => {}
                Change::OriginJudged { pace, limit } => self.judge_origin(at, *pace, *limit),
                Change::Answered { name, digest, reply } => {
                    self.judge_answered(at, (name, digest), reply, joined, asked);
                    joined = 0;
                }
            }
        }
        self.judge_schedule(at);
        self.judge_closed(at);
    }

    /// A board was made that anybody may see by now.
    pub fn published(&mut self, now: Millis, board: &Board) {
        let facts = &mut self.facts;
        let (called, issued) = (facts.called, facts.ranks.len() as u64);
        let (clock, age) = (Millis(board.at_ms), Millis(board.max_age_ms));
        facts.boards.push_back(Published { at: now, clock, age });
        while facts.boards.front().is_some_and(|board| now.since(board.at).0 > 60_000) {
            facts.boards.pop_front();
        }
        self.check(now, board.called <= called && board.issued <= issued, Rule::Durable, || {
            format!(
                "the board says {} called, {} issued; committed are {called} and {issued}",
                board.called, board.issued
            )
        });
        let epoch = self.facts.epoch();
        self.check(now, board.epoch() == epoch, Rule::Durable, || {
            format!("the board says {:?}, committed is {epoch:?}", board.epoch)
        });
        self.judge_board_sessions(now, board);
        self.judge_board_draws(now, board);
        self.judge_board_calls(now, board);
    }
}
