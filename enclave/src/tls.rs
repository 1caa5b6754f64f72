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
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use shroud_attestation::{Evidence, certificate as evidence, purpose};

use tokio_rustls::TlsAcceptor;

use crate::processor::{Processor, ProcessorError};

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
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

/// A certified key, as TLS shows it, and the evidence over it.
#[derive(Debug)]
struct Shown {
    tls: Arc<ServerConfig>,
    spki: Arc<[u8]>,
    evidence: Arc<Evidence>,
}

/// The certificate in use; replaced before it expires.
#[derive(Debug)]
pub(crate) struct Identity(RwLock<Shown>);

impl Identity {
    /// A fresh key with a report over it.
    ///
    /// # Errors
    /// Every [`TlsError`].
    pub(crate) async fn create(processor: &dyn Processor, now: u64) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self(RwLock::new(fresh(processor, now).await?))))
    }

    /// Replaces key and report; connections under way keep theirs.
    ///
    /// # Errors
    /// Every [`TlsError`].
    pub(crate) async fn renew(&self, processor: &dyn Processor, now: u64) -> Result<(), TlsError> {
        let shown = fresh(processor, now).await?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(())
    }

    /// What the next connection is accepted with, and the key that this shows (SubjectPublicKeyInfo in DER).
    pub(crate) fn acceptor(&self) -> (TlsAcceptor, Arc<[u8]>) {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (TlsAcceptor::from(Arc::clone(&shown.tls)), Arc::clone(&shown.spki))
    }

    /// The evidence over the key in use.
    pub(crate) fn evidence(&self) -> Arc<Evidence> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).evidence)
    }
}

async fn fresh(processor: &dyn Processor, now: u64) -> Result<Shown, TlsError> {
    let opaque = |error: &dyn std::fmt::Display| TlsError::Key(error.to_string());
    let random = SystemRandom::new();
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(|e| opaque(&e))?;
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).map_err(|e| opaque(&e))?;
    let spki = certificate::spki(&pair).map_err(|e| opaque(&e))?;
    let report = processor.report(&purpose::tls_certificate(&spki)).await?;
    let extension = evidence::encode_extension(&report);
    let der = certificate::self_signed(&pair, &spki, &extension, now).map_err(|e| opaque(&e))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.as_ref().to_vec()));
    let signing = aws_lc_rs::sign::any_supported_type(&key)?;
    let tls = server(CertifiedKey::new(vec![CertificateDer::from(der)], signing))?;
    Ok(Shown { tls, spki: Arc::from(spki), evidence: Arc::new(report) })
}

/// The server's configuration: no tickets, no resumption, no early data, http/1.1.
///
/// # Errors
/// What rustls says of the provider.
fn server(key: CertifiedKey) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}
