//! Strict JSON: a duplicate member is refused, nesting and size are bounded, and numbers keep their digits.
//!
//! Two readers that disagree about which of two equal keys counts can be made to approve one thing and sign another.
//! Numbers stay text, so that no integer passes through a float on its way to a hash.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Deepest nesting that is read.
pub const DEPTH: usize = 32;

/// A JSON value whose numbers are the text that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A string, unescaped.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; members in the order of their names.
    Object(BTreeMap<String, Json>),
}

/// Why bytes are not strict JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON at all.
    #[error("malformed JSON: {0}")]
    Syntax(String),
    /// One name occurs twice in one object.
    #[error("member {0:?} occurs twice in one object")]
    Duplicate(String),
    /// Nested deeper than [`DEPTH`].
    #[error("nested deeper than {DEPTH} levels")]
    Depth,
}

impl Json {
    /// Reads bytes.
    ///
    /// # Errors
    /// [`JsonError`] for malformed, duplicate or too deeply nested input.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let text = core::str::from_utf8(bytes).map_err(|e| JsonError::Syntax(e.to_string()))?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|e| syntax(&e))?;
        read(raw.get(), DEPTH)
    }

    /// What kind of value this is, for error texts.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The member of an object, `None` when absent, null, or not an object.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name).filter(|value| **value != Self::Null),
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

    /// An unsigned integer below 2^64, if it is one.
    #[must_use]
    pub fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
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

    /// The items, if it is an array.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn members(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => Self::Number(number.to_string()),
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
            }
        }
    }
}

/// Members of one object in the order sent, each still raw.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

fn read(raw: &str, depth: usize) -> Result<Json, JsonError> {
    let depth = depth.checked_sub(1).ok_or(JsonError::Depth)?;
    match raw.bytes().next() {
        Some(b'{') => object(raw, depth),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(|e| syntax(&e))?;
            items.into_iter().map(|item| read(item.get(), depth)).collect::<Result<_, _>>().map(Json::Array)
        }
        Some(b'"') => serde_json::from_str(raw).map(Json::Text).map_err(|e| syntax(&e)),
        Some(b't' | b'f') => serde_json::from_str(raw).map(Json::Bool).map_err(|e| syntax(&e)),
        Some(b'n') => Ok(Json::Null),
        _ => Ok(Json::Number(raw.to_owned())),
    }
}

fn object(raw: &str, depth: usize) -> Result<Json, JsonError> {
    let Members(sent) = serde_json::from_str(raw).map_err(|e| syntax(&e))?;
    let mut members = BTreeMap::new();
    for (name, value) in sent {
        if members.contains_key(&name) {
            return Err(JsonError::Duplicate(name));
        }
        let value = read(value.get(), depth)?;
        members.insert(name, value);
    }
    Ok(Json::Object(members))
}

fn syntax(error: &serde_json::Error) -> JsonError {
    JsonError::Syntax(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let json = Json::parse(br#"{"a": 115792089237316195423570985008687907853269984665640564039457584007913129639935, "b": 1.10}"#).unwrap();
        assert!(matches!(json.member("a"), Some(Json::Number(n)) if n.len() == 78));
        assert_eq!(json.member("b"), Some(&Json::Number("1.10".to_owned())));
    }

    #[test]
    fn duplicate_is_refused_at_every_depth() {
        for text in [r#"{"to":1,"to":2}"#, r#"{"a":[{"to":1,"\u0074o":2}]}"#] {
            assert_eq!(Json::parse(text.as_bytes()), Err(JsonError::Duplicate("to".to_owned())));
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
        assert!(Json::parse(&nested(DEPTH)).is_ok());
        assert_eq!(Json::parse(&nested(DEPTH + 1)), Err(JsonError::Depth));
        assert_eq!(Json::parse(&nested(5000)), Err(JsonError::Depth));
    }

    #[test]
    fn syntax_is_refused() {
        for text in ["", "{", "{}x", r#"{"a":01}"#, r#""\ud800""#, "nul", "{'a':1}", "[1,]"] {
            assert!(matches!(Json::parse(text.as_bytes()), Err(JsonError::Syntax(_))), "{text}");
        }
        assert!(matches!(Json::parse(b"\"\xff\""), Err(JsonError::Syntax(_))));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Json::parse(&bytes);
        }
    }
}
