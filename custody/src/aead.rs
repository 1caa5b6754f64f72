//! AES-256-GCM with a 96-bit nonce and a 128-bit tag: the only cipher of this crate, called from one place.
//!
//! Callers give a key that meets each nonce at most once; [`crate::sealed`] and [`crate::envelope`] say how.

use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use aes_gcm::{Aes256Gcm, aead};
use zeroize::Zeroizing;

/// The length of a nonce, in bytes.
pub(crate) const NONCE: usize = 12;
/// The length of a tag, in bytes.
pub(crate) const TAG: usize = 16;

/// The ciphertext, the nonce, the associated data and the key do not belong together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

impl From<aead::Error> for NotAuthentic {
    fn from(_: aead::Error) -> Self {
        Self
    }
}

/// Encrypts: `header ‖ ciphertext ‖ tag`.
pub(crate) fn seal(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    associated: &[u8],
    header: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    let mut sealed = Vec::with_capacity(header.len() + plaintext.len() + TAG);
    sealed.extend_from_slice(header);
    sealed.extend_from_slice(plaintext);
    let (_, body) = sealed.split_at_mut(header.len());
    let cipher = Aes256Gcm::new(key.into());
    let nonce: &Nonce<Aes256Gcm> = nonce.into();
    let tag = cipher.encrypt_inout_detached(nonce, associated, body.into())?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// Decrypts `ciphertext ‖ tag`.
pub(crate) fn open(
    key: &[u8; 32],
    nonce: &[u8; NONCE],
    associated: &[u8],
    body: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotAuthentic> {
    let (ciphertext, tag) = body.split_last_chunk::<TAG>().ok_or(NotAuthentic)?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    let cipher = Aes256Gcm::new(key.into());
    let (nonce, tag): (&Nonce<Aes256Gcm>, &Tag<Aes256Gcm>) = (nonce.into(), tag.into());
    cipher.decrypt_inout_detached(nonce, associated, plaintext.as_mut_slice().into(), tag)?;
    Ok(plaintext)
}

#[cfg(test)]
mod wycheproof_vectors;
