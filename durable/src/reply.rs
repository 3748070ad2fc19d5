//! What the Room answers to one batch, as bytes: what it keeps to answer a repetition, and what a lobby reads.

use crate::batch::{Grant, read_grant, write_grant};
use crate::codec::{Malformed, Reader, Writer};
use crate::units::{Epoch, Millis, PassEpoch, Rank};

/// Of a reply's bytes.
const VERSION: u8 = 1;

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// In.
    Granted(Grant),
    /// Called, but every seat is taken just now: the place is kept, ask again after so long.
    Next {
        /// When to come back.
        retry: Millis,
    },
    /// Not called yet: the board that said so was wrong or of another room.
    Waiting,
    /// Exchanged before, and the pass is out of reach of a repetition.
    Used,
    /// Of another epoch, given up, or later than the late window.
    Void,
}

/// What became of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewOutcome {
    /// Prolonged, or confirmed where the room does not prolong.
    Renewed(Grant),
    /// The seat is somebody else's by now, or was given up.
    Ended,
}

/// The answers to one batch, kind by kind in the order asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The epoch everything in here is of.
    pub epoch: Epoch,
    /// The pass epoch everything in here is of.
    pub pass_epoch: PassEpoch,
    /// The rank of the first join; the others follow without a gap.
    pub first_rank: Rank,
    /// When the joins took their ranks.
    pub joined_at: Millis,
    /// One for each claim.
    pub claims: Vec<ClaimOutcome>,
    /// One for each renewal.
    pub renewals: Vec<RenewOutcome>,
    /// Seats for the first of the enters; the others found the room busy.
    pub entered: Vec<Grant>,
    /// Seats for the region to have in hand: as many as it asked for, or fewer.
    pub leased: Vec<Grant>,
}

impl Reply {
    /// As bytes: what the Room keeps to answer a repetition.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.byte(VERSION);
        out.number(u64::from(self.epoch.0));
        out.number(u64::from(self.pass_epoch.0));
        out.number(self.first_rank.0);
        out.number(self.joined_at.0);
        out.number(self.claims.len() as u64);
        for claim in &self.claims {
            match claim {
                ClaimOutcome::Granted(grant) => {
                    out.byte(1);
                    write_grant(&mut out, grant);
                }
                ClaimOutcome::Next { retry } => {
                    out.byte(2);
                    out.number(retry.0);
                }
                ClaimOutcome::Waiting => out.byte(3),
                ClaimOutcome::Used => out.byte(4),
                ClaimOutcome::Void => out.byte(5),
            }
        }
        out.number(self.renewals.len() as u64);
        for renewal in &self.renewals {
            match renewal {
                RenewOutcome::Renewed(grant) => {
                    out.byte(1);
                    write_grant(&mut out, grant);
                }
                RenewOutcome::Ended => out.byte(2),
            }
        }
        out.number(self.entered.len() as u64);
        for grant in &self.entered {
            write_grant(&mut out, grant);
        }
        // Nothing of them is said to a region of before, which asks for none.
        if !self.leased.is_empty() {
            out.number(self.leased.len() as u64);
            self.leased.iter().for_each(|grant| write_grant(&mut out, grant));
        }
        out.into_bytes()
    }

    /// Reads what [`Reply::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Reply, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.byte() != VERSION {
            return Err(Malformed);
        }
        let mut reply = Reply {
            epoch: Epoch(reader.number_u32()),
            pass_epoch: PassEpoch(reader.number_u32()),
            first_rank: Rank(reader.number()),
            joined_at: Millis(reader.number()),
            ..Reply::default()
        };
        for _ in 0..reader.count(1) {
            reply.claims.push(match reader.byte() {
                1 => ClaimOutcome::Granted(read_grant(&mut reader)),
                2 => ClaimOutcome::Next { retry: Millis(reader.number()) },
                3 => ClaimOutcome::Waiting,
                4 => ClaimOutcome::Used,
                tag => {
                    reader.expect(tag == 5);
                    ClaimOutcome::Void
                }
            });
        }
        for _ in 0..reader.count(1) {
            reply.renewals.push(match reader.byte() {
                1 => RenewOutcome::Renewed(read_grant(&mut reader)),
                tag => {
                    reader.expect(tag == 2);
                    RenewOutcome::Ended
                }
            });
        }
        for _ in 0..reader.count(1) {
            reply.entered.push(read_grant(&mut reader));
        }
        let leased = if reader.is_empty() { 0 } else { reader.count(1) };
        (0..leased).for_each(|_| reply.leased.push(read_grant(&mut reader)));
        reader.end()?;
        Ok(reply)
    }
}
