//! Guardrails: what one agent may do, field by field as the contract names them.
//!
//! A field that is absent limits nothing, and says so: nothing here has a hidden default except where the contract gives
//! one (typed data denied, messages and raw digests off). Fields that the contract names without publishing semantics
//! are judged so that they can only deny. Five fields are Shroud's own: `tx_token_limits`, `tx_allowed_calls`,
//! `tx_max_fee`, `tx_fee_daily_limit`, and `primary_type` inside `eip712_domain_allowlist`.
//!
//! A bound on fees exists wherever a value limit does: see [`Guardrails::fee_cap`] and [`Guardrails::fee_daily_limit`].

mod fields;
mod patch;
mod stated;
mod view;

use std::collections::BTreeMap;

pub use fields::GuardrailError;
use serde::{Deserialize, Serialize};
pub use stated::{AllowedCall, DomainEntry, Listed, ListedChain, Mode, PerChain, Scope, Stated, TokenLimit};

/// What one agent may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guardrails {
    /// Chains that may be named; empty allows all.
    pub(crate) tx_allowed_chains: Vec<ListedChain>,
    /// Recipients and every other counterparty; empty allows all.
    pub(crate) tx_to_allowlist: Vec<Listed>,
    /// Token contracts; empty allows all.
    pub(crate) tx_token_allowlist: Vec<Listed>,
    /// Only tokens of the registry.
    pub(crate) tx_known_tokens_only: bool,
    /// Native value per transaction.
    pub(crate) tx_max_value: Option<Stated>,
    /// Native value in 24 hours, all chains of the family together.
    pub(crate) tx_daily_limit: Option<Stated>,
    /// Transactions per UTC day.
    pub(crate) tx_max_per_day: Option<u64>,
    /// Own limits per signing chain or per network.
    pub(crate) per_chain_guardrails: Vec<PerChain>,
    /// Fees in 24 hours by signing chain or network.
    pub(crate) tx_overhead_budget: BTreeMap<String, (Scope, Stated)>,
    /// No approval of very large amounts.
    pub(crate) tx_block_unlimited_approvals: bool,
    /// Transactions to one recipient per UTC day.
    pub(crate) tx_per_recipient_max_per_day: Option<u64>,
    /// Native value to one recipient in 24 hours.
    pub(crate) tx_per_recipient_daily_limit: Option<Stated>,
    /// Native value per transaction to a recipient never paid before.
    pub(crate) new_recipient_cap_native: Option<Stated>,
    /// A limit in US dollars, kept as it was sent: no price source is trusted, so it denies whatever moves value.
    pub(crate) tx_max_value_usd: Option<String>,
    /// Likewise for a day.
    pub(crate) tx_daily_limit_usd: Option<String>,
    /// Limits per token.
    pub(crate) tx_token_limits: BTreeMap<String, TokenLimit>,
    /// Calls that may be made although nobody decodes them.
    pub(crate) tx_allowed_calls: Vec<AllowedCall>,
    /// Worst-case fee per transaction.
    pub(crate) tx_max_fee: Option<Stated>,
    /// Worst-case fees in 24 hours.
    pub(crate) tx_fee_daily_limit: Option<Stated>,
    /// Whether EIP-191 messages may be signed.
    pub(crate) message_signing_enabled: bool,
    /// Whether raw digests may be signed.
    pub(crate) raw_signing_enabled: Option<bool>,
    /// Newer form of the same.
    pub(crate) raw_signing_policy: Option<Mode>,
    /// Newer gate on typed data.
    pub(crate) typed_data_policy: Option<Mode>,
    /// Newer gate on messages.
    pub(crate) personal_sign_policy: Option<Mode>,
    /// Whether a person must approve each transaction.
    pub(crate) tx_approval_policy: Option<Mode>,
    /// What a reverted simulation leads to: a denial, or a question to a person.
    pub(crate) simulation_failure_policy: Option<Mode>,
    /// Screening of addresses; no provider is connected, so anything but off denies.
    pub(crate) address_screening_policy: Option<Mode>,
    /// Typed data for domains that are not listed.
    pub(crate) eip712_default_policy: Option<Mode>,
    /// Contracts whose typed data may be signed.
    pub(crate) eip712_domain_allowlist: Vec<DomainEntry>,
    /// Whether ERC-4337 operations may be signed.
    pub(crate) allow_erc4337: Option<bool>,
    /// Whether EIP-7702 delegations may be sent.
    pub(crate) allow_eip7702: Option<bool>,
    /// Only through the TEE.
    pub(crate) intents_require_tee: bool,
    /// Signing is suspended.
    pub(crate) auto_suspended: bool,
}

impl Guardrails {
    /// The canonical bytes: JSON with the members in the order of this type.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(crate) fn from_canonical(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Whether signing needs a request that arrived through the TEE.
    #[must_use]
    pub fn intents_require_tee(&self) -> bool {
        self.intents_require_tee
    }

    /// Whether signing is suspended.
    #[must_use]
    pub fn auto_suspended(&self) -> bool {
        self.auto_suspended
    }
}
