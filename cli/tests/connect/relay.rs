//! An attacker who holds the guest's TLS private key: it ends the client's TLS and forwards everything to the genuine
//! enclave, reading along.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What passed through, in the clear.
type Read = Arc<Mutex<Vec<u8>>>;

/// A running relay.
pub(crate) struct Relay {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    read: Read,
}

impl Relay {
    /// Stands between clients and `enclave`, whose key and certificate it shows.
    pub(crate) async fn start(stolen: Arc<ServerConfig>, enclave: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, read) = (listener.local_addr().unwrap(), Read::default());
        let reading = Arc::clone(&read);
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                tokio::spawn(relay(
                    tcp,
                    TlsAcceptor::from(Arc::clone(&stolen)),
                    enclave,
                    Arc::clone(&reading),
                ));
            }
        });
        Self { address, read }
    }

    /// Whether a client's bytes held `marker`.
    pub(crate) fn has_read(&self, marker: &str) -> bool {
        let read = self.read.lock().unwrap();
        read.windows(marker.len()).any(|window| window == marker.as_bytes())
    }
}

async fn relay(tcp: TcpStream, acceptor: TlsAcceptor, enclave: SocketAddr, read: Read) {
    let Ok(client) = acceptor.accept(tcp).await else { return };
    let upstream = TcpStream::connect(enclave).await.unwrap();
    let name = ServerName::IpAddress(enclave.ip().into());
    let upstream = TlsConnector::from(credulous()).connect(name, upstream).await.unwrap();
    let (from_client, to_client) = tokio::io::split(client);
    let (from_enclave, to_enclave) = tokio::io::split(upstream);
    tokio::join!(copy(from_client, to_enclave, Some(read)), copy(from_enclave, to_client, None));
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, read: Option<Read>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if let Some(read) = &read {
            read.lock().unwrap().extend_from_slice(&bytes[..length]);
        }
        if to.write_all(&bytes[..length]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
    drop(to.shutdown().await);
}

/// The attacker's own side needs no evidence.
fn credulous() -> Arc<ClientConfig> {
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Credulous))
            .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ECDSA_NISTP384_SHA384]
    }
}
