//! HKDF-SHA256 (RFC 5869) and HMAC-SHA256 (RFC 2104), as this crate uses them.

use aws_lc_rs::{hkdf, hmac};

use crate::secret::Secret;

/// The width of every derived key.
struct KeyWidth;

impl hkdf::KeyType for KeyWidth {
    fn len(&self) -> usize {
        32
    }
}

/// Derives a 32-byte key. An empty salt stands for 32 zero bytes, as in the RFC.
///
/// # Panics
/// If aws-lc refuses 32 bytes of output, which HKDF-SHA256 has for every input.
pub(crate) fn derive(salt: &[u8], key: &[u8], info: &[u8]) -> Secret<32> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key);
    let info = [info];
    Secret::written(|derived| {
        let filled = extracted.expand(&info, KeyWidth).and_then(|output| output.fill(derived));
        assert!(filled.is_ok(), "HKDF-SHA256 gave no 32 bytes");
    })
}

/// Authenticates `message` under `key`.
pub(crate) fn authenticate(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_5869_first_case() {
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let derived = derive(&salt, &[0x0b; 22], &info);
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(hex::encode(derived.expose()), expected);
    }

    #[test]
    fn rfc_5869_empty_salt() {
        let derived = derive(&[], &[0x0b; 22], &[]);
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(hex::encode(derived.expose()), expected);
    }
}
