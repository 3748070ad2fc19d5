//! The Room in simulated time: production's `Room`, and around it, in a few lines, what its host does (`durable/src/room_object.rs`, `src/objects.mjs`), with what the
//! platform bills counted: calls, rows, and how long it is awake.

use durable::batch::decode_batch;
use durable::board::Board;
use durable::bulletin::BoardWanted;
use durable::json::Value;
use durable::lobby::{About, Said};
use durable::protocol::BoardAnswer;
use durable::room::{Input, Output, Room};
use durable::settings::Settings;
use durable::state::Config;
use durable::store::Write;
use durable::units::Millis;
use durable::wire::to_text;
use simulation::dice::Dice;

use crate::lobbies::{Awake, Call};
use crate::operations::Level;
use crate::tree::{COMMIT, HANDLING};

/// See the module's words.
pub struct Hall {
    room: Room,
    dice: Dice,
    gathered: Vec<Call>,
    alarm_rang: bool,
    alarm_at: Option<Millis>,
    told: Vec<(usize, About, Said)>,
    is_committing: bool,
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

    /// A lobby calls.
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
        let (mut inputs, mut asked) = (Vec::new(), Vec::new());
        for Call { from, about, bytes } in gathered {
            let mut board = BoardWanted::default();
            if let About::Batch(_) = about {
                let batch = decode_batch(&bytes).map_err(|fault| fault.to_string())?;
                board = BoardWanted::of(&batch.items);
                inputs.push(Input::Batch(batch));
            }
            asked.push((from, about, board));
        }
        // Reading commits nothing.
        if inputs.is_empty() && !rang {
            self.tell(now, asked, Vec::new());
            return Ok(Some((now.plus(HANDLING), None)));
        }
        if inputs.is_empty() {
            inputs.push(Input::Tick);
        }
        let step = self.room.step(now, self.dice.bytes(), inputs).map_err(|fault| fault.to_string())?;
        self.commits += 1;
        step.writes.iter().for_each(|write| self.write(write));
        let alarm = self.wake(now, step.wake_at);
        self.tell(now, asked, step.outputs);
        Ok(Some((now.plus(COMMIT), alarm)))
    }

    /// What was told by the step whose commit is durable now: to which lobby, about what.
    pub fn durable(&mut self, now: Millis) -> Vec<(usize, About, Said)> {
        self.is_committing = false;
        self.awake.ends(now);
        std::mem::take(&mut self.told)
    }

    fn tell(&mut self, now: Millis, asked: Vec<(usize, About, BoardWanted)>, outputs: Vec<Output>) {
        let mut outputs = outputs.into_iter();
        for (to, about, board) in asked {
            let said = match about {
                About::Board => {
                    let (board, revocations) = (self.room.board(now), Some(self.room.revocations()));
                    Said::Text(to_text(&BoardAnswer { board, board_age_ms: 0, revocations }))
                }
                About::Batch(_) => {
                    let Some(Output::Batch(answer)) = outputs.next() else { continue };
                    let newest = self.room.board(now);
                    let text = if board.with(&answer, &newest) { to_text(&newest) } else { String::new() };
                    Said::Bytes(answer.encode(text.as_bytes(), Millis(0)))
                }
            };
            self.told.push((to, about, said));
        }
    }

    fn write(&mut self, write: &Write) {
        self.rows += write.rows();
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
        Level { calls: self.calls as f64, awake_seconds: self.awake.seconds() }
    }
}
