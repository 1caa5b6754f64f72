//! The key that signs: the agent's own, opened for one use.

use k256::ecdsa::SigningKey;
use shroud_custody::ClientShare;
use uuid::Uuid;

use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::keyring;
use crate::records::{self, Agent, SecretVersion};
use crate::rows::Loaded;

/// A request may name the key that signs anyway, and no other.
///
/// # Errors
/// Why the key at that path does not sign for this agent.
pub(super) fn permitted(path: Option<&str>, agent: Uuid) -> Result<(), String> {
    let own = format!("agents/{agent}/chains/ethereum/private_key");
    match path {
        None => Ok(()),
        Some(path) if path == own => Ok(()),
        Some(_) => Err(format!("signing_key_path: only the agent's own key signs here: {own}")),
    }
}

/// The agent's active key.
pub(super) async fn open(
    enclave: &Enclave<Unsealed>,
    agent: &Agent,
    client_share: Option<&str>,
) -> Result<(Loaded<records::SigningKey>, SigningKey), Problem> {
    let missing =
        || Problem::conflict("the agent has no active signing key for ethereum; provision one first");
    let name = records::SigningKey::key(agent.id, "ethereum");
    let row = enclave.rows.load::<records::SigningKey>(&name).await?.ok_or_else(missing)?;
    let public = row.value();
    if !public.is_active {
        return Err(missing());
    }
    let secret = SecretVersion::key(public.vault_id, &public.path, public.secret_version);
    let secret = enclave.rows.load::<SecretVersion>(&secret).await?.ok_or_else(missing)?;
    let client = ClientShare::presented(keyring::mode(secret.value())?, client_share)
        .map_err(|error| Problem::bad_request(format!("X-Client-Share: {error}")))?;
    let opened = enclave.keyring.open(secret.value(), client.as_ref()).await?;
    for fault in &opened.faults {
        tracing::warn!(provider = %fault.provider, reason = %fault.reason, "a share was not used");
    }
    let key = crate::api::signing_keys::read_private(&opened.value).ok_or_else(Problem::internal)?;
    Ok((row, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agents_own_key_may_be_named() {
        let (own, other) = (Uuid::new_v4(), Uuid::new_v4());
        assert!(permitted(None, own).is_ok());
        assert!(permitted(Some(&format!("agents/{own}/chains/ethereum/private_key")), own).is_ok());
        for path in [
            "".to_owned(),
            "keys/ethereum-signer".to_owned(),
            format!("agents/{other}/chains/ethereum/private_key"),
            format!("agents/{own}/chains/../../{other}/chains/ethereum/private_key"),
            format!("AGENTS/{own}/chains/ethereum/private_key"),
            format!("agents/{own}/chains/ethereum/private_key/"),
        ] {
            assert!(permitted(Some(&path), own).is_err(), "{path:?}");
        }
    }
}
