//! Agents: created by the person, with every guardrail checked before anything is written.

pub(crate) mod change;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shroud_journal::Kind;
use shroud_policy::amount::format_ether;
use shroud_policy::{Guardrails, Json, SignedPolicy};
use uuid::Uuid;

use super::{Line, Reply, Request, route};
use crate::api::problem::Problem;
use crate::configuration::sha256;
use crate::enclave::{Enclave, Unsealed};
use crate::instant::{self, Instant};
use crate::ledger::{Draft, Held};
use crate::principal::Principal;
use crate::records::{Agent, Credential, Holder, SigningKey};
use crate::rows::Loaded;

pub(super) const ROUTES: [Line; 4] = [
    route!(POST "/v1/agents" Human create),
    route!(GET "/v1/agents" Human list),
    route!(GET "/v1/agents/me" Anyone me),
    route!(GET "/v1/agents/{agent_id}" Human one),
];

/// What of the request is not a guardrail.
#[derive(Deserialize)]
struct CreateAgentRequest {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    auth_method: Option<String>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    expires_at: Option<Instant>,
    #[serde(default)]
    api_key_expires_at: Option<Instant>,
    #[serde(default)]
    intents_api_enabled: Option<bool>,
    #[serde(default)]
    shroud_enabled: Option<bool>,
    #[serde(default)]
    intents_require_tee: Option<bool>,
    #[serde(default)]
    token_ttl_seconds: Option<u64>,
    #[serde(default)]
    vault_ids: Option<Vec<Uuid>>,
}

async fn create(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let asked: CreateAgentRequest = request.call.json()?;
    let json = Json::parse(request.call.body())
        .map_err(|error| Problem::bad_request(format!("the body: {error}")))?;
    let guardrails = Guardrails::create(&json, &enclave.chains)
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let actor = request.principal()?.actor();
    let key = fresh_key();
    let agent = agent(enclave, asked, &guardrails, &key, &actor)?;
    let id = agent.id.to_string();
    let credential = Credential { holder: Holder::Agent(agent.id), expires_at: agent.api_key_expires_at };
    let details = json!({ "name": agent.name, "guardrails": guardrails.to_json() });
    let draft = Draft::new(Kind::AgentCreate, actor, format!("agent:{id}"), details)
        .put(id, &agent)?
        .put(agent.api_key_sha256.clone(), &credential)?
        .before(request.principal()?.expires());
    let told = json!({ "agent": told(enclave, &agent, None)?, "api_key": key });
    let recorded = enclave.ledger.record(Held::new(told), draft).await?;
    Reply::recorded(StatusCode::CREATED, &recorded)
}

fn agent(
    enclave: &Enclave<Unsealed>,
    asked: CreateAgentRequest,
    guardrails: &Guardrails,
    key: &str,
    actor: &str,
) -> Result<Agent, Problem> {
    let id = Uuid::new_v4();
    let auth_method = asked.auth_method.unwrap_or_else(|| "api_key".to_owned());
    if auth_method != "api_key" {
        return Err(Problem::bad_request(format!(
            "auth_method: expected \"api_key\", found {auth_method:?}"
        )));
    }
    let name = name(&asked.name)?;
    lifetime(asked.token_ttl_seconds)?;
    let policy = enclave.policy_key.for_subject(&id.to_string()).sign(guardrails);
    Ok(Agent {
        id,
        name,
        description: asked.description.unwrap_or_default(),
        auth_method,
        scopes: asked.scopes.unwrap_or_default(),
        is_active: true,
        intents_api_enabled: asked.intents_api_enabled.unwrap_or(false),
        shroud_enabled: asked.shroud_enabled.unwrap_or(false),
        intents_require_tee: asked.intents_require_tee.unwrap_or(false),
        token_ttl_seconds: asked.token_ttl_seconds,
        vault_ids: asked.vault_ids.unwrap_or_default(),
        expires_at: asked.expires_at.map(Instant::unix),
        api_key_expires_at: asked.api_key_expires_at.map(Instant::unix),
        api_key_sha256: hex::encode(sha256(key.as_bytes())),
        api_key_prefix: key.chars().take(12).collect(),
        created_at: enclave.clock.credentials(),
        created_by: actor.to_owned(),
        policy: BASE64_STANDARD.encode(policy),
    })
}

fn name(text: &str) -> Result<String, Problem> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 255 {
        return Err(Problem::bad_request("name: expected 1 to 255 characters"));
    }
    Ok(name.to_owned())
}

fn lifetime(seconds: Option<u64>) -> Result<Option<u64>, Problem> {
    if seconds.is_some_and(|seconds| !(1..=86_400).contains(&seconds)) {
        return Err(Problem::bad_request("token_ttl_seconds: expected 1 to 86400"));
    }
    Ok(seconds)
}

/// A fresh API key.
fn fresh_key() -> String {
    format!("ocv_{}", BASE64_URL_SAFE_NO_PAD.encode(crate::random::<32>()))
}

async fn list(enclave: &Enclave<Unsealed>, _request: &Request) -> Result<Reply, Problem> {
    let mut agents = Vec::new();
    for row in enclave.rows.list::<Agent>("").await? {
        agents.push(with_key(enclave, row.value()).await?);
    }
    Reply::read(&json!({ "agents": agents }))
}

async fn one(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let agent = known(enclave, request.parameter("agent_id")).await?;
    Reply::read(&with_key(enclave, agent.value()).await?)
}

async fn me(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    match request.principal()? {
        Principal::Agent(caller) => Reply::read(&with_key(enclave, &caller.agent).await?),
        Principal::Human(_) => Err(Problem::forbidden("only an agent has a record here")),
    }
}

/// An agent by its id in a path.
pub(super) async fn known(enclave: &Enclave<Unsealed>, id: &str) -> Result<Loaded<Agent>, Problem> {
    let missing = || Problem::not_found(format!("no agent has the id {id:?}"));
    let id: Uuid = id.parse().map_err(|_| missing())?;
    enclave.rows.load::<Agent>(&id.to_string()).await?.ok_or_else(missing)
}

/// An agent's policy, opened under the key that alone can make one.
pub(crate) fn policy(enclave: &Enclave<Unsealed>, agent: &Agent) -> Result<SignedPolicy, Problem> {
    let bytes = BASE64_STANDARD.decode(&agent.policy).map_err(|_| Problem::internal())?;
    let key = enclave.policy_key.for_subject(&agent.id.to_string());
    SignedPolicy::open(&bytes, &key)
        .map_err(|error| Problem::unavailable("policy_altered", error.to_string()))
}

async fn with_key(enclave: &Enclave<Unsealed>, agent: &Agent) -> Result<Value, Problem> {
    let key = enclave.rows.load::<SigningKey>(&SigningKey::key(agent.id, "ethereum")).await?;
    told(enclave, agent, key.as_ref().map(|row| row.value()).filter(|key| key.is_active))
}

/// The agent as the contract tells it.
fn told(enclave: &Enclave<Unsealed>, agent: &Agent, key: Option<&SigningKey>) -> Result<Value, Problem> {
    let now = enclave.clock.windows();
    let id = agent.id.to_string();
    let spent =
        |counter: &str| enclave.ledger.log().with(|state| state.preview(&id, counter, now).map(|s| s.amount));
    let unknown = |_| Problem::unavailable("clock_backwards", "the spend windows are not known");
    let native = format_ether(spent(&shroud_policy::counter::native()).map_err(unknown)?);
    let count = spent(&shroud_policy::counter::count(now)).map_err(unknown)?;
    let members = json!({
        "id": agent.id, "org_id": enclave.configuration.org_id, "name": agent.name, "description": agent.description,
        "auth_method": agent.auth_method, "scopes": agent.scopes, "is_active": agent.is_active,
        "intents_api_enabled": agent.intents_api_enabled, "shroud_enabled": agent.shroud_enabled,
        "token_ttl_seconds": agent.token_ttl_seconds, "vault_ids": agent.vault_ids,
        "api_key_prefix": agent.api_key_prefix, "created_by": agent.created_by,
        "created_at": instant::rfc3339(agent.created_at),
        "expires_at": agent.expires_at.map(instant::rfc3339),
        "api_key_expires_at": agent.api_key_expires_at.map(instant::rfc3339),
        "evm_address": key.map(|key| key.address.clone()),
        "signing_chains": key.map_or_else(Vec::new, |key| vec![key.chain.clone()]),
        "tx_spent_today": native, "tx_spent_today_eth": native, "tx_spent_today_by_chain": { "evm": native },
        "tx_count_today": u64::try_from(count).unwrap_or(u64::MAX),
    });
    let mut told: Map<String, Value> = policy(enclave, agent)?.guardrails().to_json();
    told.extend(members.as_object().cloned().unwrap_or_default());
    told.retain(|_, value| !value.is_null());
    Ok(Value::Object(told))
}
