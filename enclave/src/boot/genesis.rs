//! The birth of a deployment: keys drawn, wrapped by all three clouds, one first entry, registered everywhere.
//!
//! It happens only where the store is empty and no gateway knows the origin. Cut short before the first registration, it
//! leaves a store that nobody registered, which the operator may empty: nothing was ever served from it. Cut short between
//! two registrations, it leaves an origin that some gateways know, and the deployment starts anew under another (ADR 6).

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use shroud_custody::{CustodyMode, Provider, Share, StateKey, StateKeyContext, SystemRandom};
use shroud_journal::{Kind, Origin, State};
use shroud_wire::gateway::{Item, Registration};
use shroud_wire::store::Table;
use uuid::Uuid;

use super::{PAUSE, Refused, Sealed, WrappedStateKey};
use crate::events::Events;
use crate::gateways::{Gateway, GatewayError};
use crate::keyring::provision::{fresh_kek, wrapped_kek};
use crate::keyring::rows::put_kek;
use crate::ledger::{Draft, Log, Sealing, custody_columns, first_entry};
use crate::records::{DeploymentKeys, HexSecret, Vault, WrappedKek};
use crate::store::Committed;

/// What one cloud has wrapped.
struct Wrapped {
    provider: Provider,
    share: String,
    kek: WrappedKek,
}

/// Makes the deployment.
pub(super) async fn make(sealed: &Sealed, origin: &Origin, events: &Events) -> Result<(), Refused> {
    events.progress("no gateway knows this origin: making the deployment's keys");
    let state_key = StateKey::generate(&mut SystemRandom);
    let vault = Uuid::new_v4();
    let wrapped = wrap(sealed, &state_key, vault, events).await?;
    let keys = DeploymentKeys {
        journal: HexSecret::random(),
        token: HexSecret::random(),
        policy: HexSecret::random(),
        audit: HexSecret::random(),
        agent_keys_vault: vault,
    };
    let journal_key = Ed25519KeyPair::from_seed_unchecked(keys.journal.expose())
        .map_err(|_| Refused::new("genesis", "the journal key cannot be used"))?;
    let public = journal_key.public_key().as_ref().to_vec();
    let commitment = state_key.commitment(origin.as_str());
    let draft = draft(sealed, origin, &keys, vault, &wrapped)?;
    let log = Arc::new(Log::new(origin.clone(), State::new()));
    let sealing = Sealing::new(origin.as_str(), state_key, journal_key);
    let (commit, _) = first_entry(&log, &sealing, draft, sealed.clock.credentials())?;
    match sealed.store.commit(commit).await {
        Ok(Committed::Done) => {}
        Ok(Committed::Conflict(_)) => return Err(Refused::new("genesis", "the store is no longer empty")),
        Err(error) => return Err(Refused::new("store", error.to_string())),
    }
    let genesis = log.with(|state| state.genesis().copied()).unwrap_or_default();
    let registration = Registration {
        origin: origin.to_string(),
        state_key_commitment: commitment.to_vec(),
        journal_key: public,
        genesis: genesis.to_vec(),
    };
    register(sealed, &registration, events).await
}

fn draft(
    sealed: &Sealed,
    origin: &Origin,
    keys: &DeploymentKeys,
    vault: Uuid,
    wrapped: &[Wrapped],
) -> Result<Draft, Refused> {
    let opaque = |error: serde_json::Error| Refused::new("genesis", error.to_string());
    let shares = wrapped.iter().map(|one| (one.provider.name().to_owned(), one.share.clone())).collect();
    let state_key = serde_json::to_vec(&WrappedStateKey { version: 1, shares }).map_err(opaque)?;
    let mode = CustodyMode::MultiHsm2of3;
    let agent_keys = Vault {
        id: vault,
        name: Vault::AGENT_KEYS.to_owned(),
        description: "Keys of agents".to_owned(),
        created_at: sealed.clock.credentials(),
        created_by: "enclave".to_owned(),
        custody_mode: Some(mode.name().to_owned()),
        cmek_fingerprint: None,
    };
    let details = json!({ "config_digest": hex::encode(sealed.configuration.digest) });
    let mut draft = Draft::new(Kind::Genesis, "enclave", origin.as_str(), details)
        .open(Table::Deployment, WrappedStateKey::KEY, state_key)
        .put(DeploymentKeys::KEY, keys)
        .and_then(|draft| draft.put_with(vault.to_string(), &agent_keys, custody_columns(Some(mode))))
        .map_err(opaque)?;
    for one in wrapped {
        draft = put_kek(draft, &one.kek).map_err(opaque)?;
    }
    Ok(draft)
}

/// Has every cloud wrap its share of the state key and a KEK of the vault of agents' keys. All three are needed.
async fn wrap(
    sealed: &Sealed,
    state_key: &StateKey,
    vault: Uuid,
    events: &Events,
) -> Result<Vec<Wrapped>, Refused> {
    let mut wrapped = Vec::new();
    for (provider, share) in state_key.split(&mut SystemRandom) {
        let gateway = sealed.gateways.members().iter().find(|member| member.name() == provider.name());
        let gateway =
            gateway.ok_or_else(|| Refused::new("configuration", format!("no gateway {provider}")))?;
        wrapped.push(patiently(sealed, gateway, provider, &share, vault, events).await?);
        events.progress(&format!("{provider} wrapped its share of the state key"));
    }
    Ok(wrapped)
}

async fn patiently(
    sealed: &Sealed,
    gateway: &Gateway,
    provider: Provider,
    share: &Share,
    vault: Uuid,
    events: &Events,
) -> Result<Wrapped, Refused> {
    let origin = sealed.configuration.origin.as_str();
    let context = StateKeyContext { origin, provider, version: 1 }.to_bytes();
    let kek = fresh_kek(origin, sealed.configuration.org_id, vault, provider);
    loop {
        let share = Item { context: context.clone(), bytes: share.to_bytes().expose().to_vec() };
        match sealed.gateways.wrap(gateway, vec![share, kek.clone()]).await.as_deref() {
            Ok([share, kek]) => {
                let share = BASE64_STANDARD.encode(share);
                return Ok(Wrapped { provider, share, kek: wrapped_kek(vault, provider, kek) });
            }
            Ok(_) => {
                return Err(Refused::new("gateway", format!("{provider} wrapped another number of keys")));
            }
            Err(error @ GatewayError::Unreachable { .. }) => {
                events.waiting(&[provider.name()], &error.to_string())
            }
            Err(GatewayError::Refused { kind, detail, .. }) => {
                return Err(Refused::new(kind, format!("{provider}: {detail}")));
            }
            Err(error) => return Err(Refused::new("gateway", error.to_string())),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Registers the deployment at every gateway: an origin that one of them did not know could be born there again.
async fn register(sealed: &Sealed, registration: &Registration, events: &Events) -> Result<(), Refused> {
    for gateway in sealed.gateways.members() {
        loop {
            match sealed.gateways.register(gateway, registration).await {
                Ok(()) => break,
                Err(error @ GatewayError::Unreachable { .. }) => {
                    events.waiting(&[gateway.name()], &error.to_string())
                }
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    events.progress("the deployment is registered at every gateway");
    Ok(())
}
