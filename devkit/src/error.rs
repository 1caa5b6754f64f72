//! Why the development set-up could not do what it was asked, and the JSON line that says so.

use std::io;
use std::path::PathBuf;

use crate::role::Role;

/// Every failure of `shroud-dev`.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// Another `shroud-dev` works in this folder.
    #[error("{} is in use by another shroud-dev", .0.display())]
    Busy(PathBuf),
    /// The enclave refused to serve; both texts are its own.
    #[error("{detail}")]
    Refused {
        /// What it named, such as `rollback`.
        kind: String,
        /// Its sentence.
        detail: String,
    },
    /// A process did not come up.
    #[error("{role} did not come up: {detail}")]
    Role {
        /// Which one.
        role: Role,
        /// How it ended, and the end of its log.
        detail: String,
    },
    /// Programs are missing beside `shroud-dev`.
    #[error("missing beside shroud-dev in {}: {}", .folder.display(), .programs.join(", "))]
    ProgramsMissing {
        /// Where they were looked for.
        folder: PathBuf,
        /// Their file names.
        programs: Vec<&'static str>,
    },
    /// `cargo build` failed; it has said why on stderr.
    #[error("cargo build ended with {0}")]
    Build(std::process::ExitStatus),
    /// A command that makes keys or credentials failed.
    #[error("{command} failed: {detail}")]
    Command {
        /// The program and its subcommand.
        command: String,
        /// Its status and what it said on stderr.
        detail: String,
    },
    /// The address that was asked for is taken.
    #[error("{0} is taken by another program")]
    Listen(std::net::SocketAddr),
    /// No free port was found.
    #[error("no free loopback port was found")]
    NoPort,
    /// A file of the state folder cannot be read as what it should be.
    #[error("{} is not what was expected: {detail}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The system said no.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A signal asked it to stop before it was ready.
    #[error("stopped by a signal before it was ready")]
    Stopped,
    /// Nothing runs in the folder.
    #[error("nothing runs in {}", .0.display())]
    NotRunning(PathBuf),
    /// A step of the story did not hold.
    #[error("{0}")]
    Story(#[from] crate::demo::StoryError),
}

impl DevError {
    /// The name to act on.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Busy(_) => "busy",
            Self::Refused { kind, .. } => kind,
            Self::Role { role, .. } => role.kind(),
            Self::ProgramsMissing { .. } => "programs",
            Self::Build(_) => "build",
            Self::Command { .. } => "gateway",
            Self::Listen(_) | Self::NoPort => "connect",
            Self::File { .. } | Self::Io { .. } => "directory",
            Self::Stopped => "stopped",
            Self::NotRunning(_) => "not_running",
            Self::Story(_) => "demo",
        }
    }

    /// `{"error":{"kind","detail"}}`, the line that ends an `up --json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({"error": {"kind": self.kind(), "detail": self.to_string()}}).to_string()
    }
}

/// Names what was tried when the system says no.
pub(crate) trait Tried<T> {
    /// Wraps the error with what was tried.
    fn tried(self, what: impl FnOnce() -> String) -> Result<T, DevError>;
}

impl<T, E: Into<io::Error>> Tried<T> for Result<T, E> {
    fn tried(self, what: impl FnOnce() -> String) -> Result<T, DevError> {
        self.map_err(|source| DevError::Io { what: what(), source: source.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_the_words_of_the_enclave() {
        let error = DevError::Refused { kind: "rollback".into(), detail: "size 3 under 9".into() };
        assert_eq!(error.to_json(), r#"{"error":{"detail":"size 3 under 9","kind":"rollback"}}"#);
    }
}
