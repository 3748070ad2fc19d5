//! The forecast: how long the line will take, from what is free, what pace allows and how fast seats turn over. Edges tell it, the Room
//! measures it against what was lived ([`crate::waits`]).
//!
//! Whoever finds a seat free waits for the pace alone; whoever does not waits until so many have left. The longer of both counts.

/// What is known of the near future.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// Seats that nobody holds and nobody was promised.
    pub free: u64,
    /// Places that pace alone would call in an hour.
    pub pace_per_hour: u64,
    /// Places that are called in an hour while every seat is taken.
    pub turn_per_hour: u64,
}

impl Forecast {
    /// In how many seconds a place with so many people ahead of it is called; none if nothing says so.
    pub fn seconds(&self, people_ahead: u64) -> Option<u64> {
        let turn = people_ahead.saturating_add(1);
        let by_pace = turn.saturating_mul(3_600).checked_div(self.pace_per_hour)?;
        let taken = turn.saturating_sub(self.free);
        let by_seats =
            if taken == 0 { 0 } else { taken.saturating_mul(3_600).checked_div(self.turn_per_hour)? };
        Some(by_pace.max(by_seats))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_of_pace_and_seats_counts() {
        let forecast = Forecast { free: 100, pace_per_hour: 3_600, turn_per_hour: 360 };
        assert_eq!([0, 99, 100, 109, 199].map(|ahead| forecast.seconds(ahead)), {
            [Some(1), Some(100), Some(101), Some(110), Some(1_000)]
        });
    }

    #[test]
    fn without_a_rate_there_is_nothing_to_tell() {
        assert_eq!(Forecast::default().seconds(0), None);
        let paced = Forecast { free: 1, pace_per_hour: 60, turn_per_hour: 0 };
        assert_eq!((paced.seconds(0), paced.seconds(1)), (Some(60), None));
    }

    #[test]
    fn the_longest_line_there_can_be_does_not_overflow() {
        let slow = Forecast { free: 0, pace_per_hour: 1, turn_per_hour: 1 };
        assert!(slow.seconds(u64::MAX).is_some());
    }
}
