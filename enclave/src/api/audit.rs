//! The audit trail: events from the journal, the chain verified, and a proof for each entry that needs no trust in us.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shroud_journal::Entry;
use uuid::Uuid;

use super::{Line, Reply, Request, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::history::HistoryError;
use crate::instant;

/// Entries that one answer may show.
const SHOWN: usize = 1000;
/// Entries that one verification may cover.
const VERIFIED: usize = 10_000;

pub(super) const ROUTES: [Line; 3] = [
    route!(GET "/v1/audit/events" Human events),
    route!(GET "/v1/audit/verify" Human verify),
    route!(GET "/v1/shroud/audit/proof/{event_id}" Human proof),
];

/// What a query asks for; `None` is anything.
struct Filter {
    action: Option<String>,
    actor: Option<String>,
    resource: Option<String>,
    from: Option<u64>,
    to: Option<u64>,
}

impl Filter {
    fn read(request: &Request) -> Result<Self, Problem> {
        let time = |name: &str| -> Result<Option<u64>, Problem> {
            let Some(text) = request.call.query(name)? else { return Ok(None) };
            let wrong = || Problem::bad_request(format!("{name}: expected a time as in RFC 3339, found {text:?}"));
            instant::parse(&text).map(Some).ok_or_else(wrong)
        };
        Ok(Self {
            action: request.call.query("action")?,
            actor: request.call.query("actor_id")?,
            resource: request.call.query("resource_id")?,
            from: time("from")?,
            to: time("to")?,
        })
    }

    fn matches(&self, entry: &Entry) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.action, entry.kind.name())
            && is(&self.actor, split(&entry.actor).1)
            && is(&self.resource, split(&entry.subject).1)
            && self.from.is_none_or(|from| entry.time >= from)
            && self.to.is_none_or(|to| entry.time <= to)
    }
}

async fn events(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let filter = Filter::read(request)?;
    let (limit, offset) = (request.call.number("limit", 100, SHOWN)?, request.call.number("offset", 0, usize::MAX)?);
    let (mut to, mut passed, mut found) = (enclave.ledger.log().size(), 0, Vec::new());
    while to > 0 && found.len() < limit {
        let from = to.saturating_sub(256);
        let entries = between(enclave, from, to).await?;
        for entry in entries.iter().rev().filter(|entry| filter.matches(entry)) {
            passed += 1;
            if passed > offset && found.len() < limit {
                found.push(event(enclave, entry)?);
            }
        }
        to = from;
    }
    Reply::read(&json!({ "count": found.len(), "events": found }))
}

async fn between(enclave: &Enclave<Unsealed>, from: u64, to: u64) -> Result<Vec<Entry>, HistoryError> {
    let mut entries = Vec::new();
    let mut next = from;
    while next < to {
        let read = enclave.history.read(next, to).await?;
        next += read.len() as u64;
        entries.extend(read);
    }
    Ok(entries)
}

fn event(enclave: &Enclave<Unsealed>, entry: &Entry) -> Result<Value, Problem> {
    let details: Value = serde_json::from_slice(&entry.details).map_err(|_| Problem::internal())?;
    let ((actor_type, actor_id), (resource_type, resource_id)) = (split(&entry.actor), split(&entry.subject));
    Ok(json!({
        "id": Uuid::from_bytes(entry.id), "org_id": enclave.configuration.org_id, "action": entry.kind.name(),
        "actor_type": actor_type, "actor_id": actor_id, "resource_type": resource_type, "resource_id": resource_id,
        "details": details, "created_at": instant::rfc3339(entry.time), "sequence": entry.sequence,
        "policy_digest": entry.policy_digest.map(hex::encode), "integrity_hash": hex::encode(entry.chain_hash()),
    }))
}

fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or((name, name))
}

async fn verify(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let limit = request.call.number("limit", 1000, VERIFIED)?;
    let filter = Filter::read(request)?;
    let size = enclave.ledger.log().size();
    let start = size.saturating_sub(limit as u64);
    let (mut next, mut checked, mut verified, mut broken) = (start, 0_u64, 0_u64, None);
    let mut previous = None;
    while next < size && broken.is_none() {
        match enclave.history.read(next, size).await {
            Ok(entries) => {
                for entry in &entries {
                    let linked = previous.is_none_or(|hash| hash == entry.previous);
                    previous = Some(entry.chain_hash());
                    next += 1;
                    if !filter.matches(entry) {
                        continue;
                    }
                    checked += 1;
                    if linked {
                        verified += 1;
                    } else {
                        broken = Some(Uuid::from_bytes(entry.id));
                        break;
                    }
                }
            }
            Err(HistoryError::Store(error)) => return Err(HistoryError::Store(error).into()),
            Err(error) => {
                checked += 1;
                broken = Some(Uuid::from_u128(u128::from(error.sequence().unwrap_or_default())));
            }
        }
    }
    Reply::read(&json!({
        "chain_valid": broken.is_none(), "events_verified": verified, "events_checked": checked,
        "broken_at_event_id": broken,
        "scheme": {
            "algorithm": "SHA-256",
            "chain_structure": "SHA-256(previous || SHA-256(0x00 || entry)), RFC 6962 tree, cosigned checkpoints",
            "hash_field": "integrity_hash", "link_field": "previous", "genesis_prev_hash": "00".repeat(32),
            "documentation": "https://c2sp.org/tlog-checkpoint",
        },
    }))
}

/// One entry with its inclusion in the newest cosigned checkpoint.
async fn proof(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let missing = || Problem::not_found("no event has this id");
    let id: Uuid = request.parameter("event_id").parse().map_err(|_| missing())?;
    enclave.settled().await?;
    let cosigned = enclave.ledger.anchor().newest().ok_or_else(|| Problem::unavailable("quorum", "nothing is cosigned yet"))?;
    let size = cosigned.checkpoint().size;
    let witnesses: Vec<Value> = enclave
        .ledger
        .anchor()
        .witnesses()
        .into_iter()
        .map(|(name, key)| json!({ "name": name, "ed25519": hex::encode(key) }))
        .collect();
    let mut to = size;
    while to > 0 {
        let from = to.saturating_sub(256);
        let entries = between(enclave, from, to).await?;
        if let Some(entry) = entries.iter().find(|entry| entry.id == *id.as_bytes()) {
            let path = enclave.ledger.log().with(|state| state.tree().inclusion(entry.sequence, size));
            let path: Vec<String> = path.ok_or_else(missing)?.iter().map(|hash| BASE64_STANDARD.encode(hash)).collect();
            return Reply::read(&json!({
                "entry": BASE64_STANDARD.encode(entry.to_bytes()), "leaf_index": entry.sequence, "tree_size": size,
                "inclusion": path, "checkpoint": String::from_utf8_lossy(&cosigned.to_bytes()),
                "journal_key": hex::encode(enclave.history.journal_key()), "witnesses": witnesses,
            }));
        }
        to = from;
    }
    Err(missing())
}
