//! The state key: it seals everything that the host stores, and is itself held by three clouds, any two of which open it.
//!
//! Each provider's KMS wraps one share under [`crate::StateKeyContext`]. The commitment that a rebuilt key must meet is
//! registered at the gateways and never taken from the store, so the host cannot plant a key of its own.

use shroud_wire::canonical::Canonical;
use zeroize::Zeroizing;

use crate::commitment::Commitment;
use crate::derivation::derive;
use crate::envelope::{ShareFault, ShareFaultReason};
use crate::mode::{Holder, Provider};
use crate::pairs::{Candidate, Pairs, try_pairs};
use crate::random::Random;
use crate::sealed::{self, Oversized, UnsealError};
use crate::secret::Secret;
use crate::shamir::{Share, split};

/// What a subkey of the state key is for.
const KIND: &str = "shroud/v1/seal/state-key";

/// The key that seals every row of a deployment.
pub struct StateKey(Secret<32>);

/// Why the state key was not rebuilt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RebuildError {
    /// Fewer than two usable shares are at hand.
    #[error("{usable} of the 2 shares of the state key that are needed are at hand")]
    NotEnough {
        /// How many are usable.
        usable: usize,
        /// What is wrong with the others.
        faults: Vec<ShareFault>,
    },
    /// No two of the shares at hand rebuild the registered key.
    #[error("no two shares rebuild the registered state key")]
    Substituted {
        /// Whose shares were tried.
        suspects: Vec<Provider>,
        /// What is wrong with the others.
        faults: Vec<ShareFault>,
    },
}

impl StateKey {
    /// Draws a fresh state key.
    #[must_use]
    pub fn generate(random: &mut dyn Random) -> Self {
        Self(Secret::random(random))
    }

    /// The commitment to register at the gateways for a log origin.
    #[must_use]
    pub fn commitment(&self, origin: &str) -> [u8; 32] {
        Commitment::to(&self.0, &commitment_context(origin)).to_bytes()
    }

    /// Derives the key of one purpose. Two labels give unrelated keys.
    #[must_use]
    pub fn derive(&self, label: &str) -> Secret<32> {
        derive(&[], self.0.expose(), &Canonical::new("shroud/v1/derive").field(label).into_bytes())
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

    /// Opens what [`StateKey::seal`] made under the same context.
    ///
    /// # Errors
    /// [`UnsealError`] says why it does not open.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        sealed::open(&self.0, KIND, context, sealed)
    }

    /// Splits the key on a fresh line, one share for each provider. A reshare is a further split.
    #[must_use]
    pub fn split(&self, random: &mut dyn Random) -> [(Provider, Share); 3] {
        let [first, second, third] = split(&self.0, random);
        [(Provider::Gcp, first), (Provider::Aws, second), (Provider::Azure, third)]
    }

    /// Rebuilds the key from the shares that the providers unwrapped, and names those that do not belong to it.
    ///
    /// `commitment` is what two gateways that agree say was registered for `origin`.
    ///
    /// # Errors
    /// [`RebuildError`] if no two shares rebuild the registered key.
    pub fn rebuild(
        origin: &str,
        commitment: &[u8; 32],
        shares: &[(Provider, &[u8])],
    ) -> Result<(Self, Vec<ShareFault>), RebuildError> {
        let (usable, mut faults) = parse(shares);
        if usable.len() < 2 {
            return Err(RebuildError::NotEnough { usable: usable.len(), faults });
        }
        let candidates: Vec<_> = usable
            .iter()
            .map(|(provider, share)| Candidate { holder: Holder::Provider(*provider), share })
            .collect();
        match try_pairs(&candidates, &Commitment::stored(*commitment), &commitment_context(origin)) {
            Pairs::Good { secret, bad } => {
                faults.extend(ShareFault::forged(&bad));
                Ok((Self(secret), faults))
            }
            Pairs::Bad { .. } => {
                let suspects = usable.iter().map(|(provider, _)| *provider).collect();
                Err(RebuildError::Substituted { suspects, faults })
            }
        }
    }
}

fn commitment_context(origin: &str) -> Vec<u8> {
    Canonical::new("shroud/v1/commitment/state-key").field(origin).into_bytes()
}

fn parse(shares: &[(Provider, &[u8])]) -> (Vec<(Provider, Share)>, Vec<ShareFault>) {
    let (mut usable, mut faults) = (Vec::new(), Vec::new());
    for (position, (provider, bytes)) in shares.iter().enumerate() {
        let repeated =
            shares.iter().enumerate().any(|(other, (name, _))| other != position && name == provider);
        let share = if repeated {
            Err(ShareFaultReason::Duplicated)
        } else {
            ShareFaultReason::parse_share(*provider, &Provider::ALL, bytes)
        };
        match share {
            Ok(share) => usable.push((*provider, share)),
            Err(reason) => {
                let fault = ShareFault { provider: *provider, reason };
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
    }
    (usable, faults)
}
