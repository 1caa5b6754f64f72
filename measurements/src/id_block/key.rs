//! ECDSA P-384 keys and signatures as the SNP firmware lays them out (AMD 56860, chapter 10): little-endian numbers.
//!
//! ```text
//! public key, 1028 bytes: u32 2 (P-384) ‖ x 72 ‖ y 72 ‖ zeros
//! signature, 512 bytes:   r 72 ‖ s 72 ‖ zeros
//! ```

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use zeroize::Zeroizing;

use crate::{Hex, LaunchDigest};

/// Bytes of a public key.
pub(super) const PUBLIC_KEY: usize = 0x404;
/// Bytes of a signature.
pub(super) const SIGNATURE: usize = 0x200;

const CURVE: u32 = 2;
/// Bytes of a coordinate of P-384.
const COORDINATE: usize = 48;
/// Bytes in which the firmware keeps one.
const WIDE: usize = 72;

/// A private key that signs ID blocks or ID keys.
pub struct IdKey {
    pair: EcdsaKeyPair,
    public: Box<[u8; PUBLIC_KEY]>,
}

/// Why there is no key, or no signature. Says nothing about the key itself.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Not one PEM block.
    #[error("the key is not in PEM")]
    Pem,
    /// Encrypted, of another curve, or malformed.
    #[error("the key is not an unencrypted P-384 key (SEC1 or PKCS #8)")]
    NotP384,
    /// The library refused to sign.
    #[error("signing failed")]
    Signing,
}

impl IdKey {
    /// Reads a key from PEM, SEC1 or PKCS #8.
    ///
    /// # Errors
    /// [`KeyError::Pem`] and [`KeyError::NotP384`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let (_label, der) = der::pem::decode_vec(pem).map_err(|_| KeyError::Pem)?;
        let der = Zeroizing::new(der);
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P384_SHA384_FIXED_SIGNING, &der)
            .map_err(|_| KeyError::NotP384)?;
        let public = public_key(pair.public_key().as_ref()).ok_or(KeyError::NotP384)?;
        Ok(Self { pair, public })
    }

    /// What a report carries of this key: SHA-384 of the public key as the firmware lays it out.
    #[must_use]
    pub fn digest(&self) -> LaunchDigest {
        digest(&self.public)
    }

    pub(super) const fn public(&self) -> &[u8; PUBLIC_KEY] {
        &self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<[u8; SIGNATURE], KeyError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| KeyError::Signing)?;
        let (r, s) = signature.as_ref().split_at_checked(COORDINATE).ok_or(KeyError::Signing)?;
        let mut bytes = [0; SIGNATURE];
        reversed(&mut bytes[..COORDINATE], r);
        reversed(&mut bytes[WIDE..WIDE + COORDINATE], s);
        Ok(bytes)
    }
}

/// Verifies a signature by a key, both as the firmware lays them out.
pub(super) fn verify(key: &[u8; PUBLIC_KEY], message: &[u8], signature: &[u8; SIGNATURE]) -> Option<()> {
    if !key.starts_with(&CURVE.to_le_bytes()) {
        return None;
    }
    let point =
        [&[4][..], &narrow(key.get(4..4 + WIDE)?)?, &narrow(key.get(4 + WIDE..4 + 2 * WIDE)?)?].concat();
    let fixed = [narrow(signature.get(..WIDE)?)?, narrow(signature.get(WIDE..2 * WIDE)?)?].concat();
    let zeros = key.iter().skip(4 + 2 * WIDE).chain(signature.iter().skip(2 * WIDE)).all(|byte| *byte == 0);
    let verified = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, &fixed).is_ok();
    (zeros && verified).then_some(())
}

/// SHA-384 of a public key as the firmware lays it out.
pub(super) fn digest(key: &[u8; PUBLIC_KEY]) -> LaunchDigest {
    let mut bytes = [0; 48];
    bytes.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA384, key).as_ref());
    Hex(bytes)
}

/// From an uncompressed point.
fn public_key(point: &[u8]) -> Option<Box<[u8; PUBLIC_KEY]>> {
    let (x, y) = point.strip_prefix(&[4])?.split_at_checked(COORDINATE)?;
    let mut key = Box::new([0; PUBLIC_KEY]);
    key[..4].copy_from_slice(&CURVE.to_le_bytes());
    reversed(&mut key[4..4 + COORDINATE], x);
    reversed(&mut key[4 + WIDE..4 + WIDE + COORDINATE], y);
    Some(key)
}

/// A little-endian number of 72 bytes as 48 big-endian ones; `None` where it does not fit.
fn narrow(wide: &[u8]) -> Option<[u8; COORDINATE]> {
    let (number, rest) = wide.split_first_chunk::<COORDINATE>()?;
    let mut number = *number;
    number.reverse();
    rest.iter().all(|byte| *byte == 0).then_some(number)
}

fn reversed(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from.iter().rev()).for_each(|(to, from)| *to = *from);
}
