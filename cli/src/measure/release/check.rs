//! `shroud measure release check`: for customers who rebuilt the files, and for `scripts/launch-snp.sh`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use shroud_attestation::reference::Operators;
use shroud_measurements::Release;
use shroud_measurements::release::{Artifacts, Expected};

use crate::measure::failure::{Failure, read};

/// Check signatures, files, measurements and ID blocks.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The signed manifest.
    #[arg(value_name = "FILE")]
    pub manifest: PathBuf,
    /// Who must have signed: `{"threshold": k, "keys": [{"name": …, "ed25519": hex}]}`.
    #[arg(long, value_name = "FILE")]
    pub operators: PathBuf,
    /// Where the files are; the manifest's own folder unless given.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Check the launch with that many vCPUs alone, and print everything that it needs.
    #[arg(long, value_name = "N", requires = "vcpu_type")]
    pub vcpus: Option<u32>,
    /// And of that type.
    #[arg(long, value_name = "NAME", requires = "vcpus")]
    pub vcpu_type: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<String, Failure> {
    let release = Release::open(&read(&arguments.manifest)?, &operators(&arguments.operators)?)?;
    let folder = arguments.folder.as_deref().or(arguments.manifest.parent()).unwrap_or(Path::new("."));
    let manifest = release.manifest();
    let paths =
        [&manifest.firmware.file, &manifest.kernel.file, &manifest.initrd.file].map(|name| folder.join(name));
    let [firmware, kernel, initrd] = &paths;
    let (firmware, kernel, initrd) = (read(firmware)?, read(kernel)?, read(initrd)?);
    let artifacts = Artifacts { firmware: &firmware, kernel: &kernel, initrd: &initrd };
    match (arguments.vcpus, &arguments.vcpu_type) {
        (Some(vcpus), Some(vcpu_type)) => {
            Ok(launch(&release, &paths, &release.expect(vcpus, vcpu_type, &artifacts)?))
        }
        _ => Ok(table(&release, &release.check(&artifacts)?)),
    }
}

fn operators(path: &Path) -> Result<Operators, Failure> {
    serde_json::from_slice(&read(path)?)
        .map_err(|error| Failure::Operators(path.display().to_string(), error))
}

/// One `name=value` a line. No value holds a line's end: the manifest refuses control characters.
fn launch(release: &Release, paths: &[PathBuf; 3], expected: &Expected<'_>) -> String {
    let manifest = release.manifest();
    let [firmware, kernel, initrd] = paths;
    let entry = expected.entry();
    let lines = [
        ("version", manifest.version.clone()),
        ("commit", manifest.commit.to_string()),
        ("firmware", firmware.display().to_string()),
        ("kernel", kernel.display().to_string()),
        ("initrd", initrd.display().to_string()),
        ("append", manifest.append.clone()),
        ("memory_mib", manifest.memory_mib.to_string()),
        ("policy", format!("{:#x}", entry.policy.0)),
        ("measurement", entry.measurement.to_string()),
        ("id_block", BASE64_STANDARD.encode(&entry.id_block)),
        ("id_auth", BASE64_STANDARD.encode(&entry.id_auth)),
        ("id_key_digest", expected.id_block().id_key_digest().to_string()),
        ("author_key_digest", expected.id_block().author_key_digest().to_string()),
    ];
    lines.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

fn table(release: &Release, launches: &[Expected<'_>]) -> String {
    let manifest = release.manifest();
    let mut text =
        format!("release {} of commit {}: signatures and files hold\n", manifest.version, manifest.commit);
    for expected in launches {
        let entry = expected.entry();
        let _ = writeln!(
            text,
            "{:>3} × {:14} policy {:#09x} measures {}",
            entry.vcpus, entry.vcpu_type, entry.policy.0, entry.measurement
        );
    }
    text
}
