//! Keys at work: KEKs from the clouds, secrets opened for one operation, signing keys made and used.
//!
//! Only an unsealed enclave has a keyring. KEKs are kept for the configured time and erased then; with a time of zero
//! every opening asks the clouds. Providers are asked in parallel and the first that suffice win.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use shroud_custody::{
    Commitments, CustodyMode, Kek, KekContext, KekSet, OpenError, Opened, Provider, SealSecretError, SealedSecret,
    SecretContext, StoredSecret, SystemRandom, open_secret, seal_secret,
};
use shroud_wire::gateway::Item;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::gateways::{GatewayError, Gateways};
use crate::records::{DekShare, SecretVersion, WrappedKek};
use crate::rows::{RowsError, Rows};

/// Why a key is not at hand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyringError {
    /// Too few clouds answered.
    #[error("{have} of the {need} clouds that are needed released their keys; {}", failures.join("; "))]
    TooFew {
        /// How many did.
        have: usize,
        /// How many must.
        need: usize,
        /// What the others said.
        failures: Vec<String>,
    },
    /// The vault or one of its keys has no row.
    #[error("{0} does not exist")]
    Absent(&'static str),
    /// A row cannot be used.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The secret did not open.
    #[error("the secret did not open: {0}")]
    Open(OpenError),
    /// The secret was not sealed.
    #[error(transparent)]
    Seal(#[from] SealSecretError),
    /// A row's content is not what its type says.
    #[error("the row of {0} holds something else")]
    Content(&'static str),
}

struct Cached {
    kek: Arc<Kek>,
    until: Instant,
}

type Cache = Mutex<HashMap<(Uuid, Provider), Cached>>;

/// The keys that an unsealed enclave can reach.
pub(crate) struct Keyring {
    origin: String,
    org: String,
    gateways: Arc<Gateways>,
    rows: Arc<Rows>,
    lifetime: Duration,
    cache: Arc<Cache>,
}

impl Keyring {
    /// A keyring over the gateways and the rows. Expired KEKs are erased within a second.
    pub(crate) fn new(origin: &str, org: Uuid, gateways: Arc<Gateways>, rows: Arc<Rows>, kek_ttl: u64) -> Self {
        let cache = Arc::new(Cache::default());
        let weak = Arc::downgrade(&cache);
        tokio::spawn(async move {
            while let Some(cache) = weak.upgrade() {
                cache.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, cached| cached.until > Instant::now());
                drop(cache);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let lifetime = Duration::from_secs(kek_ttl);
        Self { origin: origin.to_owned(), org: org.to_string(), gateways, rows, lifetime, cache }
    }

    /// Opens one version of a secret of a mode that needs no client.
    pub(crate) async fn open(&self, secret: &SecretVersion) -> Result<Opened, KeyringError> {
        let mode = mode(secret)?;
        let keks = self.keks(secret.vault_id, mode.providers(), mode.provider_shares_needed()).await?;
        let name = SecretVersion::key(secret.vault_id, &secret.path, secret.version);
        let mut shares = Vec::with_capacity(keks.len());
        for (provider, _) in &keks {
            let share = self.rows.load::<DekShare>(&DekShare::key(&name, provider.name())).await?;
            let share = share.ok_or(KeyringError::Absent("a share of the secret's key"))?;
            shares.push((*provider, base64(&share.value().sealed, "a share")?));
        }
        let commitment = Commitments::parse(&base64(&secret.commitments, "a secret")?)
            .map_err(|_| KeyringError::Content("a secret"))?;
        let value = base64(&secret.value, "a secret")?;
        let stored = StoredSecret { value: &value, commitment: &commitment, shares: &shares };
        let vault = secret.vault_id.to_string();
        open_secret(mode, &self.place(&vault, &secret.path, secret.version), &stored, &set(&keks), None)
            .map_err(KeyringError::Open)
    }

    /// Seals a value as one version of a secret; every cloud of the mode must release its KEK.
    pub(crate) async fn seal(
        &self,
        mode: CustodyMode,
        vault: Uuid,
        path: &str,
        version: u64,
        value: &[u8],
    ) -> Result<SealedSecret, KeyringError> {
        let keks = self.keks(vault, mode.providers(), mode.providers().len()).await?;
        let vault = vault.to_string();
        let place = self.place(&vault, path, version);
        Ok(seal_secret(mode, &place, &set(&keks), value, &mut SystemRandom)?)
    }

    fn place<'a>(&'a self, vault: &'a str, path: &'a str, version: u64) -> SecretContext<'a> {
        SecretContext { origin: &self.origin, org: &self.org, vault, path, version }
    }

    /// At least `need` KEKs of a vault: those that are kept, else from the clouds, the first that answer.
    async fn keks(
        &self,
        vault: Uuid,
        providers: &[Provider],
        need: usize,
    ) -> Result<Vec<(Provider, Arc<Kek>)>, KeyringError> {
        let mut have = self.kept(vault, providers);
        if have.len() >= need {
            return Ok(have);
        }
        let missing: Vec<Provider> =
            providers.iter().copied().filter(|provider| have.iter().all(|(kept, _)| kept != provider)).collect();
        let (sender, mut answers) = mpsc::channel(missing.len().max(1));
        for provider in missing {
            self.ask(vault, provider, sender.clone()).await?;
        }
        drop(sender);
        let mut failures = Vec::new();
        while have.len() < need {
            match answers.recv().await {
                Some((provider, Ok(kek))) => have.push((provider, kek)),
                Some((_, Err(error))) => failures.push(error.to_string()),
                None => return Err(KeyringError::TooFew { have: have.len(), need, failures }),
            }
        }
        Ok(have)
    }

    fn kept(&self, vault: Uuid, providers: &[Provider]) -> Vec<(Provider, Arc<Kek>)> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let usable = |provider: &Provider| cache.get(&(vault, *provider)).filter(|cached| cached.until > now);
        providers.iter().filter_map(|p| usable(p).map(|cached| (*p, Arc::clone(&cached.kek)))).collect()
    }

    /// Asks one cloud in the background; its answer is kept even if it comes too late for this caller.
    async fn ask(&self, vault: Uuid, provider: Provider, to: Answers) -> Result<(), KeyringError> {
        let row = self.rows.load::<WrappedKek>(&WrappedKek::key(vault, provider.name())).await?;
        let row = row.ok_or(KeyringError::Absent("a key of the vault"))?;
        let wrapped = base64(&row.value().wrapped, "a key of the vault")?;
        let vault_name = vault.to_string();
        let version = row.value().version;
        let context =
            KekContext { origin: &self.origin, org: &self.org, vault: &vault_name, provider, version }.to_bytes();
        let (gateways, cache, lifetime) = (Arc::clone(&self.gateways), Arc::clone(&self.cache), self.lifetime);
        tokio::spawn(async move {
            let kek = release(&gateways, provider, Item { context, bytes: wrapped }).await;
            if let (Ok(kek), false) = (&kek, lifetime.is_zero()) {
                let cached = Cached { kek: Arc::clone(kek), until: Instant::now() + lifetime };
                cache.lock().unwrap_or_else(PoisonError::into_inner).insert((vault, provider), cached);
            }
            let _ = to.send((provider, kek)).await;
        });
        Ok(())
    }
}

type Answers = mpsc::Sender<(Provider, Result<Arc<Kek>, GatewayError>)>;

/// One KEK from its cloud, by attested release.
async fn release(gateways: &Gateways, provider: Provider, item: Item) -> Result<Arc<Kek>, GatewayError> {
    let wrong = |detail: &str| GatewayError::Answer { gateway: provider.name().to_owned(), detail: detail.to_owned() };
    let member = gateways.members().iter().find(|member| member.name() == provider.name());
    let keys = gateways.unwrap(member.ok_or_else(|| wrong("it is not configured"))?, vec![item]).await?;
    let key = keys.first().ok_or_else(|| wrong("no key"))?;
    Ok(Arc::new(Kek::parse(key).map_err(|_| wrong("a key must have 32 bytes"))?))
}

fn set(keks: &[(Provider, Arc<Kek>)]) -> KekSet<'_> {
    keks.iter().fold(KekSet::new(), |set, (provider, kek)| set.with(*provider, kek))
}

fn mode(secret: &SecretVersion) -> Result<CustodyMode, KeyringError> {
    let name = secret.custody_mode.as_deref();
    name.map_or(Ok(CustodyMode::Unsplit), |name| name.parse()).map_err(|_| KeyringError::Content("a secret"))
}

fn base64(text: &str, what: &'static str) -> Result<Vec<u8>, KeyringError> {
    BASE64_STANDARD.decode(text).map_err(|_| KeyringError::Content(what))
}
