//! Calls between edges, lobbies and the Room: who travels with whom (src/leaves.mjs), how long each waits, and what is lost on the way.

use durable::lobby::{self, About, Caller, Due, Said};
use durable::protocol::{Ask, Wish};
use durable::units::Millis;
use durable::wire::{from_text, to_text};

use super::edge::{For, Sent, is_for_directory, payload, skewed};
use super::network::{PATIENCE, Way};
use super::rooms::{NOBODY, OpenRoomCall};
use super::table::Wanted;
use super::{Event, World};

/// So long does a wish wait for the call under way to land.
const GATHER: Millis = Millis(20);

/// What a lobby is asked.
#[derive(Clone, Debug)]
pub(super) enum Question {
    /// Wishes, a line each.
    Wishes(String),
    /// A batch.
    Batch(Vec<u8>),
    /// The newest board.
    Board,
}

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
        // Who wants but a board may ask any leaf: there are some that are asked for boards alone, and some never.
        let is_board =
            |line: &&str| from_text::<Ask>(line.as_bytes()).is_some_and(|ask| ask.wish == Wish::Board);
        let leaf = if lines.iter().all(is_board) { call as usize } else { edge } % self.plan.leaves;
        let mut lines = if self.speaks_newer { newer(&lines) } else { lines.join("\n") };
        if let Some(wish) = self.seen_of_the_origin() {
            // As in src/leaves.mjs: the last line, and nobody waits for its answer.
            lines.push('\n');
            lines.push_str(&to_text(&Ask { wish, ..Ask::default() }));
        }
        let Way { there, again, back, is_overloaded } = self.network.way(self.queue.now());
        self.queue.after(PATIENCE, Event::EdgeGivesUp(call));
        self.calls.insert(call, OpenCall { edge, life, group, back });
        if is_overloaded {
            self.queue.after(Millis(5), Event::EdgeGivesUp(call));
            return;
        }
        self.ask_lobby(leaf, call, &Question::Wishes(lines), (there, again));
    }

    /// What an edge has seen of the origin, where rooms follow it: anything, while things go wrong.
    fn seen_of_the_origin(&mut self) -> Option<Wish> {
        if !self.follows_origin() || !self.dice.percent(40) {
            return None;
        }
        let sampled = self.dice.between(1, 64) as u32;
        let is_bad = !self.is_quiet && self.dice.percent(50);
        let mut part = || if is_bad { self.dice.below(u64::from(sampled) + 1) as u32 } else { 0 };
        Some(Wish::Health { sampled, errors: part(), slow: part() })
    }

    /// A call on its way to a lobby, and perhaps once more.
    fn ask_lobby(
        &mut self,
        lobby: usize,
        call: Caller,
        question: &Question,
        (there, again): (Option<Millis>, Option<Millis>),
    ) {
        if let Some(delay) = there {
            let slot = self.slot_for(lobby);
            self.queue.after(delay, Event::LobbyAsked { slot, call, question: question.clone() });
        }
        if let Some(delay) = again {
            let (slot, call) = (self.slot_for(lobby), self.number() as Caller);
            self.queue.after(delay, Event::LobbyAsked { slot, call, question: question.clone() });
        }
    }

    /// The lobby that answers to a name: one of two, while it lives twice.
    fn slot_for(&mut self, lobby: usize) -> usize {
        let is_twice = self.queue.now() < self.twice_until[lobby];
        if is_twice && self.dice.percent(50) { lobby + self.plan.lobbies() } else { lobby }
    }

    pub(super) fn lobby_asked(&mut self, slot: usize, call: Caller, question: &Question) {
        let now = self.queue.now();
        let wanted = match question {
            Question::Wishes(lines) => lobby::Wanted::Wishes(lines),
            Question::Batch(bytes) => lobby::Wanted::Batch(bytes),
            Question::Board => lobby::Wanted::Board,
        };
        if let Some(said) = self.lobbies[slot].ask(now, call, wanted) {
            self.lobby_answers(call, said);
        }
        self.pump(slot);
    }

    /// A lobby answers an edge, or a leaf.
    fn lobby_answers(&mut self, call: Caller, said: Said) {
        let back = self.calls.get(&call).and_then(|open| open.back);
        if let (Some(back), Said::Text(reply)) = (back, &said) {
            return self.queue.after(back, Event::EdgeHears { call, reply: reply.clone() });
        }
        self.answer_lobby(u64::from(call), said);
    }

    /// A region or the Room answers a lobby.
    pub(super) fn answer_lobby(&mut self, caller: u64, said: Said) {
        if let Some(back) = self.room_calls.get(&caller).and_then(|call| call.back) {
            self.queue.after(back, Event::ParentSays { caller, said });
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

    /// Makes the calls that are due.
    pub(super) fn pump(&mut self, slot: usize) {
        let now = self.queue.now();
        loop {
            match self.lobbies[slot].due(now) {
                Due::Call(about, bytes) => self.call_parent(slot, about, bytes),
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

    fn call_parent(&mut self, slot: usize, about: About, bytes: Vec<u8>) {
        let caller = self.number();
        let Way { there, again, back, is_overloaded } = self.network.way(self.queue.now());
        let call = OpenRoomCall { slot, life: self.lobbies[slot].life, about, back };
        self.room_calls.insert(caller, call);
        self.queue.after(PATIENCE, Event::LobbyGivesUp(caller));
        if is_overloaded {
            return self.parent_says(caller, &Said::Overloaded);
        }
        if let Some(region) = self.plan.region_of(slot % self.plan.lobbies()) {
            let question = if about == About::Board { Question::Board } else { Question::Batch(bytes) };
            return self.ask_lobby(region, caller as Caller, &question, (there, again));
        }
        let wanted = if about == About::Board { Wanted::Board } else { Wanted::Batch(bytes) };
        if let Some(delay) = there {
            self.queue.after(delay, Event::RoomAsked { caller, wanted: wanted.clone() });
        }
        if let Some(delay) = again {
            self.queue.after(delay, Event::RoomAsked { caller: NOBODY, wanted });
        }
    }

    /// The parent's answer comes to a lobby, or its patience is over.
    pub(super) fn parent_says(&mut self, caller: u64, said: &Said) {
        let Some(OpenRoomCall { slot, life, about, .. }) = self.room_calls.remove(&caller) else { return };
        if self.lobbies[slot].life != life {
            return;
        }
        let (now, fresh) = (self.queue.now(), self.dice.bytes());
        for (call, said) in self.lobbies[slot].heard(now, about, said, fresh) {
            self.lobby_answers(call, said);
        }
        self.pump(slot);
    }
}

/// What edges of a later version ask: more than this one knows.
fn newer(lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.replacen('{', "{\"origin\":\"x\",", 1)).collect();
    lines.join("\n")
}
