//! Seats: who is inside, by number and generation. Half of invariant 1 of DESIGN 4.
//!
//! A seat is *live* until its pass is dead at every edge: `free_at`, which whoever gave or took back the pass
//! computed. This file only counts live seats and finds free ones; how many may be live is the Room's decision.
//!
//! A record is the stored truth; counts, groups and chains are derived from the records and rebuilt with them.
//! After `expire(now)` a seat is live if and only if `free_at > now`. Sixty-four seats side by side are a group,
//! which knows when one of them may be free at the earliest and is looked through when that time comes: a pass
//! renewed costs no more than the new time in its record. Seats whose ranks end in the same bits are a chain, so
//! a ticket's seat is found without keeping its rank twice.

use crate::batch::Grant;
use crate::chains::Chains;
use crate::codec::{Malformed, Reader, Writer};
use crate::token::PassStanding;
use crate::units::{Generation, Millis, Rank, Seat};

/// Seats come free in steps of this: whoever waits for one is woken once for many.
const TICK: Millis = Millis(100);
/// Seats in a group: one word of free bits.
const GROUP: u32 = 64;
/// When the seats of a group that has no live one are free again.
const NEVER: Millis = Millis(u64::MAX);
/// Seats in a stored page: about 100 KB when all are taken.
pub const SEATS_PER_PAGE: u32 = 4096;
/// 16 million seats: more than an isolate's memory holds.
const PAGES_MAX: u32 = 4096;

/// A seat that somebody holds, or held last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatRecord {
    /// The pass it was given or renewed with last.
    pub grant: Grant,
    /// The ticket it was given for; none at first contact.
    pub rank: Option<Rank>,
    /// When it was given.
    pub admitted_at: Millis,
    /// Whether the pass was renewed since.
    pub renewal: Renewal,
    /// Live until then.
    pub free_at: Millis,
}

/// Whether a pass was prolonged since its seat was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Still the first pass.
    Never,
    /// A later one.
    Renewed,
    /// Given up before its time.
    Revoked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Free { generation: Generation },
    Live(SeatRecord),
}

/// Seats side by side.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// A set bit for each free one.
    free: u64,
    /// None of the live ones is free before. It may be too early (a pass was renewed, a seat given again) until
    /// it comes, never too late.
    soonest: Millis,
}

/// All seats that were ever given, and who has them.
#[derive(Clone, Debug, Default)]
pub struct Seats {
    slots: Vec<Slot>,
    groups: Vec<Group>,
    live: u32,
    unconfirmed: u32,
    by_rank: Chains,
}

/// Rounds a time up to a step: every `free_at` goes through here.
pub fn free_at(time: Millis) -> Millis {
    Millis(time.0.div_ceil(TICK.0).saturating_mul(TICK.0))
}

/// The stored page a seat is on.
pub fn page_of(seat: Seat) -> u32 {
    seat.0 / SEATS_PER_PAGE
}

impl Seats {
    /// How many are live.
    pub fn live(&self) -> u32 {
        self.live
    }

    /// How many are live by a pass given at first contact and not confirmed.
    pub fn unconfirmed(&self) -> u32 {
        self.unconfirmed
    }

    /// The live seat of this number and generation.
    pub fn get(&self, seat: Seat, generation: Generation) -> Option<&SeatRecord> {
        self.live_record(seat).filter(|record| record.grant.generation == generation)
    }

    /// The live seat that was given for this ticket.
    pub fn of_rank(&self, rank: Rank) -> Option<&SeatRecord> {
        let mut records = self.by_rank.of(rank).filter_map(|seat| self.live_record(seat));
        records.find(|record| record.rank == Some(rank))
    }

    /// The lowest free seat and the generation its next holder gets.
    pub fn lowest_free(&self) -> (Seat, Generation) {
        let group = self.groups.iter().zip(0u32..).find(|(group, _)| group.free != 0);
        let seat = match group {
            Some((group, index)) => index * GROUP + group.free.trailing_zeros(),
            None => self.slots.len() as u32,
        };
        let generation = match self.slots.get(seat as usize) {
            Some(Slot::Free { generation }) => Generation(generation.0.wrapping_add(1)),
            _ => Generation(1),
        };
        (Seat(seat), generation)
    }

    /// When the next live seat may be free, at the earliest.
    pub fn next_free_at(&self) -> Option<Millis> {
        self.groups.iter().map(|group| group.soonest).min().filter(|soonest| *soonest != NEVER)
    }

    /// Frees every seat whose time has come.
    pub fn expire(&mut self, now: Millis) {
        for index in 0..self.groups.len() {
            if self.groups.get(index).is_some_and(|group| group.soonest <= now) {
                self.expire_group(index, now);
            }
        }
    }

    fn expire_group(&mut self, index: usize, now: Millis) {
        let first = index as u32 * GROUP;
        let mut soonest = NEVER;
        for seat in (first..first + GROUP).map(Seat) {
            match self.live_record(seat).map(|record| record.free_at) {
                Some(free_at) if free_at <= now => self.vacate(seat),
                Some(free_at) => soonest = soonest.min(free_at),
                None => {}
            }
        }
        if let Some(group) = self.groups.get_mut(index) {
            group.soonest = soonest;
        }
    }

    /// Gives or restores a seat. A number far beyond the others is refused: rows name seats in order.
    pub fn occupy(&mut self, record: SeatRecord) -> Result<(), Malformed> {
        let seat = record.grant.seat;
        if seat.0 as usize > self.slots.len() + SEATS_PER_PAGE as usize {
            return Err(Malformed("a seat near the others"));
        }
        self.grow(seat);
        self.vacate(seat);
        if let Some(slot) = self.slots.get_mut(seat.0 as usize) {
            *slot = Slot::Live(record);
        }
        self.set_free_bit(seat, false);
        self.live += 1;
        self.unconfirmed += u32::from(record.grant.standing == PassStanding::Unconfirmed);
        if let Some(rank) = record.rank {
            self.by_rank.link(rank, seat);
        }
        self.schedule(seat, record.free_at);
        Ok(())
    }

    /// Prolongs or confirms the pass of a live seat; of any other it does nothing.
    pub fn renew(&mut self, grant: Grant, free_at: Millis) {
        let Some(Slot::Live(record)) = self.slots.get_mut(grant.seat.0 as usize) else {
            return;
        };
        if record.grant.generation != grant.generation {
            return;
        }
        self.unconfirmed -= u32::from(record.grant.standing == PassStanding::Unconfirmed);
        self.unconfirmed += u32::from(grant.standing == PassStanding::Unconfirmed);
        record.grant = grant;
        record.renewal = Renewal::Renewed;
        record.free_at = free_at;
        self.schedule(grant.seat, free_at);
    }

    /// Takes back the pass of a live seat, which stays live until `free_at`.
    pub fn revoke(&mut self, seat: Seat, generation: Generation, free_at: Millis) {
        let Some(Slot::Live(record)) = self.slots.get_mut(seat.0 as usize) else {
            return;
        };
        if record.grant.generation != generation {
            return;
        }
        record.renewal = Renewal::Revoked;
        record.free_at = free_at;
        self.schedule(seat, free_at);
    }

    /// Takes back every pass of a page; its seats stay live until `free_at` at most.
    pub fn end_page(&mut self, page: u32, free_at: Millis) {
        for seat in (page * SEATS_PER_PAGE..).take(SEATS_PER_PAGE as usize).map(Seat) {
            if let Some(record) = self.live_record(seat).copied() {
                self.revoke(seat, record.grant.generation, free_at.min(record.free_at));
            }
        }
    }

    /// How many stored pages there are.
    pub fn page_count(&self) -> u32 {
        (self.slots.len() as u32).div_ceil(SEATS_PER_PAGE)
    }

    /// A page as bytes.
    pub fn encode_page(&self, number: u32) -> Vec<u8> {
        let first = number as usize * SEATS_PER_PAGE as usize;
        let last = self.slots.len().min(first + SEATS_PER_PAGE as usize);
        let slots = self.slots.get(first..last).unwrap_or_default();
        let mut out = Writer::new();
        out.number(slots.len() as u64);
        for slot in slots {
            match slot {
                Slot::Free { generation } => {
                    out.byte(0);
                    out.number(u64::from(generation.0));
                }
                Slot::Live(record) => {
                    out.byte(match record.renewal {
                        Renewal::Never => 1,
                        Renewal::Renewed => 2,
                        Renewal::Revoked => 3,
                    });
                    crate::batch::write_grant(&mut out, &record.grant);
                    // Zero stands for no ticket, so ranks are written one higher.
                    out.number(record.rank.map_or(0, |rank| rank.0.saturating_add(1)));
                    out.number(record.admitted_at.0);
                    out.number(record.free_at.0);
                }
            }
        }
        out.into_bytes()
    }

    /// Takes a page from its bytes; pages come in order. A page before it may be stored shorter
    /// than it is by now, or not at all: the journal fills it up.
    pub fn decode_page(&mut self, number: u32, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        let count = reader.count(2)?;
        let first = number.checked_mul(SEATS_PER_PAGE).filter(|_| number < PAGES_MAX);
        let Some(first) = first.filter(|_| count <= SEATS_PER_PAGE as usize) else {
            return Err(Malformed("a page of at most 4096 seats"));
        };
        if first > 0 {
            self.grow(Seat(first - 1));
        }
        if self.slots.len() as u32 != first {
            return Err(Malformed("pages of seats in order"));
        }
        for _ in 0..count {
            let seat = Seat(self.slots.len() as u32);
            let renewal = match reader.byte()? {
                0 => {
                    let generation = Generation(reader.number_u32()?);
                    self.grow(seat);
                    if let Some(slot) = self.slots.get_mut(seat.0 as usize) {
                        *slot = Slot::Free { generation };
                    }
                    continue;
                }
                1 => Renewal::Never,
                2 => Renewal::Renewed,
                3 => Renewal::Revoked,
                _ => return Err(Malformed("a seat's state")),
            };
            let record = SeatRecord {
                grant: crate::batch::read_grant(&mut reader)?,
                rank: reader.number()?.checked_sub(1).map(Rank),
                admitted_at: Millis(reader.number()?),
                renewal,
                free_at: Millis(reader.number()?),
            };
            if record.grant.seat != seat {
                return Err(Malformed("seats in order"));
            }
            self.occupy(record)?;
        }
        reader.end()
    }

    fn live_record(&self, seat: Seat) -> Option<&SeatRecord> {
        match self.slots.get(seat.0 as usize)? {
            Slot::Live(record) => Some(record),
            Slot::Free { .. } => None,
        }
    }

    fn vacate(&mut self, seat: Seat) {
        let Some(slot) = self.slots.get_mut(seat.0 as usize) else {
            return;
        };
        let Slot::Live(record) = *slot else { return };
        *slot = Slot::Free { generation: record.grant.generation };
        self.live -= 1;
        self.unconfirmed -= u32::from(record.grant.standing == PassStanding::Unconfirmed);
        if let Some(rank) = record.rank {
            self.by_rank.unlink(rank, seat);
        }
        self.set_free_bit(seat, true);
    }

    fn schedule(&mut self, seat: Seat, free_at: Millis) {
        if let Some(group) = self.group_of(seat) {
            group.soonest = group.soonest.min(free_at);
        }
    }

    fn grow(&mut self, seat: Seat) {
        while self.slots.len() <= seat.0 as usize {
            let added = Seat(self.slots.len() as u32);
            if self.by_rank.grow() {
                self.link_all();
            }
            self.slots.push(Slot::Free { generation: Generation(0) });
            if added.0.is_multiple_of(GROUP) {
                self.groups.push(Group { free: 0, soonest: NEVER });
            }
            self.set_free_bit(added, true);
        }
    }

    fn group_of(&mut self, seat: Seat) -> Option<&mut Group> {
        self.groups.get_mut((seat.0 / GROUP) as usize)
    }

    fn set_free_bit(&mut self, seat: Seat, free: bool) {
        if let Some(group) = self.group_of(seat) {
            let bit = 1u64 << (seat.0 % GROUP);
            group.free = if free { group.free | bit } else { group.free & !bit };
        }
    }

    fn link_all(&mut self) {
        for (slot, seat) in self.slots.iter().zip(0..) {
            if let Slot::Live(SeatRecord { rank: Some(rank), .. }) = slot {
                self.by_rank.link(*rank, Seat(seat));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seat: u32, free_at: u64) -> SeatRecord {
        SeatRecord {
            grant: Grant {
                seat: Seat(seat),
                generation: Generation(1),
                issued: Millis(0),
                expires: Millis(free_at),
                standing: PassStanding::Unconfirmed,
            },
            rank: Some(Rank(u64::from(seat) + 100)),
            admitted_at: Millis(0),
            renewal: Renewal::Never,
            free_at: Millis(free_at),
        }
    }

    #[test]
    fn the_lowest_seat_is_given_first_and_its_generation_grows() {
        let mut seats = Seats::default();
        assert_eq!(seats.lowest_free(), (Seat(0), Generation(1)));
        seats.occupy(record(0, 1_000)).unwrap();
        seats.occupy(record(1, 500)).unwrap();
        assert_eq!(seats.lowest_free(), (Seat(2), Generation(1)));
        seats.expire(Millis(500));
        assert_eq!((seats.live(), seats.lowest_free()), (1, (Seat(1), Generation(2))));
        assert!(seats.of_rank(Rank(101)).is_none());
    }

    #[test]
    fn a_seat_is_live_to_its_last_millisecond() {
        let mut seats = Seats::default();
        seats.occupy(record(0, 1_000)).unwrap();
        seats.expire(Millis(999));
        assert_eq!(seats.live(), 1);
        seats.expire(Millis(1_000));
        assert_eq!(seats.live(), 0);
    }

    #[test]
    fn a_renewed_seat_outlives_its_first_time_and_a_revoked_one_does_not() {
        let mut seats = Seats::default();
        seats.occupy(record(0, 1_000)).unwrap();
        let grant = Grant { standing: PassStanding::Confirmed, ..record(0, 0).grant };
        seats.renew(grant, Millis(5_000));
        seats.expire(Millis(4_999));
        assert_eq!((seats.live(), seats.unconfirmed()), (1, 0));
        seats.revoke(Seat(0), Generation(1), Millis(4_999 + 101));
        seats.expire(Millis(5_000));
        assert_eq!(seats.live(), 1);
        seats.expire(Millis(5_100));
        assert_eq!(seats.live(), 0);
    }

    #[test]
    fn a_time_that_no_longer_holds_frees_nobody_else() {
        let mut seats = Seats::default();
        seats.occupy(record(0, 9_000)).unwrap();
        seats.revoke(Seat(0), Generation(1), Millis(1_000));
        seats.expire(Millis(1_000));
        let (seat, generation) = seats.lowest_free();
        let mut again = record(0, 20_000);
        again.grant = Grant { seat, generation, ..again.grant };
        seats.occupy(again).unwrap();
        seats.expire(Millis(9_000));
        assert_eq!(seats.live(), 1);
    }

    #[test]
    fn pages_survive_the_round_trip() {
        let mut seats = Seats::default();
        for seat in 0..70 {
            seats.occupy(record(seat, 1_000 + u64::from(seat % 2) * 1_000)).unwrap();
        }
        seats.expire(Millis(1_000));
        let mut copy = Seats::default();
        copy.decode_page(0, &seats.encode_page(0)).unwrap();
        assert_eq!(copy.encode_page(0), seats.encode_page(0));
        assert_eq!((copy.live(), copy.unconfirmed()), (35, 35));
        assert_eq!(copy.lowest_free(), seats.lowest_free());
        assert_eq!(copy.next_free_at(), Some(Millis(2_000)));
    }

    #[test]
    fn whoever_waits_is_woken_no_later_than_a_seat_is_free() {
        let mut seats = Seats::default();
        assert_eq!(seats.next_free_at(), None);
        seats.occupy(record(0, 1_000)).unwrap();
        seats.occupy(record(1, 2_000)).unwrap();
        seats.renew(record(0, 0).grant, Millis(9_000));
        seats.expire(Millis(1_000));
        assert_eq!((seats.live(), seats.next_free_at()), (2, Some(Millis(2_000))));
        seats.revoke(Seat(0), Generation(1), Millis(1_500));
        assert_eq!(seats.next_free_at(), Some(Millis(1_500)));
        seats.expire(Millis(2_000));
        assert_eq!((seats.live(), seats.next_free_at()), (0, None));
    }

    #[test]
    fn renewals_take_no_memory() {
        let mut seats = Seats::default();
        seats.occupy(record(0, 1_000)).unwrap();
        let size = |seats: &Seats| (seats.slots.capacity(), seats.groups.capacity());
        let before = size(&seats);
        for step in 1..10_000 {
            seats.expire(Millis(step * 100));
            seats.renew(record(0, 0).grant, Millis(1_000 + step * 100));
        }
        assert_eq!((seats.live(), size(&seats)), (1, before));
    }

    #[test]
    fn a_ticket_is_found_by_its_own_seat_among_those_of_the_same_chain() {
        let mut seats = Seats::default();
        let given = |seat, rank| SeatRecord { rank: Some(Rank(rank)), ..record(seat, 1_000) };
        let seat_of = |seats: &Seats, rank| seats.of_rank(Rank(rank)).map(|record| record.grant.seat.0);
        for (seat, rank) in [(0, 7), (1, 7 + 64), (2, 7 + 128)] {
            seats.occupy(given(seat, rank)).unwrap();
        }
        // A seat that is given again forgets the ticket it was given for before.
        seats.occupy(given(1, 7 + 192)).unwrap();
        assert_eq!(
            [7, 71, 135, 199, 263].map(|rank| seat_of(&seats, rank)),
            [Some(0), None, Some(2), Some(1), None]
        );
        seats.revoke(Seat(1), Generation(1), Millis(500));
        seats.expire(Millis(500));
        seats.occupy(SeatRecord { rank: None, ..record(1, 1_000) }).unwrap();
        assert_eq!([7, 71, 135, 199].map(|rank| seat_of(&seats, rank)), [Some(0), None, Some(2), None]);
    }

    /// Everything that can be asked, by way of the records alone.
    fn check(seats: &Seats, records: &[Option<SeatRecord>], ranks: u64) {
        let live = || records.iter().flatten();
        let unconfirmed = live().filter(|record| record.grant.standing == PassStanding::Unconfirmed);
        assert_eq!((seats.live(), seats.unconfirmed()), (live().count() as u32, unconfirmed.count() as u32));
        let lowest = records.iter().position(Option::is_none).unwrap_or(records.len());
        assert_eq!(seats.lowest_free().0, Seat(lowest as u32));
        let soonest = live().map(|record| record.free_at).min();
        assert!(soonest.is_none() || seats.next_free_at() <= soonest);
        for record in live() {
            assert_eq!(seats.get(record.grant.seat, record.grant.generation), Some(record));
        }
        for rank in 0..ranks {
            let holder = live().find(|record| record.rank == Some(Rank(rank)));
            assert_eq!(seats.of_rank(Rank(rank)), holder, "rank {rank}");
        }
    }

    #[test]
    fn whatever_happens_all_that_is_derived_agrees_with_the_records() {
        let (mut seats, mut records) = (Seats::default(), Vec::<Option<SeatRecord>>::new());
        let (mut now, mut ranks, mut luck) = (0u64, 0u64, 1u64);
        for step in 0..6_000u64 {
            luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let dice = |sides: u64, shift: u32| (luck >> shift) % sides;
            let later = Millis((now / 100 + 1 + dice(300, 20)) * 100);
            let any = dice(records.len().max(1) as u64, 40) as usize;
            match dice(10, 56) {
                0..5 => {
                    let (seat, generation) = seats.lowest_free();
                    let mut given = record(seat.0, later.0);
                    given.grant.generation = generation;
                    given.rank = (dice(4, 50) > 0).then_some(Rank(ranks));
                    ranks += 1;
                    seats.occupy(given).unwrap();
                    records.resize(records.len().max(seat.0 as usize + 1), None);
                    records[seat.0 as usize] = Some(given);
                }
                5..8 => {
                    if let Some(Some(held)) = records.get_mut(any) {
                        held.grant.standing = PassStanding::Confirmed;
                        held.renewal = Renewal::Renewed;
                        held.free_at = held.free_at.max(later);
                        seats.renew(held.grant, held.free_at);
                    }
                }
                8 => {
                    if let Some(Some(held)) = records.get_mut(any) {
                        held.renewal = Renewal::Revoked;
                        held.free_at = held.free_at.min(Millis((now / 100 + 3) * 100));
                        seats.revoke(held.grant.seat, held.grant.generation, held.free_at);
                    }
                }
                _ => {
                    now += dice(700, 30);
                    seats.expire(Millis(now));
                    let gone = |held: &SeatRecord| held.free_at.0 <= now;
                    records.iter_mut().for_each(|held| *held = held.filter(|held| !gone(held)));
                }
            }
            if step % 20 == 0 {
                check(&seats, &records, ranks);
            }
        }
        assert!(records.len() > 256, "chains were lengthened");
        let mut copy = Seats::default();
        copy.decode_page(0, &seats.encode_page(0)).unwrap();
        check(&copy, &records, ranks);
        assert_eq!(copy.encode_page(0), seats.encode_page(0));
        copy.expire(Millis(u64::MAX));
        assert_eq!((copy.live(), copy.next_free_at()), (0, None));
    }

    #[test]
    fn a_seat_out_of_the_blue_is_refused() {
        assert!(Seats::default().occupy(record(1 << 31, 5)).is_err());
    }
}
