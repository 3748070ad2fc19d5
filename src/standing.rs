//! What one visitor is told: where they stand, and all that page and JSON need to say it.

use durable::board::Board;
use durable::settings::Settings;
use durable::units::{Millis, Place, Rank};

use crate::text::Language;

/// An honest range of an expected wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitRange {
    /// At least so long.
    pub from_seconds: u64,
    /// At most so long, most likely.
    pub to_seconds: u64,
}

/// Where a visitor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// First contact: comes back at once with an arrival.
    Joining,
    /// The same, but too many join at this moment: comes back less and less often.
    JoiningLater {
        /// For how long it has tried, as far as that matters.
        trying: Millis,
    },
    /// In line.
    Waiting {
        /// The place that decides the turn.
        place: Place,
        /// How many are ahead at most.
        people_ahead: u64,
        /// How long it will take, if that can be said.
        wait: Option<WaitRange>,
        /// How long it has taken.
        waited: Millis,
    },
    /// Called, and a claim will be accepted.
    YourTurn {
        /// Whose turn.
        place: Place,
    },
    /// Called, but every seat is taken just now: the place is kept.
    Next {
        /// Whose turn.
        place: Place,
    },
    /// Called by rounds: no place, but a chance in each.
    Drawing {
        /// How many wait.
        people: u64,
        /// When the next round is held at the earliest.
        next_in: Millis,
        /// How long it will take, if that can be said.
        wait: Option<WaitRange>,
        /// How long it has taken.
        waited: Millis,
    },
    /// Came before the start of an event: nobody is let in yet.
    Prequeue {
        /// The place, for who has one before the start.
        place: Option<Place>,
        /// How many wait.
        people: u64,
        /// When it starts.
        starts_in: Millis,
    },
    /// Not in line yet: too many join from the same network just now.
    Crowded,
    /// Nobody new is let in, and there is no line.
    Closed,
    /// The operator holds everybody.
    Held {
        /// The place in line, for who has one.
        place: Option<Place>,
        /// How many are ahead at most.
        people_ahead: u64,
    },
    /// Was inside or in line; the room cannot be reached just now.
    Reconnecting,
    /// A newcomer; the room cannot be reached just now, or is not set up.
    Unavailable,
    /// The browser keeps no cookies: nobody without a cookie has a place.
    CookiesBlocked,
    /// A form was sent by somebody who is not inside: it was not delivered.
    FormHeld,
    /// Inside: has a pass, or needs none.
    Admitted,
    /// Gave up the place or the seat.
    Left,
    /// The ticket was exchanged before.
    TicketUsed,
}

impl Standing {
    /// The state's name, in the header `Anteroom` and in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Standing::Joining | Standing::JoiningLater { .. } => "joining",
            Standing::Waiting { .. } => "waiting",
            Standing::YourTurn { .. } => "your_turn",
            Standing::Next { .. } => "next",
            Standing::Drawing { .. } => "drawing",
            Standing::Prequeue { .. } => "prequeue",
            Standing::Crowded => "crowded",
            Standing::Closed => "closed",
            Standing::Held { .. } => "held",
            Standing::Reconnecting => "reconnecting",
            Standing::Unavailable => "unavailable",
            Standing::CookiesBlocked => "cookies_blocked",
            Standing::FormHeld => "form_held",
            Standing::Admitted => "admitted",
            Standing::Left => "left",
            Standing::TicketUsed => "ticket_used",
        }
    }

    /// Whether too many join: the mark, in JSON and on the page, by which it is told from any other *joining*.
    pub fn is_overloaded(&self) -> bool {
        matches!(self, Standing::JoiningLater { .. })
    }

    /// Whether a page in this state comes back by itself.
    pub fn comes_back(&self) -> bool {
        use Standing::{Closed, CookiesBlocked, FormHeld, Left, TicketUsed};
        !matches!(self, Closed | CookiesBlocked | FormHeld | Left | TicketUsed)
    }

    /// The place, if there is one.
    pub fn place(&self) -> Option<Place> {
        match *self {
            Standing::Waiting { place, .. } | Standing::YourTurn { place } | Standing::Next { place } => {
                Some(place)
            }
            Standing::Held { place, .. } | Standing::Prequeue { place, .. } => place,
            _ => None,
        }
    }

    /// How many are ahead at most.
    pub fn people_ahead(&self) -> Option<u64> {
        match *self {
            Standing::Waiting { people_ahead, .. } => Some(people_ahead),
            Standing::Held { place: Some(_), people_ahead } => Some(people_ahead),
            Standing::YourTurn { .. } | Standing::Next { .. } => Some(0),
            _ => None,
        }
    }
}

/// Everything a page or a JSON answer says.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// Where the visitor stands.
    pub standing: Standing,
    /// The board that says so, if one ever came.
    pub board: Option<&'a Board>,
    /// The room's id.
    pub room: &'a str,
    /// The room's settings.
    pub settings: &'a Settings,
    /// The visitor's language.
    pub language: Language,
    /// Where the visitor goes once inside.
    pub target: &'a str,
    /// Path and query where a place and a seat are given: what the visitor wants, or the room's own door.
    pub door: &'a str,
    /// Where to ask how one stands.
    pub wait_path: &'a str,
    /// Where to leave.
    pub leave_path: &'a str,
    /// Where the draws are told.
    pub draw_path: &'a str,
    /// The rank of the visitor's ticket, for who wants to recompute a draw.
    pub rank: Option<Rank>,
    /// When to ask next.
    pub poll_after: Millis,
    /// The same for a page that nobody looks at.
    pub hidden_poll_after: Millis,
    /// Now.
    pub now: Millis,
    /// Names what may run on the page.
    pub nonce: &'a str,
}
