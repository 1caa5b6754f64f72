//! What the gateway shows in the handshake: a certificate of its short-lived TLS key that carries the credential.
//!
//! Nobody trusts the certificate itself. The enclave pins the identity key, verifies the credential from the extension
//! and compares the key that it names with the certificate's (DESIGN §6, `shroud_wire::credential`).

use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use shroud_wire::credential::{Credential, CredentialError, EXTENSION_ARCS, Statement};
use shroud_wire::gateway::Sealed;
use shroud_wire::hpke::{HpkeError, Recipient};
use time::OffsetDateTime;

use crate::configuration::Configuration;
use crate::files::{self, FileError};
use crate::keys::{KeyError, Keys, PublicKeys, WitnessKey};

/// The keys in use with the credential that vouches for them.
pub(crate) struct Presented {
    certified: Arc<CertifiedKey>,
    hpke: Arc<Recipient>,
    statement: Statement,
    source: Source,
}

/// The bytes of the files that [`Presented`] was made of, to tell a change.
#[derive(PartialEq, Eq)]
struct Source {
    credential: Vec<u8>,
    public: PublicKeys,
}

/// The HPKE key that was presented before. Whoever dialled earlier seals to it until its credential ends.
struct Former {
    hpke: Arc<Recipient>,
    not_after: u64,
}

/// What is presented now, and the one HPKE key before it that still opens.
struct Shown {
    current: Arc<Presented>,
    former: Option<Former>,
}

/// What is presented now; replaced when a new credential appears.
pub(crate) struct Presenter {
    configuration: Configuration,
    shown: RwLock<Shown>,
}

/// Why keys and credential cannot be presented.
#[derive(Debug, thiserror::Error)]
pub enum PresentError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keys could not be opened.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The credential is not the identity's, not this gateway's, or not valid now.
    #[error("credential: {0}")]
    Credential(#[from] CredentialError),
    /// The credential names another key than the one in the state directory.
    #[error("the credential names another {0} key than the state directory holds")]
    Mismatch(&'static str),
    /// No certificate could be made.
    #[error("no certificate could be made")]
    Certificate,
}

impl Presented {
    /// What the identity vouches for.
    #[must_use]
    pub(crate) fn statement(&self) -> &Statement {
        &self.statement
    }

    fn open(configuration: &Configuration, now: u64) -> Result<(Self, WitnessKey), PresentError> {
        let bytes = files::read(&configuration.credential)?;
        let keys = Keys::open(&configuration.state)?;
        let public = keys.public()?;
        let name = configuration.name.as_str();
        let credential = Credential::verify(&bytes, name, &configuration.identity, &public.tls_spki, now)?;
        let statement = credential.statement().clone();
        if statement.hpke_key != public.hpke_key {
            return Err(PresentError::Mismatch("HPKE"));
        }
        if statement.witness_key != public.witness_key {
            return Err(PresentError::Mismatch("witness"));
        }
        let certified = Arc::new(certified(&keys, &statement, &bytes)?);
        let source = Source { credential: bytes, public };
        Ok((Self { certified, hpke: Arc::new(keys.hpke), statement, source }, keys.witness))
    }
}

impl Presenter {
    /// Opens keys and credential, and hands out the witness key, which stays for the life of the process.
    ///
    /// # Errors
    /// Every [`PresentError`].
    pub(crate) fn open(configuration: &Configuration, now: u64) -> Result<(Self, WitnessKey), PresentError> {
        let (presented, witness) = Presented::open(configuration, now)?;
        let shown = RwLock::new(Shown { current: Arc::new(presented), former: None });
        Ok((Self { configuration: configuration.clone(), shown }, witness))
    }

    /// What is presented now.
    #[must_use]
    pub(crate) fn current(&self) -> Arc<Presented> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner).current)
    }

    /// Opens what was sealed under `info` to the key that is presented, or to the one before it as long as that one's
    /// credential is valid at `now`.
    ///
    /// # Errors
    /// [`HpkeError`] if neither opens it.
    pub(crate) fn open_sealed(&self, info: &[u8], sealed: &Sealed, now: u64) -> Result<Vec<u8>, HpkeError> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let current = Arc::clone(&shown.current.hpke);
        let former = shown.former.as_ref().filter(|former| former.is_valid(now));
        let former = former.map(|former| Arc::clone(&former.hpke));
        drop(shown);
        current.open(info, sealed).or_else(|error| former.ok_or(error)?.open(info, sealed))
    }

    /// Reads keys and credential again; whether a new one took over. A former key goes when its credential ends.
    ///
    /// # Errors
    /// Every [`PresentError`]; what is presented stays.
    pub(crate) fn refresh(&self, now: u64) -> Result<bool, PresentError> {
        self.shown.write().unwrap_or_else(PoisonError::into_inner).forget(now);
        let credential = files::read(&self.configuration.credential)?;
        let public = PublicKeys::read(&self.configuration.state)?;
        let current = self.current();
        if current.source == (Source { credential, public }) {
            return Ok(false);
        }
        let (presented, _) = Presented::open(&self.configuration, now)?;
        if presented.statement.witness_key != current.statement.witness_key {
            return Err(PresentError::Mismatch("witness"));
        }
        self.shown.write().unwrap_or_else(PoisonError::into_inner).replace(presented);
        Ok(true)
    }
}

impl Former {
    fn is_valid(&self, now: u64) -> bool {
        now <= self.not_after
    }
}

impl Shown {
    /// A credential anew over the same HPKE key leaves the former key as it is; another key takes its place.
    fn replace(&mut self, presented: Presented) {
        let before = std::mem::replace(&mut self.current, Arc::new(presented));
        if before.statement.hpke_key != self.current.statement.hpke_key {
            let not_after = before.statement.not_after;
            self.former = Some(Former { hpke: Arc::clone(&before.hpke), not_after });
        }
    }

    fn forget(&mut self, now: u64) {
        self.former = self.former.take().filter(|former| former.is_valid(now));
    }
}

impl std::fmt::Debug for Presenter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presenter").field("statement", &self.current().statement).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Presenter {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current().certified))
    }
}

fn certified(keys: &Keys, statement: &Statement, credential: &[u8]) -> Result<CertifiedKey, PresentError> {
    let failed = || PresentError::Certificate;
    let date = |seconds: u64| {
        i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
    };
    let mut parameters = CertificateParams::default();
    parameters.not_before = date(statement.not_before).ok_or_else(failed)?;
    parameters.not_after = date(statement.not_after).ok_or_else(failed)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, format!("shroud-gateway {}", statement.gateway));
    parameters.custom_extensions = vec![CustomExtension::from_oid_content(
        &EXTENSION_ARCS,
        octet_string(credential).ok_or_else(failed)?,
    )];
    let certificate = parameters.self_signed(&keys.tls).map_err(|_| failed())?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(keys.tls.serialized_der().to_vec()));
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).map_err(|_| failed())?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

/// A DER OCTET STRING around `content` of at most 64 KiB.
fn octet_string(content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len()).ok()?;
    let [high, low] = length.to_be_bytes();
    let header = match (high, low) {
        (0, 0..=0x7f) => vec![0x04, low],
        (0, _) => vec![0x04, 0x81, low],
        _ => vec![0x04, 0x82, high, low],
    };
    Some([header.as_slice(), content].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octet_strings_have_the_shortest_length() {
        for (length, header) in [
            (0, vec![4, 0]),
            (127, vec![4, 127]),
            (128, vec![4, 0x81, 128]),
            (255, vec![4, 0x81, 255]),
            (256, vec![4, 0x82, 1, 0]),
        ] {
            let encoded = octet_string(&vec![7; length]).unwrap();
            assert_eq!(encoded[..header.len()], header);
            assert_eq!(encoded.len(), header.len() + length);
        }
        assert_eq!(octet_string(&vec![7; 65_536]), None);
    }
}
