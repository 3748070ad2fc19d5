//! A data center's cache, as `shared.mjs` uses it. Two isolates share one, and a clock: machines that stand side by side agree on the time. Nothing is ever taken
//! out of it: what is too old to be acted on, the edge has to tell.

use anteroom::verdict::place;

use super::edge::{For, Sent};
use super::{Event, World};

/// So often the cache has nothing, or says so too late.
const MISSES_PERCENT: u64 = 20;

/// In which data center an isolate is.
pub(super) fn center_of(edge: usize) -> usize {
    edge / 2
}

impl World<'_> {
    /// Runs an errand of an edge, once it has looked whether somebody beside it has the reply, if it is to look.
    pub(super) fn send(&mut self, edge: usize, sent: Sent) {
        if place(&sent.errand).is_none() {
            return self.call(edge, sent);
        }
        let (life, delay) = (self.edges[edge].life, self.dice.millis(0, 20));
        self.queue.after(delay, Event::Glanced { edge, life, sent });
    }

    pub(super) fn glanced(&mut self, edge: usize, sent: Sent) {
        let misses = self.dice.percent(MISSES_PERCENT);
        let entry = place(&sent.errand).and_then(|place| self.caches[center_of(edge)].get(place));
        let clock = self.edges[edge].clock(self.queue.now());
        let overhears = entry
            .filter(|_| !misses)
            .is_some_and(|entry| self.edges[edge].edge.overhear(&sent.errand, entry, clock));
        if !overhears {
            return self.call(edge, sent);
        }
        self.trace
            .note(self.queue.now(), format_args!("edge {edge} hears from another what it wants to know"));
        if let For::Request(number) = sent.whom {
            self.informed(edge, number);
        }
    }

    /// An edge learns from a reply, and so may those beside it.
    pub(super) fn learn(&mut self, edge: usize, errand: &str, reply: &str) {
        let host = &mut self.edges[edge];
        let clock = host.clock(self.queue.now());
        host.edge.learn(errand, reply, clock);
        if let (Some(entry), Some(place)) = (host.edge.share(errand, reply, clock), place(errand)) {
            self.caches[center_of(edge)].insert(place.to_owned(), entry);
        }
    }
}
