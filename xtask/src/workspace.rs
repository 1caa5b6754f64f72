//! The checkout, and commands that run in it.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Why a command of ours ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A stage failed; it has said why itself.
    #[error("the stage {stage:?} failed: {cause}")]
    Stage {
        /// Its name.
        stage: &'static str,
        /// How.
        cause: Box<Failure>,
    },
    /// A program ended with an error.
    #[error("`{command}` ended with {status}")]
    Ended {
        /// The command line.
        command: String,
        /// Its status.
        status: ExitStatus,
    },
    /// A program could not be started, or a file could not be used.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// System packages are missing and cannot be installed from here.
    #[error("install what is missing first:\n\n    {0}\n")]
    Packages(String),
}

/// The checkout that this program was built from.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the checkout; cargo says where, both when it runs this program and when it built it.
    pub(crate) fn find() -> Result<Self, Failure> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).join("..").canonicalize();
        let root =
            root.map_err(|source| Failure::System { what: "finding the checkout".to_owned(), source })?;
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |path| root.join(path));
        Ok(Self { root, target })
    }

    /// A path in the checkout.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A path in the target folder.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.target.join(name)
    }

    /// Runs cargo in the checkout, its output on ours.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<(), Failure> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.run(&cargo, arguments)
    }

    /// Runs a program in the checkout, its output on ours.
    pub(crate) fn run<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: &[A],
    ) -> Result<(), Failure> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root).stdin(Stdio::null());
        execute(command)
    }

    /// Whether a program runs and ends well; its output is of no interest.
    pub(crate) fn succeeds(&self, program: &str, arguments: &[&str]) -> bool {
        self.said(program, arguments).is_some()
    }

    /// What a program writes to stdout, if it ends well.
    pub(crate) fn said(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root).stdin(Stdio::null());
        let output = command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Runs a command and judges its status.
pub(crate) fn execute(mut command: Command) -> Result<(), Failure> {
    let line = || {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    };
    let line = line();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Ended { command: line, status }),
        Err(source) => Err(Failure::System { what: format!("starting `{line}`"), source }),
    }
}
