//! The program itself: its commands, its ready line, and a clean end on SIGTERM.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::client::{Client, Pinned};
use super::deployment::Deployment;

const PROGRAM: &str = env!("CARGO_BIN_EXE_shroud-gateway");

fn run(arguments: &[&str], directory: &Path) -> Output {
    Command::new(PROGRAM).args(arguments).current_dir(directory).output().unwrap()
}

#[tokio::test]
async fn from_nothing_to_serving() {
    // The reference values and the deployment's layout; identity, keys and credential are made anew by the program.
    let deployment = Deployment::new();
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let made = run(&["identity", "new", "--out", "identity"], at);
    let identity = String::from_utf8(made.stdout).unwrap();
    let identity = identity.trim();
    assert_eq!(identity.len(), 64);
    let seed = std::fs::read_to_string(at.join("identity")).unwrap();
    let keys = run(&["keys", "new", "--state", "state"], at);
    assert!(keys.status.success() && keys.stdout.is_empty());
    assert!(!run(&["keys", "new", "--state", "state"], at).status.success());
    assert!(!run(&["identity", "new", "--out", "identity"], at).status.success());
    assert_eq!(std::fs::read_to_string(at.join("identity")).unwrap(), seed);
    let issue = [
        "credential",
        "issue",
        "--identity",
        "identity",
        "--state",
        "state",
        "--name",
        "gcp",
        "--out",
        "credential",
    ];
    assert!(run(&issue, at).status.success());
    std::fs::remove_file(at.join("identity")).unwrap();
    let configuration = serde_json::json!({
        "name": "gcp", "listen": "127.0.0.1:0", "state": "state", "credential": "credential",
        "reference": deployment.path("reference"), "identity": identity,
        "backend": {"kind": "local", "key": "backend.key"},
    });
    std::fs::write(at.join("gateway.json"), configuration.to_string()).unwrap();
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--configuration", "gateway.json"])
        .current_dir(at)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(ready["event"], "ready");
    let address = ready["listen"].as_str().unwrap().parse().unwrap();
    let identity = hex::decode(identity).unwrap().try_into().unwrap();
    let mut client = Client::connect(address, Pinned::new("gcp", identity)).await;
    deployment.nonce(&mut client).await;
    let terminated = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(terminated.success());
    assert!(child.wait().unwrap().success());
    assert!(lines.next().is_none());
}

#[test]
fn a_refused_configuration_ends_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("gateway.json"), r#"{"skip_verification":true}"#).unwrap();
    let ended = run(&["serve", "--configuration", "gateway.json"], directory.path());
    assert!(!ended.status.success() && ended.stdout.is_empty());
    assert!(String::from_utf8(ended.stderr).unwrap().contains("unknown field `skip_verification`"));
}
