//! Requests out of shape: the right status and name, and the connection stays usable.

use hyper::Method;
use prost::Message as _;
use shroud_wire::gateway::{Attested, ChallengeRequest, Item, Items, OriginQuery, Sealed, Unwrap, Wrap};
use shroud_wire::{hpke, limits};

use super::deployment::{Deployment, Guest, ORIGIN, unwrap_body};

const ATTESTED: [&str; 3] = ["/v1/wrap", "/v1/unwrap", "/v1/genesis"];

#[tokio::test]
async fn paths_and_methods() {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    for path in ["/", "/v1", "/v1/", "/v1/challenge/", "/v2/challenge", "/v1/nothing"] {
        client.post(path, "").await.refused(404, "path");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        client.send(method, "/v1/challenge", "").await.refused(405, "method");
    }
    deployment.nonce(&mut client).await;
}

#[tokio::test]
async fn bodies_that_are_no_message() {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    for path in ATTESTED.into_iter().chain(["/v1/challenge", "/v1/origin"]) {
        client.post(path, vec![0xff; 64]).await.refused(400, "malformed");
    }
    for path in ATTESTED {
        client.post(path, "").await.refused(400, "malformed");
    }
    client.post("/v1/origin", "").await.refused(400, "malformed");
    deployment.nonce(&mut client).await;
}

#[tokio::test]
async fn a_body_over_the_limit() {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    client.post("/v1/unwrap", vec![0; limits::GATEWAY_BODY + 1]).await.refused(413, "too_large");
    let mut client = deployment.client().await;
    deployment.nonce(&mut client).await;
}

#[tokio::test]
async fn attested_fields_out_of_shape() {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    let straight = Attested { nonce: vec![1; 32], tee_key: vec![2; 32], ..Attested::default() };
    for (bent, status, kind, detail) in [
        (Attested { nonce: vec![1; 31], ..straight.clone() }, 400, "malformed", "malformed nonce"),
        (Attested { tee_key: vec![1; 31], ..straight.clone() }, 400, "malformed", "malformed TEE key"),
        (
            Attested { report: vec![0; limits::EVIDENCE + 1], ..straight.clone() },
            413,
            "too_large",
            "report is over its limit",
        ),
        (
            Attested { certificates: vec![0; limits::EVIDENCE + 1], ..straight },
            413,
            "too_large",
            "certificate table is over its limit",
        ),
    ] {
        let reply = client.post("/v1/unwrap", bent.encode_to_vec()).await;
        assert_eq!(reply.refused(status, kind), detail);
    }
}

#[tokio::test]
async fn plaintext_refused() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let items = Items { items: vec![Item { context: b"kek".to_vec(), bytes: vec![7; 32] }] };
    let unsealed = Sealed { encapsulated: vec![], ciphertext: items.encode_to_vec() };
    for sealed in [None, Some(unsealed)] {
        let body = Wrap { origin: ORIGIN.into(), sealed }.encode_to_vec();
        let (reply, _) = deployment.ask(&mut client, &guest, "/v1/wrap", body).await;
        reply.refused(400, "plaintext");
    }
}

#[tokio::test]
async fn a_tee_key_that_nothing_can_be_sealed_to() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let wrapped = deployment.wrap(&mut client, &guest, b"kek", &[7; 32]).await.body;
    let body = unwrap_body(ORIGIN, b"kek", &wrapped);
    // None at all, and a point of low order, whose shared secret everybody knows.
    for tee_key in [vec![], vec![0; 32]] {
        let nonce = deployment.nonce(&mut client).await;
        let attested = deployment.attest_key(&guest, "/v1/unwrap", nonce, body.clone(), tee_key, |_| {}).0;
        client.post("/v1/unwrap", attested.encode_to_vec()).await.refused(422, "tee_key");
    }
}

#[tokio::test]
async fn wrap_input_sealed_for_another_challenge_or_key() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let items = Items { items: vec![Item { context: b"kek".to_vec(), bytes: vec![7; 32] }] };
    let (one, two) = (deployment.nonce(&mut client).await, deployment.nonce(&mut client).await);
    let body = deployment.wrap_body(&guest, &one, &items);
    let asked = deployment.attest(&guest, "/v1/wrap", two, body, |_| {});
    client.post("/v1/wrap", asked.attested.encode_to_vec()).await.refused(422, "wrap_input");
    let stranger = hpke::Recipient::generate().unwrap();
    let info = shroud_wire::gateway::wrap_input_info(&one, &deployment.pinned.identity);
    let sealed = hpke::seal(stranger.public_key(), &info, &items.encode_to_vec()).unwrap();
    let body = Wrap { origin: ORIGIN.into(), sealed: Some(sealed) }.encode_to_vec();
    let asked = deployment.attest(&guest, "/v1/wrap", one, body, |_| {});
    client.post("/v1/wrap", asked.attested.encode_to_vec()).await.refused(422, "wrap_input");
}

#[tokio::test]
async fn items_out_of_shape() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    deployment.wrap(&mut client, &guest, &[1; limits::CONTEXT + 1], &[7; 32]).await.refused(413, "too_large");
    deployment.wrap(&mut client, &guest, b"kek", &[7; limits::PLAIN_KEY + 1]).await.refused(413, "too_large");
    deployment.wrap(&mut client, &guest, b"", &[7; 32]).await.refused(400, "malformed");
    deployment.wrap(&mut client, &guest, b"kek", b"").await.refused(400, "malformed");
    let item = Item { context: b"kek".to_vec(), bytes: vec![1; 80] };
    for (items, status, kind) in [
        (None, 400, "malformed"),
        (Some(Items { items: vec![] }), 400, "malformed"),
        (Some(Items { items: vec![item; limits::WRAP_ITEMS + 1] }), 413, "too_large"),
    ] {
        let body = Unwrap { origin: ORIGIN.into(), items }.encode_to_vec();
        let (reply, _) = deployment.ask(&mut client, &guest, "/v1/unwrap", body).await;
        reply.refused(status, kind);
    }
}

#[tokio::test]
async fn hostile_sealed_bytes_are_refused() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    for (encapsulated, ciphertext) in [(1, 0), (31, 64), (32, 0), (32, 15), (32, 64), (33, 64), (4096, 4096)]
    {
        let sealed = Some(Sealed { encapsulated: vec![0; encapsulated], ciphertext: vec![0; ciphertext] });
        let body = Wrap { origin: ORIGIN.into(), sealed }.encode_to_vec();
        let (reply, _) = deployment.ask(&mut client, &guest, "/v1/wrap", body).await;
        reply.refused(422, "wrap_input");
    }
}

#[tokio::test]
async fn unknown_origins_are_no_error() {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    let query = OriginQuery { origin: "shroud.invalid/none".into() }.encode_to_vec();
    let known: shroud_wire::gateway::Origin = client.post("/v1/origin", query).await.message();
    assert_eq!((known.registration, known.checkpoint), (None, vec![]));
    let body = ChallengeRequest { origin: "anything".into() }.encode_to_vec();
    assert!(client.post("/v1/challenge", body).await.status.is_success());
}
