//! The checks `measurement`, `host_data`, `chip_id` and `report_data` against what was agreed.
//!
//! One tuple must match in all three: a measurement with the configuration of another is refused.

use crate::finding::Findings;
use crate::reference::Tuple;
use crate::{Check, Report};

pub(super) fn judge(report: &Report, tuples: &[Tuple], findings: &mut Findings) {
    let measured: Vec<&Tuple> =
        tuples.iter().filter(|tuple| tuple.measurement == report.measurement).collect();
    if measured.is_empty() {
        findings.reject(
            Check::Measurement,
            "MEASUREMENT",
            list(tuples.iter().map(|tuple| tuple.measurement)),
            hex::encode(report.measurement),
            "Launch a published release, or add this measurement to the reference values, signed by the operators.",
        );
    } else {
        findings.pass(Check::Measurement, hex::encode(report.measurement));
    }
    let candidates = if measured.is_empty() { tuples.iter().collect() } else { measured };
    host_data(report, &candidates, findings);
}

fn host_data(report: &Report, candidates: &[&Tuple], findings: &mut Findings) {
    let configured: Vec<&Tuple> =
        candidates.iter().copied().filter(|tuple| tuple.host_data == report.host_data).collect();
    if configured.is_empty() {
        findings.reject(
            Check::HostData,
            "HOST_DATA",
            list(candidates.iter().map(|tuple| tuple.host_data)),
            hex::encode(report.host_data),
            "Launch with the agreed configuration, or add its SHA-256 to the reference values.",
        );
    } else {
        findings.pass(Check::HostData, hex::encode(report.host_data));
    }
    let candidates = if configured.is_empty() { candidates.to_vec() } else { configured };
    chip(report, &candidates, findings);
}

fn chip(report: &Report, candidates: &[&Tuple], findings: &mut Findings) {
    let mut chips = candidates.iter().flat_map(|tuple| &tuple.chips);
    if chips.clone().any(|chip| *chip == report.chip_id) {
        findings.pass(Check::ChipId, "one that the reference values admit");
        return;
    }
    let expected = match chips.next() {
        None => "no chip is admitted".into(),
        Some(_) => list(candidates.iter().flat_map(|tuple| tuple.chips.iter().copied())),
    };
    let remedy = "Add this chip to the reference values if it is one of yours; a masked chip id can be none.";
    findings.reject(Check::ChipId, "CHIP_ID", expected, hex::encode(report.chip_id), remedy);
}

/// Whether the report was asked for this purpose.
pub(super) fn judge_report_data(report: &Report, expected: &[u8; 64], findings: &mut Findings) {
    if report.report_data == *expected {
        findings.pass(Check::ReportData, "bound to this purpose");
        return;
    }
    let remedy = "The report was made for another key, session or request: ask for a fresh one. If it persists, \
                  somebody relays.";
    findings.reject(
        Check::ReportData,
        "REPORT_DATA",
        hex::encode(expected),
        hex::encode(report.report_data),
        remedy,
    );
}

/// Up to four values, for a person.
fn list<const N: usize>(values: impl Iterator<Item = [u8; N]>) -> String {
    let mut shown: Vec<String> = Vec::new();
    for value in values.map(hex::encode) {
        if !shown.contains(&value) {
            shown.push(value);
        }
    }
    let more = shown.len().saturating_sub(4);
    shown.truncate(4);
    match (shown.as_slice(), more) {
        ([], _) => "none is admitted".into(),
        (shown, 0) => shown.join(" or "),
        (shown, more) => format!("{} or {more} more", shown.join(" or ")),
    }
}
