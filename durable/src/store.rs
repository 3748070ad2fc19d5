//! How a Room is kept: a journal row for each commit, pages rewritten in turn, the journal cut
//! behind the oldest page. DESIGN 4, *Storage*.
//!
//! A page that nothing touched since it was stored is as good as new, so only *dirty* pages are
//! rewritten, the longest dirty first, one every few rows: a commit writes little more than one row on average,
//! and a rebuild replays at most (pages × `ROWS_PER_PAGE`) rows.

use crate::codec::Malformed;
use crate::journal::Row;
use crate::planted::{Bug, planted};
use crate::state::{PageId, State};
use crate::units::Rank;

/// So many rows are written before one page is rewritten.
const ROWS_PER_PAGE: u64 = 16;

/// One thing to write; all of a step's are one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Adds a journal row.
    Row {
        /// Its number.
        sequence: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Stores or replaces a page.
    Page(StoredPage),
    /// Deletes a page.
    DropPage(PageId),
    /// Deletes the journal rows below this number.
    CutBelow(u64),
}

/// A page as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPage {
    /// Which one.
    pub page: PageId,
    /// The last row it contains.
    pub sequence: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What is stored already.
#[derive(Clone, Debug, Default)]
pub struct Store {
    sequence: u64,
    /// Each dirty page and the first row that it lacks, the longest dirty first.
    dirty: Vec<(PageId, u64)>,
}

impl Store {
    /// The number of the last row.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Rebuilds the state from pages and the rows behind them, both in order.
    pub fn load(pages: &[StoredPage], rows: &[(u64, Vec<u8>)]) -> Result<(Store, State), Malformed> {
        if !pages.is_sorted_by_key(|stored| stored.page) {
            return Err(Malformed("pages in order"));
        }
        let (mut state, mut store) = (State::default(), Store::default());
        let mut stored: Vec<(PageId, u64)> = Vec::with_capacity(pages.len());
        for page in pages {
            state.decode_page(page.page, &page.bytes)?;
            stored.push((page.page, page.sequence));
            store.sequence = store.sequence.max(page.sequence);
        }
        let mut previous = None;
        for (sequence, bytes) in rows {
            if previous.is_some_and(|previous| previous + 1 != *sequence) {
                return Err(Malformed("a journal without a gap"));
            }
            previous = Some(*sequence);
            let row = Row::decode(bytes)?;
            let lacks = |page: PageId| match stored.binary_search_by_key(&page, |(stored, _)| *stored) {
                Ok(index) => stored
                    .get(index)
                    .is_none_or(|(_, upto)| upto + u64::from(planted(Bug::RowSkippedAtLoad)) < *sequence),
                Err(_) => true,
            };
            state.replay(&row, lacks)?;
            for page in row.changes.iter().flat_map(State::touched).flatten().filter(|page| lacks(*page)) {
                store.soil(page, *sequence);
            }
            store.sequence = store.sequence.max(*sequence);
        }
        Ok((store, state))
    }

    /// The writes of one commit. Without a change there is no row.
    pub fn commit(&mut self, state: &State, row: Row, dropped: Vec<PageId>) -> Vec<Write> {
        let mut writes = Vec::new();
        for page in dropped {
            self.dirty.retain(|(dirty, _)| *dirty != page);
            writes.push(Write::DropPage(page));
        }
        if row.changes.is_empty() {
            return writes;
        }
        self.sequence += 1;
        let sequence = self.sequence;
        for page in row.changes.iter().flat_map(State::touched).flatten() {
            self.soil(page, sequence);
        }
        writes.push(Write::Row { sequence, bytes: row.encode() });
        if sequence.is_multiple_of(ROWS_PER_PAGE) {
            writes.extend(self.rewrite_oldest(state));
        }
        writes
    }

    /// All pages of a state.
    pub fn pages_of(state: &State) -> impl Iterator<Item = PageId> {
        let seats = (0..state.seats.page_count()).map(PageId::Seats);
        let Rank(issued) = state.line.issued();
        let ranks = crate::spent::page_of(Rank(state.line.void().0))..=crate::spent::page_of(Rank(issued));
        [PageId::Head].into_iter().chain(seats).chain(ranks.map(PageId::Spent))
    }

    fn soil(&mut self, page: PageId, sequence: u64) {
        if !self.dirty.iter().any(|(dirty, _)| *dirty == page) {
            self.dirty.push((page, sequence));
        }
    }

    fn rewrite_oldest(&mut self, state: &State) -> Vec<Write> {
        if self.dirty.is_empty() {
            return Vec::new();
        }
        let (page, _) = self.dirty.remove(0);
        let sequence = self.sequence;
        let bytes = state.encode_page(page);
        let cut = self.dirty.first().map_or(sequence + 1, |(_, since)| *since);
        vec![Write::Page(StoredPage { page, sequence, bytes }), Write::CutBelow(cut)]
    }
}
