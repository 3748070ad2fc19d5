//! The chart of a big run: who waits, who is inside, who was called, and what wait was told and lived, over time. Three panels below each
//! other, because people, seats and minutes have no scale in common.

use std::fmt::Write as _;

use super::ledger::{Ledger, Sample};
use crate::chart::{STYLE, WIDTH};
use crate::trace::NOON;

const LEFT: f64 = 90.0;
const RIGHT: f64 = 940.0;
const PANEL: f64 = 190.0;
const GAP: f64 = 66.0;
const TOP: f64 = 70.0;

/// One panel: where it is, and what its axes reach to.
struct Panel {
    top: f64,
    hours: f64,
    most: f64,
}

impl Panel {
    fn x(&self, hours: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * hours / self.hours
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PANEL * (1.0 - value / self.most)
    }

    fn points(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        points.map(|(hours, value)| format!("{:.1},{:.1} ", self.x(hours), self.y(value))).collect()
    }

    fn line(&self, svg: &mut String, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let points = self.points(points);
        if !points.is_empty() {
            let _ = writeln!(svg, r#"<path class="{class}" d="M{}"/>"#, points.trim_end());
        }
    }

    fn frame(&self, svg: &mut String, title: &str, legend: &[(&str, &str)]) {
        let _ = writeln!(svg, r#"<text class="title" x="{LEFT}" y="{}">{title}</text>"#, self.top - 14.0);
        let mut x = RIGHT;
        for (class, name) in legend.iter().rev() {
            x -= 34.0 + 7.5 * name.len() as f64;
            let (y, end) = (self.top - 18.0, x + 20.0);
            let _ = match *class {
                "band" => {
                    writeln!(svg, r#"<rect class="band" x="{x}" y="{}" width="20" height="10"/>"#, y - 5.0)
                }
                _ => writeln!(svg, r#"<path class="{class}" d="M{x},{y} {end},{y}"/>"#),
            };
            let _ = writeln!(svg, r#"<text x="{}" y="{}">{name}</text>"#, x + 26.0, self.top - 14.0);
        }
        for step in 0..=4 {
            let value = self.most * f64::from(step) / 4.0;
            let (y, class) = (self.y(value), if step == 0 { "axis" } else { "grid" });
            let _ = writeln!(
                svg,
                r#"<path class="{class}" style="stroke-width:1" d="M{LEFT},{y} {RIGHT},{y}"/>"#
            );
            let (x, y) = (LEFT - 8.0, y + 4.0);
            let _ = writeln!(svg, r#"<text x="{x}" y="{y}" text-anchor="end">{}</text>"#, spaced(value));
        }
        let bottom = self.top + PANEL;
        for hour in 0..=self.hours as u32 {
            let x = self.x(f64::from(hour));
            let clock = (12 + hour) % 24;
            let _ = writeln!(
                svg,
                r#"<path class="axis" style="stroke-width:1" d="M{x},{bottom} {x},{}"/>"#,
                bottom + 5.0
            );
            let _ = writeln!(
                svg,
                r#"<text x="{x}" y="{}" text-anchor="middle">{clock}:00</text>"#,
                bottom + 20.0
            );
        }
    }
}

/// The chart as SVG.
pub(super) fn svg(samples: &[Sample], ledger: &Ledger, seats: u64) -> String {
    let hours = |sample: &Sample| sample.at.since(NOON).0 as f64 / 3_600_000.0;
    let last = samples.last().map_or(1.0, |sample| hours(sample).max(0.1));
    let panel = |number: f64, most: f64| Panel {
        top: TOP + number * (PANEL + GAP),
        hours: last,
        most: round_up(most),
    };
    let height = TOP + 3.0 * (PANEL + GAP) - 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<title>The line over time</title>\n\
         <style>{STYLE}</style>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"none\"/>\n"
    );
    let line = |of: fn(&Sample) -> u64| samples.iter().map(move |sample| (hours(sample), of(sample) as f64));
    let people =
        panel(0.0, samples.iter().map(|sample| sample.waiting.max(sample.called)).max().unwrap_or(1) as f64);
    people.frame(&mut svg, "People", &[("one", "waiting"), ("two", "called so far")]);
    people.line(&mut svg, "one", line(|sample| sample.waiting));
    people.line(&mut svg, "two", line(|sample| sample.called));
    let inside = panel(1.0, seats as f64);
    inside.frame(&mut svg, "Seats taken", &[("one", "inside")]);
    inside.line(&mut svg, "one", line(|sample| sample.inside));
    waits(&mut svg, samples, ledger, &panel, hours);
    svg.push_str("</svg>\n");
    svg
}

/// The wait of whoever is in the middle of the line: as told then, and as lived.
fn waits(
    svg: &mut String,
    samples: &[Sample],
    ledger: &Ledger,
    panel: &dyn Fn(f64, f64) -> Panel,
    hours: impl Fn(&Sample) -> f64,
) {
    let told: Vec<_> = samples
        .iter()
        .filter_map(|sample| {
            let (from, to) = sample.promised?;
            Some((hours(sample), from as f64 / 60.0, to as f64 / 60.0))
        })
        .collect();
    let lived = samples.iter().filter_map(|sample| {
        let at = ledger.called_at(sample.middle).filter(|_| sample.waiting > 0)?;
        Some((hours(sample), at.since(sample.at).0 as f64 / 60_000.0))
    });
    let lived: Vec<_> = lived.collect();
    let longest = told.iter().map(|(_, _, to)| *to).chain(lived.iter().map(|(_, lived)| *lived));
    let panel = panel(2.0, longest.fold(1.0, f64::max));
    let title = "Wait in the middle of the line, minutes";
    panel.frame(svg, title, &[("band", "told, half to nine tenths"), ("two", "lived")]);
    let there = told.iter().map(|(hours, from, _)| (*hours, *from));
    let back = told.iter().rev().map(|(hours, _, to)| (*hours, *to));
    panel.line(svg, "band", there.chain(back));
    panel.line(svg, "two", lived.into_iter());
}

/// The next of 1, 2, 4, 5, 8 and so on.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.max(1.0).log10().floor());
    [1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|most| *most >= value)
        .unwrap_or(value)
}

/// With a space before each three digits.
fn spaced(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}
