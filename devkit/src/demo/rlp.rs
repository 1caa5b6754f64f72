//! A reader for RLP (Ethereum yellow paper, appendix B), as much of it as one signed transaction needs.
//!
//! It is kept apart from the code that signs, so that the demo reads the result with other eyes.

/// One item: a string, or the payload of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Bytes(&'a [u8]),
    List(&'a [u8]),
}

/// The bytes are not RLP in its one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not canonical RLP")]
pub struct NotRlp;

/// The first item and what follows it.
pub(super) fn take(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), NotRlp> {
    let (first, rest) = bytes.split_first().ok_or(NotRlp)?;
    match *first {
        0x00..=0x7f => bytes.split_at_checked(1).map(|(own, rest)| (Item::Bytes(own), rest)).ok_or(NotRlp),
        0x80..=0xbf => {
            let (payload, rest) = payload(*first - 0x80, rest)?;
            let alone = matches!(payload, [byte] if *byte < 0x80);
            if alone { Err(NotRlp) } else { Ok((Item::Bytes(payload), rest)) }
        }
        0xc0..=0xff => payload(*first - 0xc0, rest).map(|(payload, rest)| (Item::List(payload), rest)),
    }
}

/// A payload whose length is `short` below 56, else stands in the next `short` - 55 bytes.
fn payload(short: u8, rest: &[u8]) -> Result<(&[u8], &[u8]), NotRlp> {
    let Some(width) = short.checked_sub(55).filter(|width| *width > 0) else {
        return rest.split_at_checked(usize::from(short)).ok_or(NotRlp);
    };
    let (length, rest) = rest.split_at_checked(usize::from(width)).ok_or(NotRlp)?;
    let length = usize::try_from(number(length)?).map_err(|_| NotRlp)?;
    if length < 56 {
        return Err(NotRlp);
    }
    rest.split_at_checked(length).ok_or(NotRlp)
}

/// Every item of a list's payload.
pub(super) fn items(mut payload: &[u8]) -> Result<Vec<Item<'_>>, NotRlp> {
    let mut found = Vec::new();
    while !payload.is_empty() {
        let (item, rest) = take(payload)?;
        found.push(item);
        payload = rest;
    }
    Ok(found)
}

/// Big-endian bytes without leading zeros.
pub(super) fn number(bytes: &[u8]) -> Result<u128, NotRlp> {
    if bytes.first() == Some(&0) || bytes.len() > 16 {
        return Err(NotRlp);
    }
    Ok(bytes.iter().fold(0, |value, byte| value << 8 | u128::from(*byte)))
}

/// A list's bytes from its payload.
pub(super) fn list(payload: &[u8]) -> Vec<u8> {
    let length = payload.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let header = match (length.as_slice(), payload.len()) {
        ([], _) => vec![0xc0],
        ([short], 0..56) => vec![0xc0 + short],
        (long, _) => [&[0xf7_u8.saturating_add(u8::try_from(long.len()).unwrap_or(8))], long].concat(),
    };
    [header.as_slice(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_read_back_at_every_length() {
        for length in [0, 1, 2, 55, 56, 255, 256, 70_000] {
            let payload = vec![0x05; length];
            let bytes = list(&payload);
            assert_eq!(take(&bytes), Ok((Item::List(&payload[..]), &[][..])), "{length}");
        }
        assert_eq!(take(&[0x82, 4, 0, 9]), Ok((Item::Bytes(&[4, 0]), &[9][..])));
        assert_eq!(take(&[0x7f]), Ok((Item::Bytes(&[0x7f]), &[][..])));
    }

    #[test]
    fn other_forms_of_the_same_value_are_refused() {
        for bytes in [&[][..], &[0x81, 0x05], &[0x82, 1], &[0xb8, 3, 1, 2, 3], &[0xb8], &[0xf8, 1, 5]] {
            assert_eq!(take(bytes), Err(NotRlp), "{bytes:?}");
        }
        assert_eq!(number(&[0, 1]), Err(NotRlp));
        assert_eq!(number(&[1, 0]), Ok(256));
    }
}
