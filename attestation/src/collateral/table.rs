//! The certificate table of the GHCB's extended guest request (AMD 56421).
//!
//! ```text
//! GUID (16 bytes, text order) │ offset u32le │ length u32le     one entry; offsets count from the table's start
//! …
//! 24 zero bytes                                                 the end of the entries
//! contents, anywhere after that
//! ```

/// One entry, inside the table's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What the content claims to be.
    pub guid: [u8; 16],
    /// The content.
    pub content: &'a [u8],
}

/// Why bytes are no certificate table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The entries run to the end of the bytes.
    #[error("a certificate table without an end of its entries")]
    NoTerminator,
    /// The terminator's GUID is zero, its offset or length is not.
    #[error("a certificate table whose last entry is not all zero")]
    Terminator,
    /// An entry's content lies beyond the bytes.
    #[error("entry {0} of the certificate table lies outside it")]
    OutOfBounds(usize),
    /// An entry's content begins among the entries.
    #[error("entry {0} of the certificate table points into its header")]
    InsideHeader(usize),
    /// Two entries have one GUID.
    #[error("entry {0} of the certificate table repeats a GUID")]
    Duplicate(usize),
    /// More entries than [`super::ITEMS`].
    #[error("a certificate table with too many entries")]
    TooMany,
}

const ENTRY: usize = 24;
/// VCEK, VLEK, ASK (or ASVK), ARK, CRL.
const KNOWN: [[u8; 16]; 5] = [
    [0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd],
    [0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1],
    [0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82],
    [0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae],
    [0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea],
];

impl Entry<'_> {
    /// Whether the GUID is one that AMD defines; others are passed over.
    #[must_use]
    pub fn is_known(&self) -> bool {
        KNOWN.contains(&self.guid)
    }
}

/// Reads every entry of a table.
///
/// # Errors
/// Every [`TableError`]; the whole table is refused for one bad entry.
pub fn parse(bytes: &[u8]) -> Result<Vec<Entry<'_>>, TableError> {
    let headers = headers(bytes)?;
    let header_length = (headers.len() + 1) * ENTRY;
    let mut entries: Vec<Entry<'_>> = Vec::with_capacity(headers.len());
    for (index, header) in headers.iter().enumerate() {
        let entry = header.entry(index, bytes, header_length)?;
        if entries.iter().any(|earlier| earlier.guid == entry.guid) {
            return Err(TableError::Duplicate(index));
        }
        entries.push(entry);
    }
    Ok(entries)
}

struct Header {
    guid: [u8; 16],
    offset: u32,
    length: u32,
}

/// The entries before the terminator.
fn headers(bytes: &[u8]) -> Result<Vec<Header>, TableError> {
    let mut headers = Vec::new();
    let mut rest = bytes;
    loop {
        let (entry, after) = rest.split_first_chunk::<ENTRY>().ok_or(TableError::NoTerminator)?;
        let header = Header::read(entry);
        if header.guid == [0; 16] {
            return if *entry == [0; ENTRY] { Ok(headers) } else { Err(TableError::Terminator) };
        }
        if headers.len() == super::ITEMS {
            return Err(TableError::TooMany);
        }
        headers.push(header);
        rest = after;
    }
}

impl Header {
    fn read(entry: &[u8; ENTRY]) -> Self {
        let [guid @ .., o0, o1, o2, o3, l0, l1, l2, l3] = *entry;
        Self {
            guid,
            offset: u32::from_le_bytes([o0, o1, o2, o3]),
            length: u32::from_le_bytes([l0, l1, l2, l3]),
        }
    }

    fn entry<'a>(&self, index: usize, table: &'a [u8], header: usize) -> Result<Entry<'a>, TableError> {
        let out_of_bounds = || TableError::OutOfBounds(index);
        let offset = usize::try_from(self.offset).map_err(|_| out_of_bounds())?;
        let length = usize::try_from(self.length).map_err(|_| out_of_bounds())?;
        if offset < header {
            return Err(TableError::InsideHeader(index));
        }
        let content = table.get(offset..).and_then(|rest| rest.get(..length)).ok_or_else(out_of_bounds)?;
        Ok(Entry { guid: self.guid, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(guid: u8, offset: u32, length: u32) -> Vec<u8> {
        [&[guid; 16][..], &offset.to_le_bytes(), &length.to_le_bytes()].concat()
    }

    #[test]
    fn entries_point_behind_the_header() {
        let table = [entry(1, 48, 2), vec![0; 24], b"ab".to_vec()].concat();
        assert_eq!(parse(&table), Ok(vec![Entry { guid: [1; 16], content: b"ab" }]));
        assert_eq!(parse(&[0; 24]), Ok(vec![]));
    }

    #[test]
    fn reject_malformed_tables() {
        let end = vec![0; 24];
        for (table, why) in [
            (vec![], TableError::NoTerminator),
            (entry(1, 48, 0), TableError::NoTerminator),
            (entry(0, 1, 0), TableError::Terminator),
            ([entry(1, 48, 1), end.clone()].concat(), TableError::OutOfBounds(0)),
            ([entry(1, u32::MAX, 1), end.clone()].concat(), TableError::OutOfBounds(0)),
            ([entry(1, 47, 1), end.clone()].concat(), TableError::InsideHeader(0)),
            ([entry(1, 72, 0), entry(1, 72, 0), end.clone()].concat(), TableError::Duplicate(1)),
        ] {
            assert_eq!(parse(&table), Err(why));
        }
        let many: Vec<u8> = (1..=33).flat_map(|guid| entry(guid, 4096, 0)).collect();
        assert_eq!(parse(&many), Err(TableError::TooMany));
    }
}
