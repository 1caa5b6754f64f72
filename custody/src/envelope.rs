//! The envelope of one version of a secret: value, DEK, shares, in each custody mode.
//!
//! ```text
//! 2of2_client_custody       DEK = half(gcp) ⊕ half(client)
//! 2of3_multi_hsm            DEK = line through two of gcp(1), aws(2), azure(3)
//! 2of3_client_custody       DEK = line through two of gcp(1), aws(2), client(3);      value key needs the client's c
//! 2of3_multi_hsm_client     DEK = half(client) ⊕ line through two of gcp(1), aws(2), azure(3)
//!
//! value key = HKDF-SHA256(DEK [‖ c], info = context)
//! value     = 1 (version) ‖ nonce (12) ‖ AES-256-GCM ciphertext ‖ tag (16),   associated data = context
//! ```
//!
//! A value key seals one message, so its random nonce never repeats. The caller keeps the value and the commitments in
//! the row that the state key seals, and each share beside no commitment.

mod deal;
mod drill;
mod fault;
mod gather;
mod open;
mod rebuild;
mod reshare;
mod seal;
mod value;

pub use drill::{Coalition, Standing, drill_secret};
pub use fault::{Disclosure, OpenError, Refusal, ShareFault, ShareFaultReason};
pub use open::{Opened, open_secret};
pub use reshare::{ReshareError, Reshared, RewrapError, reshare_secret, rewrap_share};
pub use seal::{SealSecretError, SealedSecret, seal_secret};

use crate::commitment::Commitments;
use crate::key::Kek;
use crate::mode::Provider;

/// The KEKs of one vault that are at hand: any subset.
#[derive(Clone, Copy, Default)]
pub struct KekSet<'a> {
    gcp: Option<&'a Kek>,
    aws: Option<&'a Kek>,
    azure: Option<&'a Kek>,
}

impl<'a> KekSet<'a> {
    /// No KEK at hand.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The set with `provider`'s KEK in it.
    #[must_use]
    pub fn with(mut self, provider: Provider, kek: &'a Kek) -> Self {
        match provider {
            Provider::Gcp => self.gcp = Some(kek),
            Provider::Aws => self.aws = Some(kek),
            Provider::Azure => self.azure = Some(kek),
        }
        self
    }

    /// The KEK of `provider`, if it is at hand.
    #[must_use]
    pub fn kek(&self, provider: Provider) -> Option<&'a Kek> {
        match provider {
            Provider::Gcp => self.gcp,
            Provider::Aws => self.aws,
            Provider::Azure => self.azure,
        }
    }
}

/// What the store holds of one version of a secret. Hostile until it opens, but for the commitments, which come from
/// the row that the state key has opened.
#[derive(Clone, Copy)]
pub struct StoredSecret<'a> {
    /// The sealed value.
    pub value: &'a [u8],
    /// The commitments.
    pub commitment: &'a Commitments,
    /// The sealed shares, as many as there are.
    pub shares: &'a [(Provider, Vec<u8>)],
}
