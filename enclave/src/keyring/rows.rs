//! The rows of what the keyring made: wrapped KEKs, and versions of secrets with the shares of their keys.

use serde_json::Error;
use shroud_custody::ClientShare;

use crate::ledger::Draft;
use crate::records::{DekShare, SecretVersion, WrappedKek};

/// One version of a secret, sealed, in the form of its rows.
pub(crate) struct SealedVersion {
    /// For the secret's row, base64.
    pub(crate) value: String,
    /// For the secret's row, base64.
    pub(crate) commitments: String,
    /// One for each of the mode's providers.
    pub(crate) shares: Vec<DekShare>,
    /// To be returned to the client once.
    pub(crate) client_share: Option<ClientShare>,
}

/// Writes the row of a KEK.
pub(crate) fn put_kek(draft: Draft, kek: &WrappedKek) -> Result<Draft, Error> {
    let columns = vec![("vault_id", kek.vault_id.to_string()), ("provider", kek.provider.clone())];
    draft.put_with(WrappedKek::key(kek.vault_id, &kek.provider), kek, columns)
}

/// Writes the rows of a version and of its shares.
pub(crate) fn put_version(
    draft: Draft,
    version: &SecretVersion,
    shares: &[DekShare],
) -> Result<Draft, Error> {
    let name = SecretVersion::key(version.vault_id, &version.path, version.version);
    let mut draft = draft.put(name.clone(), version)?;
    for share in shares {
        let columns = vec![("vault_id", share.vault_id.to_string()), ("provider", share.provider.clone())];
        draft = draft.put_with(DekShare::key(&name, &share.provider), share, columns)?;
    }
    Ok(draft)
}
