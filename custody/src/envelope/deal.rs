//! Dealing a DEK out to its holders.

use crate::client_share::ClientShare;
use crate::commitment::Commitment;
use crate::context::SecretContext;
use crate::key::Dek;
use crate::mode::{CustodyMode, Provider};
use crate::random::Random;
use crate::secret::Secret;
use crate::shamir::{Share, halve, split};

/// A DEK in parts: the split secret.
pub(crate) struct Dealt {
    /// To what the providers' shares rebuild.
    pub(crate) commitment: Commitment,
    /// One for each of the mode's providers.
    pub(crate) shares: Vec<(Provider, Share)>,
    /// The client's, where it has one.
    pub(crate) client: Option<ClientShare>,
    /// What the value key needs beside the DEK: a second copy of the binding in the client's share.
    pub(crate) binding: Option<Secret<32>>,
}

/// Splits `dek` as `mode` says, on fresh lines and with fresh halves.
pub(crate) fn deal(
    mode: CustodyMode,
    place: &SecretContext<'_>,
    dek: &Dek,
    random: &mut dyn Random,
) -> Dealt {
    let context = place.split_commitment(mode);
    let commit = |secret: &Secret<32>| Commitment::to(secret, &context);
    match mode {
        CustodyMode::Unsplit => {
            Dealt::among_clouds(commit(dek.secret()), vec![(Provider::Gcp, whole(copy(dek.secret())))])
        }
        CustodyMode::MultiHsm2of3 => {
            Dealt::among_clouds(commit(dek.secret()), three(split(dek.secret(), random)))
        }
        CustodyMode::Client2of2 => {
            let (client, server) = halve(dek.secret(), random);
            let dealt = Dealt::among_clouds(commit(&server), vec![(Provider::Gcp, whole(server))]);
            Dealt { client: Some(ClientShare::half(client)), ..dealt }
        }
        CustodyMode::MultiHsmClient2of3 => {
            let (client, server) = halve(dek.secret(), random);
            let dealt = Dealt::among_clouds(commit(&server), three(split(&server, random)));
            Dealt { client: Some(ClientShare::half(client)), ..dealt }
        }
        CustodyMode::Client2of3 => {
            let [gcp, aws, client] = split(dek.secret(), random);
            let binding = Secret::random(random);
            let dealt =
                Dealt::among_clouds(commit(dek.secret()), vec![(Provider::Gcp, gcp), (Provider::Aws, aws)]);
            let client = ClientShare::bound(client, copy(&binding));
            Dealt { client: Some(client), binding: Some(binding), ..dealt }
        }
    }
}

impl Dealt {
    fn among_clouds(commitment: Commitment, shares: Vec<(Provider, Share)>) -> Self {
        Self { commitment, shares, client: None, binding: None }
    }
}

/// A part that is no point of a line, in the form of the primary provider's share.
fn whole(values: Secret<32>) -> Share {
    Share::new(Provider::Gcp.index(), values)
}

fn three([gcp, aws, azure]: [Share; 3]) -> Vec<(Provider, Share)> {
    vec![(Provider::Gcp, gcp), (Provider::Aws, aws), (Provider::Azure, azure)]
}

fn copy(secret: &Secret<32>) -> Secret<32> {
    Secret::written(|bytes| bytes.copy_from_slice(secret.expose()))
}
