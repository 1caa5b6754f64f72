//! `shroud-gateway`: serves, and makes the identity, keys and credential that serving needs.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Parser, Subcommand};
use shroud_gateway::{Configuration, Issue, Server};
use tokio::signal::unix::{SignalKind, signal};

type Failure = Box<dyn std::error::Error>;

/// Attested key release and witness, one per cloud.
#[derive(Parser)]
#[command(name = "shroud-gateway", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until SIGTERM or Ctrl-C.
    Serve {
        /// The configuration file (JSON).
        #[arg(long)]
        configuration: PathBuf,
    },
    /// The offline identity that everybody pins.
    #[command(subcommand)]
    Identity(IdentityCommand),
    /// The gateway's own keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// The credential by which the identity vouches for the keys.
    #[command(subcommand)]
    Credential(CredentialCommand),
}

#[derive(Subcommand)]
enum IdentityCommand {
    /// Makes an identity, writes its seed to a file (0600) and prints its public key in hex.
    New {
        /// The seed's file; never overwritten.
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Makes the TLS, HPKE and witness keys in a state directory that has none.
    New {
        /// The gateway's state directory.
        #[arg(long)]
        state: PathBuf,
    },
    /// Replaces the TLS and HPKE keys; the witness key stays. Issue a credential next.
    Renew {
        /// The gateway's state directory.
        #[arg(long)]
        state: PathBuf,
    },
}

#[derive(Subcommand)]
enum CredentialCommand {
    /// Signs a credential over the public halves of the keys in a state directory.
    Issue {
        /// The identity's seed file.
        #[arg(long)]
        identity: PathBuf,
        /// The gateway's state directory.
        #[arg(long)]
        state: PathBuf,
        /// The gateway's name, such as `gcp`.
        #[arg(long)]
        name: String,
        /// Where the credential goes; an older one is replaced.
        #[arg(long)]
        out: PathBuf,
        /// Days that it is valid, 1 to 8.
        #[arg(long, default_value_t = 7)]
        days: u64,
    },
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .init();
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "failed");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve { configuration } => {
            let configuration = Configuration::read(&configuration)?;
            tokio::runtime::Runtime::new()?.block_on(serve(&configuration))
        }
        Command::Identity(IdentityCommand::New { out }) => {
            say(&hex::encode(shroud_gateway::identity_new(&out)?))
        }
        Command::Keys(KeysCommand::New { state }) => {
            shroud_gateway::keys_new(&state)?;
            Ok(())
        }
        Command::Keys(KeysCommand::Renew { state }) => {
            shroud_gateway::keys_renew(&state)?;
            Ok(())
        }
        Command::Credential(CredentialCommand::Issue { identity, state, name, out, days }) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
            shroud_gateway::credential_issue(&Issue { identity, state, name, out, days, now })?;
            Ok(())
        }
    }
}

async fn serve(configuration: &Configuration) -> Result<(), Failure> {
    let server = Server::bind(configuration).await?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    say(&serde_json::json!({ "event": "ready", "listen": server.address() }).to_string())?;
    let stop = async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    };
    server.serve(stop).await;
    Ok(())
}

/// Prints one line on stdout.
fn say(line: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}
