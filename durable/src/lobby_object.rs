//! The Durable Object around a leaf [`Lobby`]: hands wishes in, says what the host has to call, and whom it has to tell what. It
//! stores nothing.

use std::collections::HashMap;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::batch::BatchAnswer;
use crate::codec::{from_hex, hex};
use crate::lobby::{Lobby, Next, Taken, Waiter};
use crate::platform::{self, Result, thrown};
use crate::protocol::{Ask, BoardAnswer, Outcome};
use crate::token::RoomTag;
use crate::wire::{from_text, to_text};

/// See the module's words.
#[wasm_bindgen]
pub struct LobbyObject {
    env: JsValue,
    lobby: Option<Lobby>,
    waiting: HashMap<Waiter, Ask>,
    /// Who waits for a board: one call to the Room serves them all.
    board_waiting: Vec<(Waiter, Ask)>,
    board_called: bool,
}

#[wasm_bindgen]
impl LobbyObject {
    /// Made by the host.
    #[wasm_bindgen(constructor)]
    pub fn new(_storage: JsValue, env: JsValue) -> LobbyObject {
        LobbyObject {
            env,
            lobby: None,
            waiting: HashMap::new(),
            board_waiting: Vec::new(),
            board_called: false,
        }
    }

    /// A wish of somebody whom the host calls by this number: the JSON of its answer, or nothing if that comes later.
    pub fn ask(&mut self, waiter: u32, name: &str, payload: &str) -> Result<Option<String>> {
        let ask: Ask =
            from_text(payload.as_bytes()).ok_or_else(|| thrown("that is not a wish this version knows"))?;
        self.begin(name)?;
        let now = platform::now();
        let lobby = self.lobby()?;
        match lobby.ask(now, Waiter::from(waiter), ask.wish) {
            Taken::Answered(outcome) => return Ok(Some(to_text(&lobby.answer(now, outcome, &ask)))),
            Taken::Gathered => drop(self.waiting.insert(waiter.into(), ask)),
            Taken::BoardWanted => self.board_waiting.push((waiter.into(), ask)),
        }
        Ok(None)
    }

    /// What is next: a call to the Room as an array of what for, its name and its bytes; the time before which there is nothing; or
    /// nothing. After a call, ask again.
    pub fn due(&mut self) -> Result<JsValue> {
        if !self.board_waiting.is_empty() && !self.board_called {
            self.board_called = true;
            return Ok(Array::of3(&"board".into(), &"".into(), &"".into()).into());
        }
        Ok(match self.lobby()?.next(platform::now()) {
            Next::Send { incarnation, number, bytes } => {
                let name = format!("{} {number}", hex(&incarnation));
                let bytes = Uint8Array::from(bytes.as_slice());
                Array::of3(&"batch".into(), &name.into(), &bytes).into()
            }
            Next::Wait(until) => JsValue::from_f64(until.0 as f64),
            Next::Rest => JsValue::UNDEFINED,
        })
    }

    /// The Room's reply to a call: nothing if it failed, null if there is no such room. Says who is told what, by turns: a number, a text.
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
        self.told(told)
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
        self.lobby.as_mut().ok_or_else(|| thrown("the lobby has not begun"))
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
        let mut told = Vec::new();
        for (waiter, ask) in std::mem::take(&mut self.board_waiting) {
            self.waiting.insert(waiter, ask);
            told.push((waiter, outcome.clone()));
        }
        Ok(told)
    }

    fn told(&mut self, told: Vec<(Waiter, Outcome)>) -> Result<Array> {
        let (now, texts) = (platform::now(), Array::new());
        for (waiter, outcome) in told {
            if let Some(ask) = self.waiting.remove(&waiter) {
                let answer = self.lobby()?.answer(now, outcome, &ask);
                texts.push(&JsValue::from_f64(waiter as f64));
                texts.push(&to_text(&answer).into());
            }
        }
        Ok(texts)
    }
}
