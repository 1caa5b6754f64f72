//! The client of the host's store: numbered requests on one link, answered in any order.
//!
//! It trusts nothing that comes back: what the answers are worth is judged by [`crate::rows`] and [`crate::ledger`].
//! A link that breaks is dialled again by the next request; requests under way on it fail as `Lost`, their outcome
//! unknown.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shroud_wire::frame;
use shroud_wire::link::{Address, Link};
use shroud_wire::store::{
    Answer, Commit, EntriesQuery, EntryRecord, Head, HeadQuery, KeepCosigned, Operation, Outcome, Request,
    Row, RowKey, RowsQuery,
};
use tokio::io::{AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

/// How long one request may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long a read is asked again after its link was lost, and the pause between.
const AGAIN: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(50);

/// What the store did not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The link is down or broke: the outcome is unknown.
    #[error("the link to the store failed: {0}")]
    Lost(String),
    /// The store said that it failed.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The request is longer than a frame may be.
    #[error("a request is too long: {0}")]
    TooLong(String),
    /// The store answered something else than was asked.
    #[error("the store answered something else than was asked")]
    Confused,
}

/// How a commit ended.
#[derive(Debug)]
pub(crate) enum Committed {
    /// The batch is durable.
    Done,
    /// The store stands elsewhere.
    Conflict(Head),
}

/// Who waits for which answer; `None` once the link has ended.
type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Outcome>>>>>;

struct Connection {
    writer: WriteHalf<Link>,
    waiting: Waiting,
}

/// The store behind its link.
pub(crate) struct Store {
    address: Address,
    next: AtomicU64,
    connection: AsyncMutex<Option<Connection>>,
}

impl Store {
    /// A client that dials at its first request.
    #[must_use]
    pub(crate) fn new(address: Address) -> Self {
        Self { address, next: AtomicU64::new(1), connection: AsyncMutex::new(None) }
    }

    /// Where the journal stands.
    ///
    /// # Errors
    /// Every [`StoreError`].
    pub(crate) async fn head(&self) -> Result<Head, StoreError> {
        match self.read(Operation::Head(HeadQuery {})).await? {
            Outcome::Head(head) => Ok(head),
            _ => Err(StoreError::Confused),
        }
    }

    /// Entries from `from` on, as many as fit.
    ///
    /// # Errors
    /// Every [`StoreError`]; `Confused` if the sequences are not those asked for.
    pub(crate) async fn entries(&self, from: u64, limit: u32) -> Result<Vec<EntryRecord>, StoreError> {
        match self.read(Operation::Entries(EntriesQuery { from, limit })).await? {
            Outcome::Entries(answer) if consecutive(from, &answer.entries) => Ok(answer.entries),
            _ => Err(StoreError::Confused),
        }
    }

    /// One row, if the store has it.
    ///
    /// # Errors
    /// Every [`StoreError`].
    pub(crate) async fn row(&self, key: RowKey) -> Result<Option<Row>, StoreError> {
        let wanted = key.clone();
        match self.read(Operation::Rows(RowsQuery { keys: vec![key] })).await? {
            Outcome::Rows(answer) => {
                Ok(answer.rows.into_iter().find(|row| row.table == wanted.table && row.key == wanted.key))
            }
            _ => Err(StoreError::Confused),
        }
    }

    /// One batch.
    ///
    /// # Errors
    /// Every [`StoreError`]; after `Lost` the outcome is unknown and the identical batch must be sent again.
    pub(crate) async fn commit(&self, batch: Commit) -> Result<Committed, StoreError> {
        match self.ask(Operation::Commit(batch)).await? {
            Outcome::Done(_) => Ok(Committed::Done),
            Outcome::Conflict(head) => Ok(Committed::Conflict(head)),
            _ => Err(StoreError::Confused),
        }
    }

    /// Keeps the newest cosigned checkpoint for stapling.
    ///
    /// # Errors
    /// Every [`StoreError`].
    pub(crate) async fn keep_cosigned(&self, note: Vec<u8>) -> Result<(), StoreError> {
        match self.ask(Operation::KeepCosigned(KeepCosigned { note })).await? {
            Outcome::Done(_) => Ok(()),
            _ => Err(StoreError::Confused),
        }
    }

    /// A request that changes nothing: where its link was lost, it is asked again on a fresh one, for a while.
    async fn read(&self, operation: Operation) -> Result<Outcome, StoreError> {
        let until = Instant::now() + AGAIN;
        loop {
            match self.ask(operation.clone()).await {
                Err(StoreError::Lost(_)) if Instant::now() < until => tokio::time::sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
    }

    async fn ask(&self, operation: Operation) -> Result<Outcome, StoreError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let answer = async {
            self.send(id, operation, sender).await?;
            receiver.await.map_err(|_| StoreError::Lost("it closed".to_owned()))
        };
        match tokio::time::timeout(DEADLINE, answer).await {
            Ok(Ok(Outcome::Failure(failure))) => Err(StoreError::Failed(failure.detail)),
            Ok(outcome) => outcome,
            Err(_) => {
                // A link that does not answer, or took half a frame, is not used again.
                self.connection.lock().await.take();
                Err(StoreError::Lost("no answer in time".to_owned()))
            }
        }
    }

    async fn send(&self, id: u64, op: Operation, sender: oneshot::Sender<Outcome>) -> Result<(), StoreError> {
        let lost = |error: &dyn std::fmt::Display| StoreError::Lost(error.to_string());
        let request = frame::encode(&Request { id, operation: Some(op) });
        let request = request.map_err(|error| StoreError::TooLong(error.to_string()))?;
        let mut slot = self.connection.lock().await;
        if slot.is_none() {
            *slot = Some(Connection::open(&self.address).await.map_err(|error| lost(&error))?);
        }
        let Some(connection) = slot.as_mut() else {
            return Err(StoreError::Lost("not connected".to_owned()));
        };
        if !connection.expect(id, sender) {
            *slot = None;
            return Err(StoreError::Lost("it closed".to_owned()));
        }
        if let Err(error) = connection.write(&request).await {
            *slot = None;
            return Err(lost(&error));
        }
        Ok(())
    }
}

impl Connection {
    async fn open(address: &Address) -> std::io::Result<Self> {
        let (reader, writer) = tokio::io::split(Link::connect(address).await?);
        let waiting = Waiting::new(Mutex::new(Some(HashMap::new())));
        tokio::spawn(deliver(reader, Arc::clone(&waiting)));
        Ok(Self { writer, waiting })
    }

    /// Registers who waits for `id`; false if the link has ended.
    fn expect(&self, id: u64, sender: oneshot::Sender<Outcome>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.as_mut().map(|map| map.insert(id, sender)).is_some()
    }

    async fn write(&mut self, request: &[u8]) -> std::io::Result<()> {
        self.writer.write_all(request).await?;
        self.writer.flush().await
    }
}

/// Hands each answer to who waits for it. When the link ends, every waiter is dropped, which tells it so.
async fn deliver(mut reader: ReadHalf<Link>, waiting: Waiting) {
    while let Ok(answer) = frame::read::<Answer>(&mut reader).await {
        let waiter = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
            .and_then(|map| map.remove(&answer.id));
        if let (Some(waiter), Some(outcome)) = (waiter, answer.outcome) {
            let _ = waiter.send(outcome);
        }
    }
    *waiting.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

fn consecutive(from: u64, entries: &[EntryRecord]) -> bool {
    entries.iter().zip(from..).all(|(entry, expected)| entry.sequence == expected)
}
