//! `shroud-mock-processor`: the software security processor as a process of its own, as the real one is a device.
//!
//! It measures the program and the configuration once, when it starts, and then answers report requests on a unix
//! socket until SIGTERM or SIGINT. Standard output carries one JSON line when it is ready; logs go to standard error.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use serde_json::json;
use shroud_attestation_mock::server::{Processor, serve};
use shroud_attestation_mock::{Launch, Platform};
use shroud_wire::link::{Address, Listener};
use tokio::signal::unix::{SignalKind, signal};

/// The software security processor, for development only.
#[derive(Parser)]
#[command(name = "shroud-mock-processor", version)]
struct Options {
    /// The folder of the platform: chip, endorsement key, certificates. Made on first use.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The unix socket to listen on.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// The program that is launched; its bytes are measured.
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// The configuration that it is launched with; its SHA-256 becomes HOST_DATA.
    #[arg(long, value_name = "FILE")]
    configuration: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let launch = Launch::of(&read(&options.program)?, &read(&options.configuration)?);
    let platform = Platform::create_or_open(&options.state)?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let listener = Listener::bind(&Address::Unix(options.socket.clone()))?;
    fs::set_permissions(&options.socket, fs::Permissions::from_mode(0o600))?;
    announce(&platform, &launch)?;
    tokio::select! {
        () = serve(listener, Arc::new(Processor::new(platform, launch))) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    match fs::remove_file(&options.socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn announce(platform: &Platform, launch: &Launch) -> std::io::Result<()> {
    let line = json!({
        "event": "ready",
        "measurement": hex::encode(launch.measurement),
        "host_data": hex::encode(launch.host_data),
        "chip_id": hex::encode(platform.chip_id()),
        "root": platform.root_path(),
    });
    writeln!(std::io::stdout(), "{line}")
}
