//! How bytes are written and read in everything that leaves a Room: batches, replies, journal rows
//! and snapshot pages. Numbers are LEB128 varints, blobs carry their length, and nothing is believed:
//! a reader answers [`Malformed`] for any input it was not given by a writer of a known version, and
//! never allocates more than the input is long. It says so once, at the end: what it reads behind the first byte that is wrong is
//! zeros and nothing, so that reading is a list of fields, and not of ways out.
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

/// Takes from a buffer what a [`Writer`] put there, in the same order. What was read counts once [`Reader::end`] or [`Reader::checked`] says so.
pub struct Reader<'a> {
    rest: &'a [u8],
    malformed: bool,
}

impl<'a> Reader<'a> {
    /// Reads from the first byte.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes, malformed: false }
    }

    /// Whether everything was taken, or what is left cannot be.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left: the bound of any count that follows.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What was read is not what a writer of this format writes: from here on there is nothing.
    pub fn refuse(&mut self) {
        self.malformed = true;
        self.rest = &[];
    }

    /// Refuses what was read unless this holds of it.
    pub fn expect(&mut self, holds: bool) {
        if !holds {
            self.refuse();
        }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        match self.rest.split_at_checked(length) {
            Some((first, rest)) => {
                self.rest = rest;
                first
            }
            None => {
                self.refuse();
                &[]
            }
        }
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// A byte that is one or zero.
    pub fn flag(&mut self) -> bool {
        let byte = self.byte();
        self.expect(byte <= 1);
        byte != 0
    }

    /// A number in at most ten bytes.
    pub fn number(&mut self) -> u64 {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return value;
            }
        }
        self.refuse();
        0
    }

    /// A number that fits in 32 bits.
    pub fn number_u32(&mut self) -> u32 {
        let number = self.number();
        self.expect(number >> 32 == 0);
        number as u32
    }

    /// How many items follow, each of at least `width` bytes; more than can be there is malformed.
    pub fn count(&mut self, width: usize) -> usize {
        let count = self.number();
        let fits = count <= (self.remaining() / width.max(1)) as u64;
        self.expect(fits);
        if fits { count as usize } else { 0 }
    }

    /// A field of fixed width.
    pub fn fixed<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let taken = self.take(N);
        if taken.len() == N {
            bytes.copy_from_slice(taken);
        }
        bytes
    }

    /// Bytes behind their length.
    pub fn blob(&mut self) -> &'a [u8] {
        let length = self.count(1);
        self.take(length)
    }

    /// Whether all was well so far.
    pub fn checked(&self) -> Result<(), Malformed> {
        if self.malformed { Err(Malformed) } else { Ok(()) }
    }

    /// The same, and nothing may follow.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { self.checked() } else { Err(Malformed) }
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
                assert_eq!(reader.number(), value);
                assert_eq!(reader.end(), Ok(()));
            }
        }
    }

    fn refuses(bytes: &[u8], read: impl Fn(&mut Reader<'_>)) -> bool {
        let mut reader = Reader::new(bytes);
        read(&mut reader);
        reader.is_empty() && reader.checked().is_err() && reader.end().is_err()
    }

    #[test]
    fn a_number_too_long_or_too_large_is_malformed() {
        let number = |reader: &mut Reader<'_>| assert_eq!(reader.number(), 0);
        assert!(refuses(&[0xff; 11], number));
        assert!(refuses(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], number));
        assert!(refuses(&[0x80], |reader| assert_eq!(reader.number(), 0)));
        assert!(refuses(&[0xff, 0xff, 0xff, 0xff, 0x7f], |reader| _ = reader.number_u32()));
    }

    #[test]
    fn a_flag_is_one_or_zero() {
        let mut reader = Reader::new(&[0, 1]);
        assert_eq!((reader.flag(), reader.flag(), reader.end()), (false, true, Ok(())));
        assert!(refuses(&[2, 1], |reader| _ = reader.flag()));
        assert!(refuses(&[0x81, 0], |reader| _ = reader.flag()));
        assert!(refuses(&[], |reader| _ = reader.flag()));
    }

    #[test]
    fn a_length_beyond_the_input_is_refused_before_anything_is_allocated() {
        let mut writer = Writer::new();
        writer.number(u64::MAX);
        let bytes = writer.into_bytes();
        assert!(refuses(&bytes, |reader| assert!(reader.blob().is_empty())));
        assert!(refuses(&bytes, |reader| assert_eq!(reader.count(16), 0)));
        assert!(refuses(&bytes[..1], |reader| assert_eq!(reader.fixed(), [0; 2])));
    }

    #[test]
    fn nothing_is_read_behind_what_is_malformed() {
        let mut reader = Reader::new(&[3, 1, 2]);
        assert_eq!((reader.blob(), reader.byte(), reader.number()), (&[][..], 0, 0));
        assert_eq!(reader.end(), Err(Malformed));
    }
}
