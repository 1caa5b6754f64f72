//! Reading: each query in one consistent view, each answer within its bytes.

use std::collections::HashMap;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, params};
use shroud_wire::limits::ENTRIES;
use shroud_wire::store::{Entries, EntryRecord, Head, Outcome, Row, Rows};

use super::{Query, SqliteError, statements};
use crate::limits::{ENTRIES_ANSWER, ROWS_ANSWER};
use crate::store::batch::Key;

/// Answers a query.
///
/// # Errors
/// [`SqliteError::Sqlite`], also for a number that no peer has written, or [`SqliteError::AnswerTooLarge`].
pub(super) fn run(connection: &mut Connection, query: Query) -> Result<Outcome, SqliteError> {
    let view = connection.transaction()?;
    Ok(match query {
        Query::Head => Outcome::Head(read_head(&view)?),
        Query::Entries { from, limit } => Outcome::Entries(Entries { entries: entries(&view, from, limit)? }),
        Query::Rows(keys) => Outcome::Rows(Rows { rows: rows(&view, keys)? }),
    })
}

/// Where the journal stands.
///
/// # Errors
/// What SQLite says.
pub(super) fn read_head(view: &Connection) -> rusqlite::Result<Head> {
    let mut find = view.prepare_cached("SELECT size, head, checkpoint, cosigned FROM head WHERE id = 1")?;
    find.query_one([], |row| {
        Ok(Head {
            size: unsigned(0, row.get(0)?)?,
            head: row.get(1)?,
            checkpoint: row.get(2)?,
            cosigned: row.get(3)?,
        })
    })
}

fn entries(view: &Connection, from: u64, limit: u32) -> rusqlite::Result<Vec<EntryRecord>> {
    let Ok(from) = i64::try_from(from) else { return Ok(Vec::new()) };
    let limit = usize::try_from(limit).unwrap_or(ENTRIES).min(ENTRIES);
    let mut find =
        view.prepare_cached("SELECT sequence, sealed FROM journal WHERE sequence >= ?1 ORDER BY sequence")?;
    let mut found = find.query(params![from])?;
    let (mut entries, mut bytes) = (Vec::new(), 0);
    while entries.len() < limit && bytes < ENTRIES_ANSWER {
        let Some(row) = found.next()? else { break };
        let entry = EntryRecord { sequence: unsigned(0, row.get(0)?)?, sealed: row.get(1)? };
        bytes += entry.sealed.len();
        entries.push(entry);
    }
    Ok(entries)
}

fn rows(view: &Connection, keys: Vec<Key>) -> Result<Vec<Row>, SqliteError> {
    let (mut rows, mut bytes) = (Vec::new(), 0);
    for key in keys {
        let Some(row) = row(view, key)? else { continue };
        bytes += row.key.len() + row.body.len();
        bytes += row.columns.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if bytes > ROWS_ANSWER {
            return Err(SqliteError::AnswerTooLarge { limit: ROWS_ANSWER });
        }
        rows.push(row);
    }
    Ok(rows)
}

fn row(view: &Connection, Key { table, key }: Key) -> rusqlite::Result<Option<Row>> {
    let mut find = view.prepare_cached(&statements::get(table))?;
    let found = find.query_one([&key], |row| {
        let mut columns = HashMap::new();
        for (place, name) in (2..).zip(table.columns()) {
            if let Some(value) = row.get::<_, Option<String>>(place)? {
                columns.insert((*name).to_owned(), value);
            }
        }
        Ok((unsigned(0, row.get(0)?)?, row.get(1)?, columns))
    });
    let found = found.optional()?;
    Ok(found.map(|(version, body, columns)| Row { table: table.number(), key, version, body, columns }))
}

/// What was written was never negative.
fn unsigned(column: usize, found: i64) -> rusqlite::Result<u64> {
    u64::try_from(found)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error)))
}
