//! Seats that a region has in hand for first contacts, so that whoever comes while the room is open need not wait for a Room on the other side of the world.
//!
//! A region that is asked again and again asks the Room for about as many seats as are wanted of it in a second. To the Room they are given: live, of the pace,
//! and unconfirmed (`admission.rs` says how many it gives). Each is handed out once, the oldest first, and only while the newest board says open; or
//! it is given back after a few seconds, and free at once, for nobody has had a pass for it. Never both: rule 1. It is given back until the Room has
//! answered to that: twice is as once. Those that are lost with a region's memory are free when their passes would have expired.

use std::collections::VecDeque;

use crate::batch::{Grant, PassRef, Reply};
use crate::board::{Board, Phase};
use crate::courier::Next;
use crate::listed::Listed as _;
use crate::planted::{Bug, planted};
use crate::units::{Epoch, Millis, PassEpoch};

/// So long a seat is held. Whoever is handed one has so much less of their pass, which is good for twenty seconds longer than their session at least.
pub const LIFE: Millis = Millis(5_000);
/// Seats are handed out on boards no older than this: where there is much to do, a new one comes every second.
const BOARD_AGE_MAX: Millis = Millis(2_500);
/// What was wanted in so long tells what will be.
const SPAN: Millis = Millis(2_000);
/// Held and asked for, at most.
const TARGET_MAX: u32 = 512;
/// A Room that gave less than it was asked for is asked again after so long.
const REFUSED: Millis = Millis(1_000);

struct Lease {
    grant: Grant,
    of: (Epoch, PassEpoch),
    got_at: Millis,
}

/// Seats, and of which epoch and pass epoch they are.
#[derive(Debug)]
pub struct Handed {
    /// As the Room gave them.
    pub grants: Vec<Grant>,
    /// When it did.
    pub of: (Epoch, PassEpoch),
}

/// How many first contacts came lately.
#[derive(Clone, Copy, Default)]
struct Demand {
    since: Millis,
    count: u32,
    before: u32,
}

/// See the module's words.
#[derive(Default)]
pub struct Leases {
    /// The oldest first.
    held: VecDeque<Lease>,
    /// What a batch gave back of which it is not known whether it came to the Room.
    unreturned: Vec<PassRef>,
    /// Asked for, and neither given nor refused yet.
    asked: u32,
    refused_at: Option<Millis>,
    /// Since when the Room could not be asked, or too many asked it: until it answers, nothing is asked for but beside what somebody wants, and what is to go back
    /// goes again as late as it is given back at all.
    cut_off_at: Option<Millis>,
    demand: Demand,
}

impl Demand {
    /// The same at this time: after a span the next begins.
    fn at(self, now: Millis) -> Demand {
        if now.is_within(SPAN, self.since) {
            return self;
        }
        let is_next = now.is_within(SPAN.plus(SPAN), self.since);
        Demand { since: now, count: 0, before: if is_next { self.count } else { 0 } }
    }

    /// In a second, rounded up; none where it was one alone.
    fn per_second(self, now: Millis) -> u32 {
        let Demand { count, before, .. } = self.at(now);
        let most = count.max(before);
        if most < 2 { 0 } else { most.div_ceil((SPAN.0 / 1_000) as u32) }
    }
}

impl Leases {
    /// So many first contacts want in: seats for all of them, or for none.
    pub fn hand_out(&mut self, now: Millis, enters: u32, board: Option<(&Board, Millis)>) -> Option<Handed> {
        self.demand = self.demand.at(now);
        self.demand.count = self.demand.count.saturating_add(enters);
        let of = board.filter(|board| gives(now, *board)).map(|(board, _)| of(board))?;
        let is_good = |lease: &&Lease| lease.of == of && now.is_within(LIFE, lease.got_at);
        let good = self.held.iter().take_while(is_good).take(enters as usize).count();
        if good < enters as usize {
            return None;
        }
        let grants = self.held.iter().take(good).map(|lease| lease.grant).listed();
        if !planted(Bug::LeaseTwice) {
            self.held.drain(..good);
        }
        Some(Handed { grants, of })
    }

    /// Whether a batch is to leave though nobody waits for it.
    pub fn is_due(&self, now: Millis, board: Option<(&Board, Millis)>) -> bool {
        let wanted = self.wanted(now, board);
        let returns = self.held.iter().any(|lease| !is_kept(now, lease, board))
            || (!self.unreturned.is_empty() && !self.is_cut_off_within(LIFE, now));
        returns || (self.cut_off_at.is_none() && wanted > 0 && wanted >= self.target(now) / 4)
    }

    /// How many seats the batch that leaves now asks for.
    pub fn ask(&mut self, now: Millis, board: Option<(&Board, Millis)>) -> u32 {
        let wanted = self.wanted(now, board);
        self.asked += wanted;
        wanted
    }

    /// Which seats go back with it.
    pub fn give_back(&mut self, now: Millis, board: Option<(&Board, Millis)>) -> Vec<PassRef> {
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(|lease| is_kept(now, lease, board));
        self.held = kept.into();
        let mut returns = std::mem::take(&mut self.unreturned);
        returns.extend(gone.into_iter().map(
            |Lease { grant: Grant { seat, generation, .. }, of: (epoch, pass_epoch), .. }| PassRef {
                epoch,
                pass_epoch,
                seat,
                generation,
            },
        ));
        returns
    }

    /// The Room answered a batch that asked for so many.
    pub fn take(&mut self, now: Millis, asked: u32, reply: &Reply) {
        self.cut_off_at = None;
        self.asked = self.asked.saturating_sub(asked);
        if (reply.leased.len() as u32) < asked {
            self.refused_at = Some(now);
        }
        let of = (reply.epoch, reply.pass_epoch);
        self.held.extend(reply.leased.iter().map(|grant| Lease { grant: *grant, of, got_at: now }));
    }

    /// Nothing that was asked for will come; what was to go back goes again.
    pub fn begin_again(&mut self, now: Millis, returns: Vec<PassRef>) {
        (self.asked, self.cut_off_at) = (0, Some(now));
        self.unreturned.extend(returns);
    }

    /// What is next for a region that has nothing else to do than this: it also wakes to give back what nobody came for.
    pub fn wakes(&self, now: Millis, next: Next) -> Next {
        let oldest = self.held.front().map(|lease| lease.got_at);
        let again = self.cut_off_at.filter(|_| !self.unreturned.is_empty());
        let since = [oldest, again].into_iter().flatten().filter(|since| now.is_within(LIFE, *since)).min();
        let Some(since) = since else { return next };
        next.or_at(since.plus(LIFE).plus(Millis(1)))
    }

    fn is_cut_off_within(&self, span: Millis, now: Millis) -> bool {
        self.cut_off_at.is_some_and(|at| now.is_within(span, at))
    }

    fn wanted(&self, now: Millis, board: Option<(&Board, Millis)>) -> u32 {
        let is_refused = self.refused_at.is_some_and(|at| now.is_within(REFUSED, at));
        if is_refused || !board.is_some_and(|board| gives(now, board)) {
            return 0;
        }
        self.target(now).saturating_sub(self.asked.saturating_add(self.held.len() as u32))
    }

    /// What is wanted in a second, and twice its root: as many as seldom come in one second more.
    fn target(&self, now: Millis) -> u32 {
        let expected = self.demand.per_second(now);
        (expected + 2 * expected.isqrt()).min(TARGET_MAX)
    }
}

fn is_open(board: &Board) -> bool {
    board.phase == Phase::Open
}

/// Whether seats may be handed out by this board, which is so old.
fn gives(now: Millis, (board, age): (&Board, Millis)) -> bool {
    is_open(board) && age <= BOARD_AGE_MAX && board.next_change().is_none_or(|at| at > now)
}

fn of(board: &Board) -> (Epoch, PassEpoch) {
    (board.epoch(), board.pass_epoch())
}

/// Whether a seat may still be handed out, as far as is known.
fn is_kept(now: Millis, lease: &Lease, board: Option<(&Board, Millis)>) -> bool {
    let is_closed = board.is_some_and(|(board, _)| !is_open(board) || of(board) > lease.of);
    !is_closed && now.is_within(LIFE, lease.got_at)
}
