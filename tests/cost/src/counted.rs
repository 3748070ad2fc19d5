//! The same hour lived through: every visitor is one, asks when production's rule says so, and what they want travels through production's lobbies to
//! production's Room. Nothing fails here; what fails, and what is right, is the simulation's business (`tests/simulation`).
//!
//! One call for each wish: that an isolate's wishes travel together (`src/leaves.mjs`) makes them fewer, and is left out here and in the model.

use anteroom::poll::standing_of;
use anteroom::standing::Standing;
use durable::board::Board;
use durable::json;
use durable::lobby::Caller;
use durable::protocol::{Ask, Outcome, Wish};
use durable::settings::Settings;
use durable::units::{Millis, Rank};
use durable::wire::to_text;
use simulation::dice::Dice;
use simulation::scale::awake::PerSecond;
use simulation::scale::centers::Map;
use simulation::scale::people::{
    ID_BITS, Want, answer, caller, center_of, holder, inside, leaf_of, seat, want,
};
use simulation::scale::tree::{Event, Tree};
use simulation::trace::NOON;

use crate::operations::{Level, Operations};
use crate::pages::{By, asks_after, joins_after};
use crate::scenario::{HOUR, Scenario};
use crate::tree::{BOARD_ASKS_PER_SECOND, COMMIT, EDGE_TO_LEAF, LEAF_TO_REGION, REGION_TO_ROOM};

/// The edges' board is renewed so often.
const BOARD_EVERY: Millis = Millis(1_000);
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
    seat: (u32, u32),
}

struct World {
    scenario: Scenario,
    tree: Tree,
    dice: Dice,
    visitors: Vec<Visitor>,
    board: Board,
    /// When the next data center wants a newer board, in milliseconds after noon.
    board_wanted_at: f64,
    counts: Operations,
}

/// Counts it.
pub fn operations(scenario: &Scenario, seed: u64) -> Result<Operations, String> {
    let mut world = World::new(scenario, seed)?;
    while let Some(event) = world.tree.queue.next(NOON.plus(HOUR)) {
        world.happens(event)?;
    }
    Ok(world.counted())
}

impl World {
    fn new(scenario: &Scenario, seed: u64) -> Result<World, String> {
        let settings = json!({
            "name": "noon", "host": "shop.example", "total_active_users": u64::from(scenario.seats),
            "new_users_per_minute": u64::from(scenario.per_minute),
            "session_duration_seconds": u64::from(scenario.session_seconds),
        });
        let settings =
            Settings::parse(&settings).map_err(|faults| format!("the room's settings: {faults:?}"))?;
        let map = Map::even(scenario.regions, [EDGE_TO_LEAF, LEAF_TO_REGION, REGION_TO_ROOM], COMMIT);
        let (mut tree, mut dice) = (Tree::new(settings, map, center_of, seed), Dice::new(!seed));
        let come = scenario.arrived(HOUR) as u32;
        let mut visitors = Vec::with_capacity(come as usize);
        for number in 0..come {
            // Each of them at random, as people come: what a leaf is asked evenly it would answer in its sleep.
            let came = dice.below(u64::from(come) * 1_000) as f64 / 1_000.0;
            tree.queue.after(scenario.arrives_at(came), Event::Person(caller(Want::Come, number)));
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
                seat: (0, 0),
            });
        }
        tree.queue.after(Millis(0), Event::Person(caller(Want::Board, 0)));
        let board = tree.board();
        Ok(World {
            scenario: scenario.clone(),
            tree,
            dice,
            visitors,
            board,
            board_wanted_at: 0.0,
            counts: Operations::default(),
        })
    }

    fn happens(&mut self, event: Event) -> Result<(), String> {
        let now = self.tree.now();
        if now.since(Millis(self.board.at_ms)) >= BOARD_EVERY {
            self.board = self.tree.board();
        }
        let visitors = &self.visitors;
        let line = |asks: Caller| {
            let (what, id) = want(asks);
            let visitor = visitors.get(id as usize);
            let wish = match what {
                Want::Board => Wish::Board,
                Want::Join => Wish::Join { holder: holder(id) },
                Want::Claim => Wish::Claim { epoch: 0, rank: visitor.map_or(0, |it| it.rank.into()) },
                _ => inside(what, visitor.map(|visitor| visitor.seat).unwrap_or_default()),
            };
            to_text(&Ask {
                wish,
                board_sequence: HAS_ALL,
                board_at_ms: HAS_ALL,
                board_max_age_ms: Board::MAX_AGE_BUSY.0,
                revoked_seq: HAS_ALL,
                neighbourhood: None,
            })
        };
        match self.tree.happen(event, line) {
            Some(Event::Person(asks)) => match want(asks) {
                (Want::Board, _) => self.wants_board(),
                (_, id) => self.acts(id),
            },
            Some(Event::Told(asked, text)) => match want(asked) {
                // Nobody but the bill wants to know.
                (Want::Board, _) => {}
                (_, id) => {
                    let text = text.ok_or_else(|| format!("visitor {id} was turned away"))?;
                    self.told(id, answer(&text).outcome)?;
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn acts(&mut self, id: u32) {
        let now = self.tree.now();
        let Some(mut visitor) = self.visitors.get(id as usize).copied() else { return };
        let entropy = self.dice.below(1 << 32) as u32;
        match visitor.state {
            State::Coming => {
                self.counts.arrivals += 1.0;
                visitor.state = State::Arriving;
                self.acts_after(joins_after(visitor.by, &self.board, now, entropy), id);
            }
            State::Arriving => {
                self.counts.arrivals += 1.0;
                visitor.state = State::Joining;
                self.calls(Want::Join, id);
            }
            State::Waiting => {
                let standing = standing_of(&self.board, Rank(visitor.rank.into()), visitor.joined, now);
                if let Standing::YourTurn { .. } = standing {
                    // The answer that says so, and the claim; without script coming is claiming.
                    self.counts.entries += if visitor.by == By::Script { 2.0 } else { 1.0 };
                    visitor.state = State::Claiming;
                    self.calls(Want::Claim, id);
                } else {
                    match visitor.by {
                        By::Script => self.counts.polls += 1.0,
                        By::Refresh => self.counts.returns += 1.0,
                    }
                    let after = asks_after(visitor.by, &standing, &self.board, now, entropy);
                    self.acts_after(after, id);
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
                self.calls(Want::LeavePass, id);
            }
            visitor.state = State::Gone;
            return;
        }
        self.counts.inside += 1.0;
        if now.since(visitor.renewed) > Millis(self.board.renewal_interval_ms) {
            visitor.renewed = now;
            self.calls(Want::Renew, id);
        }
        self.plan_request(id, visitor);
    }

    fn plan_request(&mut self, id: u32, visitor: &mut Visitor) {
        visitor.requests += 1;
        let stay = Millis::from_secs(self.scenario.session_seconds.into());
        let after = self.scenario.requests().nth(visitor.requests as usize).unwrap_or(stay);
        self.acts_after(visitor.entered.plus(after).since(self.tree.now()), id);
    }

    /// A visitor, or their page, does the next thing then.
    fn acts_after(&mut self, delay: Millis, id: u32) {
        self.tree.queue.after(delay, Event::Person(caller(Want::Come, id)));
    }

    /// Their edge calls their leaf.
    fn calls(&mut self, what: Want, id: u32) {
        let asks = caller(what, id);
        self.tree.call(leaf_of(asks), asks);
    }

    fn keep(&mut self, id: u32, visitor: Visitor) {
        if let Some(place) = self.visitors.get_mut(id as usize) {
            *place = visitor;
        }
    }

    /// One of the data centers that somebody comes by wants a newer board; the next one at random.
    fn wants_board(&mut self) {
        let per_second = f64::from(self.scenario.data_centers) * BOARD_ASKS_PER_SECOND;
        let now = self.tree.now().since(NOON).0 as f64;
        // Many of them want one within a millisecond.
        while self.board_wanted_at < now + 1.0 {
            if self.board.waiting > 0 {
                // Of which leaf, this number says.
                let asks = caller(Want::Board, self.dice.below(1 << ID_BITS) as u32);
                self.tree.call(leaf_of(asks), asks);
            }
            let uniform = (self.dice.below(1 << 32) + 1) as f64 / (1u64 << 32) as f64;
            self.board_wanted_at += -uniform.ln() / per_second * 1_000.0;
        }
        let at = NOON.plus(Millis(self.board_wanted_at as u64));
        self.tree.queue.at(at, Event::Person(caller(Want::Board, 0)));
    }

    /// What somebody wished has come to this.
    fn told(&mut self, id: u32, outcome: Outcome) -> Result<(), String> {
        let now = self.tree.now();
        let Some(mut visitor) = self.visitors.get(id as usize).copied() else { return Ok(()) };
        let entropy = self.dice.below(1 << 32) as u32;
        match (outcome, visitor.state) {
            (Outcome::Joined { rank, .. }, State::Joining) => {
                (visitor.state, visitor.rank, visitor.joined) = (State::Waiting, rank as u32, now);
                let standing = standing_of(&self.board, Rank(rank), now, now);
                self.acts_after(asks_after(visitor.by, &standing, &self.board, now, entropy), id);
            }
            (Outcome::Admitted { pass }, State::Claiming) => {
                (visitor.state, visitor.seat) = (State::Inside, seat(&pass));
                (visitor.entered, visitor.renewed) = (now, now);
                // Without script the request that claimed is answered by the origin.
                self.counts.entries += if visitor.by == By::Script { 1.0 } else { 0.0 };
                self.counts.admitted += 1.0;
                self.plan_request(id, &mut visitor);
            }
            (Outcome::Next { retry_ms }, State::Claiming) => {
                visitor.state = State::Waiting;
                self.acts_after(Millis(retry_ms), id);
            }
            (Outcome::Waiting, State::Claiming) => {
                visitor.state = State::Waiting;
                self.acts_after(ASKS_AGAIN, id);
            }
            (Outcome::Admitted { .. }, State::Inside | State::Gone) | (Outcome::Left, State::Gone) => {}
            (other, _) => return Err(format!("visitor {id} was told {other:?}, and nothing here fails")),
        }
        self.keep(id, visitor);
        Ok(())
    }

    fn counted(self) -> Operations {
        let World { tree, counts, .. } = self;
        let [leaves, regions, room] = tree.awake_seconds();
        let level = |requests: PerSecond, awake_seconds| Level { calls: requests.all as f64, awake_seconds };
        Operations {
            leaves: level(tree.leaf_requests, leaves),
            regions: level(tree.region_requests, regions),
            room: level(tree.room_requests, room),
            commits: tree.commits.all as f64,
            rows: tree.room_rows.all as f64,
            ..counts
        }
    }
}
