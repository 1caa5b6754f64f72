//! The journal as this guest holds it: its state and tree behind one lock, applied entry by entry.

use std::sync::{PoisonError, RwLock};

use shroud_journal::{Applied, ApplyError, Checkpoint, Entry, Hash, Origin, RowVersion, State};
use tokio::sync::watch;

/// State and tree.
pub(crate) struct Log {
    origin: Origin,
    state: RwLock<State>,
    committed: watch::Sender<u64>,
}

impl Log {
    /// The log of `origin`, standing at `state`, all of which the store holds.
    pub(crate) fn new(origin: Origin, state: State) -> Self {
        let committed = watch::Sender::new(state.size());
        Self { origin, state: RwLock::new(state), committed }
    }

    /// Waits until the store has acknowledged the entry at `sequence`.
    pub(crate) async fn committed(&self, sequence: u64) {
        let mut committed = self.committed.subscribe();
        // The sender lives as long as this; the wait ends by the commit or by its caller's deadline.
        let _ = committed.wait_for(|size| *size > sequence).await;
    }

    /// The store has acknowledged everything up to `size`.
    pub(super) fn acknowledged(&self, size: u64) {
        self.committed.send_replace(size);
    }

    /// Asks the state.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&State) -> T) -> T {
        ask(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Applies the next entry.
    pub(super) fn apply(&self, entry: &Entry) -> Result<Applied, ApplyError> {
        self.state.write().unwrap_or_else(PoisonError::into_inner).apply(entry)
    }

    /// Entries so far.
    pub(crate) fn size(&self) -> u64 {
        self.with(State::size)
    }

    /// The newest version of a row that is there.
    pub(crate) fn row(&self, table: u32, key: &str) -> Option<RowVersion> {
        self.with(|state| state.row(table, key))
    }

    /// The checkpoint to sign for what was applied so far.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        self.with(|state| Checkpoint {
            origin: self.origin.clone(),
            size: state.size(),
            root: state.tree().root(),
            term: state.term(),
        })
    }

    /// The proof that the journal of `new` entries extends the one of `old`; `None` if there are no such journals.
    pub(crate) fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        self.with(|state| state.tree().consistency(old, new))
    }

    /// The log's origin.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }
}
