//! A tiny enclave: TLS 1.3 with a certificate that carries evidence of the mock platform, and a few paths to ask for.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, CustomExtension, KeyPair, PublicKeyData as _};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use shroud_attestation::session::{CONSISTENCY_PATH, Challenge, EXPORTER, PATH};
use shroud_attestation::{certificate, purpose};
use shroud_attestation_mock::{Launch, Platform, ReportInput};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::guest::Guest;

/// Which extension carries evidence.
const EXTENSION: [u64; 9] = certificate::EXTENSION_ARCS;

/// The platform that is genuine in these tests.
pub(crate) fn platform() -> Platform {
    Platform::for_tests("one").unwrap()
}

/// What the genuine enclave was launched with.
pub(crate) fn launch() -> Launch {
    Launch::of(b"program", b"configuration")
}

/// A TLS key and certificate.
pub(crate) struct Identity {
    key: KeyPair,
    certificate: Vec<u8>,
}

impl Identity {
    /// The genuine enclave's.
    pub(crate) fn genuine() -> Self {
        Self::bent(&platform(), |_| {})
    }

    /// One whose report was bent before it was signed.
    pub(crate) fn bent(platform: &Platform, bend: impl FnOnce(&mut ReportInput)) -> Self {
        let key = KeyPair::generate().unwrap();
        let bound = purpose::tls_certificate(&key.subject_public_key_info());
        let mut input = platform.genuine(&launch(), bound.as_bytes());
        bend(&mut input);
        let evidence = platform.report(&input).unwrap();
        Self::with_extension(key, Some(certificate::encode_extension(&evidence)))
    }

    /// A certificate without evidence.
    pub(crate) fn bare() -> Self {
        Self::with_extension(KeyPair::generate().unwrap(), None)
    }

    fn with_extension(key: KeyPair, extension: Option<Vec<u8>>) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let extension = extension.map(|content| CustomExtension::from_oid_content(&EXTENSION, content));
        params.custom_extensions.extend(extension);
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        Self { key, certificate }
    }

    /// The same certificate, presented by somebody who does not hold its key.
    pub(crate) fn stolen(self) -> Self {
        Self { key: KeyPair::generate().unwrap(), certificate: self.certificate }
    }

    /// The key's SubjectPublicKeyInfo.
    fn spki(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    /// What TLS is accepted with; whoever has it can pass for this identity.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let signing = provider.key_provider.load_private_key(key).unwrap();
        let certified = rustls::sign::CertifiedKey::new(vec![self.certificate.clone().into()], signing);
        let resolver = rustls::sign::SingleCertAndKey::from(certified);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// What reached the enclave.
#[derive(Default)]
pub(crate) struct Seen {
    /// TCP connections.
    pub(crate) connections: AtomicUsize,
    /// TLS handshakes that ended well.
    pub(crate) handshakes: AtomicUsize,
    /// Challenges.
    pub(crate) sessions: AtomicUsize,
    /// HTTP requests that are not part of attestation.
    pub(crate) requests: AtomicUsize,
    /// Challenges are answered with 503.
    pub(crate) mute: AtomicBool,
    /// `Host` and target of the newest request.
    pub(crate) newest: Mutex<(String, String)>,
}

/// A running enclave.
pub(crate) struct Enclave {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What reached it.
    pub(crate) seen: Arc<Seen>,
    /// Who answers challenges.
    pub(crate) guest: Arc<Mutex<Guest>>,
    hang_up: watch::Sender<u64>,
}

impl Enclave {
    /// Starts one that is what it says.
    pub(crate) async fn start(identity: Identity) -> Self {
        Self::serving(identity, Guest::genuine()).await
    }

    /// Starts one that answers no challenge.
    pub(crate) async fn without_sessions(identity: Identity) -> Self {
        let enclave = Self::start(identity).await;
        enclave.seen.mute.store(true, Ordering::SeqCst);
        enclave
    }

    /// Starts one whose challenges `guest` answers.
    pub(crate) async fn serving(identity: Identity, guest: Guest) -> Self {
        let guest = Arc::new(Mutex::new(guest));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (hang_up, hung_up) = watch::channel(0);
        let (counted, acceptor) = (Arc::clone(&seen), TlsAcceptor::from(identity.config()));
        let attested = Arc::new(Attested { guest: Arc::clone(&guest), spki: identity.spki() });
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                tcp.set_nodelay(true).unwrap();
                counted.connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, seen, hung_up) = (acceptor.clone(), Arc::clone(&counted), hung_up.clone());
                tokio::spawn(serve(tcp, acceptor, seen, Arc::clone(&attested), hung_up));
            }
        });
        Self { address, seen, guest, hang_up }
    }

    /// Ends every connection, idle or not.
    pub(crate) async fn hang_up(&self) {
        self.hang_up.send_modify(|count| *count += 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    /// The requests that arrived.
    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// The challenges that arrived.
    pub(crate) fn sessions(&self) -> usize {
        self.seen.sessions.load(Ordering::SeqCst)
    }

    /// The handshakes that ended well.
    pub(crate) fn handshakes(&self) -> usize {
        self.seen.handshakes.load(Ordering::SeqCst)
    }
}

/// Who answers challenges, and the key that connections are accepted with.
struct Attested {
    guest: Arc<Mutex<Guest>>,
    spki: Vec<u8>,
}

async fn serve(
    tcp: TcpStream,
    acceptor: TlsAcceptor,
    seen: Arc<Seen>,
    attested: Arc<Attested>,
    mut hung_up: watch::Receiver<u64>,
) {
    hung_up.mark_unchanged();
    let Ok(stream) = acceptor.accept(tcp).await else { return };
    seen.handshakes.fetch_add(1, Ordering::SeqCst);
    let stream = Shared(Arc::new(Mutex::new(stream)));
    let asked = stream.clone();
    let service =
        service_fn(move |request| answer(request, Arc::clone(&seen), Arc::clone(&attested), asked.clone()));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = connection => drop(ended),
        changed = hung_up.changed() => drop(changed),
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Seen>,
    attested: Arc<Attested>,
    stream: Shared,
) -> Result<Response<Full<Bytes>>, io::Error> {
    if request.uri().path().starts_with(PATH) {
        return attest(request, &seen, &attested, &stream).await;
    }
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let host = request.headers()["host"].to_str().unwrap().to_owned();
    *seen.newest.lock().unwrap() = (host, request.uri().to_string());
    let path = request.uri().path().to_owned();
    let whole = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    match path.as_str() {
        "/echo" => Ok(Response::new(Full::new(whole))),
        "/exporter" => Ok(Response::new(Full::new(stream.exporter(&whole).to_vec().into()))),
        "/stall" => std::future::pending().await,
        "/break" => Err(io::Error::other("the enclave breaks off")),
        "/hop" => Ok(Response::builder()
            .header("connection", "keep-alive, x-hop")
            .header("x-hop", "1")
            .header("x-kept", "1")
            .body(Full::default())
            .unwrap()),
        _ => Ok(Response::builder().status(404).body(Full::new("no such path".into())).unwrap()),
    }
}

/// The two paths of attestation.
async fn attest(
    request: Request<Incoming>,
    seen: &Seen,
    attested: &Attested,
    stream: &Shared,
) -> Result<Response<Full<Bytes>>, io::Error> {
    if seen.mute.load(Ordering::SeqCst) {
        return Ok(Response::builder().status(503).body(Full::default()).unwrap());
    }
    let uri = request.uri().clone();
    let whole = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let guest = attested.guest.lock().unwrap();
    if uri.path() == CONSISTENCY_PATH {
        let size = |name: &str| {
            let mut pairs = uri.query().unwrap().split('&').map(|pair| pair.split_once('=').unwrap());
            pairs.find(|(key, _)| *key == name).unwrap().1.parse().unwrap()
        };
        let Some(proof) = guest.consistency(size("from"), size("to")) else {
            return Ok(Response::builder().status(404).body(Full::default()).unwrap());
        };
        return Ok(Response::new(Full::new(serde_json::to_vec(&proof).unwrap().into())));
    }
    seen.sessions.fetch_add(1, Ordering::SeqCst);
    let challenge: Challenge = serde_json::from_slice(&whole).map_err(io::Error::other)?;
    let answer = guest.answer(&challenge, &attested.spki, stream.exporter(&challenge.nonce));
    Ok(Response::new(Full::new(serde_json::to_vec(&answer).unwrap().into())))
}

/// A TLS stream that can still be asked for its exporter while hyper owns it.
#[derive(Clone)]
struct Shared(Arc<Mutex<TlsStream<TcpStream>>>);

impl Shared {
    fn exporter(&self, nonce: &[u8]) -> [u8; 32] {
        let stream = self.0.lock().unwrap();
        stream.get_ref().1.export_keying_material([0; 32], EXPORTER, Some(nonce)).unwrap()
    }
}

impl AsyncRead for Shared {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock().unwrap()).poll_read(cx, buf)
    }
}

impl AsyncWrite for Shared {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.lock().unwrap()).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock().unwrap()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock().unwrap()).poll_shutdown(cx)
    }
}
