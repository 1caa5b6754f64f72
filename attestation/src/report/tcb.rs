//! The TCB version: eight bytes whose meaning depends on the product (AMD 56860, `TCB_VERSION`; 57230, SPL extensions).
//!
//! ```text
//! byte          0           1    2    3    4  5  6    7
//! Milan, Genoa  bootloader  TEE  -    -    -  -  SNP  microcode
//! Turin         FMC         boot TEE  SNP  -  -  -    microcode
//! ```

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::Product;

/// A TCB version as the report holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcbBytes(pub [u8; 8]);

/// A TCB version taken apart: the security patch level of each component. As a bound, what is left out is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tcb {
    /// First mutable code; Turin only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fmc: Option<u8>,
    /// The security processor's boot loader.
    pub bootloader: u8,
    /// The security processor's operating system.
    pub tee: u8,
    /// The SNP firmware.
    pub snp: u8,
    /// The lowest microcode of all cores.
    pub microcode: u8,
}

impl TcbBytes {
    /// Reads the bytes as `product` lays them out.
    #[must_use]
    pub const fn layout(self, product: Product) -> Tcb {
        let bytes = self.0;
        match product {
            Product::Milan | Product::Genoa => {
                let [bootloader, tee, _, _, _, _, snp, microcode] = bytes;
                Tcb { fmc: None, bootloader, tee, snp, microcode }
            }
            Product::Turin => {
                let [fmc, bootloader, tee, snp, _, _, _, microcode] = bytes;
                Tcb { fmc: Some(fmc), bootloader, tee, snp, microcode }
            }
        }
    }

    /// The bytes that `product` does not use; AMD keeps them zero.
    #[must_use]
    pub const fn reserved(self, product: Product) -> [u8; 4] {
        let bytes = self.0;
        match product {
            Product::Milan | Product::Genoa => {
                let [_, _, a, b, c, d, _, _] = bytes;
                [a, b, c, d]
            }
            Product::Turin => {
                let [_, _, _, _, a, b, c, _] = bytes;
                [a, b, c, 0]
            }
        }
    }
}

impl Tcb {
    /// Whether every component reaches `bound`.
    #[must_use]
    pub fn reaches(&self, bound: &Self) -> bool {
        self.fmc.unwrap_or(0) >= bound.fmc.unwrap_or(0)
            && self.bootloader >= bound.bootloader
            && self.tee >= bound.tee
            && self.snp >= bound.snp
            && self.microcode >= bound.microcode
    }
}

impl fmt::Display for Tcb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fmc) = self.fmc {
            write!(f, "fmc {fmc}, ")?;
        }
        let Self { bootloader, tee, snp, microcode, .. } = self;
        write!(f, "bootloader {bootloader}, tee {tee}, snp {snp}, microcode {microcode}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcb_layout_follows_the_product() {
        let bytes = TcbBytes([1, 2, 3, 4, 5, 6, 7, 8]);
        let milan = Tcb { fmc: None, bootloader: 1, tee: 2, snp: 7, microcode: 8 };
        let turin = Tcb { fmc: Some(1), bootloader: 2, tee: 3, snp: 4, microcode: 8 };
        assert_eq!(bytes.layout(Product::Milan), milan);
        assert_eq!(bytes.layout(Product::Genoa), milan);
        assert_eq!(bytes.layout(Product::Turin), turin);
        assert_eq!(bytes.reserved(Product::Genoa), [3, 4, 5, 6]);
        assert_eq!(bytes.reserved(Product::Turin), [5, 6, 7, 0]);
    }

    #[test]
    fn a_bound_is_reached_by_every_component() {
        let bound = Tcb { snp: 23, microcode: 84, ..Tcb::default() };
        let below = Tcb { bootloader: 9, snp: 200, microcode: 83, ..Tcb::default() };
        assert!(!below.reaches(&bound));
        assert!(Tcb { microcode: 84, ..below }.reaches(&bound));
    }
}
