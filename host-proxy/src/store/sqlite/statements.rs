//! The statements of a table. All of their text comes from [`Table`], none from a peer.

use shroud_wire::store::Table;

/// Parameter: key. Columns: version, body, then [`Table::columns`].
pub(super) fn get(table: Table) -> String {
    format!("SELECT version, body{} FROM {} WHERE key = ?1", columns(table), table.name())
}

/// Parameters: key, version, body, then [`Table::columns`]. A new version takes the old one's place in whole.
pub(super) fn put(table: Table) -> String {
    let (name, further) = (table.name(), columns(table));
    let places = (4..).zip(table.columns()).map(|(place, _)| format!(", ?{place}")).collect::<String>();
    let taken =
        table.columns().iter().map(|column| format!(", {column} = excluded.{column}")).collect::<String>();
    format!(
        "INSERT INTO {name} (key, version, body{further}) VALUES (?1, ?2, ?3{places}) \
         ON CONFLICT (key) DO UPDATE SET version = excluded.version, body = excluded.body{taken}"
    )
}

/// Parameter: key.
pub(super) fn delete(table: Table) -> String {
    format!("DELETE FROM {} WHERE key = ?1", table.name())
}

fn columns(table: Table) -> String {
    table.columns().iter().map(|column| format!(", {column}")).collect()
}
