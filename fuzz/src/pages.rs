//! Stored pages: whatever stands in them a room is loaded or refused, and what was loaded is stored and loaded the same.
//!
//! The input is pages in order, each as a byte that says which (0 the head, 1 and 2 seats, 3 to 5 spent tickets) and its bytes
//! behind their length; 6 is a row that none of them contains yet.

use durable::codec::{Malformed, Reader};
use durable::room::Room;
use durable::state::{PageId, State};
use durable::store::{Store, StoredPage};
use durable::units::Millis;

use crate::Outcome;

const PAGES: [PageId; 6] =
    [PageId::Head, PageId::Seats(0), PageId::Seats(1), PageId::Spent(0), PageId::Spent(1), PageId::Spent(2)];

/// See the module's words.
pub fn check(data: &[u8]) -> Outcome {
    let Ok((pages, rows)) = read(data) else {
        return Outcome::Refused;
    };
    let Ok((_, state)) = Store::load(&pages, &rows) else {
        assert!(Room::load(&pages, &rows).is_err());
        return Outcome::Refused;
    };
    assert_kept(&state);
    let at = state.at;
    let mut room = Room::load(&pages, &rows).expect("what the store loads");
    for now in [Millis(0), at, at.plus(Millis(3_600_000))] {
        room.board(now);
        room.status(now);
        room.revocations();
        drop(room.step(now, [7; 32], Vec::new()));
    }
    Outcome::Believed
}

type Stored = (Vec<StoredPage>, Vec<(u64, Vec<u8>)>);

fn read(data: &[u8]) -> Result<Stored, Malformed> {
    let (mut reader, mut pages, mut rows) = (Reader::new(data), Vec::new(), Vec::new());
    while !reader.is_empty() {
        let (kind, bytes) = (usize::from(reader.byte()), reader.blob().to_vec());
        match PAGES.get(kind) {
            Some(page) => pages.push(StoredPage { page: *page, sequence: 1, bytes }),
            None if kind == PAGES.len() => rows.push((rows.len() as u64 + 2, bytes)),
            None => return Err(Malformed),
        }
    }
    reader.checked()?;
    Ok((pages, rows))
}

/// The pages of a state and a row behind them, as an input of this target.
pub fn write(state: &State, row: &[u8]) -> Vec<u8> {
    let mut out = durable::codec::Writer::new();
    for page in Store::pages_of(state) {
        if let Some(index) = PAGES.iter().position(|known| *known == page) {
            out.byte(index as u8);
            out.blob(&state.encode_page(page));
        }
    }
    out.byte(PAGES.len() as u8);
    out.blob(row);
    out.into_bytes()
}

/// Stored and loaded, a state is the same.
///
/// # Panics
/// If it is not.
pub fn assert_kept(state: &State) {
    let pages = stored(state);
    let (_, again) = Store::load(&pages, &[]).expect("pages that we wrote");
    assert_eq!(stored(&again), pages);
}

/// The pages of a state that are worth storing.
pub fn stored(state: &State) -> Vec<StoredPage> {
    // Of rooms that only made-up rows make, with ranks by the billion, there are too many pages.
    let ids = Store::pages_of(state).take(64);
    let pages = ids.map(|page| StoredPage { page, sequence: 1, bytes: state.encode_page(page) });
    // A page on which nothing was spent yet is not stored.
    pages.filter(|stored| stored.bytes != [0]).collect()
}
