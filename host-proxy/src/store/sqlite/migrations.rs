//! Numbered migrations. A migration that was released is never edited; a change is a further one.

use rusqlite::{Connection, TransactionBehavior};

use super::SqliteError;

/// The migrations in order; the database's `user_version` is how many it has seen.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_rows_and_journal.sql")];

/// Brings a database to the newest migration, each in a transaction of its own.
///
/// # Errors
/// [`SqliteError::Newer`] for a database of a later release, or what SQLite says.
pub(super) fn migrate(database: &mut Connection) -> Result<(), SqliteError> {
    let known = MIGRATIONS.len();
    loop {
        let step = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: u32 = step.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let seen = usize::try_from(found).unwrap_or(usize::MAX);
        if seen > known {
            return Err(SqliteError::Newer { found: seen, known });
        }
        let Some(next) = MIGRATIONS.get(seen) else { return Ok(()) };
        step.execute_batch(next)?;
        step.pragma_update(None, "user_version", found + 1)?;
        step.commit()?;
    }
}

#[cfg(test)]
mod tests {
    use shroud_wire::store::Table;

    use super::*;

    fn columns(database: &Connection, table: &str) -> Vec<String> {
        let mut query = database.prepare("SELECT name FROM pragma_table_info(?1)").unwrap();
        query.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_table_of_the_protocol_exists_with_its_projections() {
        let mut database = Connection::open_in_memory().unwrap();
        migrate(&mut database).unwrap();
        for table in Table::ALL {
            let mut expected = vec!["key", "version", "body"];
            expected.extend(table.columns());
            assert_eq!(columns(&database, table.name()), expected, "{table:?}");
        }
    }

    #[test]
    fn migrating_again_changes_nothing() {
        let mut database = Connection::open_in_memory().unwrap();
        migrate(&mut database).unwrap();
        database.execute("UPDATE head SET cosigned = x'07'", []).unwrap();
        migrate(&mut database).unwrap();
        let kept: Vec<u8> = database.query_row("SELECT cosigned FROM head", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, [7]);
    }

    #[test]
    fn a_newer_database_is_refused() {
        let mut database = Connection::open_in_memory().unwrap();
        database.pragma_update(None, "user_version", 4_000).unwrap();
        assert!(matches!(migrate(&mut database), Err(SqliteError::Newer { found: 4_000, .. })));
    }
}
