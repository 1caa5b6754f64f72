//! One intent, start to end: the page to open first.
//!
//! ```text
//! bytes ─ parse ─► Intent ─ approve ─► Approved<Intent> ─ sign ─► Held<SignedIntent> ─ record ─► Recorded<SignedIntent> ─► reply
//!                              └ Denied{step, reason} ────────────► record ─► 403 with the step and the reason
//! ```
//!
//! The signature stays inside, held, until its record is durable. Joining the record repeats what can change under way:
//! the agent's row, the key's row, the budget. If one of them changed, the signature is dropped and nothing was spent.

mod budget;

use std::sync::Arc;

use k256::ecdsa::SigningKey;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shroud_journal::{Kind, Spend};
use shroud_policy::transaction::Kind as Pricing;
use shroud_policy::{Approved, Denied, Filling, Intent, Signature, SignedPolicy, approve};
use uuid::Uuid;

use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::ledger::{Draft, Held, LedgerError, Recorded, Refusal};
use crate::principal::AgentCaller;
use crate::records::{self, Agent, SecretVersion};
use crate::rows::Loaded;
use budget::Budget;

/// What is told of a signed intent.
#[derive(Debug, Serialize)]
pub(crate) struct SignedIntent {
    pub(crate) id: Uuid,
    pub(crate) signed_tx: String,
    pub(crate) tx_hash: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) chain: String,
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) value_wei: String,
    pub(crate) status: &'static str,
    /// The six steps, in order, with their outcome.
    pub(crate) steps: Vec<Value>,
    #[serde(flatten)]
    pub(crate) fees: Map<String, Value>,
}

/// Signs what an agent asks for, if its policy says so.
pub(crate) async fn transaction(
    enclave: &Enclave<Unsealed>,
    caller: &AgentCaller,
    body: &[u8],
) -> Result<Recorded<SignedIntent>, Problem> {
    let intent = parse(enclave, body)?;
    let policy = policy(enclave, &caller.agent)?;
    let budget = Budget::of(enclave, &caller.agent);
    let approved = match approve(intent, &policy, &budget, budget.now()) {
        Ok(approved) => approved,
        Err(denied) => return Err(deny(enclave, caller, &policy, &denied).await?),
    };
    let (row, key) = signing_key(enclave, &caller.agent).await?;
    let draft = record(caller, &approved, &row, &budget)?;
    let (held, draft) = sign(approved, &key, draft, row.value(), enclave.clock.credentials())?;
    match enclave.ledger.record(held, draft).await {
        Err(LedgerError::Refused(Refusal::NoRoom { denial, reason, .. })) => {
            Err(recorded_denial(enclave, caller, *policy.digest(), denial, reason).await?)
        }
        outcome => Ok(outcome?),
    }
}

fn parse(enclave: &Enclave<Unsealed>, body: &[u8]) -> Result<Intent, Problem> {
    let refused = |error: &dyn std::fmt::Display| Problem::bad_request(error.to_string());
    let draft = shroud_policy::Draft::transaction(body, &enclave.chains).map_err(|error| refused(&error))?;
    draft.resolve(Filling::default()).map_err(|error| refused(&error))
}

/// The agent's policy, opened under the key that alone can make one.
fn policy(enclave: &Enclave<Unsealed>, agent: &Agent) -> Result<Arc<SignedPolicy>, Problem> {
    crate::api::agents::policy(enclave, agent).map(Arc::new)
}

/// The agent's key, opened for this one use.
async fn signing_key(
    enclave: &Enclave<Unsealed>,
    agent: &Agent,
) -> Result<(Loaded<records::SigningKey>, SigningKey), Problem> {
    let missing = || Problem::conflict("the agent has no active signing key for ethereum; provision one first");
    let name = records::SigningKey::key(agent.id, "ethereum");
    let row = enclave.rows.load::<records::SigningKey>(&name).await?.ok_or_else(missing)?;
    let public = row.value();
    if !public.is_active {
        return Err(missing());
    }
    let secret = SecretVersion::key(public.vault_id, &public.path, public.secret_version);
    let secret = enclave.rows.load::<SecretVersion>(&secret).await?.ok_or_else(missing)?;
    let opened = enclave.keyring.open(secret.value()).await?;
    for fault in &opened.faults {
        tracing::warn!(provider = %fault.provider, reason = %fault.reason, "a share was not used");
    }
    let key = crate::api::signing_keys::read_private(&opened.value).ok_or_else(Problem::internal)?;
    Ok((row, key))
}

/// What will be recorded, and what must still hold then.
fn record(
    caller: &AgentCaller,
    approved: &Approved<Intent>,
    key: &Loaded<records::SigningKey>,
    budget: &Budget<'_>,
) -> Result<Draft, Problem> {
    let agent = caller.agent.id;
    let name = records::SigningKey::key(agent, "ethereum");
    let spends = approved
        .reservations()
        .iter()
        .map(|reservation| Spend {
            agent: agent.to_string(),
            asset: reservation.counter.clone(),
            amount: reservation.amount.to_be_bytes(),
            counterparty: reservation.counterparty.map(|address| address.to_string()).unwrap_or_default(),
        })
        .collect();
    let steps: Vec<Value> = approved.steps().iter().map(shroud_policy::StepOutcome::to_json).collect();
    Ok(Draft::new(Kind::Sign, format!("agent:{agent}"), String::new(), json!({ "steps": steps }))
        .under(*approved.policy_digest())
        .spending(spends)
        .room(budget.still_holds(approved.reservations()))
        .unchanged::<Agent>(agent.to_string(), Some(caller.version), "the agent")
        .unchanged::<records::SigningKey>(name, Some(key.version()), "the signing key")
        .before(caller.expires))
}

/// Signs the digest of exactly what was approved, and holds the result.
fn sign(
    approved: Approved<Intent>,
    key: &SigningKey,
    mut draft: Draft,
    public: &records::SigningKey,
    now: u64,
) -> Result<(Held<SignedIntent>, Draft), Problem> {
    let chain = approved.intent().chain().clone();
    let (signature, recovery) =
        key.sign_prehash_recoverable(approved.digest());
    let (r, s) = signature.split_bytes();
    let signature = Signature::new(&r.into(), &s.into(), recovery.is_y_odd()).map_err(|_| Problem::internal())?;
    let steps: Vec<Value> = approved.steps().iter().map(shroud_policy::StepOutcome::to_json).collect();
    let signed = approved.finish(signature);
    let transaction = signed.transaction().ok_or_else(Problem::internal)?;
    let fields = transaction.transaction();
    let told = SignedIntent {
        id: Uuid::new_v4(),
        signed_tx: format!("0x{}", hex::encode(transaction.to_bytes())),
        tx_hash: format!("0x{}", hex::encode(transaction.hash())),
        from: public.address.clone(),
        to: fields.to.map(|address| address.to_checksum()).unwrap_or_default(),
        chain: chain.name.clone(),
        chain_id: chain.chain_id,
        nonce: fields.nonce,
        value_wei: fields.value.to_string(),
        status: "sign_only",
        steps,
        fees: fees(fields),
    };
    let row = records::Transaction {
        id: told.id,
        agent_id: public.agent_id,
        chain: chain.name,
        chain_id: chain.chain_id,
        to: told.to.clone(),
        value_wei: told.value_wei.clone(),
        status: told.status.to_owned(),
        signed_tx: told.signed_tx.clone(),
        tx_hash: told.tx_hash.clone(),
        key_version: public.version,
        created_at: now,
    };
    draft.subject = format!("transaction:{}", told.id);
    draft.details = details(draft.details, &told, public);
    let draft = draft.put(records::Transaction::key(public.agent_id, told.id), &row)?;
    Ok((Held::new(told), draft))
}

fn details(details: Value, told: &SignedIntent, public: &records::SigningKey) -> Value {
    let mut details = details;
    if let Value::Object(members) = &mut details {
        let resolved = json!({
            "agent_id": public.agent_id, "chain": told.chain, "chain_id": told.chain_id, "nonce": told.nonce,
            "to": told.to, "value_wei": told.value_wei, "tx_hash": told.tx_hash, "from": told.from,
            "key_version": public.version, "fees": told.fees, "result": "signed",
        });
        members.extend(resolved.as_object().cloned().unwrap_or_default());
    }
    details
}

fn fees(fields: &shroud_policy::Transaction) -> Map<String, Value> {
    let mut fees = Map::new();
    if let Pricing::DynamicFee { max_fee_per_gas, max_priority_fee_per_gas, .. } = &fields.kind {
        fees.insert("max_fee_per_gas".to_owned(), json!(max_fee_per_gas.to_string()));
        fees.insert("max_priority_fee_per_gas".to_owned(), json!(max_priority_fee_per_gas.to_string()));
    }
    fees
}

async fn deny(
    enclave: &Enclave<Unsealed>,
    caller: &AgentCaller,
    policy: &SignedPolicy,
    denied: &Denied,
) -> Result<Problem, Problem> {
    recorded_denial(enclave, caller, *policy.digest(), Value::Object(denied.to_json()), denied.detail()).await
}

/// A denial leaves with its record, like everything else.
async fn recorded_denial(
    enclave: &Enclave<Unsealed>,
    caller: &AgentCaller,
    policy_digest: [u8; 32],
    denial: Value,
    detail: String,
) -> Result<Problem, Problem> {
    let agent = caller.agent.id;
    let draft = Draft::new(Kind::Deny, format!("agent:{agent}"), format!("agent:{agent}"), denial.clone())
        .under(policy_digest)
        .before(caller.expires);
    enclave.ledger.record(Held::new(()), draft).await?;
    let problem = Problem::forbidden(detail);
    let members = denial.as_object().cloned().unwrap_or_default();
    Ok(members.into_iter().fold(problem, |problem, (name, value)| problem.with(&name, value)))
}
