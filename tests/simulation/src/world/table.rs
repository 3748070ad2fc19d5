//! The Room on a table of rows, as its Durable Object keeps it (`room_object.rs`, `objects.mjs`), and all the ways in which that
//! can go wrong. Here alone the simulation calls [`Room::step`].
//!
//! Beside the Room runs its *twin*: the same rows, the same inputs, but it does not lose its memory with the Room. Both have to say the
//! same, byte for byte, and a Room rebuilt from rows has to equal the one that wrote them (rule 10).

use durable::alarm::{Alarm, Wake};
use durable::batch::decode_batch;
use durable::bulletin::BoardWanted;
use durable::moving::{Home, Move, pack, unpack};
use durable::protocol::BoardAnswer;
use durable::room::{Entropy, Input, Output, Room, Step};
use durable::state::{Config, PageId};
use durable::store::{StoredPage, Write};

use durable::units::{Generation, Millis, Seat};
use durable::wire::to_text;

use super::trouble::Keeps;
use crate::auditor::{Answered, Asked, Auditor, Rule};

/// Something that is wanted of the Room.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// A lobby's batch.
    Batch(Vec<u8>),
    /// New settings.
    Configure(Box<Config>),
    /// The operator ends a session.
    End(Seat, Generation),
    /// The operator ends them all.
    EndAll,
    /// The operator begins the room anew.
    Reset,
    /// Its alarm.
    Alarm,
    /// Its timer.
    Tick,
    /// The newest board.
    Board,
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// To a batch, with the board behind it.
    Bytes(Vec<u8>),
    /// To who wants a board.
    Text(String),
    /// The version of the settings that hold.
    Configured(u64),
    /// Nothing of interest.
    Done,
    /// There is no such room.
    Unknown,
    /// An error: it may or may not have happened.
    Failed,
}

/// A commit under way, and who hears of it when it is durable.
#[derive(Debug)]
pub struct Commit {
    /// To whom what is said.
    pub said: Vec<(u64, Said)>,
    /// When it wants to be woken.
    pub wake: Wake,
    /// What was written, for the trace.
    pub written: Vec<Write>,
    /// The object to which the Room has gone, if it has.
    pub moved_to: Option<String>,
}

/// See the module's words.
#[derive(Default)]
pub struct Table {
    pages: Vec<StoredPage>,
    rows: Vec<(u64, Vec<u8>)>,
    room: Option<Room>,
    twin: Option<Room>,
    alarm: Alarm,
    /// The name of the object in which it lives, where that matters.
    pub home: String,
    /// The latest time the Room was told: a clock that jumps back has been there.
    latest: Millis,
}

impl Clone for Table {
    /// A copy has the rows alone: its Room is rebuilt.
    fn clone(&self) -> Table {
        let Table { pages, rows, alarm, home, latest, .. } = self;
        Table {
            pages: pages.clone(),
            rows: rows.clone(),
            room: None,
            twin: None,
            alarm: *alarm,
            home: home.clone(),
            latest: *latest,
        }
    }
}

impl Table {
    /// Memory is lost. What is rebuilt must be what was there.
    pub fn lose(&mut self, (now, clock): (Millis, Millis), auditor: &mut Auditor) {
        self.alarm = Alarm::default();
        let Some(mut lost) = self.room.take() else { return };
        match Room::load(&self.pages, &self.rows) {
            Ok(mut rebuilt) => {
                let latest = clock.max(self.latest);
                self.latest = latest;
                let same = rebuilt.fingerprint(latest) == lost.fingerprint(latest);
                auditor.check(now, same, Rule::Replayable, || "the rebuilt Room is another one".into());
            }
            Err(fault) => auditor.broke(now, Rule::Replayable, format!("rows that cannot be read: {fault}")),
        }
        // Time that passed without a row is forgotten with the memory: where the clock jumped back, it passes again.
        self.twin = Some(lost).filter(|_| self.latest == clock);
    }

    /// One step and one commit for all that was gathered. What is said may be told when the commit is durable; none comes of one
    /// that failed.
    pub fn step(
        &mut self,
        (now, clock): (Millis, Millis),
        entropy: Entropy,
        wanted: Vec<(u64, Wanted)>,
        keeps: Option<Keeps>,
        auditor: &mut Auditor,
    ) -> Commit {
        let mut room = match self.room.take().map_or_else(|| Room::load(&self.pages, &self.rows), Ok) {
            Ok(room) => room,
            Err(fault) => {
                auditor.broke(now, Rule::Replayable, format!("rows that cannot be read: {fault}"));
                return failed(wanted);
            }
        };
        if clock < self.latest {
            // The twin has been where the clock now is; a Room that was rebuilt has not.
            self.twin = None;
        }
        self.latest = self.latest.max(clock);
        let (mut inputs, mut asked) = (Vec::new(), Vec::new());
        let is_known = room.config().is_some()
            || wanted.iter().any(|(_, wanted)| matches!(wanted, Wanted::Configure(_)));
        let overdue = self.alarm.is_due(clock);
        if wanted.iter().any(|(_, wanted)| matches!(wanted, Wanted::Alarm)) {
            self.alarm.rang();
        }
        let steps =
            is_known && (overdue || !wanted.iter().all(|(_, wanted)| matches!(wanted, Wanted::Board)));
        for (_, wanted) in wanted.iter().filter(|_| steps) {
            inputs.push(input(wanted, &mut asked));
        }
        let (mut outputs, mut written, mut wake) = (Vec::new(), Vec::new(), Wake::default());
        let mut moved_to = None;
        if steps {
            let Ok(step) = room.step(clock, entropy, inputs.clone()) else {
                auditor.broke(now, Rule::Replayable, "the Room refused a step".into());
                return failed(wanted);
            };
            self.compare((now, clock), entropy, inputs, &step, auditor);
            let Step { outputs: all, writes, wake_at } = step;
            (outputs, written) = (all, writes);
            if let Some(keeps) = keeps {
                return self.fail(now, wanted, &asked, written, keeps, auditor);
            }
            written.iter().for_each(|write| self.write(write));
            let looks_at = match room.moves(&Home::of(&self.home)) {
                Move::Stay => None,
                Move::Later(at) => Some(at),
                Move::Go(name) => {
                    moved_to = Some(name);
                    None
                }
            };
            wake = self.alarm.wake(clock, wake_at.into_iter().chain(looks_at).min());
        }
        let answered: Vec<_> = outputs.iter().map(told).collect();
        auditor.committed(now, &asked, Some(&answered), &rows_of(&written));
        let said = say(&mut room, clock, &wanted, outputs, is_known);
        let board = room.board(clock);
        if let Some(twin) = &mut self.twin {
            let same = twin.board(clock) == board;
            auditor.check(now, same, Rule::Replayable, || "the Room and its twin publish two boards".into());
        }
        auditor.published(now, &board);
        self.room = Some(room);
        if let Some(name) = moved_to.clone() {
            self.move_on(name, (now, clock), auditor);
        }
        Commit { said, wake, written, moved_to }
    }

    /// The Room goes on in another object, which has nothing but its pages. It has to be the same there.
    fn move_on(&mut self, name: String, (now, clock): (Millis, Millis), auditor: &mut Auditor) {
        let pages = self.room.as_ref().map_or_else(Vec::new, |room| pack(&room.snapshot()));
        let Ok(pages) = unpack(&pages) else {
            return auditor.broke(now, Rule::Replayable, "pages that no object takes".into());
        };
        (self.pages, self.rows, self.home) = (pages, Vec::new(), name);
        self.lose((now, clock), auditor);
        self.twin = None;
    }

    /// The twin is asked the same.
    fn compare(
        &mut self,
        (now, clock): (Millis, Millis),
        entropy: Entropy,
        inputs: Vec<Input>,
        step: &Step,
        auditor: &mut Auditor,
    ) {
        let Some(twin) = self.twin.as_mut() else { return };
        let Ok(other) = twin.step(clock, entropy, inputs) else {
            return auditor.broke(now, Rule::Replayable, "the twin refused a step".into());
        };
        let outputs = other.outputs == step.outputs;
        auditor.check(now, outputs, Rule::Replayable, || "the Room and its twin do not say the same".into());
        // One that was rebuilt knows better when a seat is free; the other one looks in vain now and then.
        let wakes = other.wake_at.is_some() == step.wake_at.is_some();
        auditor.check(now, wakes, Rule::Replayable, || {
            format!("the Room wakes at {:?} and its twin at {:?}", step.wake_at, other.wake_at)
        });
        auditor.check(now, other.writes == step.writes, Rule::Replayable, || {
            let differing = other.writes.iter().zip(&step.writes).find(|(one, other)| one != other);
            format!("the Room and its twin do not write the same: {differing:?}")
        });
    }

    /// The commit fails: some of it is stored, memory is lost, and nobody hears of it but as an error.
    fn fail(
        &mut self,
        now: Millis,
        wanted: Vec<(u64, Wanted)>,
        asked: &[Asked],
        written: Vec<Write>,
        keeps: Keeps,
        auditor: &mut Auditor,
    ) -> Commit {
        let kept = match keeps {
            Keeps::All => written.len(),
            Keeps::Nothing => 0,
            Keeps::First(count) => written.len().min(count as usize),
        };
        let kept = &written[..kept];
        kept.iter().for_each(|write| self.write(write));
        auditor.committed(now, asked, None, &rows_of(kept));
        (self.alarm, self.twin) = (Alarm::default(), None);
        Commit { written: kept.to_vec(), ..failed(wanted) }
    }

    fn write(&mut self, write: &Write) {
        match write {
            Write::Row { sequence, bytes, cut } => {
                self.rows.retain(|(number, _)| !cut.contains(number));
                self.rows.push((*sequence, bytes.clone()));
            }
            Write::Page(stored) => {
                self.drop_page(stored.page);
                self.pages.push(stored.clone());
                // As a query answers them.
                self.pages.sort_by_key(|stored| stored.page);
            }
            Write::DropPage(page) => self.drop_page(*page),
        }
    }

    fn drop_page(&mut self, page: PageId) {
        self.pages.retain(|stored| stored.page != page);
    }
}

fn input(wanted: &Wanted, asked: &mut Vec<Asked>) -> Input {
    match wanted {
        Wanted::Batch(bytes) => match decode_batch(bytes) {
            Ok(batch) => {
                asked.push(Asked::Batch(Box::new(batch.clone())));
                Input::Batch(batch)
            }
            Err(_) => {
                asked.push(Asked::Nothing);
                Input::Tick
            }
        },
        Wanted::Configure(config) => {
            asked.push(Asked::Settings);
            Input::Configure(config.clone())
        }
        Wanted::End(seat, generation) => {
            asked.push(Asked::Settings);
            Input::End { seat: *seat, generation: *generation }
        }
        Wanted::EndAll => {
            asked.push(Asked::EndAll);
            Input::EndAll
        }
        Wanted::Reset => {
            asked.push(Asked::Reset);
            Input::Reset
        }
        Wanted::Alarm | Wanted::Tick | Wanted::Board => {
            asked.push(Asked::Nothing);
            Input::Tick
        }
    }
}

fn told(output: &Output) -> Answered {
    match output {
        Output::Batch(answer) => Answered::Batch(answer.clone()),
        _ => Answered::Nothing,
    }
}

fn say(
    room: &mut Room,
    clock: Millis,
    wanted: &[(u64, Wanted)],
    outputs: Vec<Output>,
    is_known: bool,
) -> Vec<(u64, Said)> {
    let mut outputs = outputs.into_iter();
    let said = wanted.iter().map(|(caller, wanted)| {
        let said = match (wanted, outputs.next()) {
            _ if !is_known => Said::Unknown,
            (Wanted::Batch(bytes), Some(Output::Batch(answer))) => {
                let wants = decode_batch(bytes).map(|batch| BoardWanted::of(&batch.items));
                let board = room.board(clock);
                let wants = wants.unwrap_or_default().with(&answer, &board);
                let board = if wants { to_text(&board) } else { String::new() };
                Said::Bytes(answer.encode(board.as_bytes(), Millis(0)))
            }
            (Wanted::Batch(_), _) => Said::Failed,
            (Wanted::Configure(_), Some(Output::Configured(version))) => Said::Configured(version),
            (Wanted::Board, _) => {
                let (board, revocations) = (room.board(clock), Some(room.revocations()));
                Said::Text(to_text(&BoardAnswer { board, board_age_ms: 0, revocations }))
            }
            _ => Said::Done,
        };
        (*caller, said)
    });
    said.collect()
}

fn failed(wanted: Vec<(u64, Wanted)>) -> Commit {
    let said = wanted.into_iter().map(|(caller, _)| (caller, Said::Failed)).collect();
    Commit { said, wake: Wake::default(), written: Vec::new(), moved_to: None }
}

fn rows_of(written: &[Write]) -> Vec<&[u8]> {
    let rows = written.iter().filter_map(|write| match write {
        Write::Row { bytes, .. } => Some(bytes.as_slice()),
        _ => None,
    });
    rows.collect()
}
