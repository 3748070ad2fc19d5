//! Where the crowd goes: one http(s) address, and the paths made from it. Decides what counts as this machine, which
//! is where a crowd may go without being asked twice. Does not resolve names: `localhost` is believed to be local.

use hyper::Uri;
use std::net::IpAddr;

/// An address, checked: scheme `http` or `https`, a host, no user name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    scheme: &'static str,
    authority: String,
    host: String,
    path_and_query: String,
}

impl Target {
    /// Reads an address. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Target, String> {
        let uri: Uri = text.parse().map_err(|error| format!("{text:?} is not an address: {error}"))?;
        let scheme = match uri.scheme_str() {
            Some("http") => "http",
            Some("https") => "https",
            _ => return Err(format!("{text:?} has to begin with http:// or https://")),
        };
        let (Some(authority), Some(host)) = (uri.authority(), uri.host()) else {
            return Err(format!("{text:?} names no host"));
        };
        if authority.as_str().contains('@') {
            return Err(format!("{text:?} has a user name in it, which a browser would not send"));
        }
        let path_and_query = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Target {
            scheme,
            authority: authority.as_str().to_ascii_lowercase(),
            host: host.trim_matches(['[', ']']).to_ascii_lowercase(),
            path_and_query: path_and_query.to_owned(),
        })
    }

    /// Whether the host is this machine by its name: `localhost`, below it, or a loopback address.
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host == "localhost" || self.host.ends_with(".localhost"),
        }
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The host's name, without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Path and query that visitors want.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The header `Origin` of a page at this address.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Another path on the same host. None if it is no path, as a strange `Location` may be.
    pub fn at(&self, path_and_query: &str) -> Option<Uri> {
        let address =
            path_and_query.starts_with('/').then(|| format!("{}{path_and_query}", self.origin()))?;
        address.parse().ok()
    }

    /// Path and query of a `Location` that stays on this host; None if it leads elsewhere.
    pub fn follow<'a>(&self, location: &'a str) -> Option<&'a str> {
        let path = location.strip_prefix(&self.origin()).unwrap_or(location);
        (path.starts_with('/') && !path.starts_with("//")).then_some(path)
    }
}

/// The gate's own paths for a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPaths {
    /// Where the page's script asks how one stands, the wanted address included.
    pub wait: String,
    /// Where a place or a seat is given up.
    pub leave: String,
}

/// The gate's own paths for a room whose path is `room_path`, for a visitor who wants `wanted`.
pub fn own_paths(room_path: &str, wanted: &str) -> OwnPaths {
    let room = room_path.trim_end_matches('/');
    OwnPaths {
        wait: format!("{room}/.anteroom/wait?to={}", encoded(wanted)),
        leave: format!("{room}/.anteroom/leave"),
    }
}

/// As `encodeURIComponent` does it, for all that a path or query may hold.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        Target::parse(text).unwrap()
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for local in [
            "http://localhost:8787/",
            "http://127.0.0.1",
            "http://[::1]:80/x",
            "https://shop.localhost/",
            "HTTP://LOCALHOST",
        ] {
            assert!(target(local).is_loopback(), "{local}");
        }
        for foreign in [
            "https://shop.example.com/",
            "http://127.0.0.1.example.com/",
            "http://10.0.0.1/",
            "http://notlocalhost/",
        ] {
            assert!(!target(foreign).is_loopback(), "{foreign}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (text, reason) in [
            ("ftp://localhost/", "begin with"),
            ("/sale", "begin with"),
            ("http://localhost@evil.example/", "user name"),
            ("http:// x", "not an address"),
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_redirect_is_followed_on_the_same_host_alone() {
        let shop = target("http://localhost:8787/sale?x=1");
        assert_eq!(shop.follow("/thanks"), Some("/thanks"));
        assert_eq!(shop.follow("http://localhost:8787/thanks?a"), Some("/thanks?a"));
        for elsewhere in
            ["//evil.example/", "http://localhost:1/", "http://localhost:8787.evil.example/", "thanks", ""]
        {
            assert_eq!(shop.follow(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn own_paths_hang_below_the_room_and_carry_what_is_wanted() {
        let paths = own_paths("/sale/", "/sale/item?a=1&b=ü");
        assert_eq!(paths.wait, "/sale/.anteroom/wait?to=%2Fsale%2Fitem%3Fa%3D1%26b%3D%C3%BC");
        assert_eq!(own_paths("/", "/").leave, "/.anteroom/leave");
    }
}
