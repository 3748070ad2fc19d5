//! The objects of the simulated world: production lobbies and the production Room, each where it lives, with the platform's delays between them. Hosted as `src/objects.mjs`
//! hosts them. Nothing is lost here and nothing fails but by too many asking: what goes wrong is the rest of this crate's.

use std::collections::HashMap;

use durable::alarm::{Alarm, Wake};
use durable::batch::decode_batch;
use durable::board::Board;
use durable::bulletin::BoardWanted;
use durable::lobby::{About, Caller, Due, LEAVES, Lobby, Said, Wanted};
use durable::protocol::BoardAnswer;
use durable::room::{Input, Output, Room, Step};
use durable::settings::Settings;
use durable::state::Config;
use durable::store::Write;
use durable::units::Millis;
use durable::wire::to_text;

use super::awake::{Awake, PerSecond};
use super::centers::{Center, Map};
use super::queue::Queue;
use crate::big::ledger::Ledger;
use crate::dice::Dice;
use crate::trace::NOON;
use crate::world::{ROOM_ID, keys};

/// An object answers a thousand requests a second: the platform's own figure
/// (<https://developers.cloudflare.com/durable-objects/platform/limits/>). So each takes a millisecond of it,
const SERVICE: f64 = 1.0;
/// and when it is a second behind, the platform says that it is overloaded.
const BACKLOG_MAX: f64 = 1_000.0;
/// While there is always more, a Room commits so often (`SPACING_MS`, src/objects.mjs).
const SPACING: Millis = Millis(80);

/// What happens to objects; and, of the people's, whom it concerns.
pub enum Event {
    /// Somebody's call reaches a leaf.
    Leaf(u16, Caller),
    /// It is its turn.
    LeafServes(u16, Caller),
    /// A lobby's call reaches its parent.
    Parent(u32),
    /// It is its turn.
    ParentServes(u32),
    /// The answer reaches the lobby.
    Answer(u32, Box<Said>),
    /// A lobby wants to be woken.
    Wakes(u16, Millis),
    /// The Room may commit again.
    Spaced,
    /// A commit is durable.
    Committed,
    /// The Room's alarm.
    Alarm(Millis),
    /// Its timer.
    Tick(Millis),
    /// A leaf's answer reaches who asked: the lines of it, or nothing where it was overloaded.
    Told(Caller, Option<Box<str>>),
    /// Something of the people's own.
    Person(Caller),
}

/// A lobby's call that is not answered.
struct Open {
    lobby: usize,
    about: About,
    bytes: Vec<u8>,
}

struct Host {
    lobby: Lobby,
    /// When the last of its calls reaches its parent: by one way they arrive in order.
    reaches_at: Millis,
    region: usize,
    wakes_at: Option<Millis>,
    busy_until: f64,
    seconds: PerSecond,
    awake: Awake,
}

#[derive(Default)]
struct RoomHost {
    gathered: Vec<(u32, About, Vec<u8>)>,
    is_committing: bool,
    is_busy: bool,
    committed: usize,
    begun_at: Millis,
    said: Vec<(u32, Said)>,
    alarm: Alarm,
    alarm_at: Option<Millis>,
    ticks_at: Option<Millis>,
    busy_until: f64,
    awake: Awake,
}

/// See the module's words.
pub struct Tree {
    /// What will happen.
    pub queue: Queue<Event>,
    /// Where everything is.
    pub(super) map: Map,
    /// What rows say, by a second count.
    pub(super) ledger: Ledger,
    /// Calls of the Room, and its alarms.
    pub room_requests: PerSecond,
    /// Rows written: journal, pages, rows cut off, alarms.
    pub room_rows: PerSecond,
    /// Commits.
    pub commits: PerSecond,
    /// Calls of leaves in all.
    pub leaf_requests: PerSecond,
    /// Calls of regions in all.
    pub region_requests: PerSecond,
    /// Calls that were turned away because too many asked.
    pub overloaded: u64,
    room: Room,
    host: RoomHost,
    lobbies: Vec<Host>,
    open: HashMap<u32, Open>,
    calls: u32,
    center_of: fn(Caller) -> usize,
    dice: Dice,
}

impl Tree {
    /// A room with these settings in this world, and nobody there. In which data center somebody is, this function says.
    pub fn new(settings: Settings, map: Map, center_of: fn(Caller) -> usize, seed: u64) -> Tree {
        let mut dice = Dice::new(seed);
        let mut lobbies = Vec::new();
        let mut host = |name: String, region| {
            let lobby = Lobby::new(&name, keys().clone(), dice.bytes());
            let lobby = lobby.unwrap_or_else(|| panic!("{name} is no lobby's name"));
            lobbies.push(Host {
                lobby,
                region,
                reaches_at: NOON,
                wakes_at: None,
                busy_until: 0.0,
                seconds: PerSecond::default(),
                awake: Awake::default(),
            });
        };
        for (region, (name, _)) in map.regions.iter().enumerate() {
            (0..LEAVES).for_each(|leaf| host(format!("{ROOM_ID}/{name}/{leaf}"), region));
        }
        for (region, (name, _)) in map.regions.iter().enumerate() {
            host(format!("{ROOM_ID}/{name}"), region);
        }
        let room = Room::load(&[], &[]).unwrap_or_else(|fault| panic!("{fault}"));
        let mut tree = Tree {
            queue: Queue::new(),
            map,
            ledger: Ledger::new(false),
            room_requests: PerSecond::default(),
            room_rows: PerSecond::default(),
            commits: PerSecond::default(),
            leaf_requests: PerSecond::default(),
            region_requests: PerSecond::default(),
            overloaded: 0,
            room,
            host: RoomHost::default(),
            lobbies,
            open: HashMap::new(),
            calls: 0,
            center_of,
            dice,
        };
        let config = Config { version: 1, directory_version: 1, settings, events: Vec::new() };
        tree.step(vec![Input::Configure(Box::new(config))]);
        tree
    }

    /// The time.
    pub fn now(&self) -> Millis {
        self.queue.now()
    }

    /// The most requests that any one leaf had in a second.
    pub(super) fn fullest_leaf(&self) -> u64 {
        let leaves = self.map.regions.len() * LEAVES as usize;
        self.lobbies.iter().take(leaves).map(|host| host.seconds.most).max().unwrap_or(0)
    }

    /// The same of regions.
    pub(super) fn fullest_region(&self) -> u64 {
        let leaves = self.map.regions.len() * LEAVES as usize;
        self.lobbies.iter().skip(leaves).map(|host| host.seconds.most).max().unwrap_or(0)
    }

    /// The newest board of the Room.
    pub fn board(&mut self) -> Board {
        self.room.board(self.now())
    }

    /// For how many seconds leaves, regions and the Room have been awake, summed over each.
    pub fn awake_seconds(&self) -> [f64; 3] {
        let (leaves, regions) = self.lobbies.split_at(self.map.regions.len() * LEAVES as usize);
        let sum = |hosts: &[Host]| hosts.iter().map(|host| host.awake.seconds()).sum();
        [sum(leaves), sum(regions), self.host.awake.seconds()]
    }

    fn center(&self, caller: Caller) -> Center {
        self.map.centers[(self.center_of)(caller) % self.map.centers.len()]
    }

    /// Somebody calls the leaf of this number in their region.
    pub fn call(&mut self, leaf: u32, caller: Caller) {
        let center = self.center(caller);
        let delay = self.map.drawn(center.to_hub, &mut self.dice);
        let lobby = center.region * LEAVES as usize + leaf as usize;
        self.queue.after(delay, Event::Leaf(lobby as u16, caller));
    }

    /// What happens to objects. What concerns people is given back.
    pub fn happen(&mut self, event: Event, line: impl FnOnce(Caller) -> String) -> Option<Event> {
        let now = self.now();
        match event {
            Event::Leaf(lobby, caller) => {
                self.leaf_requests.add(now, 1);
                let host = &mut self.lobbies[usize::from(lobby)];
                host.seconds.add(now, 1);
                host.awake.begins(now);
                match served(&mut host.busy_until, now) {
                    Some(Millis(0)) => self.serve_leaf(usize::from(lobby), caller, line),
                    Some(delay) => self.queue.after(delay, Event::LeafServes(lobby, caller)),
                    None => {
                        self.overloaded += 1;
                        host.awake.ends(now, 1);
                        self.tell(caller, None);
                    }
                }
            }
            Event::LeafServes(lobby, caller) => self.serve_leaf(usize::from(lobby), caller, line),
            Event::Parent(call) => self.reach(call),
            Event::ParentServes(call) => self.serve(call),
            Event::Answer(call, said) => {
                let Open { lobby, about, .. } = self.open.remove(&call)?;
                let fresh = self.dice.bytes();
                let told = self.lobbies[lobby].lobby.heard(now, about, &said, fresh);
                for (caller, said) in told {
                    self.answer(lobby, caller, said);
                }
                self.pump(lobby);
            }
            Event::Wakes(lobby, at) => {
                let host = &mut self.lobbies[usize::from(lobby)];
                host.wakes_at = host.wakes_at.filter(|planned| *planned != at);
                host.awake.ends(now, 1);
                self.pump(usize::from(lobby));
            }
            Event::Spaced => self.go_on(),
            Event::Committed => self.committed(),
            Event::Alarm(at) => {
                if self.host.alarm_at == Some(at) {
                    self.host.alarm_at = None;
                    self.host.alarm.rang();
                    self.room_requests.add(now, 1);
                    self.host.awake.begins(now);
                    self.wake();
                }
            }
            Event::Tick(at) => {
                self.host.ticks_at = self.host.ticks_at.filter(|planned| *planned != at);
                self.wake();
            }
            told => return Some(told),
        }
        None
    }

    /// Whose answer it is, a leaf's caller or a lobby.
    fn answer(&mut self, lobby: usize, caller: Caller, said: Said) {
        let now = self.now();
        self.lobbies[lobby].awake.ends(now, 1);
        match said {
            Said::Text(text) if self.is_leaf(lobby) => self.tell(caller, Some(text)),
            said => {
                let delay = self.map.drawn(self.map.within_region, &mut self.dice);
                self.queue.after(delay, Event::Answer(caller, Box::new(said)));
            }
        }
    }

    fn tell(&mut self, caller: Caller, text: Option<String>) {
        let delay = self.map.drawn(self.center(caller).to_hub, &mut self.dice);
        self.queue.after(delay, Event::Told(caller, text.map(String::into_boxed_str)));
    }

    fn serve_leaf(&mut self, lobby: usize, caller: Caller, line: impl FnOnce(Caller) -> String) {
        let now = self.now();
        let said = self.lobbies[lobby].lobby.ask(now, caller, Wanted::Wishes(&line(caller)));
        if let Some(said) = said {
            self.answer(lobby, caller, said);
        }
        self.pump(lobby);
    }

    /// Leaves come first, region by region.
    fn is_leaf(&self, lobby: usize) -> bool {
        lobby < self.map.regions.len() * LEAVES as usize
    }

    fn pump(&mut self, lobby: usize) {
        let now = self.now();
        loop {
            match self.lobbies[lobby].lobby.due(now) {
                Due::Call(about, bytes) => {
                    self.calls += 1;
                    self.open.insert(self.calls, Open { lobby, about, bytes });
                    let way = if self.is_leaf(lobby) { self.map.within_region } else { self.to_room(lobby) };
                    let host = &mut self.lobbies[lobby];
                    host.reaches_at = host.reaches_at.max(now.plus(self.map.drawn(way, &mut self.dice)));
                    self.queue.at(host.reaches_at, Event::Parent(self.calls));
                }
                Due::Wait(until) => {
                    let host = &mut self.lobbies[lobby];
                    if host.wakes_at.is_none_or(|at| until < at) {
                        host.wakes_at = Some(until);
                        // An object that waits for a timer does not hibernate.
                        host.awake.begins(now);
                        self.queue.at(until, Event::Wakes(lobby as u16, until));
                    }
                    return;
                }
                Due::Rest => return,
            }
        }
    }

    fn to_room(&self, lobby: usize) -> f64 {
        self.map.regions[self.lobbies[lobby].region].1
    }

    /// A lobby's call has come to a region, or to the Room.
    fn reach(&mut self, call: u32) {
        let now = self.now();
        let Some(lobby) = self.open.get(&call).map(|open| open.lobby) else { return };
        let (busy_until, awake) = if self.is_leaf(lobby) {
            let region = self.region_above(lobby);
            self.region_requests.add(now, 1);
            let Host { seconds, busy_until, awake, .. } = &mut self.lobbies[region];
            seconds.add(now, 1);
            (busy_until, awake)
        } else {
            self.room_requests.add(now, 1);
            (&mut self.host.busy_until, &mut self.host.awake)
        };
        awake.begins(now);
        match served(busy_until, now) {
            Some(Millis(0)) => self.serve(call),
            Some(delay) => self.queue.after(delay, Event::ParentServes(call)),
            None => {
                self.overloaded += 1;
                awake.ends(now, 1);
                self.queue.after(Millis(1), Event::Answer(call, Box::new(Said::Overloaded)));
            }
        }
    }

    fn region_above(&self, leaf: usize) -> usize {
        self.map.regions.len() * LEAVES as usize + self.lobbies[leaf].region
    }

    fn serve(&mut self, call: u32) {
        let now = self.now();
        let Some(Open { lobby, about, bytes }) = self.open.get_mut(&call) else { return };
        let (lobby, about, bytes) = (*lobby, *about, std::mem::take(bytes));
        if !self.is_leaf(lobby) {
            self.host.gathered.push((call, about, bytes));
            return self.commit_soon();
        }
        let region = self.region_above(lobby);
        let wanted = if about == About::Board { Wanted::Board } else { Wanted::Batch(&bytes) };
        if let Some(said) = self.lobbies[region].lobby.ask(now, call, wanted) {
            self.answer(region, call, said);
        }
        self.pump(region);
    }

    /// The Room's alarm or its timer: nobody's call.
    fn wake(&mut self) {
        self.host.gathered.push((0, About::Board, vec![1]));
        self.commit_soon();
    }

    fn commit_soon(&mut self) {
        if !self.host.is_committing {
            self.commit();
        }
    }

    fn commit(&mut self) {
        let now = self.now();
        (self.host.is_committing, self.host.begun_at) = (true, now);
        let asked = std::mem::take(&mut self.host.gathered);
        self.host.committed = asked.len();
        let mut inputs = Vec::new();
        for (_, about, bytes) in &asked {
            inputs.push(match about {
                About::Batch(_) => {
                    Input::Batch(decode_batch(bytes).unwrap_or_else(|fault| panic!("{fault}")))
                }
                About::Board => Input::Tick,
            });
        }
        let wants: Vec<_> = inputs.iter().map(wanted).collect();
        let changes = asked.iter().any(|(_, about, bytes)| *about != About::Board || !bytes.is_empty());
        let outputs =
            if changes { self.step(inputs) } else { inputs.iter().map(|_| Output::Ticked).collect() };
        for (((call, ..), output), wants) in asked.into_iter().zip(outputs).zip(wants) {
            let said = match output {
                Output::Batch(answer) => {
                    let board = self.room.board(now);
                    let board = if wants.with(&answer, &board) { to_text(&board) } else { String::new() };
                    Said::Bytes(answer.encode(board.as_bytes(), Millis(0)))
                }
                _ => {
                    let (board, revocations) = (self.room.board(now), Some(self.room.revocations()));
                    Said::Text(to_text(&BoardAnswer { board, board_age_ms: 0, revocations }))
                }
            };
            self.host.said.push((call, said));
        }
        let delay = if changes { self.dice.millis(self.map.commit.0, self.map.commit.1) } else { Millis(1) };
        self.queue.after(delay, Event::Committed);
    }

    fn committed(&mut self) {
        let said = std::mem::take(&mut self.host.said);
        self.host.awake.ends(self.now(), said.len());
        for (call, said) in said {
            let Some(lobby) = self.open.get(&call).map(|open| open.lobby) else { continue };
            let way = self.to_room(lobby);
            let delay = self.map.drawn(way, &mut self.dice);
            self.queue.after(delay, Event::Answer(call, Box::new(said)));
        }
        self.host.is_busy = !self.host.gathered.is_empty() || (self.host.is_busy && self.host.committed > 1);
        let next = self.host.begun_at.plus(SPACING);
        if self.host.is_busy && next > self.now() { self.queue.at(next, Event::Spaced) } else { self.go_on() }
    }

    /// The next commit, if anything has gathered.
    fn go_on(&mut self) {
        if self.host.gathered.is_empty() {
            self.host.is_committing = false;
        } else {
            self.commit();
        }
    }

    fn step(&mut self, inputs: Vec<Input>) -> Vec<Output> {
        let now = self.now();
        let entropy = self.dice.bytes();
        let step = self.room.step(now, entropy, inputs).unwrap_or_else(|fault| panic!("{fault}"));
        let Step { outputs, writes, wake_at } = step;
        self.commits.add(now, 1);
        for write in &writes {
            if let Write::Row { bytes, .. } = write {
                self.ledger.read(bytes);
            }
            self.room_rows.add(now, write.rows());
        }
        let Wake { alarm_at, timer_at } = self.host.alarm.wake(now, wake_at);
        if let Some(at) = alarm_at {
            self.host.alarm_at = Some(at);
            self.room_rows.add(now, 1);
            self.queue.at(at, Event::Alarm(at));
        }
        if let Some(at) = timer_at.filter(|at| self.host.ticks_at.is_none_or(|planned| *at < planned)) {
            self.host.ticks_at = Some(at);
            self.host.awake.begins(now);
            self.queue.at(at, Event::Tick(at));
        }
        outputs
    }
}

fn wanted(input: &Input) -> BoardWanted {
    match input {
        Input::Batch(batch) => BoardWanted::of(&batch.items),
        _ => BoardWanted::default(),
    }
}

/// When an object comes to a request that arrives now; none if it is too far behind.
fn served(busy_until: &mut f64, now: Millis) -> Option<Millis> {
    let now = now.since(NOON).0 as f64;
    let begins = busy_until.max(now);
    if begins - now > BACKLOG_MAX {
        return None;
    }
    *busy_until = begins + SERVICE;
    Some(Millis((begins - now) as u64))
}
