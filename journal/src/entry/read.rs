//! The strict reading of an entry, and the rules that a value must meet before it may be written.

use std::collections::BTreeSet;

use shroud_wire::canonical::{Malformed, Reader};
use shroud_wire::limits;
use shroud_wire::store::Table;

use super::{Entry, EntryError, LABEL, LENGTH, RowChange, Spend};
use crate::hash::Hash;
use crate::kind::Kind;

/// The bit that [`crate::state`] keeps for tombstones.
const VERSION_END: u64 = 1 << 63;

pub(super) fn entry(bytes: &[u8]) -> Result<Entry, EntryError> {
    if bytes.len() > LENGTH {
        return Err(EntryError::TooLong(bytes.len()));
    }
    let mut reader = Reader::new(LABEL, bytes)?;
    let entry = Entry {
        sequence: reader.number()?,
        previous: reader.array()?,
        time: reader.number()?,
        term: reader.number()?,
        kind: kind(&mut reader)?,
        id: reader.array()?,
        actor: reader.text()?.to_owned(),
        subject: reader.text()?.to_owned(),
        policy_digest: optional(&mut reader)?,
        rows: rows(&mut reader)?,
        spends: spends(&mut reader)?,
        details: reader.field()?.to_vec(),
        blinding: reader.array()?,
    };
    reader.end()?;
    entry.bounded()
}

fn kind(reader: &mut Reader<'_>) -> Result<Kind, EntryError> {
    let number = u16::from_be_bytes(reader.array()?);
    Kind::from_number(number).ok_or(EntryError::UnknownKind(number))
}

fn optional(reader: &mut Reader<'_>) -> Result<Option<Hash>, Malformed> {
    match reader.field()? {
        [] => Ok(None),
        field => {
            field.try_into().map(Some).map_err(|_| Malformed::Width { expected: 32, found: field.len() })
        }
    }
}

fn rows(reader: &mut Reader<'_>) -> Result<Vec<RowChange>, EntryError> {
    let count = reader.number()?;
    if count > limits::ROWS as u64 {
        return Err(EntryError::TooManyRows(count));
    }
    (0..count).map(|_| row(reader)).collect()
}

fn row(reader: &mut Reader<'_>) -> Result<RowChange, EntryError> {
    let number = reader.number()?;
    let table = u32::try_from(number).map_err(|_| EntryError::UnknownTable(u32::MAX))?;
    Ok(RowChange {
        table,
        key: reader.text()?.to_owned(),
        version: reader.number()?,
        hash: optional(reader)?,
    })
}

fn spends(reader: &mut Reader<'_>) -> Result<Vec<Spend>, EntryError> {
    let count = reader.number()?;
    if count > limits::ENTRY_SPENDS as u64 {
        return Err(EntryError::TooManySpends(count));
    }
    (0..count).map(|_| spend(reader)).collect()
}

fn spend(reader: &mut Reader<'_>) -> Result<Spend, EntryError> {
    Ok(Spend {
        agent: reader.text()?.to_owned(),
        asset: reader.text()?.to_owned(),
        amount: reader.array()?,
        counterparty: reader.text()?.to_owned(),
    })
}

impl Entry {
    /// The entry again, if its counts, texts, tables and versions keep the rules that the parser holds others to.
    pub(crate) fn bounded(self) -> Result<Self, EntryError> {
        self.fault().map_or(Ok(self), Err)
    }

    /// What breaks the rules, if anything does.
    pub(crate) fn fault(&self) -> Option<EntryError> {
        if self.rows.len() > limits::ROWS {
            return Some(EntryError::TooManyRows(self.rows.len() as u64));
        }
        if self.spends.len() > limits::ENTRY_SPENDS {
            return Some(EntryError::TooManySpends(self.spends.len() as u64));
        }
        name("actor", &self.actor)
            .or_else(|| plain("subject", &self.subject))
            .or_else(|| self.rows.iter().find_map(row_fault))
            .or_else(|| self.row_twice())
            .or_else(|| self.spends.iter().find_map(spend_fault))
    }

    fn row_twice(&self) -> Option<EntryError> {
        if self.rows.len() < 2 {
            return None;
        }
        let mut seen = BTreeSet::new();
        let twice = self.rows.iter().find(|row| !seen.insert((row.table, row.key.as_str())))?;
        Some(EntryError::RowTwice { table: twice.table, key: twice.key.clone() })
    }
}

fn row_fault(row: &RowChange) -> Option<EntryError> {
    if Table::from_number(row.table).is_none() {
        return Some(EntryError::UnknownTable(row.table));
    }
    if row.key.is_empty() || row.key.len() > limits::ROW_KEY {
        return Some(EntryError::Text("row key"));
    }
    let counted = (1..VERSION_END).contains(&row.version);
    (!counted).then(|| EntryError::RowVersion(row.key.clone()))
}

fn spend_fault(spend: &Spend) -> Option<EntryError> {
    name("agent", &spend.agent)
        .or_else(|| name("asset", &spend.asset))
        .or_else(|| plain("counterparty", &spend.counterparty))
}

fn name(field: &'static str, text: &str) -> Option<EntryError> {
    if text.is_empty() { Some(EntryError::Text(field)) } else { plain(field, text) }
}

fn plain(field: &'static str, text: &str) -> Option<EntryError> {
    let bad = text.len() > limits::ENTRY_TEXT || text.chars().any(char::is_control);
    bad.then_some(EntryError::Text(field))
}
