//! Reference values: a newer file with the old quorum takes over; nothing else does.

use std::time::Duration;

use shroud_gateway::{Server, StartError};

use super::client::Reply;
use super::deployment::{Deployment, Guest, ORIGIN};

const OTHER: &str = "shroud.invalid/two";

async fn wrap(deployment: &Deployment, guest: &Guest) -> Reply {
    let mut client = deployment.client().await;
    deployment.wrap(&mut client, guest, b"kek", &[7; 32]).await
}

/// Waits until the guest is admitted, or until a refused file must have been read twice.
async fn admitted(deployment: &Deployment, guest: &Guest) -> bool {
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        if wrap(deployment, guest).await.status.is_success() {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_newer_file_takes_over_while_serving() {
    let mut deployment = Deployment::started().await;
    let two = Guest::of(OTHER);
    wrap(&deployment, &two).await.refused(403, "attestation");
    deployment.draft.version = 2;
    deployment.admit(&two);
    deployment.sign_reference(&["bob", "eve"]);
    assert!(admitted(&deployment, &two).await);
    assert!(deployment.logged(r#"{"kind":"reference","version":2}"#).await);
}

#[tokio::test]
async fn a_file_without_the_old_quorum_changes_nothing() {
    let mut deployment = Deployment::started().await;
    let two = Guest::of(OTHER);
    deployment.draft.version = 2;
    deployment.admit(&two);
    deployment.sign_reference(&["ada"]);
    assert!(!admitted(&deployment, &two).await);
    assert!(wrap(&deployment, &Guest::of(ORIGIN)).await.status.is_success());
}

#[tokio::test]
async fn an_older_file_is_refused_after_a_restart() {
    let mut deployment = Deployment::new();
    let first = std::fs::read(deployment.path("reference")).unwrap();
    deployment.draft.version = 2;
    deployment.sign_reference(&["ada", "bob"]);
    deployment.start().await;
    deployment.stop().await;
    std::fs::write(deployment.path("reference"), first).unwrap();
    let refused = Server::bind(&deployment.configuration()).await.unwrap_err();
    assert!(matches!(refused, StartError::References(_)));
    assert!(refused.to_string().contains("version 1 does not replace version 2"), "{refused}");
}

#[tokio::test]
async fn another_file_of_the_same_version_is_refused() {
    let mut deployment = Deployment::started().await;
    deployment.stop().await;
    deployment.admit(&Guest::of(OTHER));
    deployment.sign_reference(&["ada", "bob"]);
    let refused = Server::bind(&deployment.configuration()).await.unwrap_err();
    assert!(matches!(refused, StartError::References(_)));
}

#[tokio::test]
async fn an_empty_chip_list_admits_nobody() {
    let mut deployment = Deployment::new();
    deployment.draft.tuples[0].chips.clear();
    deployment.sign_reference(&["ada", "bob"]);
    deployment.start().await;
    wrap(&deployment, &Guest::of(ORIGIN)).await.refused(403, "attestation");
}
