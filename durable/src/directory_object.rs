//! The Durable Object around the [`Directory`]: keeps its rows, asks Rooms for their status, and pushes settings
//! until their Room has confirmed them.

use std::cell::RefCell;
use std::rc::Rc;

use worker::js_sys::Promise;
use worker::wasm_bindgen::{self, prelude::*};
use worker::wasm_bindgen_futures::future_to_promise;
use worker::worker_sys::DurableObjectState;
use worker::{Env, Error, Result, SqlStorageValue, State};

use crate::directory::{Command, Directory, Order, Reply, RoomRecord, Write, seeds};
use crate::platform;
use crate::room_object::{Configure, Configured};
use crate::settings::Settings;
use crate::units::Millis;
use crate::wire::{Wire, from_text, to_text};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS directory (id INTEGER PRIMARY KEY CHECK (id = 0), version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS rooms (id TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS audit (sequence INTEGER PRIMARY KEY AUTOINCREMENT, json TEXT NOT NULL);";
/// Settings that a Room has not confirmed are pushed again after this.
const PUSH_RETRY: Millis = Millis(2_000);
/// The log's length in storage; a little more than in memory costs nothing.
const AUDIT_ROWS: i32 = 1_000;

struct Inner {
    state: State,
    env: Env,
    directory: RefCell<Option<Directory>>,
}

/// See the module's words.
#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
pub struct DirectoryObject {
    inner: Rc<Inner>,
}

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
impl DirectoryObject {
    /// Made by the platform.
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> DirectoryObject {
        DirectoryObject { inner: Rc::new(Inner { state: state.into(), env, directory: RefCell::default() }) }
    }

    /// What an edge, an operator or the platform's alarm wants of the directory.
    pub fn ask(&self, _name: String, action: String, payload: JsValue) -> Promise {
        let inner = self.inner.clone();
        future_to_promise(async move {
            let answer = inner.serve(&action, &payload).await;
            answer.map_err(|error| {
                *inner.directory.borrow_mut() = None;
                platform::thrown("directory", &error)
            })
        })
    }
}

impl Inner {
    async fn serve(self: &Rc<Inner>, action: &str, payload: &JsValue) -> Result<JsValue> {
        self.ensure_seeded().await?;
        match action {
            "document" => Ok(platform::json(&self.with_directory(|directory| directory.document())?)),
            "command" => {
                let text = payload.as_string().unwrap_or_default();
                let order = from_text(text.as_bytes())
                    .ok_or_else(|| Error::RustError("that is no command this version knows".into()))?;
                Ok(platform::json(&self.command(order).await?))
            }
            "alarm" => self.push_all().await.map(|()| JsValue::NULL),
            _ => Err(Error::RustError("nothing the directory does".into())),
        }
    }

    async fn command(self: &Rc<Inner>, Order { who, command }: Order) -> Result<Reply> {
        let now = platform::now();
        Ok(match command {
            Command::List => {
                Reply::Rooms(self.with_directory(|directory| directory.rooms().cloned().collect())?)
            }
            Command::Get { id } => self.room(&id)?,
            Command::Create { settings } => {
                let entropy = platform::entropy()?;
                let created =
                    self.with_directory(|directory| directory.create(now, &who, &settings, entropy))?;
                match created {
                    Ok((id, writes)) => self.carry_out(&id, writes).await?,
                    Err(reply) => reply,
                }
            }
            Command::Replace { id, settings } => {
                self.change(now, &who, &id, |_| Settings::parse(&settings)).await?
            }
            Command::Patch { id, patch } => {
                self.change(now, &who, &id, |current| current.merged(&patch)).await?
            }
            Command::Delete { id } => {
                match self.with_directory(|directory| directory.delete(now, &who, &id))? {
                    Ok(writes) => {
                        self.write(writes)?;
                        platform::call(&self.env, "ROOM", &id, "delete", JsValue::NULL).await?;
                        Reply::Deleted { id }
                    }
                    Err(reply) => reply,
                }
            }
            Command::Status { id } => match self.room(&id)? {
                Reply::Room(_) => self.status(&id).await,
                other => other,
            },
            Command::Audit => {
                Reply::Audit(self.with_directory(|directory| directory.audit().cloned().collect())?)
            }
            Command::Attempt { prefix } => {
                match self.with_directory(|directory| directory.attempt(now, prefix))? {
                    Ok(()) => Reply::Allowed,
                    Err(Millis(retry_ms)) => Reply::Throttled { retry_ms },
                }
            }
        })
    }

    async fn change(
        self: &Rc<Inner>,
        now: Millis,
        who: &str,
        id: &str,
        settings: impl Fn(&Settings) -> std::result::Result<Settings, Vec<crate::settings::Fault>>,
    ) -> Result<Reply> {
        match self.with_directory(|directory| directory.change(now, who, id, settings))? {
            Ok(writes) => self.carry_out(id, writes).await,
            Err(reply) => Ok(reply),
        }
    }

    /// Stores a change, and answers when the Room has confirmed it, or that it has not yet.
    async fn carry_out(self: &Rc<Inner>, id: &str, writes: Vec<Write>) -> Result<Reply> {
        self.write(writes)?;
        self.push(id).await?;
        self.room(id)
    }

    fn room(&self, id: &str) -> Result<Reply> {
        self.with_directory(|directory| match directory.room(id) {
            Some(record) => Reply::Room(record.clone()),
            None => Reply::Missing { id: id.to_owned() },
        })
    }

    async fn status(&self, id: &str) -> Reply {
        match platform::call_json(&self.env, "ROOM", id, "status", "").await {
            Ok(status) => Reply::Status(status),
            Err(error) => Reply::Unreachable { message: format!("the Room cannot be reached: {error}") },
        }
    }

    async fn ensure_seeded(self: &Rc<Inner>) -> Result<()> {
        if self.with_directory(|directory| directory.version() > 0)? {
            return Ok(());
        }
        let rooms = platform::rooms_var(&self.env);
        if rooms.is_empty() {
            return Ok(());
        }
        let seeds = match seeds(&rooms) {
            Ok(seeds) => seeds,
            Err(faults) => {
                for fault in faults {
                    platform::log(&format!("[vars] {fault}"));
                }
                return Ok(());
            }
        };
        let writes = self.with_directory(|directory| directory.seed(platform::now(), seeds))?;
        self.write(writes)?;
        self.push_all().await
    }

    /// Brings every Room's newest settings to it; what fails is tried again by alarm.
    async fn push_all(self: &Rc<Inner>) -> Result<()> {
        let ids: Vec<String> =
            self.with_directory(|directory| directory.unconfirmed().map(|room| room.id.clone()).collect())?;
        for id in ids {
            self.push(&id).await?;
        }
        Ok(())
    }

    async fn push(self: &Rc<Inner>, id: &str) -> Result<()> {
        let found = self
            .with_directory(|directory| directory.room(id).map(|room| (room.clone(), directory.version())))?;
        let Some((RoomRecord { version, settings, .. }, directory_version)) = found else {
            return Ok(());
        };
        let body = Configure { version, directory_version, settings };
        let pushed: Result<Configured> =
            platform::call_json(&self.env, "ROOM", id, "configure", &to_text(&body)).await;
        match pushed {
            Ok(Configured { version }) => {
                let write = self.with_directory(|directory| directory.confirm(id, version))?;
                self.write(write.into_iter().collect())
            }
            Err(error) => {
                platform::log(&format!("directory, settings for a Room: {error}"));
                self.state.storage().set_alarm(PUSH_RETRY.0 as i64).await
            }
        }
    }

    fn write(&self, writes: Vec<Write>) -> Result<()> {
        let sql = self.state.storage().sql();
        for write in writes {
            match write {
                Write::Version(version) => sql.exec(
                    "INSERT OR REPLACE INTO directory (id, version) VALUES (0, ?)",
                    vec![SqlStorageValue::try_from_i64(version as i64)?],
                )?,
                Write::Room(record) => sql.exec(
                    "INSERT OR REPLACE INTO rooms (id, json) VALUES (?, ?)",
                    vec![record.id.clone().into(), to_text(&record).into()],
                )?,
                Write::DropRoom(id) => sql.exec("DELETE FROM rooms WHERE id = ?", vec![id.into()])?,
                Write::Audit(entry) => {
                    let json = to_text(&entry);
                    sql.exec("INSERT INTO audit (json) VALUES (?)", vec![json.into()])?;
                    sql.exec(
                        "DELETE FROM audit WHERE sequence <= (SELECT MAX(sequence) FROM audit) - ?",
                        vec![AUDIT_ROWS.into()],
                    )?
                }
            };
        }
        Ok(())
    }

    fn with_directory<T>(&self, use_it: impl FnOnce(&mut Directory) -> T) -> Result<T> {
        let mut directory = self.directory.borrow_mut();
        if directory.is_none() {
            *directory = Some(self.load()?);
        }
        match directory.as_mut() {
            Some(directory) => Ok(use_it(directory)),
            None => Err(Error::RustError("the directory is not there".into())),
        }
    }

    fn load(&self) -> Result<Directory> {
        let sql = self.state.storage().sql();
        sql.exec(SCHEMA, None)?;
        let mut version = 0;
        for row in sql.exec("SELECT version FROM directory", None)?.raw() {
            version = match row?.first() {
                Some(SqlStorageValue::Integer(stored)) => *stored as u64,
                Some(SqlStorageValue::Float(stored)) => *stored as u64,
                _ => 0,
            };
        }
        let rooms = self.rows("SELECT json FROM rooms")?;
        let audit = self.rows("SELECT json FROM audit ORDER BY sequence")?;
        Ok(Directory::load(version, rooms, audit))
    }

    /// What the one column of a query's rows says.
    fn rows<T: Wire>(&self, query: &str) -> Result<Vec<T>> {
        let rows = self.state.storage().sql().exec(query, None)?.raw();
        rows.map(|row| {
            match row?.into_iter().next() {
                Some(SqlStorageValue::String(text)) => from_text(text.as_bytes()),
                _ => None,
            }
            .ok_or_else(|| Error::RustError("the directory's rows cannot be read".into()))
        })
        .collect()
    }
}
