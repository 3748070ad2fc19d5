//! A seat's record: what of it is kept, in memory and on a stored page. It decides nothing.
//!
//! A million seats have to fit beside everything else in an isolate, so in memory a record takes 35 bytes where the
//! plain one takes 72: its five large numbers take six bytes each, as times do in every stored form, and the seat's
//! number is its index. What those six bytes cannot hold is refused and never cut: a seat that came free at another
//! time than was stored would break rule 1.

use crate::batch::{Grant, read_grant, write_grant};
use crate::codec::{Malformed, Reader, Writer};
use crate::planted::{Bug, planted};
use crate::token::PassStanding;
use crate::units::{Generation, Millis, Rank, Seat};

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

/// A number below 2^48.
type Six = [u8; 6];

/// A seat, packed: free, or live with its record.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    issued: Six,
    expires: Six,
    admitted_at: Six,
    free_at: Six,
    /// Zero stands for no ticket, so ranks are one higher.
    rank: Six,
    generation: [u8; 4],
    /// None if it is free.
    renewal: Option<Renewal>,
    standing: PassStanding,
}

impl Slot {
    /// A free seat and its last generation.
    pub fn free(generation: Generation) -> Slot {
        Slot {
            issued: [0; 6],
            expires: [0; 6],
            admitted_at: [0; 6],
            free_at: [0; 6],
            rank: [0; 6],
            generation: generation.0.to_le_bytes(),
            renewal: None,
            standing: PassStanding::Confirmed,
        }
    }

    /// A live seat. Its number is not kept.
    pub fn live(record: &SeatRecord) -> Result<Slot, Malformed> {
        let SeatRecord { grant, rank, admitted_at, renewal, free_at } = record;
        let rank = stored_rank(*rank);
        if (grant.issued.0 | grant.expires.0 | admitted_at.0 | free_at.0 | rank) >> 48 != 0 {
            return Err(Malformed);
        }
        Ok(Slot {
            issued: pack(grant.issued.0),
            expires: pack(grant.expires.0),
            admitted_at: pack(admitted_at.0),
            free_at: pack(free_at.0),
            rank: pack(rank),
            generation: grant.generation.0.to_le_bytes(),
            renewal: Some(*renewal),
            standing: grant.standing,
        })
    }

    /// What is left of a live one once its time has come. Whoever gave their seat up does not come back to it: theirs is not its last generation.
    #[must_use]
    pub fn freed(&self) -> Slot {
        let given_up = self.renewal == Some(Renewal::Revoked) && !planted(Bug::GivenUpReturns);
        Slot::free(Generation(self.generation().0.wrapping_add(u32::from(given_up))))
    }

    /// Whether it is.
    pub fn is_live(&self) -> bool {
        self.renewal.is_some()
    }

    /// Whether it is live, and its pass was taken back.
    pub fn is_given_up(&self) -> bool {
        self.renewal == Some(Renewal::Revoked)
    }

    /// Of its holder, or of the last one.
    pub fn generation(&self) -> Generation {
        Generation(u32::from_le_bytes(self.generation))
    }

    /// When it is free again; of a live seat.
    pub fn free_at(&self) -> Millis {
        Millis(unpack(self.free_at))
    }

    /// The ticket it was given for, if it is live.
    pub fn rank(&self) -> Option<Rank> {
        unpack(self.rank).checked_sub(1).map(Rank)
    }

    /// Whether it is live by a pass given at first contact and not confirmed.
    pub fn is_unconfirmed(&self) -> bool {
        self.is_live() && self.standing == PassStanding::Unconfirmed
    }

    /// The record of a live one, whose number this is.
    pub fn record(&self, seat: Seat) -> Option<SeatRecord> {
        let renewal = self.renewal?;
        let grant = Grant {
            seat,
            generation: self.generation(),
            issued: Millis(unpack(self.issued)),
            expires: Millis(unpack(self.expires)),
            standing: self.standing,
        };
        let admitted_at = Millis(unpack(self.admitted_at));
        Some(SeatRecord { grant, rank: self.rank(), admitted_at, renewal, free_at: self.free_at() })
    }

    /// As bytes of a stored page.
    pub fn encode(&self, seat: Seat, out: &mut Writer) {
        let Some(record) = self.record(seat) else {
            out.byte(0);
            out.number(u64::from(self.generation().0));
            return;
        };
        out.byte(match record.renewal {
            Renewal::Never => 1,
            Renewal::Renewed => 2,
            Renewal::Revoked => 3,
        });
        write_grant(out, &record.grant);
        out.number(stored_rank(record.rank));
        out.number(record.admitted_at.0);
        out.number(record.free_at.0);
    }

    /// Reads what [`Slot::encode`] wrote for this seat.
    pub fn decode(seat: Seat, reader: &mut Reader<'_>) -> Slot {
        let renewal = match reader.byte() {
            0 => return Slot::free(Generation(reader.number_u32())),
            1 => Renewal::Never,
            2 => Renewal::Renewed,
            tag => {
                reader.expect(tag == 3);
                Renewal::Revoked
            }
        };
        let record = SeatRecord {
            grant: read_grant(reader),
            rank: reader.number().checked_sub(1).map(Rank),
            admitted_at: Millis(reader.number()),
            renewal,
            free_at: Millis(reader.number()),
        };
        let slot = Slot::live(&record).ok().filter(|_| record.grant.seat == seat);
        reader.expect(slot.is_some());
        slot.unwrap_or_else(|| Slot::free(Generation(0)))
    }
}

fn stored_rank(rank: Option<Rank>) -> u64 {
    rank.map_or(0, |rank| rank.0.saturating_add(1))
}

/// Of a number below 2^48.
fn pack(number: u64) -> Six {
    let [low @ .., _, _] = number.to_le_bytes();
    low
}

fn unpack(six: Six) -> u64 {
    let mut bytes = [0; 8];
    let [low @ .., _, _] = &mut bytes;
    *low = six;
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u64 = (1 << 48) - 1;

    fn record() -> SeatRecord {
        SeatRecord {
            grant: Grant {
                seat: Seat(5),
                generation: Generation(1),
                issued: Millis(300),
                expires: Millis(400),
                standing: PassStanding::Confirmed,
            },
            rank: Some(Rank(6)),
            admitted_at: Millis(7),
            renewal: Renewal::Revoked,
            free_at: Millis(500),
        }
    }

    /// Sets one number of a record.
    type Set = fn(&mut SeatRecord, u64);
    const NUMBERS: [Set; 5] = [
        |record, number| record.grant.issued = Millis(number),
        |record, number| record.grant.expires = Millis(number),
        |record, number| record.admitted_at = Millis(number),
        |record, number| record.free_at = Millis(number),
        |record, number| record.rank = number.checked_sub(1).map(Rank),
    ];

    fn decoded(seat: u32, bytes: &[u8]) -> Result<Slot, Malformed> {
        let mut reader = Reader::new(bytes);
        let slot = Slot::decode(Seat(seat), &mut reader);
        reader.checked().map(|()| slot)
    }

    fn encoded(slot: Slot) -> Vec<u8> {
        let mut out = Writer::new();
        slot.encode(Seat(5), &mut out);
        out.into_bytes()
    }

    #[test]
    fn a_million_take_little_more_than_their_numbers() {
        assert!(size_of::<Slot>() <= 36, "{} bytes", size_of::<Slot>());
        assert_eq!(align_of::<Slot>(), 1);
    }

    #[test]
    fn every_field_is_exact_at_its_bounds_packed_and_stored() {
        for set in NUMBERS {
            for number in [0, 1, 0xff, 0x100, 1 << 40, MOST - 1, MOST] {
                for renewal in [Renewal::Never, Renewal::Renewed, Renewal::Revoked] {
                    for standing in [PassStanding::Unconfirmed, PassStanding::Confirmed] {
                        for generation in [0, 1, u32::MAX] {
                            let mut record = record();
                            set(&mut record, number);
                            record.renewal = renewal;
                            record.grant.standing = standing;
                            record.grant.generation = Generation(generation);
                            let slot = Slot::live(&record).unwrap();
                            assert_eq!(slot.record(Seat(5)), Some(record));
                            let bytes = encoded(slot);
                            let read = decoded(5, &bytes).unwrap();
                            assert_eq!(read.record(Seat(5)), Some(record));
                        }
                    }
                }
            }
        }
        let free = Slot::free(Generation(u32::MAX));
        let read = decoded(5, &encoded(free)).unwrap();
        assert_eq!((read.record(Seat(5)), read.generation()), (None, Generation(u32::MAX)));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_not_cut() {
        for set in NUMBERS {
            for number in [MOST + 1, u64::MAX] {
                let mut record = record();
                set(&mut record, number);
                assert!(Slot::live(&record).is_err());
            }
        }
        // As an old row could have it: live, generation 1, and a time of 2^48.
        let mut out = Writer::new();
        out.byte(1);
        write_grant(&mut out, &Grant { expires: Millis(MOST + 1), ..record().grant });
        [7, 7, 500].iter().for_each(|number| out.number(*number));
        assert!(decoded(5, &out.into_bytes()).is_err());
    }

    #[test]
    fn the_bytes_are_pinned() {
        // Written by hand from the format's description. Pages outlive deploys.
        let live = [3, 5, 1, 0xac, 2, 0x90, 3, 1, 7, 7, 0xf4, 3];
        assert_eq!(encoded(Slot::live(&record()).unwrap()), live);
        assert_eq!(encoded(Slot::free(Generation(300))), [0, 0xac, 2]);
        let first_contact = SeatRecord { rank: None, renewal: Renewal::Never, ..record() };
        let live = [1, 5, 1, 0xac, 2, 0x90, 3, 1, 0, 7, 0xf4, 3];
        assert_eq!(encoded(Slot::live(&first_contact).unwrap()), live);
    }

    #[test]
    fn a_slot_that_is_cut_or_another_seats_is_refused() {
        let bytes = encoded(Slot::live(&record()).unwrap());
        for length in 0..bytes.len() {
            assert!(decoded(5, &bytes[..length]).is_err());
        }
        assert!(decoded(6, &bytes).is_err());
        assert!(decoded(5, &[4, 5]).is_err());
    }
}
