//! The registers with which a vCPU begins (AMD 24593 volume 2, table B-4), as each hypervisor sets them.
//!
//! The first vCPU begins at the reset vector, every other one where OVMF's reset block says.

use crate::context::PAGE;
use crate::launch::Vmm;

/// Where the first vCPU begins.
pub(crate) const RESET_VECTOR: u32 = 0xffff_fff0;

/// Where the registers lie in the page.
mod offset {
    pub(super) const ES: usize = 0x00;
    pub(super) const CS: usize = 0x10;
    pub(super) const SS: usize = 0x20;
    pub(super) const DS: usize = 0x30;
    pub(super) const FS: usize = 0x40;
    pub(super) const GS: usize = 0x50;
    pub(super) const GDTR: usize = 0x60;
    pub(super) const LDTR: usize = 0x70;
    pub(super) const IDTR: usize = 0x80;
    pub(super) const TR: usize = 0x90;
    pub(super) const EFER: usize = 0xd0;
    pub(super) const CR4: usize = 0x148;
    pub(super) const CR0: usize = 0x158;
    pub(super) const DR7: usize = 0x160;
    pub(super) const DR6: usize = 0x168;
    pub(super) const RFLAGS: usize = 0x170;
    pub(super) const RIP: usize = 0x178;
    pub(super) const PAT: usize = 0x268;
    pub(super) const RDX: usize = 0x310;
    pub(super) const SEV_FEATURES: usize = 0x3b0;
    pub(super) const XCR0: usize = 0x3e8;
    pub(super) const MXCSR: usize = 0x408;
    pub(super) const X87_CONTROL: usize = 0x410;
}

/// What hypervisors set differently.
struct Reset {
    cs: u16,
    ss: u16,
    tr: u16,
    pat: u64,
    rdx: u64,
    mxcsr: u32,
    x87_control: u16,
}

/// PAT after reset.
const DEFAULT_PAT: u64 = 0x0007_0406_0007_0406;
/// PAT as Google's hypervisor sets it.
const GCE_PAT: u64 = 0x0007_0106;
/// RDX of hypervisors that do not give the vCPU's signature.
const ANY_FAMILY_6: u64 = 0x600;

impl Reset {
    fn of(vmm: Vmm, start: u32) -> Self {
        let cloud = Self {
            cs: 0x9b,
            ss: 0x93,
            tr: 0x8b,
            pat: DEFAULT_PAT,
            rdx: ANY_FAMILY_6,
            mxcsr: 0,
            x87_control: 0,
        };
        match vmm {
            Vmm::Qemu(signature) => {
                Self { rdx: u64::from(signature.0), mxcsr: 0x1f80, x87_control: 0x37f, ..cloud }
            }
            Vmm::Ec2 => {
                Self { cs: if start == RESET_VECTOR { 0x9a } else { 0x9b }, ss: 0x92, tr: 0x83, ..cloud }
            }
            Vmm::Gce => Self { pat: GCE_PAT, ..cloud },
        }
    }
}

/// The page of a vCPU that begins at `start`.
pub(crate) fn page(vmm: Vmm, start: u32, guest_features: u64) -> [u8; PAGE] {
    let reset = Reset::of(vmm, start);
    let mut page = Page([0; PAGE]);
    page.segments(&reset, start);
    page.put(offset::EFER, 0x1000_u64.to_le_bytes());
    page.put(offset::CR4, 0x40_u64.to_le_bytes());
    page.put(offset::CR0, 0x10_u64.to_le_bytes());
    page.put(offset::DR7, 0x400_u64.to_le_bytes());
    page.put(offset::DR6, 0xffff_0ff0_u64.to_le_bytes());
    page.put(offset::RFLAGS, 2_u64.to_le_bytes());
    page.put(offset::RIP, u64::from(start & 0xffff).to_le_bytes());
    page.put(offset::PAT, reset.pat.to_le_bytes());
    page.put(offset::RDX, reset.rdx.to_le_bytes());
    page.put(offset::SEV_FEATURES, guest_features.to_le_bytes());
    page.put(offset::XCR0, 1_u64.to_le_bytes());
    page.put(offset::MXCSR, reset.mxcsr.to_le_bytes());
    page.put(offset::X87_CONTROL, reset.x87_control.to_le_bytes());
    page.0
}

struct Page([u8; PAGE]);

impl Page {
    fn segments(&mut self, reset: &Reset, start: u32) {
        for data in [offset::ES, offset::DS, offset::FS, offset::GS] {
            self.segment(data, 0, 0x93, 0);
        }
        self.segment(offset::CS, 0xf000, reset.cs, start & 0xffff_0000);
        self.segment(offset::SS, 0, reset.ss, 0);
        self.segment(offset::GDTR, 0, 0, 0);
        self.segment(offset::LDTR, 0, 0x82, 0);
        self.segment(offset::IDTR, 0, 0, 0);
        self.segment(offset::TR, 0, reset.tr, 0);
    }

    /// Selector, attributes, limit (always 64 KiB), base.
    fn segment(&mut self, at: usize, selector: u16, attributes: u16, base: u32) {
        self.put(at, selector.to_le_bytes());
        self.put(at + 2, attributes.to_le_bytes());
        self.put(at + 4, 0xffff_u32.to_le_bytes());
        self.put(at + 8, u64::from(base).to_le_bytes());
    }

    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        self.0[at..at + N].copy_from_slice(&bytes);
    }
}
