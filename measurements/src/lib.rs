//! What a guest measures before it has run: the SNP launch digest, the ID block over it, and the manifest of a release.
//!
//! ```text
//! firmware ─┐
//! kernel,   ├─► Launch ─► LaunchDigest ─► IdBlock ─► SignedIdBlock ─► Release, signed k of n
//! initrd,   │
//! append  ──┤
//! vCPUs   ──┘
//! ```
//!
//! Sans-IO: files, keys and notes go in as bytes. It trusts its caller for which files count.
//! It follows AMD 56860 (SNP firmware ABI: `SNP_LAUNCH_UPDATE`, `SNP_LAUNCH_FINISH`), AMD 24593 volume 2 table B-4
//! (VMSA), and OVMF's reset vector. The code is our own: crate `sev` pulls `rsa` or OpenSSL, which `deny.toml` bans,
//! and lacks the VMSA of Google's hypervisor.

mod context;
mod firmware;
mod hexadecimal;
pub mod id_block;
mod kernel;
mod launch;
pub mod release;
mod vcpu;
mod vmsa;

pub use firmware::{Firmware, FirmwareError};
pub use hexadecimal::{Hex, HexError};
pub use kernel::{KernelError, KernelHashes};
pub use launch::{GUEST_FEATURES, Launch, LaunchError, MAX_VCPUS, Vmm};
pub use release::Release;
pub use vcpu::{Signature, SignatureError};

/// A launch digest, as in the report's `MEASUREMENT`: 48 bytes.
pub type LaunchDigest = Hex<48>;
