//! Agents changed, given another key, and removed: by the person, and at once. The guardrails are judged whole before
//! anything is written, and whatever an agent was about to do under its old record is refused.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use shroud_journal::Kind;
use shroud_policy::Json;
use uuid::Uuid;

use super::{fresh_key, known, lifetime, name, policy, with_key};
use crate::api::problem::Problem;
use crate::api::{Line, Reply, Request, route};
use crate::configuration::sha256;
use crate::enclave::{Enclave, Unsealed};
use crate::instant::Instant;
use crate::ledger::{Draft, Held};
use crate::records::{Agent, Credential, Holder, SigningKey};
use crate::rows::Loaded;

pub(in crate::api) const ROUTES: [Line; 3] = [
    route!(PATCH "/v1/agents/{agent_id}" Human update),
    route!(DELETE "/v1/agents/{agent_id}" Human remove),
    route!(POST "/v1/agents/{agent_id}/rotate-key" Human rotate_key),
];

/// A member that may be cleared: absent leaves it, null clears it.
type Change<T> = Option<Option<T>>;

fn change<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Change<T>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What of the request is not a guardrail.
#[derive(Deserialize)]
struct UpdateAgentRequest {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "change")]
    description: Change<String>,
    #[serde(default, deserialize_with = "change")]
    scopes: Change<Vec<String>>,
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    intents_api_enabled: Option<bool>,
    #[serde(default)]
    shroud_enabled: Option<bool>,
    #[serde(default)]
    intents_require_tee: Option<bool>,
    #[serde(default, deserialize_with = "change")]
    token_ttl_seconds: Change<u64>,
    #[serde(default, deserialize_with = "change")]
    vault_ids: Change<Vec<Uuid>>,
    #[serde(default, deserialize_with = "change")]
    expires_at: Change<Instant>,
    #[serde(default, deserialize_with = "change")]
    api_key_expires_at: Change<Instant>,
}

impl UpdateAgentRequest {
    /// The agent with the changes in it, its guardrails apart.
    fn apply(self, agent: &Agent) -> Result<Agent, Problem> {
        let time = |change: Change<Instant>, present| change.map_or(present, |set| set.map(Instant::unix));
        Ok(Agent {
            name: self.name.map_or_else(|| Ok(agent.name.clone()), |text| name(&text))?,
            description: self
                .description
                .map_or_else(|| agent.description.clone(), Option::unwrap_or_default),
            scopes: self.scopes.map_or_else(|| agent.scopes.clone(), Option::unwrap_or_default),
            is_active: self.is_active.unwrap_or(agent.is_active),
            intents_api_enabled: self.intents_api_enabled.unwrap_or(agent.intents_api_enabled),
            shroud_enabled: self.shroud_enabled.unwrap_or(agent.shroud_enabled),
            intents_require_tee: self.intents_require_tee.unwrap_or(agent.intents_require_tee),
            token_ttl_seconds: lifetime(self.token_ttl_seconds.unwrap_or(agent.token_ttl_seconds))?,
            vault_ids: self.vault_ids.map_or_else(|| agent.vault_ids.clone(), Option::unwrap_or_default),
            expires_at: time(self.expires_at, agent.expires_at),
            api_key_expires_at: time(self.api_key_expires_at, agent.api_key_expires_at),
            ..agent.clone()
        })
    }
}

async fn update(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let asked: UpdateAgentRequest = request.call.json()?;
    let json = Json::parse(request.call.body())
        .map_err(|error| Problem::bad_request(format!("the body: {error}")))?;
    let row = known(enclave, request.parameter("agent_id")).await?;
    let guardrails = policy(enclave, row.value())?.guardrails().clone();
    let guardrails =
        guardrails.patch(&json, &enclave.chains).map_err(|error| Problem::bad_request(error.to_string()))?;
    let key = enclave.policy_key.for_subject(&row.value().id.to_string());
    let agent = Agent { policy: BASE64_STANDARD.encode(key.sign(&guardrails)), ..asked.apply(row.value())? };
    let members: Vec<&String> = json.members().into_iter().flat_map(|members| members.keys()).collect();
    let details =
        json!({ "changed": members, "is_active": agent.is_active, "guardrails": guardrails.to_json() });
    let mut draft = draft(request, Kind::AgentUpdate, &row, details)?.put(agent.id.to_string(), &agent)?;
    if agent.api_key_expires_at != row.value().api_key_expires_at {
        draft = draft.put(agent.api_key_sha256.clone(), &credential(&agent))?;
    }
    let told = with_key(enclave, &agent).await?;
    Reply::recorded(StatusCode::OK, &enclave.ledger.record(Held::new(told), draft).await?)
}

/// The old key is dead with the record; tokens that came from it live out their time and are not renewed.
async fn rotate_key(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let row = known(enclave, request.parameter("agent_id")).await?;
    let key = fresh_key();
    let agent = Agent {
        api_key_sha256: hex::encode(sha256(key.as_bytes())),
        api_key_prefix: key.chars().take(12).collect(),
        ..row.value().clone()
    };
    let details = json!({ "api_key_prefix": agent.api_key_prefix });
    let draft = draft(request, Kind::AgentRotateKey, &row, details)?
        .put(agent.id.to_string(), &agent)?
        .put(agent.api_key_sha256.clone(), &credential(&agent))?
        .delete::<Credential>(row.value().api_key_sha256.clone());
    let told = json!({ "api_key": key, "agent": with_key(enclave, &agent).await? });
    Reply::recorded(StatusCode::OK, &enclave.ledger.record(Held::new(told), draft).await?)
}

/// The agent, its API key, its tokens and its signing key end together.
async fn remove(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let row = known(enclave, request.parameter("agent_id")).await?;
    let id = row.value().id;
    let name = SigningKey::key(id, "ethereum");
    let key = enclave.rows.load::<SigningKey>(&name).await?;
    let mut draft = draft(request, Kind::AgentDelete, &row, json!({ "name": row.value().name }))?
        .delete::<Agent>(id.to_string())
        .delete::<Credential>(row.value().api_key_sha256.clone())
        .unchanged::<SigningKey>(name.clone(), key.as_ref().map(Loaded::version), "the agent's signing key");
    if let Some(key) = key.filter(|key| key.value().is_active) {
        draft = draft.put(name, &SigningKey { is_active: false, ..key.value().clone() })?;
    }
    Ok(Reply::done(&enclave.ledger.record(Held::new(()), draft).await?))
}

fn credential(agent: &Agent) -> Credential {
    Credential { holder: Holder::Agent(agent.id), expires_at: agent.api_key_expires_at }
}

/// A change to an agent, on what was read of it.
fn draft(
    request: &Request,
    kind: Kind,
    agent: &Loaded<Agent>,
    details: serde_json::Value,
) -> Result<Draft, Problem> {
    let (id, caller) = (agent.value().id.to_string(), request.principal()?);
    Ok(Draft::new(kind, caller.actor(), format!("agent:{id}"), details)
        .unchanged::<Agent>(id, Some(agent.version()), "the agent")
        .before(caller.expires()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent() -> Agent {
        serde_json::from_value(json!({
            "id": Uuid::nil(), "name": "desk", "description": "d", "auth_method": "api_key", "scopes": ["a"],
            "is_active": true, "intents_api_enabled": true, "shroud_enabled": false, "intents_require_tee": false,
            "token_ttl_seconds": 600, "vault_ids": [Uuid::nil()], "expires_at": 7, "api_key_expires_at": null,
            "api_key_sha256": "", "api_key_prefix": "", "created_at": 1, "created_by": "", "policy": "",
        }))
        .unwrap()
    }

    fn patched(body: serde_json::Value) -> Result<Agent, u16> {
        let asked: UpdateAgentRequest = serde_json::from_value(body).unwrap();
        asked.apply(&agent()).map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn absent_leaves_a_member() {
        let same = patched(json!({ "tx_max_value": "1" })).unwrap();
        assert_eq!(serde_json::to_value(same).unwrap(), serde_json::to_value(agent()).unwrap());
    }

    #[test]
    fn null_clears_a_member() {
        let cleared = json!({ "description": null, "scopes": null, "token_ttl_seconds": null, "vault_ids": null, "expires_at": null });
        let agent = patched(cleared).unwrap();
        assert_eq!((agent.description.as_str(), agent.scopes.len(), agent.vault_ids.len()), ("", 0, 0));
        assert_eq!((agent.token_ttl_seconds, agent.expires_at), (None, None));
        assert_eq!(agent.name, "desk");
    }

    #[test]
    fn a_value_replaces_a_member() {
        let agent = patched(
            json!({ "name": " other ", "is_active": false, "api_key_expires_at": "1970-01-01T00:01:00Z" }),
        )
        .unwrap();
        assert_eq!(
            (agent.name.as_str(), agent.is_active, agent.api_key_expires_at),
            ("other", false, Some(60))
        );
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        assert_eq!(patched(json!({ "name": "  " })).err(), Some(400));
        assert_eq!(patched(json!({ "token_ttl_seconds": 0 })).err(), Some(400));
    }
}
