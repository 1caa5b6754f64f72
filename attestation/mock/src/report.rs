//! An attestation report, field by field, and its bytes (AMD 56860, ATTESTATION_REPORT).
//!
//! Every field is settable, so that a test can make any report that a hostile or mistaken platform could. What
//! [`crate::Platform::genuine`] fills in is what a Genoa machine with current firmware reports.

/// The bytes of a report: 672 signed ones and a signature of 512.
pub const REPORT: usize = 1184;
/// The signed part.
pub const SIGNED: usize = 0x2a0;

/// Every field of a report. Multi-byte integers are written little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportInput {
    /// VERSION: 3 or 5 on Genoa.
    pub version: u32,
    /// GUEST_SVN.
    pub guest_svn: u32,
    /// POLICY; bit 17 is always one on a real machine.
    pub policy: u64,
    /// FAMILY_ID.
    pub family_id: [u8; 16],
    /// IMAGE_ID.
    pub image_id: [u8; 16],
    /// VMPL of the asker.
    pub vmpl: u32,
    /// SIGNATURE_ALGO; 1 is ECDSA P-384 with SHA-384.
    pub signature_algorithm: u32,
    /// CURRENT_TCB: boot loader, TEE, four reserved bytes, SNP, microcode.
    pub current_tcb: [u8; 8],
    /// PLATFORM_INFO.
    pub platform_info: u64,
    /// AUTHOR_KEY_EN (bit 0), MASK_CHIP_KEY (bit 1), SIGNING_KEY (bits 2–4; 0 is VCEK, 1 is VLEK).
    pub key_info: u32,
    /// REPORT_DATA.
    pub report_data: [u8; 64],
    /// MEASUREMENT.
    pub measurement: [u8; 48],
    /// HOST_DATA.
    pub host_data: [u8; 32],
    /// ID_KEY_DIGEST.
    pub id_key_digest: [u8; 48],
    /// AUTHOR_KEY_DIGEST.
    pub author_key_digest: [u8; 48],
    /// REPORT_ID.
    pub report_id: [u8; 32],
    /// REPORT_ID_MA; all ones without a migration agent.
    pub report_id_ma: [u8; 32],
    /// REPORTED_TCB, which the endorsement key's certificate must name.
    pub reported_tcb: [u8; 8],
    /// CPUID family, model, stepping.
    pub cpuid: [u8; 3],
    /// CHIP_ID.
    pub chip_id: [u8; 64],
    /// COMMITTED_TCB.
    pub committed_tcb: [u8; 8],
    /// Firmware build, minor, major that runs.
    pub current_version: [u8; 3],
    /// Firmware build, minor, major that is committed.
    pub committed_version: [u8; 3],
    /// LAUNCH_TCB.
    pub launch_tcb: [u8; 8],
    /// LAUNCH_MIT_VECTOR; written from version 5 on.
    pub launch_mitigations: u64,
    /// CURRENT_MIT_VECTOR; written from version 5 on.
    pub current_mitigations: u64,
}

impl ReportInput {
    /// The signed bytes, reserved ones zero.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SIGNED] {
        let mut body = Body([0; SIGNED]);
        self.write_guest(&mut body);
        self.write_binding(&mut body);
        self.write_platform(&mut body);
        body.0
    }

    fn write_guest(&self, body: &mut Body) {
        body.put(0x00, &self.version.to_le_bytes());
        body.put(0x04, &self.guest_svn.to_le_bytes());
        body.put(0x08, &self.policy.to_le_bytes());
        body.put(0x10, &self.family_id);
        body.put(0x20, &self.image_id);
        body.put(0x30, &self.vmpl.to_le_bytes());
        body.put(0x34, &self.signature_algorithm.to_le_bytes());
        body.put(0x38, &self.current_tcb);
        body.put(0x40, &self.platform_info.to_le_bytes());
        body.put(0x48, &self.key_info.to_le_bytes());
    }

    fn write_binding(&self, body: &mut Body) {
        body.put(0x50, &self.report_data);
        body.put(0x90, &self.measurement);
        body.put(0xc0, &self.host_data);
        body.put(0xe0, &self.id_key_digest);
        body.put(0x110, &self.author_key_digest);
        body.put(0x140, &self.report_id);
        body.put(0x160, &self.report_id_ma);
    }

    fn write_platform(&self, body: &mut Body) {
        body.put(0x180, &self.reported_tcb);
        body.put(0x188, &self.cpuid);
        body.put(0x1a0, &self.chip_id);
        body.put(0x1e0, &self.committed_tcb);
        body.put(0x1e8, &self.current_version);
        body.put(0x1ec, &self.committed_version);
        body.put(0x1f0, &self.launch_tcb);
        if self.version >= 5 {
            body.put(0x1f8, &self.launch_mitigations.to_le_bytes());
            body.put(0x200, &self.current_mitigations.to_le_bytes());
        }
    }
}

struct Body([u8; SIGNED]);

impl Body {
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

/// A report's signature field: r and s little-endian in 72 bytes each, the rest zero.
///
/// `fixed` is `r ‖ s`, 48 big-endian bytes each.
pub(crate) fn signature_field(fixed: &[u8]) -> [u8; REPORT - SIGNED] {
    let mut field = [0; REPORT - SIGNED];
    let (r, s) = fixed.split_at(48);
    for (place, number) in [(0, r), (72, s)] {
        for (offset, byte) in number.iter().rev().enumerate() {
            field[place + offset] = *byte;
        }
    }
    field
}
