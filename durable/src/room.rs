//! The Room: serial, pure, exact. It decides who joins, who is called, who gets a seat. DESIGN 4.
//!
//! The one rule of use: each event enters once, with `now` as an argument; [`Room::step`] returns one
//! [`Step`]; the shell commits the whole of its `writes` before anyone hears of its `outputs`. The
//! Room never reads a clock, draws randomness or does IO, and no input makes it panic.
//!
//! How the cap is kept: `live + holding + kept ≤ total_active_users`. A call moves places to *holding* only while
//! that leaves room; a claim moves one from *holding* to *live*; so whoever claims in their window
//! finds a seat. Only where the operator lowers a limit meanwhile is the answer *next*, and the place is kept.
//! What changed is in [`crate::journal`], how it is stored in [`crate::store`].

use crate::batch::{Batch, BatchAnswer, ClaimOutcome, Grant, Items, PassRef, RenewOutcome, Reply, TicketRef};
use crate::board::{Board, Phase, Revocations};
use crate::codec::Malformed;
use crate::history::History;
use crate::journal::{Change, Row};
use crate::line::{LATE_WINDOW, Window};
use crate::pace::{self, WINDOW};
use crate::planted::{Bug, planted};
use crate::protocol::RoomStatus;
use crate::replies::Verdict;
use crate::seats::{self, Renewal, SeatRecord};
use crate::settings::Settings;
use crate::state::{Config, State};
use crate::store::{Store, StoredPage, Write};
use crate::token::PassStanding;
use crate::units::{Generation, Millis, Place, Rank, Seat};
use crate::wire::to_text;

/// Places are called at most this often: boards travel no faster, and a call is a row.
const CALL_SPACING: Millis = Millis(1_000);
/// A window stays open this much longer than visitors are told: their last request is under way.
const CLAIM_SLACK: Millis = Millis(5_000);
/// A pass is dead at every edge this long after it expired, clocks and all.
const EXPIRY_SLACK: Millis = Millis(2_000);
/// A revoked pass is dead at every edge this long after the longest board age.
const REVOCATION_SLACK: Millis = Millis(3_000);
/// Entries of the revocation list; further seats wait for their expiry.
const REVOKED_MAX: usize = 16_384;
/// Asking again gives the same pass for this long at least.
const REPEAT_WINDOW: Millis = Millis(120_000);
/// When a kept place asks again.
const NEXT_RETRY: Millis = Millis(3_000);
/// The span over which the rate of calls is told.
const RATE_SPAN: Millis = Millis(120_000);
/// A pass is valid for D and this part of D longer, and is due for renewal once older than that.
const RENEWAL_PART: u64 = 5;
/// The renewal interval is at least this.
pub const RENEWAL_MIN: Millis = Millis(20_000);

/// What enters.
#[derive(Clone, Debug)]
pub enum Input {
    /// A lobby's batch.
    Batch(Batch),
    /// Settings from the directory.
    Configure(Config),
    /// Time has passed: an alarm.
    Tick,
}

/// What leaves, one for each input in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// To the lobby.
    Batch(BatchAnswer),
    /// To the directory: the version that now holds.
    Configured(u64),
    /// To nobody.
    Ticked,
}

/// All that comes of a step.
#[derive(Debug)]
pub struct Step {
    /// One for each input; nobody may hear of them before the writes are committed.
    pub outputs: Vec<Output>,
    /// To be committed as one.
    pub writes: Vec<Write>,
    /// When time alone would change something that somebody waits for.
    pub wake_at: Option<Millis>,
}

/// See the module's words.
pub struct Room {
    state: State,
    store: Store,
    history: History,
}

impl Room {
    /// Rebuilds a Room from its rows; from none, a new one that knows no settings yet.
    pub fn load(pages: &[StoredPage], rows: &[(u64, Vec<u8>)]) -> Result<Room, Malformed> {
        let (store, state) = Store::load(pages, rows)?;
        Ok(Room { state, store, history: History::default() })
    }

    /// Whether it was configured before.
    pub fn config(&self) -> Option<&Config> {
        self.state.config.as_ref()
    }

    /// Takes everything that came in since the last commit, decides, and says what to write.
    pub fn step(&mut self, now: Millis, inputs: Vec<Input>) -> Result<Step, Malformed> {
        // A clock that jumps back stands still instead.
        let now = now.max(self.state.at);
        let dropped = self.state.advance(now);
        let mut turn = Turn { state: &mut self.state, now, changes: Vec::new() };
        let paced_before = (turn.state.pacer, turn.state.late_pacer);
        let mut outputs = Vec::with_capacity(inputs.len());
        for input in inputs {
            outputs.push(match input {
                Input::Batch(batch) => Output::Batch(turn.batch(&batch)?),
                Input::Configure(config) => Output::Configured(turn.configure(config)?),
                Input::Tick => Output::Ticked,
            });
        }
        turn.call()?;
        if paced_before != (turn.state.pacer, turn.state.late_pacer) {
            let (tat_ns, late_tat_ns) = (turn.state.pacer.tat_ns, turn.state.late_pacer.tat_ns);
            turn.changes.push(Change::Paced { tat_ns, late_tat_ns });
        }
        let wake_at = turn.wake_at();
        let row = Row { at: now, changes: turn.changes };
        self.history.note(now, &self.state);
        let writes = self.store.commit(&self.state, row, dropped);
        Ok(Step { outputs, writes, wake_at })
    }

    /// The board as of the last step, for a moment not before it.
    pub fn board(&self, now: Millis) -> Board {
        let state = &self.state;
        let now = now.max(state.at);
        let (settings, directory_version) = match &state.config {
            Some(config) => (Some(&config.settings), config.directory_version),
            None => (None, 0),
        };
        let quiet = state.line.waiting() == 0;
        let max_age = if quiet { Board::MAX_AGE_QUIET } else { Board::MAX_AGE_BUSY };
        Board {
            version: Board::VERSION,
            sequence: self.store.sequence(),
            at_ms: now.0,
            max_age_ms: max_age.0,
            epoch: state.epoch.0,
            pass_epoch: state.pass_epoch.0,
            phase: settings.map_or(Phase::Busy, |settings| phase(state, settings, now)),
            called: state.line.called().0,
            void: state.line.void().0,
            issued: state.line.issued().0,
            waiting: state.line.waiting(),
            calls_per_hour: state.line.calls_per_hour(now, RATE_SPAN),
            claim_window_ms: settings.map_or(0, |settings| claim_window(settings).0),
            directory_version,
            revoked_seq: state.revoked_seq,
        }
    }

    /// The passes given up early.
    pub fn revocations(&self) -> Revocations {
        let passes = self.state.revoked.iter();
        Revocations {
            seq: self.state.revoked_seq,
            passes: passes.map(|revoked| (revoked.seat.0, revoked.generation.0)).collect(),
        }
    }

    /// What operators see.
    pub fn status(&mut self, now: Millis) -> RoomStatus {
        self.state.advance(now);
        let now = self.state.at;
        self.history.note(now, &self.state);
        let state = &self.state;
        RoomStatus {
            inside: u64::from(state.seats.live()),
            unconfirmed: u64::from(state.seats.unconfirmed()),
            waiting: state.line.waiting(),
            called_held: state.line.holding(now),
            issued: state.line.issued().0,
            called: state.line.called().0,
            admitted_last_minute: state.admissions.count(),
            longest_wait_ms: state.line.longest_wait(now).0,
            calls_per_hour: state.line.calls_per_hour(now, RATE_SPAN),
            phase: self.board(now).phase,
            settings_version: state.config.as_ref().map_or(0, |config| config.version),
            history: self.history.points().collect(),
        }
    }

    /// Every page of the state as bytes: two Rooms with the same are the same.
    pub fn fingerprint(&mut self, now: Millis) -> Vec<Vec<u8>> {
        self.state.advance(now);
        Store::pages_of(&self.state).map(|page| self.state.encode_page(page)).collect()
    }
}

/// What a first contact meets.
fn phase(state: &State, settings: &Settings, now: Millis) -> Phase {
    if settings.suspended {
        Phase::Suspended
    } else if settings.queue_all {
        Phase::Held
    } else if enters_allowed(state, settings, now) > 0 {
        Phase::Open
    } else {
        Phase::Busy
    }
}

/// How many first contacts may be let in now: none while anybody waits, none into the last tenth of the
/// seats, and unconfirmed passes never hold more than a tenth of them. DESIGN 2, *Open or busy*.
fn enters_allowed(state: &State, settings: &Settings, now: Millis) -> u64 {
    if settings.queue_all || settings.suspended || state.line.waiting() > 0 {
        return 0;
    }
    let total = u64::from(settings.total_active_users);
    let tenth = total.div_ceil(10);
    let seats = (free_seats(state, settings, now) + 1).saturating_sub(tenth);
    let unconfirmed = tenth.saturating_sub(u64::from(state.seats.unconfirmed()));
    seats.min(unconfirmed).min(pace_allowed(state, settings, now, pace::burst_idle))
}

/// Seats that nobody holds and nobody was promised.
fn free_seats(state: &State, settings: &Settings, now: Millis) -> u64 {
    let promised = state.line.holding(now) + state.line.kept_beyond_window(now);
    u64::from(settings.total_active_users)
        .saturating_add(u64::from(planted(Bug::OneSeatMore)))
        .saturating_sub(u64::from(state.seats.live()))
        .saturating_sub(promised)
}

/// Admissions that both the window and the pacer allow now.
fn pace_allowed(state: &State, settings: &Settings, now: Millis, burst: fn(u32) -> u32) -> u64 {
    let per_minute = settings.new_users_per_minute;
    let window = window_allowed(state, settings, now);
    window.min(u64::from(state.pacer.allowance(now, per_minute, burst(per_minute))))
}

/// Admissions that the window alone allows, with everyone who was called counted as if they entered now.
fn window_allowed(state: &State, settings: &Settings, now: Millis) -> u64 {
    u64::from(settings.new_users_per_minute)
        .saturating_sub(state.admissions.count())
        .saturating_sub(if planted(Bug::PaceForgetsCalled) { 0 } else { state.line.holding(now) })
}

fn claim_window(settings: &Settings) -> Millis {
    Millis::from_secs(u64::from(settings.claim_window_seconds))
}

/// How old a pass may get before it is due: a fifth of D, at least 20 s.
pub fn renewal_interval(settings: &Settings) -> Millis {
    Millis(session_duration(settings).0 / RENEWAL_PART).max(RENEWAL_MIN)
}

fn session_duration(settings: &Settings) -> Millis {
    Millis::from_secs(u64::from(settings.session_duration_seconds))
}

/// How long a pass is good from now on: nobody is out within D of their last renewed request.
fn pass_lifetime(settings: &Settings) -> Millis {
    if settings.disable_session_renewal {
        session_duration(settings)
    } else {
        session_duration(settings).plus(renewal_interval(settings))
    }
}

/// One step under way: every change is carried out at once and remembered for the row.
struct Turn<'a> {
    state: &'a mut State,
    now: Millis,
    changes: Vec<Change>,
}

impl Turn<'_> {
    fn change(&mut self, change: Change) -> Result<(), Malformed> {
        self.state.apply(self.now, &change, |_| true)?;
        if planted(Bug::RenewalUnwritten) && matches!(change, Change::Renewed { .. }) {
            return Ok(());
        }
        self.changes.push(change);
        Ok(())
    }

    fn settings(&self) -> Option<Settings> {
        self.state.config.as_ref().map(|config| config.settings.clone())
    }

    fn configure(&mut self, config: Config) -> Result<u64, Malformed> {
        let held = self.state.config.as_ref().map_or(0, |config| config.version);
        if config.version <= held {
            return Ok(held);
        }
        let Config { version, directory_version, settings } = config;
        let settings = to_text(&settings.to_json());
        self.change(Change::Configured { version, directory_version, settings })?;
        Ok(version)
    }

    fn batch(&mut self, batch: &Batch) -> Result<BatchAnswer, Malformed> {
        match self.state.judge(&batch.name, &batch.digest) {
            Verdict::New => {}
            Verdict::Repeated(_) if planted(Bug::BatchTwice) => {}
            Verdict::Repeated(reply) => return Ok(BatchAnswer::Done(Reply::decode(reply)?)),
            Verdict::Expected(number) => return Ok(BatchAnswer::Expected(number)),
            Verdict::Refused => return Ok(BatchAnswer::Refused),
        }
        let Some(settings) = self.settings() else {
            return Ok(BatchAnswer::Refused);
        };
        let reply = self.carry_out(&batch.items, &settings)?;
        self.change(Change::Answered {
            name: batch.name.clone(),
            digest: batch.digest,
            reply: reply.encode(),
        })?;
        Ok(BatchAnswer::Done(reply))
    }

    fn carry_out(&mut self, items: &Items, settings: &Settings) -> Result<Reply, Malformed> {
        for pass in &items.pass_leaves {
            self.leave_pass(pass)?;
        }
        for ticket in &items.ticket_leaves {
            self.leave_ticket(ticket)?;
        }
        let renewals = items.renewals.iter().map(|pass| self.renew(pass, settings));
        let renewals = renewals.collect::<Result<Vec<_>, _>>()?;
        let claims = items.claims.iter().map(|ticket| self.claim(ticket, settings));
        let claims = claims.collect::<Result<Vec<_>, _>>()?;
        let first_rank = self.state.line.issued();
        let joined = (items.joins.len() as u64).min(Rank::LIMIT.saturating_sub(first_rank.0));
        if joined > 0 {
            self.change(Change::Joined { count: joined })?;
        }
        let mut entered = Vec::new();
        for _ in 0..items.enters {
            if enters_allowed(self.state, settings, self.now) == 0 {
                break;
            }
            self.state.pacer = self.state.pacer.after(self.now, settings.new_users_per_minute, 1);
            entered.push(self.admit(None, settings)?);
        }
        let State { epoch, pass_epoch, .. } = *self.state;
        let joined_at = self.now;
        Ok(Reply { epoch, pass_epoch, first_rank, joined_at, claims, renewals, entered })
    }

    fn claim(&mut self, ticket: &TicketRef, settings: &Settings) -> Result<ClaimOutcome, Malformed> {
        let TicketRef { epoch, rank } = *ticket;
        if epoch != self.state.epoch {
            return Ok(ClaimOutcome::Void);
        }
        if self.state.spent.contains(rank) && !planted(Bug::SpentClaimsAgain) {
            return Ok(self.claim_again(rank));
        }
        let window = self.state.line.window(rank, self.now);
        match window {
            Window::Uncalled => return Ok(ClaimOutcome::Waiting),
            Window::Void => return Ok(ClaimOutcome::Void),
            Window::Open | Window::Late => {}
        }
        if settings.queue_all || !self.claim_allowed(rank, window, settings) {
            self.change(Change::Kept { rank })?;
            return Ok(ClaimOutcome::Next { retry: NEXT_RETRY });
        }
        if window == Window::Late && self.state.line.waiting() > 0 {
            let quarter = (settings.new_users_per_minute / 4).max(1);
            self.state.late_pacer = self.state.late_pacer.after(self.now, quarter, 1);
        }
        Ok(ClaimOutcome::Granted(self.admit(Some(rank), settings)?))
    }

    /// Whether a called place that asks may have a seat now. In its window it holds one, and a share of
    /// the pace, unless a limit was lowered meanwhile; late, it takes what nobody else was promised.
    fn claim_allowed(&self, rank: Rank, window: Window, settings: &Settings) -> bool {
        let (state, now) = (&*self.state, self.now);
        let empty = u64::from(settings.total_active_users).saturating_sub(u64::from(state.seats.live()));
        let per_minute = u64::from(settings.new_users_per_minute);
        let kept_before = state.line.kept_before(rank, window, now);
        match window {
            Window::Open => empty > kept_before && state.admissions.count() < per_minute,
            _ => {
                let quarter = (settings.new_users_per_minute / 4).max(1);
                let paced = state.line.waiting() == 0
                    || planted(Bug::LatecomersRush)
                    || state.late_pacer.allowance(now, quarter, pace::burst_queueing(quarter)) > 0;
                let others =
                    if state.line.is_kept(rank) { kept_before } else { state.line.kept_beyond_window(now) };
                let promised = state.line.holding(now) + others;
                empty > promised && window_allowed(state, settings, now) > 0 && paced
            }
        }
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

    fn admit(&mut self, rank: Option<Rank>, settings: &Settings) -> Result<Grant, Malformed> {
        let (seat, generation) = self.state.seats.lowest_free();
        let expires = self.now.plus(pass_lifetime(settings));
        let standing = if rank.is_some() { PassStanding::Confirmed } else { PassStanding::Unconfirmed };
        let grant = Grant { seat, generation, issued: self.now, expires, standing };
        let free_at = seats::free_at(expires.plus(EXPIRY_SLACK));
        self.change(Change::Admitted { rank, grant, free_at })?;
        Ok(grant)
    }

    /// The live seat a pass names, unless the pass was given up.
    fn seat_of(&self, pass: &PassRef) -> Option<SeatRecord> {
        let State { epoch, pass_epoch, seats, .. } = &*self.state;
        let current = (pass.epoch, pass.pass_epoch) == (*epoch, *pass_epoch);
        let record = seats.get(pass.seat, pass.generation).filter(|_| current)?;
        (record.renewal != Renewal::Revoked).then_some(*record)
    }

    fn renew(&mut self, pass: &PassRef, settings: &Settings) -> Result<RenewOutcome, Malformed> {
        let Some(record) = self.seat_of(pass) else {
            return Ok(RenewOutcome::Ended);
        };
        let fixed = settings.disable_session_renewal;
        let expires = record.grant.expires;
        let grant = Grant {
            issued: if fixed { record.grant.issued } else { self.now },
            expires: if fixed { expires } else { expires.max(self.now.plus(pass_lifetime(settings))) },
            standing: PassStanding::Confirmed,
            ..record.grant
        };
        if grant != record.grant {
            let free_at = seats::free_at(grant.expires.plus(EXPIRY_SLACK)).max(record.free_at);
            self.change(Change::Renewed { grant, free_at })?;
        }
        Ok(RenewOutcome::Renewed(grant))
    }

    fn leave_pass(&mut self, pass: &PassRef) -> Result<(), Malformed> {
        let Some(record) = self.seat_of(pass) else {
            return Ok(());
        };
        if self.state.revoked.len() >= REVOKED_MAX {
            return Ok(());
        }
        let quiet_lately = self.now.since(self.state.quiet_until) <= Board::MAX_AGE_QUIET.plus(Board::GRACE);
        let longest = if quiet_lately { Board::MAX_AGE_QUIET } else { Board::MAX_AGE_BUSY };
        let dead_at = self.now.plus(longest).plus(REVOCATION_SLACK);
        let dead_at = if planted(Bug::RevokedSeatAtOnce) { self.now } else { dead_at };
        let forget_at = record.grant.expires.plus(EXPIRY_SLACK);
        let Grant { seat, generation, .. } = record.grant;
        let free_at = seats::free_at(dead_at).min(record.free_at);
        self.change(Change::PassLeft { seat, generation, free_at, forget_at })
    }

    fn leave_ticket(&mut self, ticket: &TicketRef) -> Result<(), Malformed> {
        let TicketRef { epoch, rank } = *ticket;
        let known = epoch == self.state.epoch && rank < self.state.line.issued();
        let void = self.state.line.window(rank, self.now) == Window::Void;
        if !known || void || self.state.spent.contains(rank) {
            return Ok(());
        }
        self.change(Change::TicketLeft { rank })
    }

    /// Calls as many places as there are seats and pace for.
    fn call(&mut self) -> Result<(), Malformed> {
        let Some(settings) = self.settings() else {
            return Ok(());
        };
        let count = self.callable(&settings);
        if count == 0 {
            return Ok(());
        }
        // Tickets given up in line are called over: they take neither seat nor pace.
        let Place(first) = self.state.line.called();
        let (mut end, mut holding) = (first, 0u32);
        while u64::from(holding) < count && end < self.state.line.issued().0 {
            holding += u32::from(!self.state.spent.contains(Rank(end)));
            end += 1;
            end += u64::from(planted(Bug::PlaceSkipped) && end < self.state.line.issued().0);
        }
        self.state.pacer = self.state.pacer.after(self.now, settings.new_users_per_minute, holding);
        let closes_at = self.now.plus(claim_window(&settings)).plus(CLAIM_SLACK);
        let late_until = closes_at.plus(LATE_WINDOW);
        self.change(Change::Called { end: Place(end), holding, closes_at, late_until })
    }

    fn callable(&self, settings: &Settings) -> u64 {
        let (state, now) = (&*self.state, self.now);
        let waiting = state.line.waiting();
        let rested = state.line.last_call_at().is_none_or(|at| now.since(at) >= CALL_SPACING);
        if settings.queue_all || settings.suspended || waiting == 0 || !rested {
            return 0;
        }
        waiting.min(free_seats(state, settings, now)).min(pace_allowed(
            state,
            settings,
            now,
            pace::burst_queueing,
        ))
    }

    /// While somebody waits: when something that keeps them waiting may be over.
    fn wake_at(&self) -> Option<Millis> {
        let settings = &self.state.config.as_ref()?.settings;
        let (state, now) = (&*self.state, self.now);
        if state.line.waiting() == 0 || settings.queue_all || settings.suspended {
            return None;
        }
        let per_minute = settings.new_users_per_minute;
        let spaced = state.line.last_call_at().map_or(now, |at| at.plus(CALL_SPACING));
        let closes = state.line.next_close(now).filter(|_| !planted(Bug::AlarmForgetsWindows));
        let at = if free_seats(state, settings, now) == 0 {
            [state.seats.next_free_at(), closes].into_iter().flatten().min()
        } else if window_allowed(state, settings, now) == 0 {
            [state.admissions.oldest_leaves_at(), closes].into_iter().flatten().min()
        } else {
            Some(state.pacer.next_at(per_minute, pace::burst_queueing(per_minute)))
        };
        // Without anything to wait for (a limit of zero seats left, say), look again in a minute.
        Some(at.unwrap_or(now.plus(WINDOW)).max(spaced).max(now.plus(Millis(1))))
    }
}

impl Room {
    /// A pass by seat and generation, for the operator's eyes and tests.
    pub fn seat(&self, seat: Seat, generation: Generation) -> Option<&SeatRecord> {
        self.state.seats.get(seat, generation)
    }
}
