//! Unsealing the providers' shares that are at hand.

use crate::context::SecretContext;
use crate::envelope::{KekSet, ShareFault, ShareFaultReason};
use crate::key::Kek;
use crate::mode::{CustodyMode, Provider};
use crate::shamir::Share;

/// The providers' shares, sorted into usable, out of reach and faulty.
pub(crate) struct Gathered {
    /// Authentic, and where they belong.
    pub(crate) shares: Vec<(Provider, Share)>,
    /// Providers whose KEK is not at hand.
    pub(crate) absent: Vec<Provider>,
    /// The others.
    pub(crate) faults: Vec<ShareFault>,
}

/// Unseals what can be unsealed with `keks`, and names what is wrong with the rest.
pub(crate) fn gather(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    stored: &[(Provider, Vec<u8>)],
    keks: &KekSet<'_>,
) -> Gathered {
    let mut gathered = Gathered { shares: Vec::new(), absent: Vec::new(), faults: foreign(mode, stored) };
    for &provider in mode.providers() {
        let Some(kek) = keks.kek(provider) else {
            gathered.absent.push(provider);
            continue;
        };
        match unseal(mode, place, stored, keks, provider, kek) {
            Ok(share) => gathered.shares.push((provider, share)),
            Err(reason) => gathered.faults.push(ShareFault { provider, reason }),
        }
    }
    gathered
}

/// Shares of providers that the mode gives none.
fn foreign(mode: CustodyMode, stored: &[(Provider, Vec<u8>)]) -> Vec<ShareFault> {
    let providers = stored.iter().map(|(provider, _)| *provider);
    let foreign = providers.filter(|provider| !mode.providers().contains(provider));
    foreign.map(|provider| ShareFault { provider, reason: ShareFaultReason::ForeignProvider }).collect()
}

fn unseal(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    stored: &[(Provider, Vec<u8>)],
    keks: &KekSet<'_>,
    provider: Provider,
    kek: &Kek,
) -> Result<Share, ShareFaultReason> {
    let mut own = stored.iter().filter(|(holder, _)| *holder == provider);
    let (_, sealed) = own.next().ok_or(ShareFaultReason::Missing)?;
    if own.next().is_some() {
        return Err(ShareFaultReason::Duplicated);
    }
    let bytes = kek.open(&place.share(mode, provider), sealed).map_err(|error| {
        let owner = owner(mode, place, sealed, keks, provider);
        owner.map_or_else(|| error.into(), |owner| ShareFaultReason::Swapped { owner })
    })?;
    ShareFaultReason::parse_share(provider, mode.providers(), &bytes)
}

/// The other provider under whose KEK and context the bytes do open.
fn owner(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    sealed: &[u8],
    keks: &KekSet<'_>,
    provider: Provider,
) -> Option<Provider> {
    let others = mode.providers().iter().copied().filter(|other| *other != provider);
    others
        .into_iter()
        .find(|&other| keks.kek(other).is_some_and(|kek| kek.open(&place.share(mode, other), sealed).is_ok()))
}
