//! Operators in a browser: whoever has signed in with a token carries a signed session in a cookie. It reaches the
//! operator's host alone, no script can read it, and nothing is changed on its word unless the request also names the
//! session's own secret, which only our page knows: OWASP's *synchronizer token*.

use durable::codec::hex;
use durable::seen::is_same;
use durable::token::{Keys, OperatorSession};
use durable::units::Millis;

use super::tokens::Tokens;
use crate::cookie::Scheme;

/// A working day; then the token is asked for again.
const SESSION: Millis = Millis(12 * 60 * 60 * 1_000);
/// The part that makes `entry.mjs` hand it on.
const NAME: &str = "anteroom-operator";

/// A new session of the operator of this name.
pub fn begun(name: &str, now: Millis, csrf: [u8; 16]) -> OperatorSession {
    let mut padded = [0; 32];
    padded.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
    OperatorSession { name: padded, csrf, issued: now, expires: now.plus(SESSION) }
}

/// The session in these cookies: signed by us, not over, and of an operator whose token still counts.
pub fn read(
    cookies: &str,
    scheme: Scheme,
    keys: &Keys,
    tokens: &Tokens,
    now: Millis,
) -> Option<OperatorSession> {
    let name = cookie_name(scheme);
    let mut ours = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = ours.find(|(found, _)| *found == name)?;
    let session = keys.verify::<OperatorSession>(value).ok()?;
    let counts = session.expires > now && tokens.has(operator(&session));
    counts.then_some(session)
}

/// The operator's name.
pub fn operator(session: &OperatorSession) -> &str {
    std::str::from_utf8(&session.name).unwrap_or_default().trim_end_matches('\0')
}

/// The session's secret, as our page sends it along.
pub fn csrf(session: &OperatorSession) -> String {
    hex(&session.csrf)
}

/// Whether a request names the session's secret.
pub fn is_meant(session: &OperatorSession, named: &str) -> bool {
    is_same(csrf(session).as_bytes(), named.as_bytes())
}

/// The header line that keeps a session.
pub fn keep(session: &OperatorSession, scheme: Scheme, keys: &Keys) -> String {
    line(&keys.sign(session), SESSION.0 / 1_000, scheme)
}

/// The line that ends it.
pub fn end(scheme: Scheme) -> String {
    line("", 0, scheme)
}

fn line(value: &str, seconds: u64, scheme: Scheme) -> String {
    let secure = if scheme == Scheme::Https { "; Secure" } else { "" };
    let name = cookie_name(scheme);
    format!("Set-Cookie: {name}={value}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

fn cookie_name(scheme: Scheme) -> String {
    format!("{}{NAME}", if scheme == Scheme::Https { "__Host-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn keys() -> Keys {
        Keys::new(&"k".repeat(32), "", "").unwrap()
    }

    fn tokens(name: &str) -> Tokens {
        Tokens::parse(&format!("{name}:{}", "t".repeat(32))).unwrap()
    }

    fn cookie(session: &OperatorSession) -> String {
        let line = keep(session, Scheme::Https, &keys());
        line.strip_prefix("Set-Cookie: ").unwrap().split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_session_is_its_operators_until_it_ends() {
        let session = begun("ada", NOW, [7; 16]);
        let read_at = |now| read(&cookie(&session), Scheme::Https, &keys(), &tokens("ada"), now);
        assert_eq!(read_at(NOW).map(|read| operator(&read).to_owned()).as_deref(), Some("ada"));
        assert_eq!(read_at(NOW.plus(SESSION)), None);
        let other = read(&cookie(&session), Scheme::Https, &keys(), &tokens("bob"), NOW);
        assert_eq!(other, None, "whose token is gone is signed out");
        let plain = read(&cookie(&session), Scheme::Http, &keys(), &tokens("ada"), NOW);
        assert_eq!(plain, None, "on https only the name with the prefix counts");
    }

    #[test]
    fn a_forged_session_is_none() {
        let strangers = Keys::new(&"x".repeat(32), "", "").unwrap();
        let line = keep(&begun("ada", NOW, [7; 16]), Scheme::Http, &strangers);
        assert_eq!(read(&line, Scheme::Http, &keys(), &tokens("ada"), NOW), None);
        for cookies in ["", "anteroom-operator", "anteroom-operator=", "anteroom-operator=AAAA; x"] {
            assert_eq!(read(cookies, Scheme::Http, &keys(), &tokens("ada"), NOW), None, "{cookies}");
        }
    }

    #[test]
    fn only_who_names_its_secret_means_it() {
        let session = begun("ada", NOW, [7; 16]);
        assert!(is_meant(&session, &"07".repeat(16)));
        for wrong in ["", "07", &"08".repeat(16), &"07".repeat(17)] {
            assert!(!is_meant(&session, wrong), "{wrong}");
        }
    }

    #[test]
    fn no_script_and_no_other_site_sees_the_cookie() {
        let line = keep(&begun("ada", NOW, [7; 16]), Scheme::Https, &keys());
        assert!(line.starts_with("Set-Cookie: __Host-anteroom-operator="));
        assert!(line.ends_with("Path=/; HttpOnly; SameSite=Strict; Secure"));
        assert!(end(Scheme::Http).contains("Max-Age=0"));
    }
}
