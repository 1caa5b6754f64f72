//! `chain_restriction`: the chain is allowed, and nothing signed is for another one.

use ruint::aliases::U256;

use super::{Case, Judgement, Refusal};
use crate::{denied::Reason, intent::Payload};

pub(super) fn judge<S: ?Sized>(case: &Case<'_, S>) -> Judgement {
    let chain = case.intent.chain();
    let allowed = &case.rules.tx_allowed_chains;
    if !allowed.is_empty() && allowed.iter().all(|entry| entry.chain_id != Some(chain.chain_id)) {
        return Err(Refusal::new(Reason::ChainNotAllowed { chain: chain.name.clone() }));
    }
    typed_data(case)?;
    authorizations(case)?;
    Ok(match allowed.is_empty() {
        true => "no list of chains is stated".to_owned(),
        false => format!("{} is on tx_allowed_chains", chain.name),
    })
}

/// Under any limit, typed data names the intent's chain; without one, any chain could take it.
fn typed_data<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let Payload::TypedData(data) = case.intent.payload() else { return Ok(()) };
    match data.chain_id() {
        _ if !case.rules.limits_anything() => Ok(()),
        Some(found) if found == U256::from(case.chain_id()) => Ok(()),
        found => Err(foreign("the typed data's domain", found, case.chain_id())),
    }
}

/// Under any limit, a delegation is for the intent's chain; chain id 0 would be every chain.
fn authorizations<S: ?Sized>(case: &Case<'_, S>) -> Result<(), Refusal> {
    let Some(transaction) = case.intent.transaction().filter(|_| case.rules.limits_anything()) else {
        return Ok(());
    };
    let expected = U256::from(case.chain_id());
    match transaction.authorizations().iter().find(|one| one.chain_id != expected) {
        Some(one) => Err(foreign("an EIP-7702 authorization", Some(one.chain_id), case.chain_id())),
        None => Ok(()),
    }
}

fn foreign(what: &'static str, found: Option<U256>, expected: u64) -> Refusal {
    let found = match found {
        None => "every chain".to_owned(),
        Some(id) if id.is_zero() => "every chain (0)".to_owned(),
        Some(id) => format!("chain {id}"),
    };
    Refusal::new(Reason::ForeignChain { what, found, expected })
}
