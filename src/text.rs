//! The words of our pages: one table for each language, its plural rules and its direction included.
//!
//! Chosen by `Accept-Language` (RFC 9110, 12.5.4, weights included), then by the room's
//! `default_template_language`, then English. All sentences with numbers are built here, so that the page's script only
//! puts finished words in their places.

mod ar;
mod en;
mod ms;
mod ta;
mod zh;

use durable::units::Millis;

use crate::standing::WaitRange;

/// The languages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Malay.
    Malay,
    /// Chinese, simplified.
    Chinese,
    /// Tamil.
    Tamil,
    /// Arabic, from right to left.
    Arabic,
}

/// CLDR's plural categories, as far as our languages have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plural {
    /// Arabic: nobody.
    Zero,
    /// One.
    One,
    /// Arabic: two.
    Two,
    /// Arabic: 3 to 10, 103 to 110, …
    Few,
    /// Arabic: 11 to 99, 111 to 199, …
    Many,
    /// The rest.
    Other,
}

/// One language's words. `{n}`, `{a}` and `{b}` are numbers or durations.
pub struct Texts {
    /// What people call it: shown nowhere, spoken by screen readers as the page's language.
    pub tag: &'static str,
    /// `ltr` or `rtl`.
    pub direction: &'static str,
    /// The kind of page, behind the room's title.
    pub waiting_room: &'static str,
    /// For each standing: the heading and what happens next.
    pub joining: (&'static str, &'static str),
    /// In line.
    pub waiting: (&'static str, &'static str),
    /// Called.
    pub your_turn: (&'static str, &'static str),
    /// Called, but full just now.
    pub next: (&'static str, &'static str),
    /// Called by rounds.
    pub drawing: (&'static str, &'static str),
    /// Before an event, with a place.
    pub prequeue: (&'static str, &'static str),
    /// Before an event whose places are drawn.
    pub prequeue_drawn: (&'static str, &'static str),
    /// Nobody new is let in, and there is no line.
    pub closed: (&'static str, &'static str),
    /// Everybody is held.
    pub held: (&'static str, &'static str),
    /// The room cannot be reached.
    pub reconnecting: (&'static str, &'static str),
    /// The room cannot be reached by a newcomer.
    pub unavailable: (&'static str, &'static str),
    /// No cookies.
    pub cookies_blocked: (&'static str, &'static str),
    /// A form was not delivered.
    pub form_held: (&'static str, &'static str),
    /// Left.
    pub left: (&'static str, &'static str),
    /// Used.
    pub ticket_used: (&'static str, &'static str),
    /// Label of the place.
    pub place: &'static str,
    /// Label of the people ahead.
    pub ahead: &'static str,
    /// Label of the wait.
    pub wait: &'static str,
    /// Label of the people who wait, where there is no order among them.
    pub here: &'static str,
    /// Label of the time until an event starts.
    pub starts_in: &'static str,
    /// The page has recomputed the place from the draw.
    pub verified: &'static str,
    /// It has, and came to another.
    pub unverified: &'static str,
    /// People ahead, by plural category.
    pub people: fn(Plural) -> &'static str,
    /// Minutes, by plural category.
    pub minutes: fn(Plural) -> &'static str,
    /// Hours, by plural category.
    pub hours: fn(Plural) -> &'static str,
    /// A wait between two.
    pub range: &'static str,
    /// A wait up to one.
    pub under: &'static str,
    /// A wait nobody can tell.
    pub unknown_wait: &'static str,
    /// Label of the bar.
    pub progress: &'static str,
    /// Label of the time of the last check.
    pub checked: &'static str,
    /// The visitor's own network is gone.
    pub offline: &'static str,
    /// The button that gives the place up.
    pub leave: &'static str,
    /// What that means.
    pub leave_sure: &'static str,
    /// Yes, leave.
    pub leave_yes: &'static str,
    /// No, stay.
    pub leave_no: &'static str,
    /// The link to the wanted address.
    pub again: &'static str,
    /// The link home.
    pub home: &'static str,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 5] =
        [Language::English, Language::Malay, Language::Chinese, Language::Tamil, Language::Arabic];

    /// Its words.
    pub fn texts(self) -> &'static Texts {
        match self {
            Language::English => &en::TEXTS,
            Language::Malay => &ms::TEXTS,
            Language::Chinese => &zh::TEXTS,
            Language::Tamil => &ta::TEXTS,
            Language::Arabic => &ar::TEXTS,
        }
    }

    /// Its tag, as in `lang` and `Content-Language`.
    pub fn tag(self) -> &'static str {
        self.texts().tag
    }

    fn of_tag(tag: &str) -> Option<Language> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Language::ALL.into_iter().find(|language| {
            language.tag().split('-').next().unwrap_or_default().eq_ignore_ascii_case(primary)
        })
    }

    /// The plural category of a whole number: CLDR's rules for these five.
    pub fn plural(self, number: u64) -> Plural {
        match self {
            Language::Arabic => match (number, number % 100) {
                (0, _) => Plural::Zero,
                (1, _) => Plural::One,
                (2, _) => Plural::Two,
                (_, 3..=10) => Plural::Few,
                (_, 11..=99) => Plural::Many,
                _ => Plural::Other,
            },
            Language::English | Language::Tamil if number == 1 => Plural::One,
            _ => Plural::Other,
        }
    }

    /// How many people.
    pub fn people(self, number: u64) -> String {
        (self.texts().people)(self.plural(number)).replace("{n}", &grouped(number))
    }

    /// An expected wait.
    pub fn wait(self, wait: Option<WaitRange>) -> String {
        let texts = self.texts();
        let Some(WaitRange { from_seconds, to_seconds }) = wait else {
            return texts.unknown_wait.to_owned();
        };
        let range = |from: &str, to: &str| texts.range.replace("{a}", from).replace("{b}", to);
        let (from, to) = (from_seconds / 60, to_seconds.div_ceil(60).max(1));
        // People think in minutes up to an hour and a half, and in hours from there on.
        match (from, to) {
            (0, _) => texts.under.replace("{b}", &self.duration(to)),
            (_, ..=90) => range(&grouped(from), &self.duration(to.max(from + 1))),
            (..60, _) => range(&self.duration(from), &self.hours(to.div_ceil(60))),
            _ => range(&grouped(from / 60), &self.hours(to.div_ceil(60).max(from / 60 + 1))),
        }
    }

    /// A time that is known.
    pub fn time(self, time: Millis) -> String {
        let minutes = time.0.div_ceil(60_000).max(1);
        if minutes <= 90 { self.duration(minutes) } else { self.hours(minutes.div_ceil(60)) }
    }

    fn duration(self, minutes: u64) -> String {
        (self.texts().minutes)(self.plural(minutes)).replace("{n}", &grouped(minutes))
    }

    fn hours(self, hours: u64) -> String {
        (self.texts().hours)(self.plural(hours)).replace("{n}", &grouped(hours))
    }
}

/// The language to speak: the first of ours in the order of the visitor's weights.
pub fn choose(accept_language: &str, default: &str) -> Language {
    let mut best: Option<(u32, Language)> = None;
    for range in accept_language.split(',').take(32) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let thousandths = weight.trim().strip_prefix("q=").map_or(0, thousandths);
        let Some(language) = Language::of_tag(tag).filter(|_| thousandths > 0) else {
            continue;
        };
        if best.is_none_or(|(weight, _)| weight < thousandths) {
            best = Some((thousandths, language));
        }
    }
    best.map(|(_, language)| language).or_else(|| Language::of_tag(default)).unwrap_or(Language::English)
}

/// A weight as RFC 9110 writes it, 12.4.2: `0` or `1` and at most three decimals. Anything else is no weight.
fn thousandths(weight: &str) -> u32 {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" => 1_000,
        "0" if digits && decimals.len() <= 3 => format!("{decimals:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// A number in groups of three: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visitors_weights_decide_and_then_the_room() {
        assert_eq!(choose("de, ta;q=0.4, ms-MY;q=0.9", "en-US"), Language::Malay);
        assert_eq!(choose("zh-Hant-TW", "en-US"), Language::Chinese);
        assert_eq!(choose("AR", "en-US"), Language::Arabic);
        assert_eq!(choose("de, fr", "ta-IN"), Language::Tamil);
        assert_eq!(choose("ms;q=0, de", "xx"), Language::English);
        assert_eq!(choose(";;;q=,,\u{0}", ""), Language::English);
        let weights = ["1", "1.000", "0", "0.5", "0.05", "0.123", "0.1234", "0.x", "2", ""].map(thousandths);
        assert_eq!(weights, [1_000, 1_000, 0, 500, 50, 123, 0, 0, 0, 0]);
    }

    #[test]
    fn plurals_are_those_of_cldr() {
        let arabic: Vec<_> =
            [0, 1, 2, 3, 10, 11, 99, 100, 102, 103, 111].map(|number| Language::Arabic.plural(number)).into();
        use Plural::{Few, Many, One, Other, Two, Zero};
        assert_eq!(arabic, [Zero, One, Two, Few, Few, Many, Many, Other, Other, Few, Many]);
        assert_eq!((Language::English.plural(1), Language::English.plural(0)), (One, Other));
        assert_eq!((Language::Malay.plural(1), Language::Tamil.plural(1)), (Other, One));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_wait_is_a_range_in_words() {
        let wait =
            |from_seconds, to_seconds| Language::English.wait(Some(WaitRange { from_seconds, to_seconds }));
        assert_eq!(wait(5, 31), "under 1 minute");
        assert_eq!(wait(61, 301), "1 to 6 minutes");
        assert_eq!(wait(240, 240), "4 to 5 minutes");
        assert_eq!(wait(2_700, 5_401), "45 minutes to 2 hours");
        assert_eq!(wait(3_600, 5_400), "60 to 90 minutes");
        assert_eq!(wait(8_000, 15_000), "2 to 5 hours");
        assert_eq!(wait(7_200, 7_200), "2 to 3 hours");
        assert_eq!(Language::English.wait(None), "cannot be said yet");
    }

    #[test]
    fn every_language_fills_every_number_in() {
        for language in Language::ALL {
            for number in [0, 1, 2, 3, 11, 100, 12_345] {
                for text in [language.people(number), language.duration(number), language.hours(number)] {
                    assert!(!text.contains('{'), "{text}");
                }
            }
            let wait = language.wait(Some(WaitRange { from_seconds: 600, to_seconds: 1_200 }));
            assert!(wait.contains("10") && wait.contains("20") && !wait.contains('{'), "{wait}");
        }
    }
}
