//! Ethereum transactions of types 0 to 4: what is hashed, what is signed, what is sent.
//!
//! Own codec, to keep the trusted base small. Encoding is canonical, and decoding accepts nothing else: whatever
//! [`SignedTransaction::decode`] reads encodes to the same bytes again. Types: 0 legacy (with EIP-155 or without),
//! 1 EIP-2930, 2 EIP-1559, 3 EIP-4844 (the hash list; blobs travel apart), 4 EIP-7702.

mod decode;
mod encode;

pub use decode::DecodeError;
use ruint::aliases::U256;

use crate::{Address, Signature, keccak256};

/// An unsigned transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// EIP-155 chain id; `None` only in a legacy transaction that any chain accepts, which no intent makes.
    pub chain_id: Option<u64>,
    /// The sender's count of transactions.
    pub nonce: u64,
    /// Gas that may be used at most.
    pub gas_limit: u64,
    /// The recipient; `None` creates a contract (types 0 to 2), which no intent does.
    pub to: Option<Address>,
    /// Wei that moves from the sender to `to`.
    pub value: U256,
    /// Call data.
    pub data: Vec<u8>,
    /// What the type adds.
    pub kind: Kind,
}

/// What each transaction type adds to the common fields. Fees are wei per gas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Type 0.
    Legacy {
        /// Price per gas.
        gas_price: U256,
    },
    /// Type 1, EIP-2930.
    AccessList {
        /// Price per gas.
        gas_price: U256,
        /// Storage declared in advance.
        access_list: Vec<AccessListEntry>,
    },
    /// Type 2, EIP-1559.
    DynamicFee {
        /// Base fee and tip together, at most.
        max_fee_per_gas: U256,
        /// The tip, at most.
        max_priority_fee_per_gas: U256,
        /// Storage declared in advance.
        access_list: Vec<AccessListEntry>,
    },
    /// Type 3, EIP-4844.
    Blob {
        /// Base fee and tip together, at most.
        max_fee_per_gas: U256,
        /// The tip, at most.
        max_priority_fee_per_gas: U256,
        /// Price per unit of blob gas, at most.
        max_fee_per_blob_gas: U256,
        /// Storage declared in advance.
        access_list: Vec<AccessListEntry>,
        /// Versioned hashes of the blobs.
        blob_versioned_hashes: Vec<[u8; 32]>,
    },
    /// Type 4, EIP-7702.
    SetCode {
        /// Base fee and tip together, at most.
        max_fee_per_gas: U256,
        /// The tip, at most.
        max_priority_fee_per_gas: U256,
        /// Storage declared in advance.
        access_list: Vec<AccessListEntry>,
        /// Delegations, each signed by the account that delegates.
        authorization_list: Vec<Authorization>,
    },
}

/// One account of an access list and its storage keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessListEntry {
    /// The account.
    pub address: Address,
    /// Its storage keys.
    pub storage_keys: Vec<[u8; 32]>,
}

/// An EIP-7702 delegation: its signer's account will run the code of `address`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The chain; 0 would be every chain.
    pub chain_id: U256,
    /// Whose code runs.
    pub address: Address,
    /// The delegating account's nonce.
    pub nonce: u64,
    /// Parity of the signature.
    pub y_parity: u8,
    /// r of the signature.
    pub r: U256,
    /// s of the signature.
    pub s: U256,
}

/// Gas that one blob pays for (EIP-4844).
const GAS_PER_BLOB: u64 = 131_072;

impl Transaction {
    /// The EIP-2718 type: 0 to 4.
    #[must_use]
    pub fn type_id(&self) -> u8 {
        match self.kind {
            Kind::Legacy { .. } => 0,
            Kind::AccessList { .. } => 1,
            Kind::DynamicFee { .. } => 2,
            Kind::Blob { .. } => 3,
            Kind::SetCode { .. } => 4,
        }
    }

    /// The 32 bytes that the sender signs.
    #[must_use]
    pub fn signing_hash(&self) -> [u8; 32] {
        keccak256(self.unsigned_bytes())
    }

    /// Wei that fees can cost at most: gas at its highest price, and blob gas.
    #[must_use]
    pub fn worst_case_fee(&self) -> U256 {
        let gas = U256::from(self.gas_limit).saturating_mul(self.highest_gas_price());
        match &self.kind {
            Kind::Blob { max_fee_per_blob_gas, blob_versioned_hashes, .. } => {
                let blob_gas =
                    U256::from(blob_versioned_hashes.len()).saturating_mul(U256::from(GAS_PER_BLOB));
                gas.saturating_add(blob_gas.saturating_mul(*max_fee_per_blob_gas))
            }
            _ => gas,
        }
    }

    /// Wei per gas at most.
    #[must_use]
    pub fn highest_gas_price(&self) -> U256 {
        match &self.kind {
            Kind::Legacy { gas_price } | Kind::AccessList { gas_price, .. } => *gas_price,
            Kind::DynamicFee { max_fee_per_gas, .. }
            | Kind::Blob { max_fee_per_gas, .. }
            | Kind::SetCode { max_fee_per_gas, .. } => *max_fee_per_gas,
        }
    }

    /// The delegations of a type 4 transaction, else none.
    #[must_use]
    pub fn authorizations(&self) -> &[Authorization] {
        match &self.kind {
            Kind::SetCode { authorization_list, .. } => authorization_list,
            _ => &[],
        }
    }

    /// Joins a signature of [`Transaction::signing_hash`].
    #[must_use]
    pub fn with_signature(self, signature: Signature) -> SignedTransaction {
        SignedTransaction { transaction: self, signature }
    }
}

impl Authorization {
    /// The 32 bytes that the delegating account signs: keccak(0x05 ‖ rlp([chain id, address, nonce])).
    #[must_use]
    pub fn signing_hash(&self) -> [u8; 32] {
        let list =
            crate::rlp::List::new().integer(self.chain_id).bytes(self.address.as_bytes()).number(self.nonce);
        keccak256([&[5], list.into_bytes().as_slice()].concat())
    }
}

/// A transaction with its signature, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTransaction {
    transaction: Transaction,
    signature: Signature,
}

impl SignedTransaction {
    /// The transaction.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The transaction hash.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        keccak256(self.to_bytes())
    }
}
