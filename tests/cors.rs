//! What scripts of other hosts may read and ask for, and the door by which a page elsewhere sends its visitor into a room.

use anteroom::edge::{Asked, Deployment, Edge};
use anteroom::verdict::{Verdict, errand_for_rooms, errand_to_leaf, purpose};
use durable::board::{Board, Phase};
use durable::directory::seeds;
use durable::json;
use durable::order::{Document, DocumentRoom};
use durable::protocol::{Answer, Ask, Outcome, Wish};
use durable::token::{Keys, Pass, PassStanding, RoomTag};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Seat};
use durable::wire::to_text;

const NOW: Millis = Millis(1_800_000_000_000);
const KEY: &str = "0123456789abcdef0123456789abcdef";
const APP: &str = "https://app.example";
const DOOR: &str = "https://api.example/v1/.anteroom/wait?to=https%3A%2F%2Fapp.example%2Fbook%3Fday%3D1";

/// An isolate in front of an API that scripts of [`APP`] may read.
struct Api {
    edge: Edge,
    id: String,
}

/// What is asked, and by whom.
#[derive(Clone, Copy)]
struct Question<'a> {
    method: &'a str,
    url: &'a str,
    cookies: &'a str,
    accept: &'a str,
    origin: &'a str,
    mode: &'a str,
    site: &'a str,
    preflight: &'a str,
}

const CALL: Question<'_> = Question {
    method: "GET",
    url: "https://api.example/v1/book",
    cookies: "",
    accept: "*/*",
    origin: APP,
    mode: "cors",
    site: "",
    preflight: "\n",
};

impl Api {
    fn new(phase: Phase) -> Api {
        Api::answering_apps(phase, true)
    }

    fn answering_apps(phase: Phase, answers: bool) -> Api {
        let room = json!({
            "name": "api", "host": "api.example", "path": "/v1", "total_active_users": 5, "new_users_per_minute": 5,
            "allowed_origins": vec![APP], "json_response_enabled": answers,
        });
        let rooms = seeds(&[room]).unwrap();
        let id = rooms[0].0.clone();
        let deployment = Deployment {
            keys: Keys::new(KEY, "", ""),
            operator_tokens: String::new(),
            operator_host: "operator.example".into(),
            has_origin: true,
            rooms: Vec::new(),
        };
        let mut edge = Edge::new(deployment);
        let rooms = rooms.into_iter().map(|(id, settings)| DocumentRoom {
            id,
            settings: settings.to_json(),
            rules: Vec::new(),
        });
        edge.learn(&errand_for_rooms(), &to_text(&Document { version: 1, rooms: rooms.collect() }), NOW);
        let board = Board {
            version: 1,
            sequence: 1,
            at_ms: NOW.0,
            max_age_ms: 1_000,
            phase,
            directory_version: 1,
            ..Board::default()
        };
        let answer =
            Answer { outcome: Outcome::Board, board: Some(board), board_age_ms: 0, revocations: None };
        let ask = Ask::default();
        edge.learn(&errand_to_leaf('@', &id, [0; 4], &ask), &to_text(&answer), NOW);
        Api { edge, id }
    }

    fn ask(&mut self, question: Question<'_>) -> Verdict {
        let asked = text(question);
        self.edge.gate(&Asked::parse(&asked), NOW, [[1; 16]; 2])
    }

    /// The same, and the leaf says this if it is asked.
    fn ask_and_hear(&mut self, question: Question<'_>, outcome: Outcome) -> (Option<Wish>, Verdict) {
        let asked = text(question);
        match self.ask(question) {
            Verdict::Errand(errand) => {
                let Some(anteroom::verdict::Purpose::Wish(_, wish)) = purpose(&errand) else {
                    panic!("{errand}")
                };
                let reply = to_text(&Answer::from(outcome));
                (Some(wish), self.edge.told(&Asked::parse(&asked), &errand, &reply, NOW, [[1; 16]; 2]))
            }
            verdict => (None, verdict),
        }
    }

    fn pass(&self) -> String {
        self.pass_of(NOW)
    }

    /// A pass that was given at a moment, and is due a minute later.
    fn pass_of(&self, issued: Millis) -> String {
        let pass = Pass {
            room: RoomTag::from_id(&self.id).unwrap(),
            epoch: Epoch(0),
            pass_epoch: PassEpoch(0),
            seat: Seat(3),
            generation: Generation(1),
            issued,
            expires: NOW.plus(Millis(300_000)),
            standing: PassStanding::Confirmed,
        };
        Keys::new(KEY, "", "").unwrap().sign(&pass)
    }

    fn cookie(&self, token: &str) -> String {
        format!("__Host-anteroom-{}={token}", &self.id[..8])
    }
}

fn text(question: Question<'_>) -> String {
    let Question { method, url, cookies, accept, origin, mode, site, preflight } = question;
    format!(
        "{url}\n{cookies}\n{method}\n{accept}\nen\n{origin}\n{mode}\n{site}\n\n\n\n192.0.2.1\n{preflight}"
    )
}

/// The head of an answer of ours.
fn head(verdict: &Verdict) -> &str {
    let (Verdict::Answer(answer) | Verdict::Page(answer)) = verdict else { panic!("{verdict:?}") };
    answer.split_once("\n\n").unwrap().0
}

const OPEN: &str = "\nAccess-Control-Allow-Origin: https://app.example\nAccess-Control-Allow-Credentials: true\n\
                    Access-Control-Expose-Headers: Retry-After, Anteroom, Anteroom-Token\nVary: Origin\n";

#[test]
fn a_script_of_an_allowed_origin_reads_that_it_has_to_wait_and_where() {
    let mut api = Api::new(Phase::Busy);
    let told = api.ask(CALL);
    assert!(head(&told).contains(OPEN), "{told:?}");
    assert!(head(&told).contains("\nAnteroom: joining; page=\"/v1/.anteroom/wait\"\n"), "{told:?}");
    let held = api.ask(Question { method: "POST", ..CALL });
    assert!(
        head(&held).starts_with("503")
            && head(&held).contains(OPEN)
            && head(&held).contains("form_held; page="),
        "{held:?}"
    );
    for own in ["wait", "board", "draw", "leave", "else"] {
        let url = &format!("https://api.example/v1/.anteroom/{own}");
        assert!(head(&api.ask(Question { url, ..CALL })).contains(OPEN), "{own}");
    }
}

/// What the header `Anteroom` says.
fn said(told: &Verdict) -> &str {
    head(told).lines().find_map(|line| line.strip_prefix("Anteroom: ")).unwrap_or_default()
}

#[test]
fn a_script_of_the_apis_own_host_is_told_the_door_whatever_it_accepts() {
    // Where a page reads from its own host, browsers name no `Origin`.
    let own = Question { origin: "", site: "same-origin", ..CALL };
    for (accept, state) in [("application/json, */*", "joining"), ("*/*", "refused"), ("text/csv", "refused")]
    {
        let own = Question { accept, ..own };
        let told = Api::new(Phase::Busy).ask(own);
        assert_eq!(said(&told), format!("{state}; page=\"/v1/.anteroom/wait\""), "{accept}");
        assert_eq!(head(&told).starts_with("503\n"), state == "refused", "nobody takes it for the API's");
        for site in ["same-site", "cross-site", "none", ""] {
            assert_eq!(said(&Api::new(Phase::Busy).ask(Question { site, ..own })), state, "{site}");
        }
        let silent = Api::answering_apps(Phase::Busy, false).ask(own);
        assert_eq!(said(&silent), "refused", "no door where no app is answered");
    }
    let page = Question { accept: "application/vnd.anteroom+json", ..own };
    assert_eq!(said(&Api::new(Phase::Busy).ask(page)), "joining", "the waiting page stands at it");
    let person = Question { mode: "navigate", accept: "text/html", ..own };
    assert_eq!(said(&Api::new(Phase::Busy).ask(person)), "joining", "people see the page");
}

#[test]
fn a_foreign_origin_learns_nothing() {
    let mut api = Api::new(Phase::Busy);
    for origin in
        ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example", ""]
    {
        for method in ["GET", "POST", "OPTIONS"] {
            for accept in ["*/*", "application/json"] {
                let told = api.ask(Question { origin, method, accept, preflight: "PUT\nx-a", ..CALL });
                assert!(
                    !head(&told).contains("Access-Control") && !head(&told).contains("page="),
                    "{origin} {told:?}"
                );
            }
        }
    }
}

#[test]
fn preflights_are_answered_at_the_edge_while_the_room_is_on_and_take_no_seat() {
    let preflight = Question { method: "OPTIONS", preflight: "PUT\ncontent-type, x-a", ..CALL };
    for phase in [Phase::Open, Phase::Busy, Phase::Held, Phase::Prequeue, Phase::Reject] {
        let told = Api::new(phase).ask(preflight);
        let head = head(&told);
        assert!(head.starts_with("200\n") && head.contains(OPEN), "{phase:?} {told:?}");
        for line in [
            "Access-Control-Allow-Methods: PUT",
            "Access-Control-Allow-Headers: content-type, x-a",
            "Access-Control-Max-Age: 600",
        ] {
            assert!(head.contains(line), "{line}: {told:?}");
        }
    }
    for phase in [Phase::Suspended, Phase::Passthrough] {
        assert_eq!(Api::new(phase).ask(preflight), Verdict::Origin, "{phase:?}");
    }
    let no_preflight = Question { preflight: "\n", ..preflight };
    assert!(
        matches!(Api::new(Phase::Open).ask(no_preflight), Verdict::Errand(_)),
        "judged like any other request"
    );
}

#[test]
fn people_are_given_pages_and_no_script_reads_them() {
    let navigation = Question { mode: "navigate", accept: "text/html", method: "POST", ..CALL };
    let told = Api::new(Phase::Busy).ask(navigation);
    assert!(matches!(told, Verdict::Page(_)) && !head(&told).contains("Access-Control"), "{told:?}");
    assert!(head(&told).contains("\nAnteroom: form_held\n"));
}

#[test]
fn a_forms_page_goes_nowhere_by_itself_whatever_became_of_the_wish() {
    for outcome in [
        Outcome::Busy,
        Outcome::Unreachable,
        Outcome::Unknown,
        Outcome::Void,
        Outcome::Waiting,
        Outcome::Next { retry_ms: 1 },
    ] {
        let form = Question { mode: "navigate", accept: "text/html", method: "POST", origin: "", ..CALL };
        let (wish, told) = Api::new(Phase::Open).ask_and_hear(form, outcome.clone());
        assert!(wish.is_some() && head(&told).starts_with("503\n"), "{outcome:?}: {told:?}");
        let Verdict::Page(page) = told else { panic!("no page") };
        assert!(
            page.contains("\nAnteroom: form_held\n") && page.contains(r#""refresh":"""#),
            "{outcome:?}: {page}"
        );
    }
}

#[test]
fn whoever_is_sent_to_the_door_is_given_a_seat_and_goes_on_to_where_they_came_from() {
    let mut api = Api::new(Phase::Open);
    let navigation = Question { url: DOOR, mode: "navigate", accept: "text/html", origin: "", ..CALL };
    let pass = api.pass();
    let (wish, told) = api.ask_and_hear(navigation, Outcome::Admitted { pass: pass.clone() });
    assert!(matches!(wish, Some(Wish::Enter { .. })));
    assert!(
        head(&told).starts_with("303\n")
            && head(&told).contains("\nLocation: https://app.example/book?day=1\n"),
        "{told:?}"
    );
    assert!(head(&told).contains(&pass), "and keeps the pass");
    let cookies = &api.cookie(&pass);
    let told = api.ask(Question { cookies, ..navigation });
    assert!(head(&told).contains("\nLocation: https://app.example/book?day=1"), "{told:?}");
}

#[test]
fn whoever_waits_at_the_door_sees_the_page_and_claims_there() {
    let mut api = Api::new(Phase::Busy);
    let navigation = Question { url: DOOR, mode: "navigate", accept: "text/html", origin: "", ..CALL };
    let Verdict::Page(page) = api.ask(navigation) else { panic!("no page") };
    assert!(page.contains(r#""target":"https://app.example/book?day=1""#), "{page}");
    let door = r#""door":"/v1/.anteroom/wait?to=https%3A%2F%2Fapp.example%2Fbook%3Fday%3D1""#;
    assert!(page.contains(door), "{page}");
    let evil = "https://api.example/v1/.anteroom/wait?to=https%3A%2F%2Fevil.example%2F";
    let Verdict::Page(page) = api.ask(Question { url: evil, ..navigation }) else { panic!("no page") };
    assert!(page.contains(r#""target":"/""#), "{page}");
}

#[test]
fn an_app_claims_at_the_door_and_only_asks_where_it_stands_without_the_mark() {
    let mut api = Api::new(Phase::Open);
    let pass = api.pass();
    let json = Question { accept: "application/json", url: "https://api.example/v1/.anteroom/wait", ..CALL };
    let (wish, told) = api.ask_and_hear(json, Outcome::Busy);
    assert!(wish.is_none() && head(&told).contains("Anteroom: joining"), "{told:?}");
    let claim = Question { url: "https://api.example/v1/.anteroom/wait?anteroom-claim=1", ..json };
    let (wish, told) = api.ask_and_hear(claim, Outcome::Admitted { pass });
    assert!(matches!(wish, Some(Wish::Enter { .. })));
    assert!(
        head(&told).contains("Anteroom: admitted")
            && head(&told).contains("Set-Cookie: ")
            && head(&told).contains(OPEN),
        "{told:?}"
    );
}

#[test]
fn who_is_inside_keeps_their_pass_alive_at_the_door() {
    let mut api = Api::new(Phase::Busy);
    let (old, new) = (api.pass_of(NOW.minus(Millis(61_000))), api.pass());
    let url = "https://api.example/v1/.anteroom/wait?anteroom-claim=1";
    let claim = Question { accept: "application/json", url, ..CALL };
    let cookies = &api.cookie(&old);
    for (outcome, renewed) in [(Outcome::Admitted { pass: new.clone() }, true), (Outcome::Unreachable, false)]
    {
        let mut api = Api::new(Phase::Busy);
        let (wish, told) = api.ask_and_hear(Question { cookies, ..claim }, outcome);
        assert!(matches!(wish, Some(Wish::Renew { .. })));
        assert!(head(&told).contains("\nAnteroom: admitted;"), "{told:?}");
        assert_eq!(head(&told).contains(&new), renewed, "the old one is good for a while yet");
    }
    let cookies = &api.cookie(&new);
    let (wish, told) = api.ask_and_hear(Question { cookies, ..claim }, Outcome::Unreachable);
    assert!(wish.is_none() && head(&told).contains("\nAnteroom: admitted;"), "no sooner than it is due");
}

#[test]
fn nobody_comes_to_the_origin_by_the_door_whatever_the_room_is() {
    for phase in [Phase::Open, Phase::Busy, Phase::Held, Phase::Suspended, Phase::Passthrough, Phase::Reject]
    {
        for (mode, accept) in [("navigate", "text/html"), ("cors", "application/json"), ("no-cors", "*/*")] {
            for method in ["GET", "HEAD", "POST"] {
                for url in [DOOR, "https://api.example/v1/.anteroom/wait?anteroom-claim=1"] {
                    let mut api = Api::new(phase);
                    let pass = api.pass();
                    for cookies in [String::new(), api.cookie(&pass)] {
                        let question = Question { url, mode, accept, method, cookies: &cookies, ..CALL };
                        let (_, told) = api.ask_and_hear(question, Outcome::Admitted { pass: pass.clone() });
                        assert!(
                            matches!(told, Verdict::Answer(_) | Verdict::Page(_)),
                            "{phase:?} {method} {mode}: {told:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_poll_needs_few_headers_and_a_claim_or_a_person_all() {
    let mut api = Api::new(Phase::Busy);
    let few = |url: &str, accept: &str| format!("{url}\n\nGET\n{accept}\nen\n{APP}");
    let mut gate = |asked: &str| api.edge.gate(&Asked::parse(asked), NOW, [[1; 16]; 2]);
    let told = gate(&few("https://api.example/v1/.anteroom/wait", "application/json"));
    assert!(head(&told).contains(OPEN));
    assert_eq!(
        gate(&few("https://api.example/v1/.anteroom/wait?anteroom-claim=1", "application/json")),
        Verdict::AllHeaders
    );
    assert_eq!(gate(&few(DOOR, "text/html")), Verdict::AllHeaders);
}

#[test]
fn an_app_without_a_cookie_jar_is_given_its_tokens_by_a_header_and_may_leave() {
    let mut api = Api::new(Phase::Open);
    let pass = api.pass();
    let native = Question { cookies: "\r=", accept: "application/json", origin: "", mode: "", ..CALL };
    let (wish, told) = api.ask_and_hear(native, Outcome::Admitted { pass: pass.clone() });
    assert!(matches!(wish, Some(Wish::Enter { .. })));
    assert_eq!(told, Verdict::OriginWith(format!("Anteroom-Token: {pass}")));
    let cookies = &format!("\r={pass}");
    assert_eq!(api.ask(Question { cookies, ..native }), Verdict::Origin);
    assert!(
        api.edge.admits(CALL.url, cookies, NOW).is_some_and(|admission| admission.ends_with(cookies)),
        "and by the fast way"
    );
    let told = Api::new(Phase::Busy).ask(native);
    assert!(head(&told).contains("\nAnteroom-Token: ") && !head(&told).contains("Set-Cookie"), "{told:?}");
    let leave = Question { url: "https://api.example/v1/.anteroom/leave", method: "POST", cookies, ..native };
    let (wish, told) = api.ask_and_hear(leave, Outcome::Left);
    assert!(matches!(wish, Some(Wish::LeavePass { .. })));
    assert!(head(&told).ends_with("\nAnteroom-Token: "), "{told:?}");
}
