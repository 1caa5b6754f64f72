//! Sealing one version of a secret.

use crate::client_share::ClientShare;
use crate::commitment::Commitments;
use crate::context::SecretContext;
use crate::envelope::KekSet;
use crate::envelope::deal::{Dealt, deal};
use crate::envelope::value::ValueKey;
use crate::key::Dek;
use crate::mode::{CustodyMode, Provider};
use crate::random::Random;
use crate::sealed::Oversized;
use crate::shamir::Share;

/// One version of a secret, sealed.
pub struct SealedSecret {
    /// The sealed value, for the secret's row.
    pub value: Vec<u8>,
    /// What the rebuilt keys must meet, for the secret's row, which the state key seals.
    pub commitment: Commitments,
    /// The sealed shares, one for each of the mode's providers.
    pub shares: Vec<(Provider, Vec<u8>)>,
    /// To be returned to the client once, where the mode has one.
    pub client_share: Option<ClientShare>,
}

/// Why a secret was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealSecretError {
    /// A KEK of the mode is not at hand.
    #[error("the KEK of {0} is not at hand")]
    KekMissing(Provider),
    /// The value does not fit one row.
    #[error(transparent)]
    Oversized(#[from] Oversized),
}

/// Seals `value` under a fresh DEK and deals the DEK out as `mode` says. All of the mode's KEKs must be at hand.
///
/// # Errors
/// [`SealSecretError`] if a KEK is absent or the value too long.
pub fn seal_secret(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    keks: &KekSet<'_>,
    value: &[u8],
    random: &mut dyn Random,
) -> Result<SealedSecret, SealSecretError> {
    let dek = Dek::generate(random);
    let Dealt { commitment, shares, client, binding } = deal(mode, place, &dek, random);
    let key = ValueKey::derive(mode, place, dek.secret(), binding.as_ref());
    let commitment = Commitments { split: commitment, value: key.commitment(mode, place) };
    let shares = seal_shares(mode, place, keks, &shares, random)?;
    Ok(SealedSecret { value: key.seal(value, random)?, commitment, shares, client_share: client })
}

/// Seals every share under its provider's KEK.
pub(crate) fn seal_shares(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    keks: &KekSet<'_>,
    shares: &[(Provider, Share)],
    random: &mut dyn Random,
) -> Result<Vec<(Provider, Vec<u8>)>, SealSecretError> {
    let mut sealed = Vec::with_capacity(shares.len());
    for (provider, share) in shares {
        let kek = keks.kek(*provider).ok_or(SealSecretError::KekMissing(*provider))?;
        let bytes = kek.seal(&place.share(mode, *provider), share.to_bytes().expose(), random)?;
        sealed.push((*provider, bytes));
    }
    Ok(sealed)
}
