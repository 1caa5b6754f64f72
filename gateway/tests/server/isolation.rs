//! One origin never reaches another's keys, whatever its guest asks for.

use prost::Message as _;

use super::deployment::{Deployment, Guest, ORIGIN, unwrap_body};

const OTHER: &str = "shroud.invalid/two";

async fn two_origins() -> (Deployment, Guest, Guest) {
    let mut deployment = Deployment::new();
    let (one, two) = (Guest::of(ORIGIN), Guest::of(OTHER));
    deployment.admit(&two);
    deployment.sign_reference(&["bob", "eve"]);
    deployment.start().await;
    (deployment, one, two)
}

#[tokio::test]
async fn origin_isolation_by_context() {
    let (deployment, one, two) = two_origins().await;
    let mut client = deployment.client().await;
    let wrapped = deployment.wrap(&mut client, &one, b"kek", &[7; 32]).await.body;
    let stolen = deployment.unwrap(&mut client, &two, b"kek", &wrapped).await.unwrap_err();
    stolen.refused(422, "unopened");
}

#[tokio::test]
async fn origin_isolation_by_configuration() {
    let (mut deployment, one, two) = two_origins().await;
    let mut client = deployment.client().await;
    let wrapped = deployment.wrap(&mut client, &one, b"kek", &[7; 32]).await.body;
    deployment.register(&mut client, &two).await;
    drop(client);
    deployment.restart().await;
    let mut client = deployment.client().await;
    let pretender = Guest { origin: ORIGIN.into(), ..two.clone() };
    let stolen = deployment.unwrap(&mut client, &pretender, b"kek", &wrapped).await.unwrap_err();
    let detail = stolen.refused(403, "origin");
    assert_eq!(detail, format!("this guest's configuration belongs to the origin {OTHER:?}"));
    deployment.wrap(&mut client, &pretender, b"kek", &[8; 32]).await.refused(403, "origin");
    let body = pretender.registration().encode_to_vec();
    let (reply, _) = deployment.ask(&mut client, &two, "/v1/genesis", body).await;
    reply.refused(403, "origin");
    assert_eq!(deployment.unwrap(&mut client, &one, b"kek", &wrapped).await.unwrap(), [7; 32]);
}

#[tokio::test]
async fn an_upgraded_configuration_reaches_the_same_origin() {
    let mut deployment = Deployment::new();
    let one = Guest::of(ORIGIN);
    let upgraded = Guest { origin: ORIGIN.into(), ..Guest::of("another configuration of the same origin") };
    deployment.admit(&upgraded);
    deployment.sign_reference(&["ada", "eve"]);
    deployment.start().await;
    let mut client = deployment.client().await;
    let wrapped = deployment.wrap(&mut client, &one, b"kek", &[7; 32]).await.body;
    assert_eq!(deployment.unwrap(&mut client, &upgraded, b"kek", &wrapped).await.unwrap(), [7; 32]);
}

#[tokio::test]
async fn an_origin_that_no_note_can_carry_is_refused() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    for origin in ["", "a b", "a\nb", "a+b", &"o".repeat(256)] {
        let body = unwrap_body(origin, b"kek", b"x");
        let (reply, _) = deployment.ask(&mut client, &guest, "/v1/unwrap", body).await;
        assert_eq!(reply.refused(400, "malformed"), "malformed origin");
    }
}
