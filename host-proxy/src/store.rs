//! The store: numbered requests over a link, rows and journal entries in a database.
//!
//! Requests of one connection are read ahead of their answers, and answers leave as they are ready, in any order.
//! Writes take effect in the order in which they arrive. How many requests, bytes and answers are held at once is
//! bounded over all connections; at a bound the host stops reading, and the enclave waits.

pub mod batch;
mod census;
mod session;
pub mod sqlite;

use std::io;
use std::sync::Arc;

use shroud_wire::link::Listener;
use tokio::sync::Semaphore;

use crate::limits::Limits;
use crate::server::accept_bounded;
use session::Session;
use sqlite::Sqlite;

/// Accepts the enclave's connections to its rows.
#[derive(Debug)]
pub struct Store {
    listener: Listener,
    shared: Arc<Shared>,
}

/// What the sessions share.
#[derive(Debug)]
struct Shared {
    database: Sqlite,
    request_bytes: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    limits: Limits,
}

impl Store {
    /// Listens.
    ///
    /// # Errors
    /// What the socket says.
    pub fn bind(config: &crate::config::Store, database: Sqlite, limits: Limits) -> io::Result<Self> {
        let listener = Listener::bind(&config.listen)?;
        let shared = Shared {
            database,
            request_bytes: Arc::new(Semaphore::new(limits.request_bytes)),
            answers: Arc::new(Semaphore::new(limits.answers)),
            limits,
        };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// Serves until dropped.
    pub async fn serve(self) {
        let Self { listener, shared } = self;
        accept_bounded("store", shared.limits.store, listener, move |link| {
            Session::new(shared.clone()).serve(link)
        })
        .await;
    }
}
