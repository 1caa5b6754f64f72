//! Genuine reports of each product: accepted whole, refused for any change.

use std::fs;

use proptest::prelude::*;
use shroud_attestation::report::SIGNED;
use shroud_attestation::{Check, Evidence, Level, PlatformPolicy, Product, verify};

use crate::fixture::{Case, Machine, NOW, cloud_policy, failed, refusals, vectors};

const GENUINE: [(&str, Product); 3] =
    [("milan-v3-dstack", Product::Milan), ("genoa-v5-oak", Product::Genoa), ("turin-v5-oak", Product::Turin)];

/// Every bit of the signed region counts.
#[test]
fn raw_bytes_bit_flip() {
    for (id, _) in GENUINE {
        let Some(mut case) = Case::named(id) else { return };
        assert_eq!(failed(&case.examine()), []);
        for bit in 0..SIGNED * 8 {
            case.report[bit / 8] ^= 1 << (bit % 8);
            assert!(failed(&case.examine()).contains(&Check::Signature), "{id}: bit {bit}");
            case.report[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// Outside the signed region, every bit counts too.
#[test]
fn unsigned_bytes_bit_flip() {
    let Some(mut case) = Case::named("genoa-v5-oak") else { return };
    for bit in SIGNED * 8..case.report.len() * 8 {
        case.report[bit / 8] ^= 1 << (bit % 8);
        let found = failed(&case.examine());
        let in_number = matches!(bit / 8 - SIGNED, 0..48 | 72..120);
        assert_eq!(found.contains(&Check::Signature), bit / 8 - SIGNED < 144, "bit {bit}");
        assert_eq!(found.contains(&Check::Format), !in_number, "bit {bit}");
        case.report[bit / 8] ^= 1 << (bit % 8);
    }
}

/// (r, n − s) is genuine; what is keyed on a report must not hang on these bytes.
#[test]
fn signature_malleable_twin_is_accepted() {
    let Some(case) = Case::named("tamper-milan-v3-sig-s-negated") else { return };
    assert_eq!(failed(&case.examine()), []);
}

/// What (r, n − s) is not: numbers out of range, and bytes after them.
#[test]
fn signature_malleable_encodings_are_refused() {
    for (id, checks) in [
        ("tamper-genoa-v5-sig-r-plus-n", vec![Check::Format, Check::Signature]),
        ("tamper-milan-v2-sig-tail-nonzero", vec![Check::Format]),
        ("tamper-milan-v2-sig-zero", vec![Check::Signature]),
    ] {
        let Some(case) = Case::named(id) else { return };
        assert_eq!(failed(&case.examine()), checks, "{id}");
    }
}

/// Nothing but files is needed to judge genuine evidence against reference values. Only its purpose is refused: no
/// purpose of Shroud's gives the data of somebody else's report.
#[test]
fn collateral_offline() {
    let october_2026 = 1_790_812_800;
    for (id, product) in GENUINE {
        let Some(case) = Case::named(id) else { return };
        let policy = PlatformPolicy { products: vec![product], require_alias_check: false, ..cloud_policy() };
        let outcome = verify(&case.evidence(), &Machine::purpose(), &case.values(policy), october_2026);
        assert_eq!(refusals(outcome), [Check::ReportData], "{id}");
    }
}

#[test]
fn a_verified_report_says_what_was_checked() {
    let machine = Machine::new();
    let verified = machine.verify(&machine.genuine()).unwrap();
    assert_eq!(verified.level(), Level::Dev);
    assert_eq!(verified.product(), Product::Genoa);
    assert_eq!(verified.measurement(), &machine.launch.measurement);
    assert_eq!(verified.host_data(), &machine.launch.host_data);
    assert_eq!(verified.chip_id(), machine.platform.chip_id());
    assert_eq!(verified.report_data(), Machine::purpose().as_bytes());
    for check in Check::ALL {
        assert!(verified.checks().iter().any(|checked| checked.check == check), "{check}");
    }
}

/// AMD's word is never lent to another root, nor the other way round.
#[test]
fn the_level_follows_the_root() {
    let Some(case) = Case::named("genoa-v5-oak") else { return };
    assert_eq!(case.examine().level(), Some(Level::SevSnp));
    assert_eq!(case.examine_with(&case.root(), None).level(), Some(Level::SevSnp));
    let synthetic = Case::named("synth-a-genoa-v3-baseline").unwrap();
    assert_eq!(synthetic.examine().level(), None);
    assert_eq!(synthetic.examine_with(&synthetic.root(), None).level(), Some(Level::Dev));
}

#[test]
fn refused_evidence_is_shown_in_full() {
    let machine = Machine::new();
    let refused = machine.refused(|input| {
        input.vmpl = 3;
        input.policy |= 1 << 19;
        input.measurement = [1; 48];
        input.report_data = [2; 64];
    });
    assert_eq!(refused, [Check::Debug, Check::Vmpl, Check::Measurement, Check::ReportData]);
    assert_eq!(refusals(machine.verify(&machine.genuine())), []);
}

/// Every bit of the certificate counts: there is no second encoding of what AMD signed.
#[test]
fn certificate_bit_flip() {
    let Some(mut case) = Case::named("genoa-v5-oak") else { return };
    for bit in 0..case.vek.as_ref().map_or(0, Vec::len) * 8 {
        let flip = |case: &mut Case| case.vek.as_mut().unwrap()[bit / 8] ^= 1 << (bit % 8);
        flip(&mut case);
        assert_ne!(failed(&case.examine()), [], "bit {bit}");
        flip(&mut case);
    }
}

/// Every bit of a revocation list counts.
#[test]
fn revocation_list_bit_flip() {
    let Some(mut case) = Case::named("genoa-v5-oak") else { return };
    let list = fs::read(vectors().unwrap().join("snp/crls/genoa_2024-10-23.crl.der")).unwrap();
    case.collateral.crls = vec![list];
    assert_eq!(failed(&case.examine()), []);
    for bit in 0..case.collateral.crls[0].len() * 8 {
        case.collateral.crls[0][bit / 8] ^= 1 << (bit % 8);
        assert_eq!(failed(&case.examine()), [Check::Revocation], "bit {bit}");
        case.collateral.crls[0][bit / 8] ^= 1 << (bit % 8);
    }
}

proptest! {
    /// Bytes from anywhere are refused, and nothing else happens.
    #[test]
    fn hostile_evidence_is_refused(report: Vec<u8>, certificates: Vec<u8>) {
        let evidence = Evidence { report, certificates };
        let outcome = verify(&evidence, &Machine::purpose(), &Machine::new().values(), NOW);
        prop_assert!(outcome.is_err());
    }
}
