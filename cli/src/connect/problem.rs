//! What a client is told where the enclave's own answer cannot be given (RFC 7807, as the API's semantics have it).

use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use shroud_attestation::Rejection;
use shroud_wire::limits;

use super::connection::ConnectionError;
use super::dial::DialError;
use super::session::SessionRefused;

/// Why a request got no answer of the enclave.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The body is beyond the limit.
    #[error("the body has more than {limit} bytes", limit = limits::HTTP_BODY)]
    TooLong,
    /// The method asks for a tunnel.
    #[error("this is no proxy: CONNECT is not offered")]
    Tunnel,
    /// There is no verified connection.
    #[error("no request was sent: {0}")]
    Dial(#[from] DialError),
    /// A verified connection could not be used.
    #[error("no request was sent: {0}")]
    Connection(#[from] ConnectionError),
    /// The connection does not end in the enclave, or in one on an old state.
    #[error("no request was sent: {0}")]
    Session(#[from] SessionRefused),
    /// The enclave did not answer in time. What became of the request is not known.
    #[error("the enclave did not answer in time; the request may or may not have taken effect")]
    Slow,
    /// The connection failed after the request had begun to be sent. What became of the request is not known.
    #[error(
        "the connection to the enclave broke during the request, which may or may not have taken effect: {0}"
    )]
    Broken(hyper::Error),
    /// Connections ended before the request could begin to be sent, twice.
    #[error("no request was sent: the enclave keeps closing connections")]
    Closing,
}

impl Failure {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Tunnel => StatusCode::METHOD_NOT_ALLOWED,
            Self::Dial(_) | Self::Connection(_) | Self::Session(_) | Self::Slow | Self::Closing => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Broken(_) => StatusCode::BAD_GATEWAY,
        }
    }

    fn rejections(&self) -> &[Rejection] {
        match self {
            Self::Dial(error) => error.rejections(),
            Self::Session(error) => error.rejections(),
            _ => &[],
        }
    }

    fn document(&self) -> Value {
        let status = self.status();
        let mut document = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": self.to_string(),
        });
        if let Self::Session(refused) = self {
            document["kind"] = json!(refused.check());
        }
        if !self.rejections().is_empty() {
            document["rejections"] = json!(self.rejections());
        }
        document
    }

    /// The answer to the client.
    #[must_use]
    pub fn answer<B: From<Bytes>>(&self) -> Response<B> {
        let mut answer = Response::new(B::from(Bytes::from(self.document().to_string())));
        *answer.status_mut() = self.status();
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(self, Self::Session(SessionRefused::Unavailable { .. })) {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[test]
    fn a_failure_is_a_problem_document() {
        let answer: Response<Full<Bytes>> = Failure::TooLong.answer();
        assert_eq!(answer.status(), 413);
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
        let document = Failure::TooLong.document();
        assert_eq!(document["type"], "about:blank");
        assert_eq!(document["title"], "Payload Too Large");
        assert_eq!(document["status"], 413);
        assert_eq!(document["detail"], "the body has more than 1048576 bytes");
    }
}
