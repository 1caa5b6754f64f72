//! Keys at work: KEKs from the clouds, secrets opened for one operation, signing keys made and used.
//!
//! Only an unsealed enclave has a keyring. KEKs are kept for the configured time and erased then; with a time of zero
//! every opening asks the clouds. Providers are asked in parallel and the first that suffice win; only if what they
//! released does not open the secret are the others waited for.

pub(crate) mod provision;
pub(crate) mod rows;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use shroud_custody::{
    ClientShare, Commitments, CustodyMode, Kek, KekContext, KekSet, OpenError, Opened, Provider,
    SealSecretError, SecretContext, StoredSecret, SystemRandom, open_secret, seal_secret,
};
use shroud_wire::gateway::Item;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::gateways::{GatewayError, Gateways};
use crate::records::{DekShare, SecretVersion, WrappedKek};
use crate::rows::{Rows, RowsError};
use rows::SealedVersion;

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
    /// A cloud that must wrap a fresh key did not.
    #[error("a key that the vault needs was not wrapped: {0}")]
    Wrap(#[from] GatewayError),
    /// The vault or one of its keys has no row.
    #[error("{0} does not exist")]
    Absent(&'static str),
    /// A row cannot be used.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The secret did not open.
    #[error("the secret did not open: {error}")]
    Open {
        /// The secret's mode.
        mode: CustodyMode,
        /// Why, exactly.
        error: OpenError,
    },
    /// The secret was not sealed.
    #[error(transparent)]
    Seal(#[from] SealSecretError),
    /// A row's content is not what its type says.
    #[error("the row of {0} holds something else")]
    Content(&'static str),
}

/// A KEK that its cloud has released.
#[derive(Clone)]
struct Released {
    provider: Provider,
    version: u64,
    kek: Arc<Kek>,
}

struct Cached {
    released: Released,
    until: Instant,
}

type Cache = Mutex<HashMap<(Uuid, Provider), Cached>>;

/// The keys that an unsealed enclave can reach.
pub(crate) struct Keyring {
    origin: String,
    org: Uuid,
    gateways: Arc<Gateways>,
    rows: Arc<Rows>,
    lifetime: Duration,
    cache: Arc<Cache>,
    under_way: Arc<UnderWay>,
}

impl Keyring {
    /// A keyring over the gateways and the rows. Expired KEKs are erased within a second.
    pub(crate) fn new(
        origin: &str,
        org: Uuid,
        gateways: Arc<Gateways>,
        rows: Arc<Rows>,
        kek_ttl: u64,
    ) -> Self {
        let cache = Arc::new(Cache::default());
        let weak = Arc::downgrade(&cache);
        tokio::spawn(async move {
            while let Some(cache) = weak.upgrade() {
                cache
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .retain(|_, cached| cached.until > Instant::now());
                drop(cache);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let lifetime = Duration::from_secs(kek_ttl);
        Self { origin: origin.to_owned(), org, gateways, rows, lifetime, cache, under_way: Arc::default() }
    }

    /// Opens one version of a secret, with the client's share where its mode has one.
    ///
    /// # Errors
    /// Every [`KeyringError`]; [`KeyringError::Open`] if enough was at hand and it does not open.
    pub(crate) async fn open(
        &self,
        secret: &SecretVersion,
        client: Option<&ClientShare>,
    ) -> Result<Opened, KeyringError> {
        let mode = mode(secret)?;
        let providers = mode.providers();
        let keks = self.keks(secret.vault_id, providers, mode.provider_shares_needed()).await?;
        let first = self.open_with(mode, secret, &keks, client).await;
        if keks.len() == providers.len() || !matches!(first, Err(KeyringError::Open { .. })) {
            return first;
        }
        // One of the first shares may be damaged: with every other at hand the good ones are found, the bad one named.
        let (all, _) = self.gather(secret.vault_id, providers, providers.len(), keks).await?;
        self.open_with(mode, secret, &all, client).await
    }

    async fn open_with(
        &self,
        mode: CustodyMode,
        secret: &SecretVersion,
        keks: &[Released],
        client: Option<&ClientShare>,
    ) -> Result<Opened, KeyringError> {
        let name = SecretVersion::key(secret.vault_id, &secret.path, secret.version);
        let mut shares = Vec::with_capacity(keks.len());
        for Released { provider, .. } in keks {
            let share = self.rows.load::<DekShare>(&DekShare::key(&name, provider.name())).await?;
            let share = share.ok_or(KeyringError::Absent("a share of the secret's key"))?;
            shares.push((*provider, base64(&share.value().sealed, "a share")?));
        }
        let commitment = Commitments::parse(&base64(&secret.commitments, "a secret")?)
            .map_err(|_| KeyringError::Content("a secret"))?;
        let value = base64(&secret.value, "a secret")?;
        let stored = StoredSecret { value: &value, commitment: &commitment, shares: &shares };
        let (org, vault) = (self.org.to_string(), secret.vault_id.to_string());
        let place = self.place(&org, &vault, &secret.path, secret.version);
        open_secret(mode, &place, &stored, &set(keks), client)
            .map_err(|error| KeyringError::Open { mode, error })
    }

    /// Seals a value as one version of a secret; every cloud of the mode must release its KEK.
    ///
    /// # Errors
    /// Every [`KeyringError`] but [`KeyringError::Open`].
    pub(crate) async fn seal(
        &self,
        mode: CustodyMode,
        vault: Uuid,
        path: &str,
        version: u64,
        value: &[u8],
    ) -> Result<SealedVersion, KeyringError> {
        let keks = self.keks(vault, mode.providers(), mode.providers().len()).await?;
        let (org, name) = (self.org.to_string(), vault.to_string());
        let sealed = seal_secret(
            mode,
            &self.place(&org, &name, path, version),
            &set(&keks),
            value,
            &mut SystemRandom,
        )?;
        let share = |(provider, bytes): (Provider, Vec<u8>)| DekShare {
            vault_id: vault,
            provider: provider.name().to_owned(),
            kek_version: keks.iter().find(|kek| kek.provider == provider).map_or(0, |kek| kek.version),
            sealed: BASE64_STANDARD.encode(bytes),
        };
        Ok(SealedVersion {
            value: BASE64_STANDARD.encode(&sealed.value),
            commitments: BASE64_STANDARD.encode(sealed.commitment.to_bytes()),
            shares: sealed.shares.into_iter().map(share).collect(),
            client_share: sealed.client_share,
        })
    }

    /// Erases what is kept of a vault's keys.
    pub(crate) fn forget(&self, vault: Uuid) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).retain(|(kept, _), _| *kept != vault);
    }

    fn place<'a>(&'a self, org: &'a str, vault: &'a str, path: &'a str, version: u64) -> SecretContext<'a> {
        SecretContext { origin: &self.origin, org, vault, path, version }
    }

    /// At least `need` KEKs of a vault: those that are kept, else from the clouds, the first that answer.
    async fn keks(
        &self,
        vault: Uuid,
        providers: &[Provider],
        need: usize,
    ) -> Result<Vec<Released>, KeyringError> {
        let (have, failures) = self.gather(vault, providers, need, self.kept(vault, providers)).await?;
        if have.len() < need {
            return Err(KeyringError::TooFew { have: have.len(), need, failures });
        }
        Ok(have)
    }

    /// Adds to `have` what the other clouds release, until `need` are there or all have answered.
    async fn gather(
        &self,
        vault: Uuid,
        providers: &[Provider],
        need: usize,
        mut have: Vec<Released>,
    ) -> Result<(Vec<Released>, Vec<String>), KeyringError> {
        let mut failures = Vec::new();
        if have.len() >= need {
            return Ok((have, failures));
        }
        let (sender, mut answers) = mpsc::channel(providers.len().max(1));
        let missing = providers.iter().filter(|provider| have.iter().all(|kept| kept.provider != **provider));
        for provider in missing.copied() {
            self.ask(vault, provider, sender.clone()).await?;
        }
        drop(sender);
        while have.len() < need {
            match answers.recv().await {
                Some(Ok(released)) => have.push(released),
                Some(Err(error)) => failures.push(error),
                None => break,
            }
        }
        Ok((have, failures))
    }

    fn kept(&self, vault: Uuid, providers: &[Provider]) -> Vec<Released> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let usable = |provider: &Provider| cache.get(&(vault, *provider)).filter(|cached| cached.until > now);
        providers.iter().filter_map(usable).map(|cached| cached.released.clone()).collect()
    }

    /// Asks one cloud in the background; its answer is kept even if it comes too late for this caller.
    async fn ask(&self, vault: Uuid, provider: Provider, to: Answers) -> Result<(), KeyringError> {
        let row = self.rows.load::<WrappedKek>(&WrappedKek::key(vault, provider.name())).await?;
        let row = row.ok_or(KeyringError::Absent("a key of the vault"))?;
        let wrapped = base64(&row.value().wrapped, "a key of the vault")?;
        let (org, name, version) = (self.org.to_string(), vault.to_string(), row.value().version);
        let context =
            KekContext { origin: &self.origin, org: &org, vault: &name, provider, version }.to_bytes();
        let place = (vault, provider);
        if !self.lifetime.is_zero() && self.under_way.joins(place, &to) {
            return Ok(());
        }
        let (gateways, cache, lifetime) =
            (Arc::clone(&self.gateways), Arc::clone(&self.cache), self.lifetime);
        let under_way = Arc::clone(&self.under_way);
        tokio::spawn(async move {
            let kek = release(&gateways, provider, Item { context, bytes: wrapped }).await;
            let released =
                kek.map(|kek| Released { provider, version, kek }).map_err(|error| error.to_string());
            if lifetime.is_zero() {
                let _ = to.send(released).await;
                return;
            }
            if let Ok(released) = &released {
                let cached = Cached { released: released.clone(), until: Instant::now() + lifetime };
                cache.lock().unwrap_or_else(PoisonError::into_inner).insert(place, cached);
            }
            for waiting in under_way.ends(place) {
                let _ = waiting.send(released.clone()).await;
            }
        });
        Ok(())
    }
}

type Answers = mpsc::Sender<Result<Released, String>>;

/// Releases that are under way, each with everyone who waits for it: however many ask for a key that is kept, its cloud
/// and the security processor are asked once. Where keys are not kept, each opening asks, as it should.
#[derive(Default)]
struct UnderWay(Mutex<HashMap<(Uuid, Provider), Vec<Answers>>>);

impl UnderWay {
    /// Joins a release that is under way; false if the caller must begin it, and has then joined it as the first.
    fn joins(&self, place: (Uuid, Provider), to: &Answers) -> bool {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = under_way.entry(place).or_default();
        waiting.push(to.clone());
        waiting.len() > 1
    }

    /// Ends a release: who waits for it.
    fn ends(&self, place: (Uuid, Provider)) -> Vec<Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&place).unwrap_or_default()
    }
}

/// One KEK from its cloud, by attested release.
async fn release(gateways: &Gateways, provider: Provider, item: Item) -> Result<Arc<Kek>, GatewayError> {
    let wrong = |detail: &str| GatewayError::Answer {
        gateway: provider.name().to_owned(),
        detail: detail.to_owned(),
    };
    let member = gateways.members().iter().find(|member| member.name() == provider.name());
    let keys = gateways.unwrap(member.ok_or_else(|| wrong("it is not configured"))?, vec![item]).await?;
    let key = keys.first().ok_or_else(|| wrong("no key"))?;
    Ok(Arc::new(Kek::parse(key).map_err(|_| wrong("a key must have 32 bytes"))?))
}

fn set(keks: &[Released]) -> KekSet<'_> {
    keks.iter().fold(KekSet::new(), |set, released| set.with(released.provider, &released.kek))
}

/// The custody mode that a version was written under.
///
/// # Errors
/// [`KeyringError::Content`] if its row names none.
pub(crate) fn mode(secret: &SecretVersion) -> Result<CustodyMode, KeyringError> {
    let name = secret.custody_mode.as_deref();
    name.map_or(Ok(CustodyMode::Unsplit), str::parse).map_err(|_| KeyringError::Content("a secret"))
}

fn base64(text: &str, what: &'static str) -> Result<Vec<u8>, KeyringError> {
    BASE64_STANDARD.decode(text).map_err(|_| KeyringError::Content(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_release_serves_all_who_wait() {
        let under_way = UnderWay::default();
        let place = (Uuid::nil(), Provider::Aws);
        let (to, mut answers) = mpsc::channel(8);
        assert!(!under_way.joins(place, &to), "the first begins the release");
        assert!(under_way.joins(place, &to));
        assert!(!under_way.joins((Uuid::nil(), Provider::Gcp), &to), "another cloud is another release");
        drop(to);
        for waiting in under_way.ends(place) {
            waiting.send(Err("out of reach".to_owned())).await.unwrap();
        }
        assert_eq!((answers.recv().await.is_some(), answers.recv().await.is_some()), (true, true));
        let (to, _answers) = mpsc::channel(1);
        assert!(!under_way.joins(place, &to), "what has ended is begun anew");
    }
}
