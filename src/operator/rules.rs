//! `…/rules[/{rule}]`: Cloudflare's own for a room's bypass rules, all of which answer with the list; and `…/rules/try`, ours, which says of a
//! request whether it would be exempt, by the code that decides it at the edge.

use durable::expression::program;
use durable::json;
use durable::json::Value;
use durable::order::{Command, RoomRecord};
use durable::pieces::has;
use durable::rules::enabled;
use durable::settings::Fault;

use super::{ApiRequest, ApiResponse, Then, body, no_such_method};
use crate::address::Address;
use crate::bypass::Rules;
use crate::route::OWN;
use crate::visit::Headers;

/// What is wanted of a room's rules.
pub fn route(request: &ApiRequest<'_>, id: String, rest: &[&str]) -> Result<(Command, Then), ApiResponse> {
    let method = request.method;
    let body = if matches!(method, "GET" | "DELETE") { Value::Null } else { body(request)? };
    match (rest, method) {
        ([], "GET") => Ok((Command::Get { id }, Then::Rules)),
        (["try"], "POST") => Ok((Command::Get { id }, Then::Try(body))),
        ([], "POST" | "PUT") | ([_], "PATCH" | "DELETE") => {
            let rule = rest.first().map(|rule| (*rule).to_owned());
            Ok((Command::Rules { id, rule, method: method.to_owned(), body }, Then::Rules))
        }
        _ => Err(no_such_method()),
    }
}

/// Which rule of a room exempts a request, or whether an expression would.
pub fn tried(asked: &Value, record: &RoomRecord) -> Result<Value, Fault> {
    let text = |name: &str| asked[name].as_str().unwrap_or_default();
    let address = Address::parse(text("url")).ok_or_else(|| Fault {
        field: "url".into(),
        message: "must be a whole address, such as `https://shop.example/sale`".into(),
    })?;
    let mut rules = enabled(&record.rules);
    if !asked["expression"].is_null() {
        program(text("expression")).map_err(|message| Fault { field: "expression".into(), message })?;
        rules = vec![asked.clone()];
    }
    let header = |name: &[u8], header: &mut Vec<u8>| {
        let name = std::str::from_utf8(name).unwrap_or_default();
        let value = name.strip_prefix(':').map_or(&asked["headers"][name], |name| &asked[name]);
        header.extend_from_slice(value.as_str().unwrap_or_default().as_bytes());
    };
    let method = asked["method"].as_str().unwrap_or("GET");
    let headers = Headers { method, client: text("ip"), ..Headers::default() };
    let index = Rules::from_stored(&rules).exempting(&address, &headers, &header);
    let rule = index.and_then(|index| rules.get(index)).filter(|_| !has(address.path, OWN));
    Ok(json!({ "bypasses": rule.is_some(), "rule": rule.filter(|rule| !rule["id"].is_null()).cloned() }))
}
