//! Everybody comes within a minute, half of them give up, and who stays gets in as seats come free.

use std::collections::HashMap;

use anteroom::poll::{Sight, poll_after, standing_of};
use anteroom::standing::Standing;
use durable::lobby::Caller;
use durable::protocol::{Answer, Outcome, Wish};
use durable::settings::Settings;
use durable::units::{Millis, Rank};

use super::centers::Map;
use super::people::{Boards, Want, answer, caller, center_of, holder, inside, leaf_of, mixed, seat, want};
use super::tree::{Event, Tree};
use crate::dice::Dice;
use crate::trace::NOON;

/// Everybody has come by then.
const RUSH: Millis = Millis(60_000);
/// How long whoever gives up waits for, in the mean; the same for how long a stay inside lasts.
const PATIENCE: Millis = Millis(30_000);
const STAY: Millis = Millis(150_000);
/// Of a hundred who go, so many say so.
const GOODBYE_PERCENT: u64 = 5;
/// No rank yet.
const NONE: u32 = u32::MAX;

/// What is counted beside what the [`Tree`] counts.
#[derive(Default)]
pub(super) struct Told {
    /// People who hold a rank.
    pub(super) joined: u64,
    /// The same by seconds.
    pub(super) joined_per_second: Vec<u64>,
    /// People who were let in.
    pub(super) entered: u64,
    /// Whose ticket or pass was worth nothing, though they had kept asking.
    pub(super) lost: u64,
    /// Times a page asked its data center.
    pub(super) polls: u64,
    /// How far from the order of arrival at leaves ranks are, at the median and for 99 of 100: so much earlier or later had somebody come whose rank it would have been.
    pub(super) order_off: (u64, u64),
    /// The same by another measure: of all who were overtaken by somebody, the first had come so much earlier.
    pub(super) overtook: (u64, u64),
}

/// See the module's words.
pub(super) struct Rush {
    /// What it is asked of.
    pub(super) tree: Tree,
    /// What became of it.
    pub(super) told: Told,
    people: u32,
    came: u32,
    ranks: Vec<u32>,
    joined_at: Vec<u32>,
    /// When whoever has this rank had first come to their leaf.
    arrived_by_rank: Vec<u32>,
    /// When each first came to their leaf, turned away or not.
    arrived: Vec<u32>,
    seats: HashMap<u32, ((u32, u32), Millis)>,
    boards: Boards,
    dice: Dice,
}

impl Rush {
    /// So many people, before noon.
    pub(super) fn new(settings: Settings, people: u32, seed: u64) -> Rush {
        let (mut tree, mut dice) = (Tree::new(settings, Map::new(), center_of, seed), Dice::new(!seed));
        let boards = Boards::new(&mut tree, &mut dice);
        tree.queue.after(Millis(1), Event::Person(caller(Want::Come, 0)));
        Rush {
            tree,
            told: Told::default(),
            people,
            came: 0,
            ranks: Vec::new(),
            joined_at: Vec::new(),
            arrived_by_rank: Vec::new(),
            arrived: Vec::new(),
            seats: HashMap::new(),
            boards,
            dice,
        }
    }

    /// Goes on until so long after noon.
    pub(super) fn run(&mut self, until: Millis) {
        while let Some(event) = self.tree.queue.next(NOON.plus(until)) {
            if let Event::Leaf(_, caller) = event {
                self.reaches_leaf(caller);
            }
            let Rush { tree, ranks, seats, boards, .. } = self;
            let line = |caller: Caller| {
                let (what, id) = want(caller);
                let wish = match what {
                    Want::Join => Wish::Join { holder: holder(id) },
                    Want::Claim => Wish::Claim { epoch: 0, rank: u64::from(ranks[id as usize]) },
                    Want::Board => Wish::Board,
                    _ => inside(what, seats.get(&id).map(|(seat, _)| *seat).unwrap_or_default()),
                };
                boards.line(caller, wish)
            };
            match tree.happen(event, line) {
                Some(Event::Person(caller)) => self.person(caller),
                Some(Event::Told(caller, Some(text))) => self.hear(caller, &text),
                Some(Event::Told(caller, None)) => self.turned_away(caller),
                _ => {}
            }
        }
        self.finish(until);
    }

    /// From then on whoever joins has come, though the leaf turns them away, and however often.
    fn reaches_leaf(&mut self, caller: Caller) {
        let now = self.tree.now().since(NOON);
        if let (Want::Join, id) = want(caller)
            && self.arrived[id as usize] == NONE
        {
            self.arrived[id as usize] = now.0 as u32;
        }
    }

    fn person(&mut self, asks: Caller) {
        let (now, (what, id)) = (self.tree.now(), want(asks));
        match what {
            Want::Come => self.come(now),
            Want::Board => Boards::ask(&mut self.tree, &mut self.dice, asks),
            Want::Claim => self.poll(id),
            Want::Renew => {
                let Some((_, leaves_at)) = self.seats.get(&id) else { return };
                let stays = *leaves_at > now;
                if !stays && !self.dice.percent(GOODBYE_PERCENT) {
                    self.seats.remove(&id);
                    return;
                }
                let asks = caller(if stays { Want::Renew } else { Want::LeavePass }, id);
                self.tree.call(leaf_of(asks), asks);
            }
            _ => self.tree.call(leaf_of(asks), asks),
        }
    }

    /// Everybody of this millisecond.
    fn come(&mut self, now: Millis) {
        let at = now.since(NOON).0.min(RUSH.0);
        let came = (u64::from(self.people) * at / RUSH.0) as u32;
        // No room for those who have not come.
        self.ranks.resize(came as usize, NONE);
        self.joined_at.resize(came as usize, 0);
        self.arrived.resize(came as usize, NONE);
        for id in self.came..came {
            let asks = caller(Want::Join, id);
            self.tree.call(leaf_of(asks), asks);
        }
        self.came = came;
        if at < RUSH.0 {
            self.tree.queue.after(Millis(1), Event::Person(caller(Want::Come, 0)));
        }
    }

    /// A page asks where it stands, and claims if it is its turn.
    fn poll(&mut self, id: u32) {
        let now = self.tree.now();
        let joined_at = NOON.plus(Millis(u64::from(self.joined_at[id as usize])));
        let patience = Millis(self.patience(id));
        if self.gives_up(id) && now.since(joined_at) > patience {
            return;
        }
        self.told.polls += 1;
        let asks = caller(Want::Claim, id);
        let board = self.boards.of(asks).clone();
        let standing = standing_of(&board, Rank(u64::from(self.ranks[id as usize])), joined_at, now);
        if matches!(standing, Standing::YourTurn { .. }) {
            return self.tree.call(leaf_of(asks), asks);
        }
        let entropy = self.dice.below(1 << 32) as u32;
        let delay = poll_after(&standing, Some(&board), now, entropy, Sight::Shown);
        self.tree.queue.after(delay, Event::Person(asks));
    }

    fn hear(&mut self, asked: Caller, text: &str) {
        let (what, id) = want(asked);
        if what == Want::Join && !text.contains("\"board\":{") {
            // Ten million of them: only what is needed is read.
            if let Some(rank) = rank_of(text) {
                return self.join(id, rank);
            }
        }
        let answer = answer(text.lines().next().unwrap_or_default());
        self.boards.hear(asked, &answer);
        let Answer { outcome, .. } = answer;
        match (what, outcome) {
            (Want::Join, Outcome::Joined { rank, .. }) => self.join(id, rank as u32),
            (_, Outcome::Busy | Outcome::Unreachable | Outcome::Overloaded) => self.turned_away(asked),
            (Want::Claim, Outcome::Admitted { pass }) => self.enter(id, &pass),
            (Want::Claim, Outcome::Next { retry_ms }) => self.again(asked, Millis(retry_ms)),
            (Want::Claim, Outcome::Waiting) => self.again(asked, Millis(2_000)),
            (Want::Renew, Outcome::Admitted { .. }) => {
                let interval = Millis(self.boards.of(asked).renewal_interval_ms.max(1_000));
                self.again(asked, interval);
            }
            (Want::LeavePass, _) => _ = self.seats.remove(&id),
            (Want::Board, _) => {}
            _ => self.told.lost += 1,
        }
    }

    fn again(&mut self, asks: Caller, delay: Millis) {
        self.tree.queue.after(delay, Event::Person(asks));
    }

    fn join(&mut self, id: u32, rank: u32) {
        let now = self.tree.now().since(NOON);
        self.told.joined += 1;
        let second = (now.0 / 1_000) as usize;
        if self.told.joined_per_second.len() <= second {
            self.told.joined_per_second.resize(second + 1, 0);
        }
        self.told.joined_per_second[second] += 1;
        self.ranks[id as usize] = rank;
        self.joined_at[id as usize] = now.0 as u32;
        if self.arrived_by_rank.len() <= rank as usize {
            self.arrived_by_rank.resize(rank as usize + 1, NONE);
        }
        self.arrived_by_rank[rank as usize] = self.arrived[id as usize];
        self.again(caller(Want::Claim, id), Millis(1_000));
    }

    fn enter(&mut self, id: u32, pass: &str) {
        self.told.entered += 1;
        let leaves_at = self.tree.now().plus(self.spread(STAY));
        self.seats.insert(id, (seat(pass), leaves_at));
        let interval = Millis(self.boards.of(caller(Want::Renew, id)).renewal_interval_ms.max(1_000));
        self.again(caller(Want::Renew, id), interval);
    }

    /// Too many ask: whoever has nothing yet is joining, whoever has something keeps it.
    fn turned_away(&mut self, asked: Caller) {
        let (what, id) = want(asked);
        if what == Want::Board {
            return;
        }
        let now = self.tree.now();
        let came_at = Millis(u64::from(id) * RUSH.0 / u64::from(self.people.max(1)));
        let standing = match what {
            Want::Join => Standing::JoiningLater { trying: now.since(NOON.plus(came_at)) },
            _ => Standing::Reconnecting,
        };
        let entropy = self.dice.below(1 << 32) as u32;
        self.again(asked, poll_after(&standing, None, now, entropy, Sight::Shown));
    }

    fn gives_up(&self, id: u32) -> bool {
        mixed(id) >> 20 & 1 == 1
    }

    fn patience(&self, id: u32) -> u64 {
        mixed(!id) % (2 * PATIENCE.0)
    }

    /// An exponential distribution of this mean, by its inverse.
    fn spread(&mut self, mean: Millis) -> Millis {
        let uniform = (self.dice.below(1 << 32) + 1) as f64 / (1u64 << 32) as f64;
        Millis((-uniform.ln() * mean.0 as f64) as u64)
    }

    fn finish(&mut self, until: Millis) {
        // Whoever came and is not told anything yet though the time is over, and has not been turned away a moment ago.
        if until >= RUSH.plus(RUSH) {
            let waiting = self.ranks.iter().take(self.came as usize).filter(|rank| **rank == NONE).count();
            self.told.lost += waiting as u64;
        }
        let mut earliest_behind = NONE;
        let mut off: Vec<u32> = Vec::with_capacity(self.arrived_by_rank.len());
        for arrived in self.arrived_by_rank.iter().rev().filter(|arrived| **arrived != NONE) {
            off.push(arrived.saturating_sub(earliest_behind));
            earliest_behind = earliest_behind.min(*arrived);
        }
        self.told.overtook = middle_and_end(&mut off);
        let by_rank = self.arrived_by_rank.iter().filter(|arrived| **arrived != NONE);
        let mut in_order: Vec<u32> = by_rank.clone().copied().collect();
        in_order.sort_unstable();
        let mut off: Vec<u32> = by_rank.zip(&in_order).map(|(one, other)| one.abs_diff(*other)).collect();
        self.told.order_off = middle_and_end(&mut off);
    }
}

/// What half of them are at most, and 99 of 100.
fn middle_and_end(off: &mut [u32]) -> (u64, u64) {
    let mut quantile = |permille: usize| {
        let at = (off.len() * permille / 1_000).min(off.len().saturating_sub(1));
        if off.is_empty() { 0 } else { u64::from(*off.select_nth_unstable(at).1) }
    };
    (quantile(500), quantile(990))
}

fn rank_of(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("\"rank\":")?;
    let end = rest.find(|it: char| !it.is_ascii_digit())?;
    rest.get(..end)?.parse().ok()
}
