//! Whether the promises were kept: one check for each, with what was found. A check that lacks what it needs says so
//! and breaks nothing. It judges numbers and lives that others wrote down; it sends nothing.

use crate::audit::{Places, Sighting, most_at_once, overtaken, places};
use crate::heard::Failure;
use crate::moment::Moment;
use crate::record::{End, Life};

/// What a crash may cost: an answer.
const LOST: [Failure; 3] = [Failure::Connect, Failure::Broken, Failure::Timeout];
/// Of many breaches of one kind so many are told in full.
const EXAMPLES_MAX: usize = 5;

/// What the demo shop counted, by a cookie of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShopCount {
    /// The most people inside at once.
    pub inside_max: u64,
    /// Sessions begun.
    pub sessions: u64,
    /// Purchases.
    pub purchases: u64,
}

/// What became of the requests without cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cookieless {
    /// How many were sent.
    pub sent: u64,
    /// How many the origin answered.
    pub inside: u64,
    /// How many were not answered.
    pub failed: u64,
}

/// All that there is to judge.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Everybody's life.
    pub lives: Vec<Life>,
    /// What became of the requests without cookies.
    pub cookieless: Cookieless,
    /// The room's limit, if known.
    pub limit: Option<u32>,
    /// What the shop counted, if asked; or why it could not be read.
    pub shop: Option<Result<ShopCount, String>>,
    /// Whether what was visited was killed now and then: answers may be lost, and nothing else.
    pub has_crashes: bool,
    /// How long the crowd walked, in milliseconds.
    pub took_ms: u64,
}

impl Evidence {
    /// The places that were told.
    pub fn places(&self) -> Places {
        places(self.lives.iter().filter_map(|life| life.place))
    }

    /// The most visitors of this crowd inside at once, at least.
    pub fn most_inside(&self) -> u64 {
        let end = Moment(self.took_ms);
        most_at_once(self.lives.iter().filter_map(|life| Some((life.admitted?, life.leaving.unwrap_or(end)))))
    }

    /// How many walks ended like this.
    pub fn ended(&self, is_so: impl Fn(&End) -> bool) -> u64 {
        self.lives.iter().filter(|life| is_so(&life.end)).count() as u64
    }
}

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The promise was kept; what that rests on.
    Kept(String),
    /// It was broken; how.
    Broken(Vec<String>),
    /// It could not be judged; what is missing.
    Open(String),
}

/// A promise and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The name, one word or two.
    pub name: &'static str,
    /// What was found.
    pub finding: Finding,
}

/// Judges every promise.
pub fn checks(evidence: &Evidence) -> Vec<Check> {
    vec![
        Check { name: "cap", finding: cap(evidence) },
        Check { name: "order", finding: order(evidence) },
        Check { name: "turn", finding: turn(evidence) },
        Check { name: "once", finding: once(evidence) },
        Check { name: "nobody lost", finding: nobody_lost(evidence) },
        Check { name: "no errors", finding: no_errors(evidence) },
        Check { name: "cookieless", finding: cookieless(evidence) },
    ]
}

/// Whether any promise was broken.
pub fn is_any_broken(checks: &[Check]) -> bool {
    checks.iter().any(|check| matches!(check.finding, Finding::Broken(_)))
}

fn judged(breaches: Vec<String>, kept: String) -> Finding {
    if breaches.is_empty() { Finding::Kept(kept) } else { Finding::Broken(shortened(breaches)) }
}

fn shortened(mut breaches: Vec<String>) -> Vec<String> {
    let more = breaches.len().saturating_sub(EXAMPLES_MAX);
    breaches.truncate(EXAMPLES_MAX);
    if more > 0 {
        breaches.push(format!("and {more} more"));
    }
    breaches
}

fn cap(evidence: &Evidence) -> Finding {
    let Some(limit) = evidence.limit.map(u64::from) else {
        return Finding::Open("needs --limit".to_owned());
    };
    let seen = evidence.most_inside();
    let mut breaches = Vec::new();
    match &evidence.shop {
        Some(Ok(shop)) if shop.inside_max > limit => {
            breaches
                .push(format!("the shop counted {} inside at once, the limit is {limit}", shop.inside_max));
        }
        Some(Err(reason)) => breaches.push(format!("the shop's own count could not be read: {reason}")),
        _ => {}
    }
    if seen > limit {
        breaches.push(format!("{seen} of this crowd were inside at once, the limit is {limit}"));
    }
    let counted = match &evidence.shop {
        Some(Ok(shop)) => format!("the shop counted {} at once, of {limit}", shop.inside_max),
        _ => format!("{seen} of this crowd at once, of {limit}; the shop's own count needs --shop-stats"),
    };
    judged(breaches, counted)
}

fn order(evidence: &Evidence) -> Finding {
    let sightings: Vec<Sighting> = evidence
        .lives
        .iter()
        .filter_map(|life| {
            let (uncalled_asked, called_heard) = (life.uncalled_asked, life.called_heard);
            Some(Sighting { place: life.place?, uncalled_asked, called_heard })
        })
        .collect();
    let breaches = overtaken(&sightings)
        .iter()
        .map(|one| {
            format!(
                "place {} was told to wait {} ms after place {} was seen called",
                one.place, one.late_ms, one.by
            )
        })
        .collect();
    let called = sightings.iter().filter(|sighting| sighting.called_heard.is_some()).count();
    judged(breaches, format!("{called} of {} places seen called, none before a lower one", sightings.len()))
}

fn turn(evidence: &Evidence) -> Finding {
    let broken = evidence.lives.iter().flat_map(|life| &life.broken_turns);
    let breaches = broken
        .map(|turn| {
            let place =
                turn.place.map_or("somebody without a place".to_owned(), |place| format!("place {place}"));
            format!(
                "{place} was told it was their turn, asked {} ms later, and was told {}",
                turn.asked_after_ms, turn.state
            )
        })
        .collect();
    let put_off: u32 = evidence.lives.iter().map(|life| life.put_off).sum();
    judged(
        breaches,
        format!("everybody got in at the request that took their turn; {put_off} times put off as next"),
    )
}

fn once(evidence: &Evidence) -> Finding {
    let found = evidence.places();
    let twice = found.twice.iter().map(|place| format!("place {place} was given to more than one visitor"));
    let moved = evidence
        .lives
        .iter()
        .filter_map(|life| Some(format!("place {} became place {}", life.place?, life.moved_to?)));
    let kept = format!("{} different places, {} between them not of this crowd", found.given, found.gaps);
    judged(twice.chain(moved).collect(), kept)
}

fn nobody_lost(evidence: &Evidence) -> Finding {
    let breaches = evidence
        .lives
        .iter()
        .filter_map(|life| {
            let who =
                life.place.map_or("somebody without a place".to_owned(), |place| format!("place {place}"));
            match &life.end {
                End::OutOfTime | End::Walking => Some(format!("{who} was not inside when the time was up")),
                End::TurnedAway(state) => Some(format!("{who} was turned away: {state}")),
                End::Through | End::GaveUp => None,
            }
        })
        .collect();
    let gave_up = evidence.ended(|end| *end == End::GaveUp);
    judged(breaches, format!("everybody got in but the {gave_up} who gave up"))
}

fn no_errors(evidence: &Evidence) -> Finding {
    let mut kinds = std::collections::BTreeMap::<&str, u64>::new();
    for (kind, count) in evidence.lives.iter().flat_map(|life| &life.faults) {
        *kinds.entry(kind).or_default() += count;
    }
    let is_lost = |kind: &&str| evidence.has_crashes && LOST.iter().any(|failure| failure.name() == *kind);
    let lost: u64 = kinds.iter().filter(|(kind, _)| is_lost(kind)).map(|(_, count)| count).sum();
    let breaches = kinds.iter().filter(|(kind, _)| !is_lost(kind));
    let breaches = breaches.map(|(kind, count)| format!("{count} × {kind}")).collect();
    let kept = if evidence.has_crashes {
        format!("none but {lost} answers lost in crashes")
    } else {
        "none".to_owned()
    };
    judged(breaches, kept)
}

fn cookieless(evidence: &Evidence) -> Finding {
    let Cookieless { sent, inside, failed } = evidence.cookieless;
    if sent == 0 {
        return Finding::Open("needs --cookieless".to_owned());
    }
    let mut breaches = Vec::new();
    if failed > 0 {
        breaches.push(format!("{failed} of {sent} requests were not answered"));
    }
    let Some(limit) = evidence.limit.map(u64::from) else {
        return if failed > 0 {
            Finding::Broken(breaches)
        } else {
            Finding::Open("needs --limit".to_owned())
        };
    };
    let tenth = limit.div_ceil(10);
    if inside > tenth {
        breaches.push(format!("{inside} of {sent} reached the origin, a tenth of the seats is {tenth}"));
    }
    judged(breaches, format!("{inside} of {sent} reached the origin, a tenth of the seats is {tenth}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::BrokenTurn;

    fn through(place: u64, admitted: u64, leaving: u64) -> Life {
        Life {
            place: Some(place),
            called_heard: Some(Moment(admitted)),
            admitted: Some(Moment(admitted)),
            leaving: Some(Moment(leaving)),
            end: End::Through,
            ..Life::default()
        }
    }

    fn broken(lives: Vec<Life>) -> Vec<&'static str> {
        let shop = Some(Ok(ShopCount { inside_max: 2, ..ShopCount::default() }));
        let evidence = Evidence { lives, limit: Some(2), shop, took_ms: 60_000, ..Evidence::default() };
        let checks = checks(&evidence);
        let broken = checks.iter().filter(|check| matches!(check.finding, Finding::Broken(_)));
        broken.map(|check| check.name).collect()
    }

    #[test]
    fn a_good_crowd_breaks_nothing() {
        let gave_up =
            Life { place: Some(3), uncalled_asked: Some(Moment(1)), end: End::GaveUp, ..Life::default() };
        assert!(broken(vec![through(1, 0, 10), through(2, 5, 15), gave_up, through(4, 12, 20)]).is_empty());
    }

    #[test]
    fn every_breach_has_its_name() {
        assert_eq!(broken(vec![through(1, 0, 10), through(2, 1, 10), through(3, 2, 10)]), ["cap"]);
        let overtaken = Life { uncalled_asked: Some(Moment(9_000)), ..through(1, 9_500, 9_600) };
        assert_eq!(broken(vec![overtaken, through(2, 10, 20)]), ["order"]);
        let refused = BrokenTurn { place: Some(1), state: "waiting".into(), asked_after_ms: 3 };
        assert_eq!(broken(vec![Life { broken_turns: vec![refused], ..through(1, 0, 10) }]), ["turn"]);
        assert_eq!(broken(vec![through(1, 0, 10), through(1, 20, 30)]), ["once"]);
        assert_eq!(broken(vec![Life { moved_to: Some(9), ..through(1, 0, 10) }]), ["once"]);
        for end in [End::OutOfTime, End::TurnedAway("ticket_used".into())] {
            assert_eq!(broken(vec![Life { end, ..Life::default() }]), ["nobody lost"]);
        }
        let faults = [("no connection".to_owned(), 2)].into();
        assert_eq!(broken(vec![Life { faults, ..through(1, 0, 10) }]), ["no errors"]);
    }

    #[test]
    fn a_crash_excuses_a_lost_answer_and_nothing_that_was_said() {
        let crowd = |fault: &str| {
            let lives = vec![Life { faults: [(fault.to_owned(), 2)].into(), ..through(1, 0, 10) }];
            no_errors(&Evidence { lives, has_crashes: true, ..Evidence::default() })
        };
        assert!(matches!(crowd("connection broke"), Finding::Kept(_)));
        assert!(matches!(crowd("put out while inside: joining at /cart"), Finding::Broken(_)));
    }

    #[test]
    fn the_shops_own_count_is_believed_above_ours() {
        let counted = |shop| {
            let lives = vec![through(1, 0, 10)];
            Evidence { lives, limit: Some(2), shop: Some(shop), ..Evidence::default() }
        };
        let evidence = counted(Ok(ShopCount { inside_max: 3, ..ShopCount::default() }));
        assert!(matches!(cap(&evidence), Finding::Broken(_)));
        assert!(
            matches!(cap(&counted(Err("gone".to_owned()))), Finding::Broken(_)),
            "what cannot be seen is not kept"
        );
        assert!(matches!(cap(&Evidence { limit: None, ..evidence }), Finding::Open(_)));
    }

    #[test]
    fn without_cookies_a_tenth_of_the_seats_rounded_up_is_all_there_is() {
        let of = |inside, limit, failed| {
            let cookieless = Cookieless { sent: 1_000, inside, failed };
            super::cookieless(&Evidence { cookieless, limit, ..Evidence::default() })
        };
        assert!(matches!(of(3, Some(21), 0), Finding::Kept(_)));
        assert!(matches!(of(4, Some(21), 0), Finding::Broken(_)));
        assert!(matches!(of(0, Some(21), 1), Finding::Broken(_)));
        assert!(matches!(of(900, None, 0), Finding::Open(_)));
    }

    #[test]
    fn many_breaches_are_told_in_short() {
        let many = (0..20)
            .map(|place| Life { place: Some(place), end: End::OutOfTime, ..Life::default() })
            .collect();
        let Finding::Broken(told) = nobody_lost(&Evidence { lives: many, ..Evidence::default() }) else {
            panic!("twenty are lost")
        };
        assert_eq!((told.len(), told[5].as_str()), (6, "and 15 more"));
    }
}
