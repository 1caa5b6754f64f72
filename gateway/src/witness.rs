//! The gateway as a witness (C2SP `tlog-witness`): cosigns only what extends the newest checkpoint that it remembers.
//!
//! [`shroud_journal::Witness`] judges; this module owns registration, disk, clock and order. For each origin one lock
//! is held from reading the memory to the cosignature, and the new memory is on disk before the cosignature leaves. A
//! registered origin whose memory is gone or unreadable is refused until it is re-admitted, never begun anew.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::signature::Ed25519KeyPair;
use shroud_journal::witness::{Memory, MemoryError};
use shroud_journal::{AddCheckpoint, CosignatureError, Origin, Refused as NotCosigned, Witness};

use crate::clock::Clock;
use crate::files::{self, FileError};
use crate::keys::WitnessKey;
use crate::origins::{self, Registered};
use crate::refusal::Refused;

mod slots;

use slots::Slots;

/// The witness with what it remembers of every registered origin.
pub struct Witnesses {
    directory: PathBuf,
    witness: Witness,
    logs: Mutex<HashMap<Origin, Arc<Mutex<Log>>>>,
}

/// What is remembered of one origin.
struct Log {
    journal_key: [u8; 32],
    held: Option<Held>,
}

struct Held {
    slots: Slots,
    memory: Memory,
}

/// The answer to one `add-checkpoint`.
#[derive(Debug)]
pub struct Added {
    /// The HTTP status of C2SP `tlog-witness`.
    pub status: u16,
    /// The body's type.
    pub content_type: &'static str,
    /// Cosignature lines, or what the status asks for.
    pub body: String,
    /// Why nothing was cosigned, for the log.
    pub refused: Option<String>,
}

/// Why the witness does not start.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The witness key is no Ed25519 seed.
    #[error("the witness key is no Ed25519 seed")]
    Key,
    /// The gateway's name cannot stand in a note.
    #[error(transparent)]
    Name(#[from] CosignatureError),
}

impl std::fmt::Debug for Witnesses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witnesses").field("witness", self.witness.public()).finish_non_exhaustive()
    }
}

impl Witnesses {
    /// Opens the memory of every registered origin. One that is missing or unreadable is kept as lost, and said so.
    pub(crate) fn open(
        state: &Path,
        name: &str,
        key: &WitnessKey,
        registered: &[Registered],
    ) -> Result<Self, WitnessError> {
        let directory = state.join("witness");
        files::create_directory(&directory)?;
        let key = Ed25519KeyPair::from_seed_unchecked(key.seed()).map_err(|_| WitnessError::Key)?;
        let own = Self { directory, witness: Witness::new(name, key)?, logs: Mutex::default() };
        let mut logs = HashMap::new();
        for registered in registered {
            logs.insert(registered.origin.clone(), Arc::new(Mutex::new(own.recall(registered)?)));
        }
        Ok(Self { logs: Mutex::new(logs), ..own })
    }

    /// The newest timestamp of any cosignature, unix seconds.
    #[must_use]
    pub fn newest_time(&self) -> u64 {
        let logs: Vec<_> = lock(&self.logs).values().cloned().collect();
        let times = logs.iter().map(|log| lock(log).held.as_ref().map_or(0, |held| held.memory.time()));
        times.max().unwrap_or(0)
    }

    /// Makes the memory of a newly registered origin durable. A crash may have left it from an earlier try.
    ///
    /// # Errors
    /// [`Refused::Storage`]; also where a memory with a checkpoint stands that belongs to no registration.
    pub(crate) fn prepare(&self, registered: &Registered) -> Result<(), Refused> {
        let path = self.path(&registered.origin);
        let empty = Memory::registered(registered.origin.clone());
        let slots = match Slots::open(&path)? {
            None => Slots::create(&path, &empty.to_bytes())?,
            Some((slots, content)) if content == empty.to_bytes() => slots,
            Some(_) => {
                let what = "remembers an origin that is not registered; it must be re-admitted";
                return Err(FileError::content(&path, what).into());
            }
        };
        let held = Some(Held { slots, memory: empty });
        let log = Log { journal_key: registered.journal_key, held };
        lock(&self.logs).insert(registered.origin.clone(), Arc::new(Mutex::new(log)));
        Ok(())
    }

    /// The newest checkpoint of an origin that was cosigned here, as a note with the cosignature; empty if none.
    ///
    /// # Errors
    /// [`Refused::MemoryLost`] if the origin is registered and its memory is gone.
    pub(crate) fn newest_note(&self, origin: &Origin) -> Result<Vec<u8>, Refused> {
        let log = self.log(origin).ok_or(Refused::MemoryLost)?;
        let log = lock(&log);
        let held = log.held.as_ref().ok_or(Refused::MemoryLost)?;
        Ok(self.witness.newest(&held.memory).unwrap_or_default())
    }

    /// Judges one request and cosigns it once its memory is on disk.
    ///
    /// # Errors
    /// [`Refused::Storage`] if the memory could not be made durable, [`Refused::Clock`].
    pub(crate) fn add(&self, clock: &Clock, body: &[u8]) -> Result<Added, Refused> {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Ok(Added::refused(&error.into())),
        };
        let Some(log) = self.log(request.origin()) else {
            return Ok(Added::refused(&NotCosigned::UnknownOrigin(request.origin().clone())));
        };
        let mut log = lock(&log);
        let now = clock.now()?;
        let memory = log.held.as_ref().map(|held| &held.memory);
        let pending = match self.witness.add_checkpoint(Some(&log.journal_key), memory, &request, now) {
            Ok(pending) => pending,
            Err(refused) => return Ok(Added::refused(&refused)),
        };
        // Taken out while it is written: where the disk fails, what it holds is unknown until a restart reads it.
        let Held { mut slots, .. } = log.held.take().ok_or(Refused::MemoryLost)?;
        slots.write(&pending.memory().to_bytes())?;
        let (memory, lines) = pending.persisted();
        log.held = Some(Held { slots, memory });
        Ok(Added { status: 200, content_type: "text/plain; charset=utf-8", body: lines, refused: None })
    }

    fn recall(&self, registered: &Registered) -> Result<Log, FileError> {
        let path = self.path(&registered.origin);
        let lost = |why: &str| {
            tracing::error!(origin = registered.origin.as_str(), why, "the witness's memory is lost");
        };
        let journal_key = registered.journal_key;
        let Some((slots, content)) = Slots::open(&path)? else {
            lost("the file is missing or damaged");
            return Ok(Log { journal_key, held: None });
        };
        let held = match Memory::parse(&content, &registered.origin, &journal_key) {
            Ok(memory) => Some(Held { slots, memory }),
            Err(error) => {
                let error: MemoryError = error;
                lost(&error.to_string());
                None
            }
        };
        Ok(Log { journal_key, held })
    }

    fn log(&self, origin: &Origin) -> Option<Arc<Mutex<Log>>> {
        lock(&self.logs).get(origin).cloned()
    }

    fn path(&self, origin: &Origin) -> PathBuf {
        self.directory.join(origins::file_name(origin)).with_extension("memory")
    }
}

impl Added {
    fn refused(refused: &NotCosigned) -> Self {
        Self {
            status: refused.status(),
            content_type: refused.content_type(),
            body: refused.body(),
            refused: Some(format!("{}: {refused}", refused.kind())),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
