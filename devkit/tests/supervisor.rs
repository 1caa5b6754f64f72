//! The supervisor over real processes: restarts, groups, hung and stubborn ones, and what happens when it is killed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpgid, kill_process, test_kill_process, test_kill_process_group};
use shroud_devkit::role::Role;
use shroud_devkit::supervisor::{Event, Launch, Supervisor};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

const OWN: &str = env!("CARGO_BIN_EXE_shroud-dev");
const SOON: Duration = Duration::from_secs(20);

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("shroud-supervisor-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn launch(&self, role: Role, program: &str, arguments: &[&str]) -> Launch {
        Launch {
            role,
            own: OWN.into(),
            program: program.into(),
            arguments: arguments.iter().map(Into::into).collect(),
            log: self.0.join(format!("{role}.log")),
        }
    }

    fn pids(&self) -> PathBuf {
        self.0.join("pids.json")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

type Events = Receiver<(Role, Event)>;

async fn started(events: &mut Events) -> Pid {
    match timeout(SOON, events.recv()).await.unwrap().unwrap() {
        (_, Event::Started(pid)) => Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn program(pid: Pid) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn sleeps(pid: Pid) -> bool {
    let sleep = Path::new("/bin/sleep").canonicalize().ok();
    program(pid).is_some_and(|found| Some(found) == sleep)
}

#[tokio::test]
async fn a_killed_process_is_started_again_at_once_as_the_real_program_in_a_group_of_its_own() {
    let scratch = Scratch::new();
    let (mut supervisor, mut events) = Supervisor::new(scratch.pids());
    supervisor.start(scratch.launch(Role::Host, "sleep", &["1000"]));
    let first = started(&mut events).await;
    eventually("the program is the real one", || sleeps(first)).await;
    assert_eq!(getpgid(Some(first)).unwrap(), first);
    kill_process(first, Signal::KILL).unwrap();
    let killed = Instant::now();
    match timeout(SOON, events.recv()).await.unwrap().unwrap() {
        (Role::Host, Event::Ended(Some(status))) => assert_eq!(status.signal(), Some(9)),
        other => panic!("{other:?}"),
    }
    let second = started(&mut events).await;
    assert!(killed.elapsed() < SOON, "{:?}", killed.elapsed());
    assert_ne!(first, second);
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(scratch.pids()).unwrap()).unwrap();
    assert_eq!(kept["host"], second.as_raw_nonzero().get());
    supervisor.stop().await;
    assert!(test_kill_process(second).is_err());
}

#[tokio::test]
async fn what_a_process_says_arrives_before_its_end() {
    let scratch = Scratch::new();
    let (mut supervisor, mut events) = Supervisor::new(scratch.pids());
    let script = r#"echo not json; echo '{"event":"refused","kind":"rollback"}'; exit 3"#;
    supervisor.start(scratch.launch(Role::Enclave, "sh", &["-c", script]));
    started(&mut events).await;
    match timeout(SOON, events.recv()).await.unwrap().unwrap() {
        (Role::Enclave, Event::Said(said)) => assert_eq!(said["kind"], "rollback"),
        other => panic!("{other:?}"),
    }
    match timeout(SOON, events.recv()).await.unwrap().unwrap() {
        (Role::Enclave, Event::Ended(Some(status))) => assert_eq!(status.code(), Some(3)),
        other => panic!("{other:?}"),
    }
    supervisor.stop().await;
}

#[tokio::test]
async fn a_hung_process_is_left_alone() {
    let scratch = Scratch::new();
    let (mut supervisor, mut events) = Supervisor::new(scratch.pids());
    supervisor.start(scratch.launch(Role::Gateway(0), "sleep", &["1000"]));
    let pid = started(&mut events).await;
    eventually("the program is the real one", || sleeps(pid)).await;
    kill_process(pid, Signal::STOP).unwrap();
    assert!(timeout(Duration::from_millis(500), events.recv()).await.is_err());
    kill_process(pid, Signal::CONT).unwrap();
    assert!(test_kill_process(pid).is_ok());
    supervisor.stop().await;
}

#[tokio::test]
async fn hung_and_stubborn_processes_end_within_ten_seconds() {
    let scratch = Scratch::new();
    let (mut supervisor, mut events) = Supervisor::new(scratch.pids());
    let stubborn = "trap '' TERM; echo '{\"event\":\"ready\"}'; while :; do sleep 1; done";
    supervisor.start(scratch.launch(Role::Enclave, "sh", &["-c", stubborn]));
    let stubborn = started(&mut events).await;
    assert!(matches!(timeout(SOON, events.recv()).await, Ok(Some((_, Event::Said(_))))));
    supervisor.start(scratch.launch(Role::Gateway(2), "sleep", &["1000"]));
    let hung = started(&mut events).await;
    eventually("the program is the real one", || sleeps(hung)).await;
    kill_process(hung, Signal::STOP).unwrap();
    let asked = Instant::now();
    supervisor.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert!(test_kill_process(hung).is_err());
    eventually("nothing of the group is left", || test_kill_process_group(stubborn).is_err()).await;
}

#[tokio::test]
async fn children_die_with_their_supervisor() {
    let script = format!("{OWN} child --parent $$ -- sleep 1000 & echo $!; wait");
    let mut supervisor = Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(supervisor.stdout.take().unwrap()), &mut line)
        .unwrap();
    let child = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
    eventually("the child runs", || sleeps(child)).await;
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    eventually("the child is gone", || !sleeps(child)).await;
}

#[test]
fn a_child_whose_supervisor_is_gone_does_not_start() {
    let output =
        Command::new(OWN).args(["child", "--parent", "1999999", "--", "echo", "started"]).output().unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("supervisor has ended"));
}
