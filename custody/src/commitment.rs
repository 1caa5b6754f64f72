//! Commitments: what a rebuilt key is checked against.
//!
//! A commitment is `HMAC-SHA256(key = the secret, message = canonical bytes of purpose and place)`. Under 256 random
//! bits it hides the secret, and a second secret for it is a collision of SHA-256. It is kept in the row that the state
//! key seals, never beside a share, so that whoever can forge a share cannot forge what the share is checked against.

use subtle::{Choice, ConstantTimeEq};

use crate::derivation::authenticate;
use crate::secret::{Secret, WrongLength};

/// The commitment to one secret in one place.
#[derive(Clone, Copy, Debug)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Commits to `secret` in the place that `context` names.
    #[must_use]
    pub fn to(secret: &Secret<32>, context: &[u8]) -> Self {
        Self(authenticate(secret.expose(), context))
    }

    /// Takes a stored commitment.
    #[must_use]
    pub fn stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Whether `secret` is the committed one; in constant time.
    pub(crate) fn admits(&self, secret: &Secret<32>, context: &[u8]) -> Choice {
        self.0.ct_eq(&authenticate(secret.expose(), context))
    }
}

/// Both commitments of one version of a secret.
#[derive(Clone, Copy, Debug)]
pub struct Commitments {
    /// To what the providers' shares rebuild: the DEK, or the servers' half of it where a client holds the other.
    pub split: Commitment,
    /// To the value key, which the DEK (and the client's binding) derives.
    pub value: Commitment,
}

impl Commitments {
    /// The length of the stored form, in bytes.
    pub const LENGTH: usize = 64;

    /// The form to store in the state-sealed row.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let halves = self.split.0.iter().chain(&self.value.0);
        bytes.iter_mut().zip(halves).for_each(|(target, source)| *target = *source);
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`WrongLength`] unless it has [`Self::LENGTH`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, WrongLength> {
        let wrong = WrongLength { expected: Self::LENGTH, found: bytes.len() };
        let (split, rest) = bytes.split_first_chunk::<32>().ok_or(wrong)?;
        let value: [u8; 32] = rest.try_into().map_err(|_| wrong)?;
        Ok(Self { split: Commitment(*split), value: Commitment(value) })
    }
}
