//! The state folder of a development set-up: where everything lies, who may read it, and that one owner works in it.
//!
//! ```text
//! DIR/lock  operator.json  ports.json  pids.json  configuration.json  reference-values.note
//! DIR/processor/           the software security processor's keys
//! DIR/gateways/NAME/       identity.seed, credential, configuration.json, state/, kms.key: one cloud each
//! DIR/host/                configuration.json, shroud.db
//! DIR/connect/             the newest checkpoint that the sidecar has seen
//! DIR/logs/ROLE.log
//! DIR/run/                 unix sockets; elsewhere if DIR is too long for them
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::error::{DevError, Tried as _};
use crate::role::Role;

/// The longest folder in which our sockets still fit into a unix socket address (108 bytes with its NUL).
const SOCKET_FOLDER: usize = 108 - 1 - "/processor.sock".len();

/// A state folder that this process owns until it ends.
#[derive(Debug)]
pub struct Directory {
    layout: Layout,
    _lock: File,
}

impl Directory {
    /// Makes the folder if it is not there, and takes its lock.
    ///
    /// # Errors
    /// [`DevError::Busy`] if another process holds the lock, [`DevError::Io`].
    pub fn open(path: &Path) -> Result<Self, DevError> {
        private_folder(path)?;
        let path = path.canonicalize().tried(|| format!("resolving {}", path.display()))?;
        let lock = lock_file(&path)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(DevError::Busy(path)),
            other => other.tried(|| format!("locking {}", path.display()))?,
        }
        let sockets = socket_folder(&path);
        let layout = Layout { root: path, sockets };
        for folder in ["processor", "gateways", "host", "logs"] {
            private_folder(&layout.root.join(folder))?;
        }
        private_folder(&layout.sockets)?;
        own_folder(&layout.sockets)?;
        Ok(Self { layout, _lock: lock })
    }

    /// Where everything lies.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Whether a `shroud-dev` works in the folder now.
///
/// # Errors
/// [`DevError::Io`] if the lock cannot be asked.
pub fn is_owned(path: &Path) -> Result<bool, DevError> {
    if !path.join("lock").exists() {
        return Ok(false);
    }
    match flock(lock_file(path)?, FlockOperation::NonBlockingLockShared) {
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        other => other.map(|()| false).tried(|| format!("asking for the lock of {}", path.display())),
    }
}

fn lock_file(folder: &Path) -> Result<File, DevError> {
    let path = folder.join("lock");
    let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).clone();
    options.open(&path).tried(|| format!("opening {}", path.display()))
}

/// Where everything of a state folder lies.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
    sockets: PathBuf,
}

impl Layout {
    /// The operator's secrets.
    #[must_use]
    pub fn operator(&self) -> PathBuf {
        self.root.join("operator.json")
    }

    /// The ports in use.
    #[must_use]
    pub fn ports(&self) -> PathBuf {
        self.root.join("ports.json")
    }

    /// The pids in use.
    #[must_use]
    pub fn pids(&self) -> PathBuf {
        pids_file(&self.root)
    }

    /// The enclave's measured configuration.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.root.join("configuration.json")
    }

    /// The reference values that gateways and verifiers go by.
    #[must_use]
    pub fn reference(&self) -> PathBuf {
        self.root.join("reference-values.note")
    }

    /// The software security processor's folder.
    #[must_use]
    pub fn processor(&self) -> PathBuf {
        self.root.join("processor")
    }

    /// A gateway's folder.
    #[must_use]
    pub fn gateway(&self, name: &str) -> PathBuf {
        self.root.join("gateways").join(name)
    }

    /// Where the sidecar remembers.
    #[must_use]
    pub fn connect(&self) -> PathBuf {
        self.root.join("connect")
    }

    /// The host's configuration.
    #[must_use]
    pub fn host_configuration(&self) -> PathBuf {
        self.root.join("host/configuration.json")
    }

    /// The host's database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("host/shroud.db")
    }

    /// A role's log.
    #[must_use]
    pub fn log(&self, role: Role) -> PathBuf {
        self.root.join("logs").join(format!("{role}.log"))
    }

    /// A unix socket: `processor`, `ingress`, `store` or `egress`.
    #[must_use]
    pub fn socket(&self, name: &str) -> PathBuf {
        self.sockets.join(format!("{name}.sock"))
    }
}

/// The pids of the set-up in `folder`.
#[must_use]
pub fn pids_file(folder: &Path) -> PathBuf {
    folder.join("pids.json")
}

/// Inside the state folder where the path is short enough, else a folder of ours under the system's temporary one; the
/// same for the same state folder, because the configuration that names it is measured.
fn socket_folder(root: &Path) -> PathBuf {
    let inside = root.join("run");
    if inside.as_os_str().len() <= SOCKET_FOLDER {
        return inside;
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, root.as_os_str().as_encoded_bytes());
    let name = format!("shroud-{}", hex::encode(digest.as_ref().get(..8).unwrap_or_default()));
    let temporary = std::env::temp_dir().join(&name);
    if temporary.as_os_str().len() <= SOCKET_FOLDER { temporary } else { Path::new("/tmp").join(name) }
}

fn private_folder(path: &Path) -> Result<(), DevError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).tried(|| format!("making {}", path.display()))
}

/// Anybody may make folders in a temporary directory: one that is not ours alone is refused.
fn own_folder(path: &Path) -> Result<(), DevError> {
    let found = fs::symlink_metadata(path).tried(|| format!("looking at {}", path.display()))?;
    let ours =
        found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0;
    if ours {
        return Ok(());
    }
    let detail = "a folder of this user that nobody else can write is needed for sockets".to_owned();
    Err(DevError::File { path: path.to_owned(), detail })
}

/// Replaces a file at once, readable by its owner alone. Nothing is written if it holds these bytes already.
///
/// # Errors
/// [`DevError::Io`].
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), DevError> {
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    replace(path, bytes).tried(|| format!("writing {}", path.display()))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

/// Opens a log to append to, readable by its owner alone.
///
/// # Errors
/// [`DevError::Io`].
pub fn append_private(path: &Path) -> Result<File, DevError> {
    let options = OpenOptions::new().append(true).create(true).mode(0o600).clone();
    options.open(path).tried(|| format!("opening {}", path.display()))
}

/// Reads a JSON file, or says that it is not there.
///
/// # Errors
/// [`DevError::File`] for other content, [`DevError::Io`].
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, DevError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.tried(|| format!("reading {}", path.display()))?,
    };
    let wrong =
        |error: serde_json::Error| DevError::File { path: path.to_owned(), detail: error.to_string() };
    serde_json::from_slice(&bytes).map(Some).map_err(wrong)
}

/// Writes a JSON file, pretty-printed, with a newline at its end.
///
/// # Errors
/// [`DevError::Io`].
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), DevError> {
    let mut bytes = serde_json::to_vec_pretty(value).tried(|| format!("encoding {}", path.display()))?;
    bytes.push(b'\n');
    write_private(path, &bytes)
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::testing::Scratch;
    use super::*;

    #[test]
    fn a_folder_in_use_is_busy() {
        let scratch = Scratch::new();
        let path = scratch.path().join("state");
        assert!(!is_owned(&path).unwrap());
        let first = Directory::open(&path).unwrap();
        assert!(is_owned(&path).unwrap());
        let second = Directory::open(&path).unwrap_err();
        assert_eq!(second.kind(), "busy");
        drop(first);
        assert!(!is_owned(&path).unwrap());
        Directory::open(&path).unwrap();
    }

    #[test]
    fn sockets_fit_however_long_the_folder_is() {
        let scratch = Scratch::new();
        let long = scratch.path().join("d".repeat(120));
        for root in [scratch.path().to_owned(), long] {
            let directory = Directory::open(&root).unwrap();
            let socket = directory.layout().socket("processor");
            std::os::unix::net::UnixListener::bind(&socket).unwrap();
            fs::remove_file(&socket).unwrap();
            assert_eq!(socket_folder(&root.canonicalize().unwrap()), socket.parent().unwrap());
        }
    }

    #[test]
    fn a_socket_folder_that_others_can_write_is_refused() {
        let scratch = Scratch::new();
        own_folder(scratch.path()).unwrap();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(own_folder(scratch.path()).unwrap_err().kind(), "directory");
    }

    #[test]
    fn private_files_are_private() {
        let scratch = Scratch::new();
        let path = scratch.path().join("operator.json");
        write_json(&path, &["secret"]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read_json::<Vec<String>>(&path).unwrap(), Some(vec!["secret".to_owned()]));
        fs::write(&path, "{").unwrap();
        assert_eq!(read_json::<Vec<String>>(&path).unwrap_err().kind(), "directory");
    }
}
