//! The `types` of typed data: definitions, the grammar of type names, and `encodeType`.

use std::collections::{BTreeMap, BTreeSet};

use super::{DOMAIN, DOMAIN_MEMBERS, TypedDataError};
use crate::Json;

/// Most types, and most members of all of them together.
const MOST: usize = 512;

/// A type as a member has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Address,
    Bool,
    Text,
    Bytes,
    FixedBytes(usize),
    Unsigned(usize),
    Signed(usize),
    Struct(String),
    Array(Box<Type>, Option<usize>),
}

/// One member of a struct.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) kind: Type,
    /// The type as it is written, which is what is hashed.
    pub(super) written: String,
}

/// All definitions.
#[derive(Clone, Debug)]
pub(super) struct Types(BTreeMap<String, Vec<Member>>);

impl Types {
    /// Reads the definitions; a missing domain type is derived from the domain's members.
    pub(super) fn parse(json: &Json, domain: &Json) -> Result<Self, TypedDataError> {
        let sent = json.members().ok_or(TypedDataError::Shape("types is an object"))?;
        let names: BTreeSet<&str> = sent.keys().map(String::as_str).collect();
        let members: usize = sent.values().filter_map(Json::items).map(<[Json]>::len).sum();
        if names.len() > MOST || members > MOST {
            return Err(TypedDataError::TooMany(MOST));
        }
        let mut types = BTreeMap::new();
        for (name, definition) in sent {
            if !well_formed(name) || primitive(name).is_some() {
                return Err(TypedDataError::Name(name.clone()));
            }
            types.insert(name.clone(), definition_of(name, definition, &names)?);
        }
        match types.get(DOMAIN) {
            Some(members) => standard(members)?,
            None => {
                types.insert(DOMAIN.to_owned(), derived(domain)?);
            }
        }
        Ok(Self(types))
    }

    pub(super) fn members(&self, name: &str) -> Result<&[Member], TypedDataError> {
        self.0.get(name).map(Vec::as_slice).ok_or_else(|| TypedDataError::UndefinedType(name.to_owned()))
    }

    /// `encodeType`: the type's own definition, then those that it uses, sorted by name.
    pub(super) fn encode(&self, name: &str) -> String {
        let mut used = BTreeSet::new();
        self.collect(name, &mut used);
        used.remove(name);
        core::iter::once(name).chain(used).map(|name| self.definition(name)).collect()
    }

    fn collect<'a>(&'a self, name: &'a str, used: &mut BTreeSet<&'a str>) {
        let mut open = vec![name];
        while let Some(name) = open.pop() {
            if used.insert(name) {
                let members = self.0.get(name).map(Vec::as_slice).unwrap_or_default();
                open.extend(members.iter().filter_map(|member| member.kind.struct_name()));
            }
        }
    }

    fn definition(&self, name: &str) -> String {
        let members = self.0.get(name).map(Vec::as_slice).unwrap_or_default();
        let members =
            members.iter().map(|member| format!("{} {}", member.written, member.name)).collect::<Vec<_>>();
        format!("{name}({})", members.join(","))
    }
}

impl Type {
    /// The struct that this type is, or is an array of.
    fn struct_name(&self) -> Option<&str> {
        match self {
            Self::Struct(name) => Some(name),
            Self::Array(item, _) => item.struct_name(),
            _ => None,
        }
    }
}

fn definition_of(name: &str, json: &Json, names: &BTreeSet<&str>) -> Result<Vec<Member>, TypedDataError> {
    let items = json.items().ok_or(TypedDataError::Shape("a type is an array of {name, type}"))?;
    let members = items.iter().map(|item| member(item, names)).collect::<Result<Vec<_>, _>>()?;
    let mut seen = BTreeSet::new();
    match members.iter().find(|member| !seen.insert(member.name.as_str())) {
        Some(twice) => Err(TypedDataError::Declared(format!("{name}.{}", twice.name))),
        None => Ok(members),
    }
}

fn member(json: &Json, names: &BTreeSet<&str>) -> Result<Member, TypedDataError> {
    let shape = TypedDataError::Shape("a member of a type is {name, type}, both strings");
    let parts = json.members().filter(|parts| parts.len() == 2).ok_or(shape.clone())?;
    let text = |part: &str| parts.get(part).and_then(Json::text).ok_or(shape.clone());
    let (name, written) = (text("name")?, text("type")?);
    if !well_formed(name) {
        return Err(TypedDataError::Name(name.to_owned()));
    }
    let kind = parse(written, names).ok_or_else(|| TypedDataError::UndefinedType(written.to_owned()))?;
    Ok(Member { name: name.to_owned(), kind, written: written.to_owned() })
}

/// Names must not contain what separates them in an encoded type.
fn well_formed(name: &str) -> bool {
    let separates = |c: char| "()[],".contains(c) || c.is_control();
    !name.is_empty() && !name.contains(separates) && name.trim() == name
}

fn parse(written: &str, names: &BTreeSet<&str>) -> Option<Type> {
    if let Some((item, length)) = written.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        let length = match length {
            "" => None,
            digits => Some(decimal(digits)?),
        };
        return Some(Type::Array(Box::new(parse(item, names)?), length));
    }
    primitive(written).or_else(|| names.contains(written).then(|| Type::Struct(written.to_owned())))
}

fn primitive(written: &str) -> Option<Type> {
    match written {
        "address" => return Some(Type::Address),
        "bool" => return Some(Type::Bool),
        "string" => return Some(Type::Text),
        "bytes" => return Some(Type::Bytes),
        _ => {}
    }
    let sized = |prefix: &str| written.strip_prefix(prefix).and_then(decimal);
    if let Some(width) = sized("bytes") {
        return (1..=32).contains(&width).then_some(Type::FixedBytes(width));
    }
    let bits = |bits: &usize| (8..=256).contains(bits) && bits.is_multiple_of(8);
    sized("uint").filter(bits).map(Type::Unsigned).or_else(|| sized("int").filter(bits).map(Type::Signed))
}

/// A positive number without sign or leading zero.
fn decimal(digits: &str) -> Option<usize> {
    let plain = !digits.starts_with('0') && digits.bytes().all(|digit| digit.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// A declared domain has standard members only.
fn standard(members: &[Member]) -> Result<(), TypedDataError> {
    let known = |member: &&Member| !DOMAIN_MEMBERS.contains(&(member.name.as_str(), member.written.as_str()));
    match members.iter().find(known) {
        Some(member) => Err(TypedDataError::Domain(member.name.clone())),
        None => Ok(()),
    }
}

fn derived(domain: &Json) -> Result<Vec<Member>, TypedDataError> {
    let sent = domain.members().ok_or(TypedDataError::Shape("domain is an object"))?;
    let known = |name: &String| DOMAIN_MEMBERS.iter().any(|(known, _)| known == name);
    if let Some(name) = sent.keys().find(|name| !known(name)) {
        return Err(TypedDataError::Domain(name.clone()));
    }
    let present = DOMAIN_MEMBERS.iter().filter(|(name, _)| sent.contains_key(*name));
    present.map(|(name, written)| member_of(name, written)).collect()
}

fn member_of(name: &str, written: &str) -> Result<Member, TypedDataError> {
    let kind = primitive(written).ok_or_else(|| TypedDataError::UndefinedType(written.to_owned()))?;
    Ok(Member { name: name.to_owned(), kind, written: written.to_owned() })
}
