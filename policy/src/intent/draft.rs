//! Drafts: requests that were understood, and how their gaps are filled.

use ruint::aliases::U256;

use super::{Intent, Payload, RequestError, Simulation};
use crate::{
    Address, Chain, TypedData, effect,
    transaction::{AccessListEntry, Authorization, Kind, Transaction},
};

/// A request, understood but perhaps not complete.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) chain: Chain,
    pub(super) signing_key_path: Option<String>,
    pub(super) approval_id: Option<String>,
    pub(super) simulate_first: bool,
    pub(super) subject: Subject,
}

/// What is to be signed, before anything is filled in.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Transaction(Box<Unfilled>),
    Message(Vec<u8>),
    TypedData(Box<TypedData>),
    Digest([u8; 32]),
}

/// A transaction whose nonce, gas limit or fees may be missing.
#[derive(Clone, Debug)]
pub(super) struct Unfilled {
    pub(super) to: Address,
    pub(super) value: U256,
    pub(super) data: Vec<u8>,
    pub(super) nonce: Option<u64>,
    pub(super) gas_limit: Option<u64>,
    pub(super) fees: Pricing,
    pub(super) access_list: Vec<AccessListEntry>,
    pub(super) extra: Extra,
}

/// How gas is paid, as far as the request says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pricing {
    Open,
    Fixed { gas_price: U256, access_list: bool },
    Dynamic { max_fee_per_gas: U256, max_priority_fee_per_gas: Option<U256> },
}

#[derive(Clone, Debug)]
pub(super) enum Extra {
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
            Subject::Transaction(open) => {
                Payload::Transaction(Box::new(open.fill(self.chain.chain_id, filling)?))
            }
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
        let gas_limit =
            self.gas_limit.or(plain).or(filling.gas_limit).ok_or(RequestError::Unfilled("gas_limit"))?;
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
        Pricing::Fixed { gas_price, access_list: true } => {
            return Ok(Kind::AccessList { gas_price, access_list });
        }
        Pricing::Dynamic { max_fee_per_gas, max_priority_fee_per_gas } => {
            (max_fee_per_gas, max_priority_fee_per_gas)
        }
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
