//! Sessions, as a step of the Room decides on them: a seat is given with a pass, the pass is prolonged, given up or ended, and whoever lost it to the
//! clock alone gets the seat back. Rules 1 and 4; whether somebody may come in at all is decided by who calls [`Turn::admit`].

use crate::admission::free_seats;
use crate::batch::{Grant, PassRef, RenewOutcome};
use crate::board::Board;
use crate::codec::Malformed;
use crate::draws::Occasion;
use crate::journal::Change;
use crate::planted::{Bug, planted};
use crate::room::Output;
use crate::schedule::Rules;
use crate::seats::{self, Renewal, SeatRecord};
use crate::token::PassStanding;
use crate::turn::Turn;
use crate::units::{Generation, Millis, Rank, Seat};

/// A pass is dead at every edge this long after it expired, clocks and all.
const EXPIRY_SLACK: Millis = Millis(2_000);
/// A revoked pass is dead at every edge this long after the longest board age: a board may be acted on for a second more, and its age does
/// not count its way from the Room by two lobbies, each leg of which is as long as a call is waited for (`PATIENCE_MS`, `src/errands.mjs`) at most.
const REVOCATION_SLACK: Millis = Millis(7_000);
/// Entries of the revocation list; further seats wait for their expiry.
const REVOKED_MAX: usize = 16_384;

impl Turn<'_> {
    pub(crate) fn admit(&mut self, rank: Option<Rank>, rules: &Rules) -> Result<Grant, Malformed> {
        let standing = if rank.is_some() { PassStanding::Confirmed } else { PassStanding::Unconfirmed };
        let (grant, free_at) = self.new_grant(self.state.seats.lowest_free(), standing, rules);
        self.change(Change::Admitted { rank, grant, free_at })?;
        Ok(grant)
    }

    /// Gives a seat to a first contact.
    pub(crate) fn admit_unconfirmed(&mut self, rules: &Rules) -> Result<Grant, Malformed> {
        if rules.mode.calls() {
            self.spend_pace(rules, 1);
        }
        self.admit(None, rules)
    }

    /// A region gives back what it had in hand: a seat, and one of those that may be admitted within 60 s. The pacer has no memory of it: what it had spent has come
    /// again with time, and more at once than a burst are never let in. What was seen by anybody was never there.
    pub(crate) fn take_back(&mut self, pass: &PassRef) -> Result<(), Malformed> {
        let record = self.seat_of(pass).filter(|record| {
            record.renewal == Renewal::Never && record.grant.standing == PassStanding::Unconfirmed
        });
        let Some(SeatRecord { admitted_at: given_at, .. }) = record else { return Ok(()) };
        let PassRef { seat, generation, .. } = *pass;
        self.change(Change::LeaseReturned { seat, generation, given_at })
    }

    /// A pass for a free seat, and when that is free again if nothing else happens.
    fn new_grant(
        &self,
        (seat, generation): (Seat, Generation),
        standing: PassStanding,
        rules: &Rules,
    ) -> (Grant, Millis) {
        let expires = self.now.plus(rules.pass_lifetime());
        let grant = Grant { seat, generation, issued: self.now, expires, standing };
        (grant, seats::free_at(expires.plus(EXPIRY_SLACK)))
    }

    /// Whether a pass is of these sessions, not of some that were ended.
    fn is_current(&self, pass: &PassRef) -> bool {
        (pass.epoch, pass.pass_epoch) == (self.state.epoch, self.state.pass_epoch)
    }

    /// The live seat a pass names, unless the pass was given up.
    pub(crate) fn seat_of(&self, pass: &PassRef) -> Option<SeatRecord> {
        let record = self.state.seats.get(pass.seat, pass.generation).filter(|_| self.is_current(pass))?;
        (record.renewal != Renewal::Revoked).then_some(record)
    }

    pub(crate) fn renew(&mut self, pass: &PassRef, rules: &Rules) -> Result<RenewOutcome, Malformed> {
        let Some(record) = self.seat_of(pass) else {
            return self.give_back(pass, rules);
        };
        let fixed = rules.fixed_sessions;
        let expires = record.grant.expires;
        if fixed && expires <= self.now {
            return Ok(RenewOutcome::Ended);
        }
        let grant = Grant {
            issued: if fixed { record.grant.issued } else { self.now },
            expires: if fixed { expires } else { expires.max(self.now.plus(rules.pass_lifetime())) },
            standing: PassStanding::Confirmed,
            ..record.grant
        };
        if grant != record.grant {
            let free_at = seats::free_at(grant.expires.plus(EXPIRY_SLACK)).max(record.free_at);
            self.change(Change::Renewed { grant, free_at })?;
        }
        Ok(RenewOutcome::Renewed(grant))
    }

    /// Whoever was away for longer than their pass was good for (an outage, a bank's page) gets their seat back outside line and pace, if it was neither
    /// given nor promised to anybody since. How long ago the pass expired is for the edge to know: here it is forgotten.
    fn give_back(&mut self, pass: &PassRef, rules: &Rules) -> Result<RenewOutcome, Malformed> {
        let PassRef { seat, generation, .. } = *pass;
        let is_theirs = self.is_current(pass) && self.state.seats.is_left_by(seat, generation);
        let returns = rules.mode.calls() && !rules.fixed_sessions;
        let is_promised = || free_seats(self.state, rules) == 0 && !planted(Bug::PromisedReturns);
        if !is_theirs || !returns || is_promised() {
            return Ok(RenewOutcome::Ended);
        }
        let (grant, free_at) = self.new_grant((seat, generation), PassStanding::Confirmed, rules);
        self.change(Change::Returned { grant, free_at })?;
        Ok(RenewOutcome::Renewed(grant))
    }

    /// The operator ends one session, if there is such a one.
    pub(crate) fn end(&mut self, seat: Seat, generation: Generation) -> Result<Output, Malformed> {
        let record = self.state.seats.get(seat, generation);
        Ok(match record.filter(|record| record.renewal != Renewal::Revoked) {
            Some(record) if self.revoke(&record)? => Output::Ended(true),
            Some(_) => Output::RevocationsFull,
            None => Output::Ended(false),
        })
    }

    /// Everybody who is inside is out; the line stays.
    pub(crate) fn end_all(&mut self, occasion: Option<Occasion>) -> Result<(), Malformed> {
        let free_at = seats::free_at(self.dead_at());
        self.change(Change::SessionsEnded { occasion, free_at })
    }

    /// Whether the list of revoked passes had room for it.
    pub(crate) fn revoke(&mut self, record: &SeatRecord) -> Result<bool, Malformed> {
        if self.state.revoked.len() >= REVOKED_MAX {
            return Ok(false);
        }
        let forget_at = record.grant.expires.plus(EXPIRY_SLACK);
        let Grant { seat, generation, .. } = record.grant;
        let free_at = seats::free_at(self.dead_at()).min(record.free_at);
        self.change(Change::PassLeft { seat, generation, free_at, forget_at })?;
        Ok(true)
    }

    /// When what is told now has reached every edge.
    pub(crate) fn dead_at(&self) -> Millis {
        let quiet_lately = self.now.since(self.state.quiet_until) <= Board::MAX_AGE_QUIET.plus(Board::GRACE);
        let longest = if quiet_lately { Board::MAX_AGE_QUIET } else { Board::MAX_AGE_BUSY };
        if planted(Bug::RevokedSeatAtOnce) { self.now } else { self.now.plus(longest).plus(REVOCATION_SLACK) }
    }
}
