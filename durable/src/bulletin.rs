//! The newest board that a lobby has, and the list of revoked passes that goes with it. Boards come down the tree from the Room, and each is as old as
//! it is, whoever kept it: at most one a second is asked for on each edge of the tree.

use crate::batch::{BatchAnswer, ClaimOutcome, Items};
use crate::board::{Board, Revocations};
use crate::protocol::BoardAnswer;
use crate::units::Millis;
use crate::wire::from_text;

/// A board younger than this is given out again.
const FRESH: Millis = Millis(999);

/// See the module's words.
#[derive(Default)]
pub struct Bulletin {
    newest: Option<Dated>,
    /// The newest whose list is held, where that is another.
    whole: Option<Dated>,
    revocations: Revocations,
    /// When a board was last asked for by a batch.
    asked_at: Option<Millis>,
    /// When one was last asked for by itself: with its list.
    list_asked_at: Option<Millis>,
}

/// With when it was new, as far as is known here: what it took on its way is not in it (ADR 13).
type Dated = (Board, Millis);

impl Bulletin {
    /// A board came; whoever said it has had it for so long.
    fn take_board(&mut self, now: Millis, board: Board, age: Millis) {
        let dated = (board, now.minus(age));
        let is_newest = is_newer(&dated.0, self.newest.as_ref());
        let other = if is_newest { self.newest.replace(dated) } else { Some(dated) };
        // A batch may have brought one whose list is not here yet: until it is, others go on with the one of before.
        if let Some(other) = other.filter(|(board, _)| self.has_list_of(board))
            && is_newer(&other.0, self.whole.as_ref())
        {
            self.whole = Some(other);
        }
    }

    fn has_list_of(&self, board: &Board) -> bool {
        board.revoked_seq <= self.revocations.seq
    }

    /// What the parent says to who wants a board.
    pub fn take(&mut self, now: Millis, answer: BoardAnswer) {
        if let Some(list) = answer.revocations.filter(|list| list.seq >= self.revocations.seq) {
            self.revocations = list;
        }
        self.take_board(now, answer.board, Millis(answer.board_age_ms));
    }

    /// What the parent says to a batch, with a board perhaps; none if it is nothing that this version knows.
    pub fn hear(&mut self, now: Millis, bytes: &[u8]) -> Option<BatchAnswer> {
        let (answer, board, age) = BatchAnswer::decode(bytes).ok()?;
        if !board.is_empty() {
            self.take_board(now, from_text(board)?, age);
        }
        Some(answer)
    }

    /// The newest board and its age, if the revocation list that it names is held too. Batches bring boards alone: an edge that took one without its list
    /// would let a revoked pass through for as long as that board may be acted on, and its seat is somebody else's by then.
    pub fn whole(&self, now: Millis) -> Option<(&Board, Millis)> {
        self.dated_whole().map(|dated| aged(now, dated))
    }

    fn dated_whole(&self) -> Option<&Dated> {
        self.newest.as_ref().filter(|(board, _)| self.has_list_of(board)).or(self.whole.as_ref())
    }

    /// The newest board and its age.
    pub fn newest(&self, now: Millis) -> Option<(&Board, Millis)> {
        self.newest.as_ref().map(|dated| aged(now, dated))
    }

    /// The same if it may be given out again.
    pub fn fresh(&self, now: Millis) -> Option<(&Board, Millis)> {
        let whole = self.dated_whole().filter(|(_, made_at)| now.is_within(FRESH, *made_at));
        whole.map(|dated| aged(now, dated))
    }

    /// Whether the newest board's list is not here, and was not asked for just now.
    pub fn wants_list(&self, now: Millis) -> bool {
        let lacks = self.newest.as_ref().is_some_and(|(board, _)| !self.has_list_of(board));
        lacks && !self.list_asked_at.is_some_and(|at| now.is_within(FRESH, at))
    }

    /// A board is asked for by itself, with its list.
    pub fn asks(&mut self, now: Millis) {
        self.list_asked_at = Some(now);
    }

    /// The list of revoked passes.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// For how long the board that is held may be used, if a batch that leaves now need not bring another: because this one is fresh, or another batch has been
    /// sent for one.
    pub fn held(&mut self, now: Millis) -> Option<Millis> {
        let (board, made_at) = self.newest.as_ref()?;
        let is_asked = self.asked_at.is_some_and(|at| now.is_within(FRESH, at));
        if !is_asked && !now.is_within(FRESH, *made_at) {
            self.asked_at = Some(now);
            return None;
        }
        Some(Millis(board.max_age_ms))
    }
}

/// With its age.
fn aged(now: Millis, (board, made_at): &Dated) -> (&Board, Millis) {
    (board, now.since(*made_at))
}

fn is_newer(board: &Board, held: Option<&Dated>) -> bool {
    held.is_none_or(|(held, _)| (board.sequence, board.at_ms) >= (held.sequence, held.at_ms))
}

/// Whether who sent a batch wants to hear of the board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BoardWanted {
    held: Option<Millis>,
    enters: u32,
}

impl BoardWanted {
    /// By what the batch says.
    pub fn of(items: &Items) -> BoardWanted {
        BoardWanted { held: items.board_held, enters: items.enters }
    }

    /// Whether this board goes with this answer: if none is held, or if the one that is held may be used for longer, or has promised somebody more than they were
    /// given.
    pub fn with(self, answer: &BatchAnswer, board: &Board) -> bool {
        let waits = |claim: &ClaimOutcome| matches!(claim, ClaimOutcome::Waiting | ClaimOutcome::Next { .. });
        let breaks_a_promise = match answer {
            BatchAnswer::Done(reply) => {
                reply.entered.len() < self.enters as usize || reply.claims.iter().any(waits)
            }
            _ => false,
        };
        breaks_a_promise || self.held.is_none_or(|max_age| max_age.0 > board.max_age_ms)
    }
}
