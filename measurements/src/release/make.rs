//! Making a manifest from files, with an ID block for each launch.

use shroud_attestation::PlatformPolicy;

use super::check::{Measured, sha256};
use super::{Abi, Artifacts, FORM, File, FirmwareFile, LaunchEntry, Manifest, NumberInHex, ReleaseError};
use super::{guest_policy, product};
use crate::Hex;
use crate::id_block::{IdBlock, IdKey};
use crate::launch::GUEST_FEATURES;

/// What is released, beside the files' bytes.
#[derive(Clone, Debug)]
pub struct Build {
    /// The release's version.
    pub version: String,
    /// The git commit that the files were built from.
    pub commit: Hex<20>,
    /// The names of firmware, kernel and initrd beside the manifest.
    pub files: [String; 3],
    /// The kernel's command line.
    pub append: String,
    /// The guest's memory.
    pub memory_mib: u32,
    /// What is demanded of the platform; the guest policies and the manifest's TCB bounds come from it.
    pub demands: PlatformPolicy,
}

/// What the guests of a release may be.
#[derive(Clone, Debug)]
pub struct Guest {
    /// How many vCPUs; each count with each type.
    pub vcpus: Vec<u32>,
    /// Which types, by QEMU's names.
    pub vcpu_types: Vec<String>,
    /// The lowest version of the firmware's ABI.
    pub abi: Abi,
    /// Whether sibling threads may run.
    pub smt: bool,
    /// The security version in the ID block.
    pub guest_svn: u32,
}

impl Manifest {
    /// Measures every launch and signs its ID block.
    ///
    /// # Errors
    /// Every [`ReleaseError`] of [`Manifest::parse`], and what cannot be measured or signed.
    pub fn make(
        build: Build,
        guest: &Guest,
        artifacts: &Artifacts<'_>,
        id_key: &IdKey,
        author_key: &IdKey,
    ) -> Result<Self, ReleaseError> {
        let measured = Measured::of(artifacts, &build.append, GUEST_FEATURES)?;
        let mut launches = Vec::new();
        for vcpu_type in &guest.vcpu_types {
            let policy = guest_policy(&build.demands, product(vcpu_type)?, guest.abi, guest.smt);
            for &vcpus in &guest.vcpus {
                let measurement = measured.digest(vcpus, vcpu_type)?;
                let block = IdBlock {
                    measurement,
                    family_id: *b"shroud/v1\0\0\0\0\0\0\0",
                    image_id: [0; 16],
                    guest_svn: guest.guest_svn,
                    policy,
                };
                launches.push(entry(vcpus, vcpu_type, block, [id_key, author_key])?);
            }
        }
        let [firmware, kernel, initrd] = build.files;
        let firmware =
            FirmwareFile { file: firmware, sha256: sha256(artifacts.firmware), pages: measured.pages() };
        Self {
            form: FORM.to_owned(),
            version: build.version,
            commit: build.commit,
            firmware,
            kernel: File { file: kernel, sha256: sha256(artifacts.kernel) },
            initrd: File { file: initrd, sha256: sha256(artifacts.initrd) },
            append: build.append,
            memory_mib: build.memory_mib,
            guest_features: GUEST_FEATURES,
            minimum_tcb: build.demands.minimum_tcb,
            launches,
        }
        .sound()
    }
}

fn entry(
    vcpus: u32,
    vcpu_type: &str,
    block: IdBlock,
    keys: [&IdKey; 2],
) -> Result<LaunchEntry, ReleaseError> {
    let [id_key, author_key] = keys;
    let signed = block.sign(id_key, author_key)?;
    Ok(LaunchEntry {
        vcpus,
        vcpu_type: vcpu_type.to_owned(),
        policy: NumberInHex(signed.block().policy),
        measurement: signed.block().measurement,
        id_block: signed.block().to_bytes().to_vec(),
        id_auth: signed.auth().to_vec(),
    })
}
