//! Bodies that pass through: requests up to their limit, answers up to their deadline.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use shroud_wire::limits;
use tokio::time::{Instant, Sleep, sleep_until};

/// How much of a body beyond the limit is read and thrown away, so that the connection stays usable.
pub const DRAIN: usize = 8 * limits::HTTP_BODY;
/// How long the body of an answer may take once its headers are there.
const ANSWER: Duration = Duration::from_secs(30);

/// Why a body did not end well.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The request is beyond the limit.
    #[error("the body has more than {limit} bytes", limit = limits::HTTP_BODY)]
    TooLong,
    /// The answer stalled.
    #[error("the body did not end in time")]
    Slow,
    /// The connection failed.
    #[error(transparent)]
    Connection(#[from] hyper::Error),
}

/// A request's body on its way to the enclave: the client's, or the sidecar's own. A declared length was judged
/// before; an undeclared one is counted.
#[derive(Debug)]
pub struct RequestBody(Request);

#[derive(Debug)]
enum Request {
    Passed { inner: Incoming, counted: Option<Counted> },
    Own(Full<Bytes>),
}

#[derive(Debug)]
struct Counted {
    bytes: usize,
    exceeded: Exceeded,
}

/// Tells, after the fact, whether a request failed because its body went beyond the limit.
#[derive(Clone, Debug, Default)]
pub struct Exceeded(Option<Arc<AtomicBool>>);

impl Exceeded {
    /// Whether it did.
    #[must_use]
    pub fn happened(&self) -> bool {
        self.0.as_ref().is_some_and(|flag| flag.load(Ordering::Acquire))
    }
}

impl RequestBody {
    /// Lets a body through. `Err` returns one whose declared length is beyond the limit.
    ///
    /// # Errors
    /// The body itself.
    pub fn admit(inner: Incoming) -> Result<(Self, Exceeded), Incoming> {
        let hint = inner.size_hint();
        let limit = u64::try_from(limits::HTTP_BODY).unwrap_or(u64::MAX);
        if hint.lower() > limit {
            return Err(inner);
        }
        if hint.exact().is_some() {
            return Ok((Self(Request::Passed { inner, counted: None }), Exceeded::default()));
        }
        let exceeded = Exceeded(Some(Arc::default()));
        let counted = Some(Counted { bytes: 0, exceeded: exceeded.clone() });
        Ok((Self(Request::Passed { inner, counted }), exceeded))
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self(Request::Own(Full::new(bytes)))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let (inner, counted) = match &mut self.0 {
            Request::Own(body) => return Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Request::Passed { inner, counted } => (inner, counted),
        };
        loop {
            let frame = std::task::ready!(Pin::new(&mut *inner).poll_frame(cx)).transpose()?;
            let Some(counted) = counted.as_mut() else { return Poll::Ready(frame.map(Ok)) };
            let length = frame.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len);
            counted.bytes = counted.bytes.saturating_add(length);
            if counted.bytes <= limits::HTTP_BODY {
                return Poll::Ready(frame.map(Ok));
            }
            if let Some(flag) = &counted.exceeded.0 {
                flag.store(true, Ordering::Release);
            }
            // The rest is read and thrown away: the client gets its answer on a connection that is still usable.
            if frame.is_none() || counted.bytes > DRAIN {
                return Poll::Ready(Some(Err(BodyError::TooLong)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Request::Own(body) => body.is_end_stream(),
            Request::Passed { inner, .. } => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Request::Own(body) => body.size_hint(),
            Request::Passed { inner, .. } => inner.size_hint(),
        }
    }
}

/// An answer's body: the enclave's, passed on as it comes, or the sidecar's own.
#[derive(Debug)]
pub enum AnswerBody {
    /// The enclave's.
    Passed {
        /// What comes from the enclave.
        inner: Incoming,
        /// When it must have ended.
        deadline: Instant,
        /// Runs once the body had to be waited for.
        timer: Option<Pin<Box<Sleep>>>,
    },
    /// The sidecar's own.
    Own(Full<Bytes>),
}

impl AnswerBody {
    /// Passes the enclave's body on.
    #[must_use]
    pub fn passed(inner: Incoming) -> Self {
        Self::Passed { inner, deadline: Instant::now() + ANSWER, timer: None }
    }
}

impl From<Bytes> for AnswerBody {
    fn from(bytes: Bytes) -> Self {
        Self::Own(Full::new(bytes))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Own(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Passed { inner, deadline, timer } => {
                if let Poll::Ready(frame) = Pin::new(inner).poll_frame(cx) {
                    return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)));
                }
                let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(*deadline)));
                timer.as_mut().poll(cx).map(|()| Some(Err(BodyError::Slow)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Passed { inner, .. } => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Passed { inner, .. } => inner.size_hint(),
        }
    }
}
