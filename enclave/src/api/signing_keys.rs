//! Signing keys: made inside, or imported with the person's confirmation; split over three clouds; never exported.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use k256::ecdsa::SigningKey as PrivateKey;
use serde::Deserialize;
use serde_json::{Value, json};
use shroud_custody::CustodyMode;
use shroud_journal::Kind;
use shroud_policy::Address;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Line, Reply, Request, agents, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::instant;
use crate::keyring::rows::{SealedVersion, put_version};
use crate::ledger::{Draft, Held};
use crate::principal::Principal;
use crate::records::{Agent, SecretVersion, SigningKey, Terms};
use crate::rows::Loaded;

/// The one family of chains that is served.
const CHAIN: &str = "ethereum";

pub(super) const ROUTES: [Line; 5] = [
    route!(POST "/v1/agents/{agent_id}/signing-keys" Human provision),
    route!(GET "/v1/agents/{agent_id}/signing-keys" Anyone list),
    route!(POST "/v1/agents/{agent_id}/signing-keys/{chain}/import" Human import),
    route!(POST "/v1/agents/{agent_id}/signing-keys/{chain}/rotate" Human rotate),
    route!(DELETE "/v1/agents/{agent_id}/signing-keys/{chain}" Human deactivate),
];

#[derive(Deserialize)]
struct CreateSigningKeyRequest {
    chain: String,
}

#[derive(Deserialize)]
struct ImportKeyRequest {
    private_key: String,
    #[serde(default)]
    format: Option<String>,
}

async fn provision(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let asked: CreateSigningKeyRequest = request.call.json()?;
    install(enclave, request, &asked.chain, &drawn(), Kind::KeyProvision).await
}

async fn rotate(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    install(enclave, request, request.parameter("chain"), &drawn(), Kind::KeyRotate).await
}

/// A fresh key.
fn drawn() -> PrivateKey {
    loop {
        // A draw outside 1…n−1 is as good as impossible; it is drawn again.
        let bytes = Zeroizing::new(crate::random::<32>());
        if let Ok(key) = PrivateKey::from_slice(bytes.as_ref()) {
            return key;
        }
    }
}

async fn import(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    enclave.confirmed(&request.call).await?;
    let asked: ImportKeyRequest = request.call.json()?;
    let text = Zeroizing::new(asked.private_key);
    let wrong = || {
        Problem::bad_request(
            "private_key: expected a secp256k1 key between 1 and n-1 as 32 bytes in hex or base64",
        )
    };
    let bytes = match asked.format.as_deref().unwrap_or("hex") {
        "hex" => hex::decode(text.trim_start_matches("0x")).map_err(|_| wrong())?,
        "base64" => BASE64_STANDARD.decode(text.as_bytes()).map_err(|_| wrong())?,
        found => {
            return Err(Problem::bad_request(format!(
                "format: expected \"hex\" or \"base64\", found {found:?}"
            )));
        }
    };
    let bytes = Zeroizing::new(bytes);
    let private = PrivateKey::from_slice(&bytes).map_err(|_| wrong())?;
    install(enclave, request, request.parameter("chain"), &private, Kind::KeyImport).await
}

/// Splits a key over the three clouds and records it as the agent's active one; a rotation replaces an active one.
async fn install(
    enclave: &Enclave<Unsealed>,
    request: &Request,
    chain: &str,
    private: &PrivateKey,
    kind: Kind,
) -> Result<Reply, Problem> {
    let agent = agents::known(enclave, request.parameter("agent_id")).await?;
    let name = SigningKey::key(agent.value().id, served(chain)?);
    let before = enclave.rows.load::<SigningKey>(&name).await?;
    let active = before.as_ref().is_some_and(|row| row.value().is_active);
    match (kind, active) {
        (Kind::KeyRotate, false) => return Err(no_key()),
        (Kind::KeyRotate, true) | (_, false) => {}
        (_, true) => {
            return Err(Problem::conflict(format!("the agent has an active signing key for {CHAIN}")));
        }
    }
    let version = before.as_ref().map_or(1, |row| row.value().version + 1);
    let caller = request.principal()?;
    let mut key = public_side(enclave, agent.value(), private, version);
    key.rotated_at = active.then_some(key.created_at);
    let value = Zeroizing::new(hex::encode(Zeroizing::new(private.to_bytes())));
    let sealed = enclave
        .keyring
        .seal(CustodyMode::MultiHsm2of3, key.vault_id, &key.path, version, value.as_bytes())
        .await?;
    let details =
        json!({ "agent_id": key.agent_id, "chain": CHAIN, "address": key.address, "key_version": version });
    let mut draft = Draft::new(kind, caller.actor(), format!("signing_key:{name}"), details)
        .unchanged::<Agent>(key.agent_id.to_string(), Some(agent.version()), "the agent")
        .unchanged::<SigningKey>(name.clone(), before.as_ref().map(Loaded::version), "the signing key")
        .put(name, &key)?
        .before(caller.expires());
    if let Some(before) = &before {
        let replaced = SigningKey { is_active: false, ..before.value().clone() };
        draft = draft.put(SigningKey::replaced_key(key.agent_id, CHAIN, replaced.version), &replaced)?;
    }
    let draft = put_version(draft, &secret(&key, &sealed, caller.actor()), &sealed.shares)?;
    let recorded = enclave.ledger.record(Held::new(told(&key)), draft).await?;
    Reply::recorded(if kind == Kind::KeyRotate { StatusCode::OK } else { StatusCode::CREATED }, &recorded)
}

async fn deactivate(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let agent = agents::known(enclave, request.parameter("agent_id")).await?;
    let name = SigningKey::key(agent.value().id, served(request.parameter("chain"))?);
    let key = enclave.rows.load::<SigningKey>(&name).await?.filter(|row| row.value().is_active);
    let key = key.ok_or_else(no_key)?;
    let caller = request.principal()?;
    let draft = deactivated(&key, Kind::KeyDelete, &caller.actor())?.before(caller.expires());
    Ok(Reply::done(&enclave.ledger.record(Held::new(()), draft).await?))
}

/// The entry that makes a key sign no more.
fn deactivated(key: &Loaded<SigningKey>, kind: Kind, actor: &str) -> Result<Draft, serde_json::Error> {
    let inactive = SigningKey { is_active: false, ..key.value().clone() };
    let name = SigningKey::key(inactive.agent_id, &inactive.chain);
    let details =
        json!({ "agent_id": inactive.agent_id, "chain": inactive.chain, "key_version": inactive.version });
    Draft::new(kind, actor, format!("signing_key:{name}"), details)
        .unchanged::<SigningKey>(name.clone(), Some(key.version()), "the signing key")
        .put(name, &inactive)
}

fn served(chain: &str) -> Result<&'static str, Problem> {
    if chain == CHAIN {
        Ok(CHAIN)
    } else {
        Err(Problem::bad_request(format!("chain: expected {CHAIN:?}, found {chain:?}")))
    }
}

fn no_key() -> Problem {
    Problem::not_found(format!("the agent has no active signing key for {CHAIN}"))
}

fn public_side(enclave: &Enclave<Unsealed>, agent: &Agent, private: &PrivateKey, version: u64) -> SigningKey {
    let point = private.verifying_key().to_sec1_point(false);
    let mut xy = [0; 64];
    xy.iter_mut().zip(point.as_bytes().iter().skip(1)).for_each(|(to, from)| *to = *from);
    SigningKey {
        id: Uuid::new_v4(),
        agent_id: agent.id,
        chain: CHAIN.to_owned(),
        public_key: hex::encode(point.as_bytes()),
        address: Address::from_public_key(&xy).to_checksum(),
        version,
        is_active: true,
        created_at: enclave.clock.credentials(),
        rotated_at: None,
        vault_id: enclave.agent_keys,
        path: format!("agents/{}/chains/{CHAIN}/private_key", agent.id),
        secret_version: version,
    }
}

/// The private side.
fn secret(key: &SigningKey, sealed: &SealedVersion, actor: String) -> SecretVersion {
    SecretVersion {
        id: Uuid::new_v4(),
        vault_id: key.vault_id,
        path: key.path.clone(),
        version: key.secret_version,
        kind: "private_key".to_owned(),
        custody_mode: Some(CustodyMode::MultiHsm2of3.name().to_owned()),
        value: sealed.value.clone(),
        commitments: sealed.commitments.clone(),
        is_disabled: false,
        terms: Terms::default(),
        created_at: key.created_at,
        created_by: actor,
    }
}

/// The private key from its stored form: 64 hex digits.
pub(crate) fn read_private(value: &[u8]) -> Option<PrivateKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(value, bytes.as_mut()).ok()?;
    PrivateKey::from_slice(bytes.as_ref()).ok()
}

async fn list(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let id = request.parameter("agent_id");
    if let Principal::Agent(caller) = request.principal()?
        && caller.agent.id.to_string() != id
    {
        return Err(Problem::forbidden("an agent may list its own keys only"));
    }
    let agent = agents::known(enclave, id).await?.value().id;
    let rows = enclave.rows.list::<SigningKey>(&format!("{agent}/")).await?;
    let keys: Vec<Value> = rows.iter().map(|row| told(row.value())).collect();
    Reply::read(&json!({ "keys": keys, "signing_keys": keys }))
}

fn told(key: &SigningKey) -> Value {
    json!({
        "id": key.id, "agent_id": key.agent_id, "chain": key.chain, "curve": "secp256k1",
        "public_key": format!("0x{}", key.public_key), "address": key.address, "key_version": key.version,
        "is_active": key.is_active, "created_at": instant::rfc3339(key.created_at),
        "rotated_at": key.rotated_at.map(instant::rfc3339), "custody": "server",
    })
}
