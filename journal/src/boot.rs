//! May this guest serve? Judged from the replayed store and from what a boot quorum of gateways remembers.
//!
//! ```text
//! Testimony of each gateway ─ Agreed::from ─► journal key, state key commitment, genesis     (before the store is opened)
//! Replay ─► State, and the testimonies ─ judge ─► Ground: write the boot entry     or BootRefused: rollback, fork, …
//! ```
//!
//! A checkpoint in a testimony is verified: the journal key signed it, so no gateway can invent one, and the worst that a
//! lying gateway can do is to forget. W + R ≥ n + f + 1 ([`Quorum`]) makes sure that one of R remembers. Entries of the
//! store beyond the newest checkpoint were committed but not yet cosigned: nothing was answered on them, and they stay.

use shroud_wire::gateway::Registration;

use crate::checkpoint::SignedCheckpoint;
use crate::hash::Hash;
use crate::quorum::Quorum;
use crate::state::State;

/// What a deployment registered at a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The journal's Ed25519 public key.
    pub journal_key: [u8; 32],
    /// The commitment to the state key.
    pub state_key_commitment: [u8; 32],
    /// The chain hash of the first entry.
    pub genesis: Hash,
}

impl Registered {
    /// Takes the hashes and the key of a gateway's message; `None` unless each has 32 bytes.
    #[must_use]
    pub fn read(message: &Registration) -> Option<Self> {
        let array = |bytes: &Vec<u8>| <[u8; 32]>::try_from(bytes.as_slice()).ok();
        Some(Self {
            journal_key: array(&message.journal_key)?,
            state_key_commitment: array(&message.state_key_commitment)?,
            genesis: array(&message.genesis)?,
        })
    }
}

/// What one gateway says about the origin.
#[derive(Clone, Debug)]
pub struct Testimony {
    /// The gateway's name; a second testimony of one gateway counts for nothing.
    pub gateway: String,
    /// What was registered; `None` if the origin is unknown there.
    pub registered: Option<Registered>,
    /// The newest checkpoint that it cosigned, verified under the registered journal key; `None` if there is none.
    pub newest: Option<SignedCheckpoint>,
}

/// What a boot quorum of gateways agrees on.
#[derive(Debug, PartialEq, Eq)]
pub enum Agreed {
    /// No gateway knows the origin: a genesis may be made.
    Unknown,
    /// At least R gateways have this registration.
    Registered(Registered),
    /// Fewer than R have this registration and all others know nothing: a genesis was cut short while it registered.
    Partly(Registered),
}

/// What a guest may stand on.
#[derive(Debug, PartialEq, Eq)]
pub enum Ground {
    /// The store is empty and no gateway knows the origin: make the genesis.
    Genesis,
    /// The store holds the genesis alone and fewer than R gateways know it: the first boot was cut short. Register it at
    /// the others, then judge again. Nowhere else may a registration be repeated: a gateway that forgot stays out until it
    /// is re-admitted by order.
    Unregistered,
    /// The store extends everything that the quorum remembers: write the boot entry.
    Extends {
        /// The size of the newest checkpoint that a gateway remembers.
        remembered: u64,
        /// The term of the boot entry.
        term: u64,
    },
}

/// Why this guest may not serve.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BootRefused {
    /// Fewer gateways than the boot quorum have answered; wait for the others.
    #[error("{have} of {need} gateways answered")]
    Waiting {
        /// How many answered.
        have: usize,
        /// R.
        need: usize,
    },
    /// The gateways disagree on what was registered, or only some know the origin.
    #[error("genesis: no {need} gateways agree on the registration of this origin")]
    Disagreement {
        /// R.
        need: usize,
    },
    /// The store is empty, or another deployment's, or was never registered.
    #[error("genesis: {0}")]
    Genesis(&'static str),
    /// The store is older than what a gateway remembers.
    #[error("rollback: the store has {store} entries, gateway {gateway:?} remembers {remembered}")]
    Rollback {
        /// The gateway.
        gateway: String,
        /// The size that it remembers.
        remembered: u64,
        /// Entries in the store.
        store: u64,
    },
    /// The store and a gateway have different histories.
    #[error("fork: at {size} entries the store is not what gateway {gateway:?} remembers")]
    Fork {
        /// The gateway.
        gateway: String,
        /// The size at which they differ.
        size: u64,
    },
}

impl BootRefused {
    /// The name to act on and to show: `waiting`, `genesis`, `rollback`, `fork`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Disagreement { .. } | Self::Genesis(_) => "genesis",
            Self::Rollback { .. } => "rollback",
            Self::Fork { .. } => "fork",
        }
    }
}

/// The first testimony of each gateway.
fn distinct(testimonies: &[Testimony]) -> Vec<&Testimony> {
    let first = |(index, one): &(usize, &Testimony)| {
        !testimonies.iter().take(*index).any(|other| other.gateway == one.gateway)
    };
    testimonies.iter().enumerate().filter(first).map(|(_, testimony)| testimony).collect()
}

impl Agreed {
    /// What at least R distinct gateways agree on.
    ///
    /// # Errors
    /// [`BootRefused::Waiting`] while fewer than R agree and too few have answered to know; [`BootRefused::Disagreement`].
    pub fn from(testimonies: &[Testimony], quorum: &Quorum) -> Result<Self, BootRefused> {
        let heard = distinct(testimonies);
        let need = quorum.boot();
        if heard.len() < need {
            return Err(BootRefused::Waiting { have: heard.len(), need });
        }
        let known: Vec<Registered> = heard.iter().filter_map(|one| one.registered).collect();
        let agreeing = |one: &Registered| known.iter().filter(|other| *other == one).count();
        if let Some(agreed) = known.iter().find(|one| agreeing(one) >= need) {
            return Ok(Self::Registered(*agreed));
        }
        match known.as_slice() {
            [] => Ok(Self::Unknown),
            // Those who have not answered could still make a quorum of it.
            _ if heard.len() < quorum.members() => {
                Err(BootRefused::Waiting { have: heard.len(), need: heard.len() + 1 })
            }
            [one, ..] if agreeing(one) == known.len() => Ok(Self::Partly(*one)),
            _ => Err(BootRefused::Disagreement { need }),
        }
    }
}

/// Judges the replayed store against what the gateways remember.
///
/// # Errors
/// Every [`BootRefused`].
pub fn judge(state: &State, testimonies: &[Testimony], quorum: &Quorum) -> Result<Ground, BootRefused> {
    let agreed = Agreed::from(testimonies, quorum)?;
    let (registered, wholly) = match agreed {
        Agreed::Unknown => return unfinished(state),
        Agreed::Registered(registered) => (registered, true),
        Agreed::Partly(registered) => (registered, false),
    };
    if state.size() == 0 {
        return Err(BootRefused::Genesis("the store is empty, but the origin is registered"));
    }
    if state.genesis() != Some(&registered.genesis) {
        return Err(BootRefused::Genesis("the store's first entry is not the registered one"));
    }
    if !wholly {
        // Whoever cosigned was wholly registered once: the others have forgotten, which is not for a boot to heal.
        let cosigned = testimonies.iter().any(|one| one.newest.is_some());
        let forgotten = BootRefused::Disagreement { need: quorum.boot() };
        return if cosigned { Err(forgotten) } else { unfinished(state) };
    }
    let heard = distinct(testimonies).into_iter().filter(|one| one.registered == Some(registered));
    let remembered = heard.map(|one| remembered(state, one)).collect::<Result<Vec<_>, _>>()?;
    let newest = remembered.into_iter().max().unwrap_or_default();
    Ok(Ground::Extends { remembered: newest, term: state.term() + 1 })
}

/// Where the origin was never wholly registered, there can be nothing beyond the genesis.
fn unfinished(state: &State) -> Result<Ground, BootRefused> {
    match state.size() {
        0 => Ok(Ground::Genesis),
        1 => Ok(Ground::Unregistered),
        _ => Err(BootRefused::Genesis("the store has a history that no boot quorum knows")),
    }
}

/// The size that a gateway remembers, if the store extends it.
fn remembered(state: &State, testimony: &Testimony) -> Result<u64, BootRefused> {
    let Some(newest) = testimony.newest.as_ref().map(SignedCheckpoint::checkpoint) else { return Ok(0) };
    let gateway = testimony.gateway.clone();
    match state.tree().root_at(newest.size) {
        None => Err(BootRefused::Rollback { gateway, remembered: newest.size, store: state.size() }),
        Some(root) if root != newest.root => Err(BootRefused::Fork { gateway, size: newest.size }),
        Some(_) if newest.term > state.term() => Err(BootRefused::Fork { gateway, size: newest.size }),
        Some(_) => Ok(newest.size),
    }
}

#[cfg(test)]
mod tests;
