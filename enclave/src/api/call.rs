//! One HTTP request, as handlers see it: method, path, query, the headers that mean something, and the body.

use std::sync::Arc;

use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HeaderName};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri};
use serde::de::DeserializeOwned;

use crate::api::problem::Problem;
use crate::session::Channel;

/// One HTTP request.
pub(crate) struct Call {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    channel: Option<Arc<Channel>>,
}

impl Call {
    /// From the parts of a request and its whole body.
    #[must_use]
    pub(crate) fn new(parts: Parts, body: Bytes) -> Self {
        Self { method: parts.method, uri: parts.uri, headers: parts.headers, body, channel: None }
    }

    /// The same call, as it came over `channel`.
    #[must_use]
    pub(crate) fn over(self, channel: Arc<Channel>) -> Self {
        Self { channel: Some(channel), ..self }
    }

    /// The TLS connection that it came over.
    #[must_use]
    pub(crate) fn channel(&self) -> Option<&Channel> {
        self.channel.as_deref()
    }

    /// The method.
    #[must_use]
    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The path, still percent-encoded.
    #[must_use]
    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The body's bytes.
    #[must_use]
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// A header's text.
    #[must_use]
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The bytes of a header that may stand once, whatever they are.
    ///
    /// # Errors
    /// 400 where it stands twice: only one of the two could be honoured.
    pub(crate) fn opaque(&self, name: &HeaderName) -> Result<Option<&[u8]>, Problem> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        match values.next() {
            Some(_) => Err(Problem::bad_request(format!("the header {name} was sent twice"))),
            None => Ok(first.map(hyper::header::HeaderValue::as_bytes)),
        }
    }

    /// The credential of `Authorization: Bearer`.
    ///
    /// # Errors
    /// 401 where there is none.
    pub(crate) fn bearer(&self) -> Result<&str, Problem> {
        let missing =
            || Problem::unauthorized("expected the header Authorization: Bearer with a token or an API key");
        let (scheme, credential) =
            self.header(&AUTHORIZATION).and_then(|v| v.split_once(' ')).ok_or_else(missing)?;
        if scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty() {
            Ok(credential)
        } else {
            Err(missing())
        }
    }

    /// The body as JSON of the expected shape.
    ///
    /// # Errors
    /// 400 saying what was expected and where.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| Problem::bad_request(format!("the body: {error}")))
    }

    /// A query parameter, percent-decoded; the first of its name.
    ///
    /// # Errors
    /// 400 if it is malformed.
    pub(crate) fn query(&self, name: &str) -> Result<Option<String>, Problem> {
        let pairs = self.uri.query().unwrap_or_default().split('&');
        let found = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
        found.map(|(_, value)| percent_decode(&value.replace('+', " "))).transpose()
    }

    /// A query parameter that is a number within bounds.
    ///
    /// # Errors
    /// 400 if it is none.
    pub(crate) fn number(&self, name: &str, default: usize, maximum: usize) -> Result<usize, Problem> {
        let Some(text) = self.query(name)? else { return Ok(default) };
        let wrong = || {
            Problem::bad_request(format!("query parameter {name}: expected 0 to {maximum}, found {text:?}"))
        };
        text.parse().ok().filter(|number| *number <= maximum).ok_or_else(wrong)
    }
}

/// Decodes `%XX`; anything else stays.
///
/// # Errors
/// 400 for a malformed escape, or bytes that are not UTF-8.
pub(crate) fn percent_decode(text: &str) -> Result<String, Problem> {
    let malformed = || Problem::bad_request(format!("malformed percent-encoding in {text:?}"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_first_chunk::<2>().ok_or_else(malformed)?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).map_err(|_| malformed())?;
        bytes.push(byte[0]);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_strict() {
        assert_eq!(percent_decode("a%2Fb").unwrap(), "a/b");
        for text in ["%", "%2", "%zz", "%ff"] {
            assert!(percent_decode(text).is_err(), "{text}");
        }
    }
}
