//! The HTTP API as a caller sees it.

use std::io;

use serde_json::{Value, json};

use crate::http::{Answer, Connection};

/// Where every intent of these tests goes unless it says otherwise.
pub const RECIPIENT: &str = "0x000000000000000000000000000000000000dEaD";
/// Somebody whom no allowlist names.
pub const STRANGER: &str = "0x1111111111111111111111111111111111111111";

/// A caller with its credential.
#[derive(Clone, Debug)]
pub struct Api {
    base_url: String,
    token: Option<String>,
}

impl Api {
    /// A caller of a base URL.
    #[must_use]
    pub fn new(base_url: &str, token: Option<&str>) -> Self {
        Self { base_url: base_url.to_owned(), token: token.map(str::to_owned) }
    }

    /// The same API without a credential.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// One call on a connection of its own.
    ///
    /// # Panics
    /// If there is no answer.
    #[must_use]
    pub fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.try_call(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// One call on a connection of its own.
    ///
    /// # Errors
    /// What the socket says.
    pub fn try_call(&self, method: &str, path: &str, body: Option<Value>) -> io::Result<Answer> {
        self.call_with(method, path, &[], body)
    }

    /// One call with further headers.
    ///
    /// # Errors
    /// What the socket says.
    pub fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> io::Result<Answer> {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.call_raw(method, path, headers, &body)
    }

    /// One call whose body is any bytes.
    ///
    /// # Errors
    /// What the socket says.
    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.call_raw(method, path, &[], body)
    }

    fn call_raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let credential = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut all = vec![("Content-Type", "application/json")];
        all.extend(credential.as_ref().map(|credential| ("Authorization", credential.as_str())));
        all.extend(headers);
        Connection::open(&self.base_url)?.send(method, path, &all, body)
    }

    /// A call that must end with a status; gives its body.
    ///
    /// # Panics
    /// If it ends with another one.
    pub fn expect(&self, status: u16, method: &str, path: &str, body: Option<Value>) -> Value {
        let answer = self.call(method, path, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// A new agent that may sign, with the limits of the tests.
    #[must_use]
    pub fn agent(&self, name: &str) -> Agent {
        self.agent_with(name, limits())
    }

    /// A new agent that may sign, with guardrails of its own.
    #[must_use]
    pub fn agent_with(&self, name: &str, guardrails: Value) -> Agent {
        let agent = self.keyless_agent_with(name, guardrails);
        let key = self.expect(201, "POST", &agent.path("signing-keys"), Some(json!({"chain": "ethereum"})));
        Agent { address: key["address"].as_str().unwrap().to_owned(), ..agent }
    }

    /// A new agent without a signing key.
    #[must_use]
    pub fn keyless_agent(&self, name: &str) -> Agent {
        self.keyless_agent_with(name, limits())
    }

    /// A new agent without a signing key, with guardrails of its own.
    #[must_use]
    pub fn keyless_agent_with(&self, name: &str, guardrails: Value) -> Agent {
        let mut wanted = json!({"name": name, "intents_api_enabled": true});
        merge(&mut wanted, &guardrails);
        let created = self.expect(201, "POST", "/v1/agents", Some(wanted));
        let member = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{created}")).to_owned();
        Agent {
            id: member(&created["agent"]["id"]),
            api_key: member(&created["api_key"]),
            address: String::new(),
            base_url: self.base_url.clone(),
        }
    }

    /// Imports a signing key for an agent as the person that holds `confirm`.
    #[must_use]
    pub fn import_key(&self, agent: &Agent, confirm: &str, key_hex: &str) -> Answer {
        let path = agent.path("signing-keys/ethereum/import");
        let body = json!({"private_key": key_hex, "format": "hex"});
        self.call_with("POST", &path, &[("X-Auth-Confirm", confirm)], Some(body)).unwrap()
    }

    /// All events of the audit trail, newest first, which must be one chain.
    ///
    /// # Panics
    /// If a link is missing.
    #[must_use]
    pub fn audit_chain(&self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let path = format!("/v1/audit/events?limit=1000&offset={}", events.len());
            let page = self.expect(200, "GET", &path, None)["events"].as_array().unwrap().clone();
            if page.is_empty() {
                break;
            }
            events.extend(page);
        }
        for (event, before) in events.iter().zip(events.iter().skip(1)) {
            assert_eq!(event["prev_event_id"], before["id"], "{event}");
        }
        assert_eq!(events.last().unwrap()["prev_event_id"], Value::Null);
        events
    }

    /// The audit chain, which must be valid; gives how many events it has.
    #[must_use]
    pub fn audit_events(&self) -> u64 {
        let verified = self.expect(200, "GET", "/v1/audit/verify?limit=10000", None);
        assert_eq!(verified["chain_valid"], true, "{verified}");
        verified["events_checked"].as_u64().unwrap()
    }
}

/// An agent and what it needs to act.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its id.
    pub id: String,
    /// Its API key.
    pub api_key: String,
    /// The address of its signing key; empty without one.
    pub address: String,
    base_url: String,
}

impl Agent {
    /// A path below the agent's.
    #[must_use]
    pub fn path(&self, below: &str) -> String {
        format!("/v1/agents/{}/{below}", self.id)
    }

    /// Exchanges the agent's key for a token.
    #[must_use]
    pub fn exchange(&self) -> Answer {
        let body = json!({"api_key": self.api_key, "agent_id": self.id});
        Api::new(&self.base_url, None).call("POST", "/v1/auth/agent-token", Some(body))
    }

    /// The agent as a caller, with a fresh token.
    ///
    /// # Panics
    /// If the exchange is refused.
    #[must_use]
    pub fn log_in(&self) -> Api {
        let answer = self.exchange();
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        Api::new(&self.base_url, Some(&token))
    }

    /// Asks for a signature with a fresh token.
    #[must_use]
    pub fn sign(&self, intent: Value) -> Answer {
        self.log_in().call("POST", &self.path("transactions/sign"), Some(intent))
    }

    /// A signature that must be given: the raw transaction.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn signs(&self, intent: Value) -> String {
        let answer = self.sign(intent);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()["signed_tx"].as_str().unwrap().to_owned()
    }
}

/// An intent within the limits of [`Api::agent`], for the given nonce, worth 0.01 ether.
#[must_use]
pub fn intent(nonce: u64) -> Value {
    json!({
        "chain": "sepolia", "to": RECIPIENT, "value": "0.01", "nonce": nonce, "gas_limit": 21_000,
        "max_fee_per_gas": "2000000000", "max_priority_fee_per_gas": "1000000000",
    })
}

/// The same intent with other members.
#[must_use]
pub fn intent_with(nonce: u64, members: Value) -> Value {
    let mut intent = intent(nonce);
    merge(&mut intent, &members);
    intent
}

/// The guardrails of [`Api::agent`].
fn limits() -> Value {
    json!({
        "tx_to_allowlist": [RECIPIENT], "tx_max_value": "0.5", "tx_daily_limit": "0.8",
        "tx_allowed_chains": ["sepolia"],
    })
}

fn merge(into: &mut Value, members: &Value) {
    for (name, value) in members.as_object().unwrap() {
        into[name] = value.clone();
    }
}
