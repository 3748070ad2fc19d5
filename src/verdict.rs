//! What the gate says to `entry.mjs`: one text, whose first character tells what it is. The gate never waits for anything; what has
//! to be asked of an object, the entry asks, and comes back with the reply. So no request hangs in Wasm's memory, and a
//! panic takes along nobody but who provoked it.
//!
//! | text | meaning |
//! |---|---|
//! | nothing | to the origin |
//! | `+` and a line | to the origin, and this `Set-Cookie` line goes with its answer |
//! | `~` and an errand | to the origin at once; what is told of the errand's reply may be such a line |
//! | `?` and an errand | run it; what is told of its reply is the verdict |
//! | `@` and an errand | run it, learn from it, ask the gate again |
//! | `*` | the operator's host |
//! | `!` | the static page: nothing else can be said |
//! | a digit | an answer of ours: see [`crate::answer`] |

use std::fmt::Write;

use durable::protocol::{Ask, Wish};
use durable::wire::{from_text, to_text};

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To the origin.
    Origin,
    /// To the origin, and this `Set-Cookie` line goes with its answer.
    OriginWith(String),
    /// To the origin at once, and a leaf is asked meanwhile.
    OriginMeanwhile(Errand),
    /// A leaf is asked: its reply decides.
    Ask(Errand),
    /// Nothing can be decided before this is learnt.
    Lacks(Errand),
    /// The operator's host.
    Operator,
    /// The static page.
    Apology,
    /// An answer of ours.
    Answer(String),
}

impl Verdict {
    /// As `entry.mjs` reads it.
    pub fn into_text(self) -> Option<String> {
        Some(match self {
            Verdict::Origin => return None,
            Verdict::OriginWith(line) => format!("+{line}"),
            Verdict::OriginMeanwhile(errand) => errand.text('~'),
            Verdict::Ask(errand) => errand.text('?'),
            Verdict::Lacks(errand) => errand.text('@'),
            Verdict::Operator => "*".to_owned(),
            Verdict::Apology => "!".to_owned(),
            Verdict::Answer(answer) => answer,
        })
    }
}

/// A call to an object: which one, what for, and with what. None of the parts has a line break in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The binding of its class.
    pub binding: &'static str,
    /// Its name.
    pub name: String,
    /// What for.
    pub action: &'static str,
    /// With what: JSON, or nothing.
    pub payload: String,
}

impl Errand {
    /// For the directory's document.
    pub fn rooms() -> Errand {
        Errand { binding: "DIRECTORY", name: "directory".into(), action: "document", payload: String::new() }
    }

    /// For a leaf of a room: one visitor's wish, or the edge's own for a newer board. The one leaf of a room; further
    /// ones take their place here, by the client's address prefix.
    pub fn wish(room: &str, ask: Ask) -> Errand {
        Errand { binding: "LOBBY", name: format!("{room}/leaf/0"), action: "ask", payload: to_text(&ask) }
    }

    fn text(&self, kind: char) -> String {
        let Errand { binding, name, action, payload } = self;
        let mut text = String::with_capacity(payload.len() + 96);
        let _ = write!(text, "{kind}\n{binding}\n{name}\n{action}\n{payload}");
        text
    }
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
    let mut parts = errand.split('\n').skip(1);
    let (binding, name, _, payload) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
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
        let ask = Ask { wish, board_sequence: 2, board_at_ms: 3, revoked_seq: 4 };
        let text = Verdict::Ask(Errand::wish("ab12", ask)).into_text().unwrap();
        assert_eq!(text.lines().take(4).collect::<Vec<_>>(), ["?", "LOBBY", "ab12/leaf/0", "ask"]);
        assert_eq!(purpose(&text), Some(Purpose::Wish("ab12", ask.wish)));
        let text = Verdict::Lacks(Errand::rooms()).into_text().unwrap();
        assert_eq!((purpose(&text), text.starts_with('@')), (Some(Purpose::Rooms), true));
        assert_eq!((purpose(""), purpose("?\nLOBBY\nx\nask\n{}")), (None, None));
    }

    #[test]
    fn every_verdict_begins_with_its_own_character() {
        let errand = Errand::rooms();
        let verdicts = [
            Verdict::OriginWith("a=b".into()),
            Verdict::OriginMeanwhile(errand.clone()),
            Verdict::Ask(errand.clone()),
            Verdict::Lacks(errand),
            Verdict::Operator,
            Verdict::Apology,
        ];
        let texts = verdicts.map(|verdict| verdict.into_text().unwrap().remove(0));
        assert_eq!(texts, ['+', '~', '?', '@', '*', '!']);
        assert_eq!(Verdict::Origin.into_text(), None);
    }
}
