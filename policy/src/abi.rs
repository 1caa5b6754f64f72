//! Contract ABI, decoded strictly: exactly the canonical encoding and nothing else.
//!
//! Offsets must follow each other without gaps or overlaps, padding must be zero, no byte may be left over; and what was
//! decoded is encoded again and compared. So nothing can hide in a tail that one reader skips and another executes.

use ruint::aliases::U256;

use crate::Address;

/// An ABI type, as far as known functions use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// An unsigned integer of so many bits.
    Uint(usize),
    /// An address.
    Address,
    /// A truth value.
    Bool,
    /// `bytes32`.
    Word,
    /// `bytes`.
    Bytes,
    /// A dynamic array.
    Array(Box<Type>),
    /// A tuple.
    Tuple(Vec<Type>),
}

/// A decoded value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// An integer, an address, a truth value or 32 bytes.
    Word(U256),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// The items of an array or a tuple.
    List(Vec<Token>),
}

/// Why bytes are not the canonical encoding of the types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AbiError {
    /// The bytes end inside a value.
    #[error("the data end inside a value")]
    Truncated,
    /// An offset skips bytes, or points back.
    #[error("an offset is not the canonical one")]
    Offset,
    /// A value is outside its type.
    #[error("a value is outside its type")]
    Range,
    /// Padding that is not zero.
    #[error("padding is not zero")]
    Padding,
    /// Bytes are left over.
    #[error("bytes follow the last value")]
    Trailing,
    /// What was decoded encodes to other bytes.
    #[error("the data are not the canonical encoding")]
    NotCanonical,
}

impl Token {
    /// The word, if it is one.
    #[must_use]
    pub fn word(&self) -> Option<U256> {
        match self {
            Self::Word(word) => Some(*word),
            _ => None,
        }
    }

    /// The address, if it is a word.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.word().map(|word| Address::tail(&word.to_be_bytes()))
    }

    /// The bytes, if they are.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items, if it has any.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }
}

/// Decodes arguments (the data behind a selector).
///
/// # Errors
/// [`AbiError`] for anything but the canonical encoding of exactly these types.
pub fn decode(types: &[Type], data: &[u8]) -> Result<Vec<Token>, AbiError> {
    let (tokens, used) = sequence(types.iter(), data)?;
    if used != data.len() {
        return Err(AbiError::Trailing);
    }
    match encode(types, &tokens) == data {
        true => Ok(tokens),
        false => Err(AbiError::NotCanonical),
    }
}

/// Encodes arguments canonically. Tokens that do not fit their types encode as nothing.
#[must_use]
pub fn encode(types: &[Type], tokens: &[Token]) -> Vec<u8> {
    let heads: usize = types.iter().map(Type::head).sum();
    let (mut head, mut tail) = (Vec::with_capacity(heads), Vec::new());
    for (kind, token) in types.iter().zip(tokens) {
        let bytes = kind.encode(token);
        if kind.is_dynamic() {
            head.extend(word(heads + tail.len()));
            tail.extend(bytes);
        } else {
            head.extend(bytes);
        }
    }
    head.extend(tail);
    head
}

/// The types of a signature such as `transfer(address,uint256)`; `None` where it is not one.
#[must_use]
pub fn types(signature: &str) -> Option<Vec<Type>> {
    let (_, rest) = signature.split_once('(')?;
    list(rest.strip_suffix(')')?)
}

/// Comma-separated types, commas inside parentheses aside.
fn list(text: &str) -> Option<Vec<Type>> {
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                found.push(one(text.get(start..at)?)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    match text.get(start..)? {
        "" => Some(found),
        last => {
            found.push(one(last)?);
            Some(found)
        }
    }
}

fn one(text: &str) -> Option<Type> {
    if let Some(item) = text.strip_suffix("[]") {
        return Some(Type::Array(Box::new(one(item)?)));
    }
    if let Some(members) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return list(members).map(Type::Tuple);
    }
    match text {
        "address" => Some(Type::Address),
        "bool" => Some(Type::Bool),
        "bytes32" => Some(Type::Word),
        "bytes" => Some(Type::Bytes),
        _ => text.strip_prefix("uint")?.parse().ok().map(Type::Uint),
    }
}

impl Type {
    fn is_dynamic(&self) -> bool {
        match self {
            Self::Bytes | Self::Array(_) => true,
            Self::Tuple(members) => members.iter().any(Self::is_dynamic),
            _ => false,
        }
    }

    /// Bytes that the type takes in the head.
    fn head(&self) -> usize {
        match self {
            Self::Tuple(members) if !self.is_dynamic() => members.iter().map(Self::head).sum(),
            _ => 32,
        }
    }

    fn encode(&self, token: &Token) -> Vec<u8> {
        match (self, token) {
            (Self::Bytes, Token::Bytes(bytes)) => {
                let padding = core::iter::repeat_n(0, bytes.len().next_multiple_of(32) - bytes.len());
                word(bytes.len()).into_iter().chain(bytes.iter().copied()).chain(padding).collect()
            }
            (Self::Array(item), Token::List(items)) => {
                let types = vec![item.as_ref().clone(); items.len()];
                word(items.len()).into_iter().chain(encode(&types, items)).collect()
            }
            (Self::Tuple(members), Token::List(items)) => encode(members, items),
            (_, Token::Word(value)) => value.to_be_bytes::<32>().to_vec(),
            _ => Vec::new(),
        }
    }

    /// Decodes a value where its bytes begin; also how many there are.
    fn decode(&self, data: &[u8]) -> Result<(Token, usize), AbiError> {
        match self {
            Self::Bytes => bytes(data),
            Self::Array(item) => {
                let length = length(data)?;
                let rest = data.get(32..).ok_or(AbiError::Truncated)?;
                if length > rest.len() / 32 {
                    return Err(AbiError::Truncated);
                }
                let (items, used) = sequence(core::iter::repeat_n(item.as_ref(), length), rest)?;
                Ok((Token::List(items), 32 + used))
            }
            Self::Tuple(members) => {
                let (items, used) = sequence(members.iter(), data)?;
                Ok((Token::List(items), used))
            }
            Self::Uint(bits) => narrow(data, *bits),
            Self::Address => narrow(data, 160),
            Self::Bool => narrow(data, 1),
            Self::Word => narrow(data, 256),
        }
    }
}

/// Values one after the other: heads first, then the tails of the dynamic ones, without gaps.
fn sequence<'a>(
    types: impl Iterator<Item = &'a Type> + Clone,
    data: &[u8],
) -> Result<(Vec<Token>, usize), AbiError> {
    let mut tail: usize = types.clone().map(Type::head).sum();
    let mut head = 0;
    let mut tokens = Vec::new();
    for kind in types {
        let here = data.get(head..).ok_or(AbiError::Truncated)?;
        if kind.is_dynamic() {
            if length(here)? != tail {
                return Err(AbiError::Offset);
            }
            let (token, used) = kind.decode(data.get(tail..).ok_or(AbiError::Truncated)?)?;
            tail += used;
            tokens.push(token);
        } else {
            tokens.push(kind.decode(here)?.0);
        }
        head += kind.head();
    }
    Ok((tokens, tail))
}

fn narrow(data: &[u8], bits: usize) -> Result<(Token, usize), AbiError> {
    let word = data.first_chunk::<32>().ok_or(AbiError::Truncated)?;
    let value = U256::from_be_bytes(*word);
    if value.bit_len() > bits { Err(AbiError::Range) } else { Ok((Token::Word(value), 32)) }
}

fn bytes(data: &[u8]) -> Result<(Token, usize), AbiError> {
    let length = length(data)?;
    let rest = data.get(32..).ok_or(AbiError::Truncated)?;
    let (bytes, padding) = rest.split_at_checked(length).ok_or(AbiError::Truncated)?;
    let padded = length.checked_next_multiple_of(32).ok_or(AbiError::Truncated)?;
    let padding = padding.get(..padded - length).ok_or(AbiError::Truncated)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(AbiError::Padding);
    }
    Ok((Token::Bytes(bytes.to_vec()), 32 + padded))
}

/// A length or an offset: a word that fits the machine.
fn length(data: &[u8]) -> Result<usize, AbiError> {
    let word = data.first_chunk::<32>().ok_or(AbiError::Truncated)?;
    usize::try_from(U256::from_be_bytes(*word)).map_err(|_| AbiError::Truncated)
}

fn word(value: usize) -> [u8; 32] {
    U256::from(value).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CALLS: &str = "aggregate3((address,bool,bytes)[])";

    fn calls(items: Vec<(u64, bool, Vec<u8>)>) -> Vec<u8> {
        let items = items.into_iter().map(|(address, flag, bytes)| {
            Token::List(vec![
                Token::Word(U256::from(address)),
                Token::Word(U256::from(u8::from(flag))),
                Token::Bytes(bytes),
            ])
        });
        encode(&types(CALLS).unwrap(), &[Token::List(items.collect())])
    }

    #[test]
    fn static_arguments_read_back() {
        let types = types("transfer(address,uint256)").unwrap();
        let tokens = [Token::Word(U256::from(7)), Token::Word(U256::MAX)];
        let data = encode(&types, &tokens);
        assert_eq!(data.len(), 64);
        assert_eq!(decode(&types, &data).unwrap(), tokens);
    }

    #[test]
    fn truncated_is_refused() {
        let data = calls(vec![(1, true, vec![1, 2, 3])]);
        for end in 0..data.len() {
            let error = decode(&types(CALLS).unwrap(), &data[..end]).unwrap_err();
            assert_eq!(error, AbiError::Truncated, "{end}");
        }
    }

    #[test]
    fn offset_must_be_canonical() {
        let mut data = calls(vec![(1, true, vec![])]);
        data.extend([0; 32]);
        data[31] = 0x40;
        assert_eq!(decode(&types(CALLS).unwrap(), &data), Err(AbiError::Offset));
    }

    #[test]
    fn range_is_checked() {
        let data = [&[1; 32][..], &[0; 32]].concat();
        assert_eq!(decode(&types("transfer(address,uint256)").unwrap(), &data), Err(AbiError::Range));
        let two = U256::from(2).to_be_bytes::<32>();
        assert_eq!(decode(&types("f(bool)").unwrap(), &two), Err(AbiError::Range));
    }

    #[test]
    fn padding_must_be_zero() {
        let mut data = calls(vec![(1, true, vec![9])]);
        *data.last_mut().unwrap() = 1;
        assert_eq!(decode(&types(CALLS).unwrap(), &data), Err(AbiError::Padding));
    }

    #[test]
    fn trailing_is_refused() {
        let types = types("transfer(address,uint256)").unwrap();
        assert_eq!(decode(&types, &[0; 96]), Err(AbiError::Trailing));
        assert_eq!(decode(&types, &[0; 65]), Err(AbiError::Trailing));
    }

    #[test]
    fn a_huge_length_allocates_nothing() {
        let mut data = calls(vec![]);
        data[32..64].copy_from_slice(&U256::MAX.to_be_bytes::<32>());
        assert_eq!(decode(&types(CALLS).unwrap(), &data), Err(AbiError::Truncated));
        data[32..64].copy_from_slice(&U256::from(u64::MAX).to_be_bytes::<32>());
        assert_eq!(decode(&types(CALLS).unwrap(), &data), Err(AbiError::Truncated));
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(items: Vec<(u64, bool, Vec<u8>)>) {
            let data = calls(items.clone());
            let tokens = decode(&types(CALLS).unwrap(), &data).unwrap();
            let read = tokens[0].items().unwrap().iter().map(|item| item.items().unwrap()[2].bytes().unwrap().to_vec());
            prop_assert_eq!(read.collect::<Vec<_>>(), items.into_iter().map(|item| item.2).collect::<Vec<_>>());
        }

        #[test]
        fn whatever_is_accepted_is_canonical(items in prop::collection::vec((0_u64..3, any::<bool>(), prop::collection::vec(any::<u8>(), 0..40)), 0..3), at: usize, bit in 0_u8..8) {
            let types = types(CALLS).unwrap();
            let mut data = calls(items);
            let at = at % data.len();
            data[at] ^= 1 << bit;
            if let Ok(tokens) = decode(&types, &data) {
                prop_assert_eq!(encode(&types, &tokens), data);
            }
        }

        #[test]
        fn hostile_bytes_never_panic(data: Vec<u8>) {
            let _ = decode(&types(CALLS).unwrap(), &data);
        }
    }
}
