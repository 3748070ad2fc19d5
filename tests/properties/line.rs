//! The line, kept places and a room's draws beside a naive room, which forgets nothing and computes every answer from all that ever
//! happened. Rounds are in `rounds.rs`: they call ranks, not places.

use std::collections::{BTreeMap, BTreeSet};

use durable::batch::Grant;
use durable::call::{ShowUp, Window};
use durable::codec::{Reader, Writer};
use durable::draw::{Draw, NOBODY};
use durable::draws::Occasion;
use durable::journal::Change;
use durable::kept::KEEP;
use durable::line::Line;
use durable::state::{PageId, State};
use durable::token::PassStanding;
use durable::units::{Millis, Place, Rank};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::config;

#[derive(Clone, Debug)]
enum Op {
    Join(u64),
    /// So many more, with a window and a late window of so many milliseconds.
    Call(u64, u64, u64),
    Claim(Index),
    Leave(Index),
    Keep(Index),
    Hold(bool),
    /// Draws among all behind the watermark and older draws, but so many of them.
    Draw(u64),
    Learn,
    Pass(u64),
}

/// Whole seconds, so that things often happen in the same moment.
fn seconds(range: std::ops::Range<u64>) -> impl Strategy<Value = u64> {
    range.prop_map(|seconds| seconds * 1_000)
}

fn op() -> impl Strategy<Value = Op> {
    let call = (0..6u64, seconds(1..60), seconds(0..600));
    prop_oneof![
        3 => (0..8u64).prop_map(Op::Join),
        3 => call.prop_map(|(more, window, late)| Op::Call(more, window, late)),
        3 => any::<Index>().prop_map(Op::Claim),
        1 => any::<Index>().prop_map(Op::Leave),
        2 => any::<Index>().prop_map(Op::Keep),
        2 => any::<bool>().prop_map(Op::Hold),
        1 => (0..4u64).prop_map(Op::Draw),
        1 => Just(Op::Learn),
        3 => prop_oneof![seconds(0..4), seconds(0..60), Just(KEEP.0)].prop_map(Op::Pass),
    ]
}

struct Call {
    at: u64,
    first: u64,
    end: u64,
    /// How many of its places had not left.
    size: u64,
    claimed: u64,
    closes_at: u64,
    late_until: u64,
    learnt: bool,
}

#[derive(Default)]
struct Naive {
    now: u64,
    called: u64,
    /// The place of each rank.
    places: Vec<u64>,
    drawn_to: u64,
    calls: Vec<Call>,
    /// Ranks that claimed or left.
    spent: BTreeSet<u64>,
    /// When a place asked in vain last.
    kept: BTreeMap<u64, u64>,
    /// When nobody could claim, and until when.
    holds: Vec<(u64, Option<u64>)>,
    learnt: (u64, u64),
}

impl Naive {
    fn issued(&self) -> u64 {
        self.places.len() as u64
    }

    fn held_since(&self) -> Option<u64> {
        self.holds.last().filter(|(_, until)| until.is_none()).map(|(since, _)| *since)
    }

    fn clock(&self) -> u64 {
        self.held_since().unwrap_or(self.now)
    }

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

    fn window_of(&self, call: &Call) -> Window {
        let (closes_at, late_until) = self.times(call);
        match self.clock() {
            clock if clock < closes_at => Window::Open,
            clock if clock < late_until => Window::Late,
            _ => Window::Void,
        }
    }

    fn window(&self, rank: u64) -> Window {
        let place = self.places.get(rank as usize).copied().unwrap_or(rank);
        let call = self.calls.iter().find(|call| (call.first..call.end).contains(&place));
        call.map_or(Window::Uncalled, |call| self.window_of(call))
    }

    fn void(&self) -> u64 {
        let living = self.calls.iter().find(|call| self.window_of(call) != Window::Void);
        living.map_or(self.called, |call| call.first)
    }

    fn unspent(&self, first: u64, end: u64) -> u64 {
        let waits = |rank: &u64| !self.spent.contains(rank);
        (0..self.issued())
            .filter(waits)
            .filter(|rank| (first..end).contains(&self.places[*rank as usize]))
            .count() as u64
    }

    fn open(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| self.window_of(call) == Window::Open)
    }

    /// All who have not come, or as many as are expected to, or who asked already.
    fn held_by(&self, call: &Call) -> u64 {
        let (called, claimed) = self.learnt;
        let permille = (claimed * 1_000 / called + 70).min(1_000);
        let expected = (call.size * permille).div_ceil(1_000).saturating_sub(call.claimed);
        let asked = self.kept_now().filter(|place| (call.first..call.end).contains(place)).count() as u64;
        expected.max(asked).min(self.unspent(call.first, call.end))
    }

    /// How long ago that was, without the time in which nobody could ask.
    fn lived_since(&self, at: u64) -> u64 {
        let held = self.holds.iter().map(|(since, until)| {
            let until = until.unwrap_or(self.now);
            until.saturating_sub((*since).max(at))
        });
        self.now - at - held.sum::<u64>()
    }

    fn kept_now(&self) -> impl Iterator<Item = u64> {
        let living = self.kept.iter().filter(|(place, _)| **place >= self.void());
        living.filter(|(_, asked)| self.lived_since(**asked) <= KEEP.0).map(|(place, _)| *place)
    }

    fn rank_of(&self, place: u64) -> u64 {
        self.places.iter().position(|other| *other == place).expect("a place") as u64
    }
}

struct Both {
    state: State,
    naive: Naive,
}

impl Both {
    fn change(&mut self, change: &Change) {
        self.state.apply(Millis(self.naive.now), change, |_| true).expect("a change that a Room makes");
    }

    /// Does it to both, where a Room would.
    fn step(&mut self, op: &Op) {
        match op {
            Op::Join(count) => {
                let issued = self.naive.issued();
                self.naive.places.extend(issued..issued + count);
                self.change(&Change::Joined { count: *count });
            }
            Op::Call(more, window, late) => self.call(*more, *window, *late),
            Op::Claim(index) => {
                if let Some(rank) = self.called(*index) {
                    self.claim(rank);
                }
            }
            Op::Leave(index) => {
                let living = |rank: &u64| self.naive.window(*rank) != Window::Void;
                if let Some(rank) = self.unspent(*index).filter(living) {
                    self.spend(rank, &Change::TicketLeft { rank: Rank(rank) });
                }
            }
            Op::Keep(index) => {
                if let Some(rank) = self.called(*index) {
                    self.naive.kept.insert(self.naive.places[rank as usize], self.naive.now);
                    self.change(&Change::Kept { rank: Rank(rank) });
                }
            }
            Op::Hold(held) => self.hold(*held),
            Op::Draw(behind) => self.draw(*behind),
            Op::Learn => self.learn(),
            Op::Pass(millis) => self.naive.now += millis,
        }
        self.state.advance(Millis(self.naive.now));
    }

    fn unspent(&self, index: Index) -> Option<u64> {
        let issued = self.naive.places.len();
        let rank = (issued > 0).then(|| index.index(issued) as u64);
        rank.filter(|rank| !self.naive.spent.contains(rank))
    }

    /// A rank that may claim.
    fn called(&self, index: Index) -> Option<u64> {
        let may = |rank: &u64| matches!(self.naive.window(*rank), Window::Open | Window::Late);
        self.unspent(index).filter(may)
    }

    fn call(&mut self, more: u64, window: u64, late: u64) {
        let naive = &mut self.naive;
        let (at, first, end) = (naive.now, naive.called, (naive.called + more).min(naive.issued()));
        // Nobody is called while nobody may claim.
        if end == first || naive.held_since().is_some() {
            return;
        }
        let (closes_at, late_until, size) = (at + window, at + window + late, naive.unspent(first, end));
        naive.called = end;
        naive.calls.push(Call { at, first, end, size, claimed: 0, closes_at, late_until, learnt: false });
        let (closes_at, late_until) = (Millis(closes_at), Millis(late_until));
        self.change(&Change::Called { end: Place(end), holding: size as u32, closes_at, late_until });
    }

    fn claim(&mut self, rank: u64) {
        let place = self.naive.places[rank as usize];
        if self.naive.window(rank) == Window::Open {
            let call = self.naive.calls.iter_mut().find(|call| (call.first..call.end).contains(&place));
            call.expect("a call").claimed += 1;
        }
        let (seat, generation) = self.state.seats.lowest_free();
        let (issued, free_at) = (Millis(self.naive.now), Millis(1 << 40));
        let grant = Grant { seat, generation, issued, expires: free_at, standing: PassStanding::Confirmed };
        self.spend(rank, &Change::Admitted { rank: Some(Rank(rank)), grant, free_at });
    }

    fn spend(&mut self, rank: u64, change: &Change) {
        self.naive.spent.insert(rank);
        self.naive.kept.remove(&self.naive.places[rank as usize]);
        self.change(change);
    }

    fn hold(&mut self, held: bool) {
        let now = self.naive.now;
        match (self.naive.held_since(), held) {
            (None, true) => self.naive.holds.push((now, None)),
            (Some(since), false) => {
                self.naive.holds.pop();
                self.naive.holds.push((since, Some(now)));
            }
            _ => {}
        }
        self.change(&Change::Held { held });
    }

    fn draw(&mut self, behind: u64) {
        let first = self.naive.called.max(self.naive.drawn_to) + behind;
        let Some(count) = self.naive.issued().checked_sub(first) else { return };
        if count == 0 || !self.state.draws.has_room() {
            return;
        }
        let draw = Draw { first: Rank(first), count, seed: [behind as u8; 32], hash: NOBODY };
        for rank in first..first + count {
            self.naive.places[rank as usize] = draw.place_of(Rank(rank)).expect("a drawn rank").0;
        }
        self.naive.drawn_to = first + count;
        let occasion = Occasion { event: [1; 16], start: Millis(self.naive.now) };
        self.change(&Change::Drawn { occasion, draw });
    }

    fn learn(&mut self) {
        let mut taught = (0, 0);
        for index in 0..self.naive.calls.len() {
            let call = &self.naive.calls[index];
            // A call that is forgotten before it was learnt from teaches nothing any more.
            if call.learnt || self.naive.window_of(call) == Window::Open || call.first < self.naive.void() {
                continue;
            }
            taught = (taught.0 + call.size, taught.1 + call.claimed);
            self.naive.calls[index].learnt = true;
        }
        assert_eq!(self.state.line.untaught(self.state.at), taught);
        self.naive.learnt = (self.naive.learnt.0 + taught.0, self.naive.learnt.1 + taught.1);
        self.change(&Change::Learnt { called: taught.0, claimed: taught.1 });
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let (Both { state, naive }, now) = (self, Millis(self.naive.now));
        let line = &state.line;
        prop_assert_eq!((line.issued(), line.called()), (Rank(naive.issued()), Place(naive.called)));
        prop_assert_eq!(line.void(), Place(naive.void()));
        prop_assert_eq!(line.waiting(), naive.unspent(naive.called, u64::MAX));
        prop_assert_eq!(line.clock(now), Millis(naive.clock()));
        prop_assert_eq!(state.holding(), naive.open().map(|call| naive.held_by(call)).sum::<u64>());
        let closing = naive.open().filter(|call| naive.unspent(call.first, call.end) > 0);
        prop_assert_eq!(line.next_close(now), closing.map(|call| Millis(naive.times(call).0)).min());
        let last = naive.calls.last().filter(|call| call.first >= naive.void());
        prop_assert_eq!(line.last_call_at(), last.map(|call| Millis(call.at)));
        for rank in 0..=naive.issued() {
            prop_assert_eq!(state.window(Rank(rank)), naive.window(rank), "of {}", rank);
        }
        let kept: Vec<u64> = naive.kept_now().collect();
        prop_assert_eq!(state.kept.places().map(|place| place.0).collect::<Vec<_>>(), kept.clone());
        let is_open = |place: &&u64| naive.window(naive.rank_of(**place)) == Window::Open;
        for below in kept.iter().copied().chain([u64::MAX]) {
            let lower = kept.iter().take_while(|place| **place < below);
            let open = lower.clone().filter(is_open).count() as u64;
            prop_assert_eq!(state.kept_open(Place(below), u64::MAX), open);
            prop_assert_eq!(state.kept_open(Place(below), 2), open.min(2));
            prop_assert_eq!(state.kept_late(Place(below)), lower.count() as u64 - open);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_line_answers_as_one_that_forgets_nothing(came in 0..=1_000u64, ops in vec(op(), 1..60)) {
        let naive = Naive { now: 1_000_000, learnt: (1_000, came), ..Naive::default() };
        let show_up = ShowUp { called: 1_000, claimed: came };
        let mut both = Both { state: State { show_up, ..State::default() }, naive };
        for op in &ops {
            both.step(op);
            both.compare()?;
        }
        let head = both.state.encode_page(PageId::Head);
        let mut copy = State::default();
        copy.decode_page(PageId::Head, &head).unwrap();
        prop_assert_eq!(copy.encode_page(PageId::Head), head);
        let mut out = Writer::new();
        both.state.line.encode(&mut out);
        let bytes = out.into_bytes();
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(Line::decode(&mut reader, 2), both.state.line);
        prop_assert_eq!(reader.end(), Ok(()));
    }
}
