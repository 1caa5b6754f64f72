//! `shroud connect` as a process: its ready line, its refusals, its end.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::agent::Agent;
use crate::checkpoints::Memory;
use crate::enclave::{Enclave, Identity, launch, platform};
use crate::guest::START;
use crate::references::{ReferenceFile, Signer};

fn command(enclave: &str, file: &ReferenceFile, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shroud"));
    command
        .args(["connect", "--json", "--enclave", enclave, "--listen", listen, "--reference"])
        .arg(file.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn connect(enclave: &str, file: &ReferenceFile, listen: &str) -> Child {
    command(enclave, file, listen).spawn().unwrap()
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

/// The newest checkpoint outlives the process: one that starts later refuses an older one.
#[tokio::test]
async fn the_program_remembers_in_its_state_folder() {
    let enclave = Enclave::start(Identity::genuine()).await;
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    let memory = Memory::new();
    for (size, status) in [(START.size, 200), (START.size - 1, 503), (START.size, 200)] {
        enclave.guest.lock().unwrap().state.size = size;
        let mut command = command(&enclave.address.to_string(), &file, "127.0.0.1:0");
        let mut child = command.arg("--state").arg(memory.path()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let mut agent = Agent::connect(ready["listen"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!(agent.post("/echo", "").await.status(), status);
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        assert!(tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap().success());
    }
}

#[test]
fn witnesses_that_cannot_be_taken_are_refused() {
    let file = ReferenceFile::new(&Signer::new().file(1, &launch(), &platform()));
    let key = format!("gcp={}", "ab".repeat(32));
    for (arguments, code) in [
        (vec!["--witness", "gcp"], 2),
        (vec!["--witness-quorum", "2"], 2),
        (vec!["--witness", &key, "--witness", &key], 1),
        (vec!["--witness", &key, "--witness-quorum", "2"], 1),
    ] {
        let mut command = command("127.0.0.1:1", &file, "127.0.0.1:0");
        let status = command.args(&arguments).stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}
