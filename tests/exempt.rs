//! A gate whose room has bypass rules: who is exempt goes to the origin before anything they bring is believed, and nobody gets there by spelling.

use anteroom::edge::{Asked, Deployment, Edge};
use anteroom::verdict::{Verdict, errand_for_rooms, errand_to_leaf};
use durable::board::{Board, Phase};
use durable::directory::seeds;
use durable::json;
use durable::json::Value;
use durable::order::{Document, DocumentRoom};
use durable::protocol::{Answer, Ask, Outcome};
use durable::token::Keys;
use durable::units::Millis;
use durable::wire::{from_text, to_text};

const NOW: Millis = Millis(1_800_000_000_000);

/// An isolate with one room at this path, with these rules, in which everybody is held.
fn edge(path: &str, expressions: &[&str]) -> Edge {
    let room = json!({ "name": "r", "host": "shop.example", "path": path, "total_active_users": 5, "new_users_per_minute": 5 });
    let (id, settings) = seeds(&[room]).unwrap().remove(0);
    let deployment = Deployment {
        keys: Ok(Keys::new("0123456789abcdef0123456789abcdef", "", "").unwrap()),
        operator_tokens: String::new(),
        operator_host: "operator.example".into(),
        has_origin: true,
        rooms: Vec::new(),
    };
    let mut edge = Edge::new(deployment);
    let rules: Vec<Value> =
        expressions.iter().map(|expression| json!({ "expression": *expression })).collect();
    let room = DocumentRoom { id: id.clone(), settings: settings.to_json(), rules };
    edge.learn(&errand_for_rooms(), &to_text(&Document { version: 1, rooms: vec![room] }), NOW);
    let ask = Ask::default();
    let board = Board {
        version: 1,
        sequence: 1,
        at_ms: NOW.0,
        max_age_ms: 1_000,
        phase: Phase::Held,
        directory_version: 1,
        ..Board::default()
    };
    let answer = Answer { outcome: Outcome::Board, board: Some(board), board_age_ms: 0, revocations: None };
    edge.learn(&errand_to_leaf('@', &id, [0; 4], &ask), &to_text(&answer), NOW);
    edge
}

/// What a request of this method to this path is answered, with these lines behind those that all have.
fn judged(edge: &mut Edge, method: &str, path: &str, more: &[&str]) -> Verdict {
    let mut laid =
        format!("https://shop.example{path}\n\n{method}\ntext/html\nen\n\nnavigate\n\n\n\n\n192.0.2.1");
    if !more.is_empty() {
        laid.push_str("\n\n");
        more.iter().for_each(|line| laid.push_str(&format!("\n{line}")));
    }
    edge.gate(&Asked::parse(&laid), NOW, [[0; 16]; 2])
}

fn passes(edge: &mut Edge, path: &str) -> bool {
    match judged(edge, "GET", path, &[]) {
        Verdict::Origin => true,
        Verdict::Page(_) | Verdict::Answer(_) => false,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn who_is_exempt_goes_to_the_origin_and_everybody_else_waits() {
    let mut edge =
        edge("/sale", &[r#"http.request.uri.path eq "/sale/health""#, "ip.src in {198.51.100.0/24}"]);
    assert!(passes(&mut edge, "/sale/health") && passes(&mut edge, "/sale/health?x"));
    assert!(!passes(&mut edge, "/sale/healthy") && !passes(&mut edge, "/sale/"));
    assert!(passes(&mut edge, "/robots.txt"));
    let guess = "https://shop.example/sale/health\n\nGET\n*/*\n\n\n\n\nprefetch\n\n\n192.0.2.1";
    assert_eq!(edge.gate(&Asked::parse(guess), NOW, [[0; 16]; 2]), Verdict::Origin, "a guess as well");
    let mut none = self::edge("/sale", &[]);
    assert!(!passes(&mut none, "/sale/health"));
}

#[test]
fn no_spelling_makes_a_path_an_exempt_one() {
    let tricks = [
        "/sale/health/../checkout",
        "/sale/health/..%2fcheckout",
        "/sale/health/%2e%2e/checkout",
        "/sale/health/%2E%2E%2Fcheckout",
        "/sale/health/..%5ccheckout",
        "/sale/health/..\\checkout",
        "/sale/health/x/..//../checkout",
        "/sale/health/..;/checkout",
        "/sale/health/..;x=y/checkout",
        "/sale//health/../checkout",
        "/sale/./health/..%2f./checkout",
        "/sale/checkout/..%2fcheckout",
        "/sale/checkout;.css",
        "/sale/checkout/.%2f..%2fcheckout",
    ];
    for expression in [
        r#"starts_with(http.request.uri.path, "/sale/health/")"#,
        r#"http.request.uri.path contains "/health/""#,
        r#"http.request.uri.path wildcard "/sale/health/*""#,
        r#"http.request.full_uri wildcard "https://shop.example/sale/health/*""#,
        r#"starts_with(url_decode(http.request.uri.path), "/sale/health/")"#,
        r#"http.request.uri.path.extension in {"css" "js"}"#,
        // What is everything but the checkout.
        r#"not starts_with(http.request.uri.path, "/sale/checkout")"#,
        r#"http.request.uri.path ne "/sale/checkout""#,
        r#"not http.request.uri wildcard "/sale/checkout*""#,
        r#"not http.request.full_uri contains "checkout" xor http.request.uri.path contains "zzz""#,
        "len(http.request.uri.path) ne 14",
    ] {
        let mut edge = edge("/sale", &[expression]);
        for path in tricks {
            assert!(!passes(&mut edge, path), "{expression} lets {path} by");
        }
    }
    let mut edge = edge("/sale", &[r#"starts_with(http.request.uri.path, "/sale/health/")"#]);
    for path in [
        "/sale/x/..%2fhealth/x",
        "/sale//health/x",
        "/sale/./health/x",
        "/sale/%68ealth/x",
        "/sale;/health/x",
    ] {
        assert!(!passes(&mut edge, path), "{path} is exempt by its normal form alone");
    }
    assert!(passes(&mut edge, "/sale/health/x"), "the plain path may");
    assert!(
        passes(&mut edge, "/sale/health/%78") && passes(&mut edge, "/sale/health/a%20b"),
        "and what is so by both readings"
    );
}

#[test]
fn no_spelling_of_a_host_is_another_host() {
    let mut edge = edge(
        "/",
        &[r#"http.host ne "shop.example""#, r#"not http.request.full_uri wildcard "https://shop.example/*""#],
    );
    for host in ["shop.example", "SHOP.example", "shop.example.", "shop.example:443", "x@shop.example"] {
        let laid = format!("https://{host}/\n\nGET\ntext/html\nen\n\nnavigate\n\n\n\n\n");
        let verdict = edge.gate(&Asked::parse(&laid), NOW, [[0; 16]; 2]);
        assert!(matches!(verdict, Verdict::Page(_)), "{host}: {verdict:?}");
    }
}

#[test]
fn our_own_endpoints_are_exempt_for_nobody() {
    let mut edge = edge("/sale", &["ssl"]);
    assert!(passes(&mut edge, "/sale/x"));
    for path in [
        "/sale/.anteroom/wait",
        "/sale/.anteroom/board",
        "/sale/.anteroom/leave",
        "/sale/.anteroom/x",
        "/sale/x/..%2f.anteroom/board",
    ] {
        assert!(!passes(&mut edge, path), "{path}");
    }
    let few = "https://shop.example/sale/.anteroom/wait\n\nGET\napplication/json\nen\n";
    assert!(matches!(edge.gate(&Asked::parse(few), NOW, [[0; 16]; 2]), Verdict::Answer(_)));
}

#[test]
fn preflights_and_writes_of_the_exempt_are_the_origins() {
    let mut edge = edge("/", &[r#"starts_with(http.request.uri.path, "/hook")"#]);
    let preflight = |path: &str| {
        format!(
            "https://shop.example{path}\n\nOPTIONS\n\n\nhttps://shop.example\ncors\n\n\n\n\n192.0.2.1\nPUT\nx-a"
        )
    };
    let mut asked = |laid: &str| edge.gate(&Asked::parse(laid), NOW, [[0; 16]; 2]);
    assert_eq!(asked(&preflight("/hook")), Verdict::Origin);
    assert!(matches!(asked(&preflight("/else")), Verdict::Answer(_)), "our own answer");
    assert_eq!(judged(&mut edge, "POST", "/hook", &[]), Verdict::Origin);
}

#[test]
fn cookies_of_the_exempt_are_not_even_read() {
    let mut edge = edge("/", &[r#"http.request.method eq "POST""#]);
    let laid = "https://shop.example/x\n__Host-anteroom-00000000=forged\nPOST\n\n\n\n\n\n\n\n\n192.0.2.1";
    assert_eq!(edge.gate(&Asked::parse(laid), NOW, [[0; 16]; 2]), Verdict::Origin);
    assert!(edge.chore().is_none());
}

#[test]
fn headers_are_asked_for_only_where_rules_read_them() {
    let rules = [
        r#"http.user_agent contains "Pingdom" or any(http.request.cookies["staff"][*] eq "yes")"#,
        r#"ip.src.country eq "GR""#,
    ];
    let mut edge = edge("/sale", &rules);
    let wanted = Verdict::MoreHeaders("user-agent\ncookie\n:country\n".into());
    assert_eq!(judged(&mut edge, "GET", "/sale", &[]), wanted);
    assert_eq!(
        judged(&mut edge, "GET", "/sale/.anteroom/board", &[]).into_text().map(|text| text[..3].to_owned()),
        Some("200".into())
    );
    for (lines, exempt) in [
        (["", "", ""], false),
        (["a Pingdom b", "", ""], true),
        (["", "x=y; staff=yes", ""], true),
        (["", "staff=yesno", ""], false),
        (["", "", "GR"], true),
        (["GR", "GR", "DE"], false),
    ] {
        assert_eq!(judged(&mut edge, "GET", "/sale", &lines) == Verdict::Origin, exempt, "{lines:?}");
    }
}

#[test]
fn a_rule_that_a_newer_version_wrote_exempts_nobody_and_the_others_hold() {
    let newer = r#"sha256(http.host) eq "x""#;
    let mut edge = edge("/", &[newer, &format!("not {newer}"), "", r#"http.request.uri.path eq "/health""#]);
    assert!(!passes(&mut edge, "/") && passes(&mut edge, "/health"));
    // Rules of another shape are none.
    let document = br#"{"version":2,"rooms":[{"id":"00","settings":{},"rules":[7,{"expression":8},{}]}]}"#;
    assert!(from_text::<Document>(document).is_some());
}

#[test]
fn a_document_of_a_version_without_rules_is_read() {
    let document: Document = from_text(br#"{"version":2,"rooms":[{"id":"00","settings":{}}]}"#).unwrap();
    assert!(document.rooms[0].rules.is_empty());
}
