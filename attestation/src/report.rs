//! The attestation report: its fields, read from raw bytes (AMD 56860, `ATTESTATION_REPORT`, versions 2 to 5).
//!
//! Reading is separate from judging: [`Report::read`] takes fields from any bytes long enough to hold them, so that a
//! refused report can still be shown, and [`Report::parse`] accepts canonical reports only. Signatures are verified
//! over the bytes as received; nothing here is encoded again.

mod bits;
pub(crate) mod canonical;
mod show;
mod signature;
mod tcb;

pub use bits::{GuestPolicy, KeyInfo, PlatformInfo, SigningKey};
pub use canonical::NonCanonical;
pub(crate) use signature::Signature;
pub use tcb::{Tcb, TcbBytes};

use crate::Product;

/// The length of a report in bytes.
pub const LENGTH: usize = 0x4a0;
/// How many of them the signature covers.
pub const SIGNED: usize = 0x2a0;

/// A firmware version: major, minor, build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirmwareVersion {
    /// `MAJOR`.
    pub major: u8,
    /// `MINOR`.
    pub minor: u8,
    /// `BUILD`.
    pub build: u8,
}

/// The processor, as reports name it from version 3 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpuid {
    /// Combined extended and base family.
    pub family: u8,
    /// Combined extended and base model.
    pub model: u8,
    /// Stepping.
    pub stepping: u8,
}

/// The mitigation vectors that reports carry from version 5 on: one bit per mitigation, numbered by AMD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mitigations {
    /// In force when the guest was launched.
    pub launch: u64,
    /// In force now.
    pub current: u64,
}

/// A report's fields. Holding one proves nothing: see [`crate::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// `VERSION`.
    pub version: u32,
    /// `GUEST_SVN`, from the ID block.
    pub guest_svn: u32,
    /// `POLICY`, what the guest was launched with.
    pub policy: GuestPolicy,
    /// `FAMILY_ID`, from the ID block.
    pub family_id: [u8; 16],
    /// `IMAGE_ID`, from the ID block.
    pub image_id: [u8; 16],
    /// `VMPL` that asked; `0xffffffff` where the host asked.
    pub vmpl: u32,
    /// `SIGNATURE_ALGO`; 1 is ECDSA P-384 with SHA-384.
    pub signature_algorithm: u32,
    /// `CURRENT_TCB`.
    pub current_tcb: TcbBytes,
    /// `PLATFORM_INFO`.
    pub platform_info: PlatformInfo,
    /// Which key signed, and what else the word at 48h says.
    pub key_info: KeyInfo,
    /// `REPORT_DATA`, chosen by the guest.
    pub report_data: [u8; 64],
    /// `MEASUREMENT`, the launch digest.
    pub measurement: [u8; 48],
    /// `HOST_DATA`, chosen by the host at launch.
    pub host_data: [u8; 32],
    /// `ID_KEY_DIGEST`.
    pub id_key_digest: [u8; 48],
    /// `AUTHOR_KEY_DIGEST`.
    pub author_key_digest: [u8; 48],
    /// `REPORT_ID` of this guest.
    pub report_id: [u8; 32],
    /// `REPORT_ID_MA` of its migration agent.
    pub report_id_ma: [u8; 32],
    /// `REPORTED_TCB`, which the VEK is derived for.
    pub reported_tcb: TcbBytes,
    /// `CPUID_FAM_ID`, `CPUID_MOD_ID`, `CPUID_STEP`; from version 3 on.
    pub cpuid: Option<Cpuid>,
    /// `CHIP_ID`.
    pub chip_id: [u8; 64],
    /// `COMMITTED_TCB`, below which the firmware cannot be rolled back.
    pub committed_tcb: TcbBytes,
    /// `CURRENT_MAJOR`, `CURRENT_MINOR`, `CURRENT_BUILD`.
    pub current_version: FirmwareVersion,
    /// `COMMITTED_MAJOR`, `COMMITTED_MINOR`, `COMMITTED_BUILD`.
    pub committed_version: FirmwareVersion,
    /// `LAUNCH_TCB`, in force when the guest was launched or imported.
    pub launch_tcb: TcbBytes,
    /// `LAUNCH_MIT_VECTOR` and `CURRENT_MIT_VECTOR`; from version 5 on.
    pub mitigations: Option<Mitigations>,
}

impl Report {
    /// Takes a canonical report apart.
    ///
    /// # Errors
    /// Every way in which the bytes differ from a canonical report, in the order of their offsets.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<NonCanonical>> {
        let problems = canonical::problems(bytes);
        match Self::read(bytes) {
            Some(report) if problems.is_empty() => Ok(report),
            _ => Err(problems),
        }
    }

    /// Takes the fields from bytes that hold at least the signed region; `None` from fewer.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (signed, _) = bytes.split_first_chunk::<SIGNED>()?;
        let at = Fields(signed);
        let version = at.u32(0x00);
        Some(Self {
            version,
            guest_svn: at.u32(0x04),
            policy: GuestPolicy(at.u64(0x08)),
            family_id: at.bytes(0x10),
            image_id: at.bytes(0x20),
            vmpl: at.u32(0x30),
            signature_algorithm: at.u32(0x34),
            current_tcb: TcbBytes(at.bytes(0x38)),
            platform_info: PlatformInfo(at.u64(0x40)),
            key_info: KeyInfo(at.u32(0x48)),
            report_data: at.bytes(0x50),
            measurement: at.bytes(0x90),
            host_data: at.bytes(0xc0),
            id_key_digest: at.bytes(0xe0),
            author_key_digest: at.bytes(0x110),
            report_id: at.bytes(0x140),
            report_id_ma: at.bytes(0x160),
            reported_tcb: TcbBytes(at.bytes(0x180)),
            cpuid: (version >= 3).then(|| at.cpuid()),
            chip_id: at.bytes(0x1a0),
            committed_tcb: TcbBytes(at.bytes(0x1e0)),
            current_version: at.firmware(0x1e8),
            committed_version: at.firmware(0x1ec),
            launch_tcb: TcbBytes(at.bytes(0x1f0)),
            mitigations: (version >= 5).then(|| at.mitigations()),
        })
    }

    /// CPUID, in the versions that are known to carry it there.
    pub(crate) fn known_cpuid(&self) -> Option<Cpuid> {
        self.cpuid.filter(|_| (3..=5).contains(&self.version))
    }

    /// The product that CPUID names; `None` below version 3 and for processors and versions that are not known.
    #[must_use]
    pub fn product(&self) -> Option<Product> {
        self.known_cpuid().and_then(|cpuid| Product::from_cpuid(cpuid.family, cpuid.model))
    }
}

/// The signed region, with fields at fixed offsets inside it.
struct Fields<'a>(&'a [u8; SIGNED]);

impl Fields<'_> {
    /// `N` bytes at a constant offset of the layout; every one of them lies inside the region.
    fn bytes<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.0.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.bytes(offset))
    }

    fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.bytes(offset))
    }

    fn cpuid(&self) -> Cpuid {
        let [family, model, stepping] = self.bytes(0x188);
        Cpuid { family, model, stepping }
    }

    fn firmware(&self, offset: usize) -> FirmwareVersion {
        let [build, minor, major] = self.bytes(offset);
        FirmwareVersion { major, minor, build }
    }

    fn mitigations(&self) -> Mitigations {
        Mitigations { launch: self.u64(0x1f8), current: self.u64(0x200) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1300)) {
            prop_assert!(Report::parse(&bytes).is_err());
            prop_assert_eq!(Report::read(&bytes).is_some(), bytes.len() >= SIGNED);
        }
    }
}
