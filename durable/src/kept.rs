//! Kept places: called ones that asked and found every seat taken. Freed seats go to the lowest of them. Part of rule 7.
//!
//! There are some only where a limit was lowered, everybody is held, or more came than were expected; those who were called first mostly
//! ask first. Whoever stops asking is forgotten, but not while nobody may ask.

use crate::codec::{Reader, Writer};
use crate::units::{Millis, Place};

/// How long a kept place is kept when it does not ask again.
pub const KEEP: Millis = Millis(120_000);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub place: Place,
    /// When it asked last.
    pub at: Millis,
    /// Derived: when the round was held that called it, if one did. Whose a place is and who won are too dear to be asked for each of them
    /// whenever one of them asks.
    pub round: Option<Millis>,
}

/// Lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    places: Vec<Asked>,
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
        self.all().map(|asked| asked.place)
    }

    /// The same, with all that is known of them.
    pub fn all(&self) -> impl Iterator<Item = &Asked> {
        self.places.iter()
    }

    /// How many are between these, the first included.
    pub fn count(&self, first: Place, end: Place) -> u32 {
        let below = |end: Place| self.places.partition_point(|asked| asked.place < end);
        below(end).saturating_sub(below(first)) as u32
    }

    /// A place asked in vain.
    pub fn keep(&mut self, asked: Asked) {
        match self.index_of(asked.place) {
            Ok(index) => self.places.get_mut(index).into_iter().for_each(|held| *held = asked),
            Err(index) => self.places.insert(index, asked),
        }
    }

    /// Others have won, or these were read: which round called each of them.
    pub fn derive(&mut self, round_of: impl Fn(Place) -> Option<Millis>) {
        self.places.iter_mut().for_each(|asked| asked.round = round_of(asked.place));
    }

    /// It asks no more.
    pub fn remove(&mut self, place: Place) {
        if let Ok(index) = self.index_of(place) {
            self.places.remove(index);
        }
    }

    /// Forgets those below `void`, and those who stopped asking.
    pub fn forget(&mut self, void: Place, now: Millis) {
        self.places.retain(|asked| asked.place >= void && now.since(asked.at) <= KEEP);
    }

    /// Forgets all others.
    pub fn retain(&mut self, is_called: impl Fn(Place) -> bool) {
        self.places.retain(|asked| is_called(asked.place));
    }

    /// When the first of them is forgotten, unless it asks again.
    pub fn next_end(&self) -> Option<Millis> {
        self.all().map(|asked| asked.at.plus(KEEP).plus(Millis(1))).min()
    }

    /// Nobody could ask for so long: that does not count.
    pub fn pause(&mut self, pause: Millis) {
        self.places.iter_mut().for_each(|asked| asked.at = asked.at.plus(pause));
    }

    fn index_of(&self, place: Place) -> Result<usize, usize> {
        self.places.binary_search_by_key(&place, |asked| asked.place)
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        out.number(self.places.len() as u64);
        for asked in &self.places {
            out.number(asked.place.0);
            out.number(asked.at.0);
        }
    }

    /// Reads what [`Kept::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Kept {
        let mut kept = Kept::default();
        for _ in 0..reader.count(2) {
            let (place, at) = (Place(reader.number()), Millis(reader.number()));
            // In another order a long list would take hours.
            reader.expect(kept.places.last().is_none_or(|last| last.place < place));
            kept.places.push(Asked { place, at, round: None });
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(place: u64, at: Millis) -> Asked {
        Asked { place: Place(place), at, round: None }
    }

    #[test]
    fn they_stand_in_the_order_of_the_line_however_they_asked() {
        let mut kept = Kept::default();
        for place in [3, 0, 2, 0] {
            kept.keep(asked(place, Millis(5)));
        }
        assert_eq!(kept.places().map(|place| place.0).collect::<Vec<_>>(), [0, 2, 3]);
        kept.remove(Place(2));
        assert!(!kept.contains(Place(2)) && kept.contains(Place(3)));
        let counts = [(0, 3), (0, 4), (1, 3), (3, 1), (4, 9)];
        assert_eq!(counts.map(|(first, end)| kept.count(Place(first), Place(end))), [1, 2, 0, 0, 0]);
    }

    #[test]
    fn one_that_asks_again_is_kept_from_then_on() {
        let mut kept = Kept::default();
        kept.keep(asked(0, Millis(0)));
        kept.keep(asked(1, Millis(0)));
        kept.keep(asked(0, KEEP));
        kept.forget(Place(0), KEEP.plus(Millis(1)));
        assert!(kept.contains(Place(0)) && !kept.contains(Place(1)));
        kept.forget(Place(1), KEEP);
        assert!(kept.is_empty());
    }

    #[test]
    fn they_are_written_in_order() {
        let mut kept = Kept::default();
        kept.keep(asked(2, Millis(9)));
        kept.keep(asked(1, Millis(8)));
        let mut out = Writer::new();
        kept.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(bytes, [2, 1, 8, 2, 9]);
        assert_eq!(Kept::decode(&mut Reader::new(&bytes)), kept);
    }
}
