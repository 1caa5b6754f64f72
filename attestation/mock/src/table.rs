//! The certificate table of an extended report (GHCB 4.1.5, MSG_REPORT_REQ extended).
//!
//! ```text
//! entry = GUID (16, in text order) ‖ offset u32le ‖ length u32le;  … entries, one zero entry, certificates
//! ```
//!
//! The host's table carries PEM, as the real one does.

const ENTRY: usize = 24;
/// 63da758d-e664-4564-adc5-f4b93be8accd.
const VCEK: u128 = 0x63da758d_e664_4564_adc5_f4b93be8accd;
/// 4ab7b379-bbac-4fe4-a02f-05aef327c782.
const ASK: u128 = 0x4ab7b379_bbac_4fe4_a02f_05aef327c782;
/// c0b406a4-a803-4952-9743-3fb6014cd0ae.
const ARK: u128 = 0xc0b406a4_a803_4952_9743_3fb6014cd0ae;

/// A table of three certificates, each as PEM text; `None` if they are beyond 4 GiB.
pub(crate) fn table(vcek: &str, ask: &str, ark: &str) -> Option<Vec<u8>> {
    let entries = [(VCEK, vcek), (ASK, ask), (ARK, ark)];
    let mut offset = u32::try_from(ENTRY * (entries.len() + 1)).ok()?;
    let mut header = Vec::with_capacity(ENTRY * (entries.len() + 1));
    let mut contents = Vec::new();
    for (guid, pem) in entries {
        let length = u32::try_from(pem.len()).ok()?;
        header.extend_from_slice(&guid.to_be_bytes());
        header.extend_from_slice(&offset.to_le_bytes());
        header.extend_from_slice(&length.to_le_bytes());
        contents.extend_from_slice(pem.as_bytes());
        offset = offset.checked_add(length)?;
    }
    header.extend_from_slice(&[0; ENTRY]);
    header.extend_from_slice(&contents);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_point_at_their_certificates() {
        let table = table("vcek", "ask!!", "ark").unwrap();
        assert_eq!(table[..16], hex::decode("63da758de6644564adc5f4b93be8accd").unwrap());
        assert_eq!(table[16..24], [96, 0, 0, 0, 4, 0, 0, 0]);
        assert_eq!(table[40..48], [100, 0, 0, 0, 5, 0, 0, 0]);
        assert_eq!(table[64..72], [105, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(table[72..96], [0; 24]);
        assert_eq!(&table[96..], b"vcekask!!ark");
    }
}
