//! A verified connection, by how far it has been verified.
//!
//! ```text
//! dial ──► Connection<CertificateVerified> ──► Http<CertificateVerified, _> ── attest ──► Http<SessionVerified, _> ──► requests
//!          report over the TLS key              + nonce, exporter                          report over the session
//! ```
//!
//! A certificate's report proves that the TLS key lives in the guest, not that this connection ends there: whoever
//! steals the key can relay. Session evidence (`POST /v1/attestation {nonce}`) closes that: it covers this
//! connection's exporter for a nonce of ours. The nonce is drawn and the exporter taken here, before hyper owns the
//! stream; [`super::attest`] asks and judges. [`Admissible`] names the state that a request needs; nothing else says so.

use std::fmt;

use ::aws_lc_rs::rand;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use shroud_attestation::VerifiedReport;
use shroud_attestation::session::EXPORTER;
use shroud_wire::limits;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

use super::session::Session;

/// The read buffer of one connection, in bytes; headers must fit.
const BUFFER: usize = 2 * limits::HTTP_HEADERS;

/// The state that a connection must have reached before a request may use it.
pub type Admissible = SessionVerified;

/// The certificate's report was accepted: the connection's TLS key lives in an enclave that the references name.
#[derive(Debug)]
pub struct CertificateVerified {
    report: VerifiedReport,
    spki: Vec<u8>,
}

/// This very connection ends in the enclave, now, on a state that is not older than any that was seen before.
#[derive(Debug)]
pub struct SessionVerified {
    session: Session,
}

/// Why a verified connection could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// TLS gave no exporter.
    #[error("TLS gave no exporter: {0}")]
    Exporter(#[from] rustls::Error),
    /// No random bytes.
    #[error("the system gave no random bytes")]
    Random,
    /// HTTP could not begin.
    #[error("HTTP could not begin: {0}")]
    Http(#[from] hyper::Error),
}

/// A TLS connection in the state `S`.
pub struct Connection<S> {
    stream: TlsStream<TcpStream>,
    state: S,
}

impl<S: fmt::Debug> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Connection<CertificateVerified> {
    pub(super) fn verified(stream: TlsStream<TcpStream>, report: VerifiedReport, spki: Vec<u8>) -> Self {
        Self { stream, state: CertificateVerified { report, spki } }
    }

    /// What the certificate's report said, and which checks passed.
    #[must_use]
    pub fn report(&self) -> &VerifiedReport {
        &self.state.report
    }

    /// Begins HTTP/1.1 on this connection. The bodies of requests are of type `B`.
    ///
    /// # Errors
    /// Every [`ConnectionError`].
    pub async fn into_http<B>(self) -> Result<Http<CertificateVerified, B>, ConnectionError>
    where
        B: Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>, Data: Send> + Send + 'static,
    {
        let channel = Channel::of(&self.stream, &self.state.spki)?;
        let mut builder = Builder::new();
        builder.max_buf_size(BUFFER).max_header_size(limits::HTTP_HEADERS);
        let (sender, connection) = builder.handshake(TokioIo::new(self.stream)).await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to the enclave ended");
            }
        });
        Ok(Http { sender, channel, state: self.state, driver: Driver(driver) })
    }
}

/// What session evidence must cover to belong to one connection: a nonce, spent once, the exporter for it, and the key
/// of the certificate.
pub struct Channel {
    nonce: [u8; 32],
    exporter: [u8; 32],
    spki: Vec<u8>,
}

impl Channel {
    fn of(stream: &TlsStream<TcpStream>, spki: &[u8]) -> Result<Self, ConnectionError> {
        let mut nonce = [0; 32];
        rand::fill(&mut nonce).map_err(|_| ConnectionError::Random)?;
        let exporter = stream.get_ref().1.export_keying_material([0; 32], EXPORTER, Some(&nonce))?;
        Ok(Self { nonce, exporter, spki: spki.to_vec() })
    }

    /// What the enclave is asked to sign over.
    #[must_use]
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }

    /// What both ends of this very connection, and nobody else, can compute for the nonce.
    #[must_use]
    pub fn exporter(&self) -> &[u8; 32] {
        &self.exporter
    }

    /// The key of the certificate: SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }
}

/// HTTP/1.1 on one verified connection. Dropping it ends the connection, answers still being read included.
pub struct Http<S, B> {
    sender: SendRequest<B>,
    channel: Channel,
    state: S,
    driver: Driver,
}

impl<S: fmt::Debug, B> fmt::Debug for Http<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("state", &self.state).finish_non_exhaustive()
    }
}

struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<B> Http<CertificateVerified, B> {
    /// What the certificate's report said, and which checks passed.
    #[must_use]
    pub fn report(&self) -> &VerifiedReport {
        &self.state.report
    }

    /// The nonce and exporter that session evidence for this connection must cover.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The last act of attestation: the session that was verified over this connection admits requests.
    pub(super) fn admitted(self, session: Session) -> Http<SessionVerified, B> {
        let Self { sender, channel, driver, state: _ } = self;
        Http { sender, channel, state: SessionVerified { session }, driver }
    }
}

impl<B: Body + From<Bytes> + Send + 'static> Http<CertificateVerified, B> {
    /// Asks for evidence. What is sent is made by the sidecar and holds nothing of a client.
    pub(super) async fn ask(&mut self, request: Request<Bytes>) -> Result<Response<Incoming>, hyper::Error> {
        self.sender.ready().await?;
        let sent = self.sender.try_send_request(request.map(B::from)).await;
        sent.map_err(TrySendError::into_error)
    }
}

impl<B> Http<SessionVerified, B> {
    /// What was verified of this connection.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.state.session
    }
}

impl<B: Body + Send + 'static> Http<Admissible, B> {
    /// Waits until the connection can take a request; `false` if it has ended.
    pub async fn ready(&mut self) -> bool {
        !self.driver.0.is_finished() && self.sender.ready().await.is_ok()
    }

    /// Sends one request. Where the error still holds the message, none of its bytes were sent.
    ///
    /// # Errors
    /// What hyper says.
    pub async fn send(
        &mut self,
        request: Request<B>,
    ) -> Result<Response<Incoming>, TrySendError<Request<B>>> {
        self.sender.try_send_request(request).await
    }
}

/// Reads an answer to its end, at most [`limits::FRAME`] bytes.
///
/// # Errors
/// What the connection says, or that the answer is too long.
pub async fn read_answer(
    answer: Response<Incoming>,
) -> Result<Response<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = answer.into_parts();
    let whole = http_body_util::Limited::new(body, limits::FRAME).collect().await?;
    Ok(Response::from_parts(head, whole.to_bytes().to_vec()))
}
