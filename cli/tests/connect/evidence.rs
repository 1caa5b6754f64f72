//! Who is taken for the enclave, and what is sent before that is known: nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use shroud_attestation::Check;
use shroud_attestation::verify::Level;
use shroud_attestation_mock::{Launch, Platform, ReportInput};
use shroud_cli::connect::connection::read_answer;
use shroud_cli::connect::{Attestor, Checkpoints, DialError, References, dial};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::agent::{Agent, problem, sidecar};
use crate::enclave::{Enclave, Identity, launch, platform};
use crate::guest::START;
use crate::references::{ReferenceFile, Signer};

/// A sidecar before an impostor: the agent is told which check failed, and the impostor has read nothing.
async fn refused(identity: Identity, check: Check) {
    let enclave = Enclave::start(identity).await;
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    let mut agent = Agent::connect(sidecar(enclave.address, file.open()).await).await;
    let answer = agent.post("/echo", "a credential").await;
    assert_eq!(answer.status(), 503);
    let document = problem(&answer);
    let rejections = document["rejections"].as_array().expect("each failure is listed");
    let named: Vec<_> = rejections.iter().map(|rejection| rejection["check"].as_str().unwrap()).collect();
    assert!(!named.is_empty() && named.iter().all(|name| *name == check.name()), "{document}");
    let detail = document["detail"].as_str().unwrap();
    assert!(detail.contains(check.name()) && detail.contains("expected"), "{detail}");
    assert_eq!((enclave.handshakes(), enclave.requests()), (0, 0), "nothing was sent");
}

async fn refused_report(bend: impl FnOnce(&mut ReportInput), check: Check) {
    refused(Identity::bent(&platform(), bend), check).await;
}

#[tokio::test]
async fn connect_accepts_the_enclave() {
    let enclave = Enclave::start(Identity::genuine()).await;
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    let mut agent = Agent::connect(sidecar(enclave.address, file.open()).await).await;
    let answer = agent.post("/echo", "hello").await;
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, b"hello".as_slice()));
    assert_eq!((enclave.handshakes(), enclave.requests()), (1, 1));
}

#[tokio::test]
async fn connect_refuses_wrong_measurement() {
    refused_report(|input| input.measurement[0] ^= 1, Check::Measurement).await;
}

#[tokio::test]
async fn connect_refuses_wrong_host_data() {
    refused_report(|input| input.host_data[31] ^= 1, Check::HostData).await;
}

#[tokio::test]
async fn connect_refuses_debug_policy() {
    refused_report(|input| input.policy |= 1 << 19, Check::Debug).await;
}

#[tokio::test]
async fn connect_refuses_wrong_vmpl() {
    refused_report(|input| input.vmpl = 1, Check::Vmpl).await;
}

#[tokio::test]
async fn connect_refuses_wrong_chip() {
    refused_report(|input| input.chip_id[0] ^= 1, Check::ChipId).await;
}

#[tokio::test]
async fn connect_refuses_wrong_tcb() {
    refused_report(|input| input.reported_tcb[7] -= 1, Check::Tcb).await;
}

#[tokio::test]
async fn connect_refuses_wrong_spki_binding() {
    refused_report(|input| input.report_data[63] ^= 1, Check::ReportData).await;
}

/// The same machine, but under a root that the references do not name.
#[tokio::test]
async fn connect_refuses_wrong_root() {
    let other = Platform::for_tests("other").unwrap();
    let enclave = Enclave::start(Identity::bent(&other, |_| {})).await;
    // The chip is admitted, so that the root alone is wrong: the file names the chip of one and the root of another.
    let signer = Signer::new();
    let references = signer.values_with_root(&launch(), &other, platform().root_pem());
    let error = dial(&enclave.address.to_string(), references).await.unwrap_err();
    assert_eq!(error.rejections().iter().map(|r| r.check).collect::<Vec<_>>(), [Check::Chain], "{error}");
    assert_eq!(enclave.handshakes(), 0);
}

#[tokio::test]
async fn connect_refuses_a_certificate_without_evidence() {
    let enclave = Enclave::start(Identity::bare()).await;
    let references = Signer::new().values(&launch(), &platform());
    let error = dial(&enclave.address.to_string(), references).await.unwrap_err();
    assert!(matches!(error, DialError::Evidence { .. }), "{error}");
    assert_eq!(enclave.handshakes(), 0);
}

/// Evidence is public: whoever shows it without the key that it binds fails TLS's own signature.
#[tokio::test]
async fn connect_refuses_a_stolen_certificate() {
    let enclave = Enclave::start(Identity::genuine().stolen()).await;
    let references = Signer::new().values(&launch(), &platform());
    let error = dial(&enclave.address.to_string(), references).await.unwrap_err();
    assert!(matches!(error, DialError::Handshake { .. }), "{error}");
    assert_eq!(enclave.handshakes(), 0);
}

/// A peer that records every byte, and never shows evidence, sees a TLS hello and nothing of the request.
#[tokio::test]
async fn connect_sends_nothing_before_verification() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let recorded = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 64 * 1024];
        let read = stream.read(&mut bytes).await.unwrap();
        bytes.truncate(read);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        stream.read_to_end(&mut bytes).await.unwrap_or_default();
        bytes
    });
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    let mut agent = Agent::connect(sidecar(address, file.open()).await).await;
    let answer = agent.post("/a-path-to-find", "a-marker-to-find").await;
    assert_eq!(answer.status(), 503);
    let bytes = recorded.await.unwrap();
    assert_eq!(bytes[0], 22, "the control: a TLS handshake record arrived");
    for marker in [&b"a-path-to-find"[..], b"a-marker-to-find", b"host"] {
        assert!(!bytes.windows(marker.len()).any(|window| window == marker));
    }
}

#[tokio::test]
async fn the_library_shows_what_was_verified() {
    let enclave = Enclave::start(Identity::genuine()).await;
    let references = Signer::new().values(&launch(), &platform());
    let connection = dial(&enclave.address.to_string(), Arc::clone(&references)).await.unwrap();
    assert_eq!(connection.report().measurement(), &launch().measurement);
    assert_eq!(connection.report().level(), Level::Dev);
    assert!(connection.report().checks().iter().any(|checked| checked.check == Check::ReportData));
    let http = connection.into_http::<Full<Bytes>>().await.unwrap();
    let attestor = Attestor::new(None, Checkpoints::open(None).unwrap());
    let host = HeaderValue::from_static("enclave");
    let mut http = attestor.attest(http, &host, &references).await.unwrap();
    assert_eq!(http.session().report().measurement(), &launch().measurement);
    assert_eq!(http.session().newest().checkpoint().size, START.size);
    let request = Request::get("/echo").header("host", "enclave").body(Full::from("a")).unwrap();
    let answer = read_answer(http.send(request).await.unwrap()).await.unwrap();
    assert_eq!(answer.body(), b"a");
}

/// Both ends of a connection derive the same value for the sidecar's nonce, and each connection another.
#[tokio::test]
async fn the_exporter_belongs_to_one_connection() {
    let enclave = Enclave::start(Identity::genuine()).await;
    let references = Signer::new().values(&launch(), &platform());
    let mut exporters = Vec::new();
    for _ in 0..2 {
        let connection = dial(&enclave.address.to_string(), references.clone()).await.unwrap();
        let http = connection.into_http::<Full<Bytes>>().await.unwrap();
        let (nonce, exporter) = (*http.channel().nonce(), *http.channel().exporter());
        let attestor = Attestor::new(None, Checkpoints::open(None).unwrap());
        let mut http =
            attestor.attest(http, &HeaderValue::from_static("enclave"), &references).await.unwrap();
        let nonce = Bytes::copy_from_slice(&nonce);
        let request = Request::post("/exporter").header("host", "enclave").body(Full::from(nonce)).unwrap();
        let answer = read_answer(http.send(request).await.unwrap()).await.unwrap();
        assert_eq!(answer.body(), &exporter);
        exporters.push(exporter);
    }
    assert_ne!(exporters[0], exporters[1]);
}

#[tokio::test]
async fn newer_references_count_and_older_ones_do_not() {
    let signer = Signer::new();
    let file = ReferenceFile::new(&signer.file(2, &launch(), &platform()));
    let references = file.open();
    assert!(!references.refresh().unwrap(), "nothing changed");
    file.replace(&signer.file(3, &Launch::of(b"newer", b"configuration"), &platform()));
    assert!(references.refresh().unwrap());
    assert_eq!(references.current().version(), 3);
    file.replace(&signer.file(2, &launch(), &platform()));
    references.refresh().unwrap_err();
    file.replace(&Signer::new().file(4, &launch(), &platform()));
    references.refresh().unwrap_err();
    assert_eq!(references.current().version(), 3);
    assert!(!references.refresh().unwrap(), "a refused file is refused once");
}

/// A connection that older values admitted serves no request once newer values are in force.
#[tokio::test]
async fn newer_references_judge_open_connections() {
    let enclave = Enclave::start(Identity::genuine()).await;
    let signer = Signer::new();
    let file = ReferenceFile::new(&signer.file(1, &launch(), &platform()));
    let references = file.open();
    let mut agent = Agent::connect(sidecar(enclave.address, references.clone()).await).await;
    assert_eq!(agent.post("/echo", "1").await.status(), 200);
    file.replace(&signer.file(2, &Launch::of(b"newer", b"configuration"), &platform()));
    assert!(references.refresh().unwrap());
    let answer = agent.post("/echo", "2").await;
    assert_eq!(problem(&answer)["rejections"][0]["check"], "measurement");
    assert_eq!(enclave.requests(), 1);
}

#[tokio::test]
async fn a_changed_reference_file_is_noticed() {
    let signer = Signer::new();
    let file = ReferenceFile::new(&signer.file(1, &launch(), &platform()));
    let references = file.open();
    let watched = references.clone();
    tokio::spawn(async move { watched.watch().await });
    file.replace(&signer.file(2, &launch(), &platform()));
    for _ in 0..50 {
        if references.current().version() == 2 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the newer file was not noticed within five seconds");
}

#[tokio::test]
async fn a_missing_reference_file_is_named() {
    let error = References::open("does-not-exist.note".as_ref()).unwrap_err();
    assert!(error.to_string().contains("does-not-exist.note"), "{error}");
}

#[tokio::test]
async fn one_attempt_is_made_for_a_refused_request() {
    let enclave = Enclave::start(Identity::bent(&platform(), |input| input.vmpl = 3)).await;
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    let mut agent = Agent::connect(sidecar(enclave.address, file.open()).await).await;
    agent.post("/echo", "").await;
    assert_eq!(enclave.seen.connections.load(Ordering::SeqCst), 1);
}
