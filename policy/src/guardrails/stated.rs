//! The values of guardrail fields: parsed once, and kept with the spelling that the customer sent.

use core::str::FromStr;

use ruint::aliases::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    Address, AddressError, AmountError,
    amount::{parse_ether, parse_units},
};

/// A native amount, as whole units with at most 18 fraction digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    text: String,
    wei: U256,
}

impl Stated {
    /// The amount in wei.
    #[must_use]
    pub fn wei(&self) -> U256 {
        self.wei
    }

    /// The amount as it was sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Stated {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Ok(Self { text: text.to_owned(), wei: parse_ether(text)? })
    }
}

/// An address of a list, with its spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    text: String,
    address: Address,
}

impl Listed {
    /// The address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.address
    }

    /// The address as it was sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Listed {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Ok(Self { text: text.to_owned(), address: text.parse()? })
    }
}

macro_rules! serde_as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.text())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

serde_as_text!(Stated);
serde_as_text!(Listed);

/// A chain of a list: its name as sent, and the id that it resolved to; `None` for a chain of another family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedChain {
    /// As sent.
    pub name: String,
    /// EIP-155 id.
    pub chain_id: Option<u64>,
}

/// Where a per-chain rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every EVM chain: the contract's signing chain `ethereum`.
    Evm,
    /// One network.
    Network(u64),
    /// A chain of another family, where nothing is signed here.
    Foreign,
}

impl Scope {
    /// Whether the rule applies on this chain.
    #[must_use]
    pub fn covers(self, chain_id: u64) -> bool {
        match self {
            Self::Evm => true,
            Self::Network(id) => id == chain_id,
            Self::Foreign => false,
        }
    }
}

/// Limits for one signing chain or network; the strictest of these and the global ones counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerChain {
    /// The key as sent.
    pub name: String,
    /// Where it applies.
    pub scope: Scope,
    /// Native value per transaction.
    pub max_value: Option<Stated>,
    /// Native value in 24 hours.
    pub daily_limit: Option<Stated>,
    /// Counterparties.
    pub to_allowlist: Vec<Listed>,
    /// Token contracts.
    pub token_allowlist: Vec<Listed>,
    /// Transactions per UTC day.
    pub max_per_day: Option<u64>,
    /// Fees in 24 hours.
    pub overhead_budget: Option<Stated>,
    /// Price per gas; the text in gwei.
    pub max_fee_per_gas_gwei: Option<Gwei>,
    /// Gas per transaction.
    pub max_gas_limit: Option<u64>,
    /// Fees per UTC day.
    pub gas_daily_budget_native: Option<Stated>,
}

/// A price in gwei, with at most 9 fraction digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gwei {
    text: String,
    wei: U256,
}

impl Gwei {
    /// The price in wei.
    #[must_use]
    pub fn wei(&self) -> U256 {
        self.wei
    }

    /// The price as it was sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Gwei {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Ok(Self { text: text.to_owned(), wei: parse_units(text, crate::amount::GWEI)? })
    }
}

serde_as_text!(Gwei);

/// Limits of one token, in units of 10^`decimals` smallest ones. `None` is unlimited, and had to be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenLimit {
    /// The token contract, on every chain that the policy allows.
    pub token: Address,
    /// Fraction digits of the amounts below.
    pub decimals: u8,
    /// Amount per intent, as sent; `None` is unlimited.
    pub max_value: Option<String>,
    /// Amount in 24 hours, as sent; `None` is unlimited.
    pub daily_limit: Option<String>,
}

impl TokenLimit {
    /// The amount per intent in smallest units.
    #[must_use]
    pub fn cap(&self) -> Option<U256> {
        self.units(self.max_value.as_ref())
    }

    /// The amount of 24 hours in smallest units.
    #[must_use]
    pub fn daily(&self) -> Option<U256> {
        self.units(self.daily_limit.as_ref())
    }

    /// A text that no longer reads as an amount limits to nothing at all.
    fn units(&self, text: Option<&String>) -> Option<U256> {
        text.map(|text| parse_units(text, self.decimals).unwrap_or_default())
    }
}

/// A call that may be made although it is not decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedCall {
    /// The contract.
    pub address: Address,
    /// The first four bytes of the data, as 0x and 8 digits.
    pub selector: String,
}

/// A contract whose typed data may be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainEntry {
    /// The domain's verifying contract.
    pub verifying_contract: Listed,
    /// Narrows the entry to one chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<u64>,
    /// Narrows the entry to one primary type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_type: Option<String>,
}

/// What a gate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The gate is open.
    Allow,
    /// The gate is shut.
    Deny,
    /// A person decides.
    Approve,
    /// The gate is not there.
    Off,
}

impl Mode {
    /// The word in the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Approve => "approve",
            Self::Off => "off",
        }
    }
}
