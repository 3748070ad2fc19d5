//! CORS: which scripts of other hosts may read what we answer, and what their preflights are answered. That is for the room's `allowed_origins`
//! to say; what the origin answers is the origin's own to open.
//!
//! A preflight brings no cookie, so nobody can know who it is for: while the room is on, the edge answers all of those it allows, busy or not, and none
//! of them reaches the origin or takes a seat. What they ask for is allowed; the request itself is judged when it comes.

use durable::settings::Settings;

use crate::answer;
use crate::verdict::Verdict;
use crate::visit::Headers;

/// For so long a browser need not ask again what it may ask for.
const PREFLIGHT_SECONDS: &str = "600";

/// Whether the script that asks may read what it is answered.
pub fn is_allowed(headers: &Headers<'_>, settings: &Settings) -> bool {
    !headers.origin.is_empty() && settings.allows_origin(headers.origin)
}

/// The answer to a preflight, if this is one and the room allows its origin.
pub fn preflight(headers: &Headers<'_>, settings: &Settings) -> Option<Verdict> {
    let asks = headers.method == "OPTIONS" && !headers.request_method.is_empty();
    if !asks || !is_allowed(headers, settings) {
        return None;
    }
    Some(Verdict::Answer(answer::preflight(headers, PREFLIGHT_SECONDS)))
}

/// An answer of ours, opened to the script that asks if the room allows its origin. Pages are for people, and stay as they are.
pub fn opened(verdict: Verdict, headers: &Headers<'_>, settings: &Settings) -> Verdict {
    match verdict {
        Verdict::Answer(answer) if is_allowed(headers, settings) => {
            Verdict::Answer(answer::opened_to(headers.origin, &answer))
        }
        verdict => verdict,
    }
}
