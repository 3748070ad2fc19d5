//! The Durable Object around a leaf [`Lobby`]: hands wishes in, says what the host has to call, and whom it has to tell what. It
//! stores nothing.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::batch::BatchAnswer;
use crate::calls::Calls;
use crate::codec::{from_hex, hex};
use crate::lobby::{Lobby, Next, Waiter};
use crate::platform::{self, Result, thrown};
use crate::protocol::{BoardAnswer, Outcome};
use crate::token::RoomTag;
use crate::wire::from_text;

/// See the module's words.
#[wasm_bindgen]
pub struct LobbyObject {
    env: JsValue,
    lobby: Option<Lobby>,
    calls: Calls,
    /// One call to the Room serves all who wait for a board.
    board_called: bool,
}

#[wasm_bindgen]
impl LobbyObject {
    /// Made by the host.
    #[wasm_bindgen(constructor)]
    pub fn new(_storage: JsValue, env: JsValue) -> LobbyObject {
        LobbyObject { env, lobby: None, calls: Calls::default(), board_called: false }
    }

    /// Wishes that travel together, in a call to which the host gave this number ([`Calls`]): its reply, or nothing if that comes later.
    /// Laid are the lobby's name, and behind it a line for each wish.
    pub fn ask(&mut self, call: u32, laid: usize) -> Result<Option<String>> {
        platform::read(laid, |text| {
            let (name, lines) = text.split_once('\n').unwrap_or((text, ""));
            self.begin(name)?;
            let LobbyObject { lobby, calls, .. } = self;
            let lobby = lobby.as_mut().ok_or_else(not_begun)?;
            Ok(calls.take(lobby, platform::now(), call, lines))
        })
    }

    /// What is next: a call to the Room as an array of what for, its name and its bytes; the time before which there is nothing; or
    /// nothing. After a call, ask again.
    pub fn due(&mut self) -> Result<JsValue> {
        if self.calls.want_board() && !self.board_called {
            self.board_called = true;
            return Ok(Array::of3(&"board".into(), &"".into(), &"".into()).into());
        }
        // One that began anew has nothing to do before somebody asks.
        let Some(lobby) = self.lobby.as_mut() else { return Ok(JsValue::UNDEFINED) };
        Ok(match lobby.next(platform::now()) {
            Next::Send { incarnation, number, bytes } => {
                let name = format!("{} {number}", hex(&incarnation));
                let bytes = Uint8Array::from(bytes.as_slice());
                Array::of3(&"batch".into(), &name.into(), &bytes).into()
            }
            Next::Wait(until) => JsValue::from_f64(until.0 as f64),
            Next::Rest => JsValue::UNDEFINED,
        })
    }

    /// The Room's reply to a call: nothing if it failed, null if there is no such room. Says which calls are answered how, by turns: a number, a text.
    pub fn heard(&mut self, action: &str, name: &str, reply: &JsValue, overloaded: bool) -> Result<Array> {
        let (now, fresh) = (platform::now(), platform::entropy()?);
        let told = if action == "board" {
            self.heard_board(reply)?
        } else {
            let name = name
                .split_once(' ')
                .and_then(|(incarnation, number)| Some((from_hex(incarnation)?, number.parse().ok()?)));
            let name = name.ok_or_else(|| thrown("that is no name of a batch"))?;
            let bytes = reply.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec);
            let decoded = bytes.as_deref().and_then(|bytes| {
                let (answer, board) = BatchAnswer::decode(bytes).ok()?;
                Some((answer, from_text(board)?))
            });
            let lobby = self.lobby()?;
            match decoded {
                Some((answer, board)) => lobby.answered(now, name, answer, board, fresh),
                None if reply.is_null() => lobby.give_up(fresh, &Outcome::Unknown),
                None if overloaded => lobby.give_up(fresh, &Outcome::Unreachable),
                None => lobby.failed(now, name, fresh),
            }
        };
        self.answered(told)
    }
}

impl LobbyObject {
    /// The memory begins with the first wish: only then is the lobby's own name known.
    fn begin(&mut self, name: &str) -> Result<()> {
        if self.lobby.is_none() {
            let room_id = name.split('/').next().unwrap_or_default();
            let tag = RoomTag::from_id(room_id).ok_or_else(|| thrown("that is no lobby's name"))?;
            let keys = platform::keys(&self.env).map_err(|fault| thrown(&fault.to_string()))?;
            self.lobby = Some(Lobby::new(name.to_owned(), tag, keys, platform::entropy()?));
        }
        Ok(())
    }

    fn lobby(&mut self) -> Result<&mut Lobby> {
        self.lobby.as_mut().ok_or_else(not_begun)
    }

    fn heard_board(&mut self, reply: &JsValue) -> Result<Vec<(Waiter, Outcome)>> {
        let now = platform::now();
        self.board_called = false;
        let answer: Option<BoardAnswer> = reply.as_string().and_then(|reply| from_text(reply.as_bytes()));
        let outcome = match answer {
            Some(BoardAnswer { board, revocations }) => {
                let lobby = self.lobby()?;
                lobby.take_board(now, board);
                revocations.into_iter().for_each(|list| lobby.take_revocations(list));
                Outcome::Board
            }
            None => Outcome::Unreachable,
        };
        Ok(self.calls.hear_board(&outcome))
    }

    fn answered(&mut self, told: Vec<(Waiter, Outcome)>) -> Result<Array> {
        let lobby = self.lobby.as_ref().ok_or_else(not_begun)?;
        let answered = Array::new();
        for (call, reply) in self.calls.hear(lobby, platform::now(), told) {
            answered.push(&call.into());
            answered.push(&reply.into());
        }
        Ok(answered)
    }
}

fn not_begun() -> JsValue {
    thrown("the lobby has not begun")
}
