//! Waits: when people joined, what they were promised, and how long it took. It promises nothing itself (that is
//! the forecast, [`crate::forecast`]); it measures how far promises were off, so that the next ones are honest.
//!
//! One entry stands for everybody who joined within its second. When the line has moved past it, the wait lived is divided by
//! the wait promised, and the quotient counted in steps of a quarter of an octave: the range that people are told reaches from the middle of the
//! quotients seen (p50) to their ninth tenth (p90).

use std::collections::VecDeque;

use crate::codec::{Reader, Writer};
use crate::units::{Millis, Rank};

/// Joins closer together than this share one entry.
const RESOLUTION: Millis = Millis(1_000);
/// With more entries, the resolution is halved and more: an hour at that of a second, a day at that of three quarters of a minute.
const ENTRIES_MAX: usize = 4_096;
/// A ticket lives for a day (`TICKET_LIFE`, `src/gate.rs`); a minute more is for the clocks of edges.
const LIFE: Millis = Millis((24 * 60 + 1) * 60_000);
/// Shorter promises say nothing about honesty: calls are a second apart.
const PROMISE_MIN: Millis = Millis(10_000);

/// Everybody who joined within a second, or from the entry before up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Joined {
    first: Rank,
    at: Millis,
    /// What the first of them was promised, as the middle of the range before it was corrected; zero if nothing.
    promised: Millis,
}

/// Quotients of waits lived and promised, in steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    steps: [u32; STEPS],
}

/// Each step's upper bound, in thousandths: 2^(k/4) for k from −8 to 8, and beyond.
const BOUNDS: [u64; STEPS] = [
    250, 297, 354, 420, 500, 595, 707, 841, 1_000, 1_189, 1_414, 1_682, 2_000, 2_378, 2_828, 3_364, 4_000,
    8_000,
];
const STEPS: usize = 18;

impl Errors {
    /// With fewer than so many, the range is what experience elsewhere suggests. A rush of ten seconds has eleven, all of them promised before
    /// anybody had gone: they would correct a forecast that has learnt better since.
    const ENOUGH: u32 = 20;
    /// With more, all halve: today counts more than yesterday.
    const MEMORY: u32 = 4_000;
    /// Until there is experience: as told, and half as long again.
    const PRIOR: (u64, u64) = (1_000, 1_500);

    fn count(&mut self, lived: Millis, promised: Millis) {
        let permille = lived.0.saturating_mul(1_000) / promised.0.max(1);
        let step = BOUNDS.iter().position(|bound| permille <= *bound).unwrap_or(STEPS - 1);
        if let Some(count) = self.steps.get_mut(step) {
            *count += 1;
        }
        if self.known() > Errors::MEMORY {
            self.steps.iter_mut().for_each(|count| *count /= 2);
        }
    }

    /// How many promises have been measured, the older ones fading.
    pub fn known(&self) -> u32 {
        self.steps.iter().sum()
    }

    /// By how many thousandths a promise has to be multiplied so that half, and nine tenths, of the waits lived are no longer.
    pub fn range_permille(&self) -> (u64, u64) {
        if self.known() < Errors::ENOUGH {
            return Errors::PRIOR;
        }
        (self.quantile(5), self.quantile(9))
    }

    fn quantile(&self, tenths: u32) -> u64 {
        let wanted = (self.known() * tenths).div_ceil(10);
        let mut seen = 0;
        let reached = |count: &u32| {
            seen += count;
            seen >= wanted
        };
        let step = self.steps.iter().position(reached).unwrap_or(STEPS - 1);
        BOUNDS.get(step).copied().unwrap_or_default()
    }
}

/// See the module's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    joined: VecDeque<Joined>,
    errors: Errors,
}

impl Waits {
    /// How far promises were off.
    pub fn errors(&self) -> &Errors {
        &self.errors
    }

    /// Whether people who join now get an entry of their own, with a promise.
    pub fn begins_entry(&self, at: Millis) -> bool {
        self.joined.back().is_none_or(|last| at.since(last.at) >= RESOLUTION)
    }

    /// Somebody joined with this rank; only those who begin an entry are noted.
    pub fn join(&mut self, first: Rank, at: Millis, promised: Millis) {
        if self.joined.len() >= ENTRIES_MAX {
            self.thin(at);
        }
        self.joined.push_back(Joined { first, at, promised });
    }

    /// Of those within the same span the latest stands for all: nobody whom an entry stands for came after its second.
    fn thin(&mut self, now: Millis) {
        let span = (self.longest(now).0 / (ENTRIES_MAX as u64 / 2)).max(1);
        let mut kept: VecDeque<Joined> = VecDeque::new();
        for joined in self.joined.drain(..) {
            match kept.back_mut() {
                Some(last) if last.at.0 / span == joined.at.0 / span => {
                    *last = Joined { first: last.first, ..joined };
                }
                _ => kept.push_back(joined),
            }
        }
        self.joined = kept;
    }

    /// Everybody below this rank has been called by now, in the order of their ranks or not.
    pub fn pass(&mut self, below: Rank, at: Millis) {
        // The entry that covers the first who waits stays.
        while self.joined.get(1).is_some_and(|next| next.first <= below) {
            let Some(passed) = self.joined.pop_front() else { return };
            let lived = at.since(passed.at);
            // Whoever waited for longer than a ticket lives did not come in.
            if passed.promised >= PROMISE_MIN && lived < LIFE {
                self.errors.count(lived, passed.promised);
            }
        }
    }

    /// Nobody waits any more. How far promises were off is known still.
    pub fn begin_anew(&mut self) {
        self.joined.clear();
    }

    /// The tickets of all ranks below this one are dead.
    pub fn oldest_alive(&self, now: Millis, issued: Rank) -> Rank {
        let dead = self.joined.partition_point(|joined| joined.at.plus(LIFE) <= now);
        let oldest = self.joined.get(dead).map_or(issued, |joined| joined.first);
        // Of a line that was begun by an older version nothing may be known.
        if self.joined.is_empty() { Rank(0) } else { oldest }
    }

    /// How long the holder of the lowest rank that is noted has waited.
    pub fn longest(&self, now: Millis) -> Millis {
        self.joined.front().map_or(Millis(0), |joined| now.since(joined.at))
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        out.number(self.joined.len() as u64);
        for joined in &self.joined {
            for number in [joined.first.0, joined.at.0, joined.promised.0] {
                out.number(number);
            }
        }
        self.errors.steps.iter().for_each(|count| out.number(u64::from(*count)));
    }

    /// Reads what [`Waits::encode`] wrote, in a head page of this version: before the second nothing was promised.
    pub fn decode(reader: &mut Reader<'_>, version: u8) -> Waits {
        let mut waits = Waits::default();
        let promises = version > 1;
        for _ in 0..reader.count(2) {
            let (first, at) = (Rank(reader.number()), Millis(reader.number()));
            let promised = Millis(if promises { reader.number() } else { 0 });
            waits.joined.push_back(Joined { first, at, promised });
        }
        if !promises {
            return waits;
        }
        for count in &mut waits.errors.steps {
            *count = reader.number_u32().min(Errors::MEMORY);
        }
        waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn lived(quotients_permille: &[u64]) -> Errors {
        let mut errors = Errors::default();
        for permille in quotients_permille {
            errors.count(Millis(60 * permille), Millis(60_000));
        }
        errors
    }

    #[test]
    fn the_range_is_that_of_what_was_lived() {
        let mut quotients = vec![990; 12];
        quotients.extend([1_900; 6]);
        quotients.extend([2_100; 2]);
        assert_eq!(lived(&quotients).range_permille(), (1_000, 2_000));
        assert_eq!(lived(&quotients[..19]).range_permille(), (1_000, 1_500), "too few to say");
        assert_eq!(lived(&[9_999; 20]).range_permille(), (8_000, 8_000));
        assert_eq!(lived(&[1; 20]).range_permille(), (250, 250));
    }

    #[test]
    fn what_was_long_ago_fades() {
        let mut quotients = vec![500; 4_000];
        quotients.extend(vec![2_000; 2_500]);
        assert_eq!(lived(&quotients).range_permille().0, 2_000);
    }

    #[test]
    fn a_wait_is_measured_when_the_line_has_moved_past_it() {
        let mut waits = Waits::default();
        waits.join(Rank(0), NOW, Millis(60_000));
        assert!(!waits.begins_entry(NOW.plus(Millis(999))) && waits.begins_entry(NOW.plus(RESOLUTION)));
        waits.join(Rank(5), NOW.plus(RESOLUTION), Millis(0));
        waits.pass(Rank(4), NOW.plus(Millis(30_000)));
        assert_eq!((waits.errors.known(), waits.longest(NOW.plus(Millis(9)))), (0, Millis(9)));
        waits.pass(Rank(5), NOW.plus(Millis(90_000)));
        assert_eq!((waits.errors.known(), waits.longest(NOW.plus(RESOLUTION))), (1, Millis(0)));
        assert_eq!(waits.errors.steps[11], 1, "half as long again is at most 1.682 times");
    }

    #[test]
    fn entries_are_bounded_and_the_oldest_stays() {
        let mut waits = Waits::default();
        for index in 0..100_000 {
            waits.join(Rank(index), NOW.plus(Millis(index * 1_000)), Millis(0));
            assert!(waits.joined.len() <= ENTRIES_MAX);
        }
        assert_eq!(waits.joined[0].first, Rank(0));
        // However coarse the entries are by now: nobody is taken for dead who joined within a day.
        let now = NOW.plus(Millis(100_000_000));
        let alive = waits.oldest_alive(now, Rank(100_000)).0;
        let youngest_dead = NOW.plus(Millis(alive.saturating_sub(1) * 1_000));
        assert!(
            now.since(youngest_dead) >= LIFE && now.since(youngest_dead) < LIFE.plus(Millis(120_000)),
            "{alive}"
        );
    }

    #[test]
    fn nobody_is_dead_before_a_day_has_gone_and_then_everybody_is() {
        let mut waits = Waits::default();
        assert_eq!(waits.oldest_alive(NOW, Rank(0)), Rank(0));
        for (first, seconds) in [(0, 0), (10, 1), (20, 100)] {
            waits.join(Rank(first), NOW.plus(Millis::from_secs(seconds)), Millis(20_000));
        }
        let day = |seconds| NOW.plus(LIFE).plus(Millis::from_secs(seconds)).minus(Millis(1));
        let alive = [0, 1, 2, 100, 101].map(|seconds| waits.oldest_alive(day(seconds), Rank(30)).0);
        assert_eq!(alive, [0, 10, 20, 20, 30]);
        waits.pass(Rank(30), day(200));
        assert_eq!(waits.errors.known(), 0, "nobody came in after such a wait");
    }

    #[test]
    fn waits_survive_the_round_trip() {
        let mut waits = Waits { errors: lived(&[900, 1_100]), ..Waits::default() };
        waits.join(Rank(3), NOW, Millis(20_000));
        let mut out = Writer::new();
        waits.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(Waits::decode(&mut Reader::new(&bytes), 2), waits);
    }
}
