//! What is said at the end: a table for people, one flat object for machines. Both are made from the same evidence and
//! the same checks; no number is computed here that is not told.

use crate::percentiles::{Histogram, Spread, histogram, spread};
use crate::record::{End, Life};
use crate::verdict::{Check, Evidence, Finding};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Columns of the histogram.
const WIDTH: u64 = 60;

/// The numbers of a crowd.
struct Numbers {
    through: u64,
    gave_up: u64,
    lost: u64,
    bought: u64,
    gave_back: u64,
    at_once: u64,
    waits: Spread,
    ticket: Spread,
    admissions: Histogram,
    states: BTreeMap<String, u64>,
}

impl Numbers {
    fn of(evidence: &Evidence) -> Numbers {
        let lives = &evidence.lives;
        let count = |is_so: fn(&Life) -> bool| lives.iter().filter(|life| is_so(life)).count() as u64;
        let mut states = BTreeMap::new();
        for (state, times) in lives.iter().flat_map(|life| &life.states) {
            *states.entry(state.clone()).or_default() += times;
        }
        Numbers {
            through: evidence.ended(|end| *end == End::Through),
            gave_up: evidence.ended(|end| *end == End::GaveUp),
            lost: evidence.ended(|end| !matches!(end, End::Through | End::GaveUp)),
            bought: count(|life| life.bought.is_some()),
            gave_back: count(|life| life.gave_back.is_some()),
            at_once: count(|life| life.admitted.is_some() && life.states.is_empty()),
            waits: spread(lives.iter().filter_map(|life| Some(life.admitted?.since_ms(life.arrived)))),
            ticket: spread(lives.iter().filter_map(|life| Some(life.placed?.since_ms(life.arrived)))),
            admissions: histogram(lives.iter().filter_map(|life| life.admitted), WIDTH),
            states,
        }
    }

    /// From the first admission to the last; 0 of fewer than two.
    fn admitted_per_second(&self, lives: &[Life]) -> f64 {
        let times = || lives.iter().filter_map(|life| life.admitted);
        match (times().min(), times().max()) {
            (Some(first), Some(last)) if last > first => {
                (self.waits.count - 1) as f64 * 1_000.0 / last.since_ms(first) as f64
            }
            _ => 0.0,
        }
    }
}

/// The table.
pub fn table(evidence: &Evidence, checks: &[Check]) -> String {
    let numbers = Numbers::of(evidence);
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<22}{value}");
    };
    row("visitors", format!("{} in {}", evidence.lives.len(), seconds(evidence.took_ms)));
    row(
        "got in",
        format!(
            "{}, {} of them at the first request; {} bought",
            numbers.waits.count, numbers.at_once, numbers.bought
        ),
    );
    row("gave up · lost", format!("{} · {}", numbers.gave_up, numbers.lost));
    row("gave back", format!("{} seats or places", numbers.gave_back));
    row("wait", spread_text(numbers.waits));
    row("from page to ticket", spread_text(numbers.ticket));
    row(
        "admitted",
        format!(
            "{:.1} per second, at most {:.1}",
            numbers.admitted_per_second(&evidence.lives),
            numbers.admissions.per_second_max()
        ),
    );
    if !numbers.admissions.columns.is_empty() {
        row("", format!("{}  {} s each", numbers.admissions.sparkline(), numbers.admissions.column_seconds));
    }
    let states: Vec<String> =
        numbers.states.iter().map(|(state, times)| format!("{state} {times}")).collect();
    let told = if states.is_empty() {
        "nothing: no answer was Anteroom's. Is it in front?".into()
    } else {
        states.join(" · ")
    };
    row("told", told);
    if let Some(Ok(shop)) = &evidence.shop {
        let sessions = format!(
            "{} sessions, {} purchases, {} inside at once",
            shop.sessions, shop.purchases, shop.inside_max
        );
        row("the shop counted", sessions);
    }
    text.push('\n');
    text.push_str(&check_lines(checks));
    text
}

/// The checks, a line for each, broken ones with what was found below.
pub fn check_lines(checks: &[Check]) -> String {
    let mut text = String::new();
    for Check { name, finding } in checks {
        let (mark, lines) = match finding {
            Finding::Kept(on) => ("kept", vec![on.clone()]),
            Finding::Broken(breaches) => ("BROKEN", breaches.clone()),
            Finding::Open(missing) => ("open", vec![missing.clone()]),
        };
        for (number, line) in lines.iter().enumerate() {
            let (name, mark) = if number == 0 { (*name, mark) } else { ("", "") };
            let _ = writeln!(text, "  {name:<14}{mark:<8}{line}");
        }
    }
    text
}

/// The flat object. Times in milliseconds, checks as `kept`, `broken` or `open`.
pub fn object(evidence: &Evidence, checks: &[Check]) -> Value {
    let numbers = Numbers::of(evidence);
    let places = evidence.places();
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("visitors", json!(evidence.lives.len()));
    put("took_ms", json!(evidence.took_ms));
    put("admitted", json!(numbers.waits.count));
    put("admitted_at_once", json!(numbers.at_once));
    put("through", json!(numbers.through));
    put("gave_up", json!(numbers.gave_up));
    put("lost", json!(numbers.lost));
    put("bought", json!(numbers.bought));
    put("gave_back", json!(numbers.gave_back));
    put("inside_max_seen", json!(evidence.most_inside()));
    put("places", json!(places.given));
    put("places_twice", json!(places.twice.len()));
    put("places_gaps", json!(places.gaps));
    put("admitted_per_second", json!(numbers.admitted_per_second(&evidence.lives)));
    put("admitted_per_second_max", json!(numbers.admissions.per_second_max()));
    for (name, spread) in [("wait", numbers.waits), ("ticket", numbers.ticket)] {
        for (part, value) in
            [("p50", spread.p50_ms), ("p95", spread.p95_ms), ("p99", spread.p99_ms), ("max", spread.max_ms)]
        {
            put(&format!("{name}_{part}_ms"), json!(value));
        }
    }
    put("cookieless", json!(evidence.cookieless.sent));
    put("cookieless_inside", json!(evidence.cookieless.inside));
    for (state, times) in &numbers.states {
        put(&format!("told_{state}"), json!(times));
    }
    put("faults", json!(evidence.lives.iter().flat_map(|life| life.faults.values()).sum::<u64>()));
    if let Some(Ok(shop)) = &evidence.shop {
        put("shop_inside_max", json!(shop.inside_max));
        put("shop_sessions", json!(shop.sessions));
        put("shop_purchases", json!(shop.purchases));
    }
    for Check { name, finding } in checks {
        let word = match finding {
            Finding::Kept(_) => "kept",
            Finding::Broken(_) => "broken",
            Finding::Open(_) => "open",
        };
        put(&format!("check_{}", name.replace(' ', "_")), json!(word));
    }
    Value::Object(object)
}

fn seconds(millis: u64) -> String {
    format!("{:.1} s", millis as f64 / 1_000.0)
}

fn spread_text(spread: Spread) -> String {
    let [p50, p95, p99, max] = [spread.p50_ms, spread.p95_ms, spread.p99_ms, spread.max_ms].map(seconds);
    match spread.count {
        0 => "nobody".to_owned(),
        _ => format!("p50 {p50} · p95 {p95} · p99 {p99} · max {max}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;
    use crate::verdict::{Cookieless, ShopCount, checks};

    fn evidence() -> Evidence {
        let life = |place: u64| Life {
            arrived: Moment(100),
            placed: Some(Moment(150)),
            place: Some(place),
            admitted: Some(Moment(1_000 * place)),
            leaving: Some(Moment(1_000 * place + 500)),
            bought: Some(Moment(1_000 * place + 100)),
            states: [("waiting".to_owned(), place)].into(),
            end: End::Through,
            ..Life::default()
        };
        let lost = Life { place: Some(9), end: End::OutOfTime, ..Life::default() };
        Evidence {
            lives: (1..=4).map(life).chain([lost]).collect(),
            cookieless: Cookieless { sent: 10, inside: 1, failed: 0 },
            limit: Some(1),
            shop: Some(Ok(ShopCount { inside_max: 1, sessions: 4, purchases: 4 })),
            has_crashes: false,
            took_ms: 5_000,
        }
    }

    #[test]
    fn the_object_is_flat_and_says_what_the_table_says() {
        let evidence = evidence();
        let object = object(&evidence, &checks(&evidence));
        let fields = object.as_object().unwrap();
        assert!(fields.values().all(|value| value.is_number() || value.is_string()));
        let expected = [
            ("admitted", 4),
            ("lost", 1),
            ("wait_max_ms", 3_900),
            ("ticket_p50_ms", 50),
            ("places_gaps", 4),
            ("told_waiting", 10),
            ("cookieless_inside", 1),
        ];
        for (key, value) in expected {
            assert_eq!(object[key], json!(value), "{key}");
        }
        assert_eq!(object["admitted_per_second"], json!(1.0));
        assert_eq!((&object["check_cap"], &object["check_nobody_lost"]), (&json!("kept"), &json!("broken")));
        let table = table(&evidence, &checks(&evidence));
        for part in ["5 in 5.0 s", "waiting 10", "p50 1.9 s", "BROKEN  place 9 was not inside", "4 sessions"]
        {
            assert!(table.contains(part), "{part} in\n{table}");
        }
        assert!(table.contains("████"), "{table}");
    }

    #[test]
    fn a_crowd_of_nobody_divides_by_nothing() {
        let nobody = Evidence::default();
        let text = table(&nobody, &checks(&nobody));
        assert!(text.contains("0 in 0.0 s") && text.contains("Is it in front?"), "{text}");
        assert_eq!(object(&nobody, &[])["admitted_per_second"], json!(0.0));
    }
}
