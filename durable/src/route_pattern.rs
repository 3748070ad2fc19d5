//! Which hosts and paths a room covers, as its settings say it. Part of [`crate::settings`].

use crate::codec::from_hex;
use crate::fields::Fields;
use crate::json::Value;
use crate::pieces::has;

/// A host and a path that a room covers, with everything below the path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoutePattern {
    /// Lower case, no port.
    pub host: String,
    /// In normal form, without a slash at the end unless it is the root.
    pub path: String,
}

pub(crate) fn host(fields: &mut Fields<'_>) -> String {
    let host = fields.text("host", 253).to_ascii_lowercase();
    if !is_host(&host) {
        fields.fault("host", HOST_RULE);
    }
    host
}

const HOST_RULE: &str = "must be a host name such as `www.example.com`: no scheme, port, path or wildcard, \
     and names of other alphabets in their `xn--` form";

pub(crate) fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    !host.is_empty() && host.split('.').all(label)
}

pub(crate) fn path(fields: &mut Fields<'_>) -> String {
    let path = fields.text_or("path", "/", 1_024);
    if !is_path(&path) {
        fields.fault("path", PATH_RULE);
    }
    without_slash(path)
}

const PATH_RULE: &str = "must begin with `/` and be in its plain form: no query, fragment, wildcard, `//`, `.` or `..` \
     segments, `;`, backslash or spaces; `%` only where it must be, with capitals";

fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#*\\;\"<>".contains(&byte);
    let inner = path.strip_suffix('/').unwrap_or(path);
    path.starts_with('/')
        && path.bytes().all(plain)
        && path.split('%').skip(1).all(is_needed_escape)
        && !has(path, "/.anteroom")
        && inner.split('/').skip(1).all(|part| !part.is_empty() && part != "." && part != "..")
}

/// Whether what follows a `%` is the escape, in capitals, of a byte that could not stand there itself.
fn is_needed_escape(rest: &str) -> bool {
    let digits = rest.get(..2).filter(|digits| !digits.bytes().any(|digit| digit.is_ascii_lowercase()));
    let byte = digits.and_then(from_hex::<1>).map(|[byte]| byte);
    byte.is_some_and(|byte| !byte.is_ascii_alphanumeric() && !b"-._~/\\;".contains(&byte))
}

fn without_slash(path: String) -> String {
    match path.strip_suffix('/') {
        Some(inner) if !inner.is_empty() => inner.to_owned(),
        _ => path,
    }
}

pub(crate) fn additional_routes(fields: &mut Fields<'_>) -> Vec<RoutePattern> {
    let mut routes = Vec::new();
    for value in fields.list("additional_routes", 100) {
        let host = value.get("host").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let path = value.get("path").map_or(Some("/"), Value::as_str).unwrap_or_default();
        if !is_host(&host) {
            fields.fault("additional_routes", format!("`host` {HOST_RULE}"));
        }
        if !is_path(path) {
            fields.fault("additional_routes", format!("`path` {PATH_RULE}"));
        }
        routes.push(RoutePattern { host, path: without_slash(path.to_owned()) });
    }
    routes
}
