//! `shroud measure release make`.

use std::path::{Path, PathBuf};

use clap::Args;
use shroud_measurements::Hex;
use shroud_measurements::release::{Abi, Artifacts, Build, Guest, Manifest, ReleaseError};

use crate::measure::failure::{Failure, read};
use crate::measure::id_block::key;

/// Measure files and print their manifest, unsigned.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The release's version.
    #[arg(long, value_name = "TEXT")]
    pub version: String,
    /// The git commit that the files were built from.
    #[arg(long, value_name = "HEX")]
    pub commit: Hex<20>,
    /// The firmware, whole: OVMF built as AmdSev.
    #[arg(long, value_name = "FILE")]
    pub ovmf: PathBuf,
    /// The kernel.
    #[arg(long, value_name = "FILE")]
    pub kernel: PathBuf,
    /// The initrd.
    #[arg(long, value_name = "FILE")]
    pub initrd: PathBuf,
    /// The kernel's command line.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub append: String,
    /// The guest's memory.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub memory_mib: u32,
    /// How many vCPUs; each count is measured with each type.
    #[arg(long, value_name = "N", value_delimiter = ',', required = true)]
    pub vcpus: Vec<u32>,
    /// Which vCPUs, by QEMU's names.
    #[arg(long, value_name = "NAME", value_delimiter = ',', required = true)]
    pub vcpu_type: Vec<String>,
    /// The key that signs ID blocks: P-384, PEM, not encrypted.
    #[arg(long, value_name = "FILE")]
    pub id_key: PathBuf,
    /// The key that signs the ID key: P-384, PEM, not encrypted.
    #[arg(long, value_name = "FILE")]
    pub author_key: PathBuf,
    /// What is demanded of the platform, as `shroud tcb plan` reads it; the guest policies follow it.
    #[arg(long, value_name = "FILE")]
    pub platform: Option<PathBuf>,
    /// The lowest version of the SNP firmware's ABI.
    #[arg(long, value_name = "MAJOR.MINOR", default_value_t = Abi::DEFAULT)]
    pub abi: Abi,
    /// Refuse hosts with SMT.
    #[arg(long)]
    pub no_smt: bool,
    /// The guest's security version.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub guest_svn: u32,
}

pub(super) fn run(arguments: &Arguments) -> Result<String, Failure> {
    let [firmware, kernel, initrd] = [&arguments.ovmf, &arguments.kernel, &arguments.initrd];
    let (firmware_bytes, kernel_bytes, initrd_bytes) = (read(firmware)?, read(kernel)?, read(initrd)?);
    let artifacts = Artifacts { firmware: &firmware_bytes, kernel: &kernel_bytes, initrd: &initrd_bytes };
    let platform = arguments.platform.as_deref().map(crate::tcb::platform_policy).transpose();
    let build = Build {
        version: arguments.version.clone(),
        commit: arguments.commit,
        files: [name(firmware), name(kernel), name(initrd)],
        append: arguments.append.clone(),
        memory_mib: arguments.memory_mib,
        demands: platform.map_err(Failure::Platform)?.unwrap_or_default(),
    };
    let guest = Guest {
        vcpus: arguments.vcpus.clone(),
        vcpu_types: arguments.vcpu_type.clone(),
        abi: arguments.abi,
        smt: !arguments.no_smt,
        guest_svn: arguments.guest_svn,
    };
    let keys = [key(&arguments.id_key)?, key(&arguments.author_key)?];
    let [id_key, author_key] = &keys;
    let manifest = Manifest::make(build, &guest, &artifacts, id_key, author_key)?;
    Ok(manifest.to_text().map_err(ReleaseError::Json)?)
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
