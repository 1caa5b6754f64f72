//! `hashStruct` and `encodeData` of EIP-712.

use std::collections::BTreeMap;

use super::{types::Types, value::Value};
use crate::keccak256;

/// Hashes values, keeping each type's hash once it is known.
pub(super) struct Hasher<'a> {
    types: &'a Types,
    known: BTreeMap<String, [u8; 32]>,
}

impl<'a> Hasher<'a> {
    pub(super) fn new(types: &'a Types) -> Self {
        Self { types, known: BTreeMap::new() }
    }

    /// keccak(typeHash ‖ encodeData), members in the order of the type.
    pub(super) fn hash_struct(&mut self, name: &str, members: &BTreeMap<String, Value>) -> [u8; 32] {
        let mut bytes = self.type_hash(name).to_vec();
        let declared = self.types.members(name).unwrap_or_default();
        for member in declared {
            if let Some(value) = members.get(&member.name) {
                bytes.extend(self.word(value));
            }
        }
        keccak256(bytes)
    }

    fn type_hash(&mut self, name: &str) -> [u8; 32] {
        if let Some(hash) = self.known.get(name) {
            return *hash;
        }
        let hash = keccak256(self.types.encode(name));
        self.known.insert(name.to_owned(), hash);
        hash
    }

    /// The 32 bytes that stand for a value in its struct.
    fn word(&mut self, value: &Value) -> [u8; 32] {
        match value {
            Value::Address(address) => {
                let mut word = [0; 32];
                word.iter_mut().skip(12).zip(address.as_bytes()).for_each(|(to, from)| *to = *from);
                word
            }
            Value::Bool(value) => ruint::aliases::U256::from(u8::from(*value)).to_be_bytes(),
            Value::Integer(value) => value.to_be_bytes(),
            Value::FixedBytes(word) => *word,
            Value::Text(text) => keccak256(text),
            Value::Bytes(bytes) => keccak256(bytes),
            Value::Struct(name, members) => self.hash_struct(name, members),
            Value::Array(items) => {
                let words: Vec<u8> = items.iter().flat_map(|item| self.word(item)).collect();
                keccak256(words)
            }
        }
    }
}
