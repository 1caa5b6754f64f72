//! How requests pass: kept connections, new ones, limits, and failures that are told and never repeated.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shroud_cli::connect::forward::Sidecar;
use shroud_cli::connect::server::{ListenError, Server};
use shroud_cli::connect::{Attestor, Checkpoints};
use shroud_wire::limits;
use tokio::net::TcpListener;

use crate::agent::{Agent, problem, raw, sidecar};
use crate::enclave::{Enclave, Identity, launch, platform};
use crate::references::{ReferenceFile, Signer};

/// An enclave and a sidecar before it.
async fn pair() -> (Enclave, SocketAddr, ReferenceFile) {
    let enclave = Enclave::start(Identity::genuine()).await;
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    let sidecar = sidecar(enclave.address, file.open()).await;
    (enclave, sidecar, file)
}

/// A sidecar before an address that is no enclave.
async fn before(address: SocketAddr) -> (SocketAddr, ReferenceFile) {
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    (sidecar(address, file.open()).await, file)
}

fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn one_verified_connection_serves_one_client_connection() {
    let (enclave, sidecar, _file) = pair().await;
    let mut agent = Agent::connect(sidecar).await;
    for number in 0..5 {
        let answer = agent.post("/echo", number.to_string()).await;
        assert_eq!(answer.body(), number.to_string().as_bytes());
    }
    assert_eq!(enclave.handshakes(), 1);
    Agent::connect(sidecar).await.post("/echo", "another client").await;
    assert_eq!(enclave.handshakes(), 2, "no two clients share a connection");
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced_and_verified_anew() {
    let (enclave, sidecar, _file) = pair().await;
    let mut agent = Agent::connect(sidecar).await;
    assert_eq!(agent.post("/echo", "1").await.status(), 200);
    enclave.hang_up().await;
    assert_eq!(agent.post("/echo", "2").await.body().as_ref(), b"2");
    assert_eq!((enclave.handshakes(), enclave.requests()), (2, 2));
}

#[tokio::test]
async fn a_request_that_has_begun_is_never_sent_again() {
    let (enclave, sidecar, _file) = pair().await;
    let mut agent = Agent::connect(sidecar).await;
    let answer = agent.post("/break", "once").await;
    assert_eq!(answer.status(), 502);
    problem(&answer);
    assert_eq!(enclave.requests(), 1);
    assert_eq!(agent.post("/echo", "next").await.status(), 200, "the client's connection is still usable");
    assert_eq!((enclave.handshakes(), enclave.requests()), (2, 2));
}

#[tokio::test]
async fn an_unreachable_enclave_is_503_within_ten_seconds() {
    let (sidecar, _file) = before(nobody()).await;
    let started = Instant::now();
    let mut agent = Agent::connect(sidecar).await;
    for _ in 0..2 {
        let answer = agent.post("/echo", "").await;
        assert_eq!(answer.status(), 503);
        assert!(problem(&answer)["detail"].as_str().unwrap().contains("cannot be reached"));
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_silent_peer_is_503_within_ten_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (sidecar, _file) = before(listener.local_addr().unwrap()).await;
    let started = Instant::now();
    let answer = Agent::connect(sidecar).await.post("/echo", "").await;
    assert_eq!(answer.status(), 503);
    assert!(problem(&answer)["detail"].as_str().unwrap().contains("TLS handshake in time"));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn an_enclave_that_does_not_answer_is_503_within_ten_seconds() {
    let (enclave, sidecar, _file) = pair().await;
    let started = Instant::now();
    let mut agent = Agent::connect(sidecar).await;
    let answer = agent.post("/stall", "").await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(answer.status(), 503);
    problem(&answer);
    assert_eq!(enclave.requests(), 1);
    assert_eq!(agent.post("/echo", "next").await.body().as_ref(), b"next", "nobody gets a late answer");
    assert_eq!(enclave.handshakes(), 2);
}

#[tokio::test]
async fn a_body_at_the_limit_passes() {
    let (_enclave, sidecar, _file) = pair().await;
    let mut agent = Agent::connect(sidecar).await;
    assert_eq!(agent.post("/echo", vec![b'a'; limits::HTTP_BODY]).await.body().len(), limits::HTTP_BODY);
    let answer = agent.post_chunked("/echo", 16, limits::HTTP_BODY / 16).await;
    assert_eq!(answer.body().len(), limits::HTTP_BODY);
}

#[tokio::test]
async fn a_declared_body_over_the_limit_is_413_and_the_connection_stays() {
    let (enclave, sidecar, _file) = pair().await;
    let mut agent = Agent::connect(sidecar).await;
    let answer = agent.post("/echo", vec![b'a'; limits::HTTP_BODY + 1]).await;
    assert_eq!(answer.status(), 413);
    problem(&answer);
    assert_eq!((enclave.requests(), enclave.handshakes()), (0, 0));
    assert_eq!(agent.post("/echo", "next").await.body().as_ref(), b"next");
}

#[tokio::test]
async fn an_undeclared_body_over_the_limit_is_413_and_the_connection_stays() {
    let (_enclave, sidecar, _file) = pair().await;
    let mut agent = Agent::connect(sidecar).await;
    let answer = agent.post_chunked("/echo", 17, limits::HTTP_BODY / 16).await;
    assert_eq!(answer.status(), 413);
    problem(&answer);
    assert_eq!(agent.post("/echo", "next").await.body().as_ref(), b"next");
}

#[tokio::test]
async fn malformed_http_is_400() {
    let (enclave, sidecar, _file) = pair().await;
    assert!(raw(sidecar, b"this is no http\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    assert_eq!(enclave.requests(), 0);
}

#[tokio::test]
async fn headers_over_the_limit_are_431() {
    let (enclave, sidecar, _file) = pair().await;
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(limits::HTTP_HEADERS));
    assert!(raw(sidecar, long.as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert_eq!(enclave.requests(), 0);
}

#[tokio::test]
async fn a_tunnel_is_refused() {
    let (enclave, sidecar, _file) = pair().await;
    let answer = raw(sidecar, b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert_eq!(enclave.requests(), 0);
}

#[tokio::test]
async fn the_host_is_the_enclave_and_hops_end() {
    let (enclave, sidecar, _file) = pair().await;
    let answer = raw(
        sidecar,
        b"GET http://127.0.0.1/hop?a=b HTTP/1.1\r\nhost: agent\r\nconnection: close, x-mine\r\nx-mine: 1\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("x-kept: 1") && !answer.contains("x-hop"), "{answer}");
    let newest = enclave.seen.newest.lock().unwrap().clone();
    assert_eq!(newest, (enclave.address.to_string(), "/hop?a=b".to_owned()));
}

#[tokio::test]
async fn listening_beyond_loopback_is_refused() {
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    let attestor = Attestor::new(None, Checkpoints::open(None).unwrap());
    let sidecar = Sidecar::new("127.0.0.1:1", file.open(), attestor).unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = Server::bind(address.parse().unwrap(), Arc::clone(&sidecar)).await;
        assert!(matches!(refused, Err(ListenError::NotLoopback(_))), "{address}");
    }
}
