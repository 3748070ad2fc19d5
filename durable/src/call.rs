//! One call: so many places were told that it is their turn, and until when. Half of rule 7.
//!
//! Until `closes_at` a call *holds* seats, and a share of the pace, for those who are expected to come: all who have not come yet,
//! unless the room has learnt that some never do ([`ShowUp`]). Whoever asked in vain is expected for certain. After that its places are
//! latecomers, and behind `late_until` the call is forgotten. All times here are the windows' clock, which stands still while nobody may claim.

use crate::codec::{Reader, Writer};
use crate::planted::{Bug, planted};
use crate::units::Millis;

/// How long a latecomer may still enter.
pub const LATE_WINDOW: Millis = Millis(30 * 60_000);

/// Where a place stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Not called yet, or never given.
    Uncalled,
    /// Called, and a seat is held for it.
    Open,
    /// Called, but its window is over: it may enter when there is room.
    Late,
    /// Called so long ago that it is forgotten.
    Void,
}

/// See the module's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it was made.
    pub at: Millis,
    /// How many it called.
    pub size: u32,
    /// Of these, how many have neither claimed nor left.
    pub holding: u32,
    /// Of these, how many claimed in their window.
    pub claimed: u32,
    /// When it stops holding seats.
    pub closes_at: Millis,
    /// When its places may no longer enter.
    pub late_until: Millis,
    /// Whether it was learnt from.
    pub learnt: bool,
}

impl Call {
    /// Of so many places, none of whom has claimed yet.
    pub fn new(at: Millis, size: u32, closes_at: Millis, late_until: Millis) -> Call {
        Call { at, size, holding: size, claimed: 0, closes_at, late_until, learnt: false }
    }

    /// Whether another is no other but more of it: one moment may call in parts, and what is void at once is so whenever it was called.
    pub fn goes_on_with(&self, more: &Call) -> bool {
        (self.closes_at, self.late_until) == (more.closes_at, more.late_until)
            && (self.at == more.at || more.late_until == Millis(0))
    }

    /// Where its places stand.
    pub fn window(&self, now: Millis) -> Window {
        match self {
            _ if self.closes_at > now => Window::Open,
            _ if self.late_until > now => Window::Late,
            _ => Window::Void,
        }
    }

    /// How many seats it holds while it is open; `kept` of its places asked already and were told *next*.
    pub fn held(&self, show_up: ShowUp, kept: u32) -> u32 {
        let expected = show_up.of(self.size).saturating_sub(self.claimed);
        expected.max(kept).min(self.holding)
    }

    /// One of its places is spent: by a claim, or given up.
    pub fn spend(&mut self, claimed: bool, now: Millis) {
        self.holding = self.holding.saturating_sub(1);
        self.claimed = self.claimed.saturating_add(u32::from(claimed && self.closes_at > now));
    }

    /// Its clock stood still for so long.
    pub fn pause(&mut self, since: Millis, pause: Millis) {
        if self.closes_at > since {
            self.closes_at = self.closes_at.plus(pause);
            self.late_until = self.late_until.plus(pause);
        }
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        for number in [self.at.0, u64::from(self.size), u64::from(self.holding), u64::from(self.claimed)] {
            out.number(number);
        }
        for number in [self.closes_at.0, self.late_until.0, u64::from(self.learnt)] {
            out.number(number);
        }
    }

    /// Reads what [`Call::encode`] wrote, in a head page of this version: before the second nothing was learnt.
    pub fn decode(reader: &mut Reader<'_>, version: u8) -> Call {
        let learns = version > 1;
        Call {
            at: Millis(reader.number()),
            size: reader.number_u32(),
            holding: reader.number_u32(),
            claimed: if learns { reader.number_u32() } else { 0 },
            closes_at: Millis(reader.number()),
            late_until: Millis(reader.number()),
            learnt: !learns || reader.flag(),
        }
    }
}

/// When the next of these calls' windows closes.
pub fn next_close(calls: &mut dyn Iterator<Item = &Call>, clock: Millis) -> Option<Millis> {
    let open = calls.filter(|call| call.window(clock) == Window::Open && call.holding > 0);
    open.map(|call| call.closes_at).min()
}

/// What those of them that have closed teach and was not learnt yet: how many were called, and how many of them claimed.
pub fn untaught(calls: &mut dyn Iterator<Item = &Call>, clock: Millis) -> (u64, u64) {
    let closed = calls.filter(|call| !call.learnt && call.window(clock) != Window::Open);
    closed.fold((0, 0), |(called, claimed), call| {
        (called + u64::from(call.size), claimed + u64::from(call.claimed))
    })
}

/// That was learnt.
pub fn teach(calls: &mut dyn Iterator<Item = &mut Call>, clock: Millis) {
    calls.filter(|call| call.window(clock) != Window::Open).for_each(|call| call.learnt = true);
}

/// How many of those who are called come in their window, learnt from calls that have closed.
///
/// Both sums halve whenever the first passes ten thousand, so that a morning counts more than the night before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShowUp {
    /// How many were called.
    pub called: u64,
    /// How many of them claimed.
    pub claimed: u64,
}

impl ShowUp {
    /// With fewer than so many, everybody is expected.
    const ENOUGH: u64 = 200;
    const MEMORY: u64 = 10_000;
    /// More are expected than came before, by two standard deviations of the least that is learnt from: √(¼ ÷ 200) is 3.5 %.
    const MARGIN_PERMILLE: u64 = 70;

    /// Of a thousand who are called, so many are expected.
    pub fn permille(self) -> u64 {
        if self.called < ShowUp::ENOUGH {
            return 1_000;
        }
        let came = self.claimed.min(self.called) / if planted(Bug::HalfExpected) { 2 } else { 1 };
        (came.saturating_mul(1_000) / self.called + ShowUp::MARGIN_PERMILLE).min(1_000)
    }

    /// How many of these are expected, rounded up.
    pub fn of(self, called: u32) -> u32 {
        (u64::from(called) * self.permille()).div_ceil(1_000) as u32
    }

    /// How many to call so that no more than so many are expected.
    pub fn for_expected(self, expected: u64) -> u64 {
        expected.saturating_mul(1_000) / self.permille().max(1)
    }

    /// A call closed.
    pub fn learn(&mut self, called: u64, claimed: u64) {
        self.called = self.called.saturating_add(called);
        self.claimed = self.claimed.saturating_add(claimed.min(called));
        if self.called > ShowUp::MEMORY {
            self.called /= 2;
            self.claimed /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call::new(Millis(0), 100, Millis(10), Millis(20))
    }

    #[test]
    fn a_call_is_open_then_late_then_void() {
        assert_eq!([9, 10, 19, 20].map(|now| call().window(Millis(now))), {
            use Window::{Late, Open, Void};
            [Open, Late, Late, Void]
        });
    }

    #[test]
    fn everybody_is_expected_until_enough_was_learnt() {
        let mut show_up = ShowUp::default();
        show_up.learn(199, 10);
        assert_eq!(call().held(show_up, 0), 100);
        show_up.learn(1, 0);
        assert_eq!(show_up.permille(), 50 + 70);
        assert_eq!(call().held(show_up, 0), 12);
    }

    #[test]
    fn who_came_is_expected_no_more_and_who_asked_in_vain_for_certain() {
        let show_up = ShowUp { called: 1_000, claimed: 430 };
        let mut call = call();
        assert_eq!(call.held(show_up, 0), 50);
        (0..40).for_each(|_| call.spend(true, Millis(9)));
        assert_eq!((call.held(show_up, 0), call.held(show_up, 25)), (10, 25));
        (0..55).for_each(|_| call.spend(false, Millis(9)));
        assert_eq!((call.holding, call.held(show_up, 25)), (5, 5), "nobody holds more than there are");
    }

    #[test]
    fn late_claims_teach_nothing_about_windows() {
        let mut call = call();
        call.spend(true, Millis(10));
        assert_eq!((call.holding, call.claimed), (99, 0));
    }

    #[test]
    fn what_was_learnt_long_ago_fades() {
        let mut show_up = ShowUp::default();
        show_up.learn(10_000, 1_000);
        show_up.learn(10_000, 10_000);
        assert_eq!(show_up, ShowUp { called: 10_000, claimed: 5_500 });
    }
}
