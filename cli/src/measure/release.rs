//! `shroud measure release`: make a manifest, sign it, check files against it.
//!
//! ```text
//! make ─► manifest ─ sign, each operator ─► note ─ check, anybody ─► the launch to make, and what it will measure
//! ```

mod check;
mod make;
mod sign;

use clap::Subcommand;

use super::failure::Failure;

/// What to do with a manifest.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure files and print their manifest, unsigned.
    Make(Box<make::Arguments>),
    /// Print a manifest with one more signature.
    Sign(sign::Arguments),
    /// Check signatures, files, measurements and ID blocks.
    Check(check::Arguments),
}

pub(super) fn run(command: &Command) -> Result<String, Failure> {
    match command {
        Command::Make(arguments) => make::run(arguments),
        Command::Sign(arguments) => sign::run(arguments),
        Command::Check(arguments) => check::run(arguments),
    }
}
