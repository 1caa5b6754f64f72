//! A successful answer.

use hyper::StatusCode;
use serde::Serialize;

use crate::api::problem::Problem;
use crate::ledger::Recorded;

/// A successful answer.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    media: &'static str,
    body: Vec<u8>,
}

impl Reply {
    /// An answer that only reads what is public or the caller's own; nothing was decided.
    ///
    /// # Errors
    /// 500 if the value has no JSON form.
    pub(crate) fn read(value: &impl Serialize) -> Result<Self, Problem> {
        Self::json(StatusCode::OK, value)
    }

    /// An answer to something that was decided: its record is durable.
    ///
    /// # Errors
    /// 500 if the value has no JSON form.
    pub(crate) fn recorded<T: Serialize>(status: StatusCode, recorded: &Recorded<T>) -> Result<Self, Problem> {
        Self::json(status, recorded.value())
    }

    /// 204: recorded, and nothing to say.
    pub(crate) fn done<T>(_recorded: &Recorded<T>) -> Self {
        Self { status: StatusCode::NO_CONTENT, media: "", body: Vec::new() }
    }

    fn json(status: StatusCode, value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
        Ok(Self { status, media: "application/json", body })
    }

    /// Status, media type and body.
    #[must_use]
    pub fn into_parts(self) -> (StatusCode, &'static str, Vec<u8>) {
        (self.status, self.media, self.body)
    }
}
