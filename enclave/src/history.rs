//! Entries read back from the store: opened in their place and compared, leaf by leaf, with the tree that was cosigned.

pub(crate) mod chain;

use std::sync::Arc;

use shroud_custody::UnsealError;
use shroud_journal::{Entry, EntryError, entry};

use crate::ledger::{Log, Sealing};
use crate::store::{Store, StoreError};

/// Entries asked for at once, and of one page.
pub(crate) const CHUNK: u64 = 256;

/// Why an entry is not at hand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store left an entry out.
    #[error("entry_withheld: {0}")]
    Withheld(u64),
    /// The body does not open in its place.
    #[error("entry_altered: {0}: {1}")]
    Sealed(u64, UnsealError),
    /// The body is no entry.
    #[error("entry_altered: {0}: {1}")]
    Body(u64, EntryError),
    /// It is not the entry that the tree holds.
    #[error("entry_altered: {0} is not what the journal holds")]
    Leaf(u64),
}

impl HistoryError {
    /// The sequence of the entry that is not what it should be.
    pub(crate) fn sequence(&self) -> Option<u64> {
        match self {
            Self::Store(_) => None,
            Self::Withheld(sequence)
            | Self::Sealed(sequence, _)
            | Self::Body(sequence, _)
            | Self::Leaf(sequence) => Some(*sequence),
        }
    }
}

/// The journal's entries.
pub(crate) struct History {
    store: Arc<Store>,
    log: Arc<Log>,
    sealing: Arc<Sealing>,
}

impl History {
    /// Over the store, judged by the log.
    pub(crate) fn new(store: Arc<Store>, log: Arc<Log>, sealing: Arc<Sealing>) -> Self {
        Self { store, log, sealing }
    }

    /// The key that signs checkpoints.
    pub(crate) fn journal_key(&self) -> [u8; 32] {
        self.sealing.journal_public()
    }

    /// Entries `from..to`, in order, as many as one answer holds and as stand before one that is not what it should be.
    pub(crate) async fn read(&self, from: u64, to: u64) -> Result<Vec<Entry>, HistoryError> {
        let wanted = to.saturating_sub(from).min(CHUNK);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        self.log.committed(from + wanted - 1).await;
        let records = self.store.entries(from, u32::try_from(wanted).unwrap_or(u32::MAX)).await?;
        let mut entries = Vec::new();
        for (record, sequence) in records.into_iter().zip(from..to) {
            let found = (record.sequence == sequence).then_some(record.sealed);
            match found
                .ok_or(HistoryError::Withheld(sequence))
                .and_then(|sealed| self.open(sequence, &sealed))
            {
                Ok(entry) => entries.push(entry),
                Err(error) if entries.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        if entries.is_empty() { Err(HistoryError::Withheld(from)) } else { Ok(entries) }
    }

    /// Entries `from..to`, all of them, in order.
    pub(crate) async fn between(&self, from: u64, to: u64) -> Result<Vec<Entry>, HistoryError> {
        let mut entries = Vec::new();
        let mut next = from;
        while next < to {
            let read = self.read(next, to).await?;
            next += read.len() as u64;
            entries.extend(read);
        }
        Ok(entries)
    }

    fn open(&self, sequence: u64, sealed: &[u8]) -> Result<Entry, HistoryError> {
        let context = self.sealing.entry_context(sequence);
        let bytes =
            self.sealing.state_key().open(&context, sealed).map_err(|e| HistoryError::Sealed(sequence, e))?;
        let leaf = entry::leaf_hash(&bytes);
        if self.log.with(|state| state.tree().leaf(sequence)) != Some(leaf) {
            return Err(HistoryError::Leaf(sequence));
        }
        Entry::parse(&bytes).map_err(|error| HistoryError::Body(sequence, error))
    }
}
