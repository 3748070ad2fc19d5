//! The edge of one isolate, whole, without a platform: what it has learnt decides who goes on without being asked again, and for how long.

use anteroom::edge::{Asked, Deployment, Edge};
use anteroom::verdict::{Verdict, errand_for_rooms, errand_to_leaf};
use anteroom::visit::Headers;
use durable::board::{Board, Phase, Revocations, Scheduled};
use durable::directory::seeds;
use durable::json;
use durable::order::{Document, DocumentRoom};
use durable::protocol::{Answer, Ask, Neighbourhood, Outcome, Wish};
use durable::settings::Settings;
use durable::token::{Arrival, Holder, Keys, Pass, PassStanding, RoomTag};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Seat};
use durable::wire::{from_text, to_text};

const NOW: Millis = Millis(1_800_000_000_000);
const KEY: &str = "0123456789abcdef0123456789abcdef";
const MAX_AGE: u64 = 1_000;

fn keys() -> Keys {
    Keys::new(KEY, "", "").unwrap()
}

/// An isolate that knows these paths' rooms, on one host, and the first's board, a moment ago.
fn edge(paths: &[&str]) -> (Edge, Vec<String>) {
    let room = |path: &&str| {
        let name = path.replace('/', "_");
        json!({ "name": format!("r{name}"), "host": "shop.example", "path": path, "total_active_users": 5, "new_users_per_minute": 5 })
    };
    let rooms = seeds(&paths.iter().map(room).collect::<Vec<_>>()).unwrap();
    let ids: Vec<String> = rooms.iter().map(|(id, _)| id.clone()).collect();
    let rooms = rooms.into_iter().map(|(id, settings)| DocumentRoom {
        id,
        settings: settings.to_json(),
        rules: Vec::new(),
    });
    let deployment = Deployment {
        keys: Ok(keys()),
        operator_tokens: String::new(),
        operator_host: "operator.example".into(),
        has_origin: true,
        rooms: Vec::new(),
    };
    let mut edge = Edge::new(deployment);
    let document = Document { version: 1, rooms: rooms.collect() };
    edge.learn(&errand_for_rooms(), &to_text(&document), NOW);
    hear(&mut edge, &ids[0], 1, None);
    (edge, ids)
}

/// The room's leaf says how things stand.
fn hear(edge: &mut Edge, id: &str, sequence: u64, revocations: Option<Revocations>) {
    let ask = Ask::default();
    let board = Board {
        version: 1,
        sequence,
        at_ms: NOW.0,
        max_age_ms: MAX_AGE,
        phase: Phase::Busy,
        directory_version: 1,
        revoked_seq: revocations.as_ref().map_or(0, |list| list.seq),
        ..Board::default()
    };
    let answer = Answer { outcome: Outcome::Board, board: Some(board), board_age_ms: 0, revocations };
    edge.learn(&errand_to_leaf('@', id, [0; 4], &ask), &to_text(&answer), NOW);
}

/// The room at `/` is given these settings.
fn set(edge: &mut Edge, id: &str, changes: &json::Value) {
    let mut settings = json!({
        "name": "r_", "host": "shop.example", "total_active_users": 5, "new_users_per_minute": 5,
    });
    for (name, value) in changes.as_object().unwrap().iter() {
        settings.set(name, value.clone());
    }
    let settings = Settings::parse(&settings).unwrap().to_json();
    let document =
        Document { version: 1, rooms: vec![DocumentRoom { id: id.to_owned(), settings, rules: Vec::new() }] };
    edge.learn(&errand_for_rooms(), &to_text(&document), NOW);
}

/// What a navigation with these cookies asks.
fn navigation(cookies: &str) -> String {
    format!("https://shop.example/\n{cookies}\nGET\ntext/html\nen\n\nnavigate\n\n\n\n\n")
}

fn cookies(id: &str, change: impl FnOnce(&mut Pass)) -> String {
    let mut pass = a_pass(id);
    change(&mut pass);
    let name = format!("__Host-anteroom-{}", &id[..8]);
    format!("{name}={}", keys().sign(&pass))
}

fn a_pass(id: &str) -> Pass {
    Pass {
        room: RoomTag::from_id(id).unwrap(),
        epoch: Epoch(0),
        pass_epoch: PassEpoch(0),
        seat: Seat(3),
        generation: Generation(1),
        issued: NOW,
        expires: NOW.plus(Millis(300_000)),
        standing: PassStanding::Confirmed,
    }
}

const URL: &str = "https://shop.example/sale/basket?item=1";

#[test]
fn a_good_pass_goes_on_as_long_as_the_board_may_be_acted_on() {
    let (mut edge, ids) = edge(&["/sale"]);
    let held = cookies(&ids[0], |_| ());
    let until = NOW.0 + MAX_AGE;
    assert_eq!(edge.admits(URL, &held, NOW), Some(format!("{until}\nhttps://shop.example/sale\n{held}")));
    assert!(edge.admits(URL, &held, Millis(until)).is_some());
    assert_eq!(edge.admits(URL, &held, Millis(until + 1)), None, "it leaves the fast path");
}

#[test]
fn what_is_due_or_ends_sooner_ends_the_memory_sooner() {
    let (mut edge, ids) = edge(&["/"]);
    let ends = cookies(&ids[0], |pass| pass.expires = NOW.plus(Millis(7)));
    assert_eq!(edge.admits(URL, &ends, NOW), Some(format!("{}\nhttps://shop.example\n{ends}", NOW.0 + 7)));
    // Five minutes of session: due a minute after it was issued.
    let due = cookies(&ids[0], |pass| pass.issued = NOW.minus(Millis(59_999)));
    assert_eq!(edge.admits(URL, &due, NOW), Some(format!("{}\nhttps://shop.example\n{due}", NOW.0 + 1)));
    let overdue = cookies(&ids[0], |pass| pass.issued = NOW.minus(Millis(60_001)));
    assert_eq!(edge.admits(URL, &overdue, NOW), None, "the gate renews it");
}

#[test]
fn whoever_has_no_good_pass_meets_the_gate() {
    let (mut edge, ids) = edge(&["/sale"]);
    for (why, change) in [
        ("expired", (|pass| pass.expires = NOW) as fn(&mut Pass)),
        ("first contact", |pass| pass.standing = PassStanding::Unconfirmed),
        ("another epoch", |pass| pass.epoch = Epoch(1)),
        ("all sessions ended", |pass| pass.pass_epoch = PassEpoch(1)),
        ("another room", |pass| pass.room = RoomTag([9; 8])),
    ] {
        assert_eq!(edge.admits(URL, &cookies(&ids[0], change), NOW), None, "{why}");
    }
    let held = cookies(&ids[0], |_| ());
    assert_eq!(edge.admits(URL, &held[..held.len() - 1], NOW), None);
    assert_eq!(edge.admits("https://shop.example/.anteroom/x", &held, NOW), None);
    assert_eq!(edge.admits("https://operator.example/sale", &held, NOW), None);
    assert_eq!(edge.admits("nothing", &held, NOW), None);
    hear(&mut edge, &ids[0], 2, Some(Revocations { seq: 1, passes: vec![(3, 1)] }));
    assert_eq!(edge.admits(URL, &held, NOW), None, "revoked");
}

#[test]
fn an_admission_is_remembered_below_a_route_only_where_all_below_is_its_own() {
    let (mut edge, ids) = edge(&["/sale", "/sale/basket/pay", "/salespeople"]);
    let held = cookies(&ids[0], |_| ());
    assert_eq!(edge.admits(URL, &held, NOW).as_deref(), Some(""), "another room lies deeper");
    let (mut edge, ids) = self::edge(&["/sale", "/salespeople"]);
    let held = cookies(&ids[0], |_| ());
    assert!(edge.admits(URL, &held, NOW).unwrap().contains("\nhttps://shop.example/sale\n"));
    let beside = format!("{held};anteroom-room-1=x");
    assert_eq!(edge.admits(URL, &beside, NOW).as_deref(), Some(""), "nobody fills a memory");
    let other = "https://shop.example/x/../%73ale/basket";
    assert_eq!(edge.admits(other, &held, NOW).as_deref(), Some(""), "spelled otherwise");
}

#[test]
fn what_is_not_known_or_too_old_is_asked_for_and_nothing_is_decided_before() {
    let (mut edge, ids) = edge(&["/sale"]);
    let headers = Headers { method: "GET", accept: "text/html", ..Headers::default() };
    let asked = Asked { url: URL, cookies: "", headers };
    let late = NOW.plus(Millis(MAX_AGE + 1_001));
    let Verdict::Errand(errand) = edge.gate(&asked, late, [[0; 16]; 2]) else { panic!("decided") };
    assert!(errand.starts_with("@\nLOBBY\n") && errand.contains(&ids[0]));
    edge.learn(&errand, "", late);
    let Verdict::Page(answer) = edge.gate(&asked, late, [[0; 16]; 2]) else { panic!("asked again") };
    assert!(answer.starts_with("503\n") && answer.contains("\nAnteroom: unavailable\n"));
}

#[test]
fn what_was_laid_is_read_as_it_was_written() {
    let asked = Asked::parse("https://a.b/c\nx=1;y=2\nGET\ntext/html\nms\n");
    assert_eq!((asked.url, asked.cookies), ("https://a.b/c", "x=1;y=2"));
    assert_eq!((asked.headers.method, asked.headers.accept_language, asked.headers.few), ("GET", "ms", true));
    assert_eq!(Asked::parse("").url, "");
}

#[test]
fn what_may_have_ended_passes_is_told_and_a_newer_board_alone_is_not() {
    let (mut edge, ids) = edge(&["/sale"]);
    let begun = edge.endings();
    hear(&mut edge, &ids[0], 2, None);
    assert_eq!(edge.endings(), begun, "only a newer board");
    hear(&mut edge, &ids[0], 3, Some(Revocations { seq: 1, passes: vec![(3, 1)] }));
    assert_eq!(edge.endings(), begun + 1, "a longer list");
    let wish = Wish::LeavePass { epoch: 0, pass_epoch: 0, seat: 4, generation: 1 };
    let ask = Ask { wish, ..Ask::default() };
    edge.learn(&errand_to_leaf('?', &ids[0], [0; 4], &ask), &to_text(&Answer::from(Outcome::Left)), NOW);
    assert_eq!(edge.endings(), begun + 2, "somebody left");
    edge.learn(&errand_for_rooms(), &to_text(&Document { version: 1, rooms: Vec::new() }), NOW);
    assert_eq!(edge.endings(), begun + 2, "the same directory");
    edge.learn(&errand_for_rooms(), &to_text(&Document { version: 2, rooms: Vec::new() }), NOW);
    assert_eq!(edge.endings(), begun + 3, "another one");
}

#[test]
fn an_isolate_follows_the_schedule_by_its_own_clock_and_what_it_said_before_counts_no_more() {
    let (mut edge, ids) = edge(&["/"]);
    let cookies = cookies(&ids[0], |_| ());
    let board = Board {
        version: 1,
        sequence: 2,
        at_ms: NOW.0,
        max_age_ms: MAX_AGE,
        phase: Phase::Busy,
        directory_version: 1,
        changes: vec![Scheduled { at_ms: NOW.0 + 500, phase: Phase::Prequeue, pass_epoch: 1 }],
        ..Board::default()
    };
    let answer = Answer { outcome: Outcome::Board, board: Some(board), board_age_ms: 0, revocations: None };
    let ask = Ask::default();
    edge.learn(&errand_to_leaf('@', &ids[0], [0; 4], &ask), &to_text(&answer), NOW);
    let said = edge.admits("https://shop.example/", &cookies, NOW).expect("a good pass");
    assert!(said.starts_with(&(NOW.0 + 500).to_string()), "good until the sessions end: {said}");
    let endings = edge.endings();
    assert_eq!(edge.admits("https://shop.example/", &cookies, NOW.plus(Millis(500))), None);
    assert_ne!(edge.endings(), endings);
}

#[test]
fn only_a_room_that_listens_has_its_origin_end_sessions() {
    for listens in [true, false] {
        let (mut edge, ids) = edge(&["/"]);
        let cookies = cookies(&ids[0], |_| ());
        let commands = if listens { vec!["revoke"] } else { Vec::new() };
        set(&mut edge, &ids[0], &json!({ "enabled_origin_commands": commands }));
        assert_eq!(edge.admits("https://shop.example/", &cookies, NOW).is_some(), !listens);
        let asked = navigation(&cookies);
        let asked = Asked::parse(&asked);
        let verdict = edge.gate(&asked, NOW, [[0; 16]; 2]);
        assert_eq!(verdict, if listens { Verdict::OriginHeard(None) } else { Verdict::Origin });
        let revoked = edge.revoke(&asked, NOW);
        assert_eq!(revoked.is_some(), listens);
        let Some(revoked) = revoked else { continue };
        let (line, errand) = revoked.split_once('\n').unwrap();
        assert!(line.contains("Max-Age=0") && errand.contains("leave_pass"), "{revoked}");
        let stranger = navigation("");
        let nothing = edge.revoke(&Asked::parse(&stranger), NOW);
        assert_eq!(nothing.as_deref(), Some(""), "nothing ends, and the command is ours all the same");
    }
}

#[test]
fn a_room_that_listens_hears_its_origin_whoever_goes_there_and_why() {
    let (mut edge, ids) = edge(&["/"]);
    set(&mut edge, &ids[0], &json!({ "enabled_origin_commands": ["revoke"] }));
    let mut gate = |asked: &str, now| edge.gate(&Asked::parse(asked), now, [[0; 16]; 2]);
    let past_the_gate = "https://shop.example/robots.txt\n\nGET\n*/*\nen\n\n\n\n\n\n\n";
    assert_eq!(gate(past_the_gate, NOW), Verdict::OriginHeard(None));
    // Of an epoch that this isolate has not heard of, and cannot: no board is to be had.
    let asked = navigation(&cookies(&ids[0], |pass| pass.epoch = Epoch(7)));
    let late = NOW.plus(Millis(MAX_AGE + 1_001));
    let Verdict::Errand(errand) = gate(&asked, late) else { panic!("decided") };
    edge.learn(&errand, "", late);
    let asked = Asked::parse(&asked);
    assert_eq!(edge.gate(&asked, late, [[0; 16]; 2]), Verdict::OriginHeard(None));
    assert_eq!(edge.blind(), 1);
    let revoked = edge.revoke(&asked, late).unwrap();
    assert!(revoked.contains("Max-Age=0") && revoked.contains("leave_pass"), "{revoked}");
}

#[test]
fn whoever_was_inside_when_the_room_was_lost_stays_for_as_long_as_the_operator_says() {
    for (grace, stays) in [(0, false), (29, false), (31, true)] {
        let (mut edge, ids) = edge(&["/"]);
        set(&mut edge, &ids[0], &json!({ "outage_grace_seconds": grace }));
        let late = NOW.plus(Millis(MAX_AGE + 1_001));
        let asked = navigation(&cookies(&ids[0], |pass| pass.expires = late.minus(Millis(30_000))));
        let mut gate = || edge.gate(&Asked::parse(&asked), late, [[0; 16]; 2]);
        let Verdict::Errand(errand) = gate() else { panic!("decided") };
        assert!(errand.starts_with("@\n"), "while the room can be asked, nobody stays for longer");
        edge.learn(&errand, "", late);
        let verdict = edge.gate(&Asked::parse(&asked), late, [[0; 16]; 2]);
        assert_eq!(verdict == Verdict::Origin, stays, "{grace} s");
        if let Verdict::Page(page) = verdict {
            assert!(page.contains("\nAnteroom: reconnecting\n"), "{page}");
        }
    }
}

#[test]
fn whoever_is_out_stays_out_while_the_room_is_lost_and_the_door_knows_who_is_in() {
    let (mut edge, ids) = edge(&["/"]);
    set(&mut edge, &ids[0], &json!({ "outage_grace_seconds": 3_600 }));
    hear(&mut edge, &ids[0], 2, Some(Revocations { seq: 1, passes: vec![(3, 1)] }));
    let late = NOW.plus(Millis(MAX_AGE + 1_001));
    let revoked = navigation(&cookies(&ids[0], |_| ()));
    let Verdict::Errand(errand) = edge.gate(&Asked::parse(&revoked), late, [[0; 16]; 2]) else {
        panic!("decided")
    };
    edge.learn(&errand, "", late);
    assert!(
        matches!(edge.gate(&Asked::parse(&revoked), late, [[0; 16]; 2]), Verdict::Page(_)),
        "it was given up"
    );
    let inside = navigation(&cookies(&ids[0], |pass| pass.generation = Generation(2)));
    assert_eq!(edge.gate(&Asked::parse(&inside), late, [[0; 16]; 2]), Verdict::Origin);
    let door = inside.replace("example/", "example/.anteroom/wait?to=/x");
    let Verdict::Answer(answer) = edge.gate(&Asked::parse(&door), late, [[0; 16]; 2]) else {
        panic!("waits")
    };
    assert!(answer.starts_with("303\n") && answer.contains("\nLocation: /x\n"), "{answer}");
}

#[test]
fn while_a_room_is_lost_newcomers_are_let_in_only_as_long_as_the_operator_said_so() {
    for (until, opens) in
        [(None, false), (Some("2027-01-15T08:00:02Z"), false), (Some("2027-01-15T08:00:03Z"), true)]
    {
        let (mut edge, ids) = edge(&["/"]);
        set(&mut edge, &ids[0], &json!({ "fail_open_until": until }));
        let asked = navigation("");
        assert!(
            matches!(edge.gate(&Asked::parse(&asked), NOW, [[0; 16]; 2]), Verdict::Page(_)),
            "it can be reached"
        );
        let late = NOW.plus(Millis(MAX_AGE + 1_001));
        let mut gate = || edge.gate(&Asked::parse(&asked), late, [[0; 16]; 2]);
        let Verdict::Errand(errand) = gate() else { panic!("decided") };
        edge.learn(&errand, "", late);
        assert_eq!(
            edge.gate(&Asked::parse(&asked), late, [[0; 16]; 2]) == Verdict::Origin,
            opens,
            "{until:?}"
        );
        let own = asked.replace("example/", "example/.anteroom/wait");
        match edge.gate(&Asked::parse(&own), late, [[0; 16]; 2]) {
            Verdict::Answer(led) => assert!(opens && led.starts_with("303\n"), "the door leads in: {led}"),
            verdict => {
                assert!(!opens && matches!(verdict, Verdict::Page(_)), "what is ours is answered by us");
            }
        }
        // A page that waits hears of it and goes in: whether it asks where it stands, or for a seat.
        for asks in [&own, &asked.replace("example/", "example/?anteroom-claim=1")] {
            let script =
                asks.replace("text/html", "application/vnd.anteroom+json").replace("navigate", "cors");
            let Verdict::Answer(told) = edge.gate(&Asked::parse(&script), late, [[0; 16]; 2]) else {
                panic!("the origin is asked by a script")
            };
            assert_eq!(told.contains("\nAnteroom: admitted\n"), opens, "{told}");
        }
        let wish = Wish::Join { holder: [1; 16] };
        let ask = Ask { wish, ..Ask::default() };
        let told = edge.told(
            &Asked::parse(&asked),
            &errand_to_leaf('?', &ids[0], [0; 4], &ask),
            "",
            late,
            [[0; 16]; 2],
        );
        assert_eq!(told == Verdict::Origin, opens, "a leaf that does not answer");
    }
}

/// The lobby's word that it cannot reach the Room.
fn unreachable() -> String {
    to_text(&Answer::from(Outcome::Unreachable))
}

#[test]
fn a_leaf_that_cannot_reach_its_room_is_asked_once_and_not_over_and_over() {
    let (mut edge, ids) = edge(&["/"]);
    let late = NOW.plus(Millis(MAX_AGE + 1_001));
    let inside = navigation(&cookies(&ids[0], |_| ()));
    let Verdict::Errand(errand) = edge.gate(&Asked::parse(&inside), late, [[0; 16]; 2]) else {
        panic!("decided by a board that is too old")
    };
    edge.learn(&errand, &unreachable(), late);
    assert_eq!(edge.gate(&Asked::parse(&inside), late, [[0; 16]; 2]), Verdict::Origin);
    let newcomer = edge.gate(&Asked::parse(&navigation("")), late, [[0; 16]; 2]);
    let Verdict::Page(page) = newcomer else { panic!("{newcomer:?}") };
    assert!(page.starts_with("503\n") && page.contains("\nAnteroom: unavailable\n"), "{page}");
}

#[test]
fn for_a_room_that_was_lost_a_moment_ago_nobody_inside_waits_while_it_is_asked_again() {
    let (mut edge, ids) = edge(&["/"]);
    let inside = navigation(&cookies(&ids[0], |_| ()));
    let late = NOW.plus(Millis(MAX_AGE + 1_001));
    let gate = |edge: &mut Edge, asked: &str, now| edge.gate(&Asked::parse(asked), now, [[0; 16]; 2]);
    let Verdict::Errand(errand) = gate(&mut edge, &inside, late) else { panic!("nobody waited") };
    edge.learn(&errand, "", late);
    let later = late.plus(Millis(1_001));
    assert_eq!(gate(&mut edge, &inside, later), Verdict::Origin);
    let chore = edge.chore().expect("it is asked meanwhile");
    assert_eq!((gate(&mut edge, &inside, later), edge.chore()), (Verdict::Origin, None), "once");
    assert!(matches!(gate(&mut edge, &navigation(""), later), Verdict::Errand(_)), "others wait to be told");
    edge.learn(&chore, "", later);
    assert_eq!(gate(&mut edge, &inside, later.plus(Millis(4_000))), Verdict::Origin);
    // What was known so long ago says nothing of now.
    assert!(matches!(gate(&mut edge, &inside, later.plus(Millis(4_001))), Verdict::Errand(_)));
    hear(&mut edge, &ids[0], 2, None);
    assert_eq!(gate(&mut edge, &inside, NOW), Verdict::Origin);
}

#[test]
fn whose_pass_has_just_ended_stays_though_the_board_is_not_yet_too_old() {
    for (grace, stays) in [(0, false), (31, true)] {
        let (mut edge, ids) = edge(&["/"]);
        set(&mut edge, &ids[0], &json!({ "outage_grace_seconds": grace }));
        let asked = navigation(&cookies(&ids[0], |pass| pass.expires = NOW.minus(Millis(30_000))));
        let wish = Wish::Enter { holder: [1; 16] };
        let ask = Ask { wish, ..Ask::default() };
        let errand = errand_to_leaf('?', &ids[0], [0; 4], &ask);
        for reply in ["", &unreachable()] {
            let told = edge.told(&Asked::parse(&asked), &errand, reply, NOW, [[0; 16]; 2]);
            assert_eq!(told == Verdict::Origin, stays, "{grace} s: {told:?}");
        }
    }
}

#[test]
fn who_knows_more_than_the_board_waits_once_for_a_newer_one() {
    let (mut edge, ids) = edge(&["/"]);
    let asked = navigation(&cookies(&ids[0], |pass| pass.pass_epoch = PassEpoch(1)));
    let now = NOW.plus(Millis(1_001));
    let Verdict::Errand(errand) = edge.gate(&Asked::parse(&asked), now, [[0; 16]; 2]) else {
        panic!("decided by a board of before")
    };
    edge.learn(&errand, "", now);
    let Verdict::Page(page) = edge.gate(&Asked::parse(&asked), now, [[0; 16]; 2]) else {
        panic!("it is asked over and over")
    };
    assert!(page.contains("\nAnteroom: reconnecting\n") && !page.contains("\nSet-Cookie"), "{page}");
}

#[test]
fn where_sessions_are_fixed_a_pass_is_confirmed_once_and_renewed_never() {
    for fixed in [true, false] {
        let (mut edge, ids) = edge(&["/"]);
        set(&mut edge, &ids[0], &json!({ "disable_session_renewal": fixed }));
        let mut asks = |change: fn(&mut Pass)| {
            let asked = navigation(&cookies(&ids[0], change));
            match edge.gate(&Asked::parse(&asked), NOW, [[0; 16]; 2]) {
                Verdict::Origin => false,
                Verdict::Errand(errand) => errand.starts_with('~'),
                other => panic!("{other:?}"),
            }
        };
        // Its last second.
        let old = |pass: &mut Pass| {
            (pass.issued, pass.expires) = (NOW.minus(Millis(299_000)), NOW.plus(Millis(1_000)));
        };
        assert_eq!(asks(old), !fixed);
        assert!(asks(|pass| pass.standing = PassStanding::Unconfirmed), "its first sight again");
    }
}

#[test]
fn whoever_asks_for_their_seat_goes_on_with_it_or_begins_again_and_is_never_let_through_without() {
    let (mut edge, ids) = edge(&["/"]);
    let asked = navigation(&cookies(&ids[0], |pass| {
        (pass.issued, pass.expires) = (NOW.minus(Millis(360_000)), NOW.minus(Millis(1)));
    }));
    let asked = Asked::parse(&asked);
    let Verdict::Errand(errand) = edge.gate(&asked, NOW, [[0; 16]; 2]) else { panic!("it does not ask") };
    assert!(errand.starts_with('?') && errand.contains("renew"), "{errand}");
    let mut told_with = |board: Option<Board>, outcome: Outcome, now: Millis| {
        let answer = Answer { outcome, board, board_age_ms: 0, revocations: None };
        match edge.told(&asked, &errand, &to_text(&answer), now, [[0; 16]; 2]) {
            Verdict::OriginWith(line) => line,
            Verdict::Page(page) => page,
            other => panic!("{other:?}"),
        }
    };
    let mut told = |outcome, now| told_with(None, outcome, now);
    let lost = told(Outcome::Busy, NOW);
    assert!(lost.contains("Anteroom: reconnecting") && !lost.contains("Set-Cookie"), "{lost}");
    let pass = Pass { expires: NOW.plus(Millis(9_000)), ..a_pass(&ids[0]) };
    let back = Outcome::Admitted { pass: keys().sign(&pass) };
    assert!(told(back, NOW).starts_with("Set-Cookie: __Host-anteroom-"));
    let over = Outcome::Admitted { pass: keys().sign(&Pass { expires: NOW, ..pass }) };
    for outcome in [Outcome::Ended, over] {
        let page = told(outcome, NOW);
        assert!(page.contains("Anteroom: joining") && page.contains("Set-Cookie: "), "{page}");
    }
    // While the answer was on its way, all sessions ended.
    let ended = Board {
        version: 1,
        sequence: 99,
        at_ms: NOW.0,
        max_age_ms: 1_000,
        pass_epoch: 1,
        ..Board::default()
    };
    let back = Outcome::Admitted { pass: keys().sign(&pass) };
    let page = told_with(Some(ended), back, NOW);
    assert!(page.contains("Anteroom: joining") && page.contains("Set-Cookie: "), "{page}");
}

#[test]
fn a_join_is_counted_where_its_arrival_was_given_wherever_it_is_brought_back_from() {
    let (mut edge, ids) = edge(&["/"]);
    set(&mut edge, &ids[0], &json!({ "joins_per_prefix_per_minute": 5 }));
    let (room, holder) = (RoomTag::from_id(&ids[0]).unwrap(), Holder([7; 16]));
    let arrival = keys().sign(&Arrival { room, issued: NOW, prefix: [9; 4], holder });
    let cookie = format!("__Host-anteroom-{}={arrival}", &ids[0][..8]);
    let asked = navigation(&cookie).replace("navigate\n\n\n\n\n", "navigate\n\n\n\n\n192.0.2.1");
    let Verdict::Errand(errand) = edge.gate(&Asked::parse(&asked), NOW, [[0; 16]; 2]) else {
        panic!("it does not join")
    };
    let (payload, name) = (errand.lines().nth(4).unwrap(), errand.lines().nth(5).unwrap());
    let ask: Ask = from_text(payload.as_bytes()).unwrap();
    assert_eq!(ask.wish, Wish::Join { holder: [7; 16] });
    assert_eq!(ask.neighbourhood, Some(Neighbourhood { prefix: [9; 4], joins_per_minute: 5 }));
    assert_eq!(name, "07".repeat(16), "and asked in the holder's name");
}

#[test]
fn what_one_room_answered_is_no_answer_of_another() {
    let (mut edge, ids) = edge(&["/a", "/b"]);
    hear(&mut edge, &ids[1], 1, None);
    // The same seat, given to somebody else in each room; both passes are due.
    let ask = |edge: &mut Edge, at: usize| {
        let cookies = cookies(&ids[at], |pass| pass.standing = PassStanding::Unconfirmed);
        let path = ["a", "b"][at];
        let text =
            format!("https://shop.example/{path}\n{cookies}\nGET\ntext/html\nen\n\nnavigate\n\n\n\n\n");
        (edge.gate(&Asked::parse(&text), NOW, [[0; 16]; 2]), text)
    };
    let (Verdict::Errand(errand), asked) = ask(&mut edge, 0) else { panic!("it is not renewed") };
    let outcome = Outcome::Admitted { pass: "of the first room".into() };
    let answer = Answer { outcome, board: None, board_age_ms: 0, revocations: None };
    let told = edge.told(&Asked::parse(&asked), &errand, &to_text(&answer), NOW, [[0; 16]; 2]);
    assert!(matches!(told, Verdict::OriginWith(line) if line.contains("of the first room")));
    assert!(matches!(ask(&mut edge, 0).0, Verdict::OriginWith(_)), "told again from memory");
    assert!(matches!(ask(&mut edge, 1).0, Verdict::Errand(errand) if errand.contains(&ids[1])));
}
