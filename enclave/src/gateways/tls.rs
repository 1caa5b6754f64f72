//! TLS to a gateway: pinned to its offline identity, never to a name or an authority.
//!
//! The certificate is only a container. What counts is the credential inside, signed by the identity that the measured
//! configuration pins, naming the TLS key of this very handshake.

use std::sync::Arc;

use der::{Decode as _, Encode as _};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, PeerIncompatible, SignatureScheme};
use shroud_wire::credential::{Credential, EXTENSION};
use x509_cert::Certificate;

use crate::clock::Clock;
use crate::configuration::GatewayPin;

/// Why a gateway's certificate was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum PinError {
    /// The certificate cannot be read.
    #[error("the certificate of gateway {0:?} cannot be read")]
    Certificate(String),
    /// The certificate carries no credential.
    #[error("the certificate of gateway {0:?} carries no credential")]
    NoCredential(String),
    /// The credential was refused.
    #[error("gateway {gateway:?}: {source}")]
    Credential {
        /// The gateway's name.
        gateway: String,
        /// Why.
        source: shroud_wire::credential::CredentialError,
    },
}

/// Judges a gateway's certificate by its pinned identity.
#[derive(Debug)]
pub(super) struct Pinned {
    pin: GatewayPin,
    clock: Arc<Clock>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pinned {
    /// The credential inside `certificate`, verified.
    pub(super) fn credential(&self, certificate: &[u8]) -> Result<Credential, PinError> {
        let name = || self.pin.name.clone();
        let certificate = Certificate::from_der(certificate).map_err(|_| PinError::Certificate(name()))?;
        let tbs = certificate.tbs_certificate();
        let spki = tbs.subject_public_key_info().to_der().map_err(|_| PinError::Certificate(name()))?;
        let extension = tbs.extensions().into_iter().flatten().find(|e| e.extn_id.to_string() == EXTENSION);
        let value = extension.ok_or_else(|| PinError::NoCredential(name()))?.extn_value.as_bytes();
        let signed =
            <&der::asn1::OctetStringRef>::from_der(value).map_err(|_| PinError::Certificate(name()))?;
        Credential::verify(
            signed.as_bytes(),
            &self.pin.name,
            &self.pin.identity,
            &spki,
            self.clock.credentials(),
        )
        .map_err(|source| PinError::Credential { gateway: name(), source })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let refused = |error| Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))));
        self.credential(end_entity).map_err(refused)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The client's configuration for one gateway, and its verifier.
pub(super) fn client(pin: GatewayPin, clock: Arc<Clock>) -> Result<(Arc<ClientConfig>, Arc<Pinned>), Error> {
    let provider: CryptoProvider = aws_lc_rs::default_provider();
    let algorithms = provider.signature_verification_algorithms;
    let pinned = Arc::new(Pinned { pin, clock, algorithms });
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&pinned) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok((Arc::new(config), pinned))
}
