//! Vaults: made by the person, each with KEKs of its own at the clouds that its custody mode needs.

pub(crate) mod custody;
mod removal;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use shroud_custody::CustodyMode;
use shroud_journal::Kind;
use uuid::Uuid;

use super::{Line, Reply, Request, route};
use crate::access;
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::instant;
use crate::keyring::rows::put_kek;
use crate::ledger::{Draft, Held, LedgerError, Refusal, custody_columns};
use crate::principal::Principal;
use crate::records::{Vault, VaultName};

pub(super) const ROUTES: [Line; 8] = [
    route!(POST "/v1/vaults" Human create),
    route!(GET "/v1/vaults" Anyone list),
    route!(GET "/v1/vaults/{vault_id}" Anyone one),
    route!(DELETE "/v1/vaults/{vault_id}" Human removal::remove),
    route!(POST "/v1/vaults/{vault_id}/mpc" Human custody::enable_mpc),
    route!(POST "/v1/vaults/{vault_id}/cmek" Human custody::enable_cmek),
    route!(DELETE "/v1/vaults/{vault_id}/cmek" Human custody::disable_cmek),
    route!(GET "/v1/org/agent-keys-vault" Human agent_keys),
];

#[derive(Deserialize)]
struct CreateVaultRequest {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(flatten)]
    custody: custody::EnableMpcRequest,
}

async fn create(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let asked: CreateVaultRequest = request.call.json()?;
    let name = asked.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 255 {
        return Err(Problem::bad_request("name: expected 1 to 255 characters"));
    }
    let mode = asked.custody.mode()?;
    if taken(enclave, &name) {
        return Err(name_taken(&name));
    }
    let id = Uuid::new_v4();
    let keks = enclave.keyring.provision(id, mode.unwrap_or_default().providers()).await?;
    let actor = request.principal()?.actor();
    let vault = Vault {
        id,
        name,
        description: asked.description.unwrap_or_default(),
        created_at: enclave.clock.credentials(),
        created_by: actor.clone(),
        custody_mode: mode.map(|mode| mode.name().to_owned()),
        cmek_fingerprint: None,
    };
    let details = json!({ "name": vault.name, "custody_mode": mode.unwrap_or_default().name() });
    let name = VaultName::key(&vault.name);
    let draft = Draft::new(Kind::VaultCreate, actor, format!("vault:{id}"), details)
        .unchanged::<VaultName>(name.clone(), None, NAME)
        .put(name, &VaultName { vault_id: id })?
        .put_with(id.to_string(), &vault, custody_columns(mode))?
        .before(request.principal()?.expires());
    let draft = keks.iter().try_fold(draft, put_kek)?;
    match enclave.ledger.record(Held::new(told(&vault)), draft).await {
        Err(LedgerError::Refused(Refusal::Changed { what: NAME })) => Err(name_taken(&vault.name)),
        recorded => Reply::recorded(StatusCode::CREATED, &recorded?),
    }
}

/// What a guard calls the row of a name.
const NAME: &str = "the vault's name";

fn taken(enclave: &Enclave<Unsealed>, name: &str) -> bool {
    let key = VaultName::key(name);
    name == Vault::AGENT_KEYS || enclave.rows.exists::<VaultName>(&key)
}

fn name_taken(name: &str) -> Problem {
    Problem::conflict(format!("a vault is called {name:?} already"))
}

async fn list(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let mut vaults = Vec::new();
    // An agent sees the vaults that an access policy opens to it.
    if let Principal::Human(_) = request.principal()? {
        for row in enclave.rows.list::<Vault>("").await? {
            if row.value().id != enclave.agent_keys {
                vaults.push(row.into_parts().1);
            }
        }
    }
    vaults.sort_by_key(|vault| (vault.created_at, vault.id));
    let vaults: Vec<Value> = vaults.iter().map(|vault| told(vault)).collect();
    Reply::read(&json!({ "vaults": vaults }))
}

async fn one(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let id = request.parameter("vault_id");
    match request.principal()? {
        Principal::Human(_) => Reply::read(&told(access::known_vault(enclave, id).await?.value())),
        agent @ Principal::Agent(_) => {
            let granted = access::grant(enclave, agent, id, None, access::Right::Read).await?;
            Reply::read(&told(granted.vault()))
        }
    }
}

async fn agent_keys(enclave: &Enclave<Unsealed>, _request: &Request) -> Result<Reply, Problem> {
    let vault = access::known_vault(enclave, &enclave.agent_keys.to_string()).await?;
    let mut told = told(vault.value());
    told["vault_id"] = json!(vault.value().id);
    Reply::read(&told)
}

/// The mode that new versions of the vault's secrets are written under.
pub(super) fn mode(vault: &Vault) -> Result<CustodyMode, Problem> {
    let name = vault.custody_mode.as_deref();
    name.map_or(Ok(CustodyMode::Unsplit), str::parse).map_err(|_| Problem::internal())
}

/// The vault as the contract tells it.
fn told(vault: &Vault) -> Value {
    let mut told = json!({
        "id": vault.id, "name": vault.name, "description": vault.description,
        "created_by": vault.created_by, "created_by_type": creator(vault),
        "created_at": instant::rfc3339(vault.created_at), "cmek_enabled": vault.cmek_fingerprint.is_some(),
    });
    if let Some(fingerprint) = &vault.cmek_fingerprint {
        told["cmek_fingerprint"] = json!(fingerprint);
    }
    if let Ok(mode) = mode(vault)
        && let Some(threshold) = mode.threshold()
    {
        let holders: Vec<&str> = mode.holders().map(|holder| holder.name()).collect();
        told["mpc_custody"] = json!(mode.name());
        told["mpc_threshold"] = json!(threshold);
        told["mpc_providers"] = json!(holders);
    }
    told
}

fn creator(vault: &Vault) -> &str {
    match vault.created_by.split_once(':') {
        Some((kind, _)) => kind,
        None => "system",
    }
}
