//! Expressions of bypass rules: what is read is carried out for any request without a panic, is read the same again, and is what it was with another
//! pair of parentheses around it and with two times `not` before it; what is refused says at which character.
//!
//! The input is an expression, and behind a zero byte a path.

use anteroom::address::Address;
use anteroom::bypass::Rules;
use anteroom::visit::Headers;
use durable::expression::{EXPRESSION_BYTES_MAX, program};
use durable::json;
use durable::steps::{END, op};

use crate::Outcome;

/// See the module's words.
///
/// # Panics
/// If something does not hold.
pub fn check(data: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(data) else { return Outcome::Refused };
    let (expression, path) = text.split_once('\0').unwrap_or((text, ""));
    let program = match program(expression) {
        Ok(program) => program,
        Err(why) => {
            assert!(
                expression.len() > EXPRESSION_BYTES_MAX || character(&why) <= expression.chars().count() + 1,
                "{why}"
            );
            return Outcome::Refused;
        }
    };
    assert_eq!(program.last(), Some(&END), "every step has an end");
    let url = format!("https://shop.example/{path}?{path}");
    let is = exempts(expression, &url);
    assert_eq!(exempts(expression, &url), is, "the same again");
    // A longer or deeper one may be refused; then it exempts nobody.
    for (other, expected) in [(format!("({expression})"), is), (format!("not not ({expression})"), is)] {
        if durable::expression::program(&other).is_ok() {
            assert_eq!(exempts(&other, &url), expected, "{other}");
        }
    }
    if durable::expression::program(&format!("not ({expression})")).is_ok()
        && !program.contains(&op::HEADER)
        && *path == *plain(path)
    {
        assert_ne!(exempts(&format!("not ({expression})"), &url), is, "of a plain path one of both holds");
    }
    Outcome::Believed
}

/// The path without what has two readings.
fn plain(path: &str) -> String {
    path.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// At which character a fault is.
fn character(why: &str) -> usize {
    let digits = why.strip_prefix("at character ").and_then(|rest| rest.split(',').next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{why} says no character"))
}

fn exempts(expression: &str, url: &str) -> bool {
    let rules = Rules::from_stored(&[json!({ "expression": expression })]);
    let headers = Headers { method: "GET", client: "192.0.2.1", ..Headers::default() };
    let header = |name: &[u8], value: &mut Vec<u8>| value.extend_from_slice(name);
    rules.exempting(&Address::parse(url).expect("an address"), &headers, &header).is_some()
}
