//! Cosignatures: a witness says when it saw a checkpoint as the newest of its log.
//!
//! ```text
//! signed:  cosignature/v1 ↵ time T ↵ the checkpoint's text
//! line:    — witness base64(key hash ‖ u64be T ‖ Ed25519 signature)
//! key hash = SHA-256(witness ‖ newline ‖ 0x04 ‖ public key)[..4]
//! ```
//!
//! Follows <https://c2sp.org/tlog-cosignature>, Ed25519. The specification recommends ML-DSA-44 (type 0x06) for new
//! deployments; its place is [`WitnessKey`]: a second kind of key, with its own key hash and signed message, behind the same
//! [`WitnessKey::verify`]. That message leaves the extension line out, so a quorum that is to bind the term as well as
//! the root needs the term inside the tree, where the `boot` entry has it. Trusted: the witness keys that callers pin.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use shroud_wire::note::SignatureLine;

use crate::checkpoint::{SignedCheckpoint, key_hash};

/// The byte that stands for an Ed25519 cosignature in a key hash.
const COSIGNATURE_TYPE: u8 = 4;

/// The public key of a witness under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    public: [u8; 32],
    key_hash: [u8; 4],
}

/// A witness saw this checkpoint as the newest of its log: made by [`WitnessKey::verify`] alone.
#[derive(Debug)]
pub struct Cosignature {
    witness: String,
    time: u64,
    line: SignatureLine,
}

/// Why a line is no cosignature of a witness.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CosignatureError {
    /// The line is another key's.
    #[error("the line of {found:?} is not by the key of witness {expected:?}")]
    AnotherKey {
        /// The witness that the caller expects.
        expected: String,
        /// The name on the line.
        found: String,
    },
    /// The line is not a time and an Ed25519 signature.
    #[error("the line of witness {0:?} is not a time and a signature")]
    Malformed(String),
    /// The witness did not sign this checkpoint at this time.
    #[error("witness {0:?} did not sign this checkpoint")]
    Signature(String),
    /// No configured witness has this key.
    #[error("no configured witness has the key of {0:?}")]
    Stranger(String),
    /// The name has characters that no key name has.
    #[error("{0:?} is no name of a witness")]
    Name(String),
}

fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl WitnessKey {
    /// The key of the witness `name`.
    ///
    /// # Errors
    /// [`CosignatureError::Name`] if the name cannot stand in a note.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, CosignatureError> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+') {
            return Err(CosignatureError::Name(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), public, key_hash: key_hash(name, COSIGNATURE_TYPE, &public) })
    }

    /// The witness's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    pub(crate) fn wrote(&self, line: &SignatureLine) -> bool {
        line.name == self.name && line.key_hash == self.key_hash
    }

    /// Verifies a line as this witness's cosignature of `checkpoint`.
    ///
    /// # Errors
    /// [`CosignatureError::AnotherKey`], [`CosignatureError::Malformed`], [`CosignatureError::Signature`].
    pub fn verify(
        &self,
        checkpoint: &SignedCheckpoint,
        line: &SignatureLine,
    ) -> Result<Cosignature, CosignatureError> {
        if !self.wrote(line) {
            return Err(CosignatureError::AnotherKey {
                expected: self.name.clone(),
                found: line.name.clone(),
            });
        }
        let (time, signature) = parts(line).ok_or_else(|| CosignatureError::Malformed(self.name.clone()))?;
        UnparsedPublicKey::new(&ED25519, &self.public)
            .verify(message(checkpoint.text(), time).as_bytes(), signature)
            .map_err(|_| CosignatureError::Signature(self.name.clone()))?;
        Ok(Cosignature { witness: self.name.clone(), time, line: line.clone() })
    }
}

/// The time, at most 2^63 − 1 as the specification bounds it, and the signature of a line.
fn parts(line: &SignatureLine) -> Option<(u64, &[u8])> {
    let (time, signature) = line.signature.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    (time <= i64::MAX.unsigned_abs() && signature.len() == 64).then_some((time, signature))
}

/// Makes the line by which the witness `name` cosigns a checkpoint's text at `time`.
pub(crate) fn cosign(text: &str, name: &str, key: &Ed25519KeyPair, time: u64) -> SignatureLine {
    let signature = key.sign(message(text, time).as_bytes());
    SignatureLine {
        name: name.to_owned(),
        key_hash: key_hash(name, COSIGNATURE_TYPE, key.public_key().as_ref()),
        signature: [time.to_be_bytes().as_slice(), signature.as_ref()].concat(),
    }
}

impl Cosignature {
    /// The witness's name.
    #[must_use]
    pub fn witness(&self) -> &str {
        &self.witness
    }

    /// When it cosigned, by its own clock: Unix seconds.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// The signature line.
    #[must_use]
    pub fn line(&self) -> &SignatureLine {
        &self.line
    }
}
