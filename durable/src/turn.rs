//! One step of a [`Room`](crate::room::Room) under way: every decision is carried out at once and remembered for the journal's row.
//!
//! The order within a step: what the schedule brings and whether claims are open, then what came in, then what was learnt, then whom to
//! call, then whether claims are open still. Each reads what the ones before it changed.
//!
//! How the cap is kept: `live + holding + kept ≤ total_active_users` whenever a seat is given without a promise; a claim
//! in its window takes a seat that is empty, or none. So live seats never exceed the limit, whoever comes and whenever it was lowered.

use sha2::{Digest as _, Sha256};

use crate::admission::{
    claims_closed, empty_seats, enters_allowed, forecast, free_seats, late_quarter, leases_allowed,
    pace_allowed, window_allowed,
};
use crate::batch::{Batch, BatchAnswer, ClaimOutcome, Items, Reply, TicketRef};
use crate::call::{LATE_WINDOW, Window};
use crate::codec::Malformed;
use crate::draw::mix;
use crate::journal::Change;
use crate::pace::{self, WINDOW};
use crate::planted::{Bug, planted};
use crate::replies::Verdict;
use crate::rounds::{self, draw_among};
use crate::schedule::{Mode, Rules, next_instant};
use crate::seats::{Renewal, SeatRecord};
use crate::state::{Config, PageId, State};
use crate::token::Holder;
use crate::units::{Millis, Place, Rank};
use crate::wire::to_text;

/// Places are called at most this often: boards travel no faster, and a call is a row.
const CALL_SPACING: Millis = Millis(1_000);
/// A window stays open this much longer than visitors are told: their last request is under way.
const CLAIM_SLACK: Millis = Millis(5_000);
/// A drawn place's window begins so long after the start: everybody has to hear of the draw first.
const DRAW_SLACK: Millis = Millis(30_000);
/// Asking again gives the same pass for this long at least.
const REPEAT_WINDOW: Millis = Millis(120_000);
/// When a kept place asks again.
const NEXT_RETRY: Millis = Millis(3_000);

/// Random bytes for one step: what it draws from them is told apart by a count.
pub type Entropy = [u8; 32];

/// One step under way.
pub(crate) struct Turn<'a> {
    pub(crate) state: &'a mut State,
    /// Nothing was decided since.
    pub(crate) decided_at: Millis,
    pub(crate) now: Millis,
    entropy: Entropy,
    drawn: u64,
    /// Stored pages that are void once its row is written.
    pub(crate) dropped: Vec<PageId>,
    pub(crate) changes: Vec<Change>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(state: &'a mut State, decided_at: Millis, now: Millis, entropy: Entropy) -> Turn<'a> {
        Turn { state, decided_at, now, entropy, drawn: 0, dropped: Vec::new(), changes: Vec::new() }
    }

    pub(crate) fn change(&mut self, change: Change) -> Result<(), Malformed> {
        self.state.apply(self.now, &change, |_| true)?;
        if planted(Bug::RenewalUnwritten) && matches!(change, Change::Renewed { .. }) {
            return Ok(());
        }
        self.changes.push(change);
        Ok(())
    }

    pub(crate) fn rules(&self) -> Option<Rules> {
        self.state.rules(self.now)
    }

    pub(crate) fn random_bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        Sha256::new().chain_update(self.entropy).chain_update(self.drawn.to_be_bytes()).finalize().into()
    }

    pub(crate) fn configure(&mut self, config: Config) -> Result<u64, Malformed> {
        let held = self.state.config.as_ref();
        if let Some(held) = held.filter(|held| config.version <= held.version) {
            return Ok(held.version);
        }
        let events_differ = held.is_none_or(|held| held.events != config.events);
        let per_minute = self.per_minute(self.now);
        // What the schedule was before this says no more when anything stopped.
        self.decided_at = self.now;
        let Config { version, directory_version, settings, events } = config;
        let settings = to_text(&settings.to_json());
        self.change(Change::Configured { version, directory_version, settings })?;
        if events_differ {
            self.change(Change::Scheduled { events: to_text(&events) })?;
        }
        self.follow_schedule()?;
        self.follow_rate(per_minute);
        Ok(version)
    }

    pub(crate) fn batch(&mut self, batch: &Batch) -> Result<BatchAnswer, Malformed> {
        match self.state.judge(&batch.name, &batch.digest) {
            Verdict::New => {}
            Verdict::Repeated(_) if planted(Bug::BatchTwice) => {}
            Verdict::Repeated(reply) => return Ok(BatchAnswer::Done(Reply::decode(reply)?)),
            Verdict::Expected(number) => return Ok(BatchAnswer::Expected(number)),
            Verdict::Refused => return Ok(BatchAnswer::Refused),
        }
        let Some(rules) = self.rules() else {
            return Ok(BatchAnswer::Refused);
        };
        let reply = self.carry_out(&batch.items, &rules)?;
        let Items { health, .. } = batch.items;
        if !health.is_empty() && self.state.hears_origin() {
            self.change(Change::OriginHeard { health })?;
        }
        self.change(Change::Answered {
            name: batch.name.clone(),
            digest: batch.digest,
            reply: reply.encode(),
        })?;
        Ok(BatchAnswer::Done(reply))
    }

    fn carry_out(&mut self, items: &Items, rules: &Rules) -> Result<Reply, Malformed> {
        for pass in &items.lease_returns {
            self.take_back(pass)?;
        }
        for pass in &items.pass_leaves {
            if let Some(record) = self.seat_of(pass) {
                self.revoke(&record)?;
            }
        }
        for ticket in &items.ticket_leaves {
            self.leave_ticket(ticket)?;
        }
        let mut renewals = Vec::with_capacity(items.renewals.len());
        for pass in &items.renewals {
            renewals.push(self.renew(pass, rules)?);
        }
        let mut claims = Vec::with_capacity(items.claims.len());
        for ticket in &items.claims {
            claims.push(self.claim(ticket, rules)?);
        }
        let first_rank = self.state.line.issued();
        self.join(&items.joins, rules)?;
        let mut entered = Vec::new();
        for _ in 0..items.enters {
            if enters_allowed(self.state, rules) == 0 {
                break;
            }
            entered.push(self.admit_unconfirmed(rules)?);
        }
        let mut leased = Vec::new();
        for _ in 0..leases_allowed(self.state, rules).min(items.leases.into()) {
            leased.push(self.admit_unconfirmed(rules)?);
        }
        let State { epoch, pass_epoch, .. } = *self.state;
        let joined_at = self.now;
        Ok(Reply { epoch, pass_epoch, first_rank, joined_at, claims, renewals, entered, leased })
    }

    fn join(&mut self, holders: &[Holder], rules: &Rules) -> Result<(), Malformed> {
        // In Wasm a length has 32 bits: fewer than there are ranks.
        let left = Rank::LIMIT.saturating_sub(self.state.line.issued().0).min(holders.len() as u64);
        let holders = holders.get(..left as usize).unwrap_or_default();
        if holders.is_empty() {
            return Ok(());
        }
        if self.state.waits.begins_entry(self.now) {
            let promised = self.promise(rules);
            self.change(Change::Promised { wait: promised })?;
        }
        if let Some(gathering) = self.state.draws.gathering() {
            let heard = holders.iter().skip(usize::from(planted(Bug::JoinUnmixed)));
            let hash = heard.fold(gathering.hash, mix);
            self.change(Change::Mixed { hash })?;
        }
        self.change(Change::Joined { count: holders.len() as u64 })
    }

    /// What whoever joins next is told; nothing where places are drawn or nobody is called.
    fn promise(&self, rules: &Rules) -> Millis {
        let told = rules.mode == Mode::Fifo && self.state.line.waiting() > 0;
        let seconds = forecast(self.state, rules).seconds(self.state.line.waiting()).filter(|_| told);
        seconds.map_or(Millis(0), Millis::from_secs)
    }

    fn claim(&mut self, ticket: &TicketRef, rules: &Rules) -> Result<ClaimOutcome, Malformed> {
        let TicketRef { epoch, rank } = *ticket;
        let is_believed = planted(Bug::OldEpochClaims) && epoch < self.state.epoch;
        if epoch != self.state.epoch && !is_believed {
            return Ok(ClaimOutcome::Void);
        }
        if self.state.spent.contains(rank) && !planted(Bug::SpentClaimsAgain) {
            return Ok(self.claim_again(rank));
        }
        let window = self.state.window(rank);
        match window {
            Window::Uncalled => return Ok(ClaimOutcome::Waiting),
            Window::Void => return Ok(ClaimOutcome::Void),
            Window::Open | Window::Late => {}
        }
        if !rules.mode.calls() || !self.claim_allowed(rank, window, rules) {
            self.change(Change::Kept { rank })?;
            return Ok(ClaimOutcome::Next { retry: NEXT_RETRY });
        }
        if window == Window::Late && self.state.line.waiting() > 0 {
            self.state.late_pacer =
                self.state.late_pacer.after(self.now, late_quarter(rules.pace_per_minute), 1);
        }
        Ok(ClaimOutcome::Granted(self.admit(Some(rank), rules)?))
    }

    /// Whether a called place that asks may have a seat now. In its window any empty seat will do that no lower place asked for in
    /// vain; late, it takes what nobody else was promised.
    fn claim_allowed(&self, rank: Rank, window: Window, rules: &Rules) -> bool {
        let (state, now) = (&*self.state, self.now);
        let empty = empty_seats(state, rules);
        // Where many ask in vain, this is what nearly all of them hear.
        if empty == 0 || state.admissions.count() >= u64::from(rules.new_users_per_minute) {
            return false;
        }
        let place = state.draws.place_of(rank);
        if window == Window::Open {
            return empty > state.kept_open(place, empty);
        }
        let quarter = late_quarter(rules.pace_per_minute);
        let paced = state.line.waiting() == 0
            || planted(Bug::LatecomersRush)
            || state.late_pacer.allowance(now, quarter, pace::burst_queueing(quarter)) > 0;
        // Whoever is not one of them yet stands behind them all.
        let below = if state.kept.contains(place) { place } else { Place(u64::MAX) };
        let before = state.kept_late(below);
        empty > state.holding() + before && window_allowed(state, rules) > 0 && paced
    }

    /// A spent ticket gets its pass again until that pass was renewed and 120 s have gone.
    fn claim_again(&self, rank: Rank) -> ClaimOutcome {
        match self.state.seats.of_rank(rank) {
            Some(SeatRecord { renewal: Renewal::Revoked, .. }) | None => ClaimOutcome::Used,
            // The seat is held for a while yet, but what it would get to the origin with has expired.
            Some(record) if record.grant.expires <= self.now => ClaimOutcome::Used,
            Some(record) => {
                let recent = self.now.since(record.admitted_at) <= REPEAT_WINDOW;
                if recent || record.renewal == Renewal::Never {
                    ClaimOutcome::Granted(record.grant)
                } else {
                    ClaimOutcome::Used
                }
            }
        }
    }

    fn leave_ticket(&mut self, ticket: &TicketRef) -> Result<(), Malformed> {
        let TicketRef { epoch, rank } = *ticket;
        let known = epoch == self.state.epoch && rank < self.state.line.issued();
        let void = self.state.window(rank) == Window::Void;
        if !known || void || self.state.spent.contains(rank) {
            return Ok(());
        }
        self.change(Change::TicketLeft { rank })
    }

    /// What calls that have closed teach.
    pub(crate) fn learn(&mut self) -> Result<(), Malformed> {
        let (called, claimed) = self.state.line.untaught(self.now);
        let (drawn, won) = self.state.rounds.untaught(self.state.line.clock(self.now));
        if called + drawn == 0 {
            return Ok(());
        }
        self.change(Change::Learnt { called: called + drawn, claimed: claimed + won })
    }

    /// Calls as many places as there are seats and pace for.
    pub(crate) fn call(&mut self) -> Result<(), Malformed> {
        let Some(rules) = self.rules() else {
            return Ok(());
        };
        let lately = self.state.line.last_call_at().is_some_and(|at| self.now.since(at) < CALL_SPACING);
        if !lately {
            self.call_over_dead()?;
        }
        // As long as some of them are left, nobody behind them is called.
        if self.state.line.called() < self.state.oldest_alive() {
            return Ok(());
        }
        match rules.mode {
            Mode::Fifo if !lately => self.call_in_order(&rules),
            Mode::Random => {
                if !lately {
                    self.call_over_gone(&rules)?;
                }
                self.draw_round(&rules)
            }
            _ => Ok(()),
        }
    }

    /// Tickets live for a day: whoever joined before that is called over, held or not, with a window that is void at once.
    fn call_over_dead(&mut self) -> Result<(), Malformed> {
        let (Place(first), Place(alive)) = (self.state.line.called(), self.state.oldest_alive());
        let (end, mut holding) = (alive.min(self.looks_up_to(first)), 0);
        for place in first..end {
            let rank = self.state.draws.rank_of(Place(place));
            if self.state.spent.contains(rank) {
                continue;
            }
            if self.state.rounds.has_won(rank) {
                self.call_void(place, holding)?;
                self.call_void(place + 1, 1)?;
                holding = 0;
            } else {
                holding += 1;
            }
        }
        self.call_void(end, holding)
    }

    /// Rounds draw among those behind the first who waits: whoever is gone before them is called over as in order, so that copies of their tickets
    /// hear of it.
    fn call_over_gone(&mut self, rules: &Rules) -> Result<(), Malformed> {
        if !self.is_round_due() || !self.is_first_gone() {
            return Ok(());
        }
        let Place(called) = self.state.line.called();
        let last = self.looks_up_to(called);
        let is_gone = |place: &u64| self.state.spent.contains(self.state.draws.rank_of(Place(*place)));
        let end = (called..last).find(|place| !is_gone(place)).unwrap_or(last);
        self.call_up_to(end, 0, self.now.plus(rules.claim_window).plus(CLAIM_SLACK))
    }

    /// Places looked at in one step, from this one on: of a drawn place the rank costs twelve hashes and more.
    fn looks_up_to(&self, first: u64) -> u64 {
        self.state.line.issued().0.min(first + rounds::CUT_MAX)
    }

    fn is_round_due(&self) -> bool {
        self.state.rounds.next_at().is_some_and(|at| at <= self.now)
    }

    fn is_first_gone(&self) -> bool {
        let line = &self.state.line;
        let first = self.state.draws.rank_of(line.called());
        line.called().0 < line.issued().0 && self.state.spent.contains(first)
    }

    fn call_in_order(&mut self, rules: &Rules) -> Result<(), Malformed> {
        let Place(first) = self.state.line.called();
        // Whoever left is called over: they take neither seat nor pace. Where nobody is behind them, too: copies of their tickets are to hear
        // of it.
        let count = self.callable(rules, pace::burst_queueing);
        if count == 0 && !self.state.line.has_only_gone() {
            return Ok(());
        }
        let closes_at = self.windows_open_at(Place(first)).plus(rules.claim_window).plus(CLAIM_SLACK);
        let (mut end, mut holding, mut new) = (first, 0u32, 0u64);
        let last = self.looks_up_to(first);
        while end < last {
            let rank = self.state.draws.rank_of(Place(end));
            if !self.state.spent.contains(rank) {
                if new == count {
                    break;
                }
                if self.state.rounds.has_won(rank) {
                    // A call of their own makes them the line's. While their round holds a seat for each of them, they cost no other.
                    let clock = self.state.line.clock(self.now);
                    let has_seat = self.state.show_up.permille() == 1_000
                        && self.state.rounds.window(rank, clock) == Window::Open;
                    new += u64::from(!has_seat);
                    self.call_up_to(end, holding, closes_at)?;
                    self.call_up_to(end + 1, 1, closes_at)?;
                    holding = 0;
                } else {
                    (holding, new) = (holding + 1, new + 1);
                }
            }
            end += 1;
            end += u64::from(planted(Bug::PlaceSkipped) && end < self.state.line.issued().0);
        }
        if end == first {
            return Ok(());
        }
        self.spend_pace(rules, self.state.show_up.of(new as u32));
        self.call_up_to(end, holding, closes_at)
    }

    fn call_up_to(&mut self, end: u64, holding: u32, closes_at: Millis) -> Result<(), Malformed> {
        self.call_until(end, holding, closes_at, closes_at.plus(LATE_WINDOW))
    }

    fn call_void(&mut self, end: u64, holding: u32) -> Result<(), Malformed> {
        // Earlier than any clock, also one that stands still.
        self.call_until(end, holding, Millis(0), Millis(0))
    }

    fn call_until(
        &mut self,
        end: u64,
        holding: u32,
        closes_at: Millis,
        late_until: Millis,
    ) -> Result<(), Malformed> {
        if end <= self.state.line.called().0 {
            return Ok(());
        }
        self.change(Change::Called { end: Place(end), holding, closes_at, late_until })
    }

    /// Now, or once everybody can have heard of the draws that gave places from this one on: how many are called is not known yet.
    fn windows_open_at(&self, first: Place) -> Millis {
        let drawn = self.state.draws.done().iter().filter(|done| done.reaches(first));
        let told = drawn.map(|done| done.occasion.start.plus(DRAW_SLACK)).max();
        told.map_or(self.now, |told| told.max(self.now))
    }

    fn draw_round(&mut self, rules: &Rules) -> Result<(), Malformed> {
        let wanted = if self.is_round_due() { self.callable(rules, pace::burst_round) } else { 0 };
        let wanted = wanted.min(self.state.line.waiting());
        let Some(chain) = self.state.rounds.chain().filter(|chain| wanted > 0 && chain.has_more()) else {
            return Ok(());
        };
        let (called, issued) = (self.state.line.called(), self.state.line.issued());
        // Of a drawn rank the place costs twelve hashes and more: whoever is gone is known without it.
        let unspent =
            |rank: Rank| !self.state.spent.contains(rank) && self.state.draws.place_of(rank) >= called;
        let in_line = |rank: Rank| !self.state.rounds.has_won(rank) && unspent(rank);
        let oldest = self.state.draws.first_rank_from(called);
        // Winners that never came are among them: they may wait again, and no round begins below the one before it.
        let Some(first) = (oldest.0..issued.0).map(Rank).find(|rank| unspent(*rank)) else {
            return Ok(());
        };
        let first = Rank(first.0 + u64::from(planted(Bug::LongestUndrawn)));
        let draw = draw_among(first, (issued.0 - first.0).min(rounds::COUNT_MAX), chain.next_seed());
        let permutation = draw.permutation();
        let (mut cut, mut holding, mut doubles) = (0, 0u32, Vec::new());
        for rank in permutation.ranks().take(rounds::CUT_MAX as usize) {
            if u64::from(holding) >= wanted {
                break;
            }
            if in_line(rank) {
                holding += 1;
            } else if !self.state.spent.contains(rank) {
                doubles.push(rank);
            }
            cut += 1;
        }
        self.spend_pace(rules, self.state.show_up.of(holding));
        let closes_at = self.now.plus(rules.claim_window).plus(CLAIM_SLACK);
        let late_until = self.now.plus(rounds::LATE_WINDOW).max(closes_at);
        self.change(Change::Round { draw, cut, doubles, holding, closes_at, late_until })
    }

    /// So many that as many come as there are seats and pace for, if it goes on as it went.
    fn callable(&self, rules: &Rules, burst: fn(u32) -> u32) -> u64 {
        let state = &*self.state;
        if state.line.waiting() == 0 {
            return 0;
        }
        let expected = free_seats(state, rules).min(pace_allowed(state, rules, burst));
        state.show_up.for_expected(expected)
    }

    pub(crate) fn spend_pace(&mut self, rules: &Rules, admissions: u32) {
        self.state.pacer = self.state.pacer.after(self.now, rules.pace_per_minute, admissions);
    }

    /// While nobody may claim, windows stand still.
    pub(crate) fn open_or_close(&mut self) -> Result<(), Malformed> {
        let Some(rules) = self.rules() else {
            return Ok(());
        };
        let held = !rules.mode.calls() || claims_closed(self.state, &rules);
        if held == self.state.line.is_held() {
            return Ok(());
        }
        let since = self.stopped_at().filter(|_| !rules.mode.calls());
        // Once in a step: whoever holds again does so now.
        self.decided_at = self.now;
        self.change(since.map_or(Change::Held { held }, |since| Change::HeldSince { since }))
    }

    /// When time alone would change something that somebody waits for.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        let rules = self.rules()?;
        let next_calls = if rules.mode.calls() { self.next_call_at(&rules) } else { None };
        let any_dead = self.state.line.called() < self.state.oldest_alive();
        let next_dead = any_dead.then(|| self.now.plus(CALL_SPACING));
        let next_judged = self.state.throttle.wakes_at().map(|at| at.max(self.now.plus(CALL_SPACING)));
        let next_instant = next_instant(self.state.events(), self.now);
        [next_calls, next_dead, next_instant, next_judged].into_iter().flatten().min()
    }

    fn next_call_at(&self, rules: &Rules) -> Option<Millis> {
        let (state, now) = (&*self.state, self.now);
        let per_minute = rules.pace_per_minute;
        let clock = state.line.clock(now);
        // What is promised to a called place is free again when its window closes, or when it stops asking.
        let closes = [state.line.next_close(now), state.rounds.next_close(clock), state.kept.next_end()];
        let closes = closes.into_iter().flatten().min().filter(|_| !state.line.is_held());
        let closes = closes.filter(|_| !planted(Bug::AlarmForgetsWindows));
        let frees = || [state.seats.next_free_at(), closes].into_iter().flatten().min();
        let paces = || [state.admissions.oldest_leaves_at(), closes].into_iter().flatten().min();
        let at = match () {
            // Claims open again as soon as there is a seat.
            () if claims_closed(state, rules) && empty_seats(state, rules) == 0 => frees(),
            () if claims_closed(state, rules) => paces(),
            () if rules.mode == Mode::Fifo && state.line.has_only_gone() && self.is_first_gone() => Some(now),
            () if rules.mode == Mode::Random && self.is_first_gone() => state.rounds.next_at(),
            () if state.line.waiting() == 0 => return state.rounds.next_return(),
            () if free_seats(state, rules) == 0 => frees(),
            () if window_allowed(state, rules) == 0 => paces(),
            () if rules.mode == Mode::Random => {
                let paced_at = state.pacer.next_at(per_minute, pace::burst_round(per_minute));
                state.rounds.next_at().map(|at| at.max(paced_at))
            }
            () => Some(state.pacer.next_at(per_minute, pace::burst_queueing(per_minute))),
        };
        let spaced = state.line.last_call_at().map_or(now, |at| at.plus(CALL_SPACING));
        let rounds = state.rounds.next_at().filter(|_| rules.mode == Mode::Random);
        let spaced = rounds.map_or(spaced, |at| at.max(spaced));
        let spaced = if claims_closed(state, rules) { now } else { spaced };
        // Without anything to wait for (a limit of zero seats left, say), look again in a minute.
        let at = at.unwrap_or(now.plus(WINDOW)).max(spaced);
        // What this step could do is done. Whatever it left undone is no reason to wake at once, and again and again.
        Some(if at > now { at } else { now.plus(CALL_SPACING) })
    }
}
