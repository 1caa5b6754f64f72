//! The check `format`: the report is canonical.

use crate::finding::Findings;
use crate::report::{LENGTH, canonical};
use crate::{Check, Report};

/// Names every difference from the canonical form, and reads the fields as far as there are any.
pub(super) fn judge(bytes: &[u8], findings: &mut Findings) -> Option<Report> {
    let problems = canonical::problems(bytes);
    for problem in &problems {
        let remedy = match problem.field {
            "length" => "Pass the report as the security processor gave it, without a header or padding.",
            "VERSION" => "Use a verifier that knows this version, if it is a genuine one.",
            _ => "The bytes were changed on their way, or are of a newer format: obtain the report again.",
        };
        findings.reject(Check::Format, problem.field, problem.expected, problem.found.clone(), remedy);
    }
    let report = Report::read(bytes)?;
    if problems.is_empty() {
        findings.pass(Check::Format, format!("version {}, {LENGTH} bytes, canonical", report.version));
    }
    Some(report)
}
