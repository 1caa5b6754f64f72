//! Contexts: where a sealed thing belongs, as canonical bytes.
//!
//! Each is the associated data of what is sealed there, so nothing opens in another place. A label per kind keeps the
//! kinds apart, and the table that holds the thing is named first. The caller states the context it expects.

use shroud_wire::canonical::Canonical;

use crate::mode::{CustodyMode, Provider};

/// One version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretContext<'a> {
    /// The deployment's log origin.
    pub origin: &'a str,
    /// The organisation's id.
    pub org: &'a str,
    /// The vault's id.
    pub vault: &'a str,
    /// The path in the vault.
    pub path: &'a str,
    /// The version, from 1.
    pub version: u64,
}

impl SecretContext<'_> {
    /// Of the value: what the value key is derived for, and the associated data of its ciphertext.
    #[must_use]
    pub fn value(&self, mode: CustodyMode) -> Vec<u8> {
        self.place("shroud/v1/secret-value", "secrets", mode).into_bytes()
    }

    /// Of the share that `provider` holds.
    #[must_use]
    pub fn share(&self, mode: CustodyMode, provider: Provider) -> Vec<u8> {
        let place = self.place("shroud/v1/dek-share", "secret_dek_shares", mode);
        place.field(provider.name()).field([provider.index().value()]).into_bytes()
    }

    /// Of the commitment to what the shares rebuild.
    #[must_use]
    pub fn split_commitment(&self, mode: CustodyMode) -> Vec<u8> {
        self.place("shroud/v1/commitment/split", "secrets", mode).into_bytes()
    }

    /// Of the commitment to the value key.
    #[must_use]
    pub fn value_commitment(&self, mode: CustodyMode) -> Vec<u8> {
        self.place("shroud/v1/commitment/value", "secrets", mode).into_bytes()
    }

    fn place(&self, label: &str, table: &str, mode: CustodyMode) -> Canonical {
        let owner = Canonical::new(label).field(table).field(self.origin).field(self.org).field(self.vault);
        owner.field(self.path).number(self.version).field(mode.name())
    }
}

/// One KEK: the context under which the provider's KMS wraps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KekContext<'a> {
    /// The deployment's log origin.
    pub origin: &'a str,
    /// The organisation's id.
    pub org: &'a str,
    /// The vault's id.
    pub vault: &'a str,
    /// The provider that wraps it.
    pub provider: Provider,
    /// The version of the KEK, from 1; rotation raises it.
    pub version: u64,
}

impl KekContext<'_> {
    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let owner =
            Canonical::new("shroud/v1/kek").field("vault_mpc_keks").field(self.origin).field(self.org);
        owner.field(self.vault).field(self.provider.name()).number(self.version).into_bytes()
    }
}

/// One share of the state key: the context under which the provider's KMS wraps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateKeyContext<'a> {
    /// The deployment's log origin.
    pub origin: &'a str,
    /// The provider that wraps it.
    pub provider: Provider,
    /// The version of the state key, from 1; rotation raises it.
    pub version: u64,
}

impl StateKeyContext<'_> {
    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let owner =
            Canonical::new("shroud/v1/state-key-share").field(self.origin).field(self.provider.name());
        owner.field([self.provider.index().value()]).number(self.version).into_bytes()
    }
}
