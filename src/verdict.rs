//! What the gate says to `entry.mjs`: one text, whose first character tells what it is. The gate never waits for anything; what has
//! to be asked of an object, the entry asks, and comes back with the reply. So no request hangs in Wasm's memory, and a
//! panic takes along nobody but who provoked it.
//!
//! | text | meaning |
//! |---|---|
//! | nothing | to the origin |
//! | `+` and a line | to the origin, and this header line goes with its answer |
//! | `-` | to the origin, whose answer may bring a command: [`Edge::revoke`](crate::edge::Edge::revoke); behind it perhaps how it is looked at ([`Isolate::watch`](crate::isolate::Isolate::watch)) |
//! | `~` and an errand | to the origin at once; what is told of the errand's reply may be such a line |
//! | `?` and an errand | run it; what is told of its reply is the verdict |
//! | `@` and an errand | run it, learn from it, ask the gate again |
//! | `*` | the operator's host |
//! | `#` | ask again with all the headers |
//! | `#` and names, one a line | the same, and behind them a line for each of these: a header, or behind a colon what the platform says of the request |
//! | `!` | the static page: nothing else can be said |
//! | a digit | an answer of ours: see [`crate::answer`] |
//! | `=` and an answer | such an answer, but for its body: that names a page and what stands in its places, and `pages.mjs` fills it |

use durable::codec::hex;
use durable::errand::Errand;
use durable::lobby::LEAVES;
use durable::protocol::{Ask, Wish};
use durable::wire::{from_text, to_text};

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To the origin.
    Origin,
    /// To the origin, whose answer may bring a command; and how it is looked at, if it is.
    OriginHeard(Option<String>),
    /// To the origin, and this header line goes with its answer.
    OriginWith(String),
    /// An errand, which itself says what becomes of its reply.
    Errand(String),
    /// The operator's host.
    Operator,
    /// Few headers are not enough.
    AllHeaders,
    /// Nor are all those that every request is looked at by: these are needed too, a name a line.
    MoreHeaders(String),
    /// The static page.
    Apology,
    /// An answer of ours.
    Answer(String),
    /// An answer of ours whose body is a page, yet to be filled.
    Page(String),
}

impl Verdict {
    /// As `entry.mjs` reads it.
    pub fn into_text(self) -> Option<String> {
        Some(match self {
            Verdict::Origin => return None,
            Verdict::OriginHeard(watch) => format!("-{}", watch.unwrap_or_default()),
            Verdict::OriginWith(line) => format!("+{line}"),
            Verdict::Errand(errand) => errand,
            Verdict::Operator => "*".to_owned(),
            Verdict::AllHeaders => "#".to_owned(),
            Verdict::MoreHeaders(names) => format!("#{names}"),
            Verdict::Apology => "!".to_owned(),
            Verdict::Answer(answer) => answer,
            Verdict::Page(answer) => format!("={answer}"),
        })
    }
}

/// For the directory's document.
pub fn errand_for_rooms() -> String {
    Errand { binding: "DIRECTORY", name: "directory", action: "document", payload: "" }.text('@')
}

/// For a leaf of a room: one visitor's wish, or the edge's own for a newer board; `kind` is how the verdict begins. Which leaf, `by` tells: all of a
/// neighbourhood ask the same. In which region, the host knows (`region.mjs`).
pub fn errand_to_leaf(kind: char, room: &str, by: [u8; 4], ask: &Ask) -> String {
    let (name, payload) = (leaf_of(room, by), to_text(ask));
    Errand { binding: "LOBBY", name: &name, action: "ask", payload: &payload }.text(kind)
}

/// A leaf's name, but for its region.
pub fn leaf_of(room: &str, by: [u8; 4]) -> String {
    format!("{room}/{}", u32::from_le_bytes(by) % LEAVES)
}

/// The same in somebody's name, on a line behind it: of one name no more calls are made than the deployment allows (`leaves.mjs`).
pub fn in_the_name_of(mut errand: String, holder: &[u8]) -> String {
    errand.push('\n');
    errand.push_str(&hex(holder));
    errand
}

/// The same for who looks first whether somebody else in this data center has been told: where that would lie, on two lines behind it, for it is in nobody's
/// name (`shared.mjs`).
pub fn shared_at(mut errand: String, place: &str) -> String {
    errand.push_str("\n\n");
    errand.push_str(place);
    errand
}

/// Where that would lie; none if nobody is to look.
pub fn place(errand: &str) -> Option<&str> {
    errand.split('\n').nth(6)
}

/// What an errand was for, read back from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// The directory's document.
    Rooms,
    /// A wish, or a newer board, of this room.
    Wish(&'a str, Wish),
}

/// Reads an errand's text; none if it is not ours.
pub fn purpose(errand: &str) -> Option<Purpose<'_>> {
    let Errand { binding, name, payload, .. } = Errand::parse(errand)?;
    if binding == "DIRECTORY" {
        return Some(Purpose::Rooms);
    }
    let Ask { wish, .. } = from_text(payload.as_bytes())?;
    Some(Purpose::Wish(name.split('/').next()?, wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_errand_comes_back_as_what_it_was_sent_for() {
        let wish = Wish::Claim { epoch: 1, rank: 7 };
        let ask = Ask {
            wish,
            board_sequence: 2,
            board_at_ms: 3,
            board_max_age_ms: 9,
            revoked_seq: 4,
            neighbourhood: None,
        };
        let text = errand_to_leaf('?', "ab12", [LEAVES as u8 + 1, 0, 0, 0], &ask);
        assert_eq!(text.lines().take(4).collect::<Vec<_>>(), ["?", "LOBBY", "ab12/1", "ask"]);
        assert_eq!(purpose(&text), Some(Purpose::Wish("ab12", wish)));
        let named = in_the_name_of(text, &[0xab, 1]);
        assert_eq!(
            (purpose(&named), named.lines().nth(5)),
            (Some(Purpose::Wish("ab12", wish)), Some("ab01"))
        );
        assert_eq!(place(&named), None);
        let shared = shared_at(errand_for_rooms(), "https://a.example/b/c");
        assert_eq!((purpose(&shared), place(&shared)), (Some(Purpose::Rooms), Some("https://a.example/b/c")));
        assert_eq!((purpose(""), purpose("?\nLOBBY\nx\nask\n{}")), (None, None));
    }

    #[test]
    fn every_verdict_has_a_text_of_its_own_and_the_origin_none() {
        let page = Verdict::Page("200\n".into());
        let more = Verdict::MoreHeaders("cookie\n:country".into());
        let verdicts = [
            Verdict::OriginWith("a=b".into()),
            Verdict::Operator,
            Verdict::Apology,
            page,
            Verdict::AllHeaders,
            more,
        ];
        let texts = verdicts.map(|verdict| verdict.into_text().unwrap());
        assert_eq!(texts, ["+a=b", "*", "!", "=200\n", "#", "#cookie\n:country"]);
        assert_eq!(Verdict::Errand("?\n".into()).into_text(), Some("?\n".into()));
        assert_eq!(Verdict::Origin.into_text(), None);
    }
}
