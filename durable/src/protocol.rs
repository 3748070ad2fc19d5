//! What edge, leaf lobby, Room and directory say to each other, and what a Room tells operators: JSON with names, so
//! that an old Worker may call a new object and the other way round.
//!
//! The edge has verified every token before it asks; tokens themselves do not travel, their fields
//! do. What comes back is signed by the leaf and goes into a cookie as it is.

use crate::board::{Board, Phase, Revocations};
use crate::health::{Health, Note};
use crate::json::Value;
use crate::schedule::Event;
use crate::wire::{wire, wire_either};

/// One visitor's wish, or the edge's own for a newer board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Wish {
    /// First contact while the board says open.
    Enter {
        /// A fresh holder: tells this first contact from every other.
        holder: [u8; 16],
    },
    /// An arrival that came back.
    Join {
        /// The arrival's holder.
        holder: [u8; 16],
    },
    /// A called ticket for a pass.
    Claim {
        /// The ticket's epoch.
        epoch: u32,
        /// The ticket's rank.
        rank: u64,
    },
    /// A due pass.
    Renew {
        /// The pass's epoch.
        epoch: u32,
        /// The pass's pass epoch.
        pass_epoch: u32,
        /// Its seat.
        seat: u32,
        /// Its generation.
        generation: u32,
    },
    /// A ticket given up.
    LeaveTicket {
        /// The ticket's epoch.
        epoch: u32,
        /// The ticket's rank.
        rank: u64,
    },
    /// A pass given up.
    LeavePass {
        /// The pass's epoch.
        epoch: u32,
        /// The pass's pass epoch.
        pass_epoch: u32,
        /// Its seat.
        seat: u32,
        /// Its generation.
        generation: u32,
    },
    /// What an isolate saw of the origin: it asks for nothing.
    Health {
        /// See [`Health`].
        sampled: u32,
        /// See there.
        errors: u32,
        /// See there.
        slow: u32,
    },
    /// Nothing but the newest board.
    #[default]
    Board,
}

/// Where somebody joins from, if the room counts that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbourhood {
    /// Their address prefix (`prefix.rs`).
    pub prefix: [u8; 4],
    /// So many of it may join in a minute.
    pub joins_per_minute: u32,
}

/// A call to a leaf.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask {
    /// What for.
    pub wish: Wish,
    /// The sequence of the board the edge has, and when it was made: a newer one comes with the answer.
    pub board_sequence: u64,
    /// See `board_sequence`.
    pub board_at_ms: u64,
    /// For how long that board may be used.
    pub board_max_age_ms: u64,
    /// The revocation list the edge has: a newer one comes with the answer.
    pub revoked_seq: u64,
    /// Of who joins, where neighbours are counted.
    pub neighbourhood: Option<Neighbourhood>,
}

/// Of an edge that has heard nothing of the room.
impl From<Wish> for Ask {
    fn from(wish: Wish) -> Ask {
        Ask { wish, ..Ask::default() }
    }
}

/// What became of a wish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// In: at first contact, by a claim, or longer.
    Admitted {
        /// The pass, signed.
        pass: String,
    },
    /// The board was stale: it is busy, come with an arrival.
    Busy,
    /// In line.
    Joined {
        /// The ticket, signed.
        ticket: String,
        /// Its rank.
        rank: u64,
        /// When it was given.
        joined_at_ms: u64,
    },
    /// Too many of the same neighbourhood have joined in this minute.
    Crowded,
    /// Called, but every seat is taken just now; the place is kept.
    Next {
        /// When to come back.
        retry_ms: u64,
    },
    /// Not called yet.
    Waiting,
    /// The ticket was exchanged before.
    Used,
    /// The ticket counts no more.
    Void,
    /// The pass counts no more.
    Ended,
    /// Given up.
    Left,
    /// Here is the board.
    Board,
    /// The room does not know its settings: it was deleted, or never made.
    #[default]
    Unknown,
    /// The Room cannot be reached. Nothing is lost: ask again.
    Unreachable,
    /// Too many ask. It is not asked again for them; they ask again, later.
    Overloaded,
}

/// A leaf's answer: the outcome and the newest board it has.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What became of the wish.
    pub outcome: Outcome,
    /// The newest board, unless the edge has it, or none was ever had.
    pub board: Option<Board>,
    /// How long the leaf has had it.
    pub board_age_ms: u64,
    /// The revocation list, if it is newer than the edge's.
    pub revocations: Option<Revocations>,
}

impl From<Outcome> for Answer {
    /// Without news of the room.
    fn from(outcome: Outcome) -> Answer {
        Answer { outcome, board: None, board_age_ms: 0, revocations: None }
    }
}

/// What a Room says to a lobby that wants a board, and a lobby to the one below it.
#[derive(Clone, Debug, Default)]
pub struct BoardAnswer {
    /// The newest board.
    pub board: Board,
    /// How long whoever says it has had it.
    pub board_age_ms: u64,
    /// The revocation list.
    pub revocations: Option<Revocations>,
}

/// New settings for a Room, from the directory.
#[derive(Clone, Debug, Default)]
pub struct Configure {
    /// Of the room's settings.
    pub version: u64,
    /// Of the directory.
    pub directory_version: u64,
    /// Canonical settings.
    pub settings: Value,
    /// The events to come, and the one under way.
    pub events: Vec<Event>,
}

/// A Room's answer to that.
#[derive(Clone, Copy, Debug, Default)]
pub struct Configured {
    /// The version that holds.
    pub version: u64,
}

/// Sessions that an operator ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ending {
    /// The seat of one, and which giving of it; none for all.
    pub session: Option<(u32, u32)>,
}

/// A Room's answer to that.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended {
    /// Whether there was such a session, and it was ended.
    pub ended: bool,
    /// There is, but the list of revoked passes is full.
    pub full: bool,
}

/// One point of an operator's chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusPoint {
    /// When.
    pub at_ms: u64,
    /// Live seats.
    pub inside: u64,
    /// People in line.
    pub waiting: u64,
    /// Admissions in the 60 s before.
    pub admitted: u64,
}

/// A Room as its operator sees it: exact, as of the moment it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomStatus {
    /// Live seats.
    pub inside: u64,
    /// Of these, given at first contact and not seen again.
    pub unconfirmed: u64,
    /// People in line who have not been called and have not left.
    pub waiting: u64,
    /// Called places that hold a seat.
    pub called_held: u64,
    /// Ranks given in this epoch.
    pub issued: u64,
    /// Places called in this epoch.
    pub called: u64,
    /// Admissions in the last 60 s.
    pub admitted_last_minute: u64,
    /// How long the first in line has waited.
    pub longest_wait_ms: u64,
    /// Places called, as a rate; zero while that is not known.
    pub calls_per_hour: u64,
    /// What a first contact meets.
    pub phase: Phase,
    /// The version of the settings that hold.
    pub settings_version: u64,
    /// Waits that were measured against what had been promised, the older ones fading.
    pub waits_measured: u64,
    /// Half of the waits lived were at most so many thousandths of the forecast.
    pub wait_p50_permille: u64,
    /// Nine tenths of them were at most so many.
    pub wait_p90_permille: u64,
    /// Of a thousand who are called, so many are expected.
    pub show_up_permille: u64,
    /// The event under way, from its prequeue on.
    pub event: Option<[u8; 16]>,
    /// The limit of admissions in a minute that is in force; zero from a Room of before.
    pub limit_per_minute: u64,
    /// The pace that is followed: lower than the limit for the origin's sake alone.
    pub pace_per_minute: u64,
    /// What was seen of the origin last.
    pub origin: Health,
    /// When that made the room slower than its limit, and when it no longer was.
    pub origin_notes: Vec<Note>,
    /// In which region its object was made; empty where that is not known, for it was asked for there first.
    pub region: String,
    /// To which it moves once it is empty, if to any.
    pub moves_to: String,
    /// The last quarter of an hour.
    pub history: Vec<StatusPoint>,
}

wire_either!(Wish {
    "enter" => Enter { holder },
    "join" => Join { holder },
    "claim" => Claim { epoch, rank },
    "renew" => Renew { epoch, pass_epoch, seat, generation },
    "leave_ticket" => LeaveTicket { epoch, rank },
    "leave_pass" => LeavePass { epoch, pass_epoch, seat, generation },
    "health" => Health { sampled, errors, slow },
    "board" => Board {},
});
wire!(Neighbourhood { prefix, joins_per_minute });
wire!(Ask { wish, board_sequence, board_at_ms, board_max_age_ms, revoked_seq, neighbourhood });
wire_either!(Outcome {
    "admitted" => Admitted { pass },
    "busy" => Busy {},
    "joined" => Joined { ticket, rank, joined_at_ms },
    "crowded" => Crowded {},
    "next" => Next { retry_ms },
    "waiting" => Waiting {},
    "used" => Used {},
    "void" => Void {},
    "ended" => Ended {},
    "left" => Left {},
    "board" => Board {},
    "unknown" => Unknown {},
    "unreachable" => Unreachable {},
    "overloaded" => Overloaded {},
});
wire!(Answer { outcome, board, board_age_ms, revocations });
wire!(BoardAnswer { board, board_age_ms, revocations });
wire!(Configure { version, directory_version, settings, events });
wire!(Configured { version });
wire!(Ending { session });
wire!(Ended { ended, full });
wire!(StatusPoint { at_ms, inside, waiting, admitted });
wire!(RoomStatus {
    inside,
    unconfirmed,
    waiting,
    called_held,
    issued,
    called,
    admitted_last_minute,
    longest_wait_ms,
    calls_per_hour,
    phase,
    settings_version,
    waits_measured,
    wait_p50_permille,
    wait_p90_permille,
    show_up_permille,
    event,
    limit_per_minute,
    pace_per_minute,
    origin,
    origin_notes,
    region,
    moves_to,
    history,
});
