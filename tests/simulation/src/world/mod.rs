//! The world: production Room, lobbies and edges on machines and wires that fail. It plays the host of each (what the `.mjs` files do in
//! production), the network between them, the clocks and the storage; it wants nothing and judges nothing.

mod cache;
mod calls;
mod desk;
mod edge;
mod lobby;
mod mishaps;
mod network;
mod queue;
mod requests;
mod rooms;
pub mod table;
pub mod trouble;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use durable::json;
use durable::lobby::Said;
use durable::token::{Keys, RoomTag};
use durable::units::Millis;
use durable::wire::to_text;

use self::cache::center_of;
use self::calls::{OpenCall, Question};
use self::desk::Desk;
use self::edge::{EdgeHost, Sent};
use self::lobby::LobbyHost;
use self::network::Network;
use self::queue::Queue;
use self::requests::Underway;
use self::rooms::{OpenRoomCall, RoomHost};
use self::table::Wanted;
use crate::auditor::{Auditor, Rule};
use crate::dice::Dice;
use crate::plan::Plan;
use crate::trace::{NOON, Trace};
use crate::workload::browser::Told;
use crate::workload::visitor::Visitor;

/// The room's id in every run.
pub const ROOM_ID: &str = "5a1e0000000000000000000000000001";
const KEY: &str = "a key that is known to every run of the simulation";

/// So long after the rush places are still called by rounds.
const LOTTERY: Millis = Millis(1_200_000);

/// No run that ends has so many events.
const EVENTS_MAX: u64 = 1_200_000;

/// The keys of every run.
pub fn keys() -> &'static Keys {
    static KEYS: LazyLock<Keys> =
        LazyLock::new(|| Keys::new(KEY, "", "").unwrap_or_else(|fault| panic!("{fault}")));
    &KEYS
}

/// The room's tag in every run.
pub fn tag() -> RoomTag {
    RoomTag::from_id(ROOM_ID).unwrap_or_default()
}

/// What happens.
enum Event {
    Trouble(usize),
    Order(usize),
    Quiet,
    InOrder,
    Come(usize),
    Look(usize, usize),
    Arrive(u64),
    OriginAnswers(u64),
    VisitorHears(u64, Told),
    DirectoryReplies { edge: usize, life: u64, sent: Sent, reply: String },
    Glanced { edge: usize, life: u64, sent: Sent },
    Gathered { edge: usize, life: u64 },
    LobbyAsked { slot: usize, call: u32, question: Question },
    EdgeHears { call: u32, reply: String },
    EdgeGivesUp(u32),
    LobbyWakes { slot: usize, life: u64, at: Millis },
    RoomAsked { caller: u64, wanted: Wanted },
    RoomCommitted { life: u64 },
    ParentSays { caller: u64, said: Said },
    LobbyGivesUp(u64),
    Alarm(Millis),
    Tick { memory: u64 },
    DeskRetries,
}

/// See the module's words.
pub struct World<'a> {
    plan: &'a Plan,
    queue: Queue<Event>,
    dice: Dice,
    network: Network,
    is_quiet: bool,
    speaks_newer: bool,
    directory_away_until: Millis,
    desk: Desk,
    room: RoomHost,
    room_calls: BTreeMap<u64, OpenRoomCall>,
    lobbies: Vec<LobbyHost>,
    twice_until: Vec<Millis>,
    edges: Vec<EdgeHost>,
    /// By data center, what its isolates share.
    caches: Vec<BTreeMap<String, String>>,
    calls: BTreeMap<u32, OpenCall>,
    requests: BTreeMap<u64, Underway>,
    visitors: BTreeMap<usize, Visitor>,
    /// Numbers everything that needs a number.
    last_number: u64,
    lives: u64,
    happened: u64,
    /// What happened.
    pub trace: Trace,
    /// Who judges it.
    pub auditor: Auditor,
}

impl<'a> World<'a> {
    /// The world at noon, before anybody has come.
    pub fn new(plan: &'a Plan, trace: Trace, auditor: Auditor) -> World<'a> {
        let mut dice = Dice::new(plan.world_seed);
        let network = Network::new(dice.fork());
        let mut world = World {
            queue: Queue::new(NOON),
            network,
            is_quiet: false,
            speaks_newer: false,
            directory_away_until: Millis(0),
            desk: Desk::new(&plan.opening),
            room: RoomHost::default(),
            room_calls: BTreeMap::new(),
            lobbies: Vec::new(),
            twice_until: vec![Millis(0); plan.lobbies()],
            edges: Vec::new(),
            caches: vec![BTreeMap::new(); center_of(plan.edge_skews.len()) + 1],
            calls: BTreeMap::new(),
            requests: BTreeMap::new(),
            visitors: BTreeMap::new(),
            last_number: 0,
            lives: 0,
            happened: 0,
            trace,
            auditor,
            plan,
            dice,
        };
        for slot in 0..plan.lobbies() * 2 {
            let lobby = world.new_lobby(slot);
            world.lobbies.push(lobby);
        }
        world.room.table.home = ROOM_ID.to_owned();
        for edge in 0..plan.edge_skews.len() {
            world.lives += 1;
            world.edges.push(EdgeHost::new(keys(), world.lives, plan.edge_skews[2 * center_of(edge)]));
        }
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.trace.note(NOON, format_args!("the room opens with {}", to_text(&self.plan.opening)));
        self.configure();
        for (index, at) in self.plan.troubles.iter().enumerate() {
            self.queue.at(NOON.plus(at.after), Event::Trouble(index));
        }
        for (index, order) in self.plan.orders.iter().enumerate() {
            self.queue.at(NOON.plus(order.after), Event::Order(index));
        }
        for (index, visitor) in self.plan.visitors.iter().enumerate() {
            self.queue.at(NOON.plus(Millis(500)).plus(visitor.after), Event::Come(index));
        }
        self.queue.at(NOON.plus(self.plan.rush), Event::Quiet);
        // How long a lottery takes nobody can promise; a line has an end.
        self.queue.at(NOON.plus(self.plan.rush).plus(LOTTERY), Event::InOrder);
    }

    /// Runs until everybody who keeps asking got in, a rule is broken, or `until` has come: by default when everybody has to be inside.
    pub fn run(&mut self, until: Option<Millis>) {
        while self.auditor.violation().is_none() {
            let Some(event) = self.queue.next() else { return };
            let is_late = self.now() > until.unwrap_or_else(|| self.ends_by());
            if is_late || (self.is_quiet && self.is_over()) {
                return;
            }
            self.happened += 1;
            if self.happened > EVENTS_MAX {
                return self.auditor.broke(self.queue.now(), Rule::Live, "it never ends".into());
            }
            self.happen(event);
            self.auditor.time_passed(self.now());
        }
    }

    /// A bound that can be computed, and no guess: everybody who came, and every ticket, holds a seat for a session, or for a window and a round
    /// before it, one after the other if there is one seat; and the slowest pace lets in one at a time.
    fn ends_by(&self) -> Millis {
        let holders = self.auditor.issued() + self.plan.visitors.len() as u64 + 20;
        NOON.plus(self.plan.rush).plus(LOTTERY).plus(Millis(holders * 160_000))
    }

    /// The time.
    pub fn now(&self) -> Millis {
        self.queue.now()
    }

    fn is_over(&self) -> bool {
        let came = self.visitors.len() == self.plan.visitors.len();
        came && !self.visitors.values().any(Visitor::is_waiting)
    }

    /// The last look at everything: what is in storage is what is in memory.
    pub fn finish(&mut self) {
        let (now, clock) = (self.now(), self.room_clock());
        self.room.table.lose((now, clock), &mut self.auditor);
        let waiting: Vec<usize> =
            self.visitors.iter().filter(|(_, visitor)| visitor.is_waiting()).map(|(id, _)| *id).collect();
        self.auditor.ended(now, &waiting);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Trouble(index) => self.trouble(self.plan.troubles[index].trouble),
            Event::Order(index) => self.operate(&self.plan.orders[index].deed),
            Event::Quiet => self.quiet(),
            Event::InOrder => self.order(&json!({ "queueing_method": "fifo" })),
            Event::Come(index) => self.come(index),
            Event::Look(visitor, tab) => self.look(visitor, tab),
            Event::Arrive(request) => self.arrive(request),
            Event::OriginAnswers(request) => self.origin_answers(request),
            Event::VisitorHears(request, told) => self.visitor_hears(request, told),
            Event::DirectoryReplies { edge, life, sent, reply } => {
                if self.edges[edge].life == life {
                    self.deliver(edge, sent, &reply);
                }
            }
            Event::Glanced { edge, life, sent } => {
                if self.edges[edge].life == life {
                    self.glanced(edge, sent);
                }
            }
            Event::Gathered { edge, life } => {
                if self.edges[edge].life == life {
                    self.launch(edge);
                }
            }
            Event::LobbyAsked { slot, call, question } => self.lobby_asked(slot, call, &question),
            Event::EdgeHears { call, reply } => self.edge_hears(call, &reply),
            Event::EdgeGivesUp(call) => self.edge_hears(call, ""),
            Event::LobbyWakes { slot, life, at } => self.lobby_wakes(slot, life, at),
            Event::RoomAsked { caller, wanted } => self.room_asked(caller, wanted),
            Event::RoomCommitted { life } => self.room_committed(life),
            Event::ParentSays { caller, said } => self.parent_says(caller, &said),
            Event::LobbyGivesUp(caller) => self.parent_says(caller, &Said::Failed),
            Event::Alarm(at) => self.alarm(at),
            Event::Tick { memory } => self.tick(memory),
            Event::DeskRetries => self.configure(),
        }
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn new_lobby(&mut self, slot: usize) -> LobbyHost {
        self.lives += 1;
        let skew = self.dice.between(0, 1_000) as i64 - 500;
        let incarnation = self.dice.bytes();
        let name = self.plan.lobby_name(ROOM_ID, slot % self.plan.lobbies());
        LobbyHost::new(&name, keys(), self.lives, skew, incarnation)
    }
}
