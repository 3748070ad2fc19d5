//! An isolate of the edge, as `entry.mjs` and `leaves.mjs` run it: the whole production `Edge` with its cookies, texts and boards, and a
//! clock that is off by up to a second.

use std::collections::HashMap;

use anteroom::edge::{Deployment, Edge};
use durable::errand::Errand;
use durable::token::Keys;
use durable::units::Millis;

/// Remembered decisions; with more, all are forgotten (src/recent.mjs).
const RECENT_MAX: usize = 1_000;

/// For whom an errand is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// A request that waits for it.
    Request(u64),
    /// A request that has gone to the origin meanwhile.
    Renewal(u64),
    /// Nobody in particular.
    Chore,
}

/// An errand under way.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// For whom.
    pub(super) whom: For,
    /// Its text.
    pub(super) errand: String,
}

/// See the module's words.
pub(super) struct EdgeHost {
    /// Grows when the isolate is lost.
    pub(super) life: u64,
    /// How far its clock is off.
    pub(super) skew: i64,
    /// The production code.
    pub(super) edge: Edge,
    /// The call that is under way.
    pub(super) underway: Option<u32>,
    /// Wishes that wait for the next.
    pub(super) group: Vec<Sent>,
    /// From when until when these cookies need not be judged again.
    recent: HashMap<String, (Millis, Millis)>,
    endings: u32,
}

impl EdgeHost {
    /// One that knows nothing but its deployment.
    pub(super) fn new(keys: &Keys, life: u64, skew: i64) -> EdgeHost {
        let deployment = Deployment {
            keys: Ok(keys.clone()),
            operator_tokens: String::new(),
            operator_host: "operator.example".into(),
            has_origin: true,
            rooms: Vec::new(),
        };
        EdgeHost {
            life,
            skew,
            edge: Edge::new(deployment),
            underway: None,
            group: Vec::new(),
            recent: HashMap::new(),
            endings: 0,
        }
    }

    /// The time, as this edge has it.
    pub(super) fn clock(&self, now: Millis) -> Millis {
        skewed(now, self.skew)
    }

    /// Whether these cookies go to the origin without a question, by what was decided a moment ago or by what is in memory.
    pub(super) fn admits(&mut self, url: &str, cookies: &str, now: Millis) -> bool {
        if !cookies.contains("=Aw") || url.contains("anteroom-claim") {
            return false;
        }
        let clock = self.clock(now);
        if self.edge.endings() != self.endings {
            self.endings = self.edge.endings();
            self.recent.clear();
        }
        if self.recent.get(cookies).is_some_and(|(since, until)| *since <= clock && clock < *until) {
            return true;
        }
        let Some(admission) = self.edge.admits(url, cookies, clock) else { return false };
        if let Some(until) = admission.lines().next().and_then(|until| until.parse().ok()) {
            if self.recent.len() >= RECENT_MAX {
                self.recent.clear();
            }
            self.recent.insert(cookies.to_owned(), (clock, Millis(until)));
        }
        true
    }
}

/// A time on a clock that is off.
pub(super) fn skewed(now: Millis, skew: i64) -> Millis {
    Millis(now.0.saturating_add_signed(skew))
}

/// Whether an errand goes to the directory; the others go to a leaf.
pub(super) fn is_for_directory(errand: &str) -> bool {
    Errand::parse(errand).is_some_and(|errand| errand.binding == "DIRECTORY")
}

/// The line an errand puts into a call.
pub(super) fn payload(errand: &str) -> &str {
    Errand::parse(errand).map_or("", |errand| errand.payload)
}
