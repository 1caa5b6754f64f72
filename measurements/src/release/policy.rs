//! The guest policy with which a release is launched: what verifiers demand of it, and nothing looser.

use core::fmt;
use core::str::FromStr;

use shroud_attestation::{PlatformPolicy, Product};

/// The lowest version of the firmware's ABI that may run a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abi {
    /// The major version.
    pub major: u8,
    /// The minor version.
    pub minor: u8,
}

/// The text is no version of the ABI.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no version; expected MAJOR.MINOR")]
pub struct AbiError(String);

impl Abi {
    /// 1.55: the first that knows the policy bits which Shroud demands.
    pub const DEFAULT: Self = Self { major: 1, minor: 55 };
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Abi {
    type Err = AbiError;

    fn from_str(text: &str) -> Result<Self, AbiError> {
        let wrong = || AbiError(text.to_owned());
        let (major, minor) = text.split_once('.').ok_or_else(wrong)?;
        let number = |text: &str| text.parse().map_err(|_| wrong());
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }
}

/// The policy for guests of `product` that satisfies `demands` (AMD 56860, `POLICY`): no debugging, no migration, and
/// every protection that is demanded there.
#[must_use]
pub fn guest_policy(demands: &PlatformPolicy, product: Product, abi: Abi, smt: bool) -> u64 {
    let version = u64::from(abi.major) << 8 | u64::from(abi.minor);
    let bits = [
        (16, smt && demands.allow_smt),
        (17, true),
        (20, demands.require_single_socket),
        (22, demands.require_aes_256_xts.contains(&product)),
        (23, demands.require_rapl_off.contains(&product)),
        (24, demands.require_ciphertext_hiding.contains(&product)),
        (25, demands.require_page_swap_off.contains(&product)),
    ];
    bits.into_iter().filter(|(_, set)| *set).fold(version, |policy, (bit, _)| policy | 1 << bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_demands_what_verifiers_demand() {
        let demands = PlatformPolicy::default();
        let of = |product, smt| guest_policy(&demands, product, Abi::DEFAULT, smt);
        assert_eq!(of(Product::Milan, true), 0x3_0137);
        assert_eq!(of(Product::Genoa, true), 0xc3_0137);
        assert_eq!(of(Product::Turin, true), 0x1c3_0137);
        assert_eq!(of(Product::Turin, false), 0x1c2_0137);
    }

    #[test]
    fn smt_is_off_where_verifiers_refuse_it() {
        let demands = PlatformPolicy { allow_smt: false, ..PlatformPolicy::default() };
        assert_eq!(guest_policy(&demands, Product::Genoa, Abi::DEFAULT, true), 0xc2_0137);
    }

    #[test]
    fn abi_is_major_and_minor() {
        assert_eq!("1.55".parse(), Ok(Abi::DEFAULT));
        assert_eq!(Abi::DEFAULT.to_string(), "1.55");
        for text in ["", "1", "1.", "1.256", "1.55.0"] {
            assert_eq!(text.parse::<Abi>(), Err(AbiError(text.to_owned())), "{text}");
        }
    }
}
