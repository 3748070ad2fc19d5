//! Moving: an object lives for ever where it was made, so a Room moves by going on in another object, which is made in the region that the setting names.
//!
//! The object named by the room's id is the first; others are named `{id}~{region}~{n}`, counted from one. A Room moves while it is *empty*: nobody waits, is
//! called or inside. Seats may be live that were given up, or whose epoch is over: they go along, and are free there when they would have been. So a reset is the
//! moment at which any room may move. It freezes with the commit that decides so, and carries out nothing from then on, for ever. Its pages, as they are, are taken by the next
//! object, which has none of its own before: tickets, passes, batches and their replies, settings and promises go on. Then the frozen
//! one tells everybody who asks it where the Room lives.
//!
//! Here is decided when, and to which name. The host brings the pages there (`room_object.rs`, `src/objects.mjs`), again and again until it has
//! heard that they have come.

use crate::codec::{Malformed, Reader, Writer};
use crate::listed::Listed as _;
use crate::location::Location;
use crate::room::Room;
use crate::schedule::{Stage, next_instant};
use crate::seats::Seats;
use crate::state::{PageId, State};
use crate::store::{Store, StoredPage};
use crate::units::Millis;

/// A Room that is to move and is not empty looks again after this.
const LOOKS_AGAIN: Millis = Millis(5_000);
/// So long before a scheduled change nobody moves.
const NEAR: Millis = Millis(60_000);
/// So many live seats travel at most, of some thirty bytes each: what they take must fit into the memory of an object several times. A Room that has more moves when they
/// are free.
const SEATS_MOVED_MAX: u32 = 100_000;
/// Of the pages as they travel.
const VERSION: u8 = 1;

/// Where a Room lives, by its object's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home<'a> {
    /// The room's id.
    pub room: &'a str,
    /// Where its object was made; of the first one that is not known.
    pub location: Option<Location>,
    /// How often it has moved.
    pub moves: u32,
}

impl<'a> Home<'a> {
    /// By the name of an object.
    pub fn of(name: &'a str) -> Home<'a> {
        let mut parts = name.split('~');
        let room = parts.next().unwrap_or_default();
        let location = parts.next().and_then(Location::of_name);
        let moves = parts.next().and_then(|moves| moves.parse().ok()).unwrap_or(0);
        Home { room, location, moves }
    }

    /// The name of the next one.
    fn next(&self, location: Location) -> String {
        let (room, location, moves) = (self.room, location.name(), self.moves.saturating_add(1).to_string());
        [room, "~", location, "~", &moves].concat()
    }
}

/// What a Room does about its region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Nothing.
    Stay,
    /// It moves to the object of this name.
    Go(String),
    /// It would, and looks again at this time.
    Later(Millis),
}

impl Room {
    /// What it does, in an object of this name, at the end of a step.
    pub fn moves(&self, home: &Home<'_>) -> Move {
        let state = self.state();
        let wanted = state.config.as_ref().and_then(|config| config.settings.room_region);
        match wanted.filter(|wanted| home.location != Some(*wanted) && !home.room.is_empty()) {
            None => Move::Stay,
            Some(wanted) if state.is_empty() && !is_near(state) => Move::Go(home.next(wanted)),
            Some(_) => Move::Later(state.at.plus(LOOKS_AGAIN)),
        }
    }

    /// All that the Room knows, as pages without a journal.
    pub fn snapshot(&self) -> Vec<StoredPage> {
        let (state, sequence) = (self.state(), self.sequence());
        let page = |page: PageId| StoredPage { page, sequence, bytes: state.encode_page(page) };
        let seats = (0..state.seats.page_count()).map(PageId::Seats);
        let spent = state.spent.page_numbers().map(PageId::Spent);
        [PageId::Head].into_iter().chain(seats).chain(spent).map(page).listed()
    }
}

impl State {
    /// Nobody waits, is called, or inside, and what is live of seats that were given up can go along.
    fn is_empty(&self) -> bool {
        self.line.waiting() == 0 && self.holding() == 0 && self.kept.is_empty() && can_travel(&self.seats)
    }
}

/// Whether nobody has a pass that is good, and as many seats are live as can go along.
fn can_travel(seats: &Seats) -> bool {
    seats.live() <= SEATS_MOVED_MAX && seats.are_left()
}

/// Whether an event is under way, or something scheduled comes soon.
fn is_near(state: &State) -> bool {
    let (events, now) = (state.events(), state.at);
    let is_soon = next_instant(events, now).is_some_and(|at| at.since(now) <= NEAR);
    is_soon || events.iter().any(|event| event.stage(now) != Stage::Away)
}

/// Pages as bytes that travel.
pub fn pack(pages: &[StoredPage]) -> Vec<u8> {
    let mut out = Writer::new();
    out.byte(VERSION);
    out.number(pages.len() as u64);
    for StoredPage { page, sequence, bytes } in pages {
        let (kind, number) = page.key();
        out.number(kind);
        out.number(number);
        out.number(*sequence);
        out.blob(bytes);
    }
    out.into_bytes()
}

/// Reads what [`pack`] wrote: pages of which a Room can be made.
pub fn unpack(bytes: &[u8]) -> Result<Vec<StoredPage>, Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.byte() != VERSION {
        return Err(Malformed);
    }
    let mut pages = Vec::new();
    for _ in 0..reader.count(4) {
        let page = PageId::of_key(reader.number(), reader.number());
        reader.expect(page.is_some());
        let (sequence, bytes) = (reader.number(), reader.blob().to_vec());
        pages.extend(page.map(|page| StoredPage { page, sequence, bytes }));
    }
    reader.end()?;
    let (_, state) = Store::load(&pages, &[])?;
    if state.config.is_none() { Err(Malformed) } else { Ok(pages) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Grant;
    use crate::seats::{Renewal, SeatRecord};
    use crate::token::PassStanding;
    use crate::units::{Generation, Seat};

    #[test]
    fn a_home_is_told_by_its_name_and_names_the_next() {
        let weur = Location::of_name("weur").unwrap();
        let first = Home::of("0a1b");
        assert_eq!(first, Home { room: "0a1b", location: None, moves: 0 });
        assert_eq!(first.next(weur), "0a1b~weur~1");
        let second = Home::of("0a1b~weur~1");
        assert_eq!(second, Home { room: "0a1b", location: Some(weur), moves: 1 });
        assert_eq!(second.next(Location::of_name("oc").unwrap()), "0a1b~oc~2");
        for odd in ["", "~", "a~b~c", "a~weur~-1", "a~weur~99999999999"] {
            assert_eq!(Home::of(odd).moves, 0);
        }
    }

    #[test]
    fn pages_that_make_no_room_are_refused() {
        for bytes in [&[][..], &[2, 0], &[1], &[1, 0], &[1, 1, 0, 0, 1, 0], &[1, 1, 9, 0, 1, 0], &[1, 0, 0]] {
            assert!(unpack(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn seats_that_were_given_up_travel_as_many_as_fit() {
        let mut seats = Seats::default();
        let occupy = |seats: &mut Seats, numbers: std::ops::Range<u32>| {
            for seat in numbers.map(Seat) {
                let (generation, standing) = (Generation(1), PassStanding::Confirmed);
                let grant = Grant { seat, generation, issued: Millis(0), expires: Millis(60_000), standing };
                let (admitted_at, free_at) = (Millis(0), Millis(70_000));
                let renewal = Renewal::Never;
                seats.occupy(SeatRecord { grant, rank: None, admitted_at, renewal, free_at }).unwrap();
            }
            assert!(!can_travel(seats), "their passes are good");
            (0..seats.page_count()).for_each(|page| seats.end_page(page, Millis(8_000)).unwrap());
        };
        occupy(&mut seats, 0..SEATS_MOVED_MAX);
        assert!(can_travel(&seats));
        occupy(&mut seats, SEATS_MOVED_MAX..SEATS_MOVED_MAX + 1);
        assert!(!can_travel(&seats), "one more than fits");
        seats.expire(Millis(8_001));
        assert!(can_travel(&seats));
    }
}
