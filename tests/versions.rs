//! Rows, pages and boards outlive deploys. What the first version wrote is pinned here to the byte, and so is what is read from it.

use durable::batch::Grant;
use durable::board::{Board, Phase};
use durable::call::{ShowUp, Window};
use durable::health::Health;
use durable::journal::{Change, Row};
use durable::room::Room;
use durable::state::{PageId, State};
use durable::store::StoredPage;
use durable::token::PassStanding;
use durable::units::{Epoch, Generation, Millis, PassEpoch, Place, Rank, Seat};
use durable::wire::from_text;

const SETTINGS: &[u8; 84] =
    br#"{"name":"sale","host":"a.example","total_active_users":3,"new_users_per_minute":100}"#;

/// Written by hand from the format's description of then: version 1, before there were events, draws, rounds and promises.
fn head() -> Vec<u8> {
    let parts: [&[u8]; 10] = [
        // The version, the clock (40 000), that there are settings, their version, the directory's version.
        &[1, 0xc0, 0xb8, 2, 1, 7, 8, SETTINGS.len() as u8],
        SETTINGS,
        // Both epochs.
        &[2, 3],
        // The line: 10 ranks given, 6 called, of those ahead 1 left, held since 20 000.
        &[10, 6, 1, 0xa1, 0x9c, 1],
        // Two calls: first, end, when, how many, of these still holding; when the window and the late window end (40 000 and 80 000).
        &[2, 0, 2, 0x88, 0x27, 2, 0, 0x90, 0x4e, 0xc0, 0xb8, 2],
        &[2, 6, 0x90, 0x4e, 4, 3, 0xc0, 0xb8, 2, 0x80, 0xf1, 4],
        // One kept since 30 000, and two joins.
        &[1, 3, 0xb0, 0xea, 1, 2, 0, 0x88, 0x27, 6, 0x90, 0x4e],
        // Both pacers; four admitted at 10 000.
        &[5, 6, 1, 0x90, 0x4e, 4],
        // One pass of nine that were ever revoked; quiet until 4; a lobby with one incarnation and no reply.
        &[9, 1, 1, 2, 0xc0, 0xb8, 2, 4, 1, 1, b'l', 1],
        &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 5, 0],
    ];
    parts.concat()
}

fn read(bytes: &[u8]) -> State {
    let mut state = State::default();
    state.decode_page(PageId::Head, bytes).expect("a head page of the first version");
    state
}

#[test]
fn a_head_page_of_the_first_version_is_read() {
    let state = read(&head());
    let config = state.config.as_ref().unwrap();
    assert_eq!((config.version, config.directory_version, config.events.len()), (7, 8, 0));
    assert_eq!((config.settings.name.as_str(), config.settings.total_active_users), ("sale", 3));
    assert_eq!((state.at, state.epoch, state.pass_epoch), (Millis(40_000), Epoch(2), PassEpoch(3)));
    assert_eq!((state.line.issued(), state.line.called(), state.line.waiting()), (Rank(10), Place(6), 3));
    assert_eq!(state.line.clock(state.at), Millis(20_000));
    let windows = [0, 2, 5, 6].map(|rank| state.window(Rank(rank)));
    assert_eq!(windows, [Window::Late, Window::Open, Window::Open, Window::Uncalled]);
    assert_eq!((state.holding(), state.kept.places().collect::<Vec<_>>()), (3, vec![Place(3)]));
    assert_eq!(state.waits.longest(Millis(25_000)), Millis(20_000));
    assert_eq!((state.pacer.tat_ns, state.late_pacer.tat_ns, state.admissions.count()), (5, 6, 4));
    let revoked = state.revoked.first().map(|revoked| (revoked.seat, revoked.generation, revoked.forget_at));
    assert_eq!(revoked, Some((Seat(1), Generation(2), Millis(40_000))));
    assert_eq!((state.revoked_seq, state.quiet_until), (9, Millis(4)));
    // What that version did not know is as it was before it existed; its calls teach nothing about who comes.
    assert_eq!((state.show_up, state.swept), (ShowUp::default(), None));
    assert!(state.draws.done().is_empty() && state.draws.gathering().is_none());
    assert!(state.rounds.chain().is_none() && state.rounds.kept().len() == 0);
    assert_eq!(state.line.untaught(Millis(u64::MAX)), (0, 0));
}

#[test]
fn it_is_written_in_the_newest_version_and_nothing_is_lost() {
    let state = read(&head());
    let written = state.encode_page(PageId::Head);
    assert_eq!(written.first(), Some(&2));
    assert_eq!(read(&written).encode_page(PageId::Head), written);
}

#[test]
fn a_room_of_the_first_version_goes_on() {
    let page = StoredPage { page: PageId::Head, sequence: 1, bytes: head() };
    let mut room = Room::load(&[page], &[]).unwrap();
    let now = Millis(50_000);
    room.step(now, [7; 32], vec![]).unwrap();
    let board = room.board(now);
    assert_eq!((board.called, board.issued, board.waiting), (6, 10, 3), "three are promised the three seats");
}

#[test]
fn a_head_page_that_is_cut_or_of_a_later_version_is_refused() {
    let bytes = head();
    for length in 0..bytes.len() {
        assert!(State::default().decode_page(PageId::Head, &bytes[..length]).is_err());
    }
    for version in [0, 3] {
        let other = [&[version], &bytes[1..]].concat();
        assert!(State::default().decode_page(PageId::Head, &other).is_err());
    }
}

/// Told by a room of the first version, whose six visitors had joined and of whom two were called.
const FIRST_BOARD: &str = concat!(
    r#"{"version":1,"sequence":3,"at_ms":1800000001000,"max_age_ms":1000,"epoch":0,"pass_epoch":0,"phase":"busy","#,
    r#""called":2,"void":0,"issued":6,"waiting":4,"calls_per_hour":0,"claim_window_ms":120000,"#,
    r#""directory_version":1,"revoked_seq":0}"#,
);

#[test]
fn a_board_of_the_first_version_is_read() {
    let board: Board = from_text(FIRST_BOARD.as_bytes()).expect("a board of the first version");
    // What it does not say is as it was before it could be said: an edge goes by its settings, tells no wait, and schedules nothing.
    let expected = Board {
        version: 1,
        sequence: 3,
        at_ms: 1_800_000_001_000,
        max_age_ms: 1_000,
        phase: Phase::Busy,
        called: 2,
        issued: 6,
        waiting: 4,
        claim_window_ms: 120_000,
        directory_version: 1,
        ..Board::default()
    };
    assert_eq!(board, expected);
    assert_eq!([0, 1, 2, 5].map(|rank| board.has_called(Rank(rank))), [true, true, false, false]);
    assert_eq!((board.ahead_of(Place(5)), board.forecast().seconds(3)), (3, None));
}

/// Told when rounds and draws were still said number by number.
const BOARD_OF_NUMBERS: &str = concat!(
    r#"{"version":1,"sequence":5,"at_ms":1800000156000,"max_age_ms":1000,"epoch":0,"pass_epoch":0,"phase":"busy","#,
    r#""called":0,"void":0,"issued":8,"waiting":2,"claim_window_ms":120000,"directory_version":1,"revoked_seq":0,"#,
    r#""renewal_interval_ms":20000,"claims_closed":false,"one_in":1,"free":0,"pace_per_hour":6000000,"turn_per_hour":135,"#,
    r#""wait_p50":1000,"wait_p90":1500,"changes":[],"event":null,"gathers_from":null,"seals":[],"draws":[],"#,
    r#""rounds":{"commitment":"rL28bRrLL-lMqBCBv7s1lzKlxfV9Ws01FT-CcN6ZMXA","number":2,"#,
    r#""seed":"doy0myqEe80eha5qtxIKmMDOpY5wcTTBeHKNRbXLmH4","next_ms":1800000186000,"kept":[0,8,3,0,0,3]}}"#,
);

#[test]
fn a_board_that_said_rounds_number_by_number_is_read_as_one_without_rounds() {
    let board: Board = from_text(BOARD_OF_NUMBERS.as_bytes()).expect("a board of numbers");
    assert_eq!((board.issued, board.renewal_interval_ms, board.rounds.is_none()), (8, 20_000, true));
    // Until a newer one comes, within a second, winners are told to wait: nobody is called who was not.
    assert!((0..8).all(|rank| !board.has_called(Rank(rank))));
}

#[test]
fn a_seat_given_back_by_a_row_of_before_gives_back_no_pace() {
    let bytes = [1, 0xac, 2, 1, 29, 3, 4];
    let change = Change::LeaseReturned { seat: Seat(3), generation: Generation(4), given_at: Millis(0) };
    assert_eq!(Row::decode(&bytes), Ok(Row { at: Millis(300), changes: vec![change] }));
}

#[test]
fn the_bytes_of_a_row_are_pinned() {
    // Written by hand from the format's description. Rows outlive deploys: never change them, add a tag.
    let row = Row {
        at: Millis(300),
        changes: vec![
            Change::Joined { count: 2 },
            Change::Called { end: Place(2), holding: 1, closes_at: Millis(5), late_until: Millis(6) },
            Change::TicketLeft { rank: Rank(1) },
            Change::Returned {
                grant: Grant {
                    seat: Seat(9),
                    generation: Generation(8),
                    issued: Millis(7),
                    expires: Millis(6),
                    standing: PassStanding::Confirmed,
                },
                free_at: Millis(5),
            },
            Change::OriginHeard { health: Health { sampled: 300, errors: 4, slow: 3 } },
            Change::OriginJudged { pace: Some(2), limit: 1 },
            Change::OriginJudged { pace: None, limit: 1 },
            Change::EpochBegun { free_at: Millis(301) },
            Change::LeaseReturned { seat: Seat(3), generation: Generation(4), given_at: Millis(302) },
        ],
    };
    let bytes = [
        1, 0xac, 2, 9, 2, 2, 3, 2, 1, 5, 6, 7, 1, 26, 9, 8, 7, 6, 1, 5, 27, 0xac, 2, 4, 3, 28, 2, 1, 28, 0,
        1, 30, 0xad, 2, 31, 3, 4, 0xae, 2,
    ];
    assert_eq!(row.encode(), bytes);
}
