//! When a Room is woken by nothing but time. Its alarm is a row of storage each time it is set, and a request each time it rings; a timer of the host costs nothing, but is lost with
//! its memory. So what is near is left to a timer, and the alarm follows a second later at the soonest: a Room that always has something to do sets it
//! once a second, and one that was lost comes back by it. Either only hastens what any event would do.

use crate::units::Millis;

/// An alarm is set for no sooner than this.
const SOONEST: Millis = Millis(1_000);

/// What a host does after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// It sets the alarm to this.
    pub alarm_at: Option<Millis>,
    /// It has a timer wake it then, too.
    pub timer_at: Option<Millis>,
}

/// See the module's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarm {
    wanted: Option<Millis>,
    set: Option<Millis>,
}

impl Alarm {
    /// It rang.
    pub fn rang(&mut self) {
        self.set = None;
    }

    /// Whether what the Room wanted to be woken for is due.
    pub fn is_due(&self, now: Millis) -> bool {
        self.wanted.is_some_and(|at| at <= now)
    }

    /// The Room wants to be woken then. The alarm is set only when it moves earlier or has rung.
    pub fn wake(&mut self, now: Millis, wake_at: Option<Millis>) -> Wake {
        self.wanted = wake_at;
        if self.set.is_some_and(|set| set <= now) {
            self.set = None;
        }
        let Some(at) = wake_at else { return Wake::default() };
        let alarm_at = Some(at.max(now.plus(SOONEST))).filter(|at| self.set.is_none_or(|set| *at < set));
        self.set = alarm_at.or(self.set);
        Wake { alarm_at, timer_at: Some(at).filter(|at| *at < now.plus(SOONEST)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn after(millis: u64) -> Option<Millis> {
        Some(NOW.plus(Millis(millis)))
    }

    #[test]
    fn what_is_near_is_left_to_a_timer_and_the_alarm_follows_once_a_second() {
        let mut alarm = Alarm::default();
        let mut set = Vec::new();
        for step in 0..100 {
            let now = NOW.plus(Millis(50 * step));
            let Wake { alarm_at, timer_at } = alarm.wake(now, Some(now.plus(Millis(20))));
            assert_eq!(timer_at, Some(now.plus(Millis(20))));
            set.extend(alarm_at.map(|at| at.since(NOW).0));
        }
        assert_eq!(set, [1_000, 2_000, 3_000, 4_000, 5_000]);
    }

    #[test]
    fn what_is_far_is_left_to_the_alarm_which_only_moves_earlier() {
        let mut alarm = Alarm::default();
        let set = |alarm: &mut Alarm, wanted| alarm.wake(NOW, after(wanted));
        assert_eq!(set(&mut alarm, 60_000), Wake { alarm_at: after(60_000), timer_at: None });
        assert_eq!(set(&mut alarm, 70_000), Wake::default());
        assert_eq!(set(&mut alarm, 5_000), Wake { alarm_at: after(5_000), timer_at: None });
        alarm.rang();
        assert_eq!(set(&mut alarm, 70_000).alarm_at, after(70_000));
        assert!(!alarm.is_due(NOW) && alarm.is_due(NOW.plus(Millis(70_000))));
        assert_eq!(alarm.wake(NOW, None), Wake::default());
        assert!(!alarm.is_due(NOW.plus(Millis(70_000))));
    }
}
