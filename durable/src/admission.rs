//! How many may come in, and by what right: the sums behind every call, claim and first contact. Rules 1, 2 and 7.
//! Pure functions of a Room's state as of its clock; the [`turn`](crate::turn) decides with them.

use crate::forecast::Forecast;
use crate::leases;
use crate::pace;
use crate::planted::{Bug, planted};
use crate::schedule::{Mode, Rules, next_instant};
use crate::state::State;
use crate::units::{Millis, Place};

/// The span over which the rate of calls is told.
const RATE_SPAN: Millis = Millis(120_000);
/// Seats are in hand for so long, and on their way.
const LEASE_QUIET: Millis = Millis(2 * leases::LIFE.0);
/// A rate of calls over less than this says little about the next hour.
const RATE_MIN: Millis = Millis(60_000);

/// Seats that nobody holds, promised or not.
pub(crate) fn empty_seats(state: &State, rules: &Rules) -> u64 {
    u64::from(rules.total_active_users).saturating_sub(u64::from(state.seats.live()))
}

/// Seats that nobody holds and nobody was promised.
pub(crate) fn free_seats(state: &State, rules: &Rules) -> u64 {
    let empty = empty_seats(state, rules) + u64::from(planted(Bug::OneSeatMore));
    if empty == 0 {
        return 0;
    }
    empty.saturating_sub(state.holding() + state.kept_late(Place(u64::MAX)))
}

/// Admissions that the window alone allows, with everyone who is expected counted as if they entered now.
pub(crate) fn window_allowed(state: &State, rules: &Rules) -> u64 {
    u64::from(rules.new_users_per_minute).saturating_sub(
        state.admissions.count() + if planted(Bug::PaceForgetsCalled) { 0 } else { state.holding() },
    )
}

/// Admissions that both the window and the pacer allow now.
pub(crate) fn pace_allowed(state: &State, rules: &Rules, burst: fn(u32) -> u32) -> u64 {
    let per_minute = rules.pace_per_minute;
    let paced = state.pacer.allowance(state.at, per_minute, burst(per_minute));
    window_allowed(state, rules).min(u64::from(paced))
}

/// What latecomers may take of the pace while others wait: a quarter.
pub(crate) fn late_quarter(per_minute: u32) -> u32 {
    (per_minute / 4).max(1)
}

/// How many first contacts may be let in now: none while anybody waits, none into the last tenth of the
/// seats, and unconfirmed passes never hold more than a tenth of them.
pub(crate) fn enters_allowed(state: &State, rules: &Rules) -> u64 {
    match rules.mode {
        Mode::Passthrough => u64::MAX,
        Mode::Fifo | Mode::Random if state.line.waiting() == 0 => {
            let tenth = u64::from(rules.total_active_users).div_ceil(10);
            let seats = (free_seats(state, rules) + 1).saturating_sub(tenth);
            let unconfirmed = tenth.saturating_sub(u64::from(state.seats.unconfirmed()));
            seats.min(unconfirmed).min(pace_allowed(state, rules, pace::burst_idle))
        }
        _ => 0,
    }
}

/// How many seats a region may have in hand beside: half of what may be let in, and never the last quarter of what unconfirmed passes may hold, so that there is
/// something left for who asks elsewhere. None where
/// sessions are fixed, of which the seconds in hand would be missing, and none that would be in hand when something scheduled happens.
pub(crate) fn leases_allowed(state: &State, rules: &Rules) -> u64 {
    let is_soon = next_instant(state.events(), state.at).is_some_and(|at| at <= state.at.plus(LEASE_QUIET));
    if !rules.mode.calls() || rules.fixed_sessions || is_soon {
        return 0;
    }
    let most = u64::from(rules.total_active_users).div_ceil(10) * 3 / 4;
    (enters_allowed(state, rules) / 2).min(most.saturating_sub(state.seats.unconfirmed().into()))
}

/// Whether called places ask in vain just now: some did, and there is still no seat or no pace.
pub(crate) fn claims_closed(state: &State, rules: &Rules) -> bool {
    let full =
        empty_seats(state, rules) == 0 || state.admissions.count() >= u64::from(rules.new_users_per_minute);
    full && !state.kept.is_empty()
}

/// Calls of the last two minutes as a rate, or zero while there were none worth a rate.
pub(crate) fn calls_per_hour(state: &State) -> u64 {
    // A line that began a moment ago has no rate yet: one call would look like thousands an hour.
    measured(state, Millis(0), Millis(5_000))
}

fn measured(state: &State, since: Millis, least: Millis) -> u64 {
    let now = state.at;
    let since = now.minus(RATE_SPAN).max(since);
    let calls = state.line.calls().chain(state.rounds.calls());
    let calls = calls.filter(|call| call.at >= since && call.size > 0);
    let (count, first) =
        calls.fold((0, now), |(count, first), call| (count + u64::from(call.size), first.min(call.at)));
    let elapsed = now.since(first);
    if elapsed < least { 0 } else { count.saturating_mul(3_600_000).checked_div(elapsed.0).unwrap_or(0) }
}

/// What is known of the near future. Where seats are the bound, the line's own rate is the best guess at how fast they turn over; before there
/// is one, everybody is taken to stay as long as a pass is good. Seats are the bound while a line stands at a full room. One with a tenth free is
/// not (nor is it when it opens), but full is not *none free*: some have nearly always come free since the last call. Over [`RATE_SPAN`], departures
/// and calls then differ by less than that tenth. Calls of before the line say how many came, not how many went.
pub(crate) fn forecast(state: &State, rules: &Rules) -> Forecast {
    let show_up = state.show_up.permille().max(1);
    let free = free_seats(state, rules);
    let lifetime = rules.pass_lifetime().secs_ceil().max(1);
    let all_stay = u64::from(rules.total_active_users) * 3_600 / lifetime * 1_000 / show_up;
    let full = free < u64::from(rules.total_active_users).div_ceil(10);
    let rate = if full { measured(state, state.quiet_until, RATE_MIN) } else { 0 };
    Forecast {
        free: free * 1_000 / show_up,
        pace_per_hour: u64::from(rules.pace_per_minute) * 60 * 1_000 / show_up,
        turn_per_hour: if rate > 0 { rate } else { all_stay },
    }
}
