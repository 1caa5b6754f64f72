//! Golden launch digests: the shared ones where they are, and the project's own, which PyPI `sev-snp-measure` computed
//! (`tests/vectors/generate.py`).

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;
use shroud_measurements::{Firmware, KernelHashes, Launch, LaunchDigest, Signature, Vmm};

/// The folder of the shared vectors; where it is absent, the tests that need it say so and do nothing.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let vectors = env::var_os("SHROUD_VECTORS").map_or_else(beside, PathBuf::from);
    if vectors.join("snp").join(folder).is_dir() {
        return Some(vectors.join("snp").join(folder));
    }
    eprintln!("LEFT OUT: no shared vectors at {}; set SHROUD_VECTORS", vectors.display());
    None
}

/// The cases of a folder.
pub(crate) fn cases(folder: &Path) -> Vec<Value> {
    let file: Value = serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    file["cases"].as_array().unwrap().clone()
}

/// Measures every case of mode `snp`, and says how many there were.
fn measure_all(folder: &Path) -> usize {
    let cases: Vec<Value> = cases(folder).into_iter().filter(|case| case["mode"] == "snp").collect();
    for case in &cases {
        let expected: LaunchDigest = case["expected_launch_digest"].as_str().unwrap().parse().unwrap();
        assert_eq!(measured(folder, case), expected, "{}", case["id"]);
    }
    println!("{}: {} launch digests right", folder.display(), cases.len());
    cases.len()
}

fn measured(folder: &Path, case: &Value) -> LaunchDigest {
    let file = |name: &str| match case[name].as_str() {
        None | Some("empty") => Vec::new(),
        Some(file) => fs::read(folder.join(file)).unwrap(),
    };
    let ovmf = file("ovmf");
    let kernel = case["kernel"].as_str().map(|_| {
        let append = case["append"].as_str().unwrap_or_default();
        KernelHashes::new(&file("kernel"), &file("initrd"), append).unwrap()
    });
    let launch = Launch {
        firmware: &Firmware::parse(&ovmf).unwrap(),
        firmware_digest: case["ovmf_hash"].as_str().map(|hash| hash.parse().unwrap()),
        kernel: kernel.as_ref(),
        vcpus: u32::try_from(case["vcpus"].as_u64().unwrap()).unwrap(),
        vmm: vmm(case),
        guest_features: case["guest_features"].as_u64().unwrap(),
    };
    launch.digest().unwrap()
}

fn vmm(case: &Value) -> Vmm {
    let number = |number: u64| Signature(u32::try_from(number).unwrap());
    let signature = || {
        let by_type = case["vcpu_type"].as_str().map(|name| Signature::of_type(name).unwrap());
        by_type.unwrap_or_else(|| number(case["vcpu_sig"].as_u64().unwrap()))
    };
    match case["vmm_type"].as_str().unwrap() {
        "ec2" => Vmm::Ec2,
        "gce" => Vmm::Gce,
        "qemu" => Vmm::Qemu(signature()),
        other => panic!("unknown VMM {other}"),
    }
}

#[test]
fn shared_launch_digests_are_right() {
    let Some(folder) = shared("launch") else { return };
    assert!(measure_all(&folder) >= 14);
}

#[test]
fn own_launch_digests_are_right() {
    assert_eq!(measure_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")), 22);
}
