//! From sealed to unsealed: what the gateways know, the state key from any two, the journal replayed, the boot entry
//! cosigned (DESIGN §5, §7). Nothing is served before all of it held.
//!
//! ```text
//! testimonies ─ agreed? ─┬─ nobody knows the origin, store empty ─► genesis ─► again
//!                        └─ registered ─► state key ─► replay ─ judge ─► rows, ledger ─► boot entry, cosigned ─► Unsealed
//! ```

mod genesis;
mod hearing;
mod state_key;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use shroud_custody::StateKey;
use shroud_journal::boot::{Agreed, Ground, judge};
use shroud_journal::{BootRefused, Kind, Origin, Registered, Replay, SignedCheckpoint, State};
use shroud_wire::store::{Head, RowKey, Table};

use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::enclave::{Enclave, Parts, Unsealed};
use crate::events::Events;
use crate::gateways::{GatewayError, Gateways};
use crate::history::History;
use crate::keyring::Keyring;
use crate::ledger::{Anchor, Draft, Held, Ledger, LedgerError, Log, Sealing};
use crate::processor::Processor;
use crate::records::DeploymentKeys;
use crate::rows::{Rows, RowsError};
use crate::session::{Sessions, Voucher};
use crate::store::{Store, StoreError};
use hearing::Hearing;
use state_key::Released;

pub(crate) use state_key::WrappedStateKey;

/// How long to wait before what is out of reach is tried again.
const PAUSE: Duration = Duration::from_millis(300);
/// Entries asked for at once.
const CHUNK: u32 = 1024;

/// Why this guest may not serve. Its kind is what an operator acts on.
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Refused {
    /// `genesis`, `rollback`, `fork`, `state_key_substituted`, `row_…`, `configuration`, …
    pub kind: String,
    /// What was expected and what was found.
    pub detail: String,
}

impl Refused {
    /// Whether this is only something out of reach, so that another start may well succeed.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self.kind.as_str(), "store" | "processor" | "gateway" | "journal" | "tls" | "ingress")
    }

    pub(crate) fn new(kind: &str, detail: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), detail: detail.into() }
    }
}

impl From<BootRefused> for Refused {
    fn from(refused: BootRefused) -> Self {
        Self::new(refused.kind(), refused.to_string())
    }
}

impl From<RowsError> for Refused {
    fn from(error: RowsError) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

impl From<LedgerError> for Refused {
    fn from(error: LedgerError) -> Self {
        Self::new("journal", error.to_string())
    }
}

impl From<GatewayError> for Refused {
    fn from(error: GatewayError) -> Self {
        Self::new("gateway", error.to_string())
    }
}

/// A guest that has its configuration and no key.
pub(crate) struct Sealed {
    configuration: Arc<Configuration>,
    processor: Arc<dyn Processor>,
    gateways: Arc<Gateways>,
    store: Arc<Store>,
    clock: Arc<Clock>,
    measurement: [u8; 48],
}

impl Sealed {
    /// A sealed guest.
    ///
    /// # Errors
    /// `configuration` if the clients cannot be made.
    pub(crate) fn new(
        configuration: Arc<Configuration>,
        processor: Arc<dyn Processor>,
        measurement: [u8; 48],
    ) -> Result<Self, Refused> {
        let clock = Arc::new(Clock::default());
        let store = Arc::new(Store::new(configuration.links.store.clone()));
        let gateways = Gateways::new(
            &configuration.origin,
            &configuration.gateways,
            &configuration.links.egress,
            &clock,
            Arc::clone(&processor),
        )
        .map_err(|error| Refused::new("configuration", error.to_string()))?;
        Ok(Self { configuration, processor, gateways: Arc::new(gateways), store, clock, measurement })
    }
}

impl Enclave<Sealed> {
    /// Unseals, or says why not. Waits as long as too few gateways, or no store, can be reached.
    ///
    /// # Errors
    /// [`Refused`] with the kind to act on.
    pub(crate) async fn unseal(self, events: &Events) -> Result<Enclave<Unsealed>, Refused> {
        let sealed = self.into_state();
        let origin = Origin::new(&sealed.configuration.origin)
            .map_err(|error| Refused::new("configuration", error.to_string()))?;
        loop {
            let hearing =
                Hearing::hold(&sealed.gateways, &origin, &sealed.configuration.quorum, events).await?;
            sealed
                .clock
                .witness(hearing.time())
                .map_err(|error| Refused::new(error.name(), error.to_string()))?;
            let head = sealed.head(events).await;
            match (hearing.agreed()?, head.size) {
                (Agreed::Unknown, 0) => genesis::make(&sealed, &origin, events).await?,
                (Agreed::Unknown, size) => {
                    let detail = format!("the store holds {size} entries of an origin that no gateway knows");
                    return Err(Refused::new("genesis", detail));
                }
                (Agreed::Partly(_), _) => {
                    let detail =
                        "a genesis was cut short while it registered; start anew under another origin";
                    return Err(Refused::new("genesis", detail));
                }
                (Agreed::Registered(_), 0) => {
                    return Err(Refused::new("genesis", "the store is empty, but the origin is registered"));
                }
                (Agreed::Registered(registered), _) => {
                    return sealed.open(&origin, registered, &hearing, &head, events).await;
                }
            }
        }
    }
}

impl Sealed {
    async fn head(&self, events: &Events) -> Head {
        loop {
            match self.store.head().await {
                Ok(head) => return head,
                Err(error) => events.waiting(&["store"], &error.to_string()),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn open(
        self,
        origin: &Origin,
        registered: Registered,
        hearing: &Hearing,
        head: &Head,
        events: &Events,
    ) -> Result<Enclave<Unsealed>, Refused> {
        let released = state_key::rebuild(&self, &registered, events).await?;
        events.progress(&format!(
            "the state key was rebuilt from shares of {}",
            released.names().join(" and ")
        ));
        let state = self.replay(&released.key, origin, &registered, head).await?;
        let Ground::Extends { .. } = judge(&state, hearing.testimonies(), &self.configuration.quorum)? else {
            return Err(Refused::new("genesis", "the store's genesis is not registered"));
        };
        events.progress(&format!("{} entries of the journal were replayed", state.size()));
        let time = hearing.time().recorded(state.time());
        let time = time.map_err(|error| Refused::new(error.name(), error.to_string()))?;
        self.clock.witness(time).map_err(|error| Refused::new(error.name(), error.to_string()))?;
        released.row_is_fresh(&state)?;
        self.start(origin, registered, released, state, hearing).await
    }

    /// Every entry, opened and applied, up to the checkpoint that the store gives with them.
    async fn replay(
        &self,
        key: &StateKey,
        origin: &Origin,
        registered: &Registered,
        head: &Head,
    ) -> Result<State, Refused> {
        let mut replay = Replay::new();
        while replay.next() < head.size {
            let entries = self.store.entries(replay.next(), CHUNK).await.map_err(|error| withheld(&error))?;
            if entries.is_empty() {
                return Err(Refused::new(
                    "rollback",
                    format!("the store has no entry {} of {}", replay.next(), head.size),
                ));
            }
            for entry in entries {
                let context = Sealing::entry_place(origin.as_str(), entry.sequence);
                let altered = |error: &dyn std::fmt::Display| {
                    Refused::new("entry_altered", format!("entry {}: {error}", entry.sequence))
                };
                let bytes = key.open(&context, &entry.sealed).map_err(|error| altered(&error))?;
                replay.push(&bytes).map_err(|error| altered(&error))?;
            }
        }
        let checkpoint = SignedCheckpoint::verify(&head.checkpoint, origin, &registered.journal_key)
            .map_err(|error| Refused::new("fork", format!("the store's checkpoint: {error}")))?;
        replay.finish(&checkpoint).map_err(|error| Refused::new("fork", error.to_string()))
    }

    async fn start(
        self,
        origin: &Origin,
        registered: Registered,
        released: Released,
        state: State,
        hearing: &Hearing,
    ) -> Result<Enclave<Unsealed>, Refused> {
        let details = json!({
            "measurement": hex::encode(self.measurement),
            "shares_released_by": released.names(),
            "share_faults": released.faults(),
            "nonce": hex::encode(crate::random::<16>()),
        });
        let log = Arc::new(Log::new(origin.clone(), state));
        let keys = self.deployment_keys(&released, &log).await?;
        let journal_key = Ed25519KeyPair::from_seed_unchecked(keys.journal.expose())
            .map_err(|_| Refused::new("genesis", "the journal key cannot be used"))?;
        if journal_key.public_key().as_ref() != registered.journal_key {
            return Err(Refused::new("genesis", "the journal key is not the registered one"));
        }
        let sealing = Arc::new(Sealing::new(origin.as_str(), released.key, journal_key));
        let rows = Arc::new(Rows::new(Arc::clone(&self.store), Arc::clone(&log), Arc::clone(&sealing)));
        let anchor = Anchor::start(
            Arc::clone(&log),
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
            self.configuration.quorum,
            &self.gateways,
            &hearing.sizes(),
        );
        let ledger = Ledger::start(log, Arc::clone(&sealing), anchor);
        let draft = Draft::new(Kind::Boot, "enclave", origin.as_str(), details);
        boot_entry(&ledger, draft).await?;
        let configuration = Arc::clone(&self.configuration);
        let keyring = Keyring::new(
            origin.as_str(),
            configuration.org_id,
            self.gateways,
            Arc::clone(&rows),
            configuration.kek_ttl,
        );
        let voucher = Voucher::new(Arc::clone(&sealing), Arc::clone(ledger.anchor()));
        let sessions = Sessions::start(self.processor, voucher);
        let history = History::new(self.store, Arc::clone(ledger.log()), sealing);
        let parts = Parts {
            configuration,
            clock: self.clock,
            rows,
            ledger,
            history,
            keyring,
            sessions,
            measurement: self.measurement,
        };
        Unsealed::new(parts, &keys).map(Enclave::unsealed)
    }

    /// The deployment's own keys, opened with a sealing that lives only for this.
    async fn deployment_keys(&self, released: &Released, log: &Arc<Log>) -> Result<DeploymentKeys, Refused> {
        let context = Sealing::row_place(log.origin().as_str(), Table::Deployment, DeploymentKeys::KEY, 1);
        let key = RowKey {
            table: Table::Deployment.number(),
            key: crate::rows::RowKeys::new(&released.key)
                .opaque(Table::Deployment.number(), DeploymentKeys::KEY),
        };
        let row = self.store.row(key).await.map_err(|error| withheld(&error))?;
        let row = row.map(|row| shroud_wire::store::Row { key: DeploymentKeys::KEY.to_owned(), ..row });
        let asked = RowKey { table: Table::Deployment.number(), key: DeploymentKeys::KEY.to_owned() };
        let fresh = log.with(|state| state.check_row(&asked, row.as_ref()).map(|fresh| fresh.row().cloned()));
        let row =
            fresh.map_err(RowsError::from)?.ok_or_else(|| Refused::new("row_withheld", "deployment/keys"))?;
        let body = released.key.open(&context, &row.body).map_err(RowsError::from)?;
        Ok(serde_json::from_slice(&body).map_err(RowsError::from)?)
    }
}

/// Records the boot and waits for the quorum, however long it takes.
async fn boot_entry(ledger: &Ledger, draft: Draft) -> Result<(), Refused> {
    match ledger.record(Held::new(()), draft).await {
        Ok(_) => return Ok(()),
        Err(LedgerError::NotDurable(_)) => {}
        Err(error) => return Err(error.into()),
    }
    while let Err(LedgerError::NotDurable(obstacle)) = ledger.settled().await {
        tracing::warn!(obstacle, "the boot entry is not cosigned yet");
    }
    Ok(())
}

fn withheld(error: &StoreError) -> Refused {
    Refused::new("store", error.to_string())
}
