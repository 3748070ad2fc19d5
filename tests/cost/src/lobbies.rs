//! The lobbies in simulated time, leaves and regions alike: production's `Lobby`, and around it, in a few lines, what its host does (`src/objects.mjs`), with
//! calls counted and how long each is awake.

use durable::lobby::{About, Caller, Due, Lobby, Said, Wanted};
use durable::token::Keys;
use durable::units::Millis;
use simulation::dice::Dice;

use crate::operations::Level;
use crate::tree::HANDLING;

/// How long one object is awake: calls overlap.
#[derive(Clone, Copy, Default)]
pub struct Awake {
    open: u32,
    since: Millis,
    until: Millis,
    total: Millis,
}

impl Awake {
    /// A call begins.
    pub fn begins(&mut self, now: Millis) {
        if self.open == 0 {
            self.since = now.max(self.until);
        }
        self.open += 1;
    }

    /// A call ends.
    pub fn ends(&mut self, now: Millis) {
        self.open = self.open.saturating_sub(1);
        if self.open == 0 {
            // Even what is answered at once takes its time.
            self.until = now.max(self.since.plus(HANDLING));
            self.total = self.total.plus(self.until.since(self.since));
        }
    }

    /// In all.
    pub fn seconds(&self) -> f64 {
        self.total.0 as f64 / 1_000.0
    }
}

/// What a lobby wants of its parent.
pub struct Call {
    /// Which lobby's, by number.
    pub from: usize,
    /// What it is about.
    pub about: About,
    /// A batch.
    pub bytes: Vec<u8>,
}

/// A lobby.
pub struct Node {
    /// The number of the lobby above it; none above a region, which calls the Room.
    pub parent: Option<usize>,
    number: usize,
    lobby: Lobby,
    next_caller: Caller,
    awake: Awake,
    calls: u64,
}

impl Node {
    /// One whose memory begins now.
    pub fn new(
        number: usize,
        name: &str,
        parent: Option<usize>,
        keys: &Keys,
        dice: &mut Dice,
    ) -> Result<Node, String> {
        let lobby = Lobby::new(name, keys.clone(), dice.bytes())
            .ok_or_else(|| format!("{name} is no lobby's name"))?;
        Ok(Node { parent, number, lobby, next_caller: 0, awake: Awake::default(), calls: 0 })
    }

    /// Somebody asks: the number of the call, and the answer if it is known right away.
    pub fn ask(&mut self, now: Millis, wanted: Wanted<'_>) -> (Caller, Option<Said>) {
        self.calls += 1;
        self.next_caller = self.next_caller.wrapping_add(1);
        self.awake.begins(now);
        let said = self.lobby.ask(now, self.next_caller, wanted);
        if said.is_some() {
            self.awake.ends(now);
        }
        (self.next_caller, said)
    }

    /// The calls that it wants to make, and when it wants to be woken.
    pub fn due(&mut self, now: Millis) -> (Vec<Call>, Option<Millis>) {
        let mut calls = Vec::new();
        loop {
            match self.lobby.due(now) {
                Due::Call(about, bytes) => calls.push(Call { from: self.number, about, bytes }),
                Due::Wait(until) => return (calls, Some(until)),
                Due::Rest => return (calls, None),
            }
        }
    }

    /// Its parent's answer came: which calls are answered how.
    pub fn heard(&mut self, now: Millis, about: About, said: &Said, fresh: [u8; 16]) -> Vec<(Caller, Said)> {
        let answered = self.lobby.heard(now, about, said, fresh);
        answered.iter().for_each(|_| self.awake.ends(now));
        answered
    }

    /// What it has cost.
    pub fn level(&self) -> Level {
        Level { calls: self.calls as f64, awake_seconds: self.awake.seconds() }
    }
}
