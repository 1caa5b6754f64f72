//! The transport: a pinned identity, TLS 1.3 with a post-quantum hybrid, HTTP/1.1 alone, nothing resumed.

use std::sync::Arc;
use std::time::Duration;

use rustls::{HandshakeKind, NamedGroup};

use super::client::{self, Client, Pinned};
use super::deployment::{Deployment, Guest, ORIGIN};

#[tokio::test]
async fn the_handshake_is_post_quantum_and_resumes_nothing() {
    let deployment = Deployment::started().await;
    let configuration = client::configuration(Arc::clone(&deployment.pinned));
    for _ in 0..2 {
        let stream = client::handshake(deployment.address(), configuration.clone()).await.unwrap();
        let (_, connection) = stream.get_ref();
        assert_eq!(connection.negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519MLKEM768);
        assert_eq!(connection.alpn_protocol(), Some(b"http/1.1".as_slice()));
        assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[tokio::test]
async fn answer_as_a_gateway() {
    let deployment = Deployment::started().await;
    let refused = |pinned: Arc<Pinned>| async {
        let configuration = client::configuration(pinned);
        client::handshake(deployment.address(), configuration).await.unwrap_err().to_string()
    };
    let identity = deployment.pinned.identity;
    let stranger = refused(Pinned::new("gcp", [7; 32])).await;
    assert!(stranger.contains("did not sign"), "{stranger}");
    let misnamed = refused(Pinned::new("aws", identity)).await;
    assert!(misnamed.contains("expected \"aws\""), "{misnamed}");
}

#[tokio::test]
async fn http_2_is_refused() {
    let deployment = Deployment::started().await;
    let mut h2 = client::configuration(Arc::clone(&deployment.pinned));
    h2.alpn_protocols = vec![b"h2".to_vec()];
    assert!(client::handshake(deployment.address(), h2).await.is_err());
}

#[tokio::test]
async fn a_renewed_credential_takes_over_without_a_restart() {
    let deployment = Deployment::started().await;
    let mut before = deployment.client().await;
    let old = deployment.pinned.statement();
    shroud_gateway::keys_renew(&deployment.path("state")).unwrap();
    deployment.issue(6);
    let mut renewed = old.clone();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        deployment.client().await;
        renewed = deployment.pinned.statement();
        if renewed != old {
            break;
        }
    }
    assert_ne!(renewed.tls_spki, old.tls_spki);
    assert_ne!(renewed.hpke_key, old.hpke_key);
    assert_eq!(renewed.witness_key, old.witness_key);
    deployment.nonce(&mut before).await;
    let guest = Guest::of(ORIGIN);
    assert!(deployment.wrap(&mut before, &guest, b"kek", &[7; 32]).await.status.is_success());
}

/// Renews the keys and waits until a handshake shows them, so that `deployment.pinned` still states the older ones.
async fn renewed(deployment: &Deployment) {
    let shown = || async {
        let pinned = Pinned::new("gcp", deployment.pinned.identity);
        Client::connect(deployment.address(), Arc::clone(&pinned)).await;
        pinned.statement().hpke_key
    };
    let old = shown().await;
    shroud_gateway::keys_renew(&deployment.path("state")).unwrap();
    deployment.issue(7);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if shown().await != old {
            return;
        }
    }
    panic!("the renewed credential did not take over");
}

/// A gateway whose keys were renewed, with a client that dialled before that.
async fn dialled_before_a_renewal() -> (Deployment, Client) {
    let mut deployment = Deployment::new();
    deployment.issue(1);
    deployment.start().await;
    let client = deployment.client().await;
    renewed(&deployment).await;
    (deployment, client)
}

#[tokio::test]
async fn what_was_sealed_to_the_former_hpke_key_still_opens() {
    let (deployment, mut before) = dialled_before_a_renewal().await;
    let guest = Guest::of(ORIGIN);
    let wrapped = deployment.wrap(&mut before, &guest, b"kek", &[7; 32]).await;
    assert!(wrapped.status.is_success(), "{:?}", wrapped.refusal());
    // A credential anew over the same keys takes nothing from the former one.
    deployment.issue(6);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(deployment.wrap(&mut before, &guest, b"kek", &[7; 32]).await.status.is_success());
}

#[tokio::test]
async fn the_former_hpke_key_ends_with_its_credential() {
    let (deployment, mut before) = dialled_before_a_renewal().await;
    deployment.set_clock(deployment.clock() + 24 * 3600 + 1);
    let guest = Guest::of(ORIGIN);
    deployment.wrap(&mut before, &guest, b"kek", &[7; 32]).await.refused(422, "wrap_input");
}

#[tokio::test]
async fn only_one_former_hpke_key_is_kept() {
    let (deployment, mut before) = dialled_before_a_renewal().await;
    renewed(&deployment).await;
    let guest = Guest::of(ORIGIN);
    deployment.wrap(&mut before, &guest, b"kek", &[7; 32]).await.refused(422, "wrap_input");
}
