//! Headers that belong to one hop and end there (RFC 9110, 7.6.1), and the request's target on the next hop.

use hyper::header::{
    CONNECTION, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Uri, Version};

const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes what ends at this hop: the known headers and those that `Connection` names.
pub fn end_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        for name in named_by_connection(headers) {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

/// Addresses a request to the enclave: origin form, HTTP/1.1, `Host` of the enclave, nothing of the inbound hop.
pub fn address<B>(request: &mut Request<B>, host: &HeaderValue) {
    if request.uri().authority().is_some() {
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    }
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    end_hop(headers);
    headers.remove(EXPECT);
    headers.insert(HOST, host.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addressed(uri: &str, headers: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::builder().uri(uri).version(Version::HTTP_10).body(()).unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        address(&mut request, &HeaderValue::from_static("enclave:443"));
        request
    }

    #[test]
    fn headers_of_the_inbound_hop_end_here() {
        let inbound = [
            ("connection", "x-hop, close"),
            ("connection", "X-Other"),
            ("x-hop", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("expect", "100-continue"),
            ("authorization", "Bearer kept"),
            ("host", "127.0.0.1:8787"),
        ];
        let request = addressed("/v1/health?a=b", &inbound);
        let names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(request.headers()["authorization"], "Bearer kept");
        assert_eq!(request.headers()[HOST], "enclave:443");
        assert_eq!(request.version(), Version::HTTP_11);
    }

    #[test]
    fn absolute_targets_become_origin_form() {
        assert_eq!(addressed("http://127.0.0.1:8787/v1/a?b=c", &[]).uri(), "/v1/a?b=c");
        assert_eq!(addressed("http://127.0.0.1:8787", &[]).uri(), "/");
        assert_eq!(addressed("/v1/a", &[]).uri(), "/v1/a");
        assert_eq!(addressed("*", &[]).uri(), "*");
    }
}
