//! What a client of the store may ask: a request becomes a [`Batch`], [`Note`] or query only within its bounds.
//!
//! The enclave judges what rows and entries mean, and whether versions rise. Here only sizes, table numbers, column
//! names and the order of the entries count.

use shroud_wire::limits::{ENTRIES, ENTRY, NOTE, ROW_BODY, ROW_KEY, ROWS};
use shroud_wire::store::{Commit, EntryRecord, RowKey, RowWrite, RowsQuery, Table};

use crate::limits::COLUMN;

/// A journal's head is a hash of this many bytes.
const HEAD: usize = 32;

/// Why a request was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    /// The request names no operation that this host knows.
    #[error("no operation that this host knows")]
    Operation,
    /// More of something than one request may hold.
    #[error("{found} {what} in one request, at most {limit}")]
    TooMany {
        /// `rows` or `entries`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Something is larger than it may be.
    #[error("a {what} of {found} bytes, at most {limit}")]
    TooLarge {
        /// `row key`, `row body`, `column`, `entry` or `note`.
        what: &'static str,
        /// Its length.
        found: usize,
        /// What it may have.
        limit: usize,
    },
    /// A write without its row.
    #[error("a write that names no row")]
    NoRow,
    /// No table has this number.
    #[error("no table has the number {0}")]
    Table(u32),
    /// A row's key is empty.
    #[error("a row with an empty key")]
    EmptyKey,
    /// A projection that the table does not have.
    #[error("table {table} has no column {column:?}")]
    Column {
        /// The table's name.
        table: &'static str,
        /// The column that was named.
        column: String,
    },
    /// A number that SQLite cannot hold.
    #[error("the {what} {found} is beyond 2^63 - 1")]
    Number {
        /// `version` or `sequence`.
        what: &'static str,
        /// The number.
        found: u64,
    },
    /// A batch without an entry: nothing changes without a record.
    #[error("a batch without an entry")]
    NoEntry,
    /// The entries do not follow the size that the batch extends.
    #[error("entry {found} where {expected} is due")]
    Gap {
        /// The sequence that is due.
        expected: u64,
        /// The one that was given.
        found: u64,
    },
    /// A head that is no hash.
    #[error("a head of {0} bytes, not 32")]
    Head(usize),
}

/// Which row, in a table that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The table.
    pub table: Table,
    /// The row's key in it.
    pub key: String,
}

/// One write to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A new version takes the place of what was there.
    Put {
        /// The row.
        key: Key,
        /// Its version, as SQLite holds it.
        version: i64,
        /// Sealed bytes.
        body: Vec<u8>,
        /// A value for each of [`Table::columns`], in that order.
        columns: Vec<Option<String>>,
    },
    /// The row goes.
    Delete(Key),
}

/// A journal entry with its sequence as SQLite holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The sequence.
    pub sequence: i64,
    /// Sealed bytes.
    pub sealed: Vec<u8>,
}

/// A commit within its bounds: at least one entry, all of them in sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub(super) expected_size: i64,
    pub(super) expected_head: Vec<u8>,
    pub(super) head: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    pub(super) writes: Vec<Write>,
    pub(super) checkpoint: Vec<u8>,
}

impl Batch {
    /// Checks a commit's bounds.
    ///
    /// # Errors
    /// The first [`Refused`] that applies.
    pub fn parse(commit: Commit) -> Result<Self, Refused> {
        at_most("entries", commit.entries.len(), ENTRIES)?;
        at_most("rows", commit.rows.len(), ROWS)?;
        within("note", commit.checkpoint.len(), NOTE)?;
        let expected_head = hash_or_empty(commit.expected_head, commit.expected_size)?;
        Ok(Self {
            expected_size: number("sequence", commit.expected_size)?,
            expected_head,
            head: hash(commit.head)?,
            entries: entries(commit.entries, commit.expected_size)?,
            writes: commit.rows.into_iter().map(Write::parse).collect::<Result<_, _>>()?,
            checkpoint: commit.checkpoint,
        })
    }

    /// Entries in the journal after this batch.
    pub(super) fn size_after(&self) -> i64 {
        self.entries.last().map_or(self.expected_size, |last| last.sequence.saturating_add(1))
    }
}

impl Write {
    fn parse(write: RowWrite) -> Result<Self, Refused> {
        let row = write.row.ok_or(Refused::NoRow)?;
        let key = Key::parse(RowKey { table: row.table, key: row.key })?;
        if write.delete {
            return Ok(Self::Delete(key));
        }
        within("row body", row.body.len(), ROW_BODY)?;
        let version = number("version", row.version)?;
        let mut given = row.columns;
        let columns = key.table.columns().iter().map(|name| given.remove(*name)).collect::<Vec<_>>();
        if let Some(column) = given.into_keys().next() {
            return Err(Refused::Column { table: key.table.name(), column });
        }
        for column in columns.iter().flatten() {
            within("column", column.len(), COLUMN)?;
        }
        Ok(Self::Put { key, version, body: row.body, columns })
    }
}

impl Key {
    fn parse(key: RowKey) -> Result<Self, Refused> {
        let table = Table::from_number(key.table).ok_or(Refused::Table(key.table))?;
        within("row key", key.key.len(), ROW_KEY)?;
        if key.key.is_empty() { Err(Refused::EmptyKey) } else { Ok(Self { table, key: key.key }) }
    }

    /// Checks a query's bounds.
    ///
    /// # Errors
    /// [`Refused::TooMany`], [`Refused::Table`], [`Refused::EmptyKey`] or [`Refused::TooLarge`].
    pub fn parse_all(query: RowsQuery) -> Result<Vec<Self>, Refused> {
        at_most("rows", query.keys.len(), ROWS)?;
        query.keys.into_iter().map(Self::parse).collect()
    }
}

/// A signed note within its bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(pub(super) Vec<u8>);

impl Note {
    /// Checks a note's bound.
    ///
    /// # Errors
    /// [`Refused::TooLarge`] beyond [`NOTE`].
    pub fn parse(note: Vec<u8>) -> Result<Self, Refused> {
        within("note", note.len(), NOTE)?;
        Ok(Self(note))
    }
}

fn entries(records: Vec<EntryRecord>, first: u64) -> Result<Vec<Entry>, Refused> {
    if records.is_empty() {
        return Err(Refused::NoEntry);
    }
    let in_order = records.into_iter().zip(first..).map(|(record, expected)| entry(record, expected));
    in_order.collect()
}

fn entry(record: EntryRecord, expected: u64) -> Result<Entry, Refused> {
    if record.sequence != expected {
        return Err(Refused::Gap { expected, found: record.sequence });
    }
    within("entry", record.sealed.len(), ENTRY)?;
    Ok(Entry { sequence: number("sequence", record.sequence)?, sealed: record.sealed })
}

/// An empty journal has no head; every other one has.
fn hash_or_empty(head: Vec<u8>, size: u64) -> Result<Vec<u8>, Refused> {
    if size == 0 && head.is_empty() { Ok(head) } else { hash(head) }
}

fn hash(head: Vec<u8>) -> Result<Vec<u8>, Refused> {
    if head.len() == HEAD { Ok(head) } else { Err(Refused::Head(head.len())) }
}

fn number(what: &'static str, found: u64) -> Result<i64, Refused> {
    i64::try_from(found).map_err(|_| Refused::Number { what, found })
}

fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), Refused> {
    if found <= limit { Ok(()) } else { Err(Refused::TooMany { what, found, limit }) }
}

fn within(what: &'static str, found: usize, limit: usize) -> Result<(), Refused> {
    if found <= limit { Ok(()) } else { Err(Refused::TooLarge { what, found, limit }) }
}

#[cfg(test)]
mod tests {
    use shroud_wire::store::Row;

    use super::*;

    fn row() -> Row {
        Row {
            table: Table::Vaults.number(),
            key: "v1".into(),
            version: 1,
            body: vec![1],
            columns: [("mpc_custody".to_owned(), "2of3_multi_hsm".to_owned())].into(),
        }
    }

    fn commit() -> Commit {
        Commit {
            expected_size: 2,
            expected_head: vec![1; 32],
            head: vec![2; 32],
            entries: vec![EntryRecord { sequence: 2, sealed: vec![9] }],
            rows: vec![RowWrite { row: Some(row()), delete: false }],
            checkpoint: b"note".to_vec(),
        }
    }

    fn refused(change: impl FnOnce(&mut Commit)) -> Refused {
        let mut commit = commit();
        change(&mut commit);
        Batch::parse(commit).unwrap_err()
    }

    fn refused_row(change: impl FnOnce(&mut Row)) -> Refused {
        let mut wrong = row();
        change(&mut wrong);
        refused(|commit| commit.rows = vec![RowWrite { row: Some(wrong), delete: false }])
    }

    #[test]
    fn a_commit_within_its_bounds_becomes_a_batch() {
        let batch = Batch::parse(commit()).unwrap();
        assert_eq!((batch.expected_size, batch.size_after()), (2, 3));
        let [Write::Put { columns, .. }] = batch.writes.as_slice() else { panic!("{:?}", batch.writes) };
        assert_eq!(columns, &[Some("2of3_multi_hsm".to_owned()), None, None]);
    }

    #[test]
    fn too_many_is_refused() {
        let many = refused(|commit| commit.rows = vec![RowWrite::default(); ROWS + 1]);
        assert_eq!(many, Refused::TooMany { what: "rows", found: ROWS + 1, limit: ROWS });
        let many = refused(|commit| commit.entries = vec![EntryRecord::default(); ENTRIES + 1]);
        assert_eq!(many, Refused::TooMany { what: "entries", found: ENTRIES + 1, limit: ENTRIES });
        let query = RowsQuery { keys: vec![RowKey::default(); ROWS + 1] };
        assert!(matches!(Key::parse_all(query), Err(Refused::TooMany { what: "rows", .. })));
    }

    #[test]
    fn too_large_is_refused() {
        let what = |refused| match refused {
            Refused::TooLarge { what, .. } => what,
            other => panic!("{other}"),
        };
        assert_eq!(what(refused(|commit| commit.checkpoint = vec![0; NOTE + 1])), "note");
        assert_eq!(what(refused(|commit| commit.entries[0].sealed = vec![0; ENTRY + 1])), "entry");
        assert_eq!(what(refused_row(|row| row.body = vec![0; ROW_BODY + 1])), "row body");
        assert_eq!(what(refused_row(|row| row.key = "k".repeat(ROW_KEY + 1))), "row key");
        let long = "x".repeat(COLUMN + 1);
        assert_eq!(what(refused_row(|row| drop(row.columns.insert("mpc_providers".into(), long)))), "column");
        assert_eq!(what(Note::parse(vec![0; NOTE + 1]).unwrap_err()), "note");
    }

    #[test]
    fn no_row_is_refused() {
        assert_eq!(refused(|commit| commit.rows = vec![RowWrite::default()]), Refused::NoRow);
    }

    #[test]
    fn table_is_refused() {
        assert_eq!(refused_row(|row| row.table = 0), Refused::Table(0));
        assert_eq!(refused_row(|row| row.table = u32::MAX), Refused::Table(u32::MAX));
    }

    #[test]
    fn empty_key_is_refused() {
        assert_eq!(refused_row(|row| row.key.clear()), Refused::EmptyKey);
    }

    #[test]
    fn column_is_refused() {
        let refused = refused_row(|row| drop(row.columns.insert("body".into(), String::new())));
        assert_eq!(refused, Refused::Column { table: "vaults", column: "body".into() });
    }

    #[test]
    fn number_is_refused() {
        assert_eq!(
            refused_row(|row| row.version = u64::MAX),
            Refused::Number { what: "version", found: u64::MAX }
        );
        let refused = refused(|commit| {
            commit.expected_size = u64::MAX;
            commit.entries[0].sequence = u64::MAX;
        });
        assert_eq!(refused, Refused::Number { what: "sequence", found: u64::MAX });
    }

    #[test]
    fn no_entry_is_refused() {
        assert_eq!(refused(|commit| commit.entries.clear()), Refused::NoEntry);
    }

    #[test]
    fn gap_is_refused() {
        assert_eq!(refused(|commit| commit.entries[0].sequence = 3), Refused::Gap { expected: 2, found: 3 });
    }

    #[test]
    fn head_is_refused() {
        assert_eq!(refused(|commit| commit.head.clear()), Refused::Head(0));
        assert_eq!(refused(|commit| commit.expected_head.clear()), Refused::Head(0));
    }
}
