//! A table of things by their keys, in [`Chains`]: what is a rank there is here what a key is spread by, and a seat the place of an entry. Keys
//! bring their own spread, for all of ours have dense or random numbers in them; without a hash, and with one way to grow, this takes a third of
//! what the standard library's table takes in the Wasm, and is faster.

use crate::chains::Chains;
use crate::protocol::Wish;
use crate::token::{Holder, RoomTag};
use crate::units::{Rank, Seat};

/// What things are found by.
pub trait Key: Eq {
    /// A number whose low bits are seldom another key's.
    fn spread(&self) -> u64;
}

impl Key for Holder {
    fn spread(&self) -> u64 {
        let [first @ .., _, _, _, _, _, _, _, _] = self.0;
        u64::from_le_bytes(first)
    }
}

impl Key for Wish {
    fn spread(&self) -> u64 {
        match self {
            Wish::Enter { holder } | Wish::Join { holder } => Holder(*holder).spread(),
            Wish::Claim { rank, .. } | Wish::LeaveTicket { rank, .. } => *rank,
            Wish::Renew { seat, .. } | Wish::LeavePass { seat, .. } => u64::from(*seat),
            Wish::Health { .. } | Wish::Board => 0,
        }
    }
}

/// In which room: all of them count ranks and seats from the same numbers on.
impl Key for (RoomTag, Wish) {
    fn spread(&self) -> u64 {
        u64::from_le_bytes(self.0.0) ^ self.1.spread()
    }
}

/// Seat and generation.
impl Key for (u32, u32) {
    fn spread(&self) -> u64 {
        u64::from(self.0)
    }
}

/// See the module's words.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    chains: Chains,
    entries: Vec<(K, V)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table { chains: Chains::default(), entries: Vec::new() }
    }
}

impl<K: Key, V> Table<K, V> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is one of this key.
    pub fn contains(&self, key: &K) -> bool {
        self.place_of(key).is_some()
    }

    /// The one of this key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(self.place_of(key)?).map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place_of(key)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// Puts one in, in place of the one of its key. Whether it is new.
    pub fn insert(&mut self, key: K, value: V) -> bool {
        if let Some(held) = self.get_mut(&key) {
            *held = value;
            return false;
        }
        self.entries.push((key, value));
        self.chains.add(self.entries.iter().map(|(key, _)| Rank(key.spread())));
        true
    }

    /// Takes one out; the last one takes its place.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place_of(key)?;
        let last = self.entries.len() - 1;
        let moved = Rank(self.entries.last()?.0.spread());
        self.chains.unlink(Rank(key.spread()), Seat(place as u32));
        if place < last {
            self.chains.unlink(moved, Seat(last as u32));
            self.chains.link(moved, Seat(place as u32));
        }
        self.chains.shrink();
        Some(self.entries.swap_remove(place).1)
    }

    /// All of them, in no order.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.entries.into_iter().map(|(_, value)| value)
    }

    /// All their keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }

    fn place_of(&self, key: &K) -> Option<usize> {
        let places = self.chains.of(Rank(key.spread())).map(|Seat(place)| place as usize);
        places.into_iter().find(|place| self.entries.get(*place).is_some_and(|(held, _)| held == key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn it_holds_what_a_map_holds() {
        let (mut table, mut map) = (Table::default(), HashMap::new());
        let mut number = 1u32;
        for turn in 0..20_000 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Many of one spread among few of all.
            let key = (number >> 22, number >> 10 & 3);
            if (number >> 8).is_multiple_of(4) {
                assert_eq!(table.remove(&key), map.remove(&key));
            } else {
                assert_eq!(table.insert(key, turn), map.insert(key, turn).is_none());
            }
            assert_eq!((table.get(&key), table.len()), (map.get(&key), map.len()));
        }
        assert!(map.len() > 1_000 && map.keys().all(|key| table.contains(key)));
        let (mut values, mut theirs): (Vec<_>, Vec<_>) =
            (table.into_values().collect(), map.into_values().collect());
        values.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(values, theirs);
    }
}
