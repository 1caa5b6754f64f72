//! The state key: its wrapped shares from the store, released by the gateways, rebuilt from any two, and judged by the
//! commitment that the gateways registered.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use shroud_custody::state_key::RebuildError;
use shroud_custody::{Provider, ShareFault, StateKey, StateKeyContext};
use shroud_journal::{Registered, State};
use shroud_wire::gateway::Item;
use shroud_wire::store::{Row, RowKey, Table};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::{PAUSE, Refused, Sealed};
use crate::events::Events;
use crate::gateways::GatewayError;
use crate::rows::RowsError;

/// Refusals that asking again does not change; every other one passes.
const FINAL: [&str; 4] = ["attestation", "malformed", "origin", "unopened"];

/// The shares of the state key, each wrapped by its provider's KMS: the one row that is not sealed by the state key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrappedStateKey {
    /// Counts from 1 with each rotation.
    pub(crate) version: u64,
    /// By provider, base64.
    pub(crate) shares: BTreeMap<String, String>,
}

impl WrappedStateKey {
    /// Its key in the table, which is its name in the store as well.
    pub(crate) const KEY: &'static str = "state_key";
}

/// The rebuilt key, and who released shares of it.
pub(super) struct Released {
    pub(super) key: StateKey,
    by: Vec<Provider>,
    faults: Vec<ShareFault>,
    row: Row,
}

impl Released {
    /// Whose shares were used or tried.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.by.iter().map(|provider| provider.name()).collect()
    }

    /// Shares that do not belong to the key, for the record.
    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.iter().map(|fault| format!("{}: {}", fault.provider, fault.reason)).collect()
    }

    /// The row that the shares came from is the newest one.
    pub(super) fn row_is_fresh(&self, state: &State) -> Result<(), Refused> {
        let asked = RowKey { table: Table::Deployment.number(), key: WrappedStateKey::KEY.to_owned() };
        state.check_row(&asked, Some(&self.row)).map(drop).map_err(|error| RowsError::from(error).into())
    }
}

type Share = Zeroizing<Vec<u8>>;

/// Asks every gateway, and waits until two shares that fit are there, or it is certain that they never will be.
pub(super) async fn rebuild(
    sealed: &Sealed,
    registered: &Registered,
    events: &Events,
) -> Result<Released, Refused> {
    let row = row(sealed, events).await?;
    let wrapped: WrappedStateKey = serde_json::from_slice(&row.body).map_err(|error| {
        Refused::new("state_key_substituted", format!("the row of the state key: {error}"))
    })?;
    let mut shares: Vec<(Provider, Share)> = Vec::new();
    let mut refusals: BTreeMap<&'static str, String> = BTreeMap::new();
    loop {
        let mut asked = ask(sealed, &wrapped, &shares, &refusals);
        let mut missing = Vec::new();
        while let Some(answer) = asked.join_next().await {
            let Ok((provider, answer)) = answer else { continue };
            match answer {
                Ok(share) => shares.push((provider, share)),
                Err(GatewayError::Refused { kind, detail, .. }) if FINAL.contains(&kind.as_str()) => {
                    tracing::warn!(provider = provider.name(), kind, detail, "no share of the state key");
                    refusals.insert(provider.name(), format!("{kind}: {detail}"));
                }
                Err(error) => missing.push((provider.name(), error.to_string())),
            }
            if let Some(released) = fits(sealed, registered, &shares, missing.is_empty() && asked.is_empty())?
            {
                let (key, faults) = released;
                let by = shares.iter().map(|(provider, _)| *provider).collect();
                return Ok(Released { key, by, faults, row });
            }
        }
        if missing.is_empty() {
            return Err(never(&refusals));
        }
        let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
        let why: Vec<&str> = missing.iter().map(|(_, why)| why.as_str()).collect();
        events.waiting(&names, &why.join("; "));
        tokio::time::sleep(PAUSE).await;
    }
}

/// The wrapped shares, as the store has them.
async fn row(sealed: &Sealed, events: &Events) -> Result<Row, Refused> {
    let key = RowKey { table: Table::Deployment.number(), key: WrappedStateKey::KEY.to_owned() };
    loop {
        match sealed.store.row(key.clone()).await {
            Ok(Some(row)) => return Ok(row),
            Ok(None) => return Err(Refused::new("row_withheld", "the store has no row of the state key")),
            Err(error) => events.waiting(&["store"], &error.to_string()),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks every gateway that has neither released nor refused.
fn ask(
    sealed: &Sealed,
    wrapped: &WrappedStateKey,
    shares: &[(Provider, Share)],
    refusals: &BTreeMap<&'static str, String>,
) -> JoinSet<(Provider, Result<Share, GatewayError>)> {
    let mut asked = JoinSet::new();
    for provider in Provider::ALL {
        let answered =
            shares.iter().any(|(one, _)| *one == provider) || refusals.contains_key(provider.name());
        let bytes = wrapped.shares.get(provider.name()).and_then(|text| BASE64_STANDARD.decode(text).ok());
        let gateway = sealed.gateways.members().iter().find(|member| member.name() == provider.name());
        let (Some(bytes), Some(gateway), false) = (bytes, gateway, answered) else { continue };
        let origin = sealed.configuration.origin.as_str();
        let context = StateKeyContext { origin, provider, version: wrapped.version }.to_bytes();
        let (gateways, gateway) = (Arc::clone(&sealed.gateways), Arc::clone(gateway));
        asked.spawn(async move {
            let keys = gateways.unwrap(&gateway, vec![Item { context, bytes }]).await;
            (provider, keys.map(|keys| keys.into_iter().next().unwrap_or_default()))
        });
    }
    asked
}

/// The key, if the shares at hand rebuild the registered one. Once all are in, a set that does not is a substitution.
fn fits(
    sealed: &Sealed,
    registered: &Registered,
    shares: &[(Provider, Share)],
    all: bool,
) -> Result<Option<(StateKey, Vec<ShareFault>)>, Refused> {
    let plain: Vec<(Provider, &[u8])> =
        shares.iter().map(|(provider, share)| (*provider, share.as_slice())).collect();
    match StateKey::rebuild(&sealed.configuration.origin, &registered.state_key_commitment, &plain) {
        Ok(rebuilt) => Ok(Some(rebuilt)),
        Err(RebuildError::NotEnough { .. }) => Ok(None),
        Err(RebuildError::Substituted { .. }) if !all => Ok(None),
        Err(error @ RebuildError::Substituted { .. }) => {
            Err(Refused::new("state_key_substituted", format!("{error}; shares of {}", names(shares))))
        }
    }
}

fn names(shares: &[(Provider, Share)]) -> String {
    shares.iter().map(|(provider, _)| provider.name()).collect::<Vec<_>>().join(", ")
}

/// Every gateway has answered, and too few released.
fn never(refusals: &BTreeMap<&'static str, String>) -> Refused {
    let told: Vec<String> = refusals.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let detail = format!("too few gateways released their share: {}", told.join("; "));
    let unattested = refusals.values().any(|why| why.starts_with("attestation"));
    Refused::new(if unattested { "attestation" } else { "state_key_substituted" }, detail)
}
