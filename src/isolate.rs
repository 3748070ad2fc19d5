//! What an isolate remembers between requests: a cache of plain data, nothing that belongs to a request.
//! Losing it costs a call or two; being stale only ever delays an admission.

use std::rc::Rc;
use std::sync::LazyLock;

use durable::board::{Board, Revocations};
use durable::listed::Listed as _;
use durable::order::Document;
use durable::protocol::{Answer, Outcome, Wish};
use durable::schedule::Rules;
use durable::seen::Seen;
use durable::settings::Settings;
use durable::table::Table;
use durable::token::{Keys, Pass, RoomTag};
use durable::units::Millis;
use durable::wire::from_text;

use crate::address::Address;
use crate::cookie::Wallet;
use crate::gate::{self, Decision, View, Visit};
use crate::route::{Match, Rooms};
use crate::verdict::leaf_of;
use crate::visit::{Asker, Verb};

/// A directory older than this is fetched before anything is decided.
const ROOMS_MAX_AGE: Millis = Millis(10_000);
/// A directory that cannot be had anew is used for so long.
const ROOMS_KEPT: Millis = Millis(24 * 60 * 60 * 1_000);
/// A directory older than this is fetched meanwhile.
const ROOMS_FRESH: Millis = Millis(5_000);
/// A refresh that has not come back by now is tried by another request.
const REFRESH_PATIENCE: Millis = Millis(3_000);
/// What could not be had is not tried again within this time.
const MISSED: Millis = Millis(1_000);
/// Who could not be reached within this time may still not be: as long as it takes to find out once more.
const LOST: Millis = Millis(4_000);
/// A wish repeated within this time has the answer it had.
const REPEAT: Millis = Millis(5_000);
/// The same for an answer that says to come back: no longer than who comes back as told.
const REPEAT_WAITING: Millis = Millis(2_000);
/// Answers remembered; with more, all are forgotten.
const TOLD_MAX: usize = 2_000;

/// How usable something cached is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// As it is.
    Fresh,
    /// As it is, while a newer one is fetched.
    Aging,
    /// Only once a newer one was fetched.
    Stale,
}

/// A room's board and what goes with it.
#[derive(Debug, Default)]
pub struct HeldBoard {
    /// The newest board seen.
    pub board: Board,
    /// The passes given up early.
    pub revoked: Table<(u32, u32), ()>,
    /// The list's number.
    pub revoked_seq: u64,
    /// First contacts sent on this board.
    pub first_contacts: u32,
    /// When it was new.
    made_at: Millis,
    /// So long after its time it is still taken as it is, before a newer one is fetched.
    patience: Millis,
    taken_at: Millis,
    asked_at: Millis,
    missed_at: Millis,
    /// Why.
    missed: Miss,
}

/// Why a newer board could not be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Miss {
    /// Who has it cannot be reached.
    #[default]
    Unreachable,
    /// Too many ask.
    Overloaded,
}

/// What is held of a room of which nothing was ever heard.
static NOTHING: LazyLock<HeldBoard> = LazyLock::new(HeldBoard::default);

impl HeldBoard {
    /// As the gate looks at it.
    pub fn view(&self, settings: &Settings) -> View<'_> {
        View {
            board: &self.board,
            revoked: &self.revoked,
            renewal_interval: self.renewal_interval(settings),
            first_contacts: self.first_contacts,
        }
    }

    /// As the board says; a Room of before says nothing, and then it is what its settings say.
    fn renewal_interval(&self, settings: &Settings) -> Millis {
        match self.board.renewal_interval_ms {
            0 => Rules::at(settings, &[], Millis(0)).renewal_interval(),
            told => Millis(told),
        }
    }

    /// It is fresh until then, and no longer than until the next scheduled change.
    fn fresh_until(&self) -> Millis {
        let aged = self.made_at.plus(Millis(self.board.max_age_ms)).plus(self.patience);
        self.board.next_change().map_or(aged, |change| change.min(aged))
    }

    /// How usable it is.
    pub fn freshness(&self, now: Millis) -> Freshness {
        let max_age = Millis(self.board.max_age_ms);
        if now.is_within(max_age.plus(self.patience), self.made_at) {
            Freshness::Fresh
        } else if now.is_within(max_age.plus(Board::GRACE), self.made_at) {
            Freshness::Aging
        } else {
            Freshness::Stale
        }
    }

    /// Takes what came with a leaf's answer, and says whether it may have ended passes.
    pub fn take(&mut self, now: Millis, answer: &Answer) -> bool {
        let before = (self.revoked_seq, self.board.epoch, self.board.pass_epoch);
        self.take_news(now, answer);
        before != (self.revoked_seq, self.board.epoch, self.board.pass_epoch)
    }

    fn take_news(&mut self, now: Millis, answer: &Answer) {
        if let Some(list) = answer.revocations.as_ref().filter(|list| list.seq >= self.revoked_seq) {
            self.revoked_seq = list.seq;
            self.revoked = Table::default();
            list.passes.iter().for_each(|pass| _ = self.revoked.insert(*pass, ()));
        }
        let Some(board) = &answer.board else { return };
        if (board.sequence, board.at_ms) < (self.board.sequence, self.board.at_ms) {
            return;
        }
        if board.sequence != self.board.sequence {
            self.first_contacts = 0;
        }
        self.made_at = now.minus(Millis(answer.board_age_ms));
        self.taken_at = now;
        self.board = board.clone();
    }

    /// The list of revoked passes that goes with the board that was taken at this moment; none if none was, or that is old already.
    pub fn revocations(&self, taken_at: Millis) -> Option<Revocations> {
        let is_good = self.taken_at == taken_at && self.freshness(taken_at) == Freshness::Fresh;
        let passes = || self.revoked.keys().copied().listed();
        is_good.then(|| Revocations { seq: self.revoked_seq, passes: passes() })
    }

    /// Whether the board of an answer that somebody else was given then is news here, and may be acted on.
    pub fn wants(&self, now: Millis, said_at: Millis, answer: &Answer) -> bool {
        let Some(board) = &answer.board else { return false };
        let is_newer = (board.sequence, board.at_ms) > (self.board.sequence, self.board.at_ms);
        let made_at = said_at.minus(Millis(answer.board_age_ms));
        is_newer && said_at <= now && now.is_within(Millis(board.max_age_ms), made_at)
    }

    /// Whether it came a moment ago: a newer one is not to be had.
    pub fn is_just_taken(&self, now: Millis) -> bool {
        now.is_within(MISSED, self.taken_at)
    }

    /// Whether a newer one could not be had a moment ago, and why: it is not tried again yet.
    pub fn missed(&self, now: Millis) -> Option<Miss> {
        now.is_within(MISSED, self.missed_at).then_some(self.missed)
    }

    fn miss(&mut self, now: Millis, why: Miss) {
        (self.missed_at, self.missed) = (now, why);
    }

    /// Whether none could be had a little while ago, nor has been since.
    pub fn is_lost(&self, now: Millis) -> bool {
        now.is_within(LOST, self.missed_at) && self.missed_at > self.taken_at
    }

    /// Whether somebody should fetch a newer one now; whoever is told yes does.
    pub fn begin_refresh(&mut self, now: Millis) -> bool {
        let begins = !now.is_within(REFRESH_PATIENCE, self.asked_at);
        if begins {
            self.asked_at = now;
        }
        begins
    }

    /// A refresh is over, well or not.
    pub fn end_refresh(&mut self) {
        self.asked_at = Millis(0);
    }
}

/// Somebody goes to the origin as they are.
#[derive(Debug)]
pub struct Admission {
    /// Until then: no board or list of rooms may be acted on longer than that, and the pass is not due before.
    pub until: Millis,
    /// The path of the route below which that holds everywhere; none if it holds here alone.
    pub below: Option<Rc<str>>,
    /// Whose answers are looked at, and how: see [`Isolate::watch`].
    pub watch: Option<String>,
}

/// See the module's words.
#[derive(Debug, Default)]
pub struct Isolate {
    rooms: Option<Rc<Rooms>>,
    /// As the directory said them; none of those of `[vars]`.
    rooms_said: Option<String>,
    rooms_at: Millis,
    /// When the directory last said so.
    rooms_had_at: Millis,
    rooms_asked_at: Millis,
    rooms_patience: Millis,
    /// Tells this isolate from others: zero until it is drawn.
    seed: u64,
    /// By room, in order.
    boards: Vec<(String, HeldBoard)>,
    told: Table<(RoomTag, Wish), (Outcome, Millis)>,
    /// Tokens believed before.
    pub seen: Seen,
    endings: u32,
}

impl Isolate {
    /// Draws what tells this isolate from others, once.
    pub fn begin(&mut self, entropy: [u8; 16]) {
        if self.seed == 0 {
            self.seed = u128::from_le_bytes(entropy) as u64;
        }
    }

    /// Which leaf this isolate asks for what concerns nobody in particular.
    pub fn leaf(&self) -> [u8; 4] {
        (self.seed as u32).to_le_bytes()
    }

    /// How long after its time something of this moment is still taken as it is: up to a quarter of what it may be, drawn anew for each. Isolates that heard
    /// the same would all ask for something newer at the same instant; so a few of them are the first, and the others hear of it.
    fn patience(&self, moment: Millis, slack: Millis) -> Millis {
        let drawn = self.seed.wrapping_mul(moment.0 | 1) >> 40;
        Millis((drawn * (slack.0 / 4)) >> 24)
    }

    /// Somebody else had asked for this: the next time, too, they are likely to be the first.
    pub fn let_others_go_first(&mut self, room: Option<&str>) {
        let patience = match room {
            Some(room) => &mut self.board_mut(room).patience,
            None => &mut self.rooms_patience,
        };
        patience.0 *= 3;
    }

    /// Grows when passes may have ended, by what was learnt of boards or rooms.
    pub fn endings(&self) -> u32 {
        self.endings
    }

    /// The rooms, and how usable they are.
    pub fn rooms(&self, now: Millis) -> (Option<Rc<Rooms>>, Freshness) {
        let freshness = if self.rooms.is_none() || !now.is_within(ROOMS_MAX_AGE, self.rooms_at) {
            Freshness::Stale
        } else if now.is_within(ROOMS_FRESH.plus(self.rooms_patience), self.rooms_at) {
            Freshness::Fresh
        } else {
            Freshness::Aging
        };
        (self.rooms.clone(), freshness)
    }

    /// Whether the directory's document was had then, and holds.
    pub fn has_rooms_since(&self, at: Millis) -> bool {
        self.rooms_had_at == at && self.rooms_at == at
    }

    /// Whether a directory's document that somebody else had then is one, and may be acted on: no board knows of a newer one.
    pub fn wants_rooms(&self, now: Millis, had_at: Millis, said: &str) -> bool {
        let held = self.rooms.as_ref().map(|rooms| rooms.version);
        let version = if self.rooms_said.as_deref() == Some(said) {
            held
        } else {
            from_text(said.as_bytes()).map(|Document { version, .. }| version)
        };
        let known = self.boards.iter().map(|(_, held)| held.board.directory_version).max();
        version.is_some() && version >= known.max(held) && now.is_within(ROOMS_FRESH, had_at)
    }

    /// Takes the directory's document as it was said, and says whether it is one. The same is not read again.
    pub fn take_rooms(&mut self, now: Millis, said: &str) -> bool {
        if self.rooms_said.as_deref() != Some(said) {
            let Some(document) = from_text::<Document>(said.as_bytes()) else { return false };
            let is_another = self.rooms.as_ref().is_none_or(|held| held.version != document.version);
            self.endings = self.endings.wrapping_add(u32::from(is_another));
            self.rooms = Some(Rc::new(Rooms::from_document(&document)));
            self.rooms_said = Some(said.to_owned());
        }
        (self.rooms_at, self.rooms_had_at) = (now, now);
        self.rooms_asked_at = Millis(0);
        self.rooms_patience = self.patience(now, ROOMS_MAX_AGE.minus(ROOMS_FRESH));
        true
    }

    /// The directory cannot be had: what we have is used for a day, or these for want of anything.
    pub fn keep_rooms(&mut self, now: Millis, fallback: impl FnOnce() -> Rooms) {
        if self.rooms.is_none() || !now.is_within(ROOMS_KEPT, self.rooms_had_at) {
            self.rooms = Some(Rc::new(fallback()));
            self.rooms_said = None;
        }
        self.rooms_at = now;
        self.rooms_asked_at = Millis(0);
    }

    /// Whether somebody should fetch the directory now; whoever is told yes does.
    pub fn begin_rooms_refresh(&mut self, now: Millis) -> bool {
        let begins = !now.is_within(REFRESH_PATIENCE, self.rooms_asked_at);
        if begins {
            self.rooms_asked_at = now;
        }
        begins
    }

    /// Whether somebody with these cookies goes to the origin as they are: see [`Edge::admits`](crate::edge::Edge::admits). Nothing is
    /// refreshed here, and nobody is renewed: what is due finds its way through the gate. If so, until when, and the path of the route
    /// below which that holds.
    pub fn admits(
        &mut self,
        address: &Address<'_>,
        cookies: &str,
        keys: &Keys,
        now: Millis,
    ) -> Option<Admission> {
        let (Some(rooms), Freshness::Fresh) = self.rooms(now) else { return None };
        let Some(Match { room, path, own: None }) = rooms.find(address.host, address.path) else {
            return None;
        };
        // What the origin says may concern the pass: somebody has to look.
        if room.settings.revoked_by_origin {
            return None;
        }
        let wallet = Wallet::read(cookies, room.cookie_name(address.scheme), room.tag, keys, &mut self.seen);
        let pass = wallet.pass?;
        self.follow_schedule(&room.id, now);
        let held = self.board_of(&room.id).filter(|held| held.freshness(now) == Freshness::Fresh)?;
        // Whoever has no pass meets the strictest asker there is, and is not let through.
        let visit = Visit {
            asker: Asker::SubResource,
            verb: Verb::Head,
            wallet: &wallet,
            marked: false,
            counts: false,
            at_the_door: false,
        };
        let view = held.view(&room.settings);
        if gate::decide(&visit, &view, now, [0; 16]) != Decision::Pass {
            return None;
        }
        let due = pass.issued.plus(view.renewal_interval);
        let rooms_until = self.rooms_at.plus(ROOMS_FRESH).plus(self.rooms_patience);
        let until = held.fresh_until().min(rooms_until).min(due).min(pass.expires);
        if until < now {
            return None;
        }
        let watch = self.watch(&room.id, &room.settings, &pass);
        Some(Admission { until, below: rooms.is_innermost(address.host, &path).then_some(path), watch })
    }

    /// What `health.mjs` needs to know of who goes to the origin of a room that follows how it does: which leaf hears of it, how late is late, in milliseconds,
    /// and whose pass it is. Words between spaces; none in other rooms.
    pub fn watch(&self, room: &str, settings: &Settings, pass: &Pass) -> Option<String> {
        let bound = settings.origin_health?.first_byte_ms_max;
        Some(format!("{} {bound} {}.{}", leaf_of(room, self.leaf()), pass.seat.0, pass.generation.0))
    }

    /// Puts in force what a room's board announced until now.
    pub fn follow_schedule(&mut self, room: &str, now: Millis) {
        let index = self.board_index(room).ok();
        if let Some((_, held)) = index.and_then(|index| self.boards.get_mut(index)) {
            let ends = held.board.follow_schedule(now);
            self.endings = self.endings.wrapping_add(u32::from(ends));
        }
    }

    /// What is held of a room.
    pub fn board(&self, room: &str) -> &HeldBoard {
        self.board_of(room).unwrap_or(&NOTHING)
    }

    fn board_of(&self, room: &str) -> Option<&HeldBoard> {
        self.boards.get(self.board_index(room).ok()?).map(|(_, held)| held)
    }

    /// Where a room's board is, or would be.
    fn board_index(&self, room: &str) -> Result<usize, usize> {
        self.boards.binary_search_by(|(held, _)| held.as_str().cmp(room))
    }

    /// The same, to be changed; a board that says nothing, if nothing was held.
    fn board_mut(&mut self, room: &str) -> &mut HeldBoard {
        let index = self.board_index(room).unwrap_or_else(|index| {
            self.boards.insert(index, (room.to_owned(), HeldBoard::default()));
            index
        });
        &mut self.boards[index].1
    }

    /// Whether somebody should fetch a newer board now; whoever is told yes does.
    pub fn begin_board_refresh(&mut self, room: &str, now: Millis) -> bool {
        self.board_mut(room).begin_refresh(now)
    }

    /// A first contact is sent on a room's board.
    pub fn count_first_contact(&mut self, room: &str) {
        self.board_mut(room).first_contacts += 1;
    }

    /// Takes a leaf's answer to a wish, and notices a newer directory.
    pub fn take_answer(&mut self, now: Millis, room: &str, wish: Wish, answer: Answer) -> Outcome {
        let held_version = self.rooms.as_ref().map_or(0, |rooms| rooms.version);
        let patience = answer.board.as_ref().map(|board| self.patience(Millis(board.at_ms), Board::GRACE));
        let held = self.board_mut(room);
        let mut ends = held.take(now, &answer);
        held.end_refresh();
        if let Some(patience) = patience.filter(|_| held.taken_at == now) {
            held.patience = patience;
        }
        match (&answer.outcome, wish) {
            // The leaf is there, and the Room behind it is not.
            (Outcome::Unreachable, _) => held.miss(now, Miss::Unreachable),
            // That too many ask for something else says nothing of boards: a leaf has them in memory.
            (Outcome::Overloaded, Wish::Board) => held.miss(now, Miss::Overloaded),
            // Nobody goes on with it here, before the list says so. One whose leaving failed may have their seat yet, and keeps it.
            (Outcome::Left | Outcome::Ended, Wish::LeavePass { seat, generation, .. }) => {
                ends |= held.revoked.insert((seat, generation), ());
            }
            _ => {}
        }
        let directory_version = held.board.directory_version;
        self.endings = self.endings.wrapping_add(u32::from(ends));
        if directory_version > held_version {
            self.rooms_at = Millis(0);
        }
        if let Some(room) = RoomTag::from_id(room) {
            self.remember(now, room, wish, &answer.outcome);
        }
        answer.outcome
    }

    /// A leaf did not answer.
    pub fn miss_answer(&mut self, now: Millis, room: &str) {
        let held = self.board_mut(room);
        held.miss(now, Miss::Unreachable);
        held.end_refresh();
    }

    /// What a wish was answered in this room a moment ago.
    pub fn recall(&self, now: Millis, room: RoomTag, wish: Wish) -> Option<Outcome> {
        let (outcome, at) = self.told.get(&(room, wish))?;
        let repeat = match outcome {
            Outcome::Next { .. } | Outcome::Waiting | Outcome::Busy | Outcome::Overloaded => REPEAT_WAITING,
            _ => REPEAT,
        };
        now.is_within(repeat, *at).then(|| outcome.clone())
    }

    fn remember(&mut self, now: Millis, room: RoomTag, wish: Wish, outcome: &Outcome) {
        if matches!(outcome, Outcome::Board | Outcome::Unreachable | Outcome::Unknown) {
            return;
        }
        // Those who are turned away as they join are too many to be remembered, and are told when to come back.
        if *outcome == Outcome::Overloaded && matches!(wish, Wish::Enter { .. } | Wish::Join { .. }) {
            return;
        }
        if self.told.len() >= TOLD_MAX {
            self.told = Table::default();
        }
        self.told.insert((room, wish), (outcome.clone(), now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(sequence: u64, max_age_ms: u64, board_age_ms: u64) -> Answer {
        let board = Board { sequence, max_age_ms, directory_version: sequence, ..Board::default() };
        Answer { outcome: Outcome::Board, board: Some(board), board_age_ms, revocations: None }
    }

    #[test]
    fn a_boards_age_counts_from_where_it_was_made() {
        let mut held = HeldBoard::default();
        held.take(Millis(100_000), &answer(1, 1_000, 600));
        assert_eq!(held.freshness(Millis(100_400)), Freshness::Fresh);
        assert_eq!(held.freshness(Millis(100_401)), Freshness::Aging);
        assert_eq!(held.freshness(Millis(101_401)), Freshness::Stale);
        assert_eq!(held.freshness(Millis(99_000)), Freshness::Stale, "a clock that jumped back");
    }

    #[test]
    fn an_older_board_never_replaces_a_newer_one() {
        let mut held = HeldBoard::default();
        held.take(Millis(100_000), &answer(5, 1_000, 0));
        held.take(Millis(100_001), &answer(4, 1_000, 0));
        assert_eq!(held.board.sequence, 5);
    }

    #[test]
    fn one_request_refreshes_and_another_takes_over_if_it_does_not_return() {
        let mut held = HeldBoard::default();
        assert!(held.begin_refresh(Millis(100_000)));
        assert!(!held.begin_refresh(Millis(100_001)));
        assert!(held.begin_refresh(Millis(103_001)));
        assert!(held.begin_refresh(Millis(50_000)), "a clock that jumped back");
        assert!(held.begin_refresh(Millis(103_001)));
        held.end_refresh();
        assert!(held.begin_refresh(Millis(103_002)));
    }

    #[test]
    fn a_board_that_knows_a_newer_directory_makes_ours_stale() {
        let mut isolate = Isolate::default();
        isolate.take_rooms(Millis(100_000), r#"{"version":1,"rooms":[]}"#);
        isolate.take_answer(Millis(100_000), "a", Wish::Board, answer(1, 1_000, 0));
        assert_eq!(isolate.rooms(Millis(100_000)).1, Freshness::Fresh);
        isolate.take_answer(Millis(100_000), "a", Wish::Board, answer(2, 1_000, 0));
        assert_eq!(isolate.rooms(Millis(100_000)).1, Freshness::Stale);
    }

    #[test]
    fn a_repeated_wish_has_the_answer_it_had_for_five_seconds() {
        let (mut isolate, room) = (Isolate::default(), RoomTag([1; 8]));
        let wish = Wish::Claim { epoch: 0, rank: 7 };
        isolate.remember(Millis(1_000), room, wish, &Outcome::Used);
        assert_eq!(isolate.recall(Millis(6_000), room, wish), Some(Outcome::Used));
        assert_eq!(isolate.recall(Millis(6_001), room, wish), None);
        assert_eq!(isolate.recall(Millis(999), room, wish), None, "a clock that jumped back");
        isolate.remember(Millis(1_000), room, wish, &Outcome::Next { retry_ms: 3_000 });
        assert_eq!(isolate.recall(Millis(3_001), room, wish), None);
        isolate.remember(Millis(1_000), room, Wish::Board, &Outcome::Unreachable);
        assert_eq!(isolate.recall(Millis(1_000), room, Wish::Board), None);
    }
}
