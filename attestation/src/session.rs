//! Session evidence: this very connection ends in this guest, now, on the newest state (DESIGN §6).
//!
//! ```text
//! leaf   = canonical(shroud/v1/session-leaf; nonce, SPKI, exporter, journal key, cosigned checkpoint)
//! root   = RFC 6962 over the leaves of one batch
//! report = REPORT_DATA is purpose::session(root)                       the guest's word, for the whole batch
//! signed = Ed25519 by the journal key over canonical(shroud/v1/session-root; root)     only an unsealed guest has it
//! ```
//!
//! A certificate's report says that the TLS key lives in a guest; whoever steals that key can still stand in between.
//! The exporter (RFC 8446 §7.5) differs between the two connections of anybody who does. This module holds the form
//! that both ends share; it verifies nothing. The tree is `shroud_journal`'s.

mod text;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shroud_wire::canonical::Canonical;
use shroud_wire::limits;

use crate::Evidence;

/// The label of the TLS exporter that a leaf covers; its context is the nonce, its length 32 bytes.
pub const EXPORTER: &[u8] = b"EXPORTER-shroud-session-v1";
/// Where session evidence is asked for: `POST`, with a [`Challenge`] as JSON.
pub const PATH: &str = "/v1/attestation";
/// Where the proof is asked for that one checkpoint extends another: `GET`, with `from` and `to` in the query.
pub const CONSISTENCY_PATH: &str = "/v1/attestation/consistency";
/// The label of a leaf.
const LEAF: &str = "shroud/v1/session-leaf";
/// The label under which the journal key signs a root.
const ROOT: &str = "shroud/v1/session-root";
/// The byte that RFC 6962 puts before a leaf.
const LEAF_PREFIX: u8 = 0;

/// What a client asks with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// 32 fresh random bytes; hexadecimal or base64 in JSON.
    #[serde(with = "text::nonce")]
    pub nonce: [u8; 32],
}

/// What the guest says of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The client's nonce.
    #[serde(with = "text::array")]
    pub nonce: [u8; 32],
    /// The TLS key that the connection was accepted with: SubjectPublicKeyInfo in DER.
    #[serde(with = "text::bytes")]
    pub spki: Vec<u8>,
    /// [`EXPORTER`] of the connection, with the nonce as context.
    #[serde(with = "text::array")]
    pub exporter: [u8; 32],
    /// The journal key: Ed25519.
    #[serde(with = "text::array")]
    pub journal_key: [u8; 32],
    /// The newest cosigned checkpoint: a signed note.
    #[serde(with = "text::bytes")]
    pub checkpoint: Vec<u8>,
}

impl Leaf {
    /// The bytes that stand in the tree.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Canonical::new(LEAF)
            .field(self.nonce)
            .field(&self.spki)
            .field(self.exporter)
            .field(self.journal_key)
            .field(&self.checkpoint)
            .into_bytes()
    }

    /// The leaf hash of RFC 6962.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new().chain_update([LEAF_PREFIX]).chain_update(self.to_bytes()).finalize().into()
    }
}

/// The bytes that the journal key signs for a batch.
#[must_use]
pub fn root_message(root: &[u8; 32]) -> Vec<u8> {
    Canonical::new(ROOT).field(root).into_bytes()
}

/// The answer: the leaf of this connection, its place in the batch, and who vouches for the batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionEvidence {
    /// The attestation report over the root.
    #[serde(with = "text::bytes")]
    pub report: Vec<u8>,
    /// The certificates that go with the report.
    #[serde(with = "text::bytes")]
    pub certificates: Vec<u8>,
    /// The RFC 6962 root of the batch.
    #[serde(with = "text::array")]
    pub root: [u8; 32],
    /// The journal key's signature over [`root_message`]: 64 bytes.
    #[serde(with = "text::bytes")]
    pub signature: Vec<u8>,
    /// The leaf of this connection.
    pub leaf: Leaf,
    /// Its index.
    pub index: u64,
    /// How many leaves the batch has.
    pub size: u64,
    /// The inclusion path, lowest sibling first.
    #[serde(with = "text::arrays")]
    pub path: Vec<[u8; 32]>,
}

/// Why an answer cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SessionFormError {
    /// Longer than [`limits::SESSION`].
    #[error("session evidence of {0} bytes is too long")]
    TooLong(usize),
    /// Not the expected JSON.
    #[error("session evidence is not what was expected: {0}")]
    Json(#[from] serde_json::Error),
    /// More hashes than a proof can have.
    #[error("an inclusion path of {0} hashes is too long")]
    Path(usize),
}

impl SessionEvidence {
    /// Reads an answer. Nothing is verified.
    ///
    /// # Errors
    /// Every [`SessionFormError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SessionFormError> {
        if bytes.len() > limits::SESSION {
            return Err(SessionFormError::TooLong(bytes.len()));
        }
        let read: Self = serde_json::from_slice(bytes)?;
        if read.path.len() > limits::PROOF {
            return Err(SessionFormError::Path(read.path.len()));
        }
        Ok(read)
    }

    /// The report and its certificates.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        Evidence { report: self.report.clone(), certificates: self.certificates.clone() }
    }
}

/// A consistency proof between two checkpoints, lowest sibling first (RFC 6962).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// The hashes.
    #[serde(with = "text::arrays")]
    pub proof: Vec<[u8; 32]>,
}

/// 32 bytes from hexadecimal or base64 text: the two have different lengths, so that none is taken for the other.
fn nonce(text: &str) -> Option<[u8; 32]> {
    let mut nonce = [0; 32];
    if hex::decode_to_slice(text, &mut nonce).is_ok() {
        return Some(nonce);
    }
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> Leaf {
        Leaf {
            nonce: [1; 32],
            spki: vec![2; 91],
            exporter: [3; 32],
            journal_key: [4; 32],
            checkpoint: b"log\n1\n".to_vec(),
        }
    }

    fn answer() -> SessionEvidence {
        SessionEvidence {
            report: vec![5; 1184],
            certificates: vec![6; 9],
            root: [7; 32],
            signature: vec![8; 64],
            leaf: leaf(),
            index: 3,
            size: 5,
            path: vec![[9; 32]; 3],
        }
    }

    #[test]
    fn an_answer_reads_back() {
        let bytes = serde_json::to_vec(&answer()).unwrap();
        assert_eq!(SessionEvidence::parse(&bytes).unwrap(), answer());
    }

    #[test]
    fn every_field_of_a_leaf_counts() {
        let bends: [fn(&mut Leaf); 5] = [
            |leaf| leaf.nonce[31] ^= 1,
            |leaf| leaf.spki.push(0),
            |leaf| leaf.exporter[0] ^= 1,
            |leaf| leaf.journal_key[0] ^= 1,
            |leaf| leaf.checkpoint.push(b'\n'),
        ];
        for bend in bends {
            let mut other = leaf();
            bend(&mut other);
            assert_ne!(other.hash(), leaf().hash());
        }
    }

    /// What the journal key signs here is neither a leaf, nor a checkpoint, nor what a report covers.
    #[test]
    fn purpose_confusion_of_the_journal_key() {
        let root = [7; 32];
        let message = root_message(&root);
        assert_ne!(message, Canonical::new(crate::purpose::SESSION).field(root).into_bytes());
        assert_ne!(message, leaf().to_bytes());
        assert_eq!(message.first(), Some(&0), "no signed note begins with a zero byte");
    }

    #[test]
    fn a_nonce_is_hexadecimal_or_base64() {
        let expected = Challenge { nonce: [0xab; 32] };
        for text in ["ab".repeat(32), BASE64_STANDARD.encode([0xab; 32])] {
            let read: Challenge = serde_json::from_value(serde_json::json!({ "nonce": text })).unwrap();
            assert_eq!(read, expected);
        }
        for text in [String::new(), "ab".repeat(31), "ab".repeat(33), BASE64_STANDARD.encode([0; 31])] {
            let read = serde_json::from_value::<Challenge>(serde_json::json!({ "nonce": text }));
            assert!(read.is_err(), "{text}");
        }
    }

    #[test]
    fn unknown_members_are_refused() {
        let mut value = serde_json::to_value(answer()).unwrap();
        value["verified"] = serde_json::json!(true);
        assert!(SessionEvidence::parse(value.to_string().as_bytes()).is_err());
    }

    #[test]
    fn an_endless_path_is_refused() {
        let answer = SessionEvidence { path: vec![[9; 32]; limits::PROOF + 1], ..answer() };
        let bytes = serde_json::to_vec(&answer).unwrap();
        assert!(matches!(SessionEvidence::parse(&bytes), Err(SessionFormError::Path(64))));
    }

    #[test]
    fn too_long_an_answer_is_not_read() {
        let bytes = vec![b' '; limits::SESSION + 1];
        assert!(matches!(SessionEvidence::parse(&bytes), Err(SessionFormError::TooLong(_))));
    }
}
