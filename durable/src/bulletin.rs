//! The newest board that a lobby has, and the list of revoked passes that goes with it. Boards come down the tree from the Room, and each is as old as
//! it is, whoever kept it: at most one a second is asked for on each edge of the tree.

use crate::batch::BatchAnswer;
use crate::board::{Board, Revocations};
use crate::protocol::BoardAnswer;
use crate::units::Millis;
use crate::wire::from_text;

/// A board younger than this is given out again.
const FRESH: Millis = Millis(999);

/// See the module's words.
#[derive(Default)]
pub struct Bulletin {
    /// With when it was new, as far as is known here: what it took on its way is not in it (ADR 13).
    board: Option<(Board, Millis)>,
    revocations: Revocations,
    /// When a board was last asked for by a batch.
    asked_at: Option<Millis>,
}

impl Bulletin {
    /// A board came; whoever said it has had it for so long.
    fn take_board(&mut self, now: Millis, board: Board, age: Millis) {
        let newer = self
            .board
            .as_ref()
            .is_none_or(|(held, _)| (board.sequence, board.at_ms) >= (held.sequence, held.at_ms));
        if newer {
            self.board = Some((board, now.minus(age)));
        }
    }

    /// What the parent says to who wants a board.
    pub fn take(&mut self, now: Millis, answer: BoardAnswer) {
        self.take_board(now, answer.board, Millis(answer.board_age_ms));
        if let Some(list) = answer.revocations.filter(|list| list.seq >= self.revocations.seq) {
            self.revocations = list;
        }
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
        self.newest(now).filter(|(board, _)| board.revoked_seq <= self.revocations.seq)
    }

    /// The newest board and its age.
    pub fn newest(&self, now: Millis) -> Option<(&Board, Millis)> {
        self.board.as_ref().map(|(board, made_at)| (board, now.since(*made_at)))
    }

    /// The same if it may be given out again.
    pub fn fresh(&self, now: Millis) -> Option<(&Board, Millis)> {
        let is_fresh = self.board.as_ref().is_some_and(|(_, made_at)| now.is_within(FRESH, *made_at));
        self.whole(now).filter(|_| is_fresh)
    }

    /// The list of revoked passes.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// For how long the board that is held may be used, if a batch that leaves now need not bring another: because this one is fresh, or another batch has been
    /// sent for one.
    pub fn held(&mut self, now: Millis) -> Option<Millis> {
        let (board, made_at) = self.board.as_ref()?;
        let is_asked = self.asked_at.is_some_and(|at| now.is_within(FRESH, at));
        if !is_asked && !now.is_within(FRESH, *made_at) {
            self.asked_at = Some(now);
            return None;
        }
        Some(Millis(board.max_age_ms))
    }
}
