//! The Room's host: what is asked while a commit is in flight gathers for the next, answers are told once it is durable, an alarm that
//! fails comes again.

use durable::journal::{Change, Row};
use durable::lobby::{self, About};
use durable::store::Write;
use durable::units::Millis;

use super::edge::skewed;
use super::table::{Commit, Said, Table, Wanted};
use super::trouble::Keeps;
use super::{Event, World};
use crate::trace::NOON;

/// Calls the Room for nobody: what it says is heard by none.
pub(super) const NOBODY: u64 = 0;
/// The directory.
pub(super) const DESK: u64 = u64::MAX;
/// The platform's alarm.
pub(super) const ALARM: u64 = u64::MAX - 1;
/// A Room that moves is frozen for so long at most: whoever calls it meanwhile has failed.
const MOVES_WITHIN: Millis = Millis(4_000);
/// An alarm that failed comes again after so long.
const ALARM_AGAIN: Millis = Millis(2_000);

/// A lobby's call of its parent that is not answered yet.
#[derive(Clone, Copy)]
pub(super) struct OpenRoomCall {
    /// Whose.
    pub(super) slot: usize,
    /// In which of its lives.
    pub(super) life: u64,
    /// What for.
    pub(super) about: About,
    /// How long the answer takes, if it arrives.
    pub(super) back: Option<Millis>,
}

/// See the module's words.
#[derive(Default)]
pub(super) struct RoomHost {
    /// The Room and its rows.
    pub(super) table: Table,
    /// What the next commit fails with.
    pub(super) fails: Vec<Keeps>,
    /// The clock is behind until then, by so much.
    pub(super) clock_behind: (Millis, u64),
    /// Alarms are late until then, by so much.
    pub(super) alarms_late: (Millis, Millis),
    /// The next alarm comes twice.
    pub(super) alarm_twice: bool,
    /// It moves, and is there then.
    pub(super) frozen_until: Millis,
    gathered: Vec<(u64, Wanted)>,
    underway: Option<Commit>,
    life: u64,
    /// Grows when its memory is lost, and its timers with it.
    memory: u64,
    alarm_at: Option<Millis>,
}

impl World<'_> {
    /// The time, as the Room has it.
    pub(super) fn room_clock(&self) -> Millis {
        let (now, (until, behind)) = (self.queue.now(), self.room.clock_behind);
        if now < until { skewed(now, -(behind as i64)) } else { now }
    }

    pub(super) fn room_asked(&mut self, caller: u64, wanted: Wanted) {
        if self.queue.now() < self.room.frozen_until {
            return self.tell(vec![(caller, Said::Failed)]);
        }
        self.room.gathered.push((caller, wanted));
        if self.room.underway.is_none() {
            self.step_room();
        }
    }

    fn step_room(&mut self) {
        let (now, clock) = (self.queue.now(), self.room_clock());
        let wanted = std::mem::take(&mut self.room.gathered);
        let keeps = self.room.fails.pop();
        let entropy = self.dice.bytes();
        let commit = self.room.table.step((now, clock), entropy, wanted, keeps, &mut self.auditor);
        if let Some(keeps) = keeps {
            self.trace.note(now, format_args!("a commit fails and keeps {keeps:?}"));
        }
        for write in &commit.written {
            self.note_write(now, write);
        }
        if let Some(at) = commit.wake.alarm_at {
            self.set_alarm(at);
        }
        if let Some(name) = &commit.moved_to {
            let within = self.dice.millis(5, MOVES_WITHIN.0);
            self.trace.note(now, format_args!("the Room moves to {name}, within {} ms", within.0));
            self.room.frozen_until = now.plus(within);
            // The first thing it does there.
            self.queue.after(within, Event::RoomAsked { caller: NOBODY, wanted: Wanted::Alarm });
        }
        self.room.life += 1;
        if let Some(at) = commit.wake.timer_at {
            let (at, memory) = (now.plus(at.since(clock)), self.room.memory);
            self.queue.at(at, Event::Tick { memory });
        }
        self.room.underway = Some(commit);
        let sync = self.dice.millis(1, if self.is_quiet { 20 } else { 60 });
        self.queue.after(sync, Event::RoomCommitted { life: self.room.life });
    }

    fn note_write(&mut self, now: Millis, write: &Write) {
        match write {
            Write::Row { sequence, bytes, .. } => {
                self.trace.hash_bytes(bytes);
                let Ok(row) = Row::decode(bytes) else { return };
                let told = row.changes.iter().filter(|change| {
                    !matches!(
                        change,
                        Change::Answered { .. } | Change::Configured { .. } | Change::Paced { .. }
                    )
                });
                let told: Vec<_> = told.collect();
                self.trace.note(now, format_args!("row {sequence}: {told:?}"));
            }
            Write::Page(stored) => {
                self.trace.hash_bytes(&stored.bytes);
                self.trace.note(now, format_args!("page {:?} as of row {}", stored.page, stored.sequence));
            }
            other @ Write::DropPage(_) => self.trace.note(now, format_args!("{other:?}")),
        }
    }

    pub(super) fn room_committed(&mut self, life: u64) {
        if self.room.life != life {
            return;
        }
        let Some(commit) = self.room.underway.take() else { return };
        self.tell(commit.said);
        if self.queue.now() < self.room.frozen_until {
            let gathered = std::mem::take(&mut self.room.gathered);
            self.tell(gathered.into_iter().map(|(caller, _)| (caller, Said::Failed)).collect());
        } else if !self.room.gathered.is_empty() {
            self.step_room();
        }
    }

    fn tell(&mut self, said: Vec<(u64, Said)>) {
        for (caller, said) in said {
            match caller {
                NOBODY => {}
                DESK => self.confirmed(&said),
                ALARM if said == Said::Failed => {
                    let at = self.queue.now().plus(ALARM_AGAIN);
                    self.set_alarm(at);
                }
                ALARM => {}
                _ => {
                    let said = if self.speaks_newer { newer(said) } else { said };
                    let said = match said {
                        Said::Bytes(bytes) => lobby::Said::Bytes(bytes),
                        Said::Text(text) => lobby::Said::Text(text),
                        Said::Unknown => lobby::Said::Unknown,
                        Said::Configured(_) | Said::Done | Said::Failed => lobby::Said::Failed,
                    };
                    self.answer_lobby(caller, said);
                }
            }
        }
    }

    /// Memory is lost, in the middle of a commit perhaps: it is durable, but nobody hears of it.
    pub(super) fn lose_room(&mut self) {
        let (now, clock) = (self.queue.now(), self.room_clock());
        self.room.life += 1;
        self.room.memory += 1;
        let untold = self.room.underway.take().map(|commit| commit.said).unwrap_or_default();
        let callers = untold.into_iter().map(|(caller, _)| caller);
        let gathered = std::mem::take(&mut self.room.gathered);
        let callers: Vec<_> = callers.chain(gathered.into_iter().map(|(caller, _)| caller)).collect();
        self.room.table.lose((now, clock), &mut self.auditor);
        self.tell(callers.into_iter().map(|caller| (caller, Said::Failed)).collect());
    }

    fn set_alarm(&mut self, at: Millis) {
        let seconds = at.since(NOON).0 / 1_000;
        self.trace.note(self.queue.now(), format_args!("the alarm is set to {seconds}.{:03}", at.0 % 1_000));
        self.room.alarm_at = Some(at);
        let (until, late) = self.room.alarms_late;
        let late = if self.queue.now() < until { late } else { Millis(0) };
        self.queue.at(at.plus(late), Event::Alarm(at));
    }

    /// Alarms are late no more: the one that is set comes when it should.
    pub(super) fn alarms_in_time(&mut self) {
        self.room.alarms_late = (Millis(0), Millis(0));
        self.room.alarm_twice = false;
        if let Some(at) = self.room.alarm_at {
            self.queue.at(at, Event::Alarm(at));
        }
    }

    pub(super) fn tick(&mut self, memory: u64) {
        if self.room.memory == memory {
            self.room_asked(NOBODY, Wanted::Tick);
        }
    }

    pub(super) fn alarm(&mut self, at: Millis) {
        if self.room.alarm_at != Some(at) {
            return;
        }
        self.room.alarm_at = None;
        self.trace.note(self.queue.now(), format_args!("the alarm rings"));
        if self.room_clock() == self.queue.now() {
            self.auditor.alarm_rang(self.queue.now());
        }
        if std::mem::take(&mut self.room.alarm_twice) {
            self.room_asked(NOBODY, Wanted::Alarm);
        }
        self.room_asked(ALARM, Wanted::Alarm);
    }
}

/// What a Room of a later version says: a board with more on it than this version knows.
fn newer(said: Said) -> Said {
    match said {
        Said::Text(text) => Said::Text(text.replacen('{', "{\"drawn\":{\"by\":[1,2]},", 1)),
        said => said,
    }
}
