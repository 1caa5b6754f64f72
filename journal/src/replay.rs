//! Replay: entries from the store, each checked, become a state that the journal key's newest checkpoint vouches for.
//!
//! The bytes come out of sealed bodies, so their content is the journal's own; that none is missing, doubled, out of order or
//! from another fork is what is checked here.

use crate::checkpoint::SignedCheckpoint;
use crate::entry::{Entry, EntryError};
use crate::state::{ApplyError, State};

/// A state on its way.
#[derive(Debug, Default)]
pub struct Replay {
    state: State,
}

/// Why the store's entries are not the journal.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReplayError {
    /// An entry's bytes are none.
    #[error("entry {sequence}: {error}")]
    Entry {
        /// Where.
        sequence: u64,
        /// Why.
        #[source]
        error: EntryError,
    },
    /// An entry does not follow the ones before.
    #[error("entry {sequence}: {error}")]
    Apply {
        /// Where.
        sequence: u64,
        /// Why.
        #[source]
        error: ApplyError,
    },
    /// The entries are not those of the checkpoint.
    #[error("{found} entries where the checkpoint has {expected}")]
    Size {
        /// The checkpoint's size.
        expected: u64,
        /// How many were replayed.
        found: u64,
    },
    /// The entries do not hash to the checkpoint's root.
    #[error("the entries do not hash to the root of the checkpoint at {0}")]
    Root(u64),
    /// The checkpoint carries another term than the entries.
    #[error("term {found} where the checkpoint has {expected}")]
    Term {
        /// The checkpoint's term.
        expected: u64,
        /// The entries' term.
        found: u64,
    },
}

impl Replay {
    /// Starts at the first entry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The sequence that comes next.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.state.size()
    }

    /// Takes the canonical bytes of the next entry, and gives the entry.
    ///
    /// # Errors
    /// [`ReplayError::Entry`], [`ReplayError::Apply`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Entry, ReplayError> {
        let sequence = self.next();
        let entry = Entry::parse(bytes).map_err(|error| ReplayError::Entry { sequence, error })?;
        let applied = self.state.apply_parsed(&entry, bytes);
        applied.map_err(|error| ReplayError::Apply { sequence, error })?;
        Ok(entry)
    }

    /// Ends the replay: the entries are exactly those of the journal key's checkpoint, which the store gave with them.
    ///
    /// # Errors
    /// [`ReplayError::Size`], [`ReplayError::Root`], [`ReplayError::Term`].
    pub fn finish(self, checkpoint: &SignedCheckpoint) -> Result<State, ReplayError> {
        let checkpoint = checkpoint.checkpoint();
        let (expected, found) = (checkpoint.size, self.state.size());
        if expected != found {
            return Err(ReplayError::Size { expected, found });
        }
        if self.state.tree().root() != checkpoint.root {
            return Err(ReplayError::Root(found));
        }
        let (expected, found) = (checkpoint.term, self.state.term());
        if expected != found {
            return Err(ReplayError::Term { expected, found });
        }
        Ok(self.state)
    }
}

#[cfg(test)]
mod tests;
