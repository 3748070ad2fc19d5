//! What isolates of one data center learn from each other, without a platform: the same as they would from the objects, as of when it was said; and nothing from
//! whoever else writes to their cache.

use std::collections::HashMap;

use anteroom::edge::{Asked, Deployment, Edge};
use anteroom::verdict::{Verdict, place};
use durable::board::{Board, Phase, Revocations};
use durable::directory::seeds;
use durable::json;
use durable::order::{Document, DocumentRoom};
use durable::protocol::{Answer, Outcome};
use durable::token::{Keys, Pass, PassStanding, RoomTag};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Seat};
use durable::wire::to_text;

const NOW: Millis = Millis(1_800_000_000_000);
const KEY: &str = "0123456789abcdef0123456789abcdef";
const MAX_AGE: u64 = 1_000;
/// How long the leaf had its board when the first isolate asked.
const AGE: u64 = 300;
/// A directory is asked for anew after so long.
const ROOMS_FRESH: u64 = 5_000;

fn at(ms: u64) -> Millis {
    NOW.plus(Millis(ms))
}

/// One that has just begun.
fn isolate(key: &str) -> Edge {
    Edge::new(Deployment {
        keys: Keys::new(key, "", ""),
        operator_tokens: String::new(),
        operator_host: "operator.example".into(),
        has_origin: true,
        rooms: Vec::new(),
    })
}

fn room() -> DocumentRoom {
    let room = json!({ "name": "r", "host": "shop.example", "path": "/", "total_active_users": 5, "new_users_per_minute": 5 });
    let (id, settings) = seeds(&[room]).unwrap().remove(0);
    DocumentRoom { id, settings: settings.to_json(), rules: Vec::new() }
}

fn document(version: u64) -> String {
    to_text(&Document { version, rooms: vec![room()] })
}

fn board(sequence: u64) -> Board {
    Board {
        version: 1,
        sequence,
        at_ms: NOW.0,
        max_age_ms: MAX_AGE,
        phase: Phase::Busy,
        directory_version: 1,
        revoked_seq: 1,
        ..Board::default()
    }
}

/// A leaf's answer: seat 3 was given up by whom it was given first.
fn answer(board: Board) -> String {
    let revocations = Some(Revocations { seq: 1, passes: vec![(3, 1)] });
    to_text(&Answer { outcome: Outcome::Board, board: Some(board), board_age_ms: AGE, revocations })
}

fn asked(generation: u32, epoch: u32) -> String {
    let tag = room().id;
    let pass = Pass {
        room: RoomTag::from_id(&tag).unwrap(),
        epoch: Epoch(epoch),
        pass_epoch: PassEpoch(0),
        seat: Seat(3),
        generation: Generation(generation),
        issued: NOW,
        expires: at(300_000),
        standing: PassStanding::Confirmed,
    };
    let cookie = Keys::new(KEY, "", "").unwrap().sign(&pass);
    format!(
        "https://shop.example/\n__Host-anteroom-{}={cookie}\nGET\ntext/html\nen\n\nnavigate\n\n\n\n\n",
        &tag[..8]
    )
}

fn gate(edge: &mut Edge, asked: &str, now: Millis) -> Verdict {
    edge.gate(&Asked::parse(asked), now, [[0; 16]; 2])
}

/// What an isolate wants to know when somebody comes.
fn wanted(edge: &mut Edge, now: Millis) -> String {
    let Verdict::Errand(errand) = gate(edge, &asked(2, 0), now) else { panic!("it knows enough") };
    errand
}

/// An object says what is wanted; what others hear of it.
fn told(edge: &mut Edge, reply: &str, now: Millis) -> Option<String> {
    let errand = wanted(edge, now);
    edge.learn(&errand, reply, now);
    edge.share(&errand, reply, now)
}

/// What one isolate shares of the directory, and of a board.
fn entries(key: &str, board: Board) -> [String; 2] {
    let mut edge = isolate(key);
    [document(1), answer(board)].map(|reply| told(&mut edge, &reply, NOW).expect("something to share"))
}

/// An isolate with this directory from another.
fn informed(directory: &str, now: Millis) -> Edge {
    let mut edge = isolate(KEY);
    let errand = wanted(&mut edge, now);
    assert!(edge.overhear(&errand, directory, now));
    edge
}

#[test]
fn an_isolate_knows_from_another_what_the_objects_would_say_and_since_when() {
    let [directory, board] = entries(KEY, board(7));
    let now = at(500);
    let mut edge = informed(&directory, now);
    let errand = wanted(&mut edge, now);
    assert!(edge.overhear(&errand, &board, now));
    assert_eq!(gate(&mut edge, &asked(2, 0), now), Verdict::Origin);
    assert!(matches!(gate(&mut edge, &asked(1, 0), now), Verdict::Page(_)), "given up");
    // No longer than whoever heard it first: the board was 300 ms old then, and the directory is fetched anew after five seconds.
    let pass = asked(2, 0);
    let cookies = pass.lines().nth(1).unwrap();
    let until = NOW.0 - AGE + MAX_AGE;
    let admitted = edge.admits("https://shop.example/", cookies, now).expect("a good pass");
    assert!(admitted.starts_with(&format!("{until}\n")), "{admitted}");
    assert!(edge.admits("https://shop.example/", cookies, Millis(until + 1)).is_none());
    let errand = wanted(&mut edge, Millis(NOW.0 - AGE + 2 * MAX_AGE + 1));
    assert!(errand.starts_with("@\nLOBBY\n"), "{errand}");
    gate(&mut edge, &pass, at(ROOMS_FRESH));
    assert_eq!(edge.chore(), None);
    gate(&mut edge, &pass, at(ROOMS_FRESH + 1));
    assert!(edge.chore().is_some_and(|chore| chore.starts_with("@\nDIRECTORY\n")));
}

#[test]
fn what_is_no_news_is_asked_of_the_objects() {
    let [directory, seventh] = entries(KEY, board(7));
    let [_, sixth] = entries(KEY, board(6));
    // The directory: too old, from the future, or older than one that is known of.
    for (now, why) in [(at(ROOMS_FRESH + 1), "old"), (NOW.minus(Millis(1)), "not yet")] {
        let mut edge = isolate(KEY);
        let errand = wanted(&mut edge, now);
        assert!(!edge.overhear(&errand, &directory, now), "{why}");
        assert!(matches!(gate(&mut edge, &asked(2, 0), now), Verdict::Errand(again) if again == errand));
    }
    let mut edge = informed(&directory, NOW);
    told(&mut edge, &answer(Board { directory_version: 2, ..board(7) }), NOW);
    let errand = wanted(&mut edge, NOW);
    assert!(!edge.overhear(&errand, &directory, NOW), "a board knows of a newer one");
    told(&mut edge, &document(2), NOW);
    assert_eq!(gate(&mut edge, &asked(2, 0), NOW), Verdict::Origin);
    // A board: the one that is held, an older one, one that is not to be acted on, one from the future.
    let mut edge = informed(&directory, NOW);
    let errand = wanted(&mut edge, NOW);
    edge.learn(&errand, &answer(board(7)), NOW);
    assert!(!edge.overhear(&errand, &seventh, NOW), "it is held");
    assert!(!edge.overhear(&errand, &sixth, NOW), "older");
    for (now, why) in [(at(MAX_AGE - AGE + 1), "old"), (NOW.minus(Millis(AGE + 1)), "not yet")] {
        let mut edge = isolate(KEY);
        told(&mut edge, &document(1), now);
        let errand = wanted(&mut edge, now);
        assert!(!edge.overhear(&errand, &seventh, now), "{why}");
    }
}

#[test]
fn nobody_else_who_writes_to_the_cache_is_believed() {
    let [directory, board] = entries(KEY, board(7));
    let [theirs, their_board] = entries("fedcba9876543210fedcba9876543210", self::board(8));
    let mut edge = isolate(KEY);
    let errand = wanted(&mut edge, NOW);
    let bare = document(1);
    for (forgery, why) in [
        ("", "nothing"),
        (&*bare, "a document without a seal"),
        (&*theirs, "another's key"),
        (&*board, "of another place"),
        (&directory[1..], "cut"),
        (&*directory.replace("shop", "shot"), "changed"),
    ] {
        assert!(!edge.overhear(&errand, forgery, NOW), "{why}");
    }
    assert_eq!(wanted(&mut edge, NOW), errand, "the directory is asked");
    assert!(edge.overhear(&errand, &directory, NOW));
    let errand = wanted(&mut edge, NOW);
    for forgery in [&*their_board, &*directory, &*board.replace("busy", "open"), &board[..board.len() - 1]] {
        assert!(!edge.overhear(&errand, forgery, NOW), "{forgery}");
    }
    // Whoever finds out one host's places knows none of another's, and the same words lie elsewhere for another key.
    let places = [KEY, "fedcba9876543210fedcba9876543210"].map(|key| {
        let mut edge = isolate(key);
        let errand = wanted(&mut edge, NOW);
        place(&errand).map(str::to_owned)
    });
    assert!(places[0].is_some() && places[0] != places[1]);
}

#[test]
fn whoever_brings_a_token_of_a_newer_epoch_has_the_leaf_asked_itself() {
    let [directory, board] = entries(KEY, board(7));
    let mut edge = informed(&directory, NOW);
    let errand = wanted(&mut edge, NOW);
    assert!(edge.overhear(&errand, &board, NOW));
    // A second after the leaf said it, it may know more.
    let verdict = gate(&mut edge, &asked(2, 1), at(1_001));
    let Verdict::Errand(errand) = verdict else { panic!("decided") };
    assert!(errand.starts_with("@\nLOBBY\n") && place(&errand).is_none(), "{errand}");
}

#[test]
fn what_nobody_said_is_not_shared() {
    let mut edge = isolate(KEY);
    assert_eq!(told(&mut edge, "", NOW), None, "the directory cannot be reached");
    let mut edge = isolate(KEY);
    assert_eq!(told(&mut edge, r#"{"version":"#, NOW), None, "half a document");
    let mut edge = informed(&entries(KEY, board(7))[0], NOW);
    let unreachable = to_text(&Answer::from(Outcome::Unreachable));
    assert_eq!(told(&mut edge, &unreachable, NOW), None, "the Room cannot be reached");
    let mut edge = informed(&entries(KEY, board(7))[0], NOW);
    let old = Answer { board_age_ms: MAX_AGE + 1, board: Some(board(7)), ..Answer::from(Outcome::Board) };
    assert_eq!(told(&mut edge, &to_text(&old), NOW), None, "nobody may act on it");
}

#[test]
fn what_is_shared_is_what_was_said_also_to_who_understands_more_of_it() {
    let mut edge = isolate(KEY);
    let with_more = |said: String| said.replacen('{', r#"{"of_a_later_version":7,"#, 1);
    let entry = told(&mut edge, &with_more(document(1)), NOW).expect("something to share");
    assert!(entry.contains("of_a_later_version"), "{entry}");
    let said = with_more(answer(board(7)))
        .replace(r#""phase":"busy""#, r#""phase":"of a later version","also":[1]"#);
    let entry = told(&mut edge, &said, NOW).expect("something to share");
    for word in
        ["of_a_later_version", r#""phase":"of a later version""#, r#""also":[1]"#, r#""passes":[[3,1]]"#]
    {
        assert!(entry.contains(word), "{word}: {entry}");
    }
}

/// Isolates beside each other, each asked every 50 ms by somebody who is inside, for twenty seconds of a line; objects take 60 ms to answer. How often the
/// directory and the leaf are asked.
fn calls(isolates: usize, share: bool) -> [usize; 2] {
    let [step, every, latency, seconds] = [5, 50, 60, 20];
    let mut edges: Vec<Edge> = (0..isolates).map(|_| isolate(KEY)).collect();
    let (mut cache, mut calls) = (HashMap::new(), [0, 0]);
    let mut underway: Vec<(usize, usize, String)> = Vec::new();
    for time in (0..seconds * 1_000).step_by(step) {
        let now = at(time as u64);
        let due = underway.iter().position(|(at, ..)| *at > time).unwrap_or(underway.len());
        for (_, index, errand) in underway.drain(..due).collect::<Vec<_>>() {
            let is_board = errand.starts_with("@\nLOBBY");
            let board = Board { at_ms: now.0, sequence: time as u64, ..board(7) };
            let leaf = Answer { board: Some(board), ..Answer::from(Outcome::Board) };
            let reply = if is_board { to_text(&leaf) } else { document(1) };
            edges[index].learn(&errand, &reply, now);
            if let (true, Some(entry)) = (share, edges[index].share(&errand, &reply, now)) {
                cache.insert(place(&errand).unwrap().to_owned(), entry);
            }
        }
        for (index, edge) in
            edges.iter_mut().enumerate().filter(|(index, _)| (time + index * step) % every == 0)
        {
            let mut entropy = [[index as u8; 16]; 2];
            entropy[1][5] = (index * 37) as u8;
            let verdict = edge.gate(&Asked::parse(&asked(2, 0)), now, entropy);
            let first = if let Verdict::Errand(errand) = verdict { Some(errand) } else { None };
            for errand in first.into_iter().chain(std::iter::from_fn(|| edge.chore())).collect::<Vec<_>>() {
                let entry = place(&errand).and_then(|place| cache.get(place));
                if entry.is_some_and(|entry: &String| edge.overhear(&errand, entry, now)) {
                    continue;
                }
                calls[usize::from(errand.starts_with("@\nLOBBY"))] += 1;
                underway.push((time + latency, index, errand));
            }
        }
    }
    calls
}

#[test]
fn the_more_isolates_there_are_the_more_calls_of_objects_are_saved() {
    let alone = calls(1, true);
    assert!(alone[1] <= 22, "{alone:?}: hardly more than one in a second");
    for isolates in [10, 40] {
        let (each, shared) = (calls(isolates, false), calls(isolates, true));
        println!("{isolates} isolates: {each:?} calls of directory and leaf, {shared:?} if they share");
        // All of them ask at the first moment, when nobody has been told anything.
        assert!(shared[1] * 5 < each[1] * 2, "{shared:?} of {each:?}");
    }
}
