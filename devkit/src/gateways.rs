//! Three gateways with a folder each: identity, keys, credential, made by the gateway's own offline commands.
//!
//! The identity's seed lies in the folder because this is one machine; the serving process is never told its path.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};

use crate::directory::{Layout, read_json, write_json};
use crate::error::{DevError, Tried as _};
use crate::role::GATEWAYS;

/// How long a credential lives, in days.
const CREDENTIAL_DAYS: u64 = 7;
/// How old a credential may become before a new one is issued.
pub const CREDENTIAL_RENEWAL: Duration = Duration::from_hours(24);

/// The offline side of one gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    name: &'static str,
    folder: PathBuf,
    program: PathBuf,
}

/// What the serving process reads.
#[derive(Serialize)]
struct Configuration<'a> {
    name: &'a str,
    listen: SocketAddr,
    state: PathBuf,
    credential: PathBuf,
    reference: PathBuf,
    identity: String,
    backend: Backend,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Backend {
    Local { key: PathBuf },
}

/// What a gateway publishes of its keys, as far as it is used here.
#[derive(Deserialize)]
struct PublicKeys {
    witness_key: String,
}

impl Gateway {
    /// The gateways in the order of [`GATEWAYS`]; nothing is made yet.
    #[must_use]
    pub fn all(layout: &Layout, program: &Path) -> [Self; 3] {
        GATEWAYS.map(|name| Self { name, folder: layout.gateway(name), program: program.to_owned() })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Makes whatever is not there yet, and renews a credential that is older than [`CREDENTIAL_RENEWAL`].
    ///
    /// # Errors
    /// [`DevError::Command`] with what the gateway's command said, [`DevError::Io`].
    pub async fn provision(&self) -> Result<(), DevError> {
        fs::create_dir_all(&self.folder).tried(|| format!("making {}", self.folder.display()))?;
        self.make_identity().await?;
        self.make_keys().await?;
        self.renew_credential().await
    }

    async fn make_identity(&self) -> Result<(), DevError> {
        let seed = self.seed();
        if seed.exists() {
            return Ok(());
        }
        self.run(&["identity", "new", "--out"], &[seed.as_os_str()]).await
    }

    /// The keys are made aside and moved into place as a whole, so that an interruption leaves none behind by half.
    async fn make_keys(&self) -> Result<(), DevError> {
        let (state, fresh) = (self.state(), self.folder.join("state.new"));
        if state.exists() {
            return Ok(());
        }
        if fresh.exists() {
            fs::remove_dir_all(&fresh).tried(|| format!("removing {}", fresh.display()))?;
        }
        self.run(&["keys", "new", "--state"], &[fresh.as_os_str()]).await?;
        fs::rename(&fresh, &state).tried(|| format!("making {}", state.display()))
    }

    /// Issues a new credential unless the present one is younger than [`CREDENTIAL_RENEWAL`].
    ///
    /// # Errors
    /// [`DevError::Command`], [`DevError::Io`].
    pub async fn renew_credential(&self) -> Result<(), DevError> {
        let credential = self.credential();
        let age = fs::metadata(&credential).and_then(|found| found.modified()).map(|made| made.elapsed());
        if age.is_ok_and(|age| age.is_ok_and(|age| age < CREDENTIAL_RENEWAL)) {
            return Ok(());
        }
        let fresh = self.folder.join("credential.new");
        if fresh.exists() {
            fs::remove_file(&fresh).tried(|| format!("removing {}", fresh.display()))?;
        }
        let (seed, state, days) = (self.seed(), self.state(), CREDENTIAL_DAYS.to_string());
        let arguments: [&OsStr; 10] = [
            "--identity".as_ref(),
            seed.as_os_str(),
            "--state".as_ref(),
            state.as_os_str(),
            "--name".as_ref(),
            self.name.as_ref(),
            "--out".as_ref(),
            fresh.as_os_str(),
            "--days".as_ref(),
            days.as_ref(),
        ];
        self.run(&["credential", "issue"], &arguments).await?;
        fs::rename(&fresh, &credential).tried(|| format!("replacing {}", credential.display()))
    }

    async fn run(&self, subcommand: &[&str], arguments: &[&OsStr]) -> Result<(), DevError> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(subcommand).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        let what = || format!("starting {}", self.program.display());
        let output = command.output().await.tried(what)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let detail = format!("{}: {}", output.status, said.trim());
        Err(DevError::Command { command: format!("shroud-gateway {}", subcommand.join(" ")), detail })
    }

    /// The public half of its identity, as hex.
    ///
    /// # Errors
    /// [`DevError::File`] if the seed is none, [`DevError::Io`].
    pub fn identity(&self) -> Result<String, DevError> {
        let path = self.seed();
        let text = fs::read_to_string(&path).tried(|| format!("reading {}", path.display()))?;
        let mut seed = [0; 32];
        let decoded = hex::decode_to_slice(text.trim(), &mut seed).map_err(|error| error.to_string());
        let pair = decoded
            .and_then(|()| Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| error.to_string()));
        pair.map(|pair| hex::encode(pair.public_key())).map_err(|detail| DevError::File { path, detail })
    }

    /// The public half of its witness key, as hex: what checkpoints are cosigned by.
    ///
    /// # Errors
    /// [`DevError::File`] if the gateway's public keys are not there or not readable, [`DevError::Io`].
    pub fn witness(&self) -> Result<String, DevError> {
        let path = self.state().join("keys/public.json");
        let public: Option<PublicKeys> = read_json(&path)?;
        let missing =
            || DevError::File { path, detail: "expected the gateway's public keys, found none".into() };
        public.map(|public| public.witness_key).ok_or_else(missing)
    }

    /// Writes what the serving process reads.
    ///
    /// # Errors
    /// [`DevError::File`], [`DevError::Io`].
    pub fn configure(&self, listen: SocketAddr, layout: &Layout) -> Result<(), DevError> {
        let configuration = Configuration {
            name: self.name,
            listen,
            state: self.state(),
            credential: self.credential(),
            reference: layout.reference(),
            identity: self.identity()?,
            backend: Backend::Local { key: self.folder.join("kms.key") },
        };
        write_json(&self.configuration(), &configuration)
    }

    /// The command line of the serving process.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        vec!["serve".into(), "--configuration".into(), self.configuration().into()]
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("configuration.json")
    }

    fn seed(&self) -> PathBuf {
        self.folder.join("identity.seed")
    }

    fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    fn credential(&self) -> PathBuf {
        self.folder.join("credential")
    }
}
