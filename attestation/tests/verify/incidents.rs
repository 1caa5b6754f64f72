//! One test for each thing that happened elsewhere and that concerns evidence and collateral.

use std::fs;

use shroud_attestation::collateral::Collateral;
use shroud_attestation::plan::{Change, Known, plan};
use shroud_attestation::platform::TcbBounds;
use shroud_attestation::purpose;
use shroud_attestation::report::Tcb;
use shroud_attestation::{Check, Level, PlatformPolicy, Product, Report, verify};

use crate::fixture::{Case, Machine, NOW, failed, refusals, vectors};

/// Turin's chip id is eight bytes and zeros.
#[test]
fn turin_chip_id() {
    let Some(mut case) = Case::named("turin-v5-oak") else { return };
    assert_eq!(case.report[0x1a8..0x1e0], [0; 56]);
    assert!(case.examine().passed(&[Check::ChipId]));
    case.report[0x1a8] = 1;
    assert!(failed(&case.examine()).contains(&Check::ChipId));
}

#[test]
fn report_version_unknown_is_refused() {
    let Some(mut case) = Case::named("synth-a-version-6-signed") else { return };
    assert_eq!(failed(&case.examine_with(&case.root(), None)), [Check::Format]);
    for version in [0_u8, 1, 6, 255] {
        case.report[0] = version;
        assert!(failed(&case.examine()).contains(&Check::Format), "{version}");
    }
}

/// The version does not tell the product: 4 on Milan, 5 on Genoa, by their own layouts.
#[test]
fn report_version_does_not_choose_the_layout() {
    for id in ["milan-v4-gcp-cartridge", "genoa-v5-oak", "siena-or-bergamo-v5-lunal", "turin-v5-oak"] {
        let Some(case) = Case::named(id) else { return };
        assert_eq!(failed(&case.examine()), [], "{id}");
    }
}

#[test]
fn report_version_2_takes_its_product_from_the_certificate() {
    let Some(case) = Case::named("milan-v2-virtee-sev") else { return };
    assert!(case.examine().report().unwrap().cpuid.is_none());
    assert!(case.examine().passed(&[Check::Product, Check::Tcb]));
}

/// The first ASK of Genoa chains to the root, and is refused with AMD's list and without.
#[test]
fn revoked_ask() {
    let Some(mut case) = Case::named("old-genoa-ask-revoked") else { return };
    assert_eq!(failed(&case.examine()), [Check::Chain, Check::Revocation]);
    let list = fs::read(vectors().unwrap().join("snp/crls/genoa_2024-10-23.crl.der")).unwrap();
    case.collateral.crls.push(list);
    let refused = case.examine();
    let revoked = refused.rejections().iter().filter(|r| r.check == Check::Revocation).count();
    assert_eq!(revoked, 2, "the shipped revocation and the list's: {:?}", refused.rejections());
}

#[test]
fn revoked_ask_of_another_root() {
    let Some(mut case) = Case::named("synth-a-ask-revoked") else { return };
    assert_eq!(failed(&case.examine_with(&case.root(), None)), []);
    let crl = case.crl.take().unwrap();
    case.collateral.crls.push(crl);
    assert_eq!(failed(&case.examine_with(&case.root(), None)), [Check::Revocation]);
}

#[test]
fn vlek_chain_ends_in_asvk() {
    let Some(case) = Case::named("tamper-vlek-chain-with-ask-not-asvk") else { return };
    assert_eq!(failed(&case.examine()), [Check::Chain]);
    let genuine = Case::named("milan-v2-vlek-aws-vmpl1-trustee").unwrap();
    assert_eq!(failed(&genuine.examine()), []);
}

/// Without a chain, the pinned ASVK takes its place, as the ASK does for a VCEK.
#[test]
fn vlek_uses_the_pinned_asvk() {
    let Some(mut case) = Case::named("milan-v2-vlek-aws-vmpl1-trustee") else { return };
    case.collateral = Collateral::default();
    assert_eq!(failed(&case.examine()), []);
    assert_eq!(case.examine().level(), Some(Level::SevSnp));
}

#[test]
fn vlek_expires() {
    let Some(case) = Case::named("milan-v2-vlek-aws-vmpl1-trustee") else { return };
    let (in_2024, in_2026) = (1_719_792_000, NOW);
    assert_eq!(failed(&case.examine_with(&[], Some(in_2024))), []);
    assert_eq!(failed(&case.examine_with(&[], Some(in_2026))), [Check::Validity]);
}

/// A masked chip is no chip of anybody's list.
#[test]
fn vlek_zero_chip_id_is_admitted_by_nobody() {
    let Some(case) = Case::named("milan-v2-vlek-aws-vmpl1-trustee") else { return };
    let machine = Machine::new();
    let rejected = verify(&case.evidence(), &Machine::purpose(), &machine.values(), NOW).unwrap_err();
    assert!(rejected.names(Check::ChipId), "{rejected}");
}

#[test]
fn vlek_named_by_a_report_that_a_vcek_signed() {
    let Some(case) = Case::named("synth-a-key-info-says-vlek") else { return };
    assert_eq!(failed(&case.examine_with(&case.root(), None)), [Check::KeyKind]);
}

#[test]
fn tcb_of_report_and_certificate_must_match() {
    for id in ["synth-a-tcb-mismatch-signed", "synth-a-turin-v5-legacy-layout-vcek"] {
        let Some(case) = Case::named(id) else { return };
        assert_eq!(failed(&case.examine_with(&case.root(), None)), [Check::Tcb], "{id}");
    }
}

/// A report made for another nonce, key or session is not fresh.
#[test]
fn stale_evidence() {
    let machine = Machine::new();
    let evidence = machine.platform.report(&machine.genuine()).unwrap();
    let values = machine.values();
    for expected in
        [purpose::session(&[8; 32]), purpose::tls_certificate(&[7; 32]), purpose::release(&[7; 32])]
    {
        assert_eq!(refusals(verify(&evidence, &expected, &values, NOW)), [Check::ReportData]);
    }
    assert!(verify(&evidence, &Machine::purpose(), &values, NOW).is_ok());
}

/// One purpose's report is never another's, although the bytes inside are the same.
#[test]
fn purpose_confusion_between_reports() {
    let machine = Machine::new();
    let mut input = machine.genuine();
    input.report_data = *purpose::tls_certificate(&[7; 32]).as_bytes();
    assert_eq!(refusals(machine.verify(&input)), [Check::ReportData]);
}

/// A new bound is tried on what is known before it refuses somebody.
#[test]
fn tcb_plan() {
    let machine = Machine::new();
    let known = |name: &str, microcode: u8| {
        let mut input = machine.genuine();
        input.reported_tcb[7] = microcode;
        let report = Report::parse(&machine.platform.report(&input).unwrap().report).unwrap();
        Known { name: name.into(), product: report.product(), report }
    };
    let with = |microcode: u8| {
        let reported = Some(Tcb { microcode, ..Tcb::default() });
        let bounds = TcbBounds { reported, ..TcbBounds::default() };
        PlatformPolicy { minimum_tcb: [(Product::Genoa, bounds)].into(), ..PlatformPolicy::default() }
    };
    let fleet = [known("old", 70), known("refreshed", 84)];
    let rise: Vec<Change> =
        plan(&with(70), &with(80), &fleet).into_iter().map(|(_, change)| change).collect();
    let [Change::Refused(why), Change::Admitted] = rise.as_slice() else { panic!("{rise:?}") };
    assert_eq!(why.iter().map(|rejection| rejection.check).collect::<Vec<_>>(), [Check::Tcb]);
    let fall: Vec<Change> =
        plan(&with(90), &with(80), &fleet).into_iter().map(|(_, change)| change).collect();
    assert!(matches!(fall.as_slice(), [Change::StillRefused(_), Change::NewlyAdmitted]), "{fall:?}");
}
