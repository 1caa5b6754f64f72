//! Moves the WAL into the database in the background.
//!
//! A passive checkpoint blocks nobody, but under steady load it never reaches the WAL's end, so the file would grow.
//! Beyond a size the checkpointer therefore asks for a restart, which holds the writer up only for the little that
//! the passive one has left.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, DEFAULT_NAME};
use tracing::warn;

use super::SqliteError;

/// Pages of 4 KiB in the WAL from which on a checkpoint is worth its syncs.
pub(super) const WORTH_IT: i32 = 1_000;
/// Pages in the WAL from which on the writer is held up to begin the file anew: 64 MiB.
const TOO_LONG: i32 = 16 * 1024;

/// Wakes the checkpointer; dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Wake {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Wake {
    /// What wakes it, for the writer's connection.
    pub(super) fn sender(&self) -> Option<SyncSender<()>> {
        self.wake.clone()
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the thread on a connection of its own.
///
/// # Errors
/// [`SqliteError::Thread`].
pub(super) fn start(connection: Connection) -> Result<Wake, SqliteError> {
    let (wake, woken) = sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("checkpointer".into())
        .spawn(move || run(&connection, &woken))
        .map_err(SqliteError::Thread)?;
    Ok(Wake { wake: Some(wake), thread: Some(thread) })
}

fn run(connection: &Connection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        if let Err(error) = checkpoint(connection) {
            warn!(%error, "the WAL was not checkpointed");
        }
    }
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    let (pages, _) = connection.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::PASSIVE)?;
    if pages > TOO_LONG {
        connection.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::RESTART)?;
    }
    Ok(())
}
