//! Secret bytes: one type, one door.
//!
//! A [`Secret`] lives in one heap allocation from its making to its end, so a move copies a pointer and never the
//! bytes, and dropping it erases the only copy. It cannot be printed, cloned, compared or serialized; [`Secret::expose`]
//! is the only way in.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::random::Random;

/// `N` secret bytes, erased on drop.
pub struct Secret<const N: usize>(Box<[u8; N]>);

/// Bytes have another length than the secret they should become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} bytes where {expected} were expected")]
pub struct WrongLength {
    /// The length of the type.
    pub expected: usize,
    /// The length of the bytes.
    pub found: usize,
}

impl<const N: usize> Secret<N> {
    /// Draws a fresh secret.
    #[must_use]
    pub fn random(random: &mut dyn Random) -> Self {
        Self::written(|bytes| random.fill(bytes))
    }

    /// Makes a secret that `write` fills in place; it starts as zeros.
    #[must_use]
    pub fn written(write: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        write(&mut secret.0);
        secret
    }

    /// Copies bytes that came from elsewhere. The caller erases its own copy.
    ///
    /// # Errors
    /// [`WrongLength`] unless there are exactly `N`.
    pub fn copied(bytes: &[u8]) -> Result<Self, WrongLength> {
        let source: &[u8; N] =
            bytes.try_into().map_err(|_| WrongLength { expected: N, found: bytes.len() })?;
        Ok(Self::written(|target| target.copy_from_slice(source)))
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> ZeroizeOnDrop for Secret<N> {}
