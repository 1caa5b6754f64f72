//! `shroud measure snp` and `shroud measure firmware`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use shroud_measurements::{Firmware, GUEST_FEATURES, KernelHashes, Launch, LaunchDigest, Signature, Vmm};

use super::failure::{Failure, read};

/// Compute the launch digest of an SEV-SNP guest.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The firmware: OVMF. With `--ovmf-hash`, its last pages suffice.
    #[arg(long, value_name = "FILE")]
    pub ovmf: PathBuf,
    /// The digest of the whole firmware's pages, if the file is not whole; see `shroud measure firmware`.
    #[arg(long, value_name = "HEX")]
    pub ovmf_hash: Option<LaunchDigest>,
    /// The kernel, where QEMU boots one directly with `kernel-hashes=on`.
    #[arg(long, value_name = "FILE")]
    pub kernel: Option<PathBuf>,
    /// The initrd; none is the empty one.
    #[arg(long, value_name = "FILE", requires = "kernel")]
    pub initrd: Option<PathBuf>,
    /// The kernel's command line; none is the empty one.
    #[arg(long, value_name = "TEXT", requires = "kernel", default_value = "", hide_default_value = true)]
    pub append: String,
    /// How many vCPUs.
    #[arg(long, value_name = "N")]
    pub vcpus: u32,
    /// QEMU's name of the vCPU: EPYC-Genoa, EPYC-Turin-v1.
    #[arg(long, value_name = "NAME", value_parser = Signature::of_type, conflicts_with = "vcpu_sig")]
    pub vcpu_type: Option<Signature>,
    /// The vCPU's signature (CPUID 1, EAX), decimal or with 0x.
    #[arg(long, value_name = "NUMBER")]
    pub vcpu_sig: Option<Signature>,
    /// The hypervisor. Only QEMU's vCPUs tell their type.
    #[arg(long, value_enum, default_value_t = Hypervisor::Qemu)]
    pub vmm_type: Hypervisor,
    /// SEV_FEATURES of the guest, in hexadecimal.
    #[arg(long, value_name = "HEX", value_parser = hexadecimal, default_value_t = GUEST_FEATURES)]
    pub guest_features: u64,
    /// Print everything that was measured, as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Compute the digest of a firmware's pages alone.
#[derive(Debug, Args)]
pub struct FirmwareArguments {
    /// The firmware, whole.
    #[arg(long, value_name = "FILE")]
    pub ovmf: PathBuf,
}

/// Who launches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hypervisor {
    /// QEMU with KVM.
    Qemu,
    /// Amazon EC2.
    Ec2,
    /// Google Compute Engine.
    Gce,
}

pub(super) fn run(arguments: &Arguments) -> Result<String, Failure> {
    let image = read(&arguments.ovmf)?;
    let firmware = parse(&arguments.ovmf, &image)?;
    let kernel = kernel(arguments)?;
    let launch = Launch {
        firmware: &firmware,
        firmware_digest: arguments.ovmf_hash,
        kernel: kernel.as_ref(),
        vcpus: arguments.vcpus,
        vmm: vmm(arguments)?,
        guest_features: arguments.guest_features,
    };
    let measurement = launch.digest()?;
    Ok(if arguments.json { shown(&launch, measurement) } else { format!("{measurement}\n") })
}

pub(super) fn firmware(arguments: &FirmwareArguments) -> Result<String, Failure> {
    let image = read(&arguments.ovmf)?;
    Ok(format!("{}\n", parse(&arguments.ovmf, &image)?.digest()))
}

fn parse<'a>(path: &Path, image: &'a [u8]) -> Result<Firmware<'a>, Failure> {
    Firmware::parse(image).map_err(|error| Failure::Firmware(path.display().to_string(), error))
}

fn kernel(arguments: &Arguments) -> Result<Option<KernelHashes>, Failure> {
    let Some(kernel) = &arguments.kernel else { return Ok(None) };
    let initrd = arguments.initrd.as_deref().map(read).transpose()?.unwrap_or_default();
    Ok(Some(KernelHashes::new(&read(kernel)?, &initrd, &arguments.append)?))
}

fn vmm(arguments: &Arguments) -> Result<Vmm, Failure> {
    Ok(match arguments.vmm_type {
        Hypervisor::Qemu => Vmm::Qemu(arguments.vcpu_type.or(arguments.vcpu_sig).ok_or(Failure::NoVcpu)?),
        Hypervisor::Ec2 => Vmm::Ec2,
        Hypervisor::Gce => Vmm::Gce,
    })
}

fn shown(launch: &Launch<'_>, measurement: LaunchDigest) -> String {
    let (vmm, signature) = match launch.vmm {
        Vmm::Qemu(signature) => ("qemu", Some(signature.0)),
        Vmm::Ec2 => ("ec2", None),
        Vmm::Gce => ("gce", None),
    };
    let shown = json!({
        "measurement": measurement,
        "firmware_digest": launch.firmware_digest.unwrap_or_else(|| launch.firmware.digest()),
        "kernel_hashes": launch.kernel.is_some(),
        "vcpus": launch.vcpus,
        "vmm": vmm,
        "vcpu_signature": signature,
        "guest_features": launch.guest_features,
    });
    format!("{shown}\n")
}

/// With `0x` or without.
pub(super) fn hexadecimal(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16)
        .map_err(|_| "expected a number of 64 bits in hexadecimal".to_owned())
}
