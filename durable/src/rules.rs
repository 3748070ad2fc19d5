//! A room's bypass rules: what one is, and how their list is changed. Part of the [`directory`](crate::directory), which keeps a rule as the API
//! tells it. Whom a rule exempts is decided at the edge (`src/bypass.rs`), by an expression that was checked here.

use crate::codec::hex;
use crate::date::iso8601;
use crate::directory::{Directory, Write};
use crate::expression::{EXPRESSION_BYTES_MAX, program};
use crate::fields::Fields;
use crate::json;
use crate::json::{Map, Value};
use crate::listed::Listed as _;
use crate::order::Reply;
use crate::settings::Fault;
use crate::units::Millis;

/// Rules of one room.
pub const RULES_MAX: usize = 64;
/// Their expressions and descriptions together, as many bytes as one request of an operator can have: every isolate keeps them, and each change has
/// them in the log twice.
pub const RULES_BYTES_MAX: usize = 64 * 1024;
/// What rules do: there is nothing else.
const ACTION: &str = "bypass_waiting_room";

/// The rules that hold, in their order: what edges are told.
pub fn enabled(rules: &[Value]) -> Vec<Value> {
    rules.iter().filter(|rule| rule["enabled"] == Value::Bool(true)).cloned().listed()
}

/// What an operator wants of a room's rules: [`Command::Rules`](crate::order::Command::Rules).
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// As in HTTP.
    pub method: &'a str,
    /// Which rule; none for a new one, or for all.
    pub rule: Option<&'a str>,
    /// A rule's fields, or a list of rules.
    pub body: &'a Value,
}

impl Directory {
    /// Other rules for a room, or all that is wrong with them; `entropy` names new ones.
    pub fn change_rules(
        &mut self,
        now: Millis,
        who: &str,
        room: &str,
        entropy: [u8; 16],
        change: &Change<'_>,
    ) -> Result<Vec<Write>, Reply> {
        let mut record = self.existing(room)?.clone();
        let before = by_id(&record.rules);
        let mut faults = Vec::new();
        changed(now, &mut record.rules, entropy, change, &mut faults)?;
        if record.rules.len() > RULES_MAX {
            faults.push(fault("rules", "there may be 64: delete one first"));
        }
        let bytes = record.rules.iter().map(bytes).sum::<usize>();
        if bytes > RULES_BYTES_MAX {
            let said = format!(
                "may have {RULES_BYTES_MAX} bytes of expressions and descriptions together, and would have {bytes}"
            );
            faults.push(fault("rules", &said));
        }
        if !faults.is_empty() {
            return Err(Reply::Faults(faults));
        }
        let entry = self.log(now, who, "edit rules", room, before, by_id(&record.rules));
        Ok(self.put_record(record, Some(entry)))
    }
}

fn changed(
    now: Millis,
    rules: &mut Vec<Value>,
    entropy: [u8; 16],
    change: &Change<'_>,
    faults: &mut Vec<Fault>,
) -> Result<(), Reply> {
    let Change { method, rule, body } = *change;
    let mut bodies = std::slice::from_ref(body);
    let mut at = rules.len();
    let mut held = Value::Null;
    if let Some(id) = rule {
        at = index_of(rules, id).ok_or_else(|| Reply::Missing { id: id.to_owned() })?;
        held = rules.remove(at);
        if method == "DELETE" {
            return Ok(());
        }
        let position = &body["position"];
        if !position.is_null() {
            at = place(rules, position).unwrap_or_else(|| {
                faults.push(fault("position", "must be `{\"index\": 1}` or the like, or `before` or `after` with the id of another rule"));
                0
            });
        }
    } else if method == "PUT" {
        bodies = body.as_array().map_or(&[], Vec::as_slice);
        if body.as_array().is_none() {
            faults.push(fault("rules", "must be a list"));
        }
        rules.clear();
        at = 0;
    }
    for (index, body) in bodies.iter().enumerate() {
        let outer = if method == "PUT" { format!("rules[{index}]") } else { String::new() };
        let mut id = entropy;
        id[15] = id[15].wrapping_add(index as u8);
        rules.insert(at + index, written(now, id, &held, body, &outer, faults));
    }
    Ok(())
}

fn fault(field: &str, message: &str) -> Fault {
    Fault { field: field.into(), message: message.into() }
}

/// A rule with these fields; what they leave out is as it was held, if it was.
fn written(
    now: Millis,
    id: [u8; 16],
    held: &Value,
    body: &Value,
    outer: &str,
    faults: &mut Vec<Fault>,
) -> Value {
    let none = Map::default();
    let object = body.as_object().unwrap_or(&none);
    let mut fields = if outer.is_empty() { Fields::new(object) } else { Fields::within(object, outer) };
    let text = |name: &str| held[name].as_str().unwrap_or_default();
    let expression = fields.text_or("expression", text("expression"), EXPRESSION_BYTES_MAX);
    if let Err(why) = program(&expression) {
        fields.fault("expression", why);
    }
    if fields.text_or("action", text("action"), 64) != ACTION {
        fields.fault("action", "must be `bypass_waiting_room`");
    }
    let version = text("version").parse::<u64>().unwrap_or(0) + 1;
    let rule = json!({
        "id": if held.is_null() { hex(&id) } else { text("id").to_owned() },
        "version": version.to_string(),
        "last_updated": iso8601(now),
        "action": ACTION,
        "expression": expression,
        "description": fields.text_or("description", text("description"), 1_000),
        "enabled": fields.flag("enabled", held["enabled"] != Value::Bool(false)),
    });
    for field in ["id", "version", "last_updated", "position"] {
        fields.ignore(field);
    }
    faults.extend(fields.finish(()).err().unwrap_or_default());
    rule
}

fn bytes(rule: &Value) -> usize {
    ["expression", "description"].map(|field| rule[field].as_str().map_or(0, str::len)).iter().sum()
}

fn index_of(rules: &[Value], id: &str) -> Option<usize> {
    rules.iter().position(|rule| rule["id"] == *id)
}

/// Where a rule goes among the others.
fn place(others: &[Value], position: &Value) -> Option<usize> {
    if let Some(index) = position["index"].as_u64() {
        return (index as usize).checked_sub(1).filter(|index| *index <= others.len());
    }
    if let Some(id) = position["before"].as_str() {
        return if id.is_empty() { Some(0) } else { index_of(others, id) };
    }
    let id = position["after"].as_str()?;
    if id.is_empty() { Some(others.len()) } else { index_of(others, id).map(|index| index + 1) }
}

/// Rules for the log, by their ids.
fn by_id(rules: &[Value]) -> Value {
    let mut by_id = Map::default();
    for rule in rules {
        by_id.insert(rule["id"].as_str().unwrap_or_default().to_owned(), rule.clone());
    }
    Value::Object(by_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::RoomRecord;
    use crate::wire::{from_text, to_text};

    const NOW: Millis = Millis(1_000_000);

    fn directory() -> (Directory, String) {
        let mut directory = Directory::default();
        let room = json!({
            "name": "a", "host": "example.com", "total_active_users": 10, "new_users_per_minute": 10,
        });
        let (id, _) = directory.create(NOW, "ada", &room, [1; 16]).unwrap();
        (directory, id)
    }

    fn changed(
        directory: &mut Directory,
        room: &str,
        method: &str,
        rule: Option<&str>,
        body: &Value,
    ) -> Result<Vec<Write>, Reply> {
        directory.change_rules(NOW, "ada", room, [0xff; 16], &Change { method, rule, body })
    }

    fn rule(expression: &str) -> Value {
        json!({ "action": ACTION, "expression": expression })
    }

    #[test]
    fn a_row_of_a_version_without_rules_is_read_and_one_with_rules_survives() {
        let old = r#"{"id":"00","version":3,"confirmed_version":3,"created_on_ms":1,"modified_on_ms":2,"settings":{},"events":[]}"#;
        let record: RoomRecord = from_text(old.as_bytes()).unwrap();
        assert!(record.rules.is_empty());
        let with = RoomRecord { rules: vec![rule("ssl")], ..record };
        assert_eq!(from_text::<RoomRecord>(to_text(&with).as_bytes()), Some(with));
    }

    #[test]
    fn edges_are_told_what_holds_and_nothing_else() {
        let (mut directory, room) = directory();
        let mut off = rule("not ssl");
        off.set("enabled", json!(false));
        let version = directory.version();
        changed(&mut directory, &room, "PUT", None, &json!([rule("ssl"), off])).unwrap();
        let told = &directory.document().rooms[0].rules;
        assert_eq!((told.len(), &told[0]["expression"]), (1, &json!("ssl")));
        assert_eq!(directory.version(), version + 1, "so that edges hear of it");
        let ids: Vec<_> =
            directory.room(&room).unwrap().rules.iter().map(|rule| rule["id"].clone()).collect();
        assert_ne!(ids[0], ids[1], "of one draw of entropy");
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let (mut directory, room) = directory();
        changed(&mut directory, &room, "POST", None, &rule("ssl")).unwrap();
        let before = directory.room(&room).cloned();
        let id = before.as_ref().unwrap().rules[0]["id"].as_str().unwrap().to_owned();
        let bodies = [Value::Null, json!(7), json!([]), json!({ "expression": "ssl" }), rule("http.host")];
        for body in &bodies {
            assert!(
                matches!(changed(&mut directory, &room, "POST", None, body), Err(Reply::Faults(_))),
                "{body}"
            );
        }
        for body in [Value::Null, json!({}), rule("ssl"), json!([7])] {
            assert!(
                matches!(changed(&mut directory, &room, "PUT", None, &body), Err(Reply::Faults(_))),
                "{body}"
            );
        }
        let lost = json!({ "position": { "before": id.as_str() } });
        assert!(matches!(changed(&mut directory, &room, "PATCH", Some(&id), &lost), Err(Reply::Faults(_))));
        assert!(matches!(
            changed(&mut directory, &room, "DELETE", Some("x"), &Value::Null),
            Err(Reply::Missing { .. })
        ));
        assert!(matches!(
            changed(&mut directory, "x", "POST", None, &rule("ssl")),
            Err(Reply::Missing { .. })
        ));
        assert_eq!(directory.room(&room).cloned(), before);
    }

    #[test]
    fn a_room_has_so_many_rules_and_so_many_bytes_of_them() {
        let (mut directory, id) = directory();
        let list = |count: usize| Value::Array(vec![rule("http.host eq \"a\""); count]);
        assert!(changed(&mut directory, &id, "PUT", None, &list(RULES_MAX)).is_ok());
        let Err(Reply::Faults(faults)) =
            changed(&mut directory, &id, "POST", None, &rule("http.host eq \"a\""))
        else {
            panic!("a 65th")
        };
        assert!(faults[0].message.contains("64"), "{faults:?}");
        changed(&mut directory, &id, "PUT", None, &list(0)).unwrap();
        let longest = rule(&format!("http.host eq \"{}\"", "a".repeat(EXPRESSION_BYTES_MAX - 15)));
        for _ in 0..RULES_BYTES_MAX / EXPRESSION_BYTES_MAX {
            changed(&mut directory, &id, "POST", None, &longest).unwrap();
        }
        let Err(Reply::Faults(faults)) =
            changed(&mut directory, &id, "POST", None, &rule("http.host eq \"a\""))
        else {
            panic!("another byte")
        };
        assert!(faults[0].message.contains("65536 bytes"), "{faults:?}");
    }

    #[test]
    fn other_settings_and_events_leave_rules_alone() {
        let (mut directory, room) = directory();
        changed(&mut directory, &room, "POST", None, &rule("ssl")).unwrap();
        let patch = json!({ "total_active_users": 20 });
        directory.change(NOW, "bob", &room, &|settings| settings.merged(&patch)).unwrap();
        assert_eq!(directory.room(&room).unwrap().rules.len(), 1);
    }
}
