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

/// The time that an ISO 8601 text names: a date, a time to the second or finer, and `Z` or a distance from UTC. None for anything else,
/// days that do not exist among it, and for times outside the years 1970 to 2199.
pub fn millis(text: &str) -> Option<Millis> {
    let part = |from: usize, to: usize| {
        let digits =
            text.get(from..to).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
        digits.parse::<u64>().ok()
    };
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    let marked = marks.iter().all(|(at, mark)| text.get(*at..at + 1) == Some(mark));
    if !marked || hour > 23 || minute > 59 || second > 59 || !(1970..2200).contains(&year) {
        return None;
    }
    let rest = text.get(19..)?;
    let fraction: String =
        rest.strip_prefix('.').map_or("", |digits| digits).chars().take_while(char::is_ascii_digit).collect();
    let zone = if fraction.is_empty() { rest } else { rest.get(fraction.len() + 1..)? };
    let thousandths =
        if fraction.is_empty() { 0 } else { format!("{fraction:0<3}").get(..3)?.parse().ok()? };
    // `days_from_civil`, the way back of the above.
    let shifted_year = year - u64::from(month <= 2);
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    let local = Millis(days * 86_400_000 + ((hour * 60 + minute) * 60 + second) * 1_000 + thousandths);
    if iso8601(local).get(..10) != text.get(..10) {
        return None;
    }
    let distance = match zone.as_bytes() {
        b"Z" => return Some(local),
        [b'+' | b'-', _, _, b':', _, _] => {
            let at = text.len() - 5;
            let (hours, minutes) = (part(at, at + 2)?, part(at + 3, at + 5)?);
            (hours < 24 && minutes < 60).then_some(Millis((hours * 60 + minutes) * 60_000))?
        }
        _ => return None,
    };
    if zone.starts_with('+') {
        local.0.checked_sub(distance.0).map(Millis)
    } else {
        Some(local.plus(distance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for at in
            [0, 951_782_400_000, 1_795_456_800_123, 4_107_542_399_999, 4_107_542_400_000, 7_258_118_399_999]
        {
            assert_eq!(millis(&iso8601(Millis(at))), Some(Millis(at)));
        }
        assert_eq!(millis("2026-11-23T20:00:00+02:00"), millis("2026-11-23T18:00:00Z"));
        assert_eq!(millis("2026-11-23T12:30:00.5-05:30"), millis("2026-11-23T18:00:00.500Z"));
        assert_eq!(millis("2026-11-23T18:00:00.123456Z"), millis("2026-11-23T18:00:00.123Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-11-23",
            "2026-11-23T18:00:00",
            "2026-11-23 18:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2200-01-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+24:00",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Zé",
            "2026-01-01T00:00:0éZ",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

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
