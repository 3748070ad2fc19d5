//! Pace: how many may be called or let in now. Rule 2.
//!
//! Two rules, and the stricter one counts:
//!
//! - **The window** is exact. In no 60 s are more than `new_users_per_minute` admitted. A called place may
//!   enter at any moment of its claim window, so a call is made only while *admitted in the last 60 s* +
//!   *called and still holding* stays within the limit; a claim moves one from the second to the first
//!   and never breaks the sum.
//! - **The pacer** spreads: the generic cell rate algorithm (ITU-T I.371, in the form that keeps one
//!   theoretical arrival time), with a tenth of the limit at once while idle and two seconds' worth
//!   while a line stands, so that a late alarm loses nothing.

use std::collections::VecDeque;

use crate::units::Millis;

/// The window's length.
pub const WINDOW: Millis = Millis(60_000);
const WINDOW_NS: u64 = WINDOW.0 * NS_PER_MS;
const NS_PER_MS: u64 = 1_000_000;

/// One rate, remembered as the theoretical arrival time of the next admission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pacer {
    /// Nanoseconds since the Unix epoch: good until the year 2554.
    pub tat_ns: u64,
}

impl Pacer {
    /// How many conform now, at `per_minute` with `burst` at once.
    pub fn allowance(self, now: Millis, per_minute: u32, burst: u32) -> u32 {
        let interval_ns = interval_ns(per_minute);
        let now_ns = now.0.saturating_mul(NS_PER_MS);
        let limit_ns = now_ns.saturating_add(interval_ns.saturating_mul(u64::from(burst)));
        let room_ns = limit_ns.saturating_sub(self.tat_ns.max(now_ns));
        u32::try_from(room_ns / interval_ns).unwrap_or(u32::MAX).min(burst)
    }

    /// The pacer after `count` of them.
    #[must_use]
    pub fn after(self, now: Millis, per_minute: u32, count: u32) -> Pacer {
        let spent_ns = interval_ns(per_minute).saturating_mul(u64::from(count));
        let now_ns = now.0.saturating_mul(NS_PER_MS);
        Pacer { tat_ns: self.tat_ns.max(now_ns).saturating_add(spent_ns) }
    }

    /// The same admissions at another rate. At a higher one they take less time; at a lower one no more than they did: the window is exact anyway.
    #[must_use]
    pub fn at_rate(self, now: Millis, before: u32, per_minute: u32) -> Pacer {
        let now_ns = now.0.saturating_mul(NS_PER_MS);
        let spent = self.tat_ns.saturating_sub(now_ns).div_ceil(interval_ns(before));
        let spent_ns = spent.saturating_mul(interval_ns(per_minute));
        Pacer { tat_ns: self.tat_ns.min(now_ns.saturating_add(spent_ns)) }
    }

    /// When one conforms at the earliest.
    pub fn next_at(self, per_minute: u32, burst: u32) -> Millis {
        let interval_ns = interval_ns(per_minute);
        let tolerance_ns = interval_ns.saturating_mul(u64::from(burst.saturating_sub(1)));
        Millis(self.tat_ns.saturating_sub(tolerance_ns).div_ceil(NS_PER_MS))
    }
}

/// Nanoseconds between two admissions: 27 at the largest limit of 2^31 − 1.
fn interval_ns(per_minute: u32) -> u64 {
    (WINDOW_NS / u64::from(per_minute.max(1))).max(1)
}

/// What an idle room lets in at once: a tenth of the limit, at least one.
pub fn burst_idle(per_minute: u32) -> u32 {
    (per_minute / 10).max(1)
}

/// What a room with a line calls at once: two seconds' worth, at least one.
pub fn burst_queueing(per_minute: u32) -> u32 {
    (per_minute / 30).max(1)
}

/// What a round calls at once: what has gathered since the last one, half a minute's worth.
pub fn burst_round(per_minute: u32) -> u32 {
    (per_minute / 2).max(1)
}

/// Who was admitted in the last 60 s, as (time, how many), oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admissions {
    log: VecDeque<(Millis, u32)>,
    total: u64,
}

impl Admissions {
    /// Adds one. Times never go back: the Room's clock does not.
    pub fn add(&mut self, at: Millis) {
        self.total += 1;
        match self.log.back_mut() {
            Some((last, count)) if *last == at => *count = count.saturating_add(1),
            _ => self.log.push_back((at, 1)),
        }
    }

    /// One of those that were added at this time was none: nobody came by it.
    pub fn take_back(&mut self, at: Millis) {
        if let Some((_, count)) = self.log.iter_mut().find(|(then, count)| *then == at && *count > 0) {
            *count -= 1;
            self.total -= 1;
        }
    }

    /// Adds what a snapshot held.
    pub fn restore(&mut self, at: Millis, count: u32) {
        self.total += u64::from(count);
        self.log.push_back((at, count));
    }

    /// Forgets what has left the window: whatever is older than 60 s. Exactly 60 s old still counts.
    pub fn forget(&mut self, now: Millis) {
        while let Some((at, count)) = self.log.front() {
            if now.since(*at) <= WINDOW {
                break;
            }
            self.total -= u64::from(*count);
            self.log.pop_front();
        }
    }

    /// How many are in the window, as of the last [`Admissions::forget`].
    pub fn count(&self) -> u64 {
        self.total
    }

    /// When the oldest will have left the window.
    pub fn oldest_leaves_at(&self) -> Option<Millis> {
        self.log.front().map(|(at, _)| at.plus(WINDOW).plus(Millis(1)))
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (Millis, u32)> {
        self.log.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    #[test]
    fn an_idle_pacer_allows_its_burst_and_then_one_at_a_time() {
        let mut pacer = Pacer::default();
        assert_eq!(pacer.allowance(NOW, 60, 6), 6);
        pacer = pacer.after(NOW, 60, 6);
        assert_eq!(pacer.allowance(NOW, 60, 6), 0);
        assert_eq!(pacer.next_at(60, 6), NOW.plus(Millis(1_000)));
        assert_eq!(pacer.allowance(NOW.plus(Millis(999)), 60, 6), 0);
        assert_eq!(pacer.allowance(NOW.plus(Millis(1_000)), 60, 6), 1);
        assert_eq!(pacer.allowance(NOW.plus(Millis(60_000)), 60, 6), 6);
    }

    #[test]
    fn what_is_promised_conforms_and_one_millisecond_before_does_not() {
        for per_minute in [1, 7, 59, 60, 61, 1000, 99_999] {
            for burst in [1, 2, 10] {
                let pacer = Pacer::default().after(NOW, per_minute, burst + 3);
                let at = pacer.next_at(per_minute, burst);
                assert!(pacer.allowance(at, per_minute, burst) >= 1, "{per_minute} {burst}");
                assert_eq!(pacer.allowance(at.minus(Millis(1)), per_minute, burst), 0);
            }
        }
    }

    #[test]
    fn a_higher_rate_holds_at_once_and_a_lower_one_asks_for_no_more_time() {
        let slow = Pacer::default().after(NOW, 1, 1);
        assert_eq!(slow.at_rate(NOW.plus(Millis(1)), 1, 1_000).tat_ns / NS_PER_MS, NOW.0 + 61);
        assert_eq!(slow.at_rate(NOW.plus(Millis(1)), 1, 1), slow);
        let spent = Pacer::default().after(NOW, 60, 10);
        assert_eq!(spent.at_rate(NOW, 60, 600), Pacer::default().after(NOW, 600, 10));
        assert_eq!(spent.at_rate(NOW, 60, 6), spent);
        assert_eq!(spent.at_rate(NOW.plus(Millis(60_000)), 60, 600), spent, "long ago, and nothing is spent");
    }

    #[test]
    fn the_largest_limit_and_a_clock_of_zero_do_not_overflow() {
        let pacer = Pacer::default().after(Millis(u64::MAX), u32::MAX, u32::MAX);
        assert_eq!(pacer.allowance(Millis(0), u32::MAX, u32::MAX), 0);
        assert_eq!(Pacer::default().allowance(Millis(0), 1, 1), 1);
    }

    #[test]
    fn what_was_taken_back_counts_no_more_and_no_more_than_was_added() {
        let mut admissions = Admissions::default();
        (0..3).for_each(|_| admissions.add(NOW));
        admissions.take_back(NOW);
        admissions.take_back(NOW.plus(Millis(1)));
        assert_eq!(admissions.count(), 2);
        (0..5).for_each(|_| admissions.take_back(NOW));
        assert_eq!(admissions.count(), 0);
    }

    #[test]
    fn the_window_counts_both_of_its_ends() {
        let mut admissions = Admissions::default();
        admissions.add(NOW);
        admissions.add(NOW);
        admissions.forget(NOW.plus(WINDOW));
        assert_eq!(admissions.count(), 2);
        let leaves_at = admissions.oldest_leaves_at().unwrap();
        admissions.forget(leaves_at);
        assert_eq!(admissions.count(), 0);
    }
}
