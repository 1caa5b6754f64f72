//! Evidence that gets nothing: one test per lie. Each report is signed by the genuine platform, save for the field bent.

use prost::Message as _;
use shroud_attestation_mock::ReportInput;
use shroud_wire::gateway::Attested;
use shroud_wire::hpke::Recipient;

use super::client::Reply;
use super::deployment::{Deployment, Guest, ORIGIN, unwrap_body};

const UNWRAP: &str = "/v1/unwrap";

/// Asks to unwrap a genuinely wrapped key with a request that was bent, and checks that the straight one succeeds.
async fn unwrap_with(
    bend_report: impl FnOnce(&mut ReportInput),
    bend: impl FnOnce(&mut Attested),
) -> (Deployment, Reply) {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let wrapped = deployment.wrap(&mut client, &guest, b"kek", &[7; 32]).await.body;
    assert_eq!(deployment.unwrap(&mut client, &guest, b"kek", &wrapped).await.unwrap(), [7; 32]);
    let nonce = deployment.nonce(&mut client).await;
    let body = unwrap_body(ORIGIN, b"kek", &wrapped);
    let mut asked = deployment.attest(&guest, UNWRAP, nonce, body, bend_report);
    bend(&mut asked.attested);
    let reply = client.post(UNWRAP, asked.attested.encode_to_vec()).await;
    (deployment, reply)
}

/// Asserts that the report was refused for this check alone, and that the log says so.
async fn refused_for(deployment: &Deployment, reply: &Reply, check: &str) {
    let detail = reply.refused(403, "attestation");
    let findings = detail.strip_prefix("evidence refused: ").unwrap();
    for finding in findings.split("; ") {
        assert!(finding.starts_with(&format!("{check} (")), "{finding}");
    }
    assert!(deployment.logged(&format!("evidence refused: {check}")).await);
}

async fn bent(check: &str, bend: impl FnOnce(&mut ReportInput)) {
    let (deployment, reply) = unwrap_with(bend, |_| {}).await;
    refused_for(&deployment, &reply, check).await;
}

#[tokio::test]
async fn reject_measurement() {
    bent("measurement", |report| report.measurement[0] ^= 1).await;
}

#[tokio::test]
async fn reject_host_data() {
    bent("host_data", |report| report.host_data[0] ^= 1).await;
}

#[tokio::test]
async fn reject_debug_policy() {
    bent("debug", |report| report.policy |= 1 << 19).await;
}

#[tokio::test]
async fn reject_tcb() {
    bent("tcb", |report| report.reported_tcb[7] -= 1).await;
}

#[tokio::test]
async fn reject_chip() {
    bent("chip_id", |report| report.chip_id[0] ^= 1).await;
}

#[tokio::test]
async fn reject_report_for_another_nonce() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let (one, two) = (deployment.nonce(&mut client).await, deployment.nonce(&mut client).await);
    let mut asked = deployment.attest(&guest, UNWRAP, one, unwrap_body(ORIGIN, b"kek", b"x"), |_| {});
    asked.attested.nonce = two.to_vec();
    let reply = client.post(UNWRAP, asked.attested.encode_to_vec()).await;
    refused_for(&deployment, &reply, "report_data").await;
}

#[tokio::test]
async fn reject_report_for_another_gateway() {
    let (gcp, mut aws) = (Deployment::started().await, Deployment::new());
    aws.draft = gcp.draft.clone();
    aws.sign_reference(&["ada", "bob"]);
    aws.start().await;
    let (guest, mut client) = (Guest::of(ORIGIN), gcp.client().await);
    let mut to_aws = aws.client().await;
    let nonce = aws.nonce(&mut to_aws).await;
    // The transcript names gcp's identity; the challenge and the request are aws's.
    let asked = gcp.attest(&guest, UNWRAP, nonce, unwrap_body(ORIGIN, b"kek", b"x"), |_| {});
    let reply = to_aws.post(UNWRAP, asked.attested.encode_to_vec()).await;
    refused_for(&aws, &reply, "report_data").await;
    client.post(UNWRAP, asked.attested.encode_to_vec()).await.refused(403, "nonce");
}

#[tokio::test]
async fn reject_swapped_tee_key() {
    let other = Recipient::generate().unwrap();
    let swap = |attested: &mut Attested| attested.tee_key = other.public_key().to_vec();
    let (deployment, reply) = unwrap_with(|_| {}, swap).await;
    refused_for(&deployment, &reply, "report_data").await;
}

#[tokio::test]
async fn reject_altered_request() {
    let alter = |attested: &mut Attested| attested.body.extend_from_slice(&[0x1a, 0]);
    let (deployment, reply) = unwrap_with(|_| {}, alter).await;
    refused_for(&deployment, &reply, "report_data").await;
}

#[tokio::test]
async fn reject_request_moved_to_another_path() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let nonce = deployment.nonce(&mut client).await;
    let asked = deployment.attest(&guest, "/v1/wrap", nonce, unwrap_body(ORIGIN, b"kek", b"x"), |_| {});
    let reply = client.post(UNWRAP, asked.attested.encode_to_vec()).await;
    refused_for(&deployment, &reply, "report_data").await;
}

#[tokio::test]
async fn purpose_confusion() {
    let session = *shroud_attestation::purpose::session(&[7; 32]).as_bytes();
    bent("report_data", |report| report.report_data = session).await;
}

#[tokio::test]
async fn reject_report_under_an_unknown_root() {
    let deployment = Deployment::started().await;
    let mut foreign = Deployment::new();
    foreign.platform = shroud_attestation_mock::Platform::for_tests("gateway-foreign").unwrap();
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let nonce = deployment.nonce(&mut client).await;
    let mut asked = deployment.attest(&guest, UNWRAP, nonce, unwrap_body(ORIGIN, b"kek", b"x"), |_| {});
    let chip = *deployment.platform.chip_id();
    let report = foreign.platform.report(&ReportInput {
        chip_id: chip,
        ..foreign
            .platform
            .genuine(&guest.launch, shroud_attestation::purpose::release(&asked.transcript).as_bytes())
    });
    let evidence = report.unwrap();
    (asked.attested.report, asked.attested.certificates) = (evidence.report, evidence.certificates);
    let detail = client.post(UNWRAP, asked.attested.encode_to_vec()).await.refused(403, "attestation");
    assert!(detail.contains("chain ("), "{detail}");
}

#[tokio::test]
async fn raw_bytes_bit_flip() {
    for byte in [0x90, 0x2a0, 1183] {
        let (_, reply) = unwrap_with(|_| {}, |attested| attested.report[byte] ^= 1).await;
        reply.refused(403, "attestation");
    }
}

#[tokio::test]
async fn nonce_unknown() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let asked = deployment.attest(&guest, UNWRAP, [5; 32], unwrap_body(ORIGIN, b"kek", b"x"), |_| {});
    let reply = client.post(UNWRAP, asked.attested.encode_to_vec()).await;
    assert_eq!(reply.refused(403, "nonce"), "the nonce is unknown");
}

#[tokio::test]
async fn nonce_reused() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let wrapped = deployment.wrap(&mut client, &guest, b"kek", &[7; 32]).await.body;
    let body = unwrap_body(ORIGIN, b"kek", &wrapped);
    let (reply, asked) = deployment.ask(&mut client, &guest, UNWRAP, body).await;
    assert!(reply.status.is_success());
    let again = client.post(UNWRAP, asked.attested.encode_to_vec()).await;
    assert_eq!(again.refused(403, "nonce"), "the nonce was used before");
}

#[tokio::test]
async fn a_refused_request_spends_its_nonce() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let nonce = deployment.nonce(&mut client).await;
    let body = unwrap_body(ORIGIN, b"kek", b"x");
    let bent = deployment.attest(&guest, UNWRAP, nonce, body.clone(), |report| report.vmpl = 3);
    client.post(UNWRAP, bent.attested.encode_to_vec()).await.refused(403, "attestation");
    let straight = deployment.attest(&guest, UNWRAP, nonce, body, |_| {});
    client.post(UNWRAP, straight.attested.encode_to_vec()).await.refused(403, "nonce");
}

#[tokio::test]
async fn nonce_expired() {
    let mut deployment = Deployment::new();
    deployment.limits = serde_json::json!({ "challenge_seconds": 1 });
    deployment.start().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let nonce = deployment.nonce(&mut client).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let asked = deployment.attest(&guest, UNWRAP, nonce, unwrap_body(ORIGIN, b"kek", b"x"), |_| {});
    let reply = client.post(UNWRAP, asked.attested.encode_to_vec()).await;
    assert_eq!(reply.refused(403, "nonce"), "the nonce has expired");
}

#[tokio::test]
async fn one_nonce_raced_by_two_connections_is_good_once() {
    let deployment = Deployment::started().await;
    let guest = Guest::of(ORIGIN);
    let (mut one, mut two) = (deployment.client().await, deployment.client().await);
    let wrapped = deployment.wrap(&mut one, &guest, b"kek", &[7; 32]).await.body;
    let nonce = deployment.nonce(&mut one).await;
    let asked = deployment.attest(&guest, UNWRAP, nonce, unwrap_body(ORIGIN, b"kek", &wrapped), |_| {});
    let request = asked.attested.encode_to_vec();
    let (first, second) = tokio::join!(one.post(UNWRAP, request.clone()), two.post(UNWRAP, request));
    let released = [first, second].iter().filter(|reply| reply.status.is_success()).count();
    assert_eq!(released, 1);
}

#[tokio::test]
async fn rate_limit_of_a_chip() {
    let mut deployment = Deployment::new();
    deployment.limits = serde_json::json!({ "chip_burst": 2, "chip_per_second": 1 });
    deployment.start().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let mut refused = 0;
    for _ in 0..6 {
        let reply = deployment.wrap(&mut client, &guest, b"kek", &[7; 32]).await;
        if !reply.status.is_success() {
            assert_eq!(reply.refused(429, "rate_limit"), "too many attested requests for this chip");
            refused += 1;
        }
    }
    assert!((2..=4).contains(&refused), "{refused}");
}

#[tokio::test]
async fn rate_limit_of_a_measurement() {
    let mut deployment = Deployment::new();
    deployment.limits = serde_json::json!({ "measurement_burst": 1, "measurement_per_second": 1 });
    deployment.start().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    deployment.wrap(&mut client, &guest, b"kek", &[7; 32]).await;
    let mut replies = Vec::new();
    for _ in 0..3 {
        replies.push(deployment.wrap(&mut client, &guest, b"kek", &[7; 32]).await);
    }
    let refused = replies.iter().find(|reply| !reply.status.is_success()).unwrap();
    assert_eq!(refused.refused(429, "rate_limit"), "too many attested requests for this measurement");
}
