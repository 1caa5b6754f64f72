//! `shroud measure`: what a guest will measure, before it runs; ID blocks; manifests of releases.
//!
//! Exit status: 0 done, 1 what was given does not fit together, 2 usage (a file that cannot be read included).

mod failure;
mod id_block;
mod release;
mod snp;

use std::process::ExitCode;

use clap::Subcommand;

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compute the launch digest of an SEV-SNP guest.
    Snp(snp::Arguments),
    /// Compute the digest of a firmware's pages alone, for `--ovmf-hash`.
    Firmware(snp::FirmwareArguments),
    /// Make and sign an ID block and its authentication information.
    IdBlock(id_block::Arguments),
    /// Make, sign and check manifests of releases.
    #[command(subcommand)]
    Release(release::Command),
}

impl Command {
    /// Runs, prints to standard output, and says how it went.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let outcome = match self {
            Self::Snp(arguments) => snp::run(&arguments),
            Self::Firmware(arguments) => snp::firmware(&arguments),
            Self::IdBlock(arguments) => id_block::run(&arguments),
            Self::Release(command) => release::run(&command),
        };
        match outcome {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(failure) => {
                eprintln!("error: {failure}");
                failure.exit()
            }
        }
    }
}
