//! A leaf lobby: gathers visitors' wishes into batches, and signs what comes back.
//!
//! It decides when to send: at once while idle, every 100 ms while busy, never more than eight
//! batches in flight. A batch whose call failed is sent again under its name until it is answered or given up;
//! nothing is lost by giving up but a rank nobody holds. Equal wishes travel once. Who joined in the last
//! 120 s and joins again gets the ticket they have.
//!
//! Pure: the shell performs [`Lobby::next`] and reports back. A lobby keeps nothing in storage: its
//! memory is a convenience, and a new one begins with a new incarnation.

use std::collections::VecDeque;

use crate::batch::{
    BatchAnswer, BatchName, ClaimOutcome, Grant, Items, PassRef, RenewOutcome, Reply, TicketRef, encode_batch,
};
use crate::board::{Board, Revocations};
use crate::health::Health;
use crate::listed::Listed as _;
use crate::neighbours::Neighbours;
use crate::protocol::{Answer, Ask, Outcome, Wish};
use crate::replies::IN_FLIGHT_MAX;
use crate::table::Table;
use crate::token::{Holder, Keys, Pass, RoomTag, Ticket};
use crate::units::{Epoch, Generation, Millis, PassEpoch, Rank, Seat};

/// While batches are in flight, the next leaves this long after the last.
const SPACING: Millis = Millis(100);
/// A batch is called again this often before it is given up.
const TRIES_MAX: u32 = 4;
/// Between two tries of one batch, times the number of tries.
const RETRY_SPACING: Millis = Millis(200);
const RETRY_LONGEST: Millis = Millis(RETRY_SPACING.0 * TRIES_MAX as u64);
/// A batch holds at most this many wishes; what is more waits for the next.
const WISHES_PER_BATCH: usize = 1_000;
/// Wishes that may wait: with more, a lobby answers *unreachable* and the page tries again.
const PENDING_MAX: usize = 8 * WISHES_PER_BATCH;
/// The same holder joining again within this time gets the same ticket.
const MEMORY: Millis = Millis(120_000);
/// Holders remembered; the oldest is forgotten for a new one.
const MEMORY_MAX: usize = 20_000;
/// What was seen of the origin travels at most this often: the Room judges it every quarter of a minute.
const HEALTH_SPACING: Millis = Millis(2_000);
/// A board younger than this is given out again.
const BOARD_FRESH: Millis = Millis(999);

/// Who waits for an outcome: a number the shell makes up.
pub type Waiter = u64;

struct Flight {
    number: u64,
    bytes: Vec<u8>,
    wishes: Vec<(Wish, Vec<Waiter>)>,
    tries: u32,
    /// When to call again; none while a call is under way.
    again_at: Option<Millis>,
}

/// What the shell does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Call the parent with these bytes and report under this incarnation and number.
    Send {
        /// The incarnation it belongs to.
        incarnation: [u8; 16],
        /// The batch's number.
        number: u64,
        /// The body.
        bytes: Vec<u8>,
    },
    /// Nothing before this time.
    Wait(Millis),
    /// Nothing until something happens.
    Rest,
}

/// What a wish comes to right away.
#[derive(Debug)]
pub enum Taken {
    /// It travels with a batch: the waiter will be named by a later call.
    Gathered,
    /// It is answered from memory.
    Answered(Outcome),
    /// Only the newest board is wanted, and it must be fetched.
    BoardWanted,
}

/// See the module's words.
pub struct Lobby {
    name: String,
    room: RoomTag,
    keys: Keys,
    incarnation: [u8; 16],
    next_number: u64,
    /// In the order they came; who waits for each is beside it.
    pending: VecDeque<Wish>,
    waiters: Table<Wish, Vec<Waiter>>,
    flights: VecDeque<Flight>,
    sent_at: Millis,
    board: Option<(Board, Millis)>,
    revocations: Revocations,
    remembered: Table<Holder, (Ticket, String)>,
    memory_order: VecDeque<Holder>,
    neighbours: Neighbours,
    /// What edges saw of the origin since the last batch that brought it.
    health: Health,
    health_sent_at: Millis,
}

impl Lobby {
    /// A lobby whose memory begins now, named by these random bytes.
    pub fn new(name: String, room: RoomTag, keys: Keys, incarnation: [u8; 16]) -> Lobby {
        Lobby {
            name,
            room,
            keys,
            incarnation,
            next_number: 0,
            pending: VecDeque::new(),
            waiters: Table::default(),
            flights: VecDeque::new(),
            sent_at: Millis(0),
            board: None,
            revocations: Revocations::default(),
            remembered: Table::default(),
            memory_order: VecDeque::new(),
            neighbours: Neighbours::default(),
            health: Health::default(),
            health_sent_at: Millis(0),
        }
    }

    /// Whether somebody would join of whose neighbourhood enough have in this minute. Whoever is not refused is counted, and nobody twice.
    pub fn is_crowded(&mut self, now: Millis, ask: &Ask) -> bool {
        let Ask { wish, neighbourhood: Some(of), .. } = ask else { return false };
        let Wish::Join { holder } = wish else { return false };
        let is_known = self.recall(now, Holder(*holder)).is_some() || self.waiters.contains(wish);
        !is_known && !self.neighbours.join(now, of)
    }

    /// Takes a wish.
    pub fn ask(&mut self, now: Millis, waiter: Waiter, wish: Wish) -> Taken {
        match wish {
            Wish::Board => {
                let fresh = self.whole_board().is_some_and(|(_, at)| now.is_within(BOARD_FRESH, *at));
                return if fresh { Taken::Answered(Outcome::Board) } else { Taken::BoardWanted };
            }
            // Nobody waits for what comes of it. A batch that brings it and fails is not told again by another name: it would count twice.
            Wish::Health { sampled, errors, slow } => {
                self.health = self.health.and(Health { sampled, errors, slow });
                return Taken::Answered(Outcome::Board);
            }
            Wish::Join { holder } => {
                if let Some(outcome) = self.recall(now, Holder(holder)) {
                    return Taken::Answered(outcome);
                }
            }
            _ => {}
        }
        if let Some(waiters) = self.waiters.get_mut(&wish) {
            waiters.push(waiter);
        } else if self.pending.len() < PENDING_MAX {
            self.pending.push_back(wish);
            self.waiters.insert(wish, vec![waiter]);
        } else {
            return Taken::Answered(Outcome::Unreachable);
        }
        Taken::Gathered
    }

    /// Says what to do now. After `Send`, ask again.
    pub fn next(&mut self, now: Millis) -> Next {
        let incarnation = self.incarnation;
        // What was to happen soon happens now if the clock jumped back.
        let is_due = |at: Millis| at <= now || at > now.plus(RETRY_LONGEST);
        self.sent_at = self.sent_at.min(now);
        if let Some(flight) = self.flights.iter_mut().find(|flight| flight.again_at.is_some_and(is_due)) {
            flight.again_at = None;
            return Next::Send { incarnation, number: flight.number, bytes: flight.bytes.clone() };
        }
        let retry_at = self.flights.iter().filter_map(|flight| flight.again_at).min();
        let tells_health = !self.health.is_empty() && !now.is_within(HEALTH_SPACING, self.health_sent_at);
        let is_full = self.flights.len() >= IN_FLIGHT_MAX;
        if is_full || (self.pending.is_empty() && !tells_health) {
            let waits = !self.health.is_empty() && !is_full;
            let health_at = waits.then(|| self.health_sent_at.plus(HEALTH_SPACING).plus(Millis(1)));
            return retry_at.into_iter().chain(health_at).min().map_or(Next::Rest, Next::Wait);
        }
        let send_at = if self.flights.is_empty() { now } else { self.sent_at.plus(SPACING) };
        if send_at > now {
            return Next::Wait(retry_at.map_or(send_at, |at| at.min(send_at)));
        }
        self.sent_at = now;
        let count = self.pending.len().min(WISHES_PER_BATCH);
        let wishes: Vec<_> = self.pending.drain(..count).listed();
        let wishes: Vec<_> =
            wishes.into_iter().map(|wish| (wish, self.waiters.remove(&wish).unwrap_or_default())).listed();
        let number = self.next_number;
        self.next_number += 1;
        let name = BatchName { lobby: self.name.clone(), incarnation, number };
        let mut items = items_of(&wishes);
        if tells_health {
            items.health = std::mem::take(&mut self.health);
            self.health_sent_at = now;
        }
        let bytes = encode_batch(&name, &items);
        self.flights.push_back(Flight { number, bytes: bytes.clone(), wishes, tries: 1, again_at: None });
        Next::Send { incarnation, number, bytes }
    }

    /// The parent answered. `fresh` is a new incarnation's name, should one be needed.
    pub fn answered(
        &mut self,
        now: Millis,
        (incarnation, number): ([u8; 16], u64),
        answer: BatchAnswer,
        board: Board,
        fresh: [u8; 16],
    ) -> Vec<(Waiter, Outcome)> {
        self.take_board(now, board);
        if incarnation != self.incarnation {
            return Vec::new();
        }
        match answer {
            BatchAnswer::Done(reply) => {
                let index = self.flights.iter().position(|flight| flight.number == number);
                let Some(flight) = index.and_then(|index| self.flights.remove(index)) else {
                    return Vec::new();
                };
                self.distribute(&flight.wishes, &reply)
            }
            // An earlier batch has not arrived yet: this one goes again behind it.
            BatchAnswer::Expected(_) => self.failed(now, (incarnation, number), fresh),
            BatchAnswer::Refused => {
                self.begin_again(fresh);
                Vec::new()
            }
        }
    }

    /// A call failed: it may or may not have happened.
    pub fn failed(
        &mut self,
        now: Millis,
        (incarnation, number): ([u8; 16], u64),
        fresh: [u8; 16],
    ) -> Vec<(Waiter, Outcome)> {
        if incarnation != self.incarnation {
            return Vec::new();
        }
        let Some(flight) = self.flights.iter_mut().find(|flight| flight.number == number) else {
            return Vec::new();
        };
        if flight.tries < TRIES_MAX {
            flight.again_at = Some(now.plus(Millis(RETRY_SPACING.0 * u64::from(flight.tries))));
            flight.tries += 1;
            return Vec::new();
        }
        self.give_up(fresh, &Outcome::Unreachable)
    }

    /// Everybody who waits hears this, and a new incarnation begins: for a parent that is overloaded
    /// (it is not asked again) or does not know the room.
    pub fn give_up(&mut self, fresh: [u8; 16], outcome: &Outcome) -> Vec<(Waiter, Outcome)> {
        self.begin_again(fresh);
        self.pending.clear();
        let waiters = std::mem::take(&mut self.waiters).into_values().flatten();
        waiters.map(|waiter| (waiter, outcome.clone())).listed()
    }

    /// A board came, with a batch's answer or by itself.
    pub fn take_board(&mut self, now: Millis, board: Board) {
        let newer = self
            .board
            .as_ref()
            .is_none_or(|(held, _)| (board.sequence, board.at_ms) >= (held.sequence, held.at_ms));
        if newer {
            self.board = Some((board, now));
        }
    }

    /// A revocation list came.
    pub fn take_revocations(&mut self, revocations: Revocations) {
        if revocations.seq >= self.revocations.seq {
            self.revocations = revocations;
        }
    }

    /// The newest board, if the revocation list that it names is held too. Batches bring boards alone: an edge that took one without its list
    /// would let a revoked pass through for as long as that board may be acted on, and its seat is somebody else's by then.
    fn whole_board(&self) -> Option<&(Board, Millis)> {
        self.board.as_ref().filter(|(board, _)| board.revoked_seq <= self.revocations.seq)
    }

    /// An outcome with the newest board, for an edge that has what it named.
    pub fn answer(&self, now: Millis, outcome: Outcome, ask: &Ask) -> Answer {
        let held = (ask.board_sequence, ask.board_at_ms);
        let board = self.whole_board().filter(|(board, _)| (board.sequence, board.at_ms) > held);
        Answer {
            outcome,
            board: board.map(|(board, _)| board.clone()),
            board_age_ms: board.map_or(0, |(_, at)| now.since(*at).0),
            revocations: (self.revocations.seq > ask.revoked_seq).then(|| self.revocations.clone()),
        }
    }

    fn begin_again(&mut self, fresh: [u8; 16]) {
        self.incarnation = fresh;
        self.next_number = 0;
        let unanswered = std::mem::take(&mut self.flights).into_iter().flat_map(|flight| flight.wishes);
        for (wish, waiters) in unanswered.rev() {
            let mut gathered = self.waiters.remove(&wish).unwrap_or_default();
            if gathered.is_empty() {
                self.pending.push_front(wish);
            }
            gathered.extend(waiters);
            self.waiters.insert(wish, gathered);
        }
    }

    fn recall(&self, now: Millis, holder: Holder) -> Option<Outcome> {
        let (ticket, text) = self.remembered.get(&holder)?;
        (now.since(ticket.issued) <= MEMORY).then(|| Outcome::Joined {
            ticket: text.clone(),
            rank: ticket.rank.0,
            joined_at_ms: ticket.issued.0,
        })
    }

    fn remember(&mut self, ticket: Ticket, text: &str) {
        if self.memory_order.len() >= MEMORY_MAX
            && let Some(oldest) = self.memory_order.pop_front()
        {
            self.remembered.remove(&oldest);
        }
        self.memory_order.push_back(ticket.holder);
        self.remembered.insert(ticket.holder, (ticket, text.to_owned()));
    }

    fn distribute(&mut self, wishes: &[(Wish, Vec<Waiter>)], reply: &Reply) -> Vec<(Waiter, Outcome)> {
        let mut claims = reply.claims.iter();
        let mut renewals = reply.renewals.iter();
        let mut entered = reply.entered.iter();
        let mut rank = reply.first_rank;
        let mut told = Vec::new();
        for (wish, waiters) in wishes {
            let outcome = match wish {
                Wish::Claim { .. } => self.claimed(claims.next(), reply),
                Wish::Renew { .. } => match renewals.next() {
                    Some(RenewOutcome::Renewed(grant)) => self.admitted(grant, reply),
                    Some(RenewOutcome::Ended) => Outcome::Ended,
                    None => Outcome::Unreachable,
                },
                Wish::Enter { .. } => match entered.next() {
                    Some(grant) => self.admitted(grant, reply),
                    None => Outcome::Busy,
                },
                Wish::Join { holder } => {
                    let joined = self.joined(Holder(*holder), rank, reply);
                    rank = Rank(rank.0 + 1);
                    joined
                }
                Wish::LeaveTicket { .. } | Wish::LeavePass { .. } => Outcome::Left,
                Wish::Health { .. } | Wish::Board => Outcome::Board,
            };
            told.extend(waiters.iter().map(|waiter| (*waiter, outcome.clone())));
        }
        told
    }

    fn claimed(&self, claim: Option<&ClaimOutcome>, reply: &Reply) -> Outcome {
        match claim {
            Some(ClaimOutcome::Granted(grant)) => self.admitted(grant, reply),
            Some(ClaimOutcome::Next { retry }) => Outcome::Next { retry_ms: retry.0 },
            Some(ClaimOutcome::Waiting) => Outcome::Waiting,
            Some(ClaimOutcome::Used) => Outcome::Used,
            Some(ClaimOutcome::Void) => Outcome::Void,
            None => Outcome::Unreachable,
        }
    }

    fn joined(&mut self, holder: Holder, rank: Rank, reply: &Reply) -> Outcome {
        let ticket = Ticket { room: self.room, epoch: reply.epoch, rank, issued: reply.joined_at, holder };
        let text = self.keys.sign(&ticket);
        self.remember(ticket, &text);
        Outcome::Joined { ticket: text, rank: rank.0, joined_at_ms: reply.joined_at.0 }
    }

    fn admitted(&self, grant: &Grant, reply: &Reply) -> Outcome {
        let pass = self.keys.sign(&Pass {
            room: self.room,
            epoch: reply.epoch,
            pass_epoch: reply.pass_epoch,
            seat: grant.seat,
            generation: grant.generation,
            issued: grant.issued,
            expires: grant.expires,
            standing: grant.standing,
        });
        Outcome::Admitted { pass }
    }
}

/// The batch's items, kind by kind, each in the order of the wishes.
fn items_of(wishes: &[(Wish, Vec<Waiter>)]) -> Items {
    let mut items = Items::default();
    for (wish, _) in wishes {
        match *wish {
            Wish::Enter { .. } => items.enters += 1,
            Wish::Join { holder } => items.joins.push(Holder(holder)),
            Wish::Claim { epoch, rank } => items.claims.push(ticket_ref(epoch, rank)),
            Wish::LeaveTicket { epoch, rank } => items.ticket_leaves.push(ticket_ref(epoch, rank)),
            Wish::Renew { epoch, pass_epoch, seat, generation } => {
                items.renewals.push(pass_ref(epoch, pass_epoch, seat, generation));
            }
            Wish::LeavePass { epoch, pass_epoch, seat, generation } => {
                items.pass_leaves.push(pass_ref(epoch, pass_epoch, seat, generation));
            }
            Wish::Health { .. } | Wish::Board => {}
        }
    }
    items
}

fn ticket_ref(epoch: u32, rank: u64) -> TicketRef {
    TicketRef { epoch: Epoch(epoch), rank: Rank(rank) }
}

fn pass_ref(epoch: u32, pass_epoch: u32, seat: u32, generation: u32) -> PassRef {
    PassRef {
        epoch: Epoch(epoch),
        pass_epoch: PassEpoch(pass_epoch),
        seat: Seat(seat),
        generation: Generation(generation),
    }
}
