//! Reports through configfs-tsm (`/sys/kernel/config/tsm/report`, Linux 6.7 and later).
//!
//! A directory is made per report; `inblob` takes the 64 bytes, `outblob` gives the report, `auxblob` the certificate
//! table (GHCB). `generation` tells whether another writer came between: then the report is not ours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use shroud_attestation::Evidence;
use shroud_attestation::purpose::ReportData;

use super::{Pending, Processor, ProcessorError};

/// Where the kernel offers reports.
pub const ROOT: &str = "/sys/kernel/config/tsm/report";
/// The provider of SNP guests.
const PROVIDER: &str = "sev_guest";

/// The security processor behind configfs-tsm.
#[derive(Debug)]
pub struct ConfigFs {
    root: PathBuf,
    next: AtomicU64,
}

impl ConfigFs {
    /// Reports under `root`, which is [`ROOT`] in a guest.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), next: AtomicU64::new(0) }
    }

    fn read(&self, data: &[u8; 64]) -> Result<Evidence, ProcessorError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Entry::create(self.root.join(format!("shroud-{number}")))?;
        let provider = entry.text("provider")?;
        if provider != PROVIDER {
            return Err(ProcessorError(format!("the provider is {provider:?}, expected {PROVIDER:?}")));
        }
        let before = entry.number("generation")?;
        entry.write("inblob", data)?;
        let report = entry.bytes("outblob")?;
        let certificates = entry.bytes("auxblob")?;
        let after = entry.number("generation")?;
        if after != before + 1 {
            return Err(ProcessorError(format!(
                "generation {after} after {before}: another writer came between"
            )));
        }
        Ok(Evidence { report, certificates })
    }
}

impl Processor for ConfigFs {
    fn report<'a>(&'a self, data: &'a ReportData) -> Pending<'a> {
        Box::pin(async move { tokio::task::block_in_place(|| self.read(data.as_bytes())) })
    }
}

/// One directory under the root, removed when it is done.
struct Entry(PathBuf);

impl Entry {
    fn create(path: PathBuf) -> Result<Self, ProcessorError> {
        fs::create_dir(&path).map_err(|error| failed(&path, &error))?;
        Ok(Self(path))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, ProcessorError> {
        let path = self.0.join(name);
        fs::read(&path).map_err(|error| failed(&path, &error))
    }

    fn text(&self, name: &str) -> Result<String, ProcessorError> {
        Ok(String::from_utf8_lossy(&self.bytes(name)?).trim().to_owned())
    }

    fn number(&self, name: &str) -> Result<u64, ProcessorError> {
        let text = self.text(name)?;
        text.parse().map_err(|_| ProcessorError(format!("{name} is {text:?}, expected a number")))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ProcessorError> {
        let path = self.0.join(name);
        fs::write(&path, bytes).map_err(|error| failed(&path, &error))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            tracing::warn!(%error, "the report's directory stays");
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> ProcessorError {
    ProcessorError(format!("{}: {error}", path.display()))
}
