//! `shroud-enclave`: the daemon under the real security processor, and no other.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use shroud_enclave::processor::configfs::{ConfigFs, ROOT};
use shroud_enclave::{Events, Refused, run};

/// The exit code of a guest that may not serve.
const REFUSED: u8 = 3;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let events = Events::default();
    if let Err(refused) = protect() {
        events.refused("protection", &refused.to_string());
        return ExitCode::from(REFUSED);
    }
    let outcome = match configuration() {
        Ok(bytes) => run(&bytes, Arc::new(ConfigFs::new(Path::new(ROOT))), &events).await,
        Err(detail) => Err(Refused { kind: "configuration".to_owned(), detail }),
    };
    match outcome {
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

/// Nobody looks in, and nothing of it reaches a disk.
fn protect() -> Result<(), shroud_enclave_sys::Refused> {
    shroud_enclave_sys::no_core_dumps()?;
    shroud_enclave_sys::not_traceable()?;
    shroud_enclave_sys::memory_locked()
}

/// The measured configuration: the one file that is read. It counts only if HOST_DATA is its digest.
fn configuration() -> Result<Vec<u8>, String> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(flag), Some(path), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: shroud-enclave --configuration FILE".to_owned());
    };
    if flag != "--configuration" {
        return Err("usage: shroud-enclave --configuration FILE".to_owned());
    }
    let path = PathBuf::from(path);
    std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}
