//! Rounds: on rooms that live through anything, a board tells everybody what the Room would answer them, the number of those who wait is
//! theirs, and the way back to a line keeps its order.

use std::collections::BTreeSet;

use durable::batch::{ClaimOutcome, Grant, Items};
use durable::json;
use durable::room::{Input, Output, Room};
use durable::state::State;
use durable::store::Store;
use durable::units::Rank;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::config;
use crate::table::{Table, pass, ticket};

#[derive(Clone, Debug)]
enum Op {
    Join(u8),
    Claim(Vec<Index>),
    LeaveLine(Index),
    LeaveSeat(Index),
    Pass(u64),
    /// The method, seats, seconds of the claim window, and whether everybody is held.
    Configure(bool, u32, u32, bool),
}

fn op() -> impl Strategy<Value = Op> {
    let window = prop_oneof![2 => Just(120u32), 1 => Just(10), 1 => Just(600)];
    let configured = (prop_oneof![3 => Just(true), 1 => Just(false)], 1..12u32, window, 0..6u8);
    prop_oneof![
        2 => (0..12u8).prop_map(Op::Join),
        3 => vec(any::<Index>(), 1..12).prop_map(Op::Claim),
        1 => any::<Index>().prop_map(Op::LeaveLine),
        2 => any::<Index>().prop_map(Op::LeaveSeat),
        4 => prop_oneof![0..3_000u64, Just(30_000), Just(125_000), 0..300_000u64, Just(930_000)].prop_map(Op::Pass),
        1 => configured.prop_map(|(random, seats, window, held)| Op::Configure(random, seats, window, held == 0)),
    ]
}

struct World {
    table: Table,
    inside: Vec<Grant>,
    /// Tickets that were claimed or given up.
    spent: BTreeSet<u64>,
}

fn settings(random: bool, seats: u32, window: u32, held: bool) -> json::Value {
    let method = if random { "random" } else { "fifo" };
    json!({
        "queueing_method": method, "total_active_users": seats, "queue_all": held, "claim_window_seconds": window,
        "new_users_per_minute": 1_000,
    })
}

impl World {
    fn new() -> World {
        let mut table = Table::new(&settings(true, 5, 120, false));
        table.join(20);
        World { table, inside: vec![], spent: BTreeSet::new() }
    }

    fn issued(&mut self) -> u64 {
        self.table.room.board(self.table.now).issued
    }

    fn step(&mut self, op: &Op) {
        let issued = self.issued() as usize;
        match op {
            Op::Join(count) => drop(self.table.join(*count)),
            Op::Claim(indices) => {
                let ranks: Vec<u64> = indices.iter().map(|index| index.index(issued) as u64).collect();
                self.claim(&ranks);
            }
            Op::LeaveLine(index) => {
                let rank = index.index(issued) as u64;
                let told = self.state().window(Rank(rank));
                let items = Items { ticket_leaves: vec![ticket(rank)], ..Items::default() };
                self.table.batch(items);
                if told != durable::call::Window::Void {
                    self.spent.insert(rank);
                }
            }
            Op::LeaveSeat(index) if !self.inside.is_empty() => {
                let grant = self.inside.swap_remove(index.index(self.inside.len()));
                self.table.batch(Items { pass_leaves: vec![pass(&grant)], ..Items::default() });
            }
            Op::LeaveSeat(_) => {}
            Op::Pass(millis) => self.table.later(*millis),
            Op::Configure(random, seats, window, held) => {
                self.table.configure(&settings(*random, *seats, *window, *held));
            }
        }
    }

    fn claim(&mut self, ranks: &[u64]) {
        let claims = ranks.iter().map(|rank| ticket(*rank)).collect();
        let told = self.table.batch(Items { claims, ..Items::default() }).claims;
        for (rank, told) in ranks.iter().zip(told) {
            if let ClaimOutcome::Granted(grant) = told
                && self.spent.insert(*rank)
            {
                self.inside.push(grant);
            }
        }
    }

    /// The Room from within, of the moment.
    fn state(&self) -> State {
        let (_, mut state) = Store::load(&self.table.pages, &self.table.rows).unwrap();
        state.advance(self.table.now);
        state
    }

    /// What everybody would be told if they asked now, all at once.
    fn everybody(&mut self) -> Vec<ClaimOutcome> {
        let claims = (0..self.issued()).map(ticket).collect();
        let Table { pages, rows, now, .. } = &self.table;
        let mut room = Room::load(pages, rows).unwrap();
        let name = durable::batch::BatchName { lobby: "all".into(), incarnation: [9; 16], number: 0 };
        let items = Items { claims, ..Items::default() };
        let batch = durable::batch::decode_batch(&durable::batch::encode_batch(&name, &items)).unwrap();
        let mut step = room.step(*now, [9; 32], vec![Input::Batch(batch)]).unwrap();
        match step.outputs.remove(0) {
            Output::Batch(durable::batch::BatchAnswer::Done(reply)) => reply.claims,
            other => panic!("not done: {other:?}"),
        }
    }

    fn compare(&mut self) -> Result<(), TestCaseError> {
        let board = self.table.room.board(self.table.now);
        for (rank, told) in (0..).zip(self.everybody()) {
            let called = board.has_called(Rank(rank));
            match told {
                ClaimOutcome::Waiting => prop_assert!(!called, "{} is called by the board alone", rank),
                ClaimOutcome::Granted(_) | ClaimOutcome::Next { .. } => {
                    prop_assert!(called, "{} is called and not told", rank);
                }
                ClaimOutcome::Used => prop_assert!(self.spent.contains(&rank)),
                ClaimOutcome::Void => prop_assert!(rank < board.void, "{} was called", rank),
            }
        }
        let state = self.state();
        prop_assert!(board.rounds.as_ref().is_none_or(|rounds| rounds.spans.len() <= 32));
        let unspent: Vec<u64> = (0..board.issued).filter(|rank| !self.spent.contains(rank)).collect();
        let has_won = |rank: &u64| state.rounds.has_won(Rank(*rank));
        let waiting = unspent.iter().filter(|rank| **rank >= board.called && !has_won(rank)).count() as u64;
        prop_assert_eq!(board.waiting, waiting);
        Ok(())
    }

    /// Whoever waits is called in the order of their ranks, a few at a time.
    fn in_order(&mut self) -> Result<(), TestCaseError> {
        self.table.configure(&settings(false, 2_000, 120, false));
        let mut behind = None;
        for _ in 0..12 {
            let before = self.table.room.board(self.table.now);
            self.table.later(1_000);
            let after = self.table.room.board(self.table.now);
            let newly: Vec<u64> = (0..after.issued)
                .filter(|rank| after.has_called(Rank(*rank)) && !before.has_called(Rank(*rank)))
                .collect();
            prop_assert!(newly.first().is_none_or(|first| behind.is_none_or(|last| last < *first)));
            behind = newly.last().copied().or(behind);
        }
        let board = self.table.room.board(self.table.now);
        prop_assert_eq!(board.waiting, 0);
        self.compare()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 16, ..config() })]

    #[test]
    fn a_board_tells_everybody_what_the_room_would_answer(ops in vec(op(), 1..24)) {
        let mut world = World::new();
        for op in &ops {
            world.step(op);
            world.compare()?;
        }
        world.in_order()?;
    }
}
