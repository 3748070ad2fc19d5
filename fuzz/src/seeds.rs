//! Seeds: where the corpora begin. All are real: what a small room writes, says and is asked in a minute of its life.

use durable::batch::{
    BatchAnswer, BatchName, ClaimOutcome, Grant, Items, PassRef, TicketRef, decode_batch, encode_batch,
};
use durable::board::Board;
use durable::codec::Writer;
use durable::journal::{Change, Row};
use durable::json;
use durable::json::Value;
use durable::protocol::{Answer, Ask, Outcome, Wish};
use durable::room::{Input, Output, Room};
use durable::settings::Settings;
use durable::state::Config;
use durable::store::{Store, Write};
use durable::token::{Arrival, Holder, OperatorSession, Pass, PassStanding, RoomTag, Ticket, Token};
use durable::units::{Epoch, Generation, Millis, PassEpoch, Place, Rank, Seat};
use durable::wire::to_text;

use crate::{journal, pages, token};

/// When the room of the seeds begins.
pub const NOON: Millis = Millis(1_800_000_000_000);

/// How many it has inside at most.
pub const SEATS: usize = 3;

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
    seeds.add("board", messages());
    let life = Life::lived();
    seeds.add("journal", [several(&life.rows)]);
    seeds.add("journal", life.rows);
    seeds.add(
        "journal",
        extremes().map(|change| Row { at: Millis(u64::MAX), changes: vec![change] }.encode()),
    );
    seeds.add("batch", life.said);
    seeds.add("board", life.boards);
    seeds.add("pages", life.pages);
    seeds.add("pages", extremes().map(|change| extreme_head(&Row { at: Millis(9), changes: vec![change] })));
    seeds.all
}

/// The rows that the room of the seeds wrote, in order.
pub fn rows() -> Vec<Vec<u8>> {
    Life::lived().rows
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

const COOKIES: [&str; 7] = [
    "P1aab",
    "T1abc\nA1abc",
    "a=b; c\nP1aab\nP1bzz\nT1aaa\nT1bzz\nA1aaa",
    "T4aaa\nT1abb\nT1aaa",
    "KAwEB\nKAgEA\nKAQEC\n__Host-anteroom-01010101=x",
    "=\n;;\nP0aaa\nK",
    "A1aaa\nA1aba\nA1zaa\nA1baa\nA1caa",
];

fn settings() -> Value {
    json!({
        "name": "sale", "host": "shop.example.com", "path": "/sale/", "total_active_users": SEATS,
        "new_users_per_minute": 100_000, "session_duration_seconds": 60,
    })
}

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
    alone.chain(patched).chain([br#"[1.5e3,"\u00fc\ud83d\ude00",{"a":null,"a":[false]}]"#.to_vec()]).collect()
}

fn messages() -> Vec<Vec<u8>> {
    let wishes = [
        Wish::Join { holder: [3; 16] },
        Wish::Claim { epoch: 1, rank: 2 },
        Wish::Renew { epoch: 1, pass_epoch: 2, seat: 3, generation: 4 },
        Wish::Board,
    ];
    let asks = wishes.map(|wish| to_text(&Ask { wish, board_sequence: 1, board_at_ms: 2, revoked_seq: 3 }));
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
fn extremes() -> [Change; 7] {
    let (end, at) = (Place(u64::MAX), Millis(u64::MAX));
    let (seat, generation) = (Seat(u32::MAX), Generation(u32::MAX));
    let grant =
        Grant { seat: Seat(0), generation, issued: at, expires: at, standing: PassStanding::Unconfirmed };
    [
        Change::Joined { count: u64::MAX },
        Change::Called { end, holding: u32::MAX, closes_at: at, late_until: at },
        Change::Admitted { rank: Some(Rank(u64::MAX)), grant, free_at: at },
        Change::TicketLeft { rank: Rank(u64::MAX) },
        Change::PassLeft { seat, generation, free_at: at, forget_at: at },
        Change::Kept { rank: Rank(u64::MAX) },
        Change::Paced { tat_ns: u64::MAX, late_tat_ns: u64::MAX },
    ]
}

/// A head page of nothing but the largest numbers that it may have, and a row onto it.
fn extreme_head(row: &Row) -> Vec<u8> {
    let mut head = Writer::new();
    head.byte(1);
    // The clock, no settings, both epochs; of the line what was issued, called and has left, and that nobody is held.
    let line = [9, 0, 0, 0, u64::MAX, 0, u64::MAX, 0];
    // No calls, no kept, no joins; both pacers; one time with admissions; revocations, quiet, replies.
    let others = [0, 0, 0, u64::MAX, u64::MAX, 1, 9, u64::from(u32::MAX), u64::MAX, 0, 9, 0];
    line.into_iter().chain(others).for_each(|number| head.number(number));
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

/// A room of three seats, and all that it wrote and said.
struct Life {
    room: Room,
    now: Millis,
    number: u64,
    rows: Vec<Vec<u8>>,
    said: Vec<Vec<u8>>,
    boards: Vec<Vec<u8>>,
    pages: Vec<Vec<u8>>,
}

impl Life {
    /// # Panics
    /// If a room does not do what it always did.
    fn lived() -> Life {
        let room = Room::load(&[], &[]).expect("a room");
        let (rows, said, boards, pages) = (vec![], vec![], vec![], vec![]);
        let mut life = Life { room, now: NOON, number: 0, rows, said, boards, pages };
        life.configure(1, false);
        life.asked(Items { enters: 2, ..Items::default() });
        life.asked(Items { joins: (0..6).map(|index| Holder([index; 16])).collect(), ..Items::default() });
        life.passes(1_000);
        let claims = (0..3).map(ticket).collect();
        let claimed = life.asked(Items { claims, ticket_leaves: vec![ticket(5)], ..Items::default() });
        life.passes(60_000);
        let renewals = vec![pass(0, 1), pass(1, 1), pass(9, 9)];
        life.asked(Items { renewals, claims: vec![ticket(0), ticket(3)], ..Items::default() });
        life.configure(2, true);
        life.passes(30_000);
        life.asked(Items { claims: vec![ticket(4)], pass_leaves: vec![pass(0, 1)], ..Items::default() });
        life.configure(3, false);
        life.passes(150_000);
        life.asked(Items { claims: vec![ticket(1), ticket(4), ticket(77)], enters: 1, ..Items::default() });
        assert!(claimed.iter().any(|outcome| matches!(outcome, ClaimOutcome::Granted(_))));
        life.said.push(BatchAnswer::Expected(7).encode(b"{}"));
        life.said.push(BatchAnswer::Refused.encode(b""));
        life
    }

    fn configure(&mut self, version: u64, queue_all: bool) {
        let mut settings = settings();
        settings.set("queue_all", json!(queue_all));
        let settings = Settings::parse(&settings).expect("settings");
        self.step(Input::Configure(Config { version, directory_version: 1, settings, events: Vec::new() }));
    }

    fn passes(&mut self, millis: u64) {
        self.now = self.now.plus(Millis(millis));
        self.step(Input::Tick);
    }

    fn asked(&mut self, items: Items) -> Vec<ClaimOutcome> {
        let name = BatchName { lobby: "leaf".into(), incarnation: [7; 16], number: self.number };
        self.number += 1;
        let bytes = encode_batch(&name, &items);
        let batch = decode_batch(&bytes).expect("a batch");
        self.said.push(bytes);
        let Output::Batch(answer) = self.step(Input::Batch(batch)) else {
            return Vec::new();
        };
        self.said.push(answer.encode(&self.boards.last().cloned().unwrap_or_default()));
        let BatchAnswer::Done(reply) = answer else {
            return Vec::new();
        };
        self.said.push(reply.encode());
        reply.claims
    }

    fn step(&mut self, input: Input) -> Output {
        let mut step = self.room.step(self.now, [7; 32], vec![input]).expect("a step");
        for write in step.writes {
            if let Write::Row { bytes, .. } = write {
                self.rows.push(bytes);
            }
        }
        let numbered: Vec<(u64, Vec<u8>)> = (1..).zip(self.rows.iter().cloned()).collect();
        let (_, state) = Store::load(&[], &numbered).expect("rows that a room wrote");
        self.pages.push(pages::write(&state, self.rows.last().map_or(&[], Vec::as_slice)));
        self.boards.push(to_text(&self.room.board(self.now)).into_bytes());
        step.outputs.remove(0)
    }
}

fn ticket(rank: u64) -> TicketRef {
    TicketRef { epoch: Epoch(0), rank: Rank(rank) }
}

fn pass(seat: u32, generation: u32) -> PassRef {
    let (epoch, pass_epoch) = (Epoch(0), PassEpoch(0));
    PassRef { epoch, pass_epoch, seat: Seat(seat), generation: Generation(generation) }
}
