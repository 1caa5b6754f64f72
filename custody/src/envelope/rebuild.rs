//! Putting a DEK together again from what is at hand.
//!
//! In the modes with a client, a wrong client share and damaged data have to look alike, in time too: what goes wrong is
//! noted in `flaw` and the work goes on to its end with whatever key came out.

use crate::client_share::{ClientShare, Form};
use crate::commitment::Commitment;
use crate::context::SecretContext;
use crate::envelope::gather::{Gathered, gather};
use crate::envelope::{KekSet, OpenError, Refusal, ShareFault, ShareFaultReason, StoredSecret};
use crate::mode::{CustodyMode, Holder, Provider};
use crate::pairs::{Candidate, Pairs, try_pairs};
use crate::secret::Secret;
use crate::shamir::{Rebuilt, Share, join};

/// A DEK that was put together, which is the committed one if nothing is flawed.
pub(crate) struct Attempt<'a> {
    pub(crate) dek: Secret<32>,
    /// The client's binding, where the mode has one.
    pub(crate) binding: Option<&'a Secret<32>>,
    pub(crate) flaw: Option<Refusal>,
    pub(crate) faults: Vec<ShareFault>,
}

/// What the shares rebuild, before the client's half joins it.
struct Part {
    secret: Secret<32>,
    flaw: Option<Refusal>,
    faults: Vec<ShareFault>,
}

/// Rebuilds the DEK.
///
/// # Errors
/// [`OpenError`] where too little is at hand to go on.
pub(crate) fn rebuild<'a>(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    stored: &StoredSecret<'_>,
    keks: &KekSet<'_>,
    client: Option<&'a ClientShare>,
) -> Result<Attempt<'a>, OpenError> {
    let client = client_part(mode, client)?;
    let gathered = enough(mode, gather(mode, place, stored.shares, keks))?;
    let context = place.split_commitment(mode);
    let commitment = &stored.commitment.split;
    let (part, binding) = match client {
        Some(Form::Bound { share, binding }) => {
            (line(gathered, Some(share), commitment, &context), Some(binding))
        }
        Some(Form::Half(_)) | None if mode.provider_shares_needed() == 1 => {
            (whole(gathered, commitment, &context), None)
        }
        Some(Form::Half(_)) | None => (line(gathered, None, commitment, &context), None),
    };
    let dek = match client {
        Some(Form::Half(half)) => join(&part.secret, half),
        Some(Form::Bound { .. }) | None => part.secret,
    };
    Ok(Attempt { dek, binding, flaw: part.flaw, faults: part.faults })
}

/// The client's part, in the form that the mode has.
fn client_part(mode: CustodyMode, client: Option<&ClientShare>) -> Result<Option<&Form>, OpenError> {
    if !mode.needs_client_share() {
        return Ok(None);
    }
    let form = client.ok_or(OpenError::ClientShareMissing)?.form();
    match (mode, form) {
        (CustodyMode::Client2of3, Form::Half(_)) => Err(OpenError::ClientShareForeign),
        (CustodyMode::Client2of3, Form::Bound { .. }) | (_, Form::Half(_)) => Ok(Some(form)),
        (_, Form::Bound { .. }) => Err(OpenError::ClientShareForeign),
    }
}

/// Goes on only with as many providers' shares as the mode needs.
fn enough(mode: CustodyMode, gathered: Gathered) -> Result<Gathered, OpenError> {
    let (needed, usable) = (mode.provider_shares_needed(), gathered.shares.len());
    let Gathered { absent, faults, .. } = gathered;
    if usable >= needed {
        return Ok(Gathered { shares: gathered.shares, absent, faults });
    }
    if absent.is_empty() {
        return Err(OpenError::Refused { refusal: Refusal::TooFewSound { needed, usable }, faults });
    }
    Err(OpenError::Unavailable { needed, usable, absent, faults })
}

/// What one provider holds whole.
fn whole(gathered: Gathered, commitment: &Commitment, context: &[u8]) -> Part {
    let Gathered { shares, mut faults, .. } = gathered;
    let suspects = holders(&shares, false);
    let secret = shares.into_iter().next().map_or_else(nothing, |(_, share)| share.into_values());
    let committed: bool = commitment.admits(&secret, context).into();
    let flaw = (!committed).then_some(Refusal::NotCommitted { suspects });
    if !committed {
        faults.push(ShareFault { provider: Provider::Gcp, reason: ShareFaultReason::Forged });
    }
    Part { secret, flaw, faults }
}

/// What two points of a line give.
fn line(gathered: Gathered, client: Option<&Share>, commitment: &Commitment, context: &[u8]) -> Part {
    let Gathered { shares, mut faults, .. } = gathered;
    let providers =
        shares.iter().map(|(provider, share)| Candidate { holder: Holder::Provider(*provider), share });
    let client = client.map(|share| Candidate { holder: Holder::Client, share });
    let candidates: Vec<_> = client.into_iter().chain(providers).collect();
    match try_pairs(&candidates, commitment, context) {
        Pairs::Good { secret, bad } => {
            faults.extend(ShareFault::forged(&bad));
            let flaw = bad.contains(&Holder::Client).then_some(Refusal::WrongClientShare);
            Part { secret, flaw, faults }
        }
        Pairs::Bad { first } => {
            let flaw = Refusal::NotCommitted { suspects: holders(&shares, client.is_some()) };
            Part { secret: first.map_or_else(nothing, Rebuilt::unconfirmed), flaw: Some(flaw), faults }
        }
    }
}

/// Zeros, where there is nothing to go on with and the outcome is refused anyway.
fn nothing() -> Secret<32> {
    Secret::written(|_| ())
}

fn holders(shares: &[(Provider, Share)], client: bool) -> Vec<Holder> {
    let providers = shares.iter().map(|(provider, _)| Holder::Provider(*provider));
    providers.chain(client.then_some(Holder::Client)).collect()
}
