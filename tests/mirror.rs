//! What the waiting page is told of the board's mirror, and what it has to make of the board that lies there: written into `target/mirror`, where a browser's test
//! has the page's script say the same (`tests/browser/mirror.test.mjs`), in every language.

use std::fs;
use std::path::Path;

use anteroom::json::for_the_page;
use anteroom::page::{content_security_policy, page};
use anteroom::poll::{Sight, poll_after, standing_of};
use anteroom::standing::Notice;
use anteroom::text::Language;
use durable::board::{Board, BoardRounds, Phase, Scheduled};
use durable::json;
use durable::settings::Settings;
use durable::units::{Millis, Rank};
use durable::wire::to_text;
use serde_json::{Value, json as value};

const NOW: u64 = 1_795_456_800_000;
/// Somebody joined so long ago.
const WAITED: u64 = 330_000;
/// The board that is mirrored is this much younger than the one the server went by.
const LATER: u64 = 7_000;
const ROOM: &str = "0123456789abcdef0123456789abcdef";

fn settings(mirror: &str) -> Settings {
    let room = json!({
        "name": "a", "host": "a.localhost", "total_active_users": 1, "new_users_per_minute": 1,
        "board_mirror": mirror, "page": { "title": "Town clinic" },
    });
    Settings::parse(&room).unwrap()
}

/// As a line stands that has begun to move.
fn board() -> Board {
    Board {
        version: 1,
        sequence: 70,
        at_ms: NOW,
        max_age_ms: 1_000,
        phase: Phase::Busy,
        called: 1_000,
        issued: 90_000,
        waiting: 80_000,
        claim_window_ms: 120_000,
        pace_per_hour: 3_600,
        turn_per_hour: 3_600,
        wait_p50: 750,
        wait_p90: 1_500,
        ..Board::default()
    }
}

/// What this holder of a rank is told by a board.
fn with_notice<T>(
    board: &Board,
    rank: u64,
    language: Language,
    mirror: &str,
    use_it: impl Fn(&Notice<'_>) -> T,
) -> T {
    let now = Millis(board.at_ms);
    let standing = standing_of(board, Rank(rank), Millis(NOW - WAITED), now);
    let after = |sight| poll_after(&standing, Some(board), now, 0, sight);
    use_it(&Notice {
        standing,
        board: Some(board),
        room: ROOM,
        settings: &settings(mirror),
        language,
        target: "/sale",
        door: "/sale",
        wait_path: "/.anteroom/wait",
        leave_path: "/.anteroom/leave",
        draw_path: "/.anteroom/draw",
        rank: Some(Rank(rank)),
        poll_after: after(Sight::Shown),
        hidden_poll_after: after(Sight::Hidden),
        now,
        nonce: "00112233445566778899aabb",
    })
}

const MIRROR: &str = "http://line.localhost:8080";

fn told(board: &Board, rank: u64, language: Language, mirror: &str) -> Value {
    serde_json::from_str(&with_notice(board, rank, language, mirror, for_the_page)).unwrap()
}

/// Boards on which somebody waits, and their ranks: near and far, soon and late, at a known pace and at none.
fn moves() -> Vec<(Board, u64)> {
    let later = Board { sequence: 74, at_ms: NOW + LATER, called: 2_000, waiting: 79_000, ..board() };
    let at_pace = |pace_per_hour, turn_per_hour| Board { pace_per_hour, turn_per_hour, ..later.clone() };
    let mut moves = Vec::new();
    for ahead in [0, 1, 2, 3, 11, 99, 100, 103, 111, 250, 1_234, 9_999, 70_000] {
        moves.push((later.clone(), 2_000 + ahead));
        moves.push((at_pace(150_000, 60_000), 2_000 + ahead));
    }
    for pace_per_hour in [0, 1, 40, 700] {
        moves.push((at_pace(pace_per_hour, 600), 2_345));
    }
    // Free seats; nobody has left yet; one who is new to that board; whoever is ahead has mostly left.
    moves.push((Board { free: 300, ..at_pace(3_600, 60) }, 2_345));
    moves.push((at_pace(3_600, 0), 2_345));
    moves.push((Board { issued: 3_000, waiting: 900, ..later.clone() }, 3_210));
    moves.push((Board { waiting: 40, ..later.clone() }, 8_000));
    for claim_window_ms in [10_000, 60_000, 600_000] {
        moves.push((Board { claim_window_ms, ..later.clone() }, 9_000));
    }
    // A change is near, and another one is far.
    for at_ms in [NOW + LATER + 20_000, NOW + 90_000_000] {
        let changes = vec![Scheduled { at_ms, phase: Phase::Prequeue, pass_epoch: 0 }];
        moves.push((Board { changes, ..later.clone() }, 9_000));
    }
    moves
}

/// What a page must not go by, whatever else is in it: it asks the server.
fn doubtful() -> Vec<Value> {
    let later = Board { sequence: 74, at_ms: NOW + LATER, called: 2_000, waiting: 79_000, ..board() };
    let rounds = || BoardRounds { next_ms: NOW + 30_000, ..BoardRounds::default() };
    let boards = vec![
        Board { called: 9_001, ..later.clone() },
        Board { waiting: 0, ..later.clone() },
        Board { epoch: 1, ..later.clone() },
        Board { version: 2, ..later.clone() },
        Board { phase: Phase::Held, ..later.clone() },
        Board { phase: Phase::Open, ..later.clone() },
        Board { phase: Phase::Prequeue, ..later.clone() },
        Board { phase: Phase::Suspended, ..later.clone() },
        Board { rounds: Some(rounds()), ..later.clone() },
        Board { rounds: Some(BoardRounds { next_ms: 0, ..rounds() }), ..later.clone() },
        Board { gathers_from: Some(50_000), ..later.clone() },
        Board { sequence: 69, ..later.clone() },
        Board { at_ms: NOW - 12_000, ..later.clone() },
        Board { at_ms: NOW + 60_000, ..later.clone() },
        Board { changes: vec![Scheduled { at_ms: NOW, ..Scheduled::default() }], ..later.clone() },
    ];
    let mut doubtful: Vec<Value> =
        boards.iter().map(|board| serde_json::from_str(&to_text(board)).unwrap()).collect();
    let whole: Value = serde_json::from_str(&to_text(&later)).unwrap();
    for field in [
        "sequence",
        "at_ms",
        "max_age_ms",
        "called",
        "issued",
        "waiting",
        "free",
        "pace_per_hour",
        "wait_p50",
        "changes",
        "phase",
        "gathers_from",
    ] {
        for other in [value!(null), value!("7"), value!(-1e300), value!({})] {
            // An array where none is asked for is no number either.
            let mut board = whole.clone();
            board[field] = other;
            if field != "gathers_from" || !board[field].is_null() {
                doubtful.push(board);
            }
        }
        let mut board = whole.clone();
        board.as_object_mut().unwrap().remove(field);
        doubtful.push(board);
    }
    doubtful.extend([value!(null), value!([]), value!("board"), value!({})]);
    doubtful
}

#[test]
fn what_the_page_has_to_say_is_written_for_the_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/mirror");
    fs::create_dir_all(&folder).unwrap();
    let mut moves_in_all = Vec::new();
    for language in Language::ALL {
        for (mirrored, rank) in moves() {
            // What the server said last: with its claim window, for that is the room's.
            let before = Board { claim_window_ms: mirrored.claim_window_ms, ..board() };
            let [before, by_mirrored] = [&before, &mirrored].map(|board| told(board, rank, language, MIRROR));
            assert_eq!((&before["state"], &by_mirrored["state"]), (&value!("waiting"), &value!("waiting")));
            assert_eq!(before["mirror"]["url"], format!("{MIRROR}/{ROOM}.json"));
            let mirrored: Value = serde_json::from_str(&to_text(&mirrored)).unwrap();
            moves_in_all.push(value!({ "lang": language.tag(), "before": before, "mirrored": mirrored, "says": by_mirrored }));
        }
        let page = with_notice(&board(), 9_000, language, MIRROR, page);
        fs::write(folder.join(format!("page.{}.json", language.tag())), page).unwrap();
    }
    let before = told(&board(), 9_000, Language::English, MIRROR);
    let vectors = value!({ "moves": moves_in_all, "doubtful": { "before": before, "boards": doubtful() } });
    fs::write(folder.join("vectors.json"), vectors.to_string()).unwrap();
}

#[test]
fn only_who_waits_in_plain_order_in_a_room_with_a_mirror_is_told_of_it() {
    let is_told =
        |board: &Board, mirror: &str| told(board, 9_000, Language::English, mirror).get("mirror").is_some();
    assert!(is_told(&board(), MIRROR));
    assert!(!is_told(&board(), ""), "off by default");
    for other in [
        Board { called: 9_001, ..board() },
        Board { phase: Phase::Held, ..board() },
        Board { phase: Phase::Open, ..board() },
        Board { gathers_from: Some(50_000), ..board() },
        Board { rounds: Some(BoardRounds { next_ms: NOW + 1, ..BoardRounds::default() }), ..board() },
        Board { rounds: Some(BoardRounds::default()), ..board() },
    ] {
        assert!(!is_told(&other, MIRROR), "{other:?}");
    }
}

#[test]
fn a_page_may_ask_the_mirror_only_where_there_is_one() {
    assert!(
        content_security_policy("abc", MIRROR, &[])
            .contains("connect-src 'self' http://line.localhost:8080; ")
    );
    assert!(content_security_policy("abc", "", &[]).contains("connect-src 'self' ; "));
}
