//! A crowd, as compact as it gets: who waits with which rank, who is inside until when, and when each of them asks next. Pages ask as pages
//! do ([`poll_after`]), and are told what pages are told ([`standing_of`]).

use std::hint::black_box;

use anteroom::poll::{Sight, poll_after, standing_of};
use anteroom::standing::Standing;
use durable::batch::{ClaimOutcome, Grant};
use durable::board::Board;
use durable::draw::NOBODY;
use durable::token::{Holder, PassStanding};
use durable::units::{Generation, Millis, Place, Rank, Seat};

use super::hall::{Hall, Wishes};
use super::ledger::Sample;
use super::wheel::Wheel;
use crate::dice::Dice;
use crate::trace::NOON;

/// One turn of the wheel.
const TICK: Millis = Millis(200);
/// Of a hundred, so many never come when they are called, and so many are late.
const ABSENT_PERCENT: u64 = 12;
const SLEEPY_PERCENT: u64 = 3;
/// How long the late are late.
const SLEEP: (u64, u64) = (130_000, 1_500_000);
/// The mean of a stay, which has no memory.
const STAY: Millis = Millis(150_000);
/// Of a hundred who go, so many say so.
const GOODBYE_PERCENT: u64 = 50;
/// An entry of the wheel is somebody's page, or, with this bit, somebody inside.
const INSIDE: u32 = 1 << 31;
/// So many visitors are fetched from memory at once.
const AHEAD: usize = 64;

/// Who comes.
#[derive(Clone, Copy)]
pub(super) struct Arrivals {
    /// People of one ticket each, and of one page.
    pub(super) people: u32,
    /// How many cookie jars those who are watched have: a ticket for each.
    pub(super) jars: u32,
    /// How many tabs they have open in each.
    pub(super) tabs: u32,
    /// How many are watched.
    pub(super) watched: u32,
    /// All join within so long of noon.
    pub(super) within: Millis,
    /// Whether anybody looks at their pages.
    pub(super) sight: Sight,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Coming,
    Waiting,
    Asking,
    Inside,
    Gone,
}

#[derive(Clone, Copy)]
struct Visitor {
    state: State,
    never_comes: bool,
    sleeps: bool,
    rank: u32,
    place: u32,
    joined: Millis,
    promised_seconds: u32,
    was_late: bool,
    leaves_at: Millis,
    seat: Seat,
    generation: Generation,
}

/// See the module's words.
pub(super) struct Crowd {
    /// The room they want to be in.
    pub(super) hall: Hall,
    /// Times a page asked.
    pub(super) polls: u64,
    /// Called, and never came.
    pub(super) absent: u64,
    /// Called, and came after their window.
    pub(super) slept: u64,
    /// Times somebody was told *next*.
    pub(super) kept: u64,
    /// Told that their ticket is worth nothing.
    pub(super) lost: u64,
    /// For each who got in in time: how far the wait told first was from the wait lived.
    pub(super) errors: Vec<f32>,
    /// For each who got in in time: how long after they were called.
    pub(super) turns: Vec<Millis>,
    /// For each who is watched: when the first of their tickets got them in, after they joined.
    pub(super) first_entry: Vec<Option<Millis>>,
    now: Millis,
    dice: Dice,
    wheel: Wheel,
    visitors: Vec<Visitor>,
    arrivals: Arrivals,
    won: Vec<bool>,
    has_drawn: bool,
    rounds_seen: u32,
}

impl Crowd {
    /// A crowd before noon.
    pub(super) fn new(hall: Hall, arrivals: Arrivals, seed: u64) -> Crowd {
        let mut dice = Dice::new(seed);
        let mut wheel = Wheel::new();
        let tickets = arrivals.watched * arrivals.jars + arrivals.people;
        let (mut visitors, mut at) = (Vec::with_capacity(tickets as usize), 0);
        for id in 0..tickets {
            let is_watched = id < arrivals.watched * arrivals.jars;
            // All jars of a person come at the same moment.
            if !is_watched || id % arrivals.jars == 0 {
                at = dice.below(arrivals.within.0);
            }
            wheel.plan(at / TICK.0 + 1, id);
            visitors.push(Visitor {
                state: State::Coming,
                never_comes: !is_watched && dice.percent(ABSENT_PERCENT),
                sleeps: !is_watched && dice.percent(SLEEPY_PERCENT),
                rank: 0,
                place: 0,
                joined: NOON,
                promised_seconds: 0,
                was_late: false,
                leaves_at: NOON,
                seat: Seat(0),
                generation: Generation(0),
            });
        }
        Crowd {
            hall,
            polls: 0,
            absent: 0,
            slept: 0,
            kept: 0,
            lost: 0,
            errors: Vec::new(),
            turns: Vec::new(),
            first_entry: vec![None; arrivals.watched as usize],
            now: NOON,
            dice,
            wheel,
            visitors,
            arrivals,
            won: Vec::new(),
            has_drawn: false,
            rounds_seen: 0,
        }
    }

    /// The time.
    pub(super) fn now(&self) -> Millis {
        self.now
    }

    /// The next tick: whether anybody is left.
    pub(super) fn tick(&mut self) -> bool {
        self.now = self.now.plus(TICK);
        let (mut wishes, mut joining, mut claiming) = (Wishes::default(), Vec::new(), Vec::new());
        let due = self.wheel.turn();
        for (n, &entry) in due.iter().enumerate() {
            if n % AHEAD == 0 {
                self.fetch(&due[n..due.len().min(n + AHEAD)]);
            }
            if entry & INSIDE != 0 {
                self.stay(entry, &mut wishes);
                continue;
            }
            let state = self.visitors[entry as usize].state;
            match state {
                State::Coming => {
                    wishes.joins.push(holder(entry));
                    joining.push(entry);
                }
                State::Waiting if self.ask(entry) => {
                    wishes.claims.push(self.visitors[entry as usize].rank);
                    claiming.push(entry);
                }
                _ => {}
            }
        }
        let told = self.hall.step(self.now, wishes);
        self.hear_of_rounds();
        self.hear_of_draw();
        for (id, rank) in joining.into_iter().zip(told.first_rank..) {
            self.join(id, rank);
        }
        for (id, outcome) in claiming.into_iter().zip(told.claims) {
            self.hear(id, &outcome);
        }
        self.wheel.entries > 0
    }

    /// Looks at many visitors at once, so that memory brings them at once too: a million of them fit no cache, and what they do next is
    /// so much work each that the processor would wait for one after the other.
    fn fetch(&self, entries: &[u32]) {
        let states = entries.iter().map(|entry| self.visitors[(entry & !INSIDE) as usize].state as u32);
        black_box(states.sum::<u32>());
    }

    /// They have a rank, and the page begins to ask.
    fn join(&mut self, id: u32, rank: u32) {
        let visitor = &mut self.visitors[id as usize];
        (visitor.state, visitor.joined) = (State::Waiting, self.now);
        (visitor.rank, visitor.place) = (rank, rank);
        let is_watched = id < self.arrivals.watched * self.arrivals.jars;
        for _ in 0..if is_watched { self.arrivals.tabs } else { 1 } {
            // The page comes back at once.
            let ticks = self.dice.between(5, 10);
            self.wheel.plan(ticks, id);
        }
    }

    /// A page asks: whether it may claim now.
    fn ask(&mut self, id: u32) -> bool {
        self.polls += 1;
        let visitor = self.visitors[id as usize];
        let standing = self.standing(&visitor);
        let visitor = &mut self.visitors[id as usize];
        match standing {
            Standing::YourTurn { .. } if visitor.never_comes => {
                visitor.state = State::Gone;
                self.absent += 1;
                return false;
            }
            Standing::YourTurn { .. } if visitor.sleeps => {
                visitor.sleeps = false;
                visitor.was_late = true;
                self.slept += 1;
                // Nothing is to be learnt about waits from them.
                visitor.promised_seconds = u32::MAX;
                let sleep = self.dice.between(SLEEP.0, SLEEP.1);
                self.wheel.plan(sleep / TICK.0, id);
                return false;
            }
            Standing::YourTurn { .. } => {
                visitor.state = State::Asking;
                return true;
            }
            Standing::Waiting { wait: Some(wait), .. } if visitor.promised_seconds == 0 => {
                visitor.promised_seconds = wait.from_seconds.max(1) as u32;
            }
            _ => {}
        }
        let after = poll_after(
            &standing,
            Some(&self.hall.board),
            self.now,
            self.dice.below(1 << 32) as u32,
            self.arrivals.sight,
        );
        self.wheel.plan(after.0 / TICK.0, id);
        false
    }

    fn standing(&self, visitor: &Visitor) -> Standing {
        let board = &self.hall.board;
        match &board.rounds {
            Some(rounds) if rounds.next_ms > 0 => {
                let has_won = self.won.get(visitor.rank as usize).copied().unwrap_or_default();
                let place = Place(u64::from(visitor.rank));
                let next_in = Millis(rounds.next_ms).since(self.now);
                match has_won {
                    true if board.claims_closed => Standing::Next { place },
                    true => Standing::YourTurn { place },
                    false => {
                        let (people, waited) = (board.waiting, Millis(0));
                        Standing::Drawing { people, next_in, wait: None, waited }
                    }
                }
            }
            _ => standing_of(board, Rank(u64::from(visitor.place)), visitor.joined, self.now),
        }
    }

    /// Whoever won one of the rounds that the board tells of: computed once for all, and not by each page.
    fn hear_of_rounds(&mut self) {
        let Board { rounds: Some(rounds), issued, .. } = &self.hall.board else { return };
        let unseen = (rounds.number - self.rounds_seen) as usize;
        if unseen == 0 {
            return;
        }
        self.rounds_seen = rounds.number;
        self.won.resize(*issued as usize, false);
        for round in rounds.all().into_iter().take(unseen) {
            debug_assert_eq!(round.draw.hash, NOBODY);
            let permutation = round.draw.permutation();
            let images = (0..round.cut).map(|image| Place(round.draw.first.0 + image));
            for rank in images.filter_map(|place| permutation.rank_of(place)) {
                if let Some(won) = self.won.get_mut(rank.0 as usize) {
                    *won = true;
                }
            }
        }
    }

    /// The places of those who were drawn: computed once, and the board that pages go by from then on knows of no draw.
    fn hear_of_draw(&mut self) {
        let board = &mut self.hall.board;
        if board.draws.is_empty() {
            return;
        }
        for visitor in self.visitors.iter_mut().filter(|_| !self.has_drawn) {
            let place = board.place_of(Rank(u64::from(visitor.rank)));
            visitor.place = place.map_or(visitor.rank, |place| place.0 as u32);
        }
        self.has_drawn = true;
        board.draws.clear();
    }

    fn hear(&mut self, id: u32, outcome: &ClaimOutcome) {
        let visitor = &mut self.visitors[id as usize];
        match outcome {
            ClaimOutcome::Granted(grant) => {
                visitor.state = State::Inside;
                (visitor.seat, visitor.generation) = (grant.seat, grant.generation);
                let stay = stay(&mut self.dice);
                visitor.leaves_at = self.now.plus(stay);
                let asks_in = stay.min(Millis(self.hall.board.renewal_interval_ms));
                let lived = self.now.since(visitor.joined);
                if let Some(called_at) =
                    self.hall.ledger.called_at(u64::from(visitor.place)).filter(|_| !visitor.was_late)
                {
                    self.turns.push(self.now.since(called_at));
                }
                if ![0, u32::MAX].contains(&visitor.promised_seconds) {
                    let told = visitor.promised_seconds as f32 * 1_000.0;
                    self.errors.push((told - lived.0 as f32) / lived.0.max(1) as f32);
                }
                self.wheel.plan(asks_in.0 / TICK.0 + 1, id | INSIDE);
                self.enter(id, lived);
            }
            ClaimOutcome::Next { retry } => {
                visitor.state = State::Waiting;
                self.kept += 1;
                self.wheel.plan(retry.0 / TICK.0, id);
            }
            ClaimOutcome::Waiting => {
                visitor.state = State::Waiting;
                // The round that called them is forgotten: they wait again.
                if let Some(won) = self.won.get_mut(visitor.rank as usize) {
                    *won = false;
                }
                self.wheel.plan(10, id);
            }
            _ => {
                visitor.state = State::Gone;
                self.lost += 1;
            }
        }
    }

    /// Whoever is in with one ticket has no use for the others.
    fn enter(&mut self, id: u32, lived: Millis) {
        let Some(first) = self.first_entry.get_mut((id / self.arrivals.jars) as usize) else { return };
        first.get_or_insert(lived);
        let jars = id / self.arrivals.jars * self.arrivals.jars..;
        for other in jars.take(self.arrivals.jars as usize).filter(|other| *other != id) {
            self.visitors[other as usize].state = State::Gone;
        }
    }

    /// Somebody inside goes on, or goes.
    fn stay(&mut self, entry: u32, wishes: &mut Wishes) {
        let visitor = self.visitors[(entry & !INSIDE) as usize];
        let grant = Grant {
            seat: visitor.seat,
            generation: visitor.generation,
            issued: self.now,
            expires: self.now,
            standing: PassStanding::Confirmed,
        };
        let left = visitor.leaves_at.since(self.now);
        if left == Millis(0) {
            if self.dice.percent(GOODBYE_PERCENT) {
                wishes.leaves.push(grant);
            }
            return;
        }
        let interval = Millis(self.hall.board.renewal_interval_ms);
        wishes.renewals.push(grant);
        self.wheel.plan(interval.min(left).0 / TICK.0 + 1, entry);
    }

    /// This minute, for the chart.
    pub(super) fn sample(&self) -> Sample {
        let board = &self.hall.board;
        let middle = board.called + board.waiting / 2;
        let wait = anteroom::poll::expected_wait(board, board.ahead_of(Place(middle)));
        Sample {
            at: self.now,
            waiting: board.waiting,
            inside: self.hall.ledger.live(),
            called: self.hall.ledger.called,
            middle,
            promised: wait.filter(|_| board.waiting > 0).map(|wait| (wait.from_seconds, wait.to_seconds)),
        }
    }
}

/// Everybody is somebody else.
fn holder(id: u32) -> Holder {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&id.to_be_bytes());
    Holder(bytes)
}

/// How long somebody stays: an exponential distribution, by its inverse.
fn stay(dice: &mut Dice) -> Millis {
    let uniform = (dice.below(1 << 32) + 1) as f64 / (1u64 << 32) as f64;
    Millis((-uniform.ln() * STAY.0 as f64) as u64)
}
