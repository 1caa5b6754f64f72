//! The steps of the story, in order.

use std::path::Path;

use reqwest::StatusCode;
use serde_json::{Value, json};
use shroud_journal::Kind;
use uuid::Uuid;

use super::client::{Answer, Client};
use super::transaction::{self, Decoded, ether};
use super::{RECIPIENT, Story, StoryError, Teller, evidence, record};
use crate::running::Running;

const CHAIN: &str = "sepolia";
const CHAIN_ID: u128 = 11_155_111;
const MAX_VALUE: &str = "0.5";
const DAILY_LIMIT: &str = "0.8";
/// One wei above the cap that the agent is created with.
const TOO_MUCH: &str = "0.500000000000000001";
/// How many of the newest events are looked through.
const EVENTS: u32 = 200;

/// An agent with a key, ready to ask.
struct Agent {
    id: String,
    address: String,
    token: String,
}

/// What the steps share.
struct Narrator<'a> {
    client: Client,
    admin: &'a str,
    measurement: String,
}

/// Tells the story from the evidence to the record of a denial.
pub(super) async fn tell(
    running: &Running,
    reference: &Path,
    story: &Story,
    out: &mut Teller<'_>,
) -> Result<(), StoryError> {
    let measurement = evidence::verify(&running.enclave_url, reference, out).await?;
    let client = Client::new(&running.base_url);
    let narrator = Narrator { client, admin: &running.admin_api_key, measurement };
    narrator.boot(out).await?;
    let agent = narrator.agent(out).await?;
    narrator.signed(&agent, story, out).await?;
    narrator.denied(&agent, out).await
}

impl Narrator<'_> {
    /// Which gateways released the shares with which this guest unsealed its state.
    async fn boot(&self, out: &mut Teller<'_>) -> Result<(), StoryError> {
        let step = "boot";
        let event = self.event(step, Kind::Boot, None, |_| true).await?;
        let details = &event["details"];
        let names: Vec<&str> = details["shares_released_by"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let measurement = details["measurement"].as_str().unwrap_or_default();
        if names.len() < 2 || measurement != self.measurement {
            let detail = format!("the newest boot names gateways {names:?} and measurement {measurement:?}");
            return Err(StoryError { step, detail });
        }
        out.heading("The state key's shares")?;
        out.line("released by", &names.join(", "))?;
        out.line("to measurement", &short(measurement))
    }

    async fn agent(&self, out: &mut Teller<'_>) -> Result<Agent, StoryError> {
        let name = format!("story-{}", Uuid::new_v4().simple());
        let guardrails = json!({
            "name": name, "intents_api_enabled": true, "tx_to_allowlist": [RECIPIENT],
            "tx_max_value": MAX_VALUE, "tx_daily_limit": DAILY_LIMIT, "tx_allowed_chains": [CHAIN],
        });
        let created = self.client.post("agent", "/v1/agents", Some(self.admin), &guardrails).await?;
        let created = created.expect(StatusCode::CREATED)?;
        let (id, key) = (created.text("agent/id")?.to_owned(), created.text("api_key")?);
        out.heading("An agent")?;
        out.line("id", &id)?;
        for (label, member) in [
            ("may pay", "tx_to_allowlist"),
            ("at most, each", "tx_max_value"),
            ("at most, a day", "tx_daily_limit"),
            ("on", "tx_allowed_chains"),
        ] {
            out.line(label, &plain(&created.body["agent"][member]))?;
        }
        let path = format!("/v1/agents/{id}/signing-keys");
        let provisioned =
            self.client.post("signing key", &path, Some(self.admin), &json!({"chain": "ethereum"})).await?;
        let address = provisioned.expect(StatusCode::CREATED)?.text("address")?.to_owned();
        out.line("signing key", &address)?;
        let exchange = json!({"api_key": key, "agent_id": id});
        let issued = self.client.post("token", "/v1/auth/agent-token", None, &exchange).await?;
        let issued = issued.expect(StatusCode::OK)?;
        out.line("token for", &format!("{} s", issued.number("expires_in")?))?;
        Ok(Agent { address, token: issued.text("access_token")?.to_owned(), id })
    }

    /// An intent that the policy allows, its transaction and its record.
    async fn signed(&self, agent: &Agent, story: &Story, out: &mut Teller<'_>) -> Result<(), StoryError> {
        let step = "sign";
        let answer = self.ask(step, agent, &story.to, &story.value).await?.expect(StatusCode::OK)?;
        out.heading(&format!("An intent: {} ETH to {} on {CHAIN}", story.value, story.to))?;
        for judged in answer.list("steps")? {
            let text = |member: &str| judged[member].as_str().unwrap_or_default();
            out.line(text("step"), &[text("outcome"), text("detail")].join("  "))?;
        }
        let decoded = transaction::decode(answer.text("signed_tx")?);
        let decoded =
            decoded.map_err(|error| StoryError { step: "transaction", detail: error.to_string() })?;
        hold(&decoded, agent, story, &answer)?;
        tell_transaction(&decoded, out)?;
        let hash = decoded.hash;
        self.record("record", Kind::Sign, agent, out, |details| details["tx_hash"] == hash.as_str()).await
    }

    /// An intent above the cap, the step that denied it, and the record of that.
    async fn denied(&self, agent: &Agent, out: &mut Teller<'_>) -> Result<(), StoryError> {
        let answer = self.ask("denial", agent, RECIPIENT, TOO_MUCH).await?.expect(StatusCode::FORBIDDEN)?;
        let named = answer.text("step")?.to_owned();
        if named != "value_cap" || answer.body.get("signed_tx").is_some() {
            return Err(answer.wrong(&format!("an intent above the cap was denied by {named}")));
        }
        out.heading(&format!("An intent: {TOO_MUCH} ETH to {RECIPIENT} on {CHAIN}"))?;
        out.line(&named, &format!("denied  {}", answer.text("detail")?))?;
        self.record("record of the denial", Kind::Deny, agent, out, |details| {
            details["step"] == named.as_str()
        })
        .await
    }

    async fn ask(
        &self,
        step: &'static str,
        agent: &Agent,
        to: &str,
        value: &str,
    ) -> Result<Answer, StoryError> {
        let intent = json!({
            "chain": CHAIN, "to": to, "value": value, "nonce": 0, "gas_limit": 21_000,
            "max_fee_per_gas": "2000000000", "max_priority_fee_per_gas": "1000000000",
        });
        let path = format!("/v1/agents/{}/transactions/sign", agent.id);
        self.client.post(step, &path, Some(&agent.token), &intent).await
    }

    /// Finds an event, fetches the proof of its record and verifies it.
    async fn record(
        &self,
        step: &'static str,
        kind: Kind,
        agent: &Agent,
        out: &mut Teller<'_>,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<(), StoryError> {
        let event = self.event(step, kind, Some(agent), wanted).await?;
        let id = event["id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
        let id = id.ok_or_else(|| StoryError { step, detail: "the event has no id".to_owned() })?;
        let proof = self.client.get(step, &format!("/v1/shroud/audit/proof/{id}"), self.admin).await?;
        let found = record::verify(&proof.expect(StatusCode::OK)?, id)?;
        out.line("record", &format!("entry {} ({})", found.entry.sequence, found.entry.kind.name()))?;
        out.line("included in", &format!("{} at size {}", found.origin, found.tree_size))?;
        out.line("signed by", &format!("journal key {}", short(&found.signed_by)))?;
        out.line("cosignatures of", &found.cosigned_by.join(", "))
    }

    /// The newest event of a kind, by an agent if one is given, that is the wanted one.
    async fn event(
        &self,
        step: &'static str,
        kind: Kind,
        agent: Option<&Agent>,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, StoryError> {
        let action = kind.name();
        let actor = agent.map(|agent| format!("&actor_id={}", agent.id)).unwrap_or_default();
        let path = format!("/v1/audit/events?action={action}{actor}&limit={EVENTS}");
        let answer = self.client.get(step, &path, self.admin).await?.expect(StatusCode::OK)?;
        let newest = answer
            .list("events")?
            .iter()
            .filter(|event| event["action"] == action && wanted(&event["details"]))
            .max_by_key(|event| event["sequence"].as_u64());
        newest.cloned().ok_or_else(|| answer.wrong(&format!("there is no such event of {action}")))
    }
}

/// The raw bytes must say what was asked, by the key that was provisioned.
fn hold(decoded: &Decoded, agent: &Agent, story: &Story, answer: &Answer) -> Result<(), StoryError> {
    for (what, found, expected) in [
        ("signer", decoded.signer.as_str(), agent.address.as_str()),
        ("sender", answer.text("from")?, &agent.address),
        ("recipient", &decoded.to, &story.to),
        ("value", &ether(decoded.value), &story.value),
        ("hash", &decoded.hash, answer.text("tx_hash")?),
        ("chain", &decoded.chain_id.to_string(), &CHAIN_ID.to_string()),
    ] {
        if !found.eq_ignore_ascii_case(expected) {
            let detail = format!("{what}: expected {expected}, found {found}");
            return Err(StoryError { step: "transaction", detail });
        }
    }
    Ok(())
}

fn tell_transaction(decoded: &Decoded, out: &mut Teller<'_>) -> Result<(), StoryError> {
    out.heading("The transaction, read back from its bytes")?;
    out.line("chain", &decoded.chain_id.to_string())?;
    out.line("nonce", &decoded.nonce.to_string())?;
    out.line("pays", &format!("{} ETH to {}", ether(decoded.value), decoded.to))?;
    out.line("gas", &format!("{} at most {} wei each", decoded.gas, decoded.max_fee))?;
    out.line("signer, recovered", &decoded.signer)?;
    out.line("hash", &decoded.hash)
}

fn short(hex: &str) -> String {
    hex.get(..16).map_or_else(|| hex.to_owned(), |start| format!("{start}…"))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
