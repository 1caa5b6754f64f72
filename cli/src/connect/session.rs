//! Judges session evidence: sans-IO, against one connection's [`Channel`], the reference values and the time.
//!
//! ```text
//! answer ─ nonce, SPKI, exporter are ours ─ leaf in the tree ─ root signed by the journal key ─ checkpoint cosigned
//!        ─ report over the root, as the reference values ask ─► Session
//! ```
//!
//! The leaf names journal key and origin, and is believed because the report covers it: only a guest that the reference
//! values admit makes such a report, and its configuration, which HOST_DATA measures, names the origin.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use shroud_attestation::session::{Leaf, SessionEvidence, SessionFormError, root_message};
use shroud_attestation::{ReferenceValues, Rejected, Rejection, VerifiedReport, purpose};
use shroud_journal::cosigned::CosignedError;
use shroud_journal::tree::ProofError;
use shroud_journal::{Checkpoint, CheckpointError, SignedCheckpoint, verify_inclusion};
use shroud_wire::note::Note;

use super::checkpoints::{CheckpointsError, Remembered};
use super::connection::Channel;
use super::witnesses::Cosigners;

/// What was verified of one connection.
#[derive(Debug)]
pub struct Session {
    report: VerifiedReport,
    newest: Remembered,
}

impl Session {
    /// The report over the batch that the connection's leaf is in.
    #[must_use]
    pub fn report(&self) -> &VerifiedReport {
        &self.report
    }

    /// The checkpoint that the guest stands on, and the key that signed it.
    #[must_use]
    pub fn newest(&self) -> &Remembered {
        &self.newest
    }
}

/// Why a connection is not the enclave's, or not one to send a request over.
#[derive(Debug, thiserror::Error)]
pub enum SessionRefused {
    /// The evidence is for another challenge.
    #[error("the session evidence answers another nonce than the one that was sent")]
    Nonce,
    /// The evidence is of another TLS key.
    #[error("the session evidence is of another TLS key than the certificate's")]
    Spki,
    /// The evidence is of another connection.
    #[error("the session evidence is of another TLS connection: somebody stands in between")]
    Exporter,
    /// The leaf is not in the tree.
    #[error("the session evidence is not in its batch: {0}")]
    Inclusion(ProofError),
    /// The journal key did not sign the batch.
    #[error("the journal key did not sign the batch")]
    Signature,
    /// The report does not cover the batch, or the reference values do not admit it.
    #[error("the session's report was refused: {0}")]
    Report(Rejected),
    /// The checkpoint is none, or not the journal key's.
    #[error("the checkpoint was refused: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint lacks the cosignatures of a quorum.
    #[error("the checkpoint was refused: {0}")]
    Cosignatures(#[from] CosignedError),
    /// The checkpoint is older than one that was seen.
    #[error(
        "the enclave stands on an old state: {found} entries in term {found_term}, where {known} entries in term {known_term} were seen"
    )]
    Older {
        /// Entries of the checkpoint that was seen.
        known: u64,
        /// Its term.
        known_term: u64,
        /// Entries of the checkpoint in the evidence.
        found: u64,
        /// Its term.
        found_term: u64,
    },
    /// The checkpoint contradicts one that was seen.
    #[error(
        "the enclave stands on a forked state: its checkpoint at {size} entries contradicts one that was seen: {why}"
    )]
    Forked {
        /// Entries of the checkpoint in the evidence.
        size: u64,
        /// In what.
        why: String,
    },
    /// The journal key is another one than before.
    #[error("the journal of {0} is signed by another key than before")]
    JournalKey(String),
    /// The enclave gives no evidence now.
    #[error("the enclave gave no session evidence: it answered {status}")]
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// The answer cannot be read.
    #[error(transparent)]
    Form(#[from] SessionFormError),
    /// The connection broke.
    #[error("the connection broke before it was verified: {0}")]
    Connection(String),
    /// What is remembered cannot be read or kept.
    #[error(transparent)]
    Memory(#[from] CheckpointsError),
}

impl SessionRefused {
    /// The name of the check that failed, as programs see it.
    #[must_use]
    pub fn check(&self) -> &'static str {
        match self {
            Self::Nonce => "session_nonce",
            Self::Spki => "session_spki",
            Self::Exporter => "session_exporter",
            Self::Inclusion(_) => "session_inclusion",
            Self::Signature => "session_signature",
            Self::Report(_) => "session_report",
            Self::Checkpoint(_) => "checkpoint",
            Self::Cosignatures(_) => "checkpoint_cosignatures",
            Self::Older { .. } => "checkpoint_older",
            Self::Forked { .. } => "checkpoint_forked",
            Self::JournalKey(_) => "journal_key",
            Self::Unavailable { .. } => "session_unavailable",
            Self::Form(_) => "session_form",
            Self::Connection(_) => "session_connection",
            Self::Memory(_) => "checkpoint_memory",
        }
    }

    /// The failures of the report, where that is why.
    #[must_use]
    pub fn rejections(&self) -> &[Rejection] {
        match self {
            Self::Report(rejected) => &rejected.rejections,
            _ => &[],
        }
    }
}

/// Verifies that `answer` is evidence of the connection of `channel`, at a time in seconds since 1970.
///
/// # Errors
/// What concerns the evidence alone of [`SessionRefused`]; whether the checkpoint is older than another is judged by
/// [`Remembered::follows`].
pub fn verify(
    answer: &SessionEvidence,
    channel: &Channel,
    references: &ReferenceValues,
    cosigners: Option<&Cosigners>,
    now: u64,
) -> Result<Session, SessionRefused> {
    belongs(&answer.leaf, channel)?;
    let (leaf, root) = (&answer.leaf, &answer.root);
    verify_inclusion(&leaf.hash(), answer.index, answer.size, &answer.path, root)
        .map_err(SessionRefused::Inclusion)?;
    let key = UnparsedPublicKey::new(&ED25519, leaf.journal_key);
    key.verify(&root_message(root), &answer.signature).map_err(|_| SessionRefused::Signature)?;
    let newest = newest(leaf, cosigners)?;
    let report = shroud_attestation::verify(&answer.evidence(), &purpose::session(root), references, now)
        .map_err(SessionRefused::Report)?;
    Ok(Session { report, newest })
}

/// The leaf is of this connection, and answers this challenge.
fn belongs(leaf: &Leaf, channel: &Channel) -> Result<(), SessionRefused> {
    if leaf.nonce != *channel.nonce() {
        return Err(SessionRefused::Nonce);
    }
    if leaf.spki != channel.spki() {
        return Err(SessionRefused::Spki);
    }
    if leaf.exporter != *channel.exporter() {
        return Err(SessionRefused::Exporter);
    }
    Ok(())
}

/// The checkpoint, signed by the leaf's journal key, and cosigned where the cosigners are known.
fn newest(leaf: &Leaf, cosigners: Option<&Cosigners>) -> Result<Remembered, SessionRefused> {
    let note = Note::parse(&leaf.checkpoint).map_err(CheckpointError::from)?;
    let origin = Checkpoint::parse(&note.text)?.origin;
    let signed = match cosigners {
        Some(cosigners) => cosigners.verify(&leaf.checkpoint, &origin, &leaf.journal_key)?,
        None => SignedCheckpoint::verify(&leaf.checkpoint, &origin, &leaf.journal_key)?,
    };
    Ok(Remembered::new(signed, leaf.journal_key))
}
