//! The processor as a process: its ready line, its answers, its end.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use shroud_attestation_mock::{Client, Launch, Platform};

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("shroud-processor-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn processor(scratch: &Scratch, program: &Path) -> Child {
    // The folder of the tests' platform, so that no further RSA keys are made.
    let platform = Platform::for_tests("one").unwrap();
    let state = platform.root_path().parent().unwrap().parent().unwrap();
    Command::new(env!("CARGO_BIN_EXE_shroud-mock-processor"))
        .args(["--state".as_ref(), state.as_os_str()])
        .args(["--socket".as_ref(), scratch.0.join("socket").as_os_str()])
        .args(["--program".as_ref(), program.as_os_str()])
        .args(["--configuration".as_ref(), scratch.file("configuration.json", b"{}").as_os_str()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn the_program_measures_at_its_start_and_ends_at_sigterm() {
    let scratch = Scratch::new("ready");
    let program = scratch.file("enclave", b"program");
    let mut child = processor(&scratch, &program);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let launch = Launch::of(b"program", b"{}");
    let platform = Platform::for_tests("one").unwrap();
    assert_eq!(ready["event"], "ready");
    assert_eq!(ready["measurement"], hex::encode(launch.measurement));
    assert_eq!(ready["host_data"], hex::encode(launch.host_data));
    assert_eq!(ready["chip_id"], hex::encode(platform.chip_id()));
    let root = std::fs::read_to_string(ready["root"].as_str().unwrap()).unwrap();
    assert_eq!(root, platform.root_pem());

    // What is launched is launched: a file that changes later changes no measurement.
    std::fs::write(&program, b"another program").unwrap();
    let client = Client::connect(&scratch.0.join("socket")).await.unwrap();
    let report = client.report(&[1; 64]).await.unwrap().report;
    assert_eq!(report[0x90..0xc0], launch.measurement);

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!scratch.0.join("socket").exists(), "the socket is gone");
}

#[test]
fn a_missing_program_ends_the_process() {
    let scratch = Scratch::new("missing");
    let mut child = processor(&scratch, &scratch.0.join("absent"));
    assert!(!child.wait().unwrap().success());
}
