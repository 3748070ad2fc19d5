//! What Rooms noted of their origins becomes lines of the audit log. A Room calls nobody: whoever reads the log has it fetched, from one Room after the
//! other that follows its origin, and so does whoever looks at a Room. Which notes are in the log already, the room's record says.

use crate::directory::{Directory, Write};
use crate::health::Note;
use crate::json;
use crate::json::Value;
use crate::order::RoomRecord;
use crate::units::Millis;

/// Who did it, in the log: no operator.
const WHO: &str = "anteroom";

impl Directory {
    /// Takes what a Room noted, as far as it is not known.
    pub fn note_origin(&mut self, id: &str, notes: &[Note]) -> Vec<Write> {
        let (Some(room), Some(last)) = (self.room(id), notes.last()) else { return Vec::new() };
        let known = room.origin_noted;
        if last.number <= known {
            return Vec::new();
        }
        let record = RoomRecord { origin_noted: last.number, ..room.clone() };
        let mut writes = vec![Write::Room(record.clone())];
        self.keep(record);
        for note in notes.iter().filter(|note| note.number > known) {
            let seen = json!({
                "per_minute": note.per_minute,
                "error_permille": note.error_permille,
                "slow_permille": note.slow_permille,
            });
            let (action, before) = if note.lowered {
                ("lower the pace", json!({ "per_minute": note.limit }))
            } else {
                ("restore the pace", Value::Null)
            };
            writes.push(self.log(Millis(note.at_ms), WHO, action, id, before, seen));
        }
        writes
    }

    /// The next room that follows its origin, behind this one in the order of ids.
    pub fn origin_room_after(&self, id: &str) -> Option<&str> {
        let follows = |room: &&RoomRecord| room.settings.get("origin_health").is_some();
        self.rooms().filter(follows).map(|room| room.id.as_str()).find(|other| *other > id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(number: u64, lowered: bool) -> Note {
        let (error_permille, slow_permille) = if lowered { (120, 30) } else { (0, 0) };
        let per_minute = if lowered { 60 } else { 100 };
        Note { number, at_ms: 1_000 * number, lowered, per_minute, limit: 100, error_permille, slow_permille }
    }

    fn directory(names: &[&str]) -> (Directory, Vec<String>) {
        let mut directory = Directory::load(0, Vec::new(), Vec::new());
        let rooms = names.iter().zip(1..).map(|(name, number)| {
            let mut settings = json!({
                "name": name, "host": format!("{name}.example"), "total_active_users": 1, "new_users_per_minute": 100,
            });
            if name.starts_with('h') {
                settings.set("origin_health", json!({ "new_users_per_minute_min": 10 }));
            }
            directory.create(Millis(3_500), "ada", &settings, [number; 16]).unwrap().0
        });
        let ids = rooms.collect();
        (directory, ids)
    }

    #[test]
    fn each_note_is_one_line_of_the_log_at_its_time_and_none_comes_twice() {
        let (mut directory, ids) = directory(&["h"]);
        let first = directory.note_origin(&ids[0], &[note(1, true), note(2, false)]);
        assert_eq!(first.len(), 3, "the room's record, and two lines");
        assert_eq!(directory.note_origin(&ids[0], &[note(1, true), note(2, false)]), []);
        let rooms = directory.rooms().cloned().collect();
        let log = directory.audit().cloned().collect::<Vec<_>>();
        let mut again = Directory::load(9, rooms, log.iter().rev().cloned().collect());
        assert_eq!(again.note_origin(&ids[0], &[note(2, false)]), [], "nor after the memory is lost");
        assert_eq!(again.note_origin(&ids[0], &[note(3, true)]).len(), 2);
        let told = again.audit().map(|entry| (entry.at_ms, entry.action.as_str(), entry.who.as_str()));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                (3_500, "create", "ada"),
                (3_000, "lower the pace", "anteroom"),
                (2_000, "restore the pace", "anteroom"),
                (1_000, "lower the pace", "anteroom"),
            ],
            "newest first, whenever it was heard of"
        );
        let lowered = again.audit().nth(1).unwrap();
        assert_eq!(lowered.before, json!({ "per_minute": 100 }));
        assert_eq!(lowered.after, json!({ "per_minute": 60, "error_permille": 120, "slow_permille": 30 }));
        assert_eq!(again.note_origin("ffff", &[note(1, true)]), [], "of no room");
    }

    #[test]
    fn rooms_that_follow_their_origin_come_one_after_the_other() {
        let (directory, ids) = directory(&["a", "h1", "b", "h2"]);
        let after = |id: &str| directory.origin_room_after(id).map(ToOwned::to_owned);
        assert_eq!((after(""), after(&ids[1])), (Some(ids[1].clone()), Some(ids[3].clone())));
        assert_eq!(after(&ids[3]), None);
    }
}
