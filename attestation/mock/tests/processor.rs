//! The processor's socket, with the client that a guest uses.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shroud_attestation_mock::protocol::Request;
use shroud_attestation_mock::server::{Processor, serve};
use shroud_attestation_mock::{Client, Launch, Platform};
use shroud_wire::link::{Address, Listener};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

fn processor() -> Arc<Processor> {
    let platform = Platform::for_tests("one").unwrap();
    Arc::new(Processor::new(platform, Launch::of(b"program", b"configuration")))
}

fn socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("shroud-{name}-{}.sock", std::process::id()))
}

fn start(path: &Path) -> JoinHandle<()> {
    let listener = Listener::bind(&Address::Unix(path.to_owned())).unwrap();
    tokio::spawn(serve(listener, processor()))
}

#[tokio::test]
async fn a_report_carries_what_was_asked_and_what_was_launched() {
    let path = socket("report");
    let server = start(&path);
    let evidence = Client::connect(&path).await.unwrap().report(&[7; 64]).await.unwrap();
    let launch = Launch::of(b"program", b"configuration");
    assert_eq!(evidence.report[0x50..0x90], [7; 64]);
    assert_eq!(evidence.report[0x90..0xc0], launch.measurement);
    assert_eq!(evidence.report[0xc0..0xe0], launch.host_data);
    assert!(!evidence.certificates.is_empty());
    server.abort();
}

#[tokio::test]
async fn a_restarted_processor_is_found_again() {
    let path = socket("restart");
    let first = Runtime::new().unwrap();
    let address = Address::Unix(path.clone());
    first.spawn(async move { serve(Listener::bind(&address).unwrap(), processor()).await });
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let client = Client::connect(&path).await.unwrap();
    client.report(&[1; 64]).await.unwrap();
    first.shutdown_background();
    let server = start(&path);
    client.report(&[2; 64]).await.unwrap();
    server.abort();
}

#[tokio::test]
async fn an_absent_processor_is_named() {
    let path = socket("absent");
    let error = Client::connect(&path).await.unwrap_err();
    assert!(error.to_string().contains("absent"), "{error}");
}

#[tokio::test]
async fn callers_share_one_client() {
    let path = socket("shared");
    let server = start(&path);
    let client = Arc::new(Client::connect(&path).await.unwrap());
    let asked: Vec<_> = (0..16_u8)
        .map(|n| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { (n, client.report(&[n; 64]).await.unwrap().report) })
        })
        .collect();
    for task in asked {
        let (n, report) = task.await.unwrap();
        assert_eq!(report[0x50..0x90], [n; 64]);
    }
    server.abort();
}

#[test]
fn report_data_of_another_length_is_refused() {
    let answer = processor().answer(&Request { report_data: vec![0; 63] });
    assert_eq!(answer.refused.as_deref(), Some("REPORT_DATA has 63 bytes, expected 64"));
    assert!(answer.report.is_empty());
}
