//! The edge of one isolate, whole: requests come in as text, a [`Verdict`] comes out, and what objects replied is learnt. It has no
//! platform: time and entropy are arguments, calls are errands that somebody else runs.

use durable::board::Phase;
use durable::json::Value;
use durable::pieces::find;
use durable::planted::{Bug, planted};
use durable::protocol::{Answer, Outcome, Wish};
use durable::token::{KeyFault, Keys};
use durable::units::Millis;
use durable::wire::{from_text, to_text};

use crate::address::Address;
use crate::answer::{self, Message};
use crate::bypass;
use crate::cookie::Wallet;
use crate::cors;
use crate::gate;
use crate::isolate::{Admission, Freshness, Isolate};
use crate::prepared::{Prepared, origin};
use crate::route::{Match, Own, Rooms, is_past_the_gate, normal_host};
use crate::shared;
use crate::standing::Standing;
use crate::verdict::{Purpose, Verdict, errand_for_rooms, place, purpose, shared_at};
use crate::visit::{self, Headers};

/// What a request may draw from: sixteen bytes for a holder's name, sixteen for what it is answered.
pub type Entropy = [[u8; 16]; 2];

/// The longest pair of a pass: its name has at most 60 letters, and a `=`.
const COOKIE_BYTES_MAX: usize = 160;

/// What the deployment says: its secrets and variables, read once.
pub struct Deployment {
    /// The keys, or which of them is wrong.
    pub keys: Result<Keys, KeyFault>,
    /// `OPERATOR_TOKENS`, as it is.
    pub operator_tokens: String,
    /// `OPERATOR_HOST` in lower case; empty for the Worker's own at workers.dev.
    pub operator_host: String,
    /// Whether `ORIGIN` names one.
    pub has_origin: bool,
    /// The rooms of `[vars]`.
    pub rooms: Vec<Value>,
}

/// A request, as text.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The whole address.
    pub url: &'a str,
    /// The pairs of our names, cut out of the `Cookie` header.
    pub cookies: &'a str,
    /// The other headers that are looked at.
    pub headers: Headers<'a>,
}

impl<'a> Asked<'a> {
    /// From its lines: the address, the cookies, and those of [`Headers`]. None of them has a line break in it.
    pub fn parse(text: &'a str) -> Asked<'a> {
        let (url, rest) = text.split_once('\n').unwrap_or((text, ""));
        let (cookies, headers) = rest.split_once('\n').unwrap_or((rest, ""));
        Asked { url, cookies, headers: Headers::parse(headers) }
    }
}

/// See the module's words.
pub struct Edge {
    deployment: Deployment,
    isolate: Isolate,
    chores: Vec<String>,
    blind: u64,
}

impl Edge {
    /// An edge that knows nothing yet but its deployment.
    pub fn new(deployment: Deployment) -> Edge {
        Edge { deployment, isolate: Isolate::default(), chores: Vec::new(), blind: 0 }
    }

    /// What the deployment says.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Whether a request goes to the origin as it is, because a good pass is in its cookies and everything that says so is in memory
    /// and fresh. None says nothing but that the gate has to look.
    ///
    /// What it says, `entry.mjs` remembers (`recent.mjs`): a time, how an address begins, and the cookies, each on a line, if the same is true
    /// until then of these cookies at every address below it; and in a room that follows its origin how answers are looked at
    /// ([`Isolate::watch`]). It says nothing more than *yes* where that is not so, and of cookies that are
    /// more than one pass: nobody fills a memory by bringing others beside it.
    pub fn admits(&mut self, url: &str, cookies: &str, now: Millis) -> Option<String> {
        let (address, keys) = (Address::parse(url)?, self.deployment.keys.as_ref().ok()?);
        if self.is_operators(address.host) {
            return None;
        }
        let Admission { until, below, watch } = self.isolate.admits(&address, cookies, keys, now)?;
        let beginning = below.and_then(|path| {
            let path = if *path == *"/" { "" } else { &path };
            // Spelled as it was asked for: another spelling takes the long way.
            let end = find(url, "://")? + 3 + address.host.len() + path.len();
            url.get(..end).filter(|beginning| beginning.ends_with(path))
        });
        let beginning = beginning.filter(|_| cookies.len() <= COOKIE_BYTES_MAX && !cookies.contains(';'));
        Some(beginning.map_or_else(String::new, |beginning| {
            let watch = watch.map_or_else(String::new, |watch| format!("\n{watch}"));
            format!("{}\n{beginning}\n{cookies}{watch}", until.0)
        }))
    }

    /// The gate. After it, [`Edge::chore`] says what else is worth asking.
    pub fn gate(&mut self, asked: &Asked<'_>, now: Millis, entropy: Entropy) -> Verdict {
        let Some(address) = Address::parse(asked.url) else { return Verdict::Origin };
        if self.is_operators(address.host) {
            return Verdict::Operator;
        }
        self.isolate.begin(entropy[1]);
        let (rooms, freshness) = self.isolate.rooms(now);
        let Some(rooms) = rooms.filter(|_| freshness != Freshness::Stale) else {
            return Verdict::Errand(self.errand_for_rooms(address.host));
        };
        if freshness == Freshness::Aging && self.isolate.begin_rooms_refresh(now) {
            let errand = self.errand_for_rooms(address.host);
            self.chores.push(errand);
        }
        let found = rooms.find(address.host, address.path);
        // Where one stands is asked most of all, and nothing is given for that: a few headers are enough for it alone.
        let asks = asked.headers.want_json()
            && !address.is_claim()
            && found.as_ref().is_some_and(|found| found.own == Some(Own::Wait));
        if asked.headers.few && !asks {
            return Verdict::AllHeaders;
        }
        let Some(found) = found else {
            let passes = rooms.has_host(address.host) || !self.deployment.has_origin;
            return if passes { Verdict::Origin } else { Verdict::Answer(answer::not_found()) };
        };
        if is_past_the_gate(address.path) {
            return origin(&found);
        }
        if let Some(exempt) = bypass::verdict(&found, &address, &asked.headers) {
            return exempt;
        }
        let (headers, settings) = (&asked.headers, &found.room.settings);
        let is_on = !settings.suspended
            && !matches!(
                self.isolate.board(&found.room.id).board.phase,
                Phase::Suspended | Phase::Passthrough
            );
        if let Some(answer) = cors::preflight(headers, settings).filter(|_| is_on) {
            return cors::opened(answer, headers, settings);
        }
        let verdict = match self.prepare(asked, &address, &found, now, entropy) {
            Ok(mut prepared) => prepared.gate(),
            Err(unavailable) => unavailable,
        };
        cors::opened(verdict, headers, settings)
    }

    /// What an origin's command means for who asked. None where the room does not listen: the command is then none of ours. Otherwise the
    /// header line that takes the pass away, and behind a line break the errand that gives its seat up; nothing if there is no pass.
    /// Whether the pass is still of the epoch is for the Room to know: whoever went to the origin blind is heard like everybody else.
    pub fn revoke(&mut self, asked: &Asked<'_>, now: Millis) -> Option<String> {
        let address = Address::parse(asked.url)?;
        let found = self.isolate.rooms(now).0.and_then(|rooms| rooms.find(address.host, address.path))?;
        if !found.room.settings.revoked_by_origin {
            return None;
        }
        // Nothing is signed here.
        let prepared = self.prepare(asked, &address, &found, now, Entropy::default()).ok();
        let ended = prepared.and_then(|prepared| {
            let pass = prepared.wallet.pass.filter(|pass| pass.expires > now)?;
            Some(format!("{}\n{}", prepared.forget(), prepared.errand('@', gate::leaving_pass(&pass))))
        });
        Some(ended.unwrap_or_default())
    }

    /// What an errand's reply means for the request it was run for; an empty reply is none.
    pub fn told(
        &mut self,
        asked: &Asked<'_>,
        errand: &str,
        reply: &str,
        now: Millis,
        entropy: Entropy,
    ) -> Verdict {
        let purpose = purpose(errand);
        let outcome = self.hear(purpose, reply, now);
        let Some(address) = Address::parse(asked.url) else { return Verdict::Origin };
        let found = self.isolate.rooms(now).0.and_then(|rooms| rooms.find(address.host, address.path));
        let (Some(found), Some(Purpose::Wish(_, wish))) = (found, purpose) else {
            return Verdict::Apology;
        };
        let verdict = match self.prepare(asked, &address, &found, now, entropy) {
            Ok(mut prepared) => prepared.told(wish, outcome),
            Err(unavailable) => unavailable,
        };
        cors::opened(verdict, &asked.headers, &found.room.settings)
    }

    /// For the directory, which somebody else may have.
    fn errand_for_rooms(&self, host: &str) -> String {
        match &self.deployment.keys {
            Ok(keys) => shared_at(errand_for_rooms(), &shared::place(keys, &normal_host(host), "directory")),
            Err(_) => errand_for_rooms(),
        }
    }

    /// What others in this data center may learn from the reply to an errand that was learnt from at this moment, sealed ([`shared`]); none if they are not to. It
    /// is the reply as it came, for somebody else may be of a later version and understand more of it, with all of the list of revoked passes: they may have none.
    pub fn share(&self, errand: &str, reply: &str, now: Millis) -> Option<String> {
        let (place, keys) = (place(errand)?, self.deployment.keys.as_ref().ok()?);
        let text = match purpose(errand)? {
            Purpose::Rooms => self.isolate.has_rooms_since(now).then(|| reply.to_owned())?,
            Purpose::Wish(room, _) => {
                let revocations = self.isolate.board(room).revocations(now)?;
                let mut answer = from_text::<Value>(reply.as_bytes())?;
                answer.set("revocations", from_text(to_text(&revocations).as_bytes())?);
                to_text(&answer)
            }
        };
        Some(shared::seal(keys, place, now, &text))
    }

    /// Learns from what another isolate shared for such an errand, as if it had been said here when it was said there. Whether that is worth anything: it is
    /// fresh, and no older than what is known here.
    pub fn overhear(&mut self, errand: &str, entry: &str, now: Millis) -> bool {
        let (Some(place), Ok(keys)) = (place(errand), &self.deployment.keys) else { return false };
        let Some((said_at, text)) = shared::open(keys, place, entry) else { return false };
        let said_at = if planted(Bug::SharedIsNew) { now } else { said_at };
        let room = match purpose(errand) {
            Some(Purpose::Rooms) if self.isolate.wants_rooms(now, said_at, text) => {
                self.isolate.take_rooms(said_at, text);
                None
            }
            Some(Purpose::Wish(room, Wish::Board)) => {
                let answer = from_text::<Answer>(text.as_bytes());
                let wanted = answer.filter(|answer| self.isolate.board(room).wants(now, said_at, answer));
                let Some(answer) = wanted else { return false };
                self.isolate.take_answer(said_at, room, Wish::Board, answer);
                Some(room)
            }
            _ => return false,
        };
        self.isolate.let_others_go_first(room);
        true
    }

    /// Learns from an errand's reply; an empty reply is none: it may or may not have happened.
    pub fn learn(&mut self, errand: &str, reply: &str, now: Millis) -> Outcome {
        self.hear(purpose(errand), reply, now)
    }

    fn hear(&mut self, purpose: Option<Purpose<'_>>, reply: &str, now: Millis) -> Outcome {
        match purpose {
            Some(Purpose::Rooms) => {
                if !self.isolate.take_rooms(now, reply) {
                    let vars = &self.deployment.rooms;
                    self.isolate.keep_rooms(now, || Rooms::from_vars(vars));
                }
                Outcome::Board
            }
            Some(Purpose::Wish(room, wish)) => match from_text::<Answer>(reply.as_bytes()) {
                Some(answer) => self.isolate.take_answer(now, room, wish, answer),
                None => {
                    self.isolate.miss_answer(now, room);
                    Outcome::Unreachable
                }
            },
            None => Outcome::Unreachable,
        }
    }

    /// An errand for nobody in particular: its reply is to be learnt from, whenever it comes.
    pub fn chore(&mut self) -> Option<String> {
        self.chores.pop()
    }

    /// Grows when something learnt may have ended passes: what was decided of one before counts no more.
    pub fn endings(&self) -> u32 {
        self.isolate.endings()
    }

    /// Requests let through without a board so far, by a pass or because the operator said so.
    pub fn blind(&self) -> u64 {
        self.blind
    }

    /// Whether this is the operator's host: the one that is named, or the Worker's own at workers.dev.
    fn is_operators(&self, host: &str) -> bool {
        let (host, named) = (normal_host(host), &self.deployment.operator_host);
        if named.is_empty() { host.ends_with(".workers.dev") } else { host == *named }
    }

    /// What is known of a request before its room's board is looked at; without keys that is nothing.
    fn prepare<'a>(
        &'a mut self,
        asked: &'a Asked<'a>,
        address: &'a Address<'a>,
        found: &'a Match,
        now: Millis,
        entropy: Entropy,
    ) -> Result<Prepared<'a>, Verdict> {
        let Edge { deployment, isolate, chores, blind } = self;
        let (headers, name) = (&asked.headers, found.room.cookie_name(address.scheme));
        let asker = visit::asker(headers, &found.room.settings);
        let Ok(keys) = &deployment.keys else {
            let (standing, target) = (Standing::Unavailable, &|| address.target());
            let message = Message {
                found,
                headers,
                asker,
                standing,
                rank: None,
                pass: None,
                target,
                door: None,
                cookie: None,
            };
            return Err(answer::notice(&message, None, now, entropy[1]));
        };
        let wallet = Wallet::read(asked.cookies, name, found.room.tag, keys, &mut isolate.seen);
        Ok(Prepared { isolate, chores, blind, keys, headers, asker, address, found, wallet, now, entropy })
    }
}
