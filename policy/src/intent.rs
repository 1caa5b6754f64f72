//! Intents: the request of the contract, parsed strictly, and completed where it left nonce, gas or fees open.
//!
//! ```text
//! body ─ Draft::transaction | Draft::unified ─► Draft ─ resolve(Filling) ─► Intent
//! ```
//!
//! A member that would change what is signed and is not supported is refused, never ignored; other unknown members are
//! ignored, as the contract wants. Duplicate JSON members are refused everywhere.

mod fields;
mod parse;
mod request_error;

pub(crate) use fields::integer;
pub use request_error::RequestError;
use ruint::aliases::U256;

use crate::{
    Address, Chain, TypedData,
    effect::{self, Effect},
    message,
    transaction::{AccessListEntry, Authorization, Kind, Transaction},
};

/// A request, understood but perhaps not complete.
#[derive(Clone, Debug)]
pub struct Draft {
    chain: Chain,
    signing_key_path: Option<String>,
    approval_id: Option<String>,
    simulate_first: bool,
    subject: Subject,
}

/// What is to be signed, before anything is filled in.
#[derive(Clone, Debug)]
enum Subject {
    Transaction(Box<Unfilled>),
    Message(Vec<u8>),
    TypedData(Box<TypedData>),
    Digest([u8; 32]),
}

/// A transaction whose nonce, gas limit or fees may be missing.
#[derive(Clone, Debug)]
struct Unfilled {
    to: Address,
    value: U256,
    data: Vec<u8>,
    nonce: Option<u64>,
    gas_limit: Option<u64>,
    fees: Pricing,
    access_list: Vec<AccessListEntry>,
    extra: Extra,
}

/// How gas is paid, as far as the request says.
#[derive(Clone, Copy, Debug)]
enum Pricing {
    Open,
    Fixed { gas_price: U256, access_list: bool },
    Dynamic { max_fee_per_gas: U256, max_priority_fee_per_gas: Option<U256> },
}

#[derive(Clone, Debug)]
enum Extra {
    Plain,
    Blobs { max_fee_per_blob_gas: U256, hashes: Vec<[u8; 32]> },
    Authorizations(Vec<Authorization>),
}

/// What a request left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// No nonce.
    pub nonce: bool,
    /// Call data, or declared storage or delegations, and no gas limit.
    pub gas_limit: bool,
    /// Neither `gas_price` nor `max_fee_per_gas`.
    pub fees: bool,
}

/// What fills the gaps; what the request states itself stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filling {
    /// The next nonce of the signing address.
    pub nonce: Option<u64>,
    /// An estimate of gas.
    pub gas_limit: Option<u64>,
    /// Wei per gas, at most.
    pub max_fee_per_gas: Option<U256>,
    /// Wei per gas for the builder, at most.
    pub max_priority_fee_per_gas: Option<U256>,
}

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
    Transaction(Transaction),
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

/// The tip where a request states only `max_fee_per_gas`: 1 gwei, or that fee if it is lower.
const USUAL_TIP: u64 = 1_000_000_000;
/// Gas of a transfer that calls nothing.
const TRANSFER_GAS: u64 = 21_000;

impl Draft {
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

    /// `simulate_first`, false where it was not sent.
    #[must_use]
    pub fn simulate_first(&self) -> bool {
        self.simulate_first
    }

    /// What the request left open.
    #[must_use]
    pub fn needs(&self) -> Needs {
        match &self.subject {
            Subject::Transaction(open) => Needs {
                nonce: open.nonce.is_none(),
                gas_limit: open.gas_limit.is_none() && !open.is_plain_transfer(),
                fees: matches!(open.fees, Pricing::Open),
            },
            _ => Needs::default(),
        }
    }

    /// Completes the intent and finds its effects.
    ///
    /// # Errors
    /// [`RequestError::Unfilled`] where a gap stays open, [`RequestError::Conflict`] where the tip exceeds the fee.
    pub fn resolve(self, filling: Filling) -> Result<Intent, RequestError> {
        let payload = match self.subject {
            Subject::Transaction(open) => Payload::Transaction(open.fill(self.chain.chain_id, filling)?),
            Subject::Message(bytes) => Payload::Message(bytes),
            Subject::TypedData(data) => Payload::TypedData(data),
            Subject::Digest(digest) => Payload::Digest(digest),
        };
        Ok(Intent {
            effects: effect::of(&payload, self.chain.chain_id),
            chain: self.chain,
            signing_key_path: self.signing_key_path,
            approval_id: self.approval_id,
            payload,
            simulation: Simulation::NotRequired,
            simulation_required: self.simulate_first,
            person_agreed: false,
        })
    }
}

impl Unfilled {
    fn is_plain_transfer(&self) -> bool {
        self.data.is_empty() && self.access_list.is_empty() && matches!(self.extra, Extra::Plain)
    }

    fn fill(self, chain_id: u64, filling: Filling) -> Result<Transaction, RequestError> {
        let plain = self.is_plain_transfer().then_some(TRANSFER_GAS);
        let gas_limit = self.gas_limit.or(plain).or(filling.gas_limit).ok_or(RequestError::Unfilled("gas_limit"))?;
        let nonce = self.nonce.or(filling.nonce).ok_or(RequestError::Unfilled("nonce"))?;
        let kind = kind(self.fees, filling, self.access_list, self.extra)?;
        Ok(Transaction {
            chain_id: Some(chain_id),
            nonce,
            gas_limit,
            to: Some(self.to),
            value: self.value,
            data: self.data,
            kind,
        })
    }
}

fn kind(
    fees: Pricing,
    filling: Filling,
    access_list: Vec<AccessListEntry>,
    extra: Extra,
) -> Result<Kind, RequestError> {
    let (max_fee_per_gas, tip) = match fees {
        Pricing::Fixed { gas_price, access_list: false } => return Ok(Kind::Legacy { gas_price }),
        Pricing::Fixed { gas_price, access_list: true } => return Ok(Kind::AccessList { gas_price, access_list }),
        Pricing::Dynamic { max_fee_per_gas, max_priority_fee_per_gas } => (max_fee_per_gas, max_priority_fee_per_gas),
        Pricing::Open => {
            let fee = filling.max_fee_per_gas.ok_or(RequestError::Unfilled("max_fee_per_gas"))?;
            (fee, filling.max_priority_fee_per_gas)
        }
    };
    let max_priority_fee_per_gas = tip.unwrap_or_else(|| max_fee_per_gas.min(U256::from(USUAL_TIP)));
    if max_priority_fee_per_gas > max_fee_per_gas {
        return Err(RequestError::Conflict("max_priority_fee_per_gas exceeds max_fee_per_gas"));
    }
    Ok(match extra {
        Extra::Plain => Kind::DynamicFee { max_fee_per_gas, max_priority_fee_per_gas, access_list },
        Extra::Blobs { max_fee_per_blob_gas, hashes } => Kind::Blob {
            max_fee_per_gas,
            max_priority_fee_per_gas,
            max_fee_per_blob_gas,
            access_list,
            blob_versioned_hashes: hashes,
        },
        Extra::Authorizations(authorization_list) => {
            Kind::SetCode { max_fee_per_gas, max_priority_fee_per_gas, access_list, authorization_list }
        }
    })
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
