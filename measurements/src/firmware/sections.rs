//! The SEV metadata: the pages that the hypervisor must prepare before the guest runs.

use super::FirmwareError;
use crate::context::PAGE_BYTES;

/// Pages in all sections together: 1 GiB. OVMF asks for some hundred.
const MAX_PAGES: u64 = 1 << 18;
/// Bytes of an item.
const ITEM: usize = 12;

/// Pages that the firmware wants prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) kind: Kind,
    pub(crate) address: u64,
    pub(crate) pages: u64,
}

/// What a section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Memory that the firmware uses before it accepts any itself.
    Memory,
    /// The page of secrets.
    Secrets,
    /// The CPUID page.
    Cpuid,
    /// The calling area of a service module.
    ServiceModule,
    /// The page of kernel hashes.
    KernelHashes,
}

impl Kind {
    fn of(number: u32) -> Result<Self, FirmwareError> {
        Ok(match number {
            1 => Self::Memory,
            2 => Self::Secrets,
            3 => Self::Cpuid,
            4 => Self::ServiceModule,
            0x10 => Self::KernelHashes,
            other => return Err(FirmwareError::SectionKind(other)),
        })
    }

    /// Whether the hypervisor prepares exactly one page of it.
    const fn single(self) -> bool {
        matches!(self, Self::Secrets | Self::Cpuid | Self::KernelHashes)
    }
}

/// Reads the metadata that begin `from_end` bytes before the image's end.
pub(super) fn read(image: &[u8], from_end: u32) -> Result<Vec<Section>, FirmwareError> {
    let outside = || FirmwareError::MetadataPlace;
    let from_end = usize::try_from(from_end).map_err(|_| outside())?;
    let start = image.len().checked_sub(from_end).ok_or_else(outside)?;
    let mut words = Words(image.get(start..).ok_or_else(outside)?);
    if words.next()? != u32::from_le_bytes(*b"ASEV") {
        return Err(FirmwareError::MetadataSignature);
    }
    let (_length, version, count) = (words.next()?, words.next()?, words.next()?);
    if version != 1 {
        return Err(FirmwareError::MetadataVersion(version));
    }
    let count = usize::try_from(count).map_err(|_| outside())?;
    if count > words.0.len() / ITEM {
        return Err(outside());
    }
    let sections: Vec<Section> = (0..count).map(|_| words.section()).collect::<Result<_, _>>()?;
    let pages = sections.iter().map(|section| section.pages).sum();
    if pages > MAX_PAGES {
        return Err(FirmwareError::TooManyPages(pages));
    }
    Ok(sections)
}

/// The rest of the image from the metadata on, word by word.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next(&mut self) -> Result<u32, FirmwareError> {
        let (word, rest) = self.0.split_first_chunk().ok_or(FirmwareError::MetadataPlace)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*word))
    }

    fn section(&mut self) -> Result<Section, FirmwareError> {
        let (address, length, kind) = (self.next()?, self.next()?, Kind::of(self.next()?)?);
        let (start, bytes) = (u64::from(address), u64::from(length));
        let whole = start.is_multiple_of(PAGE_BYTES)
            && bytes.is_multiple_of(PAGE_BYTES)
            && start + bytes <= super::END;
        if !whole || kind.single() && bytes != PAGE_BYTES {
            return Err(FirmwareError::SectionPages { address, length });
        }
        Ok(Section { kind, address: start, pages: bytes / PAGE_BYTES })
    }
}
