//! The Room and its leaves in simulated time, with what the platform bills counted: calls, rows, and how long objects are awake. Production's `Room` and
//! `Lobby`; around them, in a few lines each, what their hosts do (`src/objects.mjs`).

use durable::batch::{BatchAnswer, decode_batch};
use durable::board::{Board, Revocations};
use durable::json::Value;
use durable::lobby::{Lobby, Next, Taken, Waiter};
use durable::protocol::{Outcome, Wish};
use durable::room::{Input, Output, Room};
use durable::settings::Settings;
use durable::state::Config;
use durable::store::Write;
use durable::token::{Keys, RoomTag};
use durable::units::Millis;
use simulation::dice::Dice;

use crate::operations::Level;
use crate::tree::{COMMIT, HANDLING};

/// How long one object is awake: calls overlap.
#[derive(Clone, Copy, Default)]
struct Awake {
    open: u32,
    since: Millis,
    until: Millis,
    total: Millis,
}

impl Awake {
    fn begins(&mut self, now: Millis) {
        if self.open == 0 {
            self.since = now.max(self.until);
        }
        self.open += 1;
    }

    fn ends(&mut self, now: Millis) {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 {
            // Even what is answered at once takes its time.
            self.until = now.max(self.since.plus(HANDLING));
            self.total = self.total.plus(self.until.since(self.since));
        }
    }
}

/// A call of a leaf to the Room.
pub struct Call {
    /// Which leaf's.
    pub leaf: usize,
    kind: Kind,
}

enum Kind {
    Board,
    Batch { name: ([u8; 16], u64), bytes: Vec<u8> },
}

/// What the Room says to a call.
pub struct Said {
    board: Board,
    about: About,
}

enum About {
    Board(Revocations),
    Batch(([u8; 16], u64), BatchAnswer),
}

/// What a leaf wants.
#[derive(Default)]
pub struct Wants {
    /// Calls to be made.
    pub calls: Vec<Call>,
    /// When it wants to be woken.
    pub wakes_at: Option<Millis>,
}

/// A leaf lobby.
pub struct Leaf {
    number: usize,
    lobby: Lobby,
    /// So many wait for a board; nobody is told, for nobody but the bill wants to know.
    wants_board: u32,
    board_called: bool,
    awake: Awake,
    calls: u64,
}

impl Leaf {
    /// A leaf whose memory begins now.
    pub fn new(number: usize, room_id: &str, keys: &Keys, dice: &mut Dice) -> Leaf {
        let tag = RoomTag::from_id(room_id).unwrap_or_default();
        let lobby = Lobby::new(format!("{room_id}/leaf/{number}"), tag, keys.clone(), dice.bytes());
        Leaf { number, lobby, wants_board: 0, board_called: false, awake: Awake::default(), calls: 0 }
    }

    /// One call of an edge with one wish: what is answered at once.
    pub fn ask(&mut self, now: Millis, waiter: Waiter, wish: Wish) -> Option<Outcome> {
        self.calls += 1;
        self.awake.begins(now);
        match self.lobby.ask(now, waiter, wish) {
            Taken::Answered(outcome) => {
                self.awake.ends(now);
                Some(outcome)
            }
            Taken::Gathered => None,
            Taken::BoardWanted => {
                self.wants_board += 1;
                None
            }
        }
    }

    /// What it wants now. One call for a board serves all who wait for it.
    pub fn wants(&mut self, now: Millis) -> Wants {
        let mut wants = Wants::default();
        if self.wants_board > 0 && !self.board_called {
            self.board_called = true;
            wants.calls.push(Call { leaf: self.number, kind: Kind::Board });
        }
        loop {
            match self.lobby.next(now) {
                Next::Send { incarnation, number, bytes } => {
                    let name = (incarnation, number);
                    wants.calls.push(Call { leaf: self.number, kind: Kind::Batch { name, bytes } });
                }
                Next::Wait(until) => {
                    wants.wakes_at = Some(until);
                    return wants;
                }
                Next::Rest => return wants,
            }
        }
    }

    /// The Room's answer came: who is told what.
    pub fn heard(&mut self, now: Millis, said: Said, fresh: [u8; 16]) -> Vec<(Waiter, Outcome)> {
        let Said { board, about } = said;
        match about {
            About::Board(revocations) => {
                self.lobby.take_board(now, board);
                self.lobby.take_revocations(revocations);
                self.board_called = false;
                (0..std::mem::take(&mut self.wants_board)).for_each(|_| self.awake.ends(now));
                Vec::new()
            }
            About::Batch(name, answer) => {
                let told = self.lobby.answered(now, name, answer, board, fresh);
                told.iter().for_each(|_| self.awake.ends(now));
                told
            }
        }
    }

    /// What it has cost.
    pub fn level(&self) -> Level {
        Level { calls: self.calls as f64, awake_seconds: self.awake.total.0 as f64 / 1_000.0 }
    }
}

/// The Room and what its storage is asked.
pub struct Hall {
    room: Room,
    dice: Dice,
    gathered: Vec<Call>,
    alarm_rang: bool,
    alarm_at: Option<Millis>,
    told: Vec<(usize, Said)>,
    is_committing: bool,
    journal_begins: u64,
    awake: Awake,
    calls: u64,
    /// Commits.
    pub commits: u64,
    /// Rows written and deleted, alarms among them.
    pub rows: u64,
}

impl Hall {
    /// A room with these settings.
    pub fn new(settings: &Value, now: Millis, mut dice: Dice) -> Result<Hall, String> {
        let settings =
            Settings::parse(settings).map_err(|faults| format!("the room's settings: {faults:?}"))?;
        let mut room = Room::load(&[], &[]).map_err(|fault| fault.to_string())?;
        let config = Config { version: 1, directory_version: 1, settings, events: Vec::new() };
        room.step(now, dice.bytes(), vec![Input::Configure(Box::new(config))])
            .map_err(|fault| fault.to_string())?;
        Ok(Hall {
            room,
            dice,
            gathered: Vec::new(),
            alarm_rang: false,
            alarm_at: None,
            told: Vec::new(),
            is_committing: false,
            journal_begins: 0,
            awake: Awake::default(),
            calls: 0,
            commits: 0,
            rows: 0,
        })
    }

    /// The newest board.
    pub fn board(&mut self, now: Millis) -> Board {
        self.room.board(now)
    }

    /// A leaf calls.
    pub fn gather(&mut self, call: Call) {
        self.calls += 1;
        self.gathered.push(call);
    }

    /// An alarm of this time rings, unless another stands by now.
    pub fn ring(&mut self, at: Millis) {
        if self.alarm_at == Some(at) {
            self.calls += 1;
            self.alarm_at = None;
            self.alarm_rang = true;
        }
    }

    /// Takes one step for all that has gathered, unless a commit is under way: when what it says is durable, and the next alarm if it was set.
    pub fn step(&mut self, now: Millis) -> Result<Option<(Millis, Option<Millis>)>, String> {
        if self.is_committing || (self.gathered.is_empty() && !self.alarm_rang) {
            return Ok(None);
        }
        self.awake.begins(now);
        self.is_committing = true;
        let (gathered, rang) = (std::mem::take(&mut self.gathered), std::mem::take(&mut self.alarm_rang));
        let batches = gathered.iter().filter_map(|call| match &call.kind {
            Kind::Batch { bytes, .. } => Some(decode_batch(bytes).map(Input::Batch)),
            Kind::Board => None,
        });
        let mut inputs = batches.collect::<Result<Vec<_>, _>>().map_err(|fault| fault.to_string())?;
        if inputs.is_empty() && !rang && self.alarm_at.is_none_or(|at| at > now) {
            self.tell(now, gathered, Vec::new());
            return Ok(Some((now.plus(HANDLING), None)));
        }
        if inputs.is_empty() {
            inputs.push(Input::Tick);
        }
        let step = self.room.step(now, self.dice.bytes(), inputs).map_err(|fault| fault.to_string())?;
        self.commits += 1;
        step.writes.iter().for_each(|write| self.write(write));
        let alarm = self.wake(now, step.wake_at);
        self.tell(now, gathered, step.outputs);
        Ok(Some((now.plus(COMMIT), alarm)))
    }

    /// What was told by the step whose commit is durable now, leaf by leaf.
    pub fn durable(&mut self, now: Millis) -> Vec<(usize, Said)> {
        self.is_committing = false;
        self.awake.ends(now);
        std::mem::take(&mut self.told)
    }

    fn tell(&mut self, now: Millis, gathered: Vec<Call>, outputs: Vec<Output>) {
        let mut outputs = outputs.into_iter();
        for Call { leaf, kind } in gathered {
            let about = match kind {
                Kind::Board => About::Board(self.room.revocations()),
                Kind::Batch { name, .. } => match outputs.next() {
                    Some(Output::Batch(answer)) => About::Batch(name, answer),
                    _ => continue,
                },
            };
            let board = self.room.board(now);
            self.told.push((leaf, Said { board, about }));
        }
    }

    fn write(&mut self, write: &Write) {
        self.rows += match write {
            Write::CutBelow(sequence) => {
                let cut = sequence.saturating_sub(self.journal_begins);
                self.journal_begins = self.journal_begins.max(*sequence);
                cut
            }
            Write::Row { .. } | Write::Page(_) | Write::DropPage(_) => 1,
        };
    }

    /// As `RoomObject` sets its alarm: only when it moves earlier, or has fired.
    fn wake(&mut self, now: Millis, wake_at: Option<Millis>) -> Option<Millis> {
        self.alarm_at = self.alarm_at.filter(|set| *set > now);
        let at = wake_at.filter(|at| self.alarm_at.is_none_or(|set| *at < set))?;
        self.alarm_at = Some(at);
        self.rows += 1;
        Some(at)
    }

    /// What it has cost.
    pub fn level(&self) -> Level {
        Level { calls: self.calls as f64, awake_seconds: self.awake.total.0 as f64 / 1_000.0 }
    }
}
