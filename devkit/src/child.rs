//! `shroud-dev child`: ties a process to its supervisor, then becomes the program that it was asked for.
//!
//! The kernel's parent-death signal must be set by the child itself. Doing it between fork and exec needs unsafe code,
//! so the supervisor starts its own program again: this sets the signal and execs, which keeps the pid and makes
//! `/proc/PID/exe` the real program. The signal follows the death of the *thread* that forked, so the supervisor forks
//! on its main thread only.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// The name of the hidden subcommand.
pub const SUBCOMMAND: &str = "child";

/// Sets the parent-death signal and becomes `program`. Returns only if that fails.
///
/// `parent` is the supervisor's pid: if it has died already, the signal would never come.
#[must_use]
pub fn become_program(parent: u32, program: &OsStr, arguments: &[OsString]) -> io::Error {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    let expected = i32::try_from(parent).ok().and_then(Pid::from_raw);
    if getppid() != expected {
        return io::Error::new(io::ErrorKind::BrokenPipe, "the supervisor has ended");
    }
    Command::new(program).args(arguments).exec()
}

/// The command line that starts `program` through [`become_program`], in a process group of its own.
///
/// `own` is the path of `shroud-dev`.
#[must_use]
pub fn tied(own: &Path, program: &OsStr, arguments: &[OsString]) -> Command {
    let mut command = Command::new(own);
    command.arg(SUBCOMMAND).arg("--parent").arg(std::process::id().to_string()).arg("--");
    command.arg(program).args(arguments).process_group(0);
    command
}
