//! The one writer: applies changes in order, several in one transaction while it was busy.
//!
//! Each change has a savepoint of its own, so that one which fails leaves nothing behind, and no reply leaves before
//! the transaction around all of them is synced.

use std::thread::JoinHandle;

use rusqlite::{Connection, Savepoint, Transaction, TransactionBehavior, params};
use shroud_wire::store::{Done, Outcome};
use tokio::sync::{mpsc, oneshot};

use super::checkpointer::{WORTH_IT, Wake};
use super::query::read_head;
use super::{Change, SqliteError, statements};
use crate::store::batch::{Batch, Entry, Note, Write};

/// Changes that one transaction takes at most.
const GROUP: usize = 16;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    /// A change, and where its outcome goes.
    Change {
        /// The change.
        change: Change,
        /// Its outcome, once that is durable.
        reply: oneshot::Sender<Result<Outcome, SqliteError>>,
    },
    /// Ends the thread.
    Stop,
}

type Reply = oneshot::Sender<Result<Outcome, SqliteError>>;

/// Starts the thread; it ends with a [`Job::Stop`] or when nobody can send jobs any more.
///
/// # Errors
/// [`SqliteError::Thread`], or what SQLite says.
pub(super) fn start(
    mut connection: Connection,
    jobs: mpsc::Receiver<Job>,
    wake: Wake,
) -> Result<JoinHandle<()>, SqliteError> {
    if let Some(wake) = wake.sender() {
        connection.wal_hook(Some(move |_: &mut _, pages| {
            if pages >= WORTH_IT {
                let _ = wake.try_send(());
            }
            Ok(())
        }))?;
    }
    std::thread::Builder::new()
        .name("writer".into())
        .spawn(move || {
            run(&mut connection, jobs);
            // The hook holds the last sender: without it the checkpointer ends, and the WAL is folded in by the close.
            drop(connection);
            drop(wake);
        })
        .map_err(SqliteError::Thread)
}

fn run(connection: &mut Connection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(Job::Change { change, reply }) = jobs.blocking_recv() {
        let mut group = vec![(change, reply)];
        let mut stop = false;
        while group.len() < GROUP && !stop {
            match jobs.try_recv() {
                Ok(Job::Change { change, reply }) => group.push((change, reply)),
                Ok(Job::Stop) => stop = true,
                Err(_) => break,
            }
        }
        apply(connection, group);
        if stop {
            return;
        }
    }
}

/// Applies a group in one transaction and replies once that has ended.
fn apply(connection: &mut Connection, group: Vec<(Change, Reply)>) {
    let (changes, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
    let outcomes = in_one_transaction(connection, &changes).unwrap_or_else(|error| {
        changes.iter().map(|_| Err(SqliteError::NotDurable(error.to_string()))).collect()
    });
    for (reply, outcome) in replies.into_iter().zip(outcomes) {
        // A session that is gone needs no outcome.
        let _ = reply.send(outcome);
    }
}

fn in_one_transaction(
    connection: &mut Connection,
    changes: &[Change],
) -> rusqlite::Result<Vec<Result<Outcome, SqliteError>>> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcomes = changes.iter().map(|change| in_savepoint(&mut transaction, change)).collect();
    transaction.commit()?;
    Ok(outcomes)
}

fn in_savepoint(transaction: &mut Transaction<'_>, change: &Change) -> Result<Outcome, SqliteError> {
    let savepoint = transaction.savepoint()?;
    let outcome = match change {
        Change::Commit(batch) => commit(&savepoint, batch)?,
        Change::KeepCosigned(note) => keep_cosigned(&savepoint, note)?,
    };
    savepoint.commit()?;
    Ok(outcome)
}

/// The rule of [`shroud_wire::store::Commit`]: extends the head, or is a retry, or conflicts.
fn commit(to: &Savepoint<'_>, batch: &Batch) -> Result<Outcome, SqliteError> {
    let head = read_head(to)?;
    if (i64::try_from(head.size), &head.head) == (Ok(batch.expected_size), &batch.expected_head) {
        extend(to, batch)?;
        return Ok(Outcome::Done(Done {}));
    }
    if is_retry(to, batch)? { Ok(Outcome::Done(Done {})) } else { Ok(Outcome::Conflict(head)) }
}

fn extend(to: &Savepoint<'_>, batch: &Batch) -> rusqlite::Result<()> {
    let last = batch.size_after() - 1;
    let mut insert = to.prepare_cached("INSERT INTO journal (sequence, sealed, head) VALUES (?1, ?2, ?3)")?;
    for Entry { sequence, sealed } in &batch.entries {
        let head = (*sequence == last).then_some(&batch.head);
        insert.execute(params![sequence, sealed, head])?;
    }
    for write in &batch.writes {
        write_row(to, write)?;
    }
    to.prepare_cached("UPDATE head SET size = ?1, head = ?2, checkpoint = ?3 WHERE id = 1")?
        .execute(params![batch.size_after(), batch.head, batch.checkpoint])?;
    Ok(())
}

/// Whether the journal already holds these very entries, ending a batch with this very head.
fn is_retry(to: &Savepoint<'_>, batch: &Batch) -> rusqlite::Result<bool> {
    let last = batch.size_after() - 1;
    let mut find = to.prepare_cached("SELECT sealed = ?2, head FROM journal WHERE sequence = ?1")?;
    for Entry { sequence, sealed } in &batch.entries {
        let mut found = find.query(params![sequence, sealed])?;
        let Some(row) = found.next()? else { return Ok(false) };
        let head: Option<Vec<u8>> = row.get(1)?;
        let expected = (*sequence == last).then_some(&batch.head);
        if !row.get::<_, bool>(0)? || head.as_ref() != expected {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_row(to: &Savepoint<'_>, write: &Write) -> rusqlite::Result<()> {
    match write {
        Write::Delete(key) => {
            to.prepare_cached(&statements::delete(key.table))?.execute([&key.key])?;
        }
        Write::Put { key, version, body, columns } => {
            let mut put = to.prepare_cached(&statements::put(key.table))?;
            put.raw_bind_parameter(1, &key.key)?;
            put.raw_bind_parameter(2, version)?;
            put.raw_bind_parameter(3, body)?;
            for (place, column) in (4..).zip(columns) {
                put.raw_bind_parameter(place, column)?;
            }
            put.raw_execute()?;
        }
    }
    Ok(())
}

fn keep_cosigned(to: &Savepoint<'_>, note: &Note) -> rusqlite::Result<Outcome> {
    to.prepare_cached("UPDATE head SET cosigned = ?1 WHERE id = 1")?.execute([&note.0])?;
    Ok(Outcome::Done(Done {}))
}
