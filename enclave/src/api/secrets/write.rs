//! Writing a secret: always a further version, sealed under the vault's present custody mode. The client's share of it is
//! told here, once, and kept nowhere.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shroud_custody::SystemRandom;
use shroud_journal::Kind;
use uuid::Uuid;

use super::generate::{self, Charset};
use super::plaintext::Plaintext;
use super::{TRIES, lookup};
use crate::access::{self, Granted, Right};
use crate::api::problem::Problem;
use crate::api::{Reply, Request, vaults};
use crate::enclave::{Enclave, Unsealed};
use crate::instant::Instant;
use crate::keyring::rows::{SealedVersion, put_version};
use crate::ledger::{Draft, Held};
use crate::records::{SecretHead, SecretVersion, Terms};
use crate::rows::Loaded;
use crate::secret_path::SecretPath;

#[derive(Deserialize)]
struct PutSecretRequest {
    value: Plaintext,
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    rotation_policy: Option<Map<String, Value>>,
    #[serde(default)]
    expires_at: Option<Instant>,
    #[serde(default)]
    max_access_count: Option<u64>,
}

#[derive(Default, Deserialize)]
struct RotateSecretRequest {
    #[serde(default)]
    length: Option<usize>,
    #[serde(default)]
    charset: Option<Charset>,
    #[serde(default)]
    r#type: Option<String>,
}

/// A version to be written.
struct Wanted {
    value: Plaintext,
    kind: String,
    terms: Terms,
}

/// What is told of a version that was written: never its value.
#[derive(Serialize)]
struct SecretCreatedResponse {
    #[serde(flatten)]
    version: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_share: Option<Plaintext>,
}

pub(super) async fn put(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let path = super::path(request)?;
    let asked: PutSecretRequest = request.call.json()?;
    let terms = Terms {
        metadata: asked.metadata,
        rotation_policy: asked.rotation_policy,
        expires_at: asked.expires_at.map(Instant::unix),
        max_access_count: asked.max_access_count.filter(|count| *count > 0),
        cmek_encrypted: false,
    };
    let kind = kind(asked.r#type.as_deref().unwrap_or("generic"))?;
    let mut wanted = Wanted { value: asked.value, kind, terms };
    for _ in 0..TRIES {
        let granted = grant(enclave, request, &path, Right::Write).await?;
        wanted.terms.cmek_encrypted = granted.vault().cmek_fingerprint.is_some();
        let head = enclave.rows.load::<SecretHead>(&SecretHead::key(granted.vault().id, &path)).await?;
        if let Some(reply) = write(enclave, &granted, &path, head, &wanted).await? {
            return Ok(reply);
        }
    }
    Err(busy())
}

pub(super) async fn rotate(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let path = super::path(request)?;
    let empty = request.call.body().is_empty();
    let asked = if empty { RotateSecretRequest::default() } else { request.call.json()? };
    let length = asked.length.unwrap_or(32);
    if !generate::LENGTHS.contains(&length) {
        return Err(Problem::bad_request(format!("length: expected 8 to 1024 characters, found {length}")));
    }
    let chosen = asked.r#type.as_deref().map(kind).transpose()?;
    for _ in 0..TRIES {
        let granted = grant(enclave, request, &path, Right::Rotate).await?;
        let (head, present) = lookup::version(enclave, granted.vault().id, &path, None).await?;
        let present = present.value();
        let wanted = Wanted {
            value: Plaintext::new(generate::value(
                asked.charset.unwrap_or_default(),
                length,
                &mut SystemRandom,
            )),
            kind: chosen.clone().unwrap_or_else(|| present.kind.clone()),
            // The value is made here, so no key of the client's is around it; an old date of expiry has had its day.
            terms: Terms { cmek_encrypted: false, expires_at: None, ..present.terms.clone() },
        };
        if let Some(reply) = write(enclave, &granted, &path, Some(head), &wanted).await? {
            return Ok(reply);
        }
    }
    Err(busy())
}

fn busy() -> Problem {
    Problem::conflict("the secret keeps changing while it is written; nothing was written")
}

async fn grant(
    enclave: &Enclave<Unsealed>,
    request: &Request,
    path: &SecretPath,
    right: Right,
) -> Result<Granted, Problem> {
    let vault = request.parameter("vault_id");
    access::grant(enclave, request.principal()?, vault, Some(path.as_str()), right).await
}

/// Any short identifier; only `private_key` and `ssh_key` mean something here.
fn kind(text: &str) -> Result<String, Problem> {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if letters && (1..=64).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    let expected = "expected 1 to 64 letters, digits, '_', '-' and '.'";
    Err(Problem::bad_request(format!("type: {expected}, found {text:?}")))
}

/// Seals and records the next version; nothing if the secret has changed meanwhile.
async fn write(
    enclave: &Enclave<Unsealed>,
    granted: &Granted,
    path: &SecretPath,
    head: Option<Loaded<SecretHead>>,
    wanted: &Wanted,
) -> Result<Option<Reply>, Problem> {
    let vault = granted.vault();
    let mode = vaults::mode(vault)?;
    let number = head.as_ref().map_or(1, |head| head.value().newest + 1);
    let sealed = enclave.keyring.seal(mode, vault.id, path.as_str(), number, wanted.value.expose()).await?;
    let version = SecretVersion {
        id: Uuid::new_v4(),
        vault_id: vault.id,
        path: path.to_string(),
        version: number,
        kind: wanted.kind.clone(),
        custody_mode: vault.custody_mode.clone(),
        value: sealed.value.clone(),
        commitments: sealed.commitments.clone(),
        is_disabled: false,
        terms: wanted.terms.clone(),
        created_at: enclave.clock.credentials(),
        created_by: granted.actor().to_owned(),
    };
    let told = SecretCreatedResponse {
        version: super::told(&version)?,
        client_share: sealed.client_share.as_ref().map(|share| Plaintext::new(share.to_base64())),
    };
    let draft = draft(granted, path, head.as_ref(), &version, &sealed)?;
    let outcome = enclave.ledger.record(Held::new(told), draft).await;
    if super::has_changed(&outcome) {
        return Ok(None);
    }
    Reply::recorded(StatusCode::CREATED, &outcome?).map(Some)
}

fn draft(
    granted: &Granted,
    path: &SecretPath,
    head: Option<&Loaded<SecretHead>>,
    version: &SecretVersion,
    sealed: &SealedVersion,
) -> Result<Draft, Problem> {
    let details = json!({
        "version": version.version, "type": version.kind,
        "custody_mode": version.custody_mode.as_deref().unwrap_or("none"), "result": "written",
    });
    let key = SecretHead::key(version.vault_id, path);
    let next = SecretHead {
        vault_id: version.vault_id,
        path: path.to_string(),
        newest: version.version,
        deleted_through: head.map_or(0, |head| head.value().deleted_through),
    };
    let draft = Draft::new(Kind::SecretWrite, granted.actor(), super::subject(version), details);
    let draft = granted
        .bind(draft)
        .unchanged::<SecretHead>(key.clone(), head.map(Loaded::version), "the secret")
        .put(key, &next)?;
    Ok(put_version(draft, version, &sealed.shares)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_short_identifiers() {
        for text in ["generic", "private_key", "env-bundle", "x.509"] {
            assert_eq!(kind(text).ok().as_deref(), Some(text));
        }
        for text in ["", "a b", "a/b", "ä", &"a".repeat(65)] {
            assert!(kind(text).is_err(), "{text:?}");
        }
    }
}
