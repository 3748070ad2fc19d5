//! What a Room knows, and the only two ways it changes: a [`Change`] and the passing of time.
//! Rules 6 and 10.
//!
//! It lives in *pages*: the head, and as many pages of seats and of spent tickets as there are. Every
//! change touches each page by itself, without reading another, so a page may be stored at any
//! moment and the journal replayed onto pages of different ages: a row is applied to the pages older than it.
//! Time only forgets (windows, admissions, seats whose time has come), and forgetting twice is forgetting once.

use crate::batch::{BatchName, Grant, ITEMS_MAX};
use crate::call::{Call, ShowUp, Window};
use crate::codec::{Malformed, Reader, Writer};
use crate::draws::{Done, Draws, Occasion, Seal, read_occasion, write_occasion};
use crate::health::Throttle;
use crate::journal::{Change, Row, read_text};
use crate::json::parse;
use crate::kept::{Asked, Kept};
use crate::line::Line;
use crate::listed::Listed as _;
use crate::pace::{Admissions, Pacer};
use crate::replies::Replies;
use crate::rounds::{Chain, Round, Rounds};
use crate::schedule::{Event, Rules};
use crate::seats::{self, Renewal, SeatRecord, Seats};
use crate::settings::Settings;
use crate::spent::{self, Spent};
use crate::units::{Epoch, Generation, Millis, PassEpoch, Place, Rank, Seat};
use crate::waits::Waits;
use crate::wire::{from_text, to_text};

/// A head that says nothing of the origin is written as the second version did: code of then reads it.
const HEAD_VERSION: u8 = 3;

/// One stored piece of a Room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageId {
    /// Everything but the two below.
    Head,
    /// So many thousand seats.
    Seats(u32),
    /// So many thousand ranks.
    Spent(u32),
}

impl PageId {
    /// As storage has it: its kind, and its number among those.
    pub fn key(self) -> (u64, u64) {
        match self {
            PageId::Head => (0, 0),
            PageId::Seats(number) => (1, number.into()),
            PageId::Spent(number) => (2, number.into()),
        }
    }

    /// Reads what [`PageId::key`] says.
    pub fn of_key(kind: u64, number: u64) -> Option<PageId> {
        match (kind, u32::try_from(number).ok()?) {
            (0, _) => Some(PageId::Head),
            (1, number) => Some(PageId::Seats(number)),
            (2, number) => Some(PageId::Spent(number)),
            _ => None,
        }
    }
}

/// A Room's settings as they were given to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Older ones never come back.
    pub version: u64,
    /// The directory's version that brought them.
    pub directory_version: u64,
    /// What they say.
    pub settings: Settings,
    /// The events to come, and the one under way.
    pub events: Vec<Event>,
}

/// A pass given up early, as it stands on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its seat.
    pub seat: Seat,
    /// Its generation.
    pub generation: Generation,
    /// When its pass would have expired: the entry may go.
    pub forget_at: Millis,
}

/// See the module's words.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The Room's clock: it does not go back.
    pub at: Millis,
    /// None until the Room was configured for the first time.
    pub config: Option<Config>,
    /// Older tickets and passes are void.
    pub epoch: Epoch,
    /// Older passes are void.
    pub pass_epoch: PassEpoch,
    /// Who waits, and how far they were called.
    pub line: Line,
    /// Whose a place is.
    pub draws: Draws,
    /// Who was called out of order.
    pub rounds: Rounds,
    /// Who was called and asked in vain.
    pub kept: Kept,
    /// How many of those who are called come.
    pub show_up: ShowUp,
    /// How long people wait, and what they were promised.
    pub waits: Waits,
    /// Who is inside.
    pub seats: Seats,
    /// The last prequeue that ended all sessions.
    pub swept: Option<Occasion>,
    /// Whose ticket is spent.
    pub spent: Spent,
    /// Spreads calls and first contacts.
    pub pacer: Pacer,
    /// Spreads latecomers while others wait.
    pub late_pacer: Pacer,
    /// Who was admitted in the last 60 s.
    pub admissions: Admissions,
    /// Passes given up early.
    pub revoked: Vec<Revoked>,
    /// Grows with every entry.
    pub revoked_seq: u64,
    /// The last moment at which nobody waited: boards of that moment may be used for long.
    pub quiet_until: Millis,
    /// Batches answered.
    pub replies: Replies,
    /// How the origin does, and the pace that follows.
    pub throttle: Throttle,
}

impl State {
    /// Lets time pass. Answers the pages of spent tickets that are no longer needed.
    pub fn advance(&mut self, now: Millis) -> Vec<PageId> {
        self.at = self.at.max(now);
        let (at, clock) = (self.at, self.line.clock(self.at));
        self.admissions.forget(at);
        self.line.forget(at);
        if self.line.waiting() == 0 {
            // Winners may wait again from a moment on at which nobody looks: a room that is rebuilt looks at other moments.
            let ends = self.rounds.next_return().map_or(at, |end| end.min(at));
            self.quiet_until = self.quiet_until.max(ends);
        }
        let returned = self.rounds.forget(clock);
        self.come_back(returned);
        self.kept.forget(self.line.void(), clock);
        self.seats.expire(at);
        self.revoked.retain(|revoked| revoked.forget_at > at);
        if self.line.waiting() == 0 {
            self.quiet_until = at;
        }
        self.draws.forget(self.line.void(), at);
        let oldest = self.draws.first_rank_from(self.line.void());
        self.spent.drop_below(oldest).into_iter().map(PageId::Spent).listed()
    }

    /// The room's events, over or not.
    pub fn events(&self) -> &[Event] {
        self.config.as_ref().map_or(&[], |config| &config.events)
    }

    /// The rules that hold at a moment; none before there are settings.
    pub fn rules(&self, now: Millis) -> Option<Rules> {
        let Config { settings, events, .. } = self.config.as_ref()?;
        let rules = Rules::at(settings, events, now);
        let pace_per_minute = self.throttle.pace(settings.origin_health, rules.new_users_per_minute);
        Some(Rules { pace_per_minute, ..rules })
    }

    /// Whether the pace follows what is heard of the origin.
    pub fn hears_origin(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.settings.origin_health.is_some())
    }

    /// Where the ticket of a rank stands.
    pub fn window(&self, rank: Rank) -> Window {
        match self.line.window(self.draws.place_of(rank), self.at) {
            Window::Uncalled => self.rounds.window(rank, self.line.clock(self.at)),
            window => window,
        }
    }

    /// The tickets of all uncalled places below this one are dead. Places that a draw gives, or will give, are spared until all of its tickets are.
    pub fn oldest_alive(&self) -> Place {
        let oldest = self.waits.oldest_alive(self.at, self.line.issued());
        let gathered = self.draws.gathering().map_or(oldest, |gathering| gathering.first);
        Place(self.draws.first_rank_from(Place(oldest.min(gathered).0)).0)
    }

    /// How many seats are promised to called places in their windows.
    pub fn holding(&self) -> u64 {
        let (clock, called) = (self.line.clock(self.at), self.line.called());
        // Whoever is called in order is that call's, whatever a round did before.
        let in_round = |at: Millis| {
            let asked = self.kept.all().filter(|asked| asked.round == Some(at) && asked.place >= called);
            asked.count() as u32
        };
        self.line.holding(self.at, self.show_up, |first, end| self.kept.count(first, end))
            + self.rounds.holding(clock, self.show_up, in_round)
    }

    /// Kept places below this one in their own window: each holds a seat by it. No more are counted than are wanted.
    pub fn kept_open(&self, below: Place, wanted: u64) -> u64 {
        let mut count = 0;
        for asked in self.kept.all() {
            if asked.place >= below || count == wanted {
                break;
            }
            count += u64::from(self.is_open(asked));
        }
        count
    }

    /// Kept places below this one whose own window is over.
    pub fn kept_late(&self, below: Place) -> u64 {
        u64::from(self.kept.count(Place(0), below)) - self.kept_open(below, u64::MAX)
    }

    fn is_open(&self, asked: &Asked) -> bool {
        match self.line.window(asked.place, self.at) {
            Window::Uncalled => {
                asked.round.is_some_and(|round| self.rounds.is_open(round, self.line.clock(self.at)))
            }
            window => window == Window::Open,
        }
    }

    /// So many winners wait again, their rounds are forgotten: whoever of them asked in vain is called no more, and holds no seat.
    fn come_back(&mut self, winners: u64) {
        self.line.come_back(winners);
        if winners > 0 {
            let (draws, rounds, called) = (&self.draws, &self.rounds, self.line.called());
            let clock = self.line.clock(self.at);
            let is_called = |place| rounds.window(draws.rank_of(place), clock) != Window::Uncalled;
            self.kept.retain(|place| place < called || is_called(place));
        }
    }

    /// Which rounds called those who asked in vain.
    fn derive_kept(&mut self) {
        let (draws, rounds, called) = (&self.draws, &self.rounds, self.line.called());
        self.kept.derive(|place| if place < called { None } else { rounds.called_at(draws.rank_of(place)) });
    }

    /// The pages a change touches.
    pub fn touched(change: &Change) -> [Option<PageId>; 3] {
        let head = Some(PageId::Head);
        match change {
            Change::Admitted { rank, grant, .. } => [
                head,
                Some(PageId::Seats(seats::page_of(grant.seat))),
                rank.map(|rank| PageId::Spent(spent::page_of(rank))),
            ],
            Change::Renewed { grant: Grant { seat, .. }, .. }
            | Change::Returned { grant: Grant { seat, .. }, .. } => {
                [Some(PageId::Seats(seats::page_of(*seat))), None, None]
            }
            Change::TicketLeft { rank } => [head, Some(PageId::Spent(spent::page_of(*rank))), None],
            Change::PassLeft { seat, .. } | Change::LeaseReturned { seat, .. } => {
                [head, Some(PageId::Seats(seats::page_of(*seat))), None]
            }
            _ => [head, None, None],
        }
    }

    /// Carries out a change, made at `at`, on those of its pages for which `on` says yes.
    pub fn apply(
        &mut self,
        at: Millis,
        change: &Change,
        on: impl Fn(PageId) -> bool,
    ) -> Result<(), Malformed> {
        if on(PageId::Head) {
            self.apply_to_head(at, change)?;
        }
        match change {
            Change::Admitted { rank, grant, free_at } => {
                if on(PageId::Seats(seats::page_of(grant.seat))) {
                    self.seats.occupy(SeatRecord {
                        grant: *grant,
                        rank: *rank,
                        admitted_at: at,
                        renewal: Renewal::Never,
                        free_at: *free_at,
                    })?;
                }
                if let Some(rank) = rank.filter(|rank| on(PageId::Spent(spent::page_of(*rank)))) {
                    self.spend_ticket(rank, on(PageId::Head))?;
                }
            }
            Change::Renewed { grant, free_at } if on(PageId::Seats(seats::page_of(grant.seat))) => {
                self.seats.renew(*grant, *free_at)?;
            }
            Change::Returned { grant, free_at } if on(PageId::Seats(seats::page_of(grant.seat))) => {
                // Which ticket the seat was first given for is forgotten: that one is spent in any way.
                let (grant, admitted_at, free_at) = (*grant, at, *free_at);
                let renewal = Renewal::Renewed;
                self.seats.occupy(SeatRecord { grant, rank: None, admitted_at, renewal, free_at })?;
            }
            Change::TicketLeft { rank } if on(PageId::Spent(spent::page_of(*rank))) => {
                self.spend_ticket(*rank, on(PageId::Head))?;
            }
            Change::PassLeft { seat, generation, free_at, .. }
                if on(PageId::Seats(seats::page_of(*seat))) =>
            {
                self.seats.revoke(*seat, *generation, *free_at)?;
            }
            Change::LeaseReturned { seat, generation, .. } if on(PageId::Seats(seats::page_of(*seat))) => {
                self.seats.release(*seat, *generation);
            }
            Change::SessionsEnded { free_at, .. } | Change::EpochBegun { free_at } => {
                for page in (0..self.seats.page_count()).filter(|page| on(PageId::Seats(*page))) {
                    self.seats.end_page(page, *free_at)?;
                }
                if matches!(change, Change::EpochBegun { .. }) {
                    self.spent.keep_pages(|page| !on(PageId::Spent(page)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn apply_to_head(&mut self, at: Millis, change: &Change) -> Result<(), Malformed> {
        match change {
            Change::Configured { version, directory_version, settings } => {
                let settings = read_settings(settings)?;
                self.hold(settings.queue_all, at);
                let events = self.config.take().map_or_else(Vec::new, |config| config.events);
                let (version, directory_version) = (*version, *directory_version);
                self.config = Some(Config { version, directory_version, settings, events });
            }
            Change::Scheduled { events } => {
                let events = read_events(events)?;
                self.draws.keep_seals(|occasion| events.iter().any(|event| occasion.is_of(event)));
                if let Some(config) = &mut self.config {
                    config.events = events;
                }
            }
            Change::Held { held } => self.hold(*held, at),
            Change::HeldSince { since } => self.hold(true, *since),
            Change::Promised { wait } => self.waits.join(self.line.issued(), at, *wait),
            Change::Joined { count } => {
                // Each rank may cost memory later, so no more are believed than a batch can bring.
                if *count > ITEMS_MAX as u64 || self.line.issued().0 + count > Rank::LIMIT {
                    return Err(Malformed);
                }
                self.line.join(*count);
            }
            Change::Called { end, holding, closes_at, late_until } => {
                let first = self.line.called();
                // Of one place, and it waits: it is the line's now, though a round called it before.
                let alone = end.0 == first.0 + 1 && *holding == 1;
                if alone && self.rounds.give_up(self.draws.rank_of(first)) {
                    self.line.come_back(1);
                }
                self.line.call(*end, *holding, at, *closes_at, *late_until);
                self.waits.pass(self.draws.first_rank_from(self.line.called()), at);
            }
            Change::Admitted { rank, .. } => {
                self.admissions.add(at);
                if let Some(rank) = rank {
                    self.spend(*rank, true);
                }
            }
            Change::TicketLeft { rank } => self.spend(*rank, false),
            Change::PassLeft { seat, generation, forget_at, .. } => {
                self.revoked_seq = self.revoked_seq.saturating_add(1);
                self.revoked.push(Revoked { seat: *seat, generation: *generation, forget_at: *forget_at });
            }
            Change::Kept { rank } => self.kept.keep(Asked {
                place: self.draws.place_of(*rank),
                at: self.line.clock(at),
                round: self.rounds.called_at(*rank),
            }),
            Change::Paced { tat_ns, late_tat_ns } => {
                self.pacer = Pacer { tat_ns: *tat_ns };
                self.late_pacer = Pacer { tat_ns: *late_tat_ns };
            }
            Change::Answered { name, digest, reply } => {
                self.replies.remember(name, *digest, reply.clone());
            }
            Change::Learnt { called, claimed } => {
                self.show_up.learn(*called, *claimed);
                self.line.teach(at);
                self.rounds.teach(self.line.clock(at));
            }
            Change::Sealed { occasion, seed } => {
                self.draws.seal(Seal { occasion: *occasion, seed: *seed });
            }
            Change::Gathering { event: Some(event) } => self.draws.gather(*event, self.line.issued()),
            Change::Gathering { event: None } => self.draws.disperse(),
            Change::Mixed { hash } => self.draws.mix(*hash),
            Change::Drawn { occasion, draw } => self.draws.finish(Done::new(*occasion, *draw)),
            Change::ChainBegun { tip, commitment } => {
                self.rounds.begin_chain(Chain::new(*tip, *commitment, at));
            }
            Change::Round { draw, cut, doubles, holding, closes_at, late_until } => {
                let call = Call::new(at, *holding, *closes_at, *late_until);
                let returned = self.rounds.hold(Round::new(*draw, *cut, doubles.clone(), call)?);
                self.come_back(returned);
                self.line.go_ahead(u64::from(*holding));
                self.derive_kept();
            }
            Change::SessionsEnded { occasion, free_at } => {
                self.revocations_end(*free_at);
                self.pass_epoch = PassEpoch(self.pass_epoch.0.wrapping_add(1));
                self.swept = occasion.or(self.swept);
            }
            Change::EpochBegun { free_at } => self.begin_epoch(*free_at),
            Change::OriginHeard { health } => self.throttle.hear(*health),
            Change::OriginJudged { pace, limit } => self.throttle.follow(at, *pace, *limit),
            Change::LeaseReturned { given_at, .. } => self.admissions.take_back(*given_at),
            Change::Renewed { .. } | Change::Returned { .. } => {}
        }
        Ok(())
    }

    /// Of a ticket that was given: any other would make a page of its own. The head is never older than the row that says it; where it is newer, the row
    /// may be of an epoch of before, whose end drops all such pages.
    fn spend_ticket(&mut self, rank: Rank, is_of_the_head: bool) -> Result<(), Malformed> {
        match rank < self.line.issued() {
            true => self.spent.insert(rank),
            false if is_of_the_head || self.epoch == Epoch(0) => return Err(Malformed),
            false => {}
        }
        Ok(())
    }

    /// Once every edge has heard that no pass of before opens anything, none needs to be listed: the list has room for those of after.
    pub(crate) fn revocations_end(&mut self, at: Millis) {
        for revoked in &mut self.revoked {
            revoked.forget_at = revoked.forget_at.min(at);
        }
    }

    /// A ticket claimed or was given up: it holds nothing and waits no more.
    fn spend(&mut self, rank: Rank, claimed: bool) {
        let place = self.draws.place_of(rank);
        self.kept.remove(place);
        if self.rounds.spend(rank, claimed, self.line.clock(self.at)) {
            return;
        }
        if place < self.line.called() {
            self.line.spend(place, claimed, self.at);
        } else {
            self.line.go_ahead(1);
        }
    }

    fn hold(&mut self, held: bool, at: Millis) {
        if let Some((since, pause)) = self.line.hold(held, at) {
            self.rounds.pause(since, pause);
            self.kept.pause(pause);
        }
    }

    /// Applies a journal row to the pages for which `on` says yes.
    pub fn replay(&mut self, row: &Row, on: impl Fn(PageId) -> bool) -> Result<(), Malformed> {
        if row.at < self.at {
            // The head is newer than this row, but pages of seats may be older: by the head's time, seats would be free that a later row renews.
            self.seats.expire(row.at);
        } else {
            self.advance(row.at);
        }
        row.changes.iter().try_for_each(|change| self.apply(row.at, change, &on))
    }

    /// What the Room answered to a batch of this name, if it is still known.
    pub fn judge(&self, name: &BatchName, digest: &[u8; 32]) -> crate::replies::Verdict<'_> {
        self.replies.judge(name, digest)
    }

    /// A page as bytes.
    pub fn encode_page(&self, page: PageId) -> Vec<u8> {
        match page {
            PageId::Head => self.encode_head(),
            PageId::Seats(number) => self.seats.encode_page(number),
            PageId::Spent(number) => self.spent.encode_page(number),
        }
    }

    /// Takes a page from its bytes; pages of one kind come in order.
    pub fn decode_page(&mut self, page: PageId, bytes: &[u8]) -> Result<(), Malformed> {
        match page {
            PageId::Head => self.decode_head(bytes),
            PageId::Seats(number) => self.seats.decode_page(number, bytes),
            PageId::Spent(number) => self.spent.decode_page(number, bytes),
        }
    }

    fn encode_head(&self) -> Vec<u8> {
        let mut out = Writer::new();
        let hears = !self.throttle.is_default();
        out.byte(if hears { HEAD_VERSION } else { HEAD_VERSION - 1 });
        out.number(self.at.0);
        out.byte(u8::from(self.config.is_some()));
        if let Some(config) = &self.config {
            out.number(config.version);
            out.number(config.directory_version);
            out.blob(to_text(&config.settings.to_json()).as_bytes());
            out.blob(to_text(&config.events).as_bytes());
        }
        out.number(u64::from(self.epoch.0));
        out.number(u64::from(self.pass_epoch.0));
        self.line.encode(&mut out);
        self.kept.encode(&mut out);
        self.waits.encode(&mut out);
        self.draws.encode(&mut out);
        self.rounds.encode(&mut out);
        out.number(self.show_up.called);
        out.number(self.show_up.claimed);
        out.number(u64::from(self.swept.is_some()));
        self.swept.into_iter().for_each(|occasion| write_occasion(&mut out, occasion));
        out.number(self.pacer.tat_ns);
        out.number(self.late_pacer.tat_ns);
        out.number(self.admissions.entries().len() as u64);
        for (at, count) in self.admissions.entries() {
            out.number(at.0);
            out.number(u64::from(count));
        }
        out.number(self.revoked_seq);
        out.number(self.revoked.len() as u64);
        for revoked in &self.revoked {
            out.number(u64::from(revoked.seat.0));
            out.number(u64::from(revoked.generation.0));
            out.number(revoked.forget_at.0);
        }
        out.number(self.quiet_until.0);
        self.replies.encode(&mut out);
        if hears {
            self.throttle.encode(&mut out);
        }
        out.into_bytes()
    }

    fn decode_head(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        let version = reader.byte();
        if !(1..=HEAD_VERSION).contains(&version) {
            return Err(Malformed);
        }
        self.at = Millis(reader.number());
        if reader.flag() {
            self.config = Some(Config {
                version: reader.number(),
                directory_version: reader.number(),
                settings: read_settings(&read_text(&mut reader))?,
                events: if version > 1 { read_events(&read_text(&mut reader))? } else { Vec::new() },
            });
        }
        self.epoch = Epoch(reader.number_u32());
        self.pass_epoch = PassEpoch(reader.number_u32());
        self.line = Line::decode(&mut reader, version);
        self.kept = Kept::decode(&mut reader);
        self.waits = Waits::decode(&mut reader, version);
        if version > 1 {
            self.draws = Draws::decode(&mut reader);
            self.rounds = Rounds::decode(&mut reader);
            self.derive_kept();
            self.show_up = ShowUp { called: reader.number(), claimed: reader.number() };
            self.swept = if reader.flag() { Some(read_occasion(&mut reader)) } else { None };
        }
        self.pacer = Pacer { tat_ns: reader.number() };
        self.late_pacer = Pacer { tat_ns: reader.number() };
        for _ in 0..reader.count(2) {
            self.admissions.restore(Millis(reader.number()), reader.number_u32());
        }
        self.revoked_seq = reader.number();
        for _ in 0..reader.count(3) {
            self.revoked.push(Revoked {
                seat: Seat(reader.number_u32()),
                generation: Generation(reader.number_u32()),
                forget_at: Millis(reader.number()),
            });
        }
        self.quiet_until = Millis(reader.number());
        self.replies = Replies::decode(&mut reader);
        if version > 2 {
            self.throttle = Throttle::decode(&mut reader);
        }
        reader.end()
    }
}

fn read_settings(json: &str) -> Result<Settings, Malformed> {
    let value = parse(json.as_bytes()).map_err(|_| Malformed)?;
    Settings::stored(&value).map_err(|_| Malformed)
}

fn read_events(json: &str) -> Result<Vec<Event>, Malformed> {
    from_text(json.as_bytes()).ok_or(Malformed)
}
