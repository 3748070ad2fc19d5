//! The Durable Object around a [`Room`]: loads its rows, gathers what arrives while its last commit is in
//! flight, and takes one step for all of it. The host commits, and only then tells anybody.
//!
//! Between the step and its writes nothing is awaited, so they are one commit. A step or a write that fails
//! throws the memory away: the next event rebuilds it from rows, which are written before the pages
//! that would replace them.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::alarm::{Alarm, Wake};
use crate::batch::decode_batch;
use crate::bulletin::BoardWanted;
use crate::codec::Malformed;
use crate::directory::seeds;
use crate::listed::Listed as _;
use crate::pieces::joined;
use crate::platform::{self, Column, Result, Storage, thrown};
use crate::protocol::{BoardAnswer, Configure, Configured, Ended, Ending};
use crate::room::{Input, Output, Room, Step};
use crate::settings::Settings;
use crate::state::{Config, PageId};
use crate::store::{StoredPage, Write};
use crate::units::{Generation, Millis, Seat};
use crate::wire::{from_text, to_text};

/// The Room's schema: rows are bytes, their formats are `journal` and `state`.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS journal (sequence INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pages (kind INTEGER, number INTEGER, sequence INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (kind, number)) WITHOUT ROWID;";

/// A step answers batches until it has answered so many items. What each of them changes and is told is some 60 bytes of the step's row, which may have 2 MB.
const ANSWERED_MAX: usize = 16_384;

/// Something that is wanted of the Room.
struct Wanted {
    id: String,
    action: String,
    payload: JsValue,
}

/// See the module's words.
#[wasm_bindgen]
pub struct RoomObject {
    storage: Storage,
    env: JsValue,
    room: Option<Room>,
    wanted: Vec<Wanted>,
    alarm: Alarm,
    timer_at: Option<Millis>,
}

#[wasm_bindgen]
impl RoomObject {
    /// Made by the host.
    #[wasm_bindgen(constructor)]
    pub fn new(storage: Storage, env: JsValue) -> RoomObject {
        RoomObject { storage, env, room: None, wanted: Vec::new(), alarm: Alarm::default(), timer_at: None }
    }

    /// Gathers what the lobby, the directory or the alarm wants of the Room.
    pub fn gather(&mut self, id: String, action: String, payload: JsValue) {
        self.wanted.push(Wanted { id, action, payload });
    }

    /// One step for what has gathered: an answer to each, in order; if that is a great deal, to the first of them, and the others are to be gathered again.
    /// Nobody may hear of them before the host has committed. A room that does not exist answers null; what was refused is an error.
    pub fn step(&mut self) -> Result<Array> {
        let answers = self.answers();
        if answers.is_err() {
            self.lose();
        }
        answers
    }

    /// When a timer is to have it *tick*, if it is to: told once.
    pub fn ticks_at(&mut self) -> Option<f64> {
        self.timer_at.take().map(|at| at.0 as f64)
    }

    /// The board, where it is to be mirrored (`src/mirror.mjs`); none of a room that has no mirror, or is not in memory.
    pub fn mirrored(&mut self) -> Option<String> {
        let room = self.room.as_mut()?;
        let is_wanted = room.config().is_some_and(|config| !config.settings.board_mirror.is_empty());
        is_wanted.then(|| to_text(&room.board(platform::now())))
    }

    /// Forgets what is in memory: the rows are what counts.
    pub fn lose(&mut self) {
        self.room = None;
        self.alarm = Alarm::default();
    }
}

impl RoomObject {
    fn answers(&mut self) -> Result<Array> {
        let now = platform::now();
        let (wanted, read) = taken(std::mem::take(&mut self.wanted));
        if wanted.iter().any(|wanted| wanted.action == "delete") {
            self.lose();
            self.storage.clear();
        }
        let mut room = match self.room.take() {
            Some(room) => room,
            None => self.load()?,
        };
        let (mut inputs, mut refusals) = (self.seed(&room, &wanted), Vec::new());
        let seeded = inputs.len();
        for input in read {
            let board = match &input {
                Ok(Input::Batch(batch)) => BoardWanted::of(&batch.items),
                _ => BoardWanted::default(),
            };
            refusals.push((input.as_ref().err().cloned(), board));
            inputs.push(input.unwrap_or(Input::Tick));
        }
        let is_known =
            room.config().is_some() || inputs.iter().any(|input| matches!(input, Input::Configure(_)));
        // Reading changes nothing unless an alarm is overdue, which only hastens what any event would do.
        let overdue = self.alarm.is_due(now);
        if wanted.iter().any(|wanted| wanted.action == "alarm") {
            self.alarm.rang();
        }
        let reads = |wanted: &Wanted| matches!(wanted.action.as_str(), "board" | "status" | "delete");
        let mut outputs = Vec::new();
        if is_known && (overdue || seeded > 0 || !wanted.iter().all(reads)) {
            let Step { outputs: all, writes, wake_at } =
                room.step(now, platform::entropy()?, inputs).map_err(broken)?;
            outputs = all;
            writes.into_iter().try_for_each(|write| self.write(write))?;
            let Wake { alarm_at, timer_at } = self.alarm.wake(now, wake_at);
            alarm_at.into_iter().for_each(|at| self.storage.set_alarm(at));
            self.timer_at = timer_at;
        }
        let mut outputs = outputs.into_iter().skip(seeded);
        let answers = Array::new();
        for (Wanted { action, .. }, (refusal, wants)) in wanted.iter().zip(refusals) {
            let output = outputs.next().unwrap_or(Output::Ticked);
            answers.push(&match (refusal, action.as_str(), output) {
                (Some(refusal), _, _) => refusal,
                _ if !is_known => JsValue::NULL,
                (_, "batch", Output::Batch(answer)) => {
                    let board = room.board(now);
                    let board = if wants.with(&answer, &board) { to_text(&board) } else { String::new() };
                    Uint8Array::from(answer.encode(board.as_bytes(), Millis(0)).as_slice()).into()
                }
                (_, "configure", Output::Configured(version)) => to_text(&Configured { version }).into(),
                (_, "end", Output::Ended(ended)) => to_text(&Ended { ended, full: false }).into(),
                (_, "end", Output::RevocationsFull) => to_text(&Ended { ended: false, full: true }).into(),
                (_, "board", _) => {
                    let (board, revocations) = (room.board(now), Some(room.revocations()));
                    to_text(&BoardAnswer { board, board_age_ms: 0, revocations }).into()
                }
                (_, "status", _) => to_text(&room.status(now)).into(),
                (_, "alarm" | "tick" | "delete", _) => JsValue::NULL,
                _ => thrown("that is nothing this version's Room does"),
            });
        }
        self.room = Some(room);
        Ok(answers)
    }

    /// A Room that no directory has configured yet finds itself among the rooms of `[vars]`.
    fn seed(&self, room: &Room, wanted: &[Wanted]) -> Vec<Input> {
        let asks =
            wanted.iter().find(|wanted| matches!(wanted.action.as_str(), "batch" | "board" | "status"));
        let Some(Wanted { id, .. }) = asks.filter(|_| room.config().is_none()) else {
            return Vec::new();
        };
        let found = seeds(&platform::rooms_var(&self.env)).unwrap_or_default();
        let settings = found.into_iter().find(|(seed, _)| seed == id).map(|(_, settings)| settings);
        let configure = |settings| {
            Input::Configure(Box::new(Config {
                version: 1,
                directory_version: 0,
                settings,
                events: Vec::new(),
            }))
        };
        settings.map(configure).into_iter().listed()
    }

    fn write(&self, write: Write) -> Result<()> {
        match write {
            Write::Row { sequence, bytes, cut } => {
                let columns = [Column::Number(sequence), Column::Bytes(&bytes), Column::Number(cut.start)];
                if cut.is_empty() {
                    let [number, bytes, _] = columns;
                    return self
                        .storage
                        .execute("INSERT INTO journal (sequence, bytes) VALUES (?, ?)", &[number, bytes]);
                }
                self.storage
                    .replace("UPDATE journal SET sequence = ?, bytes = ? WHERE sequence = ?", &columns)?;
                if cut.end - cut.start == 1 {
                    return Ok(());
                }
                self.storage.execute("DELETE FROM journal WHERE sequence < ?", &[Column::Number(cut.end)])
            }
            Write::Page(StoredPage { page, sequence, bytes }) => {
                let (kind, place) = page_key(page);
                self.storage.execute(
                    "INSERT OR REPLACE INTO pages (kind, number, sequence, bytes) VALUES (?, ?, ?, ?)",
                    &[kind, place, Column::Number(sequence), Column::Bytes(&bytes)],
                )
            }
            Write::DropPage(page) => {
                let (kind, place) = page_key(page);
                self.storage.execute("DELETE FROM pages WHERE kind = ? AND number = ?", &[kind, place])
            }
        }
    }

    fn load(&self) -> Result<Room> {
        self.storage.execute(SCHEMA, &[])?;
        let mut pages = Vec::new();
        for row in
            self.storage.rows("SELECT kind, number, sequence, bytes FROM pages ORDER BY kind, number")?
        {
            let row = row?;
            let page = page_of(platform::number(&row, 0)?, platform::number(&row, 1)?)?;
            let sequence = platform::number(&row, 2)?;
            pages.push(StoredPage { page, sequence, bytes: platform::bytes(&row, 3) });
        }
        let mut rows = Vec::new();
        for row in self.storage.rows("SELECT sequence, bytes FROM journal ORDER BY sequence")? {
            let row = row?;
            rows.push((platform::number(&row, 0)?, platform::bytes(&row, 1)));
        }
        Room::load(&pages, &rows).map_err(broken)
    }
}

/// What one step takes of what is wanted, and what that comes to: one at least.
fn taken(mut wanted: Vec<Wanted>) -> (Vec<Wanted>, Vec<Result<Input>>) {
    let (mut inputs, mut answered) = (Vec::new(), 0);
    for Wanted { action, payload, .. } in &wanted {
        let input = match action.as_str() {
            "batch" => decode_batch(&Uint8Array::new(payload).to_vec()).map(Input::Batch).map_err(broken),
            "configure" => configuration(payload).map(Box::new).map(Input::Configure),
            "end" => ending(payload),
            _ => Ok(Input::Tick),
        };
        if let Ok(Input::Batch(batch)) = &input {
            answered += batch.items.answered();
        }
        if answered > ANSWERED_MAX && !inputs.is_empty() {
            break;
        }
        inputs.push(input);
    }
    wanted.truncate(inputs.len());
    (wanted, inputs)
}

fn configuration(payload: &JsValue) -> Result<Config> {
    let text = payload.as_string().unwrap_or_default();
    let Configure { version, directory_version, settings, events } =
        from_text(text.as_bytes()).ok_or_else(|| thrown("those are no settings this version knows"))?;
    let settings = Settings::stored(&settings).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).listed();
        thrown(&joined(&mut faults.iter().map(String::as_str), "; "))
    })?;
    Ok(Config { version, directory_version, settings, events })
}

fn ending(payload: &JsValue) -> Result<Input> {
    let text = payload.as_string().unwrap_or_default();
    match from_text(text.as_bytes()) {
        Some(Ending { session: None }) => Ok(Input::EndAll),
        Some(Ending { session: Some((seat, generation)) }) => {
            Ok(Input::End { seat: Seat(seat), generation: Generation(generation) })
        }
        None => Err(thrown("that names no session")),
    }
}

fn broken(malformed: Malformed) -> JsValue {
    thrown(&malformed.to_string())
}

fn page_key(page: PageId) -> (Column<'static>, Column<'static>) {
    let (kind, place) = match page {
        PageId::Head => (0, 0),
        PageId::Seats(place) => (1, place),
        PageId::Spent(place) => (2, place),
    };
    (Column::Number(kind), Column::Number(place.into()))
}

fn page_of(kind: u64, place: u64) -> Result<PageId> {
    match (kind, u32::try_from(place)) {
        (0, Ok(_)) => Ok(PageId::Head),
        (1, Ok(place)) => Ok(PageId::Seats(place)),
        (2, Ok(place)) => Ok(PageId::Spent(place)),
        _ => Err(broken(Malformed)),
    }
}
