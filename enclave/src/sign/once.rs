//! Idempotency keys: a request that is sent again under its key gets the recorded answer, and no second signature.
//!
//! ```text
//! key ─ claimed? ─ 409 still running
//!       └ remembered? ─ no, or 24 h ago ─► Fresh ─► the row joins the journal in the signature's own entry
//!                     ├ same request ────► the recorded transaction
//!                     └ another request ─► 409
//! ```
//!
//! A key is one agent's; the store never sees it, the enclave keeps its SHA-256. The row is guarded: of two requests that
//! both found nothing only one can join. A denial writes no row, so its key is free again. Twenty-four hours are counted
//! by the lowest time of a quorum, so no host can make the enclave forget early.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use shroud_policy::counter::DAY;
use uuid::Uuid;

use crate::api::problem::Problem;
use crate::configuration::sha256;
use crate::enclave::{Enclave, Unsealed};
use crate::ledger::Draft;
use crate::records::{Idempotency, Transaction};

/// Keys that may be running at once.
const RUNNING: usize = 16_384;
/// The longest key, bytes.
const LONGEST: usize = 255;

/// Keys whose request is being decided.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashSet<String>>);

/// One request's hold on its key; given back when dropped.
struct Claim<'a> {
    running: &'a Running,
    row: String,
}

impl Running {
    fn claim(&self, row: String) -> Result<Claim<'_>, Problem> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.contains(&row) {
            return Err(Problem::conflict("a request with this Idempotency-Key is still running; ask again"));
        }
        if running.len() >= RUNNING {
            return Err(Problem::unavailable(
                "busy",
                "too many requests with an Idempotency-Key are running",
            ));
        }
        running.insert(row.clone());
        Ok(Claim { running: self, row })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.row);
    }
}

/// What is known under a key.
pub(crate) enum Once<'a> {
    /// Nothing, or nothing any more; the key is held for this request.
    Fresh(Fresh<'a>),
    /// The same request was answered with this.
    Finished(Box<Transaction>),
}

/// A key that is held for one request.
pub(crate) struct Fresh<'a> {
    claim: Claim<'a>,
    version: Option<u64>,
    request: String,
}

impl Fresh<'_> {
    /// Has the outcome remembered by the entry that records it, unless another one was remembered meanwhile.
    pub(super) fn remember(
        &self,
        draft: Draft,
        transaction: Uuid,
        now: u64,
    ) -> Result<Draft, serde_json::Error> {
        let row = Idempotency {
            request_sha256: self.request.clone(),
            transaction_id: transaction,
            created_at: now,
        };
        draft
            .unchanged::<Idempotency>(self.claim.row.clone(), self.version, "the Idempotency-Key")
            .put(self.claim.row.clone(), &row)
    }
}

/// What is known of a request under an agent's key.
///
/// # Errors
/// 400 for a key that is none; 409 while its first request is running, or if that was another request.
pub(crate) async fn once<'a>(
    enclave: &'a Enclave<Unsealed>,
    agent: Uuid,
    key: &[u8],
    body: &[u8],
) -> Result<Once<'a>, Problem> {
    if key.is_empty() || key.len() > LONGEST {
        return Err(Problem::bad_request(format!(
            "Idempotency-Key: expected 1 to {LONGEST} bytes, found {}",
            key.len()
        )));
    }
    let request = request(body)?;
    let claim = enclave.running.claim(Idempotency::key(agent, &sha256(key)))?;
    let Some(row) = enclave.rows.load::<Idempotency>(&claim.row).await? else {
        return Ok(Once::Fresh(Fresh { claim, version: None, request }));
    };
    let known = row.value();
    if forgotten(known.created_at, enclave.clock.windows()) {
        return Ok(Once::Fresh(Fresh { claim, version: Some(row.version()), request }));
    }
    if known.request_sha256 != request {
        return Err(Problem::conflict("this Idempotency-Key stands for another request; nothing was done"));
    }
    let transaction =
        enclave.rows.load::<Transaction>(&Transaction::key(agent, known.transaction_id)).await?;
    Ok(Once::Finished(Box::new(transaction.ok_or_else(Problem::internal)?.value().clone())))
}

fn forgotten(created_at: u64, windows: u64) -> bool {
    windows >= created_at.saturating_add(DAY)
}

/// The digest of what a body says, whatever the order of its members and the space between them.
fn request(body: &[u8]) -> Result<String, Problem> {
    let wrong = |error: serde_json::Error| Problem::bad_request(format!("the body: {error}"));
    let value: Value = serde_json::from_slice(body).map_err(wrong)?;
    Ok(hex::encode(sha256(&serde_json::to_vec(&value)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_held_by_one_request_until_it_ends() {
        let running = Running::default();
        let claim = running.claim("a".to_owned()).unwrap();
        assert_eq!(running.claim("a".to_owned()).map(drop).unwrap_err().status, hyper::StatusCode::CONFLICT);
        assert!(running.claim("b".to_owned()).is_ok());
        drop(claim);
        assert!(running.claim("a".to_owned()).is_ok());
    }

    #[test]
    fn running_keys_are_bounded() {
        let running = Running::default();
        let claims: Vec<_> = (0..RUNNING).map(|n| running.claim(n.to_string()).unwrap()).collect();
        let full = running.claim("one more".to_owned()).map(drop).unwrap_err();
        assert_eq!(full.status, hyper::StatusCode::SERVICE_UNAVAILABLE);
        drop(claims);
        assert!(running.claim("one more".to_owned()).is_ok());
    }

    #[test]
    fn a_key_is_remembered_for_a_day_to_the_second() {
        assert!(!forgotten(1000, 0));
        assert!(!forgotten(1000, 1000 + DAY - 1));
        assert!(forgotten(1000, 1000 + DAY));
    }

    #[test]
    fn a_request_is_what_it_says_and_not_how_it_is_spaced() {
        let one = request(br#"{"to":"0x01","value":"1"}"#).unwrap();
        assert_eq!(request(b"{ \"value\": \"1\",\n\"to\": \"0x01\" }").unwrap(), one);
        assert_ne!(request(br#"{"to":"0x01","value":"1.0"}"#).unwrap(), one);
        assert_ne!(request(br#"{"to":"0x01","value":"1","nonce":1}"#).unwrap(), one);
    }
}
