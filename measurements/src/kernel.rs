//! The table with which QEMU tells OVMF what kernel, initrd and command line to accept (QEMU `kernel-hashes=on`).
//!
//! ```text
//! GUID, u16 168, then for command line, initrd, kernel: GUID, u16 50, SHA-256; padded with zeros to 176 bytes
//! ```

use aws_lc_rs::digest::{SHA256, digest};

use crate::context::PAGE;
use crate::firmware::Guid;

const TABLE: Guid = Guid::parse("9438d606-4f22-4cc9-b479-a793d411fd21");
const KERNEL: Guid = Guid::parse("4de79437-abd2-427f-b835-d5b172d2045b");
const INITRD: Guid = Guid::parse("44baf731-3a2f-4bd7-9af1-41e29169781d");
const COMMAND_LINE: Guid = Guid::parse("97d02dd8-bd20-4c94-aa78-e7714d36ab2a");

/// Bytes of a GUID and a length.
const HEADER: usize = 18;
const ENTRY: usize = HEADER + 32;
const LENGTH: usize = HEADER + 3 * ENTRY;
/// The table's bytes with padding to a multiple of 16.
const PADDED: usize = LENGTH.next_multiple_of(16);

/// SHA-256 of kernel, initrd and command line, as the firmware will compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelHashes {
    kernel: [u8; 32],
    initrd: [u8; 32],
    command_line: [u8; 32],
}

/// Why there are no kernel hashes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KernelError {
    /// The command line ends at its first zero byte, so it cannot hold one.
    #[error("a kernel command line cannot hold a zero byte")]
    ZeroByte,
}

impl KernelHashes {
    /// Of the files' bytes; no initrd is the empty one. The command line counts with the zero byte that ends it.
    ///
    /// # Errors
    /// [`KernelError::ZeroByte`].
    pub fn new(kernel: &[u8], initrd: &[u8], append: &str) -> Result<Self, KernelError> {
        if append.contains('\0') {
            return Err(KernelError::ZeroByte);
        }
        let command_line = [append.as_bytes(), b"\0"].concat();
        Ok(Self { kernel: sha256(kernel), initrd: sha256(initrd), command_line: sha256(&command_line) })
    }

    /// The page that holds the table at `offset`; `None` where it does not fit.
    pub(crate) fn page(&self, offset: usize) -> Option<[u8; PAGE]> {
        let mut page = [0; PAGE];
        page.get_mut(offset..offset.checked_add(PADDED)?)?.copy_from_slice(&self.table());
        Some(page)
    }

    fn table(&self) -> [u8; PADDED] {
        let mut table = Vec::with_capacity(PADDED);
        header(&mut table, TABLE, LENGTH);
        for (guid, hash) in [(COMMAND_LINE, self.command_line), (INITRD, self.initrd), (KERNEL, self.kernel)]
        {
            header(&mut table, guid, ENTRY);
            table.extend_from_slice(&hash);
        }
        let mut padded = [0; PADDED];
        padded[..LENGTH].copy_from_slice(&table);
        padded
    }
}

#[allow(clippy::cast_possible_truncation, reason = "both lengths are constants below 256")]
fn header(table: &mut Vec<u8>, guid: Guid, length: usize) {
    table.extend_from_slice(&guid.0);
    table.extend_from_slice(&(length as u16).to_le_bytes());
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_byte_in_the_command_line_is_refused() {
        assert_eq!(KernelHashes::new(b"", b"", "ro\0rw"), Err(KernelError::ZeroByte));
    }

    #[test]
    fn table_must_fit_its_page() {
        let hashes = KernelHashes::new(b"kernel", b"", "").unwrap();
        assert!(hashes.page(PAGE - PADDED).is_some());
        assert!(hashes.page(PAGE - PADDED + 1).is_none());
        assert!(hashes.page(usize::MAX).is_none());
    }
}
