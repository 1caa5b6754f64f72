//! A secret's value on its way in and out: text that is erased when it is done with, and that nothing prints.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// The value of a secret.
pub(super) struct Plaintext(Zeroizing<String>);

impl Plaintext {
    /// From text.
    pub(super) fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// From the bytes that were sealed; only text ever was.
    pub(super) fn opened(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(|text| Self(Zeroizing::new(text.to_owned())))
    }

    /// The bytes to seal.
    pub(super) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Serialize for Plaintext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Plaintext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}
