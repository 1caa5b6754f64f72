//! Connections that say nothing, or too slowly, do not shut the gateway.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client;
use super::deployment::{Deployment, Guest, ORIGIN};

const BOUND: usize = 4;

async fn bounded() -> Deployment {
    let mut deployment = Deployment::new();
    deployment.limits = serde_json::json!({ "connections": BOUND });
    deployment.start().await;
    deployment
}

/// Opens connections that never say a word.
async fn silent(deployment: &Deployment, count: usize) -> Vec<TcpStream> {
    let mut silent = Vec::new();
    for _ in 0..count {
        silent.push(TcpStream::connect(deployment.address()).await.unwrap());
    }
    silent
}

/// How long it takes until the gateway ends a connection, in which it may answer.
async fn ended(stream: &mut (impl AsyncRead + Unpin), within: Duration) -> Duration {
    let begun = Instant::now();
    let end = tokio::time::timeout(within, async {
        while stream.read(&mut [0; 512]).await.is_ok_and(|n| n > 0) {}
    });
    end.await.expect("the gateway keeps a silent connection");
    begun.elapsed()
}

#[tokio::test]
async fn idle_connections_do_not_shut_the_gateway() {
    let deployment = bounded().await;
    let mut silent = silent(&deployment, BOUND).await;
    let mut asked = Vec::new();
    for _ in 0..BOUND - 1 {
        let mut client = deployment.client().await;
        deployment.nonce(&mut client).await;
        asked.push(client);
    }
    ended(&mut silent[0], Duration::from_secs(2)).await;
    let mut newest = deployment.client().await;
    deployment.nonce(&mut newest).await;
}

#[tokio::test]
async fn connections_of_an_admitted_guest_outlast_a_flood() {
    let deployment = bounded().await;
    let (guest, mut admitted) = (Guest::of(ORIGIN), deployment.client().await);
    assert!(deployment.wrap(&mut admitted, &guest, b"kek", &[7; 32]).await.status.is_success());
    let flood = silent(&deployment, 5 * BOUND).await;
    assert!(deployment.wrap(&mut admitted, &guest, b"kek", &[7; 32]).await.status.is_success());
    drop(flood);
}

#[tokio::test]
async fn a_connection_without_a_request_is_ended_in_seconds() {
    let deployment = Deployment::started().await;
    let configuration = client::configuration(Arc::clone(&deployment.pinned));
    let mut shaken = client::handshake(deployment.address(), configuration.clone()).await.unwrap();
    let mut half = client::handshake(deployment.address(), configuration).await.unwrap();
    half.write_all(b"POST /v1/challenge HTTP/1.1\r\nhost: gateway.invalid\r\n").await.unwrap();
    let mut silent = TcpStream::connect(deployment.address()).await.unwrap();
    let most = Duration::from_secs(9);
    let lasted = tokio::join!(ended(&mut shaken, most), ended(&mut half, most), ended(&mut silent, most));
    assert!(lasted.0 > Duration::from_secs(3) && lasted.1 > Duration::from_secs(3), "{lasted:?}");
}

#[tokio::test]
async fn a_connection_that_asked_is_kept_between_requests() {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    deployment.nonce(&mut client).await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    deployment.nonce(&mut client).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let deployment = Deployment::started().await;
    let configuration = client::configuration(Arc::clone(&deployment.pinned));
    let mut slow = client::handshake(deployment.address(), configuration).await.unwrap();
    slow.write_all(b"POST /v1/challenge HTTP/1.1\r\nhost: gateway.invalid\r\ncontent-length: 9\r\n\r\nx")
        .await
        .unwrap();
    ended(&mut slow, Duration::from_secs(15)).await;
}
