//! The table of GUIDs, read from its end.

use super::FirmwareError;
use super::guid::Guid;

const FOOTER: Guid = Guid::parse("96b582de-1fb2-45f7-baea-a366c55a082d");
const HASHES_TABLE: Guid = Guid::parse("7255371f-3a3b-4b04-927b-1da6efa8d454");
const OTHER_VCPUS: Guid = Guid::parse("00f771de-1a7e-4fcb-890e-68c77e2fb44e");
const SEV_METADATA: Guid = Guid::parse("dc886566-984a-4798-a75e-5585a7bf67cc");

/// Bytes after the table: the reset vector.
const AFTER: usize = 32;

/// What the table says that matters for a launch.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Where the kernel hashes go; zero where the build takes none.
    pub(super) hashes_table: Option<u32>,
    /// Where every vCPU but the first begins.
    pub(super) other_vcpus: Option<u32>,
    /// How many bytes before the image's end the metadata begin.
    pub(super) sev_metadata: Option<u32>,
}

impl Table {
    pub(super) fn read(image: &[u8]) -> Result<Self, FirmwareError> {
        let length = image.len().checked_sub(AFTER).ok_or(FirmwareError::NoTable)?;
        let (image, _) = image.split_at_checked(length).ok_or(FirmwareError::NoTable)?;
        let footer = Entry::last(image).ok_or(FirmwareError::NoTable)?;
        if footer.guid != FOOTER {
            return Err(FirmwareError::NoTable);
        }
        let mut rest = footer.data()?;
        let mut table = Self::default();
        while let Some(entry) = Entry::last(rest) {
            let data = entry.data()?;
            rest = rest.get(..rest.len() - usize::from(entry.length)).unwrap_or_default();
            table.take(entry.guid, data)?;
        }
        Ok(table)
    }

    fn take(&mut self, guid: Guid, data: &[u8]) -> Result<(), FirmwareError> {
        let place = match guid {
            HASHES_TABLE => &mut self.hashes_table,
            OTHER_VCPUS => &mut self.other_vcpus,
            SEV_METADATA => &mut self.sev_metadata,
            _ => return Ok(()),
        };
        let address = data.first_chunk().ok_or(FirmwareError::EntryData)?;
        *place = Some(u32::from_le_bytes(*address)).filter(|address| *address != 0);
        Ok(())
    }
}

/// An entry whose GUID and length were read.
struct Entry<'a> {
    guid: Guid,
    length: u16,
    before: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The entry that ends where `bytes` do; `None` where not even its header fits.
    fn last(bytes: &'a [u8]) -> Option<Self> {
        let (bytes, guid) = bytes.split_last_chunk()?;
        let (before, length) = bytes.split_last_chunk()?;
        Some(Self { guid: Guid(*guid), length: u16::from_le_bytes(*length), before })
    }

    /// What precedes GUID and length; both count into the length.
    fn data(&self) -> Result<&'a [u8], FirmwareError> {
        let wrong = || FirmwareError::Entry(self.length);
        let length = usize::from(self.length).checked_sub(18).ok_or_else(wrong)?;
        let start = self.before.len().checked_sub(length).ok_or_else(wrong)?;
        self.before.get(start..).ok_or_else(wrong)
    }
}
