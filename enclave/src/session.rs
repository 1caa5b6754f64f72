//! Session evidence: one report for all connections that ask at the same time (DESIGN §6).
//!
//! ```text
//! nonce, channel ─ ask ─► queue ─ window ─► batch: leaves ─► root ─► one report, one signature ─► each its leaf and path
//!                           └ full: Busy, 503
//! ```
//!
//! The security processor answers one request at a time, so a report begins at most once per [`WINDOW`]; whoever asks
//! while it waits or while a report is under way shares the next one. A lone client does not wait. Nothing that a
//! client sends is trusted: it chooses a nonce, no more; key and exporter come from the connection itself.

mod channel;
mod voucher;

use std::sync::Arc;
use std::time::Duration;

use shroud_attestation::purpose;
use shroud_attestation::session::{Leaf, SessionEvidence};
use shroud_journal::Tree;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

pub(crate) use channel::{Channel, Shared};
pub(crate) use voucher::{Voucher, Vouches};

use crate::processor::Processor;

/// Reports begin at least this far apart.
const WINDOW: Duration = Duration::from_millis(50);
/// Connections that may wait for the next report, which serves them all.
const QUEUE: usize = 512;
/// How long a report may take.
const REPORT: Duration = Duration::from_secs(5);

/// Why there is no evidence for a session.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// Too many connections wait for the next report.
    #[error("too many connections ask for session evidence")]
    Busy,
    /// The security processor gave no report.
    #[error("{0}")]
    Processor(String),
    /// No checkpoint was cosigned yet.
    #[error("no checkpoint is cosigned by a quorum yet")]
    Checkpoint,
    /// TLS gave no exporter for the connection.
    #[error("TLS gave no exporter for this connection")]
    Exporter,
    /// The queue's worker has ended.
    #[error("session evidence is not offered any more")]
    Ended,
}

/// What is known of a connection before the batch.
struct Bound {
    nonce: [u8; 32],
    spki: Arc<[u8]>,
    exporter: [u8; 32],
}

struct Ask {
    bound: Bound,
    reply: oneshot::Sender<Result<SessionEvidence, SessionError>>,
}

/// The queue for session evidence.
pub(crate) struct Sessions(mpsc::Sender<Ask>);

impl Sessions {
    /// Starts the queue over a security processor and whoever vouches for the journal.
    pub(crate) fn start(processor: Arc<dyn Processor>, voucher: impl Vouches) -> Self {
        let (queue, inbox) = mpsc::channel(QUEUE);
        tokio::spawn(serve(inbox, processor, voucher));
        Self(queue)
    }

    /// Evidence that `channel` ends here, for the client's nonce.
    ///
    /// # Errors
    /// Every [`SessionError`]; [`SessionError::Busy`] at once, without waiting.
    pub(crate) async fn ask(
        &self,
        nonce: [u8; 32],
        channel: &Channel,
    ) -> Result<SessionEvidence, SessionError> {
        let exporter = channel.export(&nonce).ok_or(SessionError::Exporter)?;
        let bound = Bound { nonce, spki: channel.spki(), exporter };
        let (reply, answer) = oneshot::channel();
        self.0.try_send(Ask { bound, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SessionError::Busy,
            mpsc::error::TrySendError::Closed(_) => SessionError::Ended,
        })?;
        answer.await.map_err(|_| SessionError::Ended)?
    }
}

async fn serve(mut inbox: mpsc::Receiver<Ask>, processor: Arc<dyn Processor>, voucher: impl Vouches) {
    let mut next = Instant::now();
    while let Some(first) = inbox.recv().await {
        sleep_until(next).await;
        let mut asks = vec![first];
        while asks.len() < QUEUE {
            let Ok(ask) = inbox.try_recv() else { break };
            asks.push(ask);
        }
        // Whoever has hung up costs nothing.
        asks.retain(|ask| !ask.reply.is_closed());
        if !asks.is_empty() {
            next = Instant::now() + WINDOW;
            answer(asks, processor.as_ref(), &voucher).await;
        }
    }
}

async fn answer(asks: Vec<Ask>, processor: &dyn Processor, voucher: &impl Vouches) {
    let (bound, replies): (Vec<_>, Vec<_>) = asks.into_iter().map(|ask| (ask.bound, ask.reply)).unzip();
    let outcomes = match batch(bound, processor, voucher).await {
        Ok(evidence) => evidence.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error); replies.len()],
    };
    for (reply, outcome) in replies.into_iter().zip(outcomes) {
        // Whoever has hung up meanwhile needs no answer.
        let _ = reply.send(outcome);
    }
}

/// One report and one signature over the leaves of all.
async fn batch(
    bound: Vec<Bound>,
    processor: &dyn Processor,
    voucher: &impl Vouches,
) -> Result<Vec<SessionEvidence>, SessionError> {
    let checkpoint = voucher.checkpoint().ok_or(SessionError::Checkpoint)?;
    let leaves: Vec<Leaf> =
        bound.into_iter().map(|bound| leaf(&bound, voucher.public(), &checkpoint)).collect();
    let mut tree = Tree::new();
    leaves.iter().for_each(|leaf| tree.append(leaf.hash()));
    let (root, size) = (tree.root(), tree.size());
    let data = purpose::session(&root);
    let report = timeout(REPORT, processor.report(&data)).await;
    let evidence = match report {
        Ok(Ok(evidence)) => evidence,
        Ok(Err(error)) => return Err(SessionError::Processor(error.to_string())),
        Err(_) => {
            return Err(SessionError::Processor("the security processor did not answer in time".to_owned()));
        }
    };
    let signature = voucher.sign(&root);
    let place = |(index, leaf): (u64, Leaf)| SessionEvidence {
        report: evidence.report.clone(),
        certificates: evidence.certificates.clone(),
        root,
        signature: signature.clone(),
        leaf,
        index,
        size,
        path: tree.inclusion(index, size).unwrap_or_default(),
    };
    Ok((0..).zip(leaves).map(place).collect())
}

fn leaf(bound: &Bound, journal_key: [u8; 32], checkpoint: &[u8]) -> Leaf {
    Leaf {
        nonce: bound.nonce,
        spki: bound.spki.to_vec(),
        exporter: bound.exporter,
        journal_key,
        checkpoint: checkpoint.to_vec(),
    }
}

#[cfg(test)]
mod tests;
