//! What a Room knows, and the only two ways it changes: a [`Change`] and the passing of time.
//! Invariants 6 and 10 of DESIGN 4.
//!
//! It lives in *pages*: the head, and as many pages of seats and of spent tickets as there are. Every
//! change touches each page by itself, without reading another, so a page may be stored at any
//! moment and the journal replayed onto pages of different ages: a row is applied to the pages older than it.
//! Time only forgets (windows, admissions, seats whose time has come), and forgetting twice is forgetting once.

use crate::batch::BatchName;
use crate::codec::{Malformed, Reader, Writer};
use crate::journal::{Change, Row, read_text};
use crate::json::parse;
use crate::line::Line;
use crate::pace::{Admissions, Pacer};
use crate::replies::Replies;
use crate::seats::{self, Renewal, SeatRecord, Seats};
use crate::settings::Settings;
use crate::spent::{self, Spent};
use crate::units::{Epoch, Generation, Millis, PassEpoch, Place, Rank, Seat};
use crate::wire::to_text;

const HEAD_VERSION: u8 = 1;

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

/// A Room's settings as they were given to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Older ones never come back.
    pub version: u64,
    /// The directory's version that brought them.
    pub directory_version: u64,
    /// What they say.
    pub settings: Settings,
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
    /// Who waits.
    pub line: Line,
    /// Who is inside.
    pub seats: Seats,
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
}

impl State {
    /// Lets time pass. Answers the pages of spent tickets that are no longer needed.
    pub fn advance(&mut self, now: Millis) -> Vec<PageId> {
        self.at = self.at.max(now);
        self.admissions.forget(self.at);
        self.line.forget(self.at);
        self.seats.expire(self.at);
        let at = self.at;
        self.revoked.retain(|revoked| revoked.forget_at > at);
        if self.line.waiting() == 0 {
            self.quiet_until = at;
        }
        let Place(void) = self.line.void();
        self.spent.drop_below(Rank(void)).into_iter().map(PageId::Spent).collect()
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
            Change::Renewed { grant, .. } => [Some(PageId::Seats(seats::page_of(grant.seat))), None, None],
            Change::TicketLeft { rank } => [head, Some(PageId::Spent(spent::page_of(*rank))), None],
            Change::PassLeft { seat, .. } => [head, Some(PageId::Seats(seats::page_of(*seat))), None],
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
                    self.spent.insert(rank);
                }
            }
            Change::Renewed { grant, free_at } if on(PageId::Seats(seats::page_of(grant.seat))) => {
                self.seats.renew(*grant, *free_at);
            }
            Change::TicketLeft { rank } if on(PageId::Spent(spent::page_of(*rank))) => {
                self.spent.insert(*rank);
            }
            Change::PassLeft { seat, generation, free_at, .. }
                if on(PageId::Seats(seats::page_of(*seat))) =>
            {
                self.seats.revoke(*seat, *generation, *free_at);
            }
            _ => {}
        }
        Ok(())
    }

    fn apply_to_head(&mut self, at: Millis, change: &Change) -> Result<(), Malformed> {
        match change {
            Change::Configured { version, directory_version, settings } => {
                let settings = read_settings(settings)?;
                self.line.hold(settings.queue_all, at);
                self.config =
                    Some(Config { version: *version, directory_version: *directory_version, settings });
            }
            Change::Joined { count } => self.line.join(*count, at),
            Change::Called { end, holding, closes_at, late_until } => {
                self.line.call(*end, *holding, at, *closes_at, *late_until);
            }
            Change::Admitted { rank, .. } => {
                self.admissions.add(at);
                if let Some(rank) = rank {
                    self.line.spend(*rank);
                }
            }
            Change::TicketLeft { rank } => self.line.spend(*rank),
            Change::PassLeft { seat, generation, forget_at, .. } => {
                self.revoked_seq += 1;
                self.revoked.push(Revoked { seat: *seat, generation: *generation, forget_at: *forget_at });
            }
            Change::Kept { rank } => self.line.keep(*rank, at),
            Change::Paced { tat_ns, late_tat_ns } => {
                self.pacer = Pacer { tat_ns: *tat_ns };
                self.late_pacer = Pacer { tat_ns: *late_tat_ns };
            }
            Change::Answered { name, digest, reply } => {
                self.replies.remember(name, *digest, reply.clone());
            }
            Change::Renewed { .. } => {}
        }
        Ok(())
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
        out.byte(HEAD_VERSION);
        out.number(self.at.0);
        match &self.config {
            None => out.byte(0),
            Some(config) => {
                out.byte(1);
                out.number(config.version);
                out.number(config.directory_version);
                out.blob(to_text(&config.settings.to_json()).as_bytes());
            }
        }
        out.number(u64::from(self.epoch.0));
        out.number(u64::from(self.pass_epoch.0));
        self.line.encode(&mut out);
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
        out.into_bytes()
    }

    fn decode_head(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != HEAD_VERSION {
            return Err(Malformed("a head page of version 1"));
        }
        self.at = Millis(reader.number()?);
        if reader.byte()? == 1 {
            self.config = Some(Config {
                version: reader.number()?,
                directory_version: reader.number()?,
                settings: read_settings(&read_text(&mut reader)?)?,
            });
        }
        self.epoch = Epoch(reader.number_u32()?);
        self.pass_epoch = PassEpoch(reader.number_u32()?);
        self.line = Line::decode(&mut reader)?;
        self.pacer = Pacer { tat_ns: reader.number()? };
        self.late_pacer = Pacer { tat_ns: reader.number()? };
        for _ in 0..reader.count(2)? {
            self.admissions.restore(Millis(reader.number()?), reader.number_u32()?);
        }
        self.revoked_seq = reader.number()?;
        for _ in 0..reader.count(3)? {
            self.revoked.push(Revoked {
                seat: Seat(reader.number_u32()?),
                generation: Generation(reader.number_u32()?),
                forget_at: Millis(reader.number()?),
            });
        }
        self.quiet_until = Millis(reader.number()?);
        self.replies = Replies::decode(&mut reader)?;
        reader.end()
    }
}

fn read_settings(json: &str) -> Result<Settings, Malformed> {
    let value = parse(json.as_bytes()).map_err(|_| Malformed("settings as JSON"))?;
    Settings::parse(&value).map_err(|_| Malformed("settings that were valid when they were stored"))
}
