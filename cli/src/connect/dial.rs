//! Dials the enclave: TCP, then TLS 1.3 whose certificate must carry evidence that the reference values admit.
//!
//! TLS 1.3 alone, X25519MLKEM768 alone, ALPN `http/1.1`, no tickets, no resumption, no early data, no server name: a
//! connection is verified in full or does not come to be.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use shroud_attestation::{ReferenceValues, Rejected, Rejection, certificate};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connection::{CertificateVerified, Connection};
use super::verifier::EvidenceVerifier;

/// How long the TCP connection may take.
const TCP: Duration = Duration::from_secs(3);
/// How long the TLS handshake, evidence included, may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Why there is no verified connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address leads nowhere.
    #[error("the enclave at {enclave} cannot be reached: {source}")]
    Unreachable {
        /// The address.
        enclave: String,
        /// What the system says.
        source: io::Error,
    },
    /// The peer did not answer in time.
    #[error("the enclave at {enclave} did not finish the {phase} in time")]
    Slow {
        /// The address.
        enclave: String,
        /// What took too long.
        phase: &'static str,
    },
    /// TLS failed for another reason than evidence.
    #[error("the TLS handshake with {enclave} failed: {source}")]
    Handshake {
        /// The address.
        enclave: String,
        /// What rustls says.
        source: io::Error,
    },
    /// The certificate's evidence was refused.
    #[error("the peer at {enclave} is not the enclave: {source}")]
    Evidence {
        /// The address.
        enclave: String,
        /// Each failure.
        source: Rejected,
    },
    /// The handshake ended without a certificate that was judged.
    #[error("the peer at {enclave} showed no evidence")]
    NoEvidence {
        /// The address.
        enclave: String,
    },
    /// The peer did not agree to speak HTTP/1.1.
    #[error("the peer at {enclave} does not speak http/1.1")]
    Protocol {
        /// The address.
        enclave: String,
    },
}

impl DialError {
    /// The failures of the evidence, where that is why.
    #[must_use]
    pub fn rejections(&self) -> &[Rejection] {
        match self {
            Self::Evidence { source, .. } => &source.rejections,
            _ => &[],
        }
    }
}

/// Dials `enclave` (HOST:PORT) and verifies the evidence in its certificate against `references`, now.
///
/// # Errors
/// Every [`DialError`], within eight seconds.
pub async fn dial(
    enclave: &str,
    references: Arc<ReferenceValues>,
) -> Result<Connection<CertificateVerified>, DialError> {
    let name = || enclave.to_owned();
    let slow = |phase| move |_| DialError::Slow { enclave: enclave.to_owned(), phase };
    let unreachable = |source| DialError::Unreachable { enclave: enclave.to_owned(), source };
    let tcp = timeout(TCP, TcpStream::connect(enclave)).await.map_err(slow("TCP connection"))?;
    let tcp = tcp.map_err(unreachable)?;
    tcp.set_nodelay(true).map_err(unreachable)?;

    let base = configuration();
    let algorithms = base.crypto_provider().signature_verification_algorithms;
    let verifier = Arc::new(EvidenceVerifier::new(references, algorithms));
    let mut config = base.clone();
    config.dangerous().set_certificate_verifier(Arc::clone(&verifier) as _);
    let handshake = TlsConnector::from(Arc::new(config)).connect(server_name(), tcp);
    let shaken = timeout(HANDSHAKE, handshake).await.map_err(slow("TLS handshake"))?;

    match (shaken, verifier.take()) {
        (_, Some(Err(source))) => Err(DialError::Evidence { enclave: name(), source }),
        (Err(source), _) => Err(DialError::Handshake { enclave: name(), source }),
        (Ok(_), None) => Err(DialError::NoEvidence { enclave: name() }),
        (Ok(stream), Some(Ok(report))) => {
            if stream.get_ref().1.alpn_protocol() != Some(b"http/1.1") {
                return Err(DialError::Protocol { enclave: name() });
            }
            let spki = spki(&stream).ok_or_else(|| DialError::NoEvidence { enclave: name() })?;
            Ok(Connection::verified(stream, report, spki))
        }
    }
}

/// The key of the certificate that was judged.
fn spki(stream: &TlsStream<TcpStream>) -> Option<Vec<u8>> {
    let der = stream.get_ref().1.peer_certificates()?.first()?;
    Some(certificate::read(der).ok()?.1)
}

/// What every connection shares. Its verifier accepts nothing: each connection brings its own.
fn configuration() -> &'static ClientConfig {
    static CONFIGURATION: OnceLock<ClientConfig> = OnceLock::new();
    CONFIGURATION.get_or_init(|| {
        let provider = CryptoProvider {
            kx_groups: vec![aws_lc_rs::kx_group::X25519MLKEM768],
            ..aws_lc_rs::default_provider()
        };
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&TLS13])
            .expect("the provider has TLS 1.3 suites")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        config.enable_sni = false;
        config
    })
}

/// TLS wants a name; the enclave has none, and none is sent.
fn server_name() -> ServerName<'static> {
    ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into())
}
