//! Guardrails as the contract's answers show them, and as the steps ask for them.

use ruint::aliases::U256;
use serde_json::{Map, Value, json};

use super::{Guardrails, Listed, Mode, PerChain, Scope, Stated, TokenLimit};
use crate::{Address, amount::parse_ether};

impl Guardrails {
    /// The members of an agent's record: every guardrail under the contract's name, deprecated aliases included.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut members = self.limits_to_json();
        members.extend(self.gates_to_json());
        members
    }

    fn limits_to_json(&self) -> Map<String, Value> {
        let stated = |value: &Option<Stated>| value.as_ref().map(|value| value.text().to_owned());
        let per_chain = self.per_chain_guardrails.iter().map(|entry| (entry.name.clone(), entry.to_json()));
        let overhead =
            self.tx_overhead_budget.iter().map(|(name, (_, budget))| (name.clone(), json!(budget.text())));
        let tokens = self.tx_token_limits.iter().map(|(name, limit)| (name.clone(), limit.to_json()));
        object(json!({
            "tx_allowed_chains": self.tx_allowed_chains.iter().map(|chain| chain.name.as_str()).collect::<Vec<_>>(),
            "tx_to_allowlist": self.tx_to_allowlist,
            "tx_token_allowlist": self.tx_token_allowlist,
            "tx_known_tokens_only": self.tx_known_tokens_only,
            "tx_max_value": stated(&self.tx_max_value),
            "tx_max_value_eth": stated(&self.tx_max_value),
            "tx_daily_limit": stated(&self.tx_daily_limit),
            "tx_daily_limit_eth": stated(&self.tx_daily_limit),
            "tx_max_per_day": self.tx_max_per_day,
            "per_chain_guardrails": per_chain.collect::<Map<_, _>>(),
            "tx_overhead_budget": (!self.tx_overhead_budget.is_empty()).then(|| overhead.collect::<Map<_, _>>()),
            "tx_block_unlimited_approvals": self.tx_block_unlimited_approvals,
            "tx_per_recipient_max_per_day": self.tx_per_recipient_max_per_day,
            "tx_per_recipient_daily_limit": stated(&self.tx_per_recipient_daily_limit),
            "new_recipient_cap_native": stated(&self.new_recipient_cap_native),
            "tx_max_value_usd": self.tx_max_value_usd,
            "tx_daily_limit_usd": self.tx_daily_limit_usd,
            "tx_token_limits": tokens.collect::<Map<_, _>>(),
            "tx_allowed_calls": self.tx_allowed_calls,
            "tx_max_fee": stated(&self.tx_max_fee),
            "tx_fee_daily_limit": stated(&self.tx_fee_daily_limit),
        }))
    }

    fn gates_to_json(&self) -> Map<String, Value> {
        let word = |mode: Option<Mode>| mode.map(Mode::name);
        let mode = |mode: Option<Mode>| mode.map(|mode| json!({ "mode": mode.name() }));
        object(json!({
            "message_signing_enabled": self.message_signing_enabled,
            "raw_signing_enabled": self.raw_signing_enabled.unwrap_or_default(),
            "raw_signing_policy": word(self.raw_signing_policy),
            "typed_data_policy": word(self.typed_data_policy),
            "personal_sign_policy": mode(self.personal_sign_policy),
            "tx_approval_policy": mode(self.tx_approval_policy),
            "simulation_failure_policy": word(self.simulation_failure_policy),
            "address_screening_policy": mode(self.address_screening_policy),
            "eip712_default_policy": self.eip712_default_policy.unwrap_or(Mode::Deny).name(),
            "eip712_domain_allowlist": self.eip712_domain_allowlist,
            "allow_erc4337": self.allow_erc4337,
            "allow_eip7702": self.allow_eip7702,
            "intents_require_tee": self.intents_require_tee,
            "auto_suspended": self.auto_suspended,
        }))
    }

    /// The per-chain entries that apply on a chain.
    pub(crate) fn on(&self, chain_id: u64) -> impl Iterator<Item = &PerChain> {
        self.per_chain_guardrails.iter().filter(move |entry| entry.scope.covers(chain_id))
    }

    /// Lists of counterparties that apply on a chain, with their names; an empty list is no list.
    pub(crate) fn to_allowlists(&self, chain_id: u64) -> impl Iterator<Item = (String, &[Listed])> {
        let own = self.on(chain_id).map(|entry| (entry.field("to_allowlist"), entry.to_allowlist.as_slice()));
        let all =
            core::iter::once(("tx_to_allowlist".to_owned(), self.tx_to_allowlist.as_slice())).chain(own);
        all.filter(|(_, list)| !list.is_empty())
    }

    /// Lists of tokens that apply on a chain, with their names; an empty list is no list.
    pub(crate) fn token_allowlists(&self, chain_id: u64) -> impl Iterator<Item = (String, &[Listed])> {
        let own =
            self.on(chain_id).map(|entry| (entry.field("token_allowlist"), entry.token_allowlist.as_slice()));
        let all = core::iter::once(("tx_token_allowlist".to_owned(), self.tx_token_allowlist.as_slice()))
            .chain(own);
        all.filter(|(_, list)| !list.is_empty())
    }

    /// Caps on native value per transaction that apply on a chain, with their names.
    pub(crate) fn value_caps(&self, chain_id: u64) -> impl Iterator<Item = (String, U256)> {
        let own = self
            .on(chain_id)
            .filter_map(|entry| Some((entry.field("max_value"), entry.max_value.as_ref()?.wei())));
        let global = self.tx_max_value.iter().map(|cap| ("tx_max_value".to_owned(), cap.wei()));
        global.chain(own)
    }

    /// The stated limit of a token.
    pub(crate) fn token_limit(&self, token: Address) -> Option<&TokenLimit> {
        self.tx_token_limits.values().find(|limit| limit.token == token)
    }

    /// Whether any limit on value applies on a chain, so that what moves without a limit of its own must be refused.
    #[must_use]
    pub fn limits_value(&self, chain_id: u64) -> bool {
        self.limits_native(chain_id)
            || !self.tx_token_limits.is_empty()
            || self.tx_max_value_usd.is_some()
            || self.tx_daily_limit_usd.is_some()
    }

    /// Whether any limit on native value applies on a chain.
    pub(crate) fn limits_native(&self, chain_id: u64) -> bool {
        self.value_limits(chain_id).next().is_some()
            || self.tx_per_recipient_daily_limit.is_some()
            || self.new_recipient_cap_native.is_some()
    }

    /// Native limits of every kind: per transaction and per day.
    fn value_limits(&self, chain_id: u64) -> impl Iterator<Item = U256> {
        self.value_caps(chain_id).map(|(_, cap)| cap).chain(self.daily_limits(chain_id))
    }

    fn daily_limits(&self, chain_id: u64) -> impl Iterator<Item = U256> {
        let own = self.on(chain_id).filter_map(|entry| entry.daily_limit.as_ref());
        self.tx_daily_limit.iter().chain(own).map(Stated::wei)
    }

    /// Whether any limit applies that an undecoded call could get around: lists, values, fees, counts per recipient.
    #[must_use]
    pub fn limits_effects(&self, chain_id: u64) -> bool {
        self.limits_value(chain_id)
            || self.to_allowlists(chain_id).next().is_some()
            || self.token_allowlists(chain_id).next().is_some()
            || self.tx_known_tokens_only
            || self.tx_block_unlimited_approvals
            || self.tx_per_recipient_max_per_day.is_some()
            || self.address_screening_policy.is_some_and(|mode| mode != Mode::Off)
    }

    /// Whether any limit applies at all, so that a raw digest is refused.
    #[must_use]
    pub fn limits_anything(&self) -> bool {
        let fees = self.tx_max_fee.is_some() || self.tx_fee_daily_limit.is_some();
        let lists = !self.tx_to_allowlist.is_empty() || !self.tx_token_allowlist.is_empty();
        let values =
            self.tx_max_value.is_some() || self.tx_daily_limit.is_some() || !self.tx_token_limits.is_empty();
        let dollars = self.tx_max_value_usd.is_some() || self.tx_daily_limit_usd.is_some();
        let recipients = self.tx_per_recipient_max_per_day.is_some()
            || self.tx_per_recipient_daily_limit.is_some()
            || self.new_recipient_cap_native.is_some();
        let flags = self.tx_known_tokens_only || self.tx_block_unlimited_approvals;
        let elsewhere = !self.per_chain_guardrails.is_empty() || !self.tx_overhead_budget.is_empty();
        let screening = self.address_screening_policy.is_some_and(|mode| mode != Mode::Off);
        let asks = self.tx_approval_policy.is_some_and(|mode| mode != Mode::Allow);
        !self.tx_allowed_chains.is_empty()
            || self.tx_max_per_day.is_some()
            || (fees || lists || values || dollars || recipients || flags || elsewhere || screening || asks)
    }

    /// The most that one transaction may pay in fees, and the field that says so.
    ///
    /// Where no field does but a value limit applies: a tenth of the cap per transaction (else of the daily limit), at
    /// least 0.01 and at most 0.1 of the native currency.
    #[must_use]
    pub fn fee_cap(&self, chain_id: u64) -> Option<(String, U256)> {
        let own = self.tx_max_fee.iter().map(|cap| ("tx_max_fee".to_owned(), cap.wei()));
        if let Some(stated) = own.chain(self.fee_budgets(chain_id)).min_by_key(|(_, limit)| *limit) {
            return Some(stated);
        }
        let per_transaction = self.value_caps(chain_id).map(|(_, cap)| cap).min();
        let value = per_transaction.or_else(|| self.daily_limits(chain_id).min());
        let value = value.or_else(|| self.limits_value(chain_id).then_some(U256::ZERO))?;
        let tenth = value / U256::from(10);
        Some(("default fee bound".to_owned(), tenth.clamp(native("0.01"), native("0.1"))))
    }

    /// The most that fees may cost in 24 hours on all chains, and the field that says so.
    ///
    /// Where no field does but a daily limit on value applies: a tenth of it, at least 0.02 of the native currency.
    #[must_use]
    pub fn fee_daily_limit(&self, chain_id: u64) -> Option<(String, U256)> {
        if let Some(limit) = &self.tx_fee_daily_limit {
            return Some(("tx_fee_daily_limit".to_owned(), limit.wei()));
        }
        if self.fee_budgets(chain_id).next().is_some() {
            return None;
        }
        let tenth = self.daily_limits(chain_id).min()? / U256::from(10);
        Some(("default daily fee bound".to_owned(), tenth.max(native("0.02"))))
    }

    /// Stated budgets for fees that apply on a chain, with their names.
    fn fee_budgets(&self, chain_id: u64) -> impl Iterator<Item = (String, U256)> {
        let own = self.tx_fee_daily_limit.iter().map(|limit| ("tx_fee_daily_limit".to_owned(), limit.wei()));
        let rolling = self.overhead_budgets(chain_id).map(|(field, _, budget)| (field, budget));
        let daily = self.on(chain_id).filter_map(|entry| {
            Some((entry.field("gas_daily_budget_native"), entry.gas_daily_budget_native.as_ref()?.wei()))
        });
        own.chain(rolling).chain(daily)
    }

    /// Rolling budgets for fees that apply on a chain: name, where they count, amount.
    pub(crate) fn overhead_budgets(&self, chain_id: u64) -> impl Iterator<Item = (String, Scope, U256)> {
        let global = self.tx_overhead_budget.iter().filter(move |(_, (scope, _))| scope.covers(chain_id));
        let global = global
            .map(|(name, (scope, budget))| (format!("tx_overhead_budget.{name}"), *scope, budget.wei()));
        let own = self.on(chain_id).filter_map(|entry| {
            Some((entry.field("overhead_budget"), entry.scope, entry.overhead_budget.as_ref()?.wei()))
        });
        global.chain(own)
    }
}

impl PerChain {
    /// The full name of one of its fields.
    pub(crate) fn field(&self, name: &str) -> String {
        format!("per_chain_guardrails.{}.{name}", self.name)
    }

    fn to_json(&self) -> Value {
        let Ok(Value::Object(mut members)) = serde_json::to_value(self) else { return Value::Null };
        members.retain(|name, value| {
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            !empty && !["name", "scope"].contains(&name.as_str())
        });
        Value::Object(members)
    }
}

impl TokenLimit {
    fn to_json(&self) -> Value {
        let said = |amount: &Option<String>| amount.clone().unwrap_or_else(|| "unlimited".to_owned());
        json!({ "decimals": self.decimals, "max_value": said(&self.max_value), "daily_limit": said(&self.daily_limit) })
    }
}

fn native(text: &str) -> U256 {
    parse_ether(text).unwrap_or_default()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
