//! The gateway's own append-only log: every release and every refusal, hash-chained, never a secret.
//!
//! ```text
//! {"sequence":0,"time":…,"previous":hex(SHA-256(label ‖ gateway name)),"event":{…}}
//! {"sequence":1,"time":…,"previous":hex(SHA-256(the line before, without its newline)),"event":{…}}
//! ```
//!
//! A release waits until its line is on disk; lines that gather meanwhile share one `fsync`. A refusal waits for
//! nothing, and when a flood of them outruns the disk they are counted instead. A last line that a crash tore is cut
//! off: its release never left. A chain that is broken anywhere else stops the start.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use shroud_wire::canonical::Canonical;
use tokio::sync::oneshot;

use crate::files::{self, FileError};
use crate::rate::RateLimit;

/// The label of the first line's `previous`.
pub const LABEL: &str = "shroud/v1/gateway-log";
/// Lines that may wait for the disk.
const QUEUE: usize = 4096;
/// Refusals that are written per second, and at once; the rest is counted.
const REFUSALS: (u32, u32) = (100, 512);
/// The longest line, in bytes.
const LINE: u64 = 64 * 1024;

mod writer;

use writer::{Waiting, Writer};

/// What happened. No member holds a key; contexts are hashed, because they name vaults and secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The process began to serve, under these reference values.
    Started {
        /// The version of the reference values.
        reference: u64,
    },
    /// Newer reference values took over.
    Reference {
        /// Their version.
        version: u64,
    },
    /// Keys were wrapped or unwrapped, or an origin was registered, for an attested guest.
    Release(Box<Release>),
    /// A request was refused.
    Refusal {
        /// The path.
        path: String,
        /// The refusal's name.
        refused: String,
        /// Its sentence.
        detail: String,
    },
    /// Refusals that outran the disk.
    Unwritten {
        /// How many.
        refusals: u64,
    },
    /// A crash tore the last line; it was cut off.
    Torn {
        /// Bytes cut off.
        bytes: u64,
    },
}

/// One release, and what authorised it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// `wrap`, `unwrap` or `genesis`.
    pub operation: String,
    /// The log origin.
    pub origin: String,
    /// SHA-256 of each item's context, in hex.
    pub contexts: Vec<String>,
    /// The report's measurement, in hex.
    pub measurement: String,
    /// The report's HOST_DATA, in hex.
    pub host_data: String,
    /// The report's chip id, in hex.
    pub chip_id: String,
    /// `sev_snp` or `dev`.
    pub level: String,
    /// SHA-256 of the transcript that the report binds, in hex.
    pub transcript: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    sequence: u64,
    time: u64,
    previous: String,
    event: Event,
}

/// Where the chain stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The next line's sequence number.
    pub sequence: u64,
    /// The next line's `previous`.
    pub previous: [u8; 32],
}

/// Why a log was refused.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line is missing, altered, or out of order.
    #[error("the release log is broken at line {0}")]
    Broken(u64),
}

/// The line could not be made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDurable;

/// The log, open for appending.
pub struct ReleaseLog {
    /// Both are taken when the log is dropped: the writer then finishes what is queued and ends.
    queue: Option<mpsc::SyncSender<Waiting>>,
    writer: Option<JoinHandle<()>>,
    refusals: RateLimit,
    unwritten: Arc<AtomicU64>,
}

impl std::fmt::Debug for ReleaseLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReleaseLog")
    }
}

impl ReleaseLog {
    /// Opens the log of the gateway `name`, verifies its chain and starts its writer.
    ///
    /// # Errors
    /// Every [`LogError`].
    pub(crate) fn open(path: &Path, name: &str, time: u64) -> Result<Self, LogError> {
        let fresh = !path.exists();
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(files::at(path))?;
        if fresh {
            files::sync_directory_of(path)?;
        }
        let (head, whole) = read_chain(path, name)?;
        let length = file.seek(SeekFrom::End(0)).map_err(files::at(path))?;
        let unwritten = Arc::new(AtomicU64::new(0));
        let mut writer = Writer { file, head, unwritten: Arc::clone(&unwritten) };
        if length > whole {
            writer.file.set_len(whole).map_err(files::at(path))?;
            let torn = Waiting { time, event: Event::Torn { bytes: length - whole }, durable: None };
            writer.write(vec![torn]).map_err(files::at(path))?;
        }
        let (queue, lines) = mpsc::sync_channel(QUEUE);
        let writer = std::thread::Builder::new()
            .name("release-log".into())
            .spawn(move || writer.run(&lines))
            .map_err(files::at(path))?;
        let (per_second, burst) = REFUSALS;
        let refusals = RateLimit::new(per_second, burst);
        Ok(Self { queue: Some(queue), writer: Some(writer), refusals, unwritten })
    }

    /// Appends an event and waits until it is on disk.
    ///
    /// # Errors
    /// [`NotDurable`] if the disk refused; what the event tells of must not happen.
    pub(crate) async fn append(&self, time: u64, event: Event) -> Result<(), NotDurable> {
        let (durable, written) = oneshot::channel();
        let waiting = Waiting { time, event, durable: Some(durable) };
        self.send(waiting)?;
        written.await.map_err(|_| NotDurable)
    }

    /// Appends an event that nothing waits for. Refusals beyond [`REFUSALS`] are counted instead.
    pub(crate) fn note(&self, time: u64, event: Event) {
        let flood = matches!(event, Event::Refusal { .. })
            && self.refusals.take(b"refusals", Instant::now()).is_err();
        if flood || self.send(Waiting { time, event, durable: None }).is_err() {
            self.unwritten.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn send(&self, waiting: Waiting) -> Result<(), NotDurable> {
        self.queue.as_ref().ok_or(NotDurable)?.try_send(waiting).map_err(|_| NotDurable)
    }
}

impl Drop for ReleaseLog {
    fn drop(&mut self) {
        drop(self.queue.take());
        let ended = self.writer.take().map(JoinHandle::join);
        if matches!(ended, Some(Err(_))) {
            tracing::error!("the release log's writer panicked");
        }
    }
}

/// Verifies a log's chain and says where it stands. A torn last line is left out.
///
/// # Errors
/// Every [`LogError`].
pub fn verify(path: &Path, name: &str) -> Result<Head, LogError> {
    read_chain(path, name).map(|(head, _)| head)
}

/// The chain's head and the length of its whole lines, in bytes.
fn read_chain(path: &Path, name: &str) -> Result<(Head, u64), LogError> {
    let first = sha256(&Canonical::new(LABEL).field(name).into_bytes());
    let mut head = Head { sequence: 0, previous: first };
    let mut whole = 0;
    let mut reader = BufReader::new(File::open(path).map_err(files::at(path))?);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = reader.by_ref().take(LINE).read_until(b'\n', &mut bytes);
        let read = u64::try_from(read.map_err(files::at(path))?).unwrap_or(u64::MAX);
        let Some(line) = bytes.strip_suffix(b"\n") else {
            return if read < LINE { Ok((head, whole)) } else { Err(LogError::Broken(head.sequence)) };
        };
        let broken = || LogError::Broken(head.sequence);
        let parsed: Line = serde_json::from_slice(line).map_err(|_| broken())?;
        if parsed.sequence != head.sequence || parsed.previous != hex::encode(head.previous) {
            return Err(broken());
        }
        head = Head { sequence: head.sequence + 1, previous: sha256(line) };
        whole += read;
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(detail: &str) -> Event {
        Event::Refusal { path: "/v1/unwrap".into(), refused: "nonce".into(), detail: detail.into() }
    }

    async fn written(path: &Path) {
        let log = ReleaseLog::open(path, "gcp", 1).unwrap();
        log.note(2, refusal("one"));
        log.append(3, Event::Release(Box::default())).await.unwrap();
        log.append(4, refusal("three")).await.unwrap();
    }

    #[tokio::test]
    async fn the_chain_continues_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        written(&path).await;
        written(&path).await;
        assert_eq!(verify(&path, "gcp").unwrap().sequence, 6);
        assert!(matches!(verify(&path, "aws"), Err(LogError::Broken(0))));
    }

    #[tokio::test]
    async fn an_altered_or_missing_line_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        written(&path).await;
        let genuine = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, genuine.replacen("one", "two", 1)).unwrap();
        assert!(matches!(ReleaseLog::open(&path, "gcp", 5), Err(LogError::Broken(1))));
        let without_second: Vec<&str> =
            genuine.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, l)| l).collect();
        std::fs::write(&path, without_second.join("\n") + "\n").unwrap();
        assert!(matches!(ReleaseLog::open(&path, "gcp", 5), Err(LogError::Broken(1))));
    }

    #[tokio::test]
    async fn a_torn_last_line_is_cut_off_and_recorded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        written(&path).await;
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_slice(br#"{"sequence":3,"ti"#);
        std::fs::write(&path, torn).unwrap();
        let log = ReleaseLog::open(&path, "gcp", 5).unwrap();
        log.append(6, refusal("after")).await.unwrap();
        assert_eq!(verify(&path, "gcp").unwrap().sequence, 5);
        assert!(std::fs::read_to_string(&path).unwrap().contains(r#"{"kind":"torn","bytes":17}"#));
    }

    #[tokio::test]
    async fn refusal_flood_is_counted_and_releases_go_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let log = ReleaseLog::open(&path, "gcp", 1).unwrap();
        for _ in 0..2000 {
            log.note(2, refusal("flood"));
        }
        log.append(3, Event::Release(Box::default())).await.unwrap();
        drop(log);
        verify(&path, "gcp").unwrap();
        let (mut written, mut counted) = (0, 0);
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            match serde_json::from_str::<Line>(line).unwrap().event {
                Event::Refusal { .. } => written += 1,
                Event::Unwritten { refusals } => counted += refusals,
                _ => {}
            }
        }
        assert_eq!(written + counted, 2000);
        assert!((512..1024).contains(&written), "{written}");
    }
}
