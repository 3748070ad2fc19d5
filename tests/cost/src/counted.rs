//! The same hour lived through: every visitor is one, asks when production's rule says so, and what they want travels through production's lobbies to
//! production's Room. Nothing fails here; what fails, and what is right, is the simulation's business (`tests/simulation`).
//!
//! One call for each wish: that an isolate's wishes travel together (`src/leaves.mjs`) makes them fewer, and is left out here and in the model.

use std::collections::HashMap;

use anteroom::poll::standing_of;
use anteroom::standing::Standing;
use durable::board::Board;
use durable::json;
use durable::lobby::{About, Caller, LEAVES, Said, Wanted};
use durable::protocol::{Answer, Ask, Outcome, Wish};
use durable::token::{Keys, Pass};
use durable::units::{Generation, Millis, Rank, Seat};
use durable::wire::{from_text, to_text};
use simulation::dice::Dice;

use crate::calendar::Calendar;
use crate::hall::Hall;
use crate::lobbies::{Call, Node};
use crate::operations::{Level, Operations};
use crate::pages::{By, asks_after, joins_after};
use crate::scenario::{HOUR, Scenario};
use crate::tree::{BOARD_ASKS_PER_SECOND, EDGE_TO_LEAF, LEAF_TO_REGION, REGION_TO_ROOM};

/// It begins at some noon: times are since 1970 there as here.
const NOON: Millis = Millis(1_800_000_000_000);
/// The edges' board is renewed so often.
const BOARD_EVERY: Millis = Millis(1_000);
const ROOM_ID: &str = "0123456789abcdef0123456789abcdef";
/// Whoever is told to wait although they were called asks again then.
const ASKS_AGAIN: Millis = Millis(2_000);
/// What an edge says of its board: that nothing newer is wanted with an answer. What a board weighs on a wire is not billed.
const HAS_ALL: u64 = u64::MAX;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Coming,
    Arriving,
    Joining,
    Waiting,
    Claiming,
    Inside,
    Gone,
}

#[derive(Clone, Copy)]
struct Visitor {
    state: State,
    by: By,
    says_goodbye: bool,
    rank: u32,
    joined: Millis,
    entered: Millis,
    renewed: Millis,
    requests: u32,
    seat: Seat,
    generation: Generation,
}

#[derive(Clone, Copy)]
enum Event {
    /// A visitor, or their page, does the next thing.
    Acts(u32),
    /// What they want is at their leaf.
    Wishes(u32),
    /// A data center wants a newer board.
    WantsBoard,
    /// A leaf wants to be woken.
    Wakes(u32),
    /// What is under way is there.
    Arrives(u32),
    Durable,
    Alarm(Millis),
}

/// What is under way between objects.
enum Message {
    Up(Call),
    Down(usize, About, Said),
}

/// Who waits for a lobby's answer.
#[derive(Clone, Copy)]
enum Waiter {
    Visitor(u32),
    /// A data center that wants a board: nobody but the bill wants to know.
    DataCenter,
    Lobby(usize, About),
}

struct World {
    scenario: Scenario,
    calendar: Calendar<Event>,
    dice: Dice,
    keys: Keys,
    visitors: Vec<Visitor>,
    /// The regions, and behind them the leaves.
    lobbies: Vec<Node>,
    waiters: HashMap<(usize, Caller), Waiter>,
    hall: Hall,
    messages: HashMap<u32, Message>,
    next_message: u32,
    board: Board,
    /// When the next data center wants a newer board, in milliseconds after noon.
    board_wanted_at: f64,
    counts: Operations,
}

/// Counts it.
pub fn operations(scenario: &Scenario, seed: u64) -> Result<Operations, String> {
    let mut world = World::new(scenario, Dice::new(seed))?;
    let mut due = Vec::new();
    while world.calendar.now() < NOON.plus(HOUR) {
        let now = world.calendar.now();
        if now.since(Millis(world.board.at_ms)) >= BOARD_EVERY {
            world.board = world.hall.board(now);
        }
        world.calendar.turn(&mut due);
        for event in &due {
            world.happens(*event)?;
        }
    }
    Ok(world.counted())
}

impl World {
    fn new(scenario: &Scenario, mut dice: Dice) -> Result<World, String> {
        let settings = json!({
            "name": "noon", "host": "shop.example", "total_active_users": u64::from(scenario.seats),
            "new_users_per_minute": u64::from(scenario.per_minute),
            "session_duration_seconds": u64::from(scenario.session_seconds),
        });
        let keys = Keys::new(&"k".repeat(64), "", "").map_err(|fault| fault.to_string())?;
        let lobbies = tree(scenario.regions, &keys, &mut dice)?;
        let mut hall = Hall::new(&settings, NOON, dice.fork())?;
        let board = hall.board(NOON);
        let mut calendar = Calendar::new(NOON);
        let come = scenario.arrived(HOUR) as u32;
        let mut visitors = Vec::with_capacity(come as usize);
        for number in 0..come {
            // Each of them at random, as people come: what a leaf is asked evenly it would answer in its sleep.
            let came = dice.below(u64::from(come) * 1_000) as f64 / 1_000.0;
            calendar.plan(NOON.plus(scenario.arrives_at(came)), Event::Acts(number));
            let by = if dice.percent(scenario.scriptless_percent.into()) { By::Refresh } else { By::Script };
            let says_goodbye = dice.percent(scenario.goodbye_percent.into());
            visitors.push(Visitor {
                state: State::Coming,
                by,
                says_goodbye,
                rank: 0,
                joined: NOON,
                entered: NOON,
                renewed: NOON,
                requests: 0,
                seat: Seat(0),
                generation: Generation(0),
            });
        }
        calendar.plan(NOON, Event::WantsBoard);
        Ok(World {
            scenario: scenario.clone(),
            calendar,
            dice,
            keys,
            visitors,
            lobbies,
            waiters: HashMap::new(),
            hall,
            messages: HashMap::new(),
            next_message: 0,
            board,
            board_wanted_at: 0.0,
            counts: Operations::default(),
        })
    }

    fn happens(&mut self, event: Event) -> Result<(), String> {
        let now = self.calendar.now();
        match event {
            Event::Acts(id) => self.acts(id),
            Event::Wishes(id) => self.wishes(id)?,
            Event::WantsBoard => self.wants_board()?,
            Event::Wakes(lobby) => self.pump(lobby as usize),
            Event::Arrives(number) => match self.messages.remove(&number) {
                Some(Message::Up(call)) => self.asked(call)?,
                Some(Message::Down(to, about, said)) => self.hears(to, about, &said)?,
                None => {}
            },
            Event::Durable => {
                for (to, about, said) in self.hall.durable(now) {
                    self.send(REGION_TO_ROOM, Message::Down(to, about, said));
                }
                self.step()?;
            }
            Event::Alarm(at) => {
                self.hall.ring(at);
                self.step()?;
            }
        }
        Ok(())
    }

    fn acts(&mut self, id: u32) {
        let now = self.calendar.now();
        let Some(mut visitor) = self.visitors.get(id as usize).copied() else { return };
        let entropy = self.dice.below(1 << 32) as u32;
        match visitor.state {
            State::Coming => {
                self.counts.arrivals += 1.0;
                visitor.state = State::Arriving;
                self.calendar
                    .plan(now.plus(joins_after(visitor.by, &self.board, now, entropy)), Event::Acts(id));
            }
            State::Arriving => {
                self.counts.arrivals += 1.0;
                visitor.state = State::Joining;
                self.calendar.plan(now.plus(EDGE_TO_LEAF), Event::Wishes(id));
            }
            State::Waiting => {
                let standing = standing_of(&self.board, Rank(visitor.rank.into()), visitor.joined, now);
                if let Standing::YourTurn { .. } = standing {
                    // The answer that says so, and the claim; without script coming is claiming.
                    self.counts.entries += if visitor.by == By::Script { 2.0 } else { 1.0 };
                    visitor.state = State::Claiming;
                    self.calendar.plan(now.plus(EDGE_TO_LEAF), Event::Wishes(id));
                } else {
                    match visitor.by {
                        By::Script => self.counts.polls += 1.0,
                        By::Refresh => self.counts.returns += 1.0,
                    }
                    let after = asks_after(visitor.by, &standing, &self.board, now, entropy);
                    self.calendar.plan(now.plus(after), Event::Acts(id));
                }
            }
            State::Inside => self.goes_on(id, &mut visitor, now),
            State::Joining | State::Claiming | State::Gone => {}
        }
        self.keep(id, visitor);
    }

    /// Somebody inside asks for something, or goes.
    fn goes_on(&mut self, id: u32, visitor: &mut Visitor, now: Millis) {
        if visitor.requests >= self.scenario.requests_inside {
            if visitor.says_goodbye {
                self.counts.inside += 1.0;
                self.calendar.plan(now.plus(EDGE_TO_LEAF), Event::Wishes(id));
            }
            visitor.state = State::Gone;
            return;
        }
        self.counts.inside += 1.0;
        if now.since(visitor.renewed) > Millis(self.board.renewal_interval_ms) {
            visitor.renewed = now;
            self.calendar.plan(now.plus(EDGE_TO_LEAF), Event::Wishes(id));
        }
        self.plan_request(id, visitor);
    }

    fn plan_request(&mut self, id: u32, visitor: &mut Visitor) {
        visitor.requests += 1;
        let stay = Millis::from_secs(self.scenario.session_seconds.into());
        let after = self.scenario.requests().nth(visitor.requests as usize).unwrap_or(stay);
        self.calendar.plan(visitor.entered.plus(after), Event::Acts(id));
    }

    fn keep(&mut self, id: u32, visitor: Visitor) {
        if let Some(place) = self.visitors.get_mut(id as usize) {
            *place = visitor;
        }
    }

    fn wishes(&mut self, id: u32) -> Result<(), String> {
        let Some(visitor) = self.visitors.get(id as usize).copied() else { return Ok(()) };
        let (seat, generation) = (visitor.seat.0, visitor.generation.0);
        let wish = match visitor.state {
            State::Joining => Wish::Join { holder: holder(id) },
            State::Claiming => Wish::Claim { epoch: 0, rank: visitor.rank.into() },
            State::Gone => Wish::LeavePass { epoch: 0, pass_epoch: 0, seat, generation },
            _ => Wish::Renew { epoch: 0, pass_epoch: 0, seat, generation },
        };
        let leaf = self.leaf(id.into());
        self.ask(leaf, Waiter::Visitor(id), wish)
    }

    /// One of the data centers that somebody comes by wants a newer board; the next one at random.
    fn wants_board(&mut self) -> Result<(), String> {
        let per_second = f64::from(self.scenario.data_centers) * BOARD_ASKS_PER_SECOND;
        let now = self.calendar.now().since(NOON).0 as f64;
        // Many of them want one within a millisecond.
        while self.board_wanted_at < now + 1.0 {
            if self.board.waiting > 0 {
                let leaf = self.dice.below(1 << 32);
                self.ask(self.leaf(leaf), Waiter::DataCenter, Wish::Board)?;
            }
            let uniform = (self.dice.below(1 << 32) + 1) as f64 / (1u64 << 32) as f64;
            self.board_wanted_at += -uniform.ln() / per_second * 1_000.0;
        }
        let at = NOON.plus(Millis(self.board_wanted_at as u64));
        self.calendar.plan(at, Event::WantsBoard);
        Ok(())
    }

    /// People are spread over all leaves.
    fn leaf(&self, number: u64) -> usize {
        let regions = self.scenario.regions as usize;
        regions + number as usize % (self.lobbies.len() - regions)
    }

    /// An edge calls a leaf.
    fn ask(&mut self, leaf: usize, waiter: Waiter, wish: Wish) -> Result<(), String> {
        let ask = Ask {
            wish,
            board_sequence: HAS_ALL,
            board_at_ms: HAS_ALL,
            board_max_age_ms: Board::MAX_AGE_BUSY.0,
            revoked_seq: HAS_ALL,
            neighbourhood: None,
        };
        self.calls(leaf, waiter, Wanted::Wishes(&to_text(&ask)))
    }

    /// Somebody calls a lobby.
    fn calls(&mut self, number: usize, waiter: Waiter, wanted: Wanted<'_>) -> Result<(), String> {
        let now = self.calendar.now();
        let Some(lobby) = self.lobbies.get_mut(number) else { return Ok(()) };
        let (caller, said) = lobby.ask(now, wanted);
        match said {
            Some(said) => self.answers(waiter, said)?,
            None => drop(self.waiters.insert((number, caller), waiter)),
        }
        self.pump(number);
        Ok(())
    }

    fn answers(&mut self, waiter: Waiter, said: Said) -> Result<(), String> {
        match waiter {
            Waiter::DataCenter => Ok(()),
            Waiter::Lobby(lobby, about) => {
                self.send(LEAF_TO_REGION, Message::Down(lobby, about, said));
                Ok(())
            }
            Waiter::Visitor(id) => {
                let Said::Text(text) = said else { return Err(format!("visitor {id} was told {said:?}")) };
                let answer: Option<Answer> = from_text(text.as_bytes());
                let answer =
                    answer.ok_or_else(|| format!("visitor {id} was told what is no answer: {text}"))?;
                self.told(id, &answer.outcome)
            }
        }
    }

    fn send(&mut self, after: Millis, message: Message) {
        self.next_message = self.next_message.wrapping_add(1);
        self.messages.insert(self.next_message, message);
        self.calendar.plan(self.calendar.now().plus(after), Event::Arrives(self.next_message));
    }

    fn pump(&mut self, number: usize) {
        let now = self.calendar.now();
        let Some(lobby) = self.lobbies.get_mut(number) else { return };
        let (way, (calls, wakes_at)) =
            (if lobby.parent.is_some() { LEAF_TO_REGION } else { REGION_TO_ROOM }, lobby.due(now));
        for call in calls {
            self.send(way, Message::Up(call));
        }
        if let Some(at) = wakes_at {
            self.calendar.plan(at, Event::Wakes(number as u32));
        }
    }

    /// A lobby's call is at its parent.
    fn asked(&mut self, call: Call) -> Result<(), String> {
        let Some(region) = self.lobbies.get(call.from).and_then(|lobby| lobby.parent) else {
            self.hall.gather(call);
            return self.step();
        };
        let wanted = if call.about == About::Board { Wanted::Board } else { Wanted::Batch(&call.bytes) };
        self.calls(region, Waiter::Lobby(call.from, call.about), wanted)
    }

    fn step(&mut self) -> Result<(), String> {
        if let Some((durable, alarm)) = self.hall.step(self.calendar.now())? {
            self.calendar.plan(durable, Event::Durable);
            if let Some(at) = alarm {
                self.calendar.plan(at, Event::Alarm(at));
            }
        }
        Ok(())
    }

    fn hears(&mut self, number: usize, about: About, said: &Said) -> Result<(), String> {
        let (now, fresh) = (self.calendar.now(), self.dice.bytes());
        let Some(lobby) = self.lobbies.get_mut(number) else { return Ok(()) };
        for (caller, said) in lobby.heard(now, about, said, fresh) {
            if let Some(waiter) = self.waiters.remove(&(number, caller)) {
                self.answers(waiter, said)?;
            }
        }
        self.pump(number);
        Ok(())
    }

    /// What somebody wished has come to this, and they hear of it a moment later.
    fn told(&mut self, id: u32, outcome: &Outcome) -> Result<(), String> {
        let now = self.calendar.now().plus(EDGE_TO_LEAF);
        let Some(mut visitor) = self.visitors.get(id as usize).copied() else { return Ok(()) };
        let entropy = self.dice.below(1 << 32) as u32;
        match (outcome, visitor.state) {
            (Outcome::Joined { rank, .. }, State::Joining) => {
                (visitor.state, visitor.rank, visitor.joined) = (State::Waiting, *rank as u32, now);
                let standing = standing_of(&self.board, Rank(*rank), now, now);
                self.calendar.plan(
                    now.plus(asks_after(visitor.by, &standing, &self.board, now, entropy)),
                    Event::Acts(id),
                );
            }
            (Outcome::Admitted { pass }, State::Claiming) => {
                let pass: Pass =
                    self.keys.verify(pass).map_err(|refusal| format!("a pass was refused: {refusal:?}"))?;
                (visitor.state, visitor.seat, visitor.generation) =
                    (State::Inside, pass.seat, pass.generation);
                (visitor.entered, visitor.renewed) = (now, now);
                // Without script the request that claimed is answered by the origin.
                self.counts.entries += if visitor.by == By::Script { 1.0 } else { 0.0 };
                self.counts.admitted += 1.0;
                self.plan_request(id, &mut visitor);
            }
            (Outcome::Next { retry_ms }, State::Claiming) => {
                visitor.state = State::Waiting;
                self.calendar.plan(now.plus(Millis(*retry_ms)), Event::Acts(id));
            }
            (Outcome::Waiting, State::Claiming) => {
                visitor.state = State::Waiting;
                self.calendar.plan(now.plus(ASKS_AGAIN), Event::Acts(id));
            }
            (Outcome::Admitted { .. }, State::Inside | State::Gone) | (Outcome::Left, State::Gone) => {}
            (other, _) => return Err(format!("visitor {id} was told {other:?}, and nothing here fails")),
        }
        self.keep(id, visitor);
        Ok(())
    }

    fn counted(self) -> Operations {
        let sum = |are_leaves: bool| {
            let levels =
                self.lobbies.iter().filter(|lobby| lobby.parent.is_some() == are_leaves).map(Node::level);
            levels.fold(Level::default(), |sum, Level { calls, awake_seconds }| Level {
                calls: sum.calls + calls,
                awake_seconds: sum.awake_seconds + awake_seconds,
            })
        };
        Operations {
            leaves: sum(true),
            regions: sum(false),
            room: self.hall.level(),
            commits: self.hall.commits as f64,
            rows: self.hall.rows as f64,
            ..self.counts
        }
    }
}

/// Everybody is somebody else.
fn holder(id: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&id.to_be_bytes());
    bytes
}

/// The lobbies of so many regions: the regions themselves, and behind them the leaves of each.
fn tree(regions: u32, keys: &Keys, dice: &mut Dice) -> Result<Vec<Node>, String> {
    let mut lobbies = Vec::new();
    for region in 0..regions as usize {
        lobbies.push(Node::new(region, &format!("{ROOM_ID}/{region}"), None, keys, dice)?);
    }
    for leaf in 0..(regions * LEAVES) as usize {
        let region = leaf / LEAVES as usize;
        let name = format!("{ROOM_ID}/{region}/{}", leaf % LEAVES as usize);
        lobbies.push(Node::new(lobbies.len(), &name, Some(region), keys, dice)?);
    }
    Ok(lobbies)
}
