//! What visitors are told. Whatever cookie they are given is in rows (rule 6); nobody in line is sent to its end again; and nobody whose turn
//! has come is kept away by a board that may not be acted on any more (rule 8).

use durable::seen::Seen;
use durable::token::{Pass, Ticket};
use durable::units::Millis;

use super::facts::{GRACE, Published};
use super::{Auditor, Rule};
use crate::workload::browser::{Aim, Cookie, Request, Told};
use crate::world::{keys, tag};

/// An answer is under way so long, and 2 s are allowed for.
const TRAVEL: Millis = Millis(3_000);
/// What was under way when the rush ended has arrived by then.
const SETTLED: Millis = Millis(10_000);

/// Tokens that were believed before.
#[derive(Clone, Default)]
pub(super) struct Visitors {
    pub(super) seen: Seen,
}

impl Auditor {
    /// A visitor hears an answer to what they asked.
    pub fn visitor_heard(&mut self, now: Millis, visitor: usize, request: &Request, told: &Told) {
        if let Some(token) = told.cookie().and_then(Cookie::token) {
            self.judge_token(now, token);
        }
        let Told::Answer { state, cookie, .. } = told else { return };
        let mut cookies = request.cookies.split(';');
        let (Some((_, token)), None) = (cookies.next().and_then(|pair| pair.split_once('=')), cookies.next())
        else {
            return;
        };
        let Some(ticket) = self.ticket(token).filter(|ticket| ticket.epoch == self.facts.epoch()) else {
            return;
        };
        let rank = ticket.rank.0;
        let Some(facts) = self.facts.rank(rank).copied() else { return };
        let living = !facts.is_spent() && request.aim != Aim::Leave;
        let in_time =
            facts.turn.is_none_or(|turn| now.plus(TRAVEL) < turn.late_until) && !facts.has_died(now);
        let sent_back = state == "joining" && matches!(cookie, Some(Cookie::Keep(_)));
        self.check(now, !(sent_back && living && in_time), Rule::Kept, || {
            format!("visitor {visitor} has rank {rank} and is sent to the end of the line")
        });
        let is_in_line = matches!(state.as_str(), "waiting" | "drawing" | "prequeue");
        // Behind its late window a round is forgotten, and whom it called waits again.
        if let Some(turn) = facts.turn.filter(|_| is_in_line && living && in_time) {
            let asked_at = now.minus(TRAVEL);
            let quiet = self.live.quiet_since.is_some_and(|since| asked_at.since(since) > SETTLED);
            let usable =
                |board: &Published| board.at < turn.at && asked_at.since(board.at) <= board.age.plus(GRACE);
            let excused = turn.at > asked_at || self.facts.boards.iter().any(usable);
            self.check(now, !quiet || excused, Rule::Live, || {
                format!("visitor {visitor} was called {} ms ago and is told to wait", now.since(turn.at).0)
            });
        }
    }

    fn judge_token(&mut self, now: Millis, token: &str) {
        if let Some(ticket) = self.ticket(token) {
            let issued = self.facts.issued_with(&ticket);
            self.check(now, ticket.rank.0 < issued, Rule::Durable, || {
                format!("rank {} is told, {issued} are committed", ticket.rank.0)
            });
        } else if let Some(pass) = self.pass(token) {
            let committed = self.facts.passes.get(&(pass.seat.0, pass.generation.0));
            let known = committed.is_some_and(|facts| pass.expires <= facts.grant.expires);
            self.check(now, known, Rule::Durable, || format!("{pass:?} is told, and is in no row"));
        }
    }

    fn ticket(&mut self, token: &str) -> Option<Ticket> {
        keys()
            .verify_seen::<Ticket>(token, &mut self.visitors.seen)
            .ok()
            .filter(|ticket| ticket.room == tag())
    }

    /// A pass of this room, if it is one.
    pub(super) fn pass(&mut self, token: &str) -> Option<Pass> {
        keys().verify_seen::<Pass>(token, &mut self.visitors.seen).ok().filter(|pass| pass.room == tag())
    }
}
