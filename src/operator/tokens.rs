//! Operators' tokens: named, so that the log can say who; compared in constant time; never shown.

use std::fmt;

use durable::seen::is_same;
use sha2::{Digest as _, Sha256};

/// A token is at least this long, such as `openssl rand -hex 32` prints.
const TOKEN_BYTES_MIN: usize = 32;
/// A name is at most this long.
const NAME_BYTES_MAX: usize = 32;

/// The tokens of a deployment, as digests.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    entries: Vec<(String, [u8; 32])>,
}

/// What is wrong with the secret `OPERATOR_TOKENS`. Never holds a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFault {
    /// Which entry, counted from one.
    pub entry: usize,
    /// What is wrong with it.
    pub message: &'static str,
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the secret `OPERATOR_TOKENS`, entry {}: {}; write `name:token`, several separated by commas or lines",
            self.entry, self.message
        )
    }
}

impl Tokens {
    /// From the secret's text; empty text is no tokens, and nobody can sign in.
    pub fn parse(text: &str) -> Result<Tokens, TokenFault> {
        let mut entries: Vec<(String, [u8; 32])> = Vec::new();
        let lines = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        for (index, line) in lines.enumerate() {
            let fault = |message| TokenFault { entry: index + 1, message };
            let (name, token) = line.split_once(':').ok_or(fault("has no `:` between name and token"))?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
                return Err(fault("has a name other than 1 to 32 letters, digits, `-`, `_`, `.`, `@`"));
            }
            if token.len() < TOKEN_BYTES_MIN {
                return Err(fault("has a token of fewer than 32 bytes"));
            }
            if entries.iter().any(|(other, _)| other == name) {
                return Err(fault("has a name that another entry has"));
            }
            entries.push((name.to_owned(), Sha256::digest(token.as_bytes()).into()));
        }
        Ok(Tokens { entries })
    }

    /// Whose token this is. Every entry is compared, whole, whatever the others said.
    pub fn who(&self, presented: &str) -> Option<&str> {
        let presented: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        let mut found = None;
        for (name, digest) in &self.entries {
            if is_same(digest, &presented) {
                found = Some(name.as_str());
            }
        }
        found
    }

    /// Whether nobody can sign in.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is a token of this name.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(other, _)| other == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "0123456789abcdef0123456789abcdef";
    const BOB: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn a_token_has_a_name() {
        let tokens = Tokens::parse(&format!("ada:{ADA},\n bob:{BOB}\n")).unwrap();
        assert_eq!((tokens.who(ADA), tokens.who(BOB)), (Some("ada"), Some("bob")));
        for wrong in ["", "ada", &ADA[1..], &format!("{ADA} "), &format!("ada:{ADA}")] {
            assert_eq!(tokens.who(wrong), None, "{wrong}");
        }
        assert_eq!(Tokens::parse("").unwrap().who(""), None);
    }

    #[test]
    fn a_fault_names_the_entry_and_never_the_token() {
        for (text, entry) in [
            (ADA.to_owned(), 1),
            (format!("ada:{ADA},bob:short"), 2),
            (format!("ada:{ADA},ada:{BOB}"), 2),
            (format!(":{ADA}"), 1),
            (format!("a b:{ADA}"), 1),
        ] {
            let fault = Tokens::parse(&text).unwrap_err();
            assert_eq!(fault.entry, entry, "{text}");
            assert!(!fault.to_string().contains(ADA) && !fault.to_string().contains("short"));
        }
    }
}
