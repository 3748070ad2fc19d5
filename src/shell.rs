//! The platform's side of the edge: requests in, answers out, calls to leaves and to the directory.
//!
//! [`admits()`] is what `entry.mjs` asks first of whoever brings a cookie of ours, and nearly all traffic needs no more; then
//! [`gate()`]. Whatever that can decide from memory it answers at once;
//! what needs a call it answers with a promise. It returns to JavaScript:
//!
//! | value | meaning |
//! |---|---|
//! | `undefined` | to the origin |
//! | a `Response` | that is the answer |
//! | a string | to the origin, and this `Set-Cookie` line goes with its answer |
//! | `null` | the static page: nothing else can be said |
//! | an array of one promise | to the origin at once; the promise is of such a line, or of nothing |
//! | a promise | of one of the above |
//!
//! No origin request ever waits inside a Rust future: one panic would take it along.

mod answers;
mod calls;
mod operator;

use std::cell::RefCell;
use std::rc::Rc;

use durable::platform;
use durable::protocol::{Outcome, Wish};
use durable::token::{Arrival, Holder, Keys, prefix_of_address};
use durable::units::Millis;
use worker::Env;
use worker::js_sys::{Array, Promise};
use worker::wasm_bindgen::prelude::*;
use worker::wasm_bindgen_futures::future_to_promise;
use worker::worker_sys::web_sys::Request;

use crate::address::Address;
use crate::cookie::{self, Wallet};
use crate::gate::{self, Decision, Sequel, View, Visit};
use crate::isolate::{Freshness, Isolate};
use crate::route::{Match, Own, is_past_the_gate};
use crate::standing::Standing;
use crate::visit::{self, Headers};

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
extern "C" {
    /// The request's context.
    pub type Context;
    #[wasm_bindgen(method, js_name = waitUntil)]
    fn wait_until(this: &Context, promise: &Promise);
}

thread_local! {
    static ISOLATE: RefCell<Isolate> = RefCell::default();
    static KEYS: RefCell<Option<Rc<Keys>>> = const { RefCell::new(None) };
    static OPERATOR_HOST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// One request on its way through the gate.
struct Asked {
    request: Request,
    url: String,
    cookies: String,
    env: Env,
}

/// What has to be fetched before anything can be decided.
enum Missing {
    Rooms,
    Board(String),
}

/// What cannot be fetched: decisions are made without it.
#[derive(Default)]
struct Lacking {
    rooms: bool,
    board: bool,
}

/// Whether a request goes to the origin as it is, because a good pass is in its cookies and everything that says so is in memory
/// and fresh. It is given text alone: every object handed to Wasm costs as much as this whole decision. `false` says
/// nothing but that the gate has to look.
#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
pub fn admits(url: &str, cookies: &str) -> bool {
    let (Some(address), Some(keys)) = (Address::parse(url), KEYS.with_borrow(Clone::clone)) else {
        return false;
    };
    let named =
        OPERATOR_HOST.with_borrow(|named| named.as_ref().map(|named| is_operators(address.host, named)));
    named == Some(false)
        && ISOLATE.with_borrow_mut(|isolate| isolate.admits(&address, cookies, &keys, platform::now()))
}

/// The gate. `cookies` are the pairs of our names, cut out of the `Cookie` header.
#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
pub fn gate(request: Request, url: String, cookies: String, env: Env, context: Context) -> JsValue {
    let named = OPERATOR_HOST.with_borrow_mut(|named| {
        named.get_or_insert_with(|| platform::text(&env, "OPERATOR_HOST").to_ascii_lowercase()).clone()
    });
    if Address::parse(&url).is_some_and(|address| is_operators(address.host, &named)) {
        return future_to_promise(async { Ok(operator::answer(request.into(), url, cookies, env).await) })
            .into();
    }
    let asked = Asked { request, url, cookies, env };
    match asked.decide(Some(&context), &Lacking::default()) {
        Ok(verdict) => verdict,
        Err(missing) => future_to_promise(asked.decide_once_it_is_there(missing)).into(),
    }
}

/// Whether this is the operator's host: the one that is named, or the Worker's own at workers.dev.
fn is_operators(host: &str, named: &str) -> bool {
    let host = crate::route::normal_host(host);
    if named.is_empty() { host.ends_with(".workers.dev") } else { host == named }
}

impl Asked {
    async fn decide_once_it_is_there(self, first: Missing) -> Result<JsValue, JsValue> {
        let (mut missing, mut lacking) = (first, Lacking::default());
        // Rooms, board, and a board that a token of a newer epoch asks for: no request needs more.
        for _ in 0..4 {
            match &missing {
                Missing::Rooms => lacking.rooms |= !calls::fetch_rooms(&self.env).await,
                Missing::Board(room) => lacking.board |= !calls::fetch_board(&self.env, room).await,
            }
            match self.decide(None, &lacking) {
                Ok(verdict) => return Ok(verdict),
                Err(next) => missing = next,
            }
        }
        // The entry has a page for when nothing else can be said.
        Ok(JsValue::NULL)
    }

    fn decide(&self, context: Option<&Context>, lacking: &Lacking) -> Result<JsValue, Missing> {
        let now = platform::now();
        let Some(address) = Address::parse(&self.url) else {
            return Ok(JsValue::UNDEFINED);
        };
        let (rooms, freshness) = ISOLATE.with_borrow(|isolate| isolate.rooms(now));
        let Some(rooms) = rooms.filter(|_| freshness != Freshness::Stale || lacking.rooms) else {
            return Err(Missing::Rooms);
        };
        if freshness == Freshness::Aging {
            self.refresh_rooms(context, now);
        }
        let Some(found) = rooms.find(address.host, address.path) else {
            let passes = rooms.has_host(address.host) || platform::text(&self.env, "ORIGIN").is_empty();
            return Ok(if passes { JsValue::UNDEFINED } else { answers::not_found() });
        };
        if is_past_the_gate(address.path) {
            return Ok(JsValue::UNDEFINED);
        }
        let Some(keys) = self.keys() else {
            return Ok(self.tell(&found, &address, Standing::Unavailable));
        };
        let wallet =
            Wallet::read(&self.cookies, found.room.cookie_name(address.scheme), found.room.tag, &keys);
        let prepared = Prepared { asked: self, found, address, keys, wallet, now };
        prepared.decide(context, lacking)
    }

    fn refresh_rooms(&self, context: Option<&Context>, now: Millis) {
        let begins = ISOLATE.with_borrow_mut(|isolate| isolate.begin_rooms_refresh(now));
        if let Some(context) = context.filter(|_| begins) {
            let env = self.env.clone();
            keep_alive(context, async move {
                calls::fetch_rooms(&env).await;
            });
        }
    }

    /// The keys, read once; a missing or short one is named in the log and nowhere else.
    fn keys(&self) -> Option<Rc<Keys>> {
        if let Some(keys) = KEYS.with_borrow(Clone::clone) {
            return Some(keys);
        }
        match platform::keys(&self.env) {
            Ok(keys) => {
                let keys = Rc::new(keys);
                KEYS.with_borrow_mut(|kept| *kept = Some(keys.clone()));
                Some(keys)
            }
            Err(fault) => {
                platform::log(&fault.to_string());
                None
            }
        }
    }

    fn tell(&self, found: &Match, address: &Address<'_>, standing: Standing) -> JsValue {
        let headers = self.headers();
        let message = answers::Message { found, headers: &headers, standing, target: address.target() };
        answers::notice(&message, None, &[])
    }

    fn header(&self, name: &str) -> String {
        self.request.headers().get(name).ok().flatten().unwrap_or_default()
    }

    fn headers(&self) -> Headers {
        let purpose = self.header("Sec-Purpose");
        Headers {
            method: self.request.method(),
            fetch_mode: self.header("Sec-Fetch-Mode"),
            fetch_site: self.header("Sec-Fetch-Site"),
            purpose: if purpose.is_empty() { self.header("Purpose") } else { purpose },
            accept: self.header("Accept"),
            accept_language: self.header("Accept-Language"),
            upgrade: self.header("Upgrade"),
            origin: self.header("Origin"),
        }
    }
}

/// A request whose room and tokens are known.
struct Prepared<'a> {
    asked: &'a Asked,
    found: Match,
    address: Address<'a>,
    keys: Rc<Keys>,
    wallet: Wallet,
    now: Millis,
}

impl Prepared<'_> {
    fn decide(self, context: Option<&Context>, lacking: &Lacking) -> Result<JsValue, Missing> {
        let room_id = self.found.room.id.clone();
        let held = ISOLATE.with_borrow_mut(|isolate| {
            let held = isolate.board(&room_id)?;
            let freshness = held.freshness(self.now);
            let refreshes = freshness == Freshness::Aging && held.begin_refresh(self.now);
            (freshness != Freshness::Stale).then_some(refreshes)
        });
        match held {
            None if lacking.board => return Ok(self.without_a_board()),
            None => return Err(Missing::Board(room_id)),
            Some(true) => self.refresh_board(context),
            Some(false) => {}
        }
        if let Some(own) = self.found.own {
            return Ok(self.own(own));
        }
        let headers = self.asked.headers();
        let entropy = platform::entropy::<16>().unwrap_or_default();
        let visit = Visit {
            asker: visit::asker(&headers, &self.found.room.settings),
            verb: visit::verb(&headers),
            wallet: &self.wallet,
            marked: self.address.is_marked(),
        };
        let decision = self.with_view(|view| gate::decide(&visit, view, self.now, entropy));
        if decision == Decision::Refresh {
            return if lacking.board {
                Ok(self.tell(&headers, Standing::Reconnecting, None))
            } else {
                Err(Missing::Board(room_id))
            };
        }
        Ok(self.carry_out(decision, headers, entropy))
    }

    fn with_view<T>(&self, use_it: impl FnOnce(&View<'_>) -> T) -> T {
        ISOLATE.with_borrow_mut(|isolate| {
            let empty = crate::isolate::HeldBoard::default();
            let held = isolate.board(&self.found.room.id).map_or(&empty, |held| &*held);
            use_it(&held.view(&self.found.room.settings))
        })
    }

    /// No board is to be had: a good pass is honoured blind, everybody else is told so.
    fn without_a_board(&self) -> JsValue {
        if self.found.own.is_none() && self.wallet.pass.is_some_and(|pass| pass.expires > self.now) {
            platform::log("a pass was honoured blind: its room has no board");
            return JsValue::UNDEFINED;
        }
        let headers = self.asked.headers();
        self.tell(&headers, gate::without_a_room(&self.wallet), None)
    }

    fn refresh_board(&self, context: Option<&Context>) {
        let Some(context) = context else { return };
        let (env, room) = (self.asked.env.clone(), self.found.room.id.clone());
        keep_alive(context, async move {
            calls::fetch_board(&env, &room).await;
        });
    }

    fn carry_out(self, decision: Decision, headers: Headers, entropy: [u8; 16]) -> JsValue {
        match decision {
            Decision::Pass => JsValue::UNDEFINED,
            Decision::PassAndRenew(wish) => {
                let call = Call::new(&self, headers, wish);
                Array::of1(&future_to_promise(call.renew())).into()
            }
            Decision::Ask(wish) => {
                if matches!(wish, Wish::Enter { .. }) {
                    ISOLATE.with_borrow_mut(|isolate| {
                        if let Some(held) = isolate.board(&self.found.room.id) {
                            held.first_contacts += 1;
                        }
                    });
                }
                future_to_promise(Call::new(&self, headers, wish).ask()).into()
            }
            Decision::Tell(standing) => self.tell(&headers, standing, None),
            Decision::TellAndGreet(standing) => {
                let line = self.greeting(entropy);
                self.tell(&headers, standing, Some(&line))
            }
            Decision::Refuse | Decision::Refresh => answers::refusal(),
        }
    }

    fn tell(&self, headers: &Headers, standing: Standing, cookie: Option<&str>) -> JsValue {
        let target = self.address.target();
        let message = answers::Message { found: &self.found, headers, standing, target };
        self.with_view(|view| {
            answers::notice(&message, Some(view.board), &cookie.into_iter().collect::<Vec<_>>())
        })
    }

    /// The `Set-Cookie` line with a fresh arrival.
    fn greeting(&self, entropy: [u8; 16]) -> String {
        let arrival = Arrival {
            room: self.found.room.tag,
            issued: self.now,
            prefix: prefix_of_address(&self.asked.header("CF-Connecting-IP")),
            holder: Holder(entropy),
        };
        let token = self.keys.sign(&arrival);
        let Match { room, .. } = &self.found;
        cookie::keep(room.cookie_name(self.address.scheme), &token, &room.settings, self.address.scheme)
    }

    fn own(self, own: Own) -> JsValue {
        let headers = self.asked.headers();
        match own {
            Own::Wait => {
                let target = crate::address::safe_target(&self.address.field("to").unwrap_or_default());
                let standing = self.with_view(|view| gate::whereabouts(&self.wallet, view, self.now));
                let message = answers::Message { found: &self.found, headers: &headers, standing, target };
                self.with_view(|view| answers::notice(&message, Some(view.board), &[]))
            }
            Own::Board => self.with_view(|view| answers::board(view.board)),
            Own::Leave => self.leave(headers),
            Own::Unknown => answers::not_found(),
        }
    }

    /// Leaving needs a POST from the same host: a stranger's page must not be able to do it.
    fn leave(self, headers: Headers) -> JsValue {
        let origin_host = headers.origin.split_once("://").map_or("", |(_, host)| host);
        let same = headers.fetch_site == "same-origin" || origin_host == self.address.host;
        if headers.method != "POST" || !same {
            return answers::forbidden("Leaving needs a POST from a page of this site.");
        }
        match self.with_view(|view| gate::leaving(&self.wallet, view, self.now)) {
            Some(wish) => {
                let mut call = Call::new(&self, headers, wish);
                // Whoever left begins again at the room's own door.
                call.target = self.found.path.to_string();
                future_to_promise(call.ask()).into()
            }
            None => {
                let (room, scheme) = (&self.found.room, self.address.scheme);
                let line = cookie::drop_line(room.cookie_name(scheme), &room.settings, scheme);
                self.tell(&headers, Standing::Left, Some(&line))
            }
        }
    }
}

/// A call to a leaf for one visitor: owns what it needs, for it outlives the request's turn.
struct Call {
    env: Env,
    found: Rc<Match>,
    headers: Headers,
    wish: Wish,
    wallet: Wallet,
    scheme: cookie::Scheme,
    target: String,
    marked: bool,
    greeting: String,
}

impl Call {
    fn new(prepared: &Prepared<'_>, headers: Headers, wish: Wish) -> Call {
        let Prepared { asked, found, address, wallet, .. } = prepared;
        Call {
            env: asked.env.clone(),
            found: Rc::new(Match { room: found.room.clone(), path: found.path.clone(), own: found.own }),
            headers,
            wish,
            wallet: wallet.clone(),
            scheme: address.scheme,
            target: address.target(),
            marked: address.is_marked(),
            greeting: prepared.greeting(platform::entropy().unwrap_or_default()),
        }
    }

    /// A line with the renewed pass, or nothing: the old pass is good for a while yet.
    async fn renew(self) -> Result<JsValue, JsValue> {
        match calls::ask(&self.env, &self.found.room.id, self.wish).await {
            Outcome::Admitted { pass } => Ok(self.keep(&pass).into()),
            _ => Ok(JsValue::UNDEFINED),
        }
    }

    async fn ask(self) -> Result<JsValue, JsValue> {
        let outcome = calls::ask(&self.env, &self.found.room.id, self.wish).await;
        let now = platform::now();
        let visit = Visit {
            asker: visit::asker(&self.headers, &self.found.room.settings),
            verb: visit::verb(&self.headers),
            wallet: &self.wallet,
            marked: self.marked,
        };
        Ok(ISOLATE.with_borrow_mut(|isolate| {
            let board = isolate.board(&self.found.room.id).map(|held| &held.board);
            let settings = &self.found.room.settings;
            let told = |standing: Standing, line: Option<String>| {
                let message = answers::Message {
                    found: &self.found,
                    headers: &self.headers,
                    standing,
                    target: self.target.clone(),
                };
                answers::notice(&message, board, &line.iter().map(String::as_str).collect::<Vec<_>>())
            };
            match gate::after(outcome, &visit, board, now) {
                // The mark has done its work: neither the origin nor the visitor's history keeps it.
                Sequel::PassWith(pass) if self.marked => answers::see_other(&self.target, &self.keep(&pass)),
                Sequel::PassWith(pass) => self.keep(&pass).into(),
                Sequel::TellWith(_, token) if self.marked => {
                    answers::see_other(&self.target, &self.keep(&token))
                }
                Sequel::TellWith(standing, token) => told(standing, Some(self.keep(&token))),
                Sequel::Tell(standing) => told(standing, None),
                Sequel::TellAndGreet(standing) => told(standing, Some(self.greeting.clone())),
                Sequel::TellAndForget(standing) => told(
                    standing,
                    Some(cookie::drop_line(self.found.room.cookie_name(self.scheme), settings, self.scheme)),
                ),
            }
        }))
    }

    fn keep(&self, token: &str) -> String {
        let room = &self.found.room;
        cookie::keep(room.cookie_name(self.scheme), token, &room.settings, self.scheme)
    }
}

/// Lets a task of nobody's in particular end after the answer has gone.
fn keep_alive(context: &Context, task: impl Future<Output = ()> + 'static) {
    let task = future_to_promise(async move {
        task.await;
        Ok(JsValue::UNDEFINED)
    });
    context.wait_until(&task);
}
