//! The Durable Object around a leaf [`Lobby`]: hands wishes in, performs what the lobby says is next,
//! and wakes whoever waits. It stores nothing.
//!
//! Waiting on a channel that another event fills is sound in an object, whose events share one context; the
//! work itself runs in tasks of its own, so a visitor who goes away takes nobody's answer along.

#![expect(missing_docs, reason = "the methods that `durable_object` makes have no docs")]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use worker::{
    Delay, DurableObject, Env, Error, Request, Response, Result, State, durable_object, wasm_bindgen,
    wasm_bindgen_futures::spawn_local,
};

use crate::batch::BatchAnswer;
use crate::board::Board;
use crate::lobby::{Lobby, Next, Taken, Waiter};
use crate::platform::{self, Called};
use crate::protocol::{Ask, Outcome, Wish};
use crate::room_object::BoardAnswer;
use crate::token::RoomTag;
use crate::units::Millis;
use crate::wire::from_text;

struct Inner {
    env: Env,
    room_id: RefCell<String>,
    lobby: RefCell<Option<Lobby>>,
    waiting: RefCell<HashMap<Waiter, oneshot::Sender<Outcome>>>,
    next_waiter: Cell<Waiter>,
    /// Who waits for a board: one call to the Room serves them all.
    board_waiting: RefCell<Vec<oneshot::Sender<Outcome>>>,
    /// When the pump will look again; it sleeps no longer than that.
    pumping_until: Cell<Option<Millis>>,
}

/// See the module's words.
#[durable_object(fetch)]
pub struct LobbyObject {
    inner: Rc<Inner>,
}

impl DurableObject for LobbyObject {
    fn new(_state: State, env: Env) -> LobbyObject {
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

    async fn fetch(&self, request: Request) -> Result<Response> {
        let path = request.path();
        let body = platform::body(&request).await?;
        match self.inner.clone().serve(path.trim_start_matches('/'), &body).await {
            Ok(response) => Ok(response),
            Err(error) => {
                platform::log(&format!("lobby: {error}"));
                Response::error("the lobby could not do that now", 500)
            }
        }
    }
}

impl Inner {
    async fn serve(self: Rc<Inner>, name: &str, body: &[u8]) -> Result<Response> {
        let Some(Ask { wish, revoked_seq }) = from_text(body) else {
            return Response::error("that is not a wish this version knows", 400);
        };
        self.begin(name)?;
        let outcome = match self.take(wish)? {
            Ok(outcome) => outcome,
            Err(answered) => answered.await.unwrap_or(Outcome::Unreachable),
        };
        let answer = self.with_lobby(|lobby| lobby.answer(platform::now(), outcome, revoked_seq))?;
        platform::json(&answer)
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

    fn take(
        self: &Rc<Inner>,
        wish: Wish,
    ) -> Result<std::result::Result<Outcome, oneshot::Receiver<Outcome>>> {
        let waiter = self.next_waiter.get();
        self.next_waiter.set(waiter + 1);
        let (answer, answered) = oneshot::channel();
        match self.with_lobby(|lobby| lobby.ask(platform::now(), waiter, wish))? {
            Taken::Answered(outcome) => return Ok(Ok(outcome)),
            Taken::Gathered => {
                self.waiting.borrow_mut().insert(waiter, answer);
                self.clone().pump()?;
            }
            Taken::BoardWanted => {
                self.board_waiting.borrow_mut().push(answer);
                if self.board_waiting.borrow().len() == 1 {
                    spawn_local(self.clone().fetch_board());
                }
            }
        }
        Ok(Err(answered))
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
            if let Some(answer) = self.waiting.borrow_mut().remove(&waiter) {
                // Whoever asked may be gone by now.
                let _ = answer.send(outcome);
            }
        }
        self.pump_or_log();
    }

    async fn call_room(&self, bytes: Vec<u8>) -> Result<Called> {
        let id = self.room_id.borrow().clone();
        platform::call(&self.env, "ROOM", &id, &format!("/{id}/batch"), Some(bytes)).await
    }

    fn report(&self, name: ([u8; 16], u64), result: Result<Called>) -> Result<Vec<(Waiter, Outcome)>> {
        let (now, fresh) = (platform::now(), platform::entropy()?);
        let decoded = match &result {
            Ok(Called { status: 404, .. }) => {
                return self.with_lobby(|lobby| lobby.give_up(fresh, &Outcome::Unknown));
            }
            Ok(Called { status: 200, body }) => BatchAnswer::decode(body)
                .ok()
                .and_then(|(answer, board)| Some((answer, from_text::<Board>(board)?))),
            Ok(_) => None,
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
        let path = format!("/{id}/board");
        let result: Result<BoardAnswer> = platform::call_json(&self.env, "ROOM", &id, &path, None).await;
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
        for answer in self.board_waiting.borrow_mut().drain(..) {
            let _ = answer.send(outcome.clone());
        }
    }

    fn with_lobby<T>(&self, use_it: impl FnOnce(&mut Lobby) -> T) -> Result<T> {
        match self.lobby.borrow_mut().as_mut() {
            Some(lobby) => Ok(use_it(lobby)),
            None => Err(Error::RustError("the lobby has not begun".into())),
        }
    }
}
