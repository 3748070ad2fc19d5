//! Base64url without padding (RFC 4648, 5): what tokens are written in. The same bytes have one text alone, and only that is read.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What is no digit.
const NONE: u8 = 64;

/// What each digit stands for: looked up, for every admitted request has a hundred of them.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
};

/// The text of these bytes.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 1);
    for three in bytes.chunks(3) {
        let mut word = [0; 4];
        for (to, from) in word[1..].iter_mut().zip(three) {
            *to = *from;
        }
        let word = u32::from_be_bytes(word);
        for digit in 0..=three.len() {
            text.push(char::from(DIGITS[(word >> (18 - 6 * digit)) as usize % 64]));
        }
    }
    text
}

/// The bytes of this text, written to the front of a buffer; none if it is no such text, or has more bytes than fit in.
pub fn decode<'a>(text: &str, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let bytes = buffer.get_mut(..text.len() * 3 / 4)?;
    let ((fours, last_digits), (threes, last_bytes)) = (text.as_bytes().as_chunks(), bytes.as_chunks_mut());
    for (three, four) in threes.iter_mut().zip(fours) {
        *three = three_of(*four)?;
    }
    let mut four = [DIGITS[0]; 4];
    for (to, from) in four.iter_mut().zip(last_digits) {
        *to = *from;
    }
    let three = three_of(four)?;
    let (last, left_over) = three.split_at(last_bytes.len());
    last_bytes.copy_from_slice(last);
    // One digit alone is less than a byte.
    (last_digits.len() != 1 && left_over.iter().all(|byte| *byte == 0)).then_some(bytes)
}

fn three_of(four: [u8; 4]) -> Option<[u8; 3]> {
    let [a, b, c, d] = four.map(|digit| VALUES[usize::from(digit)]);
    ((a | b | c | d) < NONE).then_some([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    #[test]
    fn what_is_written_is_what_others_write_and_is_read_again() {
        let bytes: Vec<u8> = (0..200u32).map(|number| (number * number * 7 + number / 3) as u8).collect();
        for length in 0..bytes.len() {
            let text = encode(&bytes[..length]);
            assert_eq!(text, URL_SAFE_NO_PAD.encode(&bytes[..length]));
            assert_eq!(decode(&text, &mut [0; 200]), Some(&bytes[..length]));
        }
    }

    #[test]
    fn what_is_read_is_what_others_read() {
        let mut state = 1u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize
        };
        for _ in 0..200_000 {
            let letters = b"AQgw-_9z=+/ ~\n";
            let text: String = (0..next() % 7).map(|_| char::from(letters[next() % letters.len()])).collect();
            assert_eq!(
                decode(&text, &mut [0; 8]).map(<[u8]>::to_vec),
                URL_SAFE_NO_PAD.decode(&text).ok(),
                "{text:?}"
            );
        }
        assert_eq!((decode("é", &mut [0; 8]), decode("AAAA", &mut [0; 2])), (None, None));
    }
}
