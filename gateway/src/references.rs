//! The reference values that this gateway goes by: remembered, never older, re-read when their file changes.
//!
//! The file named in the configuration proposes; the copy in the state directory decides. A newer file takes over only
//! with a higher version and the quorum of the operators that the remembered one names (DESIGN §6). An operator who
//! can write the file but lacks the quorum changes nothing, and a restart does not forget what was accepted.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use shroud_attestation::{ReferenceError, ReferenceValues};

use crate::files::{self, FileError};

/// The reference values in force.
#[derive(Debug)]
pub struct References {
    proposed: PathBuf,
    remembered: PathBuf,
    current: RwLock<Arc<InForce>>,
}

#[derive(Debug)]
struct InForce {
    bytes: Vec<u8>,
    values: Arc<ReferenceValues>,
}

/// Why reference values were refused.
#[derive(Debug, thiserror::Error)]
pub enum ReferencesError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file lacks a quorum, is malformed, or is older than what was accepted.
    #[error("reference values {path}: {source}")]
    Refused {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: ReferenceError,
    },
}

impl References {
    /// Opens the reference values: the remembered ones, succeeded by the proposed file if that is newer.
    ///
    /// # Errors
    /// Every [`ReferencesError`]; a proposed file that is older than what is remembered is one.
    pub fn open(proposed: &Path, remembered: &Path) -> Result<Self, ReferencesError> {
        let (bytes, path) = match files::read_if_present(remembered)? {
            Some(bytes) => (bytes, remembered),
            None => (files::read(proposed)?, proposed),
        };
        let values = ReferenceValues::parse(&bytes).map_err(refused(path))?;
        let current = RwLock::new(Arc::new(InForce { bytes, values: Arc::new(values) }));
        let references = Self { proposed: proposed.to_owned(), remembered: remembered.to_owned(), current };
        references.refresh()?;
        files::replace(remembered, &references.in_force().bytes, 0o600)?;
        Ok(references)
    }

    /// The values in force.
    #[must_use]
    pub fn current(&self) -> Arc<ReferenceValues> {
        Arc::clone(&self.in_force().values)
    }

    /// Reads the proposed file again; returns the version that took over, if one did.
    ///
    /// # Errors
    /// Every [`ReferencesError`]; the values in force stay.
    pub fn refresh(&self) -> Result<Option<u64>, ReferencesError> {
        let bytes = files::read(&self.proposed)?;
        let in_force = self.in_force();
        if bytes == in_force.bytes {
            return Ok(None);
        }
        let values = in_force.values.succeed(&bytes).map_err(refused(&self.proposed))?;
        files::replace(&self.remembered, &bytes, 0o600)?;
        let version = values.version();
        let newer = Arc::new(InForce { bytes, values: Arc::new(values) });
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = newer;
        Ok(Some(version))
    }

    fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn refused(path: &Path) -> impl FnOnce(ReferenceError) -> ReferencesError + '_ {
    |source| ReferencesError::Refused { path: path.to_owned(), source }
}
