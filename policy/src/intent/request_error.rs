//! Why a request is not an intent.

use crate::{AddressError, AmountError, JsonError, typed_data::TypedDataError};

/// What is wrong with a request; every one is a 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The body is not strict JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The body is not an object.
    #[error("the body is {0}, expected an object")]
    Body(&'static str),
    /// A member is missing.
    #[error("{0} is required")]
    Missing(&'static str),
    /// A member has another type than the contract gives it.
    #[error("{field}: expected {expected}, found {found}")]
    Wrong {
        /// The member.
        field: String,
        /// What may stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A member is not an amount.
    #[error("{field}: {source}")]
    Amount {
        /// The member.
        field: String,
        /// What is wrong with it.
        source: AmountError,
    },
    /// A member is not an address.
    #[error("{field}: {source}")]
    Address {
        /// The member.
        field: String,
        /// What is wrong with it.
        source: AddressError,
    },
    /// No chain has this name or id.
    #[error("chain {0:?} is not registered")]
    UnknownChain(String),
    /// A member would change what is signed, and is not supported.
    #[error("{field} is not supported: {why}")]
    Unsupported {
        /// The member.
        field: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// Members that contradict each other.
    #[error("{0}")]
    Conflict(&'static str),
    /// Neither the request nor the caller gave it.
    #[error("{0} is required where the chain has no RPC")]
    Unfilled(&'static str),
    /// `typed_data` is not what EIP-712 defines.
    #[error("typed_data: {0}")]
    TypedData(#[from] TypedDataError),
}
