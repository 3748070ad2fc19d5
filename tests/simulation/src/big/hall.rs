//! The Room of a big run and the one region lobby that speaks to it: real batches, one step for all of a tick, the board once a second.

use durable::batch::{
    Batch, BatchAnswer, BatchName, ClaimOutcome, Grant, ITEMS_MAX, Items, PassRef, TicketRef, decode_batch,
    encode_batch,
};
use durable::board::Board;
use durable::json::Value;
use durable::room::{Input, Output, Room};
use durable::schedule::Event;
use durable::settings::Settings;
use durable::state::Config;
use durable::store::Write;
use durable::token::Holder;
use durable::units::{Epoch, Millis, PassEpoch, Rank};

use super::ledger::Ledger;
use crate::dice::Dice;
use crate::trace::NOON;

/// Boards travel so often.
const BOARD_EVERY: Millis = Millis(1_000);

/// What visitors want within one tick.
#[derive(Default)]
pub(super) struct Wishes {
    /// A rank each.
    pub(super) joins: Vec<Holder>,
    /// To be let in.
    pub(super) claims: Vec<u32>,
    /// To stay.
    pub(super) renewals: Vec<Grant>,
    /// To go.
    pub(super) leaves: Vec<Grant>,
}

/// What they are told: claims in the order in which they were made.
#[derive(Default)]
pub(super) struct Told {
    /// The rank of the first who joined.
    pub(super) first_rank: u32,
    /// To each claim.
    pub(super) claims: Vec<ClaimOutcome>,
}

/// See the module's words.
pub(super) struct Hall {
    /// What rows say.
    pub(super) ledger: Ledger,
    /// The newest that edges have.
    pub(super) board: Board,
    /// The one after it, where boards come late: it is on its way.
    coming: Option<Board>,
    room: Room,
    dice: Dice,
    number: u64,
    wake_at: Option<Millis>,
}

impl Hall {
    /// A room with these settings and events.
    pub(super) fn new(settings: &Value, events: Vec<Event>, seed: u64) -> Hall {
        let draws_places =
            !events.is_empty() || settings.get("queueing_method").is_some_and(|it| it == "random");
        let settings = Settings::parse(settings).unwrap_or_else(|faults| panic!("{faults:?}"));
        let room = Room::load(&[], &[]).unwrap_or_else(|fault| panic!("{fault}"));
        let (ledger, board, dice) = (Ledger::new(draws_places), Board::default(), Dice::new(seed));
        let mut hall = Hall { ledger, board, coming: None, room, dice, number: 0, wake_at: None };
        hall.commit(
            NOON,
            vec![Input::Configure(Box::new(Config { version: 1, directory_version: 1, settings, events }))],
        );
        hall.board = hall.room.board(NOON);
        hall
    }

    /// The same, at the end of the longest way: lobby, isolate, or a mirror and the network before it have each kept a board for as long as it may be
    /// kept, so that pages go by one that is between one and two seconds old.
    pub(super) fn behind(settings: &Value, events: Vec<Event>, seed: u64) -> Hall {
        let mut hall = Hall::new(settings, events, seed);
        hall.coming = Some(hall.board.clone());
        hall
    }

    /// One step, if there is anything to do.
    pub(super) fn step(&mut self, now: Millis, wishes: Wishes) -> Told {
        let mut inputs = self.batches(wishes);
        if inputs.is_empty() && self.wake_at.is_some_and(|at| at <= now) {
            inputs.push(Input::Tick);
        }
        let mut told = Told::default();
        let mut is_first = true;
        if !inputs.is_empty() {
            for output in self.commit(now, inputs) {
                let Output::Batch(BatchAnswer::Done(reply)) = output else { continue };
                if std::mem::take(&mut is_first) {
                    told.first_rank = reply.first_rank.0 as u32;
                }
                told.claims.extend(reply.claims);
            }
        }
        let newest = self.coming.as_ref().unwrap_or(&self.board);
        if now.since(Millis(newest.at_ms)) >= BOARD_EVERY {
            let made = self.room.board(now);
            self.board = match &mut self.coming {
                Some(coming) => std::mem::replace(coming, made),
                None => made,
            };
        }
        told
    }

    fn commit(&mut self, now: Millis, inputs: Vec<Input>) -> Vec<Output> {
        let entropy = self.dice.bytes();
        let step = self.room.step(now, entropy, inputs).unwrap_or_else(|fault| panic!("{fault}"));
        for write in &step.writes {
            if let Write::Row { bytes, .. } = write {
                self.ledger.read(bytes);
            }
        }
        self.wake_at = step.wake_at;
        step.outputs
    }

    fn batches(&mut self, wishes: Wishes) -> Vec<Input> {
        let Wishes { joins, claims, renewals, leaves } = wishes;
        let pass = |grant: &Grant| PassRef {
            epoch: Epoch(0),
            pass_epoch: PassEpoch(0),
            seat: grant.seat,
            generation: grant.generation,
        };
        let ticket = |rank: &u32| TicketRef { epoch: Epoch(0), rank: Rank(u64::from(*rank)) };
        let mut joins = joins.chunks(ITEMS_MAX);
        let mut claims = claims.chunks(ITEMS_MAX);
        let mut renewals = renewals.chunks(ITEMS_MAX);
        let mut leaves = leaves.chunks(ITEMS_MAX);
        let mut batches = Vec::new();
        loop {
            let items = Items {
                pass_leaves: leaves.next().unwrap_or_default().iter().map(pass).collect(),
                renewals: renewals.next().unwrap_or_default().iter().map(pass).collect(),
                claims: claims.next().unwrap_or_default().iter().map(ticket).collect(),
                joins: joins.next().unwrap_or_default().to_vec(),
                ..Items::default()
            };
            if items.is_empty() {
                return batches;
            }
            batches.push(Input::Batch(self.batch(&items)));
        }
    }

    fn batch(&mut self, items: &Items) -> Batch {
        let name = BatchName { lobby: "region".into(), incarnation: [1; 16], number: self.number };
        self.number += 1;
        decode_batch(&encode_batch(&name, items)).unwrap_or_else(|fault| panic!("{fault}"))
    }
}
