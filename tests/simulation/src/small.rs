//! Small rooms, exhaustively: three visitors, two seats, and every sequence of inputs up to a depth, judged by the same auditor. No chance is
//! involved. The Room is rebuilt from its rows before every step, and after every one but the last it has to be the same
//! then.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use durable::batch::{
    BatchAnswer, BatchName, ClaimOutcome, Grant, Items, PassRef, RenewOutcome, Reply, TicketRef,
    decode_batch, encode_batch,
};
use durable::json;
use durable::settings::Settings;
use durable::state::Config;
use durable::token::Holder;
use durable::units::{Epoch, Millis, PassEpoch, Rank};

use crate::auditor::{Auditor, Violation};
use crate::trace::NOON;
use crate::world::table::{Said, Table, Wanted};

/// So many visitors come at most.
const VISITORS: u64 = 3;
/// D.
const SESSION: Millis = Millis(10_000);

/// One input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The next visitor joins.
    Join,
    /// Somebody asks to be let in at first contact.
    Enter,
    /// This rank claims.
    Claim(u64),
    /// Who was admitted so many admissions ago renews.
    Renew(usize),
    /// They leave.
    LeavePass(usize),
    /// This rank gives its ticket up.
    LeaveTicket(u64),
    /// The last batch arrives again.
    Repeat,
    /// An operator changes the number of seats.
    Seats(u64),
    /// An operator holds everybody, or no longer does.
    Hold(bool),
    /// An operator calls by rounds, or in order.
    Rounds(bool),
    /// Time passes, and the alarm rings.
    Later(u64),
}

/// A room on its way through a sequence.
#[derive(Clone)]
struct Small {
    table: Table,
    auditor: Auditor,
    now: Millis,
    number: u64,
    version: u64,
    seats: u64,
    is_held: bool,
    by_rounds: bool,
    joined: u64,
    grants: Vec<Grant>,
    last: Option<Vec<u8>>,
}

/// How many sequences were tried, and the first that broke a rule.
#[derive(Debug)]
pub struct Tried {
    /// Sequences of any length up to the depth.
    pub sequences: u64,
    /// The moves, and the rule.
    pub broken: Option<(Vec<Move>, Violation)>,
}

/// Tries every sequence of so many moves, on every core: each takes the next first move.
pub fn enumerate(depth: usize) -> Tried {
    let (first, next) = (Small::new().moves(), AtomicUsize::new(0));
    let begin = || {
        let mut tried = Tried { sequences: 0, broken: None };
        while let Some(begun) = first.get(next.fetch_add(1, Ordering::Relaxed)) {
            follow(&Small::new(), *begun, &mut Vec::new(), depth, &mut tried);
        }
        tried
    };
    let all = thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(begin)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
    });
    let sequences = all.iter().map(|tried| tried.sequences).sum();
    Tried { sequences, broken: all.into_iter().find_map(|tried| tried.broken) }
}

fn follow(before: &Small, next: Move, moves: &mut Vec<Move>, depth: usize, tried: &mut Tried) {
    let mut after = before.clone();
    after.make(next);
    if depth > 1 {
        let now = after.now;
        after.table.lose((now, now), &mut after.auditor);
    }
    tried.sequences += 1;
    moves.push(next);
    if let Some(violation) = after.auditor.violation() {
        tried.broken.get_or_insert_with(|| (moves.clone(), violation.clone()));
    }
    if depth > 1 && tried.broken.is_none() {
        after.moves().into_iter().for_each(|next| follow(&after, next, moves, depth - 1, tried));
    }
    moves.pop();
}

impl Small {
    fn new() -> Small {
        let mut small = Small {
            table: Table::default(),
            auditor: Auditor::default(),
            now: NOON,
            number: 0,
            version: 0,
            seats: 2,
            is_held: false,
            by_rounds: false,
            joined: 0,
            grants: Vec::new(),
            last: None,
        };
        small.configure();
        small
    }

    /// Every move that makes sense.
    fn moves(&self) -> Vec<Move> {
        let mut moves = vec![Move::Later(1_000), Move::Later(16_000)];
        if self.joined < VISITORS {
            moves.push(Move::Join);
        }
        if self.joined == 0 {
            moves.push(Move::Enter);
        }
        moves.extend((0..self.joined).map(Move::Claim));
        moves.extend((0..self.joined).map(Move::LeaveTicket));
        moves.extend((0..self.grants.len()).filter(|index| self.may_ask(*index)).map(Move::Renew));
        moves.extend((0..self.grants.len()).map(Move::LeavePass));
        moves.extend(self.last.as_ref().map(|_| Move::Repeat));
        moves.push(Move::Seats(3 - self.seats));
        moves.push(Move::Hold(!self.is_held));
        moves.push(Move::Rounds(!self.by_rounds));
        moves
    }

    fn make(&mut self, next: Move) {
        let ticket = |rank| TicketRef { epoch: Epoch(0), rank: Rank(rank) };
        match next {
            Move::Join => {
                self.joined += 1;
                let joins = vec![Holder([self.joined as u8; 16])];
                self.batch(&Items { joins, ..Items::default() });
            }
            Move::Enter => self.batch(&Items { enters: 1, ..Items::default() }),
            Move::Claim(rank) => self.batch(&Items { claims: vec![ticket(rank)], ..Items::default() }),
            Move::LeaveTicket(rank) => {
                self.batch(&Items { ticket_leaves: vec![ticket(rank)], ..Items::default() });
            }
            Move::Renew(index) => {
                let renewals = vec![self.pass(index)];
                self.batch(&Items { renewals, ..Items::default() });
            }
            Move::LeavePass(index) => {
                let pass_leaves = vec![self.pass(index)];
                self.batch(&Items { pass_leaves, ..Items::default() });
            }
            Move::Repeat => {
                let last = self.last.clone().unwrap_or_default();
                self.step(Wanted::Batch(last));
            }
            Move::Seats(seats) => {
                self.seats = seats;
                self.configure();
            }
            Move::Hold(is_held) => {
                self.is_held = is_held;
                self.configure();
            }
            Move::Rounds(by_rounds) => {
                self.by_rounds = by_rounds;
                self.configure();
            }
            Move::Later(millis) => {
                self.now = self.now.plus(Millis(millis));
                self.step(Wanted::Alarm);
            }
        }
    }

    /// Of a pass that expired D ago edges bring no wish.
    fn may_ask(&self, index: usize) -> bool {
        self.now.since(self.grants[index].expires) < SESSION
    }

    fn pass(&self, index: usize) -> PassRef {
        let Grant { seat, generation, .. } = self.grants[index];
        PassRef { epoch: Epoch(0), pass_epoch: PassEpoch(0), seat, generation }
    }

    fn configure(&mut self) {
        self.version += 1;
        let settings = json!({
            "name": "small", "host": "shop.example", "total_active_users": self.seats,
            "new_users_per_minute": 100, "session_duration_seconds": SESSION.secs_ceil(), "claim_window_seconds": 10,
            "queue_all": self.is_held, "queueing_method": if self.by_rounds { "random" } else { "fifo" },
        });
        if let Ok(settings) = Settings::parse(&settings) {
            let version = self.version;
            let config = Config { version, directory_version: version, settings, events: Vec::new() };
            self.step(Wanted::Configure(Box::new(config)));
        }
    }

    fn batch(&mut self, items: &Items) {
        let name = BatchName { lobby: "leaf".into(), incarnation: [1; 16], number: self.number };
        self.number += 1;
        let bytes = encode_batch(&name, items);
        self.last = Some(bytes.clone());
        self.step(Wanted::Batch(bytes));
    }

    /// One step on the rows alone, some milliseconds after the last.
    fn step(&mut self, wanted: Wanted) {
        self.now = self.now.plus(Millis(7));
        let is_batch = matches!(&wanted, Wanted::Batch(bytes) if decode_batch(bytes).is_ok());
        let commit =
            self.table.step((self.now, self.now), [7; 32], vec![(1, wanted)], None, &mut self.auditor);
        for (_, said) in commit.said {
            if let (true, Said::Bytes(bytes)) = (is_batch, said)
                && let Ok((BatchAnswer::Done(reply), _, _)) = BatchAnswer::decode(&bytes)
            {
                self.remember(&reply);
            }
        }
    }

    fn remember(&mut self, reply: &Reply) {
        let claimed = reply.claims.iter().filter_map(|claim| match claim {
            ClaimOutcome::Granted(grant) => Some(*grant),
            _ => None,
        });
        let renewed = reply.renewals.iter().filter_map(|renewal| match renewal {
            RenewOutcome::Renewed(grant) => Some(*grant),
            RenewOutcome::Ended => None,
        });
        for grant in claimed.chain(reply.entered.iter().copied()).chain(renewed) {
            let is_it = |held: &&mut Grant| (held.seat, held.generation) == (grant.seat, grant.generation);
            match self.grants.iter_mut().find(is_it) {
                Some(held) => *held = grant,
                None => self.grants.push(grant),
            }
        }
    }
}
