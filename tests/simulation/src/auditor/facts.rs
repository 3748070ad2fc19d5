//! What is known of a run: the naive second model. Lists of everything that ever was, read from committed rows; whatever is asked of them is
//! counted anew.

use std::collections::{BTreeMap, VecDeque};

use durable::batch::{BatchName, Grant, Reply};
use durable::json::{Value, parse};
use durable::units::{Millis, Rank};

/// An edge may act on a board that is older than its age by this.
pub(super) const GRACE: Millis = Millis(1_000);
/// A pass is dead at every edge so long after it expired: clocks are off by a second, and requests are under way.
pub(super) const DEAD_AFTER_EXPIRY: Millis = Millis(2_000);
/// A revoked pass is dead so long after the longest age of a board that was published before.
pub(super) const DEAD_AFTER_REVOCATION: Millis = Millis(5_000);
/// How long after its call a place may still enter, at least.
pub(super) const LATE_WINDOW: Millis = Millis(30 * 60_000);

/// What operators allow, as far as rules depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// `total_active_users`.
    pub(super) seats: u64,
    /// `new_users_per_minute`.
    pub(super) per_minute: u64,
    /// D.
    pub(super) session: Millis,
    /// How long a called place holds its seat.
    pub(super) claim_window: Millis,
    /// Sessions are not prolonged.
    pub(super) is_fixed: bool,
    /// `queue_all`.
    pub(super) is_held: bool,
    /// `suspended`.
    pub(super) is_suspended: bool,
}

/// When a place was called, and how long that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// The call.
    pub(super) at: Millis,
    /// Until then whoever asks gets in at once.
    pub(super) closes_at: Millis,
    /// It holds a seat until then, by its row.
    pub(super) holds_until: Millis,
    /// From then on nobody may enter.
    pub(super) late_until: Millis,
}

/// A rank, and what became of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RankFacts {
    /// Its turn, if it was called.
    pub(super) turn: Option<Turn>,
    /// Its ticket was given up.
    pub(super) left: bool,
    /// The pass it was exchanged for.
    pub(super) pass: Option<(u32, u32)>,
    /// When it was told *next* last.
    pub(super) kept_at: Option<Millis>,
    /// The same, on a clock that stands still while nobody may claim.
    pub(super) kept_on_clock: Option<Millis>,
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
    /// When it was given up.
    pub(super) left_at: Option<Millis>,
    /// From then on no edge accepts it.
    pub(super) dead_at: Millis,
}

/// A batch's name, so that it can be looked up.
pub(super) type Name = (String, [u8; 16], u64);

/// See the module's words.
#[derive(Clone, Default)]
pub(super) struct Facts {
    /// The time of the last row.
    pub(super) at: Millis,
    /// None before the room was configured.
    pub(super) limits: Option<Limits>,
    /// When settings changed last.
    pub(super) configured_at: Millis,
    /// When a limit was lowered last.
    pub(super) lowered_at: Option<Millis>,
    /// Since when nobody may claim.
    pub(super) held_since: Option<Millis>,
    /// When the room was switched off last, or has been on since.
    pub(super) suspended_at: Option<Millis>,
    /// The slowest pace that ever was.
    pub(super) slowest: u64,
    /// Every rank.
    pub(super) ranks: Vec<RankFacts>,
    /// Every place below it was called.
    pub(super) called: u64,
    /// Every pass, by seat and generation.
    pub(super) passes: BTreeMap<(u32, u32), PassFacts>,
    /// Those that may be alive.
    pub(super) alive: Vec<(u32, u32)>,
    /// When somebody was admitted, and whether by a ticket.
    pub(super) admissions: Vec<(Millis, bool)>,
    /// When latecomers were admitted while others waited.
    pub(super) late: Vec<Millis>,
    /// When how many were called.
    pub(super) calls: Vec<(Millis, u64)>,
    /// What was answered to which batch.
    pub(super) answers: BTreeMap<Name, ([u8; 32], Reply)>,
    /// When boards were published, and how long each may be acted on.
    pub(super) boards: VecDeque<(Millis, Millis)>,
}

/// As a key.
pub(super) fn key(name: &BatchName) -> Name {
    (name.lobby.clone(), name.incarnation, name.number)
}

impl Facts {
    /// The rank whose turn is at a place: under `fifo` both are the same.
    pub(super) fn rank_of(&self, place: u64) -> u64 {
        place
    }

    /// The place that decides a rank's turn.
    pub(super) fn place_of(&self, rank: u64) -> u64 {
        rank
    }

    /// What is known of a rank.
    pub(super) fn rank(&self, rank: u64) -> Option<&RankFacts> {
        self.ranks.get(usize::try_from(rank).ok()?)
    }

    /// Settings were committed.
    pub(super) fn configure(&mut self, at: Millis, settings: &str) {
        let Ok(settings) = parse(settings.as_bytes()) else { return };
        let number = |name: &str| settings.get(name).and_then(Value::as_u64).unwrap_or_default();
        let flag = |name: &str| settings.get(name) == Some(&Value::Bool(true));
        let limits = Limits {
            seats: number("total_active_users"),
            per_minute: number("new_users_per_minute"),
            session: Millis::from_secs(number("session_duration_seconds")),
            claim_window: Millis::from_secs(number("claim_window_seconds")),
            is_fixed: flag("disable_session_renewal"),
            is_held: flag("queue_all"),
            is_suspended: flag("suspended"),
        };
        if self.limits.is_some_and(|old| limits.seats < old.seats || limits.per_minute < old.per_minute) {
            self.lowered_at = Some(at);
        }
        if limits.is_suspended || self.limits.is_some_and(|old| old.is_suspended) {
            self.suspended_at = Some(at);
        }
        self.hold(at, limits.is_held);
        self.slowest =
            if self.slowest == 0 { limits.per_minute } else { self.slowest.min(limits.per_minute) };
        self.configured_at = at;
        self.limits = Some(limits);
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
    pub(super) fn join(&mut self, count: u64) {
        self.ranks.resize(self.ranks.len() + count as usize, RankFacts::default());
    }

    /// A seat was given.
    pub(super) fn admit(&mut self, at: Millis, rank: Option<Rank>, grant: &Grant) {
        let key = (grant.seat.0, grant.generation.0);
        let pass = PassFacts {
            rank,
            admitted_at: at,
            grant: *grant,
            renewed_at: None,
            left_at: None,
            dead_at: grant.expires.plus(DEAD_AFTER_EXPIRY),
        };
        self.passes.insert(key, pass);
        self.alive.push(key);
        self.admissions.push((at, rank.is_some()));
        if let Some(facts) = rank.and_then(|rank| self.ranks.get_mut(rank.0 as usize)) {
            facts.pass = Some(key);
        }
    }

    /// How many seats are live.
    pub(super) fn live(&mut self, at: Millis) -> u64 {
        let Facts { alive, passes, .. } = self;
        alive.retain(|key| passes.get(key).is_some_and(|pass| pass.dead_at > at));
        alive.len() as u64
    }

    /// How many wait uncalled and have not left.
    pub(super) fn waiting(&self) -> u64 {
        let uncalled =
            (self.called..self.ranks.len() as u64).filter_map(|place| self.rank(self.rank_of(place)));
        uncalled.filter(|rank| !rank.left).count() as u64
    }

    /// Places that are called and neither exchanged nor given up, in the order of their calls.
    pub(super) fn pending(&self) -> impl Iterator<Item = (u64, Turn, &RankFacts)> {
        let ranks = self.ranks.iter().zip(0u64..).filter(|(rank, _)| !rank.left && rank.pass.is_none());
        ranks.filter_map(|(facts, rank)| Some((rank, facts.turn?, facts)))
    }

    /// The longest time for which an edge may go on with a board that was published before: counted from now.
    pub(super) fn longest_age(&self, now: Millis) -> Millis {
        let usable = self.boards.iter().filter(|(at, age)| now.since(*at) <= age.plus(GRACE));
        usable.map(|(_, age)| *age).max().unwrap_or(Millis(1_000))
    }
}
