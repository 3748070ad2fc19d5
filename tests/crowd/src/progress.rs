//! Three bars on standard error: how many wait, are inside, are gone. Draws nothing where that is no terminal, or
//! where nobody wants it; counts nothing that is judged.

use crate::args::Talk;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where a visitor is who has arrived and not gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// At the door or in line.
    Waiting,
    /// Inside.
    Inside,
}

/// What is shown while the crowd walks.
#[derive(Clone, Debug)]
pub struct Progress {
    waiting: ProgressBar,
    inside: ProgressBar,
    done: ProgressBar,
}

impl Progress {
    /// Bars for so many visitors.
    pub fn new(visitors: u32, talk: Talk) -> Progress {
        let bars = MultiProgress::with_draw_target(match talk {
            Talk::Full => ProgressDrawTarget::stderr(),
            Talk::Quiet => ProgressDrawTarget::hidden(),
        });
        let style = ProgressStyle::with_template("{prefix:>8} {bar:40} {pos:>6} of {len}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |prefix: &'static str| {
            bars.add(ProgressBar::new(visitors.into()).with_style(style.clone()).with_prefix(prefix))
        };
        Progress { waiting: bar("waiting"), inside: bar("inside"), done: bar("done") }
    }

    fn bar(&self, whereabouts: Whereabouts) -> &ProgressBar {
        match whereabouts {
            Whereabouts::Waiting => &self.waiting,
            Whereabouts::Inside => &self.inside,
        }
    }

    /// Somebody came.
    pub fn arrived(&self) {
        self.waiting.inc(1);
    }

    /// Somebody got in.
    pub fn entered(&self) {
        self.waiting.dec(1);
        self.inside.inc(1);
    }

    /// Somebody went, from there.
    pub fn gone(&self, from: Whereabouts) {
        self.bar(from).dec(1);
        self.done.inc(1);
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        for bar in [&self.waiting, &self.inside, &self.done] {
            bar.finish_and_clear();
        }
    }
}
