//! The signing daemon: the only trusted process. TLS ends inside it, it has no disk, and nothing leaves it before its
//! record is durable.
//!
//! ```text
//! ingress ─ TLS ─► api ─► sign ─► policy ─► keyring ─► ledger ─► reply
//!                                             │           │
//!                                          gateways     store, gateways as witnesses
//! ```
//!
//! Start with [`sign`](../src/shroud_enclave/sign.rs.html). [`run`] is the whole life of a guest: sealed, unsealed,
//! serving until it must stop. Everything outside is hostile until it has been parsed and authenticated.

mod access;
mod api;
mod boot;
mod clock;
mod configuration;
mod enclave;
mod events;
mod failure;
mod gateways;
mod history;
mod ingress;
mod instant;
mod keyring;
mod ledger;
mod limiter;
mod principal;
pub mod processor;
mod records;
mod rows;
mod secret_path;
mod session;
mod sign;
mod store;
mod tls;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use shroud_attestation::{Report, purpose};
use shroud_wire::link::Listener;

use crate::api::Api;
pub use crate::boot::Refused;
pub use crate::configuration::{Configuration, ConfigurationError};
use crate::enclave::Enclave;
pub use crate::events::Events;
use crate::processor::Processor;
use crate::tls::Identity;

/// How often key and report of the certificate are replaced.
const RENEWAL: Duration = Duration::from_secs(24 * 3600);

/// Runs a guest under the configuration whose bytes are given, until its writer must stop.
///
/// # Errors
/// [`Refused`] says why it may not serve, or no longer.
pub async fn run(
    configuration: &[u8],
    processor: Arc<dyn Processor>,
    events: &Events,
) -> Result<(), Refused> {
    let refused = |error: &dyn std::fmt::Display| Refused::new("configuration", error.to_string());
    shroud_enclave_sys::no_core_dumps().map_err(|error| Refused::new("protection", error.to_string()))?;
    let configuration = Arc::new(Configuration::parse(configuration).map_err(|error| refused(&error))?);
    let measurement = measured(processor.as_ref(), &configuration).await?;
    let digest = configuration.digest;
    let ingress = configuration.links.ingress.clone();
    let sealed = Enclave::sealed(configuration, Arc::clone(&processor), measurement)?;
    let enclave = Arc::new(sealed.unseal(events).await?);
    let now = enclave.clock.credentials();
    let identity = Identity::create(processor.as_ref(), now)
        .await
        .map_err(|error| Refused::new("tls", error.to_string()))?;
    enclave.shows(Arc::clone(&identity));
    let listener = Listener::bind(&ingress).map_err(|error| Refused::new("ingress", error.to_string()))?;
    let api = Api::new(Arc::clone(&enclave)).map_err(|error| refused(&error))?;
    events.ready(&measurement, &digest);
    tokio::select! {
        () = ingress::serve(listener, Arc::clone(&identity), Arc::new(api)) => Err(Refused::new("ingress", "the listener ended")),
        reason = enclave.ledger.stopped() => Err(Refused::new("journal", reason)),
        () = renew(&enclave, identity, processor) => Err(Refused::new("tls", "the renewal ended")),
    }
}

/// What this guest is, by its own report. The configuration must be the one that was measured into HOST_DATA.
async fn measured(processor: &dyn Processor, configuration: &Configuration) -> Result<[u8; 48], Refused> {
    let evidence = processor.report(&purpose::tls_certificate(&[])).await;
    let evidence = evidence.map_err(|error| Refused::new("processor", error.to_string()))?;
    let report = Report::read(&evidence.report)
        .ok_or_else(|| Refused::new("processor", "the report cannot be read"))?;
    if report.host_data != configuration.digest {
        let (expected, found) = (hex::encode(configuration.digest), hex::encode(report.host_data));
        return Err(Refused::new(
            "configuration",
            format!("HOST_DATA is {found}, the configuration's digest {expected}"),
        ));
    }
    Ok(report.measurement)
}

async fn renew(enclave: &Enclave<enclave::Unsealed>, identity: Arc<Identity>, processor: Arc<dyn Processor>) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        if let Err(error) = identity.renew(processor.as_ref(), enclave.clock.credentials()).await {
            tracing::warn!(%error, "the certificate was not renewed");
        }
    }
}

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    use shroud_custody::Random as _;
    let mut bytes = [0; N];
    shroud_custody::SystemRandom.fill(&mut bytes);
    bytes
}
