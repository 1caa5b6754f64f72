//! What the sealed rows hold, as JSON under the state key. Each type names its table; each has one key.

pub(crate) mod custody;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shroud_wire::store::Table;
use uuid::Uuid;

pub(crate) use custody::{
    DekShare, SecretHead, SecretReads, SecretVersion, Terms, Vault, VaultName, WrappedKek,
};

/// A thing that is kept in one table.
pub(crate) trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its table.
    const TABLE: Table;
}

/// The deployment's own keys, made at genesis: each 32 bytes in hex, sealed like every row.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeploymentKeys {
    /// Seed of the Ed25519 key that signs checkpoints.
    pub(crate) journal: HexSecret,
    /// Seed of the Ed25519 key that signs tokens.
    pub(crate) token: HexSecret,
    /// Key of the MAC on policies.
    pub(crate) policy: HexSecret,
    /// Key of the contract's HMAC audit chain, computed when it is read.
    pub(crate) audit: HexSecret,
    /// The vault `__agent-keys`.
    pub(crate) agent_keys_vault: Uuid,
}

impl DeploymentKeys {
    /// Its key in the table.
    pub(crate) const KEY: &'static str = "keys";
}

impl Record for DeploymentKeys {
    const TABLE: Table = Table::Deployment;
}

/// 32 secret bytes with a hex form inside a sealed body, and no other way to print.
pub(crate) struct HexSecret(shroud_custody::Secret<32>);

impl HexSecret {
    /// Draws a fresh one.
    pub(crate) fn random() -> Self {
        Self(shroud_custody::Secret::random(&mut shroud_custody::SystemRandom))
    }

    /// The bytes.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

impl Serialize for HexSecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&zeroize::Zeroizing::new(hex::encode(self.0.expose())))
    }
}

impl<'de> Deserialize<'de> for HexSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = zeroize::Zeroizing::new(String::deserialize(deserializer)?);
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.as_bytes(), bytes.as_mut()).map_err(serde::de::Error::custom)?;
        shroud_custody::Secret::copied(bytes.as_ref()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Whom a credential stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Holder {
    /// The person.
    Human(Uuid),
    /// An agent.
    Agent(Uuid),
    /// The person, confirming what cannot be undone; it is no login.
    Confirmation(Uuid),
}

/// A credential, kept under the SHA-256 of its text in hex.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    /// Whom it stands for.
    pub(crate) holder: Holder,
    /// Unix seconds after which it no longer counts.
    pub(crate) expires_at: Option<u64>,
}

impl Record for Credential {
    const TABLE: Table = Table::Credentials;
}

/// A token that was revoked before its time, kept under its id.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokedToken {
    /// Unix seconds after which the token would not count anyway.
    pub(crate) expires_at: u64,
}

impl RevokedToken {
    /// What the keys of all revoked tokens begin with.
    pub(crate) const PREFIX: &'static str = "revoked/";

    /// Its key in the table.
    pub(crate) fn key(token: Uuid) -> String {
        format!("{}{token}", Self::PREFIX)
    }
}

impl Record for RevokedToken {
    const TABLE: Table = Table::Credentials;
}

/// The mark that a measured credential was copied into sealed state and counts by its row alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Adopted {
    /// SHA-256 of the credential, hex.
    pub(crate) sha256: String,
}

impl Adopted {
    /// The key of the admin's API key.
    pub(crate) const ADMIN: &'static str = "admin_key";
    /// The key of the person's confirmation.
    pub(crate) const CONFIRMATION: &'static str = "auth_confirm";
}

impl Record for Adopted {
    const TABLE: Table = Table::Deployment;
}

/// An agent. Its guardrails stand in `policy`, under a MAC of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agent {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) auth_method: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) is_active: bool,
    pub(crate) intents_api_enabled: bool,
    pub(crate) shroud_enabled: bool,
    pub(crate) intents_require_tee: bool,
    pub(crate) token_ttl_seconds: Option<u64>,
    pub(crate) vault_ids: Vec<Uuid>,
    /// Unix seconds.
    pub(crate) expires_at: Option<u64>,
    /// Unix seconds.
    pub(crate) api_key_expires_at: Option<u64>,
    /// SHA-256 of the API key in hex: the key of its [`Credential`].
    pub(crate) api_key_sha256: String,
    /// The first twelve characters, for people.
    pub(crate) api_key_prefix: String,
    /// Unix seconds.
    pub(crate) created_at: u64,
    /// `user:<uuid>`.
    pub(crate) created_by: String,
    /// Bytes of a signed policy, base64.
    pub(crate) policy: String,
}

impl Record for Agent {
    const TABLE: Table = Table::Agents;
}

/// The public side of a signing key; its private part is a secret of the vault `__agent-keys`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SigningKey {
    pub(crate) id: Uuid,
    pub(crate) agent_id: Uuid,
    pub(crate) chain: String,
    /// Uncompressed SEC1 point, hex.
    pub(crate) public_key: String,
    /// EIP-55.
    pub(crate) address: String,
    /// Counts from 1.
    pub(crate) version: u64,
    pub(crate) is_active: bool,
    /// Unix seconds.
    pub(crate) created_at: u64,
    /// Unix seconds.
    pub(crate) rotated_at: Option<u64>,
    pub(crate) vault_id: Uuid,
    /// The secret's path in that vault.
    pub(crate) path: String,
    /// The secret's version.
    pub(crate) secret_version: u64,
}

impl SigningKey {
    /// Its key in the table.
    pub(crate) fn key(agent: Uuid, chain: &str) -> String {
        format!("{agent}/{chain}")
    }

    /// The key of a version that a newer one has replaced.
    pub(crate) fn replaced_key(agent: Uuid, chain: &str, version: u64) -> String {
        format!("{agent}/{chain}@{version}")
    }
}

impl Record for SigningKey {
    const TABLE: Table = Table::SigningKeys;
}

/// A transaction that was signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transaction {
    pub(crate) id: Uuid,
    pub(crate) agent_id: Uuid,
    pub(crate) chain: String,
    pub(crate) chain_id: u64,
    pub(crate) to: String,
    pub(crate) value_wei: String,
    pub(crate) status: String,
    pub(crate) signed_tx: String,
    pub(crate) tx_hash: String,
    /// The version of the key that signed.
    pub(crate) key_version: u64,
    /// Unix seconds.
    pub(crate) created_at: u64,
    /// Wei, from type 2 on.
    #[serde(default)]
    pub(crate) max_fee_per_gas: Option<String>,
    /// Wei, from type 2 on.
    #[serde(default)]
    pub(crate) max_priority_fee_per_gas: Option<String>,
}

impl Transaction {
    /// Its key in the table.
    pub(crate) fn key(agent: Uuid, id: Uuid) -> String {
        format!("{agent}/{id}")
    }
}

impl Record for Transaction {
    const TABLE: Table = Table::Transactions;
}

/// What was recorded under an agent's idempotency key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Idempotency {
    /// SHA-256 of what the request said, hex.
    pub(crate) request_sha256: String,
    /// The transaction that answers it.
    pub(crate) transaction_id: Uuid,
    /// Unix seconds.
    pub(crate) created_at: u64,
}

impl Idempotency {
    /// Its key in the table, from the SHA-256 of the idempotency key.
    pub(crate) fn key(agent: Uuid, key_sha256: &[u8; 32]) -> String {
        format!("{agent}/{}", hex::encode(key_sha256))
    }
}

impl Record for Idempotency {
    const TABLE: Table = Table::Idempotency;
}
