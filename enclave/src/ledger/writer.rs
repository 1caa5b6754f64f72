//! The writer: gathers what waits, commits it as one batch, and hands the checkpoint on to be cosigned.

use std::sync::Arc;
use std::time::Duration;

use shroud_wire::limits;
use shroud_wire::store::Commit;
use tokio::sync::{mpsc, oneshot, watch};

use super::anchor::Anchor;
use super::batch::{Batch, Sealing};
use super::draft::Draft;
use super::log::Log;
use super::{LedgerError, Receipt};
use crate::store::{Committed, StoreError};

/// Entries of one batch; more join the next.
const BATCH: usize = 512;
/// The longest pause between two tries of one batch.
const PAUSE: Duration = Duration::from_millis(500);

/// A draft and who waits for it to join.
pub(super) struct Submission {
    pub(super) draft: Draft,
    pub(super) reply: oneshot::Sender<Result<Receipt, LedgerError>>,
}

type Joined = (oneshot::Sender<Result<Receipt, LedgerError>>, Receipt);

/// The journal's only writer.
pub(super) struct Writer {
    log: Arc<Log>,
    sealing: Arc<Sealing>,
    anchor: Arc<Anchor>,
    stop: watch::Sender<Option<String>>,
}

impl Writer {
    pub(super) fn new(
        log: Arc<Log>,
        sealing: Arc<Sealing>,
        anchor: Arc<Anchor>,
        stop: watch::Sender<Option<String>>,
    ) -> Self {
        Self { log, sealing, anchor, stop }
    }

    /// Writes until nobody can submit any more, or the store stands elsewhere.
    pub(super) async fn run(self, mut inbox: mpsc::Receiver<Submission>) {
        while let Some(first) = inbox.recv().await {
            let mut batch = Batch::after(&self.log);
            let mut joined = Vec::new();
            self.join(&mut batch, first, &mut joined);
            while batch.len() < BATCH && batch.rows() < limits::ROWS {
                let Ok(next) = inbox.try_recv() else { break };
                self.join(&mut batch, next, &mut joined);
            }
            if batch.is_empty() {
                continue;
            }
            let (commit, checkpoint) = batch.finish(&self.log, &self.sealing);
            if let Err(reason) = self.commit(commit).await {
                tracing::error!(reason, "the writer stops");
                self.stop.send_replace(Some(reason));
                return;
            }
            self.log.acknowledged(checkpoint.checkpoint().size);
            self.anchor.propose(checkpoint);
            for (reply, receipt) in joined {
                let _ = reply.send(Ok(receipt));
            }
        }
    }

    fn join(&self, batch: &mut Batch, submission: Submission, joined: &mut Vec<Joined>) {
        let Submission { draft, reply } = submission;
        if reply.is_closed() {
            return;
        }
        let clock = self.anchor.clock();
        match batch.join(&self.log, &self.sealing, draft, (clock.windows(), clock.credentials())) {
            Ok(receipt) => joined.push((reply, receipt)),
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Sends the identical batch until its outcome is known.
    async fn commit(&self, commit: Commit) -> Result<(), String> {
        let mut pause = Duration::from_millis(10);
        loop {
            match self.anchor.store().commit(commit.clone()).await {
                Ok(Committed::Done) => return Ok(()),
                Ok(Committed::Conflict(head)) => {
                    return Err(format!("the store stands at {} where {} was expected", head.size, commit.expected_size));
                }
                Err(StoreError::Confused) => return Err("the store answered something else than was asked".to_owned()),
                Err(error) => {
                    self.anchor.hinder(error.to_string());
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE);
                }
            }
        }
    }
}
