//! The key management service behind a gateway: it wraps and unwraps short keys, each bound to a context.
//!
//! A backend is trusted with the plain key for the length of one call and with nothing else: it sees no report, no
//! origin and no journal. The context is its AAD; a wrapped key opens under the same context alone.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use hyper::StatusCode;
use zeroize::Zeroizing;

pub mod local;

/// The answer of a backend, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// A key management service.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Its name in the log, such as `local`.
    fn name(&self) -> &'static str;

    /// Wraps a key of at most [`shroud_wire::limits::PLAIN_KEY`] bytes under `context`.
    fn wrap<'a>(&'a self, context: &'a [u8], key: &'a [u8]) -> Answer<'a, Vec<u8>>;

    /// Unwraps what [`Backend::wrap`] gave under the same `context`.
    fn unwrap<'a>(&'a self, context: &'a [u8], wrapped: &'a [u8]) -> Answer<'a, Zeroizing<Vec<u8>>>;
}

/// Why a backend gave no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The wrapped key is not one of this key and this context, or was altered.
    #[error("the wrapped key does not open under this origin and context")]
    Unopened,
    /// The service does not answer.
    #[error("the key management service does not answer")]
    Unavailable,
    /// The service asks to slow down.
    #[error("the key management service asks to slow down")]
    Throttled,
    /// The service refused the gateway's credentials or the key's use.
    #[error("the key management service refused the gateway")]
    Denied,
    /// The cryptographic provider failed.
    #[error("the cryptographic provider failed")]
    Provider,
}

impl BackendError {
    /// The name to act on.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Unopened => "unopened",
            Self::Unavailable => "backend_unavailable",
            Self::Throttled => "backend_throttled",
            Self::Denied => "backend_denied",
            Self::Provider => "backend",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Unopened => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable | Self::Throttled => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied => StatusCode::BAD_GATEWAY,
            Self::Provider => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
