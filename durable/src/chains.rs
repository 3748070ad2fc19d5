//! Which seats may be a ticket's: seats whose ranks are equal but for their high bits are a chain. Ranks are dense, so their low bits
//! spread them as well as any hash, and a seat costs eight bytes here and no copy of its rank. Whose a seat is says its record.

use crate::units::{Rank, Seat};

/// The end of a chain.
const NOBODY: Seat = Seat(u32::MAX);
/// So many chains to begin with.
const CHAINS_MIN: usize = 64;

/// See the module's words.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    /// The first seat of each chain: as many as a power of two, and as the seats at least.
    firsts: Vec<Seat>,
    /// For each seat the next of its chain, if it is in one.
    next: Vec<Seat>,
}

impl Chains {
    /// One seat more, in no chain. Whether all that are in one must be linked anew, because there are more chains now.
    pub fn grow(&mut self) -> bool {
        self.next.push(NOBODY);
        let grows = self.next.len() > self.firsts.len();
        if grows {
            let length = (self.firsts.len() * 2).max(CHAINS_MIN);
            self.firsts.clear();
            self.firsts.resize(length, NOBODY);
        }
        grows
    }

    /// The same, and it is linked: these are the ranks of all seats, the new one's last. With more chains all are linked anew, else the new one alone.
    pub fn add(&mut self, ranks: impl Iterator<Item = Rank>) {
        let linked = if self.grow() { 0 } else { self.next.len() - 1 };
        for (place, rank) in ranks.enumerate().skip(linked) {
            self.link(rank, Seat(place as u32));
        }
    }

    /// One seat less: the last one, which is in no chain.
    pub fn shrink(&mut self) {
        self.next.pop();
    }

    /// The seats that may be this rank's.
    pub fn of(&self, rank: Rank) -> impl Iterator<Item = Seat> {
        let first = self.firsts.get(self.chain_of(rank)).copied();
        std::iter::successors(first, |seat| self.next.get(seat.0 as usize).copied())
    }

    /// A seat is this rank's from now on; it is in no chain.
    pub fn link(&mut self, rank: Rank, seat: Seat) {
        let chain = self.chain_of(rank);
        if let (Some(first), Some(next)) = (self.firsts.get_mut(chain), self.next.get_mut(seat.0 as usize)) {
            *next = std::mem::replace(first, seat);
        }
    }

    /// A seat is this rank's no more.
    pub fn unlink(&mut self, rank: Rank, seat: Seat) {
        let after = self.next.get(seat.0 as usize).copied().unwrap_or(NOBODY);
        let chain = self.chain_of(rank);
        let mut link = self.firsts.get_mut(chain);
        while let Some(held) = link {
            if *held == seat {
                *held = after;
                return;
            }
            let index = held.0 as usize;
            link = self.next.get_mut(index);
        }
    }

    fn chain_of(&self, rank: Rank) -> usize {
        rank.0 as usize & self.firsts.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_of_one_chain_come_and_go_in_any_order() {
        let mut chains = Chains::default();
        assert_eq!(chains.of(Rank(7)).count(), 0);
        (0..64).for_each(|seat| assert_eq!(chains.grow(), seat == 0));
        let rank = |turn: u64| Rank(7 + turn * 64);
        (0..3).for_each(|seat| chains.link(rank(seat.into()), Seat(seat)));
        let seats = |chains: &Chains| chains.of(rank(9)).filter(|seat| *seat != NOBODY).collect::<Vec<_>>();
        assert_eq!(seats(&chains), [Seat(2), Seat(1), Seat(0)]);
        chains.unlink(rank(1), Seat(1));
        chains.unlink(rank(5), Seat(5));
        assert_eq!(seats(&chains), [Seat(2), Seat(0)]);
        chains.link(rank(3), Seat(1));
        assert_eq!(seats(&chains), [Seat(1), Seat(2), Seat(0)]);
        assert!(chains.grow(), "the 65th seat makes more chains");
        assert_eq!(seats(&chains), []);
    }
}
