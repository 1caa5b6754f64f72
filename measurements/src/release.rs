//! The manifest of a release: which files make the guest, what it measures, and who says so.
//!
//! A C2SP signed note whose text is JSON, signed by k of n keys, as reference values are:
//!
//! ```text
//! {"form": "shroud/v1/release", "version": "0.1.0", "commit": hex20,
//!  "firmware": {"file": "OVMF.amdsev.fd", "sha256": hex32, "pages": hex48},
//!  "kernel": {"file": "vmlinuz", "sha256": hex32}, "initrd": {"file": "initrd", "sha256": hex32},
//!  "append": "…", "memory_mib": 1024, "guest_features": 1,
//!  "minimum_tcb": {"genoa": {"reported": {"snp": 23}}},
//!  "launches": [{"vcpus": 1, "vcpu_type": "EPYC-Genoa", "policy": "0x…", "measurement": hex48,
//!                "id_block": base64, "id_auth": base64}]}
//!
//! — operator-1 base64(key hash ‖ Ed25519 signature over the text)
//! ```
//!
//! | member | meaning |
//! |---|---|
//! | `commit` | the git commit that the files were built from |
//! | `file` | a name beside the manifest, without a folder |
//! | `pages` | the digest after the firmware's pages (`shroud measure firmware`) |
//! | `memory_mib` | the guest's memory; not measured |
//! | `guest_features` | `SEV_FEATURES` |
//! | `minimum_tcb` | what the release asks of the platform, as in a platform policy |
//! | `launches` | each count and type of vCPUs that may be launched, under the policy named |
//!
//! It trusts the operators that the caller names, never any that the file names.

mod check;
mod make;
mod manifest;
mod policy;

pub use check::{Artifacts, Expected};
pub use make::{Build, Guest};
pub use manifest::{FORM, File, FirmwareFile, LaunchEntry, Manifest, NumberInHex};
pub use policy::{Abi, AbiError, guest_policy};

use shroud_attestation::reference::Operators;
use shroud_attestation::{Product, ReferenceError};

use crate::firmware::FirmwareError;
use crate::id_block::IdBlockError;
use crate::kernel::KernelError;
use crate::launch::LaunchError;
use crate::vcpu::SignatureError;
use crate::{Hex, LaunchDigest};

/// A manifest that carries the quorum of the operators whom the caller named.
#[derive(Debug)]
pub struct Release(Manifest);

/// Why a release does not count, or its files are not its own.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Not a note that enough of the operators signed.
    #[error("the manifest is not signed as it must be: {0}")]
    Signed(#[from] ReferenceError),
    /// The text is not the JSON that is expected.
    #[error("the text is no manifest: {0}")]
    Json(#[from] serde_json::Error),
    /// A text of another form.
    #[error("a text of form {0:?}; expected {FORM:?}")]
    Form(String),
    /// A file's name that has a folder in it, or none.
    #[error("{0:?} is no file beside the manifest")]
    FileName(String),
    /// Text that would not pass through a command line unchanged.
    #[error("{0:?} holds control characters")]
    Control(String),
    /// A guest without memory, or with more than a manifest may ask for.
    #[error("{0} MiB of memory; expected 256 to 1048576")]
    Memory(u32),
    /// The same count and type of vCPUs stands twice, or none stands there.
    #[error("the launches are empty or hold one twice")]
    Launches,
    /// A policy under which the host could read the guest, or that the firmware refuses.
    #[error("policy {policy:#x}: {reason}")]
    Policy {
        /// The policy.
        policy: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file is not the one that was published.
    #[error("{file}: expected SHA-256 {expected}, found {found}")]
    Changed {
        /// Its name.
        file: String,
        /// What was published.
        expected: Hex<32>,
        /// What lies there.
        found: Hex<32>,
    },
    /// The digest of the firmware's pages is not the one that was published.
    #[error("the firmware's pages: expected {expected}, found {found}")]
    Pages {
        /// What was published.
        expected: LaunchDigest,
        /// What the file gives.
        found: LaunchDigest,
    },
    /// The files measure otherwise than was published.
    #[error("{vcpus} vCPUs of {vcpu_type}: expected the measurement {expected}, found {found}")]
    Measurement {
        /// How many.
        vcpus: u32,
        /// Which.
        vcpu_type: String,
        /// What was published.
        expected: Box<LaunchDigest>,
        /// What the files give.
        found: Box<LaunchDigest>,
    },
    /// The ID block allows another digest or policy than the launch that it stands by.
    #[error("the ID block of {vcpus} vCPUs of {vcpu_type} is for another {field}")]
    OtherIdBlock {
        /// How many.
        vcpus: u32,
        /// Which.
        vcpu_type: String,
        /// What differs.
        field: &'static str,
    },
    /// That count and type of vCPUs was not published.
    #[error("{vcpus} vCPUs of {vcpu_type} are not in this release; it has {published}")]
    NotPublished {
        /// How many.
        vcpus: u32,
        /// Which.
        vcpu_type: String,
        /// What is.
        published: String,
    },
    /// The processor cannot run SNP guests.
    #[error("{0} runs no SNP guests")]
    NotSnp(String),
    /// The ID block or its signatures.
    #[error(transparent)]
    IdBlock(#[from] IdBlockError),
    /// The firmware.
    #[error(transparent)]
    Firmware(#[from] FirmwareError),
    /// The launch.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The kernel's command line.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The vCPU's type.
    #[error(transparent)]
    Vcpu(#[from] SignatureError),
}

impl Release {
    /// Reads a manifest that carries the quorum of `operators`. What it says of files is not checked yet.
    ///
    /// # Errors
    /// [`ReleaseError::Signed`], and what [`Manifest::parse`] refuses.
    pub fn open(note: &[u8], operators: &Operators) -> Result<Self, ReleaseError> {
        Ok(Self(Manifest::parse(&operators.open(note)?)?))
    }

    /// What was signed.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.0
    }
}

/// The product that a vCPU type imitates; guests of one do not start on an older one.
fn product(vcpu_type: &str) -> Result<Product, ReleaseError> {
    let signature = crate::Signature::of_type(vcpu_type)?;
    let product = Product::from_cpuid(signature.family(), signature.model());
    product.ok_or_else(|| ReleaseError::NotSnp(vcpu_type.to_owned()))
}
