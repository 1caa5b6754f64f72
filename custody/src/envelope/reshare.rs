//! Resharing: the same secret on a fresh line, with fresh halves and a fresh binding.
//!
//! The server-only modes keep their DEK and value: a lost provider's share is replaced by the other two. The client modes
//! need the old client share and give a new one. [`CustodyMode::Client2of3`] draws a new binding, so its value is sealed
//! anew. The old shares give nothing together with the new ones.

use crate::client_share::ClientShare;
use crate::commitment::Commitments;
use crate::context::SecretContext;
use crate::envelope::deal::{Dealt, deal};
use crate::envelope::open::{Opened, confirm, open_secret};
use crate::envelope::seal::seal_shares;
use crate::envelope::value::ValueKey;
use crate::envelope::{
    KekSet, OpenError, SealSecretError, SealedSecret, ShareFault, ShareFaultReason, StoredSecret, seal_secret,
};
use crate::key::Kek;
use crate::mode::{CustodyMode, Provider};
use crate::random::Random;
use crate::sealed::Oversized;

/// A reshared secret.
pub struct Reshared {
    /// Replaces what was stored, as a whole.
    pub sealed: SealedSecret,
    /// What was wrong with the old shares, for the record.
    pub faults: Vec<ShareFault>,
}

/// Why a secret was not reshared. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReshareError {
    /// The old form does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The new form cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealSecretError),
}

/// Why a share was not rewrapped. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RewrapError {
    /// The share is faulty.
    #[error("the share is faulty: {0}")]
    Fault(#[from] ShareFaultReason),
    /// It does not fit one row.
    #[error(transparent)]
    Oversized(#[from] Oversized),
}

/// Reshares a secret: opened with any sufficient subset of `old`, sealed under all of `new`.
///
/// # Errors
/// [`ReshareError`] says which of the two failed.
pub fn reshare_secret(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    stored: &StoredSecret<'_>,
    old: &KekSet<'_>,
    client: Option<&ClientShare>,
    new: &KekSet<'_>,
    random: &mut dyn Random,
) -> Result<Reshared, ReshareError> {
    if mode == CustodyMode::Client2of3 {
        let Opened { value, faults } = open_secret(mode, place, stored, old, client)?;
        return Ok(Reshared { sealed: seal_secret(mode, place, new, &value, random)?, faults });
    }
    let (rebuilt, faults) = confirm(mode, place, stored, old, client)?;
    let dek = rebuilt.into_dek();
    let Dealt { commitment: split, shares, client, .. } = deal(mode, place, &dek, random);
    let value = ValueKey::derive(mode, place, dek.secret(), None).commitment(mode, place);
    let shares = seal_shares(mode, place, new, &shares, random)?;
    let sealed = SealedSecret {
        value: stored.value.to_vec(),
        commitment: Commitments { split, value },
        shares,
        client_share: client,
    };
    Ok(Reshared { sealed, faults })
}

/// Moves one provider's share from its old KEK to a new one, for the rotation of that KEK. The share stays the same.
///
/// # Errors
/// [`RewrapError`] if the share does not open under the old KEK or is not this provider's.
pub fn rewrap_share(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    provider: Provider,
    sealed: &[u8],
    old: &Kek,
    new: &Kek,
    random: &mut dyn Random,
) -> Result<Vec<u8>, RewrapError> {
    let context = place.share(mode, provider);
    let bytes = old.open(&context, sealed).map_err(ShareFaultReason::from)?;
    let share = ShareFaultReason::parse_share(provider, mode.providers(), &bytes)?;
    Ok(new.seal(&context, share.to_bytes().expose(), random)?)
}
