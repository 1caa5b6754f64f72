//! The contract's audit chain, computed from the journal whenever it is read, and stored nowhere.
//!
//! ```text
//! integrity_hash = hex HMAC-SHA256(audit key, [previous hash or "", org, actor type, actor id, action, details as text, time])
//! prev_event_id  = the event before, null for the first
//! ```
//!
//! The array is compact JSON; times are RFC 3339. What makes the journal unchangeable is its own tree and the witnesses
//! that cosign it; this chain says the same in the form that clients of the contract know. The chain at every 256th
//! entry is kept in memory once it was computed, so that a page costs one page.

use aws_lc_rs::hmac;
use serde_json::json;
use shroud_journal::Entry;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{CHUNK, History, HistoryError};
use crate::instant;

/// One event's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The event's id.
    pub(crate) event: [u8; 16],
    /// Its `integrity_hash`.
    pub(crate) hash: [u8; 32],
}

/// The chain under one deployment's audit key.
pub(crate) struct Chain {
    key: hmac::Key,
    org: Uuid,
    /// The links of entries 255, 511, 767 and so on, as far as they were computed.
    kept: Mutex<Vec<Link>>,
}

impl Chain {
    /// The chain of `org` under its audit key.
    pub(crate) fn new(key: &[u8; 32], org: Uuid) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), org, kept: Mutex::default() }
    }

    /// The link of the event that follows `previous`.
    pub(crate) fn link(&self, previous: Option<&Link>, entry: &Entry) -> Link {
        let previous = previous.map(|link| hex::encode(link.hash)).unwrap_or_default();
        let (actor_type, actor_id) = named(&entry.actor);
        let details = String::from_utf8_lossy(&entry.details);
        let time = instant::rfc3339(entry.time);
        let line =
            json!([previous, self.org, actor_type, actor_id, entry.kind.name(), details, time]).to_string();
        let mut hash = [0; 32];
        hash.iter_mut()
            .zip(hmac::sign(&self.key, line.as_bytes()).as_ref())
            .for_each(|(to, from)| *to = *from);
        Link { event: entry.id, hash }
    }

    /// The links of consecutive entries, the first of which follows `previous`.
    pub(crate) fn links(&self, previous: Option<Link>, entries: &[Entry]) -> Vec<Link> {
        let mut last = previous;
        let next = |entry| *last.insert(self.link(last.as_ref(), entry));
        entries.iter().map(next).collect()
    }

    /// The link before the page of 256 entries that holds `sequence`; `None` before the first page.
    pub(crate) async fn before(
        &self,
        history: &History,
        sequence: u64,
    ) -> Result<Option<Link>, HistoryError> {
        let page = sequence / CHUNK;
        let mut kept = self.kept.lock().await;
        loop {
            let known = kept.len() as u64;
            if known >= page {
                let last = page.checked_sub(1).and_then(|index| usize::try_from(index).ok());
                return Ok(last.and_then(|index| kept.get(index).copied()));
            }
            let entries = history.between(known * CHUNK, (known + 1) * CHUNK).await?;
            let links = self.links(kept.last().copied(), &entries);
            kept.extend(links.last());
        }
    }
}

/// `type:id` in two parts.
pub(crate) fn named(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or((name, name))
}

#[cfg(test)]
mod tests {
    use shroud_journal::Kind;

    use super::*;

    fn entry(sequence: u64, actor: &str, details: &str) -> Entry {
        Entry {
            sequence,
            previous: [0; 32],
            time: 1_800_000_000 + sequence,
            term: 1,
            kind: Kind::AgentCreate,
            id: [u8::try_from(sequence).unwrap(); 16],
            actor: actor.to_owned(),
            subject: "agent:b".to_owned(),
            policy_digest: None,
            rows: Vec::new(),
            spends: Vec::new(),
            details: details.as_bytes().to_vec(),
            blinding: [7; 32],
        }
    }

    fn chain() -> Chain {
        Chain::new(&[1; 32], Uuid::from_bytes([2; 16]))
    }

    #[test]
    fn hashes_are_those_that_another_implementation_computes() {
        let entries = [entry(0, "user:a", r#"{"name":"é \"q\""}"#), entry(1, "enclave", "{}")];
        let links = chain().links(None, &entries);
        let hashes: Vec<String> = links.iter().map(|link| hex::encode(link.hash)).collect();
        assert_eq!(hashes, [FIRST, SECOND]);
        assert_eq!(links[1].event, [1; 16]);
    }

    /// From Python's `hmac` and `json.dumps(…, separators=(",", ":"), ensure_ascii=False)`.
    const FIRST: &str = "cc5b42eff7ae379b806c3e99120c73b4b02d2f487a372021af439ac9462ec132";
    const SECOND: &str = "c18d49102702b23287ed3fed2dd2030096fdb02d4eb8b6e89935402f83049c6b";

    #[test]
    fn each_part_of_an_event_and_its_place_change_the_hash() {
        let base = chain().link(None, &entry(0, "user:a", "{}"));
        let after = chain().link(Some(&base), &entry(0, "user:a", "{}"));
        let changed = [
            entry(0, "agent:a", "{}"),
            entry(0, "user:b", "{}"),
            entry(0, "user:a", "[]"),
            entry(1, "user:a", "{}"),
            Entry { kind: Kind::AgentDelete, ..entry(0, "user:a", "{}") },
        ];
        for other in &changed {
            assert_ne!(chain().link(None, other).hash, base.hash);
        }
        assert_ne!(after.hash, base.hash);
        assert_ne!(
            Chain::new(&[3; 32], Uuid::from_bytes([2; 16])).link(None, &entry(0, "user:a", "{}")).hash,
            base.hash
        );
    }
}
