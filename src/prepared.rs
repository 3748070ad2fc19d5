//! One request whose room and tokens are known: what the gate decides of it, and what an errand's outcome decides, becomes a [`Verdict`]. Which
//! answer that is in words, `answer.rs` knows; what is worth asking a leaf, `gate.rs`.

use durable::board::{Board, Phase};
use durable::prefix::prefix_of_address;
use durable::protocol::{Ask, Neighbourhood, Outcome, Wish};
use durable::token::{Arrival, Holder, Keys, Pass};
use durable::units::Millis;

use crate::address::{Address, destination};
use crate::answer::{self, Message};
use crate::cookie::{self, Wallet};
use crate::edge::Entropy;
use crate::gate::{self, Decision, Sequel, View, Visit};
use crate::isolate::{Freshness, HeldBoard, Isolate, Miss};
use crate::poll::LATER_MAX;
use crate::route::{Match, Own, normal_host, own_path};
use crate::shared;
use crate::standing::Standing;
use crate::verdict::{Verdict, errand_to_leaf, in_the_name_of, shared_at};
use crate::visit::{self, Asker, Headers, Verb};

/// See the module's words.
pub(crate) struct Prepared<'a> {
    pub(crate) isolate: &'a mut Isolate,
    pub(crate) chores: &'a mut Vec<String>,
    pub(crate) blind: &'a mut u64,
    pub(crate) keys: &'a Keys,
    pub(crate) headers: &'a Headers<'a>,
    /// What kind they are: told once, for it is read from a list.
    pub(crate) asker: Asker,
    pub(crate) address: &'a Address<'a>,
    pub(crate) found: &'a Match,
    pub(crate) wallet: Wallet,
    pub(crate) now: Millis,
    pub(crate) entropy: Entropy,
}

impl Prepared<'_> {
    pub(crate) fn gate(&mut self) -> Verdict {
        self.isolate.follow_schedule(&self.found.room.id, self.now);
        match (self.held().freshness(self.now), self.held().missed(self.now)) {
            (Freshness::Stale, Some(why)) => return self.without_a_board(why),
            // Nobody who is let in blind waits for a room that could not be reached a moment ago: it is asked meanwhile.
            (Freshness::Stale, _) if self.held().is_lost(self.now) && self.enters_blind() => {
                self.refresh();
                return self.without_a_board(Miss::Unreachable);
            }
            (Freshness::Stale, _) => return Verdict::Errand(self.errand_for_a_board()),
            (Freshness::Aging, _) => self.refresh(),
            (Freshness::Fresh, _) => {}
        }
        if let Some(own) = self.found.own.filter(|_| !self.is_at_the_door()) {
            return self.own(own);
        }
        let decision = gate::decide(&self.visit(), &self.view(), self.now, self.entropy[0]);
        match decision {
            Decision::Pass => self.watched(),
            Decision::PassAndAsk(wish) => match self.isolate.recall(self.now, self.found.room.tag, wish) {
                Some(outcome) => self.told(wish, outcome),
                None => Verdict::Errand(self.errand('~', wish)),
            },
            Decision::Ask(wish) => self.ask(wish),
            Decision::Tell(standing) => self.tell(standing, None),
            Decision::TellAndGreet(standing) => self.tell(standing, Some(&self.greeting())),
            Decision::Refuse => Verdict::Answer(answer::refusal(self.found, self.headers)),
            // The tokens know more than a board that came a moment ago, or could not be had anew: no newer one is to be had.
            Decision::Refresh
                if self.held().is_just_taken(self.now) || self.held().missed(self.now).is_some() =>
            {
                self.tell(Standing::Reconnecting, None)
            }
            // What others heard before may not know it either.
            Decision::Refresh => Verdict::Errand(self.errand('@', Wish::Board)),
        }
    }

    /// To the origin, by a pass or without one: who has one may be looked at.
    fn watched(&self) -> Verdict {
        let room = &self.found.room;
        match (origin(self.found), self.wallet.pass) {
            (Verdict::OriginHeard(_), Some(pass)) => {
                Verdict::OriginHeard(self.isolate.watch(&room.id, &room.settings, &pass))
            }
            (verdict, _) => verdict,
        }
    }

    /// Has a newer board fetched, for nobody in particular.
    fn refresh(&mut self) {
        if self.isolate.begin_board_refresh(&self.found.room.id, self.now) {
            let errand = self.errand_for_a_board();
            self.chores.push(errand);
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
    pub(crate) fn told(&mut self, wish: Wish, outcome: Outcome) -> Verdict {
        let only_counted = self.held().board.phase == Phase::Passthrough;
        let renews = matches!(wish, Wish::Renew { .. });
        let returns = renews && self.wallet.pass.is_some_and(|pass| pass.expires <= self.now);
        if (renews && !returns) || (only_counted && matches!(wish, Wish::Enter { .. })) {
            return match outcome {
                Outcome::Admitted { pass } => self.go_on(Some(&self.keep(&pass))),
                // The old pass is good for a while yet, and who is only counted needs none.
                _ => self.go_on(None),
            };
        }
        match outcome {
            Outcome::Unreachable => return self.without_a_board(Miss::Unreachable),
            Outcome::Overloaded => return self.without_a_board(Miss::Overloaded),
            _ => {}
        }
        // What is answered from memory, or was long on its way, may have expired since; or all sessions have ended.
        let outcome = match outcome {
            Outcome::Admitted { pass } if self.is_dead(&pass) => match wish {
                // At first contact they have nothing that was used: they begin again.
                Wish::Enter { .. } => Outcome::Busy,
                _ => Outcome::Used,
            },
            outcome => outcome,
        };
        // Their seat is somebody else's by now: they begin again.
        if returns && matches!(outcome, Outcome::Ended | Outcome::Used) {
            self.wallet.pass = None;
            return self.gate();
        }
        // Too many calls: whoever has a place or a pass keeps it, and is told to come back.
        if outcome == Outcome::Busy && !matches!(wish, Wish::Enter { .. } | Wish::Join { .. }) {
            return self.tell(Standing::Reconnecting, None);
        }
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

    fn is_dead(&self, pass: &str) -> bool {
        self.keys.verify::<Pass>(pass).is_ok_and(|pass| pass.expires <= self.now || self.is_over(&pass))
    }

    /// Whether the session is over, as far as anybody knows here.
    fn is_over(&self, pass: &Pass) -> bool {
        self.board().is_some_and(|board| {
            (pass.epoch, pass.pass_epoch) < (board.epoch(), board.pass_epoch())
                || self.held().revoked.contains(&(pass.seat.0, pass.generation.0))
        })
    }

    /// The room cannot be reached, or too many ask: some are let in blind, everybody else is told so.
    fn without_a_board(&mut self, why: Miss) -> Verdict {
        let enters = self.enters_blind();
        match self.found.own {
            // The page's script is told, and asks the origin for nothing.
            None if enters && self.asker != Asker::Page => {
                *self.blind += 1;
                origin(self.found)
            }
            None | Some(Own::Wait) if enters => self.tell(Standing::Admitted, None),
            _ if why == Miss::Overloaded && self.may_join() => self.join_later(),
            _ => self.tell(gate::without_a_room(&self.wallet), None),
        }
    }

    /// Whether this is a person who wants to come in, and has nothing yet that could be lost.
    fn may_join(&self) -> bool {
        let comes = self.found.own.is_none() || self.is_at_the_door();
        let is_person = matches!(self.asker, Asker::Navigation | Asker::App | Asker::Page);
        comes && is_person && gate::without_a_room(&self.wallet) == Standing::Unavailable
    }

    /// Too many join: whoever is turned away is joining, and comes back. For how long they have tried their arrival says; so it is kept, and one that would be
    /// forgotten before they come back is made younger.
    fn join_later(&self) -> Verdict {
        let Some(arrival) = self.wallet.arrival.filter(|arrival| cookie::is_fresh(arrival, self.now)) else {
            return self.tell(Standing::JoiningLater { trying: Millis(0) }, Some(&self.greeting()));
        };
        let trying = self.now.since(arrival.issued);
        let younger = (trying > LATER_MAX).then(|| Arrival { issued: self.now.minus(LATER_MAX), ..arrival });
        let line = younger.map(|arrival| self.keep(&self.keys.sign(&arrival)));
        self.tell(Standing::JoiningLater { trying }, line.as_deref())
    }

    /// Whether there is a good pass, or the operator has said that just now nobody shall wait for a room that cannot be reached.
    fn enters_blind(&self) -> bool {
        self.is_good_blind() || self.found.room.settings.fail_open_until > self.now
    }

    /// Whether there is a pass that is good as far as anybody knows here: of no session that was over when the last board came.
    fn is_good_blind(&self) -> bool {
        let grace = Millis::from_secs(u64::from(self.found.room.settings.outage_grace_seconds));
        self.wallet.pass.is_some_and(|pass| pass.expires.plus(grace) > self.now && !self.is_over(&pass))
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
        if self.headers.method != "POST" || !(self.wallet.is_carried || self.headers.is_from(self.address)) {
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

    /// For a newer board, which somebody else may have.
    fn errand_for_a_board(&self) -> String {
        let place = shared::place(self.keys, &normal_host(self.address.host), &self.found.room.id);
        shared_at(self.errand('@', Wish::Board), &place)
    }

    pub(crate) fn errand(&self, kind: char, wish: Wish) -> String {
        let HeldBoard { board, revoked_seq, .. } = self.held();
        let (board_sequence, board_at_ms, board_max_age_ms) = (board.sequence, board.at_ms, board.max_age_ms);
        let ask = Ask {
            wish,
            board_sequence,
            board_at_ms,
            board_max_age_ms,
            revoked_seq: *revoked_seq,
            neighbourhood: self.neighbourhood(&wish),
        };
        let errand = errand_to_leaf(kind, &self.found.room.id, self.leaf(&wish), &ask);
        match wish {
            // Whoever has no name yet may ask: what they cost ends at a board that is busy.
            Wish::Health { .. } | Wish::Board | Wish::Enter { .. } => errand,
            Wish::Join { holder } => in_the_name_of(errand, &holder),
            Wish::Claim { .. } | Wish::LeaveTicket { .. } => {
                in_the_name_of(errand, &self.wallet.ticket.map_or([0; 16], |ticket| ticket.holder.0))
            }
            Wish::Renew { seat, generation, .. } | Wish::LeavePass { seat, generation, .. } => {
                in_the_name_of(errand, &(u64::from(seat) << 32 | u64::from(generation)).to_be_bytes())
            }
        }
    }

    /// Whose leaf is asked: that of the neighbourhood somebody joins from, so that it is counted in one place, and of the one they are in for the rest. For a
    /// board any is as good as another, and each isolate has its own.
    fn leaf(&self, wish: &Wish) -> [u8; 4] {
        match (wish, self.wallet.arrival) {
            (Wish::Board, _) => self.isolate.leaf(),
            (Wish::Join { .. }, Some(arrival)) => arrival.prefix,
            _ => prefix_of_address(self.headers.client),
        }
    }

    /// Of who joins, if the room counts neighbours: those among whom the arrival was given, wherever it is brought back from.
    fn neighbourhood(&self, wish: &Wish) -> Option<Neighbourhood> {
        let joins_per_minute = self.found.room.settings.joins_per_prefix_per_minute;
        let counts = joins_per_minute > 0 && matches!(wish, Wish::Join { .. });
        let prefix = self.wallet.arrival.filter(|_| counts)?.prefix;
        Some(Neighbourhood { prefix, joins_per_minute })
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
        if self.wallet.is_carried {
            return cookie::carry(token);
        }
        let (room, scheme) = (&self.found.room, self.address.scheme);
        cookie::keep(room.cookie_name(scheme), token, &room.settings, scheme)
    }

    pub(crate) fn forget(&self) -> String {
        if self.wallet.is_carried {
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
pub(crate) fn origin(found: &Match) -> Verdict {
    if found.room.settings.revoked_by_origin { Verdict::OriginHeard(None) } else { Verdict::Origin }
}

/// Whether a client is among the one in so many who are counted: the same at every request, and told by nothing but its address.
fn is_counted(client: &str, one_in: u32) -> bool {
    let mixed = client.bytes().fold(0u32, |mixed, byte| (mixed ^ u32::from(byte)).wrapping_mul(16_777_619));
    (mixed >> 16).checked_rem(one_in).unwrap_or(0) == 0
}
