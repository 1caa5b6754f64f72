//! The one way from something held to something that may leave: a durable, witnessed record (DESIGN §4).
//!
//! ```text
//! Held<T> ─ record ─► join (checks that can change, budget) ─► commit in the store ─► cosigned by a quorum ─► Recorded<T>
//!                       └ refused: nothing was written, T is dropped
//! ```
//!
//! Concurrent records gather while a commit is under way; one batch is one transaction of the store and one round of
//! cosignatures. While a round runs, the next batch may gather and commit. An unknown outcome is retried with identical
//! bytes; a store that stands elsewhere stops the writer for good.

mod anchor;
mod batch;
mod draft;
mod gathering;
mod log;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

pub(crate) use anchor::Anchor;
pub(crate) use batch::{Sealing, first_entry};
pub(crate) use draft::{Draft, Refusal};
pub(crate) use draft::{Room, custody_columns};
pub(crate) use log::Log;

use writer::{Submission, Writer};

/// Records that may wait to join a batch.
const QUEUE: usize = 4096;
/// How long a record may take to become durable before its caller is told so.
const DEADLINE: Duration = Duration::from_secs(8);
/// How long after the last word of a quorum a guest still answers: three heartbeats.
const FRESH: Duration = Duration::from_secs(30);

/// A value inside the enclave that must not leave yet. Only [`Ledger::record`] gives it back.
pub(crate) struct Held<T>(T);

impl<T> Held<T> {
    /// Holds a value back.
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }
}

/// A value whose record is durable: committed by the store and cosigned by a quorum of witnesses.
#[derive(Debug)]
pub(crate) struct Recorded<T> {
    value: T,
    receipt: Receipt,
}

impl<T> Recorded<T> {
    /// The value.
    pub(crate) fn value(&self) -> &T {
        &self.value
    }

    /// Where it was recorded.
    pub(crate) fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The same record, told in another form.
    pub(crate) fn map<U>(self, tell: impl FnOnce(T, &Receipt) -> U) -> Recorded<U> {
        Recorded { value: tell(self.value, &self.receipt), receipt: self.receipt }
    }
}

/// Where something was recorded.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    /// The entry's sequence.
    pub sequence: u64,
    /// The event's id.
    pub event: Uuid,
}

/// Why something was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A check at joining the batch failed; nothing was written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many records wait.
    #[error("too many records wait to be written")]
    Busy,
    /// Not durable in time: written perhaps, but not yet cosigned by a quorum.
    #[error("the record is not durable yet: {0}")]
    NotDurable(String),
    /// The credential expired before the record became durable.
    #[error("the credential expired before the record became durable")]
    Expired,
    /// The writer has stopped.
    #[error("the journal's writer has stopped: {0}")]
    Stopped(String),
}

/// The journal's only writer, behind a queue.
pub(crate) struct Ledger {
    queue: mpsc::Sender<Submission>,
    log: Arc<Log>,
    anchor: Arc<Anchor>,
    stopped: watch::Receiver<Option<String>>,
}

impl Ledger {
    /// Starts the writer and the rounds of cosignatures.
    pub(crate) fn start(log: Arc<Log>, sealing: Arc<Sealing>, anchor: Arc<Anchor>) -> Self {
        let (queue, inbox) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(None);
        let writer = Writer::new(Arc::clone(&log), sealing, Arc::clone(&anchor), stop);
        tokio::spawn(writer.run(inbox));
        Self { queue, log, anchor, stopped }
    }

    /// Records `draft` and gives back what was held, once the record is durable.
    ///
    /// # Errors
    /// Every [`LedgerError`]; what was held is dropped then.
    pub(crate) async fn record<T>(&self, held: Held<T>, draft: Draft) -> Result<Recorded<T>, LedgerError> {
        let expires = draft.expires;
        match tokio::time::timeout(DEADLINE, self.durable(draft)).await {
            Ok(receipt) => {
                let receipt = receipt?;
                if expires.is_some_and(|at| self.anchor.clock().credentials() >= at) {
                    return Err(LedgerError::Expired);
                }
                Ok(Recorded { value: held.0, receipt })
            }
            Err(_) => Err(LedgerError::NotDurable(self.anchor.obstacle())),
        }
    }

    async fn durable(&self, draft: Draft) -> Result<Receipt, LedgerError> {
        let (reply, joined) = oneshot::channel();
        let stopped = || LedgerError::Stopped(self.stopped.borrow().clone().unwrap_or_default());
        let details = draft.details()?;
        self.queue.send(Submission { draft, details, reply }).await.map_err(|_| stopped())?;
        let receipt = joined.await.map_err(|_| stopped())??;
        self.anchor.reached(receipt.sequence + 1).await;
        Ok(receipt)
    }

    /// Waits until everything that was applied when this was called is durable, so that what was read may be told.
    ///
    /// # Errors
    /// [`LedgerError::NotDurable`] after the deadline.
    pub(crate) async fn settled(&self) -> Result<(), LedgerError> {
        self.fresh()?;
        let size = self.log.size();
        match tokio::time::timeout(DEADLINE, self.anchor.reached(size)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(LedgerError::NotDurable(self.anchor.obstacle())),
        }
    }

    /// A quorum has spoken lately. A guest that hears of none may have been superseded, and its time stands still: it
    /// tells nobody anything.
    ///
    /// # Errors
    /// [`LedgerError::NotDurable`].
    pub(crate) fn fresh(&self) -> Result<(), LedgerError> {
        let age = self.anchor.clock().age();
        if age <= FRESH {
            return Ok(());
        }
        Err(LedgerError::NotDurable(format!(
            "no quorum has spoken for {} s; {}",
            age.as_secs(),
            self.anchor.obstacle()
        )))
    }

    /// The state and tree that the journal stands for.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// The rounds of cosignatures.
    pub(crate) fn anchor(&self) -> &Arc<Anchor> {
        &self.anchor
    }

    /// Resolves when the writer has stopped, with the reason.
    pub(crate) async fn stopped(&self) -> String {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            reason = stopped.wait_for(Option::is_some) => {
                reason.ok().and_then(|reason| reason.clone()).unwrap_or_else(|| "the writer ended".to_owned())
            }
            reason = self.anchor.ended() => reason,
        }
    }
}
