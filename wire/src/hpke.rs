//! Sealing to a key: HPKE base mode (RFC 9180), X25519-HKDF-SHA256, HKDF-SHA256, AES-256-GCM, through rustls.
//!
//! All binding stands in `info`; the AAD is empty.

use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_256 as SUITE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke as _, HpkePrivateKey, HpkePublicKey};

use crate::gateway::Sealed;

/// A sealed message did not open, or could not be made: the key, the `info` or the bytes are not those it was made for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("HPKE: the key, the binding or the bytes do not fit")]
pub struct HpkeError;

/// A key pair that answers are sealed to. Its private half leaves it through [`Recipient::to_parts`] alone, for a
/// holder that must store it; it has no `Debug` and no `Clone`.
pub struct Recipient {
    public: HpkePublicKey,
    private: HpkePrivateKey,
}

impl Recipient {
    /// A fresh key pair.
    ///
    /// # Errors
    /// [`HpkeError`] if the provider has no randomness.
    pub fn generate() -> Result<Self, HpkeError> {
        let (public, private) = SUITE.generate_key_pair().map_err(|_| HpkeError)?;
        Ok(Self { public, private })
    }

    /// A stored key pair: the halves, 32 bytes each, as [`Recipient::to_parts`] gave them.
    ///
    /// # Errors
    /// [`HpkeError`] unless the halves belong together.
    pub fn from_parts(public: &[u8], private: &[u8]) -> Result<Self, HpkeError> {
        let own = Self { public: HpkePublicKey(public.to_vec()), private: private.to_vec().into() };
        let trial = seal(public, b"", b"")?;
        own.open(b"", &trial).map(|_| own)
    }

    /// The public and the private half, 32 bytes each: only for storing, in a file that its owner alone can read.
    #[must_use]
    pub fn to_parts(&self) -> (&[u8], &[u8]) {
        (&self.public.0, self.private.secret_bytes())
    }

    /// The public key, 32 bytes.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public.0
    }

    /// Opens what was sealed to this key under `info`.
    ///
    /// # Errors
    /// [`HpkeError`] unless key, `info` and bytes are those of the sealing.
    pub fn open(&self, info: &[u8], sealed: &Sealed) -> Result<Vec<u8>, HpkeError> {
        let encapsulated = EncapsulatedSecret(sealed.encapsulated.clone());
        SUITE.open(&encapsulated, info, &[], &sealed.ciphertext, &self.private).map_err(|_| HpkeError)
    }
}

/// Seals to a public key under `info`.
///
/// # Errors
/// [`HpkeError`] if `public` is no key of the suite.
pub fn seal(public: &[u8], info: &[u8], plaintext: &[u8]) -> Result<Sealed, HpkeError> {
    let public = HpkePublicKey(public.to_vec());
    let (encapsulated, ciphertext) = SUITE.seal(info, &[], plaintext, &public).map_err(|_| HpkeError)?;
    Ok(Sealed { encapsulated: encapsulated.0, ciphertext })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_pair_opens_what_was_sealed_to_it() {
        let (own, other) = (Recipient::generate().unwrap(), Recipient::generate().unwrap());
        let (public, private) = own.to_parts();
        let stored = Recipient::from_parts(public, private).unwrap();
        let sealed = seal(own.public_key(), b"transcript", b"key").unwrap();
        assert_eq!(stored.open(b"transcript", &sealed), Ok(b"key".to_vec()));
        assert!(Recipient::from_parts(other.public_key(), private).is_err());
        assert!(Recipient::from_parts(public, b"short").is_err());
    }

    #[test]
    fn opens_only_under_its_own_key_and_binding() {
        let (own, other) = (Recipient::generate().unwrap(), Recipient::generate().unwrap());
        let sealed = seal(own.public_key(), b"transcript", b"key").unwrap();
        assert_eq!(own.open(b"transcript", &sealed), Ok(b"key".to_vec()));
        assert_eq!(own.open(b"another", &sealed), Err(HpkeError));
        assert_eq!(other.open(b"transcript", &sealed), Err(HpkeError));
        let mut bent = sealed;
        bent.ciphertext[0] ^= 1;
        assert_eq!(own.open(b"transcript", &bent), Err(HpkeError));
    }
}
