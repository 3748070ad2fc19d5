//! A room whose pace follows its origin, in front of an origin of known capacity. The Room is the production Room, rebuilt from its rows again and
//! again; the origin is a queue: what it cannot serve waits, and what waits for too long is an error. Seconds pass by themselves: the
//! same seed is the same run.

mod table;

use std::collections::VecDeque;

use durable::batch::{BatchAnswer, BatchName, ClaimOutcome, Items, Reply, decode_batch, encode_batch};
use durable::health::Health;
use durable::json;
use durable::json::Value;
use durable::protocol::RoomStatus;
use durable::room::{Input, Output};
use durable::token::Holder;
use durable::units::Millis;

use table::{NOON, Table, granted, ticket};

/// The operator's limit: far beyond what the origin can do.
const LIMIT: u64 = 1_200;
const FLOOR: u64 = 20;
/// Answers that begin later are late.
const LATE_SECS: f64 = 1.0;
/// What has waited for so long is an error.
const PATIENCE_SECS: f64 = 4.0;

/// Splitmix64: the numbers of a seed.
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// How many of so many things happen that each happen with this chance.
    fn count(&mut self, things: u64, chance: f64) -> u64 {
        (0..things).filter(|_| self.unit() < chance).count() as u64
    }
}

/// How people behave who are inside.
#[derive(Clone, Copy)]
struct Habits {
    /// Requests in a second.
    rate: f64,
    /// How long they stay, on average.
    stay_secs: f64,
}

/// One that serves so many requests in a second.
struct Origin {
    capacity: f64,
    backlog: f64,
    /// Nothing is served, and everything fails at once.
    is_down: bool,
}

impl Origin {
    /// A second's requests: how many of them fail, and whether the others are late.
    fn serve(&mut self, requests: u64) -> (u64, bool) {
        if self.is_down {
            self.backlog = 0.0;
            return (requests, false);
        }
        let wanted = self.backlog + requests as f64;
        let most = self.capacity * (1.0 + PATIENCE_SECS);
        let failed = (wanted - most).max(0.0).min(requests as f64);
        self.backlog = (wanted - failed - self.capacity).max(0.0);
        (failed as u64, self.backlog / self.capacity > LATE_SECS)
    }
}

struct World {
    table: Table,
    dice: Dice,
    origin: Origin,
    habits: Habits,
    /// People inside who still do something.
    active: u64,
    /// By the second in which they ask: called places on their way.
    coming: VecDeque<Vec<u64>>,
    /// Claimed so far.
    called: u64,
    joined: u64,
    health: Health,
    second: u64,
    /// By second.
    admitted: Vec<u64>,
    /// By quarter of a minute, what the Room follows.
    paces: Vec<u64>,
}

impl World {
    fn new(seed: u64, habits: Habits, per_minute: u64) -> World {
        let table = Table::new(&json!({
            "total_active_users": 1_000_000, "new_users_per_minute": LIMIT, "session_duration_seconds": 10,
            "origin_health": { "first_byte_ms_max": 1_000, "new_users_per_minute_min": FLOOR },
        }));
        let mut world = World {
            table,
            dice: Dice(seed),
            origin: Origin { capacity: 0.0, backlog: 0.0, is_down: false },
            habits,
            active: 0,
            coming: (0..8).map(|_| Vec::new()).collect(),
            called: 0,
            joined: 0,
            health: Health::default(),
            second: 0,
            admitted: Vec::new(),
            paces: Vec::new(),
        };
        world.can_take(per_minute);
        world
    }

    /// The origin can take so many people in a minute.
    fn can_take(&mut self, per_minute: u64) {
        let Habits { rate, stay_secs } = self.habits;
        self.origin.capacity = per_minute as f64 / 60.0 * rate * stay_secs;
    }

    fn run(&mut self, minutes: u64) {
        (0..minutes * 60).for_each(|_| self.pass_second());
    }

    fn pass_second(&mut self) {
        self.second += 1;
        self.table.now = NOON.plus(Millis(self.second * 1_000));
        // A line always stands.
        let waiting = self.joined - self.called;
        let joins = if waiting < 2_000 { 1_000 } else { 0 };
        self.joined += joins;
        let claims: Vec<u64> = self.coming.pop_front().unwrap_or_default();
        self.coming.push_back(Vec::new());
        // Edges bring their sums every few seconds.
        let health =
            if self.second.is_multiple_of(4) { std::mem::take(&mut self.health) } else { Health::default() };
        let reply = self.batch(Items {
            joins: (0..joins).map(|index| Holder([index as u8; 16])).collect(),
            claims: claims.iter().map(|rank| ticket(*rank)).collect(),
            health,
            ..Items::default()
        });
        let granted = reply.claims.iter().filter(|claim| matches!(claim, ClaimOutcome::Granted(_))).count();
        assert_eq!(granted, claims.len(), "whoever is called gets in, however the pace is lowered meanwhile");
        // Who is called asks within some seconds; one in twenty never does.
        let called = self.table.called();
        for rank in self.called..called {
            if self.dice.unit() < 0.95 {
                let after = (self.dice.unit() * self.coming.len() as f64) as usize;
                self.coming[after].push(rank);
            }
        }
        self.called = called;
        let left = self.dice.count(self.active, 1.0 / self.habits.stay_secs);
        self.active = self.active + granted as u64 - left;
        let requests = self.dice.count(self.active * 4, self.habits.rate / 4.0);
        let (failed, is_late) = self.origin.serve(requests);
        self.sample(requests, failed, is_late);
        self.admitted.push(granted as u64);
        if self.second.is_multiple_of(15) {
            let RoomStatus { pace_per_minute, .. } = self.status();
            assert!((FLOOR..=LIMIT).contains(&pace_per_minute), "{pace_per_minute}");
            self.paces.push(pace_per_minute);
        }
    }

    /// A step, committed; once in a minute all memory is lost.
    fn batch(&mut self, items: Items) -> Reply {
        if self.second.is_multiple_of(60) {
            return self.table.batch(items);
        }
        let Table { room, now, number, .. } = &mut self.table;
        let name = BatchName { lobby: "leaf".into(), incarnation: [1; 16], number: *number };
        *number += 1;
        let batch = decode_batch(&encode_batch(&name, &items)).unwrap();
        let mut step = room.step(*now, [7; 32], vec![Input::Batch(batch)]).unwrap();
        step.writes.into_iter().for_each(|write| self.table.write(write));
        match step.outputs.remove(0) {
            Output::Batch(BatchAnswer::Done(reply)) => reply,
            other => panic!("not done: {other:?}"),
        }
    }

    /// Three isolates look at some of the requests.
    fn sample(&mut self, requests: u64, failed: u64, is_late: bool) {
        let sampled = requests.min(60);
        let share = failed as f64 / requests.max(1) as f64;
        let errors = self.dice.count(sampled, share) as u32;
        let slow = if is_late { sampled as u32 - errors } else { 0 };
        self.health = self.health.and(Health { sampled: sampled as u32, errors, slow });
    }

    fn status(&mut self) -> RoomStatus {
        self.table.room.status(self.table.now)
    }

    /// Admissions in a minute, on average of the last so many.
    fn rate(&self, minutes: usize) -> f64 {
        let last = &self.admitted[self.admitted.len() - minutes * 60..];
        last.iter().sum::<u64>() as f64 / minutes as f64
    }
}

/// Pages that are read, and a form that is filled in.
const READERS: Habits = Habits { rate: 0.2, stay_secs: 60.0 };
const WRITERS: Habits = Habits { rate: 0.1, stay_secs: 180.0 };

fn assert_near(rate: f64, capacity: u64, what: &str) {
    let share = rate / capacity as f64;
    assert!((0.9..=1.1).contains(&share), "{what}: {rate:.0} a minute of {capacity}");
}

#[test]
fn a_room_settles_at_what_its_origin_can_take_and_does_not_collapse() {
    for (seed, habits, capacity) in [(1, READERS, 300), (2, READERS, 600), (3, WRITERS, 300)] {
        let mut world = World::new(seed, habits, capacity);
        world.run(60);
        let what = format!("seed {seed}");
        assert_near(world.rate(30), capacity, &what);
        let least = world.paces.iter().skip(30 * 4).min().copied().unwrap();
        assert!(least >= capacity / 2, "{what}: the pace fell to {least}");
        let first = world.paces.iter().min().copied().unwrap();
        assert!(first >= capacity / 4, "{what}: while it found out it fell to {first}");
        let RoomStatus { limit_per_minute, origin_notes, .. } = world.status();
        assert_eq!((limit_per_minute, origin_notes.len()), (LIMIT, 1), "one note, however often it steps");
    }
}

#[test]
fn a_room_follows_an_origin_that_loses_half_of_itself_and_gets_it_back() {
    for seed in 1..=2 {
        let mut world = World::new(seed, READERS, 600);
        world.run(30);
        world.can_take(300);
        world.run(5);
        assert!(world.status().pace_per_minute < 400, "it is soon heard");
        world.run(35);
        assert_near(world.rate(20), 300, &format!("seed {seed}, half"));
        world.can_take(600);
        world.run(40);
        assert_near(world.rate(20), 600, &format!("seed {seed}, whole again"));
    }
}

#[test]
fn an_origin_that_is_down_is_spared_and_back_at_the_limit_when_it_is_well() {
    let mut world = World::new(7, READERS, 2 * LIMIT);
    world.run(5);
    assert_eq!(world.status().pace_per_minute, LIMIT, "a healthy origin is never lowered");
    world.origin.is_down = true;
    world.run(5);
    assert_eq!(world.status().pace_per_minute, FLOOR);
    world.run(5);
    world.origin.is_down = false;
    world.run(30);
    let status = world.status();
    assert_eq!((status.pace_per_minute, status.origin.errors), (LIMIT, 0));
    let told = status.origin_notes.iter().map(|note| (note.number, note.lowered, note.error_permille > 50));
    assert_eq!(told.collect::<Vec<_>>(), [(1, true, true), (2, false, false)]);
}

#[test]
fn a_room_of_which_nothing_more_is_heard_is_at_its_limit_again_by_its_alarm_alone() {
    let mut world = World::new(9, READERS, 2 * LIMIT);
    world.origin.is_down = true;
    world.run(5);
    let mut table = world.table;
    let mut alarms = 0;
    while table.room.status(table.now).pace_per_minute < LIMIT {
        table.now =
            table.wake_at.expect("an alarm, while the pace is lowered").max(table.now.plus(Millis(1)));
        table.step(Input::Tick);
        alarms += 1;
        assert!(table.now < NOON.plus(Millis(90 * 60_000)), "frozen");
    }
    assert!(alarms > 10, "step by step: {alarms}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = || {
        let mut world = World::new(5, READERS, 300);
        world.run(10);
        (world.paces, world.admitted)
    };
    assert_eq!(run(), run());
}

/// A room with a line, of which so much was seen at its origin.
fn heard(table: &mut Table, health: Health) {
    table.now = table.now.plus(Millis(60_000));
    table.batch(Items { health, ..Items::default() });
}

const BAD: Health = Health { sampled: 100, errors: 100, slow: 0 };

fn standing(settings: &Value) -> Table {
    let mut table = Table::new(settings);
    table.join(200);
    table
}

#[test]
fn board_waits_calls_and_alarm_follow_the_pace_and_the_window_does_not() {
    let follows = json!({
        "total_active_users": 10_000, "new_users_per_minute": 60, "origin_health": { "new_users_per_minute_min": 6 },
    });
    let mut table = standing(&follows);
    let (called, hour) = (table.called(), table.room.board(table.now).pace_per_hour);
    assert_eq!((called, hour), (2, 3_600), "two seconds' worth");
    // Whoever was called before the pace was lowered gets in at once.
    table.claim(0);
    heard(&mut table, BAD);
    let status = table.room.status(table.now);
    assert_eq!((status.pace_per_minute, status.limit_per_minute, status.origin), (6, 60, BAD));
    granted(&table.claim(1));
    let board = table.room.board(table.now);
    assert_eq!(board.pace_per_hour, 360, "what is told of waits follows");
    let before = table.called();
    for _ in 0..60 {
        table.later(1_000);
    }
    let called = table.called() - before;
    assert!((5..=7).contains(&called), "{called} in a minute of 6");
    let alarm = table.wake_at.unwrap().since(table.now);
    assert!(alarm > Millis(1_000) && alarm <= Millis(10_000), "the next call, not one a second: {alarm:?}");
}

#[test]
fn a_batch_that_comes_again_counts_once_and_a_room_that_follows_nobody_hears_nothing() {
    let mut table = standing(&json!({ "origin_health": { "new_users_per_minute_min": 6 } }));
    heard(&mut table, Health { sampled: 100, errors: 0, slow: 0 });
    table.now = table.now.plus(Millis(1_000));
    let health = Health { sampled: 12, errors: 12, slow: 0 };
    table.batch(Items { health, ..Items::default() });
    table.number -= 1;
    table.batch(Items { health, ..Items::default() });
    // Twice twelve would be enough to judge by.
    table.later(30_000);
    assert_eq!(table.room.status(table.now).origin.errors, 0);
    table.later(30_000);
    assert_eq!(table.room.status(table.now).origin, health);
    let mut table = standing(&json!({}));
    heard(&mut table, BAD);
    let status = table.room.status(table.now);
    assert_eq!((status.pace_per_minute, status.origin), (status.limit_per_minute, Health::default()));
}

#[test]
fn an_operator_who_switches_it_off_has_the_limit_at_once() {
    let bounds = json!({ "origin_health": { "new_users_per_minute_min": 6 } });
    let mut table = standing(&bounds);
    heard(&mut table, BAD);
    assert!(table.room.status(table.now).pace_per_minute < 100_000);
    table.configure(&json!({}));
    let status = table.room.status(table.now);
    assert_eq!((status.pace_per_minute, status.origin_notes.len()), (100_000, 2));
    table.configure(&bounds);
    assert_eq!(table.room.status(table.now).pace_per_minute, 100_000, "what was is forgotten");
}

#[test]
fn what_was_seen_of_the_origin_is_three_numbers_and_none_that_cannot_be() {
    let name = BatchName { lobby: "leaf".into(), incarnation: [1; 16], number: 0 };
    let health = Health { sampled: 300, errors: 2, slow: 1 };
    let bytes = encode_batch(&name, &Items { health, ..Items::default() });
    assert!(
        bytes.ends_with(&[6, 7, 4, 0xac, 2, 2, 1]),
        "pinned: lobbies and Rooms of two versions say it so"
    );
    assert_eq!(decode_batch(&bytes).unwrap().items.health, health);
    // Two of one, in as many bytes.
    for wrong in [[0x81, 0, 2, 0], [0x81, 0, 0, 2]] {
        let mut bytes = bytes.clone();
        let at = bytes.len() - 4;
        bytes[at..].copy_from_slice(&wrong);
        assert!(decode_batch(&bytes).is_err(), "{wrong:?}");
    }
}
