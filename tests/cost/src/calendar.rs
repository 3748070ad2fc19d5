//! A calendar in milliseconds: what happens next. Entering and taking out cost the same however much is planned.

use durable::units::Millis;

/// As far as a turn of it reaches; what is later is looked at once a turn.
const SLOTS: usize = 1 << 17;

/// See the module's words.
pub struct Calendar<T> {
    slots: Vec<Vec<(Millis, T)>>,
    now: Millis,
}

impl<T: Copy> Calendar<T> {
    /// An empty one that begins now.
    pub fn new(now: Millis) -> Calendar<T> {
        Calendar { slots: (0..SLOTS).map(|_| Vec::new()).collect(), now }
    }

    /// The time.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Something is to happen then, or, if that is over, with the next millisecond.
    pub fn plan(&mut self, at: Millis, what: T) {
        let at = at.max(self.now.plus(Millis(1)));
        if let Some(slot) = self.slots.get_mut(at.0 as usize % SLOTS) {
            slot.push((at, what));
        }
    }

    /// The next millisecond, and what happens in it.
    pub fn turn(&mut self, due: &mut Vec<T>) {
        self.now = self.now.plus(Millis(1));
        due.clear();
        let now = self.now;
        if let Some(slot) = self.slots.get_mut(now.0 as usize % SLOTS) {
            slot.retain(|(at, what)| {
                if *at == now {
                    due.push(*what);
                }
                *at != now
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_happens_when_it_was_planned_however_far_ahead() {
        let mut calendar = Calendar::new(Millis(5));
        let times = [6, 7, 7, 5 + SLOTS as u64, 9 + 3 * SLOTS as u64];
        times.iter().for_each(|at| calendar.plan(Millis(*at), *at));
        let (mut happened, mut due) = (Vec::new(), Vec::new());
        while happened.len() < times.len() {
            calendar.turn(&mut due);
            for at in &due {
                assert_eq!(*at, calendar.now().0);
                happened.push(*at);
            }
        }
        assert_eq!(happened, times);
    }
}
