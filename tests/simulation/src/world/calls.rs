//! Calls between edges, lobbies and the Room: who travels with whom (src/leaves.mjs), how long each waits, and what is lost on the way.

use durable::units::Millis;

use super::edge::{For, Sent, is_for_directory, payload, skewed};
use super::lobby::{About, Due};
use super::network::{PATIENCE, Way};
use super::rooms::{NOBODY, OpenRoomCall};
use super::table::{Said, Wanted};
use super::{Event, World};

/// So long does a wish wait for the call under way to land.
const GATHER: Millis = Millis(20);

/// An edge's call of a leaf that is not answered yet.
pub(super) struct OpenCall {
    edge: usize,
    life: u64,
    group: Vec<Sent>,
    back: Option<Millis>,
}

impl World<'_> {
    /// An edge asks an object, in company if that is a leaf.
    pub(super) fn call(&mut self, edge: usize, sent: Sent) {
        let life = self.edges[edge].life;
        if is_for_directory(&sent.errand) {
            let (reply, delay) = (self.document(), self.dice.millis(2, 80));
            self.queue.after(delay, Event::DirectoryReplies { edge, life, sent, reply });
            return;
        }
        let host = &mut self.edges[edge];
        let is_first = host.group.is_empty();
        host.group.push(sent);
        if host.underway.is_none() {
            self.launch(edge);
        } else if is_first {
            self.queue.after(GATHER, Event::Gathered { edge, life });
        }
    }

    /// The gathered group goes.
    pub(super) fn launch(&mut self, edge: usize) {
        let host = &mut self.edges[edge];
        if host.group.is_empty() {
            return;
        }
        let (group, life) = (std::mem::take(&mut host.group), host.life);
        let call = self.number() as u32;
        self.edges[edge].underway = Some(call);
        let lines: Vec<&str> = group.iter().map(|sent| payload(&sent.errand)).collect();
        let lines = if self.speaks_newer { newer(&lines) } else { lines.join("\n") };
        let Way { there, again, back, is_overloaded } = self.network.way(self.queue.now());
        self.queue.after(PATIENCE, Event::EdgeGivesUp(call));
        self.calls.insert(call, OpenCall { edge, life, group, back });
        if is_overloaded {
            self.queue.after(Millis(5), Event::EdgeGivesUp(call));
            return;
        }
        let slot = self.slot_for(edge % self.plan.leaves);
        if let Some(delay) = there {
            self.queue.after(delay, Event::LobbyAsked { slot, call, lines: lines.clone() });
        }
        if let Some(delay) = again {
            let (slot, call) = (self.slot_for(edge % self.plan.leaves), self.number() as u32);
            self.queue.after(delay, Event::LobbyAsked { slot, call, lines });
        }
    }

    /// The lobby that answers to a leaf's name: one of two, while it lives twice.
    fn slot_for(&mut self, leaf: usize) -> usize {
        let is_twice = self.queue.now() < self.twice_until[leaf];
        if is_twice && self.dice.percent(50) { leaf + self.plan.leaves } else { leaf }
    }

    pub(super) fn lobby_asked(&mut self, slot: usize, call: u32, lines: &str) {
        let clock = self.lobby_clock(slot);
        let reply = self.lobbies[slot].ask(clock, call, lines);
        if let Some(reply) = reply {
            self.answer_edge(call, reply);
        }
        self.pump(slot);
    }

    fn answer_edge(&mut self, call: u32, reply: String) {
        let back = self.calls.get(&call).and_then(|open| open.back);
        if let Some(back) = back {
            self.queue.after(back, Event::EdgeHears { call, reply });
        }
    }

    /// An answer came, or patience is over, which is the same with an empty answer.
    pub(super) fn edge_hears(&mut self, call: u32, reply: &str) {
        let Some(OpenCall { edge, life, group, .. }) = self.calls.remove(&call) else { return };
        if self.edges[edge].life != life {
            return;
        }
        if self.edges[edge].underway == Some(call) {
            self.edges[edge].underway = None;
        }
        let mut answers = reply.split('\n');
        let first = answers.next().unwrap_or_default();
        let clock = self.edges[edge].clock(self.queue.now());
        if let Some(sent) = group.first().filter(|_| group.len() > 1) {
            self.edges[edge].edge.learn(&sent.errand, first, clock);
        }
        for (index, sent) in group.into_iter().enumerate() {
            let answer = if index == 0 { first } else { answers.next().unwrap_or_default() };
            self.deliver(edge, sent, answer);
        }
        self.launch(edge);
    }

    /// An errand's reply comes to whom it was run for.
    pub(super) fn deliver(&mut self, edge: usize, sent: Sent, reply: &str) {
        match sent.whom {
            For::Request(request) => self.errand_replied(request, &sent.errand, reply),
            For::Renewal(request) => self.renewal_replied(request, edge, &sent.errand, reply),
            For::Chore => self.learn(edge, &sent.errand, reply),
        }
    }

    fn lobby_clock(&self, slot: usize) -> Millis {
        skewed(self.queue.now(), self.lobbies[slot].skew)
    }

    /// Makes the calls that are due.
    pub(super) fn pump(&mut self, slot: usize) {
        loop {
            let clock = self.lobby_clock(slot);
            match self.lobbies[slot].due(clock) {
                Due::Board => self.call_room(slot, About::Board, Wanted::Board),
                Due::Batch(incarnation, number, bytes) => {
                    self.call_room(slot, About::Batch(incarnation, number), Wanted::Batch(bytes));
                }
                Due::Wait(until) => {
                    let host = &mut self.lobbies[slot];
                    if host.wakes_at.is_none_or(|at| until < at) {
                        host.wakes_at = Some(until);
                        let life = host.life;
                        let at = skewed(until, -host.skew);
                        self.queue.at(at, Event::LobbyWakes { slot, life, at: until });
                    }
                    return;
                }
                Due::Rest => return,
            }
        }
    }

    pub(super) fn lobby_wakes(&mut self, slot: usize, life: u64, at: Millis) {
        let host = &mut self.lobbies[slot];
        if host.life != life {
            return;
        }
        if host.wakes_at == Some(at) {
            host.wakes_at = None;
        }
        self.pump(slot);
    }

    fn call_room(&mut self, slot: usize, about: About, wanted: Wanted) {
        let caller = self.number();
        let Way { there, again, back, is_overloaded } = self.network.way(self.queue.now());
        let call = OpenRoomCall { slot, life: self.lobbies[slot].life, about, back };
        self.room_calls.insert(caller, call);
        self.queue.after(PATIENCE, Event::LobbyGivesUp(caller));
        if is_overloaded {
            self.room_says(caller, &Said::Failed, true);
            return;
        }
        if let Some(delay) = there {
            self.queue.after(delay, Event::RoomAsked { caller, wanted: wanted.clone() });
        }
        if let Some(delay) = again {
            self.queue.after(delay, Event::RoomAsked { caller: NOBODY, wanted });
        }
    }

    /// The Room's answer comes to a lobby, or its patience is over.
    pub(super) fn room_says(&mut self, caller: u64, said: &Said, is_overloaded: bool) {
        let Some(OpenRoomCall { slot, life, about, .. }) = self.room_calls.remove(&caller) else { return };
        if self.lobbies[slot].life != life {
            return;
        }
        let (clock, fresh) = (self.lobby_clock(slot), self.dice.bytes());
        for (call, reply) in self.lobbies[slot].heard(clock, about, said, is_overloaded, fresh) {
            self.answer_edge(call, reply);
        }
        self.pump(slot);
    }
}

/// What edges of a later version ask: more than this one knows.
fn newer(lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.replacen('{', "{\"origin\":\"x\",", 1)).collect();
    lines.join("\n")
}
