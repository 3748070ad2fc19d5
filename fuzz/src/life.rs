//! Rooms of three seats, each with some minutes of its life and all that it wrote and said: most seeds come from here, and batches are tried
//! on these rooms.

use std::sync::OnceLock;

use durable::batch::{BatchAnswer, BatchName, Items, PassRef, TicketRef, decode_batch, encode_batch};
use durable::json;
use durable::json::Value;
use durable::room::{Input, Output, Room};
use durable::schedule::Event;
use durable::settings::Settings;
use durable::state::Config;
use durable::store::{Store, Write};
use durable::token::Holder;
use durable::units::{Epoch, Generation, Millis, PassEpoch, Rank, Seat};
use durable::wire::to_text;

use crate::pages;

/// When they begin.
pub const NOON: Millis = Millis(1_800_000_000_000);

/// How many they have inside at most, but for those whom `passthrough` counts.
pub const SEATS: usize = 3;

/// One of them.
pub struct Life {
    room: Room,
    now: Millis,
    version: u64,
    incarnation: u8,
    number: u64,
    events: Vec<Event>,
    /// How many rows it had written at its most interesting moment, and when that was.
    pub moment: (usize, Millis),
    /// What it wrote.
    pub rows: Vec<Vec<u8>>,
    /// Batches, answers and replies.
    pub said: Vec<Vec<u8>>,
    /// Its boards.
    pub boards: Vec<Vec<u8>>,
    /// Its pages after each row.
    pub pages: Vec<Vec<u8>>,
}

/// All of them: the second calls by rounds, the third lets everybody pass. The incarnation of its batches, divided by their number, says
/// which it is.
pub fn all() -> [Life; 4] {
    [drawn(), by_rounds(), passed_through(), in_line()]
}

/// What the rooms had written at their most interesting moment, and when that was: made once.
pub fn moments() -> &'static [Moment] {
    static ROOMS: OnceLock<Vec<Moment>> = OnceLock::new();
    ROOMS.get_or_init(|| {
        all().map(|life| ((1..).zip(life.rows).take(life.moment.0).collect(), life.moment.1)).to_vec()
    })
}

/// Numbered rows, and a time.
pub type Moment = (Vec<(u64, Vec<u8>)>, Millis);

/// Settings of a room of the seeds.
pub fn settings() -> Value {
    json!({
        "name": "sale", "host": "shop.example.com", "path": "/sale/", "total_active_users": SEATS,
        "new_users_per_minute": 100_000, "session_duration_seconds": 60,
    })
}

/// A line, held for a while.
fn in_line() -> Life {
    let mut life = Life::new(7);
    life.configure(&json!({}));
    life.asked(Items { enters: 2, ..Items::default() });
    life.joins(6);
    life.passes(1_000);
    life.asked(Items { claims: tickets(0..3), ticket_leaves: tickets(5..6), ..Items::default() });
    life.moment = (life.rows.len(), life.now.plus(Millis(10_000)));
    life.passes(60_000);
    let renewals = vec![pass(0, 1), pass(1, 1), pass(9, 9)];
    life.asked(Items { renewals, claims: vec![ticket(0), ticket(3)], ..Items::default() });
    life.configure(&json!({ "queue_all": true }));
    life.passes(30_000);
    life.asked(Items { claims: tickets(4..5), pass_leaves: vec![pass(0, 1)], ..Items::default() });
    life.configure(&json!({}));
    life.passes(150_000);
    life.asked(Items { claims: vec![ticket(1), ticket(4), ticket(77)], enters: 1, ..Items::default() });
    life.said.push(BatchAnswer::Expected(7).encode(b"{}", Millis(0)));
    life.said.push(BatchAnswer::Refused.encode(b"", Millis(0)));
    life
}

/// An event with a prequeue that ends sessions, and a draw at its start; another to come.
fn drawn() -> Life {
    let mut life = Life::new(4);
    let event = Event {
        id: [7; 16],
        prequeue_ms: NOON.0 + 60_000,
        start_ms: NOON.0 + 120_000,
        end_ms: NOON.0 + 600_000,
        shuffle: true,
        ends_sessions: true,
        total_active_users: Some(2),
        new_users_per_minute: None,
        session_duration_seconds: Some(30),
        disable_session_renewal: Some(true),
        queueing_method: None,
    };
    let later = |ms: u64| ms + 1_000_000;
    let again = Event {
        id: [8; 16],
        prequeue_ms: later(event.prequeue_ms),
        start_ms: later(event.start_ms),
        end_ms: later(event.end_ms),
        ..event
    };
    life.events = vec![event, again];
    life.configure(&json!({}));
    life.asked(Items { enters: 1, ..Items::default() });
    life.joins(2);
    life.passes(60_000);
    life.joins(8);
    life.asked(Items { ticket_leaves: tickets(3..4), renewals: vec![pass(0, 1)], ..Items::default() });
    life.passes(60_000);
    life.moment = (life.rows.len(), life.now);
    life.asked(Items { claims: tickets(0..10), ..Items::default() });
    life.passes(180_000);
    life.asked(Items { claims: tickets(0..10), enters: 1, ..Items::default() });
    life.events.pop();
    life.configure(&json!({}));
    life.passes(300_000);
    life
}

/// Rounds, with winners who do not come and some who win again, and the way back to a line.
fn by_rounds() -> Life {
    let mut life = Life::new(5);
    life.configure(&json!({ "queueing_method": "random" }));
    life.joins(8);
    life.passes(30_000);
    life.asked(Items { claims: tickets(0..4), ..Items::default() });
    for _ in 0..5 {
        life.passes(126_000);
    }
    life.asked(Items { ticket_leaves: tickets(2..3), ..Items::default() });
    life.moment = (life.rows.len(), life.now);
    life.asked(Items { claims: tickets(0..8), ..Items::default() });
    life.configure(&json!({}));
    life.passes(126_000);
    life.asked(Items { claims: tickets(0..8), enters: 1, ..Items::default() });
    life.passes(930_000);
    life
}

/// Everybody passes, then nobody, and the operator ends all sessions.
fn passed_through() -> Life {
    let mut life = Life::new(6);
    life.configure(&json!({}));
    life.joins(7);
    life.asked(Items { claims: tickets(0..1), ..Items::default() });
    life.configure(&json!({ "queueing_method": "passthrough" }));
    life.asked(Items { enters: 9, ..Items::default() });
    life.moment = (life.rows.len(), life.now.plus(Millis(1_000)));
    life.asked(Items { claims: tickets(1..2), renewals: vec![pass(1, 1)], ..Items::default() });
    life.configure(&json!({ "queueing_method": "reject" }));
    life.asked(Items { enters: 1, renewals: vec![pass(2, 1)], ..Items::default() });
    life.step(Input::End { seat: Seat(3), generation: Generation(1) });
    life.step(Input::EndAll);
    life
}

impl Life {
    fn new(incarnation: u8) -> Life {
        Life {
            room: Room::load(&[], &[]).expect("a room"),
            now: NOON,
            version: 0,
            incarnation,
            number: 0,
            events: vec![],
            moment: (0, NOON),
            rows: vec![],
            said: vec![],
            boards: vec![],
            pages: vec![],
        }
    }

    fn configure(&mut self, changes: &Value) {
        let mut settings = settings();
        for (key, value) in changes.as_object().expect("an object").iter() {
            settings.set(key, value.clone());
        }
        let settings = Settings::parse(&settings).expect("settings");
        self.version += 1;
        let (version, events) = (self.version, self.events.clone());
        self.step(Input::Configure(Box::new(Config { version, directory_version: 1, settings, events })));
    }

    fn passes(&mut self, millis: u64) {
        self.now = self.now.plus(Millis(millis));
        self.step(Input::Tick);
    }

    fn joins(&mut self, count: u8) {
        self.asked(Items {
            joins: (0..count).map(|index| Holder([index; 16])).collect(),
            ..Items::default()
        });
    }

    fn asked(&mut self, items: Items) {
        let name =
            BatchName { lobby: "leaf".into(), incarnation: [self.incarnation; 16], number: self.number };
        self.number += 1;
        let bytes = encode_batch(&name, &items);
        let batch = decode_batch(&bytes).expect("a batch");
        self.said.push(bytes);
        let Output::Batch(answer) = self.step(Input::Batch(batch)) else { return };
        self.said.push(answer.encode(&self.boards.last().cloned().unwrap_or_default(), Millis(0)));
        if let BatchAnswer::Done(reply) = answer {
            self.said.push(reply.encode());
        }
    }

    fn step(&mut self, input: Input) -> Output {
        let mut step = self.room.step(self.now, [7; 32], vec![input]).expect("a step");
        for write in step.writes {
            if let Write::Row { bytes, .. } = write {
                self.rows.push(bytes);
            }
        }
        let numbered: Vec<(u64, Vec<u8>)> = (1..).zip(self.rows.iter().cloned()).collect();
        let (_, state) = Store::load(&[], &numbered).expect("rows that a room wrote");
        self.pages.push(pages::write(&state, self.rows.last().map_or(&[], Vec::as_slice)));
        self.boards.push(to_text(&self.room.board(self.now)).into_bytes());
        step.outputs.remove(0)
    }
}

fn tickets(ranks: std::ops::Range<u64>) -> Vec<TicketRef> {
    ranks.map(ticket).collect()
}

fn ticket(rank: u64) -> TicketRef {
    TicketRef { epoch: Epoch(0), rank: Rank(rank) }
}

fn pass(seat: u32, generation: u32) -> PassRef {
    let (epoch, pass_epoch) = (Epoch(0), PassEpoch(0));
    PassRef { epoch, pass_epoch, seat: Seat(seat), generation: Generation(generation) }
}
