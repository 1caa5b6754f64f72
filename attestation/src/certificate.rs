//! RA-TLS: evidence inside a TLS certificate, in the form that RFC 9999 (RATS Conceptual Message Wrapper) gives it.
//!
//! The extension `id-pe-cmw` holds a JSON collection of two records: the report as evidence, its certificates as
//! endorsements, under the media types that other SNP verifiers use. The report binds the certificate's key
//! ([`crate::purpose::tls_certificate`]); possession of that key is what the TLS handshake proves. A certificate
//! alone can be relayed: session evidence covers the connection itself.

mod cmw;

pub use cmw::CmwError;

use der::asn1::ObjectIdentifier;

use crate::finding::Findings;
use crate::x509::{Certificate, X509Error};
use crate::{Check, Evidence, ReferenceValues, Rejected, VerifiedReport, purpose};

/// `id-pe-cmw`.
pub const EXTENSION_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.35");
/// Its arcs, for libraries that take them so.
pub const EXTENSION_ARCS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 35];

/// Why a certificate carries no evidence that can be read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Not a certificate.
    #[error(transparent)]
    X509(#[from] X509Error),
    /// No `id-pe-cmw` extension.
    #[error("the certificate carries no evidence")]
    Missing,
    /// The extension is malformed.
    #[error(transparent)]
    Cmw(#[from] CmwError),
}

/// The content of `extnValue` for evidence: a UTF8String in DER that holds the JSON collection.
#[must_use]
pub fn encode_extension(evidence: &Evidence) -> Vec<u8> {
    cmw::encode(evidence)
}

/// Reads the content of `extnValue`.
///
/// # Errors
/// Every [`CmwError`].
pub fn parse_extension(value: &[u8]) -> Result<Evidence, CmwError> {
    cmw::parse(value)
}

/// Takes evidence and the SubjectPublicKeyInfo out of a certificate in DER. Nothing is verified.
///
/// # Errors
/// Every [`CertificateError`].
pub fn read(der: &[u8]) -> Result<(Evidence, Vec<u8>), CertificateError> {
    let certificate = Certificate::parse(der)?;
    let value = certificate.extension(&EXTENSION_OID).ok_or(CertificateError::Missing)?;
    Ok((cmw::parse(value)?, certificate.spki.to_vec()))
}

/// Verifies that a certificate's key lives in a guest that the reference values admit, at a time in seconds since
/// 1970. The certificate's own dates are checked too; its self-signature proves nothing and is not looked at.
///
/// # Errors
/// [`Rejected`], also for a certificate without evidence.
pub fn verify(der: &[u8], values: &ReferenceValues, now: u64) -> Result<VerifiedReport, Rejected> {
    let (evidence, spki) = read(der).map_err(|error| unreadable(&error))?;
    within_dates(der, now)?;
    crate::verify(&evidence, &purpose::tls_certificate(&spki), values, now)
}

fn within_dates(der: &[u8], now: u64) -> Result<(), Rejected> {
    let certificate = Certificate::parse(der).map_err(|error| unreadable(&error.into()))?;
    let (first, last) = (certificate.not_before, certificate.not_after);
    if (first..=last).contains(&now) {
        return Ok(());
    }
    let mut findings = Findings::default();
    let expected = format!("a time from {first} to {last} (seconds since 1970)");
    let remedy = "Have the guest renew its certificate, and check the clock.";
    findings.reject(Check::Validity, "TLS certificate", expected, now.to_string(), remedy);
    Err(findings.into_rejected())
}

fn unreadable(error: &CertificateError) -> Rejected {
    let mut findings = Findings::default();
    findings.reject(
        Check::Format,
        "TLS certificate",
        "a certificate with evidence under id-pe-cmw",
        error.to_string(),
        "Connect to a Shroud enclave; a proxy in between may have replaced the certificate.",
    );
    findings.into_rejected()
}
