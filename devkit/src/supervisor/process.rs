//! One running process: its lines of JSON on stdout, its end, and how it is made to end.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Take};
use tokio::process::{Child, ChildStdout};
use tokio::time::{Instant, sleep, timeout};

use super::Launch;
use crate::child;
use crate::directory::append_private;

/// How long a process may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);
/// How long a process may take to become its program before it is taken for it all the same.
const BECOME: Duration = Duration::from_secs(1);
/// The longest line that is read; the rest of a longer one is read as lines of their own.
const LINE: u64 = 64 * 1024;

/// A process in a group of its own.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pid: u32,
    stdout: Option<Take<BufReader<ChildStdout>>>,
    line: Vec<u8>,
}

impl Process {
    /// Starts a program tied to this process, its stderr appended to the log.
    pub(super) fn spawn(launch: &Launch) -> io::Result<Self> {
        let log = append_private(&launch.log).map_err(io::Error::other)?;
        let mut command = child::tied(&launch.own, launch.program.as_os_str(), &launch.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = tokio::process::Command::from(command).spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("the process has no pid"))?;
        let stdout = child.stdout.take().map(|stdout| BufReader::new(stdout).take(LINE));
        Ok(Self { child, pid, stdout, line: Vec::new() })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until `shroud-dev child` has become the program, so that whoever reads the pid finds that.
    pub(super) async fn became_program(&self, own: &Path) {
        let link = format!("/proc/{}/exe", self.pid);
        let is_child = || std::fs::read_link(&link).is_ok_and(|program| program == own);
        let began = Instant::now();
        while is_child() && began.elapsed() < BECOME {
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// The next line of JSON; `None` once stdout is closed. Other lines are not for us. Safe to cancel.
    pub(super) async fn line(&mut self) -> Option<Value> {
        loop {
            let stdout = self.stdout.as_mut()?;
            let read = stdout.read_until(b'\n', &mut self.line).await;
            if !matches!(read, Ok(read) if read > 0) && self.line.is_empty() {
                self.stdout = None;
                return None;
            }
            stdout.set_limit(LINE);
            let line = std::mem::take(&mut self.line);
            if let Ok(value @ Value::Object(_)) = serde_json::from_slice(&line) {
                return Some(value);
            }
        }
    }

    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        loop {
            match self.child.wait().await {
                Ok(status) => return status,
                Err(error) => {
                    tracing::error!(pid = self.pid, %error, "cannot wait for a process");
                    sleep(GRACE).await;
                }
            }
        }
    }

    /// Ends it: SIGTERM to its group, and SIGKILL where that is not enough.
    pub(super) async fn terminate(mut self) {
        self.signal(Signal::TERM);
        if timeout(GRACE, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
            let _ = timeout(GRACE, self.child.wait()).await;
        }
    }

    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        // The group may have ended by itself.
        let _ = group.map(|group| kill_process_group(group, signal));
    }
}
