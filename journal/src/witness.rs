//! The witness: remembers the newest checkpoint of each log and cosigns only what extends it.
//!
//! ```text
//! POST add-checkpoint ─ AddCheckpoint::parse ─► request.origin() ─ the gateway's registration and disk ─► Memory?
//!      Witness::add_checkpoint(journal key?, Memory?, request, now)
//!        ├─► Refused            status(), content_type(), body()
//!        └─► Pending ─ write Pending::memory().to_bytes() durably ─ persisted() ─► (Memory, cosignature lines)
//! ```
//!
//! Follows <https://c2sp.org/tlog-witness>, with two rules on top: the term in the extension line never falls, and time
//! never runs backwards. The caller holds a lock per origin from reading the memory (and `now`) until [`Pending::persisted`];
//! otherwise an older answer could overwrite a newer memory. The caller owns the registration of origins; a registered
//! origin starts with [`Memory::registered`], so a missing memory means that it was lost, and the witness refuses.

mod answer;
mod memory;
mod refused;
mod request;

pub use answer::Answer;
pub use memory::{Memory, MemoryError};
pub use refused::Refused;
pub use request::{AddCheckpoint, RequestError};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use crate::checkpoint::SignedCheckpoint;
use crate::cosignature::{CosignatureError, WitnessKey, cosign};
use crate::tree::verify_consistency;

/// A witness: a name and an Ed25519 key.
#[derive(Debug)]
pub struct Witness {
    public: WitnessKey,
    key: Ed25519KeyPair,
}

/// A checkpoint that may be cosigned once the witness remembers it.
///
/// The cosignature is out of reach until [`Pending::persisted`], which the caller calls once the memory is written:
///
/// ```
/// # use shroud_journal::{Memory, Pending};
/// fn answer(pending: Pending, write: impl Fn(&[u8]) -> std::io::Result<()>) -> std::io::Result<String> {
///     write(&pending.memory().to_bytes())?;
///     Ok(pending.persisted().1)
/// }
/// ```
///
/// ```compile_fail,E0616
/// # use shroud_journal::{Memory, Pending};
/// fn answer(pending: Pending, write: impl Fn(&[u8]) -> std::io::Result<()>) -> std::io::Result<String> {
///     write(&pending.memory().to_bytes())?;
///     Ok(pending.lines)
/// }
/// ```
#[derive(Debug)]
#[must_use = "the cosignature is released by persisted()"]
pub struct Pending {
    memory: Memory,
    lines: String,
}

impl Witness {
    /// A witness under a name that may stand in a note.
    ///
    /// # Errors
    /// [`CosignatureError::Name`].
    pub fn new(name: &str, key: Ed25519KeyPair) -> Result<Self, CosignatureError> {
        let mut public = [0; 32];
        public.copy_from_slice(key.public_key().as_ref());
        Ok(Self { public: WitnessKey::new(name, public)?, key })
    }

    /// The witness's public half.
    #[must_use]
    pub fn public(&self) -> &WitnessKey {
        &self.public
    }

    /// Judges a request at `now` (Unix seconds).
    ///
    /// `journal_key` is what the caller registered for [`AddCheckpoint::origin`], or `None`; `memory` is what it reads from
    /// its disk, or `None` if there is none.
    ///
    /// # Errors
    /// Every [`Refused`].
    pub fn add_checkpoint(
        &self,
        journal_key: Option<&[u8; 32]>,
        memory: Option<&Memory>,
        request: &AddCheckpoint,
        now: u64,
    ) -> Result<Pending, Refused> {
        let origin = request.origin();
        let journal_key = journal_key.ok_or_else(|| Refused::UnknownOrigin(origin.clone()))?;
        let checkpoint = SignedCheckpoint::verify(request.note(), origin, journal_key)?;
        let (old, size) = (request.old_size(), checkpoint.checkpoint().size);
        if old > size {
            return Err(Refused::OldAboveNew { old, size });
        }
        let memory = memory.ok_or_else(|| Refused::MemoryLost(origin.clone()))?;
        if memory.origin() != origin {
            return Err(Refused::MemoryOfAnotherLog(memory.origin().clone()));
        }
        extends(memory, &checkpoint, request)?;
        if now < memory.time() {
            return Err(Refused::ClockBackwards { now, remembered: memory.time() });
        }
        let line = cosign(checkpoint.text(), self.public.name(), &self.key, now);
        Ok(Pending { memory: Memory::newest(checkpoint, now), lines: line.to_line() })
    }

    /// The newest checkpoint of a log with this witness's cosignature; `None` if it never cosigned one.
    ///
    /// Ed25519 is deterministic, so this is the very signature that was released.
    #[must_use]
    pub fn newest(&self, memory: &Memory) -> Option<Vec<u8>> {
        let checkpoint = memory.checkpoint()?;
        let line = cosign(checkpoint.text(), self.public.name(), &self.key, memory.time());
        Some(checkpoint.note_with(&[line]))
    }
}

/// Judges whether the checkpoint extends what is remembered.
fn extends(memory: &Memory, signed: &SignedCheckpoint, request: &AddCheckpoint) -> Result<(), Refused> {
    let checkpoint = signed.checkpoint();
    if checkpoint.term < memory.term() {
        return Err(Refused::TermFell { term: checkpoint.term, remembered: memory.term() });
    }
    let (old, size) = (request.old_size(), checkpoint.size);
    if old != memory.size() {
        return Err(Refused::Conflict { size: memory.size() });
    }
    let same_size = memory.checkpoint().filter(|newest| newest.checkpoint().size == size);
    if same_size.is_some_and(|newest| newest.text() != signed.text()) {
        return Err(Refused::Conflict { size });
    }
    verify_consistency(old, &memory.root(), size, &checkpoint.root, request.proof())?;
    Ok(())
}

impl Pending {
    /// What must be on the disk before the cosignature may leave.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The memory is durable: releases the cosignature lines, which are the body of the answer.
    #[must_use]
    pub fn persisted(self) -> (Memory, String) {
        (self.memory, self.lines)
    }
}

#[cfg(test)]
mod tests;
