//! Values made here: characters drawn evenly from a set, at a length that the caller chooses.

use serde::Deserialize;
use shroud_custody::Random;
use zeroize::Zeroizing;

/// A set of characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Charset {
    /// Lower-case hexadecimal digits.
    #[default]
    Hex,
    /// The alphabet of base64; the text as a whole need not decode.
    Base64,
    /// Letters and digits.
    Alphanumeric,
    /// Printable ASCII without the space.
    Ascii,
}

impl Charset {
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Ascii => byte.is_ascii_graphic(),
        }
    }
}

/// Characters that a value may have.
pub(super) const LENGTHS: std::ops::RangeInclusive<usize> = 8..=1024;

/// `length` characters, each drawn evenly: a random byte counts if it is in the set, and is drawn again otherwise.
pub(super) fn value(charset: Charset, length: usize, random: &mut dyn Random) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0; 256]);
    while text.len() < length {
        random.fill(bytes.as_mut());
        let left = length - text.len();
        text.extend(
            bytes.iter().filter(|byte| charset.holds(**byte)).take(left).map(|byte| char::from(*byte)),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use shroud_custody::SystemRandom;

    use super::*;

    #[test]
    fn every_character_of_the_set_and_no_other() {
        for (charset, size) in
            [(Charset::Hex, 16), (Charset::Base64, 64), (Charset::Alphanumeric, 62), (Charset::Ascii, 94)]
        {
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..64 {
                let value = value(charset, 1024, &mut SystemRandom);
                assert_eq!(value.len(), 1024);
                seen.extend(value.bytes());
            }
            assert_eq!(seen.len(), size, "{charset:?}");
            assert!(seen.into_iter().all(|byte| charset.holds(byte)));
        }
    }

    #[test]
    fn lengths_are_exact() {
        for length in [8, 32, 1023] {
            assert_eq!(value(Charset::Hex, length, &mut SystemRandom).len(), length);
        }
    }
}
