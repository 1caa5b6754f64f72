//! `shroud connect`: the verifying sidecar. Plain HTTP on loopback for agents, attested TLS 1.3 to the enclave.
//!
//! ```text
//! agent ──http──► server ──► forward ──► dial ──► verifier ──► attest ──► Http<SessionVerified> ──► enclave
//!                 loopback   one request  TCP, TLS  certificate  session     one outbound per inbound
//! ```
//!
//! It trusts the reference file that the customer chose, and nothing that comes over the network: the enclave's
//! certificate carries an attestation report, and then the enclave proves, for a fresh nonce, that this very connection
//! ends in it and that it stands on no older state than was seen before. Until both hold, no byte of a request leaves.
//! Evidence belongs to one connection; a new connection is verified anew; a request that has begun to
//! be sent is never sent again (DESIGN §6).

pub mod attest;
pub mod body;
pub mod checkpoints;
pub mod connection;
pub mod dial;
pub mod forward;
pub mod headers;
pub mod problem;
pub mod references;
pub mod server;
pub mod session;
pub mod verifier;
pub mod witnesses;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

pub use attest::Attestor;
pub use checkpoints::Checkpoints;
pub use connection::{CertificateVerified, Connection, SessionVerified};
pub use dial::{DialError, dial};
pub use references::References;
use witnesses::{Cosigners, WitnessOption};

/// Options of `shroud connect`.
#[derive(Args, Debug)]
pub struct Options {
    /// The enclave's attested TLS endpoint, through the host's ingress.
    #[arg(long, value_name = "HOST:PORT")]
    enclave: String,
    /// The signed reference values to verify against. The file is read again when it changes.
    #[arg(long, value_name = "FILE")]
    reference: PathBuf,
    /// The loopback address to listen on; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Where the newest checkpoint of the enclave's journal is remembered; without it, until the sidecar ends.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// A witness that must be among the cosigners of that checkpoint, with its Ed25519 key; give it once for each.
    #[arg(long = "witness", value_name = "NAME=HEX")]
    witnesses: Vec<WitnessOption>,
    /// How many of the witnesses must have cosigned; a majority unless given.
    #[arg(long, value_name = "COUNT", requires = "witnesses")]
    witness_quorum: Option<usize>,
    /// Announce readiness as one JSON line.
    #[arg(long)]
    json: bool,
}

/// Why the sidecar could not start or run.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Reference values cannot be used.
    #[error(transparent)]
    References(#[from] references::ReferencesError),
    /// The listener cannot be opened.
    #[error(transparent)]
    Listen(#[from] server::ListenError),
    /// Memory cannot be used.
    #[error(transparent)]
    Checkpoints(#[from] checkpoints::CheckpointsError),
    /// The witnesses cannot be taken.
    #[error(transparent)]
    Witnesses(#[from] witnesses::WitnessesError),
    /// The enclave's address is none.
    #[error("{0:?} is no HOST:PORT")]
    Enclave(String),
    /// The system failed.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// Every [`ConnectError`].
pub async fn run(options: Options) -> Result<(), ConnectError> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let references = Arc::new(References::open(&options.reference)?);
    let cosigners = Cosigners::new(&options.witnesses, options.witness_quorum)?;
    let attestor = Attestor::new(cosigners, Checkpoints::open(options.state.as_deref())?);
    let sidecar = forward::Sidecar::new(&options.enclave, Arc::clone(&references), attestor)
        .ok_or_else(|| ConnectError::Enclave(options.enclave.clone()))?;
    let server = server::Server::bind(options.listen, sidecar).await?;
    announce(server.address(), &options)?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokio::select! {
        () = server.run(stop) => Ok(()),
        () = references.watch() => Ok(()),
    }
}

/// [`run`], with its outcome on standard error.
pub async fn command(options: Options) -> ExitCode {
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn announce(listen: SocketAddr, options: &Options) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{}", json!({ "event": "ready", "listen": listen.to_string() }))
    } else {
        writeln!(
            out,
            "http://{listen} goes to the enclave at {}, verified anew on each connection",
            options.enclave
        )
    }
}
