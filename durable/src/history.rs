//! The last quarter of an hour of a Room, one point every ten seconds, for the operator's chart.
//! It is a picture and not a record: kept in memory alone, begun anew when the object is.

use std::collections::VecDeque;

use crate::protocol::StatusPoint;
use crate::state::State;
use crate::units::Millis;

const SPACING: Millis = Millis(10_000);
const POINTS_MAX: usize = 90;

/// The points, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    points: VecDeque<StatusPoint>,
}

impl History {
    /// Takes a point if the last one is old enough.
    pub fn note(&mut self, now: Millis, state: &State) {
        let last = self.points.back().map(|point| Millis(point.at_ms));
        if last.is_some_and(|last| now.since(last) < SPACING) {
            return;
        }
        if self.points.len() == POINTS_MAX {
            self.points.pop_front();
        }
        self.points.push_back(StatusPoint {
            at_ms: now.0,
            inside: u64::from(state.seats.live()),
            waiting: state.line.waiting(),
            admitted: state.admissions.count(),
        });
    }

    /// The points, oldest first.
    pub fn points(&self) -> impl Iterator<Item = StatusPoint> {
        self.points.iter().cloned()
    }
}
