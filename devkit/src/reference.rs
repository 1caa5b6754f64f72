//! The reference values of this set-up: what may run, on which chip, under which root, signed by its own operator.
//!
//! This file is the only road by which the development root reaches gateways and verifiers. Its version rises whenever
//! its content changes, because they refuse a different file that is not newer.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use shroud_wire::note::{Note, SignatureLine};

use crate::directory::{Layout, write_private};
use crate::error::{DevError, Tried as _};
use crate::operator::{OPERATOR, Operator};

/// What the security processor says of itself when it is ready.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Measured {
    /// The launch digest of the enclave's program, 96 hex digits.
    pub measurement: String,
    /// SHA-256 of the configuration, 64 hex digits.
    pub host_data: String,
    /// The chip, 128 hex digits.
    pub chip_id: String,
    /// Where its root certificate (PEM) lies.
    pub root: PathBuf,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Values {
    version: u64,
    operators: Operators,
    tuples: Vec<Tuple>,
    roots: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Operators {
    threshold: usize,
    keys: Vec<Key>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    name: String,
    ed25519: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tuple {
    measurement: String,
    host_data: String,
    chips: Vec<String>,
}

/// Writes the reference values for what the processor measured; leaves the file alone if it says so already.
///
/// # Errors
/// [`DevError::File`] if the operator's key or an earlier file is damaged, [`DevError::Io`].
pub fn write(layout: &Layout, operator: &Operator, measured: &Measured) -> Result<(), DevError> {
    let path = layout.reference();
    let key = operator.public_key().map_err(|detail| DevError::File { path: layout.operator(), detail })?;
    let root = fs::read_to_string(&measured.root).tried(|| format!("reading {}", measured.root.display()))?;
    let earlier = read(&path)?;
    let mut values = Values {
        version: earlier.as_ref().map_or(1, |earlier| earlier.version),
        operators: Operators {
            threshold: 1,
            keys: vec![Key { name: OPERATOR.to_owned(), ed25519: hex::encode(key) }],
        },
        tuples: vec![Tuple {
            measurement: measured.measurement.clone(),
            host_data: measured.host_data.clone(),
            chips: vec![measured.chip_id.clone()],
        }],
        roots: vec![root],
    };
    match earlier {
        Some(earlier) if earlier == values => return Ok(()),
        Some(earlier) => values.version = earlier.version + 1,
        None => {}
    }
    write_private(&path, &sign(operator, &key, &values, &path)?)
}

fn read(path: &Path) -> Result<Option<Values>, DevError> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = fs::read(path).tried(|| format!("reading {}", path.display()))?;
    let wrong = |detail: String| DevError::File { path: path.to_owned(), detail };
    let note = Note::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&note.text).map(Some).map_err(|error| wrong(error.to_string()))
}

fn sign(operator: &Operator, key: &[u8; 32], values: &Values, path: &Path) -> Result<Vec<u8>, DevError> {
    let mut text = serde_json::to_string_pretty(values).tried(|| format!("encoding {}", path.display()))?;
    text.push('\n');
    let signature =
        operator.sign(text.as_bytes()).map_err(|detail| DevError::File { path: path.to_owned(), detail })?;
    let line = SignatureLine { name: OPERATOR.to_owned(), key_hash: key_hash(OPERATOR, key), signature };
    Ok(Note { text, signatures: vec![line] }.to_bytes())
}

/// The C2SP key hash of an Ed25519 note key.
fn key_hash(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let hash = digest(&SHA256, &[name.as_bytes(), b"\n\x01", key].concat());
    let mut out = [0; 4];
    out.iter_mut().zip(hash.as_ref()).for_each(|(out, byte)| *out = *byte);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::directory::testing::Scratch;

    fn measured(scratch: &Scratch, measurement: &str) -> Measured {
        let root = scratch.path().join("root.pem");
        fs::write(&root, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        Measured {
            measurement: measurement.repeat(48),
            host_data: "cd".repeat(32),
            chip_id: "ef".repeat(64),
            root,
        }
    }

    #[test]
    fn the_version_rises_only_when_the_content_changes() {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        let (layout, operator) = (directory.layout(), Operator::open(directory.layout()).unwrap());
        let version = |measurement| {
            write(layout, &operator, &measured(&scratch, measurement)).unwrap();
            read(&layout.reference()).unwrap().unwrap().version
        };
        assert_eq!([version("aa"), version("aa"), version("bb"), version("bb")], [1, 1, 2, 2]);
    }

    #[test]
    fn the_note_carries_the_operators_signature() {
        let scratch = Scratch::new();
        let directory = Directory::open(scratch.path()).unwrap();
        let operator = Operator::open(directory.layout()).unwrap();
        write(directory.layout(), &operator, &measured(&scratch, "aa")).unwrap();
        let note = Note::parse(&fs::read(directory.layout().reference()).unwrap()).unwrap();
        let key = operator.public_key().unwrap();
        let verifier = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, key);
        verifier.verify(note.text.as_bytes(), &note.signatures[0].signature).unwrap();
        assert_eq!(note.signatures[0].key_hash, key_hash(OPERATOR, &key));
    }
}
