//! Secrets of a vault: versions that are sealed under the vault's custody mode, read with a record, never changed.
//!
//! ```text
//! path ─ grammar (400) ─► leave (403) ─► secret and version (404, 410) ─► client share (400) ─► opened (403, 503) ─► record ─► value
//! ```

mod generate;
mod lookup;
mod plaintext;
mod read;
mod retire;
mod write;

use hyper::header::HeaderName;
use serde_json::{Map, Value, json};

use super::{Line, Reply, Request, route};
use crate::access::{self, Right};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::instant;
use crate::keyring;
use crate::ledger::{LedgerError, Refusal};
use crate::principal::Principal;
use crate::records::{SecretHead, SecretVersion};
use crate::secret_path::SecretPath;

/// The header that carries the client's share.
pub(super) const CLIENT_SHARE: HeaderName = HeaderName::from_static("x-client-share");
/// How often something is tried again because what it was decided on has changed meanwhile.
const TRIES: usize = 64;

pub(super) const ROUTES: [Line; 8] = [
    route!(GET "/v1/vaults/{vault_id}/secrets" Anyone list),
    route!(PUT "/v1/vaults/{vault_id}/secrets/{*path}" Anyone write::put),
    route!(GET "/v1/vaults/{vault_id}/secrets/{*path}" Anyone read::newest),
    route!(DELETE "/v1/vaults/{vault_id}/secrets/{*path}" Anyone retire::delete),
    route!(GET "/v1/vaults/{vault_id}/secret-versions/{*path}" Anyone versions),
    route!(GET "/v1/vaults/{vault_id}/secret-version/{*path}" Anyone read::version),
    route!(POST "/v1/vaults/{vault_id}/secret-version-disable/{*path}" Anyone retire::disable),
    route!(POST "/v1/vaults/{vault_id}/secret-rotate/{*path}" Anyone write::rotate),
];

/// The path of a request.
fn path(request: &Request) -> Result<SecretPath, Problem> {
    SecretPath::parse(request.parameter("path")).map_err(|error| Problem::bad_request(error.to_string()))
}

/// Path and version of a request whose last segment is a version.
fn path_and_version(request: &Request) -> Result<(SecretPath, u64), Problem> {
    let text = request.parameter("path");
    let wrong = || Problem::bad_request(format!("expected a path and a version from 1 on, found {text:?}"));
    let (path, version) = text.rsplit_once('/').ok_or_else(wrong)?;
    let digits = version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0');
    let version = version.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
    let path = SecretPath::parse(path).map_err(|error| Problem::bad_request(error.to_string()))?;
    Ok((path, version))
}

/// The journal's name of a secret.
fn subject(version: &SecretVersion) -> String {
    format!("secret:{}/{}", version.vault_id, version.path)
}

/// Whether a record was refused because a row that it rests on has changed.
fn has_changed<T>(outcome: &Result<T, LedgerError>) -> bool {
    matches!(outcome, Err(LedgerError::Refused(Refusal::Changed { .. })))
}

async fn list(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let vault = request.parameter("vault_id");
    if let agent @ Principal::Agent(_) = request.principal()? {
        access::grant(enclave, agent, vault, None, Right::Read).await?;
    }
    let vault = access::own_vault(enclave, vault).await?.value().id;
    let under = request.call.query("prefix")?.unwrap_or_default();
    let mut secrets = Vec::new();
    for head in enclave.rows.list::<SecretHead>(&format!("{}{under}", SecretHead::prefix(vault))).await? {
        let head = head.value();
        if !head.is_deleted() {
            secrets.push(told(&lookup::row(enclave, vault, &head.path, head.newest).await?.into_parts().1)?);
        }
    }
    Reply::read(&json!({ "secrets": secrets }))
}

async fn versions(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let path = path(request)?;
    let (caller, vault) = (request.principal()?, request.parameter("vault_id"));
    let granted = access::grant(enclave, caller, vault, Some(path.as_str()), Right::Read).await?;
    let head = lookup::head(enclave, granted.vault().id, &path).await?;
    let mut versions = Vec::new();
    for version in (head.value().deleted_through + 1..=head.value().newest).rev() {
        versions.push(told(lookup::row(enclave, granted.vault().id, path.as_str(), version).await?.value())?);
    }
    Reply::read(&json!({ "versions": versions }))
}

/// A version as the contract tells it, without its value.
fn told(version: &SecretVersion) -> Result<Map<String, Value>, Problem> {
    let terms = &version.terms;
    let told = json!({
        "id": version.id, "path": version.path, "type": version.kind, "version": version.version,
        "vault_id": version.vault_id, "metadata": terms.metadata, "rotation_policy": terms.rotation_policy,
        "created_at": instant::rfc3339(version.created_at), "created_by": version.created_by,
        "expires_at": terms.expires_at.map(instant::rfc3339), "max_access_count": terms.max_access_count,
        "is_disabled": version.is_disabled, "cmek_encrypted": terms.cmek_encrypted,
        "custody_mode": keyring::mode(version)?.name(),
    });
    let Value::Object(mut told) = told else { return Err(Problem::internal()) };
    told.retain(|_, value| !value.is_null());
    Ok(told)
}
