//! Files that stop a start.

use std::os::unix::fs::PermissionsExt as _;

use shroud_gateway::{PresentError, Server, StartError};

use super::deployment::{Deployment, unix};

async fn refused(deployment: &Deployment) -> StartError {
    Server::bind(&deployment.configuration()).await.unwrap_err()
}

#[tokio::test]
async fn an_exposed_key_stops_the_start() {
    for key in ["state/keys/tls.key", "state/keys/hpke.key", "state/keys/witness.key", "backend.key"] {
        let mut deployment = Deployment::started().await;
        deployment.stop().await;
        let path = deployment.path(key);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = refused(&deployment).await.to_string();
        assert!(error.contains("has mode 640"), "{error}");
    }
}

#[tokio::test]
async fn a_second_process_on_one_state_directory_is_refused() {
    let deployment = Deployment::started().await;
    assert!(matches!(refused(&deployment).await, StartError::Locked));
}

#[tokio::test]
async fn a_credential_that_does_not_fit_stops_the_start() {
    let deployment = Deployment::new();
    shroud_gateway::keys_renew(&deployment.path("state")).unwrap();
    let error = refused(&deployment).await;
    assert!(matches!(error, StartError::Present(PresentError::Credential(_))), "{error}");
    let deployment = Deployment::new();
    deployment.set_clock(unix() - 30 * 24 * 3600);
    deployment.issue(1);
    let error = refused(&deployment).await;
    assert!(error.to_string().contains("valid from"), "{error}");
}

#[tokio::test]
async fn a_lost_backend_key_stops_the_start() {
    let mut deployment = Deployment::started().await;
    deployment.stop().await;
    std::fs::remove_file(deployment.path("backend.key")).unwrap();
    assert!(matches!(refused(&deployment).await, StartError::Local(_)));
}

#[tokio::test]
async fn an_altered_log_stops_the_start() {
    let mut deployment = Deployment::started().await;
    deployment.restart().await;
    deployment.stop().await;
    let path = deployment.path("state").join("releases.jsonl");
    let altered = std::fs::read_to_string(&path).unwrap().replacen("\"reference\":1", "\"reference\":7", 1);
    std::fs::write(&path, altered).unwrap();
    assert!(matches!(refused(&deployment).await, StartError::Log(_)));
}
