//! The line beside a naive one, which forgets nothing and computes every answer from all that ever happened.

use std::collections::{BTreeMap, BTreeSet};

use durable::codec::{Reader, Writer};
use durable::line::{KEEP, Line, Window};
use durable::units::{Millis, Place, Rank};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::config;

#[derive(Clone, Debug)]
enum Op {
    Join(u64),
    /// So many more, with a window and a late window of so many milliseconds.
    Call(u64, u64, u64),
    Spend(prop::sample::Index),
    Keep(prop::sample::Index),
    Hold(bool),
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (0..6u64).prop_map(Op::Join),
        2 => (0..5u64, 1..60_000u64, 0..90_000u64).prop_map(|(more, window, late)| Op::Call(more, window, late)),
        3 => any::<prop::sample::Index>().prop_map(Op::Spend),
        2 => any::<prop::sample::Index>().prop_map(Op::Keep),
        1 => any::<bool>().prop_map(Op::Hold),
        3 => prop_oneof![0..3_000u64, 0..60_000u64, Just(KEEP.0)].prop_map(Op::Pass),
    ]
}

struct Call {
    at: u64,
    first: u64,
    end: u64,
    closes_at: u64,
    late_until: u64,
}

#[derive(Default)]
struct Naive {
    now: u64,
    issued: u64,
    called: u64,
    void: u64,
    calls: Vec<Call>,
    spent: BTreeSet<u64>,
    kept: BTreeMap<u64, u64>,
    /// When everybody was held, and until when.
    holds: Vec<(u64, Option<u64>)>,
}

impl Naive {
    /// When a call's window closes and its late window ends, after all pauses that it was open in.
    fn times(&self, call: &Call) -> (u64, u64) {
        let (mut closes_at, mut late_until) = (call.closes_at, call.late_until);
        for (since, until) in &self.holds {
            if let Some(until) = until.filter(|until| closes_at > *since && *until > call.at) {
                closes_at += until - since;
                late_until += until - since;
            }
        }
        (closes_at, late_until)
    }

    fn held_since(&self) -> Option<u64> {
        self.holds.last().filter(|(_, until)| until.is_none()).map(|(since, _)| *since)
    }

    fn window_of(&self, call: &Call) -> Window {
        let (closes_at, late_until) = self.times(call);
        if closes_at > self.held_since().unwrap_or(self.now) {
            Window::Open
        } else if self.now < late_until {
            Window::Late
        } else {
            Window::Void
        }
    }

    fn window(&self, rank: u64) -> Window {
        let call = self.calls.iter().find(|call| (call.first..call.end).contains(&rank));
        call.map_or(Window::Uncalled, |call| self.window_of(call))
    }

    fn unspent(&self, call: &Call) -> u64 {
        (call.first..call.end).filter(|rank| !self.spent.contains(rank)).count() as u64
    }

    fn open(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| self.window_of(call) == Window::Open)
    }

    fn forget(&mut self) {
        let living = self.calls.iter().find(|call| self.window_of(call) != Window::Void);
        self.void = living.map_or(self.called, |call| call.first);
        let (void, now, held) = (self.void, self.now, self.held_since().is_some());
        self.kept.retain(|rank, asked_at| *rank >= void && (held || now - *asked_at <= KEEP.0));
    }
}

struct Both {
    line: Line,
    naive: Naive,
}

impl Both {
    /// Does it to both, where a Room would.
    fn step(&mut self, op: &Op) {
        let Both { line, naive } = self;
        let now = Millis(naive.now);
        let some =
            |index: &prop::sample::Index, below: u64| (below > 0).then(|| index.index(below as usize) as u64);
        match op {
            Op::Join(count) => {
                line.join(*count, now);
                naive.issued += count;
            }
            Op::Call(more, window, late) => {
                let end = (naive.called + more).min(naive.issued);
                let (closes_at, late_until) = (naive.now + window, naive.now + window + late);
                let call = Call { at: naive.now, first: naive.called, end, closes_at, late_until };
                // Nobody is called while everybody is held.
                if end > naive.called && naive.held_since().is_none() {
                    line.call(
                        Place(end),
                        naive.unspent(&call) as u32,
                        now,
                        Millis(closes_at),
                        Millis(late_until),
                    );
                    naive.called = end;
                    naive.calls.push(call);
                }
            }
            Op::Spend(index) => {
                let rank = some(index, naive.issued).filter(|rank| !naive.spent.contains(rank));
                if let Some(rank) = rank.filter(|rank| *rank >= naive.void) {
                    line.spend(Rank(rank));
                    naive.spent.insert(rank);
                    naive.kept.remove(&rank);
                }
            }
            Op::Keep(index) => {
                let rank = some(index, naive.called).filter(|rank| !naive.spent.contains(rank));
                if let Some(rank) = rank.filter(|rank| naive.window(*rank) != Window::Void) {
                    line.keep(Rank(rank), now);
                    naive.kept.insert(rank, naive.now);
                }
            }
            Op::Hold(hold) => {
                line.hold(*hold, now);
                match (naive.held_since(), hold) {
                    (None, true) => naive.holds.push((naive.now, None)),
                    (Some(since), false) => {
                        naive.holds.pop();
                        naive.holds.push((since, Some(naive.now)));
                    }
                    _ => {}
                }
            }
            Op::Pass(millis) => naive.now += millis,
        }
        naive.forget();
        line.forget(Millis(naive.now));
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let (Both { line, naive }, now) = (self, Millis(self.naive.now));
        prop_assert_eq!((line.issued(), line.called()), (Rank(naive.issued), Place(naive.called)));
        prop_assert_eq!(line.void(), Place(naive.void));
        let waiting = (naive.called..naive.issued).filter(|rank| !naive.spent.contains(rank)).count();
        prop_assert_eq!(line.waiting(), waiting as u64);
        prop_assert_eq!(line.holding(now), naive.open().map(|call| naive.unspent(call)).sum::<u64>());
        let closing =
            naive.open().filter(|call| naive.unspent(call) > 0).map(|call| naive.times(call).0).min();
        prop_assert_eq!(line.next_close(now), closing.map(Millis));
        for rank in 0..=naive.issued {
            prop_assert_eq!(line.window(Rank(rank), now), naive.window(rank), "of {}", rank);
            prop_assert_eq!(line.is_kept(Rank(rank)), naive.kept.contains_key(&rank));
            for window in [Window::Open, Window::Late] {
                let before =
                    naive.kept.range(..rank).filter(|(kept, _)| naive.window(**kept) == window).count();
                prop_assert_eq!(line.kept_before(Rank(rank), window, now), before as u64);
            }
        }
        let beyond = naive.kept.keys().filter(|rank| naive.window(**rank) != Window::Open).count();
        prop_assert_eq!(line.kept_beyond_window(now), beyond as u64);
        prop_assert!(line.waiting() > 0 || line.longest_wait(now) == Millis(0));
        Ok(())
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_line_answers_as_one_that_forgets_nothing(ops in vec(op(), 1..60)) {
        let naive = Naive { now: 1_000_000, ..Naive::default() };
        let mut both = Both { line: Line::default(), naive };
        for op in &ops {
            both.step(op);
            both.compare()?;
        }
        let mut out = Writer::new();
        both.line.encode(&mut out);
        prop_assert_eq!(Line::decode(&mut Reader::new(&out.into_bytes())), Ok(both.line));
    }
}
