//! The schedule: what holds at a moment, read as a calendar is read, and edges that follow it alone agree with the Room.

use durable::board::{Board, Phase};
use durable::json;
use durable::room::{Input, Room};
use durable::schedule::{Event, Mode, Rules};
use durable::settings::{QueueingMethod, Settings};
use durable::units::Millis;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::config;
use crate::table::{NOON, Table};

fn method() -> impl Strategy<Value = QueueingMethod> {
    use QueueingMethod::{Fifo, Passthrough, Random, Reject};
    prop_oneof![Just(Fifo), Just(Random), Just(Passthrough), Just(Reject)]
}

/// One whose times are steps: before it, of its prequeue, and of itself.
fn event() -> impl Strategy<Value = Event> {
    let limit = || option::of(1..1_000u32);
    let overrides =
        (limit(), limit(), option::of(10..999u32), option::of(any::<bool>()), option::of(method()));
    ((0..4u64, 0..4u64, 1..6u64), any::<[bool; 2]>(), overrides).prop_map(|(steps, flags, overrides)| {
        let (users, per_minute, seconds, fixed, queueing_method) = overrides;
        Event {
            id: [0; 16],
            prequeue_ms: steps.0,
            start_ms: steps.1,
            end_ms: steps.2,
            shuffle: flags[0] && steps.1 > 0,
            ends_sessions: flags[1],
            total_active_users: users,
            new_users_per_minute: per_minute,
            session_duration_seconds: seconds,
            disable_session_renewal: fixed,
            queueing_method,
        }
    })
}

/// Up to four, one after the other and sometimes without a gap, from this moment on and in steps of so many milliseconds.
fn events(from: u64, step: u64) -> impl Strategy<Value = Vec<Event>> {
    vec(event(), 0..5).prop_map(move |mut events| {
        let mut at = from;
        for (index, event) in (0..).zip(&mut events) {
            event.id = [index; 16];
            for moment in [&mut event.prequeue_ms, &mut event.start_ms, &mut event.end_ms] {
                at += *moment * step;
                *moment = at;
            }
        }
        events
    })
}

fn settings() -> impl Strategy<Value = json::Value> {
    (method(), 0..8u8, 0..8u8, any::<bool>()).prop_map(|(method, suspended, held, fixed)| {
        json!({
            "queueing_method": method.name(), "suspended": suspended == 0, "queue_all": held == 0,
            "disable_session_renewal": fixed,
        })
    })
}

/// A calendar with a day for each moment: who has written what there.
fn written(events: &[Event], now: u64) -> (Option<&Event>, bool) {
    let (mut under_way, mut prequeues) = (None, false);
    for event in events {
        for at in event.prequeue_ms..event.end_ms {
            if at == now && at < event.start_ms {
                prequeues = true;
            } else if at == now {
                under_way = Some(event);
            }
        }
    }
    (under_way, prequeues)
}

fn mode(settings: &Settings, method: QueueingMethod, prequeues: bool) -> Mode {
    if settings.suspended {
        return Mode::Suspended;
    }
    if settings.queue_all {
        return Mode::Held;
    }
    if prequeues {
        return Mode::Prequeue;
    }
    match method {
        QueueingMethod::Fifo => Mode::Fifo,
        QueueingMethod::Random => Mode::Random,
        QueueingMethod::Passthrough => Mode::Passthrough,
        QueueingMethod::Reject => Mode::Reject,
    }
}

/// Whether there is room besides is for the Room to say.
fn plain(phase: Phase) -> Phase {
    if phase == Phase::Open { Phase::Busy } else { phase }
}

fn told(pages: &Table, events: &[Event], until: u64) -> Board {
    let mut room = Room::load(&pages.pages, &pages.rows).unwrap();
    // It wakes by itself whenever something changes.
    let instants = events.iter().flat_map(Event::instants).filter(|at| (pages.now.0..=until).contains(&at.0));
    let mut instants: Vec<Millis> = instants.collect();
    instants.sort();
    for at in instants.into_iter().chain([Millis(until)]) {
        room.step(at, [8; 32], vec![Input::Tick]).unwrap();
    }
    room.board(Millis(until))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_holds_is_what_is_written_for_the_moment(events in events(3, 1), json in settings()) {
        let mut room = json!({ "name": "a", "host": "a.b", "total_active_users": 50, "new_users_per_minute": 60 });
        json.as_object().unwrap().iter().for_each(|(key, value)| room.set(key, value.clone()));
        let settings = Settings::parse(&room).unwrap();
        for now in 0..60 {
            let (event, prequeues) = written(&events, now);
            let rules = Rules::at(&settings, &events, Millis(now));
            let method = event.and_then(|event| event.queueing_method).unwrap_or(settings.queueing_method);
            prop_assert_eq!(rules.mode, mode(&settings, method, prequeues));
            let users = event.and_then(|event| event.total_active_users);
            prop_assert_eq!(rules.total_active_users, users.unwrap_or(50));
            let per_minute = event.and_then(|event| event.new_users_per_minute);
            prop_assert_eq!(rules.new_users_per_minute, per_minute.unwrap_or(60));
            let seconds = event.and_then(|event| event.session_duration_seconds).unwrap_or(300);
            prop_assert_eq!(rules.session_duration, Millis(u64::from(seconds) * 1_000));
            let fixed = event.and_then(|event| event.disable_session_renewal);
            prop_assert_eq!(rules.fixed_sessions, fixed.unwrap_or(settings.disable_session_renewal));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: config().cases / 8, ..config() })]

    #[test]
    fn edges_that_follow_the_schedule_alone_agree_with_the_room(
        events in events(NOON.0 + 30_000, 30_000), settings in settings(), asked in 0..300u64, later in vec(0..300u64, 4),
    ) {
        let mut table = Table::new(&settings);
        table.events.clone_from(&events);
        table.configure(&settings);
        // Settings of before an event, of its prequeue, and of itself.
        let mut instants: Vec<u64> = events.iter().flat_map(Event::instants).map(|at| at.0).collect();
        instants.sort_unstable();
        instants.dedup();
        for at in instants.iter().map(|at| Millis(*at)).filter(|at| at.0 <= NOON.0 + asked * 2_000) {
            table.now = at;
            table.step(Input::Tick);
        }
        table.now = Millis(NOON.0 + asked * 2_000);
        table.step(Input::Tick);
        let board = table.room.board(table.now);
        // A board announces the next two changes, and is too old for more.
        let third = instants.iter().filter(|at| **at > table.now.0).nth(2).copied().unwrap_or(u64::MAX);
        for at in later.into_iter().map(|later| table.now.0 + later * 2_000).filter(|at| *at < third) {
            let mut followed = board.clone();
            followed.follow_schedule(Millis(at));
            let said = told(&table, &events, at);
            prop_assert_eq!(plain(followed.phase), plain(said.phase), "at {}", at - NOON.0);
            prop_assert_eq!(followed.pass_epoch, said.pass_epoch, "at {}", at - NOON.0);
        }
    }
}
