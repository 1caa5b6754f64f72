//! What a report is asked for: one label per purpose, and no purpose can stand for another (DESIGN §6).
//!
//! `REPORT_DATA = SHA-512(label ‖ length-prefixed fields)`. The only way to a [`ReportData`] is through a purpose.

use sha2::{Digest as _, Sha512};
use shroud_wire::canonical::Canonical;

/// The label of a certificate's key.
pub const TLS_CERTIFICATE: &str = "shroud/v1/tls-certificate";
/// The label of session evidence.
pub const SESSION: &str = "shroud/v1/session";

/// The 64 bytes that a report must carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportData([u8; 64]);

impl ReportData {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

/// For a TLS certificate: its key, as SubjectPublicKeyInfo in DER, lives in this guest.
#[must_use]
pub fn tls_certificate(spki: &[u8]) -> ReportData {
    hashed(&Canonical::new(TLS_CERTIFICATE).field(spki).into_bytes())
}

/// For a batch of sessions: the RFC 6962 root over their leaves.
#[must_use]
pub fn session(root: &[u8; 32]) -> ReportData {
    hashed(&Canonical::new(SESSION).field(root).into_bytes())
}

/// For one release by a gateway: the bytes of [`shroud_wire::gateway::release_transcript`].
#[must_use]
pub fn release(transcript: &[u8]) -> ReportData {
    hashed(transcript)
}

fn hashed(bytes: &[u8]) -> ReportData {
    ReportData(Sha512::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purpose_confusion() {
        let key = [7; 32];
        let transcript = shroud_wire::gateway::release_transcript(&key, &key, &key, &key);
        assert_ne!(tls_certificate(&key), session(&key));
        assert_ne!(tls_certificate(&transcript), release(&transcript));
    }
}
