//! The pace that follows the origin: never below the operator's floor, never above the limit, and at the limit in rooms that do not follow it. All
//! other rules hold whatever it is; who judges how soon somebody is called asks for it here.

use durable::json::Value;
use durable::units::Millis;

use super::facts::Facts;
use super::rules::Limits;
use super::{Auditor, Rule};

impl Facts {
    /// Admissions in a minute that calls are spread by.
    pub(super) fn pace(&self, limits: &Limits) -> u64 {
        let Some(floor) = self.floor() else { return limits.per_minute };
        self.lowered_to.map_or(limits.per_minute, |pace| pace.max(floor).min(limits.per_minute))
    }

    /// The operator's, if the room follows its origin.
    fn floor(&self) -> Option<u64> {
        let health = self.orders.settings.as_ref()?.get("origin_health")?;
        health.get("new_users_per_minute_min").and_then(Value::as_u64)
    }
}

impl Auditor {
    /// The Room has judged what it heard of the origin.
    pub(super) fn judge_origin(&mut self, at: Millis, pace: Option<u32>, limit: u32) {
        let pace = pace.map(u64::from);
        let Some(limits) = self.facts.limits else { return };
        let floor = self.facts.floor();
        let within = |pace: u64| floor.is_some_and(|floor| (floor..limits.per_minute).contains(&pace));
        let right = u64::from(limit) == limits.per_minute && pace.is_none_or(within);
        self.check(at, right, Rule::Pace, || {
            format!(
                "the pace is {pace:?} of {limit}; the floor is {floor:?}, the limit {}",
                limits.per_minute
            )
        });
        if self.facts.lowered_to != pace {
            (self.facts.lowered_to, self.facts.slowed_at) = (pace, at);
        }
    }
}
