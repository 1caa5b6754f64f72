//! How a vault's secrets are held: the custody mode, chosen once, and the client's own layer.

use serde::Deserialize;
use serde_json::json;
use shroud_custody::cmek::Fingerprint;
use shroud_custody::{CustodyMode, Provider};
use shroud_journal::Kind;
use uuid::Uuid;

use super::told;
use crate::access;
use crate::api::problem::Problem;
use crate::api::{Reply, Request};
use crate::enclave::{Enclave, Unsealed};
use crate::keyring::rows::put_kek;
use crate::ledger::{Draft, Held, custody_columns};
use crate::records::{Vault, WrappedKek};
use crate::rows::Loaded;

/// The two names of the member that chooses a mode, and the providers as the caller believes them to be.
#[derive(Default, Deserialize)]
pub(crate) struct EnableMpcRequest {
    #[serde(default)]
    custody_mode: Option<String>,
    #[serde(default)]
    mpc_custody: Option<String>,
    #[serde(default)]
    providers: Option<Vec<String>>,
}

impl EnableMpcRequest {
    /// The mode, if one is chosen.
    pub(crate) fn mode(&self) -> Result<Option<CustodyMode>, Problem> {
        let name = match (&self.custody_mode, &self.mpc_custody) {
            (Some(one), Some(other)) if one != other => {
                let detail =
                    format!("custody_mode says {one:?} and mpc_custody says {other:?}; expected one of them");
                return Err(Problem::bad_request(detail));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => return Ok(None),
        };
        let unknown = |detail: &dyn std::fmt::Display| {
            Problem::bad_request(format!("custody_mode: found {name:?}; {detail}"))
        };
        let mode: CustodyMode = name.parse().map_err(|error| unknown(&error))?;
        if mode == CustodyMode::Unsplit {
            return Err(unknown(&"a vault without a mode is unsplit already"));
        }
        self.fits(mode)?;
        Ok(Some(mode))
    }

    /// Providers are not for the caller to choose; they may be named, and then rightly.
    fn fits(&self, mode: CustodyMode) -> Result<(), Problem> {
        let Some(named) = &self.providers else { return Ok(()) };
        let mut named: Vec<&str> =
            named.iter().map(String::as_str).filter(|name| *name != "client").collect();
        let mut held: Vec<&str> = mode.providers().iter().map(|provider| provider.name()).collect();
        named.sort_unstable();
        held.sort_unstable();
        if named == held {
            return Ok(());
        }
        let (expected, found) = (held.join(", "), named.join(", "));
        Err(Problem::bad_request(format!("providers: {mode} is held by {expected}, found {found}")))
    }
}

pub(super) async fn enable_mpc(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let asked =
        if request.call.body().is_empty() { EnableMpcRequest::default() } else { request.call.json()? };
    let mode = asked.mode()?.ok_or_else(|| Problem::bad_request("custody_mode: expected a custody mode"))?;
    let vault = access::own_vault(enclave, request.parameter("vault_id")).await?;
    if let Some(present) = &vault.value().custody_mode {
        return Err(Problem::conflict(format!("the vault's custody mode is {present}, and stays so")));
    }
    let id = vault.value().id;
    let keks = enclave.keyring.provision(id, &missing(enclave, id, mode)).await?;
    let changed = Vault { custody_mode: Some(mode.name().to_owned()), ..vault.value().clone() };
    let details = json!({ "custody_mode": mode.name() });
    let mut draft = draft(request, &vault, &changed, details)?;
    for kek in &keks {
        let key = WrappedKek::key(id, &kek.provider);
        draft = put_kek(draft.unchanged::<WrappedKek>(key, None, "a key of the vault"), kek)?;
    }
    let recorded = enclave.ledger.record(Held::new(told(&changed)), draft).await?;
    Reply::recorded(hyper::StatusCode::OK, &recorded)
}

/// The mode's providers at which the vault has no KEK yet.
fn missing(enclave: &Enclave<Unsealed>, vault: Uuid, mode: CustodyMode) -> Vec<Provider> {
    let has =
        |provider: &Provider| enclave.rows.exists::<WrappedKek>(&WrappedKek::key(vault, provider.name()));
    mode.providers().iter().copied().filter(|provider| !has(provider)).collect()
}

#[derive(Deserialize)]
struct EnableCmekRequest {
    fingerprint: String,
}

pub(super) async fn enable_cmek(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let asked: EnableCmekRequest = request.call.json()?;
    let fingerprint = Fingerprint::parse(&asked.fingerprint)
        .map_err(|error| Problem::bad_request(format!("fingerprint: {error}")))?;
    let vault = access::own_vault(enclave, request.parameter("vault_id")).await?;
    match vault.value().cmek_fingerprint.as_deref() {
        Some(present) if present != fingerprint.as_str() => {
            return Err(Problem::conflict("the vault expects another key of the client's; disable it first"));
        }
        _ => {}
    }
    cmek(enclave, request, &vault, Some(fingerprint.as_str())).await
}

pub(super) async fn disable_cmek(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let vault = access::own_vault(enclave, request.parameter("vault_id")).await?;
    if vault.value().cmek_fingerprint.is_none() {
        return Err(Problem::bad_request("the vault expects no key of the client's"));
    }
    cmek(enclave, request, &vault, None).await
}

async fn cmek(
    enclave: &Enclave<Unsealed>,
    request: &Request,
    vault: &Loaded<Vault>,
    fingerprint: Option<&str>,
) -> Result<Reply, Problem> {
    let changed = Vault { cmek_fingerprint: fingerprint.map(str::to_owned), ..vault.value().clone() };
    let details = json!({ "cmek_fingerprint": fingerprint });
    let draft = draft(request, vault, &changed, details)?;
    let recorded = enclave.ledger.record(Held::new(told(&changed)), draft).await?;
    Reply::recorded(hyper::StatusCode::OK, &recorded)
}

/// A change to a vault, on what was read of it.
fn draft(
    request: &Request,
    vault: &Loaded<Vault>,
    changed: &Vault,
    details: serde_json::Value,
) -> Result<Draft, Problem> {
    let id = changed.id.to_string();
    let caller = request.principal()?;
    let mode = super::mode(changed)?;
    let columns = custody_columns(changed.custody_mode.is_some().then_some(mode));
    Ok(Draft::new(Kind::VaultUpdate, caller.actor(), format!("vault:{id}"), details)
        .unchanged::<Vault>(id.clone(), Some(vault.version()), "the vault")
        .put_with(id, changed, columns)?
        .before(caller.expires()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: serde_json::Value) -> Result<Option<CustodyMode>, u16> {
        let request: EnableMpcRequest = serde_json::from_value(body).unwrap();
        request.mode().map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn both_names_and_the_aliases_choose_a_mode() {
        let split = Ok(Some(CustodyMode::MultiHsm2of3));
        assert_eq!(asked(json!({ "custody_mode": "2of3_multi_hsm" })), split);
        assert_eq!(asked(json!({ "mpc_custody": "2of3_multi_hsm" })), split);
        assert_eq!(asked(json!({ "mpc_custody": "2-of-3", "custody_mode": "2-of-3" })), split);
        assert_eq!(asked(json!({ "mpc_custody": null })), Ok(None));
    }

    #[test]
    fn two_names_that_disagree() {
        assert_eq!(
            asked(json!({ "custody_mode": "2of3_multi_hsm", "mpc_custody": "2of2_client_custody" })),
            Err(400)
        );
    }

    #[test]
    fn no_such_mode() {
        for name in ["none", "", "3of3", "2OF3_MULTI_HSM"] {
            assert_eq!(asked(json!({ "custody_mode": name })), Err(400), "{name}");
        }
    }

    #[test]
    fn providers_are_the_modes_own() {
        let with = |providers: serde_json::Value| {
            asked(json!({ "custody_mode": "2of3_client_custody", "providers": providers }))
        };
        assert!(with(json!(["aws", "gcp"])).is_ok());
        assert!(with(json!(["gcp", "aws", "client"])).is_ok());
        for wrong in [json!([]), json!(["gcp"]), json!(["gcp", "azure"]), json!(["gcp", "aws", "aws"])] {
            assert_eq!(with(wrong), Err(400));
        }
    }
}
