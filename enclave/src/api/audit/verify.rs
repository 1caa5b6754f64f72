//! The chain verified: each entry opens in its place, is the leaf that the witnesses cosigned, and names the one before.

use serde_json::{Value, json};
use uuid::Uuid;

use super::window::Times;
use crate::api::problem::Problem;
use crate::api::{Reply, Request};
use crate::enclave::{Enclave, Unsealed};
use crate::history::HistoryError;

/// Entries that one verification may cover.
const VERIFIED: usize = 10_000;

/// How far a verification came.
#[derive(Default)]
struct Verified {
    checked: u64,
    verified: u64,
    broken: Option<Broken>,
}

/// The first entry that is not what it should be.
struct Broken {
    /// Its id; an entry that does not open has none that could be read, and its sequence stands in the id's place.
    event: Uuid,
    sequence: u64,
}

impl Broken {
    fn unread(sequence: u64) -> Self {
        Self { event: Uuid::from_u128(u128::from(sequence)), sequence }
    }
}

pub(super) async fn verify(enclave: &Enclave<Unsealed>, request: &Request) -> Result<Reply, Problem> {
    let limit = request.call.number("limit", 1000, VERIFIED)? as u64;
    let times = Times::read(request)?;
    let mut found = Verified::default();
    if let Err(error) = walk(enclave, &times, limit, &mut found).await {
        let Some(sequence) = error.sequence() else { return Err(error.into()) };
        found.checked += 1;
        found.broken = Some(Broken::unread(sequence));
    }
    Reply::read(&json!({
        "chain_valid": found.broken.is_none(), "events_verified": found.verified, "events_checked": found.checked,
        "broken_at_event_id": found.broken.as_ref().map(|broken| broken.event),
        "broken_at_sequence": found.broken.as_ref().map(|broken| broken.sequence),
        "scheme": scheme(),
    }))
}

/// The newest `limit` entries of the time, in order, until one is broken.
async fn walk(
    enclave: &Enclave<Unsealed>,
    times: &Times,
    limit: u64,
    found: &mut Verified,
) -> Result<(), HistoryError> {
    let window = times.window(enclave).await?;
    let mut next = window.start.max(window.end.saturating_sub(limit));
    let mut previous = None;
    while next < window.end {
        for entry in enclave.history.read(next, window.end).await? {
            next += 1;
            found.checked += 1;
            if previous.is_some_and(|hash| hash != entry.previous) {
                found.broken = Some(Broken { event: Uuid::from_bytes(entry.id), sequence: entry.sequence });
                return Ok(());
            }
            found.verified += 1;
            previous = Some(entry.chain_hash());
        }
    }
    Ok(())
}

fn scheme() -> Value {
    json!({
        "algorithm": "HMAC-SHA256",
        "chain_structure": "HMAC-SHA256(key, JSON [previous hash or \"\", org_id, actor_type, actor_id, action, details as text, created_at])",
        "hash_field": "integrity_hash", "link_field": "prev_event_id", "genesis_prev_hash": "",
        "documentation": "https://c2sp.org/tlog-checkpoint",
        "journal": "the chain is computed from the journal when it is read; verified here is the journal itself: \
            SHA-256(previous || SHA-256(0x00 || entry)) in journal_hash, an RFC 6962 tree, cosigned checkpoints",
    })
}
