//! The Durable Object around a leaf [`Lobby`]: hands wishes in, performs what the lobby says is next,
//! and wakes whoever waits. It stores nothing.
//!
//! A promise that another event fulfils is sound in an object, whose events share one context; the
//! work itself runs in tasks of its own, so a visitor who goes away takes nobody's answer along.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use worker::js_sys::{Function, Promise, Uint8Array};
use worker::wasm_bindgen::{self, prelude::*};
use worker::wasm_bindgen_futures::spawn_local;
use worker::worker_sys::DurableObjectState;
use worker::{Delay, Env, Error, Result};

use crate::batch::BatchAnswer;
use crate::board::Board;
use crate::lobby::{Lobby, Next, Taken, Waiter};
use crate::platform;
use crate::protocol::{Ask, Outcome};
use crate::room_object::BoardAnswer;
use crate::token::RoomTag;
use crate::units::Millis;
use crate::wire::from_text;

/// Somebody who waits: what they asked, and how they are told.
type Asker = (Ask, Function);

struct Inner {
    env: Env,
    room_id: RefCell<String>,
    lobby: RefCell<Option<Lobby>>,
    waiting: RefCell<HashMap<Waiter, Asker>>,
    next_waiter: Cell<Waiter>,
    /// Who waits for a board: one call to the Room serves them all.
    board_waiting: RefCell<Vec<Asker>>,
    /// When the pump will look again; it sleeps no longer than that.
    pumping_until: Cell<Option<Millis>>,
}

/// See the module's words.
#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
pub struct LobbyObject {
    inner: Rc<Inner>,
}

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
impl LobbyObject {
    /// Made by the platform.
    #[wasm_bindgen(constructor)]
    pub fn new(_state: DurableObjectState, env: Env) -> LobbyObject {
        LobbyObject {
            inner: Rc::new(Inner {
                env,
                room_id: RefCell::default(),
                lobby: RefCell::default(),
                waiting: RefCell::default(),
                next_waiter: Cell::new(0),
                board_waiting: RefCell::default(),
                pumping_until: Cell::new(None),
            }),
        }
    }

    /// A wish, and the JSON of its answer: at once, or as a promise. There is no future behind such a promise, only the function
    /// that fulfils it: a wish costs the object half as much so.
    pub fn ask(&self, name: &str, _action: &str, payload: &str) -> std::result::Result<JsValue, JsValue> {
        self.inner.serve(name, payload).map_err(|error| platform::thrown("lobby", &error))
    }
}

impl Inner {
    fn serve(self: &Rc<Inner>, name: &str, payload: &str) -> Result<JsValue> {
        let ask: Ask = from_text(payload.as_bytes())
            .ok_or_else(|| Error::RustError("that is not a wish this version knows".into()))?;
        self.begin(name)?;
        let waiter = self.next_waiter.get();
        self.next_waiter.set(waiter + 1);
        match self.with_lobby(|lobby| lobby.ask(platform::now(), waiter, ask.wish))? {
            Taken::Answered(outcome) => self.answer(&ask, outcome),
            Taken::Gathered => {
                let promise = Promise::new(&mut |resolve, _| {
                    self.waiting.borrow_mut().insert(waiter, (ask, resolve));
                });
                self.clone().pump()?;
                Ok(promise.into())
            }
            Taken::BoardWanted => {
                let promise = Promise::new(&mut |resolve, _| {
                    self.board_waiting.borrow_mut().push((ask, resolve));
                });
                if self.board_waiting.borrow().len() == 1 {
                    spawn_local(self.clone().fetch_board());
                }
                Ok(promise.into())
            }
        }
    }

    fn answer(&self, ask: &Ask, outcome: Outcome) -> Result<JsValue> {
        let answer = self.with_lobby(|lobby| lobby.answer(platform::now(), outcome, ask))?;
        Ok(platform::json(&answer))
    }

    /// Whoever asked may be gone by now: nobody hears it then.
    fn tell(&self, (ask, resolve): &Asker, outcome: Outcome) {
        if let Ok(answer) = self.answer(ask, outcome) {
            let _ = resolve.call1(&JsValue::UNDEFINED, &answer);
        }
    }

    /// The memory begins with the first wish: only then is the lobby's own name known.
    fn begin(&self, name: &str) -> Result<()> {
        if self.lobby.borrow().is_some() {
            return Ok(());
        }
        let room_id = name.split('/').next().unwrap_or_default();
        let tag = RoomTag::from_id(room_id).ok_or_else(|| Error::RustError("not a lobby's name".into()))?;
        let keys = platform::keys(&self.env).map_err(|fault| Error::RustError(fault.to_string()))?;
        let lobby = Lobby::new(name.to_owned(), tag, keys, platform::entropy()?);
        *self.room_id.borrow_mut() = room_id.to_owned();
        *self.lobby.borrow_mut() = Some(lobby);
        Ok(())
    }

    /// Performs what is next until there is nothing, or sleeps until there is.
    fn pump(self: Rc<Inner>) -> Result<()> {
        loop {
            let now = platform::now();
            match self.with_lobby(|lobby| lobby.next(now))? {
                Next::Send { incarnation, number, bytes } => {
                    spawn_local(self.clone().send(incarnation, number, bytes));
                }
                Next::Wait(until) => {
                    if self.pumping_until.get().is_none_or(|pumping| until < pumping) {
                        self.pumping_until.set(Some(until));
                        spawn_local(self.clone().pump_later(until));
                    }
                    return Ok(());
                }
                Next::Rest => return Ok(()),
            }
        }
    }

    async fn pump_later(self: Rc<Inner>, until: Millis) {
        Delay::from(Duration::from_millis(until.since(platform::now()).0)).await;
        if self.pumping_until.get() == Some(until) {
            self.pumping_until.set(None);
        }
        self.pump_or_log();
    }

    fn pump_or_log(self: Rc<Inner>) {
        if let Err(error) = self.pump() {
            platform::log(&format!("lobby, pump: {error}"));
        }
    }

    async fn send(self: Rc<Inner>, incarnation: [u8; 16], number: u64, bytes: Vec<u8>) {
        let result = self.call_room(bytes).await;
        let told = self.report((incarnation, number), result);
        let told = told.unwrap_or_else(|error| {
            platform::log(&format!("lobby, batch: {error}"));
            Vec::new()
        });
        for (waiter, outcome) in told {
            let asker = self.waiting.borrow_mut().remove(&waiter);
            if let Some(asker) = asker {
                self.tell(&asker, outcome);
            }
        }
        self.pump_or_log();
    }

    /// The Room's answer to a batch; none if it does not exist.
    async fn call_room(&self, bytes: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let id = self.room_id.borrow().clone();
        let payload = Uint8Array::from(bytes.as_slice()).into();
        let answer = platform::call(&self.env, "ROOM", &id, "batch", payload).await?;
        Ok(answer.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec()))
    }

    fn report(
        &self,
        name: ([u8; 16], u64),
        result: Result<Option<Vec<u8>>>,
    ) -> Result<Vec<(Waiter, Outcome)>> {
        let (now, fresh) = (platform::now(), platform::entropy()?);
        let decoded = match &result {
            Ok(None) => return self.with_lobby(|lobby| lobby.give_up(fresh, &Outcome::Unknown)),
            Ok(Some(answer)) => BatchAnswer::decode(answer)
                .ok()
                .and_then(|(answer, board)| Some((answer, from_text::<Board>(board)?))),
            Err(error) if platform::is_overloaded(error) => {
                return self.with_lobby(|lobby| lobby.give_up(fresh, &Outcome::Unreachable));
            }
            Err(error) => {
                platform::log(&format!("lobby, call to the Room: {error}"));
                None
            }
        };
        self.with_lobby(|lobby| match decoded {
            Some((answer, board)) => lobby.answered(now, name, answer, board, fresh),
            None => lobby.failed(now, name, fresh),
        })
    }

    async fn fetch_board(self: Rc<Inner>) {
        let id = self.room_id.borrow().clone();
        let result: Result<BoardAnswer> = platform::call_json(&self.env, "ROOM", &id, "board", "").await;
        let now = platform::now();
        let outcome = match result {
            Ok(BoardAnswer { board, revocations }) => {
                let taken = self.with_lobby(|lobby| {
                    lobby.take_board(now, board);
                    revocations.into_iter().for_each(|list| lobby.take_revocations(list));
                });
                if taken.is_ok() { Outcome::Board } else { Outcome::Unreachable }
            }
            Err(error) => {
                platform::log(&format!("lobby, board: {error}"));
                Outcome::Unreachable
            }
        };
        for asker in self.board_waiting.take() {
            self.tell(&asker, outcome.clone());
        }
    }

    fn with_lobby<T>(&self, use_it: impl FnOnce(&mut Lobby) -> T) -> Result<T> {
        match self.lobby.borrow_mut().as_mut() {
            Some(lobby) => Ok(use_it(lobby)),
            None => Err(Error::RustError("the lobby has not begun".into())),
        }
    }
}
