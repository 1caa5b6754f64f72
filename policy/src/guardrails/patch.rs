//! Guardrails from the contract's JSON: creation, and PATCH (absent = unchanged, null = clear).

use std::collections::BTreeMap;

use super::{
    AllowedCall, DomainEntry, GuardrailError, Guardrails, Listed, ListedChain, Mode, PerChain, Scope, Stated,
    TokenLimit,
    fields::{Fields, Read, boolean, count, each, parsed, text, wrong},
};
use crate::{Address, Chains, Json, amount::parse_units};

const DECIMAL: &str = "a decimal string in native units";
const ADDRESS: &str = "an address of 0x and 40 hex digits";
const ADDRESSES: &str = "an array of addresses";
/// Signing chains of other families, which a policy may name although nothing is signed there.
const FOREIGN: [&str; 6] = ["bitcoin", "solana", "xrp", "cardano", "tron", "dogecoin"];

impl Guardrails {
    /// The guardrails of a new agent, from the body that creates it; members that are no guardrails are ignored.
    ///
    /// # Errors
    /// [`GuardrailError`] names the field, what was expected, and what was found.
    pub fn create(body: &Json, chains: &Chains) -> Result<Self, GuardrailError> {
        Self::default().patch(body, chains)
    }

    /// These guardrails with the changes of a PATCH body: absent leaves a field, null clears it.
    ///
    /// # Errors
    /// As [`Guardrails::create`]; nothing is changed then.
    pub fn patch(mut self, body: &Json, chains: &Chains) -> Result<Self, GuardrailError> {
        let fields = Fields::of(body, "", chains)?;
        self.patch_lists(&fields)?;
        self.patch_values(&fields)?;
        self.patch_gates(&fields)?;
        Ok(self)
    }

    fn patch_lists(&mut self, fields: &Fields<'_>) -> Read<()> {
        fields.set("tx_allowed_chains", &mut self.tx_allowed_chains, |field, json, chains| {
            each(field, json, "an array of chain names", |field, item| listed_chain(field, item, chains))
        })?;
        fields.set("tx_to_allowlist", &mut self.tx_to_allowlist, listed)?;
        fields.set("tx_token_allowlist", &mut self.tx_token_allowlist, listed)?;
        fields.set("tx_known_tokens_only", &mut self.tx_known_tokens_only, boolean)?;
        fields.set("tx_block_unlimited_approvals", &mut self.tx_block_unlimited_approvals, boolean)?;
        fields.set("per_chain_guardrails", &mut self.per_chain_guardrails, per_chain)?;
        fields.set("tx_overhead_budget", &mut self.tx_overhead_budget, overhead)?;
        fields.set("tx_token_limits", &mut self.tx_token_limits, token_limits)?;
        fields.set("tx_allowed_calls", &mut self.tx_allowed_calls, |field, json, _| {
            each(field, json, "an array of {address, selector}", allowed_call)
        })?;
        fields.set("eip712_domain_allowlist", &mut self.eip712_domain_allowlist, |field, json, chains| {
            each(field, json, "an array of {verifying_contract}", |field, item| {
                domain_entry(field, item, chains)
            })
        })
    }

    fn patch_values(&mut self, fields: &Fields<'_>) -> Read<()> {
        fields.set_aliased("tx_max_value", "tx_max_value_eth", &mut self.tx_max_value, ether)?;
        fields.set_aliased("tx_daily_limit", "tx_daily_limit_eth", &mut self.tx_daily_limit, ether)?;
        fields.set("tx_max_per_day", &mut self.tx_max_per_day, count)?;
        fields.set("tx_per_recipient_max_per_day", &mut self.tx_per_recipient_max_per_day, count)?;
        fields.set("tx_per_recipient_daily_limit", &mut self.tx_per_recipient_daily_limit, ether)?;
        fields.set("new_recipient_cap_native", &mut self.new_recipient_cap_native, ether)?;
        fields.set("tx_max_value_usd", &mut self.tx_max_value_usd, dollars)?;
        fields.set("tx_daily_limit_usd", &mut self.tx_daily_limit_usd, dollars)?;
        fields.set("tx_max_fee", &mut self.tx_max_fee, ether)?;
        fields.set("tx_fee_daily_limit", &mut self.tx_fee_daily_limit, ether)
    }

    fn patch_gates(&mut self, fields: &Fields<'_>) -> Read<()> {
        let flag = |field: &str, json: &Json, chains: &Chains| boolean(field, json, chains).map(Some);
        fields.set("message_signing_enabled", &mut self.message_signing_enabled, boolean)?;
        fields.set("raw_signing_enabled", &mut self.raw_signing_enabled, flag)?;
        fields.set("allow_erc4337", &mut self.allow_erc4337, flag)?;
        fields.set("allow_eip7702", &mut self.allow_eip7702, flag)?;
        fields.set("intents_require_tee", &mut self.intents_require_tee, boolean)?;
        fields.set("raw_signing_policy", &mut self.raw_signing_policy, gate)?;
        fields.set("typed_data_policy", &mut self.typed_data_policy, gate)?;
        fields.set("personal_sign_policy", &mut self.personal_sign_policy, gate)?;
        fields.set("tx_approval_policy", &mut self.tx_approval_policy, gate)?;
        fields.set("simulation_failure_policy", &mut self.simulation_failure_policy, |field, json, _| {
            mode(field, json, &[Mode::Deny, Mode::Approve])
        })?;
        fields.set("address_screening_policy", &mut self.address_screening_policy, |field, json, _| {
            mode(field, json, &[Mode::Off, Mode::Deny, Mode::Approve])
        })?;
        fields.set("eip712_default_policy", &mut self.eip712_default_policy, |field, json, _| {
            mode(field, json, &[Mode::Allow, Mode::Deny])
        })?;
        fields.set("auto_suspended", &mut self.auto_suspended, boolean)?;
        let mut clear = false;
        fields.set("clear_auto_suspended", &mut clear, boolean)?;
        self.auto_suspended &= !clear;
        Ok(())
    }
}

fn ether(field: &str, json: &Json, _: &Chains) -> Read<Option<Stated>> {
    parsed(field, DECIMAL, json).map(Some)
}

fn dollars(field: &str, json: &Json, _: &Chains) -> Read<Option<String>> {
    let amount = text(field, "a decimal string in US dollars", json)?;
    parse_units(amount, 18)
        .map_err(|e| wrong(field, &format!("a decimal string in US dollars ({e})"), json))?;
    Ok(Some(amount.to_owned()))
}

fn listed(field: &str, json: &Json, _: &Chains) -> Read<Vec<Listed>> {
    each(field, json, ADDRESSES, |field, item| parsed(field, ADDRESS, item))
}

fn listed_chain(field: &str, json: &Json, chains: &Chains) -> Read<ListedChain> {
    let name = text(field, "a chain name or decimal chain id", json)?;
    match chains.resolve(name) {
        Some(chain) => Ok(ListedChain { name: name.to_owned(), chain_id: Some(chain.chain_id) }),
        None if foreign(name) => Ok(ListedChain { name: name.to_owned(), chain_id: None }),
        None => Err(wrong(field, "a registered chain's name or decimal chain id", json)),
    }
}

fn foreign(name: &str) -> bool {
    FOREIGN.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// `ethereum` stands for every EVM chain here, as in the contract; another name for that network alone.
fn scope(field: &str, name: &str, chains: &Chains) -> Read<Scope> {
    if ["ethereum", "evm"].iter().any(|family| family.eq_ignore_ascii_case(name)) {
        return Ok(Scope::Evm);
    }
    match chains.resolve(name) {
        Some(chain) => Ok(Scope::Network(chain.chain_id)),
        None if foreign(name) => Ok(Scope::Foreign),
        None => Err(wrong(field, "a signing chain or a registered chain", &Json::Text(name.to_owned()))),
    }
}

fn overhead(field: &str, json: &Json, chains: &Chains) -> Read<BTreeMap<String, (Scope, Stated)>> {
    let fields = Fields::of(json, field, chains)?;
    let read = |(name, json): (&String, &Json)| {
        let at = fields.at(name);
        Ok((name.clone(), (scope(&at, name, chains)?, parsed(&at, DECIMAL, json)?)))
    };
    fields.members.iter().map(read).collect()
}

fn per_chain(field: &str, json: &Json, chains: &Chains) -> Read<Vec<PerChain>> {
    let fields = Fields::of(json, field, chains)?;
    let sent = fields.members.iter().filter(|(_, json)| **json != Json::Null);
    sent.map(|(name, json)| per_chain_entry(&fields.at(name), name, json, chains)).collect()
}

fn per_chain_entry(path: &str, name: &str, json: &Json, chains: &Chains) -> Read<PerChain> {
    let fields = Fields::of(json, path, chains)?;
    fields.only(&[
        "max_value",
        "max_value_eth",
        "daily_limit",
        "daily_limit_eth",
        "to_allowlist",
        "token_allowlist",
        "max_per_day",
        "overhead_budget",
        "overhead_budget_eth",
        "max_fee_per_gas_gwei",
        "max_gas_limit",
        "gas_daily_budget_native",
    ])?;
    let mut entry = PerChain::nowhere(name, scope(path, name, chains)?);
    fields.set_aliased("max_value", "max_value_eth", &mut entry.max_value, ether)?;
    fields.set_aliased("daily_limit", "daily_limit_eth", &mut entry.daily_limit, ether)?;
    fields.set("to_allowlist", &mut entry.to_allowlist, listed)?;
    fields.set("token_allowlist", &mut entry.token_allowlist, listed)?;
    fields.set("max_per_day", &mut entry.max_per_day, count)?;
    fields.set_aliased("overhead_budget", "overhead_budget_eth", &mut entry.overhead_budget, ether)?;
    fields.set("max_fee_per_gas_gwei", &mut entry.max_fee_per_gas_gwei, |field, json, _| {
        let expected = "a decimal number of gwei";
        match json {
            Json::Number(digits) => parsed(field, expected, &Json::Text(digits.clone())).map(Some),
            _ => parsed(field, expected, json).map(Some),
        }
    })?;
    fields.set("max_gas_limit", &mut entry.max_gas_limit, count)?;
    fields.set("gas_daily_budget_native", &mut entry.gas_daily_budget_native, ether)?;
    Ok(entry)
}

impl PerChain {
    fn nowhere(name: &str, scope: Scope) -> Self {
        Self {
            name: name.to_owned(),
            scope,
            max_value: None,
            daily_limit: None,
            to_allowlist: Vec::new(),
            token_allowlist: Vec::new(),
            max_per_day: None,
            overhead_budget: None,
            max_fee_per_gas_gwei: None,
            max_gas_limit: None,
            gas_daily_budget_native: None,
        }
    }
}

fn token_limits(field: &str, json: &Json, chains: &Chains) -> Read<BTreeMap<String, TokenLimit>> {
    let fields = Fields::of(json, field, chains)?;
    let sent = fields.members.iter();
    let limits =
        sent.map(|(name, json)| Ok((name.clone(), token_limit(&fields.at(name), name, json, chains)?)));
    let limits: BTreeMap<_, TokenLimit> = limits.collect::<Read<_>>()?;
    let mut seen: Vec<Address> = limits.values().map(|limit| limit.token).collect();
    seen.sort_unstable();
    seen.dedup();
    if seen.len() == limits.len() { Ok(limits) } else { Err(wrong(field, "each token once", json)) }
}

fn token_limit(path: &str, name: &str, json: &Json, chains: &Chains) -> Read<TokenLimit> {
    let fields = Fields::of(json, path, chains)?;
    fields.only(&["decimals", "max_value", "daily_limit"])?;
    let token = parsed(path, ADDRESS, &Json::Text(name.to_owned()))?;
    let mut decimals = None;
    fields.set("decimals", &mut decimals, count)?;
    let decimals = u8::try_from(decimals.unwrap_or_default()).ok().filter(|digits| *digits <= 77);
    let decimals = decimals.ok_or_else(|| wrong(&fields.at("decimals"), "0 to 77", json))?;
    let amount = |name: &str| {
        let sent = fields.members.get(name).unwrap_or(&Json::Null);
        token_amount(&fields.at(name), sent, decimals)
    };
    Ok(TokenLimit { token, decimals, max_value: amount("max_value")?, daily_limit: amount("daily_limit")? })
}

/// A decimal string, or the word `unlimited`: silence is not a limit and not the absence of one.
fn token_amount(field: &str, json: &Json, decimals: u8) -> Read<Option<String>> {
    let expected = format!("a decimal string with at most {decimals} fraction digits, or \"unlimited\"");
    match text(field, &expected, json)? {
        "unlimited" => Ok(None),
        amount => match parse_units(amount, decimals) {
            Ok(_) => Ok(Some(amount.to_owned())),
            Err(e) => Err(wrong(field, &format!("{expected} ({e})"), json)),
        },
    }
}

fn allowed_call(field: &str, json: &Json) -> Read<AllowedCall> {
    let sent = |name: &str| json.member(name).unwrap_or(&Json::Null).clone();
    let address = parsed(&format!("{field}.address"), ADDRESS, &sent("address"))?;
    let (at, found) = (format!("{field}.selector"), sent("selector"));
    let selector = text(&at, "0x and 8 hex digits", &found)?.to_ascii_lowercase();
    let mut bytes = [0; 4];
    match selector.strip_prefix("0x").map(|digits| hex::decode_to_slice(digits, &mut bytes)) {
        Some(Ok(())) => Ok(AllowedCall { address, selector }),
        _ => Err(wrong(&at, "0x and 8 hex digits", &found)),
    }
}

/// An object, or the bare address that some clients send.
fn domain_entry(field: &str, json: &Json, chains: &Chains) -> Read<DomainEntry> {
    if let Json::Text(_) = json {
        let verifying_contract = parsed(field, ADDRESS, json)?;
        return Ok(DomainEntry { verifying_contract, chain_id: None, primary_type: None });
    }
    let fields = Fields::of(json, field, chains)?;
    fields.only(&["verifying_contract", "verifyingContract", "chain_id", "primary_type"])?;
    let mut contract = None;
    let read = |field: &str, json: &Json, _: &Chains| parsed::<Listed>(field, ADDRESS, json).map(Some);
    fields.set_aliased("verifying_contract", "verifyingContract", &mut contract, read)?;
    let verifying_contract =
        contract.ok_or_else(|| wrong(&fields.at("verifying_contract"), ADDRESS, &Json::Null))?;
    let mut entry = DomainEntry { verifying_contract, chain_id: None, primary_type: None };
    fields.set("chain_id", &mut entry.chain_id, count)?;
    fields.set("primary_type", &mut entry.primary_type, |field, json, _| {
        text(field, "the name of a type", json).map(|name| Some(name.to_owned()))
    })?;
    Ok(entry)
}

fn gate(field: &str, json: &Json, _: &Chains) -> Read<Option<Mode>> {
    mode(field, json, &[Mode::Allow, Mode::Deny, Mode::Approve])
}

/// A word, or an object whose `mode` is that word. The SDK types say `block` where the contract says `deny`.
fn mode(field: &str, json: &Json, known: &[Mode]) -> Read<Option<Mode>> {
    let names = known.iter().map(|mode| mode.name()).collect::<Vec<_>>().join(", ");
    let expected = format!("one of {names}");
    let (at, json) = match json {
        Json::Object(_) => (format!("{field}.mode"), json.member("mode").unwrap_or(&Json::Null)),
        _ => (field.to_owned(), json),
    };
    let word = match text(&at, &expected, json)? {
        "block" => "deny",
        word => word,
    };
    let mode = known.iter().find(|mode| mode.name() == word);
    mode.map(|mode| Some(*mode)).ok_or_else(|| wrong(&at, &expected, json))
}
