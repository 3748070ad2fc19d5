//! One visitor's cookies, as a browser would keep them on one host: by name and path, the longest path first. Keeps
//! a session's worth: a lifetime that is over takes the cookie away, one that is not never runs out here, because no
//! walk lasts so long. Every attribute about other hosts is ignored; `Secure` counts as it does on localhost.

use cookie::{Cookie, Expiration};

/// What a browser allows one host.
const COOKIES_MAX: usize = 180;
/// The same for one cookie, in bytes.
const LINE_BYTES_MAX: usize = 4_096;
/// A date before this one, 9 September 2001 in Unix seconds, is how servers say *delete*.
const LONG_AGO_UNIX_SECONDS: i64 = 1_000_000_000;

#[derive(Debug)]
struct Kept {
    name: String,
    value: String,
    path: String,
}

/// One visitor's cookies.
#[derive(Debug, Default)]
pub struct Jar(Vec<Kept>);

impl Jar {
    /// Takes in a `Set-Cookie` line that came in answer to a request for `path`. What cannot be read is ignored.
    pub fn keep(&mut self, line: &str, path: &str) {
        let Some(cookie) = (line.len() <= LINE_BYTES_MAX).then(|| Cookie::parse(line).ok()).flatten() else {
            return;
        };
        let path = match cookie.path() {
            Some(path) if path.starts_with('/') => path,
            _ => default_path(path),
        };
        self.0.retain(|kept| (kept.name.as_str(), kept.path.as_str()) != (cookie.name(), path));
        if !is_over(&cookie) && self.0.len() < COOKIES_MAX {
            let (name, value) = (cookie.name().to_owned(), cookie.value().to_owned());
            self.0.push(Kept { name, value, path: path.to_owned() });
        }
    }

    /// The header `Cookie` of a request for `path`. None if there is nothing to send.
    pub fn header(&self, path: &str) -> Option<String> {
        let path = without_query(path);
        let mut sent: Vec<&Kept> = self.0.iter().filter(|kept| covers(&kept.path, path)).collect();
        sent.sort_by_key(|kept| std::cmp::Reverse(kept.path.len()));
        let pairs: Vec<String> = sent.iter().map(|kept| format!("{}={}", kept.name, kept.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn is_over(cookie: &Cookie<'_>) -> bool {
    match (cookie.max_age(), cookie.expires()) {
        (Some(age), _) => age.whole_seconds() <= 0,
        (None, Some(Expiration::DateTime(date))) => date.unix_timestamp() < LONG_AGO_UNIX_SECONDS,
        (None, _) => false,
    }
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

/// RFC 6265, 5.1.4: up to the last slash, that one left out unless it is the first.
fn default_path(path: &str) -> &str {
    match without_query(path).rfind('/') {
        Some(0) | None => "/",
        Some(last) => &path[..last],
    }
}

fn covers(cookie_path: &str, path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie_path.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&str], path: &str) -> Option<String> {
        let mut jar = Jar::default();
        lines.iter().for_each(|line| jar.keep(line, "/sale/item?x=/y/"));
        jar.header(path)
    }

    #[test]
    fn the_newest_of_a_name_counts_and_one_that_is_over_goes() {
        assert_eq!(sent(&["a=1; Path=/", "a=2; Path=/; Max-Age=60; HttpOnly"], "/"), Some("a=2".into()));
        assert_eq!(sent(&["a=1; Path=/", "a=; Path=/; Max-Age=0"], "/"), None);
        assert_eq!(sent(&["a=1; Path=/", "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], "/"), None);
        assert_eq!(sent(&["a=1; Path=/; Expires=Thu, 01 Jan 2099 00:00:00 GMT"], "/"), Some("a=1".into()));
    }

    #[test]
    fn a_cookie_goes_where_its_path_covers_and_the_longest_goes_first() {
        let lines = ["root=1; Path=/", "sale=2; Path=/sale", "own=3"];
        assert_eq!(sent(&lines, "/sale/x?q"), Some("sale=2; own=3; root=1".into()));
        assert_eq!(sent(&lines, "/salespeople"), Some("root=1".into()));
        assert_eq!(sent(&["own=3"], "/"), None, "without a path it belongs to the folder of the page");
    }

    #[test]
    fn a_line_that_is_none_and_one_too_many_lose_nothing() {
        let long = format!("b={}", "x".repeat(LINE_BYTES_MAX));
        assert_eq!(sent(&["a=1; Path=/", "", "=", "no pair", &long], "/"), Some("a=1".into()));
        let mut jar = Jar::default();
        (0..1_000).for_each(|number| jar.keep(&format!("c{number}=x; Path=/"), "/"));
        assert_eq!(jar.0.len(), COOKIES_MAX);
    }
}
