//! The writer: gathers what waits, commits it as one batch, and hands the checkpoint on to be cosigned.

use std::sync::Arc;
use std::time::Duration;

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

/// How often one batch may be refused by the store before the writer gives it up.
const FAILURES: u32 = 20;

/// A draft and who waits for it to join.
pub(super) struct Submission {
    pub(super) draft: Draft,
    pub(super) details: Vec<u8>,
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
        let mut waiting = None;
        loop {
            let next = match waiting.take() {
                Some(next) => Some(next),
                None => inbox.recv().await,
            };
            let Some(first) = next else { return };
            let mut batch = Batch::after(&self.log);
            let mut joined = Vec::new();
            let mut fate = self.join(&mut batch, first, &mut joined);
            while fate.is_ok() && batch.len() < BATCH {
                let Ok(next) = inbox.try_recv() else { break };
                if !batch.takes(&next.draft, &next.details) {
                    waiting = Some(next);
                    break;
                }
                fate = self.join(&mut batch, next, &mut joined);
            }
            if let Err(reason) = fate {
                return self.stops(reason);
            }
            if batch.is_empty() {
                continue;
            }
            let (commit, checkpoint) = batch.finish(&self.log, &self.sealing);
            if let Err(reason) = self.commit(commit).await {
                return self.stops(reason);
            }
            self.log.acknowledged(checkpoint.checkpoint().size);
            self.anchor.propose(checkpoint);
            for (reply, receipt) in joined {
                let _ = reply.send(Ok(receipt));
            }
        }
    }

    /// The state is ahead of what the store can ever hold: another guest, or this one anew, must replay.
    fn stops(&self, reason: String) {
        tracing::error!(reason, "the writer stops");
        self.stop.send_replace(Some(reason));
    }

    fn join(
        &self,
        batch: &mut Batch,
        submission: Submission,
        joined: &mut Vec<Joined>,
    ) -> Result<(), String> {
        let Submission { draft, details, reply } = submission;
        if reply.is_closed() {
            return Ok(());
        }
        let clock = self.anchor.clock();
        let times = (clock.windows(), clock.credentials());
        match batch.join(&self.log, &self.sealing, draft, details, times) {
            Ok(receipt) => joined.push((reply, receipt)),
            Err(LedgerError::Stopped(reason)) => return Err(reason),
            Err(error) => drop(reply.send(Err(error))),
        }
        Ok(())
    }

    /// Sends the identical batch until its outcome is known.
    async fn commit(&self, commit: Commit) -> Result<(), String> {
        let mut pause = Duration::from_millis(10);
        let mut failures = 0;
        loop {
            match self.anchor.store().commit(commit.clone()).await {
                Ok(Committed::Done) => return Ok(()),
                Ok(Committed::Conflict(head)) => {
                    return Err(format!(
                        "the store stands at {} where {} was expected",
                        head.size, commit.expected_size
                    ));
                }
                Err(error @ (StoreError::Confused | StoreError::TooLong(_))) => return Err(error.to_string()),
                Err(error @ StoreError::Failed(_)) if failures >= FAILURES => return Err(error.to_string()),
                Err(error) => {
                    failures += u32::from(matches!(error, StoreError::Failed(_)));
                    self.anchor.hinder(error.to_string());
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE);
                }
            }
        }
    }
}
