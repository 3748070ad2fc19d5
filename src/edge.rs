//! The edge of one isolate, whole: requests come in as text, a [`Verdict`] comes out, and what objects replied is learnt. It has no
//! platform: time and entropy are arguments, calls are errands that somebody else runs.

use durable::board::{Board, Phase};
use durable::json::Value;
use durable::order::Document;
use durable::pieces::find;
use durable::prefix::prefix_of_address;
use durable::protocol::{Answer, Ask, Neighbourhood, Outcome, Wish};
use durable::token::{Arrival, Holder, KeyFault, Keys, Pass};
use durable::units::Millis;
use durable::wire::from_text;

use crate::address::{Address, destination};
use crate::answer::{self, Message};
use crate::bypass;
use crate::cookie::{self, Wallet};
use crate::cors;
use crate::gate::{self, Decision, Sequel, View, Visit};
use crate::isolate::{Admission, Freshness, HeldBoard, Isolate};
use crate::route::{Match, Own, Rooms, is_past_the_gate, normal_host, own_path};
use crate::standing::Standing;
use crate::verdict::{Purpose, Verdict, errand_for_rooms, errand_to_leaf, purpose};
use crate::visit::{self, Asker, Headers, Verb};

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
    /// until then of these cookies at every address below it. It says nothing more than *yes* where that is not so, and of cookies that are
    /// more than one pass: nobody fills a memory by bringing others beside it.
    pub fn admits(&mut self, url: &str, cookies: &str, now: Millis) -> Option<String> {
        let (address, keys) = (Address::parse(url)?, self.deployment.keys.as_ref().ok()?);
        if self.is_operators(address.host) {
            return None;
        }
        let Admission { until, below } = self.isolate.admits(&address, cookies, keys, now)?;
        let beginning = below.and_then(|path| {
            let path = if *path == *"/" { "" } else { &path };
            // Spelled as it was asked for: another spelling takes the long way.
            let end = find(url, "://")? + 3 + address.host.len() + path.len();
            url.get(..end).filter(|beginning| beginning.ends_with(path))
        });
        let beginning = beginning.filter(|_| cookies.len() <= COOKIE_BYTES_MAX && !cookies.contains(';'));
        Some(beginning.map_or_else(String::new, |beginning| format!("{}\n{beginning}\n{cookies}", until.0)))
    }

    /// The gate. After it, [`Edge::chore`] says what else is worth asking.
    pub fn gate(&mut self, asked: &Asked<'_>, now: Millis, entropy: Entropy) -> Verdict {
        let Some(address) = Address::parse(asked.url) else { return Verdict::Origin };
        if self.is_operators(address.host) {
            return Verdict::Operator;
        }
        let (rooms, freshness) = self.isolate.rooms(now);
        let Some(rooms) = rooms.filter(|_| freshness != Freshness::Stale) else {
            return Verdict::Errand(errand_for_rooms());
        };
        if freshness == Freshness::Aging && self.isolate.begin_rooms_refresh(now) {
            self.chores.push(errand_for_rooms());
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

    /// Learns from an errand's reply; an empty reply is none: it may or may not have happened.
    pub fn learn(&mut self, errand: &str, reply: &str, now: Millis) -> Outcome {
        self.hear(purpose(errand), reply, now)
    }

    fn hear(&mut self, purpose: Option<Purpose<'_>>, reply: &str, now: Millis) -> Outcome {
        match purpose {
            Some(Purpose::Rooms) => {
                match from_text::<Document>(reply.as_bytes()) {
                    Some(document) => self.isolate.take_rooms(now, Rooms::from_document(&document)),
                    None => {
                        let vars = &self.deployment.rooms;
                        self.isolate.keep_rooms(now, || Rooms::from_vars(vars));
                    }
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
        let is_carried = cookie::is_carried(asked.cookies);
        Ok(Prepared {
            isolate,
            chores,
            blind,
            keys,
            headers,
            asker,
            address,
            found,
            wallet,
            is_carried,
            now,
            entropy,
        })
    }
}

/// A request whose room and tokens are known.
struct Prepared<'a> {
    isolate: &'a mut Isolate,
    chores: &'a mut Vec<String>,
    blind: &'a mut u64,
    keys: &'a Keys,
    headers: &'a Headers<'a>,
    /// What kind they are: told once, for it is read from a list.
    asker: Asker,
    address: &'a Address<'a>,
    found: &'a Match,
    wallet: Wallet,
    /// They keep no cookies, and their token comes and goes by our header.
    is_carried: bool,
    now: Millis,
    entropy: Entropy,
}

impl Prepared<'_> {
    fn gate(&mut self) -> Verdict {
        self.isolate.follow_schedule(&self.found.room.id, self.now);
        match self.held().freshness(self.now) {
            Freshness::Stale if self.held().is_missed(self.now) => return self.without_a_board(),
            Freshness::Stale => return Verdict::Errand(self.errand('@', Wish::Board)),
            Freshness::Aging if self.isolate.begin_board_refresh(&self.found.room.id, self.now) => {
                let errand = self.errand('@', Wish::Board);
                self.chores.push(errand);
            }
            _ => {}
        }
        if let Some(own) = self.found.own.filter(|_| !self.is_at_the_door()) {
            return self.own(own);
        }
        let decision = gate::decide(&self.visit(), &self.view(), self.now, self.entropy[0]);
        match decision {
            Decision::Pass => origin(self.found),
            Decision::PassAndAsk(wish) => match self.isolate.recall(self.now, self.found.room.tag, wish) {
                Some(outcome) => self.told(wish, outcome),
                None => Verdict::Errand(self.errand('~', wish)),
            },
            Decision::Ask(wish) => self.ask(wish),
            Decision::Tell(standing) => self.tell(standing, None),
            Decision::TellAndGreet(standing) => self.tell(standing, Some(&self.greeting())),
            Decision::Refuse => Verdict::Answer(answer::refusal()),
            // The tokens know more than a board that came a moment ago: no newer one is to be had.
            Decision::Refresh if self.held().is_just_taken(self.now) => {
                self.tell(Standing::Reconnecting, None)
            }
            Decision::Refresh => Verdict::Errand(self.errand('@', Wish::Board)),
        }
    }

    fn ask(&mut self, wish: Wish) -> Verdict {
        if let Some(outcome) = self.isolate.recall(self.now, self.found.room.tag, wish) {
            return self.told(wish, outcome);
        }
        if matches!(wish, Wish::Enter { .. }) {
            self.isolate.count_first_contact(&self.found.room.id);
        }
        Verdict::Errand(self.errand('?', wish))
    }

    /// The verdict once a leaf has answered.
    fn told(&mut self, wish: Wish, outcome: Outcome) -> Verdict {
        let only_counted = self.held().board.phase == Phase::Passthrough;
        if matches!(wish, Wish::Renew { .. }) || (only_counted && matches!(wish, Wish::Enter { .. })) {
            return match outcome {
                Outcome::Admitted { pass } => self.go_on(Some(&self.keep(&pass))),
                // The old pass is good for a while yet, and who is only counted needs none.
                _ => self.go_on(None),
            };
        }
        if outcome == Outcome::Unreachable && self.fails_open() {
            return self.let_in_blind();
        }
        // What is answered from memory may have expired since.
        let outcome = match outcome {
            Outcome::Admitted { pass } if self.has_expired(&pass) => Outcome::Used,
            outcome => outcome,
        };
        let sequel = gate::after(outcome, &self.visit(), self.board(), self.now);
        let marked = self.address.is_marked();
        match sequel {
            // The mark has done its work: neither the origin nor the visitor's history keeps it.
            // A script that asks so wants to hear where it stands.
            Sequel::PassWith(token) | Sequel::TellWith(_, token) if marked && self.asker != Asker::Page => {
                Verdict::Answer(answer::see_other(&self.address.target(), Some(&self.keep(&token))))
            }
            Sequel::PassWith(pass) => self.go_on(Some(&self.keep(&pass))),
            Sequel::TellWith(standing, token) => self.tell(standing, Some(&self.keep(&token))),
            Sequel::Tell(standing) => self.tell(standing, None),
            Sequel::TellAndGreet(standing) => self.tell(standing, Some(&self.greeting())),
            Sequel::TellAndForget(standing) => self.tell(standing, Some(&self.forget())),
        }
    }

    fn has_expired(&self, pass: &str) -> bool {
        self.keys.verify::<Pass>(pass).is_ok_and(|pass| pass.expires <= self.now)
    }

    /// No board is to be had: a good pass is honoured blind, everybody else is told so.
    fn without_a_board(&mut self) -> Verdict {
        match self.found.own {
            None if self.is_good_blind() || self.fails_open() => self.let_in_blind(),
            Some(Own::Wait) if self.is_good_blind() => self.tell(Standing::Admitted, None),
            _ => self.tell(gate::without_a_room(&self.wallet), None),
        }
    }

    /// Whether there is a pass that is good as far as anybody knows here: of no session that was over when the last board came.
    fn is_good_blind(&self) -> bool {
        let grace = Millis::from_secs(u64::from(self.found.room.settings.outage_grace_seconds));
        self.wallet.pass.is_some_and(|pass| {
            let is_over = self.board().is_some_and(|board| {
                (pass.epoch, pass.pass_epoch) < (board.epoch(), board.pass_epoch())
                    || self.held().revoked.contains(&(pass.seat.0, pass.generation.0))
            });
            pass.expires.plus(grace) > self.now && !is_over
        })
    }

    /// Whether the operator has said that just now nobody shall wait for a room that cannot be reached.
    fn fails_open(&self) -> bool {
        self.found.own.is_none() && self.found.room.settings.fail_open_until > self.now
    }

    fn let_in_blind(&mut self) -> Verdict {
        *self.blind += 1;
        origin(self.found)
    }

    fn own(&mut self, own: Own) -> Verdict {
        match own {
            Own::Wait => self.tell(gate::whereabouts(&self.wallet, &self.view(), self.now), None),
            Own::Board => Verdict::Answer(answer::board(self.view().board)),
            Own::Draw => Verdict::Answer(answer::draw(self.view().board)),
            Own::Leave => self.leave(),
            Own::Unknown => Verdict::Answer(answer::not_found()),
        }
    }

    /// Leaving needs a POST from the same host: a stranger's page must not be able to do it. No such page can carry somebody's token.
    fn leave(&mut self) -> Verdict {
        if self.headers.method != "POST" || !(self.is_carried || self.headers.is_from(self.address.host)) {
            let answer = answer::forbidden("Leaving needs a POST from a page of this site.");
            return Verdict::Answer(answer);
        }
        match gate::leaving(&self.wallet, &self.view(), self.now) {
            Some(wish) => self.ask(wish),
            None => self.tell(Standing::Left, Some(&self.forget())),
        }
    }

    /// To the origin with a cookie, or from the door to where one wanted to go.
    fn go_on(&self, cookie: Option<&str>) -> Verdict {
        match cookie {
            _ if self.found.own.is_some() => self.tell(Standing::Admitted, cookie),
            Some(line) => Verdict::OriginWith(line.to_owned()),
            None => origin(self.found),
        }
    }

    fn tell(&self, standing: Standing, cookie: Option<&str>) -> Verdict {
        let Prepared { headers, asker, found, address, .. } = *self;
        let waits = found.own == Some(Own::Wait);
        let target = || match found.own {
            Some(Own::Wait) => destination(&address.field("to").unwrap_or_default(), &found.room.settings),
            // Whoever left begins again where the room begins.
            Some(_) => found.path.to_string(),
            None => address.target(),
        };
        if standing == Standing::Admitted && self.is_at_the_door() && asker == Asker::Navigation {
            return Verdict::Answer(answer::see_other(&target(), cookie));
        }
        let door = waits.then(|| door(&found.path, address.query));
        let rank = self.wallet.ticket.map(|ticket| ticket.rank);
        let pass = self.wallet.pass;
        let message = Message {
            found,
            headers,
            asker,
            standing,
            rank,
            pass,
            target: &target,
            door: door.as_deref(),
            cookie,
        };
        answer::notice(&message, self.board(), self.now, self.entropy[1])
    }

    /// Whether who asks where they stand wants to come in too: a page elsewhere sent its visitor, or a script asks for a place or a seat. The origin has no
    /// such page: whoever is inside is told so.
    fn is_at_the_door(&self) -> bool {
        let enters = || match self.asker {
            Asker::Navigation => true,
            Asker::App | Asker::Page => self.address.is_claim(),
            _ => false,
        };
        self.found.own == Some(Own::Wait) && visit::verb(self.headers) == Verb::Get && enters()
    }

    fn visit(&self) -> Visit<'_> {
        let at_the_door = self.is_at_the_door();
        Visit {
            at_the_door,
            asker: if at_the_door { Asker::Page } else { self.asker },
            verb: visit::verb(self.headers),
            wallet: &self.wallet,
            marked: self.address.is_marked(),
            counts: is_counted(self.headers.client, self.held().board.one_in),
        }
    }

    fn held(&self) -> &HeldBoard {
        self.isolate.board(&self.found.room.id)
    }

    /// The board, if one ever came.
    fn board(&self) -> Option<&Board> {
        Some(&self.held().board).filter(|board| board.version > 0)
    }

    fn view(&self) -> View<'_> {
        self.held().view(&self.found.room.settings)
    }

    fn errand(&self, kind: char, wish: Wish) -> String {
        let HeldBoard { board, revoked_seq, .. } = self.held();
        let (board_sequence, board_at_ms) = (board.sequence, board.at_ms);
        let ask = Ask {
            wish,
            board_sequence,
            board_at_ms,
            revoked_seq: *revoked_seq,
            neighbourhood: self.neighbourhood(&wish),
        };
        errand_to_leaf(kind, &self.found.room.id, &ask)
    }

    /// Of who joins, if the room counts neighbours.
    fn neighbourhood(&self, wish: &Wish) -> Option<Neighbourhood> {
        let joins_per_minute = self.found.room.settings.joins_per_prefix_per_minute;
        let counts = joins_per_minute > 0 && matches!(wish, Wish::Join { .. });
        counts.then(|| Neighbourhood { prefix: prefix_of_address(self.headers.client), joins_per_minute })
    }

    /// The header line with a fresh arrival.
    fn greeting(&self) -> String {
        let arrival = Arrival {
            room: self.found.room.tag,
            issued: self.now,
            prefix: prefix_of_address(self.headers.client),
            holder: Holder(self.entropy[0]),
        };
        self.keep(&self.keys.sign(&arrival))
    }

    fn keep(&self, token: &str) -> String {
        if self.is_carried {
            return cookie::carry(token);
        }
        let (room, scheme) = (&self.found.room, self.address.scheme);
        cookie::keep(room.cookie_name(scheme), token, &room.settings, scheme)
    }

    fn forget(&self) -> String {
        if self.is_carried {
            return cookie::carry("");
        }
        let (room, scheme) = (&self.found.room, self.address.scheme);
        cookie::drop_line(room.cookie_name(scheme), &room.settings, scheme)
    }
}

/// The room's own door, for who wants to go where a query says.
fn door(room_path: &str, query: &str) -> String {
    let path = own_path(room_path, "wait");
    match query.split('&').find(|part| part.starts_with("to=")) {
        Some(to) => format!("{path}?{to}"),
        None => path,
    }
}

/// To the origin, which some rooms listen to: whoever goes there, and why.
fn origin(found: &Match) -> Verdict {
    if found.room.settings.revoked_by_origin { Verdict::OriginHeard } else { Verdict::Origin }
}

/// Whether a client is among the one in so many who are counted: the same at every request, and told by nothing but its address.
fn is_counted(client: &str, one_in: u32) -> bool {
    let mixed = client.bytes().fold(0u32, |mixed, byte| (mixed ^ u32::from(byte)).wrapping_mul(16_777_619));
    (mixed >> 16).checked_rem(one_in).unwrap_or(0) == 0
}
