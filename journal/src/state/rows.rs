//! The newest version of every row, and every tombstone.
//!
//! An index entry is the key and 48 bytes: version (its top bit marks a tombstone), the sequence that wrote it, the hash.

use std::collections::BTreeMap;
use std::ops::Bound;

use shroud_wire::store::{Row, RowKey};

use super::ApplyError;
use crate::entry::RowChange;
use crate::hash::Hash;
use crate::row::row_hash;

/// The bit of [`Slot::version`] that marks a tombstone.
const TOMBSTONE: u64 = 1 << 63;

/// The newest version of a row that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowVersion {
    /// Its version.
    pub version: u64,
    /// Its [`crate::row_hash`].
    pub hash: Hash,
    /// The sequence of the entry that wrote it.
    pub sequence: u64,
}

/// A row as the journal knows its newest version, or its absence: made by [`super::State::check_row`] alone.
#[derive(Debug, PartialEq)]
pub struct FreshRow<'r> {
    row: Option<&'r Row>,
}

/// What the host did to a row.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RowError {
    /// The journal has the row, the store says that it has not.
    #[error("row_withheld: {table}/{key}")]
    Withheld {
        /// The table's number.
        table: u32,
        /// The row's key.
        key: String,
    },
    /// The row was removed, the store has it still.
    #[error("row_resurrected: {table}/{key}")]
    Resurrected {
        /// The table's number.
        table: u32,
        /// The row's key.
        key: String,
    },
    /// The store has an older version.
    #[error("row_stale: {table}/{key} at version {found}, the newest is {newest}")]
    Stale {
        /// The table's number.
        table: u32,
        /// The row's key.
        key: String,
        /// The version that the store gave.
        found: u64,
        /// The newest version.
        newest: u64,
    },
    /// The row is not the one that was written, or not the one that was asked for.
    #[error("row_altered: {table}/{key}")]
    Altered {
        /// The table's number.
        table: u32,
        /// The row's key.
        key: String,
    },
    /// The journal knows no such row, or no such version.
    #[error("row_unknown: {table}/{key} at version {found}")]
    Unknown {
        /// The table's number.
        table: u32,
        /// The row's key.
        key: String,
        /// The version that the store gave.
        found: u64,
    },
}

impl RowError {
    /// The attack's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Withheld { .. } => "row_withheld",
            Self::Resurrected { .. } => "row_resurrected",
            Self::Stale { .. } => "row_stale",
            Self::Altered { .. } => "row_altered",
            Self::Unknown { .. } => "row_unknown",
        }
    }
}

impl<'r> FreshRow<'r> {
    /// The row; `None` if it is rightly absent.
    #[must_use]
    pub fn row(&self) -> Option<&'r Row> {
        self.row
    }
}

/// 48 bytes.
#[derive(Clone, Copy, Debug)]
struct Slot {
    version: u64,
    sequence: u64,
    hash: Hash,
}

impl Slot {
    fn version(self) -> u64 {
        self.version & !TOMBSTONE
    }

    fn live(self) -> Option<RowVersion> {
        let Self { version, sequence, hash } = self;
        (version & TOMBSTONE == 0).then_some(RowVersion { version, hash, sequence })
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    tables: BTreeMap<u32, BTreeMap<Box<str>, Slot>>,
}

impl Rows {
    fn slot(&self, table: u32, key: &str) -> Option<Slot> {
        self.tables.get(&table)?.get(key).copied()
    }

    pub(super) fn live(&self, table: u32, key: &str) -> Option<RowVersion> {
        self.slot(table, key)?.live()
    }

    pub(super) fn next_version(&self, table: u32, key: &str) -> u64 {
        self.slot(table, key).map_or(1, |slot| slot.version() + 1)
    }

    pub(super) fn list<'a>(
        &'a self,
        table: u32,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a str, RowVersion)> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let rows = self.tables.get(&table).into_iter();
        rows.flat_map(move |rows| rows.range::<str, _>((start, Bound::Unbounded)))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .filter_map(|(key, slot)| slot.live().map(|version| (key.as_ref(), version)))
    }

    /// Whether every change is one version above its row's newest, and removes only what is there.
    pub(super) fn fits(&self, changes: &[RowChange]) -> Result<(), ApplyError> {
        changes.iter().try_for_each(|change| {
            let slot = self.slot(change.table, &change.key);
            let expected = slot.map_or(1, |slot| slot.version() + 1);
            if change.version != expected {
                let (key, found) = (change.key.clone(), change.version);
                return Err(ApplyError::RowVersion { key, expected, found });
            }
            if change.hash.is_none() && slot.and_then(Slot::live).is_none() {
                return Err(ApplyError::RowAbsent(change.key.clone()));
            }
            Ok(())
        })
    }

    pub(super) fn write(&mut self, sequence: u64, changes: &[RowChange]) {
        for change in changes {
            let mark = if change.hash.is_none() { TOMBSTONE } else { 0 };
            let hash = change.hash.unwrap_or_default();
            let slot = Slot { version: change.version | mark, sequence, hash };
            self.tables.entry(change.table).or_default().insert(change.key.as_str().into(), slot);
        }
    }

    pub(super) fn check<'r>(&self, asked: &RowKey, row: Option<&'r Row>) -> Result<FreshRow<'r>, RowError> {
        let (table, key) = (asked.table, asked.key.clone());
        let slot = self.slot(table, &key);
        let Some(row) = row else {
            return match slot.and_then(Slot::live) {
                Some(_) => Err(RowError::Withheld { table, key }),
                None => Ok(FreshRow { row: None }),
            };
        };
        if (row.table, &row.key) != (table, &key) {
            return Err(RowError::Altered { table, key });
        }
        let found = row.version;
        let Some(slot) = slot else { return Err(RowError::Unknown { table, key, found }) };
        let Some(newest) = slot.live() else { return Err(RowError::Resurrected { table, key }) };
        if found < newest.version {
            return Err(RowError::Stale { table, key, found, newest: newest.version });
        }
        if found > newest.version {
            return Err(RowError::Unknown { table, key, found });
        }
        if row_hash(row) != newest.hash {
            return Err(RowError::Altered { table, key });
        }
        Ok(FreshRow { row: Some(row) })
    }
}

const _: () = assert!(size_of::<Slot>() == 48);
