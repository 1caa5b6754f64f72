//! The operators who sign reference values, and their quorum.

use core::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shroud_wire::note::{Note, SignatureLine};

use super::{ReferenceError, fixed_hex};
use crate::crypto::{Backend as _, Selected};

/// The algorithm byte of Ed25519 in C2SP key hashes.
const ED25519: u8 = 1;

/// One operator's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The name on the signature line.
    pub name: String,
    /// The Ed25519 public key.
    #[serde(with = "fixed_hex")]
    pub ed25519: [u8; 32],
}

/// Who signs, and how many of them must.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operators {
    /// How many must sign.
    pub threshold: NonZeroUsize,
    /// Who may.
    pub keys: Vec<Operator>,
}

/// The key hash on a signature line: the first four bytes of SHA-256(name ‖ newline ‖ 1 ‖ key).
#[must_use]
pub fn key_hash(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let digest: [u8; 32] =
        Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key).finalize().into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

/// The line that carries `signature`, made by the named operator's key over a note's text.
#[must_use]
pub fn signature_line(operator: &Operator, signature: &[u8; 64]) -> SignatureLine {
    SignatureLine {
        name: operator.name.clone(),
        key_hash: key_hash(&operator.name, &operator.ed25519),
        signature: signature.to_vec(),
    }
}

impl Operators {
    /// The text of a note that carries the quorum of these operators, for what they sign beside reference values.
    ///
    /// # Errors
    /// [`ReferenceError::Note`], [`ReferenceError::Operators`], [`ReferenceError::Signature`] and
    /// [`ReferenceError::Quorum`].
    pub fn open(&self, note: &[u8]) -> Result<String, ReferenceError> {
        self.sound()?;
        let note = Note::parse(note)?;
        self.verify(&note)?;
        Ok(note.text)
    }

    /// Demands a threshold that can be met, by operators that are different people.
    pub(super) fn sound(&self) -> Result<(), ReferenceError> {
        let repeats = |index: usize, one: &Operator| {
            self.keys
                .iter()
                .skip(index + 1)
                .any(|other| other.ed25519 == one.ed25519 || other.name == one.name)
        };
        if self.threshold.get() > self.keys.len() {
            return Err(ReferenceError::Operators("more signatures are asked for than operators exist"));
        }
        if self.keys.iter().enumerate().any(|(index, one)| repeats(index, one)) {
            return Err(ReferenceError::Operators("an operator stands twice"));
        }
        Ok(())
    }

    /// Demands the quorum of these operators on a note. Lines of others are passed over; a wrong signature under an
    /// operator's name and key refuses the note.
    pub(super) fn verify(&self, note: &Note) -> Result<(), ReferenceError> {
        let mut signed = 0;
        for operator in &self.keys {
            if operator.signed(note)? {
                signed += 1;
            }
        }
        if signed < self.threshold.get() {
            return Err(ReferenceError::Quorum { threshold: self.threshold, signed });
        }
        Ok(())
    }
}

impl Operator {
    /// Whether this operator signed; an operator counts once however many lines there are.
    fn signed(&self, note: &Note) -> Result<bool, ReferenceError> {
        let hash = key_hash(&self.name, &self.ed25519);
        let mut found = false;
        for line in note.signatures.iter().filter(|line| line.name == self.name && line.key_hash == hash) {
            Selected::ed25519(&self.ed25519, note.text.as_bytes(), &line.signature)
                .map_err(|_| ReferenceError::Signature(self.name.clone()))?;
            found = true;
        }
        Ok(found)
    }
}
