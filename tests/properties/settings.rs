//! Settings: exactly the fields that are wrong are named, and what is right is kept.

use durable::json;
use durable::json::Value;
use durable::settings::Settings;
use proptest::prelude::*;

use crate::config;

/// Each field with values that may stand there and values that may not.
fn fields() -> Vec<(&'static str, Vec<Value>, Vec<Value>)> {
    vec![
        ("name", vec![json!("sale"), json!("a-b_9")], vec![json!(""), json!("a b"), json!("é"), json!(7)]),
        (
            "host",
            vec![json!("a.example"), json!("A.B")],
            vec![json!("https://a"), json!("a:1"), json!("*.a")],
        ),
        (
            "path",
            vec![json!("/"), json!("/a/b"), json!("/a%20b/")],
            vec![json!("a"), json!("/a//b"), json!("/%41")],
        ),
        (
            "total_active_users",
            vec![json!(1), json!(2_147_483_647u64)],
            vec![json!(0), json!(-1), json!("1")],
        ),
        (
            "new_users_per_minute",
            vec![json!(1), json!(99)],
            vec![json!(0), json!(2_147_483_648u64), json!([])],
        ),
        ("description", vec![json!("é\n\"\\"), Value::Null], vec![json!(1), json!("x".repeat(1_001))]),
        (
            "session_duration_seconds",
            vec![json!(10), json!(86_400)],
            vec![json!(9), json!(86_401), json!(true)],
        ),
        ("room_region", vec![json!("weur"), json!(""), Value::Null], vec![json!("eu"), json!(1)]),
        ("queue_all", vec![json!(true), json!(false), Value::Null], vec![json!("true"), json!(1)]),
        ("queueing_status_code", vec![json!(200), json!(503)], vec![json!(500), json!("200")]),
        (
            "cookie_suffix",
            vec![json!(""), json!("x-Y_1")],
            vec![json!("a;b"), json!("é"), json!("x".repeat(33))],
        ),
        ("claim_window_seconds", vec![json!(10), json!(600)], vec![json!(9), json!(601)]),
        (
            "board_mirror",
            vec![json!(""), json!("https://line.example"), Value::Null],
            vec![json!("http://line.example"), json!("https://line.example/"), json!(7)],
        ),
        ("custom_page_html", vec![json!(""), Value::Null], vec![json!("<b>")]),
        ("created_on", vec![json!("2026-01-01"), json!(1)], vec![]),
        ("colour", vec![], vec![json!(1), json!("red"), json!({})]),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn exactly_the_wrong_fields_are_named(picks in prop::collection::vec((0..12u8, 0..8usize), fields().len())) {
        let mut settings = json!({});
        let mut wrong = Vec::new();
        for ((field, good, bad), (kind, index)) in fields().into_iter().zip(picks) {
            let required = ["name", "host", "total_active_users", "new_users_per_minute"].contains(&field);
            let values = if kind == 0 { &bad } else { &good };
            if kind == 3 || values.is_empty() {
                if required {
                    wrong.push(field);
                }
                continue;
            }
            let value = &values[index % values.len()];
            settings.set(field, value.clone());
            if kind == 0 {
                wrong.push(field);
            }
        }
        wrong.sort_unstable();
        match Settings::parse(&settings) {
            Ok(parsed) => {
                prop_assert_eq!(&wrong, &Vec::<&str>::new());
                prop_assert_eq!(Settings::parse(&parsed.to_json()), Ok(parsed.clone()));
                prop_assert_eq!(parsed.merged(&settings), Ok(parsed.clone()));
                let text = parsed.to_json().to_string();
                prop_assert_eq!(durable::json::parse(text.as_bytes()), Ok(parsed.to_json()));
            }
            Err(faults) => {
                let mut named: Vec<String> = faults.into_iter().map(|fault| fault.field).collect();
                named.sort();
                named.dedup();
                prop_assert_eq!(named, wrong);
            }
        }
    }
}
