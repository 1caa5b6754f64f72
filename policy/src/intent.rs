//! Intents: the request of the contract, parsed strictly, and completed where it left nonce, gas or fees open.
//!
//! ```text
//! body ─ Draft::transaction | Draft::unified ─► Draft ─ resolve(Filling) ─► Intent
//! ```
//!
//! A member that would change what is signed and is not supported is refused, never ignored; other unknown members are
//! ignored, as the contract wants. Duplicate JSON members are refused everywhere.

mod draft;
mod fields;
mod parse;
mod request_error;

pub use draft::{Draft, Filling, Needs};
pub(crate) use fields::integer;
pub use request_error::RequestError;

use crate::{Chain, TypedData, effect::Effect, message, transaction::Transaction};

/// A complete intent: what would be signed, and what that does.
#[derive(Clone, Debug)]
pub struct Intent {
    chain: Chain,
    signing_key_path: Option<String>,
    approval_id: Option<String>,
    payload: Payload,
    effects: Vec<Effect>,
    simulation: Simulation,
    simulation_required: bool,
    person_agreed: bool,
}

/// What would be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A transaction.
    Transaction(Box<Transaction>),
    /// An EIP-191 personal message, as bytes.
    Message(Vec<u8>),
    /// EIP-712 typed data.
    TypedData(Box<TypedData>),
    /// 32 bytes.
    Digest([u8; 32]),
}

/// How the simulation ended, as the caller knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Simulation {
    /// None was made.
    #[default]
    NotRequired,
    /// It went through.
    Passed {
        /// The provider's id for it.
        id: Option<String>,
        /// Gas that it used.
        gas_used: Option<u64>,
    },
    /// It reverted.
    Reverted {
        /// What the contract said.
        reason: String,
    },
    /// It could not be made.
    Unavailable {
        /// Why not.
        reason: String,
    },
}

impl Intent {
    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// `signing_key_path`, as sent.
    #[must_use]
    pub fn signing_key_path(&self) -> Option<&str> {
        self.signing_key_path.as_deref()
    }

    /// `approval_id`, as sent.
    #[must_use]
    pub fn approval_id(&self) -> Option<&str> {
        self.approval_id.as_deref()
    }

    /// What would be signed.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The transaction, if it is one.
    #[must_use]
    pub fn transaction(&self) -> Option<&Transaction> {
        match &self.payload {
            Payload::Transaction(transaction) => Some(transaction),
            _ => None,
        }
    }

    /// What it does.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// How the simulation ended.
    #[must_use]
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// Whether the request or the deployment wants a simulation.
    #[must_use]
    pub fn simulation_required(&self) -> bool {
        self.simulation_required
    }

    /// Wants a simulation, whatever the request says (setting `intents_api.require_simulation`).
    #[must_use]
    pub fn requiring_simulation(self) -> Self {
        Self { simulation_required: true, ..self }
    }

    /// States how the simulation of exactly this intent ended. It can only deny.
    #[must_use]
    pub fn with_simulation(self, simulation: Simulation) -> Self {
        Self { simulation, ..self }
    }

    /// States that a person approved exactly this intent, where the policy asks for that (`approve` modes). It opens no
    /// other gate and no limit.
    #[must_use]
    pub fn with_persons_approval(self) -> Self {
        Self { person_agreed: true, ..self }
    }

    pub(crate) fn person_agreed(&self) -> bool {
        self.person_agreed
    }

    pub(crate) fn into_payload(self) -> Payload {
        self.payload
    }
}

impl Payload {
    /// The 32 bytes to sign.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        match self {
            Self::Transaction(transaction) => transaction.signing_hash(),
            Self::Message(bytes) => message::hash(bytes),
            Self::TypedData(data) => data.digest(),
            Self::Digest(digest) => *digest,
        }
    }

    /// The contract's `intent_type`.
    #[must_use]
    pub fn intent_type(&self) -> &'static str {
        match self {
            Self::Transaction(_) => "transaction",
            Self::Message(_) => "personal_sign",
            Self::TypedData(_) => "typed_data",
            Self::Digest(_) => "eip712_digest",
        }
    }
}
