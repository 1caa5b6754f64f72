//! The processors, and the three places that name one: CPUID in the report, the certificate, the name of its issuer.
//!
//! A report's layout of TCB and chip id follows the product, never the report's version (AMD 56860, `TCB_VERSION`).

use core::fmt;

use serde::{Deserialize, Serialize};

/// A family of EPYC processors that share one root (AMD 57230).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// Zen 3: family 19h, models 00h to 0Fh.
    Milan,
    /// Zen 4: family 19h, models 10h to 1Fh, and Bergamo and Siena, models A0h to AFh, under the same root.
    Genoa,
    /// Zen 5: family 1Ah, models 00h to 1Fh.
    Turin,
}

impl Product {
    /// From the combined family and model that a report carries from version 3 on.
    #[must_use]
    pub const fn from_cpuid(family: u8, model: u8) -> Option<Self> {
        match (family, model) {
            (0x19, 0x00..=0x0f) => Some(Self::Milan),
            (0x19, 0x10..=0x1f | 0xa0..=0xaf) => Some(Self::Genoa),
            (0x1a, 0x00..=0x1f) => Some(Self::Turin),
            _ => None,
        }
    }

    /// From a certificate's product name, which may carry a stepping: `Milan-B0`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.split_once('-').map_or(name, |(product, _stepping)| product) {
            "Milan" => Some(Self::Milan),
            "Genoa" => Some(Self::Genoa),
            "Turin" => Some(Self::Turin),
            _ => None,
        }
    }

    /// The name in AMD's certificates, without a stepping.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }

    /// How many bytes of `CHIP_ID` identify the chip; the rest is zero (AMD 57230, `hwID`).
    #[must_use]
    pub const fn hwid_length(self) -> usize {
        match self {
            Self::Milan | Self::Genoa => 64,
            Self::Turin => 8,
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_come_from_cpuid() {
        for (family, model, product) in [
            (0x19, 0x01, Some(Product::Milan)),
            (0x19, 0x11, Some(Product::Genoa)),
            (0x19, 0xa0, Some(Product::Genoa)),
            (0x1a, 0x02, Some(Product::Turin)),
            (0x1a, 0x11, Some(Product::Turin)),
            (0x19, 0x20, None),
            (0x1a, 0x50, None),
            (0x17, 0x31, None),
        ] {
            assert_eq!(Product::from_cpuid(family, model), product, "{family:#x} {model:#x}");
        }
    }

    #[test]
    fn a_name_is_matched_whole() {
        assert_eq!(Product::from_name("Milan-B0"), Some(Product::Milan));
        assert_eq!(Product::from_name("Turin"), Some(Product::Turin));
        assert_eq!(Product::from_name("Milano"), None);
        assert_eq!(Product::from_name("milan"), None);
    }
}
