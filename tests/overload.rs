//! Where a leaf says that too many ask: whoever would join comes back, later each time, and nobody else is told that anything is amiss.

use anteroom::edge::{Asked, Deployment, Edge};
use anteroom::verdict::{Purpose, Verdict, errand_for_rooms, errand_to_leaf, purpose};
use durable::board::{Board, Phase};
use durable::directory::seeds;
use durable::json;
use durable::order::{Document, DocumentRoom};
use durable::protocol::{Answer, Ask, Outcome, Wish};
use durable::token::{Arrival, Keys, Pass, PassStanding, RoomTag};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Seat};
use durable::wire::to_text;

const NOON: Millis = Millis(1_800_000_000_000);
const KEY: &str = "0123456789abcdef0123456789abcdef";
const MAX_AGE: u64 = 1_000;
/// When a board of noon is too old to go by.
const LATE: Millis = Millis(NOON.0 + MAX_AGE + 1_001);
const BROWSER: &str = "text/html\nen\n\nnavigate\n\n\n\n\n";
const APP: &str = "application/json\n\n\ncors\n\n\n\n\n";

/// One isolate in front of a busy room, as somebody asks it who keeps cookies.
struct Isolate {
    edge: Edge,
    id: String,
    rooms: String,
    cookies: String,
}

/// An answer of ours, in the parts that matter here.
#[derive(Debug)]
struct Told {
    state: String,
    retry_seconds: u64,
    sets: Option<String>,
    text: String,
}

impl Isolate {
    fn new() -> Isolate {
        let room = json!({
            "name": "r", "host": "shop.example", "path": "/", "total_active_users": 5, "new_users_per_minute": 5,
        });
        let seeds = seeds(&[room]).unwrap();
        let id = seeds[0].0.clone();
        let edge = Edge::new(Deployment {
            keys: Keys::new(KEY, "", ""),
            operator_tokens: String::new(),
            operator_host: "operator.example".into(),
            has_origin: true,
            rooms: Vec::new(),
        });
        let room = |(id, settings): (String, durable::settings::Settings)| DocumentRoom {
            id,
            settings: settings.to_json(),
            rules: Vec::new(),
        };
        let document = Document { version: 1, rooms: seeds.into_iter().map(room).collect() };
        let mut isolate = Isolate { edge, id, rooms: to_text(&document), cookies: String::new() };
        isolate.hear_board(Phase::Busy, NOON);
        isolate
    }

    /// All is as it was, and new.
    fn hear_board(&mut self, phase: Phase, now: Millis) {
        self.edge.learn(&errand_for_rooms(), &self.rooms, now);
        let board = Board {
            version: 1,
            sequence: now.0,
            at_ms: now.0,
            max_age_ms: MAX_AGE,
            phase,
            directory_version: 1,
            ..Board::default()
        };
        let answer = Answer { board: Some(board), ..Answer::from(Outcome::Board) };
        let errand = errand_to_leaf('@', &self.id, [0; 4], &Ask::default());
        self.edge.learn(&errand, &to_text(&answer), now);
    }

    fn asked(&self, path: &str, how: &str) -> String {
        let method = if path.ends_with("/leave") { "POST" } else { "GET" };
        format!("https://shop.example{path}\n{}\n{method}\n{how}", self.cookies)
    }

    fn gate(&mut self, how: &str, now: Millis) -> Verdict {
        let asked = self.asked("/", how);
        self.edge.gate(&Asked::parse(&asked), now, [[7; 16], [0; 16]])
    }

    /// The answer, and its cookie is kept.
    fn keep(&mut self, verdict: Verdict) -> Told {
        let (Verdict::Page(text) | Verdict::Answer(text)) = verdict else { panic!("{verdict:?}") };
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let sets = line("Set-Cookie: ").map(|cookie| cookie.split(';').next().unwrap().to_owned());
        if let Some(cookie) = &sets {
            self.cookies.clone_from(cookie);
        }
        let (state, seconds) = (line("Anteroom: ").unwrap(), line("Retry-After: ").unwrap());
        Told { state, retry_seconds: seconds.parse().unwrap(), sets, text }
    }

    /// Somebody asks at the gate, and a leaf is asked and says this: what for, and what they are told.
    fn meets(&mut self, outcome: Outcome, path: &str, how: &str, now: Millis) -> (Wish, Verdict) {
        let asked = self.asked(path, how);
        let verdict = self.edge.gate(&Asked::parse(&asked), now, [[7; 16], [0; 16]]);
        let Verdict::Errand(errand) = verdict else { panic!("{verdict:?}") };
        let Some(Purpose::Wish(_, wish)) = purpose(&errand) else { panic!("{errand}") };
        let reply = to_text(&Answer::from(outcome));
        (wish, self.edge.told(&Asked::parse(&asked), &errand, &reply, now, [[8; 16], [0; 16]]))
    }

    fn arrival(&self) -> Arrival {
        let (_, token) = self.cookies.split_once('=').unwrap();
        Keys::new(KEY, "", "").unwrap().verify(token).unwrap()
    }

    fn bring(&mut self, pass: Pass) {
        let token = Keys::new(KEY, "", "").unwrap().sign(&pass);
        self.cookies = format!("__Host-anteroom-{}={token}", &self.id[..8]);
    }

    fn pass(&self) -> Pass {
        Pass {
            room: RoomTag::from_id(&self.id).unwrap(),
            epoch: Epoch(0),
            pass_epoch: PassEpoch(0),
            seat: Seat(3),
            generation: Generation(1),
            issued: NOON,
            expires: NOON.plus(Millis(300_000)),
            standing: PassStanding::Confirmed,
        }
    }
}

#[test]
fn whoever_joins_where_too_many_do_keeps_trying_later_each_time_and_by_the_same_name() {
    for how in [BROWSER, APP] {
        let mut isolate = Isolate::new();
        let first = isolate.gate(how, NOON);
        let first = isolate.keep(first);
        assert_eq!((first.state.as_str(), first.retry_seconds), ("joining", 1));
        assert!(!first.text.contains("\"overloaded\":true"), "{}", first.text);
        let holder = isolate.arrival().holder;
        let (mut now, mut waits) = (NOON, Vec::new());
        // The shortest of all that jitter may say.
        for _ in 0..30 {
            isolate.hear_board(Phase::Busy, now);
            let tried = now.since(isolate.arrival().issued);
            let (wish, verdict) = isolate.meets(Outcome::Overloaded, "/", how, now);
            let told = isolate.keep(verdict);
            assert_eq!((wish, told.state.as_str()), (Wish::Join { holder: holder.0 }, "joining"));
            assert!(told.text.contains("\"overloaded\":true"), "{}", told.text);
            assert_eq!(how == BROWSER, told.text.contains("You are not in line yet"), "{}", told.text);
            assert_eq!(told.sets.is_some(), tried > Millis(40_000), "one that grows too old is made younger");
            waits.push(told.retry_seconds);
            now = now.plus(Millis::from_secs(told.retry_seconds));
        }
        assert!(waits.is_sorted() && waits[0] == 2 && waits.ends_with(&[20; 10]), "{waits:?}");
        assert_eq!(isolate.arrival().holder, holder);
        // And in the end they have their place.
        isolate.hear_board(Phase::Busy, now);
        let (_, verdict) = isolate.meets(Outcome::Crowded, "/", how, now);
        assert_eq!(isolate.keep(verdict).state, "crowded");
    }
}

#[test]
fn a_first_contact_that_would_be_let_in_but_for_the_crowd_gets_an_arrival_and_comes_back() {
    let mut isolate = Isolate::new();
    isolate.hear_board(Phase::Open, NOON);
    let (wish, verdict) = isolate.meets(Outcome::Overloaded, "/", BROWSER, NOON);
    let told = isolate.keep(verdict);
    assert_eq!((wish, told.state.as_str()), (Wish::Enter { holder: [7; 16] }, "joining"));
    assert!(told.sets.is_some() && told.text.starts_with("200\n"), "{}", told.text);
    // Without JavaScript it comes back with the mark, by which a cookie that does not come along is found out.
    assert!(
        told.text.contains("http-equiv=\\\"refresh\\\" content=\\\"2; url=/?anteroom-cookie=1"),
        "{}",
        told.text
    );
}

#[test]
fn nobody_is_turned_away_for_a_board_that_was_not_asked_for() {
    let mut isolate = Isolate::new();
    let first = isolate.gate(BROWSER, NOON);
    isolate.keep(first);
    isolate.meets(Outcome::Overloaded, "/", BROWSER, LATE.minus(Millis(1)));
    // A moment later the board is too old. A leaf has a newer one in memory, however many join there.
    for standing in [None, Some(isolate.pass())] {
        standing.into_iter().for_each(|pass| isolate.bring(pass));
        let verdict = isolate.gate(BROWSER, LATE);
        assert!(matches!(&verdict, Verdict::Errand(errand) if errand.starts_with('@')), "{verdict:?}");
    }
}

#[test]
fn where_no_board_is_to_be_had_for_the_crowd_newcomers_are_joining_and_those_inside_go_on() {
    let mut isolate = Isolate::new();
    let Verdict::Errand(errand) = isolate.gate(BROWSER, LATE) else {
        panic!("decided by a board that is too old")
    };
    isolate.edge.learn(&errand, &to_text(&Answer::from(Outcome::Overloaded)), LATE);
    let newcomer = isolate.gate(BROWSER, LATE);
    let told = isolate.keep(newcomer);
    assert_eq!((told.state.as_str(), told.sets.is_some()), ("joining", true));
    assert!(told.text.starts_with("200\n") && told.text.contains("\"overloaded\":true"), "{}", told.text);
    isolate.bring(isolate.pass());
    assert_eq!(isolate.gate(BROWSER, LATE), Verdict::Origin);
    isolate.bring(Pass { expires: NOON, ..isolate.pass() });
    let out = isolate.gate(BROWSER, LATE);
    assert_eq!(isolate.keep(out).state, "reconnecting");
    // What is no person gets no token.
    isolate.cookies.clear();
    let part = isolate.gate(&BROWSER.replace("text/html", "image/png").replace("navigate", "no-cors"), LATE);
    assert!(!format!("{part:?}").contains("Set-Cookie"), "{part:?}");
}

#[test]
fn a_pass_that_was_to_be_renewed_is_not_brought_again_at_once() {
    let mut isolate = Isolate::new();
    isolate.bring(Pass { standing: PassStanding::Unconfirmed, ..isolate.pass() });
    let (wish, verdict) = isolate.meets(Outcome::Overloaded, "/", BROWSER, NOON);
    assert!(matches!(wish, Wish::Renew { .. }) && verdict == Verdict::Origin, "{wish:?} {verdict:?}");
    assert_eq!(isolate.gate(BROWSER, NOON.plus(Millis(1_000))), Verdict::Origin);
    isolate.hear_board(Phase::Busy, NOON.plus(Millis(2_001)));
    let verdict = isolate.gate(BROWSER, NOON.plus(Millis(2_001)));
    assert!(matches!(&verdict, Verdict::Errand(errand) if errand.starts_with('~')), "{verdict:?}");
}

#[test]
fn whoever_could_not_leave_is_told_so_and_has_their_seat() {
    let leave = "/.anteroom/leave";
    let same_origin = BROWSER.replace("navigate\n\n", "navigate\nsame-origin\n");
    for outcome in [Outcome::Unreachable, Outcome::Overloaded, Outcome::Busy] {
        let mut isolate = Isolate::new();
        isolate.bring(isolate.pass());
        let (wish, verdict) = isolate.meets(outcome.clone(), leave, &same_origin, NOON);
        let told = isolate.keep(verdict);
        assert!(matches!(wish, Wish::LeavePass { seat: 3, .. }), "{wish:?}");
        assert_eq!((told.state.as_str(), told.sets), ("reconnecting", None), "{outcome:?}");
        assert_eq!(isolate.gate(BROWSER, NOON), Verdict::Origin, "{outcome:?}: the seat is theirs");
    }
    let mut isolate = Isolate::new();
    isolate.bring(isolate.pass());
    let held = isolate.cookies.clone();
    let (_, verdict) = isolate.meets(Outcome::Left, leave, &same_origin, NOON);
    assert_eq!(isolate.keep(verdict).state, "left");
    isolate.cookies = held;
    assert!(
        !matches!(isolate.gate(BROWSER, NOON), Verdict::Origin),
        "a copy opens nothing here from then on"
    );
}
