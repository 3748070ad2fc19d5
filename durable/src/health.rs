//! How the origin does, and the pace that follows: additive increase, multiplicative decrease, for a room that has
//! [`OriginHealth`].
//!
//! Edges sample the answers of the origin and send sums; lobbies add them up; the Room judges what it heard since it last did. While too
//! many answers are errors, or late, the pace is lowered: by as much as fails, but by 7 % at least and by half at most, and not again
//! before the last step can have been felt. Otherwise it is raised by a fortieth of the limit, until that is reached. It is never below the operator's
//! floor, and never above the limit: the window of 60 s ([`crate::pace`]) stays what it was.
//!
//! Too few samples say nothing. A room that hears nothing for a minute raises its pace all the same, for where nobody is inside nobody can say
//! that the origin is well again; one that hears little, and nothing good, stays where it is.
//!
//! It sends nothing and wakes nobody: the turn of a step (`turn.rs`) does.

use crate::codec::{Reader, Writer};
use crate::health_settings::OriginHealth;
use crate::listed::Listed as _;
use crate::planted::{Bug, planted};
use crate::units::Millis;
use crate::wire::wire;

/// From one judgement to the next. Whoever is called after a change has been to the origin by then, and what edges saw of them has come in.
const INTERVAL: Millis = Millis(15_000);
/// A pace that was lowered is not lowered again before: who came at the old one has asked for what they came for.
const FELT_AFTER: Millis = Millis(60_000);
/// With so many errors in a thousand it is not waited for: an origin that does hardly anything is down, and whoever is let in is let in to nothing.
const DOWN_PERMILLE: u32 = 900;
/// With fewer samples, the Room goes on listening for so long.
const PATIENCE: Millis = Millis(60_000);
/// Fewer say nothing: of twenty, one is what chance makes of one in a hundred.
const ENOUGH: u32 = 20;
/// With more late answers in a thousand than these, the origin is slow.
const SLOW_PERMILLE_MAX: u32 = 100;
/// A late answer is an answer: six of them count as one error.
const SLOW_WEIGHS: u32 = 6;
/// A lowered pace is at least so many thousandths of the last, and at most.
const KEPT_PERMILLE: (u32, u32) = (500, 930);
/// Of the limit, by which a pace is raised.
const RAISED_PART: u32 = 40;
/// Of the pace that the origin could just take last, by which a pace is raised at least.
const NEAR_PART: u32 = 80;
/// Of how far a pace is from that, by which it is raised: with care where it went wrong, and with less on both sides of it.
const FAR_PART: u32 = 8;
/// Whoever comes while few do is not what makes an origin ill: for the step down at least this part of the limit counts as let in.
const ADMITTED_PART: u32 = 10;
/// Sums stop here. More would say nothing more.
const SAMPLES_MAX: u32 = 1_000_000;
/// Notes kept; the oldest goes.
const NOTES_MAX: usize = 16;
/// A room that is slow again so soon after it no longer was makes no new note of it yet.
const CALM: Millis = Millis(600_000);

/// What a sample of the origin's answers showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Health {
    /// So many were looked at.
    pub sampled: u32,
    /// Of these, so many were errors: a status of 500 or more, or none at all.
    pub errors: u32,
    /// And so many began later than the room allows.
    pub slow: u32,
}

wire!(Health { sampled, errors, slow });

impl Health {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.sampled == 0
    }

    /// Both together. Whatever a sender says, no more went wrong than was looked at.
    #[must_use]
    pub fn and(self, more: Health) -> Health {
        let sampled = self.sampled.saturating_add(more.sampled).min(SAMPLES_MAX);
        let sum = |one: u32, other: u32| one.saturating_add(other.min(more.sampled)).min(sampled);
        Health { sampled, errors: sum(self.errors, more.errors), slow: sum(self.slow, more.slow) }
    }

    /// Errors in a thousand.
    pub fn error_permille(&self) -> u32 {
        permille(self.errors, self.sampled)
    }

    /// Late answers in a thousand.
    pub fn slow_permille(&self) -> u32 {
        permille(self.slow, self.sampled)
    }

    /// As bytes, of a batch or a row.
    pub fn encode(&self, out: &mut Writer) {
        [self.sampled, self.errors, self.slow].iter().for_each(|number| out.number(u64::from(*number)));
    }

    /// Reads what [`Health::encode`] wrote: sums that cannot be are malformed.
    pub fn decode(reader: &mut Reader<'_>) -> Health {
        let health =
            Health { sampled: reader.number_u32(), errors: reader.number_u32(), slow: reader.number_u32() };
        reader.expect(health == Health::default().and(health));
        health
    }

    fn is_bad(&self, bounds: &OriginHealth) -> bool {
        self.error_permille() > bounds.error_permille_max || self.slow_permille() > SLOW_PERMILLE_MAX
    }

    /// Of a thousand who are let in, so many are after this.
    fn kept_permille(&self) -> u32 {
        let failed = self.error_permille().max(self.slow_permille() / SLOW_WEIGHS);
        let (least, most) = KEPT_PERMILLE;
        (1_000 - failed).clamp(least, most)
    }
}

fn permille(part: u32, whole: u32) -> u32 {
    (u64::from(part) * 1_000).checked_div(u64::from(whole)).unwrap_or(0) as u32
}

/// The room began to be slower than its limit, or no longer is: for the operators' log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// Counted from one.
    pub number: u64,
    /// When.
    pub at_ms: u64,
    /// Whether it is slower from now on.
    pub lowered: bool,
    /// Admissions in a minute, from now on.
    pub per_minute: u32,
    /// The limit.
    pub limit: u32,
    /// Errors in a thousand of the origin's answers, last.
    pub error_permille: u32,
    /// Late ones in a thousand.
    pub slow_permille: u32,
}

wire!(Note { number, at_ms, lowered, per_minute, limit, error_permille, slow_permille });

/// What comes of judging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Admissions in a minute from now on; none: the limit.
    pub pace: Option<u32>,
}

/// See the module's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Throttle {
    /// Since the last judgement.
    heard: Health,
    judged_at: Millis,
    lowered_at: Millis,
    /// What the last judgement went by.
    seen: Health,
    /// Admissions in a minute; none: the limit.
    pace: Option<u32>,
    /// The pace that was too much last: what it was before it was lowered, in however many steps.
    too_much: u32,
    /// Whether it was raised since.
    rises: bool,
    notes: Vec<Note>,
}

impl Throttle {
    /// The pace in force, of this limit. It is here alone that health becomes pace.
    pub fn pace(&self, bounds: Option<OriginHealth>, limit: u32) -> u32 {
        match (bounds, self.pace) {
            (Some(bounds), Some(pace)) => pace.max(bounds.new_users_per_minute_min).min(limit),
            _ => limit,
        }
    }

    /// What the last judgement went by.
    pub fn seen(&self) -> Health {
        self.seen
    }

    /// When the room became slower than its limit, and when it no longer was, oldest first.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The pace from now on, if now is the time to judge. `admitted` are those of the last minute.
    pub fn judge(
        &self,
        now: Millis,
        bounds: Option<OriginHealth>,
        limit: u32,
        admitted: u64,
    ) -> Option<Judgement> {
        let Some(bounds) = bounds else {
            return self.pace.map(|_| Judgement { pace: None });
        };
        let is_idle = self.pace.is_none() && self.heard.is_empty();
        if is_idle || self.judges_at() > now {
            return None;
        }
        let pace = self.pace(Some(bounds), limit);
        let is_enough = self.heard.sampled >= ENOUGH;
        let next = match self.heard.is_bad(&bounds) {
            true if is_enough && self.may_lower(now) => {
                let admitted =
                    u32::try_from(admitted + admitted / 8).unwrap_or(u32::MAX).max(limit / ADMITTED_PART);
                let kept = u64::from(pace.min(admitted)) * u64::from(self.heard.kept_permille()) / 1_000;
                let floor = if planted(Bug::FloorForgotten) { 1 } else { bounds.new_users_per_minute_min };
                (kept as u32).max(floor)
            }
            true => pace,
            false => pace.saturating_add(self.step_up(pace, limit)),
        };
        Some(Judgement { pace: Some(next).filter(|next| *next < limit) })
    }

    /// Whether the last step down can have been felt, or there is nothing to feel.
    fn may_lower(&self, now: Millis) -> bool {
        now.since(self.lowered_at) >= FELT_AFTER || self.heard.error_permille() >= DOWN_PERMILLE
    }

    /// By so much a pace is raised.
    fn step_up(&self, pace: u32, limit: u32) -> u32 {
        let most = (limit / RAISED_PART).max(1);
        let least = (self.too_much / NEAR_PART).max(1).min(most);
        (pace.abs_diff(self.too_much) / FAR_PART).clamp(least, most)
    }

    /// The earliest moment of the next judgement.
    fn judges_at(&self) -> Millis {
        let interval = if self.heard.sampled >= ENOUGH { INTERVAL } else { PATIENCE };
        self.judged_at.plus(interval)
    }

    /// When it is worth a look though nothing comes in: a room at its limit waits for no judgement.
    pub fn wakes_at(&self) -> Option<Millis> {
        self.pace.map(|_| self.judges_at())
    }

    /// Something was heard of the origin.
    pub fn hear(&mut self, health: Health) {
        self.heard = self.heard.and(health);
    }

    /// It was judged: admissions in a minute from now on, none for the limit.
    pub fn follow(&mut self, at: Millis, pace: Option<u32>, limit: u32) {
        if !self.heard.is_empty() {
            self.seen = std::mem::take(&mut self.heard);
        }
        let (before, after) = (self.pace.unwrap_or(limit), pace.unwrap_or(limit));
        if after < before {
            self.too_much = if self.rises || self.too_much == 0 { before } else { self.too_much };
            (self.lowered_at, self.rises) = (at, false);
        } else if after > before {
            // What it can take lies between what was too much and what was not.
            self.too_much = if self.rises { self.too_much } else { self.too_much.midpoint(before) };
            self.rises = true;
        }
        (self.judged_at, self.pace) = (at, pace);
        let last = self.notes.last().copied().unwrap_or_default();
        let is_calm = last.number == 0 || at.since(Millis(last.at_ms)) >= CALM;
        if pace.is_some() == last.lowered || (pace.is_some() && !is_calm) {
            return;
        }
        if self.notes.len() == NOTES_MAX {
            self.notes.remove(0);
        }
        self.notes.push(Note {
            number: last.number + 1,
            at_ms: at.0,
            lowered: pace.is_some(),
            per_minute: pace.unwrap_or(limit),
            limit,
            error_permille: self.seen.error_permille(),
            slow_permille: self.seen.slow_permille(),
        });
    }

    /// Whether a room of a version that knew nothing of this would be the same.
    pub fn is_default(&self) -> bool {
        *self == Throttle::default()
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        self.heard.encode(out);
        out.number(self.judged_at.0);
        out.number(self.lowered_at.0);
        self.seen.encode(out);
        out.number(u64::from(self.pace.unwrap_or(0)));
        out.number(u64::from(self.too_much));
        out.byte(u8::from(self.rises));
        out.number(self.notes.len() as u64);
        for note in &self.notes {
            out.number(note.number);
            out.number(note.at_ms);
            out.byte(u8::from(note.lowered));
            for number in [note.per_minute, note.limit, note.error_permille, note.slow_permille] {
                out.number(u64::from(number));
            }
        }
    }

    /// Reads what [`Throttle::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Throttle {
        let mut throttle = Throttle {
            heard: Health::decode(reader),
            judged_at: Millis(reader.number()),
            lowered_at: Millis(reader.number()),
            seen: Health::decode(reader),
            pace: Some(reader.number_u32()).filter(|pace| *pace > 0),
            too_much: reader.number_u32(),
            rises: reader.flag(),
            notes: Vec::new(),
        };
        let count = reader.count(7);
        reader.expect(count <= NOTES_MAX);
        throttle.notes = (0..count.min(NOTES_MAX)).map(|_| read_note(reader)).listed();
        throttle
    }
}

fn read_note(reader: &mut Reader<'_>) -> Note {
    Note {
        number: reader.number(),
        at_ms: reader.number(),
        lowered: reader.flag(),
        per_minute: reader.number_u32(),
        limit: reader.number_u32(),
        error_permille: reader.number_u32(),
        slow_permille: reader.number_u32(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: OriginHealth =
        OriginHealth { error_permille_max: 50, first_byte_ms_max: 1_000, new_users_per_minute_min: 30 };
    const LIMIT: u32 = 1_000;
    const NOON: Millis = Millis(1_800_000_000_000);

    fn after(secs: u64) -> Millis {
        NOON.plus(Millis::from_secs(secs))
    }

    fn seen(sampled: u32, errors: u32, slow: u32) -> Health {
        Health { sampled, errors, slow }
    }

    /// A throttle that was judged at noon, at this pace.
    fn at(pace: Option<u32>) -> Throttle {
        let mut throttle = Throttle::default();
        throttle.follow(NOON, pace, LIMIT);
        throttle
    }

    fn judged(throttle: &Throttle, health: Health, now: Millis) -> Option<Judgement> {
        let mut throttle = throttle.clone();
        throttle.hear(health);
        throttle.judge(now, Some(BOUNDS), LIMIT, u64::from(LIMIT))
    }

    #[test]
    fn a_pace_is_lowered_by_what_fails_within_bounds() {
        for (health, pace) in [
            (seen(1_000, 50, 100), None),
            (seen(1_000, 51, 0), Some(930)),
            (seen(1_000, 300, 0), Some(700)),
            (seen(1_000, 700, 0), Some(500)),
            (seen(1_000, 0, 101), Some(930)),
            (seen(1_000, 0, 1_000), Some(834)),
        ] {
            assert_eq!(judged(&at(None), health, after(60)), Some(Judgement { pace }), "{health:?}");
        }
    }

    #[test]
    fn it_is_not_lowered_again_before_that_was_felt_unless_the_origin_is_down() {
        let throttle = at(Some(800));
        let bad = seen(100, 80, 0);
        assert_eq!(judged(&throttle, bad, after(14)), None, "nothing is judged yet");
        assert_eq!(
            judged(&throttle, bad, after(15)),
            Some(Judgement { pace: Some(800) }),
            "it waits, and listens anew"
        );
        assert_eq!(judged(&throttle, bad, after(60)), Some(Judgement { pace: Some(400) }));
        assert_eq!(judged(&throttle, seen(100, 90, 0), after(15)), Some(Judgement { pace: Some(400) }));
    }

    #[test]
    fn who_was_let_in_counts_and_not_what_might_have_been() {
        let mut throttle = at(None);
        throttle.hear(seen(100, 100, 0));
        let pace = |admitted| {
            throttle.judge(after(60), Some(BOUNDS), LIMIT, admitted).and_then(|judged| judged.pace)
        };
        assert_eq!([u64::MAX >> 1, 400, 0].map(pace), [Some(500), Some(225), Some(50)]);
    }

    #[test]
    fn it_is_never_below_the_floor_and_never_above_the_limit() {
        let mut throttle = at(None);
        let mut now = NOON;
        for minute in 1..60 {
            now = after(60 * minute);
            throttle.hear(seen(100, 100, 100));
            let pace = throttle.judge(now, Some(BOUNDS), LIMIT, 1_000).unwrap().pace;
            throttle.follow(now, pace, LIMIT);
            assert!((30..=LIMIT).contains(&throttle.pace(Some(BOUNDS), LIMIT)));
        }
        assert_eq!(throttle.pace(Some(BOUNDS), LIMIT), 30);
        assert_eq!(throttle.pace(Some(BOUNDS), 20), 20, "a floor above the limit is the limit");
        assert_eq!(throttle.judge(now.plus(PATIENCE), Some(BOUNDS), 20, 0), Some(Judgement { pace: None }));
        assert_eq!(throttle.pace(None, LIMIT), LIMIT, "it was switched off");
        assert_eq!(
            throttle.judge(now, None, LIMIT, 0),
            Some(Judgement { pace: None }),
            "and is forgotten at once"
        );
    }

    #[test]
    fn it_rises_by_a_part_of_the_limit_and_with_care_where_it_went_wrong() {
        let mut throttle = at(Some(500));
        throttle.too_much = 800;
        let raised = |pace| {
            let throttle = Throttle { pace: Some(pace), ..throttle.clone() };
            judged(&throttle, seen(100, 0, 0), after(15)).unwrap().pace
        };
        assert_eq!(
            [100, 500, 700, 790, 810, 900, 975, 980].map(raised),
            [125, 525, 712, 800, 820, 912, 996, 1_002].map(|pace| Some(pace).filter(|pace| *pace < LIMIT))
        );
    }

    #[test]
    fn what_an_origin_can_take_lies_between_what_was_too_much_and_what_was_not() {
        let mut throttle = at(None);
        for (second, pace) in [(60, 800), (120, 600), (135, 600), (150, 625), (165, 650)] {
            throttle.follow(after(second), Some(pace), LIMIT);
        }
        assert_eq!(throttle.too_much, u32::midpoint(LIMIT, 600));
        throttle.follow(after(300), Some(500), LIMIT);
        assert_eq!(throttle.too_much, 650);
    }

    #[test]
    fn too_few_samples_say_nothing_and_who_hears_nothing_rises_all_the_same() {
        let throttle = at(Some(500));
        assert_eq!(judged(&throttle, seen(19, 0, 0), after(59)), None);
        assert_eq!(
            judged(&throttle, seen(19, 19, 0), after(60)),
            Some(Judgement { pace: Some(500) }),
            "nothing good: it stays"
        );
        assert_eq!(
            judged(&throttle, seen(0, 0, 0), after(60)),
            Some(Judgement { pace: Some(500 + LIMIT / 40) })
        );
        assert_eq!(judged(&at(None), seen(0, 0, 0), after(9_999)), None, "a quiet room writes nothing");
        assert_eq!((at(None).wakes_at(), throttle.wakes_at()), (None, Some(after(60))));
    }

    #[test]
    fn one_note_is_made_when_it_becomes_slower_and_one_when_it_no_longer_is() {
        let mut throttle = Throttle::default();
        let mut told = Vec::new();
        for (second, pace) in [
            (0, None),
            (15, Some(900)),
            (30, Some(800)),
            (60, None),
            (75, Some(900)),
            (90, None),
            (700, Some(900)),
        ] {
            throttle.hear(seen(100, 10, 20));
            throttle.follow(after(second), pace, LIMIT);
            told.push((throttle.notes.len(), throttle.notes.last().is_some_and(|note| note.lowered)));
        }
        // Whoever is slow again a moment after it was not is on the edge, and no news.
        assert_eq!(told, [(0, false), (1, true), (1, true), (2, false), (2, false), (2, false), (3, true)]);
        let note = throttle.notes[0];
        assert_eq!((note.number, note.at_ms, note.per_minute, note.limit), (1, after(15).0, 900, LIMIT));
        assert_eq!((note.error_permille, note.slow_permille), (100, 200));
        for turn in 1..100 {
            throttle.follow(after(1_000 * turn), (turn % 2 == 1).then_some(900), LIMIT);
            assert!(throttle.notes.len() <= NOTES_MAX);
        }
        assert_eq!(throttle.notes.last().map(|note| note.number), Some(101));
    }

    #[test]
    fn sums_are_bounded_and_no_more_goes_wrong_than_is_looked_at() {
        let most = seen(u32::MAX, u32::MAX, u32::MAX);
        let sum = most.and(most);
        assert_eq!(sum, seen(SAMPLES_MAX, SAMPLES_MAX, SAMPLES_MAX));
        assert_eq!(seen(9, 0, 1).and(seen(3, 9, 9)), seen(12, 3, 4));
        assert_eq!((sum.error_permille(), Health::default().error_permille()), (1_000, 0));
    }

    #[test]
    fn it_survives_the_round_trip_and_its_bytes_are_pinned() {
        let mut throttle = Throttle::default();
        throttle.hear(seen(30, 20, 10));
        throttle.follow(Millis(300), Some(5), 9);
        throttle.hear(seen(3, 2, 1));
        let mut out = Writer::new();
        throttle.encode(&mut out);
        let bytes = out.into_bytes();
        let note = [1, 0xac, 2, 1, 5, 9, 0x9a, 5, 0xcd, 2];
        let head = [3, 2, 1, 0xac, 2, 0xac, 2, 30, 20, 10, 5, 9, 0, 1];
        assert_eq!(bytes, [head.as_slice(), note.as_slice()].concat());
        let mut reader = Reader::new(&bytes);
        assert_eq!((Throttle::decode(&mut reader), reader.end()), (throttle, Ok(())));
        for length in 0..bytes.len() {
            let mut reader = Reader::new(&bytes[..length]);
            Throttle::decode(&mut reader);
            assert!(reader.end().is_err(), "{length}");
        }
    }
}
