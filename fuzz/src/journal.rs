//! The journal: a row is written and read the same, what a room's rows make can be kept as pages and read back, and rows
//! onto pages of any age make the same room.
//!
//! The input is one row, or, behind a byte that no row begins with, several, each behind its length.

use durable::codec::{Malformed, Reader};
use durable::journal::Row;
use durable::state::{PageId, State};
use durable::store::{Store, StoredPage};
use durable::units::Millis;

use crate::Outcome;
use crate::pages::{self, assert_kept};

/// Begins an input of several rows.
pub const SEVERAL: u8 = 0xff;

/// See the module's words.
pub fn check(data: &[u8]) -> Outcome {
    let Ok(rows) = rows(data) else {
        return Outcome::Refused;
    };
    let mut believed = Outcome::Refused;
    for bytes in &rows {
        believed = believed.or(row(bytes));
    }
    let numbered: Vec<(u64, Vec<u8>)> = (1..).zip(rows).collect();
    if let Ok((store, state)) = Store::load(&[], &numbered) {
        assert_eq!(store.sequence(), numbered.len() as u64);
        assert_kept(&state);
        // A Room's clock does not go back: what is forgotten by then would have to come back.
        if numbered.is_sorted_by_key(|(_, bytes)| Row::decode(bytes).map_or(Millis(0), |row| row.at)) {
            assert_rebuilt_from_pages_of_any_age(&state, &numbered);
        }
    }
    believed
}

/// Whichever pages were stored after half of the rows, the rows make the same of them.
fn assert_rebuilt_from_pages_of_any_age(state: &State, rows: &[(u64, Vec<u8>)]) {
    let half = rows.len() / 2;
    let Ok((_, earlier)) = Store::load(&[], &rows[..half]) else {
        return;
    };
    let stored = |page: StoredPage| StoredPage { sequence: half as u64, ..page };
    let pages: Vec<StoredPage> = pages::stored(&earlier).into_iter().map(stored).collect();
    let of = |wanted: fn(PageId) -> bool| {
        pages.iter().filter(move |stored| wanted(stored.page)).cloned().collect()
    };
    let choices: [Vec<StoredPage>; 3] =
        [pages.clone(), of(|page| page == PageId::Head), of(|page| page != PageId::Head)];
    for chosen in choices {
        let (_, rebuilt) = Store::load(&chosen, rows).expect("rows that made a room");
        assert_eq!(pages::stored(&rebuilt), pages::stored(state));
    }
}

fn rows(data: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let Some((&SEVERAL, rest)) = data.split_first() else {
        return Ok(vec![data.to_vec()]);
    };
    let (mut reader, mut rows) = (Reader::new(rest), Vec::new());
    while !reader.is_empty() {
        rows.push(reader.blob().to_vec());
    }
    reader.checked()?;
    Ok(rows)
}

fn row(bytes: &[u8]) -> Outcome {
    let Ok(row) = Row::decode(bytes) else {
        return Outcome::Refused;
    };
    assert!(row.changes.len() <= bytes.len());
    let written = row.encode();
    assert_eq!(Row::decode(&written).as_ref(), Ok(&row));
    assert!(written.len() <= bytes.len(), "numbers are written as short as they can be");
    // A row onto nothing, and onto no page at all.
    let _ = State::default().replay(&row, |_| true);
    let _ = State::default().replay(&row, |_| false);
    Outcome::Believed
}
