//! Who joined lately, and as what: the last so many, in a ring, found by [`Chains`]. So whoever did not hear of their ticket asks again and gets it, and takes no
//! second rank.

use crate::chains::Chains;
use crate::table::Key as _;
use crate::token::{Holder, Ticket};
use crate::units::{Epoch, Millis, Rank, Seat};

/// The same holder joining again within this time gets the same ticket.
const SPAN: Millis = Millis(120_000);
/// Holders remembered; the newest takes the place of the oldest. A page that has heard nothing asks again after 18 s: so many join at the busiest leaf in
/// twice that time. All leaves of a region may live in one isolate: 40 of them then remember with some 50 MB of its 128.
const MAX: usize = 32_768;

/// See the module's words.
#[derive(Default)]
pub struct Recent {
    /// Of which all are.
    epoch: Epoch,
    /// By holder: a seat is here a place in the ring.
    chains: Chains,
    ring: Vec<(Holder, Rank, Millis)>,
    /// Where the next goes, once the ring is full.
    oldest: usize,
}

impl Recent {
    /// Somebody joined. Those of an epoch that is over are forgotten.
    pub fn remember(&mut self, ticket: &Ticket) {
        let Ticket { epoch, rank, issued, holder, .. } = *ticket;
        if epoch < self.epoch {
            return;
        }
        if epoch > self.epoch {
            *self = Recent { epoch, ..Recent::default() };
        }
        let joined = (holder, rank, issued);
        if self.ring.len() < MAX {
            self.ring.push(joined);
            self.chains.add(self.ring.iter().map(|(holder, ..)| Rank(holder.spread())));
        } else if let Some(held) = self.ring.get_mut(self.oldest) {
            let place = Seat(self.oldest as u32);
            self.chains.unlink(Rank(held.0.spread()), place);
            *held = joined;
            self.chains.link(Rank(holder.spread()), place);
            self.oldest = (self.oldest + 1) % MAX;
        }
    }

    /// As what they joined in the last 120 s: epoch, rank and when.
    pub fn recall(&self, now: Millis, holder: Holder) -> Option<(Epoch, Rank, Millis)> {
        let places = self.chains.of(Rank(holder.spread()));
        let joined = places.filter_map(|Seat(place)| self.ring.get(place as usize));
        let &(_, rank, issued) = joined.into_iter().find(|(held, ..)| *held == holder)?;
        (now.since(issued) <= SPAN).then_some((self.epoch, rank, issued))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::RoomTag;

    const NOON: Millis = Millis(1_800_000_000_000);

    fn ticket(epoch: u32, number: u64) -> Ticket {
        let mut holder = [0; 16];
        // Some share a chain.
        holder[..8].copy_from_slice(&(number / 3).to_le_bytes());
        holder[8] = (number % 3) as u8;
        let (epoch, rank, holder) = (Epoch(epoch), Rank(number), Holder(holder));
        Ticket { room: RoomTag([0; 8]), epoch, rank, issued: NOON, holder }
    }

    fn known(recent: &Recent, number: u64) -> Option<u64> {
        recent.recall(NOON, ticket(0, number).holder).map(|(_, rank, _)| rank.0)
    }

    #[test]
    fn the_last_so_many_are_known_and_the_oldest_makes_way() {
        let (mut recent, max) = (Recent::default(), MAX as u64);
        (0..max).for_each(|number| recent.remember(&ticket(0, number)));
        assert!((0..max).all(|number| known(&recent, number) == Some(number)));
        (max..max + 100).for_each(|number| recent.remember(&ticket(0, number)));
        assert!((0..100).all(|number| known(&recent, number).is_none()));
        assert!((100..max + 100).all(|number| known(&recent, number) == Some(number)));
        assert_eq!(recent.ring.len(), MAX);
    }

    #[test]
    fn who_joined_twice_is_known_as_what_they_became_last() {
        let mut recent = Recent::default();
        recent.remember(&ticket(0, 7));
        recent.remember(&Ticket { rank: Rank(900), ..ticket(0, 7) });
        assert_eq!(known(&recent, 7), Some(900));
    }

    #[test]
    fn who_joined_before_a_reset_is_forgotten_and_an_answer_of_before_it_is_late() {
        let mut recent = Recent::default();
        recent.remember(&ticket(0, 7));
        recent.remember(&ticket(1, 8));
        recent.remember(&ticket(0, 9));
        assert_eq!([7, 8, 9].map(|number| known(&recent, number)), [None, Some(8), None]);
        assert_eq!(recent.recall(NOON, ticket(1, 8).holder), Some((Epoch(1), Rank(8), NOON)));
    }

    #[test]
    fn after_two_minutes_they_join_anew() {
        let mut recent = Recent::default();
        recent.remember(&ticket(0, 7));
        let at = |after: u64| recent.recall(NOON.plus(Millis(after)), ticket(0, 7).holder).is_some();
        assert_eq!([at(120_000), at(120_001)], [true, false]);
    }
}
