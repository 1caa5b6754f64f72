//! Why a request was refused: one variant, one name (`kind`), one HTTP status each.
//!
//! The detail goes to the enclave, which may know it: expected values are the published reference values, and no
//! variant carries key material.

use hyper::StatusCode;
use shroud_wire::gateway::Refusal;

use crate::backend::BackendError;
use crate::challenge::NonceError;
use crate::clock::ClockBackwards;
use crate::files::FileError;

/// A refused request.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No such path.
    #[error("no such path")]
    Path,
    /// The path takes `POST` alone.
    #[error("this path takes POST")]
    Method,
    /// The body exceeds [`shroud_wire::limits::GATEWAY_BODY`], or a field its own limit.
    #[error("{0} is over its limit")]
    TooLarge(&'static str),
    /// The body did not arrive whole.
    #[error("the body did not arrive")]
    Body,
    /// The bytes are not the message that the path takes.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// Keys came unsealed where sealed ones were due.
    #[error("keys to wrap must come sealed to the gateway's HPKE key")]
    Plaintext,
    /// The nonce is not good.
    #[error(transparent)]
    Nonce(#[from] NonceError),
    /// The report was refused; the text names each failure.
    #[error("{0}")]
    Attestation(String),
    /// The chip or the measurement asked too often.
    #[error("too many attested requests for this {0}")]
    RateLimit(&'static str),
    /// The guest's configuration belongs to another origin.
    #[error("this guest's configuration belongs to the origin {0:?}")]
    OriginBinding(String),
    /// The origin has another registration.
    #[error("the origin is registered already, with another {0}")]
    OriginKnown(&'static str),
    /// The keys to wrap did not open under the gateway's HPKE key and this challenge.
    #[error("the keys to wrap do not open: wrong HPKE key, challenge or bytes")]
    WrapInput,
    /// The answer could not be sealed to the TEE key.
    #[error("the TEE key is no X25519 key")]
    TeeKey,
    /// The key management service refused or failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The origin is registered, and what was remembered of it is gone.
    #[error("the witness's memory of this origin was lost; it must be re-admitted")]
    MemoryLost,
    /// The clock ran backwards.
    #[error(transparent)]
    Clock(#[from] ClockBackwards),
    /// State could not be made durable; nothing was released.
    #[error("the gateway's storage failed")]
    Storage(#[source] Option<FileError>),
    /// The request took too long.
    #[error("the request took too long")]
    Deadline,
    /// A task of the gateway ended early.
    #[error("the gateway is shutting down")]
    Stopping,
}

impl Refused {
    /// The name to act on.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Method => "method",
            Self::TooLarge(_) => "too_large",
            Self::Body => "body",
            Self::Malformed(_) => "malformed",
            Self::Plaintext => "plaintext",
            Self::Nonce(_) => "nonce",
            Self::Attestation(_) => "attestation",
            Self::RateLimit(_) => "rate_limit",
            Self::OriginBinding(_) => "origin",
            Self::OriginKnown(_) => "origin_known",
            Self::WrapInput => "wrap_input",
            Self::TeeKey => "tee_key",
            Self::Backend(error) => error.kind(),
            Self::MemoryLost => "memory_lost",
            Self::Clock(_) => "clock_backwards",
            Self::Storage(_) => "storage",
            Self::Deadline => "deadline",
            Self::Stopping => "stopping",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body | Self::Malformed(_) | Self::Plaintext => StatusCode::BAD_REQUEST,
            Self::Nonce(_) | Self::Attestation(_) | Self::OriginBinding(_) => StatusCode::FORBIDDEN,
            Self::OriginKnown(_) => StatusCode::CONFLICT,
            Self::RateLimit(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::WrapInput | Self::TeeKey => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Backend(error) => error.status(),
            Self::MemoryLost | Self::Clock(_) | Self::Deadline | Self::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Storage(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The message that goes out.
    #[must_use]
    pub fn to_message(&self) -> Refusal {
        Refusal { kind: self.kind().to_owned(), detail: self.to_string() }
    }
}

impl From<FileError> for Refused {
    fn from(error: FileError) -> Self {
        Self::Storage(Some(error))
    }
}
