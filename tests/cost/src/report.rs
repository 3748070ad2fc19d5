//! What is said of it: a bill for people, and one object for machines.

use serde_json::{Map, Value, json};

use crate::args::{Modes, Options};
use crate::bill::{Line, Mode, Part, lines, total};
use crate::computed::operations;
use crate::operations::Compared;
use crate::prices::{PRICES, READ_ON};
use crate::scenario::Scenario;

/// What is computed may be so far from what is counted, of that: the model knows streams and averages, and no person.
pub const TOLERANCE: f64 = 0.10;
/// Figures below this are not compared: one call more or less is chance.
pub const FEW: f64 = 500.0;

/// Whether the model is too far off here.
pub fn is_off(compared: &Compared) -> bool {
    compared.off().abs() > TOLERANCE && compared.computed.max(compared.counted) >= FEW
}

/// One mode's bill.
pub struct Bill {
    /// Which.
    pub mode: Mode,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its sum, and that of the lines that waiting by script is made of, and of waiting without.
    pub usd: (f64, f64, f64),
    /// Its sum if all of them come from one region.
    pub usd_one_region: f64,
}

/// The bills that are wanted.
pub fn bills(options: &Options) -> Vec<Bill> {
    let Options { scenario, tiered, included, .. } = options;
    let near = Scenario { regions: 1, ..scenario.clone() };
    let (all, all_near) = (operations(scenario), operations(&near));
    let modes: &[Mode] = match options.modes {
        Modes::Plain => &[Mode::Plain],
        Modes::Mirrored => &[Mode::Mirrored],
        Modes::Both => &[Mode::Plain, Mode::Mirrored],
    };
    let bill = |mode: &Mode| {
        let (here, nearer) = (lines(scenario, &all, *mode, *tiered), lines(&near, &all_near, *mode, *tiered));
        let sum =
            |part: Option<Part>| total(&here, *included, |line| part.is_none_or(|part| line.part == part));
        let usd = (sum(None), sum(Some(Part::Waiting)), sum(Some(Part::WaitingWithoutScript)));
        Bill { mode: *mode, usd, usd_one_region: total(&nearer, *included, |_| true), lines: here }
    };
    modes.iter().map(bill).collect()
}

/// For people.
pub fn table(options: &Options, bills: &[Bill], compared: &[Compared]) -> String {
    let mut text = String::new();
    let Scenario { visitors, seats, per_minute, session_seconds, scriptless_percent, .. } = options.scenario;
    text += &format!(
        "An hour of {visitors} visitors, {seats} seats, {per_minute} a minute, sessions of {session_seconds} s, {scriptless_percent} % without JavaScript.\n\
         Computed, from prices read on {READ_ON}.\n"
    );
    for Bill { mode, lines, usd: (sum, waiting, scriptless), usd_one_region } in bills {
        text += match mode {
            Mode::Plain => "\non plain Workers\n",
            Mode::Mirrored => "\nwith the board in a bucket behind the CDN\n",
        };
        for line in lines {
            let usd = line.usd();
            text += &format!("{usd:>10.4} USD  {:<38} {:>14.0} {}\n", line.what, line.count, line.price.name);
        }
        let less = if options.included { ", less what the basic fee includes" } else { "" };
        text += &format!(
            "{sum:>10.2} USD  the hour{less}; of that waiting {waiting:.2} by script, {scriptless:.2} without; \
             {usd_one_region:.2} if all come from one region\n"
        );
    }
    text += &format!(
        "\nthe model against what was counted in simulated time, a crowd and a room {} times smaller, within {:.0} %\n",
        options.divide,
        TOLERANCE * 100.0
    );
    for compared in compared.iter().filter(|it| it.computed.max(it.counted) > 0.0) {
        let Compared { name, computed, counted } = compared;
        let verdict = if is_off(compared) { "  TOO FAR" } else { "" };
        text += &format!(
            "{name:<24} computed {computed:>12.0}  counted {counted:>12.0}  {:>+6.1} %{verdict}\n",
            compared.off() * 100.0
        );
    }
    text
}

/// For machines. The names of the budgets are those of the design's scenario alone.
pub fn object(options: &Options, bills: &[Bill], compared: &[Compared]) -> Value {
    let is_the_designs = options.scenario == Scenario::default() && options.tiered && !options.included;
    let scenario = if is_the_designs { "1m_" } else { "" };
    let mut object = Map::new();
    for Bill { mode, lines, usd: (sum, waiting, scriptless), usd_one_region } in bills {
        let mode = if *mode == Mode::Plain { "plain" } else { "mirrored" };
        let mut say = |name: String, value: Value| object.insert(name, value);
        say(format!("usd_per_hour_{scenario}{mode}"), json!(round(*sum)));
        say(format!("usd_per_hour_{scenario}{mode}_waiting"), json!(round(*waiting)));
        say(format!("usd_per_hour_{scenario}{mode}_waiting_without_script"), json!(round(*scriptless)));
        say(format!("usd_per_hour_{scenario}{mode}_one_region"), json!(round(*usd_one_region)));
        let items = lines.iter().map(|line| {
            json!({ "what": line.what, "count": line.count.round(), "unit": line.price.name, "usd": round(line.usd()), "is": "computed" })
        });
        say(format!("items_{mode}"), items.collect());
    }
    let Scenario { visitors, seats, per_minute, session_seconds, .. } = options.scenario;
    let arrivals: Vec<_> =
        options.scenario.arrivals.iter().map(|(seconds, percent)| json!([seconds, percent])).collect();
    object.insert(
        "scenario".into(),
        json!({
            "visitors": visitors, "seats": seats, "new_users_per_minute": per_minute, "session_seconds": session_seconds,
            "arrivals": arrivals, "scriptless_percent": options.scenario.scriptless_percent,
            "goodbye_percent": options.scenario.goodbye_percent, "requests_inside": options.scenario.requests_inside,
            "data_centers": options.scenario.data_centers, "regions": options.scenario.regions,
            "tiered_cache": options.tiered, "less_included": options.included,
        }),
    );
    let prices = PRICES.map(|price| json!({ "unit": price.name, "usd_per_million": price.usd_per_million, "source": price.source }));
    object.insert("prices".into(), json!({ "read_on": READ_ON, "table": prices }));
    let figures = compared.iter().map(|it| {
        json!({ "what": it.name, "computed": it.computed.round(), "counted": it.counted.round(), "off": round(it.off()) })
    });
    object.insert(
        "checked".into(),
        json!({
            "divided_by": options.divide, "tolerance": TOLERANCE, "fewer_are_not_compared": FEW,
            "holds": !compared.iter().any(is_off), "figures": figures.collect::<Vec<_>>(),
        }),
    );
    Value::Object(object)
}

fn round(figure: f64) -> f64 {
    (figure * 10_000.0).round() / 10_000.0
}
