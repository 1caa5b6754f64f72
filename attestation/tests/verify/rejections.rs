//! One rejection each: a single thing is wrong, and exactly that check says so.

use shroud_attestation::collateral::Collateral;
use shroud_attestation::{Check, Evidence, PlatformPolicy, Product, verify};
use shroud_attestation_mock::Platform;

use crate::fixture::{Case, Machine, NOW, failed, refusals};

#[test]
fn reject_format() {
    let machine = Machine::new();
    assert_eq!(machine.refused(|input| input.policy &= !(1 << 17)), [Check::Format]);
    assert_eq!(machine.refused(|input| input.policy |= 1 << 26), [Check::Format]);
    assert_eq!(machine.refused(|input| input.key_info |= 1 << 5), [Check::Format]);
    assert_eq!(machine.refused(|input| input.signature_algorithm = 2), [Check::Format]);
    for length in [0, 671] {
        let report = machine.platform.report(&machine.genuine()).unwrap();
        let short = Evidence { report: report.report[..length].to_vec(), ..report };
        let refused = refusals(verify(&short, &Machine::purpose(), &machine.values(), NOW));
        assert!(refused.contains(&Check::Format), "{length}: {refused:?}");
    }
}

/// Every byte that AMD reserves must be zero, by version.
#[test]
fn reject_reserved_bytes() {
    let machine = Machine::new();
    for (version, offset, checks) in [
        (3, 0x4c, vec![Check::Format]),
        (3, 0x18b, vec![Check::Format]),
        (3, 0x19f, vec![Check::Format]),
        (3, 0x1eb, vec![Check::Format]),
        (3, 0x1ef, vec![Check::Format]),
        (4, 0x1f8, vec![Check::Format]),
        (4, 0x200, vec![Check::Format]),
        (5, 0x208, vec![Check::Format]),
        (5, 0x29f, vec![Check::Format]),
        (5, 0x3a, vec![Check::Tcb]),
        (5, 0x1f5, vec![Check::Tcb]),
        (5, 0x1f8, vec![]),
        (5, 0x18a, vec![]),
    ] {
        let mut input = machine.genuine();
        input.version = version;
        let mut body = input.to_bytes();
        body[offset] = 1;
        let report = machine.platform.sign(&body).unwrap();
        let evidence = Evidence { report, certificates: machine.platform.certificates().to_vec() };
        let refused = refusals(verify(&evidence, &Machine::purpose(), &machine.values(), NOW));
        assert_eq!(refused, checks, "version {version}, {offset:#x}");
    }
}

#[test]
fn reject_signature() {
    let machine = Machine::new();
    let mut evidence = machine.platform.report(&machine.genuine()).unwrap();
    evidence.report[0x2a0] ^= 1;
    let refused = refusals(verify(&evidence, &Machine::purpose(), &machine.values(), NOW));
    assert_eq!(refused, [Check::Signature]);
}

/// Any self-signed root is not enough, however it is called.
#[test]
fn reject_chain_of_another_root() {
    let machine = Machine::new();
    let other = Machine { platform: Platform::for_tests("attestation-other").unwrap(), ..Machine::new() };
    let evidence = other.platform.report(&other.genuine()).unwrap();
    let refused = refusals(verify(&evidence, &Machine::purpose(), &machine.values(), NOW));
    assert_eq!(refused, [Check::Chain, Check::ChipId]);
}

#[test]
fn reject_chain_with_a_lookalike_root() {
    let Some(case) = Case::named("synth-a-lookalike-ark-real-ask") else { return };
    assert_eq!(failed(&case.examine()), [Check::Chain]);
    assert_eq!(
        failed(&case.examine_with(&case.root(), None)),
        [Check::Chain],
        "naming the root mends no link"
    );
}

/// What was given is used: AMD's pinned chain never takes the place of a wrong one.
#[test]
fn reject_chain_of_another_family() {
    for id in [
        "tamper-genoa-v5-wrong-family-chain",
        "tamper-milan-v3-wrong-family-chain",
        "tamper-turin-v5-wrong-family-chain",
    ] {
        let Some(mut case) = Case::named(id) else { return };
        assert!(failed(&case.examine()).contains(&Check::Chain), "{id}");
        case.collateral = Collateral::default();
        assert_eq!(failed(&case.examine()), [], "{id}: the control, without a chain");
    }
}

#[test]
fn reject_chain_without_a_vek() {
    let machine = Machine::new();
    let report = machine.platform.report(&machine.genuine()).unwrap().report;
    for certificates in [Vec::new(), machine.platform.ask_pem().as_bytes().to_vec()] {
        let evidence = Evidence { report: report.clone(), certificates };
        let refused = refusals(verify(&evidence, &Machine::purpose(), &machine.values(), NOW));
        assert_eq!(refused, [Check::Chain]);
    }
}

#[test]
fn reject_unreadable_certificates() {
    let machine = Machine::new();
    let report = machine.platform.report(&machine.genuine()).unwrap().report;
    let evidence = Evidence { report, certificates: b"certificates".to_vec() };
    let refused = refusals(verify(&evidence, &Machine::purpose(), &machine.values(), NOW));
    assert_eq!(refused, [Check::Format]);
}

#[test]
fn reject_validity() {
    let machine = Machine::new();
    let evidence = machine.platform.report(&machine.genuine()).unwrap();
    for now in [0, u64::from(u32::MAX)] {
        let refused = refusals(verify(&evidence, &Machine::purpose(), &machine.values(), now));
        assert_eq!(refused, [Check::Validity], "{now}");
    }
}

/// A list must be the root's, genuine, and current.
#[test]
fn reject_revocation_lists_that_prove_nothing() {
    let Some(mut case) = Case::named("synth-a-genoa-v3-baseline") else { return };
    let genuine = Case::named("synth-a-ask-revoked").unwrap();
    let crl = genuine.crl.clone().unwrap();
    let mut tampered = crl.clone();
    *tampered.last_mut().unwrap() ^= 1;
    for (list, field) in
        [(tampered, "CRL signature"), (crl[..crl.len() - 1].to_vec(), "CRL"), (Vec::new(), "CRL")]
    {
        case.collateral.crls = vec![list];
        let refused = case.examine_with(&case.root(), None);
        assert_eq!(failed(&refused), [Check::Revocation]);
        assert_eq!(refused.rejections()[0].field, field);
    }
    let mut revoking = Case::named("synth-a-ask-revoked").unwrap();
    revoking.collateral.crls = vec![crl];
    let out_of_date = revoking.examine_with(&revoking.root(), Some(NOW - 1));
    let fields: Vec<_> = out_of_date.rejections().iter().map(|rejection| rejection.field).collect();
    assert_eq!(fields, ["ASK", "CRL nextUpdate", "CRL"], "a revocation counts however old its list is");
}

#[test]
fn reject_revocation_without_the_list_that_policy_demands() {
    let mut machine = Machine::new();
    machine.policy.require_crl = true;
    assert_eq!(machine.refused(|_| {}), [Check::Revocation]);
}

#[test]
fn reject_tcb() {
    let machine = Machine::new();
    assert_eq!(machine.refused(|input| input.reported_tcb[6] -= 1), [Check::Tcb]);
}

#[test]
fn reject_chip_id() {
    let machine = Machine::new();
    assert_eq!(machine.refused(|input| input.chip_id[63] ^= 1), [Check::ChipId]);
}

/// An empty list of chips admits nobody.
#[test]
fn reject_chip_id_that_is_not_admitted() {
    let machine = Machine::new();
    let evidence = machine.platform.report(&machine.genuine()).unwrap();
    for chips in [vec![], vec![[1; 64]]] {
        let mut draft = machine.draft();
        draft.tuples[0].chips = chips;
        let values = crate::fixture::Signer::new("one").values(&draft);
        assert_eq!(refusals(verify(&evidence, &Machine::purpose(), &values, NOW)), [Check::ChipId]);
    }
}

#[test]
fn reject_key_kind() {
    let machine = Machine::new();
    for signing_key in 1..8 {
        assert_eq!(
            machine.refused(|input| input.key_info = signing_key << 2),
            [Check::KeyKind],
            "{signing_key}"
        );
    }
}

#[test]
fn reject_product() {
    let machine = Machine::new();
    assert_eq!(machine.refused(|input| input.cpuid = [0x19, 0x01, 1]), [Check::Product], "Milan by CPUID");
    assert_eq!(machine.refused(|input| input.cpuid = [0x17, 0x31, 0]), [Check::Product], "Rome");
    let refused = machine.refused(|input| input.cpuid = [0x1a, 0x02, 1]);
    assert!(refused.contains(&Check::Product), "Turin by CPUID: {refused:?}");
}

#[test]
fn reject_debug() {
    assert_eq!(Machine::new().refused(|input| input.policy |= 1 << 19), [Check::Debug]);
}

#[test]
fn reject_vmpl() {
    for vmpl in [1, 3, u32::MAX] {
        assert_eq!(Machine::new().refused(|input| input.vmpl = vmpl), [Check::Vmpl], "{vmpl}");
    }
}

#[test]
fn reject_measurement() {
    assert_eq!(Machine::new().refused(|input| input.measurement[0] ^= 1), [Check::Measurement]);
}

#[test]
fn reject_host_data() {
    assert_eq!(Machine::new().refused(|input| input.host_data[0] ^= 1), [Check::HostData]);
}

/// The configuration of one guest does not go with the measurement of another.
#[test]
fn reject_host_data_of_another_tuple() {
    let machine = Machine::new();
    let mut draft = machine.draft();
    let mut other = machine.tuple();
    (draft.tuples[0].host_data, other.measurement) = ([1; 32], [2; 48]);
    draft.tuples.push(other);
    let values = crate::fixture::Signer::new("one").values(&draft);
    let evidence = machine.platform.report(&machine.genuine()).unwrap();
    assert_eq!(refusals(verify(&evidence, &Machine::purpose(), &values, NOW)), [Check::HostData]);
}

#[test]
fn reject_id_key() {
    let mut machine = Machine::new();
    machine.policy.id_keys = Some(vec![shroud_attestation::platform::KeyDigest([5; 48])]);
    assert_eq!(machine.refused(|_| {}), [Check::IdKey]);
    assert_eq!(machine.refused(|input| input.id_key_digest = [5; 48]), []);
}

#[test]
fn reject_author_key() {
    let mut machine = Machine::new();
    machine.policy.author_keys = Some(vec![shroud_attestation::platform::KeyDigest([5; 48])]);
    assert_eq!(machine.refused(|_| {}), [Check::AuthorKey]);
    assert_eq!(machine.refused(|input| input.author_key_digest = [5; 48]), []);
}

#[test]
fn reject_report_data() {
    assert_eq!(Machine::new().refused(|input| input.report_data[63] ^= 1), [Check::ReportData]);
}

/// A failure says what would have passed, what was there, and what to do.
#[test]
fn every_rejection_names_field_and_remedy() {
    let machine = Machine::new();
    let mut input = machine.genuine();
    input.policy |= 1 << 19;
    let rejected = machine.verify(&input).unwrap_err();
    let [rejection] = rejected.rejections.as_slice() else { panic!("{rejected}") };
    assert_eq!(
        (rejection.field, rejection.expected.as_str(), rejection.found.as_str()),
        ("POLICY bit 19 (DEBUG)", "0", "1")
    );
    assert!(rejection.remedy.contains("bit 19 clear"));
    assert!(rejected.to_string().contains("debug (POLICY bit 19 (DEBUG)): expected 0, found 1"));
}

#[test]
fn reject_a_product_that_policy_leaves_out() {
    let machine = Machine {
        policy: PlatformPolicy { products: vec![Product::Turin], ..PlatformPolicy::default() },
        ..Machine::new()
    };
    assert_eq!(machine.refused(|_| {}), [Check::Product]);
}

/// A root that the caller names must at least be signed by itself.
#[test]
fn reject_chain_under_a_damaged_root() {
    let Some(mut case) = Case::named("synth-a-genoa-v3-baseline") else { return };
    *case.collateral.certificates.last_mut().unwrap().last_mut().unwrap() ^= 1;
    assert_eq!(failed(&case.examine_with(&case.root(), None)), [Check::Chain]);
}
