//! `shroud verify`: judge evidence offline, and say why.
//!
//! Exit status: 0 verified, 1 refused (evidence that cannot be read is refused), 2 usage.

mod arguments;
mod input;
mod report;
mod table;
mod time;

use std::process::ExitCode;

use clap::Subcommand;

pub use arguments::ReportArguments;

/// What to verify.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify an SEV-SNP attestation report and its certificates.
    Report(ReportArguments),
}

impl Command {
    /// Runs, prints to standard output, and says how it went.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self {
            Self::Report(arguments) => report::run(&arguments),
        }
    }
}
