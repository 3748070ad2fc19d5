//! The journal: one row for each commit of a Room, with *what changed*, not what was asked.
//!
//! Every number a later rule could compute differently (when a window closes, when a seat is free
//! again) is in the row, so later code reads an old row the same way. A row of a version this code does not know
//! is refused and not guessed at: a Room that cannot read its own past must not go on.

use crate::batch::{BatchName, Grant, read_grant, write_grant};
use crate::codec::{Malformed, Reader, Writer};
use crate::draw::Draw;
use crate::draws::{Occasion, read_draw, read_occasion, write_draw, write_occasion};
use crate::health::Health;
use crate::listed::Listed as _;
use crate::rounds::{read_ranks, write_ranks};
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
    /// A seat was given back to whoever had it last: their pass had expired.
    Returned {
        /// All that the new pass says: seat and generation are those of the old one.
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
    /// A region gives back a seat that it had in hand: nobody has had a pass for it, or was admitted by it.
    LeaseReturned {
        /// The seat.
        seat: Seat,
        /// Its generation.
        generation: Generation,
        /// When it was given.
        given_at: Millis,
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
    /// The room's events, as JSON.
    Scheduled {
        /// The list.
        events: String,
    },
    /// Nobody may claim from now on, or people may again.
    Held {
        /// The windows' clock stands still.
        held: bool,
    },
    /// Nobody may claim since then, though it is noticed only now.
    HeldSince {
        /// The windows' clock stands still at this moment.
        since: Millis,
    },
    /// The next ranks begin an entry of their own in the clock of waits.
    Promised {
        /// What the first of them was promised; zero if nothing.
        wait: Millis,
    },
    /// Calls that closed were learnt from.
    Learnt {
        /// So many were called.
        called: u64,
        /// Of these, so many came.
        claimed: u64,
    },
    /// A draw's seed was fixed.
    Sealed {
        /// What for.
        occasion: Occasion,
        /// Secret.
        seed: [u8; 32],
    },
    /// People are gathered for a draw from the next rank on, or are no longer.
    Gathering {
        /// For this event; none if it was called off.
        event: Option<[u8; 16]>,
    },
    /// Those who joined were mixed into the hash of a draw.
    Mixed {
        /// The hash of the joins so far.
        hash: [u8; 32],
    },
    /// A draw was held.
    Drawn {
        /// What for.
        occasion: Occasion,
        /// Everything about it.
        draw: Draw,
    },
    /// A chain of seeds was fixed for rounds.
    ChainBegun {
        /// Its last seed. Secret.
        tip: [u8; 32],
        /// What is told of it.
        commitment: [u8; 32],
    },
    /// A round was held.
    Round {
        /// The ranks it drew among, and its seed.
        draw: Draw,
        /// How many images won.
        cut: u64,
        /// Winners that had been called already, by an earlier round or in the order of places.
        doubles: Vec<Rank>,
        /// How many it called.
        holding: u32,
        /// When they stop holding seats.
        closes_at: Millis,
        /// When they may no longer enter.
        late_until: Millis,
    },
    /// All sessions ended.
    SessionsEnded {
        /// For the prequeue of this event; none if the operator wanted it.
        occasion: Option<Occasion>,
        /// When every seat is free again at the latest.
        free_at: Millis,
    },
    /// The operator reset the room: tickets and passes of before are void, and ranks begin anew.
    EpochBegun {
        /// When every seat is free again at the latest.
        free_at: Millis,
    },
    /// Edges told what they saw of the origin.
    OriginHeard {
        /// Sums.
        health: Health,
    },
    /// What was heard of the origin was judged.
    OriginJudged {
        /// Admissions in a minute from now on; none: the limit.
        pace: Option<u32>,
        /// The limit.
        limit: u32,
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
        if reader.byte() != VERSION {
            return Err(Malformed);
        }
        let at = Millis(reader.number());
        let count = reader.count(1);
        let changes = (0..count).map(|_| Change::decode(&mut reader)).listed();
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
            Change::Scheduled { events } => {
                out.byte(12);
                out.blob(events.as_bytes());
            }
            Change::Held { held } => {
                out.byte(13);
                out.byte(u8::from(*held));
            }
            Change::Promised { wait } => {
                out.byte(14);
                out.number(wait.0);
            }
            Change::Learnt { called, claimed } => {
                out.byte(15);
                out.number(*called);
                out.number(*claimed);
            }
            Change::Sealed { occasion, seed } => {
                out.byte(16);
                write_occasion(out, *occasion);
                out.fixed(seed);
            }
            Change::Gathering { event } => {
                out.byte(if event.is_some() { 17 } else { 18 });
                if let Some(event) = event {
                    out.fixed(event);
                }
            }
            Change::Mixed { hash } => {
                out.byte(19);
                out.fixed(hash);
            }
            Change::Drawn { occasion, draw } => {
                out.byte(20);
                write_occasion(out, *occasion);
                write_draw(out, draw);
            }
            Change::ChainBegun { tip, commitment } => {
                out.byte(21);
                out.fixed(tip);
                out.fixed(commitment);
            }
            Change::Round { draw, cut, doubles, holding, closes_at, late_until } => {
                out.byte(22);
                write_draw(out, draw);
                write_ranks(out, doubles);
                for number in [*cut, u64::from(*holding), closes_at.0, late_until.0] {
                    out.number(number);
                }
            }
            Change::SessionsEnded { occasion, free_at } => {
                out.byte(if occasion.is_some() { 23 } else { 24 });
                if let Some(occasion) = occasion {
                    write_occasion(out, *occasion);
                }
                out.number(free_at.0);
            }
            Change::HeldSince { since } => {
                out.byte(25);
                out.number(since.0);
            }
            Change::Returned { grant, free_at } => {
                out.byte(26);
                write_grant(out, grant);
                out.number(free_at.0);
            }
            Change::OriginHeard { health } => {
                out.byte(27);
                health.encode(out);
            }
            Change::LeaseReturned { seat, generation, given_at } => {
                out.byte(31);
                out.number(u64::from(seat.0));
                out.number(u64::from(generation.0));
                out.number(given_at.0);
            }
            Change::OriginJudged { pace, limit } => {
                out.byte(28);
                out.number(u64::from(pace.unwrap_or(0)));
                out.number(u64::from(*limit));
            }
            Change::EpochBegun { free_at } => {
                out.byte(30);
                out.number(free_at.0);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Change {
        match reader.byte() {
            1 => Change::Configured {
                version: reader.number(),
                directory_version: reader.number(),
                settings: read_text(reader),
            },
            2 => Change::Joined { count: reader.number() },
            3 => Change::Called {
                end: Place(reader.number()),
                holding: reader.number_u32(),
                closes_at: Millis(reader.number()),
                late_until: Millis(reader.number()),
            },
            tag @ (4 | 5) => Change::Admitted {
                rank: if tag == 4 { Some(Rank(reader.number())) } else { None },
                grant: read_grant(reader),
                free_at: Millis(reader.number()),
            },
            6 => Change::Renewed { grant: read_grant(reader), free_at: Millis(reader.number()) },
            7 => Change::TicketLeft { rank: Rank(reader.number()) },
            8 => Change::PassLeft {
                seat: Seat(reader.number_u32()),
                generation: Generation(reader.number_u32()),
                free_at: Millis(reader.number()),
                forget_at: Millis(reader.number()),
            },
            9 => Change::Kept { rank: Rank(reader.number()) },
            10 => Change::Paced { tat_ns: reader.number(), late_tat_ns: reader.number() },
            11 => Change::Answered {
                name: BatchName {
                    lobby: read_text(reader),
                    incarnation: reader.fixed(),
                    number: reader.number(),
                },
                digest: reader.fixed(),
                reply: reader.blob().to_vec(),
            },
            12 => Change::Scheduled { events: read_text(reader) },
            13 => Change::Held { held: reader.flag() },
            14 => Change::Promised { wait: Millis(reader.number()) },
            15 => Change::Learnt { called: reader.number(), claimed: reader.number() },
            16 => Change::Sealed { occasion: read_occasion(reader), seed: reader.fixed() },
            17 => Change::Gathering { event: Some(reader.fixed()) },
            18 => Change::Gathering { event: None },
            19 => Change::Mixed { hash: reader.fixed() },
            20 => Change::Drawn { occasion: read_occasion(reader), draw: read_draw(reader) },
            21 => Change::ChainBegun { tip: reader.fixed(), commitment: reader.fixed() },
            22 => Change::Round {
                draw: read_draw(reader),
                doubles: read_ranks(reader),
                cut: reader.number(),
                holding: reader.number_u32(),
                closes_at: Millis(reader.number()),
                late_until: Millis(reader.number()),
            },
            tag @ (23 | 24) => Change::SessionsEnded {
                occasion: if tag == 23 { Some(read_occasion(reader)) } else { None },
                free_at: Millis(reader.number()),
            },
            25 => Change::HeldSince { since: Millis(reader.number()) },
            26 => Change::Returned { grant: read_grant(reader), free_at: Millis(reader.number()) },
            27 => Change::OriginHeard { health: Health::decode(reader) },
            28 => Change::OriginJudged {
                pace: Some(reader.number_u32()).filter(|pace| *pace > 0),
                limit: reader.number_u32(),
            },
            // The first did not say when, and gave no pace back.
            tag @ (29 | 31) => Change::LeaseReturned {
                seat: Seat(reader.number_u32()),
                generation: Generation(reader.number_u32()),
                given_at: if tag == 31 { Millis(reader.number()) } else { Millis(0) },
            },
            30 => Change::EpochBegun { free_at: Millis(reader.number()) },
            _ => {
                reader.refuse();
                Change::Held { held: false }
            }
        }
    }
}

/// Text behind its length.
pub(crate) fn read_text(reader: &mut Reader<'_>) -> String {
    let text = std::str::from_utf8(reader.blob());
    reader.expect(text.is_ok());
    text.unwrap_or_default().to_owned()
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
        let occasion = Occasion { event: [1; 16], start: Millis(5) };
        let draw = Draw { first: Rank(6), count: 7, seed: [8; 32], hash: [9; 32] };
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
                Change::Scheduled { events: "[]".into() },
                Change::Held { held: true },
                Change::Promised { wait: Millis(9) },
                Change::Learnt { called: 8, claimed: 7 },
                Change::Sealed { occasion, seed: [2; 32] },
                Change::Gathering { event: Some([1; 16]) },
                Change::Gathering { event: None },
                Change::Mixed { hash: [3; 32] },
                Change::Drawn { occasion, draw },
                Change::ChainBegun { tip: [4; 32], commitment: [5; 32] },
                Change::Round {
                    draw,
                    cut: 3,
                    doubles: vec![Rank(9)],
                    holding: 2,
                    closes_at: Millis(1),
                    late_until: Millis(2),
                },
                Change::SessionsEnded { occasion: Some(occasion), free_at: Millis(3) },
                Change::SessionsEnded { occasion: None, free_at: Millis(3) },
                Change::HeldSince { since: Millis(1_700_000_000_000) },
                Change::Returned { grant, free_at: Millis(6) },
                Change::OriginHeard { health: Health { sampled: 3, errors: 2, slow: 1 } },
                Change::OriginJudged { pace: Some(4), limit: 5 },
                Change::OriginJudged { pace: None, limit: 5 },
                Change::LeaseReturned { seat: Seat(3), generation: Generation(4), given_at: Millis(5) },
                Change::EpochBegun { free_at: Millis(3) },
            ],
        }
    }

    #[test]
    fn a_row_survives_the_round_trip() {
        let row = every_change();
        assert_eq!(Row::decode(&row.encode()), Ok(row));
    }

    #[test]
    fn a_row_that_is_cut_wrong_or_of_a_later_version_is_refused() {
        let bytes = every_change().encode();
        for length in 0..bytes.len() {
            assert!(Row::decode(&bytes[..length]).is_err());
        }
        assert!(Row::decode(&[2, 0, 0]).is_err());
        assert!(Row::decode(&[1, 0, 1, 99]).is_err());
        assert!(Row::decode(&[1, 0, 1, 13, 1]).is_ok() && Row::decode(&[1, 0, 1, 13, 2]).is_err());
    }
}
