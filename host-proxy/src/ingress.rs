//! Clients to the enclave: TCP on the outside, a link on the inside, bytes in between.
//!
//! TLS ends in the enclave; here it is bytes. If the enclave's link cannot be opened, the client's connection is
//! closed at once, so that it does not wait for an enclave that is away; so is that of an address that holds its share
//! of the slots.

use std::io;
use std::net::{IpAddr, SocketAddr};

use shroud_wire::link::{Address, Link};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tracing::debug;

use crate::limits::Limits;
use crate::relay;
use crate::server::{Accept, accept_bounded};
use crate::shares::{Share, Shares};

/// Accepts clients and carries their bytes to the enclave.
#[derive(Debug)]
pub struct Ingress {
    listener: TcpListener,
    enclave: Address,
    limits: Limits,
}

impl Ingress {
    /// Listens.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn bind(config: &crate::config::Ingress, limits: Limits) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        Ok(Self { listener, enclave: config.enclave.clone(), limits })
    }

    /// Where clients connect.
    ///
    /// # Errors
    /// What the socket says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until dropped.
    pub async fn serve(self) {
        let Self { listener, enclave, limits } = self;
        let shares = Shares::new(limits.ingress_share, limits.ingress_loopback_share);
        accept_bounded("ingress", limits.ingress, listener, move |(client, peer)| {
            carry(client, shares.take(peer), enclave.clone(), limits)
        })
        .await;
    }
}

impl Accept for TcpListener {
    type Connection = (TcpStream, IpAddr);

    async fn next(&self) -> io::Result<Self::Connection> {
        let (client, peer) = self.accept().await?;
        Ok((client, peer.ip()))
    }
}

async fn carry(client: TcpStream, share: Option<Share>, enclave: Address, limits: Limits) {
    let Some(_share) = share else { return debug!("a client's address holds its share already") };
    match carried(client, &enclave, &limits).await {
        Ok(()) => {}
        Err(error) => debug!(%error, "a client's connection ended"),
    }
}

async fn carried(client: TcpStream, enclave: &Address, limits: &Limits) -> io::Result<()> {
    client.set_nodelay(true)?;
    let link = timeout(limits.dial, Link::connect(enclave)).await??;
    relay::both_ways(client, link, limits).await
}
