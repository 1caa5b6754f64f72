//! Intents of an agent: signed (see [`crate::sign`]), listed, looked up.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{Line, Reply, Request, agents, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::instant;
use crate::principal::{AgentCaller, Principal};
use crate::records::Transaction;
use crate::sign;

pub(super) const ROUTES: [Line; 3] = [
    route!(POST "/v1/agents/{agent_id}/transactions/sign" Anyone sign_only),
    route!(GET "/v1/agents/{agent_id}/transactions" Anyone list),
    route!(GET "/v1/agents/{agent_id}/transactions/{tx_id}" Anyone one),
];

async fn sign_only(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let Principal::Agent(caller) = request.principal()? else {
        return Err(Problem::forbidden("an intent is signed for the agent itself; use the agent's token"));
    };
    own(caller, request)?;
    let recorded = sign::transaction(enclave, caller, request.call.body()).await?;
    Reply::recorded(StatusCode::OK, &recorded)
}

async fn list(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let agent = readable(enclave, request).await?;
    let shown = shown(request)?;
    let mut rows = enclave.rows.list::<Transaction>(&format!("{agent}/")).await?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.value().created_at));
    let transactions: Vec<Value> = rows.iter().map(|row| told(row.value(), shown)).collect();
    Reply::read(&json!({ "transactions": transactions }))
}

async fn one(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let agent = readable(enclave, request).await?;
    let id = request.parameter("tx_id");
    let missing = || Problem::not_found(format!("the agent has no transaction {id:?}"));
    let id = id.parse().map_err(|_| missing())?;
    let row = enclave.rows.load::<Transaction>(&Transaction::key(agent, id)).await?.ok_or_else(missing)?;
    Reply::read(&told(row.value(), shown(request)?))
}

/// The agent whose transactions the caller may see.
async fn readable(enclave: &Enclave<Unsealed>, request: &Request) -> Result<uuid::Uuid, Problem> {
    match request.principal()? {
        Principal::Agent(caller) => own(caller, request).map(|()| caller.agent.id),
        Principal::Human(_) => Ok(agents::known(enclave, request.parameter("agent_id")).await?.id),
    }
}

/// An agent acts for itself alone, with a credential that carries the Intents API.
fn own(caller: &AgentCaller, request: &Request) -> Result<(), Problem> {
    if caller.agent.id.to_string() != request.parameter("agent_id") {
        return Err(Problem::forbidden("an agent may act for itself only"));
    }
    if !caller.intents {
        return Err(Problem::forbidden("intents_api_enabled is off for this agent or this token"));
    }
    if caller.agent.intents_require_tee {
        return Err(Problem::forbidden("intents_require_tee: expected the vendor's TEE origin header, which Shroud does not use"));
    }
    Ok(())
}

fn shown(request: &Request) -> Result<bool, Problem> {
    Ok(matches!(request.call.query("include_signed_tx")?.as_deref(), Some("true" | "1")))
}

fn told(row: &Transaction, with_signed: bool) -> Value {
    let mut told = json!({
        "id": row.id, "agent_id": row.agent_id, "chain": row.chain, "chain_id": row.chain_id, "to": row.to,
        "value_wei": row.value_wei, "status": row.status, "tx_hash": row.tx_hash,
        "created_at": instant::rfc3339(row.created_at), "signed_at": instant::rfc3339(row.created_at),
    });
    if with_signed && let Value::Object(members) = &mut told {
        members.insert("signed_tx".to_owned(), json!(row.signed_tx));
    }
    told
}
