//! A drill: which holders suffice to open a secret as it is stored now. Nothing is opened and nothing is exposed.

use crate::client_share::ClientShare;
use crate::context::SecretContext;
use crate::envelope::open::confirm;
use crate::envelope::rebuild::confirm_providers;
use crate::envelope::{KekSet, OpenError, StoredSecret};
use crate::mode::{CustodyMode, Holder, Provider};

/// A smallest set of holders that should suffice, and whether it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coalition {
    /// The set.
    pub holders: Vec<Holder>,
    /// What the drill found.
    pub standing: Result<Standing, OpenError>,
}

/// How far a coalition was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It rebuilds the committed key.
    Suffices,
    /// The providers' shares rebuild what was committed of them; the client's share, which is needed beside them, was
    /// not at hand.
    ProvidersSound,
}

/// Tries every smallest set of holders with the KEKs at hand, and with the client's share if it is at hand.
#[must_use]
pub fn drill_secret(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    stored: &StoredSecret<'_>,
    keks: &KekSet<'_>,
    client: Option<&ClientShare>,
) -> Vec<Coalition> {
    let without_client = mode.needs_client_share() && client.is_none();
    let sets = smallest_sets(mode, without_client);
    sets.into_iter()
        .map(|providers| {
            let subset = subset(keks, &providers);
            let standing = if without_client {
                confirm_providers(mode, place, stored, &subset).map(|_| Standing::ProvidersSound)
            } else {
                confirm(mode, place, stored, &subset, client).map(|_| Standing::Suffices)
            };
            let client = mode.needs_client_share().then_some(Holder::Client);
            let holders = providers.into_iter().map(Holder::Provider).chain(client).collect();
            Coalition { holders, standing }
        })
        .collect()
}

/// The smallest sets of providers that the mode needs. Where the client's point of a line is absent, two of the others
/// are needed to tell whether they lie on it.
fn smallest_sets(mode: CustodyMode, without_client: bool) -> Vec<Vec<Provider>> {
    let providers = mode.providers();
    let line_of_providers = mode == CustodyMode::Client2of3 && without_client;
    if mode.provider_shares_needed() == 1 && !line_of_providers {
        return providers.iter().map(|provider| vec![*provider]).collect();
    }
    let pairs = providers.iter().enumerate().flat_map(|(position, left)| {
        providers.iter().skip(position + 1).map(move |right| vec![*left, *right])
    });
    pairs.collect()
}

fn subset<'a>(keks: &KekSet<'a>, providers: &[Provider]) -> KekSet<'a> {
    let at_hand = providers.iter().filter_map(|provider| Some((*provider, keks.kek(*provider)?)));
    at_hand.fold(KekSet::new(), |set, (provider, kek)| set.with(provider, kek))
}
