//! Bytes as base64 text in JSON; the nonce in hexadecimal too.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

fn decoded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64_STANDARD.decode(&text).map_err(|_| D::Error::invalid_value(Unexpected::Str(&text), &"base64"))
}

fn fixed<E: Error, const N: usize>(bytes: &[u8]) -> Result<[u8; N], E> {
    bytes.try_into().map_err(|_| E::custom(format!("expected {N} bytes, found {}", bytes.len())))
}

/// `Vec<u8>` as base64.
pub(super) mod bytes {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use serde::{Deserializer, Serializer};

    use super::decoded;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        decoded(deserializer)
    }
}

/// `[u8; N]` as base64.
pub(super) mod array {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use serde::{Deserializer, Serializer};

    use super::{decoded, fixed};

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        fixed(&decoded(deserializer)?)
    }
}

/// `Vec<[u8; 32]>` as a list of base64 strings.
pub(super) mod arrays {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Item(#[serde(with = "super::array")] [u8; 32]);

    pub(crate) fn serialize<S: Serializer>(list: &[[u8; 32]], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| Item(*bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
        let items = Vec::<Item>::deserialize(deserializer)?;
        Ok(items.into_iter().map(|Item(bytes)| bytes).collect())
    }
}

/// A nonce of 32 bytes: written in hexadecimal, read in that or in base64.
pub(super) mod nonce {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(nonce: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(nonce))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        super::super::nonce(&text)
            .ok_or_else(|| D::Error::custom("expected 32 bytes in hexadecimal or base64"))
    }
}
