//! The directory: which rooms there are, which routes belong to which, and who changed what.
//!
//! It is where a change enters: it checks what concerns several rooms (names and routes are unique), keeps the
//! wish, and pushes it to the Room, which is the one who carries it out; a record says which version its
//! Room has confirmed. Edges read the [`Document`]. Time and entropy are arguments; every change comes back as
//! [`Write`]s for the shell.

use std::collections::VecDeque;

use crate::json;
use crate::json::Value;
use sha2::{Digest as _, Sha256};

use crate::agenda::{self, EVENTS_MAX, EventRecord, Expand};
use crate::codec::{from_hex, hex};
use crate::listed::Listed as _;
use crate::order::{AuditEntry, Document, DocumentRoom, Reply, RoomRecord};
use crate::plan::Plan;
use crate::rules;
use crate::settings::{Fault, Settings};
use crate::units::Millis;

/// Audit entries kept; older ones go.
const AUDIT_MAX: usize = 1_000;
/// Rooms of one deployment: the document with all of them travels to every isolate.
const ROOMS_MAX: usize = 200;
/// Failed sign-ins from one address prefix within a minute.
const ATTEMPTS_PER_PREFIX: usize = 10;
/// Failed sign-ins from everywhere within a minute.
const ATTEMPTS_IN_ALL: usize = 100;
/// An edge may be told to let everybody in, if it cannot reach the room, for so long.
const FAIL_OPEN_MAX: Millis = Millis(24 * 60 * 60 * 1_000);
const ATTEMPTS_SPAN: Millis = Millis(60_000);

/// One thing to store; all of a change's are one commit.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// The directory's version.
    Version(u64),
    /// A room, new or changed.
    Room(RoomRecord),
    /// No such room any more.
    DropRoom(String),
    /// A line of the log.
    Audit(AuditEntry),
}

/// The id of a room that is named in `[vars]`: every edge and every Room derives the same.
pub fn seed_id(name: &str) -> String {
    hex(&Sha256::digest(format!("anteroom room {name}").as_bytes())[..16])
}

/// The rooms named in `[vars]`, for a deployment that nobody has configured yet. Faults name the room.
pub fn seeds(rooms: &[Value]) -> Result<Vec<(String, Settings)>, Vec<Fault>> {
    let (mut seeds, mut faults) = (Vec::new(), Vec::new());
    for (index, room) in rooms.iter().enumerate() {
        match Settings::parse(room) {
            Ok(settings) => seeds.push((seed_id(&settings.name), settings)),
            Err(found) => faults.extend(
                found
                    .into_iter()
                    .map(|fault| Fault { field: format!("ROOMS[{index}].{}", fault.field), ..fault }),
            ),
        }
    }
    if faults.is_empty() { Ok(seeds) } else { Err(faults) }
}

/// What an event becomes, of its id and what it was.
pub type Planned<'a> = &'a dyn Fn([u8; 16], Option<&Plan>) -> Result<Plan, Vec<Fault>>;

/// See the module's words.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    version: u64,
    /// By id.
    rooms: Vec<RoomRecord>,
    audit: VecDeque<AuditEntry>,
    attempts: VecDeque<(Millis, [u8; 4])>,
}

impl Directory {
    /// From what was stored; the log oldest first.
    pub fn load(version: u64, rooms: Vec<RoomRecord>, audit: Vec<AuditEntry>) -> Directory {
        let mut directory = Directory { version, ..Directory::default() };
        audit.into_iter().for_each(|entry| directory.file(entry));
        rooms.into_iter().for_each(|room| directory.keep(room));
        directory
    }

    /// Fills a new directory with the rooms of `[vars]`.
    pub fn seed(&mut self, now: Millis, seeds: Vec<(String, Settings)>) -> Vec<Write> {
        let mut writes = Vec::new();
        for (id, settings) in seeds {
            if self.clashes(&id, &settings).is_empty() {
                writes.extend(self.put(now, "vars", "create", id, &settings));
            }
        }
        writes.push(Write::Version(self.version));
        writes
    }

    /// Every room.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomRecord> {
        self.rooms.iter()
    }

    /// One room.
    pub fn room(&self, id: &str) -> Option<&RoomRecord> {
        self.index_of(id).ok().and_then(|index| self.rooms.get(index))
    }

    /// The version of the whole.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The log, newest first.
    pub fn audit(&self) -> impl Iterator<Item = &AuditEntry> {
        self.audit.iter().rev()
    }

    /// What edges read.
    pub fn document(&self) -> Document {
        let rooms = self.rooms.iter().map(|room| DocumentRoom {
            id: room.id.clone(),
            settings: room.settings.clone(),
            rules: rules::enabled(&room.rules),
        });
        Document { version: self.version, rooms: rooms.listed() }
    }

    /// A new room under these sixteen random bytes.
    pub fn create(
        &mut self,
        now: Millis,
        who: &str,
        settings: &Value,
        entropy: [u8; 16],
    ) -> Result<(String, Vec<Write>), Reply> {
        let id = hex(&entropy);
        let settings = Settings::parse(settings).map_err(Reply::Faults)?;
        if self.rooms.len() >= ROOMS_MAX {
            let message = format!("there are {ROOMS_MAX} rooms already, which is the most: delete one first");
            return Err(Reply::Faults(vec![Fault { field: "name".into(), message }]));
        }
        self.checked(now, &id, &settings)?;
        Ok((id.clone(), self.put(now, who, "create", id, &settings)))
    }

    /// Other settings for a room: all of them anew, or a patch.
    pub fn change(
        &mut self,
        now: Millis,
        who: &str,
        id: &str,
        settings: &dyn Fn(&Settings) -> Result<Settings, Vec<Fault>>,
    ) -> Result<Vec<Write>, Reply> {
        let missing = || Reply::Missing { id: id.to_owned() };
        let record = self.room(id).ok_or_else(missing)?;
        let current = Settings::stored(&record.settings).map_err(Reply::Faults)?;
        let changed = settings(&current).map_err(Reply::Faults)?;
        self.checked(now, id, &changed)?;
        Ok(self.put(now, who, "edit", id.to_owned(), &changed))
    }

    /// No such room any more.
    pub fn delete(&mut self, now: Millis, who: &str, id: &str) -> Result<Vec<Write>, Reply> {
        let missing = || Reply::Missing { id: id.to_owned() };
        let record = self.rooms.remove(self.index_of(id).map_err(|_| missing())?);
        self.version += 1;
        let entry = self.log(now, who, "delete", id, record.settings, Value::Null);
        Ok(vec![Write::Version(self.version), Write::DropRoom(id.to_owned()), entry])
    }

    /// A new event, or other fields for one, by this function of what it was; `entropy` names a new one.
    pub fn put_event(
        &mut self,
        now: Millis,
        who: &str,
        (room, event): (&str, Option<&str>),
        entropy: [u8; 16],
        plan: Planned<'_>,
        expand: Expand<'_>,
    ) -> Result<Vec<Write>, Reply> {
        let mut record = self.existing(room)?.clone();
        let before = match event {
            Some(event) => Some(found(&record, event)?.clone()),
            None => None,
        };
        if before.is_none() && record.events.len() >= EVENTS_MAX {
            give_way(&mut record.events, now)?;
        }
        let id = before.as_ref().map_or_else(|| hex(&entropy), |before| before.id.clone());
        let bytes = from_hex(&id).unwrap_or(entropy);
        let held = before.as_ref().and_then(EventRecord::plan);
        let plan = plan(bytes, held.as_ref()).map_err(Reply::Faults)?;
        let refused = |fault: Fault| Reply::Faults(vec![fault]);
        let starts = agenda::starts(&plan, now, expand).map_err(refused)?;
        if let Some(fault) = agenda::clash(&record.events, &id, &plan, &starts, expand) {
            return Err(refused(fault));
        }
        let changed = EventRecord {
            id,
            created_on_ms: before.as_ref().map_or(now.0, |before| before.created_on_ms),
            modified_on_ms: now.0,
            plan: plan.to_json(),
            starts,
        };
        let (action, was) = match &before {
            Some(before) => ("edit event", before.plan.clone()),
            None => ("create event", Value::Null),
        };
        let entry = self.log(now, who, action, room, was, changed.plan.clone());
        record.events.retain(|event| event.id != changed.id);
        record.events.push(changed);
        Ok(self.put_record(record, Some(entry)))
    }

    /// No such event any more.
    pub fn delete_event(
        &mut self,
        now: Millis,
        who: &str,
        room: &str,
        event: &str,
    ) -> Result<Vec<Write>, Reply> {
        let mut record = self.existing(room)?.clone();
        let plan = found(&record, event)?.plan.clone();
        record.events.retain(|other| other.id != event);
        let entry = self.log(now, who, "delete event", room, plan, Value::Null);
        Ok(self.put_record(record, Some(entry)))
    }

    /// An operator ended sessions, or reset a room: that is logged like a change.
    pub fn log_deed(&mut self, now: Millis, who: &str, deed: &str, room: &str) -> Write {
        self.log(now, who, deed, room, Value::Null, Value::Null)
    }

    /// Expands the events anew of rooms in which an occurrence is over: their Rooms hear of the next.
    pub fn renew_agendas(&mut self, now: Millis, expand: Expand<'_>) -> Vec<Write> {
        let stale =
            self.rooms.iter().filter(|room| agenda::stale_at(&room.events).is_some_and(|at| at <= now));
        let mut writes = Vec::new();
        for mut record in stale.cloned().listed() {
            for event in &mut record.events {
                if let Some(plan) = event.plan() {
                    // None in a time zone that is not known any more: it would be stale for ever.
                    event.starts = agenda::starts(&plan, now, expand).unwrap_or_default();
                }
            }
            writes.extend(self.put_record(record, None));
        }
        writes
    }

    /// When that is worth doing next.
    pub fn agendas_stale_at(&self) -> Option<Millis> {
        self.rooms.iter().filter_map(|room| agenda::stale_at(&room.events)).min()
    }

    pub(crate) fn existing(&self, id: &str) -> Result<&RoomRecord, Reply> {
        self.room(id).ok_or_else(|| Reply::Missing { id: id.to_owned() })
    }

    /// Another version of a room.
    pub(crate) fn put_record(&mut self, record: RoomRecord, entry: Option<Write>) -> Vec<Write> {
        self.version += 1;
        let record = RoomRecord { version: record.version + 1, ..record };
        self.keep(record.clone());
        let writes = [Write::Version(self.version), Write::Room(record)];
        writes.into_iter().chain(entry).listed()
    }

    /// A Room has confirmed a version of its settings.
    pub fn confirm(&mut self, id: &str, version: u64) -> Option<Write> {
        let index = self.index_of(id).ok()?;
        let record = self.rooms.get_mut(index)?;
        record.confirmed_version = record.confirmed_version.max(version);
        Some(Write::Room(record.clone()))
    }

    /// Rooms that have not confirmed their newest settings.
    pub fn unconfirmed(&self) -> impl Iterator<Item = &RoomRecord> {
        self.rooms.iter().filter(|room| room.confirmed_version < room.version)
    }

    /// Counts an attempt to sign in, or says when to come back.
    pub fn attempt(&mut self, now: Millis, prefix: [u8; 4]) -> Result<(), Millis> {
        while self.attempts.front().is_some_and(|(at, _)| *at > now || now.since(*at) >= ATTEMPTS_SPAN) {
            self.attempts.pop_front();
        }
        let mine = self.attempts.iter().filter(|(_, other)| *other == prefix);
        let oldest = if mine.clone().count() >= ATTEMPTS_PER_PREFIX {
            mine.map(|(at, _)| *at).next()
        } else if self.attempts.len() >= ATTEMPTS_IN_ALL {
            self.attempts.front().map(|(at, _)| *at)
        } else {
            None
        };
        match oldest {
            Some(at) => Err(at.plus(ATTEMPTS_SPAN).since(now)),
            None => {
                self.attempts.push_back((now, prefix));
                Ok(())
            }
        }
    }

    fn put(&mut self, now: Millis, who: &str, action: &str, id: String, settings: &Settings) -> Vec<Write> {
        self.version += 1;
        let before = self.room(&id);
        let record = RoomRecord {
            id: id.clone(),
            version: before.map_or(1, |before| before.version + 1),
            confirmed_version: before.map_or(0, |before| before.confirmed_version),
            created_on_ms: before.map_or(now.0, |before| before.created_on_ms),
            modified_on_ms: now.0,
            settings: settings.to_json(),
            events: before.map_or_else(Vec::new, |before| before.events.clone()),
            rules: before.map_or_else(Vec::new, |before| before.rules.clone()),
            origin_noted: before.map_or(0, |before| before.origin_noted),
        };
        let before = before.map_or(Value::Null, |before| before.settings.clone());
        let entry = self.log(now, who, action, &id, before, record.settings.clone());
        self.keep(record.clone());
        vec![Write::Version(self.version), Write::Room(record), entry]
    }

    fn index_of(&self, id: &str) -> Result<usize, usize> {
        self.rooms.binary_search_by(|room| room.id.as_str().cmp(id))
    }

    pub(crate) fn keep(&mut self, room: RoomRecord) {
        match self.index_of(&room.id) {
            Ok(index) => self.rooms[index] = room,
            Err(index) => self.rooms.insert(index, room),
        }
    }

    pub(crate) fn log(
        &mut self,
        now: Millis,
        who: &str,
        action: &str,
        room_id: &str,
        before: Value,
        after: Value,
    ) -> Write {
        let entry = AuditEntry {
            at_ms: now.0,
            who: who.to_owned(),
            action: action.to_owned(),
            room_id: room_id.to_owned(),
            before: what_differs(&before, &after),
            after: what_differs(&after, &before),
        };
        self.file(entry.clone());
        Write::Audit(entry)
    }

    /// At its time: of what Rooms noted is heard later.
    fn file(&mut self, entry: AuditEntry) {
        if self.audit.len() == AUDIT_MAX {
            self.audit.pop_front();
        }
        let behind = self.audit.iter().rposition(|other| other.at_ms <= entry.at_ms);
        self.audit.insert(behind.map_or(0, |index| index + 1), entry);
    }

    fn checked(&self, now: Millis, id: &str, settings: &Settings) -> Result<(), Reply> {
        let mut clashes = self.clashes(id, settings);
        if settings.fail_open_until.since(now) > FAIL_OPEN_MAX {
            let message = "must be at most 24 hours ahead: nobody should forget it".to_owned();
            clashes.push(Fault { field: "fail_open_until".into(), message });
        }
        if clashes.is_empty() { Ok(()) } else { Err(Reply::Faults(clashes)) }
    }

    /// Names and routes are unique among rooms, and within one.
    fn clashes(&self, id: &str, settings: &Settings) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, message: String| {
            faults.push(Fault { field: field.into(), message });
        };
        let routes: Vec<_> = settings.routes().listed();
        for (index, route) in routes.iter().enumerate() {
            if routes.iter().take(index).any(|other| other == route) {
                fault("additional_routes", format!("{}{} stands there twice", route.host, route.path));
            }
        }
        for other in self.rooms.iter().filter(|other| other.id != id) {
            let Ok(other) = Settings::stored(&other.settings) else {
                continue;
            };
            if other.name == settings.name {
                fault("name", format!("another room is called `{}`", other.name));
            }
            for route in routes.iter().filter(|route| other.routes().any(|taken| taken == **route)) {
                let taken = format!("{}{} belongs to the room `{}`", route.host, route.path, other.name);
                fault(if **route == settings.route { "host" } else { "additional_routes" }, taken);
            }
        }
        faults
    }
}

/// An event of a room.
fn found<'a>(record: &'a RoomRecord, event: &str) -> Result<&'a EventRecord, Reply> {
    record
        .events
        .iter()
        .find(|other| other.id == event)
        .ok_or_else(|| Reply::Missing { id: event.to_owned() })
}

/// Of the events that are over, the one that was changed longest ago gives way to a new one.
fn give_way(events: &mut Vec<EventRecord>, now: Millis) -> Result<(), Reply> {
    let Some(index) = events.iter().position(|event| event.is_over(now)) else {
        let message = format!("there are {EVENTS_MAX} events to come, which is the most: delete one first");
        return Err(Reply::Faults(vec![Fault { field: "name".into(), message }]));
    };
    events.remove(index);
    Ok(())
}

/// The fields of one object that another has differently: what a log has to say.
fn what_differs(settings: &Value, from: &Value) -> Value {
    match (settings.as_object(), from.as_object()) {
        (Some(fields), Some(others)) => {
            let mut differs = fields.clone();
            differs.retain(|key, value| others.get(key) != Some(value));
            Value::Object(differs)
        }
        (Some(_), None) => settings.clone(),
        _ => json!(null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn room(name: &str, path: &str) -> Value {
        json!({
            "name": name, "host": "example.com", "path": path,
            "total_active_users": 10, "new_users_per_minute": 10,
        })
    }

    fn directory() -> (Directory, String) {
        let mut directory = Directory::default();
        let (id, _) = directory.create(NOW, "ada", &room("a", "/a"), [1; 16]).unwrap();
        (directory, id)
    }

    fn refused_fields(reply: &Reply) -> Vec<&str> {
        match reply {
            Reply::Faults(faults) => faults.iter().map(|fault| fault.field.as_str()).collect(),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn names_and_routes_are_unique_and_the_clash_is_named() {
        let (mut directory, _) = directory();
        let reply = directory.create(NOW, "ada", &room("a", "/b"), [2; 16]).unwrap_err();
        assert_eq!(refused_fields(&reply), ["name"]);
        let reply = directory.create(NOW, "ada", &room("b", "/a/"), [2; 16]).unwrap_err();
        assert_eq!(refused_fields(&reply), ["host"]);
        let mut twice = room("b", "/b");
        let routes =
            json!([{ "host": "example.com", "path": "/b" }, { "host": "example.com", "path": "/a" }]);
        twice.set("additional_routes", routes);
        let reply = directory.create(NOW, "ada", &twice, [2; 16]).unwrap_err();
        assert_eq!(refused_fields(&reply), ["additional_routes", "additional_routes"]);
        assert_eq!(directory.rooms().count(), 1);
    }

    #[test]
    fn no_room_lets_everybody_in_for_longer_than_a_day() {
        let (mut directory, id) = directory();
        let mut until = |time: &str| {
            let patch = json!({ "fail_open_until": time });
            directory.change(NOW, "ada", &id, &|settings: &Settings| settings.merged(&patch))
        };
        assert_eq!(refused_fields(&until("1970-01-02T00:16:41Z").unwrap_err()), ["fail_open_until"]);
        assert!(until("1970-01-02T00:16:40Z").is_ok());
    }

    #[test]
    fn a_room_does_not_clash_with_itself_and_its_version_grows() {
        let (mut directory, id) = directory();
        let patch = json!({ "total_active_users": 20 });
        directory.change(NOW, "bob", &id, &|settings| settings.merged(&patch)).unwrap();
        let record = directory.room(&id).unwrap();
        assert_eq!((record.version, record.confirmed_version, directory.version()), (2, 0, 2));
        assert_eq!(directory.unconfirmed().count(), 1);
        directory.confirm(&id, 2);
        assert_eq!(directory.unconfirmed().count(), 0);
    }

    #[test]
    fn the_log_says_who_changed_what_from_what_to_what() {
        let (mut directory, id) = directory();
        let patch = json!({ "total_active_users": 20 });
        directory.change(NOW, "bob", &id, &|settings| settings.merged(&patch)).unwrap();
        directory.delete(NOW, "eve", &id).unwrap();
        let log: Vec<_> = directory.audit().collect();
        assert_eq!((log[0].who.as_str(), log[0].action.as_str()), ("eve", "delete"));
        assert_eq!(log[1].before, json!({ "total_active_users": 10 }));
        assert_eq!(log[1].after, json!({ "total_active_users": 20 }));
        assert_eq!((log.len(), log[2].who.as_str()), (3, "ada"));
    }

    #[test]
    fn single_events_that_are_over_give_way_to_new_ones_one_by_one() {
        let (mut directory, id) = directory();
        let mut put = |now: u64, number: u64, repeat: Option<&str>| {
            let time = |hour: u64| crate::date::iso8601(Millis(NOW.0 + hour * 3_600_000));
            let json = json!({
                "name": format!("e{number}"), "event_start_time": time(number), "event_end_time": time(number + 1), "repeat": repeat,
            });
            let planned = |bytes: [u8; 16], _: Option<&Plan>| Plan::parse(bytes, &json);
            let (now, entropy) = (NOW.plus(Millis(now * 3_600_000)), [number as u8; 16]);
            let expand: Expand<'_> = &crate::agenda::tests::plain;
            let told = directory.put_event(now, "ada", (&id, None), entropy, &planned, expand);
            let names = directory.room(&id).unwrap().events.iter();
            let mut names: Vec<_> = names.map(|event| event.plan().unwrap().name).collect();
            names.sort();
            (told, names)
        };
        put(0, 23, Some("daily")).0.unwrap();
        for number in (1..=120).filter(|number| number % 24 != 23).take(99) {
            put(0, number, None).0.unwrap();
        }
        let (told, _) = put(0, 200, None);
        assert_eq!(refused_fields(&told.unwrap_err()), ["name"], "none is over");
        let (told, names) = put(30, 200, None);
        told.unwrap();
        assert_eq!(names.len(), 100);
        assert!(!names.contains(&"e1".into()) && names.contains(&"e2".into()), "{names:?}");
        assert!(names.contains(&"e23".into()), "what comes again is not over");
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let (mut directory, id) = directory();
        let reply = directory.change(NOW, "bob", &id, &|settings| settings.merged(&json!({ "path": "x" })));
        assert_eq!(refused_fields(&reply.unwrap_err()), ["path"]);
        let reply = directory.change(NOW, "bob", "nobody", &|settings| Ok(settings.clone()));
        assert_eq!(reply, Err(Reply::Missing { id: "nobody".into() }));
        assert_eq!((directory.version(), directory.audit().count()), (1, 1));
    }

    #[test]
    fn seeds_have_ids_that_everybody_can_derive_and_faults_name_their_place() {
        let seeded = seeds(&[room("shop", "/")]).unwrap();
        assert_eq!(seeded[0].0, seed_id("shop"));
        assert_eq!(seeded[0].0.len(), 32);
        let faults = seeds(&[room("shop", "/"), room("b", "b")]).unwrap_err();
        assert_eq!(faults[0].field, "ROOMS[1].path");
        let mut directory = Directory::default();
        directory.seed(NOW, seeds(&[room("a", "/"), room("b", "/")]).unwrap());
        assert_eq!(directory.rooms().count(), 1, "the second has the first one's route");
    }

    #[test]
    fn what_is_stored_is_what_is_loaded() {
        let (directory, id) = directory();
        let rooms = directory.rooms().cloned().collect();
        let audit = directory.audit.iter().cloned().collect();
        let copy = Directory::load(directory.version(), rooms, audit);
        assert_eq!(copy.document(), directory.document());
        assert!(copy.room(&id).is_some());
    }

    #[test]
    fn ten_attempts_of_one_prefix_and_a_hundred_of_all_are_enough() {
        let mut directory = Directory::default();
        for _ in 0..10 {
            assert_eq!(directory.attempt(NOW, [1; 4]), Ok(()));
        }
        assert_eq!(directory.attempt(NOW.plus(Millis(1)), [1; 4]), Err(Millis(59_999)));
        for prefix in 2..11 {
            (0..10).for_each(|_| assert_eq!(directory.attempt(NOW, [prefix; 4]), Ok(())));
        }
        assert!(directory.attempt(NOW, [99; 4]).is_err());
        assert_eq!(directory.attempt(NOW.plus(ATTEMPTS_SPAN), [1; 4]), Ok(()));
    }
}
