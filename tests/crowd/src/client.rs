//! Sends requests, as the browsers of many visitors would, over a bounded number of connections. This is the only
//! reader of a clock and the only sender; it decides nothing and keeps no cookies. Every request ends: by an answer of
//! at most a megabyte, or by a [`Failure`] within [`REQUEST_TIMEOUT`].

use crate::heard::{Answer, Failure};
use crate::moment::Moment;
use crate::target::Target;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName};
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client as Pool, Error, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// No request takes longer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// No answer of a demo shop or a waiting room is larger.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Servers close what was idle for 5 s; closing earlier avoids a request on a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(2);

/// What a request is for: decides the headers that a browser would send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// To go somewhere.
    Navigate,
    /// A question of the waiting page's own script.
    WaitingPage,
    /// A question of a script of the shop's.
    Script,
    /// A style sheet.
    Style,
    /// To send a form of a page on the same host.
    Form,
}

/// A browser, as far as its headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Browser {
    user_agent: &'static str,
    languages: &'static str,
}

impl Browser {
    /// The browser of a visitor with this number: they take turns.
    pub fn of(number: u32) -> Browser {
        const AGENTS: [&str; 3] = [
            "Mozilla/5.0 (Linux; Android 8.1.0; SM-J260G) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 15_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ];
        const LANGUAGES: [&str; 5] =
            ["en-GB,en;q=0.8", "ms-MY,ms;q=0.9,en;q=0.5", "zh-CN,zh;q=0.9", "ta-IN,ta;q=0.9", "ar,en;q=0.3"];
        let pick = number as usize;
        Browser { user_agent: AGENTS[pick % AGENTS.len()], languages: LANGUAGES[pick % LANGUAGES.len()] }
    }
}

/// A request to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Whose it is.
    pub browser: Browser,
    /// What it is for.
    pub intent: Intent,
    /// `GET` or `POST`.
    pub method: &'a Method,
    /// Path and query.
    pub path: &'a str,
    /// The header `Cookie`.
    pub cookie: Option<&'a str>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Sent {
    /// When it was sent.
    pub at: Moment,
    /// When its answer was there, or the lack of one was known.
    pub heard_at: Moment,
    /// The answer.
    pub answer: Result<Answer, Failure>,
}

enum Connections {
    Plain(Pool<HttpConnector, Full<Bytes>>),
    Tls(Pool<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// All connections to one host.
pub struct Client {
    target: Target,
    connections: Connections,
    slots: Semaphore,
    started: Instant,
}

impl Client {
    /// Connections to the target's host, so many at most. The error: the system has no certificates to check with.
    pub fn new(target: &Target, connections: u32) -> Result<Client, String> {
        let limit = connections as usize;
        let mut pool = Pool::builder(TokioExecutor::new());
        pool.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(limit);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(REQUEST_TIMEOUT));
        connector.enforce_http(false);
        let connections = if target.is_https() {
            let tls = HttpsConnectorBuilder::new()
                .with_native_roots()
                .map_err(|error| format!("https needs the system's certificates: {error}"))?;
            Connections::Tls(pool.build(tls.https_only().enable_http1().wrap_connector(connector)))
        } else {
            Connections::Plain(pool.build(connector))
        };
        Ok(Client {
            target: target.clone(),
            connections,
            slots: Semaphore::new(limit),
            started: Instant::now(),
        })
    }

    /// Milliseconds since the crowd set out.
    pub fn now(&self) -> Moment {
        Moment(self.started.elapsed().as_millis() as u64)
    }

    /// Sends a request once a connection is free, and waits for the whole answer.
    pub async fn send(&self, ask: Ask<'_>) -> Sent {
        let slot = self.slots.acquire().await;
        let at = self.now();
        let answer = match (slot, self.target.at(ask.path)) {
            (Ok(_slot), Some(uri)) => tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(ask, uri))
                .await
                .unwrap_or(Err(Failure::Timeout)),
            // The semaphore is never closed, and a path of ours is always one.
            _ => Err(Failure::Broken),
        };
        Sent { at, heard_at: self.now(), answer }
    }

    async fn exchange(&self, ask: Ask<'_>, uri: Uri) -> Result<Answer, Failure> {
        let request = self.dress(ask, uri).ok_or(Failure::Broken)?;
        let response = match &self.connections {
            Connections::Plain(pool) => pool.request(request).await,
            Connections::Tls(pool) => pool.request(request).await,
        };
        read(response.map_err(|error| failure(&error))?).await
    }

    /// None if a cookie holds bytes that no header may have.
    fn dress(&self, ask: Ask<'_>, uri: Uri) -> Option<Request<Full<Bytes>>> {
        const PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let (accept, mode, destination) = match ask.intent {
            Intent::Navigate | Intent::Form => (PAGE, "navigate", "document"),
            Intent::WaitingPage => ("application/vnd.anteroom+json", "cors", "empty"),
            Intent::Script => ("application/json", "cors", "empty"),
            Intent::Style => ("text/css,*/*;q=0.1", "no-cors", "style"),
        };
        let site = if ask.intent == Intent::Navigate { "none" } else { "same-origin" };
        let mut request = Request::builder()
            .method(ask.method)
            .uri(uri)
            .header("User-Agent", ask.browser.user_agent)
            .header("Accept", accept)
            .header("Accept-Language", ask.browser.languages)
            .header("Sec-Fetch-Mode", mode)
            .header("Sec-Fetch-Dest", destination)
            .header("Sec-Fetch-Site", site);
        if ask.intent == Intent::Form {
            request = request
                .header("Origin", self.target.origin())
                .header("Content-Type", "application/x-www-form-urlencoded");
        }
        if let Some(cookie) = ask.cookie {
            request = request.header("Cookie", cookie);
        }
        request.body(Full::default()).ok()
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, Failure> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX)
        .collect()
        .await
        .map_err(|error| if error.is::<LengthLimitError>() { Failure::TooLarge } else { Failure::Broken })?;
    let text = |name: &str| text_of(&head.headers, name);
    Ok(Answer {
        status: head.status.as_u16(),
        anteroom: text("anteroom"),
        retry_after: text("retry-after"),
        location: text("location"),
        cookies: head
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
            .collect(),
        body: body.to_bytes().to_vec(),
    })
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let name: HeaderName = name.parse().ok()?;
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn failure(error: &Error) -> Failure {
    if error.is_connect() { Failure::Connect } else { Failure::Broken }
}
