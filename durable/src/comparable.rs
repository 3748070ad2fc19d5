//! Numbers and addresses as texts that compare, byte by byte, as they do themselves. Addresses are read by hand: the standard library's parser is a
//! kilobyte of the Wasm.

use crate::codec::hex;
use crate::pieces::{cut, has};

/// A whole number of such digits and nothing else, up to a bound below 2^32.
pub(crate) fn number(digits: &str, radix: u32, most: u64) -> Option<u64> {
    let mut number = None;
    for digit in digits.bytes() {
        let digit = char::from(digit).to_digit(radix)?;
        number = Some(number.unwrap_or(0) * u64::from(radix) + u64::from(digit));
        if number > Some(most) {
            return None;
        }
    }
    number
}

/// A number as a text that compares as numbers do.
pub fn comparable(number: u64) -> String {
    hex(&number.to_be_bytes())
}

/// An address as a text that compares as addresses do, its family first: with only so many of its bits, if any number is said, and all others
/// taken from this byte. Nothing of a text that is none.
pub fn network(text: &str, bits: &str, others: u8) -> String {
    let Some(mut bytes) = address(text) else { return String::new() };
    let most = if bytes.first() == Some(&0) { 32 } else { 128 };
    let kept = if bits.is_empty() { Some(most) } else { number(bits, 10, most) };
    let Some(mut kept) = kept else { return String::new() };
    for byte in bytes.iter_mut().skip(1) {
        let mask = if kept < 8 { 0xff_u8 >> kept } else { 0 };
        *byte = *byte & !mask | others & mask;
        kept = kept.saturating_sub(8);
    }
    hex(&bytes)
}

/// An address's family and sixteen more bytes.
fn address(text: &str) -> Option<Vec<u8>> {
    let is_wide = has(text, ":");
    let (sign, radix, most, length) = if is_wide { (':', 16, 0xffff, 4) } else { ('.', 10, 255, 3) };
    let gap = cut(text, "::");
    let (head, tail) = gap.unwrap_or((text, ""));
    let (mut bytes, mut at) = (vec![u8::from(is_wide)], 0);
    for side in [head, tail] {
        for part in side.split(sign).filter(|_| !side.is_empty()) {
            let number = number(part, radix, most).filter(|_| part.len() <= length)?;
            if is_wide {
                bytes.push((number >> 8) as u8);
            }
            bytes.push(number as u8);
        }
        at = if at == 0 { bytes.len() } else { at };
    }
    let fits = match bytes.len() {
        5 if !is_wide => true,
        // Two colons stand for one group of zeros at least.
        length => is_wide && if gap.is_some() { length <= 15 } else { length == 17 },
    };
    while bytes.len() < 17 {
        bytes.insert(at, 0);
    }
    fits.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_standard_library_reads_them() {
        for text in [
            "192.0.2.1",
            "0.0.0.0",
            "255.255.255.255",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "1..2.3",
            "+1.2.3.4",
            "",
            "::",
            "::1",
            "1::",
            "2001:db8::1",
            "2001:db8:0:0:0:0:0:1",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2:3:4::5:6:7:8",
            "1:2:3",
            ":::",
            "1::2::3",
            "12345::",
            "g::",
            ":1",
            "1:",
            "::1:",
            "1.2.3.4:5",
            ":::1",
            "1:2:3:4:5:6:7:8::",
            "1:2:3:4:5:6:7:8:9",
        ] {
            let theirs = text.parse::<std::net::IpAddr>().ok().map(|address| match address {
                std::net::IpAddr::V4(address) => [&[0][..], &address.octets(), &[0; 12]].concat(),
                std::net::IpAddr::V6(address) => [&[1][..], &address.octets()].concat(),
            });
            assert_eq!(address(text), theirs, "{text}");
        }
    }

    #[test]
    fn a_network_is_all_that_begin_with_its_bits() {
        let bounds = |text: &str, bits: &str| [0, 0xff].map(|others| network(text, bits, others));
        let of = |text: &str| network(text, "", 0);
        let [from, to] = bounds("192.0.2.77", "23");
        assert!(from == of("192.0.2.0") && to > of("192.0.3.255") && to < of("192.0.4.0"));
        assert_eq!(bounds("2001:db8::1", "128"), [of("2001:db8::1"), of("2001:db8::1")]);
        assert_eq!(bounds("::1", "0"), [of("::"), of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]);
        assert_eq!(
            bounds("2001:db8::", "30"),
            [of("2001:db8::"), of("2001:dbb:ffff:ffff:ffff:ffff:ffff:ffff")]
        );
        for (text, bits) in [("192.0.2.0", "33"), ("::", "129"), ("::", "x"), ("x", "8")] {
            assert_eq!(network(text, bits, 0), "");
        }
    }
}
