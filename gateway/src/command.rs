//! The offline commands: a new identity, new keys, a credential. The program and the development kit call the same.
//!
//! The identity key lives where the serving gateway does not: issuing reads the public halves of the gateway's keys
//! and nothing else from its state directory.

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use shroud_wire::credential::{LIFETIME, Statement};
use zeroize::Zeroizing;

use crate::configuration::Name;
use crate::files::{self, FileError};
use crate::keys::{self, KeyError, Keys, PublicKeys};

/// How far before its issue a credential begins, in seconds: clocks differ.
const SKEW: u64 = 300;
/// A day, in seconds.
const DAY: u64 = 86_400;

/// What to issue a credential from.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The file of the identity's seed.
    pub identity: PathBuf,
    /// The gateway's state directory.
    pub state: PathBuf,
    /// The gateway's name.
    pub name: String,
    /// Where the credential goes; an older one is replaced.
    pub out: PathBuf,
    /// Days that it lives, at most 8.
    pub days: u64,
    /// Unix seconds.
    pub now: u64,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Keys could not be made or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The name cannot be a note key's name.
    #[error("a gateway's name is 1 to 64 of a-z, 0-9, '.', '-', '/', '_'")]
    Name,
    /// A credential lives at least a day and at most [`LIFETIME`].
    #[error("a credential lives 1 to {days} days, not {0}", days = LIFETIME / DAY)]
    Days(u64),
}

/// Makes an offline identity: writes its seed to `out` (0600, never overwritten) and returns the public key.
///
/// # Errors
/// [`CommandError::File`], [`CommandError::Key`].
pub fn identity_new(out: &Path) -> Result<[u8; 32], CommandError> {
    let seed = Zeroizing::new(keys::random::<32>("identity")?);
    let public = public_key(&identity(&seed)?)?;
    files::create_secret(out, files::secret_hex(seed.as_slice()).as_bytes())?;
    Ok(public)
}

/// Makes a gateway's own keys in its state directory.
///
/// # Errors
/// [`CommandError::File`], [`CommandError::Key`].
pub fn keys_new(state: &Path) -> Result<PublicKeys, CommandError> {
    Ok(Keys::create(state)?)
}

/// Replaces a gateway's short-lived keys; its witness key stays. A new credential must follow.
///
/// # Errors
/// [`CommandError::File`], [`CommandError::Key`].
pub fn keys_renew(state: &Path) -> Result<PublicKeys, CommandError> {
    Ok(Keys::renew(state)?)
}

/// Issues a credential over a gateway's public keys and returns what it states.
///
/// # Errors
/// Every [`CommandError`].
pub fn credential_issue(issue: &Issue) -> Result<Statement, CommandError> {
    let name: Name = issue.name.clone().try_into().map_err(|_| CommandError::Name)?;
    let not_before = issue.now.saturating_sub(SKEW);
    let lifetime = issue.days.checked_mul(DAY).filter(|seconds| (1..=LIFETIME).contains(seconds));
    let not_after = lifetime.and_then(|seconds| not_before.checked_add(seconds));
    let not_after = not_after.ok_or(CommandError::Days(issue.days))?;
    let identity = identity(&*files::read_secret_hex(&issue.identity)?)?;
    let PublicKeys { tls_spki, hpke_key, witness_key } = PublicKeys::read(&issue.state)?;
    let gateway = name.as_str().to_owned();
    let statement = Statement { gateway, tls_spki, hpke_key, witness_key, not_before, not_after };
    files::replace(&issue.out, &statement.sign(&identity), 0o644)?;
    Ok(statement)
}

fn identity(seed: &[u8; 32]) -> Result<Ed25519KeyPair, KeyError> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Provider("identity"))
}

fn public_key(identity: &Ed25519KeyPair) -> Result<[u8; 32], KeyError> {
    identity.public_key().as_ref().try_into().map_err(|_| KeyError::Provider("identity"))
}

#[cfg(test)]
mod tests {
    use shroud_wire::credential::Credential;

    use super::*;

    #[test]
    fn an_issued_credential_verifies_under_its_identity() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let identity = identity_new(&at("identity")).unwrap();
        let public = keys_new(&at("state")).unwrap();
        let issue = Issue {
            identity: at("identity"),
            state: at("state"),
            name: "gcp".into(),
            out: at("credential"),
            days: 7,
            now: 1_000_000,
        };
        let statement = credential_issue(&issue).unwrap();
        let bytes = std::fs::read(at("credential")).unwrap();
        let verified = Credential::verify(&bytes, "gcp", &identity, &public.tls_spki, 1_000_000).unwrap();
        assert_eq!(verified.statement(), &statement);
        for days in [0, 9, u64::MAX] {
            let refused = credential_issue(&Issue { days, ..issue.clone() });
            assert!(matches!(refused, Err(CommandError::Days(found)) if found == days));
        }
        let refused = credential_issue(&Issue { name: "a b".into(), ..issue });
        assert!(matches!(refused, Err(CommandError::Name)));
    }
}
