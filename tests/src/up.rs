//! `shroud-dev up --json`: started, stopped, asked for its pids.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::api::Api;
use crate::process::{self, Signal};
use crate::programs::program;
use crate::role::Role;
use crate::wait;

/// How long coming up may take on a busy machine.
const READY: Duration = Duration::from_secs(180);
/// How long stopping may take: the contract's ten seconds.
pub const STOP: Duration = Duration::from_secs(10);
/// How long a process that was killed may take to serve again.
pub const AGAIN: Duration = Duration::from_secs(60);

/// A folder for a set-up, with its state in `state` and the logs of each `up` beside it.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Folder {
    /// A fresh one, removed when dropped.
    #[must_use]
    pub fn new() -> Self {
        Self(TempDir::with_prefix("shroud-e2e-").unwrap())
    }

    /// The folder, in which the processes also work.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// What is given as `--dir`.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    /// Where the stderr of each `up` goes.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.0.path().join("up.log")
    }

    /// Starts and waits until it is ready.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn up(&self) -> Up {
        self.try_up().unwrap_or_else(|refused| panic!("{refused:?}\n{}", tail(&self.log())))
    }

    /// Starts with further options and waits until it is ready.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn up_with(&self, options: &[&str]) -> Up {
        let ready = self.begin_with(options).ready();
        ready.unwrap_or_else(|refused| panic!("{refused:?}\n{}", tail(&self.log())))
    }

    /// Starts and waits for its one line.
    ///
    /// # Errors
    /// [`Refusal`] if the line says that it will not come up.
    ///
    /// # Panics
    /// If there is no line, or an exit code that contradicts it.
    pub fn try_up(&self) -> Result<Up, Refusal> {
        self.begin().ready()
    }

    /// Starts without waiting.
    #[must_use]
    pub fn begin(&self) -> Starting {
        self.begin_with(&[])
    }

    fn begin_with(&self, options: &[&str]) -> Starting {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut child = Command::new(program("shroud-dev"))
            .args(["up", "--json", "--dir"])
            .arg(self.state())
            .args(options)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Starting { running: Running { child, lines, state: self.state() }, log: self.log() }
    }

    /// What `up` has said on stderr so far.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

/// Why a set-up did not come up, from its line.
#[derive(Debug)]
pub struct Refusal {
    /// The name of what was refused.
    pub kind: String,
    /// The sentence about it.
    pub detail: String,
}

/// A process that is stopped when dropped.
#[derive(Debug)]
struct Running {
    child: Child,
    lines: Receiver<String>,
    state: PathBuf,
}

impl Running {
    fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        wait::maybe(within, || self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            process::signal(self.child.id(), Signal::TERM);
            if self.ended(STOP).is_none() {
                let _ = self.child.kill();
            }
        }
        let _ = self.child.wait();
    }
}

/// An `up` that has not said its line yet.
#[derive(Debug)]
pub struct Starting {
    running: Running,
    log: PathBuf,
}

impl Starting {
    /// Waits for the line.
    ///
    /// # Errors
    /// [`Refusal`].
    ///
    /// # Panics
    /// If there is no line, or an exit code that contradicts it.
    pub fn ready(mut self) -> Result<Up, Refusal> {
        let line = match self.running.lines.recv_timeout(READY) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("up gave no line\n{}", tail(&self.log)),
            Err(RecvTimeoutError::Disconnected) => panic!("up ended without a line\n{}", tail(&self.log)),
        };
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
        let Some(error) = line.get("error") else { return Ok(Up { running: self.running, line }) };
        let status = self.running.ended(STOP).expect("a refused up ends");
        assert!(!status.success(), "a refused up has ended with success");
        Err(Refusal { kind: text(&error["kind"]), detail: text(&error["detail"]) })
    }

    /// Whether it has said its line, without waiting.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.running.lines.try_recv().is_err()
    }

    /// The present pids by role, once the file is there.
    #[must_use]
    pub fn pids(&self) -> Option<Value> {
        let text = std::fs::read_to_string(self.running.state.join("pids.json")).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// A set-up that is ready.
#[derive(Debug)]
pub struct Up {
    running: Running,
    /// The line.
    pub line: Value,
}

impl Up {
    /// A text member of the line.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn text(&self, member: &str) -> &str {
        self.line[member].as_str().unwrap_or_else(|| panic!("no text {member} in {}", self.line))
    }

    /// The API, as the administrator.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(self.text("base_url"), Some(self.text("admin_api_key")))
    }

    /// The present pids, as `ps` prints them.
    #[must_use]
    pub fn pids(&self) -> Value {
        let output = Command::new(program("shroud-dev"))
            .args(["ps", "--json", "--dir"])
            .arg(&self.running.state)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The present pid of a role, once it is up.
    #[must_use]
    pub fn pid(&self, role: Role) -> u32 {
        wait::until(&format!("{role:?} is up"), AGAIN, || role.pid(&self.pids()))
    }

    /// Kills a role and waits until another process has its place.
    pub fn kill(&self, role: Role) {
        let before = self.pid(role);
        process::signal(before, Signal::KILL);
        wait::until(&format!("{role:?} is started again"), AGAIN, || {
            role.pid(&self.pids()).filter(|now| *now != before)
        });
    }

    /// Waits until the health is 200.
    pub fn healthy(&self) {
        let api = Api::new(self.text("base_url"), None);
        wait::until("the set-up is healthy", AGAIN, || {
            api.try_call("GET", "/v1/health", None).ok().filter(|answer| answer.status == 200)
        });
    }

    /// The pid of `shroud-dev` itself.
    #[must_use]
    pub fn supervisor(&self) -> u32 {
        self.running.child.id()
    }

    /// Lines on stdout after the first.
    #[must_use]
    pub fn further_lines(&self) -> Vec<String> {
        self.running.lines.try_iter().collect()
    }

    /// Stops it as a user does, and waits for its end.
    ///
    /// # Panics
    /// If it takes longer than [`STOP`], leaves a process behind or ends without success.
    pub fn stop(mut self) {
        let pids = self.pids();
        process::signal(self.supervisor(), Signal::TERM);
        let status = self.running.ended(STOP).expect("SIGTERM stops everything within ten seconds");
        assert!(status.success(), "it ended with {status}");
        for role in Role::ALL {
            let left = role.pid(&pids).filter(|pid| process::is_running(*pid));
            assert_eq!(left, None, "{role:?} is left behind");
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The end of a log, for a panic.
fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
