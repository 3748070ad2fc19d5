//! A Room on a table of rows, as its object keeps it: the same calls in the same order, and the clock runs for all that the object
//! does in Wasm. What SQL would do is done beside the clock, and counted.

use std::time::Duration;

use durable::batch::{BatchAnswer, Reply, decode_batch};
use durable::room::{Input, Output, Room};
use durable::settings::Settings;
use durable::state::Config;
use durable::store::{StoredPage, Write};
use durable::units::Millis;
use durable::wire::to_text;

use crate::clock::worked;

const NOON: Millis = Millis(1_800_000_000_000);

/// What was written, as storage bills it: a row deleted is a row written.
#[derive(Clone, Copy, Default)]
pub(crate) struct Written {
    pub(crate) commits: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

pub(crate) struct Table {
    pub(crate) room: Room,
    pub(crate) pages: Vec<StoredPage>,
    pub(crate) rows: Vec<(u64, Vec<u8>)>,
    pub(crate) written: Written,
    now: Millis,
}

impl Table {
    pub(crate) fn new(settings: &durable::json::Value) -> Table {
        let room = Room::load(&[], &[]).expect("an empty room");
        let mut table = Table { room, pages: vec![], rows: vec![], written: Written::default(), now: NOON };
        let settings = Settings::parse(settings).expect("settings without a fault");
        let config = Config { version: 1, directory_version: 1, settings, events: Vec::new() };
        let step =
            table.room.step(table.now, [0; 32], vec![Input::Configure(config.into())]).expect("a step");
        table.commit(step.writes);
        table
    }

    pub(crate) fn later(&mut self, millis: u64) {
        self.now = self.now.plus(Millis(millis));
    }

    /// How many are inside, how many places were called and how many ranks given.
    pub(crate) fn standing(&mut self) -> (u64, u64, u64) {
        let status = self.room.status(self.now);
        (status.inside, status.called, status.issued)
    }

    /// What the object does with batches that gathered: the replies, and how long it took.
    pub(crate) fn step(&mut self, batches: &[Vec<u8>]) -> (Vec<Reply>, Duration) {
        let begin = worked();
        let inputs = batches.iter().map(|bytes| Input::Batch(decode_batch(bytes).expect("a batch of ours")));
        let step = self.room.step(self.now, [0; 32], inputs.collect()).expect("a step");
        let answer = |output: &Output| match output {
            Output::Batch(answer) => answer.encode(to_text(&self.room.board(self.now)).as_bytes(), Millis(0)),
            _ => Vec::new(),
        };
        std::hint::black_box(step.outputs.iter().map(answer).collect::<Vec<_>>());
        let elapsed = worked().saturating_sub(begin);
        self.commit(step.writes);
        let done = step.outputs.into_iter().map(|output| match output {
            Output::Batch(BatchAnswer::Done(reply)) => reply,
            other => panic!("a batch was not carried out: {other:?}"),
        });
        (done.collect(), elapsed)
    }

    fn commit(&mut self, writes: Vec<Write>) {
        self.written.commits += 1;
        for write in writes {
            self.written.rows += write.rows();
            self.write(write);
        }
    }

    fn write(&mut self, write: Write) {
        let place = |pages: &[StoredPage], page| pages.binary_search_by_key(&page, |stored| stored.page);
        match write {
            Write::Row { sequence, bytes, cut } => {
                self.written.bytes += bytes.len() as u64;
                let below = self.rows.partition_point(|(number, _)| *number < cut.end);
                self.rows.drain(..below);
                self.rows.push((sequence, bytes));
            }
            Write::Page(stored) => {
                self.written.bytes += stored.bytes.len() as u64;
                match place(&self.pages, stored.page) {
                    Ok(index) => self.pages[index] = stored,
                    Err(index) => self.pages.insert(index, stored),
                }
            }
            Write::DropPage(page) => {
                if let Ok(index) = place(&self.pages, page) {
                    self.pages.remove(index);
                }
            }
        }
    }
}
