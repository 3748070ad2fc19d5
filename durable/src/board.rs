//! The board: a room's public state, the same bytes for everybody.
//!
//! The edge decides from it without asking anyone, so a stale board must only ever *delay* an
//! admission: it says what was true at `at_ms`, and exactness lives at the claim.
//!
//! It is JSON with names, so that an old Worker reads a new board and the other way round: unknown
//! fields are passed over, absent ones have the value they had before they existed. What only code reads, and there is much of, is bytes of
//! [`crate::codec`] in base64url: with names and digits the proofs of draws and rounds alone would fill the two kilobytes a board may have.

use crate::base64url;
use crate::codec::{Reader, Writer};
use crate::draw::Draw;
use crate::forecast::Forecast;
use crate::json::Value;
use crate::listed::Listed as _;
use crate::rounds::{draw_among, hashed};
use crate::units::{Epoch, Millis, PassEpoch, Place, Rank};
use crate::wire::{Hear, Said, wire};

/// What a first contact meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nobody waits and there is room: let in at the first request.
    Open,
    /// `queue_all`: nobody new is let in, the line grows.
    Held,
    /// An event's prequeue: the same, until it starts.
    Prequeue,
    /// `suspended`: the room is off and everybody passes.
    Suspended,
    /// `passthrough`: everybody passes, and some are counted.
    Passthrough,
    /// `reject`: nobody new is let in, and there is no line.
    Reject,
    /// The page and an arrival; a rank for who comes back. Also what an unknown phase counts as.
    #[default]
    Busy,
}

impl Phase {
    const ALL: [Phase; 7] = [
        Phase::Open,
        Phase::Held,
        Phase::Prequeue,
        Phase::Suspended,
        Phase::Passthrough,
        Phase::Reject,
        Phase::Busy,
    ];

    /// Its name, on every wire and page.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Open => "open",
            Phase::Held => "held",
            Phase::Prequeue => "prequeue",
            Phase::Suspended => "suspended",
            Phase::Passthrough => "passthrough",
            Phase::Reject => "reject",
            Phase::Busy => "busy",
        }
    }

    /// Whether called places may claim.
    pub fn claims(self) -> bool {
        matches!(self, Phase::Open | Phase::Busy)
    }
}

impl Said for Phase {
    fn say(&self, out: &mut String) {
        self.name().say(out);
    }
}

impl Hear for Phase {
    fn hear(&mut self, value: &Value) -> bool {
        *self = Phase::ALL.into_iter().find(|phase| value == phase.name()).unwrap_or_default();
        true
    }

    fn may_be_absent(&self) -> bool {
        true
    }
}

/// What will hold from a moment on, whatever a board of before says: edges act on it by their own clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheduled {
    /// From then on.
    pub at_ms: u64,
    /// What a first contact meets.
    pub phase: Phase,
    /// The pass epoch passes must be of.
    pub pass_epoch: u32,
}

wire!(Scheduled { at_ms, phase, pass_epoch });

/// The event under way, or the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoardEvent {
    /// From here on ranks are given and nobody is let in.
    pub prequeue_ms: u64,
    /// From here on it is open.
    pub start_ms: u64,
    /// Until here.
    pub end_ms: u64,
    /// Whether places are drawn at the start.
    pub shuffle: bool,
}

wire!(BoardEvent { prequeue_ms, start_ms, end_ms, shuffle });

/// A seed or a hash: base64url without padding, a third shorter than digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Said for Digest {
    fn say(&self, out: &mut String) {
        base64url::encode(&self.0).say(out);
    }
}

impl Hear for Digest {
    fn hear(&mut self, value: &Value) -> bool {
        let bytes = value.as_str().and_then(|text| base64url::decode(text, &mut self.0));
        bytes.is_some_and(|bytes| bytes.len() == 32)
    }
}

/// The promise of a draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoardSeal {
    /// When it is held.
    pub start_ms: u64,
    /// The SHA-256 of its seed.
    pub commitment: Digest,
}

wire!(BoardSeal { start_ms, commitment });

/// A draw that was held: everything it takes to recompute it ([`crate::draw`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoardDraw {
    /// When it was held.
    pub start_ms: u64,
    /// The first rank drawn.
    pub first: u64,
    /// How many were drawn.
    pub count: u64,
    /// What it had been committed to.
    pub seed: Digest,
    /// The hash of the joins.
    pub hash: Digest,
}

impl Said for BoardDraw {
    fn say(&self, out: &mut String) {
        let mut bytes = Writer::new();
        [self.start_ms, self.first, self.count].iter().for_each(|number| bytes.number(*number));
        [self.seed, self.hash].iter().for_each(|digest| bytes.fixed(&digest.0));
        base64url::encode(&bytes.into_bytes()).say(out);
    }
}

impl Hear for BoardDraw {
    fn hear(&mut self, value: &Value) -> bool {
        let mut buffer = [0; 3 * 10 + 2 * 32];
        let mut reader = reader(value, &mut buffer);
        (self.start_ms, self.first, self.count) = (reader.number(), reader.number(), reader.number());
        (self.seed, self.hash) = (Digest(reader.fixed()), Digest(reader.fixed()));
        reader.end().is_ok()
    }
}

/// Reads the bytes of a text; what is none, or longer than the buffer, has none, and nothing told here is as short.
fn reader<'a>(value: &Value, buffer: &'a mut [u8]) -> Reader<'a> {
    Reader::new(value.as_str().and_then(|text| base64url::decode(text, buffer)).unwrap_or_default())
}

impl BoardDraw {
    /// As it is computed with.
    pub fn draw(&self) -> Draw {
        Draw { first: Rank(self.first), count: self.count, seed: self.seed.0, hash: self.hash.0 }
    }
}

/// The rounds of `random` that still count ([`crate::rounds`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoardRounds {
    /// What the seeds lead back to: hashed as often as the newest's number says, its seed is this.
    pub commitment: Digest,
    /// The newest round's number, counted from one; zero while there was none.
    pub number: u32,
    /// The newest round's seed; hashed once it is that of the round before.
    pub seed: Digest,
    /// When the next is held at the earliest; zero where people are called otherwise by now.
    pub next_ms: u64,
    /// Three numbers for each round, oldest first: by how much the first rank and the end of those it drew among are above the round's
    /// before, and how many images won.
    pub spans: Vec<[u64; 3]>,
}

impl Said for BoardRounds {
    fn say(&self, out: &mut String) {
        let mut bytes = Writer::new();
        [self.commitment, self.seed].iter().for_each(|digest| bytes.fixed(&digest.0));
        [u64::from(self.number), self.next_ms].iter().for_each(|number| bytes.number(*number));
        self.spans.as_flattened().iter().for_each(|number| bytes.number(*number));
        base64url::encode(&bytes.into_bytes()).say(out);
    }
}

impl Hear for BoardRounds {
    fn hear(&mut self, value: &Value) -> bool {
        // Twice as many rounds as are listed. What is longer is refused, and nobody's memory.
        let mut buffer = [0; 1_024];
        let mut reader = reader(value, &mut buffer);
        (self.commitment, self.seed) = (Digest(reader.fixed()), Digest(reader.fixed()));
        (self.number, self.next_ms) = (reader.number_u32(), reader.number());
        while !reader.is_empty() {
            self.spans.push([reader.number(), reader.number(), reader.number()]);
        }
        reader.end().is_ok()
    }
}

/// One round, as anybody can recompute it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardRound {
    /// What was drawn among, and with what seed.
    pub draw: Draw,
    /// How many images won.
    pub cut: u64,
}

impl BoardRounds {
    /// Adds a round, behind the older ones.
    pub fn push(&mut self, draw: &Draw, cut: u64) {
        let (first, end) = self.last();
        let above = |number: u64, before: u64| number.saturating_sub(before);
        self.spans.push([above(draw.first.0, first), above(draw.first.0 + draw.count, end), cut]);
        self.seed = Digest(draw.seed);
    }

    fn last(&self) -> (u64, u64) {
        self.ranges().last().map_or((0, 0), |(first, end, _)| (first, end))
    }

    /// First rank, end and winning images of each round, oldest first.
    fn ranges(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let above = |number: &mut u64, by: u64| {
            *number = number.saturating_add(by);
            *number
        };
        self.spans.iter().scan((0, 0), move |(first, end), [by, end_by, cut]| {
            Some((above(first, *by), above(end, *end_by), *cut))
        })
    }

    /// All of them, the newest first.
    pub fn all(&self) -> Vec<BoardRound> {
        let mut seed = self.seed.0;
        let mut rounds: Vec<_> = self.ranges().listed();
        rounds.reverse();
        let of = |(first, end, cut): (u64, u64, u64)| {
            let draw = draw_among(Rank(first), end.saturating_sub(first), seed);
            seed = hashed(&seed);
            BoardRound { draw, cut }
        };
        rounds.into_iter().map(of).listed()
    }

    /// Whether this rank has won any of them.
    pub fn have_called(&self, rank: Rank) -> bool {
        let won = |BoardRound { draw, cut }: BoardRound| {
            let place = draw.place_of(rank);
            place.is_some_and(|place| place.0 - draw.first.0 < cut)
        };
        self.all().into_iter().any(won)
    }
}

/// See the module's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// The format's version.
    pub version: u8,
    /// Grows with every commit of the Room: of two boards the one with more counts.
    pub sequence: u64,
    /// The Room's clock when it was made.
    pub at_ms: u64,
    /// How long it may be acted on.
    pub max_age_ms: u64,
    /// The epoch tickets and passes must be of.
    pub epoch: u32,
    /// The pass epoch passes must be of.
    pub pass_epoch: u32,
    /// What a first contact meets.
    pub phase: Phase,
    /// Every place below it has been called.
    pub called: u64,
    /// Every place below it may no longer enter: its late window is over.
    pub void: u64,
    /// The next rank to be given.
    pub issued: u64,
    /// People in line who have not been called and have not left.
    pub waiting: u64,
    /// How long a called place holds its seat.
    pub claim_window_ms: u64,
    /// The directory's version when the Room last heard of it.
    pub directory_version: u64,
    /// Moves when a pass is revoked: the list is then worth fetching.
    pub revoked_seq: u64,
    /// How old a pass may get before it is due; zero: as the room's settings say.
    pub renewal_interval_ms: u64,
    /// Called places ask in vain just now: they are told to come back without asking the Room.
    pub claims_closed: bool,
    /// In `passthrough`, one visitor in so many is counted; zero counts as one.
    pub one_in: u32,
    /// See [`Forecast`].
    pub free: u64,
    /// See [`Forecast`].
    pub pace_per_hour: u64,
    /// See [`Forecast`].
    pub turn_per_hour: u64,
    /// Half of those who wait are called within this many thousandths of the forecast.
    pub wait_p50: u64,
    /// Nine tenths of them within this many.
    pub wait_p90: u64,
    /// The next two scheduled changes, in order.
    pub changes: Vec<Scheduled>,
    /// The event under way, or the next one.
    pub event: Option<BoardEvent>,
    /// Ranks from this one on have no place yet: they will be drawn.
    pub gathers_from: Option<u64>,
    /// The next draws' promises.
    pub seals: Vec<BoardSeal>,
    /// The draws that were held and still count, oldest first.
    pub draws: Vec<BoardDraw>,
    /// The rounds that still count, while there are any to come or to claim.
    pub rounds: Option<BoardRounds>,
}

wire!(Board {
    version,
    sequence,
    at_ms,
    max_age_ms,
    epoch,
    pass_epoch,
    phase,
    called,
    void,
    issued,
    waiting,
    claim_window_ms,
    directory_version,
    revoked_seq,
    renewal_interval_ms,
    claims_closed,
    one_in,
    free,
    pace_per_hour,
    turn_per_hour,
    wait_p50,
    wait_p90,
    changes,
    event,
    gathers_from,
    seals,
    draws as "drawn",
    rounds as "drawn_rounds",
});

impl Board {
    /// The format this code writes.
    pub const VERSION: u8 = 1;
    /// `max_age_ms` while a line stands.
    pub const MAX_AGE_BUSY: Millis = Millis(1_000);
    /// `max_age_ms` while nobody waits.
    pub const MAX_AGE_QUIET: Millis = Millis(10_000);
    /// A board older than `max_age_ms` by this much leaves the fast path and is fetched first.
    pub const GRACE: Millis = Millis(1_000);

    /// The epoch, as its type.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    /// The pass epoch, as its type.
    pub fn pass_epoch(&self) -> PassEpoch {
        PassEpoch(self.pass_epoch)
    }

    /// The place of a rank, unless it is yet to be drawn.
    pub fn place_of(&self, rank: Rank) -> Option<Place> {
        if self.gathers_from.is_some_and(|first| rank.0 >= first) {
            return None;
        }
        let drawn = self.draws.iter().find_map(|draw| draw.draw().place_of(rank));
        Some(drawn.unwrap_or(Place(rank.0)))
    }

    /// Whether this rank was called; its claim may still have to wait.
    pub fn has_called(&self, rank: Rank) -> bool {
        self.place_of(rank).is_some_and(|place| place.0 < self.called)
            || self.rounds.as_ref().is_some_and(|rounds| rounds.have_called(rank))
    }

    /// How many are ahead at most: some of them may have left. A place the board has not heard of
    /// yet has everybody who waits before it.
    pub fn ahead_of(&self, place: Place) -> u64 {
        if place.0 >= self.issued {
            self.waiting.saturating_add(place.0 - self.issued)
        } else {
            place.0.saturating_sub(self.called).min(self.waiting.saturating_sub(1))
        }
    }

    /// What is known of the near future.
    pub fn forecast(&self) -> Forecast {
        let Board { free, pace_per_hour, turn_per_hour, .. } = *self;
        Forecast { free, pace_per_hour, turn_per_hour }
    }

    /// Puts in force what was scheduled until now: whether that ended passes.
    pub fn follow_schedule(&mut self, now: Millis) -> bool {
        let before = self.pass_epoch;
        while let Some(change) = self.changes.first().filter(|change| change.at_ms <= now.0) {
            self.phase = change.phase;
            self.pass_epoch = self.pass_epoch.max(change.pass_epoch);
            self.changes.remove(0);
        }
        self.pass_epoch != before
    }

    /// When it has to be looked at again whatever its age.
    pub fn next_change(&self) -> Option<Millis> {
        self.changes.first().map(|change| Millis(change.at_ms))
    }
}

/// The passes given up early, apart from the board because it may be long. Fetched when
/// `revoked_seq` moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    /// The `revoked_seq` it belongs to.
    pub seq: u64,
    /// Seat and generation of each.
    pub passes: Vec<(u32, u32)>,
}

wire!(Revocations { seq, passes });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{from_text, to_text};

    #[test]
    fn old_and_new_boards_are_read_both_ways() {
        let newer = r#"{"version":9,"called":7,"phase":"drawing","draw":{"seed":"x"}}"#;
        let board: Board = from_text(newer.as_bytes()).unwrap();
        assert_eq!((board.called, board.phase, board.issued), (7, Phase::Busy, 0));
    }

    #[test]
    fn the_format_is_pinned() {
        let board = Board { version: Board::VERSION, called: 3, phase: Phase::Held, ..Board::default() };
        assert_eq!(
            to_text(&board),
            concat!(
                r#"{"version":1,"sequence":0,"at_ms":0,"max_age_ms":0,"epoch":0,"pass_epoch":0,"phase":"held","called":3,"#,
                r#""void":0,"issued":0,"waiting":0,"claim_window_ms":0,"directory_version":0,"#,
                r#""revoked_seq":0,"renewal_interval_ms":0,"claims_closed":false,"one_in":0,"free":0,"pace_per_hour":0,"#,
                r#""turn_per_hour":0,"wait_p50":0,"wait_p90":0,"changes":[],"event":null,"#,
                r#""gathers_from":null,"seals":[],"drawn":[],"drawn_rounds":null}"#
            )
        );
    }

    #[test]
    fn people_ahead_never_exceed_the_others_who_wait() {
        let board = Board { called: 10, issued: 20, waiting: 4, ..Board::default() };
        assert_eq!(board.ahead_of(Place(10)), 0);
        assert_eq!(board.ahead_of(Place(12)), 2);
        assert_eq!(board.ahead_of(Place(19)), 3);
        assert_eq!(board.ahead_of(Place(21)), 5);
    }
}
