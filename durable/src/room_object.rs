//! The Durable Object around a [`Room`]: loads its rows, gathers what arrives while its last commit is in
//! flight, and takes one step for all of it. The host commits, and only then tells anybody.
//!
//! Between the step and its writes nothing is awaited, so they are one commit. A step or a write that fails
//! throws the memory away: the next event rebuilds it from rows, which are written before the pages
//! that would replace them.
//!
//! A Room that moves ([`crate::moving`]) leaves a mark here, with the commit that decides so: from then on this object knows nothing but the name of the next. The mark
//! is a page of a kind that versions without it refuse to read, so none of them begins the room anew.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::alarm::{Alarm, Wake};
use crate::batch::decode_batch;
use crate::bulletin::BoardWanted;
use crate::codec::Malformed;
use crate::directory::seeds;
use crate::listed::Listed as _;
use crate::location::Location;
use crate::moving::{Home, Move, pack, unpack};
use crate::pieces::joined;
use crate::platform::{self, Column, Result, Storage, thrown};
use crate::protocol::{BoardAnswer, Configure, Configured, Ended, Ending, RoomStatus};
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

/// The kind of the page that is the mark: its bytes are a name, its sequence is one once the Room has come there.
const MOVED: u64 = 9;
/// If whoever lives here next has not confirmed that by then, they are asked again.
const ASKS_AGAIN: Millis = Millis(2_000);

/// Where a Room has gone that lived here.
#[derive(Clone)]
struct Moved {
    name: String,
    /// Whether it has come there.
    is_there: bool,
}

/// Whether the Room is here.
#[derive(Clone)]
enum Here {
    /// That has to be looked up.
    Unknown,
    /// It is, or will be.
    Lives,
    /// It was.
    Gone(Moved),
}

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
    here: Here,
    wanted: Vec<Wanted>,
    alarm: Alarm,
    timer_at: Option<Millis>,
}

#[wasm_bindgen]
impl RoomObject {
    /// Made by the host.
    #[wasm_bindgen(constructor)]
    pub fn new(storage: Storage, env: JsValue) -> RoomObject {
        RoomObject {
            storage,
            env,
            room: None,
            here: Here::Unknown,
            wanted: Vec::new(),
            alarm: Alarm::default(),
            timer_at: None,
        }
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

    /// Whether a Room has gone from here, and its pages have not come to the next object.
    pub fn leaves(&mut self) -> Result<bool> {
        Ok(self.moved()?.is_some_and(|moved| !moved.is_there))
    }

    /// What that object is to take: its name, and the pages.
    pub fn leaving(&mut self) -> Result<Array> {
        let name = self.moved()?.map(|moved| moved.name).unwrap_or_default();
        let pages = Uint8Array::from(pack(&self.load()?.snapshot()).as_slice());
        Ok(Array::of2(&name.into(), &pages.into()))
    }

    /// They have come: here they are no more.
    pub fn left(&mut self) -> Result<()> {
        self.here = Here::Unknown;
        for query in [
            "UPDATE pages SET sequence = 1 WHERE kind = 9",
            "DELETE FROM journal",
            "DELETE FROM pages WHERE kind < 9",
        ] {
            self.storage.execute(query, &[])?;
        }
        Ok(())
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
        (self.room, self.here) = (None, Here::Unknown);
        self.alarm = Alarm::default();
    }
}

impl RoomObject {
    fn answers(&mut self) -> Result<Array> {
        let (now, wanted) = (platform::now(), std::mem::take(&mut self.wanted));
        if let Some(moved) = self.moved()? {
            return Ok(self.signpost(now, &moved, &wanted));
        }
        let (wanted, read) = taken(wanted);
        let named = wanted.iter().map(|wanted| wanted.id.as_str()).find(|id| !id.is_empty());
        let home = Home::of(named.unwrap_or_default());
        if wanted.iter().any(|wanted| wanted.action == "delete") {
            self.lose();
            self.storage.clear();
        }
        let mut room = match self.room.take() {
            Some(room) => room,
            None => self.load()?,
        };
        for Wanted { payload, .. } in wanted.iter().filter(|wanted| wanted.action == "take") {
            room = self.take(room, &home, payload)?;
        }
        let (mut inputs, mut refusals) = (self.seed(&room, &home, &wanted), Vec::new());
        let seeded = inputs.len();
        for input in read {
            let board = match &input {
                Ok(Input::Batch(batch)) => BoardWanted::of(&batch.items),
                _ => BoardWanted::default(),
            };
            refusals.push((input.as_ref().err().cloned(), board));
            inputs.push(input.unwrap_or(Input::Tick));
        }
        let configures = inputs.iter().any(|input| matches!(input, Input::Configure(_)));
        let is_known = room.config().is_some() || (configures && home.moves == 0);
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
            let looks_at = match room.moves(&home) {
                Move::Stay => None,
                Move::Later(at) => Some(at),
                Move::Go(name) => {
                    self.freeze(name)?;
                    Some(now.plus(ASKS_AGAIN))
                }
            };
            let wake_at = wake_at.into_iter().chain(looks_at).min();
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
                (_, "delete", _) => JsValue::NULL,
                _ if !is_known && home.moves > 0 => thrown("the room is on its way here: ask again"),
                _ if !is_known => JsValue::NULL,
                (_, "take", _) => TAKEN.into(),
                (_, "batch", Output::Batch(answer)) => {
                    let board = room.board(now);
                    let board = if wants.with(&answer, &board) { to_text(&board) } else { String::new() };
                    Uint8Array::from(answer.encode(board.as_bytes(), Millis(0)).as_slice()).into()
                }
                (_, "configure", Output::Configured(version)) => to_text(&Configured { version }).into(),
                (_, "end", Output::Ended(ended)) => to_text(&Ended { ended, full: false }).into(),
                (_, "reset", Output::Reset) => to_text(&Ended { ended: true, full: false }).into(),
                (_, "end", Output::RevocationsFull) => to_text(&Ended { ended: false, full: true }).into(),
                (_, "board", _) => {
                    let (board, revocations) = (room.board(now), Some(room.revocations()));
                    to_text(&BoardAnswer { board, board_age_ms: 0, revocations }).into()
                }
                (_, "status", _) => to_text(&status(&mut room, now, &home)).into(),
                (_, "alarm" | "tick", _) => JsValue::NULL,
                _ => thrown("that is nothing this version's Room does"),
            });
        }
        self.room = Some(room).filter(|_| !matches!(self.here, Here::Gone(_)));
        Ok(answers)
    }

    /// What is said here of a Room that has gone: where it lives, once it has come there.
    fn signpost(&self, now: Millis, moved: &Moved, wanted: &[Wanted]) -> Array {
        if !moved.is_there {
            self.storage.set_alarm(now.plus(ASKS_AGAIN));
        }
        let answers = Array::new();
        for Wanted { action, .. } in wanted {
            answers.push(&match action.as_str() {
                "alarm" | "tick" => JsValue::NULL,
                // It did, and has moved on.
                "take" => TAKEN.into(),
                _ if moved.is_there => ["~", &moved.name].concat().into(),
                _ => thrown("the room is moving: ask again"),
            });
        }
        answers
    }

    fn moved(&mut self) -> Result<Option<Moved>> {
        match &self.here {
            Here::Unknown => {}
            Here::Lives => return Ok(None),
            Here::Gone(moved) => return Ok(Some(moved.clone())),
        }
        self.storage.execute(SCHEMA, &[])?;
        let mut moved = None;
        for row in self.storage.rows("SELECT sequence, bytes FROM pages WHERE kind = 9")? {
            let row = row?;
            let name = String::from_utf8(platform::bytes(&row, 1)).unwrap_or_default();
            moved = Some(Moved { name, is_there: platform::number(&row, 0)? > 0 });
        }
        self.here = moved.clone().map_or(Here::Lives, Here::Gone);
        Ok(moved)
    }

    fn freeze(&mut self, name: String) -> Result<()> {
        self.put_page((MOVED, 0), 0, name.as_bytes())?;
        self.here = Here::Gone(Moved { name, is_there: false });
        Ok(())
    }

    /// A Room that moves comes here. It comes once: whoever has not heard that it has brings it again.
    fn take(&self, room: Room, home: &Home<'_>, payload: &JsValue) -> Result<Room> {
        if room.config().is_some() && home.moves > 0 {
            return Ok(room);
        }
        if home.moves == 0 {
            return Err(thrown("a room begins here, and moves elsewhere"));
        }
        let pages = unpack(&Uint8Array::new(payload).to_vec()).map_err(broken)?;
        // The head last: without it the room has not come.
        pages.into_iter().rev().try_for_each(|page| self.write(Write::Page(page)))?;
        self.load()
    }

    /// A Room that no directory has configured yet finds itself among the rooms of `[vars]`.
    fn seed(&self, room: &Room, home: &Home<'_>, wanted: &[Wanted]) -> Vec<Input> {
        let asks = wanted.iter().any(|wanted| matches!(wanted.action.as_str(), "batch" | "board" | "status"));
        if !asks || room.config().is_some() || home.moves > 0 {
            return Vec::new();
        }
        let found = seeds(&platform::rooms_var(&self.env)).unwrap_or_default();
        let settings = found.into_iter().find(|(seed, _)| seed == home.room).map(|(_, settings)| settings);
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
            Write::Row { sequence, bytes, cut } if cut.is_empty() => self.storage.execute(
                "INSERT INTO journal (sequence, bytes) VALUES (?, ?)",
                &[Column::Number(sequence), Column::Bytes(&bytes)],
            ),
            Write::Row { sequence, bytes, cut } => {
                let columns = [Column::Number(sequence), Column::Bytes(&bytes), Column::Number(cut.start)];
                self.storage
                    .replace("UPDATE journal SET sequence = ?, bytes = ? WHERE sequence = ?", &columns)?;
                if cut.end - cut.start == 1 {
                    return Ok(());
                }
                self.storage.execute("DELETE FROM journal WHERE sequence < ?", &[Column::Number(cut.end)])
            }
            Write::Page(StoredPage { page, sequence, bytes }) => self.put_page(page.key(), sequence, &bytes),
            Write::DropPage(page) => {
                let (kind, number) = page.key();
                let columns = [Column::Number(kind), Column::Number(number)];
                self.storage.execute("DELETE FROM pages WHERE kind = ? AND number = ?", &columns)
            }
        }
    }

    fn put_page(&self, (kind, number): (u64, u64), sequence: u64, bytes: &[u8]) -> Result<()> {
        let [kind, number, sequence] = [kind, number, sequence].map(Column::Number);
        self.storage.execute(
            "INSERT OR REPLACE INTO pages (kind, number, sequence, bytes) VALUES (?, ?, ?, ?)",
            &[kind, number, sequence, Column::Bytes(bytes)],
        )
    }

    fn load(&self) -> Result<Room> {
        self.storage.execute(SCHEMA, &[])?;
        let mut pages = Vec::new();
        for row in self
            .storage
            .rows("SELECT kind, number, sequence, bytes FROM pages WHERE kind < 9 ORDER BY kind, number")?
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
            "reset" => Ok(Input::Reset),
            _ => Ok(Input::Tick),
        };
        if let Ok(Input::Batch(batch)) = &input {
            answered += batch.items.answered();
        }
        if answered > ANSWERED_MAX && !inputs.is_empty() {
            break;
        }
        inputs.push(input);
        // Nobody has come yet when its step ends: then a room may move that is never empty.
        if action == "reset" {
            break;
        }
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

/// What an object says that has taken a Room.
const TAKEN: &str = "taken";

fn status(room: &mut Room, now: Millis, home: &Home<'_>) -> RoomStatus {
    let name = |location: Option<Location>| location.map_or("", Location::name).to_owned();
    let wanted = match room.moves(home) {
        Move::Stay => None,
        Move::Go(_) | Move::Later(_) => room.config().and_then(|config| config.settings.room_region),
    };
    RoomStatus { region: name(home.location), moves_to: name(wanted), ..room.status(now) }
}

fn page_of(kind: u64, number: u64) -> Result<PageId> {
    PageId::of_key(kind, number).ok_or_else(|| broken(Malformed))
}
