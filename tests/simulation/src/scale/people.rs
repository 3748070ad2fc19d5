//! What people ask of the tree, as numbers that are small enough for a hundred million of them: who, and what for. What a data center knows of the room is here too: its
//! isolates ask for the board, and hear from each other what one of them was told.

use std::rc::Rc;

use durable::board::Board;
use durable::lobby::{Caller, LEAVES};
use durable::protocol::{Answer, Ask, Wish};
use durable::token::Pass;
use durable::units::Millis;
use durable::wire::{from_text, to_text};

use super::centers::CENTERS;
use super::tree::{Event, Tree};
use crate::dice::Dice;
use crate::world::keys;

/// One isolate of a data center asks for the board each second, and the others hear it from that one. (Of forty six or seven ask: counted in `tests/shared.rs`. To a leaf that is
/// some forty calls a second more.)
const BOARDS_EVERY: Millis = Millis(1_000);

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A rank.
    Join,
    /// To be let in by a called ticket; or, before that, to know whether it is.
    Claim,
    /// To stay.
    Renew,
    /// To go.
    LeavePass,
    /// To be let in at first contact.
    Enter,
    /// A data center's isolate wants the newest board.
    Board,
    /// The clock: everybody who comes in this millisecond.
    Come,
}

const WANTS: [Want; 7] =
    [Want::Join, Want::Claim, Want::Renew, Want::LeavePass, Want::Enter, Want::Board, Want::Come];
/// So many bits say who somebody is.
pub const ID_BITS: u32 = 28;

/// Who wants what, as one number.
pub fn caller(want: Want, id: u32) -> Caller {
    let kind = WANTS.iter().position(|it| *it == want).unwrap_or_default() as u32;
    kind << ID_BITS | id
}

/// What it is that they want, and who it is.
pub fn want(caller: Caller) -> (Want, u32) {
    (WANTS[(caller >> ID_BITS) as usize % WANTS.len()], caller & ((1 << ID_BITS) - 1))
}

/// In which data center somebody is: spread evenly. Of those who want a board it is their number.
pub fn center_of(caller: Caller) -> usize {
    match want(caller) {
        (Want::Board, id) => (id / LEAVES) as usize % CENTERS,
        (_, id) => (mixed(id) >> 40) as usize % CENTERS,
    }
}

/// The leaf of somebody's neighbourhood.
pub fn leaf_of(caller: Caller) -> u32 {
    match want(caller) {
        (Want::Board, id) => id % LEAVES,
        (_, id) => mixed(id) as u32 % LEAVES,
    }
}

/// A number that looks as if it had been drawn for somebody.
pub(super) fn mixed(id: u32) -> u64 {
    let mixed = (u64::from(id) ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 31).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// The boards that data centers have.
pub(super) struct Boards(Vec<Rc<Board>>);

impl Boards {
    /// None has any; each asks for one within a second.
    pub(super) fn new(tree: &mut Tree, dice: &mut Dice) -> Boards {
        for center in 0..CENTERS as u32 {
            let delay = dice.millis(1, BOARDS_EVERY.0);
            tree.queue.after(delay, Event::Person(caller(Want::Board, center * LEAVES)));
        }
        Boards((0..CENTERS).map(|_| Rc::new(Board::default())).collect())
    }

    /// A data center asks for the newest, and will ask another leaf next.
    pub(super) fn ask(tree: &mut Tree, dice: &mut Dice, asks: Caller) {
        tree.call(leaf_of(asks), asks);
        let (_, id) = want(asks);
        let leaf = dice.below(u64::from(LEAVES)) as u32;
        let next = caller(Want::Board, id / LEAVES * LEAVES + leaf);
        tree.queue.after(BOARDS_EVERY, Event::Person(next));
    }

    /// What somebody's data center has.
    pub(super) fn of(&self, caller: Caller) -> &Rc<Board> {
        &self.0[center_of(caller)]
    }

    /// A leaf's answer brings a newer one, perhaps.
    pub(super) fn hear(&mut self, caller: Caller, answer: &Answer) {
        let held = &mut self.0[center_of(caller)];
        if let Some(board) = &answer.board
            && (board.sequence, board.at_ms) > (held.sequence, held.at_ms)
        {
            *held = Rc::new(board.clone());
        }
    }

    /// The line that asks for this.
    pub(super) fn line(&self, caller: Caller, wish: Wish) -> String {
        let board = self.of(caller);
        to_text(&Ask {
            wish,
            board_sequence: board.sequence,
            board_at_ms: board.at_ms,
            board_max_age_ms: board.max_age_ms,
            // What edges do with the list of passes given up is not judged here, and it is long.
            revoked_seq: u64::MAX,
            neighbourhood: None,
        })
    }
}

/// Everybody is somebody else, and looks as if drawn.
pub fn holder(id: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    // Not the bits by which they find their leaf.
    bytes[..8].copy_from_slice(&mixed(id).rotate_right(16).to_le_bytes());
    bytes[8..12].copy_from_slice(&id.to_le_bytes());
    bytes
}

/// The wish of somebody inside, who holds this seat.
pub fn inside(want: Want, (seat, generation): (u32, u32)) -> Wish {
    let (epoch, pass_epoch) = (0, 0);
    match want {
        Want::LeavePass => Wish::LeavePass { epoch, pass_epoch, seat, generation },
        _ => Wish::Renew { epoch, pass_epoch, seat, generation },
    }
}

/// The seat of a pass.
pub fn seat(pass: &str) -> (u32, u32) {
    let pass: Pass = keys()
        .verify(pass)
        .unwrap_or_else(|fault| panic!("a lobby signs what it does not believe: {fault:?}"));
    (pass.seat.0, pass.generation.0)
}

/// A leaf's answer.
pub fn answer(line: &str) -> Answer {
    from_text(line.as_bytes()).unwrap_or_else(|| panic!("a leaf says what nobody understands: {line}"))
}
