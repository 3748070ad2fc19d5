//! The neighbourhood of a client's address: enough to spread people over leaves and to count a neighbourhood's attempts, too little to
//! know anybody by.

use sha2::{Digest as _, Sha256};

use crate::pieces::{cut, joined};

/// A short name for a client's address prefix (/24 of IPv4, /48 of IPv6), for an arrival and for the
/// choice of a leaf. The platform writes addresses in their one canonical form (RFC 5952), so the text is cut, not parsed; what is no address
/// has the prefix of its own text.
pub fn prefix_of_address(address: &str) -> [u8; 4] {
    let prefix = if address.contains(':') {
        let groups = cut(address, "::")
            .map_or(address, |(groups, _)| groups)
            .split(':')
            .filter(|group| !group.is_empty());
        joined(&mut groups.chain(["0"; 3]).take(3), ":")
    } else {
        address.rsplit_once('.').map_or(address, |(prefix, _)| prefix).to_owned()
    };
    let digest = Sha256::digest(prefix.as_bytes());
    let mut short = [0; 4];
    for (to, from) in short.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_prefix_and_strangers_do_not() {
        assert_eq!(prefix_of_address("203.0.113.9"), prefix_of_address("203.0.113.200"));
        assert_ne!(prefix_of_address("203.0.113.9"), prefix_of_address("203.0.114.9"));
        assert_eq!(prefix_of_address("2001:db8:1::1"), prefix_of_address("2001:db8:1:ffff::2"));
        assert_ne!(prefix_of_address("2001:db8:1::1"), prefix_of_address("2001:db8:2::1"));
        assert_eq!(prefix_of_address("2001:db8::1"), prefix_of_address("2001:db8:0:7::1"));
        assert_eq!(prefix_of_address("::1"), prefix_of_address("::ffff:203.0.113.9"));
        assert_ne!(prefix_of_address("2001::1"), prefix_of_address("::1"));
        for nothing in ["", ":", "::", ".", "no address"] {
            prefix_of_address(nothing);
        }
    }
}
