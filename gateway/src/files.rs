//! Files: secrets that only their owner reads, and state that is durable before anything follows from it.
//!
//! A secret is created with `O_EXCL` and mode 0600, so none is ever overwritten silently, and one that somebody else
//! may read is refused. State is replaced whole: temporary file, `fsync`, rename, `fsync` of the directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// The longest file that is read whole, in bytes.
const LONGEST: u64 = 8 * 1024 * 1024;

/// Why a file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A secret stands there already and is not overwritten.
    #[error("{0} exists and is not overwritten")]
    Exists(PathBuf),
    /// Others than its owner may read a secret.
    #[error("{path} has mode {mode:o}; only its owner may read it (0600)")]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is longer than anything that belongs there.
    #[error("{path} has {length} bytes")]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
    },
    /// The content is not what belongs there.
    #[error("{path}: {what}")]
    Content {
        /// Which file.
        path: PathBuf,
        /// What was expected; never the content.
        what: &'static str,
    },
}

impl FileError {
    pub(crate) fn content(path: &Path, what: &'static str) -> Self {
        Self::Content { path: path.to_owned(), what }
    }

    /// Whether the file does not exist.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> FileError + '_ {
    |source| FileError::Io { path: path.to_owned(), source }
}

/// Creates a secret file, durable, mode 0600.
///
/// # Errors
/// [`FileError::Exists`] if anything stands there, [`FileError::Io`].
pub(crate) fn create_secret(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists(path.to_owned()),
        _ => FileError::Io { path: path.to_owned(), source },
    })?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(at(path))?;
    sync_directory_of(path)
}

/// Reads a secret file.
///
/// # Errors
/// [`FileError::Exposed`] if its mode admits anybody else, [`FileError::TooLong`], [`FileError::Io`].
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let file = File::open(path).map_err(at(path))?;
    let mode = file.metadata().map_err(at(path))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FileError::Exposed { path: path.to_owned(), mode });
    }
    read_whole(path, file).map(Zeroizing::new)
}

/// Reads a secret file that holds `N` bytes in hex on one line.
///
/// # Errors
/// As [`read_secret`], and [`FileError::Content`].
pub(crate) fn read_secret_hex<const N: usize>(path: &Path) -> Result<Zeroizing<[u8; N]>, FileError> {
    let text = read_secret(path)?;
    let mut bytes = Zeroizing::new([0; N]);
    hex::decode_to_slice(text.trim_ascii(), bytes.as_mut_slice())
        .map_err(|_| FileError::content(path, "expected hex digits of the right number on one line"))?;
    Ok(bytes)
}

/// A secret's file content: hex on one line.
pub(crate) fn secret_hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len() + 1));
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
        }
    }
    text.push('\n');
    text
}

/// Reads a file that holds no secret.
///
/// # Errors
/// [`FileError::TooLong`], [`FileError::Io`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    read_whole(path, File::open(path).map_err(at(path))?)
}

/// Reads a file that need not exist.
///
/// # Errors
/// As [`read`], but `Ok(None)` where there is none.
pub(crate) fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_whole(path: &Path, file: File) -> Result<Vec<u8>, FileError> {
    let length = file.metadata().map_err(at(path))?.len();
    if length > LONGEST {
        return Err(FileError::TooLong { path: path.to_owned(), length });
    }
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(LONGEST).read_to_end(&mut content).map_err(at(path))?;
    Ok(content)
}

/// Replaces a file whole and durably: after `Ok` the new content survives a crash, before it the old one stands.
///
/// # Errors
/// [`FileError::Io`].
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), FileError> {
    let temporary = path.with_extension("new");
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&temporary)(error)),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)
        .map_err(at(&temporary))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(at(&temporary))?;
    std::fs::rename(&temporary, path).map_err(at(path))?;
    sync_directory_of(path)
}

/// Creates a directory of mode 0700 with its parents, durably.
///
/// # Errors
/// [`FileError::Io`].
pub(crate) fn create_directory(path: &Path) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(path).map_err(at(path))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(at(path))?;
    sync_directory_of(path)
}

pub(crate) fn sync_directory_of(path: &Path) -> Result<(), FileError> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(at(directory))
}

/// The lock that keeps a second process off a state directory, held as long as the value lives.
#[derive(Debug)]
pub(crate) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// `Ok(None)` if another process holds it; [`FileError::Io`].
    pub(crate) fn take(state: &Path) -> Result<Option<Self>, FileError> {
        let path = state.join("lock");
        let file = File::create(&path).map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("seed");
        create_secret(&path, b"first").unwrap();
        assert!(matches!(create_secret(&path, b"second"), Err(FileError::Exists(_))));
        assert_eq!(read_secret(&path).unwrap().as_slice(), b"first");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_exposed_secret_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("seed");
        create_secret(&path, b"seed").unwrap();
        for mode in [0o640, 0o604, 0o644] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(
                matches!(read_secret(&path), Err(FileError::Exposed { mode: found, .. }) if found == mode)
            );
        }
    }

    #[test]
    fn replacing_survives_a_leftover() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        std::fs::write(path.with_extension("new"), b"torn").unwrap();
        replace(&path, b"one", 0o600).unwrap();
        replace(&path, b"two", 0o600).unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        assert!(!path.with_extension("new").exists());
    }

    #[test]
    fn secret_hex_reads_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("seed");
        let seed = [0x0f, 0xa0, 0xff, 0x00];
        create_secret(&path, secret_hex(&seed).as_bytes()).unwrap();
        assert_eq!(*read_secret_hex::<4>(&path).unwrap(), seed);
        assert!(matches!(read_secret_hex::<5>(&path), Err(FileError::Content { .. })));
    }
}
