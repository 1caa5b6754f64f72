//! What a signature leaves: what is told of it, what is listed, what the record shows.

use serde_json::{Map, Value, json};
use shroud_policy::transaction::Kind as Pricing;
use shroud_policy::{Approved, Chain, Intent, Payload, Signature, Signed, StepOutcome};
use uuid::Uuid;

use crate::records::{SigningKey, Transaction};

/// Characters of a caller's text that a record shows.
const SHOWN: usize = 128;

/// A signed intent, in no particular form yet.
pub(crate) struct SignedIntent {
    /// The signature and what it makes.
    pub(crate) signed: Signed,
    /// The contract's name for what was signed.
    pub(crate) intent_type: &'static str,
    /// The chain that the request names.
    pub(crate) chain: Chain,
    /// The address that signed, EIP-55.
    pub(crate) from: String,
    /// The six steps, in order, with their outcome.
    pub(crate) steps: Vec<Value>,
    /// What the agent's list shows, if it is a transaction.
    pub(crate) listed: Option<Transaction>,
}

impl SignedIntent {
    /// As the journal names it: a transaction by its id, anything else by the key that signed it.
    pub(super) fn subject(&self, key: &SigningKey) -> String {
        match &self.listed {
            Some(row) => format!("transaction:{}", row.id),
            None => format!("signing_key:{}", SigningKey::key(key.agent_id, &key.chain)),
        }
    }
}

/// Joins the signature to what was approved; gives what is told, and the details of the record.
pub(super) fn finish(
    approved: Approved<Intent>,
    signature: Signature,
    key: &SigningKey,
    status: &str,
    now: u64,
) -> (SignedIntent, Value) {
    let (intent_type, chain) = (approved.intent().payload().intent_type(), approved.intent().chain().clone());
    let steps: Vec<Value> = approved.steps().iter().map(StepOutcome::to_json).collect();
    let mut details = object(json!({
        "agent_id": key.agent_id, "intent_type": intent_type, "chain": chain.name, "chain_id": chain.chain_id,
        "from": key.address, "key_version": key.version, "digest": hex(approved.digest()), "result": "signed",
        "steps": steps,
    }));
    details.extend(particulars(approved.intent().payload()));
    let signed = approved.finish(signature);
    let listed = listed(&signed, &chain, key, status, now);
    if let Some(row) = &listed {
        details.extend(object(json!({ "tx_hash": row.tx_hash, "status": row.status })));
    }
    let told = SignedIntent { signed, intent_type, chain, from: key.address.clone(), steps, listed };
    (told, Value::Object(details))
}

/// What a record shows of one kind of payload alone.
fn particulars(payload: &Payload) -> Map<String, Value> {
    let shown = |text: &str| text.chars().take(SHOWN).collect::<String>();
    object(match payload {
        Payload::Transaction(fields) => json!({
            "tx_type": fields.type_id(), "nonce": fields.nonce, "to": fields.to.map(|to| to.to_checksum()),
            "value_wei": fields.value.to_string(), "gas_limit": fields.gas_limit, "fees": fees(fields),
        }),
        Payload::Message(bytes) => json!({ "message_bytes": bytes.len() }),
        Payload::TypedData(data) => json!({
            "primary_type": shown(data.primary_type()), "domain_name": data.domain_name().map(shown),
            "verifying_contract": data.verifying_contract().map(|contract| contract.to_checksum()),
        }),
        Payload::Digest(_) => json!({}),
    })
}

fn listed(signed: &Signed, chain: &Chain, key: &SigningKey, status: &str, now: u64) -> Option<Transaction> {
    let transaction = signed.transaction()?;
    let fields = transaction.transaction();
    let fees = fees(fields);
    let fee = |name: &str| fees.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Transaction {
        id: Uuid::new_v4(),
        agent_id: key.agent_id,
        chain: chain.name.clone(),
        chain_id: chain.chain_id,
        to: fields.to.map(|address| address.to_checksum()).unwrap_or_default(),
        value_wei: fields.value.to_string(),
        status: status.to_owned(),
        signed_tx: hex(&transaction.to_bytes()),
        tx_hash: hex(&transaction.hash()),
        key_version: key.version,
        created_at: now,
        max_fee_per_gas: fee("max_fee_per_gas"),
        max_priority_fee_per_gas: fee("max_priority_fee_per_gas"),
    })
}

/// The prices of gas that a transaction states, wei as decimal strings.
pub(crate) fn fees(fields: &shroud_policy::Transaction) -> Map<String, Value> {
    object(match &fields.kind {
        Pricing::Legacy { gas_price } | Pricing::AccessList { gas_price, .. } => {
            json!({ "gas_price": gas_price.to_string() })
        }
        Pricing::DynamicFee { max_fee_per_gas, max_priority_fee_per_gas, .. }
        | Pricing::Blob { max_fee_per_gas, max_priority_fee_per_gas, .. }
        | Pricing::SetCode { max_fee_per_gas, max_priority_fee_per_gas, .. } => json!({
            "max_fee_per_gas": max_fee_per_gas.to_string(),
            "max_priority_fee_per_gas": max_priority_fee_per_gas.to_string(),
        }),
    })
}

/// 0x-hex, as Ethereum writes bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
