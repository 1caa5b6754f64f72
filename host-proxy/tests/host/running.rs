//! A host that serves a folder of its own, and the enclave's end of its links.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use shroud_host::config::{Configuration, Egress, Ingress, Store};
use shroud_host::limits::Limits;
use shroud_host::server::Host;
use shroud_wire::link::{Address, Link, Listener};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::Client;

pub(crate) struct Running {
    folder: TempDir,
    pub(crate) ingress: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::start_in(TempDir::new().unwrap(), limits, &[]).await
    }

    pub(crate) async fn with_targets(targets: &[(&str, SocketAddr)]) -> Self {
        Self::start_in(TempDir::new().unwrap(), Limits::default(), targets).await
    }

    async fn start_in(folder: TempDir, limits: Limits, targets: &[(&str, SocketAddr)]) -> Self {
        let targets =
            targets.iter().map(|(name, address)| ((*name).to_owned(), address.to_string())).collect();
        let host = Host::bind(&configuration(&folder, targets), limits).await.unwrap();
        let ingress = host.ingress_address();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            host.serve(async { drop(stopped.await) }).await.unwrap();
        });
        Self { folder, ingress, stop, serving }
    }

    pub(crate) async fn restart(self) -> Self {
        let Self { folder, stop, serving, .. } = self;
        stop.send(()).unwrap();
        serving.await.unwrap();
        Self::start_in(folder, Limits::default(), &[]).await
    }

    pub(crate) fn enclave(&self) -> Listener {
        Listener::bind(&socket(&self.folder, "enclave")).unwrap()
    }

    pub(crate) async fn egress(&self) -> Link {
        Link::connect(&socket(&self.folder, "egress")).await.unwrap()
    }

    pub(crate) async fn store(&self) -> Client {
        Client::new(self.store_link().await)
    }

    pub(crate) async fn store_link(&self) -> Link {
        Link::connect(&socket(&self.folder, "store")).await.unwrap()
    }

    pub(crate) fn database(&self) -> PathBuf {
        database(&self.folder)
    }
}

pub(crate) fn configuration(folder: &TempDir, targets: BTreeMap<String, String>) -> Configuration {
    Configuration {
        ingress: Ingress { listen: ([127, 0, 0, 1], 0).into(), enclave: socket(folder, "enclave") },
        store: Store { listen: socket(folder, "store"), database: database(folder) },
        egress: Egress { listen: socket(folder, "egress"), targets },
    }
}

pub(crate) fn socket(folder: &TempDir, name: &str) -> Address {
    Address::Unix(folder.path().join(format!("{name}.sock")))
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("shroud.db")
}
