//! The server: TLS 1.3 alone, HTTP/1.1 alone, bounded everywhere.
//!
//! No tickets, no early data, no resumption: each connection proves the credential anew. Silence costs its sender: the
//! handshake, the first request, a body and an answer each have a deadline, and at the bound of connections one that
//! rests gives way to a newcomer (`slots`).

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use shroud_wire::limits;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::gateway::{Gateway, StartError};
use crate::http;
use crate::slots::{Slot, Slots};
use shroud_wire::write_deadline::WriteDeadline;

const HANDSHAKE: Duration = Duration::from_secs(5);
/// From the handshake to the headers of the first request.
const FIRST_REQUEST: Duration = Duration::from_secs(5);
/// From the first write of an answer that has to wait until all of it has left.
const WRITE: Duration = Duration::from_secs(10);
/// Also how long a connection is kept between two requests.
const HEADERS: Duration = Duration::from_secs(75);
const HEADER_COUNT: usize = 32;
const DRAIN: Duration = Duration::from_secs(3);
const REFRESH: Duration = Duration::from_millis(500);

/// A gateway that is bound to its port and ready to serve.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    gateway: Arc<Gateway>,
    tls: TlsAcceptorOf,
    slots: Arc<Slots>,
}

/// An acceptor with a `Debug` that says nothing.
#[derive(Clone)]
struct TlsAcceptorOf(TlsAcceptor);

impl std::fmt::Debug for TlsAcceptorOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsAcceptor")
    }
}

impl Server {
    /// Opens the gateway's state, then binds its port.
    ///
    /// # Errors
    /// Every [`StartError`].
    pub async fn bind(configuration: &Configuration) -> Result<Self, StartError> {
        Self::bind_with_clock(configuration, Clock::system()).await
    }

    /// As [`Server::bind`], with a clock of the caller's.
    ///
    /// # Errors
    /// Every [`StartError`].
    pub async fn bind_with_clock(configuration: &Configuration, clock: Clock) -> Result<Self, StartError> {
        let gateway = Arc::new(Gateway::open(configuration, clock)?);
        let tls = TlsAcceptorOf(tls(&gateway)?.into());
        let listener = TcpListener::bind(configuration.listen).await.map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let slots = Slots::new(configuration.limits.connections);
        Ok(Self { listener, address, gateway, tls, slots })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` ends, then lets requests under way finish for up to three seconds.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(());
        let mut tasks = JoinSet::new();
        let refresher = tokio::spawn(refresh(Arc::clone(&self.gateway)));
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer.ip(), &stopped, &mut tasks),
                    Err(error) => {
                        tracing::warn!(%error, "accepting failed");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                Some(_) = tasks.join_next() => {}
            }
        }
        drop(self.listener);
        refresher.abort();
        drop(stopping);
        let drained = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tasks.shutdown().await;
        }
    }

    fn admit(&self, stream: TcpStream, peer: IpAddr, stopped: &watch::Receiver<()>, tasks: &mut JoinSet<()>) {
        let Some(slot) = self.slots.take(peer).map(Arc::new) else {
            return tracing::warn!("every connection is being worked for; a newcomer was closed");
        };
        let (gateway, tls, stopped) = (Arc::clone(&self.gateway), self.tls.clone(), stopped.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = connection(gateway, tls, stream, Arc::clone(&slot), stopped) => {}
                () = slot.gives_way() => tracing::debug!("a connection gave way to a newcomer"),
            }
        });
    }
}

async fn connection(
    gateway: Arc<Gateway>,
    tls: TlsAcceptorOf,
    stream: TcpStream,
    slot: Arc<Slot>,
    mut stopped: watch::Receiver<()>,
) {
    // Small answers must not wait for an acknowledgement; without the option they are only slower.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, tls.0.accept(stream)).await {
        Ok(Ok(stream)) => WriteDeadline::new(stream, WRITE),
        Ok(Err(error)) => return tracing::debug!(%error, "the handshake failed"),
        Err(_) => return tracing::debug!("the handshake took too long"),
    };
    let asked = Arc::clone(&slot);
    let service = service_fn(move |request| http::answer(Arc::clone(&gateway), Arc::clone(&asked), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_headers(HEADER_COUNT)
        .max_buf_size(limits::HTTP_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = silence(&slot) => return tracing::debug!("no request came"),
        _ = stopped.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends unless a request's headers arrive in time.
async fn silence(slot: &Slot) {
    tokio::time::sleep(FIRST_REQUEST).await;
    if slot.has_asked() {
        std::future::pending::<()>().await;
    }
}

/// Looks for newer reference values and credentials; says each complaint once.
async fn refresh(gateway: Arc<Gateway>) {
    let mut said = Vec::new();
    loop {
        tokio::time::sleep(REFRESH).await;
        let again = Arc::clone(&gateway);
        let Ok(complaints) = tokio::task::spawn_blocking(move || again.refresh()).await else { return };
        for complaint in complaints.iter().filter(|complaint| !said.contains(*complaint)) {
            tracing::error!(complaint, "reference values and credential stay as they are");
        }
        said = complaints;
    }
}

fn tls(gateway: &Gateway) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut configuration = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(gateway.presenter.clone());
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    configuration.session_storage = Arc::new(NoServerSessionStorage {});
    configuration.send_tls13_tickets = 0;
    configuration.max_early_data_size = 0;
    Ok(Arc::new(configuration))
}
