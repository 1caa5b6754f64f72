//! Ingress and egress carry bytes, all of them, unchanged, both ways, half-closes included.

use std::io::ErrorKind;
use std::net::SocketAddr;

use shroud_host::limits::Limits;
use shroud_wire::egress::{Dial, DialAnswer};
use shroud_wire::frame;
use shroud_wire::link::Link;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::{TcpListener, TcpStream};

use crate::running::Running;

const BODIES: [usize; 3] = [1, 64 * 1024, 1024 * 1024];

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from(place * 7 % 251).unwrap()).collect()
}

/// Sends a body, finishes, and reads what comes back to its end, both at once.
async fn exchange(stream: impl AsyncRead + AsyncWrite, sent: &[u8]) -> Vec<u8> {
    let (mut from, mut to) = split(stream);
    let mut received = Vec::new();
    let send = async {
        to.write_all(sent).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let (read, ()) = tokio::join!(from.read_to_end(&mut received), send);
    read.unwrap();
    received
}

/// Reads to the end, then sends it back in reverse.
async fn mirror(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    received.reverse();
    stream.write_all(&received).await.unwrap();
    stream.shutdown().await.unwrap();
}

fn reversed(sent: &[u8]) -> Vec<u8> {
    sent.iter().rev().copied().collect()
}

async fn dial(host: &Running, target: &str) -> (Link, String) {
    let mut link = host.egress().await;
    frame::write(&mut link, &Dial { target: target.to_owned() }).await.unwrap();
    let answer: DialAnswer = frame::read(&mut link).await.unwrap();
    (link, answer.error)
}

#[tokio::test]
async fn ingress_carries_every_byte() {
    let host = Running::start(Limits::default()).await;
    let enclave = host.enclave();
    for length in BODIES {
        let sent = body(length);
        let client = TcpStream::connect(host.ingress).await.unwrap();
        let (received, ()) =
            tokio::join!(exchange(client, &sent), async { mirror(enclave.accept().await.unwrap()).await });
        assert!(received == reversed(&sent), "{length} bytes");
    }
}

#[tokio::test]
async fn ingress_closes_at_once_when_the_enclave_is_away() {
    let host = Running::start(Limits::default()).await;
    let mut client = TcpStream::connect(host.ingress).await.unwrap();
    let ended = client.read(&mut [0]).await;
    assert!(matches!(&ended, Ok(0)) || ended.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn ingress_ends_the_client_when_the_enclave_ends() {
    let host = Running::start(Limits::default()).await;
    let enclave = host.enclave();
    let mut client = TcpStream::connect(host.ingress).await.unwrap();
    let mut link = enclave.accept().await.unwrap();
    link.write_all(b"bye").await.unwrap();
    drop(link);
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"bye");
}

#[tokio::test]
async fn egress_carries_every_byte() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Running::with_targets(&[("gateway/gcp", target.local_addr().unwrap())]).await;
    for length in BODIES {
        let sent = body(length);
        let (link, error) = dial(&host, "gateway/gcp").await;
        assert_eq!(error, "");
        let (received, ()) =
            tokio::join!(exchange(link, &sent), async { mirror(target.accept().await.unwrap().0).await });
        assert!(received == reversed(&sent), "{length} bytes");
    }
}

#[tokio::test]
async fn egress_dials_no_target_but_the_configured() {
    let listening = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listening.local_addr().unwrap();
    let host = Running::with_targets(&[("gateway/gcp", address)]).await;
    for target in ["", "gateway/aws", &address.to_string(), "gateway/gcp "] {
        let (mut link, error) = dial(&host, target).await;
        assert_eq!(error, format!("{target:?} is no target of this host"));
        assert_eq!(link.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn egress_says_that_a_target_is_away() {
    let away: SocketAddr = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let host = Running::with_targets(&[("gateway/gcp", away)]).await;
    let (_link, error) = dial(&host, "gateway/gcp").await;
    assert!(error.starts_with("gateway/gcp: ") && error.contains("refused"), "{error}");
}

#[tokio::test]
async fn egress_takes_no_first_frame_that_is_too_long() {
    let host = Running::with_targets(&[]).await;
    let mut link = host.egress().await;
    link.write_all(&[0, 0, 4, 1]).await.unwrap();
    assert_eq!(link.read(&mut [0]).await.unwrap(), 0);
}
