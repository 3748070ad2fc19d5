//! The whole crowd against a small gate of its own over real HTTP, in this process: once against one that keeps its
//! promises, and once for each way of breaking them, because an audit that cannot fail says nothing.

#![allow(clippy::disallowed_methods, reason = "a test of a program that has a clock of its own")]

use crowd::args::{Command, Options, parse};
use crowd::verdict::{Evidence, Finding, checks};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ffi::OsString;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Which promise the gate breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manners {
    Good,
    /// Lets in twice as many as there are seats.
    Overfills,
    /// Calls from the end of the line.
    CallsBackwards,
    /// Says *your turn*, and then does not mean it, to every place the first time.
    BreaksTurns,
    /// Tells two visitors the same place.
    DoublesPlaces,
    /// The origin behind it fails at the purchase.
    ShopFails,
    /// Calls nobody who waits.
    Stalls,
}

/// One room of `seats`, and a shop behind it that counts by who is let through.
struct Gate {
    manners: Manners,
    seats: usize,
    joined: u64,
    waiting: BTreeSet<u64>,
    called: BTreeMap<u64, Instant>,
    refused: BTreeSet<u64>,
    inside: BTreeSet<u64>,
    passes: u64,
    inside_max: usize,
    purchases: u64,
}

/// Who asks, by the cookie: `arrival`, `ticket-<place>` or `pass-<number>`.
fn held(cookie: &str, kind: &str) -> Option<u64> {
    cookie.split("; ").find_map(|pair| pair.strip_prefix(&format!("gate={kind}-"))?.parse().ok())
}

type Reply = Response<Full<Bytes>>;

fn reply(status: u16, headers: &[(&str, String)], body: String) -> Reply {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(Full::new(body.into())).unwrap()
}

fn ours(state: &str, place: Option<u64>, cookie: Option<String>) -> Reply {
    let body = serde_json::json!({ "cfWaitingRoom": { "state": state, "place": place, "pollAfterMs": 100 } });
    let mut headers = vec![("Anteroom", state.to_owned()), ("Retry-After", "0".to_owned())];
    headers.extend(cookie.map(|cookie| ("Set-Cookie", format!("gate={cookie}; Path=/; HttpOnly"))));
    reply(200, &headers, body.to_string())
}

impl Gate {
    fn answer(&mut self, request: &Request<Incoming>) -> Reply {
        let header =
            |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let (cookie, path) = (header("cookie"), request.uri().path());
        let navigates = header("sec-fetch-mode") == "navigate";
        self.call();
        match (path, request.method().as_str()) {
            ("/stats", _) => return reply(200, &[], self.stats()),
            ("/stats/reset" | "/robots.txt", _) => return reply(200, &[], String::new()),
            ("/.anteroom/leave", "POST") => {
                assert_eq!(header("origin"), format!("http://{}", header("host")));
                assert_eq!((header("sec-fetch-site"), header("cookie").is_empty()), ("same-origin", false));
                self.inside.remove(&held(cookie, "pass").unwrap_or(u64::MAX));
                self.forget(held(cookie, "ticket").unwrap_or(u64::MAX));
                return ours("left", None, Some("; Max-Age=0".to_owned()));
            }
            _ => {}
        }
        if let Some(pass) = held(cookie, "pass").filter(|pass| self.inside.contains(pass)) {
            // As Anteroom does: to the waiting page's script, whoever is inside is told so and not taken to the shop.
            if header("accept").contains("anteroom") {
                return ours("admitted", None, None);
            }
            return self.shop(path, pass);
        }
        match held(cookie, "ticket") {
            Some(place) if !self.called.contains_key(&place) => ours("waiting", Some(self.told(place)), None),
            Some(place) if path.ends_with("/wait") || !navigates => {
                ours("your_turn", Some(self.told(place)), None)
            }
            Some(place) if self.manners == Manners::BreaksTurns && self.refused.insert(place) => {
                ours("waiting", Some(self.told(place)), None)
            }
            Some(place) => {
                self.forget(place);
                self.enter()
            }
            None if navigates && self.is_open() => self.enter(),
            None if navigates || !cookie.contains("gate=arrival") => {
                ours("joining", None, Some("arrival".into()))
            }
            None => self.join(),
        }
    }

    fn capacity(&self) -> usize {
        self.seats * if self.manners == Manners::Overfills { 2 } else { 1 }
    }

    fn is_open(&self) -> bool {
        self.waiting.is_empty() && self.inside.len() + self.called.len() < self.capacity()
    }

    /// A called place holds a seat; one that vanished gives it up after a while.
    fn call(&mut self) {
        self.called.retain(|_, at| at.elapsed() < Duration::from_secs(2));
        while self.manners != Manners::Stalls && self.inside.len() + self.called.len() < self.capacity() {
            let next = match self.manners {
                Manners::CallsBackwards => self.waiting.pop_last(),
                _ => self.waiting.pop_first(),
            };
            let Some(place) = next else { return };
            self.called.insert(place, Instant::now());
        }
    }

    fn forget(&mut self, place: u64) {
        self.waiting.remove(&place);
        self.called.remove(&place);
    }

    /// The place that the holder of a ticket is told.
    fn told(&self, place: u64) -> u64 {
        if self.manners == Manners::DoublesPlaces { place.div_ceil(2) } else { place }
    }

    fn join(&mut self) -> Reply {
        self.joined += 1;
        self.waiting.insert(self.joined);
        ours("waiting", Some(self.told(self.joined)), Some(format!("ticket-{}", self.joined)))
    }

    fn enter(&mut self) -> Reply {
        self.passes += 1;
        self.inside.insert(self.passes);
        self.inside_max = self.inside_max.max(self.inside.len());
        reply(200, &[("Set-Cookie", format!("gate=pass-{}; Path=/", self.passes))], "the shop".into())
    }

    fn shop(&mut self, path: &str, pass: u64) -> Reply {
        match path {
            "/purchase" if self.manners == Manners::ShopFails => reply(502, &[], String::new()),
            "/purchase" => {
                self.purchases += 1;
                reply(303, &[("Location", "/thanks".to_owned())], String::new())
            }
            "/bye" | "/cart" | "/" | "/style.css" | "/api/stock" | "/item/1" | "/thanks" => {
                reply(200, &[], format!("{path} for {pass}"))
            }
            _ => reply(404, &[], String::new()),
        }
    }

    fn stats(&self) -> String {
        let Gate { inside_max, passes, purchases, .. } = self;
        serde_json::json!({ "inside_max": inside_max, "sessions": passes, "purchases": purchases })
            .to_string()
    }
}

/// Lets a crowd loose on a gate of 3 seats, and tells what was broken.
fn visit(manners: Manners, options: &str) -> (Evidence, Vec<&'static str>) {
    let gate = Gate {
        manners,
        seats: 3,
        joined: 0,
        waiting: BTreeSet::new(),
        called: BTreeMap::new(),
        refused: BTreeSet::new(),
        inside: BTreeSet::new(),
        passes: 0,
        inside_max: 0,
        purchases: 0,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let evidence = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(serve(listener, Arc::new(Mutex::new(gate))));
        let line = format!(
            "--url http://127.0.0.1:{port}/ --shop-stats http://127.0.0.1:{port}/stats --arrive-seconds 0 \
             --stay-seconds 1 --limit 3 --poll-max-ms 100 --connections 8 --quiet {options}"
        );
        crowd::crowd::run(options_of(&line)).await.unwrap()
    });
    let checks = checks(&evidence);
    let broken = checks.iter().filter(|check| matches!(check.finding, Finding::Broken(_)));
    let broken = broken.map(|check| check.name).collect();
    (evidence, broken)
}

fn options_of(line: &str) -> Options {
    match parse(line.split_whitespace().map(OsString::from)) {
        Ok(Command::Run(options)) => *options,
        other => panic!("{other:?}"),
    }
}

async fn serve(listener: TcpListener, gate: Arc<Mutex<Gate>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let gate = Arc::clone(&gate);
        let service = service_fn(move |request| {
            let reply = gate.lock().unwrap().answer(&request);
            async move { Ok::<_, Infallible>(reply) }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}

#[test]
fn a_gate_that_keeps_its_promises_passes() {
    let (evidence, broken) = visit(Manners::Good, "--visitors 12");
    assert_eq!(broken, Vec::<&str>::new());
    assert_eq!(
        evidence.lives.iter().filter(|life| life.bought.is_some() && life.gave_back.is_some()).count(),
        12
    );
    assert_eq!(evidence.lives.iter().filter(|life| life.place.is_some()).count(), 9, "three found it open");
    let shop = evidence.shop.unwrap().unwrap();
    assert_eq!((shop.inside_max, shop.sessions, shop.purchases), (3, 12, 12));
}

#[test]
fn who_loses_patience_is_not_lost_and_keeps_nobody_waiting() {
    let (evidence, broken) = visit(Manners::Good, "--visitors 10 --give-up 40");
    assert_eq!(broken, Vec::<&str>::new());
    let gave_up = evidence.ended(|end| *end == crowd::record::End::GaveUp);
    assert!((1..=4).contains(&gave_up), "{gave_up}");
}

#[test]
fn without_cookies_the_open_door_is_all_there_is() {
    // This gate knows no tenth: all its seats go to clients that keep nothing, and that is what the check is for.
    let (evidence, broken) = visit(Manners::Good, "--visitors 0 --cookieless 50");
    assert_eq!(broken, ["cookieless"]);
    assert_eq!((evidence.cookieless.sent, evidence.cookieless.inside), (50, 3));
}

#[test]
fn every_way_to_break_a_promise_is_found() {
    let scenes = [
        (Manners::Overfills, "--visitors 12", "cap"),
        (Manners::BreaksTurns, "--visitors 6", "turn"),
        (Manners::DoublesPlaces, "--visitors 8", "once"),
        (Manners::ShopFails, "--visitors 3", "no errors"),
        (Manners::Stalls, "--visitors 5 --timeout-seconds 2", "nobody lost"),
        // The first in line waits longer than boards may be old while others go ahead.
        (Manners::CallsBackwards, "--visitors 18", "order"),
    ];
    std::thread::scope(|scope| {
        for (manners, options, expected) in scenes {
            scope.spawn(move || {
                let (_, broken) = visit(manners, options);
                assert_eq!(broken, [expected], "{manners:?}");
            });
        }
    });
}

#[test]
fn where_nobody_answers_there_is_no_crowd() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fault = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        crowd::crowd::run(options_of(&format!("--url http://127.0.0.1:{port}/ --quiet"))).await.unwrap_err()
    });
    assert!(fault.contains("make dev"), "{fault}");
}
