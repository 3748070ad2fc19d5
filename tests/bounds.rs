//! What a Room refuses to read of its own rows and pages, because it would cost more memory or time than an object has: disks lie, and
//! so do other versions. `make fuzz` found these.

use durable::base64url;
use durable::batch::{Grant, ITEMS_MAX};
use durable::board::{Board, BoardDraw, BoardEvent, BoardRounds, BoardSeal, Digest, Phase, Scheduled};
use durable::codec::{Malformed, Writer};
use durable::draw::{Draw, NOBODY};
use durable::draws::DONE_MAX;
use durable::journal::{Change, Row};
use durable::rounds::{CHAIN_LENGTH, COUNT_MAX, CUT_MAX, KEPT_MAX, commitment, draw_among};
use durable::state::{PageId, State};
use durable::store::{Store, StoredPage};
use durable::token::PassStanding;
use durable::units::{Generation, Millis, Rank, Seat};
use durable::wire::{from_text, to_text};

const NOON: Millis = Millis(1_800_000_000_000);

/// What comes of one row with these changes, read back from its bytes.
fn load(changes: Vec<Change>) -> Result<State, Malformed> {
    let row = Row { at: NOON, changes }.encode();
    Store::load(&[], &[(1, row)]).map(|(_, state)| state)
}

#[test]
fn a_page_of_seats_far_behind_the_others_is_refused() {
    // One byte each: as many free seats as there are in the pages before.
    assert!(State::default().decode_page(PageId::Seats(4_095), &[0]).is_err());
    assert!(State::default().decode_page(PageId::Seats(2), &[0]).is_err());
    let mut state = State::default();
    assert!((1..5).all(|page| state.decode_page(PageId::Seats(page), &[0]).is_ok()));
}

#[test]
fn a_ticket_that_was_never_given_is_not_spent() {
    let (expires, standing) = (NOON, PassStanding::Confirmed);
    let grant = Grant { seat: Seat(0), generation: Generation(1), issued: NOON, expires, standing };
    let spent = [
        |rank, _| Change::TicketLeft { rank },
        |rank, grant| Change::Admitted { rank: Some(rank), grant, free_at: NOON },
    ];
    for change in spent {
        let after = |rank| load(vec![Change::Joined { count: 3 }, change(Rank(rank), grant)]);
        assert!(after(2).is_ok() && after(3).is_err() && after(1 << 39).is_err());
    }
}

#[test]
fn more_joins_than_a_batch_brings_are_refused() {
    let joined = |count| load(vec![Change::Joined { count }]);
    assert!(joined(ITEMS_MAX as u64).is_ok());
    assert!(joined(ITEMS_MAX as u64 + 1).is_err() && joined(u64::MAX).is_err());
}

#[test]
fn the_last_row_leaves_a_number_for_the_next() {
    let row = Row { at: NOON, changes: vec![Change::Joined { count: 1 }] }.encode();
    let rows = |numbers: &[u64]| numbers.iter().map(|number| (*number, row.clone())).collect::<Vec<_>>();
    assert!(Store::load(&[], &rows(&[1 << 40, (1 << 40) + 1])).is_ok());
    for numbers in [[u64::MAX].as_slice(), &[u64::MAX, 0], &[(1 << 53) - 1, 1 << 53]] {
        assert!(Store::load(&[], &rows(numbers)).is_err());
    }
    let page = StoredPage { page: PageId::Spent(0), sequence: u64::MAX, bytes: vec![0] };
    assert!(Store::load(&[page], &[]).is_err());
}

fn round(first: u64, count: u64, cut: u64, doubles: u64) -> Change {
    let draw = Draw { first: Rank(first), count, seed: [7; 32], hash: NOBODY };
    let (doubles, late_until) = ((0..doubles).map(Rank).collect(), NOON.plus(Millis(9)));
    Change::Round { draw, cut, doubles, holding: cut as u32, closes_at: NOON, late_until }
}

#[test]
fn a_round_that_no_room_holds_is_refused_before_it_is_computed() {
    assert!(load(vec![round(0, 30, 30, 2)]).is_ok());
    for refused in [
        round(0, 30, 31, 0),
        round(0, CUT_MAX + 1, CUT_MAX + 1, 0),
        round(0, 1 << 30, u64::MAX, 0),
        round(0, COUNT_MAX + 1, 1, 0),
        round(u64::MAX, 2, 1, 0),
        round(0, 30, 3, 4),
    ] {
        assert!(load(vec![refused]).is_err());
    }
}

#[test]
fn the_oldest_round_gives_way_to_a_thirty_third_and_its_winners_wait_again() {
    // Windows stand still while nobody may claim, so a room whose seats are taken most of the time does not forget them by the clock.
    let tip = [9; 32];
    let mut changes =
        vec![Change::Joined { count: 100 }, Change::ChainBegun { tip, commitment: commitment(tip) }];
    let late_until = NOON.plus(Millis(1));
    changes.extend((0..KEPT_MAX).map(|_| Change::Round {
        draw: draw_among(Rank(0), 100, [3; 32]),
        cut: 2,
        doubles: vec![],
        holding: 2,
        closes_at: NOON,
        late_until,
    }));
    let full = load(changes.clone()).unwrap();
    assert_eq!((full.rounds.kept().len() as u64, full.line.waiting()), (KEPT_MAX, 100 - 2 * KEPT_MAX));
    changes.push(changes.last().cloned().unwrap());
    let again = load(changes).unwrap();
    assert_eq!((again.rounds.kept().len() as u64, again.line.waiting()), (KEPT_MAX, full.line.waiting()));
    let next_at = full.rounds.next_at().unwrap();
    assert!(next_at >= full.rounds.kept().next().unwrap().call.closes_at);
}

#[test]
fn what_is_kept_in_order_is_read_in_order() {
    let head = |places: &[u8]| {
        let mut out = Writer::new();
        // The first version, a clock, no settings, epochs, and a line of nine.
        out.fixed(&[1, 9, 0, 0, 0, 9, 9, 0, 0, 0]);
        out.number(places.len() as u64);
        places.iter().for_each(|place| out.fixed(&[*place, 8]));
        // No joins, pacers, admissions, revocations, replies.
        out.fixed(&[0; 8]);
        State::default().decode_page(PageId::Head, &out.into_bytes())
    };
    assert_eq!(head(&[1, 2, 5]), Ok(()));
    assert!(head(&[1, 1]).is_err() && head(&[2, 1]).is_err(), "a long list in another order takes hours");
}

#[test]
fn a_board_of_rounds_from_anywhere_costs_as_many_hashes_as_it_is_long() {
    let digest = Digest([1; 32]);
    let spans = vec![[u64::MAX; 3]; 32];
    let rounds = BoardRounds { commitment: digest, number: u32::MAX, seed: digest, next_ms: 0, spans };
    assert_eq!(rounds.all().len(), 32);
    assert!(!rounds.have_called(Rank(5)));
}

/// Three numbers a round, the first two of which add up to no more than the last rank there can be.
fn longest_spans() -> Vec<[u64; 3]> {
    let most = [(1 << 35) - 1, (1 << 35) - 1, CUT_MAX];
    let mut spans = vec![most; KEPT_MAX as usize];
    spans[0] = [1 << 35, 1 << 35, CUT_MAX];
    assert!(spans.iter().map(|[first, ..]| first).sum::<u64>() < Rank::LIMIT);
    spans
}

#[test]
fn a_board_has_at_most_two_kilobytes_with_every_field_at_its_largest() {
    // The last moment that is read, in the year 2200; the last rank; settings at their bounds, and one in fourteen comes.
    let (end, last, limit) = (7_258_118_399_999, Rank::LIMIT - 1, 2_147_483_647);
    let digest = Digest([0xff; 32]);
    let board = Board {
        version: u8::MAX,
        sequence: last,
        at_ms: end,
        max_age_ms: Board::MAX_AGE_QUIET.0,
        epoch: u32::MAX,
        pass_epoch: u32::MAX,
        phase: Phase::Passthrough,
        called: last,
        void: last,
        issued: last,
        waiting: last,
        claim_window_ms: 600_000,
        directory_version: last,
        revoked_seq: last,
        renewal_interval_ms: 2 * 86_400_000,
        claims_closed: false,
        one_in: 16,
        free: limit * 15,
        pace_per_hour: limit * 60 * 15,
        turn_per_hour: limit * 60 * 15,
        wait_p50: 8_000,
        wait_p90: 8_000,
        changes: vec![Scheduled { at_ms: end, phase: Phase::Passthrough, pass_epoch: u32::MAX }; 2],
        event: Some(BoardEvent { prequeue_ms: end, start_ms: end, end_ms: end, shuffle: false }),
        gathers_from: Some(last),
        seals: vec![BoardSeal { start_ms: end, commitment: digest }; 2],
        draws: vec![
            BoardDraw { start_ms: end, first: last, count: last, seed: digest, hash: digest };
            DONE_MAX
        ],
        rounds: Some(BoardRounds {
            commitment: digest,
            number: CHAIN_LENGTH,
            seed: digest,
            next_ms: end,
            spans: longest_spans(),
        }),
    };
    let text = to_text(&board);
    assert!(text.len() <= 2_048, "{}", text.len());
    assert_eq!(from_text(text.as_bytes()), Some(board));
}

#[test]
fn rounds_that_are_cut_changed_or_too_long_are_refused_and_cost_nothing() {
    let read = |text: &str| from_text::<BoardRounds>(format!("\"{text}\"").as_bytes());
    let rounds = BoardRounds { number: 7, next_ms: 9, spans: longest_spans(), ..BoardRounds::default() };
    let text = to_text(&rounds);
    let whole = text.trim_matches('"');
    assert_eq!(read(whole), Some(rounds.clone()));
    for end in 0..whole.len() {
        let cut = read(&whole[..end]);
        assert!(cut.is_none_or(|cut| rounds.spans.starts_with(&cut.spans)), "cut at {end}");
        assert!(read(&format!("{}*{}", &whole[..end], &whole[end + 1..])).is_none(), "no digit at {end}");
    }
    let bytes = |rest: &[u8]| read(&base64url::encode(&[&[0; 66], rest].concat()));
    assert_eq!(bytes(&[1, 2, 3]).map(|rounds| rounds.spans), Some(vec![[1, 2, 3]]));
    let refused: [&[u8]; 3] = [&[1, 2], &[1, 2, 0x80], &[0xff; 11]];
    assert!(
        refused.iter().all(|rest| bytes(rest).is_none()),
        "two numbers, one without an end, one too large"
    );
    assert_eq!(bytes(&[0; 957]).map(|rounds| rounds.spans.len()), Some(319));
    assert!(bytes(&[0; 960]).is_none() && read(&"A".repeat(1 << 24)).is_none());
    let others = ["null", "7", "[]", "{}", "\"\""];
    assert!(others.iter().all(|text| from_text::<BoardRounds>(text.as_bytes()).is_none()));
    assert!(others.iter().all(|text| from_text::<BoardDraw>(text.as_bytes()).is_none()));
}
