//! Custody modes: who holds a part of a secret's key, and how many parts open it.
//!
//! | name | holders | opens with |
//! |---|---|---|
//! | `none` | gcp | gcp |
//! | `2of2_client_custody` | gcp, client | both |
//! | `2of3_multi_hsm` | gcp, aws, azure | any two |
//! | `2of3_client_custody` | gcp, aws, client | the client and one other |
//! | `2of3_multi_hsm_client` | gcp, aws, azure, client | the client and any two others |

use core::fmt;
use core::str::FromStr;

use crate::shamir::Index;

/// A cloud whose KMS holds keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Google Cloud KMS, the primary.
    Gcp,
    /// AWS KMS.
    Aws,
    /// Azure Key Vault.
    Azure,
}

impl Provider {
    /// All of them, in the order of their indices.
    pub const ALL: [Self; 3] = [Self::Gcp, Self::Aws, Self::Azure];

    /// The contract's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gcp => "gcp",
            Self::Aws => "aws",
            Self::Azure => "azure",
        }
    }

    /// The index of every share that this provider holds.
    #[must_use]
    pub const fn index(self) -> Index {
        match self {
            Self::Gcp => Index::FIRST,
            Self::Aws => Index::SECOND,
            Self::Azure => Index::THIRD,
        }
    }
}

/// A name that is no provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such provider; there are gcp, aws and azure")]
pub struct UnknownProvider;

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, UnknownProvider> {
        Self::ALL.into_iter().find(|provider| provider.name() == name).ok_or(UnknownProvider)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who holds a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A cloud.
    Provider(Provider),
    /// The client, outside Shroud.
    Client,
}

impl Holder {
    /// The contract's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provider(provider) => provider.name(),
            Self::Client => "client",
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a secret's DEK is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CustodyMode {
    /// Whole, under the primary provider's KEK.
    #[default]
    Unsplit,
    /// XOR of the primary provider's half and the client's.
    Client2of2,
    /// Shamir, any two of the three providers.
    MultiHsm2of3,
    /// Shamir over gcp, aws and the client, bound to the client.
    Client2of3,
    /// XOR of the client's half and the servers' half, the latter by Shamir over the three providers.
    MultiHsmClient2of3,
}

impl CustodyMode {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Unsplit, Self::Client2of2, Self::MultiHsm2of3, Self::Client2of3, Self::MultiHsmClient2of3];

    /// The contract's name; `none` for the default.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsplit => "none",
            Self::Client2of2 => "2of2_client_custody",
            Self::MultiHsm2of3 => "2of3_multi_hsm",
            Self::Client2of3 => "2of3_client_custody",
            Self::MultiHsmClient2of3 => "2of3_multi_hsm_client",
        }
    }

    /// The contract's `mpc_threshold`; nothing for the default.
    #[must_use]
    pub const fn threshold(self) -> Option<u8> {
        match self {
            Self::Unsplit => None,
            Self::Client2of2 | Self::MultiHsm2of3 | Self::Client2of3 | Self::MultiHsmClient2of3 => Some(2),
        }
    }

    /// Whether a client holds a part, which every read must present.
    #[must_use]
    pub const fn needs_client_share(self) -> bool {
        matches!(self, Self::Client2of2 | Self::Client2of3 | Self::MultiHsmClient2of3)
    }

    /// The providers that hold a share, and thus need a KEK for the vault. The first is the primary.
    #[must_use]
    pub const fn providers(self) -> &'static [Provider] {
        match self {
            Self::Unsplit | Self::Client2of2 => &[Provider::Gcp],
            Self::Client2of3 => &[Provider::Gcp, Provider::Aws],
            Self::MultiHsm2of3 | Self::MultiHsmClient2of3 => &Provider::ALL,
        }
    }

    /// How many of the providers' shares a read needs, beside the client's where there is one.
    #[must_use]
    pub const fn provider_shares_needed(self) -> usize {
        match self {
            Self::Unsplit | Self::Client2of2 | Self::Client2of3 => 1,
            Self::MultiHsm2of3 | Self::MultiHsmClient2of3 => 2,
        }
    }

    /// Every holder, as the contract's `mpc_providers` lists them: the providers, then the client.
    pub fn holders(self) -> impl Iterator<Item = Holder> {
        let client = self.needs_client_share().then_some(Holder::Client);
        self.providers().iter().copied().map(Holder::Provider).chain(client)
    }
}

impl fmt::Display for CustodyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no custody mode's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no such custody mode; there are 2of2_client_custody, 2of3_multi_hsm, 2of3_client_custody and 2of3_multi_hsm_client"
)]
pub struct UnknownMode;

impl FromStr for CustodyMode {
    type Err = UnknownMode;

    /// Reads a name of the contract, or the aliases `2-of-2` and `2-of-3`.
    fn from_str(name: &str) -> Result<Self, UnknownMode> {
        match name {
            "2-of-2" => Ok(Self::Client2of2),
            "2-of-3" => Ok(Self::MultiHsm2of3),
            _ => Self::ALL.into_iter().find(|mode| mode.name() == name).ok_or(UnknownMode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for mode in CustodyMode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
        }
        for provider in Provider::ALL {
            assert_eq!(provider.name().parse(), Ok(provider));
        }
    }

    #[test]
    fn aliases_of_the_contract() {
        assert_eq!("2-of-2".parse(), Ok(CustodyMode::Client2of2));
        assert_eq!("2-of-3".parse(), Ok(CustodyMode::MultiHsm2of3));
    }

    #[test]
    fn unknown_mode() {
        assert_eq!("2of3".parse::<CustodyMode>(), Err(UnknownMode));
        assert_eq!("".parse::<CustodyMode>(), Err(UnknownMode));
    }

    #[test]
    fn unknown_provider() {
        assert_eq!("GCP".parse::<Provider>(), Err(UnknownProvider));
    }

    #[test]
    fn holders_as_the_contract_lists_them() {
        let names = |mode: CustodyMode| mode.holders().map(Holder::name).collect::<Vec<_>>().join(",");
        assert_eq!(names(CustodyMode::Unsplit), "gcp");
        assert_eq!(names(CustodyMode::Client2of2), "gcp,client");
        assert_eq!(names(CustodyMode::MultiHsm2of3), "gcp,aws,azure");
        assert_eq!(names(CustodyMode::Client2of3), "gcp,aws,client");
        assert_eq!(names(CustodyMode::MultiHsmClient2of3), "gcp,aws,azure,client");
    }
}
