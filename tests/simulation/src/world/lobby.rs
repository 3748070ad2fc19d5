//! A leaf lobby as its Durable Object runs it (`lobby_object.rs`): what it is asked, what it calls, what it hears. It stores
//! nothing, so a lost one is a new one.

use durable::batch::BatchAnswer;
use durable::calls::Calls;
use durable::lobby::{Lobby, Next, Waiter};
use durable::protocol::{BoardAnswer, Outcome};
use durable::token::{Keys, RoomTag};
use durable::units::Millis;
use durable::wire::from_text;

use super::table::Said;

/// A call that a lobby wants to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// For the newest board.
    Board,
    /// A batch: its incarnation, its number, its bytes.
    Batch([u8; 16], u64, Vec<u8>),
    /// Nothing before this time.
    Wait(Millis),
    /// Nothing.
    Rest,
}

/// What a call was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The newest board.
    Board,
    /// A batch of this incarnation and number.
    Batch([u8; 16], u64),
}

/// See the module's words.
pub(super) struct LobbyHost {
    /// Grows when its memory is lost: what was under way then concerns it no more.
    pub(super) life: u64,
    /// When it wants to be woken.
    pub(super) wakes_at: Option<Millis>,
    /// How far its clock is off.
    pub(super) skew: i64,
    lobby: Lobby,
    calls: Calls,
    board_called: bool,
}

impl LobbyHost {
    /// One whose memory begins now.
    pub(super) fn new(
        leaf: usize,
        room_id: &str,
        keys: &Keys,
        life: u64,
        skew: i64,
        incarnation: [u8; 16],
    ) -> LobbyHost {
        let tag = RoomTag::from_id(room_id).unwrap_or_default();
        let lobby = Lobby::new(format!("{room_id}/leaf/{leaf}"), tag, keys.clone(), incarnation);
        LobbyHost { life, wakes_at: None, skew, lobby, calls: Calls::default(), board_called: false }
    }

    /// Wishes came in one call: its reply, if all is answered from memory.
    pub(super) fn ask(&mut self, now: Millis, call: u32, lines: &str) -> Option<String> {
        self.calls.take(&mut self.lobby, now, call, lines)
    }

    /// What is to be called.
    pub(super) fn due(&mut self, now: Millis) -> Due {
        if self.calls.want_board() && !self.board_called {
            self.board_called = true;
            return Due::Board;
        }
        match self.lobby.next(now) {
            Next::Send { incarnation, number, bytes } => Due::Batch(incarnation, number, bytes),
            Next::Wait(until) => Due::Wait(until),
            Next::Rest => Due::Rest,
        }
    }

    /// The Room replied, or did not. Which calls are answered how.
    pub(super) fn heard(
        &mut self,
        now: Millis,
        about: About,
        said: &Said,
        is_overloaded: bool,
        fresh: [u8; 16],
    ) -> Vec<(u32, String)> {
        let told = match about {
            About::Board => self.heard_board(now, said),
            About::Batch(incarnation, number) => {
                let name = (incarnation, number);
                match said {
                    Said::Bytes(bytes) => match BatchAnswer::decode(bytes) {
                        Ok((answer, board)) => match from_text(board) {
                            Some(board) => self.lobby.answered(now, name, answer, board, fresh),
                            None => self.lobby.failed(now, name, fresh),
                        },
                        Err(_) => self.lobby.failed(now, name, fresh),
                    },
                    Said::Unknown => self.lobby.give_up(fresh, &Outcome::Unknown),
                    _ if is_overloaded => self.lobby.give_up(fresh, &Outcome::Unreachable),
                    _ => self.lobby.failed(now, name, fresh),
                }
            }
        };
        let mut answered = self.calls.hear(&self.lobby, now, told);
        // A lobby that gives up tells everybody in an order of its own; here one run is like the other.
        answered.sort();
        answered
    }

    fn heard_board(&mut self, now: Millis, said: &Said) -> Vec<(Waiter, Outcome)> {
        self.board_called = false;
        let answer: Option<BoardAnswer> = match said {
            Said::Text(text) => from_text(text.as_bytes()),
            _ => None,
        };
        let outcome = match answer {
            Some(BoardAnswer { board, revocations }) => {
                self.lobby.take_board(now, board);
                revocations.into_iter().for_each(|list| self.lobby.take_revocations(list));
                Outcome::Board
            }
            None => Outcome::Unreachable,
        };
        self.calls.hear_board(&outcome)
    }
}
