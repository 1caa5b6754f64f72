//! What can be wrong with a share or an opening, and how much of it the peer may hear.

use crate::mode::{CustodyMode, Holder, Provider};
use crate::sealed::UnsealError;
use crate::shamir::{MalformedShare, Share};

/// One provider's share that was not used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareFault {
    /// Whose share it is.
    pub provider: Provider,
    /// What is wrong with it.
    pub reason: ShareFaultReason,
}

/// What is wrong with a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareFaultReason {
    /// It is not stored.
    #[error("missing")]
    Missing,
    /// It is stored more than once; none is believed.
    #[error("stored more than once")]
    Duplicated,
    /// The mode gives this provider no share.
    #[error("this provider holds no share in this mode")]
    ForeignProvider,
    /// It ends too early.
    #[error("cut short at {length} bytes")]
    Truncated {
        /// Its length.
        length: usize,
    },
    /// It is too long.
    #[error("too long, {length} bytes")]
    Oversized {
        /// Its length.
        length: usize,
    },
    /// Its sealed form is unknown.
    #[error("sealed in the unknown form {0}")]
    UnknownVersion(u8),
    /// It does not authenticate under this provider's KEK and this context: another secret's, another version's, or
    /// changed.
    #[error("not sealed here under this provider's KEK")]
    Wrong,
    /// It is another provider's.
    #[error("the share of {owner}")]
    Swapped {
        /// Whose it is.
        owner: Provider,
    },
    /// Its index is zero.
    #[error("at index zero")]
    ZeroIndex,
    /// Its index is no provider's in this mode.
    #[error("at the foreign index {found}")]
    ForeignIndex {
        /// The index.
        found: u8,
    },
    /// It authenticates, and contradicts the commitment: whoever made it had the KEK.
    #[error("forged: it contradicts the commitment")]
    Forged,
}

impl ShareFaultReason {
    /// Reads the plain bytes of the share that `provider` holds among `providers`.
    pub(crate) fn parse_share(
        provider: Provider,
        providers: &[Provider],
        bytes: &[u8],
    ) -> Result<Share, Self> {
        let share = Share::parse(bytes)?;
        if share.index() == provider.index() {
            return Ok(share);
        }
        let owner = providers.iter().copied().find(|other| other.index() == share.index());
        Err(owner
            .map_or(Self::ForeignIndex { found: share.index().value() }, |owner| Self::Swapped { owner }))
    }
}

impl From<MalformedShare> for ShareFaultReason {
    fn from(malformed: MalformedShare) -> Self {
        match malformed {
            MalformedShare::Truncated { length } => Self::Truncated { length },
            MalformedShare::Oversized { length } => Self::Oversized { length },
            MalformedShare::ZeroIndex(_) => Self::ZeroIndex,
        }
    }
}

impl From<UnsealError> for ShareFaultReason {
    fn from(error: UnsealError) -> Self {
        match error {
            UnsealError::Empty => Self::Truncated { length: 0 },
            UnsealError::Truncated { length } => Self::Truncated { length },
            UnsealError::Oversized { length } => Self::Oversized { length },
            UnsealError::UnknownVersion(version) => Self::UnknownVersion(version),
            UnsealError::NotAuthentic => Self::Wrong,
        }
    }
}

impl ShareFault {
    /// The faults of providers whose share contradicts the commitment.
    pub(crate) fn forged(holders: &[Holder]) -> impl Iterator<Item = Self> {
        holders.iter().filter_map(|holder| match holder {
            Holder::Provider(provider) => {
                Some(Self { provider: *provider, reason: ShareFaultReason::Forged })
            }
            Holder::Client => None,
        })
    }
}

/// Why a secret was refused although enough shares were at hand. For the record; the peer hears the [`Disclosure`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The client's share is not the one that was returned for this version.
    #[error("the client share is wrong")]
    WrongClientShare,
    /// What is at hand does not rebuild what was committed to, and nothing tells which of it is wrong.
    #[error("what is at hand does not rebuild the committed key")]
    NotCommitted {
        /// Who holds what was tried.
        suspects: Vec<Holder>,
    },
    /// Too few shares are sound.
    #[error("{usable} of the {needed} shares that are needed are sound")]
    TooFewSound {
        /// How many providers' shares the mode needs.
        needed: usize,
        /// How many are sound.
        usable: usize,
    },
    /// The key is the committed one and the value does not open under it.
    #[error("the value is damaged: {0}")]
    Value(#[source] UnsealError),
}

/// Why a secret did not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The mode needs a client share and none was given.
    #[error("the client share is missing")]
    ClientShareMissing,
    /// The client share has another mode's form.
    #[error("the client share has another mode's form")]
    ClientShareForeign,
    /// Too few of the mode's KEKs are at hand.
    #[error("{usable} of the {needed} shares that are needed are at hand")]
    Unavailable {
        /// How many providers' shares the mode needs.
        needed: usize,
        /// How many are usable.
        usable: usize,
        /// The providers whose KEK is not at hand.
        absent: Vec<Provider>,
        /// What is wrong with the others.
        faults: Vec<ShareFault>,
    },
    /// Enough was at hand, and it does not open.
    #[error("{refusal}")]
    Refused {
        /// Why.
        #[source]
        refusal: Refusal,
        /// What is wrong with the shares.
        faults: Vec<ShareFault>,
    },
}

/// What the peer may hear of a failure: no more than this, so that a wrong client share and damaged data look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// The request lacks a client share, or brings one that is malformed (400).
    ClientShareNeeded,
    /// Refused (403).
    Refused,
    /// Too few clouds answer now (503).
    Unavailable,
    /// The stored secret is damaged, and no client share has a part in it (500).
    Damaged,
}

impl OpenError {
    /// What the peer may hear of it.
    #[must_use]
    pub fn disclosure(&self, mode: CustodyMode) -> Disclosure {
        match self {
            Self::ClientShareMissing | Self::ClientShareForeign => Disclosure::ClientShareNeeded,
            Self::Unavailable { .. } => Disclosure::Unavailable,
            Self::Refused { .. } if mode.needs_client_share() => Disclosure::Refused,
            Self::Refused { .. } => Disclosure::Damaged,
        }
    }

    /// What is wrong with the shares, for the record.
    #[must_use]
    pub fn faults(&self) -> &[ShareFault] {
        match self {
            Self::ClientShareMissing | Self::ClientShareForeign => &[],
            Self::Unavailable { faults, .. } | Self::Refused { faults, .. } => faults,
        }
    }
}
