//! The API's problem format (RFC 7807): `type`, `title`, `status`, `detail`, and members that a program can act on.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A sentence that is safe to show.
    pub detail: String,
    pub(crate) members: Map<String, Value>,
    /// Seconds for the header `Retry-After`.
    pub retry_after: Option<u64>,
    /// Methods for the header `Allow`.
    pub allow: Option<String>,
}

impl Problem {
    /// A problem of `status`, with a sentence for the caller.
    #[must_use]
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), members: Map::new(), retry_after: None, allow: None }
    }

    /// 400: the request is not what was expected.
    #[must_use]
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: no credential, or one that does not count.
    #[must_use]
    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// 403: not for this caller.
    #[must_use]
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404.
    #[must_use]
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 409: the state is another one.
    #[must_use]
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// 410: it was here, and is no longer to be had.
    #[must_use]
    pub(crate) fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, detail)
    }

    /// 503: it cannot be done now; `kind` names why.
    #[must_use]
    pub(crate) fn unavailable(kind: &str, detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with("kind", json!(kind));
        Self { retry_after: Some(1), ..problem }
    }

    /// 500: something that should not happen; nothing is told.
    #[must_use]
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the request could not be completed")
    }

    /// Adds a member.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// The body.
    #[must_use]
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = self.members.clone();
        body.insert("type".to_owned(), json!("about:blank"));
        body.insert("title".to_owned(), json!(self.status.canonical_reason().unwrap_or("Error")));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("detail".to_owned(), json!(self.detail));
        Value::Object(body).to_string().into_bytes()
    }
}
