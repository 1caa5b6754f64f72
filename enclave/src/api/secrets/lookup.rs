//! From a path to what stands there: the secret, one version of it, and whether either is still to be had.

use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::ledger::Draft;
use crate::records::{SecretHead, SecretReads, SecretVersion};
use crate::rows::Loaded;
use crate::secret_path::SecretPath;
use uuid::Uuid;

/// A version that may be read, and the rows that say so.
pub(super) struct Readable {
    pub(super) version: Loaded<SecretVersion>,
    path: SecretPath,
    head: u64,
    reads: Option<(Option<u64>, SecretReads)>,
}

impl Readable {
    /// One read of it: refused once it was deleted, disabled or read by somebody else meanwhile.
    pub(super) fn counted(&self, draft: Draft) -> Result<Draft, serde_json::Error> {
        let version = self.version.value();
        let key = SecretVersion::key(version.vault_id, &version.path, version.version);
        let head = SecretHead::key(version.vault_id, &self.path);
        let draft = draft
            .unchanged::<SecretHead>(head, Some(self.head), "the secret")
            .unchanged::<SecretVersion>(key, Some(self.version.version()), "the secret's version");
        let Some((read, next)) = &self.reads else { return Ok(draft) };
        let key = SecretReads::key(version.vault_id, &self.path, version.version);
        draft.unchanged::<SecretReads>(key.clone(), *read, "the secret's read count").put(key, next)
    }
}

/// A secret that is not deleted.
///
/// # Errors
/// 404 if there never was one, 410 if it was deleted.
pub(super) async fn head(
    enclave: &Enclave<Unsealed>,
    vault: Uuid,
    path: &SecretPath,
) -> Result<Loaded<SecretHead>, Problem> {
    let head = enclave.rows.load::<SecretHead>(&SecretHead::key(vault, path)).await?;
    let head = head.ok_or_else(|| Problem::not_found(format!("the vault has no secret at {path}")))?;
    if head.value().is_deleted() { Err(Problem::gone("the secret was deleted")) } else { Ok(head) }
}

/// The row of a version that a secret has.
///
/// # Errors
/// 503 if it cannot be used.
pub(super) async fn row(
    enclave: &Enclave<Unsealed>,
    vault: Uuid,
    path: &str,
    version: u64,
) -> Result<Loaded<SecretVersion>, Problem> {
    let row = enclave.rows.load::<SecretVersion>(&SecretVersion::key(vault, path, version)).await?;
    row.ok_or_else(|| Problem::unavailable("row_withheld", "a version of the secret has no row"))
}

/// One version, the newest where none is named.
///
/// # Errors
/// As [`head`]; 404 for a version that never was, 410 for one that was deleted.
pub(super) async fn version(
    enclave: &Enclave<Unsealed>,
    vault: Uuid,
    path: &SecretPath,
    asked: Option<u64>,
) -> Result<(Loaded<SecretHead>, Loaded<SecretVersion>), Problem> {
    let head = head(enclave, vault, path).await?;
    let asked = asked.unwrap_or(head.value().newest);
    if asked > head.value().newest {
        return Err(Problem::not_found(format!("the secret has no version {asked}")));
    }
    if asked <= head.value().deleted_through {
        return Err(Problem::gone("the version was deleted"));
    }
    let version = row(enclave, vault, path.as_str(), asked).await?;
    Ok((head, version))
}

/// A version that may be read now.
///
/// # Errors
/// As [`version`]; 410 if it is disabled, has expired, or was read as often as it may be.
pub(super) async fn readable(
    enclave: &Enclave<Unsealed>,
    vault: Uuid,
    path: &SecretPath,
    asked: Option<u64>,
) -> Result<Readable, Problem> {
    let (head, version) = version(enclave, vault, path, asked).await?;
    let terms = &version.value().terms;
    if version.value().is_disabled {
        return Err(Problem::gone("the version was disabled"));
    }
    if terms.expires_at.is_some_and(|at| enclave.clock.credentials() >= at) {
        return Err(Problem::gone("the version has expired"));
    }
    let reads = match terms.max_access_count {
        Some(limit) => Some(next_read(enclave, vault, path, version.value().version, limit).await?),
        None => None,
    };
    Ok(Readable { path: path.clone(), head: head.version(), reads, version })
}

async fn next_read(
    enclave: &Enclave<Unsealed>,
    vault: Uuid,
    path: &SecretPath,
    version: u64,
    limit: u64,
) -> Result<(Option<u64>, SecretReads), Problem> {
    let row = enclave.rows.load::<SecretReads>(&SecretReads::key(vault, path, version)).await?;
    let count = row.as_ref().map_or(0, |row| row.value().count);
    if count >= limit {
        return Err(Problem::gone(format!("the version was read {count} times, as often as it may be")));
    }
    Ok((row.map(|row| row.version()), SecretReads { count: count + 1 }))
}
