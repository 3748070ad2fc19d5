//! The time as the pure parts see it: milliseconds since the crowd set out. Who reads a clock is [`crate::client`].

/// Milliseconds since the crowd set out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// Milliseconds from an earlier moment to this one; 0 if it is not earlier.
    pub fn since_ms(self, earlier: Moment) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
