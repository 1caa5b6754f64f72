//! The host's database in the hands of a hostile host: rows read, changed, taken away and brought back.

use std::path::Path;

use rusqlite::{Connection, params};

/// One row, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// Its key.
    pub key: String,
    /// Its version.
    pub version: i64,
    /// Its sealed body.
    pub body: Vec<u8>,
}

/// A database that nobody else writes to.
#[derive(Debug)]
pub struct Database(Connection);

impl Database {
    /// Opens the file of a set-up.
    #[must_use]
    pub fn open(path: impl AsRef<Path>) -> Self {
        Self(Connection::open(path).unwrap())
    }

    /// All rows of a table, by key.
    #[must_use]
    pub fn rows(&self, table: &str) -> Vec<StoredRow> {
        let sql = format!("SELECT key, version, body FROM {table} ORDER BY key");
        let mut query = self.0.prepare(&sql).unwrap();
        let rows = query
            .query_map([], |row| Ok(StoredRow { key: row.get(0)?, version: row.get(1)?, body: row.get(2)? }));
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Writes a row, whatever was there.
    pub fn put(&self, table: &str, row: &StoredRow) {
        let sql = format!(
            "INSERT INTO {table} (key, version, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (key) DO UPDATE SET version = excluded.version, body = excluded.body"
        );
        assert_eq!(self.0.execute(&sql, params![row.key, row.version, row.body]).unwrap(), 1);
    }

    /// Writes rows, whatever was there.
    pub fn put_all(&self, table: &str, rows: &[StoredRow]) {
        rows.iter().for_each(|row| self.put(table, row));
    }

    /// The row with the wrapped shares of the state key.
    #[must_use]
    pub fn state_key(&self) -> StoredRow {
        self.rows("deployment").into_iter().find(|row| row.key == "state_key").unwrap()
    }

    /// Changes one byte of a journal entry.
    pub fn alter_entry(&self, sequence: i64) {
        let sealed = "SELECT sealed FROM journal WHERE sequence = ?1";
        let mut bytes: Vec<u8> = self.0.query_row(sealed, [sequence], |row| row.get(0)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        let write = "UPDATE journal SET sealed = ?2 WHERE sequence = ?1";
        assert_eq!(self.0.execute(write, params![sequence, bytes]).unwrap(), 1);
    }

    /// Takes a row away.
    pub fn delete(&self, table: &str, row: &StoredRow) {
        let sql = format!("DELETE FROM {table} WHERE key = ?1");
        assert_eq!(self.0.execute(&sql, [&row.key]).unwrap(), 1);
    }

    /// Gives a row another key.
    pub fn rename(&self, table: &str, row: &StoredRow, key: &str) {
        let sql = format!("UPDATE {table} SET key = ?2 WHERE key = ?1");
        assert_eq!(self.0.execute(&sql, [&row.key, key]).unwrap(), 1);
    }

    /// Changes a row's body.
    pub fn set_body(&self, table: &str, row: &StoredRow, body: &[u8]) {
        let sql = format!("UPDATE {table} SET body = ?2 WHERE key = ?1");
        assert_eq!(self.0.execute(&sql, params![row.key, body]).unwrap(), 1);
    }

    /// Lets two rows have each other's body.
    pub fn swap_bodies(&self, table: &str, one: &StoredRow, other: &StoredRow) {
        assert_ne!(one.body, other.body);
        self.set_body(table, one, &other.body);
        self.set_body(table, other, &one.body);
    }

    /// All values of a column.
    #[must_use]
    pub fn column(&self, table: &str, column: &str) -> Vec<String> {
        let mut query = self.0.prepare(&format!("SELECT {column} FROM {table}")).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}
