//! What the platform makes, judged by independent means: `x509-cert` reads the certificates, aws-lc's verifiers judge
//! the signatures from the raw bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, RSA_PSS_2048_8192_SHA384, UnparsedPublicKey};
use shroud_attestation_mock::report::{REPORT, SIGNED};
use shroud_attestation_mock::{Launch, Platform};
use x509_cert::Certificate;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode as _, DecodePem as _, Encode as _};

fn platform() -> Platform {
    Platform::for_tests("one").unwrap()
}

fn certificates(platform: &Platform) -> [Certificate; 3] {
    [platform.root_pem(), platform.ask_pem(), platform.vcek_pem()]
        .map(|pem| Certificate::from_pem(pem).unwrap())
}

fn public_key(certificate: &Certificate) -> &[u8] {
    certificate.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes()
}

fn signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    let body = certificate.tbs_certificate().to_der().unwrap();
    let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA384, public_key(issuer));
    key.verify(&body, certificate.signature().raw_bytes()).is_ok()
}

fn extension(certificate: &Certificate, oid: &str) -> Vec<u8> {
    let oid = ObjectIdentifier::new(oid).unwrap();
    let extensions = certificate.tbs_certificate().extensions().unwrap();
    extensions.iter().find(|e| e.extn_id == oid).unwrap().extn_value.as_bytes().to_vec()
}

/// r or s, from 72 little-endian bytes to 48 big-endian ones.
fn number(field: &[u8]) -> Vec<u8> {
    assert_eq!(field[48..], [0; 24]);
    field[..48].iter().rev().copied().collect()
}

fn verifies(report: &[u8], vcek: &Certificate) -> bool {
    let fixed = [number(&report[SIGNED..SIGNED + 72]), number(&report[SIGNED + 72..SIGNED + 144])].concat();
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, public_key(vcek))
        .verify(&report[..SIGNED], &fixed)
        .is_ok()
}

#[test]
fn the_chain_holds_link_by_link() {
    let [ark, ask, vcek] = certificates(&platform());
    assert!(signed_by(&ark, &ark) && signed_by(&ask, &ark) && signed_by(&vcek, &ask));
    assert!(!signed_by(&vcek, &ark), "the control: another key does not verify");
}

#[test]
fn certificates_read_back_to_the_same_bytes() {
    let platform = platform();
    for pem in [platform.root_pem(), platform.ask_pem(), platform.vcek_pem()] {
        let (_, der) = x509_cert::der::pem::decode_vec(pem.as_bytes()).unwrap();
        assert_eq!(Certificate::from_der(&der).unwrap().to_der().unwrap(), der);
    }
}

#[test]
fn names_are_in_the_shape_of_the_real_ones() {
    let [ark, ask, vcek] = certificates(&platform());
    let name = |certificate: &Certificate| certificate.tbs_certificate().subject().to_string();
    let rest = "O=Advanced Micro Devices,ST=CA,L=Santa Clara,C=US,OU=Engineering";
    assert_eq!(name(&ark), format!("CN=ARK-Genoa,{rest}"));
    assert_eq!(name(&ask), format!("CN=SEV-Genoa,{rest}"));
    assert_eq!(name(&vcek), format!("CN=SEV-VCEK,{rest}"));
}

#[test]
fn the_endorsement_key_names_chip_product_and_tcb() {
    let platform = platform();
    let [_, _, vcek] = certificates(&platform);
    assert_eq!(extension(&vcek, "1.3.6.1.4.1.3704.1.4"), platform.chip_id());
    assert_eq!(extension(&vcek, "1.3.6.1.4.1.3704.1.2"), b"\x16\x05Genoa");
    let reported = platform.genuine(&Launch::of(b"", b""), &[0; 64]).reported_tcb;
    for (suffix, level) in [(1, reported[0]), (2, reported[1]), (3, reported[6]), (8, reported[7])] {
        let value = extension(&vcek, &format!("1.3.6.1.4.1.3704.1.3.{suffix}"));
        assert_eq!(value, [2, 1, level], "level {suffix}");
    }
}

#[test]
fn a_genuine_report_is_canonical_and_signed() {
    let platform = platform();
    let [_, _, vcek] = certificates(&platform);
    for version in [3, 5] {
        let mut input = platform.genuine(&Launch::of(b"program", b"configuration"), &[9; 64]);
        input.version = version;
        let report = platform.report(&input).unwrap().report;
        assert_eq!(report.len(), REPORT);
        assert!(verifies(&report, &vcek));
        assert_eq!(report[0x50..0x90], [9; 64]);
        assert_eq!(report[0x4c..0x50], [0; 4]);
        assert_eq!(report[0x18b..0x1a0], [0; 21]);
        assert_eq!(report[0x208..SIGNED], [0; SIGNED - 0x208]);
        assert_eq!(report[SIGNED + 144..], [0; 368]);
        assert_eq!(report[0xa] & 2, 2, "the reserved policy bit");
        assert_eq!(report[0x1f8] == 0, version == 3, "mitigation vectors came with version 5");
    }
}

#[test]
fn a_bent_field_is_signed_as_it_is() {
    let platform = platform();
    let [_, _, vcek] = certificates(&platform);
    let mut input = platform.genuine(&Launch::of(b"program", b"configuration"), &[0; 64]);
    input.policy |= 1 << 19;
    input.vmpl = 2;
    input.chip_id = [3; 64];
    let report = platform.report(&input).unwrap().report;
    assert!(verifies(&report, &vcek));
    assert_eq!((report[0xa] & 8, report[0x30], report[0x1a0]), (8, 2, 3));
}

#[test]
fn the_same_folder_is_the_same_machine() {
    let (one, again, other) = (platform(), platform(), Platform::for_tests("other").unwrap());
    assert_eq!((one.chip_id(), one.root_pem()), (again.chip_id(), again.root_pem()));
    assert_ne!(one.chip_id(), other.chip_id());
    assert_ne!(one.root_pem(), other.root_pem());
}

#[test]
fn keys_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = platform().root_path().parent().unwrap().to_owned();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.join("vcek.key")), 0o600);
    assert_eq!(mode(&folder), 0o700);
}

#[test]
fn a_damaged_key_is_named() {
    let folder = platform().root_path().parent().unwrap().to_owned();
    let copy = std::env::temp_dir().join(format!("shroud-damaged-{}", std::process::id()));
    std::fs::create_dir_all(copy.join("platform")).unwrap();
    for entry in folder.read_dir().unwrap() {
        let from = entry.unwrap();
        std::fs::copy(from.path(), copy.join("platform").join(from.file_name())).unwrap();
    }
    std::fs::write(copy.join("platform/vcek.key"), b"no key").unwrap();
    let error = Platform::create_or_open(&copy).unwrap_err().to_string();
    std::fs::remove_dir_all(&copy).unwrap();
    assert!(error.contains("vcek.key is damaged"), "{error}");
}
