//! RLP, Ethereum's serialisation (Yellow Paper, appendix B): canonical encoding only, in both directions.

use ruint::aliases::U256;

/// Deepest nesting that a transaction has: list, access list, entry, storage keys.
const DEPTH: usize = 5;

/// One decoded item, borrowing from the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A string of bytes.
    Bytes(&'a [u8]),
    /// A list of items.
    List(Vec<Item<'a>>),
}

/// Why bytes are not canonical RLP of the expected shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RlpError {
    /// The bytes end inside an item.
    #[error("RLP ends inside an item")]
    Truncated,
    /// Bytes follow the item.
    #[error("bytes follow the RLP item")]
    Trailing,
    /// A length or a single byte is not in its shortest form.
    #[error("RLP is not in its shortest form")]
    NotShortest,
    /// Nested deeper than any transaction.
    #[error("RLP is nested too deeply")]
    Depth,
    /// A list where bytes were expected, or the other way round.
    #[error("RLP has a list where bytes belong, or bytes where a list belongs")]
    Shape,
    /// An integer with a leading zero byte.
    #[error("an RLP integer has a leading zero")]
    LeadingZero,
    /// Bytes of another length than the field has.
    #[error("an RLP field has the wrong length")]
    Width,
}

/// Builds the payload of one list.
#[derive(Clone, Debug, Default)]
pub struct List(Vec<u8>);

impl List {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a string of bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        match bytes {
            [single] if *single < 0x80 => self.0.push(*single),
            _ => {
                header(&mut self.0, 0x80, bytes.len());
                self.0.extend_from_slice(bytes);
            }
        }
        self
    }

    /// Appends an integer: big-endian, no leading zero, zero is empty.
    #[must_use]
    pub fn integer(self, value: U256) -> Self {
        let bytes = value.to_be_bytes::<32>();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        self.bytes(bytes.get(zeros..).unwrap_or_default())
    }

    /// Appends a 64-bit integer.
    #[must_use]
    pub fn number(self, value: u64) -> Self {
        self.integer(U256::from(value))
    }

    /// Appends a nested list.
    #[must_use]
    pub fn list(mut self, list: Self) -> Self {
        self.0.extend(list.into_bytes());
        self
    }

    /// The whole list with its header.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() + 9);
        header(&mut out, 0xc0, self.0.len());
        out.extend(self.0);
        out
    }
}

impl<'a> Item<'a> {
    /// Reads exactly one item.
    ///
    /// # Errors
    /// [`RlpError`] for anything but one canonical item.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RlpError> {
        match read(bytes, DEPTH)? {
            (item, []) => Ok(item),
            _ => Err(RlpError::Trailing),
        }
    }

    /// The items of a list.
    ///
    /// # Errors
    /// [`RlpError::Shape`] unless it is one.
    pub fn list(&self) -> Result<&[Self], RlpError> {
        match self {
            Self::List(items) => Ok(items),
            Self::Bytes(_) => Err(RlpError::Shape),
        }
    }

    /// The bytes of a string.
    ///
    /// # Errors
    /// [`RlpError::Shape`] unless it is one.
    pub fn bytes(&self) -> Result<&'a [u8], RlpError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::List(_) => Err(RlpError::Shape),
        }
    }

    /// The bytes of a field with exactly `N` of them.
    ///
    /// # Errors
    /// [`RlpError::Width`] for another length.
    pub fn array<const N: usize>(&self) -> Result<[u8; N], RlpError> {
        self.bytes()?.try_into().map_err(|_| RlpError::Width)
    }

    /// A canonical integer.
    ///
    /// # Errors
    /// [`RlpError::LeadingZero`], or [`RlpError::Width`] from 2^256 upwards.
    pub fn integer(&self) -> Result<U256, RlpError> {
        match self.bytes()? {
            [0, ..] => Err(RlpError::LeadingZero),
            bytes => U256::try_from_be_slice(bytes).ok_or(RlpError::Width),
        }
    }

    /// A canonical integer below 2^64.
    ///
    /// # Errors
    /// As [`Item::integer`].
    pub fn number(&self) -> Result<u64, RlpError> {
        self.integer()?.try_into().map_err(|_| RlpError::Width)
    }
}

/// `short` is 0x80 for bytes, 0xc0 for a list.
fn header(out: &mut Vec<u8>, short: u8, length: usize) {
    match u8::try_from(length) {
        Ok(length @ 0..=55) => out.push(short + length),
        _ => {
            let bytes = length.to_be_bytes();
            let significant = bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<_>>();
            let count = u8::try_from(significant.len()).unwrap_or(8);
            out.push(short + 55 + count);
            out.extend(significant);
        }
    }
}

fn read(bytes: &[u8], depth: usize) -> Result<(Item<'_>, &[u8]), RlpError> {
    let (&first, rest) = bytes.split_first().ok_or(RlpError::Truncated)?;
    match first {
        0..=0x7f => {
            let (single, rest) = bytes.split_at_checked(1).ok_or(RlpError::Truncated)?;
            Ok((Item::Bytes(single), rest))
        }
        0x80..=0xbf => {
            let (payload, rest) = payload(first - 0x80, rest)?;
            match payload {
                [single] if *single < 0x80 => Err(RlpError::NotShortest),
                _ => Ok((Item::Bytes(payload), rest)),
            }
        }
        _ => {
            let (mut payload, rest) = payload(first - 0xc0, rest)?;
            let depth = depth.checked_sub(1).ok_or(RlpError::Depth)?;
            let mut items = Vec::new();
            while !payload.is_empty() {
                let (item, left) = read(payload, depth)?;
                items.push(item);
                payload = left;
            }
            Ok((Item::List(items), rest))
        }
    }
}

/// Splits off the payload that a header with this offset announces.
fn payload(offset: u8, rest: &[u8]) -> Result<(&[u8], &[u8]), RlpError> {
    if offset <= 55 {
        return rest.split_at_checked(usize::from(offset)).ok_or(RlpError::Truncated);
    }
    let (digits, rest) = rest.split_at_checked(usize::from(offset - 55)).ok_or(RlpError::Truncated)?;
    if digits.first() == Some(&0) {
        return Err(RlpError::NotShortest);
    }
    let length = digits.iter().try_fold(0_usize, |sum, digit| {
        sum.checked_mul(256).map(|sum| sum | usize::from(*digit)).ok_or(RlpError::Truncated)
    })?;
    if length <= 55 {
        return Err(RlpError::NotShortest);
    }
    rest.split_at_checked(length).ok_or(RlpError::Truncated)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_encodings() {
        assert_eq!(List::new().into_bytes(), [0xc0]);
        assert_eq!(
            List::new().bytes(b"dog").bytes(b"").number(0).number(15).into_bytes(),
            *b"\xc7\x83dog\x80\x80\x0f"
        );
        let long = List::new().bytes(&[7; 56]).into_bytes();
        assert_eq!(long.get(..4), Some(&[0xf8, 58, 0xb8, 56][..]));
    }

    #[test]
    fn truncated_is_refused() {
        for bytes in
            [&b""[..], b"\x81", b"\x83do", b"\xc2\x01", b"\xb8", b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            assert_eq!(Item::parse(bytes), Err(RlpError::Truncated), "{bytes:?}");
        }
    }

    #[test]
    fn trailing_is_refused() {
        assert_eq!(Item::parse(b"\xc0\x00"), Err(RlpError::Trailing));
    }

    #[test]
    fn not_shortest_is_refused() {
        for bytes in [&b"\x81\x05"[..], b"\xb8\x01\xff", b"\xb9\x00\x38", b"\xf8\x00"] {
            assert_eq!(Item::parse(bytes), Err(RlpError::NotShortest), "{bytes:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nest = |n| (0..n).fold(List::new(), |inner, _| List::new().list(inner)).into_bytes();
        assert!(Item::parse(&nest(DEPTH - 1)).is_ok());
        assert_eq!(Item::parse(&nest(DEPTH)), Err(RlpError::Depth));
    }

    #[test]
    fn shape_is_checked() {
        assert_eq!(Item::parse(b"\x05").unwrap().list(), Err(RlpError::Shape));
        assert_eq!(Item::parse(b"\xc0").unwrap().bytes(), Err(RlpError::Shape));
    }

    #[test]
    fn leading_zero_is_refused() {
        assert_eq!(Item::parse(b"\x00").unwrap().integer(), Err(RlpError::LeadingZero));
        assert_eq!(Item::parse(b"\x82\x00\xff").unwrap().integer(), Err(RlpError::LeadingZero));
    }

    #[test]
    fn width_is_checked() {
        assert_eq!(Item::Bytes(&[1; 33]).integer(), Err(RlpError::Width));
        assert_eq!(Item::Bytes(&[1; 9]).number(), Err(RlpError::Width));
        assert_eq!(Item::Bytes(&[1; 19]).array::<20>(), Err(RlpError::Width));
    }

    proptest! {
        #[test]
        fn what_is_read_encodes_to_the_same_bytes(strings: Vec<Vec<u8>>, numbers: Vec<u64>) {
            let inner = numbers.iter().fold(List::new(), |list, n| list.number(*n));
            let bytes = strings.iter().fold(List::new(), |list, s| list.bytes(s)).list(inner).into_bytes();
            let item = Item::parse(&bytes).unwrap();
            let (last, first) = item.list().unwrap().split_last().unwrap();
            prop_assert_eq!(first.iter().map(|i| i.bytes().unwrap().to_vec()).collect::<Vec<_>>(), strings);
            prop_assert_eq!(last.list().unwrap().iter().map(|i| i.number().unwrap()).collect::<Vec<_>>(), numbers);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Item::parse(&bytes);
        }
    }
}
