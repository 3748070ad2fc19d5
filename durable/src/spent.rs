//! Which tickets are spent: exchanged for a pass, or given up. Rule 4: a ticket is
//! claimed at most once.
//!
//! One bit for each rank, in pages that exist only where a rank was spent; 10 million tickets take
//! 1.25 MB. Pages below the oldest rank that may still enter are dropped whole.

use crate::codec::{Malformed, Reader, Writer};
use crate::listed::Listed as _;
use crate::units::Rank;

/// Ranks in a page: 8 KiB of bits.
pub const RANKS_PER_PAGE: u64 = 1 << 16;
const WORDS_PER_PAGE: usize = (RANKS_PER_PAGE / 64) as usize;

/// The bits, page by page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// By number.
    pages: Vec<(u32, Vec<u64>)>,
}

/// The page a rank is on.
pub fn page_of(rank: Rank) -> u32 {
    u32::try_from(rank.0 / RANKS_PER_PAGE).unwrap_or(u32::MAX)
}

impl Spent {
    /// Whether the ticket of this rank is spent.
    pub fn contains(&self, rank: Rank) -> bool {
        let (word, bit) = word_and_bit(rank);
        let page = self.index_of(page_of(rank)).ok().and_then(|index| self.pages.get(index));
        page.and_then(|(_, page)| page.get(word)).is_some_and(|bits| bits & bit != 0)
    }

    /// Spends it.
    pub fn insert(&mut self, rank: Rank) {
        let (word, bit) = word_and_bit(rank);
        let index = self.make(page_of(rank));
        if let Some(bits) = self.pages.get_mut(index).and_then(|(_, page)| page.get_mut(word)) {
            *bits |= bit;
        }
    }

    /// Takes one back.
    pub fn remove(&mut self, rank: Rank) {
        let (word, bit) = word_and_bit(rank);
        let index = self.index_of(page_of(rank)).ok();
        let page = index.and_then(|index| self.pages.get_mut(index));
        if let Some(bits) = page.and_then(|(_, page)| page.get_mut(word)) {
            *bits &= !bit;
        }
    }

    /// All of them, lowest first.
    pub fn ranks(&self) -> Vec<Rank> {
        let mut ranks = Vec::new();
        for (page, words) in &self.pages {
            let mut first = u64::from(*page) * RANKS_PER_PAGE;
            for word in words {
                let mut bits = *word;
                while bits != 0 {
                    ranks.push(Rank(first + u64::from(bits.trailing_zeros())));
                    bits &= bits - 1;
                }
                first += 64;
            }
        }
        ranks
    }

    /// The pages there are.
    pub fn page_numbers(&self) -> impl Iterator<Item = u32> {
        self.pages.iter().map(|(number, _)| *number)
    }

    /// Forgets whole pages, but for these.
    pub fn keep_pages(&mut self, kept: impl Fn(u32) -> bool) {
        self.pages.retain(|(number, _)| kept(*number));
    }

    /// Forgets whole pages below this rank and names them.
    pub fn drop_below(&mut self, rank: Rank) -> Vec<u32> {
        let below = self.index_of(page_of(rank)).unwrap_or_else(|index| index);
        self.pages.drain(..below).map(|(number, _)| number).listed()
    }

    fn index_of(&self, number: u32) -> Result<usize, usize> {
        self.pages.binary_search_by_key(&number, |(page, _)| *page)
    }

    /// Where a page is, made if it was not there.
    fn make(&mut self, number: u32) -> usize {
        self.index_of(number).unwrap_or_else(|index| {
            self.pages.insert(index, (number, vec![0; WORDS_PER_PAGE]));
            index
        })
    }

    /// A page as bytes: alternating run lengths, zeros first.
    pub fn encode_page(&self, number: u32) -> Vec<u8> {
        let mut out = Writer::new();
        let (mut run, mut current) = (0u64, false);
        let page = self.index_of(number).ok().and_then(|index| self.pages.get(index));
        for word in page.into_iter().flat_map(|(_, page)| page) {
            for bit in 0..64 {
                if (word >> bit & 1 == 1) == current {
                    run += 1;
                } else {
                    out.number(run);
                    (run, current) = (1, !current);
                }
            }
        }
        out.number(run);
        out.into_bytes()
    }

    /// Takes a page from its bytes.
    pub fn decode_page(&mut self, number: u32, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        let first = u64::from(number) * RANKS_PER_PAGE;
        let (mut at, mut current) = (0u64, false);
        self.make(number);
        while !reader.is_empty() {
            let run = reader.number();
            if run > RANKS_PER_PAGE - at {
                return Err(Malformed);
            }
            if current {
                (at..at + run).for_each(|offset| self.insert(Rank(first + offset)));
            }
            at += run;
            current = !current;
        }
        reader.end()
    }
}

fn word_and_bit(rank: Rank) -> (usize, u64) {
    let offset = rank.0 % RANKS_PER_PAGE;
    ((offset / 64) as usize, 1 << (offset % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_spent_alone() {
        let mut spent = Spent::default();
        spent.insert(Rank(RANKS_PER_PAGE));
        assert!(spent.contains(Rank(RANKS_PER_PAGE)));
        assert!(!spent.contains(Rank(RANKS_PER_PAGE - 1)));
        assert!(!spent.contains(Rank(RANKS_PER_PAGE + 1)));
        assert!(!spent.contains(Rank(Rank::LIMIT - 1)));
    }

    #[test]
    fn pages_survive_the_round_trip() {
        let mut spent = Spent::default();
        for rank in [0, 1, 2, 63, 64, 1000, RANKS_PER_PAGE - 1] {
            spent.insert(Rank(rank));
        }
        let mut copy = Spent::default();
        copy.decode_page(0, &spent.encode_page(0)).unwrap();
        assert_eq!(copy, spent);
    }

    #[test]
    fn runs_longer_than_a_page_are_malformed() {
        let mut out = Writer::new();
        out.number(RANKS_PER_PAGE);
        out.number(1);
        assert!(Spent::default().decode_page(0, &out.into_bytes()).is_err());
    }

    #[test]
    fn old_pages_are_dropped_whole() {
        let mut spent = Spent::default();
        spent.insert(Rank(5));
        spent.insert(Rank(RANKS_PER_PAGE + 5));
        assert_eq!(spent.drop_below(Rank(RANKS_PER_PAGE)), [0]);
        assert!(spent.contains(Rank(RANKS_PER_PAGE + 5)));
    }
}
