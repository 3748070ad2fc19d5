//! Dates as APIs write them: ISO 8601 in UTC. The days' arithmetic is that of Howard Hinnant's *chrono-compatible
//! low-level date algorithms*, `civil_from_days`: exact for the proleptic Gregorian calendar.

use crate::units::Millis;

/// `2026-11-23T18:05:00.000Z`.
pub fn iso8601(at: Millis) -> String {
    let (days, millis) = (at.0 / 86_400_000, at.0 % 86_400_000);
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    // Eras of 400 years, counted from the first of March of the year 0.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days_are_right() {
        // From GNU date: `date -u -d @… +%FT%T`.
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_795_456_800, "2026-11-23T18:00:00.000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso8601(Millis(seconds * 1_000)), date);
        }
        assert_eq!(iso8601(Millis(1)), "1970-01-01T00:00:00.001Z");
    }
}
