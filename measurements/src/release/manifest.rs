//! The manifest's text, and what it may say.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shroud_attestation::Product;
use shroud_attestation::platform::TcbBounds;
use shroud_attestation::report::GuestPolicy;

use super::ReleaseError;
use crate::{Hex, LaunchDigest};

/// What the member `form` says.
pub const FORM: &str = "shroud/v1/release";

/// What a release is made of. Nothing about it is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORM`].
    pub form: String,
    /// The release's version.
    pub version: String,
    /// The git commit that the files were built from.
    pub commit: Hex<20>,
    /// OVMF.
    pub firmware: FirmwareFile,
    /// The kernel.
    pub kernel: File,
    /// The initrd, with the enclave in it.
    pub initrd: File,
    /// The kernel's command line.
    pub append: String,
    /// The guest's memory.
    pub memory_mib: u32,
    /// `SEV_FEATURES`.
    pub guest_features: u64,
    /// What the release asks of the platform.
    #[serde(default)]
    pub minimum_tcb: BTreeMap<Product, TcbBounds>,
    /// What may be launched.
    pub launches: Vec<LaunchEntry>,
}

/// A file beside the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name, without a folder.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: Hex<32>,
}

/// The firmware beside the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirmwareFile {
    /// Its name, without a folder.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: Hex<32>,
    /// The digest after its pages.
    pub pages: LaunchDigest,
}

/// One way in which the guest may be launched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchEntry {
    /// How many vCPUs.
    pub vcpus: u32,
    /// Which, by QEMU's name.
    pub vcpu_type: String,
    /// The guest policy.
    pub policy: NumberInHex,
    /// What such a guest measures.
    pub measurement: LaunchDigest,
    /// The ID block.
    #[serde(with = "base64_text")]
    pub id_block: Vec<u8>,
    /// Its authentication.
    #[serde(with = "base64_text")]
    pub id_auth: Vec<u8>,
}

/// A number that is written as `0x` with hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberInHex(pub u64);

impl Manifest {
    /// Reads a text that nobody has signed yet, or that was signed elsewhere.
    ///
    /// # Errors
    /// [`ReleaseError::Json`], `Form`, `FileName`, `Control`, `Memory`, `Launches` and `Policy`.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let manifest: Self = serde_json::from_str(text)?;
        manifest.sound()
    }

    /// The text that operators sign.
    ///
    /// # Errors
    /// Never with values of these types; what `serde_json` reports.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }

    /// Which launches there are, for messages.
    pub(super) fn published(&self) -> String {
        let each = self.launches.iter().map(|launch| format!("{} of {}", launch.vcpus, launch.vcpu_type));
        each.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn sound(self) -> Result<Self, ReleaseError> {
        if self.form != FORM {
            return Err(ReleaseError::Form(self.form));
        }
        for name in [&self.firmware.file, &self.kernel.file, &self.initrd.file] {
            file_name(name)?;
        }
        for text in [&self.append, &self.version] {
            if text.chars().any(char::is_control) {
                return Err(ReleaseError::Control(text.clone()));
            }
        }
        if !(256..=1 << 20).contains(&self.memory_mib) {
            return Err(ReleaseError::Memory(self.memory_mib));
        }
        let distinct: BTreeSet<_> =
            self.launches.iter().map(|launch| (launch.vcpus, &launch.vcpu_type)).collect();
        if distinct.is_empty() || distinct.len() != self.launches.len() {
            return Err(ReleaseError::Launches);
        }
        self.launches.iter().try_for_each(|launch| policy(launch.policy.0))?;
        Ok(self)
    }
}

/// A plain name: QEMU's options give commas a meaning, and shells much else.
fn file_name(name: &str) -> Result<(), ReleaseError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+~".contains(&byte);
    if name.is_empty() || name.starts_with(['.', '-']) || !name.bytes().all(plain) {
        return Err(ReleaseError::FileName(name.to_owned()));
    }
    Ok(())
}

/// Refuses what no release may allow.
fn policy(policy: u64) -> Result<(), ReleaseError> {
    let bits = GuestPolicy(policy);
    let reason = if bits.debug_allowed() {
        "it allows debugging"
    } else if bits.migration_agent_allowed() {
        "it allows a migration agent"
    } else if !bits.reserved_one() {
        "bit 17 must be one"
    } else if policy & GuestPolicy::RESERVED != 0 {
        "reserved bits must be zero"
    } else {
        return Ok(());
    };
    Err(ReleaseError::Policy { policy, reason })
}

impl Serialize for NumberInHex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}

impl<'de> Deserialize<'de> for NumberInHex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("expected 0x and hexadecimal, found {text:?}")))
    }
}

/// Bytes as standard base64.
mod base64_text {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
