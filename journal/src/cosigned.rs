//! A checkpoint gathers the cosignatures of distinct configured witnesses until a quorum holds.
//!
//! [`Cosigning`] is the gathering; [`CosignedCheckpoint`] is the proof that it ended well, and the only thing that says
//! what time it is. Trusted: the set of witness keys, which the caller takes from verified credentials.

use shroud_wire::note::SignatureLine;

use crate::checkpoint::{self, Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use crate::cosignature::{Cosignature, CosignatureError, WitnessKey};
use crate::quorum::Quorum;
use crate::time::{ClockError, QuorumTime};

/// The configured witnesses: distinct names and distinct keys.
#[derive(Clone, Debug)]
pub struct Witnesses(Vec<WitnessKey>);

/// A witness or a key stands in the set twice.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("witness {0:?} shares its name or key with another")]
pub struct WitnessTwice(String);

/// A checkpoint on its way to a quorum.
#[derive(Debug)]
pub struct Cosigning {
    checkpoint: SignedCheckpoint,
    cosignatures: Vec<Cosignature>,
}

/// A quorum of distinct configured witnesses saw this checkpoint as the newest of its log.
#[derive(Debug)]
pub struct CosignedCheckpoint {
    checkpoint: SignedCheckpoint,
    cosignatures: Vec<Cosignature>,
    time: QuorumTime,
}

/// Why there is no cosigned checkpoint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CosignedError {
    /// The note is no checkpoint of the log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Fewer distinct witnesses than the quorum cosigned.
    #[error("{have} of {need} witnesses cosigned")]
    Quorum {
        /// How many did.
        have: usize,
        /// How many must.
        need: usize,
    },
    /// The times of the cosignatures cannot be used.
    #[error(transparent)]
    Clock(#[from] ClockError),
}

impl Witnesses {
    /// Takes the keys of distinct witnesses.
    ///
    /// # Errors
    /// [`WitnessTwice`]: one witness under two names would count twice.
    pub fn new(keys: Vec<WitnessKey>) -> Result<Self, WitnessTwice> {
        let twice = keys.iter().enumerate().find(|(index, key)| {
            keys.iter().take(*index).any(|other| other.name() == key.name() || other.public() == key.public())
        });
        match twice {
            Some((_, key)) => Err(WitnessTwice(key.name().to_owned())),
            None => Ok(Self(keys)),
        }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &[WitnessKey] {
        &self.0
    }

    /// Verifies a line by the witness that it names.
    ///
    /// # Errors
    /// [`CosignatureError::Stranger`] if no configured witness has its key, and those of [`WitnessKey::verify`].
    pub fn verify(
        &self,
        checkpoint: &SignedCheckpoint,
        line: &SignatureLine,
    ) -> Result<Cosignature, CosignatureError> {
        let key = self.0.iter().find(|key| key.wrote(line));
        key.ok_or_else(|| CosignatureError::Stranger(line.name.clone()))?.verify(checkpoint, line)
    }
}

impl Cosigning {
    /// Starts to gather for a checkpoint.
    #[must_use]
    pub fn new(checkpoint: SignedCheckpoint) -> Self {
        Self { checkpoint, cosignatures: Vec::new() }
    }

    /// Verifies a line and takes it; a later one of the same witness takes the place of the earlier.
    ///
    /// Gives how many distinct witnesses have cosigned.
    ///
    /// # Errors
    /// Those of [`Witnesses::verify`].
    pub fn add(&mut self, witnesses: &Witnesses, line: &SignatureLine) -> Result<usize, CosignatureError> {
        let cosignature = witnesses.verify(&self.checkpoint, line)?;
        self.cosignatures
            .retain(|other| other.witness() != cosignature.witness() || other.time() > cosignature.time());
        if !self.cosignatures.iter().any(|other| other.witness() == cosignature.witness()) {
            self.cosignatures.push(cosignature);
        }
        Ok(self.cosignatures.len())
    }

    /// How many distinct witnesses have cosigned.
    #[must_use]
    pub fn count(&self) -> usize {
        self.cosignatures.len()
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Ends the gathering: the write quorum holds.
    ///
    /// # Errors
    /// [`CosignedError::Quorum`], [`CosignedError::Clock`], with the gathering to go on with.
    pub fn finish(self, quorum: &Quorum) -> Result<CosignedCheckpoint, (Box<Self>, CosignedError)> {
        let (have, need) = (self.cosignatures.len(), quorum.write());
        if have < need {
            return Err((Box::new(self), CosignedError::Quorum { have, need }));
        }
        let times: Vec<u64> = self.cosignatures.iter().map(Cosignature::time).collect();
        match QuorumTime::new(&times, need) {
            Ok(time) => {
                let Self { checkpoint, cosignatures } = self;
                Ok(CosignedCheckpoint { checkpoint, cosignatures, time })
            }
            Err(error) => Err((Box::new(self), error.into())),
        }
    }
}

impl CosignedCheckpoint {
    /// Verifies a note that carries the journal key's signature and the cosignatures of a write quorum.
    ///
    /// Lines of strangers are passed over, and of each witness the first counts.
    ///
    /// # Errors
    /// Every [`CosignedError`].
    pub fn verify(
        note: &[u8],
        origin: &Origin,
        journal_key: &[u8; 32],
        witnesses: &Witnesses,
        quorum: &Quorum,
    ) -> Result<Self, CosignedError> {
        let note = checkpoint::read(note)?;
        let lines = note.signatures.clone();
        let mut cosigning = Cosigning::new(SignedCheckpoint::verify_note(note, origin, journal_key)?);
        for key in witnesses.keys() {
            // One line for each witness, whatever a stranger piles up; one that does not verify counts for nothing.
            if let Some(line) = lines.iter().find(|line| key.wrote(line)) {
                let _ = cosigning.add(witnesses, line);
            }
        }
        cosigning.finish(quorum).map_err(|(_, error)| error)
    }

    /// What was cosigned.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        self.checkpoint.checkpoint()
    }

    /// The signed checkpoint.
    #[must_use]
    pub fn signed(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// What time it is by this quorum.
    #[must_use]
    pub fn time(&self) -> QuorumTime {
        self.time
    }

    /// The cosignatures, one of each witness.
    #[must_use]
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }

    /// The note with every signature.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let lines: Vec<SignatureLine> = self.cosignatures.iter().map(|c| c.line().clone()).collect();
        self.checkpoint.note_with(&lines)
    }
}

#[cfg(test)]
mod tests;
