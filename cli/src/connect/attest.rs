//! From a verified certificate to a verified session: asks for evidence over the connection itself, judges it, and
//! remembers where the journal stands. Nothing of a client is sent before that (DESIGN §6).
//!
//! ```text
//! what is known ─ nonce ─► evidence ─ session::verify ─ not older than what was known ─► consistent with what is known
//!                                                                                          └─► remembered ─► admitted
//! ```
//!
//! Connections are attested side by side, so memory may move on while an answer is under way: what was known before the
//! question is the bar, and what is known after it must still be the same history.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use shroud_attestation::ReferenceValues;
use shroud_attestation::session::{CONSISTENCY_PATH, Challenge, Consistency, PATH, SessionEvidence};
use shroud_journal::{Checkpoint, verify_consistency};
use shroud_wire::limits;

use super::checkpoints::{Checkpoints, CheckpointsError, Newest, Remembered};
use super::connection::{CertificateVerified, Http, SessionVerified};
use super::session::{Session, SessionRefused, verify};
use super::witnesses::Cosigners;

/// What sessions are judged by, beside the reference values.
#[derive(Debug)]
pub struct Attestor {
    cosigners: Option<Cosigners>,
    checkpoints: Arc<Checkpoints>,
}

impl Attestor {
    /// With the witnesses that must have cosigned, if they are known, and the memory of what was seen.
    #[must_use]
    pub fn new(cosigners: Option<Cosigners>, checkpoints: Checkpoints) -> Self {
        Self { cosigners, checkpoints: Arc::new(checkpoints) }
    }

    /// Verifies that the connection ends in the enclave. `host` is the enclave's address, for the header `Host`.
    ///
    /// # Errors
    /// Every [`SessionRefused`]; the connection is gone then.
    pub async fn attest<B>(
        &self,
        mut http: Http<CertificateVerified, B>,
        host: &HeaderValue,
        references: &ReferenceValues,
    ) -> Result<Http<SessionVerified, B>, SessionRefused>
    where
        B: Body + From<Bytes> + Send + 'static,
    {
        let known = self.newest().await?;
        let challenge = Challenge { nonce: *http.channel().nonce() };
        let challenge = serde_json::to_vec(&challenge).unwrap_or_default();
        let answer = ask(&mut http, host, Method::POST, PATH, challenge.into()).await?;
        let answer = SessionEvidence::parse(&answer)?;
        let session = verify(&answer, http.channel(), references, self.cosigners.as_ref(), now())?;
        if let Some(known) = known.get(&session.newest().checkpoint().origin) {
            session.newest().follows(known)?;
        }
        self.remember(&mut http, host, &session).await?;
        Ok(http.admitted(session))
    }

    /// Makes the session's checkpoint part of the one history that is remembered.
    async fn remember<B>(
        &self,
        http: &mut Http<CertificateVerified, B>,
        host: &HeaderValue,
        session: &Session,
    ) -> Result<(), SessionRefused>
    where
        B: Body + From<Bytes> + Send + 'static,
    {
        let found = session.newest();
        loop {
            let known = self.newest().await?.remove(&found.checkpoint().origin);
            if let Some(known) = &known {
                let Some((older, newer)) = found.span(known)? else { return Ok(()) };
                extends(http, host, older, newer).await?;
                if newer == known.checkpoint() {
                    return Ok(());
                }
            }
            // Another connection may have moved memory on in between; then the question is asked again.
            if self.advance(known, found.clone()).await? {
                return Ok(());
            }
        }
    }

    async fn newest(&self) -> Result<Newest, SessionRefused> {
        let checkpoints = Arc::clone(&self.checkpoints);
        blocking(move || checkpoints.newest()).await
    }

    async fn advance(&self, known: Option<Remembered>, next: Remembered) -> Result<bool, SessionRefused> {
        let checkpoints = Arc::clone(&self.checkpoints);
        blocking(move || checkpoints.advance(known.as_ref(), &next)).await
    }
}

/// Files are read and synced beside the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CheckpointsError> + Send + 'static,
) -> Result<T, SessionRefused> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| SessionRefused::Connection(error.to_string()))??)
}

/// Asks the enclave to prove that `newer` extends `older`, and verifies it.
async fn extends<B>(
    http: &mut Http<CertificateVerified, B>,
    host: &HeaderValue,
    older: &Checkpoint,
    newer: &Checkpoint,
) -> Result<(), SessionRefused>
where
    B: Body + From<Bytes> + Send + 'static,
{
    let forked = |why: String| SessionRefused::Forked { size: newer.size, why };
    let path = format!("{CONSISTENCY_PATH}?from={}&to={}", older.size, newer.size);
    let answer = match ask(http, host, Method::GET, &path, Bytes::new()).await {
        Err(SessionRefused::Unavailable { status: 404 }) => {
            return Err(forked("the enclave has no proof that one extends the other".to_owned()));
        }
        answer => answer?,
    };
    let read: Consistency = serde_json::from_slice(&answer).map_err(|error| forked(error.to_string()))?;
    let proven = verify_consistency(older.size, &older.root, newer.size, &newer.root, &read.proof);
    proven.map(drop).map_err(|error| forked(error.to_string()))
}

/// One question to the enclave; its answer's body, if it is 200.
async fn ask<B>(
    http: &mut Http<CertificateVerified, B>,
    host: &HeaderValue,
    method: Method,
    path: &str,
    body: Bytes,
) -> Result<Bytes, SessionRefused>
where
    B: Body + From<Bytes> + Send + 'static,
{
    let broken = |error: &dyn std::fmt::Display| SessionRefused::Connection(error.to_string());
    let request = Request::builder().method(method).uri(path).header(HOST, host);
    let request = request.header(CONTENT_TYPE, "application/json").body(body).map_err(|e| broken(&e))?;
    let answer = http.ask(request).await.map_err(|e| broken(&e))?;
    let status = answer.status();
    let read = http_body_util::Limited::new(answer.into_body(), limits::SESSION).collect().await;
    let body = read.map_err(|e| broken(&e))?.to_bytes();
    if status == StatusCode::OK {
        Ok(body)
    } else {
        Err(SessionRefused::Unavailable { status: status.as_u16() })
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
