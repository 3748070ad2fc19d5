//! A lobby, as its Durable Object and the simulation run it: a leaf or a region, by its name.
//!
//! The tree is fixed: the Room, below it a lobby for each region of the world, below each of these [`LEAVES`] leaves, among which people are spread by
//! their address prefix. Lobbies that nobody asks cost nothing, so their number never changes. A name is the way from the Room:
//! `5a1e…/weur/17` is a leaf of the region `5a1e…/weur`. What the parent is asked, and what it answers, is the same on each level.

use crate::batch::BatchAnswer;
use crate::bulletin::Bulletin;
use crate::calls::Calls;
use crate::courier::{Call, Courier, Heard, Next, Why};
use crate::leaf::{Leaf, Waiter};
use crate::listed::Listed as _;
use crate::protocol::{BoardAnswer, Outcome};
use crate::region::Region;
use crate::token::{Keys, RoomTag};
use crate::units::Millis;
use crate::wire::from_text;

/// Leaves of a region: so many take what comes to the fullest of nine regions when ten million come within a minute (ADR 21).
pub const LEAVES: u32 = 40;

/// Who waits for an answer: the number of a call, made up by the shell.
pub type Caller = u32;

/// What is wanted of a lobby.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// Of a leaf: wishes, a line each.
    Wishes(&'a str),
    /// Of a region: a leaf's batch.
    Batch(&'a [u8]),
    /// Of a region: a board.
    Board,
}

/// What somebody is answered: a lobby by its parent, or who asks a lobby.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// To a batch; or, to a leaf that wants a board, why there is none.
    Bytes(Vec<u8>),
    /// To wishes, a line each; or a board.
    Text(String),
    /// There is no such room.
    Unknown,
    /// Nothing: it may or may not have happened.
    Failed,
    /// Nothing, and it may not be asked again: too many ask.
    Overloaded,
}

/// What a parent is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// For the newest board.
    Board,
    /// With a batch.
    Batch(Call),
}

/// What a lobby does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    /// Ask its parent for this, with these bytes; and then ask again what is due.
    Call(About, Vec<u8>),
    /// Nothing before this time.
    Wait(Millis),
    /// Nothing until something happens.
    Rest,
}

enum Kind {
    Leaf(Box<Leaf>, Calls),
    Region(Box<Region>),
}

/// See the module's words.
pub struct Lobby {
    kind: Kind,
    /// One call to the parent serves all who wait for a board.
    board_called: bool,
}

/// The name of the parent of the lobby of this name: a room's id, or a region's name. None if it is no lobby's.
pub fn parent(name: &str) -> Option<&str> {
    name.rsplit_once('/').map(|(parent, _)| parent)
}

/// Whether the lobby of this name is a region's, so that its parent is the Room.
pub fn is_region(name: &str) -> bool {
    parent(name).is_some_and(|room| !room.contains('/'))
}

impl Lobby {
    /// The lobby of this name, whose memory begins now, named by these random bytes. None if it is no lobby's name.
    pub fn new(name: &str, keys: Keys, incarnation: [u8; 16]) -> Option<Lobby> {
        let room = RoomTag::from_id(name.split('/').next()?).filter(|_| parent(name).is_some())?;
        let kind = if is_region(name) {
            Kind::Region(Box::new(Region::new(name.to_owned(), incarnation)))
        } else {
            Kind::Leaf(Box::new(Leaf::new(name.to_owned(), room, keys, incarnation)), Calls::default())
        };
        Some(Lobby { kind, board_called: false })
    }

    /// Somebody asks, in a call of this number: the answer, if it is known right away. What is not for this kind of lobby has failed.
    pub fn ask(&mut self, now: Millis, caller: Caller, wanted: Wanted<'_>) -> Option<Said> {
        match (&mut self.kind, wanted) {
            (Kind::Leaf(leaf, calls), Wanted::Wishes(lines)) => {
                calls.take(leaf, now, caller, lines).map(Said::Text)
            }
            (Kind::Region(region), Wanted::Batch(bytes)) => {
                region.take(now, caller, bytes).unwrap_or(Some(Said::Failed))
            }
            (Kind::Region(region), Wanted::Board) => region.board(now, caller),
            _ => Some(Said::Failed),
        }
    }

    /// What is next.
    pub fn due(&mut self, now: Millis) -> Due {
        let is_asked_for = match &self.kind {
            Kind::Leaf(_, calls) => calls.want_board(),
            Kind::Region(region) => region.want_board(),
        };
        let wants_board = !self.board_called && (is_asked_for || self.bulletin().wants_list(now));
        let paused_until = self.courier().paused_until(now).filter(|_| wants_board);
        if wants_board && paused_until.is_none() {
            self.board_called = true;
            self.bulletin().asks(now);
            return Due::Call(About::Board, Vec::new());
        }
        let next = match &mut self.kind {
            Kind::Leaf(leaf, _) => leaf.next(now),
            Kind::Region(region) => region.next(now),
        };
        match (next, paused_until) {
            (Next::Send { call, bytes }, _) => Due::Call(About::Batch(call), bytes),
            (Next::Wait(until), paused) => Due::Wait(paused.map_or(until, |paused| paused.min(until))),
            (Next::Rest, Some(until)) => Due::Wait(until),
            (Next::Rest, None) => Due::Rest,
        }
    }

    fn bulletin(&mut self) -> &mut Bulletin {
        match &mut self.kind {
            Kind::Leaf(leaf, _) => leaf.bulletin(),
            Kind::Region(region) => region.bulletin(),
        }
    }

    fn courier(&mut self) -> &mut Courier {
        match &mut self.kind {
            Kind::Leaf(leaf, _) => leaf.courier(),
            Kind::Region(region) => region.courier(),
        }
    }

    /// The parent answered, or did not: who is answered how. `fresh` is a new incarnation's name, should one be needed.
    pub fn heard(&mut self, now: Millis, about: About, said: &Said, fresh: [u8; 16]) -> Vec<(Caller, Said)> {
        match about {
            About::Board => {
                self.board_called = false;
                let answer = board_in(said);
                if answer.is_err() {
                    self.courier().refused(now, fresh);
                }
                match &mut self.kind {
                    Kind::Leaf(leaf, calls) => {
                        let outcome = answer.map_or_else(Outcome::from, |answer| {
                            leaf.bulletin().take(now, answer);
                            Outcome::Board
                        });
                        let told = calls.hear_board(&outcome);
                        tell(leaf, calls, now, told)
                    }
                    Kind::Region(region) => region.hear_board(now, answer),
                }
            }
            About::Batch(call) => {
                let heard = self.heard_batch(now, call, said);
                match &mut self.kind {
                    Kind::Leaf(leaf, calls) => {
                        let told = leaf.hear(now, heard, fresh);
                        tell(leaf, calls, now, told)
                    }
                    Kind::Region(region) => region.hear(now, heard, fresh),
                }
            }
        }
    }

    fn heard_batch(&mut self, now: Millis, call: Call, said: &Said) -> Heard {
        let answer = match said {
            Said::Bytes(bytes) => self.bulletin().hear(now, bytes),
            _ => None,
        };
        match (answer, said) {
            (Some(answer), _) => self.courier().answered(now, call, answer),
            (None, Said::Unknown) => self.courier().given_up(call, Why::Unknown),
            (None, Said::Overloaded) => self.courier().given_up(call, Why::Overloaded),
            (None, _) => self.courier().failed(now, call),
        }
    }
}

/// The board in what a parent said to who wants one, or why there is none.
fn board_in(said: &Said) -> Result<BoardAnswer, Why> {
    match said {
        Said::Text(text) => from_text(text.as_bytes()).ok_or(Why::Unreachable),
        Said::Overloaded => Err(Why::Overloaded),
        Said::Bytes(bytes) if matches!(BatchAnswer::decode(bytes), Ok((BatchAnswer::Overloaded, ..))) => {
            Err(Why::Overloaded)
        }
        _ => Err(Why::Unreachable),
    }
}

fn tell(leaf: &Leaf, calls: &mut Calls, now: Millis, told: Vec<(Waiter, Outcome)>) -> Vec<(Caller, Said)> {
    calls.hear(leaf, now, told).into_iter().map(|(call, reply)| (call, Said::Text(reply))).listed()
}
