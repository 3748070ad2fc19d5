//! What an answer says: the origin's, or one of Anteroom's with a state, a place and a time to come back. They are
//! told apart by the header `Anteroom` alone, which every answer of Anteroom's carries and no other does. States that
//! this program does not know are met with patience. Nothing here is an error: it is written down by who asked.

use serde_json::Value;
use std::time::Duration;

/// What is kept of an HTTP answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header `Anteroom`.
    pub anteroom: Option<String>,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The header `Location`.
    pub location: Option<String>,
    /// The `Set-Cookie` lines.
    pub cookies: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// No connection.
    Connect,
    /// The connection broke.
    Broken,
    /// No answer in time.
    Timeout,
    /// More than an answer may have.
    TooLarge,
    /// Of Anteroom's, to a script, but no JSON of its kind.
    Unreadable,
}

impl Failure {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Failure::Connect => "no connection",
            Failure::Broken => "connection broke",
            Failure::Timeout => "no answer in time",
            Failure::TooLarge => "answer too large",
            Failure::Unreadable => "answer to a script without JSON (json_response_enabled?)",
        }
    }
}

/// How somebody asks who is not inside yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The browser goes to the wanted address.
    Navigate,
    /// The page's script asks for the wanted address: that gives a place.
    Join,
    /// The page's script asks where one stands.
    Stand,
}

/// A state of Anteroom's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// First contact.
    Joining,
    /// In line, not called.
    Waiting,
    /// Called, and a claim will be accepted.
    YourTurn,
    /// Called, and every seat is taken just now.
    Next,
    /// Inside: has a pass, or needs none.
    Admitted,
    /// Nothing more will happen by itself: left, used, no cookies.
    Over(String),
    /// Any other: held, reconnecting, unavailable, or one that is not known here.
    Patience(String),
}

impl State {
    fn of(header: &str) -> State {
        match header.split(';').next().unwrap_or(header).trim() {
            "joining" => State::Joining,
            "waiting" => State::Waiting,
            "your_turn" => State::YourTurn,
            "next" => State::Next,
            "admitted" => State::Admitted,
            over @ ("cookies_blocked" | "form_held" | "left" | "ticket_used") => State::Over(over.to_owned()),
            other => State::Patience(other.to_owned()),
        }
    }

    /// As the header names it.
    pub fn name(&self) -> &str {
        match self {
            State::Joining => "joining",
            State::Waiting => "waiting",
            State::YourTurn => "your_turn",
            State::Next => "next",
            State::Admitted => "admitted",
            State::Over(name) | State::Patience(name) => name,
        }
    }
}

/// What an answer of Anteroom's says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The state.
    pub state: State,
    /// The place, from 1 on, if it is told.
    pub place: Option<u64>,
    /// When to ask again, if it is told.
    pub poll_after: Option<Duration>,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The origin.
    Origin {
        /// Its status.
        status: u16,
    },
    /// Anteroom.
    Ours(Told),
    /// No answer.
    Nothing(Failure),
}

impl Heard {
    /// Reads an answer, or the lack of one, to what was asked.
    pub fn read(asked: Asked, answer: &Result<Answer, Failure>) -> Heard {
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return Heard::Nothing(*failure),
        };
        let Some(header) = &answer.anteroom else {
            return Heard::Origin { status: answer.status };
        };
        let state = State::of(header);
        if asked == Asked::Navigate {
            // A page: its own time to come back is the one of the header.
            let seconds = answer.retry_after.as_ref().and_then(|text| text.trim().parse().ok());
            return Heard::Ours(Told { state, place: None, poll_after: seconds.map(Duration::from_secs) });
        }
        match serde_json::from_slice::<Value>(&answer.body)
            .ok()
            .as_ref()
            .map(|body| body.get("cfWaitingRoom").unwrap_or(body))
            .filter(|room| room.get("pollAfterMs").is_some())
        {
            Some(room) => Heard::Ours(Told {
                state,
                place: room.get("place").and_then(Value::as_u64),
                poll_after: room.get("pollAfterMs").and_then(Value::as_u64).map(Duration::from_millis),
            }),
            None => Heard::Nothing(Failure::Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(header: &str, body: &str) -> Answer {
        let retry_after = Some("3".to_owned());
        Answer { anteroom: Some(header.into()), retry_after, body: body.into(), ..Answer::default() }
    }

    #[test]
    fn without_the_header_it_is_the_origin_whatever_the_body_says() {
        let answer = Answer { status: 503, body: br#"{"cfWaitingRoom":{}}"#.to_vec(), ..Answer::default() };
        assert_eq!(Heard::read(Asked::Join, &Ok(answer)), Heard::Origin { status: 503 });
    }

    #[test]
    fn json_tells_place_and_time_and_a_page_tells_the_time_in_its_header() {
        let answer = ours(
            "waiting; page=/.anteroom/wait",
            r#"{"place":7,"pollAfterMs":1800,"state":"waiting","display":{}}"#,
        );
        let told = |place, millis| {
            Heard::Ours(Told {
                state: State::Waiting,
                place,
                poll_after: Some(Duration::from_millis(millis)),
            })
        };
        assert_eq!(Heard::read(Asked::Stand, &Ok(answer.clone())), told(Some(7), 1_800));
        assert_eq!(Heard::read(Asked::Navigate, &Ok(answer)), told(None, 3_000));
    }

    #[test]
    fn a_script_that_gets_a_page_has_heard_nothing() {
        for body in ["<!doctype html>", "{}", "", "[1]"] {
            let heard = Heard::read(Asked::Stand, &Ok(ours("waiting", body)));
            assert_eq!(heard, Heard::Nothing(Failure::Unreadable), "{body}");
        }
    }

    #[test]
    fn unknown_states_keep_their_name() {
        assert_eq!(State::of("prequeueing"), State::Patience("prequeueing".into()));
        assert_eq!(State::of("ticket_used").name(), "ticket_used");
        assert_eq!(State::of(" your_turn ;x"), State::YourTurn);
    }
}
