//! The `local` backend: an AES-256 key of the gateway's own, for development and for gateways without a cloud.
//!
//! ```text
//! wrapped = version (1) ‖ salt (32) ‖ AES-256-GCM(subkey, nonce, key, AAD = context) with its tag
//! subkey ‖ nonce = HKDF-SHA256(own key, salt, "shroud/v1/local-wrap")
//! ```
//!
//! The own key is long-lived, so it never meets a random 96-bit nonce: every wrap has a subkey of its own (DESIGN §5).

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::{digest, rand};
use shroud_wire::canonical::Canonical;
use zeroize::Zeroizing;

use super::{Answer, Backend, BackendError};
use crate::files::{self, FileError};
use crate::keys::{self, KeyError};

const VERSION: u8 = 1;
const SALT: usize = 32;
const SUBKEY: usize = 32;
const NONCE: usize = 12;
const INFO: &str = "shroud/v1/local-wrap";
const COMMITMENT: &str = "shroud/v1/local-backend";

/// The backend. Its `Debug` names the kind and nothing else.
pub struct Local {
    key: Zeroizing<[u8; 32]>,
}

/// Why the backend's key could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The key file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// No key could be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key that wrapped earlier keys is gone, or another stands in its place.
    #[error("the backend's key is not the one that this gateway used before; wrapped keys would be lost")]
    Replaced,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Local")
    }
}

impl Local {
    /// Opens the key at `key`, or makes it at the very first start; `commitment` remembers which key that was.
    ///
    /// # Errors
    /// [`LocalError::Replaced`] if the key is gone or another; every other [`LocalError`].
    pub(crate) fn open(key: &Path, commitment: &Path) -> Result<Self, LocalError> {
        let remembered = files::read_if_present(commitment)?;
        if remembered.is_none() && !key.exists() {
            let fresh = Zeroizing::new(keys::random::<32>("backend")?);
            files::create_secret(key, files::secret_hex(fresh.as_slice()).as_bytes())?;
        }
        let own = match files::read_secret_hex(key) {
            Ok(key) => Self { key },
            Err(error) if error.is_missing() => return Err(LocalError::Replaced),
            Err(error) => return Err(error.into()),
        };
        let current = own.commitment();
        match remembered {
            Some(remembered) if remembered != current => return Err(LocalError::Replaced),
            Some(_) => {}
            None => files::replace(commitment, &current, 0o600)?,
        }
        Ok(own)
    }

    fn commitment(&self) -> Vec<u8> {
        let bytes = Zeroizing::new(Canonical::new(COMMITMENT).field(self.key.as_slice()).into_bytes());
        hex::encode(digest::digest(&digest::SHA256, &bytes)).into_bytes()
    }

    fn subkey(&self, salt: &[u8; SALT]) -> Result<(LessSafeKey, Nonce), BackendError> {
        struct Both;
        impl KeyType for Both {
            fn len(&self) -> usize {
                SUBKEY + NONCE
            }
        }
        let mut material = Zeroizing::new([0; SUBKEY + NONCE]);
        Salt::new(HKDF_SHA256, salt)
            .extract(self.key.as_slice())
            .expand(&[INFO.as_bytes()], Both)
            .and_then(|okm| okm.fill(material.as_mut_slice()))
            .map_err(|_| BackendError::Provider)?;
        let (subkey, nonce) = material.split_at(SUBKEY);
        let subkey = UnboundKey::new(&AES_256_GCM, subkey).map_err(|_| BackendError::Provider)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| BackendError::Provider)?;
        Ok((LessSafeKey::new(subkey), nonce))
    }

    fn seal(&self, context: &[u8], key: &[u8]) -> Result<Vec<u8>, BackendError> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).map_err(|_| BackendError::Provider)?;
        let (subkey, nonce) = self.subkey(&salt)?;
        let mut sealed = Zeroizing::new(Vec::with_capacity(key.len() + AES_256_GCM.tag_len()));
        sealed.extend_from_slice(key);
        subkey
            .seal_in_place_append_tag(nonce, Aad::from(context), &mut *sealed)
            .map_err(|_| BackendError::Provider)?;
        Ok([&[VERSION], salt.as_slice(), sealed.as_slice()].concat())
    }

    fn open_sealed(&self, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let unopened = BackendError::Unopened;
        let sealed = wrapped.strip_prefix(&[VERSION]).ok_or(unopened)?;
        let (salt, sealed) = sealed.split_first_chunk::<SALT>().ok_or(unopened)?;
        let (subkey, nonce) = self.subkey(salt)?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        let length = subkey.open_in_place(nonce, Aad::from(context), &mut plain).map_err(|_| unopened)?.len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl Backend for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn wrap<'a>(&'a self, context: &'a [u8], key: &'a [u8]) -> Answer<'a, Vec<u8>> {
        Box::pin(async move { self.seal(context, key) })
    }

    fn unwrap<'a>(&'a self, context: &'a [u8], wrapped: &'a [u8]) -> Answer<'a, Zeroizing<Vec<u8>>> {
        Box::pin(async move { self.open_sealed(context, wrapped) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn local() -> Local {
        Local { key: Zeroizing::new([7; 32]) }
    }

    proptest! {
        #[test]
        fn what_was_wrapped_unwraps(context: Vec<u8>, key: Vec<u8>) {
            let wrapped = local().seal(&context, &key).unwrap();
            prop_assert_eq!(&*local().open_sealed(&context, &wrapped).unwrap(), &key);
        }

        #[test]
        fn hostile_bytes_never_open(wrapped: Vec<u8>) {
            prop_assert_eq!(local().open_sealed(b"c", &wrapped).unwrap_err(), BackendError::Unopened);
        }
    }

    #[test]
    fn another_context_key_or_byte_does_not_open() {
        let wrapped = local().seal(b"context", &[9; 32]).unwrap();
        assert_eq!(local().open_sealed(b"other", &wrapped).unwrap_err(), BackendError::Unopened);
        let other = Local { key: Zeroizing::new([8; 32]) };
        assert_eq!(other.open_sealed(b"context", &wrapped).unwrap_err(), BackendError::Unopened);
        for place in 0..wrapped.len() {
            let mut bent = wrapped.clone();
            bent[place] ^= 1;
            assert_eq!(local().open_sealed(b"context", &bent).unwrap_err(), BackendError::Unopened);
        }
    }

    #[test]
    fn every_wrap_has_a_subkey_of_its_own() {
        let one = local().seal(b"context", &[9; 32]).unwrap();
        let two = local().seal(b"context", &[9; 32]).unwrap();
        assert_ne!(one[1..33], two[1..33]);
        assert_ne!(one[33..], two[33..]);
    }

    #[test]
    fn a_lost_or_replaced_key_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let (key, commitment) = (directory.path().join("key"), directory.path().join("commitment"));
        Local::open(&key, &commitment).unwrap();
        Local::open(&key, &commitment).unwrap();
        std::fs::remove_file(&key).unwrap();
        assert!(matches!(Local::open(&key, &commitment), Err(LocalError::Replaced)));
        files::create_secret(&key, files::secret_hex(&[1; 32]).as_bytes()).unwrap();
        assert!(matches!(Local::open(&key, &commitment), Err(LocalError::Replaced)));
    }

    #[test]
    fn secret_never_prints() {
        assert_eq!(format!("{:?}", local()), "Local");
    }
}
