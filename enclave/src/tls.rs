//! The enclave's own TLS: 1.3 only, and a certificate that carries the report over its key (DESIGN §6).
//!
//! The key pair is made here and never leaves; purpose `shroud/v1/tls-certificate` binds it to this guest.

mod certificate;

use std::sync::{Arc, PoisonError, RwLock};

use ::aws_lc_rs::rand::SystemRandom;
use ::aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use shroud_attestation::{Evidence, certificate as evidence, purpose};

use crate::processor::{Processor, ProcessorError};

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The security processor gave no report.
    #[error(transparent)]
    Processor(#[from] ProcessorError),
    /// The key or the certificate could not be made.
    #[error("no TLS key or certificate: {0}")]
    Key(String),
    /// rustls refused the configuration.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// A certified key and the evidence over it.
#[derive(Debug)]
struct Shown {
    key: Arc<CertifiedKey>,
    evidence: Arc<Evidence>,
}

/// The certificate in use; replaced before it expires.
#[derive(Debug)]
pub struct Identity(RwLock<Shown>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

impl Identity {
    /// A fresh key with a report over it.
    ///
    /// # Errors
    /// Every [`TlsError`].
    pub async fn create(processor: &dyn Processor, now: u64) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self(RwLock::new(fresh(processor, now).await?))))
    }

    /// Replaces key and report; connections under way keep theirs.
    ///
    /// # Errors
    /// Every [`TlsError`].
    pub async fn renew(&self, processor: &dyn Processor, now: u64) -> Result<(), TlsError> {
        let shown = fresh(processor, now).await?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(())
    }

    /// The evidence over the key in use.
    pub fn evidence(&self) -> Arc<Evidence> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).evidence)
    }
}

async fn fresh(processor: &dyn Processor, now: u64) -> Result<Shown, TlsError> {
    let opaque = |error: &dyn std::fmt::Display| TlsError::Key(error.to_string());
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(|e| opaque(&e))?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).map_err(|e| opaque(&e))?;
    let spki = certificate::spki(&pair).map_err(|e| opaque(&e))?;
    let report = processor.report(&purpose::tls_certificate(&spki)).await?;
    let extension = evidence::encode_extension(&report);
    let der = certificate::self_signed(&pair, &spki, &extension, now).map_err(|e| opaque(&e))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.as_ref().to_vec()));
    let signing = aws_lc_rs::sign::any_supported_type(&key)?;
    let key = Arc::new(CertifiedKey::new(vec![CertificateDer::from(der)], signing));
    Ok(Shown { key, evidence: Arc::new(report) })
}

/// The server's configuration: no tickets, no resumption, no early data, http/1.1.
///
/// # Errors
/// What rustls says of the provider.
pub fn server(identity: Arc<Identity>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(identity);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}
