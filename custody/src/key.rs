//! The keys below the state key: KEKs, and the DEK of one version of a secret.

use zeroize::Zeroizing;

use crate::random::Random;
use crate::sealed::{self, Oversized, UnsealError};
use crate::secret::{Secret, WrongLength};

/// What a subkey of a KEK is for.
const KIND: &str = "shroud/v1/seal/kek";

/// The key of one vault at one provider, AES-256; wrapped by the provider's KMS, held for a set time.
pub struct Kek(Secret<32>);

impl Kek {
    /// Draws a fresh KEK.
    #[must_use]
    pub fn generate(random: &mut dyn Random) -> Self {
        Self(Secret::random(random))
    }

    /// Takes a KEK that a provider has unwrapped. The caller erases its own copy.
    ///
    /// # Errors
    /// [`WrongLength`] unless it has 32 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WrongLength> {
        Secret::copied(bytes).map(Self)
    }

    /// The bytes, to be wrapped by the provider.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// Seals `plaintext`, bound to `context`.
    ///
    /// # Errors
    /// [`Oversized`] beyond [`sealed::LONGEST`] less [`sealed::OVERHEAD`].
    pub fn seal(
        &self,
        context: &[u8],
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, Oversized> {
        sealed::seal(&self.0, KIND, context, plaintext, random)
    }

    /// Opens what [`Kek::seal`] made under the same context.
    ///
    /// # Errors
    /// [`UnsealError`] says why it does not open.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        sealed::open(&self.0, KIND, context, sealed)
    }
}

/// The key of one version of a secret, freshly drawn: the one that may be split.
pub struct Dek(Secret<32>);

impl Dek {
    /// Draws a fresh DEK.
    #[must_use]
    pub fn generate(random: &mut dyn Random) -> Self {
        Self(Secret::random(random))
    }

    /// The secret that is split.
    pub(crate) fn secret(&self) -> &Secret<32> {
        &self.0
    }
}

/// A DEK put together again from its shares and found to be the committed one.
pub struct RebuiltDek(Secret<32>);

impl RebuiltDek {
    /// Takes a secret that met its commitment.
    pub(crate) fn confirmed(secret: Secret<32>) -> Self {
        Self(secret)
    }

    /// Turns it into a DEK that may be split anew.
    pub(crate) fn into_dek(self) -> Dek {
        Dek(self.0)
    }
}
