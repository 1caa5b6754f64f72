//! Values of typed data, each read as exactly its type.

use std::collections::BTreeMap;

use ruint::aliases::U256;

use super::{
    TypedDataError,
    types::{Type, Types},
};
use crate::{Address, Json, amount::parse_integer, intent};

/// A value that was checked against its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An address.
    Address(Address),
    /// A truth value.
    Bool(bool),
    /// Text.
    Text(String),
    /// Bytes of any length.
    Bytes(Vec<u8>),
    /// `bytesN`: left-aligned in its word.
    FixedBytes([u8; 32]),
    /// An integer; a negative one in two's complement.
    Integer(U256),
    /// An array.
    Array(Vec<Value>),
    /// A struct: its type's name and its members.
    Struct(String, BTreeMap<String, Value>),
}

impl Value {
    /// The address, if it is one.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        match self {
            Self::Address(address) => Some(*address),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn integer(&self) -> Option<U256> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The bytes, if it is `bytes`.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items, if it is an array.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// A member, if it is a struct that has it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(_, members) => members.get(name),
            _ => None,
        }
    }
}

type Read<T> = Result<T, TypedDataError>;

/// Reads a struct: every declared member, and no other.
pub(super) fn read_struct(
    types: &Types,
    name: &str,
    json: &Json,
    path: &str,
) -> Read<BTreeMap<String, Value>> {
    let declared = types.members(name)?;
    let sent = json.members().ok_or_else(|| wrong(path, name, json))?;
    if let Some(other) = sent.keys().find(|other| declared.iter().all(|member| member.name != **other)) {
        return Err(TypedDataError::Unknown(format!("{path}.{other}")));
    }
    let mut members = BTreeMap::new();
    for member in declared {
        let path = format!("{path}.{}", member.name);
        let json = sent.get(&member.name).ok_or_else(|| TypedDataError::Missing(path.clone()))?;
        members.insert(member.name.clone(), read(types, &member.kind, json, &path)?);
    }
    Ok(members)
}

fn read(types: &Types, kind: &Type, json: &Json, path: &str) -> Read<Value> {
    match kind {
        Type::Struct(name) => Ok(Value::Struct(name.clone(), read_struct(types, name, json, path)?)),
        Type::Array(item, length) => array(types, item, *length, json, path),
        Type::Bool => json.boolean().map(Value::Bool).ok_or_else(|| wrong(path, "true or false", json)),
        Type::Text => {
            json.text().map(|t| Value::Text(t.to_owned())).ok_or_else(|| wrong(path, "a string", json))
        }
        Type::Address => {
            let address = json.text().and_then(|text| text.parse().ok());
            address.map(Value::Address).ok_or_else(|| wrong(path, "an address", json))
        }
        Type::Bytes => hex_bytes(json).map(Value::Bytes).ok_or_else(|| wrong(path, "0x-hex bytes", json)),
        Type::FixedBytes(width) => {
            let word =
                hex_bytes(json).filter(|bytes| bytes.len() == *width).map(|bytes| left_aligned(&bytes));
            word.map(Value::FixedBytes).ok_or_else(|| wrong(path, &format!("0x-hex of {width} bytes"), json))
        }
        Type::Unsigned(bits) => {
            let value = intent::integer(json).filter(|value| value.bit_len() <= *bits);
            value.map(Value::Integer).ok_or_else(|| wrong(path, &format!("uint{bits}"), json))
        }
        Type::Signed(bits) => {
            signed(json, *bits).map(Value::Integer).ok_or_else(|| wrong(path, &format!("int{bits}"), json))
        }
    }
}

fn array(types: &Types, item: &Type, length: Option<usize>, json: &Json, path: &str) -> Read<Value> {
    let items = json.items().ok_or_else(|| wrong(path, "an array", json))?;
    if length.is_some_and(|length| length != items.len()) {
        return Err(wrong(path, &format!("an array of {} items", length.unwrap_or_default()), json));
    }
    let items = items.iter().enumerate();
    items
        .map(|(at, json)| read(types, item, json, &format!("{path}[{at}]")))
        .collect::<Read<_>>()
        .map(Value::Array)
}

/// −2^(bits−1) to 2^(bits−1)−1; decimal with a minus sign for negative ones.
fn signed(json: &Json, bits: usize) -> Option<U256> {
    let text = match json {
        Json::Number(text) | Json::Text(text) => text,
        _ => return None,
    };
    let half = U256::from(1) << (bits - 1);
    match text.strip_prefix('-') {
        Some(digits) => parse_integer(digits).ok().filter(|value| *value <= half).map(U256::wrapping_neg),
        None => intent::integer(json).filter(|value| *value < half),
    }
}

fn hex_bytes(json: &Json) -> Option<Vec<u8>> {
    hex::decode(json.text()?.strip_prefix("0x")?).ok()
}

fn left_aligned(bytes: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    word
}

fn wrong(path: &str, expected: &str, found: &Json) -> TypedDataError {
    let found = match found {
        Json::Text(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
        Json::Number(digits) => digits.chars().take(80).collect(),
        other => other.kind().to_owned(),
    };
    TypedDataError::Value { path: path.to_owned(), expected: expected.to_owned(), found }
}
