//! Effects: what an intent would do, before anything is judged.
//!
//! Native value, token transfers and approvals, typed-data permits, delegations and fees all become the same few facts:
//! kind, asset, amount, counterparty. What cannot be decoded is an effect too, with a name of its own, so that nothing
//! passes because nobody understood it.

mod calls;
mod typed;

use core::fmt;

use calls::{Call, Calls};
use ruint::aliases::U256;
use serde_json::{Value, json};

use crate::{Address, intent::Payload, transaction::Transaction};

/// What a payload does on its chain.
#[must_use]
pub fn of(payload: &Payload, chain_id: u64) -> Vec<Effect> {
    match payload {
        Payload::Transaction(transaction) => of_transaction(transaction, chain_id),
        Payload::Message(_) => vec![Effect::nothing(EffectKind::Message, chain_id)],
        Payload::TypedData(data) => typed::effects(data),
        Payload::Digest(_) => vec![Effect::nothing(EffectKind::Digest, chain_id)],
    }
}

fn of_transaction(transaction: &Transaction, chain_id: u64) -> Vec<Effect> {
    let mut effects = match transaction.to {
        Some(target) => {
            let mut calls = Calls::new(Some(chain_id));
            calls.call(Call { target, value: transaction.value, data: &transaction.data });
            calls.into_effects()
        }
        // Code that is created now could do anything later.
        None => vec![Effect::nothing(EffectKind::UnknownCall { selector: None }, chain_id)],
    };
    effects.extend(transaction.authorizations().iter().map(|one| Effect {
        counterparty: Some(one.address),
        ..Effect::nothing(EffectKind::Delegation, chain_id)
    }));
    effects.push(Effect {
        asset: Some(Asset::Native),
        amount: transaction.worst_case_fee(),
        ..Effect::nothing(EffectKind::Fee, chain_id)
    });
    effects
}

/// One thing that an intent would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What it is.
    pub kind: EffectKind,
    /// The chain on which it would happen; `None` where the signed bytes name none, so that any chain may take them.
    pub chain_id: Option<u64>,
    /// What moves or may be moved; `None` where nothing is known to.
    pub asset: Option<Asset>,
    /// How much, in smallest units (of a collection, items). `U256::MAX` is unlimited.
    pub amount: U256,
    /// Who receives it or is empowered by it.
    pub counterparty: Option<Address>,
    /// The contract that is called or whose domain is signed for.
    pub target: Option<Address>,
}

/// What moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asset {
    /// The chain's native currency.
    Native,
    /// A token contract: ERC-20, or a collection (ERC-721, ERC-1155).
    Token(Address),
}

/// The kinds of effect, under the names that audit events use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectKind {
    /// `transfer`: the asset moves to the counterparty.
    Transfer,
    /// `approval`: the counterparty may move the asset later.
    Approval,
    /// `delegation`: the counterparty's code may act for an account (EIP-7702).
    Delegation,
    /// `fee`: the most that gas can cost.
    Fee,
    /// `call`: a decoded call that moves nothing.
    Call,
    /// `unknown_call`: call data that nobody decoded.
    UnknownCall {
        /// Its first four bytes, where there are four.
        selector: Option<[u8; 4]>,
    },
    /// `malformed_call`: a known function whose arguments are not its canonical encoding, or calls nested beyond reason.
    MalformedCall {
        /// Its first four bytes, where there are four.
        selector: Option<[u8; 4]>,
    },
    /// `delegate_call`: foreign code running as the caller (Safe, operation 1).
    DelegateCall {
        /// The first four bytes of its data, where there are four.
        selector: Option<[u8; 4]>,
    },
    /// `unknown_typed_data`: a typed message that nobody decoded.
    UnknownTypedData {
        /// Its primary type.
        primary_type: String,
    },
    /// `user_operation`: an ERC-4337 operation.
    UserOperation,
    /// `message`: an EIP-191 text.
    Message,
    /// `digest`: 32 bytes that could be anything.
    Digest,
}

impl EffectKind {
    /// The name in answers and audit events.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Approval => "approval",
            Self::Delegation => "delegation",
            Self::Fee => "fee",
            Self::Call => "call",
            Self::UnknownCall { .. } => "unknown_call",
            Self::MalformedCall { .. } => "malformed_call",
            Self::DelegateCall { .. } => "delegate_call",
            Self::UnknownTypedData { .. } => "unknown_typed_data",
            Self::UserOperation => "user_operation",
            Self::Message => "message",
            Self::Digest => "digest",
        }
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native => f.write_str("native"),
            Self::Token(token) => write!(f, "token {token}"),
        }
    }
}

impl Effect {
    fn nothing(kind: EffectKind, chain_id: u64) -> Self {
        let amount = U256::ZERO;
        Self { kind, chain_id: Some(chain_id), asset: None, amount, counterparty: None, target: None }
    }

    /// The effect as JSON for answers and audit events; amounts are decimal strings of smallest units.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let selector = match &self.kind {
            EffectKind::UnknownCall { selector }
            | EffectKind::MalformedCall { selector }
            | EffectKind::DelegateCall { selector } => *selector,
            _ => None,
        };
        json!({
            "kind": self.kind.name(),
            "chain_id": self.chain_id,
            "asset": self.asset.map(|asset| asset.to_string()),
            "amount": self.amount.to_string(),
            "counterparty": self.counterparty,
            "target": self.target,
            "selector": selector.map(|bytes| format!("0x{}", hex::encode(bytes))),
        })
    }
}
