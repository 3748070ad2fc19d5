//! Who comes. Two rooms: in front of one stands a line of ten million, and who enters was called; the other is open, and a first
//! contact is let in at once. Lobbies send full batches, with the kinds of wishes mixed as below.

use std::time::Duration;

use durable::batch::{BatchName, ClaimOutcome, Items, PassRef, Reply, TicketRef, encode_batch};
use durable::json;
use durable::token::Holder;
use durable::units::{Epoch, Rank};

use crate::table::Table;

/// More than there are regions: each keeps eight replies in the Room.
const LOBBIES: usize = 32;

/// How many wishes of each kind are in a batch.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mix {
    pub(crate) joins: usize,
    pub(crate) claims: usize,
    pub(crate) renewals: usize,
    pub(crate) pass_leaves: usize,
    pub(crate) ticket_leaves: usize,
    pub(crate) enters: usize,
}

impl Mix {
    /// A thousand wishes at a line: half come, half are inside or about to be. Whoever hoped to be let in at once is turned away.
    pub(crate) const LINE: Mix =
        Mix { joins: 450, claims: 100, renewals: 400, pass_leaves: 5, ticket_leaves: 15, enters: 30 };
    /// A thousand wishes at an open room: first contacts, the requests that confirm them, renewals of others.
    pub(crate) const OPEN: Mix =
        Mix { joins: 0, claims: 0, renewals: 660, pass_leaves: 20, ticket_leaves: 0, enters: 320 };

    pub(crate) fn wishes(self) -> usize {
        self.joins + self.claims + self.renewals + self.pass_leaves + self.ticket_leaves + self.enters
    }
}

/// A room and everybody who has to do with it.
pub(crate) struct Crowd {
    pub(crate) table: Table,
    inside: Vec<PassRef>,
    /// Given at first contact and not seen again yet.
    newcomers: Vec<PassRef>,
    claimed: u64,
    called: u64,
    issued: u64,
    batches: u64,
    luck: u64,
}

impl Crowd {
    pub(crate) fn new(total_active_users: u64, new_users_per_minute: u64) -> Crowd {
        let table = Table::new(&json!({
            "name": "room", "host": "example.com", "session_duration_seconds": 300,
            "total_active_users": total_active_users, "new_users_per_minute": new_users_per_minute,
        }));
        let (inside, newcomers) = (Vec::new(), Vec::new());
        Crowd { table, inside, newcomers, claimed: 0, called: 0, issued: 0, batches: 0, luck: 1 }
    }

    /// How many are inside.
    pub(crate) fn refresh(&mut self) -> u64 {
        let (inside, called, issued) = self.table.standing();
        (self.called, self.issued) = (called, issued);
        inside
    }

    /// How many ranks were given.
    pub(crate) fn issued(&self) -> u64 {
        self.issued
    }

    /// So much later, that many batches at once: how many wishes there were in them, and how long the object was at it.
    pub(crate) fn step(&mut self, millis: u64, count: usize, mix: Mix) -> (usize, Duration) {
        self.table.later(millis);
        let (mut batches, mut wishes) = (Vec::new(), 0);
        for _ in 0..count {
            let items = self.items(mix);
            wishes += items.joins.len() + items.claims.len() + items.renewals.len() + items.enters as usize;
            wishes += items.pass_leaves.len() + items.ticket_leaves.len();
            batches.push(encode_batch(&self.name(), &items));
        }
        let (replies, elapsed) = self.table.step(&batches);
        replies.iter().for_each(|reply| self.hear(reply));
        (wishes, elapsed)
    }

    /// Whoever is called claims, before more are called.
    pub(crate) fn settle(&mut self) {
        self.refresh();
        while self.claimed < self.called {
            self.step(1, 10, Mix { claims: 1_000, ..Mix::default() });
        }
    }

    /// Nine in ten of those inside are seen again; the tenth is gone without a word, and their seats come free in time.
    pub(crate) fn renew(&mut self) {
        let mut nth = 0u32;
        self.inside.retain(|_| {
            nth += 1;
            !nth.is_multiple_of(10)
        });
        let passes = std::mem::take(&mut self.inside);
        for renewals in passes.chunks(4_000) {
            self.table.later(20);
            let items = Items { renewals: renewals.to_vec(), ..Items::default() };
            let batch = encode_batch(&self.name(), &items);
            self.table.step(&[batch]);
        }
        self.inside = passes;
    }

    fn name(&mut self) -> BatchName {
        let lobby = (self.batches % LOBBIES as u64) as u8;
        let number = self.batches / LOBBIES as u64;
        self.batches += 1;
        let lobby_name = format!("0123456789abcdef0123456789abcdef/leaf/{lobby}");
        BatchName { lobby: lobby_name, incarnation: [lobby; 16], number }
    }

    fn items(&mut self, mix: Mix) -> Items {
        Items {
            joins: (0..mix.joins).map(|_| self.holder()).collect(),
            claims: self.claims(mix.claims),
            pass_leaves: (0..mix.pass_leaves).filter_map(|_| self.leaver()).collect(),
            ticket_leaves: (0..mix.ticket_leaves).map(|_| self.waiting()).collect(),
            renewals: (0..mix.renewals).filter_map(|_| self.visitor()).collect(),
            enters: mix.enters as u32,
            ..Items::default()
        }
    }

    /// The next of those called. One in twenty never comes.
    fn claims(&mut self, count: usize) -> Vec<TicketRef> {
        let mut claims = Vec::with_capacity(count);
        while claims.len() < count && self.claimed < self.called {
            if self.claimed % 20 != 7 {
                claims.push(ticket(self.claimed));
            }
            self.claimed += 1;
        }
        claims
    }

    fn visitor(&mut self) -> Option<PassRef> {
        if let Some(pass) = self.newcomers.pop() {
            self.inside.push(pass);
            return Some(pass);
        }
        let any = self.dice(self.inside.len());
        self.inside.get(any).copied()
    }

    fn leaver(&mut self) -> Option<PassRef> {
        let any = self.dice(self.inside.len());
        (any < self.inside.len()).then(|| self.inside.swap_remove(any))
    }

    fn waiting(&mut self) -> TicketRef {
        ticket(self.called + self.dice((self.issued - self.called) as usize) as u64)
    }

    fn hear(&mut self, reply: &Reply) {
        let (epoch, pass_epoch) = (reply.epoch, reply.pass_epoch);
        let granted = reply.claims.iter().filter_map(|claim| match claim {
            ClaimOutcome::Granted(grant) => Some(grant),
            _ => None,
        });
        let pass = |grant: &durable::batch::Grant| {
            let (seat, generation) = (grant.seat, grant.generation);
            PassRef { epoch, pass_epoch, seat, generation }
        };
        self.inside.extend(granted.map(pass));
        self.newcomers.extend(reply.entered.iter().map(pass));
    }

    fn holder(&mut self) -> Holder {
        let (high, low) = (self.random(), self.random());
        Holder((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }

    fn dice(&mut self, sides: usize) -> usize {
        (self.random() % sides.max(1) as u64) as usize
    }

    /// `SplitMix64`: the same crowd each time.
    fn random(&mut self) -> u64 {
        self.luck = self.luck.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.luck ^ (self.luck >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn ticket(rank: u64) -> TicketRef {
    TicketRef { epoch: Epoch(0), rank: Rank(rank) }
}
