//! `shroud connect` as a process: its ready line, its refusals, its end.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::agent::Agent;
use crate::enclave::{Enclave, Identity, launch, platform};
use crate::references::{ReferenceFile, Signer};

fn connect(enclave: &str, file: &ReferenceFile, listen: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_shroud"))
        .args(["connect", "--json", "--enclave", enclave, "--listen", listen, "--reference"])
        .arg(file.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn the_program_announces_itself_serves_and_ends_at_sigterm() {
    let enclave = Enclave::start(Identity::genuine()).await;
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    let mut child = connect(&enclave.address.to_string(), &file, "127.0.0.1:0");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["event"], "ready");
    let listen = ready["listen"].as_str().unwrap().parse().unwrap();
    // The agent stays connected: an idle connection does not keep the process.
    let mut agent = Agent::connect(listen).await;
    assert_eq!(agent.post("/echo", "hello").await.body().as_ref(), b"hello");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().success());
}

#[test]
fn what_cannot_be_started_ends_with_a_failure() {
    let signer = Signer::new();
    let good = ReferenceFile::new(&signer.file(1, &launch(), &platform()));
    let bad = ReferenceFile::new(b"no references");
    for (enclave, file, listen) in [
        ("127.0.0.1:1", &good, "0.0.0.0:0"),
        ("127.0.0.1:1", &bad, "127.0.0.1:0"),
        ("127.0.0.1", &good, "127.0.0.1:0"),
    ] {
        let status = connect(enclave, file, listen).wait().unwrap();
        assert_eq!(status.code(), Some(1), "{enclave} {listen}");
    }
}
