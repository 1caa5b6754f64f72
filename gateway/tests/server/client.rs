//! A client that pins the gateway's identity, as the enclave does, and speaks HTTP/1.1.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use prost::Message;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use shroud_wire::credential::{Credential, EXTENSION, Statement};
use shroud_wire::gateway::Refusal;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_cert::Certificate;
use x509_cert::der::asn1::OctetString;
use x509_cert::der::{Decode as _, Encode as _};

/// Whom to expect at the other end.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) name: String,
    pub(crate) identity: [u8; 32],
    stated: Mutex<Option<Statement>>,
}

impl Pinned {
    pub(crate) fn new(name: &str, identity: [u8; 32]) -> Arc<Self> {
        Arc::new(Self { name: name.into(), identity, stated: Mutex::default() })
    }

    /// What the credential of the last handshake states.
    pub(crate) fn statement(&self) -> Statement {
        self.stated.lock().unwrap().clone().expect("no handshake yet")
    }

    fn verify(&self, certificate: &[u8], now: u64) -> Result<(), String> {
        let certificate = Certificate::from_der(certificate).map_err(|error| error.to_string())?;
        let body = certificate.tbs_certificate();
        let spki = body.subject_public_key_info().to_der().map_err(|error| error.to_string())?;
        let extension = body.extensions().into_iter().flatten();
        let extension = extension.clone().find(|extension| extension.extn_id.to_string() == EXTENSION);
        let extension = extension.ok_or("the certificate carries no credential")?;
        let credential =
            OctetString::from_der(extension.extn_value.as_bytes()).map_err(|error| error.to_string())?;
        let credential = Credential::verify(credential.as_bytes(), &self.name, &self.identity, &spki, now)
            .map_err(|error| error.to_string())?;
        *self.stated.lock().unwrap() = Some(credential.statement().clone());
        Ok(())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, now.as_secs()).map_err(Error::General)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 alone".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A TLS configuration that pins `pinned` and resumes nothing.
pub(crate) fn configuration(pinned: Arc<Pinned>) -> ClientConfig {
    let mut configuration = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(pinned)
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    configuration.resumption = Resumption::disabled();
    configuration
}

/// Makes the handshake.
pub(crate) async fn handshake(
    address: SocketAddr,
    configuration: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("gateway.invalid").unwrap();
    TlsConnector::from(Arc::new(configuration)).connect(name, stream).await
}

/// One connection.
pub(crate) struct Client {
    requests: SendRequest<Full<Bytes>>,
}

/// An answer, taken whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, pinned: Arc<Pinned>) -> Self {
        let stream = handshake(address, configuration(pinned)).await.unwrap();
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { requests }
    }

    pub(crate) async fn send(&mut self, method: Method, path: &str, body: impl Into<Bytes>) -> Reply {
        self.requests.ready().await.unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "gateway.invalid")
            .body(Full::new(body.into()))
            .unwrap();
        let response = self.requests.send_request(request).await.unwrap();
        let status = response.status();
        let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Reply { status, content_type, body }
    }

    pub(crate) async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.send(Method::POST, path, body).await
    }
}

impl Reply {
    /// The message of a 200.
    pub(crate) fn message<M: Message + Default>(&self) -> M {
        assert_eq!(self.status, StatusCode::OK, "{:?}", self.refusal());
        M::decode(self.body.clone()).unwrap()
    }

    /// The refusal of anything else.
    pub(crate) fn refusal(&self) -> Refusal {
        if self.status == StatusCode::OK {
            return Refusal::default();
        }
        Refusal::decode(self.body.clone()).unwrap()
    }

    /// Asserts a refusal by its status and its name, and returns its sentence.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, kind: &str) -> String {
        let refusal = self.refusal();
        assert_eq!((self.status.as_u16(), refusal.kind.as_str()), (status, kind), "{refusal:?}");
        refusal.detail
    }
}
