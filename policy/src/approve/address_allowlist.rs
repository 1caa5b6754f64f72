//! `address_allowlist`: every counterparty, contract and token is one that the policy lists, and what could not be
//! decoded is one that it names.

use super::{Case, Judgement, Refusal};
use crate::{
    Address, TypedData,
    denied::Reason,
    effect::{Asset, Effect, EffectKind},
    guardrails::{DomainEntry, Guardrails, Listed, Mode},
    intent::Payload,
    tokens,
};

pub(super) fn judge<S: ?Sized>(case: &Case<'_, S>) -> Judgement {
    for effect in case.intent.effects() {
        counterparty(case, effect)?;
        target(case, effect)?;
    }
    for effect in case.intent.effects() {
        token(case, effect)?;
        understood(case, effect)?;
    }
    if let Payload::TypedData(data) = case.intent.payload() {
        domain(case, data)?;
    }
    screening(case)?;
    let lists = case.rules.to_allowlists(case.chain_id()).count();
    Ok(match lists {
        0 => "no list of addresses is stated".to_owned(),
        _ => format!("every address of {} effects is listed", case.intent.effects().len()),
    })
}

fn counterparty<S: ?Sized>(case: &Case<'_, S>, effect: &Effect) -> Result<(), Refusal> {
    let Some(address) = effect.counterparty else { return Ok(()) };
    let role = match effect.kind {
        EffectKind::Transfer => "recipient",
        EffectKind::Approval => "spender",
        EffectKind::Delegation => "delegate",
        _ => "counterparty",
    };
    match missing_from(case.rules.to_allowlists(case.effect_chain(effect)), address) {
        Some(list) => Err(Refusal::new(Reason::NotListed { role, address, list })),
        None => Ok(()),
    }
}

/// The contract called is listed as an address, or as a token.
fn target<S: ?Sized>(case: &Case<'_, S>, effect: &Effect) -> Result<(), Refusal> {
    let Some(address) = effect.target else { return Ok(()) };
    let chain = case.effect_chain(effect);
    let Some(list) = missing_from(case.rules.to_allowlists(chain), address) else { return Ok(()) };
    let mut tokens = case.rules.token_allowlists(chain).peekable();
    if tokens.peek().is_some() && missing_from(tokens, address).is_none() {
        return Ok(());
    }
    if of_listed_domain(case, address) {
        return Ok(());
    }
    Err(Refusal::new(Reason::NotListed { role: "contract", address, list }))
}

/// A contract whose typed data may be signed need not be a recipient as well.
fn of_listed_domain<S: ?Sized>(case: &Case<'_, S>, contract: Address) -> bool {
    let Payload::TypedData(data) = case.intent.payload() else { return false };
    data.verifying_contract() == Some(contract) && entries(case.rules, data).next().is_some()
}

fn token<S: ?Sized>(case: &Case<'_, S>, effect: &Effect) -> Result<(), Refusal> {
    let Some(Asset::Token(token)) = effect.asset else { return Ok(()) };
    let chain = case.effect_chain(effect);
    if let Some(list) = missing_from(case.rules.token_allowlists(chain), token) {
        return Err(Refusal::new(Reason::TokenNotListed { token, list }));
    }
    if case.rules.tx_known_tokens_only && tokens::known(chain, token).is_none() {
        return Err(Refusal::new(Reason::TokenUnknown { token }));
    }
    Ok(())
}

/// What nobody decoded may happen only where nothing limits effects, or where the policy names it.
fn understood<S: ?Sized>(case: &Case<'_, S>, effect: &Effect) -> Result<(), Refusal> {
    let rules = case.rules;
    if !rules.limits_effects(case.effect_chain(effect)) {
        return Ok(());
    }
    let target = || effect.target.map_or_else(|| "none".to_owned(), |address| address.to_string());
    let named = |selector: &Option<[u8; 4]>| allowed(rules, effect.target, *selector);
    let written = |selector: &Option<[u8; 4]>| match selector {
        Some(bytes) => format!("0x{}", hex::encode(bytes)),
        None => "none".to_owned(),
    };
    let reason = match &effect.kind {
        EffectKind::UnknownCall { selector } if !named(selector) => {
            Reason::UnknownCall { target: target(), selector: written(selector) }
        }
        EffectKind::MalformedCall { selector } => {
            Reason::MalformedCall { target: target(), selector: written(selector) }
        }
        EffectKind::DelegateCall { selector } if !named(selector) => {
            Reason::DelegateCall { target: target() }
        }
        EffectKind::UnknownTypedData { primary_type } if !listed_domain(case) => {
            Reason::UnknownTypedData { primary_type: primary_type.clone() }
        }
        _ => return Ok(()),
    };
    Err(Refusal::new(reason))
}

fn allowed(rules: &Guardrails, target: Option<Address>, selector: Option<[u8; 4]>) -> bool {
    let (Some(target), Some(selector)) = (target, selector) else { return false };
    let selector = format!("0x{}", hex::encode(selector));
    rules.tx_allowed_calls.iter().any(|call| call.address == target && call.selector == selector)
}

/// The policy names the contract; and the type too, where its name speaks of moving value, so that a permit of an
/// unusual shape does not pass for a harmless message of a listed token.
fn listed_domain<S: ?Sized>(case: &Case<'_, S>) -> bool {
    let Payload::TypedData(data) = case.intent.payload() else { return false };
    let moving = speaks_of(data, MOVING);
    entries(case.rules, data).any(|entry| entry.primary_type.is_some() || !moving)
}

/// Typed data needs a listed contract unless the default allows others; permits always do.
fn domain<S: ?Sized>(case: &Case<'_, S>, data: &TypedData) -> Result<(), Refusal> {
    let open = case.rules.eip712_default_policy == Some(Mode::Allow);
    if entries(case.rules, data).next().is_some() || (open && !dangerous(data)) {
        return Ok(());
    }
    let contract = data.verifying_contract().map_or_else(|| "none".to_owned(), |address| address.to_string());
    Err(Refusal::new(Reason::DomainNotListed { primary_type: data.primary_type().to_owned(), contract }))
}

/// The permit families: EIP-2612, DAI's, and Permit2's.
fn dangerous(data: &TypedData) -> bool {
    speaks_of(data, &["permit"])
}

/// Parts of type names that speak of moving value or of letting others move it.
const MOVING: &[&str] = &[
    "permit",
    "transfer",
    "approv",
    "allowance",
    "authoriz",
    "delegat",
    "safetx",
    "order",
    "withdraw",
    "swap",
    "trade",
    "sell",
    "buy",
    "send",
    "pay",
    "spend",
];

fn speaks_of(data: &TypedData, words: &[&str]) -> bool {
    let name = data.primary_type().to_ascii_lowercase();
    words.iter().any(|word| name.contains(word))
}

/// The entries that name the contract and, where they say so, its chain and its type.
fn entries<'a>(rules: &'a Guardrails, data: &TypedData) -> impl Iterator<Item = &'a DomainEntry> {
    rules.eip712_domain_allowlist.iter().filter(|entry| {
        let chain = entry.chain_id.is_none_or(|id| data.chain_id() == Some(ruint::aliases::U256::from(id)));
        let kind = entry.primary_type.as_ref().is_none_or(|name| name == data.primary_type());
        data.verifying_contract() == Some(entry.verifying_contract.address()) && chain && kind
    })
}

fn screening<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let addresses = case.intent.effects().iter().any(|effect| effect.counterparty.is_some());
    match case.rules.address_screening_policy {
        None | Some(Mode::Off) => Ok(()),
        Some(Mode::Approve) if case.intent.person_agreed() => Ok(()),
        Some(_) if !addresses => Ok(()),
        Some(mode) => Err(Refusal {
            may_be_approved: mode == Mode::Approve,
            ..Refusal::new(Reason::ScreeningUnavailable)
        }),
    }
}

/// The first list that does not name the address.
fn missing_from<'a>(
    mut lists: impl Iterator<Item = (String, &'a [Listed])>,
    address: Address,
) -> Option<String> {
    lists.find(|(_, list)| list.iter().all(|entry| entry.address() != address)).map(|(name, _)| name)
}
