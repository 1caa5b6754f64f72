//! Reading single request members.

use ruint::aliases::U256;

use super::RequestError;
use crate::{
    Address, Json,
    amount::{parse_ether, parse_integer, parse_units},
    transaction::{AccessListEntry, Authorization},
};

type Read<T> = Result<T, RequestError>;

/// The members of the request.
pub(super) struct Body<'a>(pub(super) &'a Json);

impl Body<'_> {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.member(name).is_some()
    }

    pub(super) fn text(&self, name: &'static str) -> Read<Option<&str>> {
        let Some(json) = self.0.member(name) else { return Ok(None) };
        json.text().map(Some).ok_or_else(|| wrong(name, "a string", json))
    }

    pub(super) fn required(&self, name: &'static str) -> Read<&str> {
        self.text(name)?.ok_or(RequestError::Missing(name))
    }

    pub(super) fn boolean(&self, name: &'static str) -> Read<bool> {
        let Some(json) = self.0.member(name) else { return Ok(false) };
        json.boolean().ok_or_else(|| wrong(name, "true or false", json))
    }

    pub(super) fn unsigned(&self, name: &'static str) -> Read<Option<u64>> {
        let Some(json) = self.0.member(name) else { return Ok(None) };
        json.unsigned().map(Some).ok_or_else(|| wrong(name, "a whole number from 0", json))
    }

    pub(super) fn address(&self, name: &'static str) -> Read<Option<Address>> {
        self.text(name)?.map(|text| address(name, text)).transpose()
    }

    pub(super) fn ether(&self, name: &'static str) -> Read<U256> {
        let text = self.required(name)?;
        parse_ether(text).map_err(|source| RequestError::Amount { field: name.to_owned(), source })
    }

    pub(super) fn units(&self, name: &'static str, decimals: u8) -> Read<U256> {
        let text = self.required(name)?;
        parse_units(text, decimals).map_err(|source| RequestError::Amount { field: name.to_owned(), source })
    }

    pub(super) fn wei(&self, name: &'static str) -> Read<Option<U256>> {
        let read = |text| {
            parse_integer(text).map_err(|source| RequestError::Amount { field: name.to_owned(), source })
        };
        self.text(name)?.map(read).transpose()
    }

    /// 0x-hex bytes.
    pub(super) fn bytes(&self, name: &'static str) -> Read<Option<Vec<u8>>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let bytes = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
        bytes
            .map(Some)
            .ok_or_else(|| wrong(name, "0x and an even number of hex digits", &Json::Text(text.to_owned())))
    }

    /// The items of an array; absent and empty are the same.
    pub(super) fn items(&self, name: &'static str) -> Read<&[Json]> {
        let Some(json) = self.0.member(name) else { return Ok(&[]) };
        json.items().ok_or_else(|| wrong(name, "an array", json))
    }

    pub(super) fn access_list(&self) -> Read<Vec<AccessListEntry>> {
        let items = self.items("access_list")?.iter().enumerate();
        items.map(|(at, item)| access(&format!("access_list[{at}]"), item)).collect()
    }

    pub(super) fn hashes(&self) -> Read<Vec<[u8; 32]>> {
        let items = self.items("blob_versioned_hashes")?.iter().enumerate();
        items.map(|(at, item)| word(&format!("blob_versioned_hashes[{at}]"), item)).collect()
    }

    pub(super) fn authorizations(&self) -> Read<Vec<Authorization>> {
        let items = self.items("authorization_list")?.iter().enumerate();
        items.map(|(at, item)| authorization(&format!("authorization_list[{at}]"), item)).collect()
    }
}

pub(super) fn wrong(field: &str, expected: &'static str, found: &Json) -> RequestError {
    let found = match found {
        Json::Text(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
        other => other.kind().to_owned(),
    };
    RequestError::Wrong { field: field.to_owned(), expected, found }
}

fn address(field: &str, text: &str) -> Read<Address> {
    text.parse().map_err(|source| RequestError::Address { field: field.to_owned(), source })
}

/// Exactly these members, each under one of its names.
fn only(field: &str, json: &Json, known: &'static [&'static str], expected: &'static str) -> Read<()> {
    let members = json.members().ok_or_else(|| wrong(field, expected, json))?;
    match members.keys().all(|name| known.contains(&name.as_str())) {
        true => Ok(()),
        false => Err(wrong(field, expected, json)),
    }
}

fn access(field: &str, json: &Json) -> Read<AccessListEntry> {
    let expected = "{address, storage_keys}";
    only(field, json, &["address", "storage_keys", "storageKeys"], expected)?;
    let text = json.member("address").and_then(Json::text).ok_or_else(|| wrong(field, expected, json))?;
    let keys = match (json.member("storage_keys"), json.member("storageKeys")) {
        (Some(keys), None) | (None, Some(keys)) => {
            keys.items().ok_or_else(|| wrong(field, expected, json))?
        }
        (None, None) => &[],
        (Some(_), Some(_)) => return Err(wrong(field, expected, json)),
    };
    let storage_keys = keys.iter().map(|key| word(field, key)).collect::<Read<_>>()?;
    Ok(AccessListEntry { address: address(field, text)?, storage_keys })
}

fn word(field: &str, json: &Json) -> Read<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = json.text().and_then(|text| text.strip_prefix("0x"));
    match digits.map(|digits| hex::decode_to_slice(digits, &mut bytes)) {
        Some(Ok(())) => Ok(bytes),
        _ => Err(wrong(field, "0x and 64 hex digits", json)),
    }
}

fn authorization(field: &str, json: &Json) -> Read<Authorization> {
    let expected = "a signed tuple {chain_id, address, nonce, y_parity, r, s}";
    let known =
        &["chain_id", "chainId", "address", "contract_address", "nonce", "y_parity", "yParity", "r", "s"];
    only(field, json, known, expected)?;
    let either = |one: &str, other: &str| match (json.member(one), json.member(other)) {
        (Some(value), None) | (None, Some(value)) => Ok(value),
        _ => Err(wrong(field, expected, json)),
    };
    let number = |value: &Json| integer(value).ok_or_else(|| wrong(field, expected, json));
    let small = |value: U256| u64::try_from(value).map_err(|_| wrong(field, expected, json));
    let text = either("address", "contract_address")?.text().ok_or_else(|| wrong(field, expected, json))?;
    Ok(Authorization {
        chain_id: number(either("chain_id", "chainId")?)?,
        address: address(field, text)?,
        nonce: small(number(either("nonce", "")?)?)?,
        y_parity: match small(number(either("y_parity", "yParity")?)?)? {
            0 => 0,
            1 => 1,
            _ => return Err(wrong(field, expected, json)),
        },
        r: number(either("r", "")?)?,
        s: number(either("s", "")?)?,
    })
}

/// A JSON integer, a decimal string, or 0x-hex.
pub(crate) fn integer(json: &Json) -> Option<U256> {
    let text = match json {
        Json::Number(text) | Json::Text(text) => text,
        _ => return None,
    };
    match text.strip_prefix("0x") {
        Some("") => None,
        Some(digits) if digits.bytes().all(|c| c.is_ascii_hexdigit()) => {
            U256::from_str_radix(digits, 16).ok()
        }
        Some(_) => None,
        None => parse_integer(text).ok(),
    }
}
