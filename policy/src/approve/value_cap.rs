//! `value_cap`: no single intent moves more of an asset than it may, and none costs more in fees. Limits are inclusive.

use std::collections::BTreeMap;

use ruint::aliases::U256;

use super::{Case, Judgement, Refusal, in_ether, in_units};
use crate::{
    Address, Intent,
    denied::Reason,
    effect::{Asset, Effect, EffectKind},
    spend::Spend,
};

/// Approvals from here upwards are unlimited: half of the largest amount of a uint160, as Permit2 has it. No token has
/// as many units.
const UNLIMITED_BITS: usize = 159;

pub(super) fn judge<S: Spend + ?Sized>(case: &Case<'_, S>) -> Judgement {
    unlimited_approval(case)?;
    native(case)?;
    tokens(case)?;
    new_recipient(case)?;
    fees(case)?;
    if case.rules.tx_max_value_usd.is_some() && moves_value(case.intent) {
        return Err(Refusal::new(Reason::NoPrice { field: "tx_max_value_usd" }));
    }
    let caps =
        case.rules.value_caps(case.chain_id()).map(|(field, cap)| format!("{field} {}", in_ether(cap)));
    let caps = caps.collect::<Vec<_>>();
    Ok(match caps.is_empty() {
        true => "no cap is stated".to_owned(),
        false => {
            format!("{} of native value within {}", in_ether(native_total(case.intent)), caps.join(", "))
        }
    })
}

/// Whether anything moves or may be moved, apart from fees.
pub(super) fn moves_value(intent: &Intent) -> bool {
    let moves = |effect: &Effect| !effect.amount.is_zero() && effect.kind != EffectKind::Fee;
    intent.effects().iter().any(moves)
}

fn native_total(intent: &Intent) -> U256 {
    let native = |effect: &&Effect| effect.asset == Some(Asset::Native) && effect.kind != EffectKind::Fee;
    intent.effects().iter().filter(native).fold(U256::ZERO, |sum, effect| sum.saturating_add(effect.amount))
}

fn native<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let asked = native_total(case.intent);
    if !asked.is_zero()
        && !case.rules.tx_token_limits.is_empty()
        && !case.rules.limits_native(case.chain_id())
    {
        return Err(Refusal::new(Reason::NoNativeLimit));
    }
    let strictest = case.rules.value_caps(case.chain_id()).min_by_key(|(_, cap)| *cap);
    match strictest {
        Some((field, cap)) if asked > cap => {
            let reason = Reason::AboveCap { asset: "native value".to_owned(), field };
            Err(Refusal::above(reason, cap, asked, in_ether))
        }
        _ => Ok(()),
    }
}

/// Where value is limited, a token moves only under a limit of its own.
fn tokens<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let mut totals: BTreeMap<(u64, Address), U256> = BTreeMap::new();
    for effect in case.intent.effects() {
        if let Some(Asset::Token(token)) = effect.asset {
            let total = totals.entry((case.effect_chain(effect), token)).or_default();
            *total = total.saturating_add(effect.amount);
        }
    }
    totals.retain(|_, total| !total.is_zero());
    for ((chain_id, token), asked) in totals {
        match case.rules.token_limit(token) {
            None if case.rules.limits_value(chain_id) => {
                return Err(Refusal::new(Reason::NoTokenLimit { token }));
            }
            None => {}
            Some(limit) => match limit.cap() {
                Some(cap) if asked > cap => {
                    let field = format!("tx_token_limits.{token}.max_value");
                    let reason = Reason::AboveCap { asset: format!("token {token}"), field };
                    return Err(Refusal::above(reason, cap, asked, in_units));
                }
                _ => {}
            },
        }
    }
    Ok(())
}

fn unlimited_approval<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    if !case.rules.tx_block_unlimited_approvals {
        return Ok(());
    }
    let unlimited =
        |effect: &&Effect| effect.kind == EffectKind::Approval && effect.amount.bit_len() > UNLIMITED_BITS;
    match case.intent.effects().iter().find(unlimited) {
        Some(effect) => Err(Refusal::new(Reason::UnlimitedApproval {
            asset: effect.asset.map_or_else(|| "an asset".to_owned(), |asset| asset.to_string()),
            spender: effect.counterparty.map_or_else(|| "anybody".to_owned(), |address| address.to_string()),
        })),
        None => Ok(()),
    }
}

/// A recipient that was never paid before receives at most so much native value.
fn new_recipient<S: Spend + ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let Some(cap) = &case.rules.new_recipient_cap_native else { return Ok(()) };
    let mut totals: BTreeMap<Address, U256> = BTreeMap::new();
    for effect in case.intent.effects() {
        if let (Some(Asset::Native), Some(recipient)) = (effect.asset, effect.counterparty) {
            let total = totals.entry(recipient).or_default();
            *total = total.saturating_add(effect.amount);
        }
    }
    let above =
        totals.into_iter().find(|(to, total)| *total > cap.wei() && !case.spend.has_paid(&to.to_string()));
    match above {
        Some((_, asked)) => {
            let field = "new_recipient_cap_native".to_owned();
            let reason = Reason::AboveCap { asset: "native value to a new recipient".to_owned(), field };
            Err(Refusal::above(reason, cap.wei(), asked, in_ether))
        }
        None => Ok(()),
    }
}

/// The price of gas, the gas limit, and the worst case of both.
fn fees<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let Some(transaction) = case.intent.transaction() else { return Ok(()) };
    let chain_id = case.chain_id();
    for entry in case.rules.on(chain_id) {
        let price = transaction.highest_gas_price();
        if let Some(cap) = entry.max_fee_per_gas_gwei.as_ref().filter(|cap| price > cap.wei()) {
            let reason = above("price per gas in wei", entry.field("max_fee_per_gas_gwei"));
            return Err(Refusal::above(reason, cap.wei(), price, in_units));
        }
        if let Some(cap) = entry.max_gas_limit.filter(|cap| transaction.gas_limit > *cap) {
            let (cap, asked) = (U256::from(cap), U256::from(transaction.gas_limit));
            return Err(Refusal::above(above("gas", entry.field("max_gas_limit")), cap, asked, in_units));
        }
    }
    let asked = transaction.worst_case_fee();
    match case.rules.fee_cap(chain_id) {
        Some((field, cap)) if asked > cap => Err(Refusal::above(above("fee", field), cap, asked, in_ether)),
        _ => Ok(()),
    }
}

fn above(asset: &str, field: String) -> Reason {
    Reason::AboveCap { asset: asset.to_owned(), field }
}
