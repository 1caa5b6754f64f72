//! An Ethereum address, read and written with its EIP-55 checksum.
//!
//! Mixed case must carry the right checksum; all-lower and all-upper digits carry none and are accepted. Nothing else
//! is: no other prefix, no white space, no names.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::keccak256;

/// Twenty bytes that name an account or a contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; 20]);

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text does not begin with `0x`.
    #[error("an address begins with 0x")]
    Prefix,
    /// There are not exactly 40 digits.
    #[error("an address has 40 hex digits, found {found}")]
    Length {
        /// Characters after the prefix.
        found: usize,
    },
    /// A character is not a hex digit.
    #[error("an address has hex digits only")]
    Digit,
    /// The case of the letters is not the EIP-55 checksum.
    #[error("the mixed-case checksum is wrong: expected {expected}")]
    Checksum {
        /// The same address with its right checksum.
        expected: String,
    },
}

impl Address {
    /// The address of twenty zero bytes.
    pub const ZERO: Self = Self([0; 20]);

    /// The address of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The twenty bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The address of an uncompressed secp256k1 public key: x ‖ y, 64 bytes, without the leading 0x04.
    #[must_use]
    pub fn from_public_key(xy: &[u8; 64]) -> Self {
        Self::tail(&keccak256(xy))
    }

    /// The low twenty bytes of a word.
    pub(crate) fn tail(word: &[u8; 32]) -> Self {
        let mut bytes = [0; 20];
        bytes.iter_mut().zip(word.iter().skip(12)).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    /// `0x` and 40 digits in the case that EIP-55 prescribes.
    #[must_use]
    pub fn to_checksum(&self) -> String {
        let digits = hex::encode(self.0);
        let hash = keccak256(digits.as_bytes());
        let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let cased = digits
            .chars()
            .zip(nibbles)
            .map(|(digit, nibble)| if nibble >= 8 { digit.to_ascii_uppercase() } else { digit });
        "0x".chars().chain(cased).collect()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let digits = text.strip_prefix("0x").ok_or(AddressError::Prefix)?;
        if digits.chars().count() != 40 {
            return Err(AddressError::Length { found: digits.chars().count() });
        }
        let mut bytes = [0; 20];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| AddressError::Digit)?;
        let address = Self(bytes);
        let upper = digits.bytes().any(|digit| digit.is_ascii_uppercase());
        let lower = digits.bytes().any(|digit| digit.is_ascii_lowercase());
        if upper && lower && address.to_checksum() != text {
            return Err(AddressError::Checksum { expected: address.to_checksum() });
        }
        Ok(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_checksum())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_checksum())
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_checksum())
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEAD: &str = "0x000000000000000000000000000000000000dEaD";

    #[test]
    fn checksum_is_accepted_and_written() {
        assert_eq!(DEAD.parse::<Address>().unwrap().to_checksum(), DEAD);
    }

    #[test]
    fn one_case_needs_no_checksum() {
        let address: Address = DEAD.parse().unwrap();
        assert_eq!(DEAD.to_lowercase().parse(), Ok(address));
        assert_eq!("0x000000000000000000000000000000000000DEAD".parse(), Ok(address));
    }

    #[test]
    fn prefix_is_required() {
        for text in [
            "",
            "000000000000000000000000000000000000dEaD",
            "0X000000000000000000000000000000000000DEAD",
            " 0x00",
        ] {
            assert_eq!(text.parse::<Address>(), Err(AddressError::Prefix), "{text}");
        }
    }

    #[test]
    fn length_is_forty() {
        assert_eq!("0x00".parse::<Address>(), Err(AddressError::Length { found: 2 }));
        assert_eq!(format!("{DEAD}0").parse::<Address>(), Err(AddressError::Length { found: 41 }));
        assert_eq!(format!("{DEAD} ").parse::<Address>(), Err(AddressError::Length { found: 41 }));
    }

    #[test]
    fn digit_must_be_hex() {
        let text = "0x000000000000000000000000000000000000dEaG";
        assert_eq!(text.parse::<Address>(), Err(AddressError::Digit));
        let text = "0x00000000000000000000000000000000000\u{ff10}dEaD";
        assert_eq!(text.parse::<Address>(), Err(AddressError::Digit));
    }

    #[test]
    fn checksum_wrong_is_refused() {
        let text = "0x000000000000000000000000000000000000DeaD";
        assert_eq!(text.parse::<Address>(), Err(AddressError::Checksum { expected: DEAD.to_owned() }));
    }

    proptest! {
        #[test]
        fn every_address_reads_back(bytes: [u8; 20]) {
            let address = Address::new(bytes);
            prop_assert_eq!(address.to_checksum().parse(), Ok(address));
            prop_assert_eq!(format!("0x{}", hex::encode(bytes)).parse(), Ok(address));
        }

        #[test]
        fn hostile_text_never_panics(text: String) {
            let _ = text.parse::<Address>();
        }
    }
}
