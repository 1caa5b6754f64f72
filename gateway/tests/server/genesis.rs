//! Genesis: one registration per origin, for ever.

use prost::Message as _;
use shroud_wire::gateway::{Origin, OriginQuery, Registered, Registration};

use super::client::{Client, Reply};
use super::deployment::{Deployment, Guest, ORIGIN};

async fn origin(client: &mut Client) -> Origin {
    client.post("/v1/origin", OriginQuery { origin: ORIGIN.into() }.encode_to_vec()).await.message()
}

async fn genesis(deployment: &Deployment, client: &mut Client, registration: &Registration) -> Reply {
    deployment.ask(client, &Guest::of(ORIGIN), "/v1/genesis", registration.encode_to_vec()).await.0
}

#[tokio::test]
async fn genesis_twice() {
    let mut deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    let registration = Guest::of(ORIGIN).registration();
    assert_eq!(origin(&mut client).await.registration, None);
    genesis(&deployment, &mut client, &registration).await.message::<Registered>();
    genesis(&deployment, &mut client, &registration).await.message::<Registered>();
    drop(client);
    deployment.restart().await;
    let mut client = deployment.client().await;
    genesis(&deployment, &mut client, &registration).await.message::<Registered>();
    let known = origin(&mut client).await;
    assert_eq!(known.registration, Some(registration));
    assert!(known.checkpoint.is_empty());
    assert_eq!(known.time, deployment.clock());
}

#[tokio::test]
async fn state_key_substituted() {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    let genuine = Guest::of(ORIGIN).registration();
    genesis(&deployment, &mut client, &genuine).await.message::<Registered>();
    for (other, what) in [
        (Registration { state_key_commitment: vec![8; 32], ..genuine.clone() }, "state key commitment"),
        (Registration { journal_key: vec![8; 32], ..genuine.clone() }, "journal key"),
        (Registration { genesis: vec![8; 32], ..genuine.clone() }, "genesis hash"),
    ] {
        let detail = genesis(&deployment, &mut client, &other).await.refused(409, "origin_known");
        assert_eq!(detail, format!("the origin is registered already, with another {what}"));
    }
    assert_eq!(origin(&mut client).await.registration, Some(genuine));
}

#[tokio::test]
async fn genesis_needs_evidence() {
    let deployment = Deployment::started().await;
    let (guest, mut client) = (Guest::of(ORIGIN), deployment.client().await);
    let nonce = deployment.nonce(&mut client).await;
    let body = guest.registration().encode_to_vec();
    let bent = |report: &mut shroud_attestation_mock::ReportInput| report.measurement[0] ^= 1;
    let asked = deployment.attest(&guest, "/v1/genesis", nonce, body, bent);
    client.post("/v1/genesis", asked.attested.encode_to_vec()).await.refused(403, "attestation");
    assert_eq!(origin(&mut client).await.registration, None);
}

#[tokio::test]
async fn genesis_out_of_shape() {
    let deployment = Deployment::started().await;
    let mut client = deployment.client().await;
    let genuine = Guest::of(ORIGIN).registration();
    for (bent, what) in [
        (Registration { state_key_commitment: vec![8; 31], ..genuine.clone() }, "state key commitment"),
        (Registration { journal_key: vec![], ..genuine.clone() }, "journal key"),
        (Registration { genesis: vec![8; 33], ..genuine.clone() }, "genesis hash"),
    ] {
        let detail = genesis(&deployment, &mut client, &bent).await.refused(400, "malformed");
        assert_eq!(detail, format!("malformed {what}"));
    }
}
