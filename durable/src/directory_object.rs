//! The directory's Durable Object: rows in, rows out, and a [`Clerk`] in between.

use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;

use crate::agenda::Recurrence;
use crate::clerk::{Clerk, Turn};
use crate::directory::{Directory, Write};
use crate::platform::{self, Column, Result, Storage, thrown};
use crate::wire::{Wire, from_text, to_text};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS directory (id INTEGER PRIMARY KEY CHECK (id = 0), version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS rooms (id TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS audit (sequence INTEGER PRIMARY KEY AUTOINCREMENT, json TEXT NOT NULL);";
/// The log's length in storage; a little more than in memory costs nothing.
const AUDIT_ROWS: u64 = 1_000;

/// See the module's words.
#[wasm_bindgen]
pub struct DirectoryObject {
    storage: Storage,
    env: JsValue,
    /// `occurrences` of `src/calendar.mjs`.
    calendar: Function,
    clerk: Option<Clerk>,
}

#[wasm_bindgen]
impl DirectoryObject {
    /// Made by the host.
    #[wasm_bindgen(constructor)]
    pub fn new(storage: Storage, env: JsValue, calendar: Function) -> DirectoryObject {
        DirectoryObject { storage, env, calendar, clerk: None }
    }

    /// What an edge, an operator or the alarm wants: an answer, or `?` and an errand.
    pub fn ask(&mut self, action: &str, payload: &str) -> Result<String> {
        let (now, entropy, calendar) = (platform::now(), platform::entropy()?, self.calendar.clone());
        let expand = |recurrence: &Recurrence<'_>| occurrences(&calendar, recurrence);
        self.turn(|clerk| clerk.ask(now, entropy, action, payload, &expand))
    }

    /// A Room's reply to an errand that came of this request.
    pub fn heard(&mut self, action: &str, errand: &str, reply: &str) -> Result<String> {
        let now = platform::now();
        self.turn(|clerk| clerk.heard(now, action, errand, reply))
    }
}

impl DirectoryObject {
    fn turn(&mut self, take: impl FnOnce(&mut Clerk) -> Option<Turn>) -> Result<String> {
        if self.clerk.is_none() {
            self.clerk = Some(Clerk::new(self.load()?, platform::rooms_var(&self.env)));
        }
        let turn = self.clerk.as_mut().and_then(take);
        let Turn { writes, wake_at, notes, said } =
            turn.ok_or_else(|| thrown("that is nothing this version's directory knows"))?;
        for write in writes {
            self.write(write)?;
        }
        if let Some(at) = wake_at {
            self.storage.set_alarm(at);
        }
        notes.iter().for_each(|note| platform::log(note));
        Ok(said)
    }

    fn write(&self, write: Write) -> Result<()> {
        match write {
            Write::Version(version) => self.storage.execute(
                "INSERT OR REPLACE INTO directory (id, version) VALUES (0, ?)",
                &[Column::Number(version)],
            ),
            Write::Room(record) => self.storage.execute(
                "INSERT OR REPLACE INTO rooms (id, json) VALUES (?, ?)",
                &[Column::Text(&record.id), Column::Text(&to_text(&record))],
            ),
            Write::DropRoom(id) => {
                self.storage.execute("DELETE FROM rooms WHERE id = ?", &[Column::Text(&id)])
            }
            Write::Audit(entry) => {
                let json = to_text(&entry);
                self.storage.execute("INSERT INTO audit (json) VALUES (?)", &[Column::Text(&json)])?;
                self.storage.execute(
                    "DELETE FROM audit WHERE sequence <= (SELECT MAX(sequence) FROM audit) - ?",
                    &[Column::Number(AUDIT_ROWS)],
                )
            }
        }
    }

    fn load(&self) -> Result<Directory> {
        self.storage.execute(SCHEMA, &[])?;
        let mut version = 0;
        for row in self.storage.rows("SELECT version FROM directory")? {
            version = platform::number(&row?, 0)?;
        }
        let rooms = self.stored("SELECT json FROM rooms")?;
        let audit = self.stored("SELECT json FROM audit ORDER BY sequence")?;
        Ok(Directory::load(version, rooms, audit))
    }

    /// What the one column of a query's rows says.
    fn stored<T: Wire>(&self, query: &str) -> Result<Vec<T>> {
        let mut stored = Vec::new();
        for row in self.storage.rows(query)? {
            let text = row?.get(0).as_string().unwrap_or_default();
            stored.push(
                from_text(text.as_bytes()).ok_or_else(|| thrown("the directory's rows cannot be read"))?,
            );
        }
        Ok(stored)
    }
}

/// The instants of a recurrence, as the platform's calendar has them.
fn occurrences(calendar: &Function, recurrence: &Recurrence<'_>) -> Option<Vec<u64>> {
    let Recurrence { first, days, time_zone, from, count } = *recurrence;
    let said = Array::of5(
        &(first.0 as f64).into(),
        &days.into(),
        &time_zone.into(),
        &(from.0 as f64).into(),
        &count.into(),
    );
    let instants = calendar.apply(&JsValue::UNDEFINED, &said).ok()?.dyn_into::<Array>().ok()?;
    instants.iter().map(|instant| instant.as_f64().map(|instant| instant as u64)).collect()
}
