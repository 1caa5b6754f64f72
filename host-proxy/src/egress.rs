//! The enclave to the outside: one frame names a target, one frame answers, then bytes follow both ways.
//!
//! Only targets of the configuration are dialled. Who answers there is for the enclave to verify: TLS runs end to
//! end between it and the target.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use shroud_wire::egress::{Dial, DialAnswer};
use shroud_wire::frame::FrameError;
use shroud_wire::link::{Link, Listener};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::debug;

use crate::limits::{DIAL, Limits};
use crate::server::{Accept, accept_bounded};
use crate::{frames, relay};

/// Accepts the enclave's connections to the outside.
#[derive(Debug)]
pub struct Egress {
    listener: Listener,
    targets: Arc<BTreeMap<String, String>>,
    limits: Limits,
}

impl Egress {
    /// Listens.
    ///
    /// # Errors
    /// What the socket says.
    pub fn bind(config: &crate::config::Egress, limits: Limits) -> io::Result<Self> {
        let listener = Listener::bind(&config.listen)?;
        Ok(Self { listener, targets: Arc::new(config.targets.clone()), limits })
    }

    /// Serves until dropped.
    pub async fn serve(self) {
        let Self { listener, targets, limits } = self;
        accept_bounded("egress", limits.egress, listener, move |link| carry(link, targets.clone(), limits))
            .await;
    }
}

impl Accept for Listener {
    type Connection = Link;

    async fn next(&self) -> io::Result<Link> {
        self.accept().await
    }
}

/// Why an egress connection ended early.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("its first frame: {0}")]
    Frame(#[from] FrameError),
    #[error("the relay: {0}")]
    Relay(#[from] io::Error),
}

async fn carry(link: Link, targets: Arc<BTreeMap<String, String>>, limits: Limits) {
    if let Err(error) = carried(link, &targets, &limits).await {
        debug!(%error, "a connection of the enclave ended");
    }
}

async fn carried(mut link: Link, targets: &BTreeMap<String, String>, limits: &Limits) -> Result<(), Ended> {
    let Some(dial) = first_frame(&mut link, limits.frame).await? else { return Ok(()) };
    let (dialled, error) = match connect(&dial.target, targets, limits.dial).await {
        Ok(stream) => (Some(stream), String::new()),
        Err(error) => (None, error),
    };
    frames::write(&mut link, &DialAnswer { error }, limits.frame).await?;
    match dialled {
        Some(stream) => Ok(relay::both_ways(link, stream, limits).await?),
        None => Ok(()),
    }
}

/// An enclave that connects says at once whom it wants, so the wait covers the first byte too.
async fn first_frame(link: &mut Link, wait: Duration) -> Result<Option<Dial>, FrameError> {
    let read = async {
        let Some(length) = frames::announced(link, DIAL, wait).await? else { return Ok(None) };
        let bytes = frames::body(link, length, wait).await?;
        Ok(Some(Dial::decode(bytes.as_slice())?))
    };
    timeout(wait, read).await.unwrap_or_else(|_| Err(FrameError::Io(io::ErrorKind::TimedOut.into())))
}

async fn connect(
    target: &str,
    targets: &BTreeMap<String, String>,
    wait: Duration,
) -> Result<TcpStream, String> {
    let Some(address) = targets.get(target) else {
        return Err(format!("{target:?} is no target of this host"));
    };
    let dialled = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok::<_, io::Error>(stream)
    };
    match timeout(wait, dialled).await {
        Ok(dialled) => dialled.map_err(|error| format!("{target}: {error}")),
        Err(_) => Err(format!("{target} did not answer in {} s", wait.as_secs())),
    }
}
