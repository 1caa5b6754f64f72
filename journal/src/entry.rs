//! One record of the journal: what happened, to what, by whom, under which policy, and which rows it wrote.
//!
//! ```text
//! bytes      = canonical("shroud/v1/entry", sequence, previous, time, term, kind, id, actor, subject, policy digest,
//!                        count of rows, {table, key, version, hash} of each,
//!                        count of spends, {agent, asset, amount, counterparty} of each, details, blinding)
//! leaf hash  = SHA-256(0x00 ‖ bytes)                 a leaf of RFC 6962
//! chain hash = SHA-256(previous ‖ leaf hash)         the next entry's `previous`
//! ```
//!
//! Each value has one form: an absent digest or hash is an empty field, and every number is 8 big-endian bytes (the kind
//! 2), so that parsed bytes are the bytes that were hashed. 32 bytes of blinding keep the public tree from answering
//! guesses. The parser trusts nothing; limits are [`shroud_wire::limits`].

mod read;

use core::fmt;

use shroud_wire::canonical::{Canonical, Malformed};
use shroud_wire::limits;

use crate::hash::{Hash, sha256};
use crate::kind::Kind;

const LABEL: &str = "shroud/v1/entry";
/// What sealing may add to an entry's bytes before they reach [`limits::ENTRY`].
const SEALING: usize = 1024;
/// The longest bytes of an entry.
pub const LENGTH: usize = limits::ENTRY - SEALING;

/// One record. Its Debug form leaves out what the customer alone may read.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Counts from 0 without a gap.
    pub sequence: u64,
    /// The chain hash of the entry before; zeros for the first.
    pub previous: Hash,
    /// Unix seconds; never below the entry before.
    pub time: u64,
    /// The term of the guest that writes; see [`crate::state`].
    pub term: u64,
    /// What happened.
    pub kind: Kind,
    /// The event's UUID.
    pub id: [u8; 16],
    /// Who did it.
    pub actor: String,
    /// What it was done to.
    pub subject: String,
    /// The policy that it was judged under.
    pub policy_digest: Option<[u8; 32]>,
    /// The rows that it writes, at most [`limits::ROWS`], each at most once.
    pub rows: Vec<RowChange>,
    /// What it spends, at most [`limits::ENTRY_SPENDS`].
    pub spends: Vec<Spend>,
    /// JSON that the customer is shown.
    pub details: Vec<u8>,
    /// 32 random bytes.
    pub blinding: [u8; 32],
}

/// A row's new version, or its removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// A [`shroud_wire::store::Table`] by number.
    pub table: u32,
    /// The row's key in its table, 1 to [`limits::ROW_KEY`] bytes.
    pub key: String,
    /// One above the row's version before; a row that is new has version 1. A removal counts as a version.
    pub version: u64,
    /// [`crate::row_hash`] of the row; `None` is a tombstone.
    pub hash: Option<Hash>,
}

/// An amount of one asset that one agent moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// The agent whose window it counts in.
    pub agent: String,
    /// The asset; each has its own counter.
    pub asset: String,
    /// In the asset's smallest unit, 256 bits big-endian.
    pub amount: [u8; 32],
    /// Who got it.
    pub counterparty: String,
}

/// Why bytes or a value are no entry.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EntryError {
    /// The bytes are not canonical.
    #[error("malformed entry: {0}")]
    Malformed(#[from] Malformed),
    /// The entry exceeds [`LENGTH`].
    #[error("an entry of {0} bytes is too long")]
    TooLong(usize),
    /// The kind's number is outside the set.
    #[error("unknown kind of entry {0}")]
    UnknownKind(u16),
    /// The table's number is outside the set.
    #[error("unknown table {0}")]
    UnknownTable(u32),
    /// More rows than [`limits::ROWS`].
    #[error("an entry with {0} rows")]
    TooManyRows(u64),
    /// More spends than [`limits::ENTRY_SPENDS`].
    #[error("an entry with {0} spends")]
    TooManySpends(u64),
    /// A text field is empty where it must not be, too long, or holds control characters.
    #[error("the entry's {0} is empty, too long, or holds control characters")]
    Text(&'static str),
    /// A row is named twice.
    #[error("the entry writes row {key:?} of table {table} twice")]
    RowTwice {
        /// The table's number.
        table: u32,
        /// The row's key.
        key: String,
    },
    /// Versions count from 1.
    #[error("row {0:?} has version 0, or one beyond 2^63")]
    RowVersion(String),
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Entry");
        shown.field("sequence", &self.sequence).field("time", &self.time).field("term", &self.term);
        shown.field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Entry {
    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let fixed = Canonical::new(LABEL)
            .number(self.sequence)
            .field(self.previous)
            .number(self.time)
            .number(self.term)
            .field(self.kind.number().to_be_bytes())
            .field(self.id)
            .field(&self.actor)
            .field(&self.subject)
            .field(optional(self.policy_digest.as_ref()));
        let rows = self.rows.iter().fold(fixed.number(self.rows.len() as u64), |bytes, row| row.write(bytes));
        let spends = rows.number(self.spends.len() as u64);
        let spends = self.spends.iter().fold(spends, |bytes, spend| spend.write(bytes));
        spends.field(&self.details).field(self.blinding).into_bytes()
    }

    /// Reads an entry back, strictly: its bytes are exactly what [`Entry::to_bytes`] gives.
    ///
    /// # Errors
    /// Every [`EntryError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        read::entry(bytes)
    }

    /// The RFC 6962 leaf hash.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.to_bytes())
    }

    /// The chain hash: what the next entry names as `previous`.
    #[must_use]
    pub fn chain_hash(&self) -> Hash {
        chain_hash(&self.previous, &self.leaf_hash())
    }
}

/// The RFC 6962 leaf hash of an entry's canonical bytes.
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    sha256(&[&[0], bytes])
}

/// The chain hash of an entry: what the next one names as `previous`.
#[must_use]
pub fn chain_hash(previous: &Hash, leaf: &Hash) -> Hash {
    sha256(&[previous, leaf])
}

fn optional(hash: Option<&Hash>) -> &[u8] {
    hash.map_or(&[], Hash::as_slice)
}

impl RowChange {
    fn write(&self, bytes: Canonical) -> Canonical {
        bytes
            .number(self.table.into())
            .field(&self.key)
            .number(self.version)
            .field(optional(self.hash.as_ref()))
    }
}

impl Spend {
    fn write(&self, bytes: Canonical) -> Canonical {
        bytes.field(&self.agent).field(&self.asset).field(self.amount).field(&self.counterparty)
    }
}

#[cfg(test)]
mod tests;
