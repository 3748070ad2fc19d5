//! The operator's API: Cloudflare's own waiting-room endpoints, so that its SDKs work with nothing but another base
//! address, and a few of ours beside them. It answers on the operator's host alone.
//!
//! Pure: [`begin`] checks who asks and what for, and says which [`Command`] the directory should carry out; [`complete`] turns
//! its reply into Cloudflare's envelope. The shell performs what is in between.
//!
//! | method and path below `/client/v4` | |
//! |---|---|
//! | `GET`, `POST` `/zones/{zone}/waiting_rooms` | list, create |
//! | `GET`, `PUT`, `PATCH`, `DELETE` `/zones/{zone}/waiting_rooms/{id}` | read, replace, edit, delete |
//! | `GET` `/zones/{zone}/waiting_rooms/{id}/status` | Cloudflare's five fields |
//! | `GET`, `POST` `/zones/{zone}/waiting_rooms/{id}/events` | list, create |
//! | `GET`, `PUT`, `PATCH`, `DELETE` `/zones/{zone}/waiting_rooms/{id}/events/{event}` | read, replace, edit, delete |
//! | `GET` `/zones/{zone}/waiting_rooms/{id}/events/{event}/details` | with what it leaves to the room filled in |
//! | `GET`, `POST`, `PUT` `/zones/{zone}/waiting_rooms/{id}/rules` | list, add, replace all |
//! | `PATCH`, `DELETE` `/zones/{zone}/waiting_rooms/{id}/rules/{rule}` | edit or move, delete |
//! | `POST` `/zones/{zone}/waiting_rooms/{id}/rules/try` | ours: which rule exempts a request |
//! | `GET` `/zones/{zone}/waiting_rooms/{id}/live` | ours: all that the Room says |
//! | `POST` `/zones/{zone}/waiting_rooms/{id}/end_sessions` | ours: one session ends, or all |
//! | `POST` `/zones/{zone}/waiting_rooms/{id}/reset` | ours: everybody is out, in line and inside |
//! | `GET` `/zones/{zone}/waiting_room_changes` | ours: who changed what |
//!
//! One deployment has one set of rooms: the zone is taken for what it is called, and not looked at.

pub mod desk;
pub mod rules;
pub mod session;
pub mod tokens;
pub mod visit;

use durable::agenda::{EventRecord, upcoming};
use durable::codec::hex;
use durable::date::iso8601;
use durable::json;
use durable::json::{Value, parse};
use durable::listed::Listed as _;
use durable::order::{Command, Reply, RoomRecord};
use durable::protocol::RoomStatus;
use durable::settings::Fault;
use durable::units::Millis;
use durable::wire::{Said, from_text, to_text};

use self::tokens::Tokens;

/// A request's body may be so long: a logo and then some.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
const PER_PAGE_DEFAULT: usize = 25;
const PER_PAGE_MIN: usize = 5;
const PER_PAGE_MAX: usize = 1_000;

/// What is looked at of a request to the operator's host.
#[derive(Clone, Copy, Debug)]
pub struct ApiRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The path.
    pub path: &'a str,
    /// The query, without its `?`.
    pub query: &'a str,
    /// The header `Authorization`.
    pub authorization: &'a str,
    /// The operator whose session this is, for requests of our own page that name its secret.
    pub signed_in: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// An answer: always JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiResponse {
    /// The status code.
    pub status: u16,
    /// The envelope.
    pub body: Value,
    /// For `Retry-After`.
    pub retry_after_seconds: Option<u64>,
}

/// What the shell does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Answers.
    Respond(ApiResponse),
    /// Has the directory carry this out in somebody's name, and completes the answer with its reply.
    Command {
        /// The name of the operator's token.
        who: String,
        /// What they want.
        command: Command,
        /// How to answer.
        then: Then,
    },
}

/// How a reply of the directory becomes an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// A page of rooms.
    List {
        /// From one on.
        page: usize,
        /// Rooms on a page.
        per_page: usize,
    },
    /// One room, or that it was deleted.
    Room,
    /// Cloudflare's status.
    Status,
    /// The Room's own status.
    Live,
    /// A page of a room's events.
    Events {
        /// From one on.
        page: usize,
        /// Events on a page.
        per_page: usize,
    },
    /// One event.
    Event(Which),
    /// All rules.
    Rules,
    /// What the rules say of this request.
    Try(Value),
    /// Whether any session was ended.
    Ended,
    /// That the room was reset.
    Reset,
    /// The log.
    Changes,
    /// Whoever asked is refused, sooner or later.
    Unauthorized,
}

/// Which event is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one of this id.
    Id(String),
    /// The same, with what it inherits filled in.
    Details(String),
    /// A new one has no id yet that is known here, and a name that is its own.
    Name(String),
    /// One that was deleted.
    Deleted(String),
}

/// Why a request is refused: its status, our code, and words that say what to do.
fn refusal(status: u16, code: u32, message: &str) -> ApiResponse {
    failure(status, &[json!({ "code": code, "message": message })])
}

fn failure(status: u16, errors: &[Value]) -> ApiResponse {
    let body = json!({ "success": false, "errors": errors, "messages": [], "result": null });
    ApiResponse { status, body, retry_after_seconds: None }
}

fn success(result: Value) -> ApiResponse {
    let body = json!({ "success": true, "errors": [], "messages": [], "result": result });
    ApiResponse { status: 200, body, retry_after_seconds: None }
}

fn not_found() -> ApiResponse {
    refusal(404, 1404, "there is nothing at this address: see `/client/v4/zones/{zone}/waiting_rooms`")
}

fn unauthorized() -> ApiResponse {
    refusal(401, 10_000, "authentication error: send `Authorization: Bearer` and an operator's token")
}

/// Checks who asks and what for. `prefix` names the client's address prefix: failed attempts are counted by it.
pub fn begin(request: &ApiRequest<'_>, tokens: &Tokens, prefix: [u8; 4]) -> Action {
    let presented = request.authorization.strip_prefix("Bearer ").unwrap_or_default();
    let Some(who) = tokens.who(presented).or(request.signed_in) else {
        // A browser that looks for an icon guesses at no token.
        if request.authorization.is_empty() {
            return Action::Respond(unauthorized());
        }
        let command = Command::Attempt { prefix };
        return Action::Command { who: String::new(), command, then: Then::Unauthorized };
    };
    if request.body.len() > BODY_BYTES_MAX {
        return Action::Respond(refusal(413, 1413, "the body is longer than 64 KiB"));
    }
    match route(request) {
        Ok((command, then)) => Action::Command { who: who.to_owned(), command, then },
        Err(response) => Action::Respond(response),
    }
}

fn route(request: &ApiRequest<'_>) -> Result<(Command, Then), ApiResponse> {
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').listed();
    match parts.as_slice() {
        ["client", "v4", "zones", _, "waiting_rooms", rest @ ..] => rooms(request, rest),
        ["client", "v4", "zones", _, "waiting_room_changes"] if request.method == "GET" => {
            Ok((Command::Audit, Then::Changes))
        }
        _ => Err(not_found()),
    }
}

/// `…/waiting_rooms[/{room}[/…]]`.
fn rooms(request: &ApiRequest<'_>, rest: &[&str]) -> Result<(Command, Then), ApiResponse> {
    let id = rest.first().copied().unwrap_or_default().to_owned();
    let room = |command| Ok((command, Then::Room));
    match (rest, request.method) {
        ([], "GET") => Ok((Command::List, paging(request.query)?)),
        ([], "POST") => room(Command::Create { settings: body(request)? }),
        ([_], "GET") => room(Command::Get { id }),
        ([_], "PUT") => room(Command::Replace { id, settings: body(request)? }),
        ([_], "PATCH") => room(Command::Patch { id, patch: body(request)? }),
        ([_], "DELETE") => room(Command::Delete { id }),
        ([_, "status"], "GET") => Ok((Command::Status { id }, Then::Status)),
        ([_, "live"], "GET") => Ok((Command::Status { id }, Then::Live)),
        ([_, "end_sessions"], "POST") => {
            Ok((Command::End { id, session: session(&body(request)?)? }, Then::Ended))
        }
        ([_, "reset"], "POST") => Ok((Command::Reset { id }, Then::Reset)),
        ([_, "events", rest @ ..], _) => events(request, id, rest),
        ([_, "rules", rest @ ..], _) => rules::route(request, id, rest),
        ([] | [_] | [_, "status" | "live" | "end_sessions" | "reset"], _) => Err(no_such_method()),
        _ => Err(not_found()),
    }
}

fn no_such_method() -> ApiResponse {
    refusal(405, 1405, "this address has no such method")
}

/// `…/events[/{event}[/details]]`. All of them are of one room, which is what the directory answers with.
fn events(request: &ApiRequest<'_>, id: String, rest: &[&str]) -> Result<(Command, Then), ApiResponse> {
    let event = rest.first().copied().unwrap_or_default().to_owned();
    match (rest, request.method) {
        ([], "GET") => match paging(request.query)? {
            Then::List { page, per_page } => Ok((Command::Get { id }, Then::Events { page, per_page })),
            _ => Err(not_found()),
        },
        ([], "POST") => {
            let plan = body(request)?;
            let name = plan.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let command = Command::PutEvent { id, event: None, patches: false, plan };
            Ok((command, Then::Event(Which::Name(name))))
        }
        ([_], "GET") => Ok((Command::Get { id }, Then::Event(Which::Id(event)))),
        ([_, "details"], "GET") => Ok((Command::Get { id }, Then::Event(Which::Details(event)))),
        ([_], "PUT" | "PATCH") => {
            let (patches, plan) = (request.method == "PATCH", body(request)?);
            let command = Command::PutEvent { id, event: Some(event.clone()), patches, plan };
            Ok((command, Then::Event(Which::Id(event))))
        }
        ([_], "DELETE") => {
            let command = Command::DeleteEvent { id, event: event.clone() };
            Ok((command, Then::Event(Which::Deleted(event))))
        }
        ([] | [_] | [_, "details"], _) => Err(no_such_method()),
        _ => Err(not_found()),
    }
}

/// `{"all": true}`, or one as the visitor's own answers name it: `{"session": "12.3"}`, its seat and generation.
fn session(body: &Value) -> Result<Option<(u32, u32)>, ApiResponse> {
    let named = body.get("session").and_then(Value::as_str).and_then(|session| {
        let (seat, generation) = session.split_once('.')?;
        Some((seat.parse().ok()?, generation.parse().ok()?))
    });
    match named {
        Some(session) => Ok(Some(session)),
        None if body.get("all") == Some(&Value::Bool(true)) => Ok(None),
        None => Err(refusal(
            400,
            1400,
            "say `{\"session\": \"12.3\"}` for one session, or `{\"all\": true}` for all",
        )),
    }
}

fn body(request: &ApiRequest<'_>) -> Result<Value, ApiResponse> {
    parse(request.body).map_err(|error| refusal(400, 1400, &format!("the body is not JSON: {error}")))
}

fn paging(query: &str) -> Result<Then, ApiResponse> {
    let (mut page, mut per_page) = (1, PER_PAGE_DEFAULT);
    for (key, value) in query.split('&').filter_map(|part| part.split_once('=')) {
        let number = || value.parse::<usize>().ok();
        match key {
            "page" => page = number().filter(|page| *page >= 1).ok_or_else(|| bad_page("page", 1, "2^53"))?,
            "per_page" => {
                per_page = number()
                    .filter(|per_page| (PER_PAGE_MIN..=PER_PAGE_MAX).contains(per_page))
                    .ok_or_else(|| bad_page("per_page", PER_PAGE_MIN, "1000"))?;
            }
            _ => {}
        }
    }
    Ok(Then::List { page, per_page })
}

fn bad_page(field: &str, from: usize, to: &str) -> ApiResponse {
    refusal(400, 1400, &format!("`{field}`: must be a whole number from {from} to {to}"))
}

/// Turns the directory's reply into an answer.
pub fn complete(then: Then, reply: Reply, now: Millis) -> ApiResponse {
    match (then, reply) {
        (_, Reply::Faults(faults)) => failure(400, &faults.iter().map(fault).listed()),
        (_, Reply::Missing { id }) => refusal(404, 1404, &format!("there is no room, event or rule `{id}`")),
        (_, Reply::Unreachable { message }) => refusal(503, 1503, &message),
        (_, Reply::Throttled { retry_ms }) => {
            let seconds = Millis(retry_ms).secs_ceil();
            let message = format!("too many attempts without a valid token: come back in {seconds} s");
            ApiResponse { retry_after_seconds: Some(seconds), ..refusal(429, 1429, &message) }
        }
        (Then::Unauthorized, _) => unauthorized(),
        (Then::List { page, per_page }, Reply::Rooms(rooms)) => {
            list(rooms.iter().map(|room| room_json(room, now)), rooms.len(), page, per_page)
        }
        (Then::Events { page, per_page }, Reply::Room(record)) => {
            let events = &record.events;
            list(events.iter().map(EventRecord::to_json), events.len(), page, per_page)
        }
        (Then::Event(which), Reply::Room(record)) => event(&which, &record),
        (Then::Rules, Reply::Room(record)) => confirmed(Value::Array(record.rules.clone()), &record),
        (Then::Try(asked), Reply::Room(record)) => match rules::tried(&asked, &record) {
            Ok(result) => success(result),
            Err(wrong) => failure(400, &[fault(&wrong)]),
        },
        (Then::Ended, Reply::Ended(ended)) => success(json!({ "ended": ended })),
        (Then::Reset, Reply::Ended(_)) => success(json!({ "reset": true })),
        (Then::Room, Reply::Room(record)) => confirmed(room_json(&record, now), &record),
        (Then::Room, Reply::Deleted { id }) => success(json!({ "id": id })),
        (Then::Status, Reply::Status(status)) => success(cloudflares_status(&status)),
        (Then::Live, Reply::Status(status)) => success(tree(&*status)),
        (Then::Changes, Reply::Audit(entries)) => success(tree(&entries)),
        _ => refusal(500, 1500, "the directory gave another answer than was asked for"),
    }
}

fn tree(said: &impl Said) -> Value {
    from_text(to_text(said).as_bytes()).unwrap_or_default()
}

fn fault(fault: &Fault) -> Value {
    json!({ "code": 1400, "message": fault.to_string() })
}

fn list(items: impl Iterator<Item = Value>, total: usize, page: usize, per_page: usize) -> ApiResponse {
    let first = (page - 1).saturating_mul(per_page);
    let shown: Vec<Value> = items.skip(first).take(per_page).listed();
    let info = json!({
        "page": page, "per_page": per_page, "count": shown.len(), "total_count": total,
        "total_pages": total.div_ceil(per_page),
    });
    let mut response = success(Value::Array(shown));
    response.body.set("result_info", info);
    response
}

/// A room or an event of it, and a word if its Room has not confirmed the newest settings yet.
fn confirmed(result: Value, record: &RoomRecord) -> ApiResponse {
    let mut response = success(result);
    if record.confirmed_version < record.version {
        let message = "saved; it holds as soon as the Room can be reached, which is tried every few seconds";
        response.body.set("messages", json!([{ "code": 1202, "message": message }]));
    }
    response
}

fn event(which: &Which, record: &RoomRecord) -> ApiResponse {
    let found = match which {
        Which::Deleted(id) => return confirmed(json!({ "id": id }), record),
        Which::Id(id) | Which::Details(id) => record.events.iter().find(|event| event.id == *id),
        Which::Name(name) => {
            record.events.iter().find(|event| event.plan.get("name").and_then(Value::as_str) == Some(name))
        }
    };
    let Some(found) = found else { return refusal(404, 1404, "there is no such event in this room") };
    let mut json = found.to_json();
    if matches!(which, Which::Details(_)) {
        // What the event leaves open is the room's.
        let open: Vec<String> = json
            .as_object()
            .into_iter()
            .flat_map(durable::json::Map::iter)
            .filter(|(_, value)| value.is_null())
            .map(|(key, _)| key.clone())
            .listed();
        for key in open {
            if let Some(inherited) = record.settings.get(&key) {
                json.set(&key, inherited.clone());
            }
        }
    }
    confirmed(json, record)
}

fn room_json(record: &RoomRecord, now: Millis) -> Value {
    let mut room = record.settings.clone();
    room.set("id", json!(record.id));
    room.set("created_on", json!(iso8601(Millis(record.created_on_ms))));
    room.set("modified_on", json!(iso8601(Millis(record.modified_on_ms))));
    let next = upcoming(&record.events, now).into_iter().find(|event| event.start_ms > now.0);
    let prequeue = next.as_ref().filter(|event| event.prequeue_ms < event.start_ms);
    room.set(
        "next_event_prequeue_start_time",
        json!(prequeue.map(|event| iso8601(Millis(event.prequeue_ms)))),
    );
    room.set("next_event_start_time", json!(next.map(|event| iso8601(Millis(event.start_ms)))));
    room
}

/// The five fields of Cloudflare's status. Ours are counted, not estimated; the last is how long the line takes
/// at the rate of the last two minutes.
fn cloudflares_status(status: &RoomStatus) -> Value {
    use durable::board::Phase;
    let word = match status.phase {
        Phase::Suspended => "suspended",
        Phase::Prequeue => "event_prequeueing",
        _ if status.waiting > 0 || status.phase == Phase::Held => "queueing",
        _ => "not_queueing",
    };
    json!({
        "status": word,
        "event_id": status.event.map(|event| hex(&event)).unwrap_or_default(),
        "estimated_queued_users": status.waiting,
        "estimated_total_active_users": status.inside,
        "max_estimated_time_minutes":
            (status.waiting * 60).checked_div(status.calls_per_hour).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn asked(method: &str, path: &str, authorization: &str, body: &[u8]) -> Action {
        let tokens = Tokens::parse(&format!("ada:{TOKEN}")).unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = ApiRequest { method, path, query, authorization, signed_in: None, body };
        begin(&request, &tokens, [7; 4])
    }

    fn asked_well(method: &str, path: &str, body: &[u8]) -> Action {
        asked(method, &format!("/client/v4/zones/z/{path}"), &format!("Bearer {TOKEN}"), body)
    }

    fn status_of(action: &Action) -> u16 {
        match action {
            Action::Respond(response) => response.status,
            Action::Command { .. } => 0,
        }
    }

    #[test]
    fn without_the_right_token_nothing_is_even_read_and_the_attempt_is_counted() {
        let silent = asked("DELETE", "/client/v4/zones/z/waiting_rooms/x", "", b"{");
        assert_eq!(status_of(&silent), 401, "who shows nothing guesses at nothing");
        for authorization in ["Bearer ", "Bearer wrong", TOKEN, &format!("Basic {TOKEN}")] {
            let action = asked("DELETE", "/client/v4/zones/z/waiting_rooms/x", authorization, b"{");
            let Action::Command { command, then, .. } = action else { panic!("answered {authorization}") };
            assert_eq!((command, then), (Command::Attempt { prefix: [7; 4] }, Then::Unauthorized));
        }
        assert_eq!(complete(Then::Unauthorized, Reply::Allowed, Millis(0)).status, 401);
        let throttled = complete(Then::Unauthorized, Reply::Throttled { retry_ms: 1_500 }, Millis(0));
        assert_eq!((throttled.status, throttled.retry_after_seconds), (429, Some(2)));
    }

    #[test]
    fn every_verb_finds_its_command_and_its_name() {
        let Action::Command { who, command, then } =
            asked_well("PATCH", "waiting_rooms/x", b"{\"queue_all\":true}")
        else {
            panic!("refused")
        };
        assert_eq!((who.as_str(), then), ("ada", Then::Room));
        assert_eq!(command, Command::Patch { id: "x".into(), patch: json!({ "queue_all": true }) });
        for (method, path) in [
            ("GET", "waiting_rooms"),
            ("GET", "waiting_rooms/x"),
            ("DELETE", "waiting_rooms/x"),
            ("GET", "waiting_rooms/x/status"),
            ("GET", "waiting_rooms/x/live"),
            ("POST", "waiting_rooms/x/reset"),
            ("GET", "waiting_room_changes"),
        ] {
            assert_eq!(status_of(&asked_well(method, path, b"")), 0, "{method} {path}");
        }
    }

    #[test]
    fn what_is_asked_wrongly_is_refused_with_the_reason() {
        assert_eq!(status_of(&asked_well("POST", "waiting_rooms", b"{")), 400);
        assert_eq!(status_of(&asked_well("POST", "waiting_rooms", &vec![b' '; BODY_BYTES_MAX + 1])), 413);
        assert_eq!(status_of(&asked_well("PUT", "waiting_rooms", b"{}")), 405);
        assert_eq!(status_of(&asked_well("GET", "waiting_rooms/x/reset", b"")), 405);
        assert_eq!(status_of(&asked_well("GET", "waiting_rooms/x/else", b"")), 404);
        assert_eq!(status_of(&asked_well("GET", "waiting_rooms?per_page=4", b"")), 400);
        assert_eq!(status_of(&asked_well("GET", "waiting_rooms?page=0", b"")), 400);
    }

    fn record(name: &str) -> RoomRecord {
        RoomRecord {
            id: name.into(),
            version: 2,
            confirmed_version: 2,
            created_on_ms: 0,
            modified_on_ms: 0,
            settings: json!({ "name": name }),
            events: Vec::new(),
            rules: Vec::new(),
            origin_noted: 0,
        }
    }

    #[test]
    fn a_list_comes_in_pages() {
        let rooms: Vec<RoomRecord> = (0..12).map(|index| record(&index.to_string())).collect();
        let answer = complete(Then::List { page: 3, per_page: 5 }, Reply::Rooms(rooms), Millis(0)).body;
        assert_eq!(answer["result"].as_array().unwrap().len(), 2);
        assert_eq!(
            answer["result_info"],
            json!({ "page": 3, "per_page": 5, "count": 2, "total_count": 12, "total_pages": 3 })
        );
    }

    #[test]
    fn all_faults_are_told_and_an_unconfirmed_change_says_so() {
        let faults = ["host", "path"].map(|field| Fault { field: field.into(), message: "is wrong".into() });
        let answer = complete(Then::Room, Reply::Faults(faults.into()), Millis(0));
        assert_eq!((answer.status, answer.body["errors"].as_array().unwrap().len()), (400, 2));
        assert_eq!(answer.body["errors"][1]["message"], "`path`: is wrong");
        let pending = RoomRecord { confirmed_version: 1, ..record("a") };
        assert_eq!(
            complete(Then::Room, Reply::Room(Box::new(pending)), Millis(0)).body["messages"][0]["code"],
            json!(1202)
        );
        assert_eq!(
            complete(Then::Room, Reply::Room(Box::new(record("a"))), Millis(0)).body["messages"],
            json!([])
        );
    }
}
