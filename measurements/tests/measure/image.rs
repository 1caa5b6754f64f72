//! A firmware of the test's own, every part of which can be wrong.

/// Bytes of the image.
pub(crate) const SIZE: usize = 8192;
/// How many bytes before its end the metadata begin.
pub(crate) const METADATA: u32 = 0x600;

pub(crate) const MEMORY: u32 = 1;
pub(crate) const SECRETS: u32 = 2;
pub(crate) const CPUID: u32 = 3;
pub(crate) const KERNEL_HASHES: u32 = 0x10;

pub(crate) const FOOTER_GUID: [u8; 16] = *b"\xde\x82\xb5\x96\xb2\x1f\xf7\x45\xba\xea\xa3\x66\xc5\x5a\x08\x2d";
pub(crate) const HASHES_GUID: [u8; 16] = *b"\x1f\x37\x55\x72\x3b\x3a\x04\x4b\x92\x7b\x1d\xa6\xef\xa8\xd4\x54";
pub(crate) const VCPUS_GUID: [u8; 16] = *b"\xde\x71\xf7\x00\x7e\x1a\xcb\x4f\x89\x0e\x68\xc7\x7e\x2f\xb4\x4e";
pub(crate) const METADATA_GUID: [u8; 16] =
    *b"\x66\x65\x88\xdc\x4a\x98\x98\x47\xa7\x5e\x55\x85\xa7\xbf\x67\xcc";

/// What an image is made from.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) table: Vec<([u8; 16], Vec<u8>)>,
    pub(crate) footer: [u8; 16],
    pub(crate) signature: [u8; 4],
    pub(crate) version: u32,
    pub(crate) count: Option<u32>,
    pub(crate) sections: Vec<(u32, u32, u32)>,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            table: vec![
                (HASHES_GUID, 0x81_0c00_u32.to_le_bytes().to_vec()),
                (VCPUS_GUID, 0x80_b004_u32.to_le_bytes().to_vec()),
                (METADATA_GUID, METADATA.to_le_bytes().to_vec()),
            ],
            footer: FOOTER_GUID,
            signature: *b"ASEV",
            version: 1,
            count: None,
            sections: vec![
                (0x80_0000, 0x9000, MEMORY),
                (0x80_d000, 0x1000, SECRETS),
                (0x80_e000, 0x1000, CPUID),
                (0x81_0000, 0x1000, KERNEL_HASHES),
            ],
        }
    }
}

impl Image {
    /// With what follows a GUID in the table replaced; nothing takes the entry out.
    pub(crate) fn with(mut self, guid: [u8; 16], data: Option<&[u8]>) -> Self {
        self.table.retain(|(other, _)| *other != guid);
        self.table.extend(data.map(|data| (guid, data.to_vec())));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut image = vec![0x90; SIZE];
        let entries: Vec<u8> = self.table.iter().flat_map(|(guid, data)| entry(*guid, data, 0)).collect();
        let table = [entries.clone(), entry(self.footer, &[], entries.len())].concat();
        image[SIZE - 32 - table.len()..SIZE - 32].copy_from_slice(&table);
        let metadata = self.metadata();
        let start = SIZE - usize::try_from(METADATA).unwrap();
        image[start..start + metadata.len()].copy_from_slice(&metadata);
        image
    }

    fn metadata(&self) -> Vec<u8> {
        let length = u32::try_from(self.sections.len()).unwrap();
        let mut bytes = self.signature.to_vec();
        for word in [16 + 12 * length, self.version, self.count.unwrap_or(length)] {
            bytes.extend(word.to_le_bytes());
        }
        for (address, length, kind) in &self.sections {
            [address, length, kind].into_iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        }
        bytes
    }
}

/// Data, length, GUID; the footer's length counts the entries before it.
pub(crate) fn entry(guid: [u8; 16], data: &[u8], before: usize) -> Vec<u8> {
    let length = u16::try_from(data.len() + 18 + before).unwrap();
    [data, &length.to_le_bytes(), &guid].concat()
}
