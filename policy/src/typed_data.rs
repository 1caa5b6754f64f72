//! EIP-712 typed data: a strict reader and the hash.
//!
//! Everything in the JSON counts: a duplicate member, a member that the types do not name, one that they name and the
//! value lacks, a malformed or undefined type, an integer out of range, all are refused. So what a person or a policy
//! reads is what is hashed. Where `types` has no `EIP712Domain`, it is derived from the domain's members in the
//! specification's order, as every wallet does.

mod error;
mod hash;
mod types;
mod value;

use std::collections::BTreeMap;

pub use error::TypedDataError;
use ruint::aliases::U256;
use types::Types;
pub use value::Value;

use crate::{Address, Json, keccak256};

/// The domain's type, under the name that EIP-712 gives it.
const DOMAIN: &str = "EIP712Domain";
/// The members that a domain may have, in the specification's order, with their types.
const DOMAIN_MEMBERS: [(&str, &str); 5] = [
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
];

/// Typed data whose every part was checked against its types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedData {
    primary_type: String,
    encoded_type: String,
    domain: BTreeMap<String, Value>,
    message: BTreeMap<String, Value>,
    domain_separator: [u8; 32],
    struct_hash: [u8; 32],
}

impl TypedData {
    /// Reads `{types, primaryType, domain, message}`.
    ///
    /// # Errors
    /// [`TypedDataError`] names what is wrong and where.
    pub fn parse(json: &Json) -> Result<Self, TypedDataError> {
        let parts = json.members().ok_or(TypedDataError::Shape("typed data is an object"))?;
        if let Some(name) = parts.keys().find(|name| !PARTS.contains(&name.as_str())) {
            return Err(TypedDataError::Unknown(name.clone()));
        }
        let part = |name: &'static str| parts.get(name).ok_or(TypedDataError::Missing(name.to_owned()));
        let domain = part("domain")?;
        let types = Types::parse(part("types")?, domain)?;
        let primary_type =
            part("primaryType")?.text().ok_or(TypedDataError::Shape("primaryType is a string"))?;
        if primary_type == DOMAIN {
            return Err(TypedDataError::Shape("primaryType is a message type, not the domain's"));
        }
        let domain = value::read_struct(&types, DOMAIN, domain, "domain")?;
        let message = value::read_struct(&types, primary_type, part("message")?, "message")?;
        let mut hasher = hash::Hasher::new(&types);
        Ok(Self {
            encoded_type: types.encode(primary_type),
            domain_separator: hasher.hash_struct(DOMAIN, &domain),
            struct_hash: hasher.hash_struct(primary_type, &message),
            primary_type: primary_type.to_owned(),
            domain,
            message,
        })
    }

    /// keccak(0x1901 ‖ domain separator ‖ struct hash): what is signed.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        keccak256([&[0x19, 0x01], self.domain_separator.as_slice(), &self.struct_hash].concat())
    }

    /// The name of the message's type.
    #[must_use]
    pub fn primary_type(&self) -> &str {
        &self.primary_type
    }

    /// `encodeType` of the message's type: its own definition, then those that it uses, by name.
    #[must_use]
    pub fn encoded_type(&self) -> &str {
        &self.encoded_type
    }

    /// The domain separator.
    #[must_use]
    pub fn domain_separator(&self) -> &[u8; 32] {
        &self.domain_separator
    }

    /// The message's struct hash.
    #[must_use]
    pub fn struct_hash(&self) -> &[u8; 32] {
        &self.struct_hash
    }

    /// The chain that the domain names.
    #[must_use]
    pub fn chain_id(&self) -> Option<U256> {
        self.domain.get("chainId").and_then(Value::integer)
    }

    /// The contract that the domain names.
    #[must_use]
    pub fn verifying_contract(&self) -> Option<Address> {
        self.domain.get("verifyingContract").and_then(Value::address)
    }

    /// The domain's name.
    #[must_use]
    pub fn domain_name(&self) -> Option<&str> {
        self.domain.get("name").and_then(Value::text)
    }

    /// A member of the message.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.message.get(name)
    }
}

const PARTS: [&str; 4] = ["types", "primaryType", "domain", "message"];
