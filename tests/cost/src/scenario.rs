//! Who comes, how fast, and for how long: the room and its hour.

use durable::units::Millis;

/// What is computed and counted is one hour, from noon.
pub const HOUR: Millis = Millis(3_600_000);

/// A scenario. The default is the one that the design has a budget for: a million wait for an hour, 10 000 seats, sessions of 5 minutes, all
/// joined within 10, and a twentieth without JavaScript.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// People who come.
    pub visitors: u64,
    /// How they arrive: so many seconds after noon, so many of a hundred are there; straight lines between.
    pub arrivals: Vec<(u64, f64)>,
    /// `total_active_users`.
    pub seats: u32,
    /// `new_users_per_minute`.
    pub per_minute: u32,
    /// `session_duration_seconds`, and how long everybody stays.
    pub session_seconds: u32,
    /// Of a hundred, so many run no scripts: the page comes back by itself.
    pub scriptless_percent: u32,
    /// Of a hundred who leave, so many say so; the seat of the others is free when their pass has expired.
    pub goodbye_percent: u32,
    /// Requests of each visitor inside, spread evenly over the stay.
    pub requests_inside: u32,
    /// Data centers that people come by.
    pub data_centers: u32,
    /// Regions that they are in.
    pub regions: u32,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            visitors: 1_000_000,
            arrivals: vec![(600, 100.0)],
            seats: 10_000,
            per_minute: 2_000,
            session_seconds: 300,
            scriptless_percent: 5,
            goodbye_percent: 50,
            requests_inside: 10,
            data_centers: 300,
            regions: 9,
        }
    }
}

impl Scenario {
    /// How many of everybody have come by a moment after noon.
    pub fn arrived(&self, at: Millis) -> f64 {
        let seconds = at.0 as f64 / 1_000.0;
        let (mut from, mut had) = (0.0, 0.0);
        for (until, percent) in &self.arrivals {
            let until = *until as f64;
            if seconds < until {
                let part = (seconds - from) / (until - from).max(f64::MIN_POSITIVE);
                return self.visitors as f64 * (had + (percent - had) * part) / 100.0;
            }
            (from, had) = (until, *percent);
        }
        self.visitors as f64 * had / 100.0
    }

    /// When so many of them had come: the other way round.
    pub fn arrives_at(&self, number: f64) -> Millis {
        let wanted = number / self.visitors as f64 * 100.0;
        let (mut from, mut had) = (0.0, 0.0);
        for (until, percent) in &self.arrivals {
            let until = *until as f64;
            if wanted < *percent {
                let seconds = from + (until - from) * (wanted - had) / (percent - had).max(f64::MIN_POSITIVE);
                return Millis((seconds * 1_000.0) as u64);
            }
            (from, had) = (until, *percent);
        }
        Millis((from * 1_000.0) as u64)
    }

    /// The same so many times smaller: crowd, room, data centers and regions, so that a leaf has as much to do as before.
    #[must_use]
    pub fn divided(&self, by: u32) -> Scenario {
        Scenario {
            visitors: (self.visitors / u64::from(by)).max(1),
            seats: (self.seats / by).max(1),
            per_minute: (self.per_minute / by).max(1),
            data_centers: self.data_centers.div_ceil(by),
            regions: self.regions.div_ceil(by),
            ..self.clone()
        }
    }

    /// How long the seat of somebody who renews to the end is taken after they went, and how long that of somebody who says so. See DESIGN 4,
    /// rule 1, and `session_duration` in the README.
    pub fn pass_lifetime(&self) -> Millis {
        Millis::from_secs(u64::from(self.session_seconds)).plus(self.renewal_interval())
    }

    /// A pass is due once older than a fifth of its session, and than 20 s.
    pub fn renewal_interval(&self) -> Millis {
        Millis::from_secs(u64::from(self.session_seconds / 5).max(20))
    }

    /// The moments, after they were let in, at which somebody inside asks for something.
    pub fn requests(&self) -> impl Iterator<Item = Millis> {
        let (stay, count) = (u64::from(self.session_seconds) * 1_000, u64::from(self.requests_inside));
        (0..count).map(move |number| Millis(stay * number / count))
    }

    /// Those of them that find their pass due, and renew it.
    pub fn renewals(&self) -> Vec<Millis> {
        let mut renewed = Millis(0);
        let is_due = |at: &Millis| {
            let due = at.since(renewed) > self.renewal_interval();
            if due {
                renewed = *at;
            }
            due
        };
        self.requests().filter(is_due).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_the_same_both_ways() {
        let scenario = Scenario { arrivals: vec![(60, 50.0), (600, 90.0)], ..Scenario::default() };
        assert!((scenario.arrived(Millis(30_000)) - 250_000.0).abs() < 1.0);
        assert!((scenario.arrived(Millis(330_000)) - 700_000.0).abs() < 1.0);
        assert!((scenario.arrived(HOUR) - 900_000.0).abs() < 1.0, "a tenth never comes");
        for number in [1.0, 499_999.0, 500_001.0, 899_000.0] {
            assert!((scenario.arrived(scenario.arrives_at(number)) - number).abs() < 20.0, "{number}");
        }
    }

    #[test]
    fn a_pass_is_renewed_by_the_first_request_that_finds_it_due() {
        let scenario = Scenario { requests_inside: 10, ..Scenario::default() };
        assert_eq!(scenario.renewals(), [Millis(90_000), Millis(180_000), Millis(270_000)]);
        let idle = Scenario { requests_inside: 1, ..Scenario::default() };
        assert_eq!(idle.renewals(), []);
    }
}
