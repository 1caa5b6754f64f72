//! The certificate verifier of one connection: it asks `shroud_attestation`, and keeps what it answered.
//!
//! There is no name and no certificate authority here: what admits a certificate is the report inside it, whose
//! REPORT_DATA covers the certificate's key. That the peer holds this key is TLS's own signature, which is verified
//! as always. A verifier is made for one connection and gives its verdict away once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerIncompatible, SignatureScheme};
use shroud_attestation::{ReferenceValues, Rejected, VerifiedReport, certificate};

/// What came of one certificate's evidence.
pub type Verdict = Result<VerifiedReport, Rejected>;

/// Verifies the evidence in the certificate of one connection.
#[derive(Debug)]
pub struct EvidenceVerifier {
    references: Arc<ReferenceValues>,
    algorithms: WebPkiSupportedAlgorithms,
    verdict: Slot,
}

/// Holds the verdict; prints nothing of it.
#[derive(Default)]
struct Slot(Mutex<Option<Verdict>>);

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

impl EvidenceVerifier {
    /// A verifier for one connection.
    #[must_use]
    pub fn new(references: Arc<ReferenceValues>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { references, algorithms, verdict: Slot::default() }
    }

    /// The verdict, once; `None` if no certificate was judged.
    #[must_use]
    pub fn take(&self) -> Option<Verdict> {
        self.verdict.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for EvidenceVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = certificate::verify(end_entity, &self.references, now.as_secs());
        let accepted = verdict.is_ok();
        *self.verdict.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        if accepted {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ED25519,
        ]
    }
}
