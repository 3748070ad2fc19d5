//! The waiting page: one response, nothing else to fetch. The words come from [`crate::text`]. What is said here is what stands in the places
//! of `web/waiting.html`, written `{{name}}`: HTML, with everything foreign through [`escaped`]. `pages.mjs` has the text around it, and
//! `style` and `script`.

use durable::date::iso8601;
use durable::page_settings::contrast_with_white;
use durable::pieces::joined;
use durable::wire::{Fields, Said, to_text};

use crate::address::marked;
use crate::standing::{Notice, Standing};
use crate::text::{Texts, grouped};

/// The page's card in dark mode: `--card` in `web/waiting.css`.
const DARK_CARD: &str = "#1a222b";

/// The finished words of a page, place by place.
pub(crate) struct Words {
    heading: &'static str,
    next: &'static str,
    place: String,
    ahead: String,
    wait: String,
    ahead_label: &'static str,
    wait_label: &'static str,
    title: String,
    /// What a screen reader says now and then while nothing but the numbers has changed.
    spoken: String,
    /// Of a thousand; none while there is nothing to show.
    progress: Option<u64>,
}

impl Said for Words {
    /// For the page's script.
    fn say(&self, out: &mut String) {
        let Words { heading, next, place, ahead, wait, ahead_label, wait_label, title, spoken, progress } =
            self;
        let fields = Fields(&[
            ("heading", heading),
            ("next", next),
            ("place", place),
            ("ahead", ahead),
            ("wait", wait),
            ("aheadLabel", ahead_label),
            ("waitLabel", wait_label),
            ("title", title),
            ("spoken", spoken),
            ("progress", progress),
        ]);
        fields.say(out);
    }
}

/// What a page may do: run what carries the nonce, show inline pictures, ask its own host, and the board's mirror if there is one; and who may frame it,
/// beside its own host.
pub fn content_security_policy(nonce: &str, mirror: &str, framed_by: &[String]) -> String {
    let framed_by = joined(&mut framed_by.iter().map(String::as_str), " ");
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; \
         connect-src 'self' {mirror}; form-action 'self'; base-uri 'none'; frame-ancestors 'self' {framed_by}"
    )
}

/// The words for a notice.
pub(crate) fn words(notice: &Notice<'_>) -> Words {
    let Notice { standing, language, .. } = notice;
    let texts = language.texts();
    let (heading, next) = heading(standing, texts);
    let (ahead_label, people) = match standing {
        Standing::Drawing { people, .. } | Standing::Prequeue { people, .. } => (&texts.here, Some(*people)),
        _ => (&texts.ahead, standing.people_ahead()),
    };
    let ahead = people.map(|people| language.people(people)).unwrap_or_default();
    let room = room_title(notice);
    let title = if ahead.is_empty() {
        format!("{heading} · {room}")
    } else {
        format!("{ahead_label}: {ahead} · {room}")
    };
    let spoken = if ahead.is_empty() { String::new() } else { format!("{ahead_label}: {ahead}.") };
    let (wait_label, wait) = match standing {
        Standing::Waiting { wait, .. } | Standing::Drawing { wait, .. } => {
            (&texts.wait, language.wait(*wait))
        }
        Standing::Prequeue { starts_in, .. } => (&texts.starts_in, language.time(*starts_in)),
        _ => (&texts.wait, String::new()),
    };
    Words {
        heading,
        next,
        spoken,
        // People count from one.
        place: standing.place().map(|place| grouped(place.0 + 1)).unwrap_or_default(),
        ahead,
        wait,
        ahead_label,
        wait_label,
        title,
        progress: progress(standing),
    }
}

/// How much of the way is behind: the time waited, of that and the middle of what is expected.
fn progress(standing: &Standing) -> Option<u64> {
    match standing {
        Standing::Waiting { wait: Some(wait), waited, .. }
        | Standing::Drawing { wait: Some(wait), waited, .. } => {
            let expected_ms = (wait.from_seconds + wait.to_seconds) * 500;
            Some(waited.0 * 1_000 / (waited.0 + expected_ms).max(1))
        }
        Standing::YourTurn { .. } | Standing::Next { .. } | Standing::Admitted => Some(1_000),
        _ => None,
    }
}

fn heading<'a>(standing: &Standing, texts: &'a Texts) -> &'a (String, String) {
    match standing {
        Standing::Joining => &texts.joining,
        Standing::JoiningLater { .. } => &texts.joining_later,
        Standing::Waiting { .. } => &texts.waiting,
        Standing::YourTurn { .. } | Standing::Admitted => &texts.your_turn,
        Standing::Next { .. } => &texts.next,
        Standing::Drawing { .. } => &texts.drawing,
        Standing::Prequeue { place: Some(_), .. } => &texts.prequeue,
        Standing::Prequeue { place: None, .. } => &texts.prequeue_drawn,
        Standing::Crowded => &texts.crowded,
        Standing::Closed => &texts.closed,
        Standing::Held { .. } => &texts.held,
        Standing::Reconnecting => &texts.reconnecting,
        Standing::Unavailable => &texts.unavailable,
        Standing::CookiesBlocked => &texts.cookies_blocked,
        Standing::FormHeld => &texts.form_held,
        Standing::Left => &texts.left,
        Standing::TicketUsed => &texts.ticket_used,
    }
}

fn room_title<'a>(notice: &Notice<'a>) -> &'a str {
    let settings = notice.settings;
    if settings.page.title.is_empty() { &settings.route.host } else { &settings.page.title }
}

/// What the page is made of, for [`Verdict::Page`](crate::verdict::Verdict::Page).
pub fn page(notice: &Notice<'_>) -> String {
    let Notice { standing, settings, language, target, door, .. } = notice;
    let (texts, words, page) = (language.texts(), words(notice), &settings.page);
    let seconds = notice.poll_after.secs_ceil();
    let logo = match page.logo.as_str() {
        "" => String::new(),
        logo => format!("<img class=\"logo\" src=\"{}\" alt=\"\">", escaped(logo)),
    };
    let message = match page.message.as_str() {
        "" => String::new(),
        message => format!("<p class=\"message\" dir=\"auto\">{}</p>", escaped(message)),
    };
    // First contact comes back with a mark: without script, the only way to learn that no cookie came along.
    let joins = matches!(standing, Standing::Joining | Standing::JoiningLater { .. });
    let back = if joins { marked(door) } else { (*door).to_owned() };
    let refresh = if standing.comes_back() {
        format!(
            "<noscript><meta http-equiv=\"refresh\" content=\"{seconds}; url={}\"></noscript>",
            escaped(&back)
        )
    } else {
        String::new()
    };
    let hidden = |show: bool| if show { "" } else { " hidden" };
    let (has_facts, has_place) = (!words.ahead.is_empty(), standing.place().is_some());
    let over = !standing.comes_back();
    let progress = match words.progress {
        Some(value) => format!(
            "<progress id=\"progress\" max=\"1000\" value=\"{value}\" aria-label=\"{}\"></progress>",
            texts.progress
        ),
        None => format!(
            "<progress id=\"progress\" max=\"1000\" aria-label=\"{}\"{}></progress>",
            texts.progress,
            hidden(!over && !matches!(standing, Standing::Held { .. } | Standing::Prequeue { .. }))
        ),
    };
    to_text(&Fields(&[
        ("page", &"waiting"),
        ("lang", &language.tag()),
        ("dir", &language.direction()),
        ("nonce", &notice.nonce),
        ("refresh", &refresh),
        ("title", &escaped(&words.title)),
        ("colors", &colors(&page.color_background, &page.color_accent)),
        ("state", &standing.name()),
        ("overloaded", &standing.is_overloaded()),
        ("target", &escaped(target)),
        ("door", &escaped(door)),
        ("wait_path", &escaped(notice.wait_path)),
        ("draw_path", &escaped(notice.draw_path)),
        ("poll_after_ms", &notice.poll_after.0),
        ("logo", &logo),
        ("room", &escaped(room_title(notice))),
        ("waiting_room", &texts.waiting_room),
        ("heading", &words.heading),
        ("next", &words.next),
        ("message", &message),
        ("form", &form(standing, texts)),
        ("place_label", &texts.place),
        ("place", &words.place),
        ("place_hidden", &hidden(has_place)),
        ("ahead_label", &words.ahead_label),
        ("ahead", &words.ahead),
        ("wait_hidden", &hidden(!words.wait.is_empty())),
        ("wait_label", &words.wait_label),
        ("wait", &words.wait),
        ("facts_hidden", &hidden(has_facts)),
        ("verified", &texts.verified),
        ("recomputed", &texts.recomputed),
        ("unverified", &texts.unverified),
        ("progress", &progress),
        ("checked", &checked(notice, texts)),
        ("offline", &texts.offline),
        ("leave", &leave(notice, texts, has_facts)),
        ("links", &links(notice, texts, over)),
    ]))
}

/// For a form that was not delivered: by script the page waits, and offers to send it again.
fn form(standing: &Standing, texts: &Texts) -> String {
    if *standing != Standing::FormHeld {
        return String::new();
    }
    let (ready, next) = &texts.form_ready;
    format!(
        "<section id=\"form\" hidden><p id=\"held\">{}</p><div id=\"ready\" hidden data-heading=\"{ready}\"><p>{next}</p>\
         <button type=\"button\" id=\"send\">{}</button></div></section>",
        texts.form_waits, texts.send_again,
    )
}

fn checked(notice: &Notice<'_>, texts: &Texts) -> String {
    let at = iso8601(notice.now);
    let clock = at.get(11..19).unwrap_or_default();
    format!("{}: <time id=\"checked\" datetime=\"{at}\">{clock} UTC</time>", texts.checked)
}

fn leave(notice: &Notice<'_>, texts: &Texts, is_in_line: bool) -> String {
    if !notice.standing.comes_back() && notice.standing != Standing::FormHeld {
        return String::new();
    }
    format!(
        "<form id=\"leave\" method=\"post\" action=\"{}\"{}><button class=\"quiet\">{}</button>\
         <div id=\"sure\" role=\"group\" aria-labelledby=\"sure_text\" hidden><p id=\"sure_text\">{}</p>\
         <button>{}</button> <button type=\"button\" id=\"stay\" class=\"quiet\">{}</button></div></form>",
        escaped(notice.leave_path),
        if is_in_line { "" } else { " hidden" },
        texts.leave,
        texts.leave_sure,
        texts.leave_yes,
        texts.leave_no,
    )
}

fn links(notice: &Notice<'_>, texts: &Texts, over: bool) -> String {
    let mut links = String::new();
    if over {
        links.push_str(&format!("<a class=\"again\" href=\"{}\">{}</a>", escaped(notice.door), texts.again));
    }
    let home = &notice.settings.page.home_url;
    if !home.is_empty() {
        links.push_str(&format!("<a href=\"{}\">{}</a>", escaped(home), texts.home));
    }
    links
}

/// The room's own colours. Text on the accent is black or white, whichever can be read (WCAG 2.2, 1.4.3). They are chosen for
/// a light page: a dark one keeps its background, and an accent has its place where it stands out from the card
/// at 3 to 1 (1.4.11).
fn colors(background: &str, accent: &str) -> String {
    let mut style = String::new();
    if contrast_with_white(background).is_some() {
        style.push_str(&format!("@media(prefers-color-scheme:light){{:root{{--around:{background}}}}}"));
    }
    let (Some(with_white), Some(dark)) = (contrast_with_white(accent), contrast_with_white(DARK_CARD)) else {
        return style;
    };
    let on_accent = if with_white >= 4.5 { "#fff" } else { "#000" };
    let colors = format!("{{:root{{--accent:{accent};--on-accent:{on_accent}}}}}");
    if with_white >= 3.0 {
        style.push_str(&format!("@media(prefers-color-scheme:light){colors}"));
    }
    if dark / with_white >= 3.0 {
        style.push_str(&format!("@media(prefers-color-scheme:dark){colors}"));
    }
    style
}

/// Text that stays text, in an element and in a quoted attribute.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    use crate::standing::WaitRange;
    use crate::text::Language;
    use durable::json;
    use durable::settings::Settings;
    use durable::units::{Millis, Place};

    pub(crate) fn settings() -> Settings {
        Settings::parse(&json!({
            "name": "sale", "host": "shop.example", "total_active_users": 1, "new_users_per_minute": 1,
            "page": { "title": "A <b>clinic</b>", "message": "Bring \"papers\" & patience", "home_url": "/home" },
        }))
        .unwrap()
    }

    pub(crate) fn with_notice<T>(
        settings: &Settings,
        standing: Standing,
        target: &str,
        use_it: impl Fn(&Notice<'_>) -> T,
    ) -> T {
        use_it(&Notice {
            standing,
            board: None,
            room: "0123456789abcdef0123456789abcdef",
            settings,
            language: Language::English,
            target,
            door: target,
            wait_path: "/.anteroom/wait",
            leave_path: "/.anteroom/leave",
            draw_path: "/.anteroom/draw",
            rank: None,
            poll_after: Millis(4_200),
            hidden_poll_after: Millis(8_400),
            now: Millis(1_000_000_000),
            nonce: "abc",
        })
    }

    fn waiting() -> Standing {
        Standing::Waiting {
            place: Place(1_203),
            people_ahead: 312,
            wait: Some(WaitRange { from_seconds: 240, to_seconds: 420 }),
            waited: Millis(330_000),
        }
    }

    const PAGE: &str = include_str!("web/waiting.html");
    const STYLE: &str = include_str!("web/waiting.css");
    const SCRIPT: &str = include_str!("web/waiting.js");

    /// What `pages.mjs` makes of what is said; and every place has something said for it, and the other way round.
    fn filled(said: &str) -> String {
        let mut said: BTreeMap<String, serde_json::Value> = serde_json::from_str(said).unwrap();
        said.extend([("style".into(), STYLE.into()), ("script".into(), SCRIPT.into())]);
        let mut places = BTreeSet::from(["page"]);
        let mut page = String::new();
        for (index, part) in PAGE.split("{{").enumerate() {
            let (place, text) = if index > 0 { part.split_once("}}").unwrap() } else { ("", part) };
            if index > 0 {
                places.insert(place);
                let value = &said[place];
                page.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
            page.push_str(text);
        }
        assert!(said.keys().map(String::as_str).eq(places));
        page
    }

    fn page(standing: Standing) -> String {
        with_notice(&settings(), standing, "/sale?a=1&b=\"><script>", |notice| filled(&super::page(notice)))
    }

    #[test]
    fn everything_foreign_is_escaped() {
        let page = page(waiting());
        assert!(page.contains("A &lt;b&gt;clinic&lt;/b&gt;"));
        assert!(page.contains("Bring &quot;papers&quot; &amp; patience"));
        assert!(page.contains("/sale?a=1&amp;b=&quot;&gt;&lt;script&gt;"));
        assert!(!page.contains("\"><script>"));
    }

    #[test]
    fn place_people_wait_and_progress_are_told() {
        let page = page(waiting());
        for words in ["1,204", "312 people", "4 to 7 minutes", "value=\"500\"", "13:46:40 UTC"] {
            assert!(page.contains(words), "{words}");
        }
        assert!(page.contains("content=\"5; url=/sale?"));
    }

    #[test]
    fn what_is_over_does_not_come_back_and_says_how_to_begin_again() {
        for standing in [Standing::CookiesBlocked, Standing::FormHeld, Standing::Left, Standing::TicketUsed] {
            let page = page(standing);
            assert!(!page.contains("http-equiv"), "{standing:?}");
            assert!(page.contains("class=\"again\""), "{standing:?}");
            assert_eq!(page.contains("id=\"leave\""), standing == Standing::FormHeld, "{standing:?}");
        }
    }

    #[test]
    fn a_bar_stands_still_by_not_being_there_while_everybody_is_held() {
        let hidden = |standing| page(standing).contains("aria-label=\"Your way through the line\" hidden");
        assert!(hidden(Standing::Held { place: Some(Place(3)), people_ahead: 2 }) && hidden(Standing::Left));
        assert!(!hidden(Standing::Joining));
    }

    #[test]
    fn first_contact_comes_back_with_the_mark() {
        assert!(
            with_notice(&settings(), Standing::Joining, "/x", super::page)
                .contains("url=/x?anteroom-cookie=1")
        );
    }

    #[test]
    fn nothing_runs_that_does_not_carry_the_nonce() {
        let page = page(waiting());
        assert_eq!(page.matches("<script").count(), page.matches("<script nonce=\"abc\"").count());
        assert_eq!(page.matches("<style").count(), page.matches("<style nonce=\"abc\"").count());
        assert!(!page.contains(" style=") && !page.contains(" onclick="));
        assert!(
            content_security_policy("abc", "", &[]).contains("default-src 'none'; script-src 'nonce-abc'")
        );
    }

    #[test]
    fn text_on_a_rooms_colour_can_be_read() {
        assert!(
            colors("", "#c05000").contains("--on-accent:#fff")
                && colors("", "#e07000").contains("--on-accent:#000")
        );
        assert_eq!(colors("", ""), "");
    }

    #[test]
    fn a_rooms_colours_stand_out_or_are_left_out() {
        let (light, dark) = ("prefers-color-scheme:light", "prefers-color-scheme:dark");
        let has = |accent, scheme| colors("", accent).contains(scheme);
        assert!(has("#003366", light) && !has("#003366", dark), "dark blue is lost on a dark card");
        assert!(!has("#ffee00", light) && has("#ffee00", dark), "yellow is lost on a white card");
        assert!(has("#0b8f66", light) && has("#0b8f66", dark));
        assert!(!colors("#ffe14d", "").contains(dark), "a dark page keeps its own background");
        assert!(STYLE.contains(&format!("--card: {DARK_CARD}")));
    }
}
