//! Whether files are those that were published, and measure what was published.

use aws_lc_rs::digest::{SHA256, digest};

use super::{LaunchEntry, Manifest, Release, ReleaseError};
use crate::firmware::Firmware;
use crate::id_block::SignedIdBlock;
use crate::kernel::KernelHashes;
use crate::launch::{Launch, Vmm};
use crate::vcpu::Signature;
use crate::{Hex, LaunchDigest};

/// The bytes of a release's files.
#[derive(Clone, Copy, Debug)]
pub struct Artifacts<'a> {
    /// The firmware, whole.
    pub firmware: &'a [u8],
    /// The kernel.
    pub kernel: &'a [u8],
    /// The initrd.
    pub initrd: &'a [u8],
}

/// A launch whose files were checked, whose measurement was computed from them, and whose ID block allows it.
#[derive(Debug)]
pub struct Expected<'a> {
    entry: &'a LaunchEntry,
    id_block: SignedIdBlock,
}

impl Release {
    /// Checks every file and every launch.
    ///
    /// # Errors
    /// What is not as published: every [`ReleaseError`] but those of [`Release::open`].
    pub fn check(&self, artifacts: &Artifacts<'_>) -> Result<Vec<Expected<'_>>, ReleaseError> {
        let Self(manifest) = self;
        let measured = Measured::new(manifest, artifacts)?;
        manifest.launches.iter().map(|entry| measured.expect(entry)).collect()
    }

    /// Checks every file, and the one launch with that many vCPUs of that type.
    ///
    /// # Errors
    /// [`ReleaseError::NotPublished`], and those of [`Release::check`].
    pub fn expect(
        &self,
        vcpus: u32,
        vcpu_type: &str,
        artifacts: &Artifacts<'_>,
    ) -> Result<Expected<'_>, ReleaseError> {
        let Self(manifest) = self;
        let entry =
            manifest.launches.iter().find(|entry| entry.vcpus == vcpus && entry.vcpu_type == vcpu_type);
        let unknown = || ReleaseError::NotPublished {
            vcpus,
            vcpu_type: vcpu_type.to_owned(),
            published: manifest.published(),
        };
        let entry = entry.ok_or_else(unknown)?;
        Measured::new(manifest, artifacts)?.expect(entry)
    }
}

impl Expected<'_> {
    /// The launch as published.
    #[must_use]
    pub const fn entry(&self) -> &LaunchEntry {
        self.entry
    }

    /// Its ID block, both signatures verified.
    #[must_use]
    pub const fn id_block(&self) -> &SignedIdBlock {
        &self.id_block
    }
}

/// Files that are those of the manifest.
pub(super) struct Measured<'a> {
    firmware: Firmware<'a>,
    kernel: KernelHashes,
    guest_features: u64,
}

impl<'a> Measured<'a> {
    fn new(manifest: &Manifest, artifacts: &Artifacts<'a>) -> Result<Self, ReleaseError> {
        let files = [
            (&manifest.firmware.file, manifest.firmware.sha256, artifacts.firmware),
            (&manifest.kernel.file, manifest.kernel.sha256, artifacts.kernel),
            (&manifest.initrd.file, manifest.initrd.sha256, artifacts.initrd),
        ];
        for (file, expected, bytes) in files {
            let found = sha256(bytes);
            if found != expected {
                return Err(ReleaseError::Changed { file: file.clone(), expected, found });
            }
        }
        let measured = Self::of(artifacts, &manifest.append, manifest.guest_features)?;
        let (expected, found) = (manifest.firmware.pages, measured.pages());
        if found != expected {
            return Err(ReleaseError::Pages { expected, found });
        }
        Ok(measured)
    }

    /// Whatever files these are.
    pub(super) fn of(
        artifacts: &Artifacts<'a>,
        append: &str,
        guest_features: u64,
    ) -> Result<Self, ReleaseError> {
        Ok(Self {
            firmware: Firmware::parse(artifacts.firmware)?,
            kernel: KernelHashes::new(artifacts.kernel, artifacts.initrd, append)?,
            guest_features,
        })
    }

    /// The digest after the firmware's pages.
    pub(super) fn pages(&self) -> LaunchDigest {
        self.firmware.digest()
    }

    /// What they measure.
    pub(super) fn digest(&self, vcpus: u32, vcpu_type: &str) -> Result<LaunchDigest, ReleaseError> {
        let launch = Launch {
            firmware: &self.firmware,
            firmware_digest: None,
            kernel: Some(&self.kernel),
            vcpus,
            vmm: Vmm::Qemu(Signature::of_type(vcpu_type)?),
            guest_features: self.guest_features,
        };
        Ok(launch.digest()?)
    }

    fn expect<'m>(&self, entry: &'m LaunchEntry) -> Result<Expected<'m>, ReleaseError> {
        let (vcpus, vcpu_type) = (entry.vcpus, entry.vcpu_type.clone());
        let (expected, found) = (entry.measurement, self.digest(vcpus, &vcpu_type)?);
        if found != expected {
            let (expected, found) = (Box::new(expected), Box::new(found));
            return Err(ReleaseError::Measurement { vcpus, vcpu_type, expected, found });
        }
        let id_block = SignedIdBlock::parse(&entry.id_block, &entry.id_auth)?;
        let other = |field| ReleaseError::OtherIdBlock { vcpus, vcpu_type: vcpu_type.clone(), field };
        if id_block.block().measurement != found {
            return Err(other("measurement"));
        }
        if id_block.block().policy != entry.policy.0 {
            return Err(other("policy"));
        }
        Ok(Expected { entry, id_block })
    }
}

pub(super) fn sha256(bytes: &[u8]) -> Hex<32> {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    Hex(hash)
}
