//! The server: TLS 1.3 alone, HTTP/1.1 alone, bounded everywhere.
//!
//! No tickets, no early data, no resumption: each connection proves the credential anew. Connections beyond the bound
//! are closed at once, so that a caller learns it early and asks another gateway.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use shroud_wire::limits;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::gateway::{Gateway, StartError};
use crate::http;

const HANDSHAKE: Duration = Duration::from_secs(5);
/// Also how long an idle connection is kept.
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
    connections: Arc<Semaphore>,
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
        let connections = Arc::new(Semaphore::new(configuration.limits.connections));
        Ok(Self { listener, address, gateway, tls, connections })
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
                    Ok((stream, _)) => self.admit(stream, &stopped, &mut tasks),
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

    fn admit(&self, stream: TcpStream, stopped: &watch::Receiver<()>, tasks: &mut JoinSet<()>) {
        let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() else {
            tracing::warn!("a connection over the bound was closed");
            return;
        };
        let (gateway, tls, stopped) = (Arc::clone(&self.gateway), self.tls.clone(), stopped.clone());
        tasks.spawn(async move {
            connection(gateway, tls, stream, stopped).await;
            drop(permit);
        });
    }
}

async fn connection(
    gateway: Arc<Gateway>,
    tls: TlsAcceptorOf,
    stream: TcpStream,
    mut stopped: watch::Receiver<()>,
) {
    // Small answers must not wait for an acknowledgement; without the option they are only slower.
    let _ = stream.set_nodelay(true);
    let stream = match tokio::time::timeout(HANDSHAKE, tls.0.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "the handshake failed"),
        Err(_) => return tracing::debug!("the handshake took too long"),
    };
    let service = service_fn(move |request| http::answer(Arc::clone(&gateway), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_headers(HEADER_COUNT)
        .max_buf_size(limits::HTTP_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        _ = stopped.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
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
