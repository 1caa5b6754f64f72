//! The gateway's parts, opened together and checked before a port is bound.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shroud_attestation::VerifiedReport;
use shroud_journal::Origin;
use shroud_wire::gateway as wire;

use crate::backend::Backend;
use crate::backend::local::{Local, LocalError};
use crate::certificate::{PresentError, Presenter};
use crate::challenge::Challenges;
use crate::clock::{Clock, ClockBackwards};
use crate::configuration::{BackendConfiguration, Configuration, ConfigurationError};
use crate::files::{self, FileError, StateLock};
use crate::log::{Event, LogError, ReleaseLog};
use crate::origins::{Origins, Registered};
use crate::rate::RateLimit;
use crate::references::{References, ReferencesError};
use crate::refusal::Refused;
use crate::witness::{WitnessError, Witnesses};

/// The longest sentence about a refusal in the log, in characters.
const DETAIL: usize = 2000;
/// How long before its end a credential is complained of, in seconds.
const EXPIRY_NOTICE: u64 = 24 * 3600;

/// One gateway: what it knows, holds and remembers.
#[derive(Debug)]
pub(crate) struct Gateway {
    identity: [u8; 32],
    pub(crate) clock: Clock,
    pub(crate) challenges: Challenges,
    pub(crate) references: References,
    pub(crate) presenter: Arc<Presenter>,
    pub(crate) origins: Origins,
    pub(crate) witnesses: Witnesses,
    pub(crate) backend: Box<dyn Backend>,
    log: ReleaseLog,
    chips: RateLimit,
    measurements: RateLimit,
    _lock: StateLock,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is refused.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// A state file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process holds the state directory.
    #[error("another process serves from this state directory")]
    Locked,
    /// The clock stands behind a time that this gateway gave before.
    #[error(transparent)]
    Clock(#[from] ClockBackwards),
    /// Keys or credential are refused.
    #[error(transparent)]
    Present(#[from] PresentError),
    /// The reference values are refused.
    #[error(transparent)]
    References(#[from] ReferencesError),
    /// The release log is refused.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The witness's state is refused.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The backend's key is refused.
    #[error("local backend: {0}")]
    Local(#[from] LocalError),
    /// The port cannot be bound.
    #[error("cannot listen: {0}")]
    Listen(#[source] std::io::Error),
    /// TLS cannot be configured.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl Gateway {
    /// Opens everything that the configuration names.
    pub(crate) fn open(configuration: &Configuration, clock: Clock) -> Result<Self, StartError> {
        let limits = &configuration.limits;
        limits.within_bounds()?;
        let state = configuration.state.as_path();
        files::create_directory(state)?;
        let lock = StateLock::take(state)?.ok_or(StartError::Locked)?;
        let name = configuration.name.as_str();
        let (presenter, witness_key) = Presenter::open(configuration, clock.unchecked())?;
        let origins = Origins::open(state)?;
        let witnesses = Witnesses::open(state, name, &witness_key, &origins.all())?;
        clock.not_below(witnesses.newest_time());
        let now = clock.now()?;
        let references = References::open(&configuration.reference, &state.join("reference.note"))?;
        let log = ReleaseLog::open(&state.join("releases.jsonl"), name, now)?;
        log.note(now, Event::Started { reference: references.current().version() });
        Ok(Self {
            identity: configuration.identity,
            challenges: Challenges::new(
                Duration::from_secs(limits.challenge_seconds.into()),
                limits.challenges,
            ),
            references,
            presenter: Arc::new(presenter),
            origins,
            witnesses,
            backend: open_backend(&configuration.backend, state)?,
            log,
            chips: RateLimit::new(limits.chip_per_second, limits.chip_burst),
            measurements: RateLimit::new(limits.measurement_per_second, limits.measurement_burst),
            clock,
            _lock: lock,
        })
    }

    /// The identity's public key, which the transcript names.
    pub(crate) fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    /// Takes one token of the report's chip and one of its measurement.
    pub(crate) fn within_rate(&self, report: &VerifiedReport) -> Result<(), Refused> {
        let now = Instant::now();
        self.chips.take(report.chip_id().as_ref(), now).map_err(|_| Refused::RateLimit("chip"))?;
        let measurement = report.measurement().as_ref();
        self.measurements.take(measurement, now).map_err(|_| Refused::RateLimit("measurement"))
    }

    /// Writes a release to the log; only after that may it leave.
    pub(crate) async fn record(&self, event: Event) -> Result<(), Refused> {
        self.log.append(self.clock.now()?, event).await.map_err(|_| Refused::Storage(None))
    }

    /// Tells the log of a refusal. Nothing waits for it.
    pub(crate) fn record_refusal(&self, path: &str, kind: &str, detail: &str) {
        let event = Event::Refusal {
            path: path.to_owned(),
            refused: kind.to_owned(),
            detail: detail.chars().take(DETAIL).collect(),
        };
        self.log.note(self.clock.unchecked(), event);
    }

    /// Registers an origin for an admitted guest, the witness's state first.
    pub(crate) fn register(&self, registered: Registered) -> Result<(), Refused> {
        self.origins.register(registered, |registered| self.witnesses.prepare(registered))
    }

    /// A fresh challenge.
    pub(crate) fn challenge(&self) -> Result<wire::Challenge, Refused> {
        let nonce = crate::keys::random::<32>("challenge").map_err(|_| Refused::Stopping)?;
        self.challenges.issue(nonce, Instant::now());
        let lifetime = u32::try_from(self.challenges.lifetime().as_secs()).unwrap_or(u32::MAX);
        Ok(wire::Challenge { nonce: nonce.to_vec(), lifetime })
    }

    /// What is known of an origin.
    pub(crate) fn origin(&self, origin: &Origin) -> Result<wire::Origin, Refused> {
        let registration = self.origins.find(origin);
        let checkpoint = match registration {
            Some(_) => self.witnesses.newest_note(origin)?,
            None => Vec::new(),
        };
        let registration = registration.map(|registered| registered.to_message());
        Ok(wire::Origin { registration, checkpoint, time: self.clock.now()? })
    }

    /// Reads reference values and credential again. What is refused, or soon will be, is returned and changes nothing.
    pub(crate) fn refresh(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        match self.references.refresh() {
            Ok(Some(version)) => {
                tracing::info!(version, "newer reference values took over");
                self.log.note(self.clock.unchecked(), Event::Reference { version });
            }
            Ok(None) => {}
            Err(error) => complaints.push(error.to_string()),
        }
        match self.presenter.refresh(self.clock.unchecked()) {
            Ok(true) => tracing::info!("a newer credential took over"),
            Ok(false) => {}
            Err(error) => complaints.push(error.to_string()),
        }
        let not_after = self.presenter.current().statement().not_after;
        if self.clock.unchecked().saturating_add(EXPIRY_NOTICE) > not_after {
            complaints.push(format!("the credential is good until {not_after} (unix seconds) only"));
        }
        complaints
    }
}

fn open_backend(configuration: &BackendConfiguration, state: &Path) -> Result<Box<dyn Backend>, StartError> {
    match configuration {
        BackendConfiguration::Local { key } => {
            Ok(Box::new(Local::open(key, &state.join("backend.commitment"))?))
        }
    }
}
