//! The end of a secret or of one version: told as 410 from then on, kept under seal, its number never used again.

use serde_json::json;
use shroud_journal::Kind;

use super::{TRIES, has_changed, lookup, subject};
use crate::access::{self, Right};
use crate::api::problem::Problem;
use crate::api::{Reply, Request};
use crate::enclave::{Enclave, Unsealed};
use crate::ledger::{Draft, Held};
use crate::records::{SecretHead, SecretVersion};

pub(super) async fn delete(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let path = super::path(request)?;
    let (caller, vault) = (request.principal()?, request.parameter("vault_id"));
    for _ in 0..TRIES {
        let granted = access::grant(enclave, caller, vault, Some(path.as_str()), Right::Write).await?;
        let head = lookup::head(enclave, granted.vault().id, &path).await?;
        let deleted = SecretHead { deleted_through: head.value().newest, ..head.value().clone() };
        let key = SecretHead::key(granted.vault().id, &path);
        let details = json!({ "through_version": deleted.newest, "result": "deleted" });
        let subject = format!("secret:{}/{path}", deleted.vault_id);
        let draft = granted
            .bind(Draft::new(Kind::SecretDelete, granted.actor(), subject, details))
            .unchanged::<SecretHead>(key.clone(), Some(head.version()), "the secret")
            .put(key, &deleted)?;
        let outcome = enclave.ledger.record(Held::new(()), draft).await;
        if !has_changed(&outcome) {
            return Ok(Reply::done(&outcome?));
        }
    }
    Err(Problem::conflict("the secret keeps changing; it was not deleted"))
}

pub(super) async fn disable(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let (path, number) = super::path_and_version(request)?;
    let (caller, vault) = (request.principal()?, request.parameter("vault_id"));
    let granted = access::grant(enclave, caller, vault, Some(path.as_str()), Right::Write).await?;
    let (_, version) = lookup::version(enclave, granted.vault().id, &path, Some(number)).await?;
    let disabled = SecretVersion { is_disabled: true, ..version.value().clone() };
    let key = SecretVersion::key(granted.vault().id, path.as_str(), number);
    let details = json!({ "version": number, "result": "disabled" });
    let draft = granted
        .bind(Draft::new(Kind::SecretDelete, granted.actor(), subject(&disabled), details))
        .unchanged::<SecretVersion>(key.clone(), Some(version.version()), "the secret's version")
        .put(key, &disabled)?;
    Ok(Reply::done(&enclave.ledger.record(Held::new(()), draft).await?))
}
