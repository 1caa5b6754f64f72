//! The loopback listener. Bounded in connections, header size and waiting time; it never listens elsewhere, because
//! credentials pass it in the clear.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use shroud_wire::limits;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::forward::{Session, Sidecar};

/// Connections at once; more wait in the system's queue.
const CONNECTIONS: u32 = 1024;
/// How long a connection may be idle, or take to send a request's headers.
const IDLE: Duration = Duration::from_secs(60);
/// How long requests under way have to end once the sidecar was told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// The read buffer of one connection, in bytes; headers must fit.
const BUFFER: usize = 2 * limits::HTTP_HEADERS;

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Anybody on the network could use, and read, what passes here.
    #[error("{0} is not a loopback address; the sidecar speaks plain HTTP and listens on loopback only")]
    NotLoopback(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// The sidecar, listening.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    sidecar: Arc<Sidecar>,
}

impl Server {
    /// Listens on a loopback address.
    ///
    /// # Errors
    /// Every [`ListenError`].
    pub async fn bind(address: SocketAddr, sidecar: Arc<Sidecar>) -> Result<Self, ListenError> {
        if !address.ip().is_loopback() {
            return Err(ListenError::NotLoopback(address));
        }
        let failed = |source| ListenError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, sidecar })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves; requests under way then have [`GRACE`] to end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(usize::try_from(CONNECTIONS).unwrap_or(Semaphore::MAX_PERMITS)));
        let (stopping, stopped) = watch::channel(false);
        tokio::select! {
            () = self.accept(&places, &stopped) => {}
            () = stop => {}
        }
        stopping.send_replace(true);
        drop(tokio::time::timeout(GRACE, places.acquire_many(CONNECTIONS)).await);
    }

    async fn accept(&self, places: &Arc<Semaphore>, stopped: &watch::Receiver<bool>) {
        loop {
            let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let (session, stopped) = (Session::new(Arc::clone(&self.sidecar)), stopped.clone());
                    tokio::spawn(async move {
                        converse(stream, session, stopped).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

async fn converse(stream: TcpStream, session: Arc<Session>, mut stopped: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection failed at once");
        return;
    }
    let answer = service_fn(move |request| {
        let session = Arc::clone(&session);
        async move { Ok::<_, Infallible>(session.answer(request).await) }
    });
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.max_buf_size(BUFFER).max_header_size(limits::HTTP_HEADERS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answer));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sidecar is gone, which is as good as being told.
    drop(stopped.wait_for(|stopped| *stopped).await);
}
