//! Every state in which the waiting page stays, in every language, as the Wasm says it: written into `target/pages`, where the
//! browser's tests fill them as the Worker does, and look at them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anteroom::page::{content_security_policy, page};
use anteroom::standing::{Notice, Standing, WaitRange};
use anteroom::text::Language;
use durable::json;
use durable::settings::Settings;
use durable::units::{Millis, Place};

/// Names what may run on the page; the browser's tests send the policy that goes with it.
const NONCE: &str = "00112233445566778899aabb";
/// As long as a message may be, in letters of three bytes.
const MESSAGE_CHARACTERS: usize = 330;

fn states() -> Vec<Standing> {
    let place = Place(1_203);
    let wait = Some(WaitRange { from_seconds: 240, to_seconds: 420 });
    vec![
        Standing::Joining,
        Standing::JoiningLater { trying: Millis(0) },
        Standing::Waiting { place, people_ahead: 312, wait, waited: Millis(330_000) },
        Standing::YourTurn { place },
        Standing::Next { place },
        Standing::Drawing { people: 312, next_in: Millis(20_000), wait, waited: Millis(330_000) },
        Standing::Prequeue { place: None, people: 312, starts_in: Millis(700_000) },
        Standing::Crowded,
        Standing::Closed,
        Standing::Held { place: Some(place), people_ahead: 312 },
        Standing::Reconnecting,
        Standing::Unavailable,
        Standing::CookiesBlocked,
        Standing::FormHeld,
        Standing::Left,
        Standing::TicketUsed,
    ]
}

/// A room as most are, and one that uses up all it may.
fn rooms() -> BTreeMap<&'static str, Settings> {
    let room = |page: durable::json::Value| {
        let room = json!({ "name": "a", "host": "a.example", "total_active_users": 1, "new_users_per_minute": 1, "page": page });
        Settings::parse(&room).unwrap()
    };
    let plain =
        json!({ "title": "Town clinic", "message": "Vaccines for everybody over 60.", "home_url": "/about" });
    let message: String = "உங்கள் அட்டையைக் கொண்டு வாருங்கள், ".chars().cycle().take(MESSAGE_CHARACTERS).collect();
    let full = json!({
        "title": "عيادة المدينة", "message": message, "home_url": "/about",
        "color_background": "#ffe14d", "color_accent": "#003366",
    });
    BTreeMap::from([("plain", room(plain)), ("full", room(full))])
}

#[test]
fn every_state_in_every_language_is_written_for_the_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    fs::create_dir_all(&folder).unwrap();
    for (kind, settings) in rooms() {
        // The full room shows how far words may go: one state is enough.
        let shown = |state: &Standing| kind == "plain" || matches!(state, Standing::Waiting { .. });
        let states = states().into_iter().filter(shown);
        for (standing, language) in states.flat_map(|state| Language::ALL.map(|language| (state, language))) {
            let page = page(&Notice {
                standing,
                board: None,
                room: "0123456789abcdef0123456789abcdef",
                settings: &settings,
                language,
                target: "/sale?a=1",
                door: "/sale?a=1",
                wait_path: "/.anteroom/wait",
                leave_path: "/.anteroom/leave",
                draw_path: "/.anteroom/draw",
                rank: None,
                // The browser's tests look at a page in peace: it does not ask meanwhile.
                poll_after: Millis(600_000),
                hidden_poll_after: Millis(600_000),
                now: Millis(1_795_456_800_000),
                nonce: NONCE,
            });
            assert!(!page.contains("{n}"), "{kind} {standing:?} {language:?}");
            let state = if standing.is_overloaded() { "overloaded" } else { standing.name() };
            let name = format!("{kind}.{state}.{}.json", language.tag());
            fs::write(folder.join(name), page).unwrap();
        }
    }
    fs::write(folder.join("content-security-policy"), content_security_policy(NONCE, "", &[])).unwrap();
}
