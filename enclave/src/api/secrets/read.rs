//! Reading a secret: opened for this one request, recorded, and only then told.

use hyper::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shroud_custody::{ClientShare, OpenError, ShareFault};
use shroud_journal::Kind;

use super::lookup::{self, Readable};
use super::plaintext::Plaintext;
use super::{CLIENT_SHARE, TRIES};
use crate::access::{self, Granted, Right};
use crate::api::problem::Problem;
use crate::api::{Reply, Request};
use crate::enclave::{Enclave, Unsealed};
use crate::keyring::{self, KeyringError};
use crate::ledger::{Draft, Held};
use crate::records::SecretVersion;
use crate::secret_path::SecretPath;

/// What is told of a secret that was read.
#[derive(Serialize)]
struct SecretResponse {
    value: Plaintext,
    #[serde(flatten)]
    version: Map<String, Value>,
}

pub(super) async fn newest(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    read(enclave, request, &super::path(request)?, None).await
}

pub(super) async fn version(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let (path, version) = super::path_and_version(request)?;
    read(enclave, request, &path, Some(version)).await
}

async fn read(
    enclave: &Enclave<Unsealed>,
    request: &Request,
    path: &SecretPath,
    asked: Option<u64>,
) -> Result<Reply, Problem> {
    let (caller, vault) = (request.principal()?, request.parameter("vault_id"));
    for _ in 0..TRIES {
        let granted = access::grant(enclave, caller, vault, Some(path.as_str()), Right::Read).await?;
        let readable = lookup::readable(enclave, granted.vault().id, path, asked).await?;
        let version = readable.version.value();
        if access::is_withheld(caller, &version.kind) {
            return Err(withheld(enclave, &granted, version).await?);
        }
        let client = presented(request, version)?;
        let (held, faults) = match enclave.keyring.open(version, client.as_ref()).await {
            Ok(opened) => (Plaintext::opened(&opened.value).ok_or_else(Problem::internal)?, opened.faults),
            Err(error) => return Err(refused(enclave, &granted, version, error).await?),
        };
        let draft = draft(&granted, &readable, &faults)?;
        let told = SecretResponse { value: held, version: super::told(version)? };
        let outcome = enclave.ledger.record(Held::new(told), draft).await;
        if !super::has_changed(&outcome) {
            return Reply::recorded(StatusCode::OK, &outcome?);
        }
    }
    Err(Problem::conflict("the secret keeps changing while it is read; nothing was told"))
}

/// The client's share, where the version's mode has one.
fn presented(request: &Request, version: &SecretVersion) -> Result<Option<ClientShare>, Problem> {
    let mode = keyring::mode(version)?;
    ClientShare::presented(mode, request.call.header(&CLIENT_SHARE))
        .map_err(|error| Problem::bad_request(format!("X-Client-Share: {error}")))
}

fn draft(granted: &Granted, readable: &Readable, faults: &[ShareFault]) -> Result<Draft, Problem> {
    let details = details(readable.version.value(), "read", faults);
    let draft = entry(granted, readable.version.value(), details);
    Ok(readable.counted(draft)?)
}

fn entry(granted: &Granted, version: &SecretVersion, details: Value) -> Draft {
    granted.bind(Draft::new(Kind::SecretRead, granted.actor(), super::subject(version), details))
}

fn details(version: &SecretVersion, result: &str, faults: &[ShareFault]) -> Value {
    let faults: Vec<String> =
        faults.iter().map(|fault| format!("{}: {}", fault.provider, fault.reason)).collect();
    json!({
        "version": version.version, "custody_mode": version.custody_mode.as_deref().unwrap_or("none"),
        "result": result, "share_faults": faults,
    })
}

/// A secret that did not open although enough was at hand: exact in the record, in one sentence to the caller.
async fn refused(
    enclave: &Enclave<Unsealed>,
    granted: &Granted,
    version: &SecretVersion,
    error: KeyringError,
) -> Result<Problem, Problem> {
    if let KeyringError::Open { error: error @ OpenError::Refused { .. }, .. } = &error {
        let mut details = details(version, "refused", error.faults());
        details["reason"] = json!(error.to_string());
        enclave.ledger.record(Held::new(()), entry(granted, version, details)).await?;
    }
    Ok(error.into())
}

async fn withheld(
    enclave: &Enclave<Unsealed>,
    granted: &Granted,
    version: &SecretVersion,
) -> Result<Problem, Problem> {
    let details = details(version, "denied", &[]);
    enclave.ledger.record(Held::new(()), entry(granted, version, details)).await?;
    let detail = format!("an agent with the Intents API signs with a {} and may not read it", version.kind);
    Ok(Problem::forbidden(detail))
}
