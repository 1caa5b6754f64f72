//! One connection to the store: a reader that takes requests in, a writer that lets answers out.

use std::sync::Arc;

use prost::Message as _;
use shroud_wire::frame::FrameError;
use shroud_wire::limits::FRAME;
use shroud_wire::link::Link;
use shroud_wire::store::{Answer, Failure, Operation, Outcome, Request};
use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::Shared;
use super::batch::{Batch, Key, Note, Refused};
use super::census::{self, CensusError};
use super::sqlite::{Change, Query, Receipt, SqliteError};
use crate::frames;

/// Why a connection ends before its peer has finished. A peer that says what is no request is not answered.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("a frame with {0}")]
    Census(#[from] CensusError),
    #[error("the store is closing")]
    Closing,
}

impl From<AcquireError> for Ended {
    fn from(_: AcquireError) -> Self {
        Self::Closing
    }
}

/// Why a request is answered with a failure.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("refused: {0}")]
    Refused(#[from] Refused),
    #[error(transparent)]
    Database(#[from] SqliteError),
}

/// What a request and its answer hold until the answer has left.
type Held = Vec<OwnedSemaphorePermit>;
type Answers = mpsc::Sender<(Answer, Held)>;

pub(super) struct Session {
    shared: Arc<Shared>,
    in_flight: Arc<Semaphore>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let in_flight = Arc::new(Semaphore::new(shared.limits.requests));
        Self { shared, in_flight }
    }

    pub(super) async fn serve(self, link: Link) {
        let (from, to) = split(link);
        let (answers, ready) = mpsc::channel(self.shared.limits.requests);
        let served = tokio::try_join!(self.read_requests(from, answers), self.write_answers(to, ready));
        if let Err(error) = served {
            debug!(%error, "a connection to the store ended");
        }
    }

    /// Ends when the peer has finished and every request has its answer.
    async fn read_requests(&self, mut from: impl AsyncRead + Unpin, answers: Answers) -> Result<(), Ended> {
        let mut working = JoinSet::new();
        loop {
            let slot = self.in_flight.clone().acquire_owned().await?;
            while working.try_join_next().is_some() {}
            let Some((request, bytes)) = self.request(&mut from).await? else { break };
            self.begin(request, vec![slot, bytes], &answers, &mut working).await;
        }
        while working.join_next().await.is_some() {}
        Ok(())
    }

    /// The next request with the permit for its bytes.
    async fn request(
        &self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> Result<Option<(Request, OwnedSemaphorePermit)>, Ended> {
        let wait = self.shared.limits.frame;
        let Some(length) = frames::announced(from, FRAME, wait).await? else { return Ok(None) };
        let permits = u32::try_from(length).unwrap_or(u32::MAX);
        let permit = self.shared.request_bytes.clone().acquire_many_owned(permits).await?;
        let bytes = frames::body(from, length, wait).await?;
        census::take(&bytes)?;
        let request = Request::decode(bytes.as_slice()).map_err(FrameError::from)?;
        Ok(Some((request, permit)))
    }

    /// Begins a request. A write has its place in the order when this returns; its answer follows later.
    async fn begin(&self, request: Request, mut held: Held, answers: &Answers, working: &mut JoinSet<()>) {
        let (shared, answers) = (self.shared.clone(), answers.clone());
        match Asked::parse(request.operation) {
            Ok(Asked::Change(change)) => {
                let receipt = shared.database.change(change).await;
                working.spawn(async move {
                    answer(&answers, request.id, changed(receipt).await, held).await;
                });
            }
            Ok(Asked::Query(query)) => drop(working.spawn(async move {
                let Ok(room) = shared.answers.clone().acquire_owned().await else { return };
                held.push(room);
                let outcome = shared.database.query(query).await.map_err(Failed::from);
                answer(&answers, request.id, outcome, held).await;
            })),
            Err(refused) => answer(&answers, request.id, Err(refused.into()), held).await,
        }
    }

    async fn write_answers(
        &self,
        mut to: impl AsyncWrite + Unpin,
        mut ready: mpsc::Receiver<(Answer, Held)>,
    ) -> Result<(), Ended> {
        while let Some((answer, held)) = ready.recv().await {
            frames::write(&mut to, &fitting(answer), self.shared.limits.frame).await?;
            drop(held);
        }
        Ok(())
    }
}

/// An operation within its bounds.
enum Asked {
    Query(Query),
    Change(Change),
}

impl Asked {
    fn parse(operation: Option<Operation>) -> Result<Self, Refused> {
        Ok(match operation.ok_or(Refused::Operation)? {
            Operation::Head(_) => Self::Query(Query::Head),
            Operation::Entries(query) => Self::Query(Query::Entries { from: query.from, limit: query.limit }),
            Operation::Rows(query) => Self::Query(Query::Rows(Key::parse_all(query)?)),
            Operation::Commit(commit) => Self::Change(Change::Commit(Batch::parse(commit)?)),
            Operation::KeepCosigned(keep) => Self::Change(Change::KeepCosigned(Note::parse(keep.note)?)),
        })
    }
}

async fn changed(receipt: Result<Receipt, SqliteError>) -> Result<Outcome, Failed> {
    Ok(receipt?.done().await?)
}

async fn answer(answers: &Answers, id: u64, outcome: Result<Outcome, Failed>, held: Held) {
    let outcome = outcome.unwrap_or_else(|failed| {
        warn!(%failed, "a request to the store failed");
        Outcome::Failure(Failure { detail: failed.to_string() })
    });
    // A peer that is gone needs no answer.
    let _ = answers.send((Answer { id, outcome: Some(outcome) }, held)).await;
}

/// Whatever stands in the database, what leaves fits one frame.
fn fitting(answer: Answer) -> Answer {
    if answer.encoded_len() <= FRAME {
        return answer;
    }
    let detail = "the answer does not fit one frame".to_owned();
    Answer { id: answer.id, outcome: Some(Outcome::Failure(Failure { detail })) }
}
