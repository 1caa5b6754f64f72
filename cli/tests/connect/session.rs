//! Whether a connection ends in the enclave: each way in which it may not, by its name.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use shroud_attestation::{Check, ReferenceValues, purpose};
use shroud_cli::connect::verifier::EvidenceVerifier;
use shroud_cli::connect::{Attestor, Checkpoints};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::agent::{Agent, problem, sidecar, sidecar_with};
use crate::enclave::{Enclave, Identity, launch, platform};
use crate::guest::{Bends, Guest, key};
use crate::references::{ReferenceFile, Signer};
use crate::relay::Relay;

/// Reference values that admit the genuine guest.
pub(crate) fn references() -> ReferenceFile {
    ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()))
}

/// One request through a new sidecar: `Ok`, or the name of the check that failed; then the enclave has seen no request.
pub(crate) async fn outcome(enclave: &Enclave, attestor: Attestor) -> Result<(), String> {
    let (file, before) = (references(), enclave.requests());
    let mut agent = Agent::connect(sidecar_with(enclave.address, file.open(), attestor).await).await;
    let answer = agent.post("/echo", "a credential").await;
    if answer.status() == 200 {
        assert_eq!(answer.body().as_ref(), b"a credential");
        return Ok(());
    }
    assert_eq!(answer.status(), 503);
    assert_eq!(enclave.requests(), before, "nothing of the request was sent");
    Err(problem(&answer)["kind"].as_str().unwrap().to_owned())
}

async fn refused(guest: Guest, check: &str) {
    let enclave = Enclave::serving(Identity::genuine(), guest).await;
    assert_eq!(
        outcome(&enclave, Attestor::new(None, Checkpoints::open(None).unwrap())).await,
        Err(check.to_owned())
    );
    assert_eq!(enclave.sessions(), 1, "it was asked once");
}

async fn refused_when(bends: Bends, check: &str) {
    refused(Guest::bent(bends), check).await;
}

/// A client that binds to the certificate alone: it sends its request as soon as the certificate's report is accepted.
async fn certificate_only(
    address: std::net::SocketAddr,
    references: Arc<ReferenceValues>,
    body: &'static str,
) -> Bytes {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Arc::new(EvidenceVerifier::new(references, provider.signature_verification_algorithms));
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
        .with_no_client_auth();
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::IpAddress(address.ip().into());
    let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
    verifier.take().expect("a certificate was judged").expect("and accepted");
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("/echo").header("host", "enclave").body(Full::<Bytes>::from(body)).unwrap();
    sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes()
}

/// INCIDENTS, CVE-2026-33697: RA-TLS relayed to another machine. The control shows that the attack works against a client
/// that looks at the certificate alone.
#[tokio::test]
async fn relay_is_detected() {
    let identity = Identity::genuine();
    let stolen = identity.config();
    let enclave = Enclave::start(identity).await;
    let relay = Relay::start(stolen, enclave.address).await;

    let values = Signer::new().values(&launch(), &platform());
    let answer = certificate_only(relay.address, values, "the-first-credential").await;
    assert_eq!(
        answer.as_ref(),
        b"the-first-credential",
        "the control: the genuine enclave answers through the relay"
    );
    assert!(relay.has_read("the-first-credential"), "the control: and the attacker reads along");

    let file = references();
    let mut agent = Agent::connect(sidecar(relay.address, file.open()).await).await;
    let answer = agent.post("/echo", "the-second-credential").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(problem(&answer)["kind"], "session_exporter");
    assert!(relay.has_read("/v1/attestation"), "the sidecar asked through the relay");
    assert!(!relay.has_read("the-second-credential"), "and told it nothing");
    assert_eq!(
        (enclave.requests(), enclave.sessions()),
        (1, 1),
        "the enclave answered the challenge of the relay"
    );

    let mut agent = Agent::connect(sidecar(enclave.address, file.open()).await).await;
    assert_eq!(
        agent.post("/echo", "straight").await.status(),
        200,
        "without the relay the same sidecar passes"
    );
}

#[tokio::test]
async fn session_is_verified_on_every_connection() {
    let enclave = Enclave::start(Identity::genuine()).await;
    let file = references();
    let sidecar = sidecar(enclave.address, file.open()).await;
    for connections in 1..=3 {
        let mut agent = Agent::connect(sidecar).await;
        for _ in 0..2 {
            assert_eq!(agent.post("/echo", "hello").await.status(), 200);
        }
        assert_eq!((enclave.handshakes(), enclave.sessions()), (connections, connections));
    }
}

#[tokio::test]
async fn session_refuses_wrong_nonce() {
    refused_when(Bends { leaf: |leaf| leaf.nonce[0] ^= 1, ..Bends::default() }, "session_nonce").await;
}

#[tokio::test]
async fn session_refuses_wrong_spki() {
    refused_when(Bends { leaf: |leaf| leaf.spki[60] ^= 1, ..Bends::default() }, "session_spki").await;
}

#[tokio::test]
async fn session_refuses_wrong_exporter() {
    refused_when(Bends { leaf: |leaf| leaf.exporter[31] ^= 1, ..Bends::default() }, "session_exporter").await;
}

/// A relay that writes the client's exporter into the answer breaks the leaf's place in the tree.
#[tokio::test]
async fn session_refuses_a_leaf_outside_the_batch() {
    let rewritten = Bends {
        leaf: |leaf| leaf.exporter[31] ^= 1,
        answer: |answer| answer.leaf.exporter[31] ^= 1,
        ..Bends::default()
    };
    refused_when(rewritten, "session_inclusion").await;
    refused_when(Bends { answer: |answer| answer.index = 0, ..Bends::default() }, "session_inclusion").await;
    refused_when(Bends { answer: |answer| answer.path.truncate(1), ..Bends::default() }, "session_inclusion")
        .await;
}

#[tokio::test]
async fn session_refuses_wrong_signature() {
    refused_when(
        Bends { answer: |answer| answer.signature[0] ^= 1, ..Bends::default() },
        "session_signature",
    )
    .await;
    let other: fn(&mut shroud_attestation::session::SessionEvidence) = |answer| {
        answer.signature =
            key(9).sign(&shroud_attestation::session::root_message(&answer.root)).as_ref().to_vec()
    };
    refused_when(Bends { answer: other, ..Bends::default() }, "session_signature").await;
    let unlabelled: fn(&mut shroud_attestation::session::SessionEvidence) =
        |answer| answer.signature = key(1).sign(&answer.root).as_ref().to_vec();
    refused_when(Bends { answer: unlabelled, ..Bends::default() }, "session_signature").await;
}

#[tokio::test]
async fn session_refuses_an_unfit_report() {
    let bends: [fn(&mut shroud_attestation_mock::ReportInput); 3] = [
        |input| input.report_data[0] ^= 1,
        |input| input.measurement[0] ^= 1,
        |input| input.policy |= 1 << 19,
    ];
    for report in bends {
        refused_when(Bends { report, ..Bends::default() }, "session_report").await;
    }
}

/// A report for one purpose is none for another, in either direction.
#[tokio::test]
async fn purpose_confusion() {
    let certificate = |input: &mut shroud_attestation_mock::ReportInput| {
        input.report_data = *purpose::tls_certificate(&[7; 32]).as_bytes();
    };
    refused_when(Bends { report: certificate, ..Bends::default() }, "session_report").await;
    let session = |input: &mut shroud_attestation_mock::ReportInput| {
        input.report_data = *purpose::session(&[7; 32]).as_bytes();
    };
    let enclave = Enclave::start(Identity::bent(&platform(), session)).await;
    let file = references();
    let mut agent = Agent::connect(sidecar(enclave.address, file.open()).await).await;
    let answer = agent.post("/echo", "").await;
    assert_eq!(problem(&answer)["rejections"][0]["check"], Check::ReportData.name());
}

#[tokio::test]
async fn session_refuses_a_checkpoint_of_another_key() {
    refused_when(Bends { leaf: |leaf| leaf.checkpoint[25] ^= 1, ..Bends::default() }, "checkpoint").await;
    refused_when(Bends { leaf: |leaf| leaf.checkpoint.clear(), ..Bends::default() }, "checkpoint").await;
}

#[tokio::test]
async fn session_refuses_what_is_no_evidence() {
    refused_when(
        Bends { answer: |answer| answer.path = vec![[0; 32]; 64], ..Bends::default() },
        "session_form",
    )
    .await;
    let enclave = Enclave::without_sessions(Identity::genuine()).await;
    let attestor = Attestor::new(None, Checkpoints::open(None).unwrap());
    assert_eq!(outcome(&enclave, attestor).await, Err("session_unavailable".to_owned()));
}

#[tokio::test]
async fn a_busy_enclave_is_503_with_retry_after() {
    let enclave = Enclave::without_sessions(Identity::genuine()).await;
    let file = references();
    let answer = Agent::connect(sidecar(enclave.address, file.open()).await).await.post("/echo", "").await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()),
        (503, b"1".as_slice())
    );
}
