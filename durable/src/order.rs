//! What is said to the [directory](crate::directory) and heard of it: an operator's orders and their replies, and for edges the document with all
//! rooms.

use crate::agenda::EventRecord;
use crate::json::Value;
use crate::protocol::RoomStatus;
use crate::settings::Fault;
use crate::wire::{Hear, HeardObject, Said, say_either, say_object, tag, wire, wire_either};

/// A room as the directory keeps it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomRecord {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Grows with every change.
    pub version: u64,
    /// The version its Room has confirmed.
    pub confirmed_version: u64,
    /// When it was made.
    pub created_on_ms: u64,
    /// When it was changed last.
    pub modified_on_ms: u64,
    /// Canonical settings.
    pub settings: Value,
    /// Its scheduled events.
    pub events: Vec<EventRecord>,
    /// Who is exempt from it, in the order in which they are looked at.
    pub rules: Vec<Value>,
    /// The last of its Room's notes of the origin that is in the log.
    pub origin_noted: u64,
}

/// One line of the audit log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at_ms: u64,
    /// The name of the operator's token; `anteroom` where it was nobody.
    pub who: String,
    /// `create`, `edit` or `delete`, of a room or of one of its events, `edit` of its rules, `end` of sessions or `reset` of a room; `lower the pace` or `restore the pace`,
    /// where that follows the origin.
    pub action: String,
    /// Which room.
    pub room_id: String,
    /// Its settings before, or null.
    pub before: Value,
    /// Its settings after, or null.
    pub after: Value,
}

/// A room as edges need it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentRoom {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Canonical settings.
    pub settings: Value,
    /// Its bypass rules that are enabled, in their order.
    pub rules: Vec<Value>,
}

/// All rooms, for edges.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Grows with every change of any room.
    pub version: u64,
    /// In the order of their ids.
    pub rooms: Vec<DocumentRoom>,
}

/// A command and whose it is.
#[derive(Debug, Default)]
pub struct Order {
    /// The name of the operator's token.
    pub who: String,
    /// What they want.
    pub command: Command,
}

/// What an operator wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Command {
    /// All rooms.
    #[default]
    List,
    /// One room.
    Get {
        /// Which.
        id: String,
    },
    /// A new room.
    Create {
        /// Its settings.
        settings: Value,
    },
    /// All settings of a room anew; what is left out has its default.
    Replace {
        /// Which.
        id: String,
        /// Its settings.
        settings: Value,
    },
    /// Some settings of a room.
    Patch {
        /// Which.
        id: String,
        /// The fields to change.
        patch: Value,
    },
    /// No such room any more.
    Delete {
        /// Which.
        id: String,
    },
    /// What its Room says.
    Status {
        /// Which.
        id: String,
    },
    /// A new event, or other settings for one.
    PutEvent {
        /// Which room.
        id: String,
        /// Which event; none for a new one.
        event: Option<String>,
        /// Only the fields to change.
        patches: bool,
        /// Its fields.
        plan: Value,
    },
    /// No such event any more.
    DeleteEvent {
        /// Which room.
        id: String,
        /// Which event.
        event: String,
    },
    /// Other bypass rules.
    Rules {
        /// Which room.
        id: String,
        /// Which rule; none for a new one, or for all.
        rule: Option<String>,
        /// As in HTTP: `POST` adds one, `PUT` puts these in the place of all, `PATCH` changes or moves one, `DELETE` takes one away.
        method: String,
        /// A rule's fields, or a list of rules.
        body: Value,
    },
    /// Ends one session of a room, or all.
    End {
        /// Which room.
        id: String,
        /// Seat and generation; none for all.
        session: Option<(u32, u32)>,
    },
    /// A room begins anew: everybody in line and inside is out.
    Reset {
        /// Which.
        id: String,
    },
    /// The audit log, newest first.
    Audit,
    /// May somebody of this address prefix try to sign in?
    Attempt {
        /// Four bytes, as in an arrival.
        prefix: [u8; 4],
    },
}

/// What the directory answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Reply {
    /// All rooms.
    Rooms(Vec<RoomRecord>),
    /// One room, after the change if there was one.
    Room(Box<RoomRecord>),
    /// Whether any session was ended, or the room reset.
    Ended(bool),
    /// Deleted.
    Deleted {
        /// Which.
        id: String,
    },
    /// What its Room says.
    Status(Box<RoomStatus>),
    /// The audit log, newest first.
    Audit(Vec<AuditEntry>),
    /// Refused, nothing changed.
    Faults(Vec<Fault>),
    /// There is no such room.
    Missing {
        /// Which.
        id: String,
    },
    /// Too many attempts.
    Throttled {
        /// When to come back.
        retry_ms: u64,
    },
    /// Go on.
    #[default]
    Allowed,
    /// A Room or the directory itself cannot be reached.
    Unreachable {
        /// What stands, and what happens next.
        message: String,
    },
}

wire!(RoomRecord {
    id,
    version,
    confirmed_version,
    created_on_ms,
    modified_on_ms,
    settings,
    events,
    rules,
    origin_noted,
});
wire!(AuditEntry { at_ms, who, action, room_id, before, after });
wire!(DocumentRoom { id, settings, rules });
wire!(Document { version, rooms });
wire!(Order { who, command });
wire_either!(Command {
    "list" => List {},
    "get" => Get { id },
    "create" => Create { settings },
    "replace" => Replace { id, settings },
    "patch" => Patch { id, patch },
    "delete" => Delete { id },
    "status" => Status { id },
    "put_event" => PutEvent { id, event, patches, plan },
    "delete_event" => DeleteEvent { id, event },
    "rules" => Rules { id, rule, method, body },
    "end" => End { id, session },
    "reset" => Reset { id },
    "audit" => Audit {},
    "attempt" => Attempt { prefix },
});

impl Said for Reply {
    fn say(&self, out: &mut String) {
        match self {
            Reply::Rooms(rooms) => say_object(out, &[("rooms", rooms)]),
            Reply::Room(room) => say_object(out, &[("room", &**room)]),
            Reply::Ended(ended) => say_object(out, &[("ended", ended)]),
            Reply::Deleted { id } => say_either(out, "deleted", &[("id", id)]),
            Reply::Status(status) => say_object(out, &[("status", &**status)]),
            Reply::Audit(entries) => say_object(out, &[("audit", entries)]),
            Reply::Faults(faults) => say_object(out, &[("faults", faults)]),
            Reply::Missing { id } => say_either(out, "missing", &[("id", id)]),
            Reply::Throttled { retry_ms } => say_either(out, "throttled", &[("retry_ms", retry_ms)]),
            Reply::Allowed => say_either(out, "allowed", &[]),
            Reply::Unreachable { message } => say_either(out, "unreachable", &[("message", message)]),
        }
    }
}

impl Hear for Reply {
    fn hear(&mut self, value: &Value) -> bool {
        let Some((name, said)) = tag(value) else { return false };
        *self = match name {
            "rooms" => Reply::Rooms(Vec::new()),
            "room" => Reply::Room(Box::default()),
            "ended" => Reply::Ended(false),
            "deleted" => Reply::Deleted { id: String::new() },
            "status" => Reply::Status(Box::default()),
            "audit" => Reply::Audit(Vec::new()),
            "faults" => Reply::Faults(Vec::new()),
            "missing" => Reply::Missing { id: String::new() },
            "throttled" => Reply::Throttled { retry_ms: 0 },
            "allowed" => Reply::Allowed,
            "unreachable" => Reply::Unreachable { message: String::new() },
            _ => return false,
        };
        let mut object = HeardObject::new(said);
        match self {
            Reply::Rooms(rooms) => return rooms.hear(said),
            Reply::Room(room) => return room.hear(said),
            Reply::Ended(ended) => return ended.hear(said),
            Reply::Status(status) => return status.hear(said),
            Reply::Audit(entries) => return entries.hear(said),
            Reply::Faults(faults) => return faults.hear(said),
            Reply::Deleted { id } | Reply::Missing { id } => object.hear("id", id),
            Reply::Throttled { retry_ms } => object.hear("retry_ms", retry_ms),
            Reply::Allowed => {}
            Reply::Unreachable { message } => object.hear("message", message),
        }
        object.well
    }
}
