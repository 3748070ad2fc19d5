//! A Room on a table of rows, as its object keeps it, rebuilt from them after every single step. Shared by the tests of rules.

#![allow(dead_code, reason = "each of the tests uses what it needs")]

use durable::batch::{
    BatchAnswer, BatchName, ClaimOutcome, Grant, Items, PassRef, RenewOutcome, Reply, TicketRef,
    decode_batch, encode_batch,
};
use durable::json;
use durable::room::{Input, Output, Room};
use durable::schedule::Event;
use durable::settings::Settings;
use durable::state::{Config, PageId};
use durable::store::{StoredPage, Write};
use durable::token::Holder;
use durable::units::{Epoch, Millis, PassEpoch, Rank};

pub(crate) const NOON: Millis = Millis(1_800_000_000_000);

/// See above.
pub(crate) struct Table {
    pub(crate) room: Room,
    pub(crate) pages: Vec<StoredPage>,
    pub(crate) rows: Vec<(u64, Vec<u8>)>,
    pub(crate) now: Millis,
    pub(crate) number: u64,
    pub(crate) version: u64,
    pub(crate) events: Vec<Event>,
    pub(crate) wake_at: Option<Millis>,
}

impl Table {
    pub(crate) fn new(settings: &durable::json::Value) -> Table {
        let room = Room::load(&[], &[]).unwrap();
        let mut table = Table {
            room,
            pages: vec![],
            rows: vec![],
            now: NOON,
            number: 0,
            version: 0,
            wake_at: None,
            events: vec![],
        };
        table.configure(settings);
        table
    }

    pub(crate) fn configure(&mut self, changes: &durable::json::Value) {
        let mut settings = json!({
            "name": "room", "host": "example.com", "total_active_users": 50,
            "new_users_per_minute": 100_000, "session_duration_seconds": 100,
        });
        for (key, value) in changes.as_object().unwrap().iter() {
            settings.set(key, value.clone());
        }
        self.version += 1;
        let settings = Settings::parse(&settings).unwrap();
        let events = self.events.clone();
        let config = Config { version: self.version, directory_version: 1, settings, events };
        assert_eq!(self.step(Input::Configure(config.into())), Output::Configured(self.version));
    }

    pub(crate) fn step(&mut self, input: Input) -> Output {
        let mut step = self.room.step(self.now, [self.now.0 as u8; 32], vec![input]).unwrap();
        for write in step.writes {
            self.write(write);
        }
        self.wake_at = step.wake_at;
        let mut rebuilt = Room::load(&self.pages, &self.rows).unwrap();
        assert_eq!(
            rebuilt.fingerprint(self.now),
            self.room.fingerprint(self.now),
            "the room that was rebuilt is another one"
        );
        self.room = rebuilt;
        step.outputs.remove(0)
    }

    pub(crate) fn write(&mut self, write: Write) {
        match write {
            Write::Row { sequence, bytes, cut } => {
                self.rows.retain(|(number, _)| !cut.contains(number));
                self.rows.push((sequence, bytes));
            }
            Write::Page(stored) => {
                self.drop_page(stored.page);
                self.pages.push(stored);
                // As a query answers them.
                self.pages.sort_by_key(|stored| stored.page);
            }
            Write::DropPage(page) => self.drop_page(page),
        }
    }

    pub(crate) fn drop_page(&mut self, page: PageId) {
        self.pages.retain(|stored| stored.page != page);
    }

    pub(crate) fn batch(&mut self, items: Items) -> Reply {
        let name = BatchName { lobby: "leaf".into(), incarnation: [1; 16], number: self.number };
        self.number += 1;
        let batch = decode_batch(&encode_batch(&name, &items)).unwrap();
        match self.step(Input::Batch(batch)) {
            Output::Batch(BatchAnswer::Done(reply)) => reply,
            other => panic!("not done: {other:?}"),
        }
    }

    pub(crate) fn join(&mut self, count: u8) -> Rank {
        let joins = (0..count).map(|index| Holder([index; 16])).collect();
        self.batch(Items { joins, ..Items::default() }).first_rank
    }

    pub(crate) fn claim(&mut self, rank: u64) -> ClaimOutcome {
        let claims = vec![ticket(rank)];
        self.batch(Items { claims, ..Items::default() }).claims.remove(0)
    }

    pub(crate) fn enter(&mut self, enters: u32) -> usize {
        self.batch(Items { enters, ..Items::default() }).entered.len()
    }

    pub(crate) fn renew(&mut self, grant: &Grant) -> RenewOutcome {
        self.batch(Items { renewals: vec![pass(grant)], ..Items::default() }).renewals.remove(0)
    }

    pub(crate) fn leave(&mut self, grant: &Grant) {
        self.batch(Items { pass_leaves: vec![pass(grant)], ..Items::default() });
    }

    pub(crate) fn later(&mut self, millis: u64) {
        self.now = self.now.plus(Millis(millis));
        self.step(Input::Tick);
    }

    pub(crate) fn inside(&mut self) -> u64 {
        self.room.status(self.now).inside
    }

    pub(crate) fn called(&mut self) -> u64 {
        self.room.board(self.now).called
    }
}

pub(crate) fn ticket(rank: u64) -> TicketRef {
    TicketRef { epoch: Epoch(0), rank: Rank(rank) }
}

pub(crate) fn pass(grant: &Grant) -> PassRef {
    let Grant { seat, generation, .. } = *grant;
    PassRef { epoch: Epoch(0), pass_epoch: PassEpoch(0), seat, generation }
}

pub(crate) fn granted(outcome: &ClaimOutcome) -> Grant {
    match outcome {
        ClaimOutcome::Granted(grant) => *grant,
        other => panic!("not granted: {other:?}"),
    }
}

/// A room whose seats are all taken, by tickets 0 to 49, with the grants.
pub(crate) fn full_room(settings: &durable::json::Value) -> (Table, Vec<Grant>) {
    let mut table = Table::new(settings);
    table.join(50);
    let grants = (0..50).map(|rank| granted(&table.claim(rank))).collect();
    (table, grants)
}
