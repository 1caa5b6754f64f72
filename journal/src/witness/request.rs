//! The request: old size, consistency proof, checkpoint.
//!
//! ```text
//! old 20852014
//! PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=      at most 63 hashes
//!
//! the checkpoint, a signed note
//! ```

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use shroud_wire::limits;

use crate::checkpoint::{self, Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use crate::hash::Hash;

/// A line of a hash: 44 characters and a newline; `old `, at most 19 digits and a newline; an empty line.
const LENGTH: usize = limits::PROOF * 45 + 24 + 1 + limits::NOTE;

/// A request to cosign; nothing about it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    proof: Vec<Hash>,
    origin: Origin,
    note: Vec<u8>,
}

/// Why bytes are no request.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RequestError {
    /// The request is longer than its parts may be.
    #[error("a request of {0} bytes is too long")]
    TooLong(usize),
    /// The request is not UTF-8, or its parts are not set apart by an empty line.
    #[error("the request is not an old size, a proof, an empty line and a checkpoint")]
    Shape,
    /// The first line is not `old` and a number in its one form.
    #[error("the first line is not an old size")]
    OldSize,
    /// A line of the proof is not the base64 of 32 bytes.
    #[error("a line of the proof is no hash")]
    ProofLine,
    /// More than [`limits::PROOF`] hashes.
    #[error("a proof of {0} hashes")]
    ProofLength(usize),
    /// What follows is no checkpoint.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
}

impl AddCheckpoint {
    /// A request to cosign `checkpoint`, which `proof` leads to from the tree of `old_size`.
    #[must_use]
    pub fn new(old_size: u64, proof: Vec<Hash>, checkpoint: &SignedCheckpoint) -> Self {
        let origin = checkpoint.checkpoint().origin.clone();
        Self { old_size, proof, origin, note: checkpoint.to_bytes() }
    }

    /// The request's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let hashes: String = self.proof.iter().map(|hash| BASE64_STANDARD.encode(hash) + "\n").collect();
        let mut bytes = format!("old {}\n{hashes}\n", self.old_size).into_bytes();
        bytes.extend_from_slice(&self.note);
        bytes
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Every [`RequestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > LENGTH {
            return Err(RequestError::TooLong(bytes.len()));
        }
        let text = core::str::from_utf8(bytes).map_err(|_| RequestError::Shape)?;
        let (head, note) = text.split_once("\n\n").ok_or(RequestError::Shape)?;
        let mut lines = head.split('\n');
        let first = lines.next().and_then(|line| line.strip_prefix("old "));
        let old_size = first.and_then(checkpoint::decimal).ok_or(RequestError::OldSize)?;
        let proof = read_proof(lines)?;
        let read = checkpoint::read(note.as_bytes())?;
        let origin = Checkpoint::parse(&read.text)?.origin;
        Ok(Self { old_size, proof, origin, note: note.into() })
    }

    /// The size that the proof starts from.
    #[must_use]
    pub fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The consistency proof.
    #[must_use]
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The log that the checkpoint names: what to look the registration and the memory up by.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The checkpoint's bytes.
    #[must_use]
    pub fn note(&self) -> &[u8] {
        &self.note
    }
}

fn read_proof<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Hash>, RequestError> {
    let lines: Vec<&str> = lines.collect();
    if lines.len() > limits::PROOF {
        return Err(RequestError::ProofLength(lines.len()));
    }
    lines.into_iter().map(|line| checkpoint::hash(line).ok_or(RequestError::ProofLine)).collect()
}
