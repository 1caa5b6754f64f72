//! Reads the files that the arguments name. A file that cannot be opened is a matter of usage; what stands in it is
//! evidence, to be judged.

use std::fs;
use std::path::Path;

use shroud_attestation::collateral::{Collateral, CollateralError};
use shroud_attestation::{ReferenceError, ReferenceValues};

use super::ReportArguments;

/// Everything that was given, read and not judged.
pub(super) struct Input {
    pub(super) report: Vec<u8>,
    pub(super) vek: Option<Vec<u8>>,
    pub(super) collateral: Collateral,
    pub(super) roots: Vec<Vec<u8>>,
    pub(super) reference: Option<ReferenceValues>,
    /// What was given and could not be read.
    pub(super) unreadable: Vec<Unreadable>,
}

/// Evidence that is not in a form that can be judged.
pub(super) struct Unreadable {
    pub(super) field: &'static str,
    pub(super) found: String,
}

/// Why the command cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum UsageError {
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    #[error("--root: {0}")]
    Root(CollateralError),
    #[error("--root holds no certificate")]
    NoRoot,
    #[error("--reference: {0}")]
    Reference(ReferenceError),
}

impl Input {
    pub(super) fn read(arguments: &ReportArguments) -> Result<Self, UsageError> {
        let mut unreadable = Vec::new();
        let mut collateral = Collateral::default();
        if let Some(path) = &arguments.chain {
            take(Collateral::parse(&open(path)?), "chain", &mut collateral, &mut unreadable);
        }
        for path in &arguments.crl {
            revocations(&open(path)?, &mut collateral, &mut unreadable);
        }
        let vek = arguments.vek.as_deref().map(open).transpose()?.map(certificate);
        let reference = arguments.reference.as_deref().map(open).transpose()?;
        let reference = reference.map(|bytes| ReferenceValues::parse(&bytes)).transpose();
        let reference = reference.map_err(UsageError::Reference)?;
        let mut roots = arguments.root.as_deref().map(root).transpose()?.unwrap_or_default();
        roots.extend(reference.iter().flat_map(ReferenceValues::roots).cloned());
        Ok(Self { report: open(&arguments.report)?, vek, collateral, roots, reference, unreadable })
    }
}

fn open(path: &Path) -> Result<Vec<u8>, UsageError> {
    fs::read(path).map_err(|error| UsageError::File(path.display().to_string(), error))
}

/// A single certificate as DER, or the bytes as they are, for the verifier to refuse.
fn certificate(bytes: Vec<u8>) -> Vec<u8> {
    match Collateral::parse(&bytes) {
        Ok(Collateral { certificates, .. }) if certificates.len() == 1 => certificates.concat(),
        _ => bytes,
    }
}

fn root(path: &Path) -> Result<Vec<Vec<u8>>, UsageError> {
    let roots = Collateral::parse(&open(path)?).map_err(UsageError::Root)?.certificates;
    if roots.is_empty() { Err(UsageError::NoRoot) } else { Ok(roots) }
}

fn take(
    read: Result<Collateral, CollateralError>,
    field: &'static str,
    into: &mut Collateral,
    unreadable: &mut Vec<Unreadable>,
) {
    match read {
        Ok(Collateral { certificates, crls }) if certificates.is_empty() && crls.is_empty() => {
            unreadable.push(Unreadable { field, found: "no certificate".into() });
        }
        Ok(Collateral { certificates, crls }) => {
            into.certificates.extend(certificates);
            into.crls.extend(crls);
        }
        Err(error) => unreadable.push(Unreadable { field, found: error.to_string() }),
    }
}

/// Revocation lists; bytes that are none are handed on, for the verifier to refuse.
fn revocations(bytes: &[u8], into: &mut Collateral, unreadable: &mut Vec<Unreadable>) {
    match Collateral::parse(bytes) {
        Ok(Collateral { certificates, crls }) => {
            into.crls.extend(crls);
            into.crls.extend(certificates);
        }
        Err(error) => unreadable.push(Unreadable { field: "crl", found: error.to_string() }),
    }
}
