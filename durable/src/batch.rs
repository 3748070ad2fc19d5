//! Batches: how a lobby asks its parent for many visitors at once, and the answers.
//!
//! A batch is named by its lobby, the incarnation of that lobby's memory, its number in it and the
//! SHA-256 of its content, so that a call which may or may not have happened can be made again:
//! same name, same reply. Content is a list of tagged sections, each behind its length; a section this code does
//! not know is passed over by a reader, which then answers nothing for it.

use sha2::{Digest as _, Sha256};

use crate::codec::{Malformed, Reader, Writer};
use crate::health::Health;
pub use crate::reply::{ClaimOutcome, RenewOutcome, Reply};
use crate::token::{Holder, PassStanding, read_standing};
use crate::units::{Epoch, Generation, Millis, PassEpoch, Rank, Seat};

const VERSION: u8 = 1;
/// The longest name of a lobby: a room's id and its path in the tree.
const LOBBY_BYTES_MAX: usize = 64;
/// More of one kind in a batch is refused: a lobby sends the rest in the next one.
pub const ITEMS_MAX: usize = 16_384;

/// Which memory of which lobby sent it, and as which of its batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchName {
    /// The lobby object's name.
    pub lobby: String,
    /// Sixteen random bytes drawn when the lobby's memory began.
    pub incarnation: [u8; 16],
    /// Counted from zero in an incarnation.
    pub number: u64,
}

/// A ticket, as far as the Room knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketRef {
    /// The ticket's epoch.
    pub epoch: Epoch,
    /// The ticket's rank.
    pub rank: Rank,
}

/// A pass, as far as the Room knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassRef {
    /// The pass's epoch.
    pub epoch: Epoch,
    /// The pass's pass epoch.
    pub pass_epoch: PassEpoch,
    /// Its seat.
    pub seat: Seat,
    /// Its generation.
    pub generation: Generation,
}

/// What is asked, by kind; the Room takes the kinds in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// Passes given up.
    pub pass_leaves: Vec<PassRef>,
    /// Tickets given up.
    pub ticket_leaves: Vec<TicketRef>,
    /// Passes to be renewed or confirmed.
    pub renewals: Vec<PassRef>,
    /// Called tickets to be exchanged for passes.
    pub claims: Vec<TicketRef>,
    /// Arrivals that came back: a rank each, in this order.
    pub joins: Vec<Holder>,
    /// How many first contacts ask to be let in because the board said open.
    pub enters: u32,
    /// What edges saw of the origin.
    pub health: Health,
    /// How many more seats a region would have in hand for first contacts.
    pub leases: u32,
    /// Of those it had, what nobody came for.
    pub lease_returns: Vec<PassRef>,
    /// No board need come back: the lobby has a fresh one, or has asked for one. How long what it has may be used for, it says, so that it hears of it when a
    /// quiet room is quiet no more.
    pub board_held: Option<Millis>,
}

/// A seat given, in all that its pass says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The seat.
    pub seat: Seat,
    /// Which giving of it.
    pub generation: Generation,
    /// When it was given or renewed.
    pub issued: Millis,
    /// Good until then.
    pub expires: Millis,
    /// Whether its holder was seen again.
    pub standing: PassStanding,
}

/// What a parent says to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchAnswer {
    /// Carried out, now or before.
    Done(Reply),
    /// Out of turn: this number is expected next.
    Expected(u64),
    /// Another content under a known number, or an incarnation that is no longer known: the lobby
    /// begins a new one.
    Refused,
    /// It cannot be brought to the Room: whoever waits is told, and it is not tried again.
    Unreachable,
    /// The same, because too many ask.
    Overloaded,
}

mod section {
    pub(super) const PASS_LEAVES: u8 = 1;
    pub(super) const TICKET_LEAVES: u8 = 2;
    pub(super) const RENEWALS: u8 = 3;
    pub(super) const CLAIMS: u8 = 4;
    pub(super) const JOINS: u8 = 5;
    pub(super) const ENTERS: u8 = 6;
    pub(super) const HEALTH: u8 = 7;
    pub(super) const BOARD_HELD: u8 = 8;
    pub(super) const LEASES: u8 = 9;
    pub(super) const LEASE_RETURNS: u8 = 10;
}

impl Items {
    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Items { board_held: self.board_held, ..Items::default() }
    }

    /// How many have an answer of their own, or change what is kept of one seat or place: not the joins, of which the first rank is told.
    pub fn answered(&self) -> usize {
        let Items { pass_leaves, ticket_leaves, renewals, claims, enters, leases, lease_returns, .. } = self;
        let lists =
            [pass_leaves.len(), ticket_leaves.len(), renewals.len(), claims.len(), lease_returns.len()];
        lists.into_iter().sum::<usize>() + *enters as usize + *leases as usize
    }

    /// Adds those of another, kind by kind.
    pub fn append(&mut self, others: &Items) {
        self.pass_leaves.extend_from_slice(&others.pass_leaves);
        self.ticket_leaves.extend_from_slice(&others.ticket_leaves);
        self.renewals.extend_from_slice(&others.renewals);
        self.claims.extend_from_slice(&others.claims);
        self.joins.extend_from_slice(&others.joins);
        self.enters = self.enters.saturating_add(others.enters);
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        write_section(&mut out, section::PASS_LEAVES, &self.pass_leaves, write_pass_ref);
        write_section(&mut out, section::TICKET_LEAVES, &self.ticket_leaves, write_ticket_ref);
        write_section(&mut out, section::RENEWALS, &self.renewals, write_pass_ref);
        write_section(&mut out, section::CLAIMS, &self.claims, write_ticket_ref);
        write_section(&mut out, section::JOINS, &self.joins, |out, holder| {
            out.fixed(&holder.0);
        });
        write_section(&mut out, section::LEASE_RETURNS, &self.lease_returns, write_pass_ref);
        let numbers = [
            (section::ENTERS, Some(u64::from(self.enters)).filter(|enters| *enters > 0)),
            (section::LEASES, Some(u64::from(self.leases)).filter(|leases| *leases > 0)),
            (section::BOARD_HELD, self.board_held.map(|max_age| max_age.0)),
        ];
        for (tag, number) in numbers {
            number
                .into_iter()
                .for_each(|number| write_tagged(&mut out, tag, |content| content.number(number)));
        }
        if !self.health.is_empty() {
            write_tagged(&mut out, section::HEALTH, |content| self.health.encode(content));
        }
        out.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Items, Malformed> {
        let mut items = Items::default();
        let mut sections = Reader::new(bytes);
        while !sections.is_empty() {
            let tag = sections.byte();
            let content = &mut Reader::new(sections.blob());
            match tag {
                section::PASS_LEAVES => items.pass_leaves = read_section(content, read_pass_ref),
                section::TICKET_LEAVES => {
                    items.ticket_leaves = read_section(content, read_ticket_ref);
                }
                section::RENEWALS => items.renewals = read_section(content, read_pass_ref),
                section::CLAIMS => items.claims = read_section(content, read_ticket_ref),
                section::JOINS => {
                    items.joins = read_section(content, |reader| Holder(reader.fixed()));
                }
                section::LEASE_RETURNS => items.lease_returns = read_section(content, read_pass_ref),
                section::ENTERS => items.enters = read_count(content),
                section::LEASES => items.leases = read_count(content),
                section::HEALTH => items.health = Health::decode(content),
                section::BOARD_HELD => items.board_held = Some(Millis(content.number())),
                _ => {}
            }
            content.checked()?;
        }
        sections.end()?;
        Ok(items)
    }
}

/// A batch with its name, as bytes for the parent.
pub fn encode_batch(name: &BatchName, items: &Items) -> Vec<u8> {
    let mut out = Writer::new();
    out.byte(VERSION);
    out.blob(name.lobby.as_bytes());
    out.fixed(&name.incarnation);
    out.number(name.number);
    out.blob(&items.encode());
    out.into_bytes()
}

/// A batch as its receiver sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Who sent it.
    pub name: BatchName,
    /// The SHA-256 of its content: the last part of its name, made by the receiver.
    pub digest: [u8; 32],
    /// What it asks.
    pub items: Items,
}

/// Reads what [`encode_batch`] wrote.
pub fn decode_batch(bytes: &[u8]) -> Result<Batch, Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.byte() != VERSION {
        return Err(Malformed);
    }
    let lobby = reader.blob();
    if lobby.len() > LOBBY_BYTES_MAX {
        return Err(Malformed);
    }
    let lobby = std::str::from_utf8(lobby).map_err(|_| Malformed)?.to_owned();
    let name = BatchName { lobby, incarnation: reader.fixed(), number: reader.number() };
    let content = reader.blob();
    let batch = Batch { name, digest: Sha256::digest(content).into(), items: Items::decode(content)? };
    reader.end()?;
    Ok(batch)
}

impl BatchAnswer {
    /// As bytes for the lobby; behind it a board (JSON) and how long it was held, unless one is held or to be had.
    pub fn encode(&self, board: &[u8], age: Millis) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            BatchAnswer::Done(reply) => {
                out.byte(1);
                out.blob(&reply.encode());
            }
            BatchAnswer::Expected(number) => {
                out.byte(2);
                out.number(*number);
            }
            BatchAnswer::Refused => out.byte(3),
            BatchAnswer::Unreachable => out.byte(4),
            BatchAnswer::Overloaded => out.byte(5),
        }
        out.blob(board);
        out.number(age.0);
        out.into_bytes()
    }

    /// Reads what [`BatchAnswer::encode`] wrote: the answer, the board's JSON or nothing, and how long it was held.
    pub fn decode(bytes: &[u8]) -> Result<(BatchAnswer, &[u8], Millis), Malformed> {
        let mut reader = Reader::new(bytes);
        let answer = match reader.byte() {
            1 => BatchAnswer::Done(Reply::decode(reader.blob())?),
            2 => BatchAnswer::Expected(reader.number()),
            3 => BatchAnswer::Refused,
            4 => BatchAnswer::Unreachable,
            tag => {
                reader.expect(tag == 5);
                BatchAnswer::Overloaded
            }
        };
        let board = reader.blob();
        // A Room of before says a board that is new.
        let age = if reader.is_empty() { 0 } else { reader.number() };
        reader.checked()?;
        Ok((answer, board, Millis(age)))
    }
}

fn write_section<T>(out: &mut Writer, tag: u8, items: &[T], write: impl Fn(&mut Writer, &T)) {
    if items.is_empty() {
        return;
    }
    write_tagged(out, tag, |content| {
        content.number(items.len() as u64);
        items.iter().for_each(|item| write(content, item));
    });
}

fn write_tagged(out: &mut Writer, tag: u8, write: impl FnOnce(&mut Writer)) {
    let mut content = Writer::new();
    write(&mut content);
    out.byte(tag);
    out.blob(&content.into_bytes());
}

fn read_section<T>(content: &mut Reader<'_>, read: impl Fn(&mut Reader<'_>) -> T) -> Vec<T> {
    let count = content.count(1);
    content.expect(count <= ITEMS_MAX);
    let mut items = Vec::new();
    while !content.is_empty() && items.len() < count {
        items.push(read(content));
    }
    content.expect(content.is_empty() && items.len() == count);
    items
}

fn read_count(content: &mut Reader<'_>) -> u32 {
    let count = content.number_u32();
    content.expect(count as usize <= ITEMS_MAX);
    count
}

fn write_ticket_ref(out: &mut Writer, ticket: &TicketRef) {
    out.number(u64::from(ticket.epoch.0));
    out.number(ticket.rank.0);
}

fn read_ticket_ref(reader: &mut Reader<'_>) -> TicketRef {
    TicketRef { epoch: Epoch(reader.number_u32()), rank: Rank(reader.number()) }
}

fn write_pass_ref(out: &mut Writer, pass: &PassRef) {
    for number in [pass.epoch.0, pass.pass_epoch.0, pass.seat.0, pass.generation.0] {
        out.number(u64::from(number));
    }
}

fn read_pass_ref(reader: &mut Reader<'_>) -> PassRef {
    PassRef {
        epoch: Epoch(reader.number_u32()),
        pass_epoch: PassEpoch(reader.number_u32()),
        seat: Seat(reader.number_u32()),
        generation: Generation(reader.number_u32()),
    }
}

/// A grant's fields; also how the journal writes them.
pub(crate) fn write_grant(out: &mut Writer, grant: &Grant) {
    out.number(u64::from(grant.seat.0));
    out.number(u64::from(grant.generation.0));
    out.number(grant.issued.0);
    out.number(grant.expires.0);
    out.byte(match grant.standing {
        PassStanding::Unconfirmed => 0,
        PassStanding::Confirmed => 1,
    });
}

/// Reads what [`write_grant`] wrote.
pub(crate) fn read_grant(reader: &mut Reader<'_>) -> Grant {
    Grant {
        seat: Seat(reader.number_u32()),
        generation: Generation(reader.number_u32()),
        issued: Millis(reader.number()),
        expires: Millis(reader.number()),
        standing: read_standing(reader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> BatchName {
        BatchName { lobby: "room/leaf/0".into(), incarnation: [7; 16], number: 300 }
    }

    fn items() -> Items {
        let ticket = TicketRef { epoch: Epoch(1), rank: Rank(1 << 39) };
        let pass =
            PassRef { epoch: Epoch(1), pass_epoch: PassEpoch(2), seat: Seat(3), generation: Generation(4) };
        Items {
            pass_leaves: vec![pass],
            ticket_leaves: vec![ticket],
            renewals: vec![pass, pass],
            claims: vec![ticket],
            joins: vec![Holder([1; 16]), Holder([2; 16])],
            enters: 3,
            health: Health { sampled: 300, errors: 2, slow: 1 },
            leases: 5,
            lease_returns: vec![pass],
            board_held: Some(Millis(1_000)),
        }
    }

    fn reply() -> Reply {
        let grant = Grant {
            seat: Seat(1),
            generation: Generation(2),
            issued: Millis(3),
            expires: Millis(4),
            standing: PassStanding::Unconfirmed,
        };
        Reply {
            epoch: Epoch(1),
            pass_epoch: PassEpoch(2),
            first_rank: Rank(5),
            joined_at: Millis(6),
            claims: vec![
                ClaimOutcome::Granted(grant),
                ClaimOutcome::Next { retry: Millis(3000) },
                ClaimOutcome::Waiting,
                ClaimOutcome::Used,
                ClaimOutcome::Void,
            ],
            renewals: vec![RenewOutcome::Renewed(grant), RenewOutcome::Ended],
            entered: vec![grant],
            leased: vec![grant, grant],
        }
    }

    #[test]
    fn a_batch_survives_the_round_trip_and_its_digest_is_of_its_content() {
        let batch = decode_batch(&encode_batch(&name(), &items())).unwrap();
        assert_eq!((&batch.name, &batch.items), (&name(), &items()));
        let other = BatchName { number: 301, ..name() };
        assert_eq!(decode_batch(&encode_batch(&other, &items())).unwrap().digest, batch.digest);
        let fewer = Items { enters: 2, ..items() };
        assert_ne!(decode_batch(&encode_batch(&name(), &fewer)).unwrap().digest, batch.digest);
    }

    #[test]
    fn answers_survive_the_round_trip_with_the_board_behind_them() {
        let unreachable = BatchAnswer::Unreachable;
        for answer in
            [BatchAnswer::Done(reply()), BatchAnswer::Expected(9), BatchAnswer::Refused, unreachable]
        {
            let bytes = answer.encode(b"{}", Millis(700));
            assert_eq!(BatchAnswer::decode(&bytes).unwrap(), (answer, b"{}".as_slice(), Millis(700)));
            // A Room of before says no age.
            let (answer, _, age) = BatchAnswer::decode(&bytes[..bytes.len() - 2]).unwrap();
            assert_eq!((answer.encode(b"{}", age), age), (answer.encode(b"{}", Millis(0)), Millis(0)));
        }
    }

    #[test]
    fn a_section_of_a_later_version_is_passed_over() {
        let mut content = items().encode();
        content.extend([200, 3, 1, 2, 3]);
        assert_eq!(Items::decode(&content).unwrap(), items());
    }

    #[test]
    fn every_cut_is_malformed_and_none_panics() {
        let batch = encode_batch(&name(), &items());
        for length in 0..batch.len() {
            assert!(decode_batch(&batch[..length]).is_err());
        }
        let (bytes, unleased) = (reply().encode(), Reply { leased: Vec::new(), ..reply() }.encode());
        for length in (0..bytes.len()).filter(|length| *length != unleased.len()) {
            assert!(Reply::decode(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn too_many_items_are_refused() {
        let many = Items { enters: ITEMS_MAX as u32 + 1, ..Items::default() };
        assert!(decode_batch(&encode_batch(&name(), &many)).is_err());
    }
}
