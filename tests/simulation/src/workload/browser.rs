//! A browser, as far as a waiting room meets one: what it sends, how it reads an answer, and the one cookie it keeps for the room.

use durable::units::Millis;

/// The page everybody wants.
pub const TARGET: &str = "https://shop.example/";

/// Who speaks for the visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// An app that takes JSON.
    App,
    /// The waiting page's own script.
    Script,
    /// A browser without scripts: it navigates again and again.
    Plain,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The page itself: joins, claims, enters.
    Target,
    /// Only where one stands.
    Whereabouts,
    /// To give up place or seat.
    Leave,
}

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who speaks.
    pub client: Client,
    /// What is asked.
    pub aim: Aim,
    /// The `Cookie` header's pairs of ours.
    pub cookies: String,
}

impl Request {
    /// As the entry lays it for the gate: the address, the cookies, and a line for each header.
    pub fn laid(&self) -> String {
        let url = match (self.aim, self.client) {
            (Aim::Target, Client::Script) => "https://shop.example/?anteroom-claim=1",
            (Aim::Target, _) => TARGET,
            (Aim::Whereabouts, _) => "https://shop.example/.anteroom/wait?to=%2F",
            (Aim::Leave, _) => "https://shop.example/.anteroom/leave",
        };
        let method = if self.aim == Aim::Leave { "POST" } else { "GET" };
        let (accept, mode, site) = match self.client {
            Client::App => ("application/json", "cors", "same-origin"),
            Client::Script => ("application/vnd.anteroom+json", "cors", "same-origin"),
            Client::Plain => ("text/html", "navigate", "same-origin"),
        };
        let cookies = &self.cookies;
        format!(
            "{url}\n{cookies}\n{method}\n{accept}\nen\nhttps://shop.example\n{mode}\n{site}\n\n\n\n192.0.2.1"
        )
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The origin's page, with a cookie of ours perhaps.
    Origin(Option<Cookie>),
    /// An answer of ours.
    Answer {
        /// The state's name, or the status where there is none.
        state: String,
        /// When to ask again.
        retry: Millis,
        /// The cookie that came with it.
        cookie: Option<Cookie>,
    },
    /// The static page, or nothing at all.
    Nothing,
}

/// What a `Set-Cookie` line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// This pair is kept.
    Keep(String),
    /// The pair is taken away.
    Drop,
}

impl Cookie {
    /// Reads a `Set-Cookie` header, or its value.
    pub fn read(line: &str) -> Cookie {
        let line = line.strip_prefix("Set-Cookie: ").unwrap_or(line);
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        if attributes.contains("Max-Age=0") { Cookie::Drop } else { Cookie::Keep(pair.to_owned()) }
    }

    /// The token that is kept.
    pub fn token(&self) -> Option<&str> {
        match self {
            Cookie::Keep(pair) => Some(pair.split_once('=')?.1),
            Cookie::Drop => None,
        }
    }
}

impl Told {
    /// Reads an answer of ours.
    pub fn read(answer: &str) -> Told {
        let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        // Where a script of another host may read it, the door stands behind it.
        let state = header("Anteroom").and_then(|state| state.split(';').next());
        let state = state.or(answer.get(..3)).unwrap_or_default().to_owned();
        let seconds = header("Retry-After").and_then(|value| value.parse().ok()).unwrap_or(1);
        let retry = milliseconds(body).unwrap_or(Millis::from_secs(seconds));
        Told::Answer { state, retry, cookie: header("Set-Cookie").map(Cookie::read) }
    }

    /// The cookie that came with it.
    pub fn cookie(&self) -> Option<&Cookie> {
        match self {
            Told::Origin(cookie) | Told::Answer { cookie, .. } => cookie.as_ref(),
            Told::Nothing => None,
        }
    }
}

/// JSON tells the interval more exactly than the header.
fn milliseconds(body: &str) -> Option<Millis> {
    let (_, rest) = body.split_once("\"pollAfterMs\":")?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok().map(Millis)
}
