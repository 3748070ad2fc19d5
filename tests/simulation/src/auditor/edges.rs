//! Edges follow the schedule on their own clock: a board says the next two changes ahead, so from the instant of one on nobody may be treated by what held
//! before it. An edge's clock is its own, but for that there is no patience; what was *ordered* a moment ago it may not have heard of yet.
//!
//! Judged is what an edge decides without asking: whom it lets through without a pass, whose ended session it honours, and what it tells those who have
//! a ticket.

use durable::board::Board;
use durable::units::Millis;

use super::facts::PassFacts;
use super::rules::{Limits, Orders, Way};
use super::{Auditor, Rule};
use crate::workload::browser::Told;

/// Until then every edge has heard what was ordered: a board is acted on for eleven seconds, and has its way, twice.
const UNHEARD: Millis = Millis(30_000);
/// So many changes are on a board.
const ANNOUNCED: usize = 2;
/// So often it is looked what holds, where clocks differ.
const STEP: Millis = Millis(50);

impl Auditor {
    /// Whether people may get to the origin without a pass, by an edge whose clock says so.
    pub(super) fn is_open(&self, now: Millis, clock: Millis) -> bool {
        self.may_hold(now, clock, Way::is_open)
    }

    /// An edge tells somebody where they stand, by its memory alone.
    pub fn edge_told(&mut self, now: Millis, clock: Millis, told: &Told) {
        let Told::Answer { state, .. } = told else { return };
        let draws = self.maybe_in_force(now).any(|orders| orders.events.iter().any(|event| event.shuffle));
        let fits = |way: Way| match state.as_str() {
            "waiting" | "drawing" => way.calls(),
            "held" => matches!(way, Way::Held | Way::Closed),
            // A place that is to be drawn is none until the draw is heard of.
            "prequeue" => way == Way::Prequeue || draws,
            "closed" => way == Way::Closed,
            _ => true,
        };
        let right = self.may_hold(now, clock, fits);
        let way = self.facts.orders.limits(clock).map(|limits| limits.way);
        self.check(now, right, Rule::Kept, || {
            format!("an edge tells somebody {state} in {way:?}, by its own clock")
        });
    }

    /// Whether a session was ended by the schedule, and every edge had heard that it would be: by this clock it is over. Where sessions were ended
    /// besides, or orders changed, boards that are about may count on one ending less.
    pub(super) fn is_swept(&self, clock: Millis, pass: &PassFacts) -> bool {
        let facts = &self.facts;
        let [.., (ended_at, Some(swept))] = facts.sessions_ended.as_slice() else { return false };
        let before = facts.sessions_ended.iter().rev().nth(1).map(|(at, _)| *at);
        let lately = |at: Millis| ended_at.since(at) <= UNHEARD;
        let event = facts.orders.events.iter().find(|event| super::draws::occasion(event) == *swept);
        let changed = facts.former.iter().any(|(until, _)| lately(*until)) || before.is_some_and(lately);
        !changed
            && pass.admitted_at < *ended_at
            && event.is_some_and(|event| event.prequeue_ms <= clock.0)
            && !self.has_changed_often(clock)
    }

    /// Boards count every end of all sessions, those that are due and not committed yet among them: edges that follow the schedule are there already.
    pub(super) fn judge_board_sessions(&mut self, now: Millis, board: &Board) {
        let due = self.unswept(Millis(board.at_ms)).count();
        let ended = self.facts.sessions_ended.len();
        self.check(now, board.pass_epoch as usize == ended + due, Rule::Kept, || {
            format!(
                "the board says that sessions ended {} times; they did {ended}, and {due} are due",
                board.pass_epoch
            )
        });
    }

    /// Whether this may be what an edge goes by: what holds by its clock, or by the Room's if that is ahead; or what held before an order that it has not heard.
    fn may_hold(&self, now: Millis, clock: Millis, fits: impl Fn(Way) -> bool) -> bool {
        let ahead = now.since(clock).0;
        let moments =
            (0..=ahead / STEP.0).map(|step| clock.plus(Millis(step * STEP.0))).chain([clock.max(now)]);
        let holds = |orders: &Orders| {
            let way = |at| orders.limits(at).map(|Limits { way, .. }| way);
            moments.clone().any(|at| way(at).is_some_and(&fits))
        };
        self.maybe_in_force(now).any(holds) || self.has_changed_often(clock)
    }

    /// What is ordered, and what was a moment ago: not every edge has heard.
    fn maybe_in_force(&self, now: Millis) -> impl Iterator<Item = &Orders> {
        let former = self.facts.former.iter().filter(move |(until, _)| now.since(*until) <= UNHEARD);
        former.map(|(_, orders)| orders).chain([&self.facts.orders])
    }

    /// Whether a board that is still acted on did not tell of the last change.
    fn has_changed_often(&self, clock: Millis) -> bool {
        let events = self.facts.orders.events.iter();
        let mut instants: Vec<u64> =
            events.flat_map(|event| [event.prequeue_ms, event.start_ms, event.end_ms]).collect();
        instants.sort_unstable();
        instants.dedup();
        let recent = instants.iter().filter(|at| **at <= clock.0 && clock.0 - **at <= UNHEARD.0);
        recent.count() > ANNOUNCED
    }
}
