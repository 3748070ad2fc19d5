//! The plan of a run: everything that was decided before it begins, as lists from which something can be left out. A seed names a plan, and
//! a plan with less in it that breaks the same rule is a shorter story.

use durable::json;
use durable::json::Value;
use durable::units::Millis;

use crate::dice::Dice;
use crate::workload::orders::{self, Deed, Order};
use crate::workload::visitor::VisitorPlan;
use crate::world::trouble::{self, TroubleAt};

/// What a run consists of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed it was drawn from.
    pub seed: u64,
    /// What the network and the machines draw from.
    pub world_seed: u64,
    /// The settings the room begins with.
    pub opening: Value,
    /// How far the clock of each edge is off, in milliseconds; two in a data center go by the first one's.
    pub edge_skews: Vec<i64>,
    /// Leaf lobbies.
    pub leaves: usize,
    /// Region lobbies above them, by turns.
    pub regions: usize,
    /// Who comes.
    pub visitors: Vec<VisitorPlan>,
    /// What operators do.
    pub orders: Vec<Order>,
    /// What goes wrong.
    pub troubles: Vec<TroubleAt>,
    /// So long things go wrong; after that they no longer do.
    pub rush: Millis,
}

/// What a plan is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// No more visitors than that, but for a fickle crowd.
    pub visitors_max: u64,
    /// Whether anything goes wrong.
    pub has_troubles: bool,
    /// Whether pace is scarce and most people miss their turn, as in one plan of twelve otherwise.
    pub is_tight: bool,
    /// Whether there are enough visitors for the Room to learn from, and most never come when called, as in one plan of forty otherwise.
    pub is_fickle: bool,
    /// Whether a crowd comes to a room that has seats enough for all, as in one plan of twenty otherwise.
    pub is_roomy: bool,
}

impl Default for Scope {
    fn default() -> Scope {
        Scope { visitors_max: 100, has_troubles: true, is_tight: false, is_fickle: false, is_roomy: false }
    }
}

impl Plan {
    /// The plan of a seed.
    pub fn draw(seed: u64, scope: Scope) -> Plan {
        let mut dice = Dice::new(seed);
        // From a stream of its own, so that all other plans are what they were without it.
        let mut fate = Dice::new(!seed);
        let is_fickle = scope.is_fickle || (seed % 40 == 9 && !scope.is_tight);
        let is_long = dice.percent(4) && !is_fickle;
        let is_tight = scope.is_tight || (dice.percent(8) && !is_fickle);
        // One in two hundred is held for longer than a ticket lives.
        let is_overnight = !is_tight && dice.below(200) == 0 && !is_fickle;
        let rush = match () {
            () if is_fickle => fate.millis(300_000, 540_000),
            () if is_overnight => Millis(90_000_000),
            () if is_long => Millis(3_000_000),
            () => dice.millis(60_000, 360_000),
        };
        let few = is_long || dice.percent(40);
        let most = match () {
            () if is_overnight => 5,
            () if few => scope.visitors_max.min(20),
            () => scope.visitors_max,
        };
        let count = if is_fickle { fate.between(260, 500) } else { dice.between(2, most) } as usize;
        let mut people = dice.fork();
        let visitors =
            (0..count).map(|id| VisitorPlan::draw(&mut people, id, count, Millis(rush.0 / 2), is_long));
        let mut visitors: Vec<VisitorPlan> = visitors.collect();
        if is_overnight {
            // Who asks every second for a day, or takes a place with every question, makes a long story of nothing.
            for visitor in &mut visitors {
                (visitor.is_hasty, visitor.forges, visitor.tabs) = (false, false, 1);
            }
        }
        if is_fickle {
            stay_away(&mut fate, &mut visitors, rush);
        } else if is_tight || people.percent(15) {
            tunnel(&mut people, &mut visitors);
        }
        let edges = dice.between(1, 5);
        let leaves = dice.between(1, 3) as usize;
        let regions = if leaves > 1 && seed.is_multiple_of(3) { 2 } else { 1 };
        let edge_skews: Vec<i64> = (0..edges).map(|_| dice.between(0, 2_000) as i64 - 1_000).collect();
        let mut opening = orders::opening(&mut dice);
        let mut orders = orders::draw(&mut dice.fork(), rush, is_long);
        if is_overnight {
            let hold = Deed::Set(json!({ "queue_all": true }));
            orders = vec![Order { after: dice.millis(0, 20_000), deed: hold }];
        }
        if is_tight {
            opening = orders::tight(&mut dice, opening);
            orders.clear();
        }
        if is_fickle {
            opening = orders::fickle(&mut fate, opening);
            // Whoever changes the rules while it learns keeps it from learning.
            orders.retain(|_| fate.percent(50));
        }
        let mut mishaps = dice.fork();
        let troubles = if scope.has_troubles {
            trouble::draw(&mut mishaps, rush, edge_skews.len(), leaves + regions)
        } else {
            Vec::new()
        };
        let world_seed = dice.seed();
        orders::follow_the_origin(
            &mut Dice::new(seed.rotate_left(32) ^ 0x0a11),
            &mut opening,
            &mut orders,
            rush,
        );
        if scope.is_roomy || (seed % 20 == 5 && !is_tight && !is_fickle && !is_overnight) {
            let mut dice = Dice::new(seed.rotate_left(16) ^ 0x5ea7);
            opening = orders::roomy(&mut dice, opening);
            // Whoever changes the rules in between closes it for all.
            orders.retain(|_| dice.percent(40));
            come_together(&mut dice, &mut visitors);
        }
        orders::reset(&mut Dice::new(seed.rotate_left(16) ^ 0x0004_e5e7), &mut orders, rush);
        orders::settle(&mut Dice::new(seed.rotate_left(48) ^ 0x005e_771e), &mut opening, &mut orders, rush);
        Plan { seed, world_seed, opening, edge_skews, leaves, regions, visitors, orders, troubles, rush }
    }

    /// How many lobbies there are: the leaves, and behind them the regions.
    pub fn lobbies(&self) -> usize {
        self.leaves + self.regions
    }

    /// The region above a leaf; none of a region.
    pub fn region_of(&self, lobby: usize) -> Option<usize> {
        (lobby < self.leaves).then(|| self.leaves + lobby % self.regions)
    }

    /// A lobby's name in this room.
    pub fn lobby_name(&self, room: &str, lobby: usize) -> String {
        match self.region_of(lobby) {
            Some(region) => format!("{room}/{region}/{lobby}"),
            None => format!("{room}/{lobby}"),
        }
    }
}

/// Several come in every second.
fn come_together(dice: &mut Dice, visitors: &mut [VisitorPlan]) {
    let within = visitors.len() as u64 * dice.between(50, 400);
    for visitor in visitors {
        visitor.after = dice.millis(0, within);
    }
}

/// A train full of visitors goes through a tunnel: they miss their turn together, and come back together.
fn tunnel(dice: &mut Dice, visitors: &mut [VisitorPlan]) {
    let (begins, ends) = (dice.between(3_000, 30_000), dice.between(80_000, 180_000));
    for visitor in visitors {
        if dice.percent(70) {
            let after = Millis(begins).since(visitor.after);
            visitor.sleeps = Some((after, Millis(ends - begins).plus(dice.millis(0, 5_000))));
        }
    }
}

/// Most of a crowd take a ticket and never come back, without a word: the first few more than those behind them, so that a Room
/// which has learnt from the first calls more than it has seats for, and then more come than it expects.
fn stay_away(dice: &mut Dice, visitors: &mut [VisitorPlan], rush: Millis) {
    let (few, more) = (dice.between(0, 40), dice.between(20, 100));
    let (count, turn) = (visitors.len() as u64, dice.between(40, 80));
    for visitor in visitors {
        let nth = visitor.id as u64;
        visitor.after = Millis(nth * rush.0 / 4 / count).plus(dice.millis(0, 3_000));
        (visitor.forges, visitor.copies) = (false, None);
        let comes = dice.percent(if nth * 100 < turn * count { few } else { more });
        if comes {
            visitor.gives_up = visitor.gives_up.filter(|_| dice.percent(30));
        } else {
            (visitor.gives_up, visitor.tabs) = (Some(dice.millis(200, 4_000)), 1);
            (visitor.says_goodbye, visitor.clings) = (false, false);
        }
    }
}
