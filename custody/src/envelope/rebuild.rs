//! Putting a DEK together again from what is at hand.
//!
//! In the modes with a client, a wrong client share and damaged data have to look alike, in time too: what goes wrong is
//! noted in `flaw` and the work goes on to its end with whatever key came out.

use crate::client_share::{ClientShare, Form};
use crate::commitment::Commitment;
use crate::context::SecretContext;
use crate::envelope::gather::{Gathered, gather};
use crate::envelope::{KekSet, OpenError, Refusal, ShareFault, StoredSecret};
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
/// [`OpenError`] where the client's share or a cloud is missing: what the peer may know.
pub(crate) fn rebuild<'a>(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    stored: &StoredSecret<'_>,
    keks: &KekSet<'_>,
    client: Option<&'a ClientShare>,
) -> Result<Attempt<'a>, OpenError> {
    let client = client_part(mode, client)?;
    let gathered = at_hand(mode.provider_shares_needed(), gather(mode, place, stored.shares, keks))?;
    let rule = Rule { needed: mode.provider_shares_needed(), place: place.split_commitment(mode) };
    let commitment = &stored.commitment.split;
    Ok(match client {
        Some(Form::Bound { share, binding }) => {
            rule.line(gathered, Some(share), commitment).into_attempt(None, Some(binding))
        }
        Some(Form::Half(half)) => rule.providers(mode, gathered, commitment).into_attempt(Some(half), None),
        None => rule.providers(mode, gathered, commitment).into_attempt(None, None),
    })
}

/// Whether the providers' shares at hand rebuild the committed part, where no client share is at hand.
///
/// # Errors
/// [`OpenError`] if they do not.
pub(crate) fn confirm_providers(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    stored: &StoredSecret<'_>,
    keks: &KekSet<'_>,
) -> Result<Vec<ShareFault>, OpenError> {
    let needed = if is_whole(mode) { 1 } else { 2 };
    let gathered = at_hand(needed, gather(mode, place, stored.shares, keks))?;
    let rule = Rule { needed, place: place.split_commitment(mode) };
    let Part { flaw, faults, .. } = rule.providers(mode, gathered, &stored.commitment.split);
    match flaw {
        Some(refusal) => Err(OpenError::Refused { refusal, faults }),
        None => Ok(faults),
    }
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

/// Goes on unless too few of the clouds are within reach.
fn at_hand(needed: usize, gathered: Gathered) -> Result<Gathered, OpenError> {
    let usable = gathered.shares.len();
    if usable >= needed || gathered.absent.is_empty() {
        return Ok(gathered);
    }
    Err(OpenError::Unavailable { needed, usable, absent: gathered.absent, faults: gathered.faults })
}

/// Whether one provider holds the committed part whole.
fn is_whole(mode: CustodyMode) -> bool {
    matches!(mode, CustodyMode::Unsplit | CustodyMode::Client2of2)
}

/// How many of the providers' shares are needed, and the place that the commitment to them names.
struct Rule {
    needed: usize,
    place: Vec<u8>,
}

impl Rule {
    /// What the providers' shares give by themselves.
    fn providers(&self, mode: CustodyMode, gathered: Gathered, commitment: &Commitment) -> Part {
        if is_whole(mode) { self.whole(gathered, commitment) } else { self.line(gathered, None, commitment) }
    }

    /// What one provider holds whole.
    fn whole(&self, gathered: Gathered, commitment: &Commitment) -> Part {
        let Gathered { shares, mut faults, .. } = gathered;
        let (suspects, few) = (holders(&shares, false), self.too_few(&shares));
        let secret = shares.into_iter().next().map_or_else(nothing, |(_, share)| share.into_values());
        let committed: bool = commitment.admits(&secret, &self.place).into();
        if committed {
            return Part { secret, flaw: few, faults };
        }
        if few.is_none() {
            faults.extend(ShareFault::forged(&suspects));
        }
        Part { secret, flaw: few.or(Some(Refusal::NotCommitted { suspects })), faults }
    }

    /// What two points of a line give.
    fn line(&self, gathered: Gathered, client: Option<&Share>, commitment: &Commitment) -> Part {
        let Gathered { shares, mut faults, .. } = gathered;
        let few = self.too_few(&shares);
        let providers =
            shares.iter().map(|(provider, share)| Candidate { holder: Holder::Provider(*provider), share });
        let point = client.map(|share| Candidate { holder: Holder::Client, share });
        let candidates: Vec<_> = point.into_iter().chain(providers).collect();
        match try_pairs(&candidates, commitment, &self.place) {
            Pairs::Good { secret, bad } => {
                faults.extend(ShareFault::forged(&bad));
                let flaw = bad.contains(&Holder::Client).then_some(Refusal::WrongClientShare);
                Part { secret, flaw, faults }
            }
            Pairs::Bad { first } => {
                let secret = first.map_or_else(nothing, Rebuilt::unconfirmed);
                let suspects = holders(&shares, client.is_some());
                Part { secret, flaw: few.or(Some(Refusal::NotCommitted { suspects })), faults }
            }
        }
    }

    fn too_few(&self, shares: &[(Provider, Share)]) -> Option<Refusal> {
        let (needed, usable) = (self.needed, shares.len());
        (usable < needed).then_some(Refusal::TooFewSound { needed, usable })
    }
}

impl Part {
    fn into_attempt<'a>(self, half: Option<&Secret<32>>, binding: Option<&'a Secret<32>>) -> Attempt<'a> {
        let Self { secret, flaw, faults } = self;
        let dek = match half {
            Some(half) => join(&secret, half),
            None => secret,
        };
        Attempt { dek, binding, flaw, faults }
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
