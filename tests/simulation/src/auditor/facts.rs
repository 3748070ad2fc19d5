//! What is known of a run: the naive second model. Lists of everything that ever was, read from committed rows; whatever is asked of them is
//! counted anew.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use durable::batch::{BatchName, Grant, Reply};
use durable::draws::Occasion;
use durable::json::{Value, parse};
use durable::schedule::Event;
use durable::units::{Millis, Rank};
use durable::wire::from_text;

use super::draws::{Draws, is_of};
use super::expected::{Cohort, ShowUp};
use super::rounds::Rounds;
use super::rules::{Limits, Orders, Way};

/// An edge may act on a board that is older than its age by this.
pub(super) const GRACE: Millis = Millis(1_000);
/// A pass is dead at every edge so long after it expired: clocks are off by a second, and requests are under way.
pub(super) const DEAD_AFTER_EXPIRY: Millis = Millis(2_000);
/// The age of a board while a line stands.
pub(super) const YOUNGEST_AGE: Millis = Millis(1_000);
/// The age of a board while nobody waits.
pub(super) const OLDEST_BOARD: Millis = Millis(10_000);
/// A revoked pass is dead so long after the boards that were published before it was: by a grace for their age, and by their way.
pub(super) const DEAD_AFTER_REVOCATION: Millis = Millis(7_000);
/// A ticket lives so long.
const TICKET_LIFE: Millis = Millis(24 * 60 * 60_000);
/// That it has died is noticed with the next that joined, a minute and more behind.
const NOTICED: Millis = Millis(10 * 60_000);
/// Clocks are off by so much.
const CLOCKS: Millis = Millis(2_000);
/// Seats come free in steps of this.
pub(super) const TICK: Millis = Millis(100);
/// What pace is counted over.
pub(super) const WINDOW: Millis = Millis(60_000);
/// How long a place may still enter: from its call on at least, from the end of its window on at most.
pub(super) const LATE_WINDOW: Millis = Millis(30 * 60_000);
/// A window stays open for the last request that is under way: so much longer than was told, and no more.
pub(super) const LAST_REQUEST: Millis = Millis(5_000);

/// When a place was called, and how long that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// The call.
    pub(super) at: Millis,
    /// Until then whoever asks gets in at once.
    pub(super) closes_at: Millis,
    /// It holds a seat until then, by its row: for [`LAST_REQUEST`] longer at most.
    pub(super) holds_until: Millis,
    /// From then on nobody may enter.
    pub(super) late_until: Millis,
}

/// A rank, and what became of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RankFacts {
    /// Who joined.
    pub(super) holder: [u8; 16],
    /// When.
    pub(super) joined_at: Millis,
    /// Its turn, if it was called.
    pub(super) turn: Option<Turn>,
    /// The watermark has passed its place.
    pub(super) is_passed: bool,
    /// The round that called it, while that is kept.
    pub(super) round: Option<u64>,
    /// The call that counts on it.
    pub(super) cohort: Option<usize>,
    /// It was exchanged while its call held a seat for it.
    pub(super) came_in_time: bool,
    /// Its ticket was given up.
    pub(super) left: bool,
    /// The pass it was exchanged for.
    pub(super) pass: Option<(u32, u32)>,
    /// When it was told *next* last.
    pub(super) kept_at: Option<Millis>,
    /// The same, on a clock that stands still while nobody may claim.
    pub(super) kept_on_clock: Option<Millis>,
}

impl RankFacts {
    /// Whether its ticket is worth nothing any more.
    pub(super) fn is_spent(&self) -> bool {
        self.left || self.pass.is_some()
    }

    /// Whether its ticket is a day old, by the clock of whoever looks.
    pub(super) fn has_died(&self, at: Millis) -> bool {
        at.since(self.joined_at).plus(CLOCKS) >= TICKET_LIFE
    }

    /// Whether it has been for long enough that nobody calls it any more.
    pub(super) fn is_long_dead(&self, at: Millis) -> bool {
        at.since(self.joined_at) >= TICKET_LIFE.plus(NOTICED)
    }

    /// Whether it may be called.
    pub(super) fn is_waiting(&self) -> bool {
        !self.is_passed && self.round.is_none() && !self.is_spent()
    }
}

/// A pass, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PassFacts {
    /// For this ticket.
    pub(super) rank: Option<Rank>,
    /// When it was given.
    pub(super) admitted_at: Millis,
    /// The newest version of it.
    pub(super) grant: Grant,
    /// When it was renewed first.
    pub(super) renewed_at: Option<Millis>,
    /// It had expired, and its seat was given back.
    pub(super) is_returned: bool,
    /// When it was given up.
    pub(super) left_at: Option<Millis>,
    /// From then on no edge accepts it.
    pub(super) dead_at: Millis,
    /// From then on its seat is free, by the row: no sooner, and a step later at most.
    pub(super) free_at: Millis,
}

/// A board that anybody may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    /// When it was made.
    pub(super) at: Millis,
    /// The same, by the Room's clock.
    pub(super) clock: Millis,
    /// How long it may be acted on.
    pub(super) age: Millis,
}

/// A batch's name, so that it can be looked up.
pub(super) type Name = (String, [u8; 16], u64);

/// See the module's words.
#[derive(Clone, Default)]
pub(super) struct Facts {
    /// The time of the last row.
    pub(super) at: Millis,
    /// Settings and events.
    pub(super) orders: Orders,
    /// What they allowed at the last row; none before the room was configured.
    pub(super) limits: Option<Limits>,
    /// The pace, where it follows the origin and is lower than the limit.
    pub(super) lowered_to: Option<u64>,
    /// When that was changed.
    pub(super) slowed_at: Millis,
    /// When that changed last.
    pub(super) configured_at: Millis,
    /// When a limit was lowered last, or everybody passed freely.
    pub(super) lowered_at: Option<Millis>,
    /// Since when nobody may claim.
    pub(super) held_since: Option<Millis>,
    /// When nobody waited last: boards of that moment may be old.
    pub(super) quiet_at: Option<Millis>,
    /// When all sessions were ended, and for which prequeue.
    pub(super) sessions_ended: Vec<(Millis, Option<Occasion>)>,
    /// What was in force before, and until when: edges that have not heard yet go by it.
    pub(super) former: Vec<(Millis, Orders)>,
    /// How many tickets were given in each of the epochs that are over.
    pub(super) issued_before: Vec<u64>,
    /// Every rank of this epoch.
    pub(super) ranks: Vec<RankFacts>,
    /// The rank of every place, and the place of every rank.
    pub(super) laid_out: (Vec<u64>, Vec<u64>),
    /// Draws to come, and those that were held.
    pub(super) draws: Draws,
    /// Rounds that are kept.
    pub(super) rounds: Rounds,
    /// Who was called together.
    pub(super) cohorts: Vec<Cohort>,
    /// How many come of those who are called.
    pub(super) show_up: ShowUp,
    /// Every place below it was called.
    pub(super) called: u64,
    /// When places were called last, and from which one on.
    pub(super) call_began: Option<(Millis, u64)>,
    /// Every pass, by seat and generation.
    pub(super) passes: BTreeMap<(u32, u32), PassFacts>,
    /// Those that a region was given to have in hand.
    pub(super) leased: BTreeSet<(u32, u32)>,
    /// Those that may be alive.
    pub(super) alive: Vec<(u32, u32)>,
    /// When somebody was admitted, and whether by a ticket.
    pub(super) admissions: Vec<(Millis, bool)>,
    /// When latecomers were admitted while others waited.
    pub(super) late: Vec<Millis>,
    /// When how many were called: those who are expected, in thousandths of one.
    pub(super) calls: Vec<(Millis, u64)>,
    /// What was answered to which batch.
    pub(super) answers: BTreeMap<Name, ([u8; 32], Reply)>,
    /// What was published lately.
    pub(super) boards: VecDeque<Published>,
}

/// As a key.
pub(super) fn key(name: &BatchName) -> Name {
    (name.lobby.clone(), name.incarnation, name.number)
}

impl Facts {
    /// The rank that has a place.
    pub(super) fn rank_of(&self, place: u64) -> u64 {
        self.laid_out.0.get(place as usize).copied().unwrap_or(place)
    }

    /// The place of a rank.
    pub(super) fn place_of(&self, rank: u64) -> u64 {
        self.laid_out.1.get(rank as usize).copied().unwrap_or(rank)
    }

    /// From this place on, these ranks stand.
    pub(super) fn lay_out(&mut self, first: u64, ranks: &[u64]) {
        let (ranks_by_place, places) = &mut self.laid_out;
        for (rank, place) in ranks.iter().zip(first..) {
            ranks_by_place[place as usize] = *rank;
            places[*rank as usize] = place;
        }
    }

    /// What is known of a rank.
    pub(super) fn rank(&self, rank: u64) -> Option<&RankFacts> {
        self.ranks.get(usize::try_from(rank).ok()?)
    }

    /// Settings were committed.
    pub(super) fn configure(&mut self, at: Millis, settings: &str) {
        let Ok(settings) = parse(settings.as_bytes()) else { return };
        let is_held = settings.get("queue_all") == Some(&Value::Bool(true));
        self.former.push((at, self.orders.clone()));
        self.orders.settings = Some(settings);
        self.configured_at = at;
        self.hold(at, is_held);
        self.reckon(at);
    }

    /// Events were committed.
    pub(super) fn schedule(&mut self, at: Millis, events: &str) {
        let events: Option<Vec<Event>> = from_text(events.as_bytes());
        self.former.push((at, self.orders.clone()));
        self.orders.events = events.unwrap_or_default();
        let Facts { orders, draws, .. } = self;
        draws.sealed.retain(|sealed| orders.events.iter().any(|event| is_of(sealed.occasion, event)));
        self.reckon(at);
    }

    /// What holds at this moment.
    pub(super) fn reckon(&mut self, at: Millis) {
        let Some(limits) = self.orders.limits(at) else { return };
        let before = self.limits.replace(limits).unwrap_or(limits);
        // Who passes freely is counted, and takes seats that others were promised.
        let free = before.way == Way::Free;
        if limits.seats < before.seats || limits.per_minute < before.per_minute || free {
            self.lowered_at = Some(at);
        }
        if limits != before {
            self.configured_at = at;
        }
    }

    /// While nobody may claim, turns stand still.
    pub(super) fn hold(&mut self, at: Millis, is_held: bool) {
        match (self.held_since, is_held) {
            (None, true) => self.held_since = Some(at),
            (Some(since), false) => {
                let pause = at.since(since);
                for kept_at in self.ranks.iter_mut().filter_map(|rank| rank.kept_on_clock.as_mut()) {
                    *kept_at = kept_at.plus(pause);
                }
                let turns = self.ranks.iter_mut().filter_map(|rank| rank.turn.as_mut());
                for turn in turns {
                    if turn.closes_at > since {
                        turn.closes_at = turn.closes_at.plus(pause);
                    }
                    if turn.holds_until > since {
                        turn.holds_until = turn.holds_until.plus(pause);
                        turn.late_until = turn.late_until.plus(pause);
                    }
                }
                for cohort in self.cohorts.iter_mut().filter(|cohort| cohort.closes_at > since) {
                    cohort.closes_at = cohort.closes_at.plus(pause);
                    cohort.late_until = cohort.late_until.plus(pause);
                }
                self.pause_rounds(since, pause);
                self.held_since = None;
            }
            _ => {}
        }
    }

    /// The moment that counts for a window: time stands still while everybody is held.
    pub(super) fn moment(&self, at: Millis) -> Millis {
        self.held_since.unwrap_or(at)
    }

    /// Ranks were given.
    pub(super) fn join(&mut self, at: Millis, count: u64) {
        let (before, after) = (self.ranks.len(), self.ranks.len() + count as usize);
        self.ranks.resize(after, RankFacts { joined_at: at, ..RankFacts::default() });
        self.laid_out.0.extend(before as u64..after as u64);
        self.laid_out.1.extend(before as u64..after as u64);
    }

    /// A seat was given.
    pub(super) fn admit(&mut self, at: Millis, rank: Option<Rank>, grant: &Grant, free_at: Millis) {
        let key = (grant.seat.0, grant.generation.0);
        let pass = PassFacts {
            rank,
            admitted_at: at,
            grant: *grant,
            renewed_at: None,
            is_returned: false,
            left_at: None,
            dead_at: grant.expires.plus(DEAD_AFTER_EXPIRY),
            free_at,
        };
        self.passes.insert(key, pass);
        self.alive.push(key);
        self.admissions.push((at, rank.is_some()));
        let moment = self.moment(at);
        if let Some(facts) = rank.and_then(|rank| self.ranks.get_mut(rank.0 as usize)) {
            facts.pass = Some(key);
            let cohort = facts.cohort.and_then(|cohort| self.cohorts.get(cohort));
            facts.came_in_time = cohort.is_some_and(|cohort| moment < cohort.closes_at);
        }
    }

    /// A pass is alive, again or still: seats come free in steps, so it may stand there yet.
    pub(super) fn revive(&mut self, key: (u32, u32)) {
        if !self.alive.contains(&key) {
            self.alive.push(key);
        }
    }

    /// How many seats are live.
    pub(super) fn live(&mut self, at: Millis) -> u64 {
        self.count_alive(at, |pass| pass.dead_at > at)
    }

    /// How many seats are taken: they come free in steps.
    pub(super) fn taken(&mut self, at: Millis) -> u64 {
        self.count_alive(at, |pass| pass.free_at.plus(TICK) > at)
    }

    fn count_alive(&mut self, at: Millis, is_so: impl Fn(&PassFacts) -> bool) -> u64 {
        let Facts { alive, passes, .. } = self;
        let ends = |pass: &PassFacts| pass.dead_at.max(pass.free_at.plus(TICK));
        alive.retain(|key| passes.get(key).is_some_and(|pass| ends(pass) > at));
        alive.iter().filter(|key| passes.get(key).is_some_and(&is_so)).count() as u64
    }

    /// The ranks that may be called.
    pub(super) fn waiting(&self) -> impl Iterator<Item = u64> {
        let ranks = self.ranks.iter().zip(0..);
        ranks.filter(|(facts, _)| facts.is_waiting()).map(|(_, rank)| rank)
    }

    /// Whether there is none.
    pub(super) fn waits_nobody(&self) -> bool {
        self.waiting().next().is_none()
    }

    /// How many were admitted in the 60 s before.
    pub(super) fn admitted(&self, at: Millis) -> u64 {
        let recent = self.admissions.iter().rev();
        recent.take_while(|(then, _)| at.since(*then) <= WINDOW).count() as u64
    }

    /// Nobody waits, or nobody did until now.
    pub(super) fn note_quiet(&mut self, at: Millis) {
        if self.waits_nobody() {
            self.quiet_at = Some(at);
        }
    }

    /// Whether a board may be about that was made while nobody waited.
    pub(super) fn was_quiet_lately(&self, at: Millis) -> bool {
        self.quiet_at.is_some_and(|quiet_at| at.since(quiet_at) <= OLDEST_BOARD.plus(GRACE))
    }

    /// Ranks that are called and neither exchanged nor given up, each with its place, the lowest first.
    pub(super) fn pending(&self) -> impl Iterator<Item = (u64, Turn, &RankFacts)> {
        let ranks = self.laid_out.0.iter().zip(0..);
        let known = ranks.filter_map(|(rank, place)| Some((place, self.rank(*rank)?)));
        known.filter_map(|(place, facts)| Some((place, facts.turn.filter(|_| !facts.is_spent())?, facts)))
    }

    /// When no edge goes on any more with a board that was published until now, by the Room's clock: if that went back since, from now on.
    pub(super) fn boards_end_at(&self, now: Millis) -> Millis {
        let ends = self.boards.iter().map(|board| board.clock.min(now).plus(board.age));
        ends.max().unwrap_or(now).max(now.plus(YOUNGEST_AGE))
    }
}
