//! Admission: from an attested request to the proof that this guest may have this answer, once.
//!
//! ```text
//! Attested ─ shape ─► nonce spent ─► digest ─► transcript ─► report verified ─► rate ─► Admitted
//!  (bytes)             Challenge      of path    DESIGN §6     VerifiedReport
//!                      by value       and body
//! ```
//!
//! Nothing of the request is believed before the last step; the nonce is spent in the first, whatever follows.

use std::time::Instant;

use shroud_attestation::{Evidence, Level, VerifiedReport, purpose, verify};
use shroud_journal::Origin;
use shroud_wire::gateway::{Attested, release_transcript, request_bytes};
use shroud_wire::limits;

use crate::challenge::Challenge;
use crate::gateway::Gateway;
use crate::log::{Event, Release, sha256};
use crate::refusal::Refused;

/// A request whose report was verified. Not `Clone`; an operation takes it by value.
#[derive(Debug)]
pub(crate) struct Admitted {
    report: VerifiedReport,
    challenge: Challenge,
    transcript: Vec<u8>,
    tee_key: Vec<u8>,
    body: Vec<u8>,
}

impl Admitted {
    /// Admits an attested request to `path`.
    ///
    /// # Errors
    /// [`Refused::Malformed`], [`Refused::TooLarge`], [`Refused::Nonce`], [`Refused::Attestation`],
    /// [`Refused::RateLimit`], [`Refused::Clock`].
    pub(crate) fn admit(gateway: &Gateway, path: &str, attested: Attested) -> Result<Self, Refused> {
        let nonce = shape(&attested)?;
        let challenge = gateway.challenges.spend(nonce, Instant::now())?;
        let Attested { tee_key, report, certificates, body, .. } = attested;
        let digest = sha256(&request_bytes(path, &body));
        let transcript = release_transcript(challenge.nonce(), gateway.identity(), &tee_key, &digest);
        let evidence = Evidence { report, certificates };
        let now = gateway.clock.now()?;
        let references = gateway.references.current();
        let report = verify(&evidence, &purpose::release(&transcript), &references, now)
            .map_err(|rejected| Refused::Attestation(rejected.to_string()))?;
        gateway.within_rate(&report)?;
        Ok(Self { report, challenge, transcript, tee_key, body })
    }

    /// The encoded request, which the report binds.
    #[must_use]
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The challenge that was spent on it.
    #[must_use]
    pub(crate) fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// The verified report.
    #[must_use]
    pub(crate) fn report(&self) -> &VerifiedReport {
        &self.report
    }

    /// The key that an answer is sealed to.
    #[must_use]
    pub(crate) fn tee_key(&self) -> &[u8] {
        &self.tee_key
    }

    /// The transcript that the report binds.
    #[must_use]
    pub(crate) fn transcript(&self) -> &[u8] {
        &self.transcript
    }

    /// What the log says of a release to this guest.
    #[must_use]
    pub(crate) fn event(&self, operation: &str, origin: &Origin, contexts: &[&[u8]]) -> Event {
        Event::Release(Box::new(Release {
            operation: operation.to_owned(),
            origin: origin.as_str().to_owned(),
            contexts: contexts.iter().map(|context| hex::encode(sha256(context))).collect(),
            measurement: hex::encode(self.report.measurement()),
            host_data: hex::encode(self.report.host_data()),
            chip_id: hex::encode(self.report.chip_id()),
            level: level(self.report.level()).to_owned(),
            transcript: hex::encode(sha256(&self.transcript)),
        }))
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::SevSnp => "sev_snp",
        Level::Dev => "dev",
    }
}

/// Checks the request's shape and returns its nonce.
fn shape(attested: &Attested) -> Result<[u8; 32], Refused> {
    for (what, length) in
        [("report", attested.report.len()), ("certificate table", attested.certificates.len())]
    {
        if length > limits::EVIDENCE {
            return Err(Refused::TooLarge(what));
        }
    }
    if !matches!(attested.tee_key.len(), 0 | 32) {
        return Err(Refused::Malformed("TEE key"));
    }
    attested.nonce.as_slice().try_into().map_err(|_| Refused::Malformed("nonce"))
}
