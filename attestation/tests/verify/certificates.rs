//! Evidence inside TLS certificates.

use rcgen::{CertificateParams, CustomExtension, KeyPair, PublicKeyData as _, date_time_ymd};
use shroud_attestation::certificate::{CertificateError, EXTENSION_ARCS, encode_extension, read, verify};
use shroud_attestation::{Check, Evidence, purpose};

use crate::fixture::{Machine, NOW, refusals};

/// A self-signed certificate for `key` that carries `evidence`.
fn certificate(key: &KeyPair, evidence: Option<&Evidence>) -> Vec<u8> {
    let mut params = CertificateParams::new(vec!["shroud.invalid".into()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2027, 1, 1));
    params.custom_extensions.extend(
        evidence
            .map(|evidence| CustomExtension::from_oid_content(&EXTENSION_ARCS, encode_extension(evidence))),
    );
    params.self_signed(key).unwrap().der().to_vec()
}

fn evidence(machine: &Machine, key: &KeyPair) -> Evidence {
    let mut input = machine.genuine();
    input.report_data = *purpose::tls_certificate(&key.subject_public_key_info()).as_bytes();
    machine.platform.report(&input).unwrap()
}

#[test]
fn a_certificate_carries_its_evidence() {
    let (machine, key) = (Machine::new(), KeyPair::generate().unwrap());
    let evidence = evidence(&machine, &key);
    let der = certificate(&key, Some(&evidence));
    assert_eq!(read(&der).unwrap(), (evidence, key.subject_public_key_info()));
    assert_eq!(verify(&der, &machine.values(), NOW).unwrap().measurement(), &machine.launch.measurement);
}

/// Evidence made for one key is worth nothing in the certificate of another.
#[test]
fn reject_evidence_for_another_key() {
    let (machine, key) = (Machine::new(), KeyPair::generate().unwrap());
    let stolen = certificate(&KeyPair::generate().unwrap(), Some(&evidence(&machine, &key)));
    assert_eq!(refusals(verify(&stolen, &machine.values(), NOW)), [Check::ReportData]);
}

#[test]
fn reject_a_certificate_without_evidence() {
    let (machine, key) = (Machine::new(), KeyPair::generate().unwrap());
    let plain = certificate(&key, None);
    assert!(matches!(read(&plain), Err(CertificateError::Missing)));
    assert_eq!(refusals(verify(&plain, &machine.values(), NOW)), [Check::Format]);
    assert_eq!(refusals(verify(b"certificate", &machine.values(), NOW)), [Check::Format]);
}

#[test]
fn reject_a_certificate_out_of_its_dates() {
    let (machine, key) = (Machine::new(), KeyPair::generate().unwrap());
    let der = certificate(&key, Some(&evidence(&machine, &key)));
    for now in [NOW - 366 * 86_400, NOW + 366 * 86_400] {
        assert_eq!(refusals(verify(&der, &machine.values(), now)), [Check::Validity], "{now}");
    }
}
