//! What the sealed rows of vaults hold: vaults, wrapped KEKs, versions of secrets, shares of their keys.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shroud_wire::store::Table;
use uuid::Uuid;

use super::Record;
use crate::configuration::sha256;
use crate::secret_path::SecretPath;

/// A vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vault {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: String,
    /// Unix seconds.
    pub(crate) created_at: u64,
    pub(crate) created_by: String,
    /// A custody mode by its name; absent is the default envelope.
    pub(crate) custody_mode: Option<String>,
    /// SHA-256 of the client's key, hex; absent where the client encrypts nothing itself.
    pub(crate) cmek_fingerprint: Option<String>,
}

impl Vault {
    /// The vault that holds agents' keys.
    pub(crate) const AGENT_KEYS: &'static str = "__agent-keys";
}

impl Record for Vault {
    const TABLE: Table = Table::Vaults;
}

/// The mark that a vault has a name, so that no other takes it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VaultName {
    pub(crate) vault_id: Uuid,
}

impl VaultName {
    /// Its key in the table; names are longer than keys may be.
    pub(crate) fn key(name: &str) -> String {
        format!("vault_name/{}", hex::encode(sha256(name.as_bytes())))
    }
}

impl Record for VaultName {
    const TABLE: Table = Table::Deployment;
}

/// One KEK of a vault, wrapped by one provider's KMS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrappedKek {
    pub(crate) vault_id: Uuid,
    pub(crate) provider: String,
    /// Counts from 1 with each rotation.
    pub(crate) version: u64,
    /// What the KMS gave, base64.
    pub(crate) wrapped: String,
}

impl WrappedKek {
    /// Its key in the table.
    pub(crate) fn key(vault: Uuid, provider: &str) -> String {
        format!("{vault}/{provider}")
    }
}

impl Record for WrappedKek {
    const TABLE: Table = Table::VaultMpcKeks;
}

/// A secret: which versions it has, and up to which it was deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretHead {
    pub(crate) vault_id: Uuid,
    pub(crate) path: String,
    /// The newest version; they count from 1 and are never used again.
    pub(crate) newest: u64,
    /// Every version up to this one was deleted; 0 is none.
    pub(crate) deleted_through: u64,
}

impl SecretHead {
    /// Its key in the table, apart from those of versions.
    pub(crate) fn key(vault: Uuid, path: &SecretPath) -> String {
        format!("{}{path}", Self::prefix(vault))
    }

    /// What the keys of all secrets of a vault begin with.
    pub(crate) fn prefix(vault: Uuid) -> String {
        format!("heads/{vault}/")
    }

    /// Whether no version is left.
    pub(crate) fn is_deleted(&self) -> bool {
        self.newest <= self.deleted_through
    }
}

impl Record for SecretHead {
    const TABLE: Table = Table::Secrets;
}

/// What was said of a version when it was written, beside its value.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Terms {
    /// The customer's own.
    pub(crate) metadata: Option<Map<String, Value>>,
    /// Stored, never interpreted.
    pub(crate) rotation_policy: Option<Map<String, Value>>,
    /// Unix seconds from which it is gone.
    pub(crate) expires_at: Option<u64>,
    /// Reads after which it is gone.
    pub(crate) max_access_count: Option<u64>,
    /// Whether the client has encrypted the value under its own key.
    pub(crate) cmek_encrypted: bool,
}

/// One version of a secret: its sealed value, and commitments that name a wrong share.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretVersion {
    pub(crate) id: Uuid,
    pub(crate) vault_id: Uuid,
    pub(crate) path: String,
    pub(crate) version: u64,
    /// `private_key`, `api_key`, …
    pub(crate) kind: String,
    pub(crate) custody_mode: Option<String>,
    /// Sealed under the value key, base64.
    pub(crate) value: String,
    /// The commitments, base64.
    pub(crate) commitments: String,
    pub(crate) is_disabled: bool,
    pub(crate) terms: Terms,
    /// Unix seconds.
    pub(crate) created_at: u64,
    pub(crate) created_by: String,
}

impl SecretVersion {
    /// Its key in the table.
    pub(crate) fn key(vault: Uuid, path: &str, version: u64) -> String {
        format!("{vault}/{path}@{version}")
    }
}

impl Record for SecretVersion {
    const TABLE: Table = Table::Secrets;
}

/// How often a version with a read limit was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretReads {
    pub(crate) count: u64,
}

impl SecretReads {
    /// Its key in the table.
    pub(crate) fn key(vault: Uuid, path: &SecretPath, version: u64) -> String {
        format!("reads/{vault}/{path}@{version}")
    }
}

impl Record for SecretReads {
    const TABLE: Table = Table::Secrets;
}

/// One share of a secret version's DEK, sealed under one provider's KEK.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DekShare {
    pub(crate) vault_id: Uuid,
    pub(crate) provider: String,
    /// The version of the KEK that it is sealed under.
    pub(crate) kek_version: u64,
    /// Base64.
    pub(crate) sealed: String,
}

impl DekShare {
    /// Its key in the table.
    pub(crate) fn key(secret: &str, provider: &str) -> String {
        format!("{secret}/{provider}")
    }
}

impl Record for DekShare {
    const TABLE: Table = Table::SecretDekShares;
}
