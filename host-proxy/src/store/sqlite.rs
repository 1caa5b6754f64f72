//! The store's database: SQLite in WAL mode, every commit synced before it is acknowledged.
//!
//! ```text
//! sessions ──changes──► writer (one thread, one connection) ──wakes──► checkpointer (its own connection)
//!          ──queries──► readers (a few connections, one consistent view per query)
//! ```
//!
//! Locking is normal, so others may open the file to read. SQLite would move the WAL into the database within some
//! commit, which makes that commit slow; here the checkpointer does it beside them.

mod checkpointer;
mod migrations;
mod query;
mod statements;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use shroud_wire::store::Outcome;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::batch::{Batch, Key, Note};
use crate::limits::{READERS, WRITE_QUEUE};

/// How long one connection waits for another one's lock.
const BUSY: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;

/// What went wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    /// The file cannot be opened or is no database.
    #[error("{path} cannot be opened: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A later release has written the file.
    #[error("the database has migration {found}, this release knows {known}")]
    Newer {
        /// Migrations that the database has seen.
        found: usize,
        /// Migrations that this release knows.
        known: usize,
    },
    /// SQLite refuses.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A batch could not be made durable; whether it is there is unknown until it is asked again.
    #[error("the batch was not made durable: {0}")]
    NotDurable(String),
    /// The rows that were asked for do not fit one answer.
    #[error("the rows that were asked for exceed {limit} bytes")]
    AnswerTooLarge {
        /// Bytes that one answer may carry.
        limit: usize,
    },
    /// A thread for the database cannot be started.
    #[error("no thread for the database: {0}")]
    Thread(std::io::Error),
    /// The database's threads have ended.
    #[error("the store has stopped")]
    Stopped,
}

/// What changes the database.
#[derive(Debug)]
pub enum Change {
    /// One batch, applied in whole or not at all.
    Commit(Batch),
    /// A newer cosigned checkpoint.
    KeepCosigned(Note),
}

/// What is read from the database, in one consistent view.
#[derive(Debug)]
pub enum Query {
    /// Where the journal stands.
    Head,
    /// Entries in order.
    Entries {
        /// The first sequence.
        from: u64,
        /// At most this many.
        limit: u32,
    },
    /// The newest version of rows.
    Rows(Vec<Key>),
}

/// An open database. Clones share it.
#[derive(Clone, Debug)]
pub struct Sqlite(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writes: mpsc::Sender<writer::Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Mutex<Vec<Connection>>,
    reading: Arc<Semaphore>,
}

/// The place of a change in the order of changes.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<Outcome, SqliteError>>);

impl Receipt {
    /// Waits until the change is durable or refused: `Done`, or `Conflict` with the present head.
    ///
    /// # Errors
    /// [`SqliteError::Sqlite`], [`SqliteError::NotDurable`] or [`SqliteError::Stopped`].
    pub async fn done(self) -> Result<Outcome, SqliteError> {
        self.0.await.unwrap_or(Err(SqliteError::Stopped))
    }
}

impl Sqlite {
    /// Opens or creates the database and brings it to the newest migration.
    ///
    /// # Errors
    /// [`SqliteError::Open`], [`SqliteError::Newer`], [`SqliteError::Sqlite`] or [`SqliteError::Thread`].
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        let mut connection = writable(path)?;
        migrations::migrate(&mut connection)?;
        let readers = (0..READERS).map(|_| readable(path)).collect::<Result<_, _>>()?;
        let wake = checkpointer::start(writable(path)?)?;
        let (writes, jobs) = mpsc::channel(WRITE_QUEUE);
        let thread = writer::start(connection, jobs, wake)?;
        Ok(Self(Arc::new(Inner {
            writes,
            thread: Mutex::new(Some(thread)),
            readers: Mutex::new(readers),
            reading: Arc::new(Semaphore::new(READERS as usize)),
        })))
    }

    /// Puts a change in line behind those before it.
    ///
    /// # Errors
    /// [`SqliteError::Stopped`].
    pub async fn change(&self, change: Change) -> Result<Receipt, SqliteError> {
        let (reply, receipt) = oneshot::channel();
        let job = writer::Job::Change { change, reply };
        self.0.writes.send(job).await.map_err(|_| SqliteError::Stopped)?;
        Ok(Receipt(receipt))
    }

    /// Reads.
    ///
    /// # Errors
    /// [`SqliteError::Sqlite`], [`SqliteError::AnswerTooLarge`] or [`SqliteError::Stopped`].
    pub async fn query(&self, query: Query) -> Result<Outcome, SqliteError> {
        let permit = self.0.reading.clone().acquire_owned().await.map_err(|_| SqliteError::Stopped)?;
        let inner = self.0.clone();
        // Whoever asked may be gone before the reading is done: the permit stays with the connection.
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut connection = inner.reader().ok_or(SqliteError::Stopped)?;
            let outcome = query::run(&mut connection, query);
            inner.put_back(connection);
            outcome
        });
        read.await.unwrap_or(Err(SqliteError::Stopped))
    }

    /// Waits until the writer has ended, which it does not do by itself unless something is badly wrong.
    pub async fn failed(&self) -> SqliteError {
        self.0.writes.closed().await;
        SqliteError::Stopped
    }

    /// Finishes the changes that are in line and closes the database. What is asked later is answered `Stopped`.
    ///
    /// The readers go first: whoever closes a database last folds its WAL in, and a reader may not.
    pub async fn close(&self) {
        if let Ok(_all) = self.0.reading.acquire_many(READERS).await {
            self.0.reading.close();
            self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        let _ = self.0.writes.send(writer::Job::Stop).await;
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Inner {
    fn reader(&self) -> Option<Connection> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put_back(&self, connection: Connection) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

fn writable(path: &Path) -> Result<Connection, SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let open = || {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    };
    open().map_err(|source| SqliteError::Open { path: path.to_owned(), source })
}

fn readable(path: &Path) -> Result<Connection, SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    };
    open().map_err(|source| SqliteError::Open { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_synced_others_may_read_and_no_commit_checkpoints() {
        let folder = tempfile::TempDir::new().unwrap();
        let connection = writable(&folder.path().join("shroud.db")).unwrap();
        let text = |name| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0)).unwrap();
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((text("journal_mode"), text("locking_mode")), ("wal".to_owned(), "normal".to_owned()));
        assert_eq!((number("synchronous"), number("wal_autocheckpoint")), (2, 0));
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("shroud.db");
        std::fs::write(&path, vec![7; 8192]).unwrap();
        assert!(matches!(Sqlite::open(&path), Err(SqliteError::Open { .. })));
    }
}
