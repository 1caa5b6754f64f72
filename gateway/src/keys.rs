//! The gateway's own keys: short-lived TLS and HPKE keys, and the witness key, which stays.
//!
//! ```text
//! DIR/keys/tls.key       PKCS #8 PEM, ECDSA P-256      short-lived
//! DIR/keys/hpke.key      hex, public ‖ private half     short-lived
//! DIR/keys/witness.key   hex, Ed25519 seed              stays: a witness is known by it
//! DIR/keys/public.json   the public halves, which is all that issuing a credential reads
//! ```
//!
//! The offline identity key is not among them and never enters this process (DESIGN §6).

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use rcgen::{KeyPair, PublicKeyData as _};
use serde::{Deserialize, Serialize};
use shroud_wire::hpke::Recipient;
use zeroize::Zeroizing;

use crate::files::{self, FileError};

/// The keys that a serving gateway holds. No `Debug`, no `Clone`.
pub struct Keys {
    pub(crate) tls: KeyPair,
    pub(crate) hpke: Recipient,
    pub(crate) witness: WitnessKey,
}

/// The seed of the witness's Ed25519 key.
pub struct WitnessKey(Zeroizing<[u8; 32]>);

/// The public halves of [`Keys`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKeys {
    /// SubjectPublicKeyInfo (DER) of the TLS key.
    #[serde(with = "hex")]
    pub tls_spki: Vec<u8>,
    /// The HPKE public key.
    #[serde(with = "hex")]
    pub hpke_key: [u8; 32],
    /// The witness's Ed25519 public key.
    #[serde(with = "hex")]
    pub witness_key: [u8; 32],
}

/// Why keys could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A key file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The cryptographic provider refused.
    #[error("no {0} key could be made")]
    Provider(&'static str),
    /// A key file does not hold such a key.
    #[error("{0} holds no such key")]
    Malformed(PathBuf),
}

impl WitnessKey {
    /// The seed, for the journal's cosigner alone.
    pub(crate) fn seed(&self) -> &[u8; 32] {
        &self.0
    }

    /// The Ed25519 public key.
    pub(crate) fn public_key(&self) -> Result<[u8; 32], KeyError> {
        let failed = || KeyError::Provider("witness");
        let pair = Ed25519KeyPair::from_seed_unchecked(self.seed()).map_err(|_| failed())?;
        pair.public_key().as_ref().try_into().map_err(|_| failed())
    }
}

impl Keys {
    /// Makes all three keys in a state directory that has none.
    ///
    /// # Errors
    /// [`FileError::Exists`] if one is there; every [`KeyError`].
    pub fn create(state: &Path) -> Result<PublicKeys, KeyError> {
        let directory = directory(state)?;
        let seed = Zeroizing::new(random::<32>("witness")?);
        files::create_secret(&directory.join("witness.key"), files::secret_hex(seed.as_slice()).as_bytes())?;
        let (tls, hpke) = short_lived()?;
        files::create_secret(&directory.join("tls.key"), tls.as_bytes())?;
        files::create_secret(&directory.join("hpke.key"), hpke.as_bytes())?;
        publish(state)
    }

    /// Replaces the short-lived keys and keeps the witness key. A new credential must follow.
    ///
    /// # Errors
    /// Every [`KeyError`].
    pub fn renew(state: &Path) -> Result<PublicKeys, KeyError> {
        let directory = directory(state)?;
        files::read_secret_hex::<32>(&directory.join("witness.key"))?;
        let (tls, hpke) = short_lived()?;
        files::replace(&directory.join("tls.key"), tls.as_bytes(), 0o600)?;
        files::replace(&directory.join("hpke.key"), hpke.as_bytes(), 0o600)?;
        publish(state)
    }

    /// Opens the keys of a state directory.
    ///
    /// # Errors
    /// [`FileError::Exposed`] if a key file is readable by others; every [`KeyError`].
    pub fn open(state: &Path) -> Result<Self, KeyError> {
        let [tls_path, hpke_path, witness_path] =
            ["tls.key", "hpke.key", "witness.key"].map(|name| state.join("keys").join(name));
        let malformed = |path: &Path| KeyError::Malformed(path.to_owned());
        let pem = files::read_secret(&tls_path)?;
        let pem = core::str::from_utf8(&pem).map_err(|_| malformed(&tls_path))?;
        let tls = KeyPair::from_pem(pem).map_err(|_| malformed(&tls_path))?;
        let halves = files::read_secret_hex::<64>(&hpke_path)?;
        let (public, private) = halves.split_at(32);
        let hpke = Recipient::from_parts(public, private).map_err(|_| malformed(&hpke_path))?;
        let witness = WitnessKey(files::read_secret_hex(&witness_path)?);
        Ok(Self { tls, hpke, witness })
    }

    /// The public halves.
    ///
    /// # Errors
    /// [`KeyError::Provider`].
    pub fn public(&self) -> Result<PublicKeys, KeyError> {
        Ok(PublicKeys {
            tls_spki: self.tls.subject_public_key_info(),
            hpke_key: self.hpke.public_key().try_into().map_err(|_| KeyError::Provider("HPKE"))?,
            witness_key: self.witness.public_key()?,
        })
    }
}

impl PublicKeys {
    /// Reads the public halves alone; no secret file is opened.
    ///
    /// # Errors
    /// [`KeyError::File`], [`KeyError::Malformed`].
    pub fn read(state: &Path) -> Result<Self, KeyError> {
        let path = public_path(state);
        serde_json::from_slice(&files::read(&path)?).map_err(|_| KeyError::Malformed(path))
    }
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>(what: &'static str) -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| KeyError::Provider(what))?;
    Ok(bytes)
}

fn directory(state: &Path) -> Result<PathBuf, KeyError> {
    let directory = state.join("keys");
    files::create_directory(state)?;
    files::create_directory(&directory)?;
    Ok(directory)
}

fn short_lived() -> Result<(Zeroizing<String>, Zeroizing<String>), KeyError> {
    let tls = KeyPair::generate().map_err(|_| KeyError::Provider("TLS"))?;
    let hpke = Recipient::generate().map_err(|_| KeyError::Provider("HPKE"))?;
    let (public, private) = hpke.to_parts();
    let halves = Zeroizing::new([public, private].concat());
    Ok((Zeroizing::new(tls.serialize_pem()), files::secret_hex(&halves)))
}

fn publish(state: &Path) -> Result<PublicKeys, KeyError> {
    let public = Keys::open(state)?.public()?;
    let json = serde_json::to_vec_pretty(&public).map_err(|_| KeyError::Malformed(public_path(state)))?;
    files::replace(&public_path(state), &json, 0o644)?;
    Ok(public)
}

fn public_path(state: &Path) -> PathBuf {
    state.join("keys").join("public.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_renewed_without_the_witness_key() {
        let state = tempfile::tempdir().unwrap();
        let first = Keys::create(state.path()).unwrap();
        assert_eq!(PublicKeys::read(state.path()).unwrap(), first);
        assert!(matches!(Keys::create(state.path()), Err(KeyError::File(FileError::Exists(_)))));
        assert_eq!(Keys::open(state.path()).unwrap().public().unwrap(), first);
        let second = Keys::renew(state.path()).unwrap();
        assert_eq!(second.witness_key, first.witness_key);
        assert_ne!(second.tls_spki, first.tls_spki);
        assert_ne!(second.hpke_key, first.hpke_key);
    }
}
