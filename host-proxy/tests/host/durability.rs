//! The program, killed: what was acknowledged is there, and every batch is there in whole or not at all.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use shroud_wire::link::Link;
use shroud_wire::store::{HeadQuery, Operation, Outcome, Table};
use tempfile::TempDir;

use crate::client::{Client, batch, head_at, put, row};
use crate::running::socket;

/// The program over a folder; killed when dropped.
pub(crate) struct Program(pub(crate) Child);

impl Program {
    pub(crate) fn start(folder: &TempDir) -> Self {
        let path = folder.path().join("host.json");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let config = serde_json::json!({
            "ingress": {"listen": "127.0.0.1:0", "enclave": format!("unix:{}", at("enclave.sock"))},
            "store": {"listen": format!("unix:{}", at("store.sock")), "database": at("shroud.db")},
            "egress": {"listen": format!("unix:{}", at("egress.sock")), "targets": {}},
        });
        std::fs::write(&path, config.to_string()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_shroud-host"))
            .arg("--configuration")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["event"], "ready");
        assert!(ready["ingress"].as_str().unwrap().starts_with("127.0.0.1:"));
        Self(child)
    }

    pub(crate) async fn client(folder: &TempDir) -> Client {
        Client::new(Link::connect(&socket(folder, "store")).await.unwrap())
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Commits from `size` on until the program is gone; gives how far it was acknowledged and how far it was asked.
async fn commit_until_killed(mut client: Client, mut size: u64) -> (u64, u64) {
    let mut asked = size;
    let sealed = vec![0xaa; 20_000];
    loop {
        let rows = vec![
            put(row(Table::Agents, "first", size + 2, &sealed)),
            put(row(Table::Vaults, "last", size + 2, b"")),
        ];
        asked = asked.max(size + 2);
        match client.try_call(Operation::Commit(batch(size, 2, rows))).await {
            Ok(Outcome::Done(_)) => size += 2,
            Ok(other) => panic!("{other:?}"),
            Err(_) => return (size, asked),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_batches_outlive_a_kill() {
    let folder = TempDir::new().unwrap();
    let mut known = 0;
    for round in 0..12 {
        let program = Program::start(&folder);
        let committing = tokio::spawn(commit_until_killed(Program::client(&folder).await, known));
        tokio::time::sleep(Duration::from_millis(11 * (round + 1))).await;
        program.kill();
        let (acknowledged, asked) = committing.await.unwrap();

        let program = Program::start(&folder);
        let mut client = Program::client(&folder).await;
        let head = client.head().await;
        assert!((acknowledged..=asked).contains(&head.size), "{acknowledged} {asked} {}", head.size);
        assert_eq!(head.head, head_at(head.size));
        let rows = client.rows(&[(Table::Agents, "first"), (Table::Vaults, "last")]).await;
        assert!(rows.iter().all(|row| row.version == head.size), "a batch is torn");
        assert_eq!(rows.len(), if head.size == 0 { 0 } else { 2 });
        assert!(client.entries(head.size, 1).await.is_empty());
        known = head.size;
        program.kill();
    }
    assert!(known > 0, "no batch was committed in any round");
}

#[test]
fn a_configuration_that_is_none_ends_the_program() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("host.json");
    std::fs::write(&path, "{}").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_shroud-host")).arg("--configuration").arg(&path).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("the configuration is wrong"));
}

#[tokio::test]
async fn a_terminated_program_ends_cleanly() {
    let folder = TempDir::new().unwrap();
    let mut program = Program::start(&folder);
    let mut client = Program::client(&folder).await;
    client.commits(&batch(0, 1, vec![])).await;
    for _ in 0..8 {
        client.send(Operation::Head(HeadQuery {})).await.unwrap();
    }
    for _ in 0..8 {
        client.receive().await.unwrap();
    }
    let pid = program.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(program.0.wait().unwrap().success());
    assert!(!folder.path().join("shroud.db-wal").exists(), "the WAL was folded in");
}
