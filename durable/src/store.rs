//! How a Room is kept: a journal row for each commit, pages rewritten in turn, the journal cut
//! behind the oldest page.
//!
//! A page that nothing touched since it was stored is as good as new, so only *dirty* pages are
//! rewritten, the longest dirty first, one for about as many bytes of journal as a page has, but after a few rows at the
//! latest and with one commit never two: a commit writes a row, in place of one that is needed no longer, and rewrites a part of a page on average, and
//! a rebuild replays at most (pages × `ROWS_PER_PAGE`) rows, of (pages × `BYTES_PER_PAGE`) bytes while rows are no longer than that.

use std::ops::Range;

use crate::codec::Malformed;
use crate::journal::{Change, Row};
use crate::listed::Listed as _;
use crate::planted::{Bug, planted};
use crate::state::{PageId, State};
use crate::units::Rank;

/// So many rows are written before one page is rewritten, if they are short.
const ROWS_PER_PAGE: usize = 16;
/// Rows that are needed no longer and wait for others to take their place. Of more, every commit deletes a few.
const SPARE_ROWS: u64 = 64;
/// So many bytes of rows are written before one page is rewritten, whole rows: about a full page of seats. With all pages of a million
/// seats and ten million ranks dirty, (1 + 245 + 153) × 96 KiB = 39 MB are replayed at most.
const BYTES_PER_PAGE: usize = 96 << 10;

/// Rows are numbered below this, as storage numbers them and JavaScript tells them exactly.
const SEQUENCE_END: u64 = 1 << 53;

/// One thing to write; all of a step's are one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Adds a journal row, and deletes the oldest of them.
    Row {
        /// Its number.
        sequence: u64,
        /// Its bytes.
        bytes: Vec<u8>,
        /// The numbers of those that go. It takes the place of the first: to the platform a row added and a row deleted are two that are written, and a row that is
        /// changed is one.
        cut: Range<u64>,
    },
    /// Stores or replaces a page.
    Page(StoredPage),
    /// Deletes a page.
    DropPage(PageId),
}

impl Write {
    /// How many rows are written, as the platform counts them.
    pub fn rows(&self) -> u64 {
        match self {
            Write::Row { cut, .. } => cut.end.saturating_sub(cut.start).max(1),
            Write::Page(_) | Write::DropPage(_) => 1,
        }
    }
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
    /// The first row that is stored.
    first: u64,
    /// What was written to the journal since a page was rewritten.
    unpaged_bytes: usize,
    /// Stored pages of an epoch that is over: the commit that began the next one did not get as far as dropping them.
    void: Vec<PageId>,
    /// Each dirty page and the first row that it lacks, by page.
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
            return Err(Malformed);
        }
        let (mut state, mut store) = (State::default(), Store::default());
        let mut stored: Vec<(PageId, u64)> = Vec::with_capacity(pages.len());
        for page in pages {
            state.decode_page(page.page, &page.bytes)?;
            stored.push((page.page, page.sequence));
            store.sequence = store.sequence.max(page.sequence);
        }
        let newest_page = store.sequence;
        let mut previous = None;
        for (sequence, bytes) in rows {
            if previous.is_some_and(|previous: u64| previous.checked_add(1) != Some(*sequence)) {
                return Err(Malformed);
            }
            previous = Some(*sequence);
            let row = Row::decode(bytes)?;
            let lacks = |page: PageId| {
                let upto = place_of(&stored, page).ok().and_then(|index| stored.get(index));
                upto.is_none_or(|(_, upto)| upto + u64::from(planted(Bug::RowSkippedAtLoad)) < *sequence)
            };
            state.replay(&row, lacks)?;
            if begins_epoch(&row) {
                store.begin_epoch();
                store.void = stored
                    .iter()
                    .map(|(page, _)| *page)
                    .filter(|page| is_spent(*page) && lacks(*page))
                    .listed();
            }
            for page in touched(&state, &row).into_iter().filter(|page| lacks(*page)) {
                store.soil(page, *sequence);
            }
            if *sequence > newest_page {
                store.note(*sequence, bytes);
            }
        }
        // The next one has a number too.
        if store.sequence >= SEQUENCE_END {
            return Err(Malformed);
        }
        store.first = rows.first().map_or(store.sequence + 1, |(first, _)| *first);
        Ok((store, state))
    }

    /// The writes of one commit. Without a change there is no row. Pages are dropped behind the row that makes them void.
    pub fn commit(&mut self, state: &State, row: Row, mut dropped: Vec<PageId>) -> Vec<Write> {
        for page in &dropped {
            if let Ok(index) = place_of(&self.dirty, *page) {
                self.dirty.remove(index);
            }
        }
        // What the new epoch has on such a page is in rows yet, and lacks it.
        dropped.append(&mut self.void);
        let drops = dropped.into_iter().map(Write::DropPage);
        if row.changes.is_empty() {
            return drops.listed();
        }
        let mut writes = Vec::new();
        let sequence = self.sequence + 1;
        if begins_epoch(&row) {
            self.begin_epoch();
        }
        for page in touched(state, &row) {
            self.soil(page, sequence);
        }
        let bytes = row.encode();
        self.note(sequence, &bytes);
        let cut = self.cut();
        writes.push(Write::Row { sequence, bytes, cut });
        writes.extend(drops);
        if self.unpaged_bytes >= BYTES_PER_PAGE {
            self.unpaged_bytes = 0;
            self.rewrite_oldest(state, &mut writes);
        }
        writes
    }

    /// What of the journal goes, because every page has it. Never all at once: each is a row written, and a second in which they did would be a busy one.
    fn cut(&mut self) -> Range<u64> {
        let first = self.first;
        let needed = self.oldest().map_or(self.sequence, |(_, since)| since);
        let needless = needed.saturating_sub(first);
        self.first += needless.min(1).max(needless / SPARE_ROWS);
        first..self.first
    }

    /// All pages of a state.
    pub fn pages_of(state: &State) -> impl Iterator<Item = PageId> {
        let seats = (0..state.seats.page_count()).map(PageId::Seats);
        let Rank(issued) = state.line.issued();
        let ranks = crate::spent::page_of(Rank(state.line.void().0))..=crate::spent::page_of(Rank(issued));
        [PageId::Head].into_iter().chain(seats).chain(ranks.map(PageId::Spent))
    }

    /// A row is in the journal.
    fn note(&mut self, sequence: u64, bytes: &[u8]) {
        self.sequence = sequence;
        self.unpaged_bytes += bytes.len().max(BYTES_PER_PAGE / ROWS_PER_PAGE);
    }

    /// An epoch begins: no page of spent tickets lacks anything, for there is none. When one was rewritten last is told by the pages that are
    /// stored, so that is counted from here.
    fn begin_epoch(&mut self) {
        self.dirty.truncate(self.dirty.partition_point(|(page, _)| !is_spent(*page)));
        self.unpaged_bytes = 0;
    }

    fn soil(&mut self, page: PageId, sequence: u64) {
        if let Err(index) = place_of(&self.dirty, page) {
            self.dirty.insert(index, (page, sequence));
        }
    }

    /// The page that lacks the oldest row.
    fn rewrite_oldest(&mut self, state: &State, writes: &mut Vec<Write>) {
        let Some((index, _)) = self.oldest() else {
            return;
        };
        let (page, _) = self.dirty.remove(index);
        let sequence = self.sequence;
        writes.push(Write::Page(StoredPage { page, sequence, bytes: state.encode_page(page) }));
    }

    /// Where the page is that lacks the oldest row, and that row.
    fn oldest(&self) -> Option<(usize, u64)> {
        let rows = self.dirty.iter().map(|(_, since)| *since);
        rows.enumerate().min_by_key(|(_, since)| *since)
    }
}

/// Where a page is in a list by page, or would be. It is asked several times for each change, and under load the head and every page
/// of seats are there, so each is looked for first where it stands then.
fn place_of(pages: &[(PageId, u64)], page: PageId) -> Result<usize, usize> {
    let likely = match page {
        PageId::Head => 0,
        PageId::Seats(number) | PageId::Spent(number) => (number as usize).saturating_add(1),
    };
    if pages.get(likely).is_some_and(|(other, _)| *other == page) {
        return Ok(likely);
    }
    pages.binary_search_by_key(&page, |(other, _)| *other)
}

/// The pages that a row's changes touch, some of them more than once.
fn touched(state: &State, row: &Row) -> Vec<PageId> {
    let mut pages = Vec::new();
    for change in &row.changes {
        pages.extend(State::touched(change).into_iter().flatten());
        if matches!(change, Change::EpochBegun { .. }) {
            // All seats are touched anyway, and no spent ticket of before counts.
            pages = vec![PageId::Head];
        }
        if matches!(change, Change::SessionsEnded { .. } | Change::EpochBegun { .. }) {
            pages.extend((0..state.seats.page_count()).map(PageId::Seats));
        }
    }
    pages
}

fn begins_epoch(row: &Row) -> bool {
    row.changes.iter().any(|change| matches!(change, Change::EpochBegun { .. }))
}

fn is_spent(page: PageId) -> bool {
    matches!(page, PageId::Spent(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BatchName, Grant};
    use crate::journal::Change;
    use crate::token::PassStanding;
    use crate::units::{Generation, Millis, Seat};

    /// A store, its state, and what storage has of them.
    struct Kept {
        store: Store,
        state: State,
        pages: Vec<StoredPage>,
        rows: Vec<(u64, Vec<u8>)>,
        /// Rows of the journal that were added or deleted, or took another's place.
        written: u64,
    }

    impl Kept {
        fn new() -> Kept {
            let (store, state) = Store::load(&[], &[]).unwrap();
            Kept { store, state, pages: Vec::new(), rows: Vec::new(), written: 0 }
        }

        /// Commits a change and answers which pages were rewritten.
        fn commit(&mut self, change: Change) -> Vec<PageId> {
            let begins = matches!(change, Change::EpochBegun { .. });
            let dropped: Vec<_> =
                self.state.spent.page_numbers().filter(|_| begins).map(PageId::Spent).collect();
            self.state.apply(self.state.at, &change, |_| true).unwrap();
            let row = Row { at: self.state.at, changes: vec![change] };
            let mut rewritten = Vec::new();
            for write in self.store.commit(&self.state, row, dropped) {
                self.written += if matches!(write, Write::Row { .. }) { write.rows() } else { 0 };
                match write {
                    Write::Row { sequence, bytes, cut } => {
                        // Each of them is there: storage says so where one is not.
                        let before = self.rows.len() as u64;
                        self.rows.retain(|(number, _)| !cut.contains(number));
                        assert_eq!(before - self.rows.len() as u64, cut.end - cut.start);
                        self.rows.push((sequence, bytes));
                    }
                    Write::Page(stored) => {
                        rewritten.push(stored.page);
                        self.pages.retain(|page| page.page != stored.page);
                        self.pages.push(stored);
                        self.pages.sort_by_key(|stored| stored.page);
                    }
                    Write::DropPage(page) => self.pages.retain(|stored| stored.page != page),
                }
            }
            rewritten
        }

        /// Memory is lost.
        fn load(&mut self) {
            let (store, state) = Store::load(&self.pages, &self.rows).unwrap();
            assert_eq!(
                (store.sequence, store.unpaged_bytes, &store.dirty),
                (self.store.sequence, self.store.unpaged_bytes, &self.store.dirty)
            );
            for page in Store::pages_of(&self.state) {
                assert_eq!(state.encode_page(page), self.state.encode_page(page));
            }
            (self.store, self.state) = (store, state);
        }
    }

    fn joined() -> Change {
        Change::Joined { count: 1 }
    }

    fn given(seat: u32) -> Change {
        let grant = Grant {
            seat: Seat(seat),
            generation: Generation(1),
            issued: Millis(0),
            expires: Millis(9_000),
            standing: PassStanding::Confirmed,
        };
        Change::Admitted { rank: None, grant, free_at: Millis(9_000) }
    }

    /// A row of so many bytes and a few.
    fn answered(number: u64, bytes: usize) -> Change {
        let name = BatchName { lobby: "leaf".into(), incarnation: [1; 16], number };
        Change::Answered { name, digest: [0; 32], reply: vec![0; bytes] }
    }

    #[test]
    fn short_rows_cost_a_page_in_sixteen_and_long_ones_a_page_in_as_many_bytes() {
        let mut kept = Kept::new();
        let pages = |kept: &mut Kept| (0..64).filter(|_| !kept.commit(joined()).is_empty()).count();
        assert_eq!(pages(&mut kept), 4);
        for (bytes, expected) in
            [(BYTES_PER_PAGE / 4, 16), (BYTES_PER_PAGE / 2, 32), (3 * BYTES_PER_PAGE, 64)]
        {
            let pages = |number| kept.commit(answered(number, bytes)).len();
            assert_eq!((0..64).map(pages).sum::<usize>(), expected);
        }
    }

    #[test]
    fn the_longest_dirty_page_is_rewritten_first_and_no_row_is_cut_that_another_lacks() {
        let mut kept = Kept::new();
        let far = crate::seats::SEATS_PER_PAGE;
        (0..far).for_each(|_| drop(kept.commit(joined())));
        let soil = [given(0), given(far), joined()];
        let mut rewritten = Vec::new();
        for turn in 0..96 {
            let change = soil.get(turn).cloned().unwrap_or_else(joined);
            rewritten.extend(kept.commit(change));
            kept.load();
        }
        let [head, first, second] = [PageId::Head, PageId::Seats(0), PageId::Seats(1)];
        // Whatever is dirty for as long as another comes behind what is named before it: the head first of all.
        assert_eq!(rewritten, [head, first, second, head, head, head]);
    }

    #[test]
    fn a_commit_writes_one_row_and_a_journal_that_had_to_be_long_grows_short_again() {
        let mut kept = Kept::new();
        // So many pages are dirty that the oldest row is of long ago.
        for seat in (0..64).map(|page| page * crate::seats::SEATS_PER_PAGE) {
            kept.commit(given(seat));
        }
        (0..900).for_each(|_| drop(kept.commit(given(0))));
        let longest = kept.rows.len() as u64;
        (0..1_800).for_each(|_| drop(kept.commit(joined())));
        let (commits, rows) = (64 + 900 + 1_800, kept.rows.len() as u64);
        assert!(longest > 850 && rows < 32 + 2 * SPARE_ROWS, "{longest} rows, then {rows}");
        assert!(kept.written <= commits + longest, "{} rows written by {commits} commits", kept.written);
        kept.load();
    }

    #[test]
    fn when_an_epoch_begins_pages_of_spent_tickets_are_dropped_behind_its_row() {
        let mut kept = Kept::new();
        let spend = |rank| Change::TicketLeft { rank: Rank(rank) };
        (0..40).for_each(|_| drop(kept.commit(joined())));
        let stored = |kept: &Kept| kept.pages.iter().any(|stored| stored.page == PageId::Spent(0));
        for rank in 0..40 {
            kept.commit(spend(rank));
        }
        assert!(stored(&kept));
        let begun = Change::EpochBegun { free_at: Millis(9) };
        let before = (kept.pages.clone(), kept.rows.clone());
        kept.commit(begun.clone());
        kept.load();
        // It got no further than its row: what is there of such pages is void, and goes with the next commit.
        let row = kept.rows.last().cloned().unwrap();
        (kept.pages, kept.rows) = before;
        kept.rows.push(row);
        (kept.store, kept.state) = Store::load(&kept.pages, &kept.rows).unwrap();
        assert!(stored(&kept) && !kept.state.spent.contains(Rank(3)));
        kept.commit(joined());
        assert!(!stored(&kept));
        kept.load();
        // Later rows are read with a head that knows fewer ranks than the rows of before.
        for _ in 0..80 {
            kept.commit(joined());
            kept.load();
        }
        kept.commit(spend(0));
        kept.load();
        assert!(kept.state.spent.contains(Rank(0)) && !kept.state.spent.contains(Rank(3)));
    }

    #[test]
    fn a_store_that_lost_its_memory_goes_on_as_the_one_that_wrote() {
        let mut kept = Kept::new();
        let mut luck = 1u64;
        for number in 0..200 {
            luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let change = match luck >> 61 {
                0..3 => joined(),
                3..6 => given((luck >> 40) as u32 % 200),
                _ => answered(number, (luck >> 45) as usize % 60_000),
            };
            kept.commit(change);
            kept.load();
        }
        assert!(kept.pages.len() == 2);
    }
}
