//! OVMF's own description of itself: the table of GUIDs that ends 32 bytes before the image, and the SEV metadata that
//! it points to (EDK2, `OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm` and `X64/OvmfSevMetadata.asm`).
//!
//! ```text
//! … entry data ‖ u16 length ‖ GUID | … | u16 table length ‖ footer GUID | 32 bytes of reset vector
//! metadata: "ASEV" ‖ u32 length ‖ u32 version 1 ‖ u32 n ‖ n × (u32 address, u32 length, u32 kind)
//! ```
//!
//! The bytes come from a vendor and are not trusted to be well-formed.

mod guid;
mod sections;
mod table;

use crate::context::{PAGE, PAGE_BYTES};

pub(crate) use guid::Guid;
pub(crate) use sections::{Kind, Section};
use table::Table;

/// The image ends where 32-bit addresses end.
const END: u64 = 1 << 32;

/// An image whose table and metadata were read.
#[derive(Debug)]
pub struct Firmware<'a> {
    image: &'a [u8],
    start: u64,
    sections: Vec<Section>,
    other_vcpus: Option<u32>,
    hashes_table: Option<u32>,
}

/// Why an image cannot be measured.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FirmwareError {
    /// Empty, not whole pages, or longer than 4 GiB.
    #[error("{0} bytes of firmware are not one or more whole pages below 4 GiB")]
    Length(usize),
    /// The image does not end with OVMF's table.
    #[error("no table of OVMF 32 bytes before the end: not OVMF for x86-64, or cut short")]
    NoTable,
    /// An entry of the table is shorter than its header or longer than the table.
    #[error("the table of OVMF holds an entry of {0} bytes")]
    Entry(u16),
    /// An entry of the table is too short to hold its address.
    #[error("the table of OVMF holds an entry without its address")]
    EntryData,
    /// The table names no SEV metadata: a build that cannot run SNP guests.
    #[error("the firmware has no SEV metadata: it cannot run SNP guests")]
    NoMetadata,
    /// The metadata's place is outside the image, or its items are.
    #[error("the SEV metadata do not lie inside the firmware")]
    MetadataPlace,
    /// The metadata do not begin with `ASEV`.
    #[error("the SEV metadata do not begin with ASEV")]
    MetadataSignature,
    /// Metadata of another version.
    #[error("SEV metadata of version {0}; expected 1")]
    MetadataVersion(u32),
    /// A section of a kind that is not known, so that it cannot be measured.
    #[error("SEV metadata name a section of unknown kind {0:#x}")]
    SectionKind(u32),
    /// A section that is not whole pages below 4 GiB, or a single page that is not one.
    #[error("the section at {address:#x} of {length} bytes is not made of whole pages that it may have")]
    SectionPages {
        /// Where it begins.
        address: u32,
        /// Its bytes.
        length: u32,
    },
    /// More pages in all sections than a launch may have.
    #[error("{0} pages in the sections of the firmware are too many")]
    TooManyPages(u64),
}

impl<'a> Firmware<'a> {
    /// Reads the image of a firmware, or its last pages: table and metadata lie at its end.
    ///
    /// # Errors
    /// Every [`FirmwareError`].
    pub fn parse(image: &'a [u8]) -> Result<Self, FirmwareError> {
        let wrong = || FirmwareError::Length(image.len());
        let length = u64::try_from(image.len()).map_err(|_| wrong())?;
        if image.is_empty() || !image.len().is_multiple_of(PAGE) {
            return Err(wrong());
        }
        let start = END.checked_sub(length).ok_or_else(wrong)?;
        let table = Table::read(image)?;
        let sections = sections::read(image, table.sev_metadata.ok_or(FirmwareError::NoMetadata)?)?;
        let (other_vcpus, hashes_table) = (table.other_vcpus, table.hashes_table);
        Ok(Self { image, start, sections, other_vcpus, hashes_table })
    }

    /// Whether this build can be told which kernel to accept.
    #[must_use]
    pub fn supports_kernel_hashes(&self) -> bool {
        self.hashes_offset().is_some()
    }

    /// The image's bytes.
    pub(crate) const fn image(&self) -> &[u8] {
        self.image
    }

    /// The address of the image's first byte.
    pub(crate) const fn start(&self) -> u64 {
        self.start
    }

    /// What the metadata ask for, in order.
    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Where every vCPU but the first begins.
    pub(crate) const fn other_vcpus(&self) -> Option<u32> {
        self.other_vcpus
    }

    /// Where in the page of kernel hashes the table belongs; `None` unless that page exists and holds the place.
    pub(crate) fn hashes_offset(&self) -> Option<usize> {
        let table = u64::from(self.hashes_table?);
        let (page, offset) = (table / PAGE_BYTES * PAGE_BYTES, table % PAGE_BYTES);
        let mut sections = self.sections.iter().filter(|section| section.kind == Kind::KernelHashes);
        sections.any(|section| section.address == page).then_some(())?;
        usize::try_from(offset).ok()
    }
}
