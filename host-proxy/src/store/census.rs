//! Counts what a request would become, before it becomes it.
//!
//! Two bytes on the wire can be an empty message that takes a hundred in memory, so a frame within its cap could
//! still decode to gigabytes. This walks the frame without allocating and counts its items: keys, entries, rows and
//! projections. It knows the field numbers of [`shroud_wire::store::Request`].

/// Items that one request may hold: more than any request within its limits, far fewer than would hurt.
const ITEMS: usize = 16 * 1024;

const ROWS: u64 = 4;
const ROWS_KEYS: u64 = 1;
const COMMIT: u64 = 5;
const COMMIT_ENTRIES: u64 = 4;
const COMMIT_ROWS: u64 = 5;
const WRITE_ROW: u64 = 1;
const ROW_COLUMNS: u64 = 5;

/// Why a frame is not decoded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum CensusError {
    #[error("more than {ITEMS} items in one frame")]
    TooMany,
    #[error("no well-formed message")]
    Malformed,
}

/// Passes a frame that may be decoded.
///
/// # Errors
/// [`CensusError`]; what passes may still be no request.
pub(super) fn take(request: &[u8]) -> Result<usize, CensusError> {
    let mut items = Count(0);
    each(request, |field, bytes| match field {
        ROWS => each(bytes, |field, _| if field == ROWS_KEYS { items.one() } else { Ok(()) }),
        COMMIT => each(bytes, |field, bytes| match field {
            COMMIT_ENTRIES => items.one(),
            COMMIT_ROWS => write(bytes, &mut items),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })?;
    Ok(items.0)
}

fn write(bytes: &[u8], items: &mut Count) -> Result<(), CensusError> {
    items.one()?;
    each(bytes, |field, bytes| {
        if field != WRITE_ROW {
            return Ok(());
        }
        each(bytes, |field, _| if field == ROW_COLUMNS { items.one() } else { Ok(()) })
    })
}

struct Count(usize);

impl Count {
    fn one(&mut self) -> Result<(), CensusError> {
        self.0 += 1;
        if self.0 > ITEMS { Err(CensusError::TooMany) } else { Ok(()) }
    }
}

/// Calls `visit` with every length-delimited field of a message.
fn each(
    mut message: &[u8],
    mut visit: impl FnMut(u64, &[u8]) -> Result<(), CensusError>,
) -> Result<(), CensusError> {
    while !message.is_empty() {
        let key = varint(&mut message)?;
        match key & 7 {
            0 => drop(varint(&mut message)?),
            1 => drop(bytes(&mut message, 8)?),
            2 => {
                let length = varint(&mut message)?;
                visit(key >> 3, bytes(&mut message, length)?)?;
            }
            5 => drop(bytes(&mut message, 4)?),
            _ => return Err(CensusError::Malformed),
        }
    }
    Ok(())
}

fn bytes<'a>(from: &mut &'a [u8], length: u64) -> Result<&'a [u8], CensusError> {
    let length = usize::try_from(length).map_err(|_| CensusError::Malformed)?;
    let (taken, rest) = from.split_at_checked(length).ok_or(CensusError::Malformed)?;
    *from = rest;
    Ok(taken)
}

fn varint(from: &mut &[u8]) -> Result<u64, CensusError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first().ok_or(CensusError::Malformed)?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(CensusError::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;
    use shroud_wire::store::{Commit, EntryRecord, Operation, Request, Row, RowKey, RowWrite, RowsQuery};

    use super::*;

    fn request(operation: Operation) -> Vec<u8> {
        Request { id: u64::MAX, operation: Some(operation) }.encode_to_vec()
    }

    #[test]
    fn every_kind_of_item_is_counted() {
        let keys = vec![RowKey { table: 1, key: "a".into() }, RowKey::default()];
        assert_eq!(take(&request(Operation::Rows(RowsQuery { keys }))), Ok(2));
        let row =
            Row { columns: [("a".into(), "b".into()), ("c".into(), "d".into())].into(), ..Row::default() };
        let commit = Commit {
            entries: vec![EntryRecord::default(); 3],
            rows: vec![RowWrite { row: Some(row), delete: true }, RowWrite::default()],
            ..Commit::default()
        };
        assert_eq!(take(&request(Operation::Commit(commit))), Ok(3 + 2 + 2));
    }

    #[test]
    fn too_many_is_refused() {
        let entries = vec![EntryRecord::default(); ITEMS + 1];
        let bytes = request(Operation::Commit(Commit { entries, ..Commit::default() }));
        assert_eq!(take(&bytes), Err(CensusError::TooMany));
    }

    #[test]
    fn malformed_is_refused() {
        for wrong in [&[0x2a, 0x7f][..], &[0xff; 11], &[0x0b], &[0x09, 1]] {
            assert_eq!(take(wrong), Err(CensusError::Malformed), "{wrong:x?}");
        }
    }

    proptest! {
        #[test]
        fn what_does_not_pass_is_no_request(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if take(&bytes).is_err() {
                // Groups are the one thing that a decoder may skip and the census does not.
                prop_assert!(Request::decode(bytes.as_slice()).is_err() || bytes.iter().any(|b| b & 7 == 3));
            }
        }
    }
}
