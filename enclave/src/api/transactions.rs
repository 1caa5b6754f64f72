//! Intents of an agent: submitted, signed (see [`crate::sign`]), listed, looked up.
//!
//! Nothing is handed to a chain from here: what is submitted comes back signed.

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::{Map, Value, json};
use shroud_policy::{Chains, Draft, RequestError};

use super::secrets::CLIENT_SHARE;
use super::{Line, Reply, Request, agents, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::instant;
use crate::ledger::{Receipt, Recorded};
use crate::principal::{AgentCaller, Principal};
use crate::records::Transaction;
use crate::sign::once::{Fresh, Once, once};
use crate::sign::{self, Order, SignedIntent};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Signed, and not handed to a chain: none has an RPC.
const SIGNED: &str = "signed";
/// Signed, and never to be handed to a chain.
const SIGN_ONLY: &str = "sign_only";

pub(super) const ROUTES: [Line; 5] = [
    route!(POST "/v1/agents/{agent_id}/transactions" Anyone submit),
    route!(POST "/v1/agents/{agent_id}/transactions/sign" Anyone sign_only),
    route!(POST "/v1/agents/{agent_id}/sign" Anyone unified),
    route!(GET "/v1/agents/{agent_id}/transactions" Anyone list),
    route!(GET "/v1/agents/{agent_id}/transactions/{tx_id}" Anyone one),
];

async fn submit(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let caller = acting(request)?;
    let draft = parse(enclave, request, Draft::transaction)?;
    let known = match request.call.opaque(&IDEMPOTENCY_KEY)? {
        Some(key) => Some(once(enclave, caller.agent.id, key, request.call.body()).await?),
        None => None,
    };
    let fresh = match &known {
        Some(Once::Finished(row)) => return Reply::read(&told(row, true)),
        Some(Once::Fresh(fresh)) => Some(fresh),
        None => None,
    };
    let signed = signed(enclave, caller, request, draft, SIGNED, fresh).await?;
    Reply::recorded(StatusCode::CREATED, &signed.map(|signed, _| signed.listed.map(|row| told(&row, true))))
}

async fn sign_only(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let caller = acting(request)?;
    let draft = parse(enclave, request, Draft::transaction)?;
    let signed = signed(enclave, caller, request, draft, SIGN_ONLY, None).await?;
    Reply::recorded(StatusCode::OK, &signed.map(|signed, receipt| transaction(&signed, receipt)))
}

async fn unified(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let caller = acting(request)?;
    let draft = parse(enclave, request, Draft::unified)?;
    let signed = signed(enclave, caller, request, draft, SIGN_ONLY, None).await?;
    Reply::recorded(StatusCode::OK, &signed.map(|signed, receipt| intent(&signed, receipt)))
}

/// The agent that acts, for itself.
fn acting(request: &Request) -> Result<&AgentCaller, Problem> {
    let Principal::Agent(caller) = request.principal()? else {
        return Err(Problem::forbidden("an intent is signed for the agent itself; use the agent's token"));
    };
    own(caller, request).map(|()| caller)
}

fn parse(
    enclave: &Enclave<Unsealed>,
    request: &Request,
    parse: fn(&[u8], &Chains) -> Result<Draft, RequestError>,
) -> Result<Draft, Problem> {
    parse(request.call.body(), &enclave.chains).map_err(|error| Problem::bad_request(error.to_string()))
}

async fn signed(
    enclave: &Enclave<Unsealed>,
    caller: &AgentCaller,
    request: &Request,
    draft: Draft,
    status: &'static str,
    once: Option<&Fresh<'_>>,
) -> Result<Recorded<SignedIntent>, Problem> {
    let order = Order { draft, status, client_share: request.call.header(&CLIENT_SHARE), once };
    sign::intent(enclave, caller, &order).await
}

/// The answer of `transactions/sign`.
fn transaction(told: &SignedIntent, receipt: &Receipt) -> Map<String, Value> {
    let fields = told.signed.transaction().map(shroud_policy::SignedTransaction::transaction);
    let row = told.listed.as_ref();
    let mut members = object(json!({
        "id": row.map(|row| row.id), "signed_tx": row.map(|row| &row.signed_tx),
        "tx_hash": row.map(|row| &row.tx_hash), "to": row.map(|row| &row.to), "from": told.from,
        "chain": told.chain.name, "chain_id": told.chain.chain_id, "nonce": fields.map(|fields| fields.nonce),
        "value_wei": row.map(|row| &row.value_wei), "status": row.map(|row| &row.status), "steps": told.steps,
        "event_id": receipt.event,
    }));
    members.extend(fields.map(sign::fees).unwrap_or_default());
    members
}

/// The answer of the unified `sign`.
fn intent(told: &SignedIntent, receipt: &Receipt) -> Map<String, Value> {
    let signed = &told.signed;
    let row = told.listed.as_ref();
    let signature = row.is_none().then(|| sign::hex(&signed.signature().to_bytes()));
    object(json!({
        "intent_type": told.intent_type, "chain": told.chain.name, "from": told.from, "signature": signature,
        "message_hash": signed.message_hash().map(|hash| sign::hex(hash)),
        "typed_data_hash": signed.typed_data_hash().map(|hash| sign::hex(hash)),
        "signed_tx": row.map(|row| &row.signed_tx), "tx_hash": row.map(|row| &row.tx_hash),
        "tx_type": signed.transaction().map(|signed| signed.transaction().type_id()), "steps": told.steps,
        "event_id": receipt.event,
    }))
}

async fn list(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let agent = readable(enclave, request).await?;
    let shown = shown(request)?;
    let mut rows = enclave.rows.list::<Transaction>(&format!("{agent}/")).await?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.value().created_at));
    let transactions: Vec<_> = rows.iter().map(|row| told(row.value(), shown)).collect();
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
        Principal::Human(_) => Ok(agents::known(enclave, request.parameter("agent_id")).await?.value().id),
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
        return Err(Problem::forbidden(
            "intents_require_tee: expected the vendor's TEE origin header, which Shroud does not use",
        ));
    }
    Ok(())
}

fn shown(request: &Request) -> Result<bool, Problem> {
    Ok(matches!(request.call.query("include_signed_tx")?.as_deref(), Some("true" | "1")))
}

/// A transaction as lists and submissions tell it.
fn told(row: &Transaction, with_signed: bool) -> Map<String, Value> {
    object(json!({
        "id": row.id, "agent_id": row.agent_id, "chain": row.chain, "chain_id": row.chain_id, "to": row.to,
        "value_wei": row.value_wei, "status": row.status, "tx_hash": row.tx_hash,
        "created_at": instant::rfc3339(row.created_at), "signed_at": instant::rfc3339(row.created_at),
        "max_fee_per_gas": row.max_fee_per_gas, "max_priority_fee_per_gas": row.max_priority_fee_per_gas,
        "signed_tx": with_signed.then_some(&row.signed_tx),
    }))
}

/// The members that have a value.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    }
}
