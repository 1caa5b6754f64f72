//! Firmware that cannot be measured is refused, each kind by its name.

use proptest::prelude::*;
use shroud_measurements::{Firmware, FirmwareError};

use crate::image::{CPUID, HASHES_GUID, Image, KERNEL_HASHES, MEMORY, METADATA, METADATA_GUID, SIZE};

fn refusal(image: &[u8]) -> FirmwareError {
    Firmware::parse(image).map(|_| ()).unwrap_err()
}

fn of_sections(sections: &[(u32, u32, u32)]) -> FirmwareError {
    refusal(&Image { sections: sections.to_vec(), ..Image::default() }.bytes())
}

#[test]
fn length_that_is_not_whole_pages_is_refused() {
    for length in [0, 1, 4095, SIZE + 1] {
        assert_eq!(refusal(&vec![0; length]), FirmwareError::Length(length));
    }
}

#[test]
fn image_without_a_table_is_refused() {
    assert_eq!(refusal(&[0; SIZE]), FirmwareError::NoTable);
    let image = Image { footer: HASHES_GUID, ..Image::default() };
    assert_eq!(refusal(&image.bytes()), FirmwareError::NoTable);
    assert_eq!(refusal(&Image::default().bytes()[..4096]), FirmwareError::NoTable);
}

#[test]
fn table_entry_longer_than_the_table_is_refused() {
    let mut image = Image::default().bytes();
    let length_of_last_entry = SIZE - 32 - 18 - 18;
    image[length_of_last_entry..length_of_last_entry + 2].copy_from_slice(&0x2000_u16.to_le_bytes());
    assert_eq!(refusal(&image), FirmwareError::Entry(0x2000));
}

#[test]
fn table_entry_shorter_than_its_header_is_refused() {
    for length in [0, 17] {
        let mut image = Image::default().bytes();
        let length_of_last_entry = SIZE - 32 - 18 - 18;
        image[length_of_last_entry..length_of_last_entry + 2].copy_from_slice(&u16::to_le_bytes(length));
        assert_eq!(refusal(&image), FirmwareError::Entry(length));
    }
}

#[test]
fn table_entry_without_its_address_is_refused() {
    assert_eq!(
        refusal(&Image::default().with(HASHES_GUID, Some(&[1, 2, 3])).bytes()),
        FirmwareError::EntryData
    );
}

#[test]
fn firmware_without_sev_metadata_is_refused() {
    assert_eq!(refusal(&Image::default().with(METADATA_GUID, None).bytes()), FirmwareError::NoMetadata);
    assert_eq!(
        refusal(&Image::default().with(METADATA_GUID, Some(&[0; 4])).bytes()),
        FirmwareError::NoMetadata
    );
}

#[test]
fn metadata_outside_the_image_are_refused() {
    for from_end in [15, u32::try_from(SIZE).unwrap() + 1, u32::MAX] {
        let image = Image::default().with(METADATA_GUID, Some(&from_end.to_le_bytes())).bytes();
        let found = refusal(&image);
        assert!(
            matches!(found, FirmwareError::MetadataPlace | FirmwareError::MetadataSignature),
            "{from_end}: {found}"
        );
    }
    for count in [METADATA, u32::MAX] {
        let image = Image { count: Some(count), ..Image::default() };
        assert_eq!(refusal(&image.bytes()), FirmwareError::MetadataPlace, "{count}");
    }
}

#[test]
fn metadata_with_another_signature_are_refused() {
    let image = Image { signature: *b"ASEW", ..Image::default() };
    assert_eq!(refusal(&image.bytes()), FirmwareError::MetadataSignature);
}

#[test]
fn metadata_of_another_version_are_refused() {
    let image = Image { version: 2, ..Image::default() };
    assert_eq!(refusal(&image.bytes()), FirmwareError::MetadataVersion(2));
}

#[test]
fn section_of_unknown_kind_is_refused() {
    assert_eq!(of_sections(&[(0x80_0000, 0x1000, 9)]), FirmwareError::SectionKind(9));
}

#[test]
fn section_that_is_not_whole_pages_is_refused() {
    for (address, length, kind) in [
        (0x80_0001, 0x1000, MEMORY),
        (0x80_0000, 0x1001, MEMORY),
        (0xffff_f000, 0x2000, MEMORY),
        (0x80_0000, 0x2000, CPUID),
        (0x80_0000, 0, KERNEL_HASHES),
    ] {
        assert_eq!(of_sections(&[(address, length, kind)]), FirmwareError::SectionPages { address, length });
    }
}

#[test]
fn sections_of_too_many_pages_are_refused() {
    let sections = [(0, 0x4000_0000, MEMORY), (0x4000_0000, 0x1000, MEMORY)];
    assert_eq!(of_sections(&sections), FirmwareError::TooManyPages(0x4_0001));
}

proptest! {
    /// Whatever is changed in the table or the metadata: an answer, never a panic.
    #[test]
    fn mutated_firmware_is_measured_or_refused(
        changes in prop::collection::vec((0_usize..0x700, any::<u8>()), 1..12),
    ) {
        let mut image = Image::default().bytes();
        for (from_end, byte) in changes {
            image[SIZE - 1 - from_end] = byte;
        }
        if let Ok(firmware) = Firmware::parse(&image) {
            prop_assert_ne!(firmware.digest().0, [0; 48]);
        }
    }
}
