//! EIP-191 personal messages.

use crate::keccak256;

/// keccak("\x19Ethereum Signed Message:\n" ‖ decimal length ‖ message).
#[must_use]
pub fn hash(message: &[u8]) -> [u8; 32] {
    let prefix = format!("\x19Ethereum Signed Message:\n{}", message.len());
    keccak256([prefix.as_bytes(), message].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hello_world_has_the_known_hash() {
        let expected = "d9eba16ed0ecae432b71fe008c98cc872bb4cc214d3220a36f365326cf807d68";
        assert_eq!(hex::encode(hash(b"hello world")), expected);
    }

    #[test]
    fn the_length_is_that_of_the_bytes() {
        assert_ne!(hash("\u{e9}".as_bytes()), hash(b"e"));
        assert_ne!(hash(b""), hash(b"\0"));
    }
}
