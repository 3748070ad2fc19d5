//! Seats: who is inside, by number and generation. Half of rule 1.
//!
//! A seat is *live* until its pass is dead at every edge: `free_at`, which whoever gave or took back the pass
//! computed. This file only counts live seats and finds free ones; how many may be live is the Room's decision.
//!
//! A record is the stored truth; counts, groups and chains are derived from the records and rebuilt with them.
//! After `expire(now)` a seat is live if and only if `free_at > now`. Sixty-four seats side by side are a group,
//! which knows when one of them may be free at the earliest and is looked through when that time comes: a pass
//! renewed costs no more than the new time in its record. Sixty-four groups are a page, in memory as in storage, which
//! knows the same of them: of a million seats, 245 pages are asked. Seats whose ranks end in the same bits are a
//! chain, so a ticket's seat is found without keeping its rank twice.

use crate::batch::Grant;
use crate::chains::Chains;
use crate::codec::{Malformed, Reader, Writer};
use crate::slots::Slot;
pub use crate::slots::{Renewal, SeatRecord};
use crate::units::{Generation, Millis, Rank, Seat};

/// Seats come free in steps of this: whoever waits for one is woken once for many.
const TICK: Millis = Millis(100);
/// Seats in a group, and groups in a page: one word of bits.
const GROUP: u32 = 64;
/// When the seats of a group that has no live one are free again. No record's time is as late.
const NEVER: Millis = Millis(u64::MAX);
/// Seats in a stored page: about 100 KB when all are taken.
pub const SEATS_PER_PAGE: u32 = GROUP * GROUP;
/// 16 million seats: more than an isolate's memory holds.
const PAGES_MAX: u32 = 4096;

/// Groups side by side. Each page has its own list of slots: one list of all would be there twice whenever it grew.
#[derive(Clone, Debug)]
struct Page {
    slots: Vec<Slot>,
    /// A set bit for each group with a free seat.
    free: u64,
    /// The soonest of its groups'.
    soonest: Millis,
    groups: [Group; GROUP as usize],
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
    /// All but the last are full.
    pages: Vec<Page>,
    count: u32,
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

/// Where a seat is on its page.
fn index_of(seat: Seat) -> usize {
    (seat.0 % SEATS_PER_PAGE) as usize
}

impl Page {
    fn new() -> Page {
        let group = Group { free: 0, soonest: NEVER };
        Page { slots: Vec::new(), free: 0, soonest: NEVER, groups: [group; GROUP as usize] }
    }

    fn lowest_free(&self) -> u32 {
        let group = self.free.trailing_zeros();
        let bits = self.groups.get(group as usize).map_or(0, |group| group.free);
        group * GROUP + bits.trailing_zeros()
    }

    /// What follows from a slot for its group and the page.
    fn note(&mut self, index: usize, slot: &Slot) {
        let (number, bit) = (index / GROUP as usize, 1u64 << (index % GROUP as usize));
        let Some(group) = self.groups.get_mut(number) else {
            return;
        };
        if slot.is_live() {
            group.free &= !bit;
            group.soonest = group.soonest.min(slot.free_at());
            self.soonest = self.soonest.min(group.soonest);
        } else {
            group.free |= bit;
        }
        let bit = 1u64 << number;
        self.free = if group.free == 0 { self.free & !bit } else { self.free | bit };
    }
}

impl Seats {
    /// How many are live.
    pub fn live(&self) -> u32 {
        self.live
    }

    /// Whether nobody has a pass that is good: seats are live yet, perhaps, until every edge has heard so.
    pub fn are_left(&self) -> bool {
        let slots = self.pages.iter().flat_map(|page| &page.slots);
        self.live == 0 || slots.filter(|slot| slot.is_live()).all(Slot::is_given_up)
    }

    /// How many are live by a pass given at first contact and not confirmed.
    pub fn unconfirmed(&self) -> u32 {
        self.unconfirmed
    }

    /// The live seat of this number and generation.
    pub fn get(&self, seat: Seat, generation: Generation) -> Option<SeatRecord> {
        self.slot(seat).filter(|slot| slot.generation() == generation)?.record(seat)
    }

    /// The live seat that was given for this ticket.
    pub fn of_rank(&self, rank: Rank) -> Option<SeatRecord> {
        let holds = |seat: &Seat| self.slot(*seat).is_some_and(|slot| slot.rank() == Some(rank));
        let seat = self.by_rank.of(rank).find(holds)?;
        self.slot(seat)?.record(seat)
    }

    /// Whether a seat is free and nobody had it after who has this generation, nor did they give it up: their pass expired, and that is all.
    pub fn is_left_by(&self, seat: Seat, generation: Generation) -> bool {
        self.slot(seat).is_some_and(|slot| !slot.is_live() && slot.generation() == generation)
    }

    /// The lowest free seat and the generation its next holder gets.
    pub fn lowest_free(&self) -> (Seat, Generation) {
        let page = self.pages.iter().zip(0u32..).find(|(page, _)| page.free != 0);
        let seat = page.map_or(self.count, |(page, number)| number * SEATS_PER_PAGE + page.lowest_free());
        let last = self.slot(Seat(seat)).map_or(0, |slot| slot.generation().0);
        (Seat(seat), Generation(last.wrapping_add(1)))
    }

    /// When the next live seat may be free, at the earliest.
    pub fn next_free_at(&self) -> Option<Millis> {
        self.pages.iter().map(|page| page.soonest).min().filter(|soonest| *soonest != NEVER)
    }

    /// Frees every seat whose time has come.
    pub fn expire(&mut self, now: Millis) {
        for number in 0..self.pages.len() {
            if self.pages.get(number).is_some_and(|page| page.soonest <= now) {
                self.expire_page(number, now);
            }
        }
    }

    fn expire_page(&mut self, number: usize, now: Millis) {
        let mut soonest = NEVER;
        for index in 0..GROUP as usize {
            soonest = soonest.min(self.expire_group(number, index, now));
        }
        if let Some(page) = self.pages.get_mut(number) {
            page.soonest = soonest;
        }
    }

    /// Frees the seats of a group whose time has come, and says when the next one's may.
    fn expire_group(&mut self, number: usize, index: usize, now: Millis) -> Millis {
        let group = self.pages.get(number).and_then(|page| page.groups.get(index));
        let soonest = group.map_or(NEVER, |group| group.soonest);
        if soonest > now {
            return soonest;
        }
        let first = number as u32 * SEATS_PER_PAGE + index as u32 * GROUP;
        let mut soonest = NEVER;
        for seat in (first..first + GROUP).map(Seat) {
            match self.slot(seat).copied().filter(Slot::is_live) {
                Some(slot) if slot.free_at() <= now => self.put(seat, &slot.freed()),
                Some(slot) => soonest = soonest.min(slot.free_at()),
                None => {}
            }
        }
        if let Some(group) = self.pages.get_mut(number).and_then(|page| page.groups.get_mut(index)) {
            group.soonest = soonest;
        }
        soonest
    }

    /// Gives or restores a seat. A number far beyond the others is refused: rows name seats in order.
    pub fn occupy(&mut self, record: SeatRecord) -> Result<(), Malformed> {
        self.place(record.grant.seat, &Slot::live(&record)?)
    }

    /// Prolongs or confirms the pass of a live seat; of any other it does nothing.
    pub fn renew(&mut self, grant: Grant, free_at: Millis) -> Result<(), Malformed> {
        self.replace(grant, Renewal::Renewed, free_at)
    }

    /// Takes back the pass of a live seat, which stays live until `free_at`.
    pub fn revoke(&mut self, seat: Seat, generation: Generation, free_at: Millis) -> Result<(), Malformed> {
        let record = self.get(seat, generation);
        record.map_or(Ok(()), |record| self.replace(record.grant, Renewal::Revoked, free_at))
    }

    /// Frees a live seat whose pass nobody has had, at once. It is nobody's to come back to: theirs is not its last generation.
    pub fn release(&mut self, seat: Seat, generation: Generation) {
        if self.get(seat, generation).is_some() {
            self.put(seat, &Slot::free(Generation(generation.0.wrapping_add(1))));
        }
    }

    /// Takes back every pass of a page; its seats stay live until `free_at` at most. For which tickets they were given is forgotten: those are spent, or of an
    /// epoch that is over.
    pub fn end_page(&mut self, page: u32, free_at: Millis) -> Result<(), Malformed> {
        let seats = (page * SEATS_PER_PAGE..).take(SEATS_PER_PAGE as usize).map(Seat);
        for seat in seats {
            if let Some(record) = self.slot(seat).and_then(|slot| slot.record(seat)) {
                let (renewal, free_at) = (Renewal::Revoked, free_at.min(record.free_at));
                self.put(seat, &Slot::live(&SeatRecord { rank: None, renewal, free_at, ..record })?);
            }
        }
        Ok(())
    }

    /// How many stored pages there are.
    pub fn page_count(&self) -> u32 {
        self.pages.len() as u32
    }

    /// A page as bytes.
    pub fn encode_page(&self, number: u32) -> Vec<u8> {
        let slots = self.pages.get(number as usize).map_or(&[][..], |page| &page.slots);
        let mut out = Writer::new();
        out.number(slots.len() as u64);
        for (slot, seat) in slots.iter().zip(number.saturating_mul(SEATS_PER_PAGE)..) {
            slot.encode(Seat(seat), &mut out);
        }
        out.into_bytes()
    }

    /// Takes a page from its bytes; pages come in order. A page before it may be stored shorter
    /// than it is by now, or not at all: the journal fills it up.
    pub fn decode_page(&mut self, number: u32, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        let count = reader.count(2);
        let first = number.checked_mul(SEATS_PER_PAGE).filter(|_| number < PAGES_MAX);
        let Some(first) = first.filter(|_| count <= SEATS_PER_PAGE as usize) else {
            return Err(Malformed);
        };
        // Pages are first stored in their order, and those before this one take 150 KB each, whatever is stored of them.
        if first > self.count.saturating_add(SEATS_PER_PAGE) {
            return Err(Malformed);
        }
        self.grow(first);
        if self.count != first {
            return Err(Malformed);
        }
        for seat in (first..).take(count).map(Seat) {
            self.place(seat, &Slot::decode(seat, &mut reader))?;
        }
        reader.end()
    }

    fn slot(&self, seat: Seat) -> Option<&Slot> {
        self.pages.get(page_of(seat) as usize)?.slots.get(index_of(seat))
    }

    /// Gives or restores a seat, which may be a new one.
    fn place(&mut self, seat: Seat, slot: &Slot) -> Result<(), Malformed> {
        if seat.0 > self.count.saturating_add(SEATS_PER_PAGE) {
            return Err(Malformed);
        }
        self.grow(seat.0 + 1);
        self.put(seat, slot);
        Ok(())
    }

    /// Another pass for the holder of a live seat.
    fn replace(&mut self, grant: Grant, renewal: Renewal, free_at: Millis) -> Result<(), Malformed> {
        if let Some(record) = self.get(grant.seat, grant.generation) {
            self.put(grant.seat, &Slot::live(&SeatRecord { grant, renewal, free_at, ..record })?);
        }
        Ok(())
    }

    /// Puts a slot in place of the one before, and keeps all that is derived.
    fn put(&mut self, seat: Seat, slot: &Slot) {
        let Some(page) = self.pages.get_mut(page_of(seat) as usize) else {
            return;
        };
        let Some(place) = page.slots.get_mut(index_of(seat)) else {
            return;
        };
        let before = std::mem::replace(place, *slot);
        page.note(index_of(seat), slot);
        self.live = self.live - u32::from(before.is_live()) + u32::from(slot.is_live());
        self.unconfirmed =
            self.unconfirmed - u32::from(before.is_unconfirmed()) + u32::from(slot.is_unconfirmed());
        if before.rank() == slot.rank() {
            return;
        }
        if let Some(rank) = before.rank() {
            self.by_rank.unlink(rank, seat);
        }
        if let Some(rank) = slot.rank() {
            self.by_rank.link(rank, seat);
        }
    }

    /// Free seats, until there are so many.
    fn grow(&mut self, count: u32) {
        while self.count < count {
            if self.count.is_multiple_of(SEATS_PER_PAGE) {
                self.pages.push(Page::new());
            }
            if self.by_rank.grow() {
                self.link_all();
            }
            let slot = Slot::free(Generation(0));
            if let Some(page) = self.pages.last_mut() {
                page.note(page.slots.len(), &slot);
                page.slots.push(slot);
            }
            self.count += 1;
        }
    }

    fn link_all(&mut self) {
        for seat in (0..self.count).map(Seat) {
            if let Some(rank) = self.slot(seat).and_then(Slot::rank) {
                self.by_rank.link(rank, seat);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::PassStanding;

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
        seats.renew(grant, Millis(5_000)).unwrap();
        seats.expire(Millis(4_999));
        assert_eq!((seats.live(), seats.unconfirmed()), (1, 0));
        seats.revoke(Seat(0), Generation(1), Millis(4_999 + 101)).unwrap();
        seats.expire(Millis(5_000));
        assert_eq!(seats.live(), 1);
        seats.expire(Millis(5_100));
        assert_eq!(seats.live(), 0);
    }

    #[test]
    fn a_time_that_no_longer_holds_frees_nobody_else() {
        let mut seats = Seats::default();
        seats.occupy(record(0, 9_000)).unwrap();
        seats.revoke(Seat(0), Generation(1), Millis(1_000)).unwrap();
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
        seats.renew(record(0, 0).grant, Millis(9_000)).unwrap();
        seats.expire(Millis(1_000));
        assert_eq!((seats.live(), seats.next_free_at()), (2, Some(Millis(2_000))));
        seats.revoke(Seat(0), Generation(1), Millis(1_500)).unwrap();
        assert_eq!(seats.next_free_at(), Some(Millis(1_500)));
        seats.expire(Millis(2_000));
        assert_eq!((seats.live(), seats.next_free_at()), (0, None));
    }

    #[test]
    fn renewals_take_no_memory() {
        let mut seats = Seats::default();
        seats.occupy(record(0, 1_000)).unwrap();
        let size = |seats: &Seats| {
            let page = &seats.pages[0];
            (seats.pages.capacity(), page.slots.capacity())
        };
        let before = size(&seats);
        for step in 1..10_000 {
            seats.expire(Millis(step * 100));
            seats.renew(record(0, 0).grant, Millis(1_000 + step * 100)).unwrap();
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
        seats.revoke(Seat(1), Generation(1), Millis(500)).unwrap();
        seats.expire(Millis(500));
        seats.occupy(SeatRecord { rank: None, ..record(1, 1_000) }).unwrap();
        assert_eq!([7, 71, 135, 199].map(|rank| seat_of(&seats, rank)), [Some(0), None, Some(2), None]);
    }

    #[test]
    fn a_seat_out_of_the_blue_is_refused() {
        assert!(Seats::default().occupy(record(1 << 31, 5)).is_err());
    }
}
