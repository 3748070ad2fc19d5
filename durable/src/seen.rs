//! Tokens that were believed before: a page comes with dozens of parts, each of which brings the same pass, and a signature is most of what
//! a good pass costs. What is compared here is the whole token, all of its bytes in constant time: who does not know a
//! token learns nothing from what this remembers.

use crate::token::TOKEN_BYTES_MAX;

/// So many are remembered; each has one place, which the next that belongs there takes.
const PLACES: usize = 256;

type Place = [u8; TOKEN_BYTES_MAX + 1];

/// See the module's words.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Each padded with zeros to the longest there is, and its length behind it: none is only zeros.
    places: Vec<Place>,
}

impl Seen {
    /// Whether this token was believed before.
    pub fn knows(&self, token: &[u8]) -> bool {
        self.places.get(place(token)).is_some_and(|held| is_same(held, &padded(token)))
    }

    /// This token is believed.
    pub fn note(&mut self, token: &[u8]) {
        if self.places.is_empty() {
            self.places = vec![[0; TOKEN_BYTES_MAX + 1]; PLACES];
        }
        if let Some(held) = self.places.get_mut(place(token)) {
            *held = padded(token);
        }
    }
}

/// A token's place is told by the end of its MAC: nobody without the key chooses it.
fn place(token: &[u8]) -> usize {
    token.last().map_or(0, |byte| usize::from(*byte)) % PLACES
}

fn padded(token: &[u8]) -> Place {
    let mut padded = [0; TOKEN_BYTES_MAX + 1];
    padded.iter_mut().zip(token).for_each(|(to, from)| *to = *from);
    padded[TOKEN_BYTES_MAX] = token.len() as u8;
    padded
}

/// Whether two secrets are the same, in a time that only their lengths tell.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |sum, (one, other)| sum | (one ^ other));
    one.len() == other.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_once_it_was_noted_and_until_another_takes_its_place() {
        let (one, other) = ([1, 2, 3], [9, 9, 3]);
        let mut seen = Seen::default();
        assert!(!seen.knows(&one) && !seen.knows(&[]));
        seen.note(&one);
        assert!(seen.knows(&one) && !seen.knows(&other));
        seen.note(&other);
        assert!(!seen.knows(&one) && seen.knows(&other));
    }

    #[test]
    fn a_single_other_byte_anywhere_is_another_token() {
        let token: [u8; TOKEN_BYTES_MAX] = std::array::from_fn(|index| index as u8 + 1);
        let mut seen = Seen::default();
        seen.note(&token);
        for index in 0..token.len() {
            let mut changed = token;
            changed[index] ^= 1;
            assert!(!seen.knows(&changed), "{index}");
        }
        assert!(seen.knows(&token));
        let (long, short) = ([7, 0], [7]);
        seen.note(&long);
        assert!(seen.knows(&long) && !seen.knows(&short));
    }

    #[test]
    fn secrets_are_the_same_or_not() {
        assert!(is_same(b"abc", b"abc") && is_same(b"", b"") && is_same(b"abcdefghij", b"abcdefghij"));
        assert!(!is_same(b"abcdefghij", b"abcdefgHij") && !is_same(b"abcdefghij", b"abcdefghiJ"));
        assert!(!is_same(b"abc", b"abd") && !is_same(b"abc", b"ab"));
    }
}
