//! Why a witness refuses, and what it answers over HTTP.

use crate::checkpoint::{CheckpointError, Origin};
use crate::tree::ProofError;

use super::request::RequestError;

/// Why a witness does not cosign.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    /// The request is malformed: 400.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The origin is not registered here: 404.
    #[error("unknown origin {0}")]
    UnknownOrigin(Origin),
    /// No signature of the registered journal key: 403.
    #[error("the registered journal key did not sign the checkpoint")]
    Signature,
    /// The old size is above the checkpoint's: 400.
    #[error("old size {old} is above the checkpoint's {size}")]
    OldAboveNew {
        /// The request's old size.
        old: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// The newest checkpoint is another one, or this one forks it: 409 with its size.
    #[error("the newest checkpoint here has size {size}")]
    Conflict {
        /// The size of the newest checkpoint.
        size: u64,
    },
    /// The proof does not lead from the newest checkpoint to this one: 422.
    #[error("consistency proof refused: {0}")]
    Proof(#[from] ProofError),
    /// A guest of an older term still writes: 403 with the newest term.
    #[error("term {term} is over, the newest is {remembered}")]
    TermFell {
        /// The checkpoint's term.
        term: u64,
        /// The newest checkpoint's.
        remembered: u64,
    },
    /// The origin is registered, but what was remembered of it is gone: 503.
    #[error("the memory of {0} was lost; this witness cosigns it only after it was re-admitted")]
    MemoryLost(Origin),
    /// The caller passed the memory of another log: 500.
    #[error("the memory passed is of {0}")]
    MemoryOfAnotherLog(Origin),
    /// This witness's clock ran backwards: 503.
    #[error("clock_backwards: the clock says {now}, {remembered} was cosigned already")]
    ClockBackwards {
        /// What the clock says.
        now: u64,
        /// The time of the newest cosignature.
        remembered: u64,
    },
}

impl From<CheckpointError> for Refused {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Signature => Self::Signature,
            other => Self::Request(RequestError::Checkpoint(other)),
        }
    }
}

impl Refused {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Request(_) | Self::OldAboveNew { .. } => 400,
            Self::Signature | Self::TermFell { .. } => 403,
            Self::UnknownOrigin(_) => 404,
            Self::Conflict { .. } => 409,
            Self::Proof(_) => 422,
            Self::MemoryOfAnotherLog(_) => 500,
            Self::MemoryLost(_) | Self::ClockBackwards { .. } => 503,
        }
    }

    /// A name to act on.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Request(_) => "malformed",
            Self::OldAboveNew { .. } => "old_above_new",
            Self::Signature => "signature",
            Self::TermFell { .. } => "term",
            Self::UnknownOrigin(_) => "origin_unknown",
            Self::Conflict { .. } => "conflict",
            Self::Proof(_) => "proof",
            Self::MemoryOfAnotherLog(_) => "memory",
            Self::MemoryLost(_) => "memory_lost",
            Self::ClockBackwards { .. } => "clock_backwards",
        }
    }

    /// The answer's content type.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "text/x.tlog.size",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// The answer's body: the newest size for a conflict, `term N` for an older term, else the kind.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Conflict { size } => format!("{size}\n"),
            Self::TermFell { remembered, .. } => format!("term {remembered}\n"),
            other => format!("{}\n", other.kind()),
        }
    }
}
