//! How many of a neighbourhood, an address prefix, have joined within a minute: so that one machine with many cookie jars takes few places. A leaf
//! counts for its own prefixes, in memory: with a new one it begins anew.

use crate::protocol::Neighbourhood;
use crate::table::Table;
use crate::units::Millis;

/// What is counted over.
const MINUTE: Millis = Millis(60_000);
/// Prefixes that are counted; with more, all begin anew.
const PREFIXES_MAX: usize = 10_000;

/// See the module's words.
#[derive(Default)]
pub struct Neighbours {
    /// Since when, and how many, by prefix (and zero).
    counted: Table<(u32, u32), (Millis, u32)>,
}

impl Neighbours {
    /// Whether one more of them may join; then they are counted. Minutes follow each other, so that over two halves of them twice as many may.
    pub fn join(&mut self, now: Millis, of: &Neighbourhood) -> bool {
        if self.counted.len() >= PREFIXES_MAX {
            self.counted = Table::default();
        }
        let key = key(*of);
        let known = self.counted.get(&key).filter(|(since, _)| now.is_within(MINUTE, *since));
        let (since, count) = known.copied().unwrap_or((now, 0));
        if count >= of.joins_per_minute {
            return false;
        }
        self.counted.insert(key, (since, count + 1));
        true
    }

    /// One of them has got nothing of it, and will ask again.
    pub fn uncount(&mut self, of: &Neighbourhood) {
        if let Some((_, count)) = self.counted.get_mut(&key(*of)) {
            *count = count.saturating_sub(1);
        }
    }
}

fn key(of: Neighbourhood) -> (u32, u32) {
    (u32::from_le_bytes(of.prefix), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_join_in_a_minute_and_no_neighbourhood_counts_for_another() {
        let mut neighbours = Neighbours::default();
        let mut join = |at: u64, prefix: u8| {
            let of = Neighbourhood { prefix: [prefix; 4], joins_per_minute: 3 };
            neighbours.join(Millis(1_000_000 + at), &of)
        };
        assert_eq!([0, 1, 2, 3].map(|at| join(at, 1)), [true, true, true, false]);
        assert!(join(3, 2));
        assert!(!join(60_000, 1) && join(60_001, 1));
        assert_eq!([60_002, 60_003, 60_004].map(|at| join(at, 1)), [true, true, false]);
    }
}
