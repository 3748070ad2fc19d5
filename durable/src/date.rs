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

/// The beginning of 2200: what is read is written, and years of four digits end some day.
const END: Millis = Millis(7_258_118_400_000);

/// The time that an ISO 8601 text names: a date, a time to the second or finer, and `Z` or a distance from UTC. None for anything else,
/// days that do not exist among it, and for times outside the years 1970 to 2199.
pub fn millis(text: &str) -> Option<Millis> {
    let (date_and_time, rest) = text.split_at_checked(19)?;
    let [year, month, day, hour, minute, second] = numbers(date_and_time, "0000-00-00T00:00:00")?;
    if hour > 23 || minute > 59 || second > 59 || !(1970..2200).contains(&year) {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().position(|byte| !byte.is_ascii_digit())?),
        None => ("0", rest),
    };
    // The first digit counts hundred of the thousandths.
    let digit = |index: usize| fraction.as_bytes().get(index).map_or(0, |digit| u64::from(digit - b'0'));
    let thousandths = digit(0) * 100 + digit(1) * 10 + digit(2);
    // `days_from_civil`, the way back of the above.
    let shifted_year = year - u64::from(month <= 2);
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
    let local = Millis(days * 86_400_000 + ((hour * 60 + minute) * 60 + second) * 1_000 + thousandths);
    // Of a day that does not exist another one comes back.
    if fraction.is_empty() || iso8601(local).get(..10) != text.get(..10) {
        return None;
    }
    let ahead = zone.starts_with('+');
    let [hours, minutes, ..] = match zone {
        "Z" => [0; 6],
        _ => numbers(zone.strip_prefix(if ahead { '+' } else { '-' })?, "00:00")?,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let distance = Millis((hours * 60 + minutes) * 60_000);
    let at = if ahead { local.0.checked_sub(distance.0)? } else { local.0 + distance.0 };
    (at < END.0).then_some(Millis(at))
}

/// The numbers of a text that has digits where its form has zeros, and is the same everywhere else.
fn numbers(text: &str, form: &str) -> Option<[u64; 6]> {
    let (mut numbers, mut index) = ([0; 6], 0);
    for (byte, form) in text.bytes().zip(form.bytes()) {
        match form {
            b'0' if byte.is_ascii_digit() => numbers[index] = numbers[index] * 10 + u64::from(byte - b'0'),
            _ if byte == form => index += 1,
            _ => return None,
        }
    }
    (text.len() == form.len()).then_some(numbers)
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
            "2199-12-31T23:59:00-00:01",
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
