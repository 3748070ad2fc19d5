//! What the directory does with what it is asked: it stores changes, and has them carried to their Rooms by errands. A change is
//! stored before its Room hears of it, and pushed again until the Room has confirmed it.

use crate::agenda::{self, Expand};
use crate::directory::{Directory, Write, seeds};
use crate::errand::Errand;
use crate::json::Value;
use crate::listed::Listed as _;
use crate::order::{Command, Order, Reply, RoomRecord};
use crate::plan::Plan;
use crate::protocol::{Configure, Configured, Ended, Ending, RoomStatus};
use crate::rules;
use crate::settings::{Fault, Settings};
use crate::units::Millis;
use crate::wire::{from_text, to_text};

/// With this a Room's status is asked for what is in it for the audit log.
const FOR_THE_LOG: &str = "log";
/// Settings that a Room has not confirmed are pushed again after this.
const PUSH_RETRY: Millis = Millis(2_000);

/// What comes of a request, in this order.
#[derive(Debug, Default, PartialEq)]
pub struct Turn {
    /// To be stored, as one.
    pub writes: Vec<Write>,
    /// When the directory wants to be woken.
    pub wake_at: Option<Millis>,
    /// For whoever reads the logs.
    pub notes: Vec<String>,
    /// An answer, or `?` and an errand whose reply is to be brought.
    pub said: String,
}

/// See the module's words.
#[derive(Debug)]
pub struct Clerk {
    directory: Directory,
    /// The rooms of `[vars]`.
    rooms: Vec<Value>,
}

impl Clerk {
    /// Of a directory that was loaded, in a deployment with these rooms in `[vars]`.
    pub fn new(directory: Directory, rooms: Vec<Value>) -> Clerk {
        Clerk { directory, rooms }
    }

    /// What an edge, an operator or the alarm wants. None if this version does not know it.
    pub fn ask(
        &mut self,
        now: Millis,
        entropy: [u8; 16],
        action: &str,
        payload: &str,
        expand: Expand<'_>,
    ) -> Option<Turn> {
        let order = match action {
            "document" | "alarm" => None,
            "command" => Some(from_text(payload.as_bytes())?),
            _ => return None,
        };
        let mut turn = Turn::default();
        self.ensure_seeded(now, &mut turn);
        match order {
            Some(order) => self.command(now, entropy, order, expand, &mut turn),
            None if action == "alarm" => {
                turn.writes.extend(self.directory.renew_agendas(now, expand));
                turn.said = self.push_behind(now, "");
                turn.wake_at = self.wake_at(now);
            }
            None => turn.said = to_text(&self.directory.document()),
        }
        Some(turn)
    }

    /// A Room's reply to an errand that came of this request; an empty one is none.
    pub fn heard(&mut self, now: Millis, action: &str, errand: &str, reply: &str) -> Option<Turn> {
        let mut turn = Turn::default();
        let Errand { name: id, action: what, payload, .. } = Errand::parse(errand)?;
        match what {
            "configure" => {
                if let Some(Configured { version }) = from_text(reply.as_bytes()) {
                    turn.writes.extend(self.directory.confirm(id, version));
                }
                turn.wake_at = self.wake_at(now);
                turn.said =
                    if action == "alarm" { self.push_behind(now, id) } else { to_text(&self.room(id)) };
            }
            "end" | "reset" => {
                let reply = match from_text(reply.as_bytes()) {
                    Some(Ended { full: true, .. }) => revocations_full(),
                    Some(Ended { ended, .. }) => Reply::Ended(ended),
                    None => unreachable(),
                };
                turn.said = to_text(&reply);
            }
            "status" => {
                let status: Option<RoomStatus> = from_text(reply.as_bytes());
                let notes = status.as_ref().map_or(&[][..], |status| &status.origin_notes);
                turn.writes = self.directory.note_origin(id, notes);
                turn.said = match status {
                    Some(_) if payload == FOR_THE_LOG => self.read_log(id),
                    // Nobody who reads the log meets two silences: the others are heard the next time.
                    None if payload == FOR_THE_LOG => self.log(),
                    status => to_text(&status.map(Box::new).map_or_else(unreachable, Reply::Status)),
                };
            }
            // No route leads to it any more, whether it has heard or not.
            _ => turn.said = to_text(&Reply::Deleted { id: id.to_owned() }),
        }
        Some(turn)
    }

    /// An alarm takes the place of the one before it, so it is set for whatever is next: settings that a Room lacks, or events that are over.
    fn wake_at(&self, now: Millis) -> Option<Millis> {
        let lacks = self.directory.unconfirmed().next().is_some();
        if lacks { Some(now.plus(PUSH_RETRY)) } else { self.directory.agendas_stale_at() }
    }

    fn ensure_seeded(&mut self, now: Millis, turn: &mut Turn) {
        if self.directory.version() > 0 || self.rooms.is_empty() {
            return;
        }
        match seeds(&self.rooms) {
            Ok(seeds) => {
                turn.writes = self.directory.seed(now, seeds);
                turn.wake_at = Some(now);
            }
            Err(faults) => turn.notes.extend(faults.iter().map(|fault| format!("[vars] {fault}"))),
        }
    }

    fn command(&mut self, now: Millis, entropy: [u8; 16], order: Order, expand: Expand<'_>, turn: &mut Turn) {
        let Order { who, command } = order;
        let reply = match command {
            Command::List => Reply::Rooms(self.directory.rooms().cloned().listed()),
            Command::Get { id } => self.room(&id),
            Command::Create { settings } => match self.directory.create(now, &who, &settings, entropy) {
                Ok((id, writes)) => return self.carry_out(now, &id, writes, turn),
                Err(reply) => reply,
            },
            Command::Replace { id, settings } => {
                return self.change(now, &who, &id, &|_| Settings::parse(&settings), turn);
            }
            Command::Patch { id, patch } => {
                return self.change(now, &who, &id, &|current| current.merged(&patch), turn);
            }
            Command::Delete { id } => match self.directory.delete(now, &who, &id) {
                Ok(writes) => {
                    turn.writes.extend(writes);
                    turn.said = to_room(&id, "delete", "");
                    return;
                }
                Err(reply) => reply,
            },
            Command::Status { id } => match self.room(&id) {
                Reply::Room(_) => {
                    turn.said = to_room(&id, "status", "");
                    return;
                }
                other => other,
            },
            Command::PutEvent { id, event, patches, plan } => {
                let planned = |bytes, held: Option<&Plan>| match held {
                    Some(held) if patches => held.merged(&plan),
                    _ => Plan::parse(bytes, &plan),
                };
                let which = (id.as_str(), event.as_deref());
                match self.directory.put_event(now, &who, which, entropy, &planned, expand) {
                    Ok(writes) => return self.carry_out(now, &id, writes, turn),
                    Err(reply) => reply,
                }
            }
            Command::DeleteEvent { id, event } => match self.directory.delete_event(now, &who, &id, &event) {
                Ok(writes) => return self.carry_out(now, &id, writes, turn),
                Err(reply) => reply,
            },
            Command::Rules { id, rule, method, body } => {
                let change = rules::Change { method: &method, rule: rule.as_deref(), body: &body };
                match self.directory.change_rules(now, &who, &id, entropy, &change) {
                    Ok(writes) => return self.carry_out(now, &id, writes, turn),
                    Err(reply) => reply,
                }
            }
            Command::End { id, session } => {
                let ending = to_text(&Ending { session });
                return self.have_done(now, ("end sessions", &who), to_room(&id, "end", &ending), turn);
            }
            Command::Reset { id } => {
                return self.have_done(now, ("reset", &who), to_room(&id, "reset", ""), turn);
            }
            Command::Audit => {
                turn.said = self.read_log("");
                return;
            }
            Command::Attempt { prefix } => match self.directory.attempt(now, prefix) {
                Ok(()) => Reply::Allowed,
                Err(Millis(retry_ms)) => Reply::Throttled { retry_ms },
            },
        };
        turn.said = to_text(&reply);
    }

    /// Has a Room do what an operator wants done at once, and files it. Nothing is repeated: whether it was done, the operator is told.
    fn have_done(&mut self, now: Millis, (deed, who): (&str, &str), errand: String, turn: &mut Turn) {
        let id = Errand::parse(&errand).map_or("", |errand| errand.name);
        match self.room(id) {
            Reply::Room(_) => {
                turn.writes.push(self.directory.log_deed(now, who, deed, id));
                turn.said = errand;
            }
            other => turn.said = to_text(&other),
        }
    }

    /// The log, once every Room behind this one that follows its origin was asked what it has noted.
    fn read_log(&self, id: &str) -> String {
        let next = self.directory.origin_room_after(id);
        next.map_or_else(|| self.log(), |next| to_room(next, "status", FOR_THE_LOG))
    }

    fn log(&self) -> String {
        to_text(&Reply::Audit(self.directory.audit().cloned().listed()))
    }

    fn change(
        &mut self,
        now: Millis,
        who: &str,
        id: &str,
        settings: &dyn Fn(&Settings) -> Result<Settings, Vec<Fault>>,
        turn: &mut Turn,
    ) {
        match self.directory.change(now, who, id, settings) {
            Ok(writes) => self.carry_out(now, id, writes, turn),
            Err(reply) => turn.said = to_text(&reply),
        }
    }

    /// Stores a change and pushes it: the answer says whether the Room has confirmed it. Should this directory not live to hear that, its alarm
    /// is stored with the change.
    fn carry_out(&self, now: Millis, id: &str, writes: Vec<Write>, turn: &mut Turn) {
        turn.writes.extend(writes);
        turn.wake_at = self.wake_at(now);
        turn.said = self.push(now, id).unwrap_or_default();
    }

    fn push(&self, now: Millis, id: &str) -> Option<String> {
        let RoomRecord { version, settings, events, .. } = self.directory.room(id)?.clone();
        let events = agenda::upcoming(&events, now);
        let configure = Configure { version, directory_version: self.directory.version(), settings, events };
        Some(to_room(id, "configure", &to_text(&configure)))
    }

    /// The errand for the next Room that lacks its newest settings, in the order of their ids; an empty answer if none does.
    fn push_behind(&self, now: Millis, id: &str) -> String {
        let lacking = self.directory.unconfirmed().map(|room| room.id.as_str());
        lacking.filter(|lacking| *lacking > id).min().and_then(|id| self.push(now, id)).unwrap_or_default()
    }

    fn room(&self, id: &str) -> Reply {
        match self.directory.room(id) {
            Some(record) => Reply::Room(Box::new(record.clone())),
            None => Reply::Missing { id: id.to_owned() },
        }
    }
}

fn unreachable() -> Reply {
    Reply::Unreachable {
        message: "the Room did not answer: look whether it has done so before you try again".into(),
    }
}

fn revocations_full() -> Reply {
    let message = "cannot be ended by itself: as many sessions as edges can be told of were ended before their time. End all sessions, \
        or try again when some of those would have run out"
        .into();
    Reply::Faults(vec![Fault { field: "session".into(), message }])
}

fn to_room(name: &str, action: &str, payload: &str) -> String {
    Errand { binding: "ROOM", name, action, payload }.text('?')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agenda::tests::plain;
    use crate::codec::hex;
    use crate::health::Note;
    use crate::json;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn vars(names: &[&str]) -> Vec<Value> {
        let room = |name: &&str| {
            let host = format!("{name}.example");
            json!({ "name": name, "host": host, "total_active_users": 5, "new_users_per_minute": 5 })
        };
        names.iter().map(room).collect()
    }

    fn clerk(names: &[&str]) -> Clerk {
        Clerk::new(Directory::load(0, Vec::new(), Vec::new()), vars(names))
    }

    fn ordered(clerk: &mut Clerk, command: Command) -> Turn {
        let order = to_text(&Order { who: "ada".into(), command });
        clerk.ask(NOW, [7; 16], "command", &order, &plain).unwrap()
    }

    fn reply(turn: &Turn) -> Reply {
        from_text(turn.said.as_bytes()).unwrap_or_else(|| panic!("no reply: {}", turn.said))
    }

    /// The Room's confirmation of what an errand brings it.
    fn confirmed(errand: &str) -> String {
        let Errand { action, payload, .. } = Errand::parse(errand).unwrap();
        let Configure { version, .. } = from_text(payload.as_bytes()).unwrap();
        assert_eq!(action, "configure");
        to_text(&Configured { version })
    }

    #[test]
    fn the_first_question_fills_the_directory_and_an_alarm_tells_each_room_in_turn() {
        let mut clerk = clerk(&["a", "b"]);
        let first = clerk.ask(NOW, [0; 16], "document", "", &plain).unwrap();
        assert!(first.said.contains("a.example") && !first.writes.is_empty());
        assert_eq!(first.wake_at, Some(NOW));
        assert_eq!(clerk.ask(NOW, [0; 16], "document", "", &plain).unwrap().writes, Vec::new());
        let mut told = clerk.ask(NOW, [0; 16], "alarm", "", &plain).unwrap();
        for _ in 0..2 {
            told = clerk.heard(NOW, "alarm", &told.said, &confirmed(&told.said)).unwrap();
            assert_eq!(told.writes.len(), 1);
        }
        assert_eq!(told.said, "");
        assert_eq!(clerk.ask(NOW, [0; 16], "alarm", "", &plain).unwrap().said, "");
    }

    #[test]
    fn a_room_that_cannot_be_reached_is_tried_again_and_holds_nobody_up() {
        let mut clerk = clerk(&["a", "b"]);
        let first = clerk.ask(NOW, [0; 16], "alarm", "", &plain).unwrap();
        let second = clerk.heard(NOW, "alarm", &first.said, "").unwrap();
        assert_eq!(second.wake_at, Some(NOW.plus(PUSH_RETRY)));
        assert_ne!(first.said, second.said);
        clerk.heard(NOW, "alarm", &second.said, &confirmed(&second.said)).unwrap();
        let again = clerk.ask(NOW, [0; 16], "alarm", "", &plain).unwrap();
        assert_eq!(again.said, first.said);
    }

    #[test]
    fn a_change_is_stored_first_and_answered_when_its_room_has_heard_or_could_not() {
        let mut clerk = clerk(&[]);
        let [settings] = vars(&["a"]).try_into().unwrap();
        let told = ordered(&mut clerk, Command::Create { settings });
        assert!(!told.writes.is_empty());
        let id = hex(&[7; 16]);
        assert_eq!(Errand::parse(&told.said).unwrap().name, id);
        let unheard = clerk.heard(NOW, "command", &told.said, "").unwrap();
        assert!(matches!(reply(&unheard), Reply::Room(room) if room.confirmed_version == 0));
        assert_eq!(unheard.wake_at, Some(NOW.plus(PUSH_RETRY)));
        let heard = clerk.heard(NOW, "command", &told.said, &confirmed(&told.said)).unwrap();
        assert!(matches!(reply(&heard), Reply::Room(room) if room.confirmed_version == room.version));
        let refused = ordered(&mut clerk, Command::Patch { id, patch: json!({ "total_active_users": -1 }) });
        assert!(matches!(reply(&refused), Reply::Faults(_)) && refused.writes.is_empty());
    }

    #[test]
    fn a_status_is_asked_of_the_room_and_a_room_that_is_not_there_is_missing() {
        let mut clerk = clerk(&["a"]);
        let missing = ordered(&mut clerk, Command::Status { id: "x".into() });
        assert_eq!(reply(&missing), Reply::Missing { id: "x".into() });
        let id = crate::directory::seed_id("a");
        let asked = ordered(&mut clerk, Command::Status { id: id.clone() });
        assert_eq!(asked.said, format!("?\nROOM\n{id}\nstatus\n"));
        let silent = clerk.heard(NOW, "command", &asked.said, "").unwrap();
        assert!(matches!(reply(&silent), Reply::Unreachable { .. }));
        let deleted = ordered(&mut clerk, Command::Delete { id: id.clone() });
        assert_eq!(deleted.said, format!("?\nROOM\n{id}\ndelete\n"));
        let gone = clerk.heard(NOW, "command", &deleted.said, "").unwrap();
        assert_eq!(reply(&gone), Reply::Deleted { id });
    }

    #[test]
    fn whoever_reads_the_log_has_every_room_asked_that_follows_its_origin() {
        let mut rooms = vars(&["a", "b", "c"]);
        for room in &mut rooms[..2] {
            room.set("origin_health", json!({ "new_users_per_minute_min": 1 }));
        }
        let mut clerk = Clerk::new(Directory::load(0, Vec::new(), Vec::new()), rooms);
        let mut turn = ordered(&mut clerk, Command::Audit);
        let note = Note { number: 1, at_ms: NOW.0, lowered: true, ..Note::default() };
        let status = to_text(&RoomStatus { origin_notes: vec![note], ..RoomStatus::default() });
        let mut asked = Vec::new();
        while let Some(errand) = Errand::parse(&turn.said) {
            assert_eq!((errand.action, errand.payload), ("status", "log"));
            asked.push(errand.name.to_owned());
            turn = clerk.heard(NOW, "command", &turn.said, &status).unwrap();
            assert_eq!(turn.writes.len(), 2);
        }
        let mut followers = ["a", "b"].map(crate::directory::seed_id).to_vec();
        followers.sort();
        assert_eq!(asked, followers);
        let Reply::Audit(entries) = reply(&turn) else { panic!("{}", turn.said) };
        let lowered = entries.iter().filter(|entry| entry.action == "lower the pace");
        assert_eq!((entries.len(), lowered.count()), (5, 2));
        // One that is silent ends the asking; a room that somebody looks at is heard, too.
        let first = ordered(&mut clerk, Command::Audit);
        assert!(matches!(reply(&clerk.heard(NOW, "command", &first.said, "").unwrap()), Reply::Audit(_)));
        let id = crate::directory::seed_id("c");
        let looked = ordered(&mut clerk, Command::Status { id });
        let heard = clerk.heard(NOW, "command", &looked.said, &status).unwrap();
        assert!(matches!(reply(&heard), Reply::Status(_)) && heard.writes.len() == 2);
    }

    #[test]
    fn nonsense_is_not_understood_and_rooms_with_faults_are_named_in_the_log() {
        let mut clerk = Clerk::new(Directory::load(0, Vec::new(), Vec::new()), vec![json!({ "name": "a" })]);
        let turn = clerk.ask(NOW, [0; 16], "document", "", &plain).unwrap();
        assert!(turn.writes.is_empty() && turn.notes.iter().all(|note| note.starts_with("[vars]")));
        assert!(!turn.notes.is_empty());
        assert!(clerk.ask(NOW, [0; 16], "dance", "", &plain).is_none());
        assert!(clerk.ask(NOW, [0; 16], "command", "{}", &plain).is_none());
    }

    fn event(name: &str, hour: u64) -> Value {
        let time = |hour: u64| crate::date::iso8601(NOW.plus(Millis(hour * 3_600_000)));
        json!({ "name": name, "event_start_time": time(hour), "event_end_time": time(hour + 1) })
    }

    fn put(clerk: &mut Clerk, id: &str, event: Option<&str>, plan: Value) -> Turn {
        let (id, event, patches) = (id.to_owned(), event.map(ToOwned::to_owned), event.is_some());
        let sum = |sum: u128, byte| sum.wrapping_mul(257).wrapping_add(u128::from(byte));
        let entropy = to_text(&plan).bytes().fold(0, sum).to_be_bytes();
        let order = Order { who: "ada".into(), command: Command::PutEvent { id, event, patches, plan } };
        clerk.ask(NOW, entropy, "command", &to_text(&order), &plain).unwrap()
    }

    #[test]
    fn a_rooms_events_are_stored_and_pushed_in_the_order_of_their_times() {
        let mut clerk = clerk(&["a"]);
        ordered(&mut clerk, Command::List);
        let id = crate::directory::seed_id("a");
        put(&mut clerk, &id, None, event("late", 9));
        let turn = put(&mut clerk, &id, None, event("early", 3));
        assert!(
            turn.writes
                .iter()
                .any(|write| matches!(write, Write::Audit(entry) if entry.action == "create event"))
        );
        let pushed = Errand::parse(&turn.said).unwrap();
        let Configure { version, events, .. } = from_text(pushed.payload.as_bytes()).unwrap();
        let starts: Vec<_> = events.iter().map(|event| (event.start_ms - NOW.0) / 3_600_000).collect();
        assert_eq!((version, starts), (3, vec![3, 9]));
        // All new settings of a room leave its events alone.
        let settings = clerk.directory.room(&id).unwrap().settings.clone();
        ordered(&mut clerk, Command::Replace { id: id.clone(), settings });
        assert_eq!(clerk.directory.room(&id).unwrap().events.len(), 2);
    }

    #[test]
    fn an_event_is_changed_refused_and_deleted_by_its_id() {
        let mut clerk = clerk(&["a"]);
        ordered(&mut clerk, Command::List);
        let id = crate::directory::seed_id("a");
        put(&mut clerk, &id, None, event("one", 3));
        let one = clerk.directory.room(&id).unwrap().events[0].id.clone();
        put(&mut clerk, &id, Some(&one), json!({ "total_active_users": 7 }));
        let plan = clerk.directory.room(&id).unwrap().events[0].plan().unwrap();
        assert_eq!((plan.event.total_active_users, plan.name.as_str()), (Some(7), "one"));
        for (event, plan) in [
            (Some(one.as_str()), json!({ "total_active_users": 0 })),
            (Some("f"), json!({})),
            (None, event("one", 7)),
        ] {
            let turn = put(&mut clerk, &id, event, plan);
            assert!(
                turn.writes.is_empty() && (turn.said.contains("faults") || turn.said.contains("missing")),
                "{}",
                turn.said
            );
        }
        ordered(&mut clerk, Command::DeleteEvent { id: id.clone(), event: one });
        assert!(clerk.directory.room(&id).unwrap().events.is_empty());
    }

    #[test]
    fn a_repeating_event_is_expanded_anew_when_an_occurrence_is_over() {
        let mut clerk = clerk(&["a"]);
        ordered(&mut clerk, Command::List);
        let id = crate::directory::seed_id("a");
        let mut daily = event("daily", 3);
        daily.set("repeat", json!("daily"));
        let pushed = put(&mut clerk, &id, None, daily).said;
        let heard = clerk.heard(NOW, "command", &pushed, &confirmed(&pushed)).unwrap();
        let over = NOW.plus(Millis(4 * 3_600_000));
        assert_eq!(heard.wake_at, Some(over));
        let turn = clerk.ask(over, [0; 16], "alarm", "", &plain).unwrap();
        let pushed = Errand::parse(&turn.said).expect("a push");
        let Configure { version, events, .. } = from_text(pushed.payload.as_bytes()).unwrap();
        assert_eq!((version, events.len(), events[0].start_ms), (3, 8, NOW.0 + 27 * 3_600_000));
        let told = clerk.heard(over, "alarm", &turn.said, &confirmed(&turn.said)).unwrap();
        assert_eq!(told.wake_at, Some(over.plus(Millis(86_400_000))));
    }

    #[test]
    fn single_events_that_a_room_was_not_told_of_yet_follow_as_those_before_them_are_over() {
        let mut clerk = clerk(&["a"]);
        ordered(&mut clerk, Command::List);
        let id = crate::directory::seed_id("a");
        let (mut now, mut heard_of, mut turn) = (NOW, std::collections::BTreeSet::new(), Turn::default());
        for hour in 1..=40 {
            turn = put(&mut clerk, &id, None, event(&format!("e{hour}"), 2 * hour));
        }
        for _ in 0..100 {
            let Some(errand) = Errand::parse(&turn.said) else { break };
            let Configure { version, events, .. } = from_text(errand.payload.as_bytes()).unwrap();
            heard_of.extend(events.iter().map(|event| event.start_ms));
            let heard = clerk.heard(now, "alarm", &turn.said, &to_text(&Configured { version })).unwrap();
            let Some(wake_at) = heard.wake_at else { break };
            assert!(wake_at > now, "an alarm that is due again at once");
            now = wake_at;
            turn = clerk.ask(now, [0; 16], "alarm", "", &plain).unwrap();
        }
        assert_eq!((heard_of.len(), now), (40, NOW.plus(Millis(81 * 3_600_000))));
    }

    #[test]
    fn a_directory_that_is_lost_before_its_room_has_heard_wakes_and_pushes_again() {
        let mut clerk = clerk(&[]);
        let [settings] = vars(&["a"]).try_into().unwrap();
        let mut turn = ordered(&mut clerk, Command::Create { settings });
        for _ in 0..2 {
            let wake_at = turn.wake_at.expect("an alarm with the change");
            assert_eq!(wake_at, NOW.plus(PUSH_RETRY), "the push under way comes first");
            // Lost: what was stored is there again, and the alarm; the alarm's own turn may be lost as well.
            let rooms = clerk.directory.rooms().cloned().collect();
            clerk = Clerk::new(Directory::load(1, rooms, Vec::new()), Vec::new());
            turn = clerk.ask(NOW, [0; 16], "alarm", "", &plain).unwrap();
            assert_eq!(Errand::parse(&turn.said).unwrap().action, "configure");
        }
    }

    #[test]
    fn a_room_that_was_reached_does_not_put_off_the_one_that_was_not() {
        let mut clerk = clerk(&["a", "b"]);
        ordered(&mut clerk, Command::List);
        let mut daily = event("daily", 3);
        daily.set("repeat", json!("daily"));
        put(&mut clerk, &crate::directory::seed_id("a"), None, daily);
        let mut turn = clerk.ask(NOW, [0; 16], "alarm", "", &plain).unwrap();
        let mut wake_at = turn.wake_at;
        for reply in ["", "{\"version\":9}"] {
            turn = clerk.heard(NOW, "alarm", &turn.said, reply).unwrap();
            wake_at = turn.wake_at.or(wake_at);
        }
        assert_eq!((turn.said.as_str(), wake_at), ("", Some(NOW.plus(PUSH_RETRY))));
    }

    #[test]
    fn ending_sessions_is_logged_and_carried_to_the_room() {
        let mut clerk = clerk(&["a"]);
        ordered(&mut clerk, Command::List);
        let id = crate::directory::seed_id("a");
        let turn = ordered(&mut clerk, Command::End { id: id.clone(), session: Some((3, 4)) });
        assert!(matches!(&turn.writes[..], [Write::Audit(entry)] if entry.action == "end sessions"));
        assert_eq!(turn.said, format!("?\nROOM\n{id}\nend\n{{\"session\":[3,4]}}"));
        let told = clerk.heard(NOW, "command", &turn.said, "{\"ended\":true}").unwrap();
        assert_eq!(told.said, "{\"ended\":true}");
        let full = clerk.heard(NOW, "command", &turn.said, "{\"ended\":false,\"full\":true}").unwrap();
        assert!(matches!(reply(&full), Reply::Faults(faults) if faults[0].message.contains("End all")));
        assert_eq!(ordered(&mut clerk, Command::End { id: "x".into(), session: None }).writes, []);
        let turn = ordered(&mut clerk, Command::Reset { id: id.clone() });
        assert!(matches!(&turn.writes[..], [Write::Audit(entry)] if entry.action == "reset"));
        assert_eq!(turn.said, format!("?\nROOM\n{id}\nreset\n"));
        let told = clerk.heard(NOW, "command", &turn.said, "{\"ended\":true}").unwrap();
        assert_eq!(told.said, "{\"ended\":true}");
        let silent = clerk.heard(NOW, "command", &turn.said, "").unwrap();
        assert!(matches!(reply(&silent), Reply::Unreachable { .. }));
        let missing = ordered(&mut clerk, Command::Reset { id: "x".into() });
        assert!(missing.writes.is_empty() && matches!(reply(&missing), Reply::Missing { .. }));
    }
}
