//! The running digest that the firmware keeps while a guest is launched (AMD 56860, `PAGE_INFO`).
//!
//! ```text
//! digest' = SHA-384(digest ‖ contents ‖ u16 112 ‖ u8 type ‖ u8 0 ‖ permissions of VMPL 3, 2, 1: 0 ‖ u8 0 ‖ u64 address)
//! ```

use aws_lc_rs::digest::{Context, SHA384};

use crate::LaunchDigest;

/// Bytes in a page.
pub(crate) const PAGE: usize = 4096;
/// The same, for addresses.
pub(crate) const PAGE_BYTES: u64 = 4096;

/// Where the firmware says that every VMSA lies: the highest page of a 52-bit address space.
const VMSA_ADDRESS: u64 = 0xffff_ffff_f000;
const PAGE_INFO_LENGTH: u16 = 0x70;
const NO_CONTENTS: [u8; 48] = [0; 48];

/// `PAGE_TYPE` of `SNP_LAUNCH_UPDATE`.
#[derive(Clone, Copy)]
#[repr(u8)]
enum PageType {
    Normal = 1,
    Vmsa = 2,
    Zero = 3,
    Unmeasured = 4,
    Secrets = 5,
    Cpuid = 6,
}

/// A launch under way.
pub(crate) struct LaunchContext([u8; 48]);

impl LaunchContext {
    /// Nothing was launched yet.
    pub(crate) const fn new() -> Self {
        Self([0; 48])
    }

    /// Goes on after pages whose digest is known.
    pub(crate) const fn after(digest: LaunchDigest) -> Self {
        Self(digest.0)
    }

    /// The digest of what was launched.
    pub(crate) const fn finish(self) -> LaunchDigest {
        crate::Hex(self.0)
    }

    /// Pages whose bytes count, from `address` on. A last page that is short is not expected.
    pub(crate) fn normal(&mut self, address: u64, bytes: &[u8]) {
        for (page, address) in bytes.chunks(PAGE).zip(addresses(address)) {
            self.update(PageType::Normal, address, &sha384(page));
        }
    }

    /// The initial registers of one vCPU.
    pub(crate) fn vmsa(&mut self, page: &[u8; PAGE]) {
        self.update(PageType::Vmsa, VMSA_ADDRESS, &sha384(page));
    }

    /// Pages that the firmware fills with zeros.
    pub(crate) fn zero(&mut self, address: u64, pages: u64) {
        self.each(PageType::Zero, address, pages);
    }

    /// Pages whose place counts and whose bytes do not.
    pub(crate) fn unmeasured(&mut self, address: u64, pages: u64) {
        self.each(PageType::Unmeasured, address, pages);
    }

    /// The page that the firmware fills with secrets.
    pub(crate) fn secrets(&mut self, address: u64) {
        self.each(PageType::Secrets, address, 1);
    }

    /// The page that the firmware checks as a CPUID table.
    pub(crate) fn cpuid(&mut self, address: u64) {
        self.each(PageType::Cpuid, address, 1);
    }

    fn each(&mut self, kind: PageType, address: u64, pages: u64) {
        for (_, address) in (0..pages).zip(addresses(address)) {
            self.update(kind, address, &NO_CONTENTS);
        }
    }

    fn update(&mut self, kind: PageType, address: u64, contents: &[u8; 48]) {
        let mut hash = Context::new(&SHA384);
        hash.update(&self.0);
        hash.update(contents);
        hash.update(&PAGE_INFO_LENGTH.to_le_bytes());
        hash.update(&[kind as u8, 0, 0, 0, 0, 0]);
        hash.update(&address.to_le_bytes());
        self.0.copy_from_slice(hash.finish().as_ref());
    }
}

/// The addresses of successive pages.
fn addresses(first: u64) -> impl Iterator<Item = u64> {
    core::iter::successors(Some(first), |address| address.checked_add(PAGE_BYTES))
}

fn sha384(bytes: &[u8]) -> [u8; 48] {
    let mut digest = [0; 48];
    digest.copy_from_slice(aws_lc_rs::digest::digest(&SHA384, bytes).as_ref());
    digest
}
