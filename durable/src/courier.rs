//! A lobby's numbered batches on their way to its parent: when the next may leave, and what becomes of a call that failed.
//!
//! A batch leaves at once while nothing is under way, otherwise so long after the last, and never more than eight are in flight. One whose
//! call failed is sent again under its name until it is answered or given up; nothing is lost by giving up but a rank nobody holds. A parent that refuses,
//! or has too much to do, is left alone for a while before it is asked anything, longer each time, and no two lobbies for as long.
//! What a batch carries, and for whom, is known to its lobby ([`crate::leaf`], [`crate::region`]).

use std::collections::VecDeque;

use crate::batch::{BatchAnswer, BatchName, Items, Reply, encode_batch};
use crate::protocol::Outcome;
use crate::replies::IN_FLIGHT_MAX;
use crate::units::Millis;

/// A batch is called again this often before it is given up.
const TRIES_MAX: u32 = 4;
/// Between two tries of one batch, times the number of tries.
const RETRY_SPACING: Millis = Millis(200);
const RETRY_LONGEST: Millis = Millis(RETRY_SPACING.0 * TRIES_MAX as u64);
/// How long a parent is left alone at the longest. A leaf's pause, its region's behind it and the way are far less than the patience of who waits
/// (`src/errands.mjs`), so that everybody is told.
const PAUSE_MAX: Millis = Millis(400);
/// First contacts may take so much of what may be in flight: whoever is inside renews beside them. While none are in flight they leave so soon after the last,
/// whatever else is; behind others of their kind as late as all else.
const ENTERING_MAX: usize = IN_FLIGHT_MAX / 2;
const ENTERING_SPACING: Millis = Millis(25);

/// Which batch of which of a lobby's memories: what a call is known by.
pub type Call = ([u8; 16], u64);

/// What a batch carries. Batches of one kind do not wait for the answers to those of the other, unless one of before was lost on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cargo {
    /// First contacts, of a leaf: its region may have seats in hand for them, and answers at once if nothing else travels with them.
    Entering,
    /// All else.
    Mixed,
}

struct Flight {
    number: u64,
    cargo: Cargo,
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

impl Next {
    /// The same, or what comes at this time if that is sooner.
    #[must_use]
    pub fn or_at(self, at: Millis) -> Next {
        match self {
            Next::Rest => Next::Wait(at),
            Next::Wait(until) => Next::Wait(until.min(at)),
            sends @ Next::Send { .. } => sends,
        }
    }
}

/// Why nobody who waits is told more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The parent does not answer, or its own parent does not.
    Unreachable,
    /// Too many ask.
    Overloaded,
    /// There is no such room.
    Unknown,
}

impl From<Why> for Outcome {
    fn from(why: Why) -> Outcome {
        match why {
            Why::Unreachable => Outcome::Unreachable,
            Why::Overloaded => Outcome::Overloaded,
            Why::Unknown => Outcome::Unknown,
        }
    }
}

/// What a parent's answer, or none, comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The batch of this number is answered.
    Reply(u64, Reply),
    /// Nothing yet: it goes again, or nobody waits for it any more.
    Nothing,
    /// The parent has forgotten this memory: what is on its way goes again under the name of a new one.
    Forgotten,
    /// Everybody who waits is told.
    GivenUp(Why),
}

/// See the module's words.
pub struct Courier {
    lobby: String,
    incarnation: [u8; 16],
    next_number: u64,
    spacing: Millis,
    /// Of each kind.
    sent_at: [Millis; 2],
    flights: VecDeque<Flight>,
    /// How often in a row the parent refused, and until when it is left alone for that.
    refusals: u32,
    paused_until: Millis,
}

impl Courier {
    /// Of a lobby of this name whose memory begins now, named by these random bytes. While batches are in flight, the next leaves so long after the last.
    pub fn new(lobby: String, incarnation: [u8; 16], spacing: Millis) -> Courier {
        Courier {
            lobby,
            incarnation,
            next_number: 0,
            spacing,
            sent_at: [Millis(0); 2],
            flights: VecDeque::new(),
            refusals: 0,
            paused_until: Millis(0),
        }
    }

    /// What is due before anything new of this kind may leave; none if a new batch may leave now.
    pub fn due(&mut self, now: Millis, cargo: Cargo, has_more: bool) -> Option<Next> {
        // What was to happen soon happens now if the clock jumped back.
        let is_due = |at: Millis| at <= now || at > now.plus(RETRY_LONGEST);
        self.sent_at = self.sent_at.map(|at| at.min(now));
        let retry_at = self.flights.iter().filter_map(|flight| flight.again_at).min();
        if let Some(until) = self.paused_until(now) {
            return Some(if has_more || retry_at.is_some() { Next::Wait(until) } else { Next::Rest });
        }
        if let Some(flight) = self.flights.iter_mut().find(|flight| flight.again_at.is_some_and(is_due)) {
            flight.again_at = None;
            let (call, bytes) = ((self.incarnation, flight.number), flight.bytes.clone());
            return Some(Next::Send { call, bytes });
        }
        if !has_more || !self.has_room(cargo) {
            return Some(retry_at.map_or(Next::Rest, Next::Wait));
        }
        let is_alone = self.flights.iter().all(|flight| flight.cargo != cargo);
        let send_at = match cargo {
            _ if self.flights.is_empty() => now,
            Cargo::Mixed if is_alone => now,
            Cargo::Entering if is_alone => self.sent_at(cargo).plus(ENTERING_SPACING),
            _ => self.sent_at(cargo).plus(self.spacing),
        };
        (send_at > now).then(|| Next::Wait(retry_at.map_or(send_at, |at| at.min(send_at))))
    }

    /// A new batch leaves.
    pub fn send(&mut self, now: Millis, cargo: Cargo, items: &Items) -> (u64, Next) {
        *self.sent_at(cargo) = now;
        let (number, incarnation) = (self.next_number, self.incarnation);
        self.next_number += 1;
        let name = BatchName { lobby: self.lobby.clone(), incarnation, number };
        let bytes = encode_batch(&name, items);
        self.flights.push_back(Flight { number, cargo, bytes: bytes.clone(), tries: 1, again_at: None });
        (number, Next::Send { call: (incarnation, number), bytes })
    }

    /// The parent answered.
    pub fn answered(&mut self, now: Millis, call: Call, answer: BatchAnswer) -> Heard {
        match answer {
            _ if call.0 != self.incarnation => Heard::Nothing,
            BatchAnswer::Done(reply) if self.land(call) => Heard::Reply(call.1, reply),
            BatchAnswer::Done(_) => Heard::Nothing,
            // One of before has not arrived yet: this one goes again behind it.
            BatchAnswer::Expected(number) if self.position((call.0, number)).is_some() => {
                if let Some(flight) = self.flight(call) {
                    flight.again_at = Some(now.plus(RETRY_SPACING));
                }
                Heard::Nothing
            }
            BatchAnswer::Expected(_) => self.failed(now, call),
            BatchAnswer::Refused => Heard::Forgotten,
            BatchAnswer::Unreachable => self.given_up(call, Why::Unreachable),
            BatchAnswer::Overloaded => self.given_up(call, Why::Overloaded),
        }
    }

    /// The parent carries out nothing. A call of a memory that is over is nobody's any more: what the next one has under way goes on.
    pub fn given_up(&self, call: Call, why: Why) -> Heard {
        if self.position(call).is_some() { Heard::GivenUp(why) } else { Heard::Nothing }
    }

    /// A call failed: it may or may not have happened.
    pub fn failed(&mut self, now: Millis, call: Call) -> Heard {
        let Some(flight) = self.flight(call) else {
            return Heard::Nothing;
        };
        if flight.tries >= TRIES_MAX {
            return Heard::GivenUp(Why::Unreachable);
        }
        flight.again_at = Some(now.plus(Millis(RETRY_SPACING.0 * u64::from(flight.tries))));
        flight.tries += 1;
        Heard::Nothing
    }

    /// A new incarnation begins, named by these random bytes, with nothing under way.
    pub fn begin_again(&mut self, now: Millis, fresh: [u8; 16]) {
        self.incarnation = fresh;
        self.next_number = 0;
        self.flights.clear();
        self.refused(now, fresh);
    }

    /// The parent refused, or said nothing: it is left alone for a while, between the half and the whole of so many times the spacing, by these random bytes.
    pub fn refused(&mut self, now: Millis, luck: [u8; 16]) {
        let longest = (self.spacing.0 << self.refusals.min(8)).min(PAUSE_MAX.0);
        let [first, second, ..] = luck;
        let jitter = longest / 2 * u64::from(u16::from_be_bytes([first, second])) / u64::from(u16::MAX);
        self.refusals = self.refusals.saturating_add(1);
        self.paused_until = now.plus(Millis(longest / 2 + jitter));
    }

    /// Until when the parent is left alone; none if it may be asked.
    pub fn paused_until(&self, now: Millis) -> Option<Millis> {
        // If the clock jumped back it is over.
        Some(self.paused_until).filter(|until| *until > now && *until <= now.plus(PAUSE_MAX))
    }

    /// A batch was answered: whether somebody still waits for that. The way is free: what was to go again later goes at once.
    fn land(&mut self, call: Call) -> bool {
        let landed = self.position(call).and_then(|index| self.flights.remove(index)).is_some();
        if landed {
            (self.refusals, self.paused_until) = (0, Millis(0));
            self.flights.iter_mut().filter(|flight| flight.again_at.is_some()).for_each(|flight| {
                flight.again_at = Some(Millis(0));
            });
        }
        landed
    }

    /// Whether one more of this kind may be in flight. Replies are remembered to the last eight numbers: none leaves while one that is further back may have
    /// to go again.
    fn has_room(&self, cargo: Cargo) -> bool {
        let behind = self.flights.front().map_or(0, |oldest| self.next_number - oldest.number);
        let entering = self.flights.iter().filter(|flight| flight.cargo == Cargo::Entering).count();
        behind < IN_FLIGHT_MAX as u64 && (cargo == Cargo::Mixed || entering < ENTERING_MAX)
    }

    fn sent_at(&mut self, cargo: Cargo) -> &mut Millis {
        let [entering, mixed] = &mut self.sent_at;
        match cargo {
            Cargo::Entering => entering,
            Cargo::Mixed => mixed,
        }
    }

    fn flight(&mut self, call: Call) -> Option<&mut Flight> {
        self.position(call).and_then(|index| self.flights.get_mut(index))
    }

    fn position(&self, (incarnation, number): Call) -> Option<usize> {
        let flights = Some(&self.flights).filter(|_| incarnation == self.incarnation)?;
        flights.iter().position(|flight| flight.number == number)
    }
}
