//! The Durable Object around a [`Room`]: loads its rows, gathers what arrives while its last commit is in
//! flight, takes one step and one commit for all of it, and only then answers.
//!
//! Between the step and its writes nothing is awaited, so they are one commit. A step or a write that fails
//! throws the memory away: the next event rebuilds it from rows, which are written before the pages
//! that would replace them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use serde_json::Value;
use worker::js_sys::{Date, Promise, Uint8Array};
use worker::wasm_bindgen::{self, prelude::*};
use worker::wasm_bindgen_futures::{future_to_promise, spawn_local};
use worker::worker_sys::DurableObjectState;
use worker::{Env, Error, Result, ScheduledTime, SqlStorageValue, State};

use crate::batch::decode_batch;
use crate::board::{Board, Revocations};
use crate::codec::Malformed;
use crate::directory::seeds;
use crate::platform;
use crate::room::{Input, Output, Room};
use crate::settings::Settings;
use crate::state::{Config, PageId};
use crate::store::{StoredPage, Write};
use crate::units::Millis;
use crate::wire::{from_text, to_text, wire};

/// The Room's schema: rows are bytes, their formats are `journal` and `state`.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS journal (sequence INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pages (kind INTEGER, number INTEGER, sequence INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (kind, number)) WITHOUT ROWID;";

/// A board, and the revocation list if it is newer than the asker's.
#[derive(Debug)]
pub(crate) struct BoardAnswer {
    pub(crate) board: Board,
    pub(crate) revocations: Option<Revocations>,
}

/// New settings, from the directory.
#[derive(Debug)]
pub(crate) struct Configure {
    pub(crate) version: u64,
    pub(crate) directory_version: u64,
    pub(crate) settings: Value,
}

/// The version that holds at the Room.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) version: u64,
}

wire!(BoardAnswer { board, revocations });
wire!(Configure { version, directory_version, settings });
wire!(Configured { version });

struct Inner {
    state: State,
    env: Env,
    room: RefCell<Option<Room>>,
    queue: RefCell<Vec<(Input, oneshot::Sender<Output>)>>,
    stepping: Cell<bool>,
    alarm_at: Cell<Option<Millis>>,
}

/// See the module's words.
#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
pub struct RoomObject {
    inner: Rc<Inner>,
}

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
impl RoomObject {
    /// Made by the platform.
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> RoomObject {
        RoomObject {
            inner: Rc::new(Inner {
                state: state.into(),
                env,
                room: RefCell::new(None),
                queue: RefCell::new(Vec::new()),
                stepping: Cell::new(false),
                alarm_at: Cell::new(None),
            }),
        }
    }

    /// What the lobby, the directory or the platform's alarm wants of the Room. A room that does not exist answers null.
    pub fn ask(&self, name: String, action: String, payload: JsValue) -> Promise {
        let inner = self.inner.clone();
        future_to_promise(async move {
            let answer = inner.serve(&name, &action, &payload).await;
            answer.map_err(|error| platform::thrown("room", &error))
        })
    }
}

impl Inner {
    async fn serve(self: Rc<Inner>, id: &str, action: &str, payload: &JsValue) -> Result<JsValue> {
        let input = match action {
            "batch" => {
                let bytes = Uint8Array::new(payload).to_vec();
                Input::Batch(
                    decode_batch(&bytes).map_err(|malformed| Error::RustError(malformed.to_string()))?,
                )
            }
            "configure" => Input::Configure(configuration(payload)?),
            "alarm" => {
                self.alarm_at.set(None);
                Input::Tick
            }
            "delete" => {
                *self.room.borrow_mut() = None;
                self.alarm_at.set(None);
                self.state.storage().delete_alarm().await?;
                self.state.storage().delete_all().await?;
                return Ok(JsValue::NULL);
            }
            // Alarms only hasten what any event would do: one that is late is overtaken here.
            _ => Input::Tick,
        };
        let is_overdue = self.alarm_at.get().is_some_and(|at| at <= platform::now());
        if !matches!(action, "configure" | "alarm") {
            self.ensure_configured(id).await?;
            if !self.with_room(|room| room.config().is_some())? {
                return Ok(JsValue::NULL);
            }
        }
        let output = match input {
            Input::Tick if action != "alarm" && !is_overdue => Output::Ticked,
            input => self.clone().submit(input).await?,
        };
        let now = platform::now();
        self.with_room(|room| match (action, output) {
            ("batch", Output::Batch(answer)) => {
                let answer = answer.encode(to_text(&room.board(now)).as_bytes());
                Ok(Uint8Array::from(answer.as_slice()).into())
            }
            ("configure", Output::Configured(version)) => Ok(platform::json(&Configured { version })),
            ("board", _) => {
                let revocations = Some(room.revocations());
                Ok(platform::json(&BoardAnswer { board: room.board(now), revocations }))
            }
            ("status", _) => Ok(platform::json(&room.status(now))),
            ("alarm", _) => Ok(JsValue::NULL),
            _ => Err(Error::RustError("nothing the Room does".into())),
        })?
    }

    /// A Room that no directory has configured yet finds itself among the rooms of `[vars]`.
    async fn ensure_configured(self: &Rc<Inner>, id: &str) -> Result<()> {
        if self.with_room(|room| room.config().is_some())? {
            return Ok(());
        }
        let found = seeds(&platform::rooms_var(&self.env)).unwrap_or_default();
        if let Some((_, settings)) = found.into_iter().find(|(seed, _)| seed == id) {
            let config = Config { version: 1, directory_version: 0, settings };
            self.clone().submit(Input::Configure(config)).await?;
        }
        Ok(())
    }

    async fn submit(self: Rc<Inner>, input: Input) -> Result<Output> {
        let (answer, answered) = oneshot::channel();
        self.queue.borrow_mut().push((input, answer));
        if !self.stepping.replace(true) {
            spawn_local(self.clone().step_until_idle());
        }
        answered.await.map_err(|_| Error::RustError("the step failed".into()))
    }

    /// One step and one commit for all that has gathered, until nothing has.
    async fn step_until_idle(self: Rc<Inner>) {
        loop {
            let gathered = std::mem::take(&mut *self.queue.borrow_mut());
            if gathered.is_empty() {
                self.stepping.set(false);
                return;
            }
            let (inputs, answers): (Vec<_>, Vec<_>) = gathered.into_iter().unzip();
            match self.step(inputs).await {
                Ok(outputs) => {
                    for (answer, output) in answers.into_iter().zip(outputs) {
                        // Whoever asked may be gone by now; the answer is in storage all the same.
                        let _ = answer.send(output);
                    }
                }
                Err(error) => {
                    platform::log(&format!("room, step: {error}"));
                    *self.room.borrow_mut() = None;
                    self.alarm_at.set(None);
                }
            }
        }
    }

    async fn step(&self, inputs: Vec<Input>) -> Result<Vec<Output>> {
        let now = platform::now();
        let step = self.with_room(|room| room.step(now, inputs))?.map_err(broken)?;
        for write in step.writes {
            self.write(write)?;
        }
        let alarm = step.wake_at.filter(|at| self.alarm_at.get().is_none_or(|set| *at < set));
        let storage = self.state.storage();
        if let Some(at) = alarm {
            self.alarm_at.set(Some(at));
            let date = Date::new(&JsValue::from_f64(at.0 as f64));
            storage.set_alarm(ScheduledTime::new(date)).await?;
        }
        // Nobody hears of it before it is durable.
        storage.sync().await?;
        Ok(step.outputs)
    }

    fn write(&self, write: Write) -> Result<()> {
        let sql = self.state.storage().sql();
        match write {
            Write::Row { sequence, bytes } => sql.exec(
                "INSERT INTO journal (sequence, bytes) VALUES (?, ?)",
                vec![number(sequence)?, SqlStorageValue::Blob(bytes)],
            ),
            Write::Page(StoredPage { page, sequence, bytes }) => {
                let (kind, place) = page_key(page);
                sql.exec(
                    "INSERT OR REPLACE INTO pages (kind, number, sequence, bytes) VALUES (?, ?, ?, ?)",
                    vec![kind.into(), place, number(sequence)?, SqlStorageValue::Blob(bytes)],
                )
            }
            Write::DropPage(page) => {
                let (kind, place) = page_key(page);
                sql.exec("DELETE FROM pages WHERE kind = ? AND number = ?", vec![kind.into(), place])
            }
            Write::CutBelow(sequence) => {
                sql.exec("DELETE FROM journal WHERE sequence < ?", vec![number(sequence)?])
            }
        }
        .map(drop)
    }

    /// The Room, rebuilt from its rows if the memory of it was lost.
    fn with_room<T>(&self, use_it: impl FnOnce(&mut Room) -> T) -> Result<T> {
        let mut room = self.room.borrow_mut();
        if room.is_none() {
            *room = Some(self.load()?);
        }
        match room.as_mut() {
            Some(room) => Ok(use_it(room)),
            None => Err(Error::RustError("the Room is not there".into())),
        }
    }

    fn load(&self) -> Result<Room> {
        let sql = self.state.storage().sql();
        sql.exec(SCHEMA, None)?;
        let mut pages = Vec::new();
        for row in sql.exec("SELECT kind, number, sequence, bytes FROM pages", None)?.raw() {
            let [kind, place, sequence, bytes] = columns(row?)?;
            let page = page_of(integer(&kind)?, integer(&place)?)?;
            pages.push(StoredPage { page, sequence: integer(&sequence)?, bytes: blob(bytes)? });
        }
        let mut rows = Vec::new();
        for row in sql.exec("SELECT sequence, bytes FROM journal ORDER BY sequence", None)?.raw() {
            let [sequence, bytes] = columns(row?)?;
            rows.push((integer(&sequence)?, blob(bytes)?));
        }
        Room::load(&pages, &rows).map_err(broken)
    }
}

fn configuration(payload: &JsValue) -> Result<Config> {
    let text = payload.as_string().unwrap_or_default();
    let Configure { version, directory_version, settings } = from_text(text.as_bytes())
        .ok_or_else(|| Error::RustError("those are no settings this version knows".into()))?;
    let settings = Settings::parse(&settings).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Error::RustError(faults.join("; "))
    })?;
    Ok(Config { version, directory_version, settings })
}

fn broken(malformed: Malformed) -> Error {
    Error::RustError(format!("the Room's rows cannot be read: {malformed}"))
}

fn number(value: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(value).unwrap_or(i64::MAX))
}

fn page_key(page: PageId) -> (i32, SqlStorageValue) {
    let (kind, place) = match page {
        PageId::Head => (0, 0),
        PageId::Seats(place) => (1, place),
        PageId::Spent(place) => (2, place),
    };
    (kind, SqlStorageValue::Integer(i64::from(place)))
}

fn page_of(kind: u64, place: u64) -> Result<PageId> {
    match (kind, u32::try_from(place)) {
        (0, Ok(_)) => Ok(PageId::Head),
        (1, Ok(place)) => Ok(PageId::Seats(place)),
        (2, Ok(place)) => Ok(PageId::Spent(place)),
        _ => Err(broken(Malformed("a page of a known kind"))),
    }
}

fn columns<const N: usize>(row: Vec<SqlStorageValue>) -> Result<[SqlStorageValue; N]> {
    row.try_into().map_err(|_| broken(Malformed("a row of as many columns as asked for")))
}

fn integer(value: &SqlStorageValue) -> Result<u64> {
    match value {
        SqlStorageValue::Integer(value) => u64::try_from(*value).ok(),
        SqlStorageValue::Float(value) if *value >= 0.0 => Some(*value as u64),
        _ => None,
    }
    .ok_or_else(|| broken(Malformed("a number")))
}

fn blob(value: SqlStorageValue) -> Result<Vec<u8>> {
    match value {
        SqlStorageValue::Blob(bytes) => Ok(bytes),
        _ => Err(broken(Malformed("bytes"))),
    }
}
