//! One intent, start to end: the page to open first.
//!
//! ```text
//! bytes ─ parse ─► Intent ─ approve ─► Approved<Intent> ─ sign ─► Held<SignedIntent> ─ record ─► Recorded<SignedIntent> ─► reply
//!                              └ Denied{step, reason} ────────────► record ─► 403 with the step and the reason
//! ```
//!
//! The signature stays inside, held, until its record is durable. Joining the record repeats what can change under way:
//! the agent's row, the key's row, the idempotency key, the budget. If one of them changed, the signature is dropped and
//! nothing was spent.

mod budget;
mod key;
pub(crate) mod once;
mod outcome;

use k256::ecdsa::SigningKey;
use serde_json::{Value, json};
use shroud_journal::{Kind, Spend};
use shroud_policy::{Approved, Filling, Intent, Payload, Signature, approve};

pub(crate) use outcome::{SignedIntent, fees, hex};

use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::ledger::{Draft, Held, LedgerError, Recorded, Refusal};
use crate::principal::AgentCaller;
use crate::records::{self, Agent};
use crate::rows::Loaded;
use budget::Budget;
use once::Fresh;

/// How often an intent is judged anew because requests before it took the room that it had.
const TRIES: usize = 4;

/// What an agent asks to have signed.
pub(crate) struct Order<'a> {
    /// The request, understood.
    pub(crate) draft: shroud_policy::Draft,
    /// The status that a transaction is listed with.
    pub(crate) status: &'static str,
    /// The client's share of the key, as sent.
    pub(crate) client_share: Option<&'a str>,
    /// The idempotency key that the outcome is remembered under.
    pub(crate) once: Option<&'a Fresh<'a>>,
}

/// Signs what an agent asks for, if its policy says so.
pub(crate) async fn intent(
    enclave: &Enclave<Unsealed>,
    caller: &AgentCaller,
    order: &Order<'_>,
) -> Result<Recorded<SignedIntent>, Problem> {
    let policy = crate::api::agents::policy(enclave, &caller.agent)?;
    if let Err(reason) = key::permitted(order.draft.signing_key_path(), caller.agent.id) {
        let denial = json!({ "step": "sign", "reason": reason });
        return Err(deny(enclave, caller, *policy.digest(), denial, format!("sign: {reason}")).await?);
    }
    let mut tries = TRIES;
    loop {
        let intent = order.draft.clone().resolve(Filling::default());
        let intent = intent.map_err(|error| Problem::bad_request(error.to_string()))?;
        let budget = Budget::of(enclave, &caller.agent);
        let approved = match approve(intent, &policy, &budget, budget.now()) {
            Ok(approved) => approved,
            Err(denied) => {
                let denial = Value::Object(denied.to_json());
                return Err(deny(enclave, caller, *policy.digest(), denial, denied.detail()).await?);
            }
        };
        let (row, key) = key::open(enclave, &caller.agent, order.client_share).await?;
        let draft = record(caller, &approved, &row, &budget);
        let (held, draft) = sign(approved, &key, draft, row.value(), order, enclave.clock.credentials())?;
        match enclave.ledger.record(held, draft).await {
            // Judged again, so that the denial says what is left after the requests before this one.
            Err(LedgerError::Refused(Refusal::NoRoom { .. })) if tries > 1 => tries -= 1,
            Err(LedgerError::Refused(Refusal::NoRoom { denial, reason, .. })) => {
                return Err(deny(enclave, caller, *policy.digest(), denial, reason).await?);
            }
            outcome => return Ok(outcome?),
        }
    }
}

/// What will be recorded, and what must still hold then.
fn record(
    caller: &AgentCaller,
    approved: &Approved<Intent>,
    key: &Loaded<records::SigningKey>,
    budget: &Budget<'_>,
) -> Draft {
    let agent = caller.agent.id;
    let name = records::SigningKey::key(agent, "ethereum");
    let spends = approved
        .reservations()
        .iter()
        .map(|reservation| Spend {
            agent: agent.to_string(),
            asset: reservation.counter.clone(),
            amount: budget::recorded(reservation).to_be_bytes(),
            counterparty: reservation.counterparty.map(|address| address.to_string()).unwrap_or_default(),
        })
        .collect();
    let kind = match approved.intent().payload() {
        Payload::Transaction(_) => Kind::Sign,
        Payload::Message(_) | Payload::TypedData(_) => Kind::SignMessage,
        Payload::Digest(_) => Kind::SignDigest,
    };
    Draft::new(kind, format!("agent:{agent}"), String::new(), Value::Null)
        .under(*approved.policy_digest())
        .spending(spends)
        .room(budget.still_holds(approved.reservations()))
        .unchanged::<Agent>(agent.to_string(), Some(caller.version), "the agent")
        .unchanged::<records::SigningKey>(name, Some(key.version()), "the signing key")
        .before(caller.expires)
}

/// Signs the digest of exactly what was approved, and holds the result.
fn sign(
    approved: Approved<Intent>,
    key: &SigningKey,
    draft: Draft,
    public: &records::SigningKey,
    order: &Order<'_>,
    now: u64,
) -> Result<(Held<SignedIntent>, Draft), Problem> {
    let (signature, recovery) = key.sign_prehash_recoverable(approved.digest());
    let (r, s) = signature.split_bytes();
    let signature =
        Signature::new(&r.into(), &s.into(), recovery.is_y_odd()).map_err(|_| Problem::internal())?;
    let (told, details) = outcome::finish(approved, signature, public, order.status, now);
    let mut draft = Draft { subject: told.subject(public), details, ..draft };
    if let Some(row) = &told.listed {
        draft = draft.put(records::Transaction::key(row.agent_id, row.id), row)?;
        if let Some(once) = order.once {
            draft = once.remember(draft, row.id, now)?;
        }
    }
    Ok((Held::new(told), draft))
}

/// A denial leaves with its record, like everything else.
async fn deny(
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
    let recorded = enclave.ledger.record(Held::new(()), draft).await?;
    let problem = Problem::forbidden(detail).with("event_id", json!(recorded.receipt().event));
    let members = denial.as_object().cloned().unwrap_or_default();
    Ok(members.into_iter().fold(problem, |problem, (name, value)| problem.with(&name, value)))
}
