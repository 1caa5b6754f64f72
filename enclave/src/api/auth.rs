//! Keys for tokens: `POST /v1/auth/api-key-token`, `POST /v1/auth/agent-token`, and the key that tokens verify under.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shroud_journal::Kind;
use uuid::Uuid;

use super::{Line, Reply, Request, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::ledger::{Draft, Held};
use crate::principal::Principal;
use crate::tokens::Claims;

/// Seconds that a token lives where the agent's record says nothing.
const LIFETIME: u64 = 900;
/// Seconds that the person's token lives.
const HUMAN_LIFETIME: u64 = 3600;

pub(super) const ROUTES: [Line; 4] = [
    route!(POST "/v1/auth/api-key-token" Public human_token),
    route!(POST "/v1/auth/agent-token" Public agent_token),
    route!(GET "/v1/auth/jwt-public-key" Public public_key),
    route!(GET "/.well-known/jwks.json" Public jwks),
];

#[derive(Deserialize)]
struct AgentTokenRequest {
    api_key: String,
    agent_id: Option<Uuid>,
}

#[derive(Deserialize)]
struct ApiKeyTokenRequest {
    api_key: String,
}

#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vault_ids: Option<Vec<Uuid>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entitlements: Option<Value>,
}

async fn agent_token(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let asked: AgentTokenRequest = request.call.json()?;
    let Principal::Agent(caller) = enclave.by_key(&asked.api_key).await? else {
        return Err(Problem::unauthorized("expected the API key of an agent (ocv_…)"));
    };
    if asked.agent_id.is_some_and(|id| id != caller.agent.id) {
        return Err(Problem::unauthorized("the API key is not the one of this agent_id"));
    }
    let agent = &caller.agent;
    let lifetime = agent.token_ttl_seconds.unwrap_or(LIFETIME);
    let claims = Claims {
        scopes: agent.scopes.clone(),
        vault_ids: agent.vault_ids.clone(),
        intents_api_enabled: agent.intents_api_enabled,
        ..claims(enclave, format!("agent:{}", agent.id), lifetime, [agent.expires_at, agent.api_key_expires_at])
    };
    let mut response = response(enclave, &claims)?;
    response.agent_id = Some(agent.id);
    response.vault_ids = Some(agent.vault_ids.clone());
    response.entitlements = Some(json!({ "intents_api": agent.intents_api_enabled }));
    issued(enclave, format!("agent:{}", agent.id), response, &claims).await
}

async fn human_token(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let asked: ApiKeyTokenRequest = request.call.json()?;
    let Principal::Human(human) = enclave.by_key(&asked.api_key).await? else {
        return Err(Problem::unauthorized("expected the API key of a person (1ck_…)"));
    };
    let claims = claims(enclave, format!("user:{}", human.id), HUMAN_LIFETIME, [human.expires, None]);
    let response = response(enclave, &claims)?;
    issued(enclave, format!("user:{}", human.id), response, &claims).await
}

/// Claims that end with the lifetime, or with the credential that they stand for, whichever is sooner.
fn claims(enclave: &Enclave<Unsealed>, sub: String, lifetime: u64, ends: [Option<u64>; 2]) -> Claims {
    let iat = enclave.clock.credentials();
    let exp = ends.into_iter().flatten().fold(iat.saturating_add(lifetime), u64::min);
    Claims {
        sub,
        org: enclave.configuration.org_id,
        scopes: Vec::new(),
        vault_ids: Vec::new(),
        iat,
        exp,
        jti: Uuid::new_v4(),
        intents_api_enabled: false,
    }
}

fn response(enclave: &Enclave<Unsealed>, claims: &Claims) -> Result<TokenResponse, Problem> {
    let access_token = enclave.tokens.issue(claims).map_err(|_| Problem::internal())?;
    let expires_in = claims.exp.saturating_sub(claims.iat);
    Ok(TokenResponse { access_token, token_type: "Bearer", expires_in, agent_id: None, vault_ids: None, entitlements: None })
}

async fn issued(
    enclave: &Enclave<Unsealed>,
    actor: String,
    response: TokenResponse,
    claims: &Claims,
) -> Result<Reply, Problem> {
    let details = json!({ "jti": claims.jti, "expires_at": claims.exp });
    let draft = Draft::new(Kind::AuthSuccess, actor.clone(), actor, details);
    let recorded = enclave.ledger.record(Held::new(response), draft).await?;
    Reply::recorded(StatusCode::OK, &recorded)
}

async fn public_key(enclave: &Enclave<Unsealed>, _request: &Request) -> Result<Reply, Problem> {
    let public_key_base64 = BASE64_STANDARD.encode(enclave.tokens.public_key());
    Reply::read(&json!({ "alg": "EdDSA", "public_key_base64": public_key_base64 }))
}

async fn jwks(enclave: &Enclave<Unsealed>, _request: &Request) -> Result<Reply, Problem> {
    let x = BASE64_URL_SAFE_NO_PAD.encode(enclave.tokens.public_key());
    Reply::read(&json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "eddsa-v1", "x": x }] }))
}
