//! Keys for tokens, tokens for tokens, tokens revoked, and the key that tokens verify under.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shroud_journal::Kind;
use shroud_wire::store::Table;
use uuid::Uuid;

use super::{Line, Reply, Request, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::ledger::{Draft, Held};
use crate::principal::Principal;
use crate::records::{Agent, RevokedToken};
use crate::tokens::Claims;

/// Seconds that a token lives where the agent's record says nothing.
const LIFETIME: u64 = 900;
/// Seconds that the person's token lives.
const HUMAN_LIFETIME: u64 = 3600;
/// Marks of expired tokens that one revocation looks through.
const FORGOTTEN: usize = 16;

pub(super) const ROUTES: [Line; 6] = [
    route!(POST "/v1/auth/api-key-token" Public human_token),
    route!(POST "/v1/auth/agent-token" Public agent_token),
    route!(POST "/v1/auth/refresh" Anyone refresh),
    route!(DELETE "/v1/auth/token" Anyone revoke),
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
    for_agent(enclave, &caller.agent).await
}

async fn for_agent(enclave: &Enclave<Unsealed>, agent: &Agent) -> Result<Reply, Problem> {
    let lifetime = agent.token_ttl_seconds.unwrap_or(LIFETIME);
    let claims = Claims {
        scopes: agent.scopes.clone(),
        vault_ids: agent.vault_ids.clone(),
        intents_api_enabled: agent.intents_api_enabled,
        key: Claims::key(&agent.api_key_sha256),
        ..claims(
            enclave,
            format!("agent:{}", agent.id),
            lifetime,
            [agent.expires_at, agent.api_key_expires_at],
        )
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
    for_human(enclave, human.id, human.expires).await
}

async fn for_human(enclave: &Enclave<Unsealed>, id: Uuid, ends: Option<u64>) -> Result<Reply, Problem> {
    let claims = claims(enclave, format!("user:{id}"), HUMAN_LIFETIME, [ends, None]);
    let response = response(enclave, &claims)?;
    issued(enclave, format!("user:{id}"), response, &claims).await
}

/// A further token for whoever still holds a valid one; an agent's only while the key that it came from counts.
async fn refresh(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let bearer = request.call.bearer()?;
    match request.principal()? {
        Principal::Human(human) => for_human(enclave, human.id, None).await,
        Principal::Agent(caller) => {
            let own = Claims::key(&caller.agent.api_key_sha256);
            if !is_api_key(bearer) && verified(enclave, bearer)?.key != own {
                return Err(Problem::unauthorized("the API key that the token came from was replaced"));
            }
            for_agent(enclave, &caller.agent).await
        }
    }
}

/// Ends one token before its time; others of the same holder go on.
async fn revoke(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let bearer = request.call.bearer()?;
    if is_api_key(bearer) {
        return Err(Problem::bad_request("expected a token; an API key ends when it is rotated"));
    }
    let claims = verified(enclave, bearer)?;
    let actor = request.principal()?.actor();
    let (key, now) = (RevokedToken::key(claims.jti), enclave.clock.credentials());
    let details = json!({ "jti": claims.jti, "expires_at": claims.exp });
    let mut draft = Draft::new(Kind::AuthRevoke, actor.clone(), actor, details)
        .unchanged::<RevokedToken>(key.clone(), None, "the token")
        .put(key, &RevokedToken { expires_at: claims.exp })?;
    // Marks of tokens that would not count any more are of no use.
    for old in enclave.rows.keys(Table::Credentials, RevokedToken::PREFIX).into_iter().take(FORGOTTEN) {
        let row = enclave.rows.load::<RevokedToken>(&old).await?;
        if let Some(row) = row.filter(|row| row.value().expires_at < now) {
            draft = draft
                .unchanged::<RevokedToken>(old.clone(), Some(row.version()), "the token")
                .delete::<RevokedToken>(old);
        }
    }
    Ok(Reply::done(&enclave.ledger.record(Held::new(()), draft).await?))
}

fn is_api_key(bearer: &str) -> bool {
    bearer.starts_with("1ck_") || bearer.starts_with("ocv_")
}

fn verified(enclave: &Enclave<Unsealed>, token: &str) -> Result<Arc<Claims>, Problem> {
    let claims = enclave.tokens.verify(token, enclave.clock.credentials());
    claims.map_err(|error| Problem::unauthorized(error.to_string()))
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
        key: String::new(),
    }
}

fn response(enclave: &Enclave<Unsealed>, claims: &Claims) -> Result<TokenResponse, Problem> {
    let access_token = enclave.tokens.issue(claims).map_err(|_| Problem::internal())?;
    let expires_in = claims.exp.saturating_sub(claims.iat);
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in,
        agent_id: None,
        vault_ids: None,
        entitlements: None,
    })
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
    Reply::read(
        &json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "eddsa-v1", "x": x }] }),
    )
}
