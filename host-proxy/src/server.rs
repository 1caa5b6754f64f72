//! The three services under one roof: bind all of them, then serve until told to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::warn;

use crate::config::Configuration;
use crate::egress::Egress;
use crate::ingress::Ingress;
use crate::limits::Limits;
use crate::store::Store;
use crate::store::sqlite::{Sqlite, SqliteError};

/// Why the host cannot start or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A service cannot listen.
    #[error("{service} cannot listen: {source}")]
    Listen {
        /// `ingress`, `store` or `egress`.
        service: &'static str,
        /// What the socket says.
        source: io::Error,
    },
    /// The database cannot be used.
    #[error("the database: {0}")]
    Database(#[from] SqliteError),
}

/// The host, listening.
#[derive(Debug)]
pub struct Host {
    ingress: Ingress,
    egress: Egress,
    store: Store,
    database: Sqlite,
    address: SocketAddr,
}

impl Host {
    /// Opens the database and binds every service; nothing is accepted yet.
    ///
    /// # Errors
    /// [`HostError::Database`], or [`HostError::Listen`] naming the service.
    pub async fn bind(config: &Configuration, limits: Limits) -> Result<Self, HostError> {
        let listen = |service| move |source| HostError::Listen { service, source };
        let database = Sqlite::open(&config.store.database)?;
        let store = Store::bind(&config.store, database.clone(), limits).map_err(listen("store"))?;
        let egress = Egress::bind(&config.egress, limits).map_err(listen("egress"))?;
        let ingress = Ingress::bind(&config.ingress, limits).await.map_err(listen("ingress"))?;
        let address = ingress.address().map_err(listen("ingress"))?;
        Ok(Self { ingress, egress, store, database, address })
    }

    /// Where clients connect.
    #[must_use]
    pub fn ingress_address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves; then ends every connection and lets the store finish what it has begun.
    ///
    /// # Errors
    /// [`HostError::Database`] if the store's writer has ended by itself.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), HostError> {
        let Self { ingress, egress, store, database, .. } = self;
        let mut services = JoinSet::new();
        services.spawn(ingress.serve());
        services.spawn(egress.serve());
        services.spawn(store.serve());
        let ended = tokio::select! {
            () = stop => Ok(()),
            error = database.failed() => Err(error.into()),
        };
        services.shutdown().await;
        database.close().await;
        ended
    }
}

/// What connections are accepted from.
pub(crate) trait Accept {
    /// A connection.
    type Connection: Send + 'static;

    /// Waits for the next connection.
    fn next(&self) -> impl Future<Output = io::Result<Self::Connection>> + Send;
}

/// Accepts at most `limit` connections at once; further ones wait in the kernel's queue. Dropping the future ends
/// every connection.
pub(crate) async fn accept_bounded<A, H, F>(service: &'static str, limit: usize, listener: A, handle: H)
where
    A: Accept,
    H: Fn(A::Connection) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(limit));
    let mut connections = JoinSet::new();
    while let Ok(slot) = slots.clone().acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.next().await {
            Ok(connection) => {
                let handled = handle(connection);
                connections.spawn(async move {
                    handled.await;
                    drop(slot);
                });
            }
            Err(error) => wait_out(service, &error).await,
        }
    }
}

/// A full table of file descriptors passes; a loop that spins on it does not help.
async fn wait_out(service: &'static str, error: &io::Error) {
    warn!(service, %error, "a connection could not be accepted");
    tokio::time::sleep(Duration::from_millis(50)).await;
}
