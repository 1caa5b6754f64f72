//! What a witness remembers of one log, and its bytes on the disk.
//!
//! ```text
//! canonical("shroud/v1/witness-memory", origin, time, note)     note: empty if nothing was cosigned yet
//! ```
//!
//! The disk is the gateway's own and trusted as its memory; the note is verified again all the same, so that a torn or
//! foreign file is an error and not a state.

use shroud_wire::canonical::{Canonical, Malformed, Reader};

use crate::checkpoint::{CheckpointError, Origin, SignedCheckpoint};
use crate::hash::Hash;
use crate::tree::empty_root;

const LABEL: &str = "shroud/v1/witness-memory";

/// The newest checkpoint of a log that a witness cosigned, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    origin: Origin,
    time: u64,
    newest: Option<SignedCheckpoint>,
}

/// Why bytes are no memory of a log.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MemoryError {
    /// The bytes are not canonical.
    #[error("malformed witness memory: {0}")]
    Malformed(#[from] Malformed),
    /// The checkpoint in it is not the log's.
    #[error("the checkpoint in the witness memory: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The memory is of another log.
    #[error("the witness memory is of {0:?}")]
    AnotherLog(String),
}

impl Memory {
    /// The memory of a log that was just registered and never cosigned.
    #[must_use]
    pub fn registered(origin: Origin) -> Self {
        Self { origin, time: 0, newest: None }
    }

    pub(super) fn newest(checkpoint: SignedCheckpoint, time: u64) -> Self {
        Self { origin: checkpoint.checkpoint().origin.clone(), time, newest: Some(checkpoint) }
    }

    /// The bytes to write durably.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let note = self.newest.as_ref().map(SignedCheckpoint::to_bytes).unwrap_or_default();
        Canonical::new(LABEL).field(self.origin.as_str()).number(self.time).field(note).into_bytes()
    }

    /// Reads the memory of `origin`, whose registered journal key is given.
    ///
    /// # Errors
    /// Every [`MemoryError`].
    pub fn parse(bytes: &[u8], origin: &Origin, journal_key: &[u8; 32]) -> Result<Self, MemoryError> {
        let mut reader = Reader::new(LABEL, bytes)?;
        let found = reader.text()?;
        if found != origin.as_str() {
            return Err(MemoryError::AnotherLog(found.to_owned()));
        }
        let time = reader.number()?;
        let note = reader.field()?;
        reader.end()?;
        let newest = match note {
            [] => None,
            note => Some(SignedCheckpoint::verify(note, origin, journal_key)?),
        };
        Ok(Self { origin: origin.clone(), time, newest })
    }

    /// Which log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The newest checkpoint; `None` if none was cosigned yet.
    #[must_use]
    pub fn checkpoint(&self) -> Option<&SignedCheckpoint> {
        self.newest.as_ref()
    }

    /// When it was cosigned: Unix seconds, 0 for never.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Its size, 0 for none.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.checkpoint().size)
    }

    /// Its root, that of the empty tree for none.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.newest.as_ref().map_or_else(empty_root, |newest| newest.checkpoint().root)
    }

    /// Its term, 0 for none.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.newest.as_ref().map_or(0, |newest| newest.checkpoint().term)
    }
}
