//! The line: ranks given, places called, and the windows in which a called place may claim.
//! Invariants 3, 5 and 7 of DESIGN 4.
//!
//! The watermark `called` only grows, so no place is ever called before a lower one. Each call is remembered with
//! its window: until `closes_at` its unclaimed places *hold* a seat and a share of the pace, after that they are
//! latecomers, and behind `late_until` the call is forgotten and its places are void. While the
//! operator holds everybody, windows stand still: nobody loses a turn they could not take.
//!
//! How many to call is the Room's decision; who spent their ticket is in [`crate::spent`].

use std::collections::VecDeque;

use crate::codec::{Malformed, Reader, Writer};
use crate::planted::{Bug, planted};
use crate::units::{Millis, Place, Rank};

/// How long a latecomer may still enter.
pub const LATE_WINDOW: Millis = Millis(30 * 60_000);
/// How long a kept place is kept when it does not ask again.
pub const KEEP: Millis = Millis(120_000);
/// Joins closer together than this share one entry of the clock that tells waits.
const JOIN_RESOLUTION: Millis = Millis(1_000);

/// One movement of the watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Call {
    first: Place,
    end: Place,
    at: Millis,
    size: u32,
    holding: u32,
    closes_at: Millis,
    late_until: Millis,
}

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    issued: u64,
    called: u64,
    left_ahead: u64,
    calls: VecDeque<Call>,
    /// Called places that asked and were told *next*, in order, and when they asked last. There are some only
    /// where a limit was lowered or everybody is held, and those who were called first mostly ask first.
    kept: Vec<(Rank, Millis)>,
    joins: VecDeque<(Rank, Millis)>,
    held_since: Option<Millis>,
}

impl Line {
    /// The next rank.
    pub fn issued(&self) -> Rank {
        Rank(self.issued)
    }

    /// Every place below it has been called.
    pub fn called(&self) -> Place {
        Place(self.called)
    }

    /// Every place below it may no longer enter.
    pub fn void(&self) -> Place {
        self.calls.front().map_or(Place(self.called), |call| call.first)
    }

    /// How many wait uncalled and have not left.
    pub fn waiting(&self) -> u64 {
        (self.issued - self.called).saturating_sub(self.left_ahead)
    }

    /// How many called places hold a seat.
    pub fn holding(&self, now: Millis) -> u64 {
        let holds = |call: &&Call| self.is_open(call, now) || planted(Bug::GhostHolds);
        self.calls.iter().filter(holds).map(|call| u64::from(call.holding)).sum()
    }

    /// Kept places whose own window is over: those in an open window hold a seat by it.
    pub fn kept_beyond_window(&self, now: Millis) -> u64 {
        self.kept.iter().filter(|(rank, _)| self.window(*rank, now) != Window::Open).count() as u64
    }

    /// Whether this called place asked before and was told *next*.
    pub fn is_kept(&self, rank: Rank) -> bool {
        self.kept_index(rank).is_ok()
    }

    /// How many kept places come before this one among those that stand as it does. (A latecomer never
    /// comes before a place that holds a seat.)
    pub fn kept_before(&self, rank: Rank, window: Window, now: Millis) -> u64 {
        let before = self.kept.iter().take_while(|(kept, _)| *kept < rank);
        before.filter(|(kept, _)| self.window(*kept, now) == window).count() as u64
    }

    /// Where a place stands now.
    pub fn window(&self, rank: Rank, now: Millis) -> Window {
        if rank.0 >= self.called {
            return Window::Uncalled;
        }
        match self.call_of(rank) {
            Some(index) => match self.calls.get(index) {
                Some(call) if self.is_open(call, now) => Window::Open,
                Some(call) if now < call.late_until => Window::Late,
                _ => Window::Void,
            },
            None => Window::Void,
        }
    }

    /// When the next window closes.
    pub fn next_close(&self, now: Millis) -> Option<Millis> {
        self.calls
            .iter()
            .filter(|call| self.is_open(call, now) && call.holding > 0)
            .map(|call| call.closes_at)
            .min()
    }

    /// When the last call was made.
    pub fn last_call_at(&self) -> Option<Millis> {
        self.calls.back().map(|call| call.at)
    }

    /// Calls of the last `span` as a rate, or none if there were none.
    pub fn calls_per_hour(&self, now: Millis, span: Millis) -> u64 {
        let since = now.minus(span);
        let recent = self.calls.iter().filter(|call| call.at >= since);
        let (count, first) = recent
            .fold((0u64, now), |(count, first), call| (count + u64::from(call.size), first.min(call.at)));
        // A line that began a moment ago has no rate yet: one call would look like thousands an hour.
        let elapsed = now.since(first);
        if elapsed.0 < 5_000 { 0 } else { count * 3_600_000 / elapsed.0 }
    }

    /// How long the first of the waiting has waited.
    pub fn longest_wait(&self, now: Millis) -> Millis {
        if self.waiting() == 0 {
            return Millis(0);
        }
        self.joins.front().map_or(Millis(0), |(_, at)| now.since(*at))
    }

    /// Gives the next `count` ranks.
    pub fn join(&mut self, count: u64, at: Millis) {
        let first = Rank(self.issued);
        self.issued = self.issued.saturating_add(count);
        let apart = self.joins.back().is_none_or(|(_, last)| at.since(*last) >= JOIN_RESOLUTION);
        if apart {
            self.joins.push_back((first, at));
        }
    }

    /// Moves the watermark.
    pub fn call(&mut self, end: Place, holding: u32, at: Millis, closes_at: Millis, late_until: Millis) {
        let end = Place(end.0.clamp(self.called, self.issued));
        let size = end.0 - self.called;
        self.left_ahead = self.left_ahead.saturating_sub(size.saturating_sub(u64::from(holding)));
        self.calls.push_back(Call {
            first: Place(self.called),
            end,
            at,
            size: holding,
            holding,
            closes_at,
            late_until,
        });
        self.called = end.0;
        // The entry that covers the first waiting rank stays.
        while self.joins.get(1).is_some_and(|(rank, _)| rank.0 <= self.called) {
            self.joins.pop_front();
        }
    }

    /// A ticket was exchanged or given up: it holds nothing any more.
    pub fn spend(&mut self, rank: Rank) {
        if let Ok(index) = self.kept_index(rank) {
            self.kept.remove(index);
        }
        if rank.0 >= self.called {
            self.left_ahead += 1;
        } else if let Some(index) = self.call_of(rank)
            && let Some(call) = self.calls.get_mut(index)
        {
            call.holding = call.holding.saturating_sub(1);
        }
    }

    /// A called place found no seat and asks again.
    pub fn keep(&mut self, rank: Rank, at: Millis) {
        match self.kept_index(rank) {
            Ok(index) => {
                if let Some((_, asked_at)) = self.kept.get_mut(index) {
                    *asked_at = at;
                }
            }
            Err(index) => self.kept.insert(index, (rank, at)),
        }
    }

    /// The operator holds everybody, or no longer does: then windows go on where they stood.
    pub fn hold(&mut self, hold: bool, at: Millis) {
        match (self.held_since, hold) {
            (None, true) => self.held_since = Some(at),
            (Some(since), false) => {
                let pause = at.since(since);
                for call in self.calls.iter_mut().filter(|call| call.closes_at > since) {
                    call.closes_at = call.closes_at.plus(pause);
                    call.late_until = call.late_until.plus(pause);
                }
                self.held_since = None;
            }
            _ => {}
        }
    }

    /// Forgets calls behind their late window and kept places that stopped asking.
    pub fn forget(&mut self, now: Millis) {
        while self.calls.front().is_some_and(|call| !self.is_open(call, now) && call.late_until <= now) {
            self.calls.pop_front();
        }
        let (void, held) = (self.void(), self.held_since.is_some());
        self.kept.retain(|(rank, asked_at)| rank.0 >= void.0 && (held || now.since(*asked_at) <= KEEP));
    }

    /// Where a place is among the kept, or would be.
    fn kept_index(&self, rank: Rank) -> Result<usize, usize> {
        self.kept.binary_search_by_key(&rank, |(kept, _)| *kept)
    }

    fn is_open(&self, call: &Call, now: Millis) -> bool {
        call.closes_at > self.held_since.unwrap_or(now)
    }

    fn call_of(&self, rank: Rank) -> Option<usize> {
        let index = self.calls.partition_point(|call| call.end.0 <= rank.0);
        self.calls.get(index).filter(|call| call.first.0 <= rank.0).map(|_| index)
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        out.number(self.issued);
        out.number(self.called);
        out.number(self.left_ahead);
        // Zero stands for not held, so times are written one higher.
        out.number(self.held_since.map_or(0, |since| since.0.saturating_add(1)));
        out.number(self.calls.len() as u64);
        for call in &self.calls {
            for number in [call.first.0, call.end.0, call.at.0, u64::from(call.size)] {
                out.number(number);
            }
            for number in [u64::from(call.holding), call.closes_at.0, call.late_until.0] {
                out.number(number);
            }
        }
        let (early, late) = self.joins.as_slices();
        write_pairs(out, [&self.kept, &[]]);
        write_pairs(out, [early, late]);
    }

    /// Reads what [`Line::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Line, Malformed> {
        let mut line = Line {
            issued: reader.number()?,
            called: reader.number()?,
            left_ahead: reader.number()?,
            held_since: reader.number()?.checked_sub(1).map(Millis),
            ..Line::default()
        };
        if line.called > line.issued {
            return Err(Malformed("a watermark among the ranks given"));
        }
        for _ in 0..reader.count(7)? {
            line.calls.push_back(Call {
                first: Place(reader.number()?),
                end: Place(reader.number()?),
                at: Millis(reader.number()?),
                size: reader.number_u32()?,
                holding: reader.number_u32()?,
                closes_at: Millis(reader.number()?),
                late_until: Millis(reader.number()?),
            });
        }
        for _ in 0..reader.count(2)? {
            line.keep(Rank(reader.number()?), Millis(reader.number()?));
        }
        for _ in 0..reader.count(2)? {
            line.joins.push_back((Rank(reader.number()?), Millis(reader.number()?)));
        }
        Ok(line)
    }
}

/// How many there are, and each.
fn write_pairs(out: &mut Writer, parts: [&[(Rank, Millis)]; 2]) {
    out.number(parts.iter().map(|part| part.len() as u64).sum());
    for (rank, at) in parts.into_iter().flatten() {
        out.number(rank.0);
        out.number(at.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn line() -> Line {
        let mut line = Line::default();
        line.join(10, NOW);
        line.call(Place(4), 4, NOW, NOW.plus(Millis(100)), NOW.plus(Millis(1_000)));
        line
    }

    #[test]
    fn a_place_goes_from_uncalled_over_open_and_late_to_void() {
        let mut line = line();
        assert_eq!(line.window(Rank(4), NOW), Window::Uncalled);
        assert_eq!(line.window(Rank(3), NOW.plus(Millis(99))), Window::Open);
        assert_eq!(line.window(Rank(3), NOW.plus(Millis(100))), Window::Late);
        assert_eq!(line.window(Rank(3), NOW.plus(Millis(1_000))), Window::Void);
        line.forget(NOW.plus(Millis(1_000)));
        assert_eq!((line.window(Rank(3), NOW), line.void()), (Window::Void, Place(4)));
    }

    #[test]
    fn what_is_claimed_or_left_holds_nothing() {
        let mut line = line();
        assert_eq!((line.holding(NOW), line.waiting()), (4, 6));
        line.spend(Rank(0));
        line.spend(Rank(9));
        assert_eq!((line.holding(NOW), line.waiting()), (3, 5));
        line.call(Place(10), 5, NOW, NOW.plus(Millis(100)), NOW.plus(Millis(1_000)));
        assert_eq!((line.holding(NOW), line.waiting()), (8, 0));
    }

    #[test]
    fn windows_stand_still_while_everybody_is_held() {
        let mut line = line();
        line.hold(true, NOW.plus(Millis(60)));
        assert_eq!(line.window(Rank(3), NOW.plus(Millis(5_000))), Window::Open);
        line.forget(NOW.plus(Millis(5_000)));
        line.hold(false, NOW.plus(Millis(5_000)));
        assert_eq!(line.window(Rank(3), NOW.plus(Millis(5_039))), Window::Open);
        assert_eq!(line.window(Rank(3), NOW.plus(Millis(5_040))), Window::Late);
    }

    #[test]
    fn the_longest_wait_is_that_of_the_first_in_line() {
        let mut line = Line::default();
        line.join(2, NOW);
        line.join(2, NOW.plus(Millis(2_000)));
        assert_eq!(line.longest_wait(NOW.plus(Millis(3_000))), Millis(3_000));
        line.call(Place(2), 2, NOW.plus(Millis(3_000)), NOW, NOW);
        assert_eq!(line.longest_wait(NOW.plus(Millis(3_000))), Millis(1_000));
    }

    #[test]
    fn kept_places_stand_in_the_order_of_the_line_however_they_asked() {
        let mut line = line();
        let late = NOW.plus(Millis(100));
        for rank in [3, 0, 2, 0] {
            line.keep(Rank(rank), late);
        }
        let before = |line: &Line, rank| line.kept_before(Rank(rank), Window::Late, late);
        assert_eq!([0, 2, 3, 9].map(|rank| before(&line, rank)), [0, 1, 2, 3]);
        assert_eq!(line.kept_beyond_window(late), 3);
        line.spend(Rank(2));
        assert_eq!((line.is_kept(Rank(2)), line.is_kept(Rank(3)), before(&line, 3)), (false, true, 1));
    }

    #[test]
    fn a_kept_place_that_asks_again_is_kept_from_then_on() {
        let mut line = Line::default();
        line.join(3, NOW);
        let (asked_at, end) = (NOW.plus(KEEP), NOW.plus(LATE_WINDOW));
        line.call(Place(2), 2, NOW, end, end);
        line.keep(Rank(0), NOW);
        line.keep(Rank(1), NOW);
        line.keep(Rank(0), asked_at);
        line.forget(asked_at.plus(Millis(1)));
        assert_eq!((line.is_kept(Rank(0)), line.is_kept(Rank(1))), (true, false));
    }

    #[test]
    fn the_kept_and_the_clock_are_written_in_order() {
        // Stored heads outlive deploys: behind the calls come the kept by rank, then the joins.
        let mut line = Line::default();
        line.join(3, Millis(1));
        line.keep(Rank(2), Millis(9));
        line.keep(Rank(1), Millis(8));
        let mut out = Writer::new();
        line.encode(&mut out);
        assert_eq!(out.into_bytes(), [3, 0, 0, 0, 0, 2, 1, 8, 2, 9, 1, 0, 1]);
    }

    #[test]
    fn a_line_survives_the_round_trip() {
        let mut line = line();
        line.keep(Rank(2), NOW);
        line.keep(Rank(1), NOW.plus(Millis(1)));
        line.hold(true, NOW);
        let mut out = Writer::new();
        line.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(Line::decode(&mut Reader::new(&bytes)), Ok(line));
    }
}
