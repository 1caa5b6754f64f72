//! The production verifier's judgement of what the platform makes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use shroud_attestation::reference::{Draft, Operator, Operators, Tuple, signature_line};
use shroud_attestation::verify::{Level, verify};
use shroud_attestation::{Check, PlatformPolicy, ReferenceValues, Rejected, VerifiedReport, purpose};
use shroud_attestation_mock::{Launch, Platform, ReportInput};
use shroud_wire::note::Note;

/// 2026-01-01.
const NOW: u64 = 1_767_225_600;

fn references(platform: &Platform, launch: &Launch, roots: Vec<String>) -> ReferenceValues {
    let key = Ed25519KeyPair::generate().unwrap();
    let ed25519 = key.public_key().as_ref().try_into().unwrap();
    let operator = Operator { name: "operator-1".into(), ed25519 };
    let tuple = Tuple {
        measurement: launch.measurement,
        host_data: launch.host_data,
        chips: vec![*platform.chip_id()],
    };
    let operators = Operators { threshold: 1.try_into().unwrap(), keys: vec![operator.clone()] };
    let platform = PlatformPolicy::default();
    let text = Draft { version: 1, operators, tuples: vec![tuple], roots, platform }.to_text().unwrap();
    let signature = key.sign(text.as_bytes()).as_ref().try_into().unwrap();
    let note = Note { signatures: vec![signature_line(&operator, &signature)], text };
    ReferenceValues::parse(&note.to_bytes()).unwrap()
}

fn judged(rooted: bool, bend: impl FnOnce(&mut ReportInput)) -> Result<VerifiedReport, Rejected> {
    let platform = Platform::for_tests("one").unwrap();
    let launch = Launch::of(b"program", b"configuration");
    let roots = if rooted { vec![platform.root_pem().to_owned()] } else { Vec::new() };
    let expected = purpose::session(&[1; 32]);
    let mut input = platform.genuine(&launch, expected.as_bytes());
    bend(&mut input);
    let evidence = platform.report(&input).unwrap();
    verify(&evidence, &expected, &references(&platform, &launch, roots), NOW)
}

#[test]
fn a_genuine_report_is_accepted_as_dev_and_no_more() {
    for version in [3, 5] {
        let verified = judged(true, |input| input.version = version).unwrap();
        assert_eq!(verified.level(), Level::Dev);
    }
}

#[test]
fn without_its_root_in_the_references_nothing_is_accepted() {
    assert!(judged(false, |_| {}).unwrap_err().names(Check::Chain));
}

#[test]
fn each_bent_field_is_found() {
    type Bend = fn(&mut ReportInput);
    let bent: [(Check, Bend); 9] = [
        (Check::Format, |input| input.version = 6),
        (Check::Measurement, |input| input.measurement[0] ^= 1),
        (Check::HostData, |input| input.host_data[0] ^= 1),
        (Check::ReportData, |input| input.report_data[0] ^= 1),
        (Check::Debug, |input| input.policy |= 1 << 19),
        (Check::Vmpl, |input| input.vmpl = 1),
        (Check::Tcb, |input| input.reported_tcb[7] -= 1),
        (Check::ChipId, |input| input.chip_id[0] ^= 1),
        (Check::KeyKind, |input| input.key_info = 1 << 2),
    ];
    for (check, bend) in bent {
        let rejected = judged(true, bend).unwrap_err();
        assert!(rejected.names(check), "{check}: {rejected}");
    }
}
