//! Kept places: called ones that asked and found every seat taken. Freed seats go to the lowest of them. Part of invariant 7
//! of DESIGN 4.
//!
//! There are some only where a limit was lowered, everybody is held, or more came than were expected; those who were called first mostly
//! ask first. Whoever stops asking is forgotten, but not while nobody may ask.

use crate::codec::{Reader, Writer};
use crate::units::{Millis, Place};

/// How long a kept place is kept when it does not ask again.
pub const KEEP: Millis = Millis(120_000);

/// Lowest first, each with when it asked last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    places: Vec<(Place, Millis)>,
}

impl Kept {
    /// Whether anybody is.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether this place is.
    pub fn contains(&self, place: Place) -> bool {
        self.index_of(place).is_ok()
    }

    /// All of them, lowest first.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        self.places.iter().map(|(place, _)| *place)
    }

    /// A place asked in vain.
    pub fn keep(&mut self, place: Place, at: Millis) {
        match self.index_of(place) {
            Ok(index) => {
                if let Some((_, asked_at)) = self.places.get_mut(index) {
                    *asked_at = at;
                }
            }
            Err(index) => self.places.insert(index, (place, at)),
        }
    }

    /// It asks no more.
    pub fn remove(&mut self, place: Place) {
        if let Ok(index) = self.index_of(place) {
            self.places.remove(index);
        }
    }

    /// Forgets those below `void`, and those who stopped asking.
    pub fn forget(&mut self, void: Place, now: Millis) {
        self.places.retain(|(place, asked_at)| *place >= void && now.since(*asked_at) <= KEEP);
    }

    /// When the first of them is forgotten, unless it asks again.
    pub fn next_end(&self) -> Option<Millis> {
        self.places.iter().map(|(_, asked_at)| asked_at.plus(KEEP).plus(Millis(1))).min()
    }

    /// Nobody could ask for so long: that does not count.
    pub fn pause(&mut self, pause: Millis) {
        self.places.iter_mut().for_each(|(_, asked_at)| *asked_at = asked_at.plus(pause));
    }

    fn index_of(&self, place: Place) -> Result<usize, usize> {
        self.places.binary_search_by_key(&place, |(kept, _)| *kept)
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        out.number(self.places.len() as u64);
        for (place, at) in &self.places {
            out.number(place.0);
            out.number(at.0);
        }
    }

    /// Reads what [`Kept::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Kept {
        let mut kept = Kept::default();
        for _ in 0..reader.count(2) {
            let (place, at) = (Place(reader.number()), Millis(reader.number()));
            // In another order a long list would take hours.
            reader.expect(kept.places.last().is_none_or(|(last, _)| *last < place));
            kept.places.push((place, at));
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_stand_in_the_order_of_the_line_however_they_asked() {
        let mut kept = Kept::default();
        for place in [3, 0, 2, 0] {
            kept.keep(Place(place), Millis(5));
        }
        assert_eq!(kept.places().map(|place| place.0).collect::<Vec<_>>(), [0, 2, 3]);
        kept.remove(Place(2));
        assert!(!kept.contains(Place(2)) && kept.contains(Place(3)));
    }

    #[test]
    fn one_that_asks_again_is_kept_from_then_on() {
        let mut kept = Kept::default();
        kept.keep(Place(0), Millis(0));
        kept.keep(Place(1), Millis(0));
        kept.keep(Place(0), KEEP);
        kept.forget(Place(0), KEEP.plus(Millis(1)));
        assert!(kept.contains(Place(0)) && !kept.contains(Place(1)));
        kept.forget(Place(1), KEEP);
        assert!(kept.is_empty());
    }

    #[test]
    fn they_are_written_in_order() {
        let mut kept = Kept::default();
        kept.keep(Place(2), Millis(9));
        kept.keep(Place(1), Millis(8));
        let mut out = Writer::new();
        kept.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(bytes, [2, 1, 8, 2, 9]);
        assert_eq!(Kept::decode(&mut Reader::new(&bytes)), kept);
    }
}
