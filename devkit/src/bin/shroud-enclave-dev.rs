//! `shroud-enclave-dev`: the daemon under the software security processor. It differs from `shroud-enclave` in nothing
//! but where its reports come from, and no verifier takes those for real ones.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use shroud_attestation::ReportData;
use shroud_attestation_mock::Client;
use shroud_devkit::signals::Signals;
use shroud_enclave::processor::{Pending, Processor, ProcessorError};
use shroud_enclave::{Events, Refused, run};

/// The exit code of a guest that may not serve.
const REFUSED: u8 = 3;

/// The signing daemon under the software security processor, for development only.
#[derive(Parser)]
#[command(name = "shroud-enclave-dev", version)]
struct Options {
    /// The measured configuration.
    #[arg(long, value_name = "FILE")]
    configuration: PathBuf,
    /// The socket of the software security processor.
    #[arg(long, value_name = "PATH")]
    processor: PathBuf,
}

/// The software security processor.
struct Software(Client);

impl Processor for Software {
    fn report<'a>(&'a self, data: &'a ReportData) -> Pending<'a> {
        Box::pin(async {
            self.0.report(data.as_bytes()).await.map_err(|error| ProcessorError(error.to_string()))
        })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let options = Options::parse();
    let events = Events::default();
    match until_signalled(&options, &events).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) if refused.may_pass() => {
            tracing::error!(%refused, "ends, to be started again");
            ExitCode::FAILURE
        }
        Err(refused) => {
            events.refused(&refused.kind, &refused.detail);
            ExitCode::from(REFUSED)
        }
    }
}

async fn until_signalled(options: &Options, events: &Events) -> Result<(), Refused> {
    let mut signals = Signals::listen().map_err(|error| refused("system", &error))?;
    tokio::select! {
        ended = serve(options, events) => ended,
        () = signals.received() => Ok(()),
    }
}

async fn serve(options: &Options, events: &Events) -> Result<(), Refused> {
    let configuration = read(&options.configuration)?;
    let client = Client::connect(&options.processor).await.map_err(|error| refused("processor", &error))?;
    run(&configuration, Arc::new(Software(client)), events).await
}

fn read(path: &Path) -> Result<Vec<u8>, Refused> {
    std::fs::read(path).map_err(|error| refused("configuration", &format!("{}: {error}", path.display())))
}

fn refused(kind: &str, detail: &dyn std::fmt::Display) -> Refused {
    Refused { kind: kind.to_owned(), detail: detail.to_string() }
}
