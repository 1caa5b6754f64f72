//! Reference values: which guests count, signed k of n by the operators. A C2SP signed note whose text is JSON.
//!
//! ```text
//! {"version": 1,
//!  "operators": {"threshold": 1, "keys": [{"name": "operator-1", "ed25519": hex32}]},
//!  "tuples": [{"measurement": hex48, "host_data": hex32, "chips": [hex64]}],
//!  "roots": ["-----BEGIN CERTIFICATE-----…"],
//!  "platform": {…}}
//!
//! — operator-1 base64(key hash ‖ Ed25519 signature over the text)
//! ```
//!
//! The file that a verifier starts with is trusted because somebody put it there; every newer one must carry the
//! quorum of the operators before it, and a higher version.

mod operators;
mod text;

use core::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use shroud_wire::note::{Note, NoteError};

pub use operators::{Operator, Operators, key_hash, signature_line};
pub(crate) use text::fixed_hex;

use crate::PlatformPolicy;
use crate::collateral::Collateral;
use crate::x509::{Certificate, X509Error};

/// A guest that counts: what it runs, what it is configured with, and on which chips.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuple {
    /// The launch measurement.
    #[serde(with = "fixed_hex")]
    pub measurement: [u8; 48],
    /// SHA-256 of the configuration.
    #[serde(with = "fixed_hex")]
    pub host_data: [u8; 32],
    /// The chips that it may run on; an empty list admits nobody.
    #[serde(with = "text::hex_list")]
    pub chips: Vec<[u8; 64]>,
}

/// The signed text of a reference-values file, for whoever writes one. A draft verifies nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// Higher in every newer file.
    pub version: u64,
    /// Who signs.
    pub operators: Operators,
    /// The guests that count.
    pub tuples: Vec<Tuple>,
    /// Roots beside AMD's, in PEM. Evidence under one of them is of level `dev`.
    #[serde(default)]
    pub roots: Vec<String>,
    /// What is demanded of the platform; what is left out is as in the default.
    #[serde(default)]
    pub platform: PlatformPolicy,
}

/// Reference values that carry the quorum of their operators.
#[derive(Clone, Debug)]
pub struct ReferenceValues {
    draft: Draft,
    roots: Vec<Vec<u8>>,
}

/// Why a file is no reference values.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// Not a signed note.
    #[error("not a signed note: {0}")]
    Note(#[from] NoteError),
    /// The text is not the JSON that is expected.
    #[error("the text is not reference values: {0}")]
    Json(#[from] serde_json::Error),
    /// A threshold of zero, above the number of operators, or operators that repeat.
    #[error("the threshold or the list of operators is unfit: {0}")]
    Operators(&'static str),
    /// A line under an operator's name and key whose signature is wrong.
    #[error("the signature of operator {0:?} does not verify")]
    Signature(String),
    /// Too few operators signed.
    #[error("{signed} of {threshold} operators signed")]
    Quorum {
        /// Whose quorum is missing.
        threshold: NonZeroUsize,
        /// How many of them signed.
        signed: usize,
    },
    /// The version is not above the one that it would replace.
    #[error("version {newer} does not replace version {older}")]
    Version {
        /// The version that is in force.
        older: u64,
        /// The version of the file.
        newer: u64,
    },
    /// A root that is no certificate.
    #[error("root {index} is not one certificate: {reason}")]
    Root {
        /// Its place in the list.
        index: usize,
        /// Why not.
        reason: String,
    },
}

impl Draft {
    /// The text that operators sign.
    ///
    /// # Errors
    /// Never with values of these types; what `serde_json` reports.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }
}

impl ReferenceValues {
    /// Reads a file and verifies the quorum of its own operators.
    ///
    /// # Errors
    /// Every [`ReferenceError`] but `Version`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReferenceError> {
        let note = Note::parse(bytes)?;
        let values = Self::read(&note)?;
        values.draft.operators.verify(&note)?;
        Ok(values)
    }

    /// Reads a newer file, which must carry the quorum of these operators and of its own.
    ///
    /// # Errors
    /// Every [`ReferenceError`].
    pub fn succeed(&self, newer: &[u8]) -> Result<Self, ReferenceError> {
        let note = Note::parse(newer)?;
        let values = Self::read(&note)?;
        self.draft.operators.verify(&note)?;
        values.draft.operators.verify(&note)?;
        let (older, newer) = (self.version(), values.version());
        if newer <= older {
            return Err(ReferenceError::Version { older, newer });
        }
        Ok(values)
    }

    fn read(note: &Note) -> Result<Self, ReferenceError> {
        let draft: Draft = serde_json::from_str(&note.text)?;
        draft.operators.sound()?;
        let roots =
            draft.roots.iter().enumerate().map(|(index, pem)| root(index, pem)).collect::<Result<_, _>>()?;
        Ok(Self { draft, roots })
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.draft.version
    }

    /// The guests that count.
    #[must_use]
    pub fn tuples(&self) -> &[Tuple] {
        &self.draft.tuples
    }

    /// What is demanded of the platform.
    #[must_use]
    pub fn platform(&self) -> &PlatformPolicy {
        &self.draft.platform
    }

    /// The roots beside AMD's, in DER.
    #[must_use]
    pub fn roots(&self) -> &[Vec<u8>] {
        &self.roots
    }
}

/// One root: one PEM block that holds a certificate.
fn root(index: usize, pem: &str) -> Result<Vec<u8>, ReferenceError> {
    let fail = |reason: String| ReferenceError::Root { index, reason };
    let mut collateral = Collateral::parse(pem.as_bytes()).map_err(|error| fail(error.to_string()))?;
    let (Some(der), true) = (collateral.certificates.pop(), collateral.certificates.is_empty()) else {
        return Err(fail("not exactly one certificate".into()));
    };
    Certificate::parse(&der).map_err(|error: X509Error| fail(error.to_string()))?;
    Ok(der)
}
