//! One inbound connection and the one verified outbound connection that serves it.
//!
//! A connection that ended while idle is replaced by a new one, verified anew. A request of which a byte may have been
//! sent is never sent again: its failure is the client's to judge.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{EXPECT, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response};
use shroud_attestation::ReferenceValues;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::attest::Attestor;
use super::body::{AnswerBody, DRAIN, Exceeded, RequestBody};
use super::connection::{Admissible, Http};
use super::dial::{DialError, dial};
use super::headers;
use super::problem::Failure;
use super::references::References;

/// From the request's headers to the answer's: under the ten seconds that clients are promised.
const ANSWER: Duration = Duration::from_millis(9_500);
/// A connection older than this is not used for a further request.
const AGE: Duration = Duration::from_secs(15 * 60);

/// What every connection of this sidecar shares.
#[derive(Debug)]
pub struct Sidecar {
    enclave: String,
    host: HeaderValue,
    references: Arc<References>,
    attestor: Attestor,
}

impl Sidecar {
    /// A sidecar for the enclave at `enclave`; `None` unless that is HOST:PORT.
    #[must_use]
    pub fn new(enclave: &str, references: Arc<References>, attestor: Attestor) -> Option<Arc<Self>> {
        let authority = Authority::try_from(enclave).ok()?;
        authority.port_u16()?;
        let host = HeaderValue::from_str(enclave).ok()?;
        Some(Arc::new(Self { enclave: enclave.to_owned(), host, references, attestor }))
    }
}

/// One inbound connection. Its requests come one after another.
#[derive(Debug)]
pub struct Session {
    sidecar: Arc<Sidecar>,
    outbound: Mutex<Option<Outbound>>,
}

#[derive(Debug)]
struct Outbound {
    http: Http<Admissible, RequestBody>,
    references: Arc<ReferenceValues>,
    since: Instant,
}

impl Session {
    /// A session without an outbound connection; the first request dials.
    #[must_use]
    pub fn new(sidecar: Arc<Sidecar>) -> Arc<Self> {
        Arc::new(Self { sidecar, outbound: Mutex::new(None) })
    }

    /// Answers one request: with the enclave's answer, or with a problem that says why there is none.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<AnswerBody> {
        let deadline = Instant::now() + ANSWER;
        match self.forward(request, deadline).await {
            Ok(answer) => {
                let mut answer = answer.map(AnswerBody::passed);
                headers::end_hop(answer.headers_mut());
                answer
            }
            Err(failure) => failure.answer(),
        }
    }

    async fn forward(
        &self,
        request: Request<Incoming>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Failure> {
        let (request, exceeded) = self.admit(request, deadline).await?;
        // The slot is emptied while a request is under way: only an answer puts the connection back, so that nothing
        // that failed, or was given up, is ever used again.
        let mut slot = self.outbound.lock().await;
        let held = slot.take();
        let (answer, outbound) = self.exchange(held, request, &exceeded, deadline).await?;
        *slot = Some(outbound);
        Ok(answer)
    }

    /// Judges the request by itself and addresses it to the enclave.
    async fn admit(
        &self,
        request: Request<Incoming>,
        deadline: Instant,
    ) -> Result<(Request<RequestBody>, Exceeded), Failure> {
        if request.method() == Method::CONNECT {
            return Err(Failure::Tunnel);
        }
        let (head, body) = request.into_parts();
        let (body, exceeded) = match RequestBody::admit(body) {
            Ok(admitted) => admitted,
            Err(body) => {
                if !head.headers.contains_key(EXPECT) {
                    drain(body, deadline).await;
                }
                return Err(Failure::TooLong);
            }
        };
        let mut request = Request::from_parts(head, body);
        headers::address(&mut request, &self.sidecar.host);
        Ok((request, exceeded))
    }

    async fn exchange(
        &self,
        held: Option<Outbound>,
        mut request: Request<RequestBody>,
        exceeded: &Exceeded,
        deadline: Instant,
    ) -> Result<(Response<Incoming>, Outbound), Failure> {
        let mut held = self.usable(held, deadline).await;
        // Twice, because a connection may end in the moment in which it is chosen, before a byte is sent.
        for _ in 0..2 {
            let mut outbound = match held.take() {
                Some(outbound) => outbound,
                None => self.open(deadline).await?,
            };
            let sent = timeout_at(deadline, outbound.http.send(request)).await;
            match sent.map_err(|_| late(exceeded))? {
                Ok(answer) => return Ok((answer, outbound)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None if exceeded.happened() => return Err(Failure::TooLong),
                    None => return Err(Failure::Broken(error.into_error())),
                },
            }
        }
        Err(Failure::Closing)
    }

    /// The connection at hand, if it is alive, young, and verified against the values in force.
    async fn usable(&self, held: Option<Outbound>, deadline: Instant) -> Option<Outbound> {
        let mut outbound = held?;
        let current = Arc::ptr_eq(&outbound.references, &self.sidecar.references.current());
        if !current || outbound.since.elapsed() > AGE {
            return None;
        }
        timeout_at(deadline, outbound.http.ready()).await.is_ok_and(|alive| alive).then_some(outbound)
    }

    /// Dials and verifies a new connection.
    async fn open(&self, deadline: Instant) -> Result<Outbound, Failure> {
        let references = self.sidecar.references.current();
        let opened = async {
            let connection = dial(&self.sidecar.enclave, Arc::clone(&references)).await?;
            let http = connection.into_http().await?;
            let mut http = self.sidecar.attestor.attest(http, &self.sidecar.host, &references).await?;
            if http.ready().await { Ok(http) } else { Err(Failure::Closing) }
        };
        let http = timeout_at(deadline, opened).await.map_err(|_| self.no_connection())??;
        Ok(Outbound { http, references, since: Instant::now() })
    }

    fn no_connection(&self) -> DialError {
        DialError::Slow { enclave: self.sidecar.enclave.clone(), phase: "verified connection" }
    }
}

fn late(exceeded: &Exceeded) -> Failure {
    if exceeded.happened() { Failure::TooLong } else { Failure::Slow }
}

/// Reads and throws away a body beyond the limit, within bounds, so that the client reads its answer and the
/// connection stays usable.
async fn drain(mut body: Incoming, deadline: Instant) {
    if body.size_hint().lower() > u64::try_from(DRAIN).unwrap_or(u64::MAX) {
        return;
    }
    // A client that stops sending, or breaks off, has no use for the connection.
    while let Ok(Some(Ok(_))) = timeout_at(deadline, body.frame()).await {}
}
