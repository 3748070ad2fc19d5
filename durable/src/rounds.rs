//! Rounds: how `random` calls. Every 30 s one round draws among all who wait.
//!
//! A round permutes the ranks `first..first + count` with its own seed, as [`crate::draw`] does, and takes from the lowest image up as many
//! as there are seats for: whoever's image is below `first + cut` has won, and is called. Those who have left or were called before
//! are passed over. The seeds are a hash chain told backwards: its end is committed to before the first round, each
//! round's seed is the next preimage, so the newest seed proves all before it and tells nothing of those to come.
//!
//! A winner stays called as long as the round is kept, and waits again when it is forgotten. Where people are called in order meanwhile, the
//! watermark reaches winners who have not come as it reaches everybody, and they are the line's from then on. A rank that wins while it is called by an
//! earlier round is that earlier round's; once that is forgotten, the later one makes it a latecomer.

use std::collections::VecDeque;

use sha2::{Digest as _, Sha256};

use crate::call::{Call, ShowUp, Window, next_close, teach, untaught};
use crate::codec::{Malformed, Reader, Writer};
use crate::draw::{Draw, NOBODY};
use crate::listed::Listed as _;
use crate::spent::Spent;
use crate::units::{Millis, Rank};

/// From one round to the next.
pub const SPACING: Millis = Millis(30_000);
/// Rounds that are kept, and listed on the board.
pub const KEPT_MAX: u64 = 32;
/// How long after its call a winner may enter at the latest, so that no more than [`KEPT_MAX`] rounds are kept.
pub const LATE_WINDOW: Millis = Millis(SPACING.0 * (KEPT_MAX - 1));
/// Rounds of one chain: a week without a pause.
pub const CHAIN_LENGTH: u32 = 20_160;
/// Images looked at in one round, each of which may cost twelve hashes and more. Whoever is not called for it is drawn among the next time.
pub const CUT_MAX: u64 = 20_000;
/// Ranks drawn among in one round; who stands behind them is drawn among later. Their winners take 32 MB at most, however far apart.
pub const COUNT_MAX: u64 = 1 << 28;

/// Where the seeds come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The last seed, fixed first. Secret.
    pub tip: [u8; 32],
    /// What is told before the first round: the seed that stands before the first.
    pub commitment: [u8; 32],
    /// When it was fixed: its commitment is told from then on.
    pub begun_at: Millis,
    /// Rounds drawn with it.
    pub used: u32,
    /// The newest seed that was told; before the first round, the commitment.
    pub told: [u8; 32],
}

impl Chain {
    /// One that begins.
    pub fn new(tip: [u8; 32], commitment: [u8; 32], begun_at: Millis) -> Chain {
        Chain { tip, commitment, begun_at, used: 0, told: commitment }
    }

    /// The seed of the next round.
    pub fn next_seed(&self) -> [u8; 32] {
        nth_seed(self.tip, self.used + 1)
    }

    /// Whether another round can be drawn with it.
    pub fn has_more(&self) -> bool {
        self.used < CHAIN_LENGTH
    }
}

/// What is told of a chain with this last seed, before its first round.
pub fn commitment(tip: [u8; 32]) -> [u8; 32] {
    nth_seed(tip, 0)
}

fn nth_seed(tip: [u8; 32], number: u32) -> [u8; 32] {
    (number..CHAIN_LENGTH).fold(tip, |seed, _| hashed(&seed))
}

/// One step down a chain: from a round's seed to the one before it.
pub fn hashed(seed: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(seed).into()
}

/// A round that was held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The ranks it drew among, and its seed.
    pub draw: Draw,
    /// How many images won.
    pub cut: u64,
    /// Winners that had been called already, by an earlier round or in the order of places.
    pub doubles: Vec<Rank>,
    /// Whom it called.
    pub call: Call,
    /// Derived: the ranks it called, and some who had left before, lowest first.
    winners: Vec<Rank>,
}

impl Round {
    /// A round that called these. One that no Room holds is refused before its images are looked at: they cost time, and
    /// winners far apart memory.
    pub fn new(draw: Draw, cut: u64, doubles: Vec<Rank>, call: Call) -> Result<Round, Malformed> {
        if cut > draw.count.min(CUT_MAX) || draw.count > COUNT_MAX || doubles.len() as u64 > cut {
            return Err(Malformed);
        }
        let permutation = draw.permutation();
        // Bit by bit they are in order.
        let mut winners = Spent::default();
        permutation.ranks().take(cut as usize).for_each(|rank| winners.insert(rank));
        doubles.iter().for_each(|rank| winners.remove(*rank));
        Ok(Round { draw, cut, doubles, call, winners: winners.ranks() })
    }

    fn has(&self, rank: Rank) -> bool {
        self.winners.binary_search(&rank).is_ok()
    }
}

/// What a round draws among: its seed is not known before.
pub fn draw_among(first: Rank, count: u64, seed: [u8; 32]) -> Draw {
    Draw { first, count, seed, hash: NOBODY }
}

/// See the module's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rounds {
    chain: Option<Chain>,
    kept: VecDeque<Round>,
    /// Derived: the winners of all rounds kept.
    won: Spent,
}

impl Rounds {
    /// Where the next seeds come from.
    pub fn chain(&self) -> Option<&Chain> {
        self.chain.as_ref()
    }

    /// The rounds that still count, oldest first.
    pub fn kept(&self) -> impl ExactSizeIterator<Item = &Round> {
        self.kept.iter()
    }

    /// Whether another chain is to begin: at the first pause behind half of the last one. Boards prove rounds by one chain, so none begins while
    /// rounds are kept: after a week without a pause there is one, until all are forgotten.
    pub fn wants_chain(&self) -> bool {
        self.chain.is_none_or(|chain| chain.used > CHAIN_LENGTH / 2) && self.kept.is_empty()
    }

    /// When the next round may be held, or the next chain begun.
    pub fn next_at(&self) -> Option<Millis> {
        let chain = self.chain.as_ref()?;
        if !chain.has_more() {
            return self.kept.iter().map(|round| round.call.late_until).max();
        }
        let begun_at = chain.begun_at;
        let last = self.kept.back().map_or(begun_at, |round| round.call.at.max(begun_at));
        // While nobody may claim windows stand still and rounds are not forgotten: none gives way that still holds seats.
        let oldest = self.kept.front().filter(|_| self.is_full());
        Some(last.plus(SPACING).max(oldest.map_or(Millis(0), |round| round.call.closes_at)))
    }

    /// When winners who never came begin to wait again.
    pub fn next_return(&self) -> Option<Millis> {
        let absent = self.kept.iter().position(|round| round.call.holding > 0)?;
        // A round is forgotten after all before it.
        self.kept.iter().take(absent + 1).map(|round| round.call.late_until).max()
    }

    /// Whether a rank is called by a round.
    pub fn has_won(&self, rank: Rank) -> bool {
        self.won.contains(rank)
    }

    /// Where a rank stands that the watermark has not reached.
    pub fn window(&self, rank: Rank, clock: Millis) -> Window {
        if self.has_won(rank) {
            // Behind its late window a round is kept only for an older one whose clock stood still: boards call its winners all the same.
            let is_open = |round: &Round| round.call.window(clock) == Window::Open;
            return if self.round_of(rank).is_some_and(is_open) { Window::Open } else { Window::Late };
        }
        let doubled = self.kept.iter().any(|round| round.doubles.contains(&rank));
        if doubled { Window::Late } else { Window::Uncalled }
    }

    /// When the round was held that called this rank.
    pub fn called_at(&self, rank: Rank) -> Option<Millis> {
        self.round_of(rank).map(|round| round.call.at)
    }

    /// Whether the windows of the winners of the round of this moment are open.
    pub fn is_open(&self, at: Millis, clock: Millis) -> bool {
        self.calls().any(|call| call.at == at && call.window(clock) == Window::Open)
    }

    /// How many seats winners hold; `kept` says how many winners of the round of a moment asked in vain.
    pub fn holding(&self, clock: Millis, show_up: ShowUp, kept: impl Fn(Millis) -> u32) -> u64 {
        let open = self.calls().filter(|call| call.window(clock) == Window::Open);
        open.map(|call| u64::from(call.held(show_up, kept(call.at)))).sum()
    }

    /// When the next window closes.
    pub fn next_close(&self, clock: Millis) -> Option<Millis> {
        next_close(&mut self.calls(), clock)
    }

    /// What closed rounds teach that was not learnt yet.
    pub fn untaught(&self, clock: Millis) -> (u64, u64) {
        untaught(&mut self.calls(), clock)
    }

    /// That was learnt.
    pub fn teach(&mut self, clock: Millis) {
        teach(&mut self.kept.iter_mut().map(|round| &mut round.call), clock);
    }

    /// The calls of all rounds kept, oldest first.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.kept.iter().map(|round| &round.call)
    }

    /// Another chain: what was committed to before counts no more.
    pub fn begin_chain(&mut self, chain: Chain) {
        self.chain = Some(chain);
    }

    /// Nobody was called any more. The chain goes on: what it committed to holds.
    pub fn begin_anew(&mut self) {
        *self = Rounds { chain: self.chain, ..Rounds::default() };
    }

    /// A round was held, with the next seed of the chain. The oldest gives way if there are too many: so many of its winners wait again.
    pub fn hold(&mut self, round: Round) -> u64 {
        if let Some(chain) = &mut self.chain {
            chain.used = chain.used.saturating_add(1);
            chain.told = round.draw.seed;
        }
        let returned = if self.is_full() { self.forget_oldest() } else { 0 };
        self.keep(round);
        returned
    }

    fn is_full(&self) -> bool {
        self.kept.len() as u64 >= KEPT_MAX
    }

    fn keep(&mut self, round: Round) {
        round.winners.iter().for_each(|rank| self.won.insert(*rank));
        self.kept.push_back(round);
    }

    /// A winner claimed or left: whether it was one.
    pub fn spend(&mut self, rank: Rank, claimed: bool, clock: Millis) -> bool {
        if !self.has_won(rank) {
            return false;
        }
        let round = self.kept.iter_mut().rev().find(|round| round.has(rank));
        round.map(|round| round.call.spend(claimed, clock)).is_some()
    }

    /// The watermark reaches a winner who has not come: from now on the line's call counts them, and no round. Whether it was one.
    pub fn give_up(&mut self, rank: Rank) -> bool {
        let round = self.kept.iter_mut().find_map(|round| {
            let index = round.winners.binary_search(&rank).ok()?;
            Some((round, index))
        });
        let Some((round, index)) = round else { return false };
        round.winners.remove(index);
        round.doubles.push(rank);
        round.call.size = round.call.size.saturating_sub(1);
        round.call.holding = round.call.holding.saturating_sub(1);
        self.won.remove(rank);
        true
    }

    /// The windows' clock stood still for so long.
    pub fn pause(&mut self, since: Millis, pause: Millis) {
        self.kept.iter_mut().for_each(|round| round.call.pause(since, pause));
    }

    /// Forgets rounds behind their late window: so many of their winners wait again.
    pub fn forget(&mut self, clock: Millis) -> u64 {
        let mut returned = 0;
        while self.kept.front().is_some_and(|round| round.call.window(clock) == Window::Void) {
            returned += self.forget_oldest();
        }
        returned
    }

    fn forget_oldest(&mut self) -> u64 {
        let Some(round) = self.kept.pop_front() else { return 0 };
        round.winners.iter().for_each(|rank| self.won.remove(*rank));
        u64::from(round.call.holding)
    }

    fn round_of(&self, rank: Rank) -> Option<&Round> {
        if self.has_won(rank) { self.kept.iter().rev().find(|round| round.has(rank)) } else { None }
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        out.number(u64::from(self.chain.is_some()));
        if let Some(Chain { tip, commitment, begun_at, used, told }) = &self.chain {
            out.fixed(tip);
            out.fixed(commitment);
            out.number(begun_at.0);
            out.number(u64::from(*used));
            out.fixed(told);
        }
        out.number(self.kept.len() as u64);
        for Round { draw, cut, doubles, call, .. } in &self.kept {
            crate::draws::write_draw(out, draw);
            out.number(*cut);
            write_ranks(out, doubles);
            call.encode(out);
        }
    }

    /// Reads what [`Rounds::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Rounds {
        let mut rounds = Rounds::default();
        if reader.flag() {
            let (tip, commitment) = (reader.fixed(), reader.fixed());
            let (begun_at, used) = (Millis(reader.number()), reader.number_u32().min(CHAIN_LENGTH));
            rounds.chain = Some(Chain { tip, commitment, begun_at, used, told: reader.fixed() });
        }
        let count = reader.count(75) as u64;
        reader.expect(count <= KEPT_MAX);
        for _ in 0..count.min(KEPT_MAX) {
            let (draw, cut) = (crate::draws::read_draw(reader), reader.number());
            let doubles = read_ranks(reader);
            match Round::new(draw, cut, doubles, Call::decode(reader, 2)) {
                Ok(round) => rounds.keep(round),
                Err(Malformed) => reader.refuse(),
            }
        }
        rounds
    }
}

/// How many there are, and each.
pub(crate) fn write_ranks(out: &mut Writer, ranks: &[Rank]) {
    out.number(ranks.len() as u64);
    ranks.iter().for_each(|rank| out.number(rank.0));
}

/// Reads what [`write_ranks`] wrote.
pub(crate) fn read_ranks(reader: &mut Reader<'_>) -> Vec<Rank> {
    let count = reader.count(1);
    (0..count).map(|_| Rank(reader.number())).listed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(used: u32) -> Chain {
        Chain { tip: [1; 32], commitment: [2; 32], begun_at: Millis(300), used, told: [3; 32] }
    }

    fn round(at: u64) -> Round {
        let call = Call::new(Millis(at), 1, Millis(at + 100), Millis(at + 1_000));
        Round::new(draw_among(Rank(0), 1, [4; 32]), 1, Vec::new(), call).unwrap()
    }

    #[test]
    fn a_chain_is_written_byte_for_byte() {
        let mut rounds = Rounds::default();
        rounds.begin_chain(chain(7));
        let mut out = Writer::new();
        rounds.encode(&mut out);
        let expected = [&[1][..], &[1; 32], &[2; 32], &[0xac, 0x02], &[7], &[3; 32], &[0]].concat();
        assert_eq!(out.into_bytes(), expected);
        let mut reader = Reader::new(&expected);
        assert_eq!((Rounds::decode(&mut reader), reader.end()), (rounds, Ok(())));
    }

    #[test]
    fn another_chain_begins_in_a_pause_and_never_while_boards_prove_rounds_by_the_one_before() {
        let mut rounds = Rounds::default();
        assert!(rounds.wants_chain(), "there is none");
        rounds.begin_chain(chain(CHAIN_LENGTH / 2));
        assert!(!rounds.wants_chain());
        rounds.hold(round(1_000));
        assert!(!rounds.wants_chain(), "its second half, but a round is kept");
        rounds.forget(Millis(2_000));
        assert!(rounds.wants_chain());
        rounds.begin_chain(chain(CHAIN_LENGTH - 1));
        rounds.hold(round(5_000));
        // The last seed is told: the next round waits until this one is forgotten.
        assert_eq!((rounds.wants_chain(), rounds.next_at()), (false, Some(Millis(6_000))));
    }
}
