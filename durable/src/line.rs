//! The line: ranks given and places called. Rules 3 and 5.
//!
//! The watermark `called` only grows, so no place is ever called before a lower one. It counts places; whose they are
//! is known to [`crate::draws`] alone. Each movement of the watermark is a [`Call`] with its window.
//! While nobody may claim (the operator holds everybody, or every seat is taken by those who were called) the windows' clock stands still:
//! nobody loses a turn they could not take.
//!
//! How many to call is the Room's decision; who spent their ticket is in [`crate::spent`].

use std::collections::VecDeque;

use crate::call::{Call, ShowUp, Window, next_close, teach, untaught};
use crate::codec::{Reader, Writer};
use crate::planted::{Bug, planted};
use crate::units::{Millis, Place, Rank};

/// One movement of the watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    first: Place,
    end: Place,
    call: Call,
}

/// See the module's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    issued: u64,
    called: u64,
    /// Places ahead of the watermark that wait no more: given up, or called by a round.
    gone_ahead: u64,
    moves: VecDeque<Move>,
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
        self.moves.front().map_or(Place(self.called), |moved| moved.first)
    }

    /// How many wait uncalled and have not left.
    pub fn waiting(&self) -> u64 {
        (self.issued - self.called).saturating_sub(self.gone_ahead)
    }

    /// Whether there are uncalled places, and nobody waits in any of them.
    pub fn has_only_gone(&self) -> bool {
        self.called < self.issued && self.waiting() == 0
    }

    /// The windows' clock.
    pub fn clock(&self, now: Millis) -> Millis {
        self.held_since.unwrap_or(now).min(now)
    }

    /// Whether it stands still.
    pub fn is_held(&self) -> bool {
        self.held_since.is_some()
    }

    /// How many seats called places hold; `kept` says how many of the places from one to another asked in vain.
    pub fn holding(&self, now: Millis, show_up: ShowUp, kept: impl Fn(Place, Place) -> u32) -> u64 {
        let clock = self.clock(now);
        let holds = |moved: &&Move| moved.call.window(clock) == Window::Open || planted(Bug::GhostHolds);
        let open = self.moves.iter().filter(holds);
        open.map(|Move { first, end, call }| u64::from(call.held(show_up, kept(*first, *end)))).sum()
    }

    /// Where a place stands now.
    pub fn window(&self, place: Place, now: Millis) -> Window {
        if place.0 >= self.called {
            return Window::Uncalled;
        }
        let moved = self.move_of(place).and_then(|index| self.moves.get(index));
        moved.map_or(Window::Void, |moved| moved.call.window(self.clock(now)))
    }

    /// When the next window closes.
    pub fn next_close(&self, now: Millis) -> Option<Millis> {
        next_close(&mut self.calls(), self.clock(now))
    }

    /// When the last call was made.
    pub fn last_call_at(&self) -> Option<Millis> {
        self.moves.back().map(|moved| moved.call.at)
    }

    /// What closed calls teach that was not learnt yet: how many were called, and how many of them claimed.
    pub fn untaught(&self, now: Millis) -> (u64, u64) {
        untaught(&mut self.calls(), self.clock(now))
    }

    /// That was learnt.
    pub fn teach(&mut self, now: Millis) {
        let clock = self.clock(now);
        teach(&mut self.moves.iter_mut().map(|moved| &mut moved.call), clock);
    }

    /// The calls whose places may still enter, oldest first.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.moves.iter().map(|moved| &moved.call)
    }

    /// Gives the next `count` ranks.
    pub fn join(&mut self, count: u64) {
        self.issued = self.issued.saturating_add(count);
    }

    /// Ranks and places begin at zero again. Whether the windows' clock stands still is about none of them.
    pub fn begin_anew(&mut self) {
        *self = Line { held_since: self.held_since, ..Line::default() };
    }

    /// Moves the watermark; `holding` of the places it passes still wait. A window that is void at once holds nothing and teaches nothing.
    pub fn call(&mut self, end: Place, holding: u32, at: Millis, closes_at: Millis, late_until: Millis) {
        let end = Place(end.0.clamp(self.called, self.issued));
        let passed = end.0 - self.called;
        self.gone_ahead = self.gone_ahead.saturating_sub(passed.saturating_sub(u64::from(holding)));
        let size = if late_until > at { holding } else { 0 };
        let call = Call::new(at, size, closes_at, late_until);
        let first = Place(self.called);
        match self.moves.back_mut().filter(|last| last.call.goes_on_with(&call)) {
            Some(last) => {
                (last.end, last.call.at) = (end, at);
                last.call.size = last.call.size.saturating_add(size);
                last.call.holding = last.call.holding.saturating_add(size);
            }
            None => self.moves.push_back(Move { first, end, call }),
        }
        self.called = end.0;
    }

    /// So many places ahead of the watermark wait no more.
    pub fn go_ahead(&mut self, count: u64) {
        self.gone_ahead = self.gone_ahead.saturating_add(count);
    }

    /// So many of them wait again: a round's winners who never came.
    pub fn come_back(&mut self, count: u64) {
        self.gone_ahead = self.gone_ahead.saturating_sub(count);
    }

    /// A called place claimed or was given up: it holds nothing any more.
    pub fn spend(&mut self, place: Place, claimed: bool, now: Millis) {
        let clock = self.clock(now);
        if let Some(moved) = self.move_of(place).and_then(|index| self.moves.get_mut(index)) {
            moved.call.spend(claimed, clock);
        }
    }

    /// The windows' clock stands still, or goes on where it stood: how long it stood, and since when.
    pub fn hold(&mut self, hold: bool, at: Millis) -> Option<(Millis, Millis)> {
        match (self.held_since, hold) {
            (None, true) => self.held_since = Some(at),
            (Some(since), false) => {
                let pause = at.since(since);
                self.moves.iter_mut().for_each(|moved| moved.call.pause(since, pause));
                self.held_since = None;
                return Some((since, pause));
            }
            _ => {}
        }
        None
    }

    /// Forgets calls behind their late window.
    pub fn forget(&mut self, now: Millis) {
        let clock = self.clock(now);
        while self.moves.front().is_some_and(|moved| moved.call.window(clock) == Window::Void) {
            self.moves.pop_front();
        }
    }

    fn move_of(&self, place: Place) -> Option<usize> {
        let index = self.moves.partition_point(|moved| moved.end.0 <= place.0);
        self.moves.get(index).filter(|moved| moved.first.0 <= place.0).map(|_| index)
    }

    /// As bytes of a snapshot.
    pub fn encode(&self, out: &mut Writer) {
        out.number(self.issued);
        out.number(self.called);
        out.number(self.gone_ahead);
        // Zero stands for not held, so times are written one higher.
        out.number(self.held_since.map_or(0, |since| since.0.saturating_add(1)));
        out.number(self.moves.len() as u64);
        for Move { first, end, call } in &self.moves {
            out.number(first.0);
            out.number(end.0);
            call.encode(out);
        }
    }

    /// Reads what [`Line::encode`] wrote, in a head page of this version.
    pub fn decode(reader: &mut Reader<'_>, version: u8) -> Line {
        let mut line = Line {
            issued: reader.number(),
            called: reader.number(),
            gone_ahead: reader.number(),
            held_since: reader.number().checked_sub(1).map(Millis),
            ..Line::default()
        };
        reader.expect(line.called <= line.issued && line.issued <= Rank::LIMIT);
        for _ in 0..reader.count(7) {
            let (first, end) = (Place(reader.number()), Place(reader.number()));
            line.moves.push_back(Move { first, end, call: Call::decode(reader, version) });
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn line() -> Line {
        let mut line = Line::default();
        line.join(10);
        line.call(Place(4), 4, NOW, NOW.plus(Millis(100)), NOW.plus(Millis(1_000)));
        line
    }

    fn holding(line: &Line) -> u64 {
        line.holding(NOW, ShowUp::default(), |_, _| 0)
    }

    #[test]
    fn a_place_goes_from_uncalled_over_open_and_late_to_void() {
        let mut line = line();
        assert_eq!(line.window(Place(4), NOW), Window::Uncalled);
        assert_eq!(line.window(Place(3), NOW.plus(Millis(99))), Window::Open);
        assert_eq!(line.window(Place(3), NOW.plus(Millis(100))), Window::Late);
        assert_eq!(line.window(Place(3), NOW.plus(Millis(1_000))), Window::Void);
        line.forget(NOW.plus(Millis(1_000)));
        assert_eq!((line.window(Place(3), NOW), line.void()), (Window::Void, Place(4)));
    }

    #[test]
    fn what_one_moment_calls_in_parts_and_whatever_is_void_at_once_is_one_call() {
        let mut line = line();
        line.call(Place(6), 2, NOW, NOW.plus(Millis(100)), NOW.plus(Millis(1_000)));
        assert_eq!((line.calls().count(), holding(&line), line.waiting()), (1, 6, 4));
        line.spend(Place(5), true, NOW);
        assert_eq!((line.window(Place(5), NOW), holding(&line)), (Window::Open, 5));
        let later = |millis| NOW.plus(Millis(millis));
        line.call(Place(7), 1, later(1), Millis(0), Millis(0));
        line.call(Place(9), 2, later(2), Millis(0), Millis(0));
        assert_eq!((line.calls().count(), holding(&line), line.waiting()), (2, 5, 1));
        assert_eq!((line.window(Place(8), later(2)), line.last_call_at()), (Window::Void, Some(later(2))));
        line.call(Place(10), 1, later(3), later(100), later(1_000));
        assert_eq!(line.calls().count(), 3, "another moment is another call");
    }

    #[test]
    fn what_is_claimed_or_left_holds_nothing() {
        let mut line = line();
        assert_eq!((holding(&line), line.waiting()), (4, 6));
        line.spend(Place(0), true, NOW);
        line.go_ahead(1);
        assert_eq!((holding(&line), line.waiting()), (3, 5));
        line.call(Place(10), 5, NOW, NOW.plus(Millis(100)), NOW.plus(Millis(1_000)));
        assert_eq!((holding(&line), line.waiting()), (8, 0));
    }

    #[test]
    fn windows_stand_still_while_nobody_may_claim() {
        let mut line = line();
        line.hold(true, NOW.plus(Millis(60)));
        assert_eq!(line.window(Place(3), NOW.plus(Millis(5_000))), Window::Open);
        line.forget(NOW.plus(Millis(5_000)));
        let paused = line.hold(false, NOW.plus(Millis(5_000)));
        assert_eq!(paused, Some((NOW.plus(Millis(60)), Millis(4_940))));
        assert_eq!(line.window(Place(3), NOW.plus(Millis(5_039))), Window::Open);
        assert_eq!(line.window(Place(3), NOW.plus(Millis(5_040))), Window::Late);
    }

    #[test]
    fn a_closed_call_teaches_once() {
        let mut line = line();
        line.spend(Place(0), true, NOW);
        assert_eq!(line.untaught(NOW), (0, 0));
        let closed = NOW.plus(Millis(100));
        assert_eq!(line.untaught(closed), (4, 1));
        line.teach(closed);
        assert_eq!(line.untaught(closed), (0, 0));
    }

    #[test]
    fn a_line_survives_the_round_trip() {
        let mut line = line();
        line.hold(true, NOW);
        let mut out = Writer::new();
        line.encode(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(Line::decode(&mut Reader::new(&bytes), 2), line);
    }
}
