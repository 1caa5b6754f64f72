//! Canonical bytes: a label and length-prefixed fields, the one form in which Shroud hashes, signs and binds.
//!
//! ```text
//! u32be length of the label ‖ label ‖ (u32be length ‖ bytes) for each field
//! ```
//!
//! Two different lists of fields never give the same bytes, and two labels never give the same bytes whatever their
//! fields are, so nothing made for one purpose can stand for another.

/// Bytes under a label, built field by field.
#[derive(Clone, Debug)]
pub struct Canonical(Vec<u8>);

impl Canonical {
    /// Starts with the label of the purpose, such as `shroud/v1/release`.
    #[must_use]
    pub fn new(label: &str) -> Self {
        Self(Vec::with_capacity(256)).field(label.as_bytes())
    }

    /// Appends one field. Fields beyond 4 GiB do not exist here: every input is bounded by [`crate::limits`].
    #[must_use]
    pub fn field(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends an unsigned number as 8 big-endian bytes.
    #[must_use]
    pub fn number(self, value: u64) -> Self {
        self.field(value.to_be_bytes())
    }

    /// The finished bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Why canonical bytes could not be read back.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Malformed {
    /// The bytes end inside a field.
    #[error("canonical bytes end inside the field at offset {offset}")]
    Truncated {
        /// Where the field begins.
        offset: usize,
    },
    /// The label is another purpose's.
    #[error("canonical bytes are labelled {found:?}, expected {expected:?}")]
    Label {
        /// What the caller expects.
        expected: String,
        /// What the bytes say.
        found: String,
    },
    /// A field has another length than its type.
    #[error("a field of {found} bytes where {expected} were expected")]
    Width {
        /// The type's width.
        expected: usize,
        /// The field's length.
        found: usize,
    },
    /// A text field is not UTF-8.
    #[error("a text field is not UTF-8")]
    Text,
    /// Bytes follow the last field.
    #[error("{0} bytes follow the last field")]
    Trailing(usize),
}

/// Reads canonical bytes back, field by field.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Opens bytes that must carry `label`.
    ///
    /// # Errors
    /// [`Malformed::Label`] under another label, [`Malformed::Truncated`] if there is none.
    pub fn new(label: &str, bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Self { rest: bytes, offset: 0 };
        let found = reader.field()?;
        if found == label.as_bytes() {
            return Ok(reader);
        }
        Err(Malformed::Label {
            expected: label.to_owned(),
            found: String::from_utf8_lossy(found).into_owned(),
        })
    }

    /// The next field.
    ///
    /// # Errors
    /// [`Malformed::Truncated`] where the bytes end early.
    pub fn field(&mut self) -> Result<&'a [u8], Malformed> {
        let truncated = Malformed::Truncated { offset: self.offset };
        let Some((prefix, rest)) = self.rest.split_first_chunk::<4>() else { return Err(truncated) };
        let Ok(length) = usize::try_from(u32::from_be_bytes(*prefix)) else { return Err(truncated) };
        let Some((field, rest)) = rest.split_at_checked(length) else { return Err(truncated) };
        self.rest = rest;
        self.offset += 4 + length;
        Ok(field)
    }

    /// The next field, of exactly `N` bytes.
    ///
    /// # Errors
    /// [`Malformed::Width`] for another length.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let field = self.field()?;
        field.try_into().map_err(|_| Malformed::Width { expected: N, found: field.len() })
    }

    /// The next field as a number.
    ///
    /// # Errors
    /// [`Malformed::Width`] unless the field has 8 bytes.
    pub fn number(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// The next field as text.
    ///
    /// # Errors
    /// [`Malformed::Text`] unless the field is UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        core::str::from_utf8(self.field()?).map_err(|_| Malformed::Text)
    }

    /// Ends the reading: nothing may follow.
    ///
    /// # Errors
    /// [`Malformed::Trailing`] if something does.
    pub fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing(self.rest.len())) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_read_back(fields: Vec<Vec<u8>>) {
            let bytes = fields.iter().fold(Canonical::new("t"), |c, f| c.field(f)).into_bytes();
            let mut reader = Reader::new("t", &bytes).unwrap();
            for field in &fields {
                prop_assert_eq!(reader.field().unwrap(), field.as_slice());
            }
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn hostile_bytes_never_panic(bytes: Vec<u8>) {
            if let Ok(mut reader) = Reader::new("", &bytes) {
                while reader.field().is_ok() {}
            }
        }
    }

    #[test]
    fn boundaries_between_fields_count() {
        let split = Canonical::new("t").field("ab").field("c").into_bytes();
        let other = Canonical::new("t").field("a").field("bc").into_bytes();
        assert_ne!(split, other);
    }

    #[test]
    fn another_label_is_refused() {
        let bytes = Canonical::new("shroud/v1/session").into_bytes();
        assert!(matches!(Reader::new("shroud/v1/release", &bytes), Err(Malformed::Label { .. })));
    }
}
