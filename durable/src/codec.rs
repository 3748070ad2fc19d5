//! How bytes are written and read in everything that leaves a Room: batches, replies, journal rows
//! and snapshot pages. Numbers are LEB128 varints, blobs carry their length, and nothing is believed:
//! a reader answers [`Malformed`] for any input it was not given by a writer of a known version, and
//! never allocates more than the input is long.
//!
//! It does not know what the bytes mean; the format's version stands in each document itself.

use std::fmt;

/// The bytes are not what a writer of this format would have written. Which they are is known to whoever read them; with what is wrong in
/// them every one of some hundred ways out of reading would be longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed bytes: another form than this version's")
    }
}

/// Hexadecimal digits, in lower case: what names are written in.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Bytes from exactly twice as many hexadecimal digits.
pub fn from_hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

/// Appends to a buffer. The methods mirror [`Reader`]'s.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty buffer.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// One byte.
    pub fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// A number: seven bits a byte, low ones first, the high bit says that more follow.
    pub fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A field of fixed width.
    pub fn fixed(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    /// Bytes behind their length.
    pub fn blob(&mut self, value: &[u8]) {
        self.number(value.len() as u64);
        self.fixed(value);
    }
}

/// Takes from a buffer what a [`Writer`] put there, in the same order.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the first byte.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// Whether everything was taken.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left: the bound of any count that follows.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*first)
    }

    /// A number in at most ten bytes.
    pub fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// A number that fits in 32 bits.
    pub fn number_u32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| Malformed)
    }

    /// How many items follow, each of at least `width` bytes; more than can be there is malformed.
    pub fn count(&mut self, width: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        if count > self.remaining() / width.max(1) {
            return Err(Malformed);
        }
        Ok(count)
    }

    /// A field of fixed width.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (first, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*first)
    }

    /// Bytes behind their length.
    pub fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.count(1)?;
        let (first, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(first)
    }

    /// Says that nothing may follow.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_round_trip_at_every_width() {
        for shift in 0..64 {
            for value in [(1u64 << shift) - 1, 1 << shift, u64::MAX >> (63 - shift)] {
                let mut writer = Writer::new();
                writer.number(value);
                let bytes = writer.into_bytes();
                let mut reader = Reader::new(&bytes);
                assert_eq!(reader.number(), Ok(value));
                assert_eq!(reader.end(), Ok(()));
            }
        }
    }

    #[test]
    fn a_number_too_long_or_too_large_is_malformed() {
        assert!(Reader::new(&[0xff; 11]).number().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).number().is_err());
        assert!(Reader::new(&[0x80]).number().is_err());
    }

    #[test]
    fn a_length_beyond_the_input_is_refused_before_anything_is_allocated() {
        let mut writer = Writer::new();
        writer.number(u64::MAX);
        let bytes = writer.into_bytes();
        assert!(Reader::new(&bytes).blob().is_err());
        assert!(Reader::new(&bytes).count(16).is_err());
    }
}
