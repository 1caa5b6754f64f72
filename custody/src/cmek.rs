//! CMEK: the layer that a client puts around a value before it reaches Shroud.
//!
//! The client encrypts; the enclave never sees the key. What it keeps is the key's fingerprint, so that a client can
//! tell which key a vault expects.

/// The SHA-256 of a client's AES-256 key, as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

/// Why a text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// It has another length.
    #[error("a fingerprint has 64 characters, this has {found}")]
    Length {
        /// Its length, in bytes.
        found: usize,
    },
    /// A character is no lower-case hexadecimal digit.
    #[error("a fingerprint is lower-case hexadecimal")]
    Digit,
}

impl Fingerprint {
    /// Reads a fingerprint.
    ///
    /// # Errors
    /// [`FingerprintError`] unless it is 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        if text.len() != 64 {
            return Err(FingerprintError::Length { found: text.len() });
        }
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if digits { Ok(Self(text.to_owned())) } else { Err(FingerprintError::Digit) }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_reads_back() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(Fingerprint::parse(&text).unwrap().as_str(), text);
    }

    #[test]
    fn fingerprint_length() {
        assert_eq!(Fingerprint::parse("ab"), Err(FingerprintError::Length { found: 2 }));
    }

    #[test]
    fn fingerprint_digit() {
        assert_eq!(Fingerprint::parse(&"AB".repeat(32)), Err(FingerprintError::Digit));
    }
}
