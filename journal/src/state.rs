//! What the entries add up to: newest rows and tombstones, spend windows, head, term, time.
//!
//! ```text
//! Entry ─ in order? ─ in term? ─ in time? ─ rows one version up? ─ spends without overflow? ─► applied, or nothing changed
//! ```
//!
//! - The first entry is `genesis`, in term 0; a `boot` entry has the term before plus one; every other entry the term.
//! - Applying is the only way to spend: an intent takes its budget by joining the journal, and what is not applied was
//!   never taken. Whoever gathers a batch applies each entry as it joins; a batch that can never commit takes the whole
//!   state with it, because its writer steps down and replays.
//! - Trusted: that entries come from their sealed bodies. The order, chain, term, versions and sums are checked here.

mod rows;
mod windows;

pub use rows::{FreshRow, RowError, RowVersion};
pub use windows::{DAY, LATENESS, SpendError, Spent};

use ruint::aliases::U256;
use shroud_wire::store::{Row, RowKey};

use crate::entry::{self, Entry, EntryError};
use crate::hash::Hash;
use crate::kind::Kind;
use crate::tree::Tree;
use rows::Rows;
use windows::Windows;

/// What a journal's entries add up to.
#[derive(Clone, Debug, Default)]
pub struct State {
    head: Hash,
    term: u64,
    time: u64,
    genesis: Option<Hash>,
    tree: Tree,
    rows: Rows,
    windows: Windows,
}

/// What the next entry must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its sequence.
    pub sequence: u64,
    /// Its `previous`.
    pub previous: Hash,
    /// Its term; a `boot` entry has one more.
    pub term: u64,
    /// The lowest time that it may carry.
    pub time: u64,
}

/// An entry was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The entry's sequence.
    pub sequence: u64,
    /// The entry's canonical bytes: what is sealed for the store.
    pub bytes: Vec<u8>,
    /// Its leaf hash.
    pub leaf: Hash,
    /// The head after it.
    pub head: Hash,
}

/// Why an entry cannot be applied. The state is as it was.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ApplyError {
    /// The entry breaks its own rules.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The sequence has a gap or goes back.
    #[error("entry {found} where {expected} was expected")]
    Sequence {
        /// The next sequence.
        expected: u64,
        /// The entry's.
        found: u64,
    },
    /// The entry does not extend the head.
    #[error("entry {0} does not extend the head")]
    Previous(u64),
    /// A journal begins with `genesis`, which stands nowhere else.
    #[error("entry {0} is a genesis where none may be, or none where one must be")]
    Genesis(u64),
    /// The term is not the one that the entry's kind must have.
    #[error("entry of term {found} where {expected} was expected")]
    Term {
        /// What it must be.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// Time runs backwards.
    #[error("clock_backwards: an entry of {found} after one of {known}")]
    Time {
        /// The newest entry's time.
        known: u64,
        /// The entry's.
        found: u64,
    },
    /// A row is not one version above its newest.
    #[error("row {key:?} goes to version {found}, expected {expected}")]
    RowVersion {
        /// The row's key.
        key: String,
        /// One above its newest.
        expected: u64,
        /// The entry's.
        found: u64,
    },
    /// A row is removed that is not there.
    #[error("row {0:?} is removed, but is not there")]
    RowAbsent(String),
    /// A sum leaves 256 bits.
    #[error(transparent)]
    Spend(#[from] SpendError),
}

impl State {
    /// The state of an empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies the next entry, or changes nothing.
    ///
    /// # Errors
    /// Every [`ApplyError`].
    pub fn apply(&mut self, entry: &Entry) -> Result<Applied, ApplyError> {
        if let Some(fault) = entry.fault() {
            return Err(fault.into());
        }
        let bytes = entry.to_bytes();
        if bytes.len() > entry::LENGTH {
            return Err(EntryError::TooLong(bytes.len()).into());
        }
        let (leaf, head) = self.apply_parsed(entry, &bytes)?;
        Ok(Applied { sequence: entry.sequence, bytes, leaf, head })
    }

    /// Applies an entry whose bytes are known to be its canonical ones.
    pub(crate) fn apply_parsed(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(Hash, Hash), ApplyError> {
        self.in_place(entry)?;
        self.rows.fits(&entry.rows)?;
        self.windows.fits(entry)?;
        let leaf = entry::leaf_hash(bytes);
        self.head = entry::chain_hash(&entry.previous, &leaf);
        (self.term, self.time) = (entry.term, entry.time);
        self.genesis.get_or_insert(self.head);
        self.tree.append(leaf);
        self.rows.write(entry.sequence, &entry.rows);
        self.windows.spend(entry);
        Ok((leaf, self.head))
    }

    fn in_place(&self, entry: &Entry) -> Result<(), ApplyError> {
        let next = self.next();
        if entry.sequence != next.sequence {
            return Err(ApplyError::Sequence { expected: next.sequence, found: entry.sequence });
        }
        if entry.previous != next.previous {
            return Err(ApplyError::Previous(entry.sequence));
        }
        if (entry.sequence == 0) != (entry.kind == Kind::Genesis) {
            return Err(ApplyError::Genesis(entry.sequence));
        }
        let expected = next.term + u64::from(entry.kind == Kind::Boot);
        if entry.term != expected {
            return Err(ApplyError::Term { expected, found: entry.term });
        }
        if entry.time < self.time {
            return Err(ApplyError::Time { known: self.time, found: entry.time });
        }
        Ok(())
    }

    /// What the next entry must carry.
    #[must_use]
    pub fn next(&self) -> Position {
        Position { sequence: self.size(), previous: self.head, term: self.term, time: self.time }
    }

    /// Entries in the journal.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The chain hash of the newest entry; zeros for an empty journal.
    #[must_use]
    pub fn head(&self) -> &Hash {
        &self.head
    }

    /// The chain hash of the first entry: what is registered as the genesis.
    #[must_use]
    pub fn genesis(&self) -> Option<&Hash> {
        self.genesis.as_ref()
    }

    /// The current term.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.term
    }

    /// The newest entry's time, Unix seconds.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// The tree over the entries.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The newest version of a row that is there; `None` if it was removed or never was.
    #[must_use]
    pub fn row(&self, table: u32, key: &str) -> Option<RowVersion> {
        self.rows.live(table, key)
    }

    /// The version that a write to this row must carry.
    #[must_use]
    pub fn next_version(&self, table: u32, key: &str) -> u64 {
        self.rows.next_version(table, key)
    }

    /// The rows of a table whose key begins with `prefix` and comes after `after`, by key: all that a list must hold.
    pub fn list<'a>(
        &'a self,
        table: u32,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, RowVersion)> {
        self.rows.list(table, prefix, after)
    }

    /// Judges what the store answered for a row: its newest version, or its absence.
    ///
    /// # Errors
    /// Every [`RowError`].
    pub fn check_row<'r>(&self, key: &RowKey, row: Option<&'r Row>) -> Result<FreshRow<'r>, RowError> {
        self.rows.check(key, row)
    }

    /// What an agent has spent of an asset in the 24 hours before `now`, the lowest time of a quorum.
    ///
    /// # Errors
    /// [`SpendError::ClockBackwards`] if `now` is so far behind the newest entry that the window is no longer known.
    pub fn preview(&self, agent: &str, asset: &str, now: u64) -> Result<Spent, SpendError> {
        self.known(now)?;
        Ok(self.windows.spent(agent, asset, now))
    }

    /// The second at which at least `amount` of what counts at `now` will have left the window.
    ///
    /// `None` if the window holds less than `amount`.
    #[must_use]
    pub fn frees_at(&self, agent: &str, asset: &str, now: u64, amount: U256) -> Option<u64> {
        self.windows.frees_at(agent, asset, now, amount)
    }

    fn known(&self, now: u64) -> Result<(), SpendError> {
        if now.saturating_add(LATENESS) < self.time {
            return Err(SpendError::ClockBackwards { now, known: self.time });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
