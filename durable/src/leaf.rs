//! A leaf lobby: gathers visitors' wishes into batches, and signs what comes back.
//!
//! While batches are in flight, the next leaves 100 ms after the last ([`crate::courier`]); first contacts have batches of their own. Equal wishes travel once: whoever
//! asks again while the answer is on its way waits for the same one. Who joined in the last 120 s and joins again gets the ticket they have ([`crate::recent`]).
//!
//! Pure: the shell performs [`Leaf::next`] and reports back. A lobby keeps nothing in storage: its
//! memory is a convenience, and a new one begins with a new incarnation.

use std::collections::VecDeque;

use crate::batch::{ClaimOutcome, Grant, Items, PassRef, RenewOutcome, Reply, TicketRef};
use crate::bulletin::Bulletin;
use crate::courier::{Cargo, Courier, Heard, Next, Why};
use crate::health::Health;
use crate::hearsay::Hearsay;
use crate::listed::Listed as _;
use crate::neighbours::Neighbours;
use crate::protocol::{Answer, Ask, Neighbourhood, Outcome, Wish};
use crate::recent::Recent;
use crate::table::Table;
use crate::token::{Holder, Keys, Pass, RoomTag, Ticket};
use crate::units::{Epoch, Generation, Millis, PassEpoch, Rank, Seat};

/// While batches are in flight, the next leaves this long after the last.
const SPACING: Millis = Millis(100);
/// A batch holds at most this many wishes; what is more waits for the next.
const WISHES_PER_BATCH: usize = 1_000;
/// Wishes that may wait: with more, a leaf answers *overloaded* and the page tries again.
const PENDING_MAX: usize = 8 * WISHES_PER_BATCH;
/// A board that is younger by less is hardly newer.
const BOARD_WORTH: Millis = Millis(500);

/// Who waits for an outcome: a number the shell makes up.
pub type Waiter = u64;

/// Who waits for what a wish comes to, and where it was counted.
#[derive(Default)]
struct Waiting {
    waiters: Vec<Waiter>,
    /// Of the first who joined.
    counted: Option<Neighbourhood>,
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
pub struct Leaf {
    room: RoomTag,
    keys: Keys,
    courier: Courier,
    bulletin: Bulletin,
    /// In the order they came.
    pending: VecDeque<Wish>,
    /// The same of first contacts.
    entering: VecDeque<Wish>,
    /// Of each wish that is not answered, whether it has left or not.
    waiting: Table<Wish, Waiting>,
    /// What each batch carries, by its number, in the order of its items.
    flights: VecDeque<(u64, Vec<Wish>)>,
    recent: Recent,
    neighbours: Neighbours,
    hearsay: Hearsay,
}

impl Leaf {
    /// A leaf whose memory begins now, named by these random bytes.
    pub fn new(name: String, room: RoomTag, keys: Keys, incarnation: [u8; 16]) -> Leaf {
        Leaf {
            room,
            keys,
            courier: Courier::new(name, incarnation, SPACING),
            bulletin: Bulletin::default(),
            pending: VecDeque::new(),
            entering: VecDeque::new(),
            waiting: Table::default(),
            flights: VecDeque::new(),
            recent: Recent::default(),
            neighbours: Neighbours::default(),
            hearsay: Hearsay::default(),
        }
    }

    /// The newest board, and the list that goes with it.
    pub fn bulletin(&mut self) -> &mut Bulletin {
        &mut self.bulletin
    }

    /// Its batches on their way.
    pub fn courier(&mut self) -> &mut Courier {
        &mut self.courier
    }

    /// Takes a wish. Who joins of a neighbourhood of which enough have in this minute is refused; who is not is counted, and nobody twice.
    pub fn ask(&mut self, now: Millis, waiter: Waiter, ask: impl Into<Ask>) -> Taken {
        let Ask { wish, neighbourhood, .. } = ask.into();
        match wish {
            Wish::Board => {
                let fresh = self.bulletin.fresh(now).is_some();
                return if fresh { Taken::Answered(Outcome::Board) } else { Taken::BoardWanted };
            }
            Wish::Health { sampled, errors, slow } => {
                self.hearsay.hear(Health { sampled, errors, slow });
                return Taken::Answered(Outcome::Board);
            }
            Wish::Join { holder } => {
                if let Some(outcome) = self.recall(now, Holder(holder)) {
                    return Taken::Answered(outcome);
                }
            }
            _ => {}
        }
        if let Some(waiting) = self.waiting.get_mut(&wish) {
            waiting.waiters.push(waiter);
            return Taken::Gathered;
        }
        if self.pending.len() + self.entering.len() >= PENDING_MAX {
            return Taken::Answered(Outcome::Overloaded);
        }
        let counted = neighbourhood.filter(|_| matches!(wish, Wish::Join { .. }));
        if counted.is_some_and(|of| !self.neighbours.join(now, &of)) {
            return Taken::Answered(Outcome::Crowded);
        }
        self.queue(cargo_of(&wish)).push_back(wish);
        self.waiting.insert(wish, Waiting { waiters: vec![waiter], counted });
        Taken::Gathered
    }

    /// Says what to do now. After `Send`, ask again.
    pub fn next(&mut self, now: Millis) -> Next {
        let Some(first) = self.courier.due(now, Cargo::Entering, !self.entering.is_empty()) else {
            return self.send(now, Cargo::Entering);
        };
        if matches!(first, Next::Send { .. }) {
            return first;
        }
        let has_more = !self.pending.is_empty() || self.hearsay.is_due(now);
        let Some(next) = self.courier.due(now, Cargo::Mixed, has_more) else {
            return self.send(now, Cargo::Mixed);
        };
        let next = if let Next::Wait(at) = first { next.or_at(at) } else { next };
        self.hearsay.wakes(now, next)
    }

    fn send(&mut self, now: Millis, cargo: Cargo) -> Next {
        let pending = self.queue(cargo);
        let count = pending.len().min(WISHES_PER_BATCH);
        let load: Vec<_> = pending.drain(..count).listed();
        let board_held = self.bulletin.held(now);
        let health = if cargo == Cargo::Mixed { self.hearsay.pass_on(now) } else { Health::default() };
        let items = Items { health, board_held, ..items_of(&load) };
        let (number, next) = self.courier.send(now, cargo, &items);
        self.flights.push_back((number, load));
        next
    }

    fn queue(&mut self, cargo: Cargo) -> &mut VecDeque<Wish> {
        match cargo {
            Cargo::Entering => &mut self.entering,
            Cargo::Mixed => &mut self.pending,
        }
    }

    /// What a call came to: who is told what. `fresh` is a new incarnation's name, should one be needed.
    pub fn hear(&mut self, now: Millis, heard: Heard, fresh: [u8; 16]) -> Vec<(Waiter, Outcome)> {
        match heard {
            Heard::Reply(number, reply) => {
                let index = self.flights.iter().position(|(of, _)| *of == number);
                let load = index.and_then(|index| self.flights.remove(index));
                load.map(|(_, load)| self.distribute(&load, &reply)).unwrap_or_default()
            }
            Heard::Nothing => Vec::new(),
            Heard::Forgotten => {
                self.begin_again(now, fresh);
                Vec::new()
            }
            Heard::GivenUp(why) => self.give_up(now, why, fresh),
        }
    }

    /// Everybody who waits hears why, and a new incarnation begins: of a parent that is overloaded, so that it is
    /// not asked again and newcomers are told that they are joining.
    fn give_up(&mut self, now: Millis, why: Why, fresh: [u8; 16]) -> Vec<(Waiter, Outcome)> {
        let outcome = Outcome::from(why);
        self.begin_again(now, fresh);
        self.pending.clear();
        self.entering.clear();
        let mut told = Vec::new();
        for Waiting { waiters, counted } in std::mem::take(&mut self.waiting).into_values() {
            if let Some(of) = counted {
                self.neighbours.uncount(&of);
            }
            told.extend(waiters.into_iter().map(|waiter| (waiter, outcome.clone())));
        }
        told
    }

    /// An outcome with the newest board, for an edge that has what it named. With ten million who join, most of what is said would be boards: of one that is hardly newer
    /// an edge is told only if it asks, or if what it has may be used for longer, or has promised somebody more than they
    /// were given.
    pub fn answer(&self, now: Millis, outcome: Outcome, ask: &Ask) -> Answer {
        use Outcome::{Board, Busy, Next, Waiting};
        let held = (ask.board_sequence, ask.board_at_ms);
        let told_anyway = matches!(outcome, Board | Busy | Waiting | Next { .. });
        let is_worth_it = |board: &crate::board::Board| {
            told_anyway
                || board.at_ms >= ask.board_at_ms.saturating_add(BOARD_WORTH.0)
                || board.max_age_ms < ask.board_max_age_ms
                // One of before does not say.
                || ask.board_max_age_ms == 0
        };
        let board = self.bulletin.whole(now).filter(|(board, _)| (board.sequence, board.at_ms) > held);
        let board = board.filter(|(board, _)| is_worth_it(board));
        let revocations = self.bulletin.revocations();
        Answer {
            outcome,
            board: board.map(|(board, _)| board.clone()),
            board_age_ms: board.map_or(0, |(_, age)| age.0),
            revocations: (revocations.seq > ask.revoked_seq).then(|| revocations.clone()),
        }
    }

    fn begin_again(&mut self, now: Millis, fresh: [u8; 16]) {
        self.courier.begin_again(now, fresh);
        let unanswered = std::mem::take(&mut self.flights).into_iter().flat_map(|(_, load)| load);
        unanswered.rev().for_each(|wish| self.queue(cargo_of(&wish)).push_front(wish));
    }

    fn recall(&self, now: Millis, holder: Holder) -> Option<Outcome> {
        let (epoch, rank, issued) = self.recent.recall(now, holder)?;
        // Of an epoch that is over: they join anew.
        let is_void = self.bulletin.newest(now).is_some_and(|(board, _)| board.epoch() > epoch);
        (!is_void).then(|| self.told_of(&Ticket { room: self.room, epoch, rank, issued, holder }))
    }

    fn told_of(&self, ticket: &Ticket) -> Outcome {
        let text = self.keys.sign(ticket);
        Outcome::Joined { ticket: text, rank: ticket.rank.0, joined_at_ms: ticket.issued.0 }
    }

    fn distribute(&mut self, load: &[Wish], reply: &Reply) -> Vec<(Waiter, Outcome)> {
        let mut claims = reply.claims.iter();
        let mut renewals = reply.renewals.iter();
        let mut entered = reply.entered.iter();
        let mut rank = reply.first_rank;
        let mut told = Vec::new();
        for wish in load {
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
            let waiting = self.waiting.remove(wish).unwrap_or_default();
            told.extend(waiting.waiters.into_iter().map(|waiter| (waiter, outcome.clone())));
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
        self.recent.remember(&ticket);
        self.told_of(&ticket)
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

fn cargo_of(wish: &Wish) -> Cargo {
    if matches!(wish, Wish::Enter { .. }) { Cargo::Entering } else { Cargo::Mixed }
}

/// The batch's items, kind by kind, each in the order of the wishes.
fn items_of(wishes: &[Wish]) -> Items {
    let mut items = Items::default();
    for wish in wishes {
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
