//! The chart of a run: what each level of the tree is asked in its fullest second, by how many come. Both axes are logarithmic: what grows with the people is a slope, what depends on the tree
//! and on time alone is level.

use std::fmt::Write as _;

use super::Sized;
use crate::chart::{STYLE, WIDTH};

const HEIGHT: f64 = 460.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 400.0;
/// Ten to the power of this is the top.
const MOST: f64 = 7.0;
const LINES: [(&str, &str, &str); 4] = [
    ("leaves_requests_per_second_max", "calls of all leaves", "one"),
    ("joined_per_second_max", "ranks given", "two"),
    ("room_requests_per_second_max", "requests of the Room", "three"),
    ("room_rows_per_second_max", "rows of the Room", "four"),
];
/// The chart as SVG.
pub(super) fn svg(crowds: &[Sized]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n<title>What each level of the tree is asked, by how many come</title>\n\
         <style>{STYLE}</style>\n<text class=\"title\" x=\"{LEFT}\" y=\"30\">In the fullest second, by how many come within a minute (simulated)</text>\n"
    );
    for power in 0..=MOST as u32 {
        let at = y(10f64.powi(power as i32));
        let _ = writeln!(
            svg,
            r#"<path class="grid" style="stroke-width:1" d="M{LEFT},{at:.1} {RIGHT},{at:.1}"/>"#
        );
        let (label, at) = (10u64.pow(power), at + 4.0);
        let _ = writeln!(svg, r#"<text x="{}" y="{at:.1}" text-anchor="end">{label}</text>"#, LEFT - 8.0);
    }
    for crowd in crowds {
        let (x, millions) = (x(crowd.people), crowd.people / 1_000_000);
        let _ = writeln!(
            svg,
            r#"<text x="{x:.1}" y="{}" text-anchor="middle">{millions} million</text>"#,
            BOTTOM + 24.0
        );
    }
    for (name, label, class) in LINES {
        let points: Vec<(f64, f64)> =
            crowds.iter().map(|crowd| (x(crowd.people), y(crowd.figure(name) as f64))).collect();
        let line: String = points.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
        let _ = writeln!(svg, r#"<path class="{class}" d="M{}"/>"#, line.trim_end());
        let figures: Vec<String> = crowds.iter().map(|crowd| crowd.figure(name).to_string()).collect();
        if let Some((x, y)) = points.last() {
            let (x, y) = (x + 10.0, y + 4.0);
            let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}">{label}: {}</text>"#, figures.join(" · "));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// From one million on the left to a hundred on the right.
fn x(people: u32) -> f64 {
    LEFT + 40.0 + (RIGHT - LEFT - 80.0) * (f64::from(people).log10() - 6.0) / 2.0
}

fn y(value: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * value.max(1.0).log10() / MOST
}
