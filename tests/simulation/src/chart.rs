//! How charts look, in daylight and in the dark.

/// So wide they are.
pub(crate) const WIDTH: f64 = 960.0;
/// Their style sheet.
pub(crate) const STYLE: &str = "
svg { background: #fff; font: 13px system-ui, sans-serif; }
text { fill: #222; } .title { font-weight: 600; font-size: 15px; } .grid { stroke: #ddd; } .axis { stroke: #888; }
path { fill: none; stroke-width: 2; } path.band { stroke: none; } .band { fill: #1857b8; opacity: .2; }
.one { stroke: #1857b8; } .two { stroke: #b3470a; } .three { stroke: #1a7f37; } .four { stroke: #8250df; }
@media (prefers-color-scheme: dark) {
svg { background: #16181c; } text { fill: #e4e6ea; } .grid { stroke: #33373e; } .band { fill: #7fb0ff; }
.one { stroke: #7fb0ff; } .two { stroke: #ffa15c; } .three { stroke: #56d364; } .four { stroke: #c297ff; }
}";
