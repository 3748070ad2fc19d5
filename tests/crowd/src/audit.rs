//! The judge of order, places and cap: a naive second opinion from what visitors heard, all in O(n log n). Times are
//! taken so that delay on the way can hide a breach but never make one up: *called* counts from when it was heard,
//! *not called* from when it was asked.

use crate::moment::Moment;

/// How much later a lower place may still be told *waiting* after a higher one was told *called*: two edges may
/// stand on boards that are up to 2 s apart in age, and 1 s is for a request under way while its board was renewed.
pub const BOARD_AGE_ALLOWED_MS: u64 = 3_000;

/// What one place was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The place.
    pub place: u64,
    /// When the newest request was sent that was answered *waiting*.
    pub uncalled_asked: Option<Moment>,
    /// When the first answer came that said it was called.
    pub called_heard: Option<Moment>,
}

/// A place that was called before a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overtaken {
    /// The lower place.
    pub place: u64,
    /// The higher one.
    pub by: u64,
    /// Milliseconds between the higher one's call and the lower one's question that was still answered *waiting*.
    pub late_ms: u64,
}

/// Every place that was told *waiting* to a question asked more than [`BOARD_AGE_ALLOWED_MS`] after it, or a higher
/// one, was seen as called; lowest place first.
pub fn overtaken(sightings: &[Sighting]) -> Vec<Overtaken> {
    let mut sorted = sightings.to_vec();
    sorted.sort_by_key(|sighting| std::cmp::Reverse(sighting.place));
    let mut earliest: Option<(Moment, u64)> = None;
    let mut found = Vec::new();
    for Sighting { place, uncalled_asked, called_heard } in sorted {
        if let Some(called) = called_heard {
            earliest = Some(earliest.map_or((called, place), |known| known.min((called, place))));
        }
        if let (Some((called, by)), Some(asked)) = (earliest, uncalled_asked) {
            let late_ms = asked.since_ms(called);
            if late_ms > BOARD_AGE_ALLOWED_MS {
                found.push(Overtaken { place, by, late_ms });
            }
        }
    }
    found.reverse();
    found
}

/// Which places were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// How many different ones.
    pub given: u64,
    /// Those given to more than one visitor.
    pub twice: Vec<u64>,
    /// Places between the lowest and the highest that no visitor of this crowd has: other people's, those of who gave
    /// up before hearing theirs, and ghosts of answers that were lost.
    pub gaps: u64,
}

/// Looks at every place that was told, one entry for each visitor.
pub fn places(told: impl IntoIterator<Item = u64>) -> Places {
    let mut sorted: Vec<u64> = told.into_iter().collect();
    sorted.sort_unstable();
    let mut places = Places::default();
    let mut last = None;
    for place in sorted {
        match last {
            Some(known) if known == place => places.twice.push(place),
            Some(known) => {
                places.given += 1;
                places.gaps += place - known - 1;
            }
            None => places.given += 1,
        }
        last = Some(place);
    }
    places.twice.dedup();
    places
}

/// The most visits that overlap, each from when the origin's first answer was heard to when goodbye was sent. The
/// truth is at least that many.
pub fn most_at_once(visits: impl IntoIterator<Item = (Moment, Moment)>) -> u64 {
    // At the same moment who goes, goes first.
    let mut changes: Vec<(Moment, i64)> = visits
        .into_iter()
        .filter(|(from, to)| from < to)
        .flat_map(|(from, to)| [(from, 1), (to, -1)])
        .collect();
    changes.sort_unstable();
    let (mut inside, mut most) = (0_i64, 0_i64);
    for (_, change) in changes {
        inside += change;
        most = most.max(inside);
    }
    most.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(place: u64, uncalled: impl Into<Option<u64>>, called: impl Into<Option<u64>>) -> Sighting {
        let (uncalled_asked, called_heard) = (uncalled.into().map(Moment), called.into().map(Moment));
        Sighting { place, uncalled_asked, called_heard }
    }

    #[test]
    fn called_in_order_is_in_order_however_late_people_ask() {
        let line =
            [seen(3, 9_000, 10_000), seen(1, 1_000, 60_000), seen(2, 5_000, 9_000), seen(4, 12_000, None)];
        assert_eq!(overtaken(&line), []);
    }

    #[test]
    fn a_lower_place_that_is_still_told_to_wait_was_overtaken() {
        let line =
            [seen(1, 13_001, 14_000), seen(2, 13_000, 14_000), seen(3, None, 10_000), seen(4, None, 12_000)];
        assert_eq!(overtaken(&line), [Overtaken { place: 1, by: 3, late_ms: 3_001 }]);
    }

    #[test]
    fn nobody_is_uncalled_again() {
        assert_eq!(overtaken(&[seen(5, 9_000, 1_000)]), [Overtaken { place: 5, by: 5, late_ms: 8_000 }]);
    }

    #[test]
    fn it_says_the_same_as_looking_at_every_pair() {
        // A small linear congruential generator: the same scenes in every run.
        let mut state = 7_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut breaches = 0;
        for _ in 0..300 {
            let line: Vec<Sighting> = (0..12)
                .map(|_| {
                    let uncalled = (draw(4) > 0).then(|| draw(12_000));
                    let called = (draw(3) > 0).then(|| 6_000 + draw(12_000));
                    seen(draw(20), uncalled, called)
                })
                .collect();
            let mut pairs: Vec<u64> = line
                .iter()
                .filter(|low| {
                    line.iter().any(|high| match (low.uncalled_asked, high.called_heard) {
                        (Some(asked), Some(called)) => {
                            high.place >= low.place && asked.0 > called.0 + BOARD_AGE_ALLOWED_MS
                        }
                        _ => false,
                    })
                })
                .map(|low| low.place)
                .collect();
            pairs.sort_unstable();
            let mut found: Vec<u64> = overtaken(&line).iter().map(|one| one.place).collect();
            found.sort_unstable();
            // The same place twice in one line is another breach; who of the two is named may differ.
            let unique = places(line.iter().map(|one| one.place)).twice.is_empty();
            if unique {
                assert_eq!(found, pairs, "{line:?}");
            }
            breaches += found.len();
        }
        assert!(breaches > 100, "the scenes have to have something to find");
    }

    #[test]
    fn places_are_counted_once_and_gaps_are_seen() {
        let found = places([5, 3, 9, 3, 3, 4]);
        assert_eq!(found, Places { given: 4, twice: vec![3], gaps: 3 });
        assert_eq!(places([]), Places::default());
    }

    #[test]
    fn who_goes_at_the_moment_another_comes_does_not_meet_them() {
        let visits = [(0, 10), (10, 20), (5, 12), (30, 30)].map(|(from, to)| (Moment(from), Moment(to)));
        assert_eq!(most_at_once(visits), 2);
        assert_eq!(most_at_once([]), 0);
    }
}
