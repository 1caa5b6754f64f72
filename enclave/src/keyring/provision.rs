//! Fresh KEKs: drawn inside, wrapped by each provider's KMS, and forgotten here until a cloud releases them.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use shroud_custody::{Kek, KekContext, Provider, SystemRandom};
use shroud_wire::gateway::Item;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Keyring, KeyringError};
use crate::gateways::{GatewayError, Gateways};
use crate::records::WrappedKek;

/// The version of a KEK that was not rotated yet.
const FIRST: u64 = 1;

/// A fresh KEK of a vault at a provider, with the context that binds it, to be wrapped.
pub(crate) fn fresh_kek(origin: &str, org: Uuid, vault: Uuid, provider: Provider) -> Item {
    let (org, vault) = (org.to_string(), vault.to_string());
    let context = KekContext { origin, org: &org, vault: &vault, provider, version: FIRST }.to_bytes();
    Item { context, bytes: Kek::generate(&mut SystemRandom).expose().to_vec() }
}

/// The row of a KEK that its provider has wrapped.
pub(crate) fn wrapped_kek(vault: Uuid, provider: Provider, wrapped: &[u8]) -> WrappedKek {
    let wrapped = BASE64_STANDARD.encode(wrapped);
    WrappedKek { vault_id: vault, provider: provider.name().to_owned(), version: FIRST, wrapped }
}

impl Keyring {
    /// A fresh KEK of a vault at each of the providers, wrapped. All of them are needed; they are asked in parallel.
    ///
    /// # Errors
    /// [`KeyringError::Wrap`] names the first provider that did not.
    pub(crate) async fn provision(
        &self,
        vault: Uuid,
        providers: &[Provider],
    ) -> Result<Vec<WrappedKek>, KeyringError> {
        let mut asked = JoinSet::new();
        for provider in providers.iter().copied() {
            let item = fresh_kek(&self.origin, self.org, vault, provider);
            let gateways = Arc::clone(&self.gateways);
            asked.spawn(async move { wrap(&gateways, provider, item).await.map(|bytes| (provider, bytes)) });
        }
        let mut keks = Vec::with_capacity(providers.len());
        while let Some(answer) = asked.join_next().await {
            let (provider, wrapped) = answer.map_err(|_| KeyringError::Content("a fresh key"))??;
            keks.push(wrapped_kek(vault, provider, &wrapped));
        }
        Ok(keks)
    }
}

async fn wrap(gateways: &Gateways, provider: Provider, item: Item) -> Result<Vec<u8>, GatewayError> {
    let wrong = |detail: &str| GatewayError::Answer {
        gateway: provider.name().to_owned(),
        detail: detail.to_owned(),
    };
    let member = gateways.members().iter().find(|member| member.name() == provider.name());
    let wrapped = gateways.wrap(member.ok_or_else(|| wrong("it is not configured"))?, vec![item]).await?;
    wrapped.into_iter().next().ok_or_else(|| wrong("no key"))
}
