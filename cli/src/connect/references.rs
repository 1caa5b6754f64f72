//! The reference file, read again when it changes. A newer file counts only if the old one's operators signed it and
//! its version is higher; otherwise the old values stay in force.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use shroud_attestation::{ReferenceError, ReferenceValues};
use shroud_wire::limits;

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Why a reference file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReferencesError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is larger than a reference file can be.
    #[error("{path} has more than {limit} bytes", limit = limits::FRAME)]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// What the file says is not to be taken.
    #[error("{path}: {source}")]
    Values {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: ReferenceError,
    },
}

/// The reference values in force, and the file that they come from.
#[derive(Debug)]
pub struct References {
    path: PathBuf,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    values: Arc<ReferenceValues>,
    bytes: Vec<u8>,
    stamp: Stamp,
}

/// What tells one state of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl References {
    /// Reads the file and verifies its signatures.
    ///
    /// # Errors
    /// Every [`ReferencesError`].
    pub fn open(path: &Path) -> Result<Self, ReferencesError> {
        let (bytes, stamp) = read(path)?;
        let values = ReferenceValues::parse(&bytes).map_err(|source| wrong(path, source))?;
        let current = Current { values: Arc::new(values), bytes, stamp };
        Ok(Self { path: path.to_owned(), current: RwLock::new(current) })
    }

    /// The values in force.
    #[must_use]
    pub fn current(&self) -> Arc<ReferenceValues> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).values)
    }

    /// Reads the file again if it changed; whether other values are in force now. A file that was refused is not
    /// looked at again until it changes once more.
    ///
    /// # Errors
    /// Every [`ReferencesError`]; the old values stay in force.
    pub fn refresh(&self) -> Result<bool, ReferencesError> {
        let metadata = fs::metadata(&self.path).map_err(|source| unreadable(&self.path, source))?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if Stamp::of(&metadata) == current.stamp {
            return Ok(false);
        }
        let (bytes, stamp) = read(&self.path)?;
        current.stamp = stamp;
        if bytes == current.bytes {
            return Ok(false);
        }
        let values = current.values.succeed(&bytes).map_err(|source| wrong(&self.path, source))?;
        current.values = Arc::new(values);
        current.bytes = bytes;
        Ok(true)
    }

    /// Refreshes for ever, and says on the log what came of it.
    pub async fn watch(&self) {
        let mut complained = false;
        loop {
            tokio::time::sleep(INTERVAL).await;
            match self.refresh() {
                Ok(false) => complained = false,
                Ok(true) => {
                    tracing::info!(version = self.current().version(), "newer reference values are in force");
                }
                Err(error) if !complained => {
                    complained = true;
                    tracing::warn!(%error, "the reference file was refused, the old values stay in force");
                }
                Err(_) => {}
            }
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Self { inode: metadata.ino(), length: metadata.len(), modified }
    }
}

fn read(path: &Path) -> Result<(Vec<u8>, Stamp), ReferencesError> {
    let limit = u64::try_from(limits::FRAME).unwrap_or(u64::MAX);
    let file = File::open(path).map_err(|source| unreadable(path, source))?;
    let metadata = file.metadata().map_err(|source| unreadable(path, source))?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|source| unreadable(path, source))?;
    if bytes.len() > limits::FRAME {
        return Err(ReferencesError::TooLong { path: path.to_owned() });
    }
    Ok((bytes, Stamp::of(&metadata)))
}

fn unreadable(path: &Path, source: io::Error) -> ReferencesError {
    ReferencesError::File { path: path.to_owned(), source }
}

fn wrong(path: &Path, source: ReferenceError) -> ReferencesError {
    ReferencesError::Values { path: path.to_owned(), source }
}
