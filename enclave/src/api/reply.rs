//! A successful answer.

use hyper::StatusCode;
use serde::Serialize;

use crate::api::problem::Problem;
use crate::ledger::Recorded;

/// A successful answer. It may hold what is told once, so it does not print.
pub(crate) struct Reply {
    status: StatusCode,
    media: &'static str,
    body: Vec<u8>,
    waits: bool,
}

impl Reply {
    /// An answer that only reads what is public or the caller's own; nothing was decided.
    ///
    /// # Errors
    /// 500 if the value has no JSON form.
    pub(crate) fn read(value: &impl Serialize) -> Result<Self, Problem> {
        Self::json(StatusCode::OK, value)
    }

    /// An answer that tells of the journal only what a quorum has cosigned, or what no quorum concerns.
    ///
    /// # Errors
    /// 500 if the value has no JSON form.
    pub(crate) fn cosigned(value: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { waits: false, ..Self::json(StatusCode::OK, value)? })
    }

    /// Whether it may leave only once everything that was applied before it is durable.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// An answer to something that was decided: its record is durable.
    ///
    /// # Errors
    /// 500 if the value has no JSON form.
    pub(crate) fn recorded<T: Serialize>(
        status: StatusCode,
        recorded: &Recorded<T>,
    ) -> Result<Self, Problem> {
        Ok(Self { waits: false, ..Self::json(status, recorded.value())? })
    }

    /// 204: recorded, and nothing to say.
    pub(crate) fn done<T>(_recorded: &Recorded<T>) -> Self {
        Self { status: StatusCode::NO_CONTENT, media: "", body: Vec::new(), waits: false }
    }

    fn json(status: StatusCode, value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
        Ok(Self { status, media: "application/json", body, waits: true })
    }

    /// Status, media type and body.
    #[must_use]
    pub(crate) fn into_parts(self) -> (StatusCode, &'static str, Vec<u8>) {
        (self.status, self.media, self.body)
    }
}
