//! `shroud-host --configuration FILE`: the untrusted host of one enclave.
//!
//! When it listens it prints one line, `{"event":"ready","ingress":"ADDRESS:PORT"}`; logs go to stderr. SIGTERM and
//! SIGINT end it cleanly.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use shroud_host::config::Configuration;
use shroud_host::limits::Limits;
use shroud_host::server::Host;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};
use tracing_subscriber::EnvFilter;

/// Carries bytes to and from the enclave and keeps its rows.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The configuration, a JSON file.
    #[arg(long)]
    configuration: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            error!(%cause, "the host ends");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let config = Configuration::read(&arguments.configuration)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(&config))
}

async fn serve(config: &Configuration) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let host = Host::bind(config, Limits::default()).await?;
    announce(&host)?;
    host.serve(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("told to stop");
    })
    .await?;
    Ok(())
}

fn announce(host: &Host) -> std::io::Result<()> {
    let ready = serde_json::json!({"event": "ready", "ingress": host.ingress_address().to_string()});
    let mut out = std::io::stdout().lock();
    writeln!(out, "{ready}")?;
    out.flush()
}
