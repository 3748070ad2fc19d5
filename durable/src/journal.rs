//! The journal: one row for each commit of a Room, with *what changed*, not what was asked. DESIGN 4.
//!
//! Every number a later rule could compute differently (when a window closes, when a seat is free
//! again) is in the row, so later code reads an old row the same way. A row of a version this code does not know
//! is refused and not guessed at: a Room that cannot read its own past must not go on.

use crate::batch::{BatchName, Grant, read_grant, write_grant};
use crate::codec::{Malformed, Reader, Writer};
use crate::units::{Generation, Millis, Place, Rank, Seat};

const VERSION: u8 = 1;

/// One thing that changed in a Room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The operator's settings, as canonical JSON.
    Configured {
        /// The settings' version: older ones never come back.
        version: u64,
        /// The directory's version that brought them.
        directory_version: u64,
        /// Canonical JSON.
        settings: String,
    },
    /// So many ranks were given, from the next one on.
    Joined {
        /// How many.
        count: u64,
    },
    /// The watermark moved up to `end`.
    Called {
        /// Every place below it has now been called.
        end: Place,
        /// How many of the newly called have not left.
        holding: u32,
        /// When they stop holding seats.
        closes_at: Millis,
        /// When they may no longer enter.
        late_until: Millis,
    },
    /// A seat was given.
    Admitted {
        /// For this ticket; none at first contact.
        rank: Option<Rank>,
        /// All that the pass says.
        grant: Grant,
        /// When the seat is free again if nothing else happens.
        free_at: Millis,
    },
    /// A pass was prolonged or confirmed.
    Renewed {
        /// All that the new pass says.
        grant: Grant,
        /// When the seat is free again if nothing else happens.
        free_at: Millis,
    },
    /// A ticket was given up.
    TicketLeft {
        /// Whose.
        rank: Rank,
    },
    /// A pass was given up early: it stands on the revocation list from now on.
    PassLeft {
        /// Its seat.
        seat: Seat,
        /// Its generation.
        generation: Generation,
        /// When the seat is free again.
        free_at: Millis,
        /// When its entry may leave the list.
        forget_at: Millis,
    },
    /// A called place found every seat taken and is kept.
    Kept {
        /// Whose.
        rank: Rank,
    },
    /// What the pacers remember.
    Paced {
        /// See [`crate::pace::Pacer`].
        tat_ns: u64,
        /// The same for latecomers.
        late_tat_ns: u64,
    },
    /// A batch was answered.
    Answered {
        /// The batch.
        name: BatchName,
        /// Its content's SHA-256.
        digest: [u8; 32],
        /// The reply's bytes.
        reply: Vec<u8>,
    },
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The Room's clock.
    pub at: Millis,
    /// In the order they were made.
    pub changes: Vec<Change>,
}

impl Row {
    /// As the bytes of a journal row.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(VERSION);
        out.number(self.at.0);
        out.number(self.changes.len() as u64);
        for change in &self.changes {
            change.encode(&mut out);
        }
        out.into_bytes()
    }

    /// Reads what [`Row::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Row, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != VERSION {
            return Err(Malformed("a journal row of version 1"));
        }
        let at = Millis(reader.number()?);
        let count = reader.count(1)?;
        let changes = (0..count).map(|_| Change::decode(&mut reader)).collect::<Result<Vec<_>, _>>()?;
        reader.end()?;
        Ok(Row { at, changes })
    }
}

impl Change {
    fn encode(&self, out: &mut Writer) {
        match self {
            Change::Configured { version, directory_version, settings } => {
                out.byte(1);
                out.number(*version);
                out.number(*directory_version);
                out.blob(settings.as_bytes());
            }
            Change::Joined { count } => {
                out.byte(2);
                out.number(*count);
            }
            Change::Called { end, holding, closes_at, late_until } => {
                out.byte(3);
                for number in [end.0, u64::from(*holding), closes_at.0, late_until.0] {
                    out.number(number);
                }
            }
            Change::Admitted { rank, grant, free_at } => {
                out.byte(if rank.is_some() { 4 } else { 5 });
                if let Some(rank) = rank {
                    out.number(rank.0);
                }
                write_grant(out, grant);
                out.number(free_at.0);
            }
            Change::Renewed { grant, free_at } => {
                out.byte(6);
                write_grant(out, grant);
                out.number(free_at.0);
            }
            Change::TicketLeft { rank } => {
                out.byte(7);
                out.number(rank.0);
            }
            Change::PassLeft { seat, generation, free_at, forget_at } => {
                out.byte(8);
                for number in [u64::from(seat.0), u64::from(generation.0), free_at.0, forget_at.0] {
                    out.number(number);
                }
            }
            Change::Kept { rank } => {
                out.byte(9);
                out.number(rank.0);
            }
            Change::Paced { tat_ns, late_tat_ns } => {
                out.byte(10);
                out.number(*tat_ns);
                out.number(*late_tat_ns);
            }
            Change::Answered { name, digest, reply } => {
                out.byte(11);
                out.blob(name.lobby.as_bytes());
                out.fixed(&name.incarnation);
                out.number(name.number);
                out.fixed(digest);
                out.blob(reply);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Change, Malformed> {
        Ok(match reader.byte()? {
            1 => Change::Configured {
                version: reader.number()?,
                directory_version: reader.number()?,
                settings: read_text(reader)?,
            },
            2 => Change::Joined { count: reader.number()? },
            3 => Change::Called {
                end: Place(reader.number()?),
                holding: reader.number_u32()?,
                closes_at: Millis(reader.number()?),
                late_until: Millis(reader.number()?),
            },
            tag @ (4 | 5) => Change::Admitted {
                rank: if tag == 4 { Some(Rank(reader.number()?)) } else { None },
                grant: read_grant(reader)?,
                free_at: Millis(reader.number()?),
            },
            6 => Change::Renewed { grant: read_grant(reader)?, free_at: Millis(reader.number()?) },
            7 => Change::TicketLeft { rank: Rank(reader.number()?) },
            8 => Change::PassLeft {
                seat: Seat(reader.number_u32()?),
                generation: Generation(reader.number_u32()?),
                free_at: Millis(reader.number()?),
                forget_at: Millis(reader.number()?),
            },
            9 => Change::Kept { rank: Rank(reader.number()?) },
            10 => Change::Paced { tat_ns: reader.number()?, late_tat_ns: reader.number()? },
            11 => Change::Answered {
                name: BatchName {
                    lobby: read_text(reader)?,
                    incarnation: reader.fixed()?,
                    number: reader.number()?,
                },
                digest: reader.fixed()?,
                reply: reader.blob()?.to_vec(),
            },
            _ => return Err(Malformed("a change this version knows")),
        })
    }
}

/// Text behind its length.
pub(crate) fn read_text(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let bytes = reader.blob()?;
    Ok(std::str::from_utf8(bytes).map_err(|_| Malformed("UTF-8 text"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::PassStanding;

    fn every_change() -> Row {
        let grant = Grant {
            seat: Seat(1),
            generation: Generation(2),
            issued: Millis(3),
            expires: Millis(4),
            standing: PassStanding::Confirmed,
        };
        Row {
            at: Millis(1_800_000_000_000),
            changes: vec![
                Change::Configured { version: 1, directory_version: 2, settings: "{}".into() },
                Change::Joined { count: 300 },
                Change::Called { end: Place(9), holding: 8, closes_at: Millis(7), late_until: Millis(8) },
                Change::Admitted { rank: Some(Rank(5)), grant, free_at: Millis(6) },
                Change::Admitted { rank: None, grant, free_at: Millis(6) },
                Change::Renewed { grant, free_at: Millis(6) },
                Change::TicketLeft { rank: Rank(5) },
                Change::PassLeft {
                    seat: Seat(1),
                    generation: Generation(2),
                    free_at: Millis(3),
                    forget_at: Millis(4),
                },
                Change::Kept { rank: Rank(5) },
                Change::Paced { tat_ns: 1, late_tat_ns: 2 },
                Change::Answered {
                    name: BatchName { lobby: "l".into(), incarnation: [1; 16], number: 2 },
                    digest: [3; 32],
                    reply: vec![4],
                },
            ],
        }
    }

    #[test]
    fn a_row_survives_the_round_trip() {
        let row = every_change();
        assert_eq!(Row::decode(&row.encode()), Ok(row));
    }

    #[test]
    fn the_bytes_are_pinned() {
        // Written by hand from the format's description. Rows outlive deploys: never change them, add a tag.
        let row = Row {
            at: Millis(300),
            changes: vec![
                Change::Joined { count: 2 },
                Change::Called { end: Place(2), holding: 1, closes_at: Millis(5), late_until: Millis(6) },
                Change::TicketLeft { rank: Rank(1) },
            ],
        };
        assert_eq!(row.encode(), [1, 0xac, 2, 3, 2, 2, 3, 2, 1, 5, 6, 7, 1]);
    }

    #[test]
    fn a_row_that_is_cut_or_of_a_later_version_is_refused() {
        let bytes = every_change().encode();
        for length in 0..bytes.len() {
            assert!(Row::decode(&bytes[..length]).is_err());
        }
        assert!(Row::decode(&[2, 0, 0]).is_err());
        assert!(Row::decode(&[1, 0, 1, 99]).is_err());
    }
}
