//! A release is what its operators signed, made of exactly these files.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use shroud_attestation::reference::{Operator, Operators, signature_line};
use shroud_attestation::{PlatformPolicy, ReferenceError};
use shroud_measurements::release::{Abi, Artifacts, Build, Guest, Manifest, NumberInHex, ReleaseError};
use shroud_measurements::{Hex, LaunchError, Release};
use shroud_wire::note::Note;

use crate::id_block::key;
use crate::image::{Image, KERNEL_HASHES};

type Change = fn(&mut Files);

struct Files {
    firmware: Vec<u8>,
    kernel: Vec<u8>,
    initrd: Vec<u8>,
}

impl Files {
    fn new() -> Self {
        Self { firmware: Image::default().bytes(), kernel: b"kernel".to_vec(), initrd: b"initrd".to_vec() }
    }

    fn artifacts(&self) -> Artifacts<'_> {
        Artifacts { firmware: &self.firmware, kernel: &self.kernel, initrd: &self.initrd }
    }
}

fn make(files: &Files, vcpu_types: &[&str]) -> Result<Manifest, ReleaseError> {
    let build = Build {
        version: "1.2.3".to_owned(),
        commit: Hex([9; 20]),
        files: ["OVMF.fd", "vmlinuz", "initrd"].map(str::to_owned),
        append: "console=ttyS0".to_owned(),
        memory_mib: 1024,
        demands: PlatformPolicy::default(),
    };
    let vcpu_types = vcpu_types.iter().map(|name| (*name).to_owned()).collect();
    let guest = Guest { vcpus: vec![1, 2], vcpu_types, abi: Abi::DEFAULT, smt: true, guest_svn: 4 };
    Manifest::make(build, &guest, &files.artifacts(), &key(), &key())
}

fn manifest() -> Manifest {
    make(&Files::new(), &["EPYC-Genoa", "EPYC-Turin"]).unwrap()
}

fn operators(threshold: usize, seeds: &[u8]) -> Operators {
    let keys = seeds.iter().map(|seed| operator(*seed).1).collect();
    Operators { threshold: threshold.try_into().unwrap(), keys }
}

fn operator(seed: u8) -> (Ed25519KeyPair, Operator) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let ed25519 = pair.public_key().as_ref().try_into().unwrap();
    (pair, Operator { name: format!("operator-{seed}"), ed25519 })
}

fn note(text: &str, seeds: &[u8]) -> Vec<u8> {
    let line = |seed: &u8| {
        let (pair, operator) = operator(*seed);
        signature_line(&operator, pair.sign(text.as_bytes()).as_ref().try_into().unwrap())
    };
    Note { text: text.to_owned(), signatures: seeds.iter().map(line).collect() }.to_bytes()
}

fn open(manifest: &Manifest) -> Result<Release, ReleaseError> {
    Release::open(&note(&manifest.to_text().unwrap(), &[1]), &operators(1, &[1]))
}

#[test]
fn release_tells_what_each_launch_measures() {
    let (files, manifest) = (Files::new(), manifest());
    let release = open(&manifest).unwrap();
    assert_eq!(release.check(&files.artifacts()).unwrap().len(), 4);
    let expected = release.expect(2, "EPYC-Turin", &files.artifacts()).unwrap();
    assert_eq!(expected.entry(), &manifest.launches[3]);
    assert_eq!(expected.id_block().block().measurement, manifest.launches[3].measurement);
    assert_eq!(expected.entry().policy, NumberInHex(0x1c3_0137));
    assert_eq!(expected.id_block().block().guest_svn, 4);
}

#[test]
fn release_without_its_quorum_is_refused() {
    let text = manifest().to_text().unwrap();
    let open = |signers: &[u8]| Release::open(&note(&text, signers), &operators(2, &[1, 2, 3])).map(|_| ());
    for signers in [&[1][..], &[1, 1], &[1, 4]] {
        let refused = open(signers).unwrap_err();
        assert!(
            matches!(refused, ReleaseError::Signed(ReferenceError::Quorum { signed: 1, .. })),
            "{refused}"
        );
    }
    open(&[3, 1]).unwrap();
}

#[test]
fn release_that_was_changed_after_signing_is_refused() {
    let text = manifest().to_text().unwrap();
    let signed = String::from_utf8(note(&text, &[1])).unwrap();
    let changed = signed.replacen("1.2.3", "1.2.4", 1);
    let refused = Release::open(changed.as_bytes(), &operators(1, &[1])).unwrap_err();
    assert!(matches!(refused, ReleaseError::Signed(ReferenceError::Signature(_))), "{refused}");
}

/// Reference values that the same operators signed are no manifest.
#[test]
fn text_of_another_form_is_refused() {
    let other = Manifest { form: "shroud/v2/release".to_owned(), ..manifest() };
    assert!(matches!(open(&other).unwrap_err(), ReleaseError::Form(form) if form == "shroud/v2/release"));
    let refused = Release::open(&note("{\"version\":1}\n", &[1]), &operators(1, &[1])).unwrap_err();
    assert!(matches!(refused, ReleaseError::Json(_)), "{refused}");
}

#[test]
fn file_outside_the_manifests_folder_is_refused() {
    for name in ["", "../kernel", "/kernel", "a/b", "-kernel", ".kernel", "kernel,file=x", "a b"] {
        let mut manifest = manifest();
        manifest.kernel.file = name.to_owned();
        assert!(matches!(open(&manifest).unwrap_err(), ReleaseError::FileName(found) if found == name));
    }
}

#[test]
fn control_characters_are_refused() {
    let manifest = Manifest { append: "quiet\nmeasurement=00".to_owned(), ..manifest() };
    assert!(matches!(open(&manifest).unwrap_err(), ReleaseError::Control(_)));
}

#[test]
fn memory_out_of_range_is_refused() {
    for memory_mib in [0, 255, (1 << 20) + 1] {
        let manifest = Manifest { memory_mib, ..manifest() };
        assert!(matches!(open(&manifest).unwrap_err(), ReleaseError::Memory(found) if found == memory_mib));
    }
}

#[test]
fn launches_must_be_distinct_and_not_none() {
    let mut twice = manifest();
    twice.launches.push(twice.launches[0].clone());
    for manifest in [twice, Manifest { launches: Vec::new(), ..manifest() }] {
        assert!(matches!(open(&manifest).unwrap_err(), ReleaseError::Launches));
    }
}

#[test]
fn policy_that_bares_the_guest_is_refused() {
    for (policy, why) in [
        (0xcb_0137, "it allows debugging"),
        (0xc7_0137, "it allows a migration agent"),
        (0xc1_0137, "bit 17 must be one"),
        (0x800_0000_00c3_0137, "reserved bits must be zero"),
    ] {
        let mut manifest = manifest();
        manifest.launches[0].policy = NumberInHex(policy);
        assert!(matches!(open(&manifest).unwrap_err(), ReleaseError::Policy { reason, .. } if reason == why));
    }
}

#[test]
fn changed_file_is_named() {
    let changes: [(&str, Change); 3] = [
        ("OVMF.fd", |files| files.firmware[0] ^= 1),
        ("vmlinuz", |files| files.kernel[0] ^= 1),
        ("initrd", |files| files.initrd[0] ^= 1),
    ];
    let release = open(&manifest()).unwrap();
    for (name, change) in changes {
        let mut files = Files::new();
        change(&mut files);
        let refused = release.check(&files.artifacts()).unwrap_err();
        assert!(matches!(&refused, ReleaseError::Changed { file, .. } if file == name), "{refused}");
    }
}

#[test]
fn pages_that_differ_from_the_firmware_are_refused() {
    let mut manifest = manifest();
    manifest.firmware.pages = Hex([0; 48]);
    let refused = open(&manifest).unwrap().check(&Files::new().artifacts()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, ReleaseError::Pages { .. }), "{refused}");
}

#[test]
fn changed_command_line_measures_otherwise() {
    let manifest = Manifest { append: "console=ttyS1".to_owned(), ..manifest() };
    let refused = open(&manifest).unwrap().check(&Files::new().artifacts()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, ReleaseError::Measurement { .. }), "{refused}");
}

#[test]
fn id_block_of_another_launch_is_refused() {
    let mut other_measurement = manifest();
    other_measurement.launches[0].id_block = other_measurement.launches[1].id_block.clone();
    other_measurement.launches[0].id_auth = other_measurement.launches[1].id_auth.clone();
    let mut other_policy = manifest();
    other_policy.launches[0].policy = NumberInHex(0xc2_0137);
    for (manifest, differs) in [(other_measurement, "measurement"), (other_policy, "policy")] {
        let release = open(&manifest).unwrap();
        let refused = release.expect(1, "EPYC-Genoa", &Files::new().artifacts()).map(|_| ()).unwrap_err();
        assert!(matches!(refused, ReleaseError::OtherIdBlock { field, .. } if field == differs), "{refused}");
    }
}

#[test]
fn id_block_with_a_wrong_signature_is_refused() {
    let mut manifest = manifest();
    manifest.launches[0].id_auth[0x40] ^= 1;
    let refused = open(&manifest).unwrap().check(&Files::new().artifacts()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, ReleaseError::IdBlock(_)), "{refused}");
}

#[test]
fn launch_that_was_not_published_is_refused() {
    let release = open(&manifest()).unwrap();
    for (vcpus, vcpu_type) in [(3, "EPYC-Genoa"), (1, "EPYC-Milan"), (1, "EPYC-Genoa-v1")] {
        let refused = release.expect(vcpus, vcpu_type, &Files::new().artifacts()).map(|_| ()).unwrap_err();
        assert!(matches!(refused, ReleaseError::NotPublished { .. }), "{refused}");
    }
}

#[test]
fn processor_without_snp_is_not_released() {
    for vcpu_type in ["EPYC", "EPYC-Rome"] {
        let refused = make(&Files::new(), &[vcpu_type]).unwrap_err();
        assert!(matches!(&refused, ReleaseError::NotSnp(found) if found == vcpu_type), "{refused}");
    }
    assert!(matches!(make(&Files::new(), &["EPYC-X"]).unwrap_err(), ReleaseError::Vcpu(_)));
}

#[test]
fn firmware_that_would_boot_any_kernel_is_not_released() {
    let mut image = Image::default();
    image.sections.retain(|(_, _, kind)| *kind != KERNEL_HASHES);
    let files = Files { firmware: image.bytes(), ..Files::new() };
    let refused = make(&files, &["EPYC-Genoa"]).unwrap_err();
    assert!(matches!(refused, ReleaseError::Launch(LaunchError::NoKernelHashes)), "{refused}");
}
