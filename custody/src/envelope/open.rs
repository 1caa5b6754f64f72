//! Opening one version of a secret.

use zeroize::Zeroizing;

use crate::client_share::ClientShare;
use crate::context::SecretContext;
use crate::envelope::rebuild::{Attempt, rebuild};
use crate::envelope::value::ValueKey;
use crate::envelope::{KekSet, OpenError, Refusal, ShareFault, StoredSecret};
use crate::key::RebuiltDek;
use crate::mode::CustodyMode;

/// An opened secret.
pub struct Opened {
    /// The value, erased on drop.
    pub value: Zeroizing<Vec<u8>>,
    /// Shares that were not used although their KEK was at hand, and why: for the record.
    pub faults: Vec<ShareFault>,
}

/// Opens a secret with the KEKs that are at hand, and with the client's share where the mode needs one.
///
/// With a third share at hand, the pair that rebuilds the committed key is found and the share that does not belong to
/// it is named. A client share that the mode does not need is ignored.
///
/// # Errors
/// [`OpenError`] is exact, for the record; [`OpenError::disclosure`] is what the peer may hear.
pub fn open_secret(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    stored: &StoredSecret<'_>,
    keks: &KekSet<'_>,
    client: Option<&ClientShare>,
) -> Result<Opened, OpenError> {
    let Attempt { dek, binding, flaw, faults } = rebuild(mode, place, stored, keks, client)?;
    let key = ValueKey::derive(mode, place, &dek, binding);
    let committed = key.is(&stored.commitment.value, mode, place);
    let value = key.open(stored.value);
    match (flaw.or_else(|| key_flaw(mode, committed)), value) {
        (Some(refusal), _) => Err(OpenError::Refused { refusal, faults }),
        (None, Err(error)) => Err(OpenError::Refused { refusal: Refusal::Value(error), faults }),
        (None, Ok(value)) => Ok(Opened { value, faults }),
    }
}

/// Rebuilds a DEK and confirms it, without the value.
///
/// # Errors
/// As [`open_secret`].
pub(crate) fn confirm(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    stored: &StoredSecret<'_>,
    keks: &KekSet<'_>,
    client: Option<&ClientShare>,
) -> Result<(RebuiltDek, Vec<ShareFault>), OpenError> {
    let Attempt { dek, binding, flaw, faults } = rebuild(mode, place, stored, keks, client)?;
    let committed = ValueKey::derive(mode, place, &dek, binding).is(&stored.commitment.value, mode, place);
    match flaw.or_else(|| key_flaw(mode, committed)) {
        Some(refusal) => Err(OpenError::Refused { refusal, faults }),
        None => Ok((RebuiltDek::confirmed(dek), faults)),
    }
}

/// The servers' part met its commitment; if the value key does not, the client's part is what is wrong.
fn key_flaw(mode: CustodyMode, committed: bool) -> Option<Refusal> {
    if committed {
        return None;
    }
    if mode.needs_client_share() {
        return Some(Refusal::WrongClientShare);
    }
    Some(Refusal::NotCommitted { suspects: mode.holders().collect() })
}
