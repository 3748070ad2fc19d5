//! Whose a place is: the draws of a room, what is fixed before one and what is told after it. Rule 9.
//!
//! A draw is *sealed* when the Room hears of its event: its seed is fixed, and its commitment told once it is one of the next two. From the prequeue on it *gathers*: the holders
//! of all ranks given are mixed into one hash. At the start it is *done*, and everything is told. Ranks that no draw
//! took have their own number as their place.
//!
//! How a draw is computed is in [`crate::draw`]; when these steps are taken is the Room's decision.

use crate::codec::{Reader, Writer};
use crate::draw::{Draw, NOBODY, Permutation};
use crate::schedule::Event;
use crate::units::{Millis, Place, Rank};

/// Draws whose places may still enter; with more, an event's places are not drawn. Three a day with a full line behind each.
pub const DONE_MAX: usize = 3;

/// Which occurrence of which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The event.
    pub event: [u8; 16],
    /// When it starts.
    pub start: Millis,
}

impl Occasion {
    /// Whether it is this one, and its places are to be drawn.
    pub fn is_of(&self, event: &Event) -> bool {
        event.shuffle && event.id == self.event && event.start_ms == self.start.0
    }
}

/// A seed that is fixed and secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// What for.
    pub occasion: Occasion,
    /// Told at the start, and not before.
    pub seed: [u8; 32],
}

/// Who will be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gathering {
    /// For which event.
    pub event: [u8; 16],
    /// From this rank on.
    pub first: Rank,
    /// The hash of the joins so far.
    pub hash: [u8; 32],
}

/// A draw that was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// What for.
    pub occasion: Occasion,
    /// Everything it takes to recompute it.
    pub draw: Draw,
    permutation: Permutation,
}

impl Done {
    /// One that was held for this.
    pub fn new(occasion: Occasion, draw: Draw) -> Done {
        Done { occasion, draw, permutation: draw.permutation() }
    }

    /// Whether this place was drawn by it.
    pub fn has(&self, place: Place) -> bool {
        self.draw.first.0 <= place.0 && place.0 < self.end()
    }

    /// Whether it drew this place, or one behind it.
    pub fn reaches(&self, place: Place) -> bool {
        place.0 < self.end()
    }

    /// Whether any of its places may still enter: of a draw that nobody joined there are none.
    fn stands(&self, void: Place) -> bool {
        self.draw.count > 0 && self.end() > void.0
    }

    fn end(&self) -> u64 {
        self.draw.first.0 + self.draw.count
    }
}

/// See the module's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draws {
    seals: Vec<Seal>,
    gathering: Option<Gathering>,
    /// Oldest first: their ranks do not overlap.
    done: Vec<Done>,
}

impl Draws {
    /// The place of a rank.
    pub fn place_of(&self, rank: Rank) -> Place {
        let drawn = self.done.iter().find_map(|done| done.permutation.place_of(rank));
        drawn.unwrap_or(Place(rank.0))
    }

    /// The rank that has a place.
    pub fn rank_of(&self, place: Place) -> Rank {
        let drawn = self.done.iter().find_map(|done| done.permutation.rank_of(place));
        drawn.unwrap_or(Rank(place.0))
    }

    /// No rank below it has a place from this one on.
    pub fn first_rank_from(&self, place: Place) -> Rank {
        let straddling = self.done.iter().find(|done| done.has(place));
        straddling.map_or(Rank(place.0), |done| done.draw.first)
    }

    /// What is sealed, the next one first.
    pub fn seals(&self) -> &[Seal] {
        &self.seals
    }

    /// The seed that was fixed for this.
    pub fn seed(&self, occasion: Occasion) -> Option<[u8; 32]> {
        self.seals.iter().find(|seal| seal.occasion == occasion).map(|seal| seal.seed)
    }

    /// Who is gathered for the next draw.
    pub fn gathering(&self) -> Option<&Gathering> {
        self.gathering.as_ref()
    }

    /// The draws that were held and still count, oldest first.
    pub fn done(&self) -> &[Done] {
        &self.done
    }

    /// Whether one more may be held.
    pub fn has_room(&self) -> bool {
        self.done.len() < DONE_MAX
    }

    /// Fixes a seed.
    pub fn seal(&mut self, seal: Seal) {
        let index = self.seals.partition_point(|other| other.occasion.start <= seal.occasion.start);
        self.seals.insert(index, seal);
    }

    /// Drops the seals of what will not happen any more.
    pub fn keep_seals(&mut self, wanted: impl Fn(Occasion) -> bool) {
        self.seals.retain(|seal| wanted(seal.occasion));
    }

    /// From this rank on people are gathered for an event.
    pub fn gather(&mut self, event: [u8; 16], first: Rank) {
        self.gathering = Some(Gathering { event, first, hash: NOBODY });
    }

    /// More of them have joined.
    pub fn mix(&mut self, hash: [u8; 32]) {
        if let Some(gathering) = &mut self.gathering {
            gathering.hash = hash;
        }
    }

    /// They stay in the order in which they came: the event was called off.
    pub fn disperse(&mut self) {
        self.gathering = None;
    }

    /// The draw was held.
    pub fn finish(&mut self, done: Done) {
        self.gathering = None;
        self.seals.retain(|seal| seal.occasion != done.occasion);
        self.done.push(done);
    }

    /// Forgets draws all of whose places are below `void`, but for the newest: people may still want to verify it. And seals whose start
    /// has passed: who was not gathered for one is drawn no more, and it would stand on the board in the place of one to come.
    pub fn forget(&mut self, void: Place, now: Millis) {
        let gathered = self.gathering.map(|gathering| gathering.event);
        self.seals.retain(|Seal { occasion, .. }| occasion.start > now || Some(occasion.event) == gathered);
        let newest = self.done.last().map(|done| done.occasion);
        self.done.retain(|done| done.stands(void) || Some(done.occasion) == newest);
        // With a draw to come, the newest gives way.
        if self.done.len() == DONE_MAX {
            self.done.retain(|done| done.stands(void));
        }
    }

    /// Nobody has a place any more. Seeds of draws to come were promised, and stay.
    pub fn begin_anew(&mut self) {
        *self = Draws { seals: std::mem::take(&mut self.seals), ..Draws::default() };
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        out.number(self.seals.len() as u64);
        for Seal { occasion, seed } in &self.seals {
            write_occasion(out, *occasion);
            out.fixed(seed);
        }
        out.number(u64::from(self.gathering.is_some()));
        if let Some(Gathering { event, first, hash }) = &self.gathering {
            out.fixed(event);
            out.number(first.0);
            out.fixed(hash);
        }
        out.number(self.done.len() as u64);
        for Done { occasion, draw, .. } in &self.done {
            write_occasion(out, *occasion);
            write_draw(out, draw);
        }
    }

    /// Reads what [`Draws::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Draws {
        let mut draws = Draws::default();
        for _ in 0..reader.count(49) {
            draws.seals.push(Seal { occasion: read_occasion(reader), seed: reader.fixed() });
        }
        if reader.flag() {
            let (event, first) = (reader.fixed(), Rank(reader.number()));
            draws.gathering = Some(Gathering { event, first, hash: reader.fixed() });
        }
        for _ in 0..reader.count(83) {
            draws.done.push(Done::new(read_occasion(reader), read_draw(reader)));
        }
        draws
    }
}

/// Sixteen bytes and a time.
pub(crate) fn write_occasion(out: &mut Writer, occasion: Occasion) {
    out.fixed(&occasion.event);
    out.number(occasion.start.0);
}

/// Reads what [`write_occasion`] wrote.
pub(crate) fn read_occasion(reader: &mut Reader<'_>) -> Occasion {
    Occasion { event: reader.fixed(), start: Millis(reader.number()) }
}

/// Two numbers and two hashes.
pub(crate) fn write_draw(out: &mut Writer, draw: &Draw) {
    out.number(draw.first.0);
    out.number(draw.count);
    out.fixed(&draw.seed);
    out.fixed(&draw.hash);
}

/// Reads what [`write_draw`] wrote.
pub(crate) fn read_draw(reader: &mut Reader<'_>) -> Draw {
    let (first, count) = (Rank(reader.number()), reader.number());
    let fits = first.0.saturating_add(count) <= Rank::LIMIT;
    reader.expect(fits);
    Draw { first, count: if fits { count } else { 0 }, seed: reader.fixed(), hash: reader.fixed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occasion(start: u64) -> Occasion {
        Occasion { event: [1; 16], start: Millis(start) }
    }

    fn done(start: u64, first: u64, count: u64) -> Done {
        Done::new(occasion(start), Draw { first: Rank(first), count, seed: [3; 32], hash: [4; 32] })
    }

    #[test]
    fn who_was_drawn_stays_among_the_drawn_and_nobody_else_moves() {
        let mut draws = Draws::default();
        draws.finish(done(9, 10, 5));
        let places: Vec<u64> = (0..20).map(|rank| draws.place_of(Rank(rank)).0).collect();
        assert_eq!(places[..10], (0..10).collect::<Vec<_>>());
        assert_eq!(places[15..], (15..20).collect::<Vec<_>>());
        let mut drawn = places[10..15].to_vec();
        drawn.sort_unstable();
        assert_eq!(drawn, (10..15).collect::<Vec<_>>());
        for (rank, place) in (0..).zip(places) {
            assert_eq!(draws.rank_of(Place(place)), Rank(rank));
        }
    }

    #[test]
    fn no_rank_is_forgotten_whose_place_is_still_to_come() {
        let mut draws = Draws::default();
        draws.finish(done(9, 10, 5));
        let first = [9, 10, 12, 14, 15].map(|place| draws.first_rank_from(Place(place)).0);
        assert_eq!(first, [9, 10, 10, 10, 15]);
    }

    #[test]
    fn draws_that_nobody_joined_take_the_place_of_no_other() {
        let mut draws = Draws::default();
        for start in [9, 19, 29] {
            draws.finish(done(start, 1, 0));
            draws.forget(Place(0), Millis(start));
        }
        assert_eq!(draws.done().len(), 1, "the newest is there to be verified");
        assert!(draws.has_room());
    }

    #[test]
    fn seals_stand_in_the_order_of_their_starts_and_go_with_their_events() {
        let mut draws = Draws::default();
        for start in [30, 10, 20] {
            draws.seal(Seal { occasion: occasion(start), seed: [start as u8; 32] });
        }
        assert_eq!(draws.seals().iter().map(|seal| seal.seed[0]).collect::<Vec<_>>(), [10, 20, 30]);
        draws.keep_seals(|occasion| occasion.start != Millis(20));
        assert_eq!((draws.seed(occasion(20)), draws.seed(occasion(30))), (None, Some([30; 32])));
        draws.finish(done(10, 0, 1));
        assert_eq!(draws.seals().len(), 1, "a seal is used once");
    }

    #[test]
    fn the_newest_draw_is_told_until_another_needs_its_place() {
        let mut draws = Draws::default();
        draws.finish(done(1, 0, 10));
        draws.finish(done(2, 10, 10));
        draws.forget(Place(20), Millis(0));
        assert_eq!(draws.done().len(), 1);
        draws.finish(done(3, 20, 10));
        draws.finish(done(4, 30, 10));
        assert!(!draws.has_room());
        draws.forget(Place(20), Millis(0));
        assert_eq!(draws.done().len(), 2);
    }

    #[test]
    fn draws_survive_the_round_trip() {
        let mut draws = Draws::default();
        draws.seal(Seal { occasion: occasion(5), seed: [6; 32] });
        draws.finish(done(1, 300, 1_000));
        draws.gather([8; 16], Rank(1_300));
        draws.mix([9; 32]);
        let mut out = Writer::new();
        draws.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(Draws::decode(&mut Reader::new(&bytes)), draws);
    }
}
