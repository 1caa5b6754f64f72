//! The launch digest: what the security processor will report as `MEASUREMENT` if a hypervisor launches exactly this.
//!
//! ```text
//! firmware's pages ─► sections of its metadata, in order ─► a VMSA for each vCPU
//! ```

use crate::LaunchDigest;
use crate::context::LaunchContext;
use crate::firmware::{Firmware, Kind, Section};
use crate::kernel::KernelHashes;
use crate::vcpu::Signature;
use crate::vmsa;

/// `SEV_FEATURES` of a plain SNP guest: SNP active, nothing else.
pub const GUEST_FEATURES: u64 = 1;

/// The most vCPUs that are measured; KVM offers no more.
pub const MAX_VCPUS: u32 = 4096;

/// Who launches. It decides how vCPUs begin and which pages count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vmm {
    /// QEMU with KVM; its vCPUs tell their signature in RDX.
    Qemu(Signature),
    /// Amazon's hypervisor.
    Ec2,
    /// Google's hypervisor.
    Gce,
}

/// What is launched.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// The firmware, or its last pages if `firmware_digest` is given.
    pub firmware: &'a Firmware<'a>,
    /// The digest after the firmware's pages, where the firmware at hand is not whole.
    pub firmware_digest: Option<LaunchDigest>,
    /// What the firmware is told to accept, for direct kernel boot.
    pub kernel: Option<&'a KernelHashes>,
    /// How many vCPUs: 1 to [`MAX_VCPUS`].
    pub vcpus: u32,
    /// Who launches.
    pub vmm: Vmm,
    /// `SEV_FEATURES`; [`GUEST_FEATURES`] unless the VMM sets more.
    pub guest_features: u64,
}

/// Why there is no digest.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LaunchError {
    /// No vCPU, or more than there can be.
    #[error("{0} vCPUs; expected 1 to {MAX_VCPUS}")]
    Vcpus(u32),
    /// A kernel is given and the firmware has no place for its hash: it would not check what it boots.
    #[error(
        "the firmware has no place for kernel hashes: it would boot any kernel; use OVMF built as AmdSev"
    )]
    NoKernelHashes,
    /// The table of kernel hashes would run over the end of its page.
    #[error("the firmware's place for kernel hashes is too near to the end of its page")]
    KernelHashesPlace,
    /// There are several vCPUs and the firmware does not say where the others begin.
    #[error("the firmware does not say where vCPUs beyond the first begin")]
    NoOtherVcpus,
}

impl Launch<'_> {
    /// The digest.
    ///
    /// # Errors
    /// Every [`LaunchError`].
    pub fn digest(&self) -> Result<LaunchDigest, LaunchError> {
        if self.vcpus == 0 || self.vcpus > MAX_VCPUS {
            return Err(LaunchError::Vcpus(self.vcpus));
        }
        let mut context =
            LaunchContext::after(self.firmware_digest.unwrap_or_else(|| self.firmware.digest()));
        self.sections(&mut context)?;
        self.vcpus(&mut context)?;
        Ok(context.finish())
    }

    /// Amazon's hypervisor leaves the CPUID page for the end.
    fn sections(&self, context: &mut LaunchContext) -> Result<(), LaunchError> {
        let hashes = self.kernel.map(|kernel| self.hashes_page(kernel)).transpose()?;
        let last = |section: &Section| self.vmm == Vmm::Ec2 && section.kind == Kind::Cpuid;
        let sections = self.firmware.sections();
        for section in sections.iter().filter(|section| !last(section)) {
            self.section(context, section, hashes.as_ref());
        }
        for section in sections.iter().filter(|section| last(section)) {
            self.section(context, section, None);
        }
        Ok(())
    }

    fn section(&self, context: &mut LaunchContext, section: &Section, hashes: Option<&[u8; 4096]>) {
        let &Section { kind, address, pages } = section;
        match (kind, hashes) {
            (Kind::Memory, _) if self.vmm == Vmm::Gce => context.unmeasured(address, pages),
            (Kind::Secrets, _) => context.secrets(address),
            (Kind::Cpuid, _) => context.cpuid(address),
            (Kind::KernelHashes, Some(page)) => context.normal(address, page),
            (Kind::Memory | Kind::ServiceModule | Kind::KernelHashes, _) => context.zero(address, pages),
        }
    }

    fn hashes_page(&self, kernel: &KernelHashes) -> Result<[u8; 4096], LaunchError> {
        let offset = self.firmware.hashes_offset().ok_or(LaunchError::NoKernelHashes)?;
        kernel.page(offset).ok_or(LaunchError::KernelHashesPlace)
    }

    fn vcpus(&self, context: &mut LaunchContext) -> Result<(), LaunchError> {
        context.vmsa(&vmsa::page(self.vmm, vmsa::RESET_VECTOR, self.guest_features));
        if self.vcpus == 1 {
            return Ok(());
        }
        let start = self.firmware.other_vcpus().ok_or(LaunchError::NoOtherVcpus)?;
        let page = vmsa::page(self.vmm, start, self.guest_features);
        (1..self.vcpus).for_each(|_| context.vmsa(&page));
        Ok(())
    }
}

impl Firmware<'_> {
    /// The digest after the firmware's pages alone: what [`Launch::firmware_digest`] stands for.
    #[must_use]
    pub fn digest(&self) -> LaunchDigest {
        let mut context = LaunchContext::new();
        context.normal(self.start(), self.image());
        context.finish()
    }
}
