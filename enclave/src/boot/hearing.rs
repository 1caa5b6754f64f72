//! What the gateways say about this origin: registrations, newest checkpoints, their clocks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use shroud_journal::boot::Agreed;
use shroud_journal::{BootRefused, Origin, Quorum, QuorumTime, Registered, SignedCheckpoint, Testimony};
use shroud_wire::gateway;
use tokio::task::JoinSet;

use super::{PAUSE, Refused};
use crate::events::Events;
use crate::gateways::{Gateway, Gateways};

/// How long the others are waited for once enough have answered.
const GRACE: Duration = Duration::from_millis(300);

/// What at least a boot quorum of gateways said.
pub(super) struct Hearing {
    quorum: Quorum,
    testimonies: Vec<Testimony>,
    time: QuorumTime,
}

impl Hearing {
    /// Asks until enough have answered that they can be judged; says meanwhile who is missing.
    pub(super) async fn hold(
        gateways: &Gateways,
        origin: &Origin,
        quorum: &Quorum,
        events: &Events,
    ) -> Result<Self, Refused> {
        loop {
            let (heard, failures) = round(gateways, origin, quorum.boot()).await;
            let testimonies: Vec<Testimony> = heard.iter().map(|(testimony, _)| testimony.clone()).collect();
            match Agreed::from(&testimonies, quorum) {
                Err(BootRefused::Waiting { .. }) => {
                    let why: Vec<&str> = failures.iter().map(|(_, why)| why.as_str()).collect();
                    events.waiting(&names(&failures), &why.join("; "));
                }
                Err(refused) => return Err(refused.into()),
                Ok(_) => {
                    let times: Vec<u64> = heard.iter().map(|(_, time)| *time).collect();
                    match QuorumTime::new(&times, quorum.boot()) {
                        Ok(time) => return Ok(Self { quorum: *quorum, testimonies, time }),
                        // Somebody who is missing may settle whose clock is wrong.
                        Err(error) if failures.is_empty() => {
                            return Err(Refused::new(error.name(), error.to_string()));
                        }
                        Err(error) => events.waiting(&names(&failures), &error.to_string()),
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What they agree on.
    pub(super) fn agreed(&self) -> Result<Agreed, BootRefused> {
        Agreed::from(&self.testimonies, &self.quorum)
    }

    pub(super) fn testimonies(&self) -> &[Testimony] {
        &self.testimonies
    }

    /// What time it is by those that answered.
    pub(super) fn time(&self) -> QuorumTime {
        self.time
    }

    /// The size that each gateway remembers.
    pub(super) fn sizes(&self) -> BTreeMap<String, u64> {
        let size = |one: &Testimony| one.newest.as_ref().map_or(0, |newest| newest.checkpoint().size);
        self.testimonies.iter().map(|one| (one.gateway.clone(), size(one))).collect()
    }
}

fn names(failures: &[(String, String)]) -> Vec<&str> {
    failures.iter().map(|(name, _)| name.as_str()).collect()
}

type Heard = (Testimony, u64);
type Round = (Vec<Heard>, Vec<(String, String)>);

/// Asks every gateway once, in parallel; those that are slow when enough have answered get a short grace.
async fn round(gateways: &Gateways, origin: &Origin, enough: usize) -> Round {
    let mut asked = JoinSet::new();
    for gateway in gateways.members() {
        let (gateway, origin) = (Arc::clone(gateway), origin.clone());
        asked.spawn(async move { (gateway.name().to_owned(), ask(&gateway, &origin).await) });
    }
    let (mut heard, mut failures) = (Vec::new(), Vec::new());
    let mut silent: Vec<String> = gateways.members().iter().map(|member| member.name().to_owned()).collect();
    loop {
        let answer = if heard.len() >= enough {
            tokio::time::timeout(GRACE, asked.join_next()).await.ok().flatten()
        } else {
            asked.join_next().await
        };
        let Some(answer) = answer else { break };
        let Ok((name, answer)) = answer else { continue };
        silent.retain(|other| *other != name);
        match answer {
            Ok(answer) => heard.push(answer),
            Err(why) => failures.push((name, why)),
        }
    }
    failures.extend(silent.into_iter().map(|name| (name, "no answer yet".to_owned())));
    (heard, failures)
}

/// One gateway's testimony. One that makes no sense counts as none: a gateway alone must not be able to stop a boot.
async fn ask(gateway: &Gateway, origin: &Origin) -> Result<Heard, String> {
    let answer = gateway.origin(origin.as_str()).await.map_err(|error| error.to_string())?;
    let registered = answer.registration.map(|registration| read(&registration)).transpose()?;
    let newest = match (&registered, answer.checkpoint.as_slice()) {
        (_, []) => None,
        (None, _) => return Err("a checkpoint without a registration".to_owned()),
        (Some(registered), note) => {
            let verified = SignedCheckpoint::verify(note, origin, &registered.journal_key);
            Some(verified.map_err(|error| error.to_string())?)
        }
    };
    Ok((Testimony { gateway: gateway.name().to_owned(), registered, newest }, answer.time))
}

fn read(registration: &gateway::Registration) -> Result<Registered, String> {
    let hash = |bytes: &[u8]| {
        <[u8; 32]>::try_from(bytes).map_err(|_| "a registration with malformed hashes".to_owned())
    };
    Ok(Registered {
        journal_key: hash(&registration.journal_key)?,
        state_key_commitment: hash(&registration.state_key_commitment)?,
        genesis: hash(&registration.genesis)?,
    })
}
