//! Signing keys: made inside, or imported with the person's confirmation; split over three clouds; never exported.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use k256::ecdsa::SigningKey as PrivateKey;
use serde::Deserialize;
use serde_json::{Value, json};
use shroud_custody::{CustodyMode, SealedSecret};
use shroud_journal::Kind;
use shroud_policy::Address;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Line, Reply, Request, agents, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::instant;
use crate::ledger::{Draft, Held};
use crate::principal::Principal;
use crate::records::{Agent, DekShare, SecretVersion, SigningKey};

/// The one family of chains that is served.
const CHAIN: &str = "ethereum";

pub(super) const ROUTES: [Line; 3] = [
    route!(POST "/v1/agents/{agent_id}/signing-keys" Human provision),
    route!(GET "/v1/agents/{agent_id}/signing-keys" Anyone list),
    route!(POST "/v1/agents/{agent_id}/signing-keys/{chain}/import" Human import),
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
    let private = loop {
        // A draw outside 1…n−1 is as good as impossible; it is drawn again.
        let bytes = Zeroizing::new(crate::random::<32>());
        if let Ok(key) = PrivateKey::from_slice(bytes.as_ref()) {
            break key;
        }
    };
    install(enclave, request, &asked.chain, &private, Kind::KeyProvision).await
}

async fn import(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    enclave.confirmed(&request.call).await?;
    let asked: ImportKeyRequest = request.call.json()?;
    let text = Zeroizing::new(asked.private_key);
    let wrong = || Problem::bad_request("private_key: expected a secp256k1 key between 1 and n-1 as 32 bytes in hex or base64");
    let bytes = match asked.format.as_deref().unwrap_or("hex") {
        "hex" => hex::decode(text.trim_start_matches("0x")).map_err(|_| wrong())?,
        "base64" => BASE64_STANDARD.decode(text.as_bytes()).map_err(|_| wrong())?,
        found => return Err(Problem::bad_request(format!("format: expected \"hex\" or \"base64\", found {found:?}"))),
    };
    let bytes = Zeroizing::new(bytes);
    let private = PrivateKey::from_slice(&bytes).map_err(|_| wrong())?;
    install(enclave, request, request.parameter("chain"), &private, Kind::KeyImport).await
}

/// Splits a key over the three clouds and records it as the agent's active one.
async fn install(
    enclave: &Enclave<Unsealed>,
    request: &Request,
    chain: &str,
    private: &PrivateKey,
    kind: Kind,
) -> Result<Reply, Problem> {
    if chain != CHAIN {
        return Err(Problem::bad_request(format!("chain: expected {CHAIN:?}, found {chain:?}")));
    }
    let agent = agents::known(enclave, request.parameter("agent_id")).await?;
    let name = SigningKey::key(agent.id, CHAIN);
    let before = enclave.rows.load::<SigningKey>(&name).await?;
    if before.as_ref().is_some_and(|row| row.value().is_active) {
        return Err(Problem::conflict(format!("the agent has an active signing key for {CHAIN}")));
    }
    let version = before.as_ref().map_or(1, |row| row.value().version + 1);
    let actor = request.principal()?.actor();
    let key = public_side(enclave, &agent, private, version);
    let value = Zeroizing::new(hex::encode(Zeroizing::new(private.to_bytes())));
    let sealed = enclave
        .keyring
        .seal(CustodyMode::MultiHsm2of3, key.vault_id, &key.path, version, value.as_bytes())
        .await?;
    let details = json!({ "agent_id": agent.id, "chain": CHAIN, "address": key.address, "key_version": version });
    let draft = Draft::new(kind, actor.clone(), format!("signing_key:{name}"), details)
        .unchanged::<SigningKey>(name.clone(), before.map(|row| row.version()), "the signing key")
        .put(name, &key)?
        .before(request.principal()?.expires());
    let draft = secret(draft, &key, &sealed, &actor, enclave.clock.credentials())?;
    let recorded = enclave.ledger.record(Held::new(told(&key)), draft).await?;
    Reply::recorded(StatusCode::CREATED, &recorded)
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

/// The rows of the private side.
fn secret(draft: Draft, key: &SigningKey, sealed: &SealedSecret, actor: &str, now: u64) -> Result<Draft, Problem> {
    let version = SecretVersion {
        id: Uuid::new_v4(),
        vault_id: key.vault_id,
        path: key.path.clone(),
        version: key.secret_version,
        kind: "private_key".to_owned(),
        custody_mode: Some(CustodyMode::MultiHsm2of3.name().to_owned()),
        value: BASE64_STANDARD.encode(&sealed.value),
        commitments: BASE64_STANDARD.encode(sealed.commitment.to_bytes()),
        created_at: now,
        created_by: actor.to_owned(),
    };
    let name = SecretVersion::key(key.vault_id, &key.path, key.secret_version);
    let mut draft = draft.put(name.clone(), &version)?;
    for (provider, share) in &sealed.shares {
        let row = DekShare {
            vault_id: key.vault_id,
            provider: provider.name().to_owned(),
            kek_version: 1,
            sealed: BASE64_STANDARD.encode(share),
        };
        let columns = vec![("vault_id", key.vault_id.to_string()), ("provider", provider.name().to_owned())];
        draft = draft.put_with(DekShare::key(&name, provider.name()), &row, columns)?;
    }
    Ok(draft)
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
    let agent = agents::known(enclave, id).await?;
    let rows = enclave.rows.list::<SigningKey>(&format!("{}/", agent.id)).await?;
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
