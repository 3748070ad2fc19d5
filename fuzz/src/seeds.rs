//! Seeds: where the corpora begin. All are real: what a small room writes, says and is asked in a minute of its life.

use durable::batch::Grant;
use durable::board::Board;
use durable::codec::Writer;
use durable::draw::{Draw, NOBODY};
use durable::draws::Occasion;
use durable::journal::{Change, Row};
use durable::json;
use durable::protocol::{Answer, Ask, Outcome, Wish};
use durable::rounds::CUT_MAX;
use durable::settings::Settings;
use durable::token::{Arrival, Holder, OperatorSession, Pass, PassStanding, RoomTag, Ticket, Token};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Place, Rank, Seat};
use durable::wire::to_text;

use crate::life::{NOON, settings};
use crate::{journal, life, token};

/// A file of a corpus.
pub struct Seed {
    /// Whose.
    pub target: &'static str,
    /// Its name in the target's folder.
    pub name: String,
    /// What stands in it.
    pub bytes: Vec<u8>,
}

/// All of them.
pub fn all() -> Vec<Seed> {
    let mut seeds = Seeds::default();
    seeds.add("token", tokens());
    seeds.add("cookie", COOKIES.map(|header| header.as_bytes().to_vec()));
    seeds.add("settings", settings_and_patches());
    seeds.add("expression", EXPRESSIONS.map(|text| text.as_bytes().to_vec()));
    seeds.add("board", messages());
    for life in life::all() {
        seeds.add("journal", [several(&life.rows)]);
        // One of each kind; all of them are in the one above.
        seeds.add("journal", life.rows.into_iter().skip(1).step_by(4));
        seeds.add("batch", life.said);
        seeds.add("board", life.boards.into_iter().step_by(4));
        seeds.add("pages", life.pages.into_iter().skip(1).step_by(4));
    }
    seeds.add(
        "journal",
        extremes().map(|change| Row { at: Millis(u64::MAX), changes: vec![change] }.encode()),
    );
    seeds.add("pages", extremes().map(|change| extreme_head(&Row { at: Millis(9), changes: vec![change] })));
    seeds.all
}

#[derive(Default)]
struct Seeds {
    all: Vec<Seed>,
}

impl Seeds {
    fn add(&mut self, target: &'static str, contents: impl IntoIterator<Item = Vec<u8>>) {
        for bytes in contents {
            let number = self.all.iter().filter(|seed| seed.target == target).count();
            self.all.push(Seed { target, name: format!("seed-{number:03}"), bytes });
        }
    }
}

fn tokens() -> Vec<Vec<u8>> {
    let room = RoomTag([1; 8]);
    let arrival = Arrival { room, issued: NOON, prefix: [2; 4], holder: Holder([3; 16]) };
    let ticket = Ticket { room, epoch: Epoch(1), rank: Rank(4711), issued: NOON, holder: Holder([3; 16]) };
    let pass = Pass {
        room,
        epoch: Epoch(1),
        pass_epoch: PassEpoch(2),
        seat: Seat(17),
        generation: Generation(3),
        issued: NOON,
        expires: NOON.plus(Millis(360_000)),
        standing: PassStanding::Confirmed,
    };
    let session = OperatorSession { name: [b'a'; 32], csrf: [4; 16], issued: NOON, expires: NOON };
    [both_forms(&arrival), both_forms(&ticket), both_forms(&pass), both_forms(&session)].concat()
}

/// The text, and the fields with a byte before them that says which character of the text is changed.
fn both_forms<T: Token>(token: &T) -> Vec<Vec<u8>> {
    let mut fields = vec![T::DOMAIN, 40];
    token.write(&mut fields);
    vec![[&[0], token::keys().sign(token).as_bytes()].concat(), fields]
}

const EXPRESSIONS: [&str; 12] = [
    "http.request.uri.path eq \"/health\"\0health",
    "ip.src in {192.0.2.0/24 198.51.100.1..198.51.100.9 2001:db8::/32}",
    "not (ssl and !ssl xor ssl) || http.request.method ne \"GET\"",
    "http.request.uri wildcard \"/A/*.js*\" or http.host strict wildcard r\"a\\*\"\0a/b.js",
    "any(lower(http.request.uri.args[\"x\"][*])[*] contains \"a\")\0x=A",
    "all(not len(http.request.cookies[\"a\"][*])[*] in {3 4..9})",
    "starts_with(url_decode(http.request.uri.path), r#\"/a\"b\"#)\0%61/../b",
    "ends_with(http.request.uri.path.extension, \"\\x63\\163s\")\0a.css",
    "http.request.headers[\"x-a\"][0] == \"x-a\" && len(http.request.headers[\"x-a\"]) >= 1",
    "ip.src.country in {\"GR\" \"CY\"} or http.user_agent eq \"\" or http.referer contains \"x\"",
    "upper(http.cookie) eq \"é\" and len(http.request.full_uri) lt 9",
    "cf.threat_score lt 10",
];

const COOKIES: [&str; 7] = [
    "P1aab",
    "T1abc\nA1abc",
    "a=b; c\nP1aab\nP1bzz\nT1aaa\nT1bzz\nA1aaa",
    "T4aaa\nT1abb\nT1aaa",
    "KAwEB\nKAgEA\nKAQEC\n__Host-anteroom-01010101=x",
    "=\n;;\nP0aaa\nK",
    "A1aaa\nA1aba\nA1zaa\nA1baa\nA1caa",
];

fn settings_and_patches() -> Vec<Vec<u8>> {
    let patches = [
        json!({ "session_duration": 7, "page": { "title": "Klinik", "color_accent": "#0B6E4F" } }),
        json!({ "cookie_attributes": { "samesite": "lax" }, "queue_all": true, "suspended": null }),
        json!({ "additional_routes": [{ "host": "b.example.com", "path": "/a%20b" }], "cookie_suffix": "x" }),
        json!({ "allowed_origins": ["https://app.example.com:8443"], "queueing_status_code": 503 }),
        json!({ "page": { "logo": "data:image/png;base64,iVBO", "home_url": "/about", "message": "\u{e9}\n\u{1f600}" } }),
        json!({ "total_active_users": 0, "colour": [1, -2, {}], "queueing_method": "random", "host": "*" }),
    ];
    let canonical = Settings::parse(&settings()).map(|settings| settings.to_json());
    let alone = [settings()].into_iter().chain(canonical).map(|settings| to_text(&settings).into_bytes());
    let patched = patches.iter().map(|patch| format!("{}\0{patch}", settings()).into_bytes());
    let plans = plans().map(String::into_bytes);
    alone
        .chain(patched)
        .chain(plans)
        .chain([br#"[1.5e3,"\u00fc\ud83d\ude00",{"a":null,"a":[false]}]"#.to_vec()])
        .collect()
}

fn plans() -> [String; 5] {
    let plan = json!({
        "name": "noon", "prequeue_start_time": "2026-12-01T11:30:00+00:30",
        "event_start_time": "2026-12-01T12:00:00Z", "event_end_time": "2026-12-01T13:00:00.5Z",
    });
    let patches = [
        json!({ "shuffle_at_event_start": true, "repeat": "daily", "time_zone": "Europe/Athens" }),
        json!({ "prequeue_start_time": null, "repeat": "weekly", "queueing_method": "random" }),
        json!({ "event_end_time": "2199-12-31T23:59:59-23:59", "total_active_users": 0, "suspended": true }),
        json!({ "session_duration": 3, "prequeue_ends_sessions": true, "disable_session_renewal": false }),
    ];
    let [one, two, three, four] = patches.map(|patch| format!("{plan}\0{patch}"));
    [plan.to_string(), one, two, three, four]
}

fn messages() -> Vec<Vec<u8>> {
    let wishes = [
        Wish::Join { holder: [3; 16] },
        Wish::Claim { epoch: 1, rank: 2 },
        Wish::Renew { epoch: 1, pass_epoch: 2, seat: 3, generation: 4 },
        Wish::Board,
    ];
    let asks = wishes.map(|wish| {
        to_text(&Ask {
            wish,
            board_sequence: 1,
            board_at_ms: 2,
            board_max_age_ms: 9,
            revoked_seq: 3,
            neighbourhood: None,
        })
    });
    let outcome = Outcome::Joined { ticket: "t".into(), rank: 1, joined_at_ms: 2 };
    let answer = to_text(&Answer { outcome, board: None, board_age_ms: 1, revocations: None });
    let extreme = to_text(&Board { waiting: u64::MAX, issued: 1, called: u64::MAX, ..Board::default() });
    let others = [
        r#"{"seq":2,"passes":[[1,2],[3,4]]}"#,
        r#"{"version":9,"called":7,"phase":"drawing","draw":{"seed":"x"}}"#,
        r#"{"patch":{"id":"0123456789abcdef0123456789abcdef","patch":{"queue_all":true}}}"#,
        r#"{"version":3,"rooms":[{"id":"0123456789abcdef0123456789abcdef","settings":{}}]}"#,
    ];
    asks.into_iter().chain([answer, extreme]).map(String::into_bytes).chain(others.map(Vec::from)).collect()
}

/// Numbers at the end of all numbers, which no room writes.
fn extremes() -> [Change; 15] {
    let (end, at, event) = (Place(u64::MAX), Millis(u64::MAX), [0xff; 16]);
    let occasion = Occasion { event, start: at };
    let draw = Draw { first: Rank(Rank::LIMIT - CUT_MAX), count: CUT_MAX, seed: [0; 32], hash: NOBODY };
    let (seat, generation) = (Seat(u32::MAX), Generation(u32::MAX));
    let grant =
        Grant { seat: Seat(0), generation, issued: at, expires: at, standing: PassStanding::Unconfirmed };
    [
        Change::Joined { count: u64::MAX },
        Change::Called { end, holding: u32::MAX, closes_at: at, late_until: at },
        Change::Admitted { rank: Some(Rank(u64::MAX)), grant, free_at: at },
        Change::Returned { grant, free_at: at },
        Change::TicketLeft { rank: Rank(u64::MAX) },
        Change::PassLeft { seat, generation, free_at: at, forget_at: at },
        Change::Kept { rank: Rank(u64::MAX) },
        Change::Paced { tat_ns: u64::MAX, late_tat_ns: u64::MAX },
        Change::Promised { wait: at },
        Change::Learnt { called: u64::MAX, claimed: u64::MAX },
        Change::Gathering { event: Some(event) },
        Change::Drawn { occasion, draw },
        Change::Drawn { occasion, draw: Draw { first: Rank(0), count: Rank::LIMIT, ..draw } },
        Change::Round {
            draw,
            cut: 9,
            doubles: vec![Rank(u64::MAX)],
            holding: u32::MAX,
            closes_at: at,
            late_until: at,
        },
        Change::SessionsEnded { occasion: Some(occasion), free_at: at },
    ]
}

/// A head page of nothing but the largest numbers that it may have, and a row onto it.
fn extreme_head(row: &Row) -> Vec<u8> {
    let mut head = Writer::new();
    head.byte(2);
    // The clock, no settings, both epochs; of the line what was issued, called and has left, and that nobody is held.
    let line = [9, 0, 0, u64::from(u32::MAX), Rank::LIMIT, 0, u64::MAX, 0];
    // No calls, no kept, one join, and eighteen steps of errors.
    let waits = [[0, 0, 1, 0, u64::MAX, u64::MAX].as_slice(), &[u64::from(u32::MAX); 18]].concat();
    // No seals, gathering, draws, chain and rounds; who came; no sweep; both pacers; one time with admissions; revocations, quiet, replies.
    let nothing = [0, 0, 0, 0, 0, u64::MAX, u64::MAX, 0];
    let others = [u64::MAX, u64::MAX, 1, 9, u64::from(u32::MAX), u64::MAX, 0, 9, 0];
    let numbers = [&line[..], &waits, &nothing, &others].concat();
    numbers.into_iter().for_each(|number| head.number(number));
    let mut out = Writer::new();
    out.byte(0);
    out.blob(&head.into_bytes());
    out.byte(6);
    out.blob(&row.encode());
    out.into_bytes()
}

fn several(rows: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Writer::new();
    out.byte(journal::SEVERAL);
    rows.iter().for_each(|row| out.blob(row));
    out.into_bytes()
}
