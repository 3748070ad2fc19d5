//! What a Room says of itself: its board, for every edge, and its status, for operators. Pure functions of its state as of its clock.
//!
//! A board names nothing that could be told later without harm: seeds of draws to come stay here.

use crate::admission::{calls_per_hour, claims_closed, enters_allowed, forecast};
use crate::board::{Board, BoardDraw, BoardEvent, BoardRounds, BoardSeal, Digest, Phase, Scheduled};
use crate::draw::{Draw, commitment};
use crate::due::sweeps;
use crate::forecast::Forecast;
use crate::listed::Listed as _;
use crate::protocol::RoomStatus;
use crate::rounds::Rounds;
use crate::schedule::{Event, Mode, Rules, Stage, next_instant};
use crate::state::State;
use crate::units::Millis;

/// Changes that a board announces, and promises of draws.
const ANNOUNCED: usize = 2;
/// Within so long of a scheduled change boards are young.
const NEAR: Millis = Millis(60_000);
/// In `passthrough` everybody is counted until more than so many come in a minute, and then one in [`COUNTED_ONE_IN`].
const COUNTED_PER_MINUTE: u64 = 1_000;
const COUNTED_ONE_IN: u32 = 16;

/// The board of a Room that decided something last at a moment.
pub(crate) fn board(state: &State, decided_at: Millis, sequence: u64) -> Board {
    let now = state.at;
    // Edges that count by the schedule are there already.
    let swept = sweeps(state, decided_at).count();
    let pass_epoch = state.pass_epoch.0.wrapping_add(swept as u32);
    let (p50, p90) = state.waits.errors().range_permille();
    let board = Board {
        version: Board::VERSION,
        sequence,
        at_ms: now.0,
        max_age_ms: max_age(state).0,
        epoch: state.epoch.0,
        pass_epoch,
        called: state.line.called().0,
        void: state.line.void().0,
        issued: state.line.issued().0,
        waiting: state.line.waiting(),
        revoked_seq: state.revoked_seq,
        wait_p50: p50,
        wait_p90: p90,
        gathers_from: state.draws.gathering().map(|gathering| gathering.first.0),
        seals: seals(state),
        draws: state.draws.done().iter().map(|done| told(done.occasion.start, &done.draw)).listed(),
        ..Board::default()
    };
    let (Some(config), Some(rules)) = (&state.config, state.rules(now)) else {
        return board;
    };
    let Forecast { free, pace_per_hour, turn_per_hour } = forecast(state, &rules);
    Board {
        phase: phase(state, &rules),
        claim_window_ms: rules.claim_window.0,
        directory_version: config.directory_version,
        renewal_interval_ms: rules.renewal_interval().0,
        claims_closed: claims_closed(state, &rules),
        one_in: one_in(state),
        free,
        pace_per_hour,
        turn_per_hour,
        changes: changes(state, pass_epoch),
        event: event_of(state.events(), now),
        rounds: rounds(&state.rounds, rules.mode),
        ..board
    }
}

/// What operators see, but for the chart.
pub(crate) fn status(state: &State) -> RoomStatus {
    let now = state.at;
    let (waiting, errors) = (state.line.waiting(), state.waits.errors());
    let (wait_p50_permille, wait_p90_permille) = errors.range_permille();
    let rules = state.rules(now);
    let under_way = state.events().iter().find(|event| event.stage(now) != Stage::Away);
    RoomStatus {
        inside: u64::from(state.seats.live()) * u64::from(one_in(state)),
        unconfirmed: u64::from(state.seats.unconfirmed()),
        waiting,
        called_held: state.holding(),
        issued: state.line.issued().0,
        called: state.line.called().0,
        admitted_last_minute: state.admissions.count(),
        longest_wait_ms: if waiting > 0 { state.waits.longest(now).0 } else { 0 },
        calls_per_hour: calls_per_hour(state),
        phase: rules.map_or(Phase::Busy, |rules| phase(state, &rules)),
        settings_version: state.config.as_ref().map_or(0, |config| config.version),
        waits_measured: u64::from(errors.known()),
        wait_p50_permille,
        wait_p90_permille,
        show_up_permille: state.show_up.permille(),
        event: under_way.map(|event| event.id),
        limit_per_minute: rules.map_or(0, |rules| u64::from(rules.new_users_per_minute)),
        pace_per_minute: rules.map_or(0, |rules| u64::from(rules.pace_per_minute)),
        origin: state.throttle.seen(),
        origin_notes: state.throttle.notes().iter().copied().listed(),
        ..RoomStatus::default()
    }
}

/// What a first contact meets.
fn phase(state: &State, rules: &Rules) -> Phase {
    match phase_of(rules.mode) {
        Phase::Busy if enters_allowed(state, rules) > 0 => Phase::Open,
        phase => phase,
    }
}

/// The same, by what is done with people alone.
fn phase_of(mode: Mode) -> Phase {
    match mode {
        Mode::Suspended => Phase::Suspended,
        Mode::Held => Phase::Held,
        Mode::Prequeue => Phase::Prequeue,
        Mode::Reject => Phase::Reject,
        Mode::Passthrough => Phase::Passthrough,
        Mode::Fifo | Mode::Random => Phase::Busy,
    }
}

/// Boards are young while a line stands or a change is near: until it comes, no edge may hold one for longer than that takes.
fn max_age(state: &State) -> Millis {
    let near = next_instant(state.events(), state.at).is_some_and(|at| at.since(state.at) <= NEAR);
    if near || state.line.waiting() > 0 { Board::MAX_AGE_BUSY } else { Board::MAX_AGE_QUIET }
}

/// In `passthrough`, one visitor in so many is asked to be counted: all of a small crowd, a sample of a large one.
fn one_in(state: &State) -> u32 {
    let passes = state.rules(state.at).is_some_and(|rules| rules.mode == Mode::Passthrough);
    if passes && state.admissions.count() > COUNTED_PER_MINUTE { COUNTED_ONE_IN } else { 1 }
}

fn changes(state: &State, mut pass_epoch: u32) -> Vec<Scheduled> {
    let Some(config) = &state.config else { return Vec::new() };
    let (mut changes, mut at) = (Vec::new(), state.at);
    while let Some(next) = next_instant(&config.events, at).filter(|_| changes.len() < ANNOUNCED) {
        at = next;
        let sweeps = |event: &Event| event.begins_with_a_sweep() && event.prequeue_ms == at.0;
        pass_epoch = pass_epoch.wrapping_add(u32::from(config.events.iter().any(sweeps)));
        let phase = phase_of(Rules::at(&config.settings, &config.events, at).mode);
        changes.push(Scheduled { at_ms: at.0, phase, pass_epoch });
    }
    changes
}

/// The event under way, or the next one.
fn event_of(events: &[Event], now: Millis) -> Option<BoardEvent> {
    let next = events.iter().filter(|event| event.end_ms > now.0).min_by_key(|event| event.start_ms)?;
    let Event { prequeue_ms, start_ms, end_ms, shuffle, .. } = *next;
    Some(BoardEvent { prequeue_ms, start_ms, end_ms, shuffle })
}

fn seals(state: &State) -> Vec<BoardSeal> {
    let seals = state.draws.seals().iter().take(ANNOUNCED);
    seals
        .map(|seal| BoardSeal { start_ms: seal.occasion.start.0, commitment: Digest(commitment(&seal.seed)) })
        .listed()
}

fn told(start: Millis, draw: &Draw) -> BoardDraw {
    let Draw { first, count, seed, hash } = *draw;
    BoardDraw { start_ms: start.0, first: first.0, count, seed: Digest(seed), hash: Digest(hash) }
}

fn rounds(rounds: &Rounds, mode: Mode) -> Option<BoardRounds> {
    let chain = rounds.chain().filter(|_| mode == Mode::Random || rounds.kept().len() > 0)?;
    // Those of the chain before cannot be proved by this one.
    let mut told = BoardRounds {
        commitment: Digest(chain.commitment),
        number: chain.used,
        seed: Digest(chain.told),
        next_ms: rounds.next_at().filter(|_| mode == Mode::Random).map_or(0, |at| at.0),
        spans: Vec::new(),
    };
    for round in rounds.kept().skip(rounds.kept().len().saturating_sub(chain.used as usize)) {
        told.push(&round.draw, round.cut);
    }
    Some(told)
}
