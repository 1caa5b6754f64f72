//! Reading single guardrail fields from JSON, with errors that name the field, what was expected, and what was found.

use std::collections::BTreeMap;

use crate::{Chains, Json};

/// A guardrail field that is garbage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: expected {expected}, found {found}")]
pub struct GuardrailError {
    /// The field, with the path inside it.
    pub field: String,
    /// What may stand there.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

pub(super) type Read<T> = Result<T, GuardrailError>;

/// The members of one object, with the path that leads to it.
pub(super) struct Fields<'a> {
    pub(super) members: &'a BTreeMap<String, Json>,
    pub(super) path: String,
    pub(super) chains: &'a Chains,
}

impl<'a> Fields<'a> {
    pub(super) fn of(json: &'a Json, path: &str, chains: &'a Chains) -> Read<Self> {
        match json.members() {
            Some(members) => Ok(Self { members, path: path.to_owned(), chains }),
            None => Err(wrong(path, "an object", json)),
        }
    }

    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Applies a field: absent leaves the value, null clears it, anything else is read.
    pub(super) fn set<T: Default>(
        &self,
        name: &str,
        value: &mut T,
        read: impl FnOnce(&str, &Json, &Chains) -> Read<T>,
    ) -> Read<()> {
        match self.members.get(name) {
            None => {}
            Some(Json::Null) => *value = T::default(),
            Some(json) => *value = read(&self.at(name), json, self.chains)?,
        }
        Ok(())
    }

    /// Applies a field that has a deprecated second name. Where both are sent they must say the same.
    pub(super) fn set_aliased<T: Default + PartialEq>(
        &self,
        name: &str,
        alias: &str,
        value: &mut T,
        read: impl Fn(&str, &Json, &Chains) -> Read<T>,
    ) -> Read<()> {
        if let (Some(one), Some(other)) = (self.members.get(name), self.members.get(alias)) {
            let mut values = (T::default(), T::default());
            self.set(name, &mut values.0, &read)?;
            self.set(alias, &mut values.1, &read)?;
            if *one != Json::Null && *other != Json::Null && values.0 != values.1 {
                return Err(wrong(&self.at(alias), &format!("the same as {name}"), other));
            }
            return self.set(if *one == Json::Null { alias } else { name }, value, read);
        }
        self.set(alias, value, &read)?;
        self.set(name, value, read)
    }

    /// Refuses members that nobody reads, where a forgotten limit would be a lost one.
    pub(super) fn only(&self, known: &[&str]) -> Read<()> {
        match self.members.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, json)) => Err(wrong(&self.at(name), &format!("one of {}", known.join(", ")), json)),
        }
    }
}

/// An error that quotes what was found.
pub(super) fn wrong(field: &str, expected: &str, found: &Json) -> GuardrailError {
    let found = match found {
        Json::Text(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
        Json::Number(digits) => digits.chars().take(80).collect(),
        Json::Bool(value) => value.to_string(),
        other => other.kind().to_owned(),
    };
    GuardrailError { field: field.to_owned(), expected: expected.to_owned(), found }
}

pub(super) fn boolean(field: &str, json: &Json, _: &Chains) -> Read<bool> {
    json.boolean().ok_or_else(|| wrong(field, "true or false", json))
}

pub(super) fn text<'a>(field: &str, expected: &str, json: &'a Json) -> Read<&'a str> {
    json.text().ok_or_else(|| wrong(field, expected, json))
}

pub(super) fn count(field: &str, json: &Json, _: &Chains) -> Read<Option<u64>> {
    json.unsigned().map(Some).ok_or_else(|| wrong(field, "a whole number from 0", json))
}

/// Reads text that has an exact form of its own.
pub(super) fn parsed<T: core::str::FromStr>(field: &str, expected: &str, json: &Json) -> Read<T>
where
    T::Err: core::fmt::Display,
{
    text(field, expected, json)?.parse().map_err(|e: T::Err| wrong(field, &format!("{expected} ({e})"), json))
}

/// Reads every item of an array.
pub(super) fn each<T>(
    field: &str,
    json: &Json,
    expected: &str,
    read: impl Fn(&str, &Json) -> Read<T>,
) -> Read<Vec<T>> {
    let items = json.items().ok_or_else(|| wrong(field, expected, json))?;
    items.iter().enumerate().map(|(at, item)| read(&format!("{field}[{at}]"), item)).collect()
}
