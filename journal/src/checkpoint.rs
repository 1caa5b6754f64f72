//! Checkpoints: a log's size and root as a C2SP signed note, signed by the journal key.
//!
//! ```text
//! shroud.invalid/1f0e…                            the origin
//! 42                                              the size
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    the root, base64
//! term 3                                          the one extension line
//!
//! — shroud.invalid/1f0e… base64(key hash ‖ Ed25519 signature over the four lines)
//! ```
//!
//! Follows <https://c2sp.org/tlog-checkpoint> and <https://c2sp.org/signed-note>; the key's name is the origin. Signatures
//! by other names or keys are passed over, as the specification asks. Trusted: the journal key that the caller pins.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use shroud_wire::limits;
use shroud_wire::note::{Note, NoteError, SignatureLine};

use crate::hash::{Hash, sha256};

/// The byte that stands for an Ed25519 signature in a key hash.
const ED25519_TYPE: u8 = 1;
/// The longest origin, in bytes; ML-DSA cosignatures could carry no longer one.
const ORIGIN: usize = 255;

/// The name of a log, which is also the name of its key: 1 to 255 printable ASCII characters without space and plus.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(Arc<str>);

/// Where a log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// How many entries it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The term of the guest that signs.
    pub term: u64,
}

/// A checkpoint that the journal key signed: made by signing, or by [`SignedCheckpoint::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    text: String,
    line: SignatureLine,
}

/// Why bytes are no checkpoint of a log.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// The bytes are no signed note.
    #[error("the checkpoint is no signed note: {0}")]
    Note(#[from] NoteError),
    /// The note is longer than [`limits::NOTE`].
    #[error("a checkpoint of {0} bytes is too long")]
    TooLong(usize),
    /// The text is not origin, size, root and term, each in its one form.
    #[error("the text of the checkpoint is not origin, size, root and term")]
    Text,
    /// The origin has characters that no key name has, none, or too many.
    #[error("{0:?} is no origin")]
    Origin(String),
    /// It is another log's.
    #[error("the checkpoint is of {found}, expected {expected}")]
    AnotherLog {
        /// The log that the caller expects.
        expected: Origin,
        /// The log that the text names.
        found: Origin,
    },
    /// The journal key did not sign it.
    #[error("the journal key did not sign the checkpoint")]
    Signature,
}

impl Origin {
    /// Takes a name that may stand in a note.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`].
    pub fn new(name: &str) -> Result<Self, CheckpointError> {
        let plain = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+');
        if !plain || name.is_empty() || name.len() > ORIGIN {
            return Err(CheckpointError::Origin(name.chars().take(ORIGIN).collect()));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The key hash of a C2SP note: the first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key).
pub(crate) fn key_hash(name: &str, kind: u8, public: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[kind], public]);
    [a, b, c, d]
}

/// A decimal number in its one form: no sign, no leading zero, and room for a signed 64-bit reader.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number: u64 = if plain { text.parse().ok()? } else { return None };
    (number <= i64::MAX.unsigned_abs()).then_some(number)
}

/// A hash in its one base64 form.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

impl Checkpoint {
    /// The signed text: four lines.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { origin, size, root, term } = self;
        format!("{origin}\n{size}\n{}\nterm {term}\n", BASE64_STANDARD.encode(root))
    }

    /// Reads a text back; nothing about it is verified.
    ///
    /// # Errors
    /// [`CheckpointError::Text`], [`CheckpointError::Origin`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size, root, term, ""] = lines.as_slice() else { return Err(CheckpointError::Text) };
        let term = term.strip_prefix("term ").ok_or(CheckpointError::Text)?;
        Ok(Self {
            origin: Origin::new(origin)?,
            size: decimal(size).ok_or(CheckpointError::Text)?,
            root: hash(root).ok_or(CheckpointError::Text)?,
            term: decimal(term).ok_or(CheckpointError::Text)?,
        })
    }

    /// Signs the checkpoint with the journal key.
    #[must_use]
    pub fn sign(self, journal_key: &Ed25519KeyPair) -> SignedCheckpoint {
        let text = self.text();
        let name = self.origin.to_string();
        let key_hash = key_hash(&name, ED25519_TYPE, journal_key.public_key().as_ref());
        let signature = journal_key.sign(text.as_bytes()).as_ref().to_vec();
        SignedCheckpoint { checkpoint: self, text, line: SignatureLine { name, key_hash, signature } }
    }
}

impl SignedCheckpoint {
    /// Verifies that `journal_key` (32 bytes, Ed25519) signed a checkpoint of `origin`.
    ///
    /// # Errors
    /// Every [`CheckpointError`].
    pub fn verify(note: &[u8], origin: &Origin, journal_key: &[u8; 32]) -> Result<Self, CheckpointError> {
        Self::verify_note(read(note)?, origin, journal_key)
    }

    pub(crate) fn verify_note(
        note: Note,
        origin: &Origin,
        journal_key: &[u8; 32],
    ) -> Result<Self, CheckpointError> {
        let checkpoint = Checkpoint::parse(&note.text)?;
        if checkpoint.origin != *origin {
            let (expected, found) = (origin.clone(), checkpoint.origin);
            return Err(CheckpointError::AnotherLog { expected, found });
        }
        let hash = key_hash(origin.as_str(), ED25519_TYPE, journal_key);
        let key = UnparsedPublicKey::new(&ED25519, journal_key);
        // One verification for each note, whatever a stranger piles up: the first line under the key's name and hash.
        let line = note
            .signatures
            .into_iter()
            .find(|line| line.name == origin.as_str() && line.key_hash == hash)
            .filter(|line| key.verify(note.text.as_bytes(), &line.signature).is_ok())
            .ok_or(CheckpointError::Signature)?;
        Ok(Self { checkpoint, text: note.text, line })
    }

    /// What was signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The signed text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The note, with the journal key's signature alone.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.note_with(&[])
    }

    /// The note, with further signature lines after the journal key's.
    pub(crate) fn note_with(&self, lines: &[SignatureLine]) -> Vec<u8> {
        let signatures = [std::slice::from_ref(&self.line), lines].concat();
        Note { text: self.text.clone(), signatures }.to_bytes()
    }
}

/// Takes a note of bounded length apart.
pub(crate) fn read(note: &[u8]) -> Result<Note, CheckpointError> {
    if note.len() > limits::NOTE {
        return Err(CheckpointError::TooLong(note.len()));
    }
    Ok(Note::parse(note)?)
}

#[cfg(test)]
mod tests;
