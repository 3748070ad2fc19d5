//! A lobby's numbered batches on their way to its parent: when the next may leave, and what becomes of a call that failed.
//!
//! A batch leaves at once while nothing is under way, otherwise so long after the last, and never more than eight are in flight. One whose
//! call failed is sent again under its name until it is answered or given up; nothing is lost by giving up but a rank nobody holds.
//! What a batch carries, and for whom, is known to its lobby ([`crate::leaf`], [`crate::region`]).

use std::collections::VecDeque;

use crate::batch::{BatchName, Items, encode_batch};
use crate::replies::IN_FLIGHT_MAX;
use crate::units::Millis;

/// A batch is called again this often before it is given up.
const TRIES_MAX: u32 = 4;
/// Between two tries of one batch, times the number of tries.
const RETRY_SPACING: Millis = Millis(200);
const RETRY_LONGEST: Millis = Millis(RETRY_SPACING.0 * TRIES_MAX as u64);

/// Which batch of which of a lobby's memories: what a call is known by.
pub type Call = ([u8; 16], u64);

struct Flight {
    number: u64,
    bytes: Vec<u8>,
    tries: u32,
    /// When to call again; none while a call is under way.
    again_at: Option<Millis>,
}

/// What a lobby does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Call the parent with these bytes, and report under this name.
    Send {
        /// Its incarnation and number.
        call: Call,
        /// The body.
        bytes: Vec<u8>,
    },
    /// Nothing before this time.
    Wait(Millis),
    /// Nothing until something happens.
    Rest,
}

/// What becomes of a batch whose call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nobody waits for it any more.
    Foreign,
    /// It goes again.
    Again,
    /// It went often enough.
    GivenUp,
}

/// See the module's words.
pub struct Courier {
    lobby: String,
    incarnation: [u8; 16],
    next_number: u64,
    spacing: Millis,
    sent_at: Millis,
    flights: VecDeque<Flight>,
}

impl Courier {
    /// Of a lobby of this name whose memory begins now, named by these random bytes. While batches are in flight, the next leaves so long after the last.
    pub fn new(lobby: String, incarnation: [u8; 16], spacing: Millis) -> Courier {
        Courier { lobby, incarnation, next_number: 0, spacing, sent_at: Millis(0), flights: VecDeque::new() }
    }

    /// The lobby's name.
    pub fn lobby(&self) -> &str {
        &self.lobby
    }

    /// What is due before anything new may leave; none if a new batch may leave now.
    pub fn due(&mut self, now: Millis, has_more: bool) -> Option<Next> {
        // What was to happen soon happens now if the clock jumped back.
        let is_due = |at: Millis| at <= now || at > now.plus(RETRY_LONGEST);
        self.sent_at = self.sent_at.min(now);
        if let Some(flight) = self.flights.iter_mut().find(|flight| flight.again_at.is_some_and(is_due)) {
            flight.again_at = None;
            let (call, bytes) = ((self.incarnation, flight.number), flight.bytes.clone());
            return Some(Next::Send { call, bytes });
        }
        let retry_at = self.flights.iter().filter_map(|flight| flight.again_at).min();
        if !has_more || self.flights.len() >= IN_FLIGHT_MAX {
            return Some(retry_at.map_or(Next::Rest, Next::Wait));
        }
        let send_at = if self.flights.is_empty() { now } else { self.sent_at.plus(self.spacing) };
        (send_at > now).then(|| Next::Wait(retry_at.map_or(send_at, |at| at.min(send_at))))
    }

    /// A new batch leaves.
    pub fn send(&mut self, now: Millis, items: &Items) -> (u64, Next) {
        self.sent_at = now;
        let (number, incarnation) = (self.next_number, self.incarnation);
        self.next_number += 1;
        let name = BatchName { lobby: self.lobby.clone(), incarnation, number };
        let bytes = encode_batch(&name, items);
        self.flights.push_back(Flight { number, bytes: bytes.clone(), tries: 1, again_at: None });
        (number, Next::Send { call: (incarnation, number), bytes })
    }

    /// A batch was answered: whether somebody still waits for that. The way is free: what was to go again later goes at once.
    pub fn land(&mut self, call: Call) -> bool {
        let landed = self.position(call).and_then(|index| self.flights.remove(index)).is_some();
        if landed {
            self.flights.iter_mut().filter(|flight| flight.again_at.is_some()).for_each(|flight| {
                flight.again_at = Some(Millis(0));
            });
        }
        landed
    }

    /// A call failed: it may or may not have happened.
    pub fn failed(&mut self, now: Millis, call: Call) -> Fate {
        let Some(flight) = self.position(call).and_then(|index| self.flights.get_mut(index)) else {
            return Fate::Foreign;
        };
        if flight.tries >= TRIES_MAX {
            return Fate::GivenUp;
        }
        flight.again_at = Some(now.plus(Millis(RETRY_SPACING.0 * u64::from(flight.tries))));
        flight.tries += 1;
        Fate::Again
    }

    /// Whether a batch is of the memory that lives.
    pub fn knows(&self, call: Call) -> bool {
        call.0 == self.incarnation
    }

    /// A new incarnation begins, with nothing under way.
    pub fn begin_again(&mut self, fresh: [u8; 16]) {
        self.incarnation = fresh;
        self.next_number = 0;
        self.flights.clear();
    }

    fn position(&self, call: Call) -> Option<usize> {
        if !self.knows(call) {
            return None;
        }
        self.flights.iter().position(|flight| flight.number == call.1)
    }
}
