//! The audit trail: events from the journal, the chain verified, and a proof for each entry that needs no trust in us.

mod verify;
mod window;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shroud_journal::Entry;
use uuid::Uuid;

use super::{Line, Reply, Request, route};
use crate::api::problem::Problem;
use crate::enclave::{Enclave, Unsealed};
use crate::history::chain::{Link, named};
use crate::history::{CHUNK, HistoryError};
use crate::instant;
use window::Times;

/// Entries that one answer may show.
const SHOWN: usize = 1000;

pub(super) const ROUTES: [Line; 3] = [
    route!(GET "/v1/audit/events" Human events),
    route!(GET "/v1/audit/verify" Human verify::verify),
    route!(GET "/v1/shroud/audit/proof/{event_id}" Human proof),
];

/// What a query asks for; `None` is anything.
struct Filter {
    action: Option<String>,
    actor: Option<String>,
    resource: Option<String>,
}

impl Filter {
    fn read(request: &Request) -> Result<Self, Problem> {
        Ok(Self {
            action: request.call.query("action")?,
            actor: request.call.query("actor_id")?,
            resource: request.call.query("resource_id")?,
        })
    }

    fn matches(&self, entry: &Entry) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&self.action, entry.kind.name())
            && is(&self.actor, named(&entry.actor).1)
            && is(&self.resource, named(&entry.subject).1)
    }
}

/// An event's place in the contract's chain: the event before, and its own hash.
type Place = (Option<Link>, Link);

async fn events(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let filter = Filter::read(request)?;
    let (limit, offset) =
        (request.call.number("limit", 100, SHOWN)?, request.call.number("offset", 0, usize::MAX)?);
    let window = Times::read(request)?.window(enclave).await?;
    let (mut to, mut passed, mut found) = (window.end, 0, Vec::new());
    while to > window.start && found.len() < limit {
        let page = (to - 1) / CHUNK * CHUNK;
        let entries = enclave.history.between(page, to).await?;
        let mut places = places(enclave, page, &entries).await?;
        for entry in entries.iter().rev().take_while(|entry| entry.sequence >= window.start) {
            let place = places.pop();
            if !filter.matches(entry) || found.len() == limit {
                continue;
            }
            passed += 1;
            if passed > offset {
                found.push(event(enclave, entry, place)?);
            }
        }
        to = page;
    }
    Reply::read(&json!({ "count": found.len(), "events": found }))
}

/// The places of a page's entries; none where an entry before them cannot be read back, which is no reason to hide them.
async fn places(
    enclave: &Enclave<Unsealed>,
    page: u64,
    entries: &[Entry],
) -> Result<Vec<Place>, HistoryError> {
    let mut before = match enclave.chain.before(&enclave.history, page).await {
        Ok(before) => before,
        Err(HistoryError::Store(error)) => return Err(error.into()),
        Err(error) => {
            tracing::error!(%error, "the audit chain cannot be computed");
            return Ok(Vec::new());
        }
    };
    let links = enclave.chain.links(before, entries);
    Ok(links.into_iter().map(|link| (before.replace(link), link)).collect())
}

fn event(enclave: &Enclave<Unsealed>, entry: &Entry, place: Option<Place>) -> Result<Value, Problem> {
    let details: Value = serde_json::from_slice(&entry.details).map_err(|_| Problem::internal())?;
    let ((actor_type, actor_id), (resource_type, resource_id)) = (named(&entry.actor), named(&entry.subject));
    let previous = place.and_then(|(previous, _)| previous);
    Ok(json!({
        "id": Uuid::from_bytes(entry.id), "org_id": enclave.configuration.org_id, "action": entry.kind.name(),
        "actor_type": actor_type, "actor_id": actor_id, "resource_type": resource_type, "resource_id": resource_id,
        "details": details, "created_at": instant::rfc3339(entry.time), "sequence": entry.sequence,
        "policy_digest": entry.policy_digest.map(hex::encode),
        "prev_event_id": previous.map(|link| Uuid::from_bytes(link.event)),
        "integrity_hash": place.map(|(_, link)| hex::encode(link.hash)),
        "journal_hash": hex::encode(entry.chain_hash()),
    }))
}

/// One entry with its inclusion in the newest cosigned checkpoint.
async fn proof(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let missing = || Problem::not_found("no event has this id");
    let id: Uuid = request.parameter("event_id").parse().map_err(|_| missing())?;
    enclave.settled().await?;
    let cosigned = enclave
        .ledger
        .anchor()
        .newest()
        .ok_or_else(|| Problem::unavailable("quorum", "nothing is cosigned yet"))?;
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
        let from = to.saturating_sub(CHUNK);
        let entries = enclave.history.between(from, to).await?;
        if let Some(entry) = entries.iter().find(|entry| entry.id == *id.as_bytes()) {
            let path = enclave.ledger.log().with(|state| state.tree().inclusion(entry.sequence, size));
            let path: Vec<String> =
                path.ok_or_else(missing)?.iter().map(|hash| BASE64_STANDARD.encode(hash)).collect();
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
