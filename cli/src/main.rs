//! `shroud`: the customer's and operator's tool.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shroud_cli::{connect, measure, tcb, verify};

/// Shroud signs for AI agents, and keeps their secrets, so that no single party ever holds a key.
#[derive(Parser)]
#[command(name = "shroud", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve plain HTTP on loopback and pass it to an enclave whose evidence is verified on every connection.
    Connect(connect::Options),
    /// Judge evidence offline, and say why.
    #[command(subcommand)]
    Verify(verify::Command),
    /// Compute what a guest will measure, before it runs.
    #[command(subcommand)]
    Measure(measure::Command),
    /// Plan changes of TCB bounds.
    #[command(subcommand)]
    Tcb(tcb::Command),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match Cli::parse().command {
        Command::Connect(options) => block_on(connect::command(options)),
        Command::Verify(command) => command.run(),
        Command::Measure(command) => command.run(),
        Command::Tcb(command) => command.run(),
    }
}

fn block_on(command: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => {
            tracing::error!(%error, "no runtime");
            ExitCode::FAILURE
        }
    }
}
