//! The newest checkpoint of each log that was seen: an older one, or one that contradicts it, is refused.
//!
//! ```text
//! DIR/lock                       one writer at a time, so that several sidecars may share the folder
//! DIR/SHA-256-OF-ORIGIN.json     {"origin", "journal_key", "checkpoint": the signed note}
//! ```
//!
//! A file is written aside, synced and renamed; what was acknowledged stays. A file that cannot be read is an error and
//! never a fresh start: forgetting is what a host that rolls back would wish for. Without a folder, memory ends with
//! the process. Trusted: the folder.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use shroud_journal::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};

use super::session::SessionRefused;

/// A checkpoint that was verified, and the key that signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    signed: SignedCheckpoint,
    journal_key: [u8; 32],
}

/// Why memory cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointsError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what was written there.
    #[error("{path} is no remembered checkpoint: {reason}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    origin: String,
    journal_key: String,
    checkpoint: String,
}

impl Remembered {
    /// A checkpoint that was verified under `journal_key`.
    #[must_use]
    pub fn new(signed: SignedCheckpoint, journal_key: [u8; 32]) -> Self {
        Self { signed, journal_key }
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        self.signed.checkpoint()
    }

    /// The key that signed it.
    #[must_use]
    pub fn journal_key(&self) -> &[u8; 32] {
        &self.journal_key
    }

    /// Judges this checkpoint against one that was known before it was asked for.
    ///
    /// # Errors
    /// [`SessionRefused::JournalKey`], [`SessionRefused::Older`].
    pub fn follows(&self, known: &Self) -> Result<(), SessionRefused> {
        self.same_key(known)?;
        let (found, known) = (self.checkpoint(), known.checkpoint());
        if found.size >= known.size && found.term >= known.term {
            return Ok(());
        }
        Err(SessionRefused::Older {
            known: known.size,
            known_term: known.term,
            found: found.size,
            found_term: found.term,
        })
    }

    /// The older and the newer of two checkpoints of one log, for a consistency proof between them; `None` if they are
    /// the same.
    ///
    /// # Errors
    /// [`SessionRefused::JournalKey`], [`SessionRefused::Forked`].
    pub fn span<'a>(
        &'a self,
        other: &'a Self,
    ) -> Result<Option<(&'a Checkpoint, &'a Checkpoint)>, SessionRefused> {
        self.same_key(other)?;
        let (one, two) = (self.checkpoint(), other.checkpoint());
        let forked = |why: &str| SessionRefused::Forked { size: one.size, why: why.to_owned() };
        let (older, newer) = if one.size <= two.size { (one, two) } else { (two, one) };
        if older.size == newer.size {
            return if older == newer {
                Ok(None)
            } else {
                Err(forked("the same size under another root or term"))
            };
        }
        if older.term > newer.term { Err(forked("its term fell")) } else { Ok(Some((older, newer))) }
    }

    fn same_key(&self, other: &Self) -> Result<(), SessionRefused> {
        let same = self.journal_key == other.journal_key;
        if same { Ok(()) } else { Err(SessionRefused::JournalKey(self.checkpoint().origin.to_string())) }
    }

    fn to_json(&self) -> Vec<u8> {
        let entry = Entry {
            origin: self.checkpoint().origin.to_string(),
            journal_key: hex::encode(self.journal_key),
            checkpoint: String::from_utf8_lossy(&self.signed.to_bytes()).into_owned(),
        };
        serde_json::to_vec_pretty(&entry).unwrap_or_default()
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, CheckpointsError> {
        let damaged = |reason: String| CheckpointsError::Damaged { path: path.to_owned(), reason };
        let entry: Entry = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        let mut journal_key = [0; 32];
        hex::decode_to_slice(&entry.journal_key, &mut journal_key)
            .map_err(|error| damaged(error.to_string()))?;
        let verified = || -> Result<SignedCheckpoint, CheckpointError> {
            SignedCheckpoint::verify(entry.checkpoint.as_bytes(), &Origin::new(&entry.origin)?, &journal_key)
        };
        Ok(Self { signed: verified().map_err(|error| damaged(error.to_string()))?, journal_key })
    }
}

/// The newest checkpoint of each log, by origin.
pub type Newest = HashMap<Origin, Remembered>;

/// What was seen, for this process or in a folder.
#[derive(Debug)]
pub struct Checkpoints {
    folder: Option<PathBuf>,
    newest: Mutex<Newest>,
}

impl Checkpoints {
    /// Memory in `folder`, which is made if it is not there; `None` remembers until the process ends.
    ///
    /// # Errors
    /// Every [`CheckpointsError`], also for a file in the folder that is damaged.
    pub fn open(folder: Option<&Path>) -> Result<Self, CheckpointsError> {
        if let Some(folder) = folder {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(file_error(folder))?;
        }
        let opened = Self { folder: folder.map(Path::to_owned), newest: Mutex::default() };
        opened.newest()?;
        Ok(opened)
    }

    /// Everything that is known now.
    ///
    /// # Errors
    /// Every [`CheckpointsError`].
    pub fn newest(&self) -> Result<Newest, CheckpointsError> {
        let mut newest = self.held();
        if let Some(folder) = &self.folder {
            let _lock = lock(folder)?;
            *newest = read_all(folder)?;
        }
        Ok(newest.clone())
    }

    /// Puts `next` in the place of `known`, durably, if that is still what is known; whether it was.
    ///
    /// # Errors
    /// Every [`CheckpointsError`]; nothing was put in its place then.
    pub fn advance(&self, known: Option<&Remembered>, next: &Remembered) -> Result<bool, CheckpointsError> {
        let mut newest = self.held();
        let origin = &next.checkpoint().origin;
        let Some(folder) = &self.folder else {
            let unchanged = newest.get(origin) == known;
            if unchanged {
                newest.insert(origin.clone(), next.clone());
            }
            return Ok(unchanged);
        };
        let _lock = lock(folder)?;
        let path = folder.join(name(origin));
        if read(&path)?.as_ref() != known {
            return Ok(false);
        }
        write(folder, &path, &next.to_json())?;
        newest.insert(origin.clone(), next.clone());
        Ok(true)
    }

    fn held(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(origin: &Origin) -> String {
    format!("{}.json", hex::encode(digest(&SHA256, origin.as_str().as_bytes())))
}

/// Held until it is dropped.
fn lock(folder: &Path) -> Result<File, CheckpointsError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.map_err(file_error(&path))?;
    file.lock().map_err(file_error(&path))?;
    Ok(file)
}

fn read_all(folder: &Path) -> Result<Newest, CheckpointsError> {
    let mut newest = Newest::new();
    for entry in fs::read_dir(folder).map_err(file_error(folder))? {
        let path = entry.map_err(file_error(folder))?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        if let Some(remembered) = read(&path)? {
            newest.insert(remembered.checkpoint().origin.clone(), remembered);
        }
    }
    Ok(newest)
}

/// One file; its name must be the one of the origin inside.
fn read(path: &Path) -> Result<Option<Remembered>, CheckpointsError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(file_error(path)(source)),
    };
    let remembered = Remembered::parse(path, &bytes)?;
    let expected = name(&remembered.checkpoint().origin);
    if path.file_name().is_some_and(|found| found == expected.as_str()) {
        return Ok(Some(remembered));
    }
    let reason = format!("the checkpoint of its origin belongs into {expected}");
    Err(CheckpointsError::Damaged { path: path.to_owned(), reason })
}

fn write(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), CheckpointsError> {
    let aside = path.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside);
    let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(file_error(&aside))?;
    fs::rename(&aside, path).map_err(file_error(path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(file_error(folder))
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> CheckpointsError + use<> {
    let path = path.to_owned();
    move |source| CheckpointsError::File { path, source }
}

#[cfg(test)]
mod tests;
