//! The words of our pages: those of each language are a file of its own, `web/words.….json`, its plural forms included.
//!
//! Chosen by `Accept-Language` (RFC 9110, 12.5.4, weights included), then by the room's
//! `default_template_language`, then English. All sentences with numbers are built here, so that the page's script only
//! puts finished words in their places.

use std::sync::OnceLock;

use durable::json::{Value, parse};
use durable::pieces::replaced;
use durable::units::Millis;
use durable::wire::Said;

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

/// What says the same in each of CLDR's plural categories.
#[derive(Debug, PartialEq, Eq)]
pub struct Forms([String; 6]);

/// What stands in a file of words.
trait Words {
    /// Reads it. Of what is not there nothing is shown; a test holds that everything is.
    fn read(file: &Value) -> Self;
}

impl Words for String {
    fn read(file: &Value) -> String {
        file.as_str().unwrap_or_default().to_owned()
    }
}

impl Words for (String, String) {
    fn read(file: &Value) -> (String, String) {
        (String::read(&file[0]), String::read(&file[1]))
    }
}

impl Said for Forms {
    /// In the order of [`Plural`].
    fn say(&self, out: &mut String) {
        self.0.as_slice().say(out);
    }
}

impl Words for Forms {
    /// A category that is not named is as `other`.
    fn read(file: &Value) -> Forms {
        let names = ["zero", "one", "two", "few", "many", "other"];
        Forms(names.map(|name| String::read(file.get(name).unwrap_or(&file["other"]))))
    }
}

/// Fields of the same name as in the files.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)+) => {
        /// One language's words. `{n}`, `{a}` and `{b}` are numbers or durations.
        #[derive(Debug, PartialEq, Eq)]
        pub struct Texts {
            $($(#[$doc])* pub $name: $kind,)+
        }

        impl Words for Texts {
            fn read(file: &Value) -> Texts {
                Texts { $($name: Words::read(&file[stringify!($name)]),)+ }
            }
        }

        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name)),+];
    };
}

texts! {
    /// The kind of page, behind the room's title.
    waiting_room: String,
    /// For each standing: the heading and what happens next.
    joining: (String, String),
    /// Too many join at this moment.
    joining_later: (String, String),
    /// In line.
    waiting: (String, String),
    /// Called.
    your_turn: (String, String),
    /// Called, but full just now.
    next: (String, String),
    /// Called by rounds.
    drawing: (String, String),
    /// Before an event, with a place.
    prequeue: (String, String),
    /// Before an event whose places are drawn.
    prequeue_drawn: (String, String),
    /// Too many join from the same network.
    crowded: (String, String),
    /// Nobody new is let in, and there is no line.
    closed: (String, String),
    /// Everybody is held.
    held: (String, String),
    /// The room cannot be reached.
    reconnecting: (String, String),
    /// The room cannot be reached by a newcomer.
    unavailable: (String, String),
    /// No cookies.
    cookies_blocked: (String, String),
    /// A form was not delivered.
    form_held: (String, String),
    /// The same, while the page waits by script.
    form_waits: String,
    /// It may be sent again now.
    form_ready: (String, String),
    /// The button that does it.
    send_again: String,
    /// Left.
    left: (String, String),
    /// Used.
    ticket_used: (String, String),
    /// Label of the place.
    place: String,
    /// Label of the people ahead.
    ahead: String,
    /// Label of the wait.
    wait: String,
    /// Label of the people who wait, where there is no order among them.
    here: String,
    /// Label of the time until an event starts.
    starts_in: String,
    /// The page has recomputed the place from the draw, which is what it saw promised before the start.
    verified: String,
    /// It has recomputed the place, and saw no promise.
    recomputed: String,
    /// It came to another place, or the draw is not the one that was promised.
    unverified: String,
    /// People ahead, by plural category.
    people: Forms,
    /// Minutes, by plural category.
    minutes: Forms,
    /// Hours, by plural category.
    hours: Forms,
    /// A wait between two.
    range: String,
    /// A wait up to one.
    under: String,
    /// A wait nobody can tell.
    unknown_wait: String,
    /// Label of the bar.
    progress: String,
    /// Label of the time of the last check.
    checked: String,
    /// The visitor's own network is gone.
    offline: String,
    /// The button that gives the place up.
    leave: String,
    /// What that means.
    leave_sure: String,
    /// Yes, leave.
    leave_yes: String,
    /// No, stay.
    leave_no: String,
    /// The link to the wanted address.
    again: String,
    /// The link home.
    home: String,
}

/// They stand beside the Wasm, and a file is read when its language is first spoken.
#[cfg(target_arch = "wasm32")]
use crate::shell::words;

#[cfg(not(target_arch = "wasm32"))]
fn words(tag: &str) -> String {
    let file = match tag {
        "ms" => include_str!("web/words.ms.json"),
        "zh-Hans" => include_str!("web/words.zh-Hans.json"),
        "ta" => include_str!("web/words.ta.json"),
        "ar" => include_str!("web/words.ar.json"),
        _ => include_str!("web/words.en.json"),
    };
    file.to_owned()
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 5] =
        [Language::English, Language::Malay, Language::Chinese, Language::Tamil, Language::Arabic];

    /// Its words.
    pub fn texts(self) -> &'static Texts {
        static TEXTS: [OnceLock<Texts>; Language::ALL.len()] = [const { OnceLock::new() }; _];
        TEXTS[self as usize]
            .get_or_init(|| Texts::read(&parse(words(self.tag()).as_bytes()).unwrap_or_default()))
    }

    /// Its tag, as in `lang` and `Content-Language`: spoken by screen readers.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Malay => "ms",
            Language::Chinese => "zh-Hans",
            Language::Tamil => "ta",
            Language::Arabic => "ar",
        }
    }

    /// `ltr` or `rtl`.
    pub fn direction(self) -> &'static str {
        if self == Language::Arabic { "rtl" } else { "ltr" }
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
        self.count(&self.texts().people, number)
    }

    /// An expected wait.
    pub fn wait(self, wait: Option<WaitRange>) -> String {
        let texts = self.texts();
        let Some(WaitRange { from_seconds, to_seconds }) = wait else {
            return texts.unknown_wait.clone();
        };
        let range = |from: &str, to: &str| replaced(&replaced(&texts.range, "{a}", from), "{b}", to);
        let (from, to) = (from_seconds / 60, to_seconds.div_ceil(60).max(1));
        // People think in minutes up to an hour and a half, and in hours from there on.
        match (from, to) {
            (0, _) => replaced(&texts.under, "{b}", &self.duration(to)),
            (_, ..=90) => range(&grouped(from), &self.duration(to.max(from + 1))),
            (..60, _) => range(&self.duration(from), &self.hours(to.div_ceil(60))),
            _ => range(&grouped(from / 60), &self.hours(to.div_ceil(60).max(from / 60 + 1))),
        }
    }

    /// A time that is known.
    pub fn time(self, time: Millis) -> String {
        let minutes = time.0.div_ceil(60_000).max(1);
        if time.0 < 60_000 {
            return replaced(&self.texts().under, "{b}", &self.duration(minutes));
        }
        if minutes <= 90 { self.duration(minutes) } else { self.hours(minutes.div_ceil(60)) }
    }

    fn duration(self, minutes: u64) -> String {
        self.count(&self.texts().minutes, minutes)
    }

    fn hours(self, hours: u64) -> String {
        self.count(&self.texts().hours, hours)
    }

    fn count(self, Forms(forms): &Forms, number: u64) -> String {
        replaced(&forms[self.plural(number) as usize], "{n}", &grouped(number))
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
    fn every_language_has_all_the_words_and_no_others() {
        for language in Language::ALL {
            let file = parse(words(language.tag()).as_bytes()).unwrap();
            let mut names: Vec<_> = file.as_object().unwrap().iter().map(|(name, _)| name.as_str()).collect();
            let mut known = NAMES.to_vec();
            names.sort_unstable();
            known.sort_unstable();
            assert_eq!(names, known);
            let said = format!("{:?}", language.texts());
            assert!(!said.contains("\"\""), "{said}");
        }
        let words = ["en", "ms", "zh-Hans", "ta", "ar"];
        assert_eq!(Language::ALL.map(Language::tag), words);
        let module = include_str!("words.mjs");
        assert!(words.iter().all(|tag| module.contains(&format!("\"./web/words.{tag}.json\""))));
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
