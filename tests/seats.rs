//! Seats against a model that is too simple to be wrong: a list of records, searched from end to end. Whatever happens, in
//! whatever order, all that can be asked of the one is what the other says, and what is stored comes back.

use durable::batch::Grant;
use durable::seats::{Renewal, SEATS_PER_PAGE, SeatRecord, Seats};
use durable::token::PassStanding;
use durable::units::{Generation, Millis, Rank, Seat};

/// The records alone, and the generation that each seat was last given in.
#[derive(Default)]
struct Model {
    held: Vec<Option<SeatRecord>>,
    generations: Vec<u32>,
}

impl Model {
    fn live(&self) -> impl Iterator<Item = &SeatRecord> {
        self.held.iter().flatten()
    }

    fn lowest_free(&self) -> (Seat, Generation) {
        let seat = self.held.iter().position(Option::is_none).unwrap_or(self.held.len());
        (Seat(seat as u32), Generation(self.generations.get(seat).map_or(1, |last| last.wrapping_add(1))))
    }

    fn occupy(&mut self, record: SeatRecord) {
        let seat = record.grant.seat.0 as usize;
        self.held.resize(self.held.len().max(seat + 1), None);
        self.generations.resize(self.held.len(), 0);
        self.held[seat] = Some(record);
        self.generations[seat] = record.grant.generation.0;
    }

    fn expire(&mut self, now: u64) {
        for (held, generation) in self.held.iter_mut().zip(&mut self.generations) {
            let Some(gone) = held.take_if(|held| held.free_at.0 <= now) else { continue };
            // Whoever gave their seat up does not come back to it.
            *generation = generation.wrapping_add(u32::from(gone.renewal == Renewal::Revoked));
        }
    }
}

/// Both, side by side.
#[derive(Default)]
struct Pair {
    seats: Seats,
    model: Model,
    now: u64,
    ranks: u64,
    luck: u64,
}

impl Pair {
    fn dice(&mut self, sides: usize) -> usize {
        self.luck = self.luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.luck >> 33) % sides.max(1) as u64) as usize
    }

    /// A time to come, within `span`, to the millisecond: here nothing is rounded.
    fn later(&mut self, span: usize) -> Millis {
        Millis(self.now + 1 + self.dice(span) as u64)
    }

    fn any(&mut self) -> Option<SeatRecord> {
        let any = self.dice(self.model.held.len());
        self.model.held.get(any).copied().flatten()
    }

    fn give(&mut self, span: usize) {
        let (seat, generation) = self.seats.lowest_free();
        assert_eq!((seat, generation), self.model.lowest_free());
        let standing = if self.dice(3) == 0 { PassStanding::Unconfirmed } else { PassStanding::Confirmed };
        let free_at = self.later(span);
        let (issued, expires) = (Millis(self.now), Millis(free_at.0.saturating_sub(7)));
        let rank = (self.dice(4) > 0).then_some(Rank(self.ranks));
        let admitted_at = issued;
        let grant = Grant { seat, generation, issued, expires, standing };
        let record = SeatRecord { grant, rank, admitted_at, renewal: Renewal::Never, free_at };
        self.ranks += 1;
        self.seats.occupy(record).unwrap();
        self.model.occupy(record);
    }

    fn renew(&mut self, span: usize) {
        let free_at = self.later(span);
        if let Some(record) = self.any() {
            let grant = Grant { issued: Millis(self.now), standing: PassStanding::Confirmed, ..record.grant };
            let renewed = SeatRecord { grant, renewal: Renewal::Renewed, free_at, ..record };
            self.seats.renew(grant, free_at).unwrap();
            self.model.occupy(renewed);
            // Of another generation, nothing changes.
            let stale = Grant { generation: Generation(grant.generation.0.wrapping_sub(1)), ..grant };
            self.seats.renew(stale, Millis(1)).unwrap();
            self.seats.revoke(stale.seat, stale.generation, Millis(1)).unwrap();
        }
    }

    fn revoke(&mut self, span: usize) {
        let soon = self.later(span / 8);
        if let Some(record) = self.any() {
            let Grant { seat, generation, .. } = record.grant;
            let free_at = record.free_at.min(soon);
            self.seats.revoke(seat, generation, free_at).unwrap();
            self.model.occupy(SeatRecord { renewal: Renewal::Revoked, free_at, ..record });
        }
    }

    fn pass(&mut self, millis: usize) {
        // Now and then to the very millisecond in which a seat comes free, or to the last before.
        let exactly = self.any().map_or(0, |record| record.free_at.0);
        let exactly = exactly - (self.dice(2) as u64).min(exactly);
        let some = self.now + self.dice(millis) as u64;
        self.now = if exactly > self.now && exactly < self.now + millis as u64 { exactly } else { some };
        self.seats.expire(Millis(self.now));
        self.model.expire(self.now);
    }

    fn turn(&mut self, span: usize) {
        match self.dice(10) {
            0..5 => self.give(span),
            5..8 => self.renew(span),
            8 => self.revoke(span),
            _ => self.pass(span / 100),
        }
    }

    /// Everything that can be asked.
    fn check(&self, seats: &Seats) {
        let model = &self.model;
        let unconfirmed = model.live().filter(|record| record.grant.standing == PassStanding::Unconfirmed);
        assert_eq!(
            (seats.live(), seats.unconfirmed()),
            (model.live().count() as u32, unconfirmed.count() as u32)
        );
        assert_eq!(seats.lowest_free(), model.lowest_free());
        let soonest = model.live().map(|record| record.free_at).min();
        assert!(soonest.is_none() || seats.next_free_at() <= soonest);
        for record in model.live() {
            let Grant { seat, generation, .. } = record.grant;
            assert_eq!(seats.get(seat, generation), Some(*record));
            assert_eq!(seats.get(seat, Generation(generation.0.wrapping_add(1))), None);
            if let Some(rank) = record.rank {
                assert_eq!(seats.of_rank(rank), Some(*record));
            }
        }
        // Ranks are given once, so of all that were, as many are found as hold seats.
        let found = (0..self.ranks).filter(|rank| seats.of_rank(Rank(*rank)).is_some()).count();
        assert_eq!(found, model.live().filter(|record| record.rank.is_some()).count());
    }

    /// What is stored comes back, and is stored the same again.
    fn check_stored(&self) {
        let mut copy = Seats::default();
        let pages: Vec<_> = (0..self.seats.page_count()).map(|page| self.seats.encode_page(page)).collect();
        for (page, bytes) in (0..).zip(&pages) {
            copy.decode_page(page, bytes).unwrap();
            assert_eq!(copy.encode_page(page), *bytes);
        }
        self.check(&copy);
        copy.expire(Millis(u64::MAX));
        assert_eq!((copy.live(), copy.next_free_at()), (0, None));
    }
}

#[test]
fn whatever_happens_seats_are_what_the_records_say() {
    for luck in 1..9 {
        let mut pair = Pair { luck, ..Pair::default() };
        for step in 0..3_000 {
            pair.turn(30_000);
            if step % 20 == 0 {
                pair.check(&pair.seats);
            }
        }
        assert!(pair.model.held.len() > 256, "chains were lengthened");
        pair.check_stored();
    }
}

#[test]
fn it_is_the_same_over_several_pages() {
    let mut pair = Pair { luck: 1, ..Pair::default() };
    let crowd = 2 * SEATS_PER_PAGE as usize + 100;
    (0..crowd).for_each(|_| pair.give(1_000_000));
    assert_eq!(pair.seats.page_count(), 3);
    for step in 0..4_000 {
        pair.turn(1_000_000);
        if step % 400 == 0 {
            pair.check(&pair.seats);
        }
    }
    pair.check(&pair.seats);
    pair.check_stored();
    // Whole pages come free and are given again from the lowest seat on.
    pair.now += 2_000_000;
    pair.seats.expire(Millis(pair.now));
    pair.model.expire(pair.now);
    assert_eq!((pair.seats.live(), pair.seats.lowest_free().0), (0, Seat(0)));
    (0..crowd).for_each(|_| pair.give(1_000_000));
    pair.check(&pair.seats);
}

#[test]
fn a_time_that_cannot_be_kept_changes_nothing() {
    let mut pair = Pair { luck: 1, ..Pair::default() };
    pair.give(1_000);
    let record = *pair.model.live().next().unwrap();
    let Grant { seat, generation, .. } = record.grant;
    let never = Millis(1 << 48);
    assert!(pair.seats.renew(record.grant, never).is_err());
    assert!(pair.seats.revoke(seat, generation, never).is_err());
    assert!(pair.seats.occupy(SeatRecord { free_at: never, ..record }).is_err());
    pair.check(&pair.seats);
}
